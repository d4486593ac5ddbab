// Dissemination: how transactions reach all validators before they are ordered. Rules D1 to D9 of the protocol.
//
// - D1  Each validator owns a lane: a hash chain of batches, each signed by its owner once and verified by others once.
// - D2  A batch is sealed at once when nothing of the lane is in flight (sealed, not yet ordered), else at 64 KiB or after
//       a quarter of the time that ordering takes, within `sealDelay` and `sealDelayMax`. The owner sends it to each
//       peer directly and once: each byte crosses each link once.
// - D3  f+1 acknowledgements of a tip prove that its data can be had. They are made on demand: when a tip was not ordered
//       within `solicitAfter`, or three times what is usual at present, its owner solicits them, or at once while blocks
//       lately named its tips with proofs. The reason is economy: a signature costs 24 us and its verification 59 us, which every batch would cost n times, while a
//       tip of a lane in good standing is ordered without any. An acknowledgement vouches for the chain up to its tip, is
//       sent to the owner alone and at most once in `ackPause`. Who lacks a solicited tip fetches it: solicitation
//       is also how lost batches are noticed.
// - D4  A cut names lane tips: proven ones, or optimistic ones of lanes in good standing. A voter needs the data of
//       optimistic tips before it votes and fetches it from the leader, then from the owner, then from the others.
// - D5  A lane whose batch came late to a block that named it, made the view slow: for 256 views it needs proofs. Only
//       a batch that did come counts, since it bears the owner's signature: no leader can accuse a lane with a made-up tip.
//       At most f lanes are out of standing at a time, the latest offenders: if more seem late, this node is.
// - D6  The batches of a block are ordered lane by lane, starting at lane (view mod n), ascending in each.
// - D7  Whoever learns a proof of an unordered tip sends it to everybody. A voter may call a block's omission of a lane if,
//       at least max(2 views, 4 D), doubled for each view nullified in a row, before it entered the view, it had itself
//       sent a proof above the cut's sequence, and it knows of no fork of the lane.
// - D8  The engine executes a transaction at most once; a lane refuses repetitions within a bounded window.
// - D9  Everything is bounded: see `LaneLimits` and `LaneSettings`. Own submissions beyond the budget ahead of the final
//       cut are refused with back-pressure, peers' batches beyond theirs are dropped and fetched later when needed.
//
// The host's duties: carry out effects in order; make `persist` durable before a later effect leaves (one sync for
// a turn); call `final` for a cut when its block is final, executed and stored, since its batches may be forgotten
// then; `ordered` earlier when it is order-final; on `missing`, call `fetch` (again at leisure: it is idempotent) and
// ask for the verdict again after `held`; after a restart give the journal to `init`, then `final` of the ledger's
// newest block, then `start`.

public import Primitives
public import Sodium

public struct Lanes: Sendable {
  public enum Input: Sendable {
    /// Once, after init.
    case start
    /// From a client of this node. With `isMoreComing` the host promises another input in the same turn, so that what came
    /// together shares one batch, and one signature: nothing but a full batch is sealed before that input.
    case submit(transaction: [UInt8], isMoreComing: Bool = false)
    /// From a validator; an index of n or more stands for anybody else who is connected.
    case message(from: ValidatorIndex, LaneMessage)
    /// A batch whose signature the host has verified, with its header.
    case verified(from: ValidatorIndex, LaneBatch, LaneHeader)
    case tick
    /// The block with this cut is order-final: its batches are no longer in flight.
    case ordered(LaneCut)
    /// The block with this cut is final, executed and stored.
    case final(LaneCut)
    /// `nullifiedInARow` views before this one were nullified; `delay` is the agreement's D in nanoseconds.
    case enteredView(View, leader: ValidatorIndex, nullifiedInARow: Int, delay: Int64 = Duration64.second)
    /// The host found that these lanes made a view slow.
    case viewSlow(View, lanes: [ValidatorIndex])
    /// This node may have forgotten what it signed: the own lane seals nothing more.
    case suspendOwnLane
    /// Agreement trusts this node again: the own lane asks the others for its end, then goes on (D1).
    case resumeOwnLane
  }

  public enum Effect: Sendable {
    /// To the journal; durable before any later effect leaves the node.
    case persist(LaneJournalEntry)
    case send(to: ValidatorIndex, LaneMessage)
    /// To every other validator, and to whoever follows.
    case broadcast(LaneMessage)
    /// Earliest next `tick`; replaces the one before.
    case timer(at: Instant)
    /// Newly held, own batches included; after `start`, also what the journal brought back.
    case held(LaneBatch, Digest)
    /// A submission that goes nowhere. The digest is the plain BLAKE2b-256 of its bytes.
    case refused(transaction: Digest, LaneRefusal)
    case report(ValidatorIndex, LaneFault)
    /// The lane needs proofs up to this view (`View.max`: for good).
    case standingLost(lane: ValidatorIndex, until: View)
  }

  let chain: Digest
  let keys: [PublicKey]
  let f: Int
  let index: ValidatorIndex?
  let signer: Signer
  let scheme: SignatureScheme
  let settings: LaneSettings

  var lanes: [Lane]
  var own = OwnLane()
  var wants: [Want] = []
  var view: View = 0
  var nullifiedInARow = 0
  var answered: [AnswerBudget]
  var timerAt: Instant?
  public internal(set) var statistics = LaneStatistics()

  /// - Parameters:
  ///   - index: nil for an observer, which holds and serves batches, and owns, vouches for and seals nothing.
  ///   - recovered: the journal's entries, in order.
  ///   - suspended: true after the journal was lost: the own lane seals nothing before `resumeOwnLane` and the answers to
  ///     what it asks then, for a batch of an already used sequence would be a fork.
  public init(
    chain: Digest, keys: [PublicKey], f: Int, index: ValidatorIndex?, signer: Signer, scheme: SignatureScheme,
    settings: LaneSettings = LaneSettings(), recovered: [LaneJournalEntry] = [], suspended: Bool = false
  ) {
    precondition(!keys.isEmpty && keys.count <= LaneLimits.lanes && f >= 0 && f < keys.count)
    precondition(index.map { Int($0) < keys.count } ?? true, "an index is one of the keys'")
    self.chain = chain
    self.keys = keys
    self.f = f
    self.index = index
    self.signer = signer
    self.scheme = scheme
    self.settings = settings
    lanes = keys.indices.map { Lane(ValidatorIndex($0)) }
    answered = Array(repeating: AnswerBudget(), count: keys.count + 1)
    recover(recovered)
    if suspended { own.memory = .suspended }
  }

  public mutating func step(_ input: Input, at now: Instant, into effects: inout [Effect]) {
    switch input {
    case .start: start(at: now, into: &effects)
    case .submit(let transaction, let isMoreComing):
      submit(transaction, at: now, into: &effects)  // D2, D8, D9
      if isMoreComing && !isOpenBatchFull { return }
    case .message(let from, let message): receive(message, from: from, at: now, into: &effects)
    case .verified(let from, let batch, let header):
      receive(batch, header: header, isVerified: true, from: from, at: now, into: &effects)
    case .tick: timerAt = nil  // The timer is spent, even if it came early.
    case .ordered(let cut): ordered(cut, at: now)
    case .final(let cut): final(cut, at: now)
    case .enteredView(let view, let leader, let nullified, let delay):
      enterView(view, leader: leader, nullifiedInARow: nullified, delay: delay, at: now)  // D7
    case .viewSlow(let view, let blamed):
      for lane in blamed { loseStanding(lane, in: view, into: &effects) }  // D5
    case .suspendOwnLane: suspendOwnLane(into: &effects)  // D1
    case .resumeOwnLane: resumeOwnLane()
    }
    runDue(at: now, into: &effects)
  }

  /// Whatever time or other inputs have made due. Every entry point ends here.
  mutating func runDue(at now: Instant, into effects: inout [Effect]) {
    recallIfDue(at: now, into: &effects)
    sealIfDue(at: now, into: &effects)
    solicitIfDue(at: now, into: &effects)
    sendOwedAcks(at: now, into: &effects)
    askForWanted(at: now, into: &effects)
    var next: Instant?
    for candidate in [sealDue(at: now), own.solicitAt, nextOwedAck, nextAsk, nextRecall] {
      if let candidate { next = min(next ?? candidate, candidate) }
    }
    if let next, next != timerAt { effects.append(.timer(at: next)) }
    timerAt = next
  }

  private mutating func start(at now: Instant, into effects: inout [Effect]) {
    if case .suspended = own.memory { effects.append(.persist(.remembers(false))) }
    for lane in lanes.indices {
      for hash in lanes[lane].chain.main + lanes[lane].chain.loose {
        guard let held = lanes[lane].chain[hash] else { continue }
        effects.append(.held(held.batch, hash))
        // Nobody may have received them before the restart; they are the same bytes.
        if index.map({ Int($0) == lane }) ?? false { effects.append(.broadcast(.batch(held.batch))) }
      }
      wantPredecessors(of: lane, from: ValidatorIndex(lane), at: now)
    }
    restartSolicitation(at: now)
  }

  // MARK: - Final and ordered cuts

  private mutating func ordered(_ cut: LaneCut, at now: Instant) {
    var ownProgress = false
    for tip in cut.tips where Int(tip.lane) < lanes.count && tip.sequence > lanes[Int(tip.lane)].ordered {
      lanes[Int(tip.lane)].noteOrdered(tip.sequence)
      guard tip.lane == index else { continue }
      ownProgress = true
      own.noteOrdered(tip.sequence, at: now)
      // A leader names a proof only where it would not order the tip without one.
      if tip.proof != nil { own.eagerUntil = view + LaneLimits.standingViews / 8 }
    }
    if ownProgress { restartSolicitation(at: now) }
  }

  private mutating func final(_ cut: LaneCut, at now: Instant) {
    ordered(cut, at: now)
    for tip in cut.tips where Int(tip.lane) < lanes.count {
      lanes[Int(tip.lane)].chain.advance(
        to: tip.point, retaining: settings.retainedBatches, bytes: settings.retainedBytes)
    }
    wants.removeAll { $0.point.sequence <= lanes[Int($0.point.lane)].chain.base.sequence }
  }

  // MARK: - Restart

  private mutating func recover(_ entries: [LaneJournalEntry]) {
    for entry in entries {
      switch entry {
      case .floor(let cut): final(cut, at: 0)
      case .evidence(let evidence):
        if Int(evidence.first.lane) < lanes.count { lanes[Int(evidence.first.lane)].evidence = evidence }
      case .batch(let batch): recover(batch)
      case .remembers(let isWhole): own.memory = isWhole ? .whole : .asking(LaneRecall())
      }
    }
    for lane in lanes.indices { lanes[lane].isForked = lanes[lane].evidence != nil }
  }

  /// The journal holds what was verified before it was written.
  private mutating func recover(_ batch: LaneBatch) {
    guard Int(batch.lane) < lanes.count, batch.sequence > lanes[Int(batch.lane)].chain.base.sequence else { return }
    if Mutant.has(.laneForgottenOnRestart) { return }
    let held = HeldBatch(batch, chain: chain)
    guard !lanes[Int(batch.lane)].chain.contains(held.hash), lanes[Int(batch.lane)].chain.mayFollow(batch) else {
      return
    }
    lanes[Int(batch.lane)].chain.insert(held)
    guard batch.lane == index else { return }
    for transaction in batch.transactions {
      own.remembered.insert(Blake2b.hash(transaction), limit: settings.rememberedTransactions)
    }
  }

  /// A journal that says the same as all entries so far: for rewriting it.
  public func journalSnapshot() -> [LaneJournalEntry] {
    var cut = LaneCut()
    for lane in lanes where lane.chain.base.sequence > 0 { cut.append(LaneTip(point: lane.chain.base)) }
    var entries: [LaneJournalEntry] = [.floor(cut)]
    if !own.memory.isWhole { entries.append(.remembers(false)) }
    for lane in lanes {
      if let evidence = lane.evidence { entries.append(.evidence(evidence)) }
      for batch in lane.chain.unfinal where !Mutant.has(.batchesNotRewritten) { entries.append(.batch(batch)) }
    }
    return entries
  }
}
