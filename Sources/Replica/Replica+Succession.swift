// One committee hands over to the next: rules E1 to E5 of docs/PROTOCOL.md.
//
// E1  The last block of a committee is the one whose execution makes another one the committee. What the old one orders
//     above it is void: nobody executes it.
// E2  The new committee starts from that block as from a genesis, with empty lanes, in the view after the block's, once
//     the block is final, its state is certified and both are in the ledger. Views, heights and history are counted on.
// E3  Votes, lanes and nonces are of one committee and say so; who hears another's drops them, and greets whoever comes
//     over later.
// E4  What this node's clients handed in and the old committee has not ordered goes into the new lanes.
// E5  The journal begins anew with the committee's number. A node that finds the journal of a later committee than its
//     ledger's is an observer until it has come there: what it may have said before is not remembered.

import Clearing
import Consensus
import Gossip
import Ledger
import Primitives
import Sodium
import Threshold
import Wire

/// What a journal holds for each of the machines.
struct JournalEntries {
  var consensus: [JournalEntry] = []
  var lanes: [LaneJournalEntry] = []

  init(_ records: [JournalRecord]) {
    for record in records {
      switch record {
      case .consensus(let entry): consensus.append(entry)
      case .lane(let entry): lanes.append(entry)
      case .epoch: break
      }
    }
  }

  /// Above every view in which forgotten votes may have been cast; 0 where none were.
  var floor: View {
    consensus.reduce(0) { highest, entry in if case .floor(let view) = entry { max(highest, view) } else { highest } }
  }

  /// The last word on whether votes were forgotten.
  var saysAmnesiac: Bool {
    for case .amnesiac(let state) in consensus.reversed() { return state }
    return false
  }
}

extension Replica {
  /// What batches of a committee's lanes are signed for: those of another committee are not taken for them.
  static func laneChain(_ chain: Digest, _ epoch: Epoch) -> Digest {
    guard epoch > 0 else { return chain }
    var writer = WireWriter()
    writer.write(chain)
    writer.write(epoch)
    return Blake2b.hash(domain: "novation/lanes/v1", writer.bytes)
  }

  var laneChain: Digest { Self.laneChain(chain, committee.epoch) }

  static func unheard(_ validators: Int, _ epoch: Epoch) -> [Epoch?] {
    [Epoch?](repeating: epoch == 0 ? 0 : nil, count: validators)
  }

  /// E1: another committee orders what follows the last final block.
  var isCommitteeOver: Bool { blocks[finalTip]?.executed?.endsCommittee == true }

  /// E3: for this committee's eyes.
  func bound(_ message: PeerMessage) -> PeerMessage {
    committee.epoch == 0 ? message : .bound(committee.epoch, message)
  }

  /// E3: what a message says to this committee; nil for another one's.
  mutating func unbound(
    _ message: PeerMessage, from peer: ValidatorIndex, at now: Moment, into effects: inout [Effect]
  ) -> PeerMessage? {
    let (epoch, content): (Epoch, PeerMessage)
    switch message {
    case .bound(let number, let inner): (epoch, content) = (number, inner)
    case _ where message.isOfCommittee: (epoch, content) = (0, message)
    default: return message
    }
    guard heardIn.indices.contains(Int(peer)) else { return nil }
    // A session only goes from one committee to the next: nobody is greeted again and again.
    let before = heardIn[Int(peer)]
    if let before, epoch < before { return nil }
    heardIn[Int(peer)] = epoch
    guard epoch == committee.epoch else { return nil }
    // What was said to it before it came over is lost.
    if before != epoch { meet(peer, at: now, into: &effects) }
    return content
  }

  /// A new session: the other side may have restarted from a former committee.
  mutating func connected(_ peer: ValidatorIndex, at now: Moment, into effects: inout [Effect]) {
    if heardIn.indices.contains(Int(peer)) { heardIn[Int(peer)] = committee.epoch == 0 ? 0 : nil }
    meet(peer, at: now, into: &effects)
  }

  mutating func meet(_ peer: ValidatorIndex, at now: Moment, into effects: inout [Effect]) {
    stepConsensus(.connected(peer), at: now)
    greet(peer, into: &effects)
  }

  /// E2: becomes a node of the committee that the state names, where the ledger has come to the last block of the former.
  mutating func succeedIfDue(at now: Moment, into effects: inout [Effect]) {
    guard isCommitteeOver, committed == finalHeight, committing == committed, let last = blocks[finalTip],
      let executed = last.executed
    else { return }
    var left = lanes.unordered(after: last.cut).filter { !KeyMessageEnvelope.isOne($0) }
    // What it may have forgotten it may have said in views that the former committee has not come to.
    var mayForget = index == nil ? isForgetful : consensus.isAmnesiac || consensus.voteFloor > last.header.view
    let roots = consensus.recentRoots
    members = clearing.validators
    let keys = members.map(\.key)
    committee = Committee(chain: chain, epoch: clearing.committeeNumber, keys: keys)
    // E5
    var remembered = JournalEntries([])
    let isEarlier = laterJournal.map { $0.lastEpoch > committee.epoch } ?? false
    if let journal = laterJournal, !isEarlier {
      if journal.lastEpoch == committee.epoch { remembered = JournalEntries(journal.entries(of: committee.epoch)) }
      mayForget = journal.amnesiac
      laterJournal = nil
    } else if !isEarlier {
      journalBytes = 0
      effects.append(
        .rewriteJournal([.epoch(committee.epoch)] + (mayForget ? [.consensus(.amnesiac(true))] : [])))
    }
    let place = isEarlier ? nil : keys.firstIndex(of: signer.publicKey)
    index = place.map { ValidatorIndex(truncatingIfNeeded: $0) }
    isForgetful = index == nil && (mayForget || remembered.saysAmnesiac)
    consensus = Consensus(
      committee: committee, index: index, signer: signer, scheme: scheme, settings: settings.consensus,
      recovered: Recovered(
        entries: remembered.consensus, amnesiac: mayForget,
        head: RecoveredHead(proposal: last.proposal, certificate: nil), genesisRoot: executed.stateRoot),
      bootId: consensus.bootNumber)
    lanes = Lanes(
      chain: laneChain, keys: keys, f: committee.f, index: index, signer: signer, scheme: scheme,
      settings: settings.lanes, recovered: remembered.lanes, suspended: consensus.isAmnesiac)
    isLaneSuspended = consensus.isAmnesiac
    recentRoots = roots
    certifier.succeed(index: index, validators: keys.count)
    ballot = index.map { OwnBallot(voter: $0, view: 0, epoch: committee.epoch) }
    heardIn = Self.unheard(keys.count, committee.epoch)
    isLoading = [Bool](repeating: false, count: keys.count)
    reads.succeed(validators: keys.count)
    catchUp = CatchUp(validators: keys.count)
    audience = Audience(after: keys.count, limit: settings.observersMax)
    feed = Feed()
    restart(from: last, executed)
    counters.committees &+= 1
    effects.append(.committee(index: index, members))
    start(at: now, into: &effects)
    if index != nil {
      let waiting = tickets
      left += outbox.takeAll { waiting[$0] == nil }
    }
    resubmit(left, at: now, into: &effects)
  }

  /// Nothing but the last block of the former committee is left of what was under way.
  private mutating func restart(from last: Block, _ executed: ExecutedBlock) {
    var base = executed
    base.endsCommittee = false
    base.changesMembers = false
    blocks = [
      last.hash: Block(
        hash: last.hash, proposal: last.proposal, cut: LaneCut(), history: last.history, batches: nil, executed: base,
        certificate: last.certificate, stateCertificate: last.stateCertificate)
    ]
    (target, finalChain, speculative) = (last.hash, [], [])
    (verdictsWaiting, proposalWanted, workTold, nullifiedInARow) = ([], nil, false, 0)
    (consensusWake, lanesWake) = (nil, nil)
    (checked, verifying, submitted) = ([:], [], [:])
    (consensusEffects, laneEffects) = ([], [])
    publication = nil
  }

  /// E4
  private mutating func resubmit(_ transactions: [[UInt8]], at now: Moment, into effects: inout [Effect]) {
    for (place, bytes) in transactions.enumerated() {
      if index != nil {
        stepLanes(.submit(transaction: bytes, isMoreComing: place + 1 < transactions.count), at: now)
      } else {
        let hash = TransactionCheck.hash(of: bytes)
        if !outbox.add(hash, bytes, at: now.monotonic) { refuse(hash, into: &effects) }
      }
    }
  }
}
