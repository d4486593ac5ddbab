// One whole node without input or output: dissemination, agreement, execution, proofs and reads composed in one value.
//
// The host's duties:
//  1. call `step` with one input at a time, from one thread, and perform the effects in their order;
//  2. make every `persist` durable before any later effect leaves the node (one sync may cover a whole turn);
//  3. answer `verify`, `commit` and `loadBlocks` with their inputs, in any order, each exactly once;
//  4. deliver messages only from authenticated peers: validators by their index, observers by numbers from the committee's
//     size on, one for each session; and step again at the latest when `wake` asks for it;
//  5. stop on `halt`.
// A run is its list of inputs: the same list gives the same effects.

public import Clearing
public import Consensus
public import Gossip
public import Ledger
public import Primitives
public import Sodium
import Threshold
import Wire

public struct ReplicaSettings: Sendable {
  public var consensus = ConsensusSettings()
  public var lanes = LaneSettings()
  /// Journal bytes after which it is rewritten.
  public var journalBytesMax = 16 << 20
  /// A commit begins at the earliest this many times its predecessor's duration after that began, so that what changes
  /// in many blocks is written once; and at most `commitPauseMax` after it, since peers catch up from what is committed.
  public var commitPause: Int64 = 2
  public var commitPauseMax: Instant = 100 * Duration64.millisecond
  /// Blocks above the last committed one after which the replica stops executing until the ledger has caught up.
  public var uncommittedMax = 512
  /// Observers served at once (O3).
  public var observersMax = 64
  /// H4: tells the chain once an epoch which validators were late.
  public var reportsLate = true
  /// J8: tells the chain of misbehaviour that this node has proof of.
  public var reportsEvidence = true

  public init() {
    // A block's execution occupies the loop: at some 50 bytes an action this is about 20,000 of them.
    lanes.cutBytes = 1 << 20
  }
}

/// What a node finds when it starts: its ledger's last block and state, and its journal.
public struct Recovery: Sendable {
  /// Last block in the ledger; nil for a ledger that has only genesis.
  public var head: FinalBlock?
  /// Range over all blocks up to and including the head (or genesis).
  public var history: HistoryTree
  public var journal: [JournalRecord]
  /// The journal is missing, damaged or older than the ledger: vote only when that is provably safe.
  public var amnesiac: Bool
  /// State roots of the ledger's last blocks, `ConsensusLimits.executionLag` of them if there are as many: headers may
  /// still name them (C15).
  public var recentRoots: [(height: Height, root: Digest)]
  /// This node's last vote in a certificate of the ledger: if the journal knows nothing of it, the journal is older.
  public var ballot: OwnBallot?
  /// R3: the block that stands for the genesis, where that is not at height 0.
  public var genesis: Proposal?

  public init(
    head: FinalBlock?, history: HistoryTree, journal: [JournalRecord], amnesiac: Bool,
    recentRoots: [(height: Height, root: Digest)] = [], ballot: OwnBallot? = nil
  ) {
    self.head = head
    self.recentRoots = recentRoots
    self.ballot = ballot
    self.history = history
    self.journal = journal
    self.amnesiac = amnesiac
  }

  /// What the journal says of one committee. What a later one left in it is kept apart: it counts when the ledger has come
  /// that far again.
  func entries(of epoch: Epoch) -> [JournalRecord] {
    var current: Epoch = 0
    var found: [JournalRecord] = []
    for record in journal {
      if case .epoch(let next) = record { current = next } else if current == epoch { found.append(record) }
    }
    return found
  }

  /// The last committee that the journal knows.
  var lastEpoch: Epoch {
    for case .epoch(let epoch) in journal.reversed() { return epoch }
    return 0
  }

  /// E5: amnesia goes with the node. It stopped between the last block of a committee and the new one's journal.
  func wasAmnesiac(before epoch: Epoch) -> Bool {
    guard lastEpoch < epoch else { return false }
    let last = JournalEntries(entries(of: lastEpoch))
    return last.saysAmnesiac || last.floor > head?.proposal.header.view ?? 0
  }

  /// Amnesia that a clean journal does not show by itself: the ledger holds a certificate with a vote of `voter` in a view
  /// above every one that the journal remembers. A first or fallback vote is durable before it leaves, and a Finalize
  /// follows a first vote of its view, so this never happens to a journal that is not older. (An Attest may be in the
  /// ledger before it is in the journal.) A journal and a ledger that are both old, but of one age, are not told apart
  /// from fresh ones here: that is for the peers, who remember votes in their Status.
  public func isJournalOlderThanLedger(of voter: ValidatorIndex, in epoch: Epoch = 0) -> Bool {
    var remembered: View = 0
    for case .consensus(let entry) in entries(of: epoch) {
      switch entry {
      case .vote(let vote): if vote.voter == voter { remembered = max(remembered, vote.view) }
      case .floor(let view): remembered = max(remembered, view)
      default: break
      }
    }
    return lastBallot(of: voter, in: epoch).view > remembered
  }

  /// The last vote of a node, but for an Attest, that its ledger shows.
  func lastBallot(of voter: ValidatorIndex, in epoch: Epoch) -> OwnBallot {
    var last = OwnBallot(voter: voter, view: 0, epoch: epoch)
    if let ballot, ballot.voter == voter, ballot.epoch == epoch { last = ballot }
    last.note(head?.certificate)
    last.note(head?.stateCertificate)
    return last
  }
}

public struct Replica {
  /// Most verdicts that may wait for data: one per open view is the honest need.
  static let verdictsWaitingMax = 64
  /// Clients that may wait for one transaction, and transactions waited for.
  static let waitersMax = 64
  static let waitingTransactionsMax = 65_536

  public let chain: Digest
  /// Who orders the next block. Another one takes over at the end of an epoch (E1).
  public internal(set) var committee: Committee
  /// This node's place in the committee; nil for an observer.
  public internal(set) var index: ValidatorIndex?
  /// Names and addresses of the committee, in its order.
  public internal(set) var members: [Validator]
  let settings: ReplicaSettings
  let scheme: SignatureScheme
  let signer: Signer

  public internal(set) var consensus: Consensus
  public internal(set) var lanes: Lanes
  public internal(set) var clearing: ClearingHouse
  public internal(set) var system: SystemState
  public internal(set) var tree: StateTree

  /// Blocks above the last committed one, and that one.
  var blocks: [Digest: Block] = [:]
  /// Executed blocks above `finalTip`, oldest first: speculation that a rollback may undo.
  var speculative: [Digest] = []
  /// Last block that is final and executed.
  var finalTip: Digest
  /// Final blocks above the last committed one, oldest first, executed or not yet.
  var finalChain: [Digest] = []
  /// The notarised or final block that execution follows.
  var target: Digest
  var committed: Height
  /// Highest height handed to `.commit`.
  var committing: Height
  var commitBegan: Instant = 0
  /// Before it no commit begins.
  var commitAfter: Instant = .min
  /// Before it certificates are not committed without a block.
  var certificatesAfter: Instant = .min
  var isCommittingCertificates = false
  var verdictsWaiting: [Digest] = []
  /// The proposal that agreement asked for and execution is not far enough to give (C15).
  var proposalWanted: (view: View, parent: Digest)?

  /// Transactions of held batches, checked and waiting for execution.
  var checked: [Digest: [TransactionInput]] = [:]
  var verifying: Set<Digest> = []
  /// Transactions of this node's clients, checked by the host when they came.
  var submitted: [Digest: TransactionInput] = [:]
  var tickets: [Digest: [UInt64]] = [:]

  var reads: ReadIndex
  var catchUp: CatchUp
  /// Observers that this node serves, and the encoded blocks of the commit under way for them.
  var audience: Audience
  var publication: (first: Height, message: [UInt8])?
  /// As an observer: who feeds it, and what it has for the validators.
  var feed = Feed()
  var outbox = Outbox()
  var forwarded: UInt64 = 0
  /// Peers for whom the host reads blocks at this moment.
  var isLoading: [Bool]
  /// What the ledger tells the next start about this node's votes; nil for an observer.
  var ballot: OwnBallot?
  /// From the ledger, for agreement when it starts.
  var recentRoots: [(height: Height, root: Digest)]
  /// E5: the journal as it was found, of a later committee than the ledger's. This node is an observer until then.
  var laterJournal: Recovery?
  /// E5: the journal as it was found does not name this committee.
  var isJournalOfFormer: Bool
  /// As an observer: it may have forgotten votes, should it become a validator.
  var isForgetful: Bool
  /// E3: the committee in which each validator was last heard; nil before it has spoken to this one.
  var heardIn: [Epoch?]
  var journalBytes = 0
  var lastTipSent: Instant = 0
  var workTold = false
  /// Views before the present one that ended without a block (D7).
  var nullifiedInARow = 0
  /// In amnesia this node's lane waits until its votes are safe again.
  var isLaneSuspended: Bool
  var certifier: Certifier
  var docket = Docket()
  var consensusWake: Instant?
  var lanesWake: Instant?
  /// Blocks and messages met so far, for status and metrics.
  public internal(set) var counters = Counters()

  var consensusEffects: [Consensus.Effect] = []
  var laneEffects: [Lanes.Effect] = []

  public struct Counters: Sendable {
    public var transactions: UInt64 = 0
    public var actions: UInt64 = 0
    public var rollbacks: UInt64 = 0
    /// Vote lists on states that were not checked while catching up, for the group had signed them.
    public var voteListsSpared: UInt64 = 0
    public var caughtUpBlocks: UInt64 = 0
    /// Committees that took over while this node ran.
    public var committees: UInt64 = 0
    public var malformedMessages: UInt64 = 0
    /// Reports of misbehaviour that this node has sent (J8).
    public var evidenceReported: UInt64 = 0
    /// Of observers: messages that they must not send or beyond their allowance, transactions taken and not taken, and
    /// how many were dismissed.
    public var observerMessagesRefused: UInt64 = 0
    public var observerTransactions: UInt64 = 0
    public var observerTransactionsRefused: UInt64 = 0
    public var observersDismissed: UInt64 = 0
  }

  /// - Parameters:
  ///   - chain: hash of the genesis.
  ///   - signer: of this node's identity: a validator's, or else an observer's.
  ///   - clearing, system: state after `recovery.head`, indices rebuilt; `tree`: the authenticated tree over it.
  ///   - bootId: fresh for every start of the node.
  public init(
    chain: Digest, signer: Signer, scheme: SignatureScheme, settings: ReplicaSettings, clearing: ClearingHouse,
    system: SystemState, tree: StateTree, recovery: Recovery,
    secrets: ReplicaSecrets, bootId: UInt64
  ) {
    self.chain = chain
    self.settings = settings
    self.scheme = scheme
    self.signer = signer
    members = clearing.validators
    let keys = members.map(\.key)
    let committee = Committee(chain: chain, epoch: clearing.committeeNumber, keys: keys)
    // E5: in a committee before the journal's this node may have voted, and remembers nothing of it.
    laterJournal = recovery.lastEpoch > committee.epoch ? recovery : nil
    isJournalOfFormer = recovery.lastEpoch < committee.epoch
    let place = laterJournal == nil ? keys.firstIndex(of: signer.publicKey) : nil
    let index = place.map { ValidatorIndex(truncatingIfNeeded: $0) }
    self.committee = committee
    self.index = index
    self.clearing = clearing
    self.clearing.canChangeValidators = system.keys.settings.isOn
    self.system = system
    self.tree = tree
    certifier = Certifier(secrets: secrets, index: index, validators: keys.count, bootId: bootId)

    let base = Self.baseBlock(chain: chain, root: tree.root, epoch: committee.epoch, recovery: recovery)
    blocks[base.hash] = base
    finalTip = base.hash
    target = base.hash
    committed = base.header.height
    committing = committed
    let records = JournalEntries(recovery.entries(of: committee.epoch))
    let mayForget = recovery.amnesiac || recovery.wasAmnesiac(before: committee.epoch)
    consensus = Consensus(
      committee: committee, index: index, signer: signer, scheme: scheme, settings: settings.consensus,
      recovered: Recovered(
        entries: records.consensus,
        amnesiac: mayForget
          || (index.map { recovery.isJournalOlderThanLedger(of: $0, in: committee.epoch) } ?? false),
        head: recovery.head.map { head in
          let isOwn = head.proposal.header.epoch == committee.epoch
          return RecoveredHead(proposal: head.proposal, certificate: isOwn ? head.certificate : nil)
        },
        genesisRoot: base.executed?.stateRoot ?? .zero, genesis: recovery.head == nil ? recovery.genesis : nil),
      bootId: bootId)
    lanes = Lanes(
      chain: Self.laneChain(chain, committee.epoch), keys: keys, f: committee.f, index: index, signer: signer,
      scheme: scheme, settings: settings.lanes, recovered: records.lanes, suspended: consensus.isAmnesiac)
    // Also when the journal itself says so: a restart in between must not make the node forget that it forgot.
    isLaneSuspended = consensus.isAmnesiac
    recentRoots = recovery.recentRoots
    isForgetful = index == nil && (mayForget || records.saysAmnesiac)
    heardIn = Self.unheard(keys.count, committee.epoch)
    ballot = index.map { recovery.lastBallot(of: $0, in: committee.epoch) }
    isLoading = [Bool](repeating: false, count: keys.count)
    reads = ReadIndex(validators: keys.count, bootId: bootId)
    catchUp = CatchUp(validators: keys.count)
    audience = Audience(after: keys.count, limit: settings.observersMax)
  }

  private static func baseBlock(chain: Digest, root: Digest, epoch: Epoch, recovery: Recovery) -> Block {
    let executed = ExecutedBlock(stateRoot: root, result: BlockResult(), receipts: [], events: [], receiptsProof: [])
    if let head = recovery.head {
      // E2: the lanes of a committee begin anew.
      let isOwn = head.proposal.header.epoch == epoch
      return Block(
        hash: head.proposal.header.hash(chain: chain), proposal: head.proposal,
        cut: isOwn ? LaneCut(canonical: head.proposal.cut) ?? LaneCut() : LaneCut(), history: recovery.history,
        batches: nil, executed: executed,
        certificate: head.certificate, stateCertificate: head.stateCertificate)
    }
    return Block(
      hash: chain, proposal: recovery.genesis ?? Proposal.genesis(chain: chain), cut: LaneCut(),
      history: recovery.history, batches: nil,
      executed: executed, certificate: nil, stateCertificate: nil)
  }

  /// The one door: see the host's duties above.
  public mutating func step(_ input: Input, at now: Moment, into effects: inout [Effect]) {
    watchClock(now, into: &effects)
    switch input {
    case .start:
      // E5: it stopped between the last block of a committee and the new one's journal.
      if isJournalOfFormer {
        isJournalOfFormer = false
        effects.append(
          .rewriteJournal(
            [.epoch(committee.epoch)] + (consensus.isAmnesiac || isForgetful ? [.consensus(.amnesiac(true))] : [])))
      }
      start(at: now, into: &effects)
    case .connected(let peer) where isObserver(peer): admit(peer, at: now, into: &effects)
    case .disconnected(let peer) where isObserver(peer): audience.leave(peer)
    case .message(let peer, let bytes) where isObserver(peer): hear(bytes, from: peer, at: now, into: &effects)
    case .loaded(let peer, let blocks) where isObserver(peer):
      loaded(blocks, for: peer, at: now.monotonic, into: &effects)
      serveObservers(at: now.monotonic, into: &effects)
    case .checked(let bytes, let input, let peer): takeIn(bytes, input, from: peer, at: now, into: &effects)
    case .connected(let peer): connected(peer, at: now, into: &effects)
    case .disconnected(let peer): dismiss(peer, into: &effects)
    case .message(let peer, let bytes): receive(bytes, from: peer, at: now, into: &effects)
    case .tick: tick(at: now, into: &effects)
    case .submit(let bytes, let input, let ticket, let isMoreComing):
      submit(bytes, input, ticket: ticket, isMoreComing: isMoreComing, at: now, into: &effects)
    case .read(let ticket): read(ticket, into: &effects)
    case .verified(let batch, let inputs):
      // Not one of a former committee's.
      if verifying.remove(batch) != nil { checked[batch] = inputs }
    case .committed(let height): committed(height, at: now, into: &effects)
    case .seed(let seed): certifier.renew(seed)
    case .loaded(let peer, let blocks):
      if isLoading.indices.contains(Int(peer)) { isLoading[Int(peer)] = false }
      if !blocks.isEmpty { effects.append(.send(to: peer, .blocks(blocks))) }
    }
    settle(at: now, into: &effects)
  }

  /// Runs what follows from the input until nothing moves: effects of the cores, execution, finality, reads.
  private mutating func settle(at now: Moment, into effects: inout [Effect]) {
    repeat {
      drain(at: now, into: &effects)
      execute(at: now, into: &effects)
      advanceFinal(at: now, into: &effects)
      attendToKeys(at: now, into: &effects)
      serveReads(at: now, into: &effects)
      tellWork(at: now)
    } while !consensusEffects.isEmpty || !laneEffects.isEmpty
    if index == nil {
      follow(at: now.monotonic, into: &effects)
    } else if isBehind {
      askForBlocks(at: now.monotonic, into: &effects)
    }
    commitProven(at: now.monotonic, into: &effects)
    effects.append(.wake(at: nextWake(after: now.monotonic)))
  }

  mutating func start(at now: Moment, into effects: inout [Effect]) {
    for (height, root) in recentRoots { stepConsensus(.finalRoot(height: height, stateRoot: root), at: now) }
    recentRoots = []
    // The ledger's cut first: what it holds is neither announced nor fetched again.
    if let base = blocks[finalTip], base.header.view > 0 { stepLanes(.final(base.cut), at: now) }
    stepLanes(.start, at: now)
    stepConsensus(.start, at: now)
  }

  private mutating func tick(at now: Moment, into effects: inout [Effect]) {
    if let wake = consensusWake, wake <= now.monotonic {
      consensusWake = nil
      stepConsensus(.tick, at: now)
    }
    if let wake = lanesWake, wake <= now.monotonic {
      lanesWake = nil
      stepLanes(.tick, at: now)
    }
    if let nonce = reads.retry(at: now.monotonic) { effects.append(.broadcast(.readProbe(nonce: nonce))) }
    guard index != nil else { return sendOut(at: now.monotonic, into: &effects) }
    if now.monotonic - lastTipSent >= CatchUp.tipInterval {
      lastTipSent = now.monotonic
      effects.append(.broadcast(.tip(committed)))
      tellCertificate(into: &effects)
      attendToObservers(at: now.monotonic, into: &effects)
    }
    askForBlocks(at: now.monotonic, into: &effects)
  }

  private func nextWake(after now: Instant) -> Instant {
    var wake = now + 100 * Duration64.millisecond
    if let consensusWake { wake = min(wake, consensusWake) }
    if let lanesWake { wake = min(wake, lanesWake) }
    if commitAfter > now { wake = min(wake, commitAfter) }
    if let due = reads.dueAt(pause: readPause) { wake = min(wake, due) }
    return max(wake, now)
  }

  private mutating func receive(
    _ bytes: [UInt8], from peer: ValidatorIndex, at now: Moment, into effects: inout [Effect]
  ) {
    guard Int(peer) < committee.n else { return }
    let message: PeerMessage
    do {
      message = try WireReader.decode(PeerMessage.self, from: bytes)
    } catch {
      counters.malformedMessages &+= 1
      effects.append(.report(peer, "malformed message: \(error)"))
      return
    }
    guard let message = unbound(message, from: peer, at: now, into: &effects) else { return }
    guard index != nil || message.isForObservers else { return }
    switch message {
    case .consensus(let message): stepConsensus(.message(from: peer, message), at: now)
    case .lane(let message): stepLanes(.message(from: peer, message), at: now)
    case .readProbe(let nonce): answerProbe(nonce, from: peer, into: &effects)
    case .readAnswer(let nonce, let view, let entry):
      takeAnswer(nonce, from: peer, view: view, entry: entry, at: now, into: &effects)
    case .tip(let height): catchUp.note(tip: height, of: Int(peer))
    case .getBlocks(let height):
      // One at a time for each peer: questions are cheap and answers are not.
      guard height <= committed, !isLoading[Int(peer)] else { return }
      isLoading[Int(peer)] = true
      effects.append(.loadBlocks(for: peer, from: height))
    case .blocks(let blocks):
      // E1: what the next committee ordered is for a node of that one. First of all, since the last vote list stays.
      let own = Array(blocks.prefix { $0.proposal.header.epoch == committee.epoch })
      // Nothing of it: not answered, so that the question is not asked again at once.
      if !own.isEmpty { take(sparingVoteLists(own), from: peer, at: now, into: &effects) }
    case .nonces(let batch): take(batch, from: peer)
    case .certificate(let certificate):
      if certificate.height > certifier.highestCertified { take(certificate, into: &effects) }
    case .share(let share): take(share, from: peer, into: &effects)
    case .transaction, .bound: break
    }
  }

  mutating func stepConsensus(_ input: Consensus.Input, at now: Moment) {
    consensus.step(input, at: now, into: &consensusEffects)
    // Before the lane can seal anything: what agreement may have forgotten, the lane may have too (D1).
    if isLaneSuspended != consensus.isAmnesiac {
      isLaneSuspended = consensus.isAmnesiac
      stepLanes(isLaneSuspended ? .suspendOwnLane : .resumeOwnLane, at: now)
    }
  }

  mutating func stepLanes(_ input: Lanes.Input, at now: Moment) {
    lanes.step(input, at: now.monotonic, into: &laneEffects)
  }

  /// Performs or passes on the effects of the cores, in order.
  private mutating func drain(at now: Moment, into effects: inout [Effect]) {
    while !consensusEffects.isEmpty || !laneEffects.isEmpty {
      var ofLanes: [Lanes.Effect] = []
      swap(&ofLanes, &laneEffects)
      for effect in ofLanes { perform(effect, at: now, into: &effects) }
      var ofConsensus: [Consensus.Effect] = []
      swap(&ofConsensus, &consensusEffects)
      for effect in ofConsensus { perform(effect, at: now, into: &effects) }
    }
  }

  private mutating func perform(_ effect: Consensus.Effect, at now: Moment, into effects: inout [Effect]) {
    switch effect {
    case .persist(let entry): persist(.consensus(entry), into: &effects)
    // What an observer's machine would say is for nobody (O1).
    case .send where index == nil: break
    case .broadcast where index == nil: break
    case .send(let peer, let message): effects.append(.send(to: peer, bound(.consensus(message))))
    case .broadcast(let message): effects.append(.broadcast(bound(.consensus(message))))
    case .wantProposal(let view, _, let parentHash): propose(in: view, over: parentHash, at: now)
    case .validate(let block, let proposal): validate(block, proposal, at: now)
    case .notarized(let block, let proposal):
      notarized(block, proposal)
      retryVerdicts(at: now)
    case .final(let block, let certificate):
      orderFinal(block, certificate)
      retryVerdicts(at: now)
    case .stateFinal(let height, let block, _, let certificate):
      blocks[block]?.stateCertificate = certificate
      effects.append(.proven(height, certificate))
    case .enteredView(let view, let certificate):
      nullifiedInARow = certificate?.kind == .nullification ? nullifiedInARow + 1 : 0
      stepLanes(
        .enteredView(
          view, leader: committee.leader(of: view), nullifiedInARow: nullifiedInARow, delay: consensus.currentDelay),
        at: now)
    case .stateVote(let vote, let isCounted): take(stateVote: vote, isCounted: isCounted, into: &effects)
    case .needProposal: break
    case .timer(let at): consensusWake = at
    case .report(let peer, let fault): effects.append(.report(peer, "\(fault)"))
    case .diverged(let height, let ours, let theirs):
      effects.append(.halt("state at height \(height) is \(ours.hex) here, but \(theirs.hex) at a quorum"))
    case .evidence(let evidence):
      notice(evidence)
      effects.append(.report(evidence.culprit, "equivocation"))
    }
  }

  private mutating func perform(_ effect: Lanes.Effect, at now: Moment, into effects: inout [Effect]) {
    switch effect {
    case .persist(let entry): persist(.lane(entry), into: &effects)
    case .send where index == nil: break
    case .broadcast where index == nil: break
    case .send(let peer, let message): effects.append(.send(to: peer, bound(.lane(message))))
    case .broadcast(let message): effects.append(.broadcast(bound(.lane(message))))
    case .timer(let at): lanesWake = at
    case .held(let batch, let hash):
      verify(batch, hash: hash, into: &effects)
      retryVerdicts(at: now)
    case .refused(let transaction, _): refuse(transaction, into: &effects)
    case .report(let peer, let fault):
      if fault == .fork { noticeFork(of: peer) }
      effects.append(.report(peer, "\(fault)"))
    case .standingLost: break
    }
  }

  /// An observer promises nothing, so it has nothing to remember.
  mutating func persist(_ record: JournalRecord, into effects: inout [Effect]) {
    if index != nil { effects.append(.persist(record)) }
  }

  /// The host tells how large the journal is, so that the replica decides when to truncate it.
  public mutating func noteJournal(bytes: Int) { journalBytes = bytes }
}
