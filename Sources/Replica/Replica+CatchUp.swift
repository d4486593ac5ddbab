// A node that was away fetches final blocks from its peers by height, checks that one certificate proves them all, and
// executes them. Whatever a peer sends, only a chain that ends in a valid certificate is taken.

import Clearing
import Consensus
import Gossip
import Ledger
public import Primitives
import Threshold

/// Who is how far, and which question is open.
struct CatchUp {
  static let tipInterval: Instant = 250 * Duration64.millisecond
  /// Without an answer for this long another peer is asked.
  static let patience: Instant = Duration64.second
  /// Blocks may be in flight for this long before a node asks for what it has not finalised by itself.
  static let grace: Instant = 400 * Duration64.millisecond

  private(set) var tips: [Height]
  /// Validators that have said how far they are.
  private(set) var told = 0
  private var hasTold: [Bool]
  private var asked: (peer: Int, at: Instant)?
  /// Who was asked last: the next question goes to the next one, so that nobody can keep a node behind.
  private var lastAsked = -1
  private var heightSeen: Height = 0
  private var movedAt: Instant = 0

  init(validators: Int) {
    tips = [Height](repeating: 0, count: validators)
    hasTold = [Bool](repeating: false, count: validators)
  }

  var isTold: Bool { told > 0 }

  /// Highest committed height any validator claims. A claim only causes a question.
  var highest: Height { tips.max() ?? 0 }

  mutating func note(tip: Height, of peer: Int) {
    guard tips.indices.contains(peer) else { return }
    tips[peer] = max(tips[peer], tip)
    if !hasTold[peer] {
      hasTold[peer] = true
      told += 1
    }
  }

  /// The height that at least one honest validator of those who tell has reached, with `f` liars among them.
  func honest(f: Int) -> Height { f < tips.count ? tips.sorted(by: >)[f] : 0 }

  mutating func answered(by peer: Int) {
    if asked?.peer == peer { asked = nil }
  }

  /// The peer to ask for blocks above `height`, if it is time to ask one. `isFar`: honest validators are so far ahead
  /// that waiting for blocks in flight would only lose time.
  mutating func peerToAsk(above height: Height, isFar: Bool, at now: Instant) -> Int? {
    if height > heightSeen || movedAt == 0 {
      heightSeen = max(height, heightSeen)
      movedAt = now
    }
    guard highest > height else { return nil }
    if let asked {
      guard now - asked.at >= Self.patience else { return nil }
    } else if !isFar, now - movedAt < Self.grace {
      return nil
    }
    let first = lastAsked + 1
    for step in 0..<tips.count {
      let peer = (first + step) % tips.count
      if tips[peer] > height {
        asked = (peer, now)
        lastAsked = peer
        return peer
      }
    }
    return nil
  }
}

extension Replica {
  /// How far behind a node asks for blocks as fast as it executes them.
  private static let far: Height = 16

  /// Everything known to be final is executed, and still more than f validators are far ahead.
  private var isFarBehind: Bool {
    let top = finalChain.last.flatMap { blocks[$0]?.header.height } ?? committed
    return top <= finalHeight && catchUp.honest(f: committee.f) > finalHeight + Self.far
  }

  /// What is not asked for again. E2: the last block of a committee is not done with before its state is certified, and
  /// whoever has gone over says no more about it than its ledger does.
  private var takenHeight: Height { isCommitteeOver ? committed : finalHeight }

  mutating func askForBlocks(at now: Instant, into effects: inout [Effect]) {
    guard let peer = catchUp.peerToAsk(above: takenHeight, isFar: isFarBehind, at: now) else { return }
    effects.append(.send(to: ValidatorIndex(truncatingIfNeeded: peer), .getBlocks(from: takenHeight + 1)))
  }

  /// Takes consecutive final blocks above the last executed one.
  mutating func take(_ sent: [FinalBlock], from peer: ValidatorIndex, at now: Moment, into effects: inout [Effect]) {
    catchUp.answered(by: Int(peer))
    // A block that became final through a descendant carries that one's certificate: what comes after the last block with
    // a certificate of its own is for the next answer.
    let proven = sent.lastIndex { ownProof(of: $0) != nil } ?? sent.endIndex - 1
    let fresh = sent.prefix(max(0, proven + 1)).drop { $0.proposal.header.height <= takenHeight }
    guard let last = fresh.last else { return }
    // What a former feed still had on its way may begin above what has come since: no fault, and of no use.
    if index == nil, let first = fresh.first, first.proposal.header.height > orderedHeight + 1 { return }
    if let fault = faultInChain(Array(fresh)) { return refuse("blocks: \(fault)", of: peer, into: &effects) }
    let lastHash = last.proposal.header.hash(chain: chain)
    // O2: Q validators say that this block is final, and with it all that its hash stands for.
    guard let finality = ownProof(of: last), finality.provesFinality,
      finality.verify(committee: committee, scheme: scheme)
    else {
      return refuse("blocks end without a valid certificate of finality", of: peer, into: &effects)
    }
    var proof = finality
    for block in fresh {
      let hash = block.proposal.header.hash(chain: chain)
      _ = insert(hash, block.proposal)
      let batches = block.batches.map { HeldBatch($0, chain: laneChain) }
      if blocks[hash]?.executed == nil {
        blocks[hash]?.batches = batches
        for held in batches { verify(held.batch, hash: held.hash, into: &effects) }
      }
      if let state = block.stateCertificate, state.kind == .state, state.block == hash,
        state.verify(committee: committee, scheme: scheme)
      {
        blocks[hash]?.stateCertificate = state
        if hash == lastHash { proof = state }
      }
      if let certificate = block.groupCertificate, certificate.headerHash == hash { take(certificate, into: &effects) }
      counters.caughtUpBlocks &+= 1
      orderFinal(hash, finality)
    }
    // An observer hears of certified states nowhere else; what lies below one is the ledger's.
    stepConsensus(.caughtUp(last.proposal, index == nil ? proof : finality), at: now)
  }

  /// The certificate of a block that names it. An observer takes one of its state as well, which proves that it is final
  /// (C8): the last block of a ledger always has one, while its own finality may have come with a descendant.
  private func ownProof(of block: FinalBlock) -> Certificate? {
    let hash = block.proposal.header.hash(chain: chain)
    if block.certificate.block == hash { return block.certificate }
    guard index == nil, let state = block.stateCertificate, state.kind == .state, state.block == hash else {
      return nil
    }
    return state
  }

  private mutating func refuse(_ fault: String, of peer: ValidatorIndex, into effects: inout [Effect]) {
    if feed.peer == peer { feed.leave() }
    effects.append(.report(peer, fault))
  }

  /// Why these blocks do not extend a block that is known to be final with intact hash chains; nil when they do.
  private func faultInChain(_ sent: [FinalBlock]) -> String? {
    guard let base = sent.first.flatMap({ blocks[$0.proposal.header.parentHash] }),
      base.hash == finalTip || base.certificate != nil
    else { return "not a chain" }
    var parent = (hash: base.hash, height: base.header.height, cut: base.cut)
    for block in sent {
      let header = block.proposal.header
      let hash = header.hash(chain: chain)
      guard header.height == parent.height + 1, header.parentHash == parent.hash else { return "not a chain" }
      guard block.proposal.cutMatchesHeader, let cut = LaneCut(canonical: block.proposal.cut) else {
        return "wrong cut"
      }
      guard
        cut.isExtended(from: parent.cut, by: block.batches, chain: laneChain, view: header.view, lanes: committee.n)
      else {
        return "batches do not lead from cut to cut"
      }
      parent = (hash, header.height, cut)
    }
    return nil
  }
}

extension Replica {
  /// The height that the network has reached, as far as validators that are honest by their number say so; an observer
  /// that hears fewer believes those.
  public var networkHeight: Height {
    max(finalHeight, catchUp.honest(f: index == nil ? min(committee.f, max(0, catchUp.told - 1)) : committee.f))
  }

  /// Whether an honest validator has blocks that this node has not executed for a while.
  public var isBehind: Bool {
    guard index != nil else { return !catchUp.isTold || networkHeight > finalHeight + 8 }
    return catchUp.highest > finalHeight + 8 && catchUp.honest(f: committee.f) > finalHeight + 8
  }
}
