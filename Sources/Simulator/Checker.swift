// The rules, restated from outside: what nodes say to each other, to their clients and to their ledgers. Nothing here
// asks a replica whether it is right.

import Clearing
import Consensus
import Gossip
import Ledger
import Primitives
import Replica
import Sodium

struct Checker {
  struct FinalEntry {
    let hash: Digest
    let root: Digest
    let epoch: Epoch
    let view: View
    let timestamp: Timestamp
    let transactions: [Digest]
    let statuses: [TransactionStatus]
  }

  /// What one key has voted in one view, by what was seen leaving its machine.
  struct Ballots {
    var first: Vote?
    var fallbacks: [Vote] = []
    var finalize: Vote?
    var attest: Vote?
  }

  /// `voter` by identity, not by place: who is another's successor there has made other promises.
  struct Slot: Hashable {
    let voter: ValidatorIndex
    let epoch: Epoch
    let number: UInt64
  }

  struct ViewKey: Hashable {
    let epoch: Epoch
    let view: View
  }

  /// Identities by number, and every committee that was told of.
  let people: [PublicKey]
  private(set) var committees: [Epoch: Committee]
  let scheme: SignatureScheme
  let chain: Digest
  /// By height; genesis is missing.
  var finals: [FinalEntry] = []
  private(set) var ballots: [Slot: Ballots] = [:]
  private var proposals: [Slot: Digest] = [:]
  private var batches: [Slot: Digest] = [:]
  /// Last sequence that the owner of a lane may have forgotten.
  private var lanesForgotten: [ValidatorIndex: UInt64] = [:]
  /// What certificates on the wire have said of each view.
  var facts: [ViewKey: ViewFacts] = [:]
  /// Headers whose leader's signature was looked at.
  var headers: Set<Digest> = []
  private(set) var prunedBelow: View = 0
  private var executed: Set<Digest> = []
  /// Highest place that a client was told of.
  var lastTold = Place(height: 0, index: 0)
  /// Roots that a quorum has signed.
  private var proven: [Height: Digest] = [:]

  /// n, f, p, Q and QF again, from the specification's formulas.
  struct Sizes {
    let f: Int
    let p: Int
    let quorum: Int
    let fastQuorum: Int

    init(n: Int) {
      f = n < 4 ? 0 : (n - 1) / 3
      p = n < 4 ? 0 : max(1, (n - 3 * f + 1) / 2)
      quorum = n < 4 ? n : (n + f) / 2 + 1
      fastQuorum = n < 4 ? n : max(quorum, n - p)
    }
  }

  init(committee: Committee, people: [PublicKey], scheme: SignatureScheme, chain: Digest) {
    committees = [0: committee]
    self.people = people
    self.scheme = scheme
    self.chain = chain
  }

  // MARK: Committees

  /// E1, E2: one committee a number, each the next of one that was there.
  mutating func learns(_ committee: Committee, from host: SimulatedHost, _ simulation: Simulation) {
    if let known = committees[committee.epoch] {
      if known.keys != committee.keys {
        simulation.violate("one committee a number", "node \(host.number), committee \(committee.epoch)")
      }
      return
    }
    if committees[committee.epoch &- 1] == nil {
      simulation.violate("committees follow each other", "node \(host.number), committee \(committee.epoch)")
    }
    if committee.keys.count < 4 || Set(committee.keys).count != committee.keys.count {
      simulation.violate("V3: never fewer than four", "committee \(committee.epoch)")
    }
    committees[committee.epoch] = committee
  }

  /// The identity behind a place in a committee.
  func identity(of voter: ValidatorIndex, in epoch: Epoch) -> ValidatorIndex? {
    guard let keys = committees[epoch]?.keys, Int(voter) < keys.count else { return nil }
    let key = keys[Int(voter)]
    return people.firstIndex(of: key).map { ValidatorIndex($0) }
  }

  /// What an epoch's committee certifies above its last block is void (E1).
  func isVoid(_ view: View, of epoch: Epoch) -> Bool {
    guard let last = finals.last, last.epoch > epoch else { return false }
    return view > finals.last { $0.epoch == epoch }?.view ?? 0
  }

  var height: Height { Height(finals.count) }

  func entry(at height: Height) -> FinalEntry? {
    height > 0 && height <= Height(finals.count) ? finals[Int(height) - 1] : nil
  }

  // MARK: Messages

  mutating func sees(_ message: PeerMessage, from host: SimulatedHost, _ simulation: Simulation) {
    sees(message, of: 0, from: host, simulation)
  }

  private mutating func sees(
    _ message: PeerMessage, of epoch: Epoch, from host: SimulatedHost, _ simulation: Simulation
  ) {
    switch message {
    case .bound(let epoch, let inner): sees(inner, of: epoch, from: host, simulation)
    case .consensus(.vote(let vote)):
      if identity(of: vote.voter, in: vote.epoch) == host.identity { sees(vote, from: host, simulation) }
    case .consensus(.certificate(let certificate)): sees(certificate, from: host, simulation)
    case .consensus(.evidence(let evidence)): sees(evidence, from: host, simulation)
    case .consensus(.proposal(let proposal)):
      sees(proposal.signedHeader, from: host, simulation)
      if identity(of: proposal.header.leader, in: proposal.header.epoch) == host.identity {
        sees(proposal, from: host, simulation)
      }
    case .lane(.batch(let batch)):
      if identity(of: batch.lane, in: epoch) == host.identity { sees(batch, of: epoch, from: host, simulation) }
    default: break
    }
  }

  /// C3, C9, C10 as far as they show on the wire, across restarts.
  private mutating func sees(_ vote: Vote, from host: SimulatedHost, _ simulation: Simulation) {
    host.highestVote = max(host.highestVote, vote.view)
    guard vote.view >= prunedBelow else { return }
    if vote.view <= host.forgotten {
      if host.admitsLoss {
        simulation.violate(
          "amnesia: no vote where one may be forgotten", "validator \(vote.voter) in view \(vote.view)")
      }
      return
    }
    let slot = Slot(voter: host.identity, epoch: vote.epoch, number: vote.view)
    var known = ballots[slot] ?? Ballots()
    let who = "validator \(host.identity) in view \(vote.view)"
    switch vote.kind {
    case .first:
      if let first = known.first, first.block != vote.block { simulation.violate("C10: one first vote a view", who) }
      known.first = vote
    case .fallback:
      checkThreshold(of: vote, who, simulation)
      if known.first == nil { simulation.violate("C9: fallback only after the first vote", who) }
      if known.first?.block == vote.block { simulation.violate("C9: a fallback differs from the first vote", who) }
      if let finalize = known.finalize, !known.fallbacks.contains(where: { $0.block == vote.block }) {
        simulation.violate("C10: no fallback after Finalize", "\(who) of \(finalize.stateRoot)")
      }
      if !known.fallbacks.contains(where: { $0.block == vote.block }) { known.fallbacks.append(vote) }
    case .finalize:
      if known.first?.block != vote.block || !known.fallbacks.isEmpty {
        simulation.violate("C5: Finalize only after a first notarize and nothing else", who)
      }
      if let other = known.finalize, other.stateRoot != vote.stateRoot {
        simulation.violate("one root in Finalize", who)
      }
      known.finalize = vote
    case .attest:
      if let other = known.attest, other.stateRoot != vote.stateRoot || other.block != vote.block {
        simulation.violate("one root in Attest", who)
      }
      known.attest = vote
    }
    ballots[slot] = known
  }

  /// C2.
  private mutating func sees(_ proposal: Proposal, from host: SimulatedHost, _ simulation: Simulation) {
    let view = proposal.header.view
    host.highestVote = max(host.highestVote, view)
    if view <= host.forgotten { return }
    let hash = proposal.header.hash(chain: chain)
    let slot = Slot(voter: host.identity, epoch: proposal.header.epoch, number: view)
    if let known = proposals[slot], known != hash {
      simulation.violate("C2: one proposal a view", "leader \(host.identity) in view \(view)")
    }
    proposals[slot] = hash
  }

  /// D1.
  private mutating func sees(
    _ batch: LaneBatch, of epoch: Epoch, from host: SimulatedHost, _ simulation: Simulation
  ) {
    let hash = batch.hash(chain: chain)
    let slot = Slot(voter: host.identity, epoch: epoch, number: batch.sequence)
    if let known = batches[slot], known != hash, batch.sequence > lanesForgotten[host.identity] ?? 0 {
      simulation.violate("D1: one batch a place of a lane", "lane \(host.identity), sequence \(batch.sequence)")
    }
    batches[slot] = hash
  }

  // MARK: Finality

  /// Agreement, ancestry, equal roots; each node tells its blocks in order and once a life.
  mutating func sees(_ block: FinalizedBlock, from host: SimulatedHost, _ simulation: Simulation) {
    let height = block.header.height
    let who = "node \(host.number) at height \(height)"
    if height != host.toldHeight + 1 || block.header.parentHash != host.toldHash {
      simulation.violate("final blocks form a chain", "\(who) after \(host.toldHeight)")
    }
    host.toldHeight = height
    host.toldHash = block.hash
    checkOrder(block.certificate, of: block, who, simulation)
    if let known = entry(at: height) {
      if known.hash != block.hash { simulation.violate("agreement", "\(who): \(block.hash) against \(known.hash)") }
      if known.root != block.executed.stateRoot {
        simulation.violate("equal state roots", "\(who): \(block.executed.stateRoot) against \(known.root)")
      }
      return
    }
    guard height == self.height + 1 else {
      return simulation.violate("no gaps in the chain", "\(who), known up to \(self.height)")
    }
    let parent = entry(at: height - 1)
    if block.header.parentHash != parent?.hash ?? chain { simulation.violate("ancestry", who) }
    if let parent, block.header.timestamp <= parent.timestamp || block.header.view <= parent.view {
      simulation.violate("C14: time and views grow along the chain", who)
    }
    let stated = block.header.executedHeight
    if let executed = entry(at: stated), executed.root != block.header.executedRoot {
      simulation.violate("C15: headers state true roots", "\(who): \(block.header.executedRoot) at \(stated)")
    }
    let outcomes = block.executed.result.outcomes
    for outcome in outcomes where outcome.status == .executed {
      if !executed.insert(outcome.hash).inserted { simulation.violate("D8: executed at most once", who) }
    }
    finals.append(
      FinalEntry(
        hash: block.hash, root: block.executed.stateRoot, epoch: block.header.epoch, view: block.header.view,
        timestamp: block.header.timestamp,
        transactions: outcomes.map(\.hash), statuses: outcomes.map(\.status)))
    if let parent, block.header.epoch < parent.epoch || block.header.epoch > parent.epoch + 1 {
      simulation.violate("E1: committees order one after the other", who)
    }
    checkFacts(of: block.header.epoch, after: parent?.view ?? 0, upTo: block.header.view, who, simulation)
    if let root = proven[height], root != block.executed.stateRoot {
      simulation.violate("equal state roots", "\(who): a quorum signed \(root)")
    }
    forget(below: block.header.view)
  }

  /// This validator's disk lost what it had sent: it may send another batch at a place it used before, which costs its
  /// lane the good standing and nothing else.
  mutating func losesMemory(_ validator: ValidatorIndex) {
    let sent = batches.keys.lazy.filter { $0.voter == validator }.map(\.number).max() ?? 0
    lanesForgotten[validator] = max(sent, lanesForgotten[validator] ?? 0)
  }

  private mutating func forget(below view: View) {
    guard view > prunedBelow + 4096 else { return }
    prunedBelow = view - 1024
    let limit = prunedBelow
    ballots = ballots.filter { $0.key.number >= limit }
    proposals = proposals.filter { $0.key.number >= limit }
    facts = facts.filter { $0.key.view >= limit }
  }

  // MARK: Certificates

  /// That a quorum of distinct keys has signed the certificate's statement.
  func fault(in certificate: Certificate) -> String? {
    guard let committee = committees[certificate.epoch] else { return "a committee that nobody is" }
    let sizes = Sizes(n: committee.keys.count)
    let needed = certificate.kind == .fastFinal ? sizes.fastQuorum : sizes.quorum
    var voters: Set<ValidatorIndex> = []
    for entry in certificate.entries {
      let isCounted =
        switch certificate.kind {
        case .notarization, .nullification: entry.kind == .first || entry.kind == .fallback
        case .fastFinal: entry.kind == .first
        case .final: entry.kind == .finalize
        case .state: entry.kind == .finalize || entry.kind == .attest
        }
      guard isCounted else { return "a vote that does not count" }
      guard Int(entry.voter) < committee.keys.count, voters.insert(entry.voter).inserted else { return "voters" }
      let statement = certificate.vote(entry).signingBytes(committee: committee)
      guard scheme.verify(entry.signature, statement, by: committee.keys[Int(entry.voter)]) else {
        return "a signature"
      }
    }
    return voters.count >= needed ? nil : "\(voters.count) voters of \(needed)"
  }

  /// The block's own certificate, or that of a descendant.
  private func checkOrder(
    _ certificate: Certificate, of block: FinalizedBlock, _ who: String, _ simulation: Simulation
  ) {
    let isOwn = certificate.block == block.hash
    if !isOwn, certificate.view <= block.header.view { simulation.violate("certificates prove finality", who) }
    if certificate.kind == .notarization || certificate.kind == .nullification {
      simulation.violate("certificates prove finality", "\(who): \(certificate.kind)")
    }
    if let fault = fault(in: certificate) { simulation.violate("certificates are valid", "\(who): \(fault)") }
  }

  mutating func sees(proof certificate: Certificate, of height: Height, _ who: String, _ simulation: Simulation) {
    if let root = proven[height] {
      if root != certificate.stateRoot { simulation.violate("one certified root a height", who) }
      return
    }
    if let fault = fault(in: certificate) { simulation.violate("certificates are valid", "\(who): \(fault)") }
    if let known = entry(at: height), known.root != certificate.stateRoot || known.hash != certificate.block {
      simulation.violate("equal state roots", "\(who): \(certificate.stateRoot) certified, \(known.root) executed")
    }
    proven[height] = certificate.stateRoot
  }

  // MARK: Clients

  /// A receipt names the transaction's place in the chain, and that place is after everything that anybody had been told
  /// of when the transaction was sent.
  mutating func sees(
    _ receipt: Receipt, for submission: Submission, from host: SimulatedHost, _ simulation: Simulation
  ) {
    let who = "node \(host.number), height \(receipt.height), index \(receipt.index)"
    guard let entry = entry(at: receipt.height), Int(receipt.index) < entry.transactions.count else {
      return simulation.violate("receipts name final blocks", who)
    }
    if receipt.stateRoot != entry.root || entry.transactions[Int(receipt.index)] != submission.hash
      || entry.statuses[Int(receipt.index)] != receipt.outcome.status
    {
      simulation.violate("receipts say what the chain says", who)
    }
    let place = Place(height: receipt.height, index: receipt.index)
    if receipt.outcome.status == .executed, place <= submission.after {
      simulation.violate("writes are linearizable", "\(who) after \(submission.after)")
    }
    lastTold = max(lastTold, place)
  }
}
