// One committee after the other on whole replicas: rules E1 to E5, with the membership rules V1 to V7 that lead there.

import Clearing
import Consensus
import Foundation
import Gossip
import Ledger
import Primitives
import Replica
import Sodium
import Testing
import Threshold
import Wire

/// How many times the usual number of seeds a campaign takes.
private let campaign = max(1, ProcessInfo.processInfo.environment["NOVATION_CAMPAIGN"].flatMap { UInt64($0) } ?? 1)

@Suite struct SuccessionTests {
  static let second = Duration64.second

  /// Four validators, a key of the group, and `joiners` that follow.
  static func network(joiners: Int = 1, seed: UInt64 = 1) -> Cluster {
    let cluster = Cluster(seed: seed, epochBlocks: 80)
    for _ in 0..<joiners { cluster.addObserver() }
    return cluster
  }

  static func validator(_ cluster: Cluster, _ node: Int) -> Validator {
    Validator(name: "new \(node)", key: cluster.key(node), host: "host \(node)", port: 7000)
  }

  /// Whatever validators are up say yes.
  @discardableResult static func propose(_ change: ValidatorChange, _ id: ChangeID, in cluster: Cluster) -> Bool {
    let voters = cluster.nodes.indices.filter { cluster.nodes[$0].replica?.index != nil }
    guard let first = voters.first else { return false }
    let ticket = cluster.submit(cluster.transaction(of: first, [.proposeChange(change)]), to: first)
    guard cluster.run(for: 20 * second, until: { cluster.nodes[first].receipts[ticket] != nil }),
      cluster.nodes[first].receipts[ticket]?.outcome.status == .executed
    else { return false }
    for voter in voters.dropFirst() { cluster.submit(cluster.transaction(of: voter, [.approveChange(id)]), to: voter) }
    return cluster.run(for: 20 * second) { cluster.approved(id) }
  }

  static func everybodyIs(at epoch: Epoch, _ cluster: Cluster) -> Bool {
    cluster.nodes.allSatisfy { $0.replica.map { $0.committee.epoch == epoch } ?? true }
  }

  /// No two nodes hold different states of a height, and no client was told something that is not on the chain.
  static func check(_ cluster: Cluster) {
    var roots: [Height: Digest] = [:]
    for node in cluster.nodes {
      #expect(node.halted == nil)
      for block in node.finalized {
        #expect(roots[block.header.height, default: block.executed.stateRoot] == block.executed.stateRoot)
        roots[block.header.height] = block.executed.stateRoot
      }
    }
  }

  @Test(arguments: [1, 2, 3] as [UInt64]) func aFifthValidatorJoinsAndVotes(seed: UInt64) throws {
    let cluster = Self.network(seed: seed)
    let key = try #require(cluster.groupKey())
    #expect(Self.propose(.add(Self.validator(cluster, 4)), 1, in: cluster))
    #expect(cluster.run(for: 300 * Self.second) { Self.everybodyIs(at: 1, cluster) })
    let committee = try #require(cluster.nodes[4].replica?.committee)
    #expect(committee.n == 5 && cluster.nodes[4].replica?.index == 4)
    // It has its share, its votes count, and the group's key is the old one.
    let height = try #require(cluster.heights.max())
    let isProven = cluster.run(for: 60 * Self.second) {
      cluster.nodes.allSatisfy { $0.certified > height + 2 && $0.replica?.holdsShare == true }
    }
    #expect(isProven)
    for node in cluster.nodes { #expect(node.replica?.groupKey == key) }
    // Without one of the old ones the new one is needed: Q of 5 is 4.
    cluster.crash(0)
    let before = try #require(cluster.heights.max())
    #expect(cluster.run(for: 60 * Self.second) { cluster.heights[1...].allSatisfy { $0 > before + 3 } })
    Self.check(cluster)
  }

  /// Two at once: somebody new comes, and somebody old signs with another key, so that a third leaves at last.
  @Test func aKeyIsReplacedAndAValidatorLeaves() throws {
    let cluster = Self.network(joiners: 2)
    let key = try #require(cluster.groupKey())
    #expect(Self.propose(.add(Self.validator(cluster, 4)), 1, in: cluster))
    #expect(Self.propose(.replaceKey(cluster.key(1), by: cluster.key(5)), 2, in: cluster))
    #expect(cluster.run(for: 300 * Self.second) { Self.everybodyIs(at: 1, cluster) })
    #expect(cluster.nodes.map { $0.replica?.index } == [0, nil, 2, 3, 4, 1])
    #expect(Self.propose(.remove(cluster.key(0)), 3, in: cluster))
    #expect(cluster.run(for: 300 * Self.second) { Self.everybodyIs(at: 2, cluster) })
    #expect(cluster.nodes.map { $0.replica?.index } == [nil, nil, 1, 2, 3, 0])
    let height = try #require(cluster.heights.max())
    // Those who left follow as observers.
    #expect(cluster.run(for: 120 * Self.second) { cluster.heights.allSatisfy { $0 > height + 3 } })
    #expect(cluster.run(for: 60 * Self.second) { cluster.nodes[4].certified > height })
    for node in cluster.nodes { #expect(node.replica?.groupKey == key) }
    Self.check(cluster)
  }

  /// E4: what is in the lanes when a committee ends is ordered by the next one, and once.
  @Test(arguments: [1, 2, 3] as [UInt64]) func nothingHandedInIsLost(seed: UInt64) throws {
    let cluster = Self.network(seed: seed)
    _ = try #require(cluster.groupKey())
    #expect(Self.propose(.add(Self.validator(cluster, 4)), 1, in: cluster))
    var tickets: [(node: Int, ticket: UInt64)] = []
    let to = AccountID(Cluster.key(101))
    for step in 0..<20_000 {
      if Self.everybodyIs(at: 1, cluster) { break }
      let node = step % 5
      let bytes = cluster.transaction(100, [.transfer(to: to, amount: 1)])
      tickets.append((node, cluster.submit(bytes, to: node)))
      cluster.run(for: 15 * Duration64.millisecond)
    }
    #expect(Self.everybodyIs(at: 1, cluster) && tickets.count > 30)
    let isAnswered = cluster.run(for: 60 * Self.second) {
      tickets.allSatisfy {
        cluster.nodes[$0.node].receipts[$0.ticket] != nil || cluster.nodes[$0.node].refusals[$0.ticket] != nil
      }
    }
    #expect(isAnswered)
    var executed = 0
    for (node, ticket) in tickets {
      if let receipt = cluster.nodes[node].receipts[ticket] {
        #expect(receipt.outcome.status == .executed, "\(String(describing: receipt.outcome.rejection))")
        executed += 1
      }
    }
    #expect(executed > tickets.count * 9 / 10)
    Self.check(cluster)
  }

  /// Nobody becomes a validator who does not take part; the change goes after three attempts, and all is as before.
  @Test func whoIsNotThereIsGivenUp() throws {
    let cluster = Self.network(joiners: 0)
    let key = try #require(cluster.groupKey())
    let stranger = Validator(name: "nobody", key: Cluster.key(77), host: "nowhere", port: 1)
    #expect(Self.propose(.add(stranger), 1, in: cluster))
    var isScheduled = false
    let isGone = cluster.run(for: 900 * Self.second) {
      isScheduled = isScheduled || cluster.nodes[0].replica?.clearing.changes.first?.record.scheduledAt != nil
      return cluster.nodes.allSatisfy { $0.replica?.clearing.changes.isEmpty == true }
    }
    #expect(isScheduled && isGone && Self.everybodyIs(at: 0, cluster))
    let epoch = try #require(cluster.nodes[0].replica?.keyEpoch)
    #expect(cluster.run(for: 300 * Self.second) { cluster.nodes.allSatisfy { ($0.replica?.keyEpoch ?? 0) > epoch } })
    for node in cluster.nodes { #expect(node.replica?.groupKey == key && node.replica?.holdsShare == true) }
    Self.check(cluster)
  }

  /// A validator that is down while the committee changes finds its way, whether it stays one or not.
  @Test(arguments: [0, 2]) func whoWasAwayComesBack(away: Int) throws {
    let cluster = Self.network(joiners: 2)
    _ = try #require(cluster.groupKey())
    #expect(Self.propose(.add(Self.validator(cluster, 4)), 1, in: cluster))
    #expect(cluster.run(for: 300 * Self.second) { Self.everybodyIs(at: 1, cluster) })
    #expect(Self.propose(.replaceKey(cluster.key(2), by: cluster.key(5)), 2, in: cluster))
    let isReady = cluster.run(for: 300 * Self.second) {
      cluster.nodes[1].replica?.keySchedule.pending != nil && cluster.nodes[1].replica?.keySchedule.successors != nil
    }
    #expect(isReady)
    cluster.crash(away)
    #expect(cluster.run(for: 300 * Self.second) { Self.everybodyIs(at: 2, cluster) })
    let height = try #require(cluster.heights.max())
    cluster.start(away)
    #expect(cluster.nodes[away].replica?.committee.epoch == 1)
    #expect(cluster.run(for: 120 * Self.second) { cluster.heights.allSatisfy { $0 > height + 3 } })
    #expect(cluster.nodes[away].replica?.index == (away == 0 ? 0 : nil))
    #expect(cluster.nodes[away].replica?.consensus.isAmnesiac == false)
    Self.check(cluster)
  }

  /// Every node is stopped at some moment around the change, and starts from what it kept.
  @Test(arguments: 0..<6 as Range<UInt64>) func theChangeSurvivesARestartOfAll(moment: UInt64) throws {
    let cluster = Self.network(seed: 7 + moment)
    _ = try #require(cluster.groupKey())
    #expect(Self.propose(.add(Self.validator(cluster, 4)), 1, in: cluster))
    #expect(cluster.run(for: 300 * Self.second) { cluster.nodes.contains { $0.replica?.committee.epoch == 1 } })
    cluster.run(for: Instant(moment * moment) * 2 * Duration64.millisecond)
    for node in cluster.nodes.indices { cluster.crash(node) }
    for node in cluster.nodes.indices { cluster.start(node) }
    let height = try #require(cluster.heights.max())
    #expect(cluster.run(for: 120 * Self.second) { cluster.heights.allSatisfy { $0 > height + 3 } })
    #expect(Self.everybodyIs(at: 1, cluster))
    for node in cluster.nodes { #expect(node.replica?.consensus.isAmnesiac == false) }
    Self.check(cluster)
  }

  /// Changes at random, while messages are lost and nodes crash and come back, one at a time: one chain, one key, and no
  /// standstill afterwards.
  @Test(arguments: 0..<4 * campaign) func committeesComeAndGoUnderFaults(seed: UInt64) throws {
    var random = SeededRandom(seed: 900 + seed)
    let cluster = Self.network(joiners: 4, seed: 40 + seed)
    let key = try #require(cluster.groupKey())
    cluster.loss = 10
    var down: Int?
    for step in 0..<60 {
      if let node = down {
        cluster.start(node)
        down = nil
      } else if random.below(2) == 0 {
        let node = Int(random.below(UInt64(cluster.nodes.count)))
        cluster.crash(node)
        down = node
      }
      let live = cluster.nodes.indices.filter { cluster.nodes[$0].replica != nil }
      let voters = live.filter { cluster.nodes[$0].replica?.index != nil }
      let pool = live.filter { cluster.nodes[$0].replica?.index == nil }
      let change: ValidatorChange? =
        switch random.below(3) {
        case 0: pool.randomElement(using: &random).map { .add(Self.validator(cluster, $0)) }
        case 1: voters.randomElement(using: &random).map { .remove(cluster.key($0)) }
        default:
          pool.randomElement(using: &random).flatMap { new in
            voters.randomElement(using: &random).map { .replaceKey(cluster.key($0), by: cluster.key(new)) }
          }
        }
      if step % 3 == 0, let change, let proposer = voters.first {
        cluster.submit(cluster.transaction(of: proposer, [.proposeChange(change)]), to: proposer)
      }
      for voter in voters {
        for (id, record) in cluster.nodes[voter].replica?.clearing.changes ?? []
        where !record.approvals.contains(cluster.key(voter)) {
          cluster.submit(cluster.transaction(of: voter, [.approveChange(id)]), to: voter)
        }
      }
      cluster.run(for: Instant(random.below(12)) * Self.second)
    }
    cluster.loss = 0
    if let down { cluster.start(down) }
    let height = try #require(cluster.heights.max())
    let isWell = cluster.run(for: 300 * Self.second) { cluster.heights.allSatisfy { $0 > height + 3 } }
    #expect(isWell, "\(cluster.heights) after \(height)")
    let epochs = Set(cluster.nodes.map { $0.replica?.committee.epoch })
    #expect(epochs.count == 1 && (epochs.first.flatMap { $0 } ?? 0) >= 2, "\(epochs)")
    for node in cluster.nodes { #expect(node.replica?.groupKey == key && node.replica?.consensus.isAmnesiac == false) }
    Self.check(cluster)
  }

  /// E5: a journal of the later committee with a ledger of the earlier one: the node speaks only where it remembers.
  @Test func anOlderLedgerMakesAnObserverUntilTheJournalFits() throws {
    let cluster = Self.network()
    _ = try #require(cluster.groupKey())
    #expect(Self.propose(.add(Self.validator(cluster, 4)), 1, in: cluster))
    let old = try #require(try cluster.nodes[1].store.head()).height
    let copy = cluster.nodes[1].store.copy()
    #expect(cluster.run(for: 300 * Self.second) { Self.everybodyIs(at: 1, cluster) })
    cluster.run(for: 5 * Self.second)
    let journal = cluster.nodes[1].journal
    cluster.crash(1)
    cluster.nodes[1].store = copy
    cluster.start(1)
    #expect(cluster.nodes[1].replica?.index == nil && cluster.nodes[1].replica?.finalHeight == old)
    #expect(cluster.run(for: 120 * Self.second) { cluster.nodes[1].replica?.index == 1 })
    #expect(cluster.nodes[1].replica?.consensus.isAmnesiac == false)
    #expect(cluster.nodes[1].journal.count >= journal.count, "what it remembered is still there")
    let height = try #require(cluster.heights.max())
    #expect(cluster.run(for: 60 * Self.second) { cluster.heights.allSatisfy { $0 > height + 3 } })
    Self.check(cluster)
  }

  /// E5: a node that may have forgotten votes, and stopped before the new committee's journal began, still may.
  @Test func amnesiaIsTakenAlong() throws {
    let cluster = Self.network()
    _ = try #require(cluster.groupKey())
    #expect(Self.propose(.add(Self.validator(cluster, 4)), 1, in: cluster))
    #expect(cluster.run(for: 300 * Self.second) { Self.everybodyIs(at: 1, cluster) })
    cluster.crash(1)
    for (journal, isAmnesiac) in [
      ([.consensus(.amnesiac(true))], true), ([.consensus(.amnesiac(true)), .consensus(.amnesiac(false))], false),
      ([.consensus(.amnesiac(true)), .epoch(1)], false), ([.epoch(1), .consensus(.amnesiac(true))], true),
    ] as [([JournalRecord], Bool)] {
      cluster.nodes[1].journal = journal
      cluster.start(1)
      #expect(cluster.nodes[1].replica?.consensus.isAmnesiac == isAmnesiac, "\(journal.count)")
      cluster.crash(1)
    }
  }

  /// What one committee said means nothing to the next.
  @Test func messagesAreOfOneCommittee() throws {
    let message = PeerMessage.bound(3, .lane(.getTip))
    let bytes = message.wireBytes
    #expect(bytes.first == 12)
    guard case .bound(3, .lane) = try WireReader.decode(PeerMessage.self, from: bytes) else {
      Issue.record("decoded to something else")
      return
    }
    for bad in [
      PeerMessage.bound(0, .lane(.getTip)), .bound(1, .tip(5)), .bound(1, .bound(2, .lane(.getTip))),
    ] {
      #expect(throws: WireError.self) { try WireReader.decode(PeerMessage.self, from: bad.wireBytes) }
    }
  }
}

extension Cluster {
  /// Signed by the identity of a node.
  func transaction(of node: Int, _ actions: [Action]) -> [UInt8] {
    let key = key(node)
    var transaction = Transaction(
      chain: genesis.chain, signer: key, nonce: Nonce.make(time: moment.wall, random: random.next()),
      expiry: moment.wall + 60 * Duration64.second, mode: .bestEffort, actions: actions)
    transaction.signature = Signer.standIn(key).sign(transaction.signingBytes)
    return transaction.wireBytes
  }

  func approved(_ id: ChangeID) -> Bool {
    nodes.contains { $0.replica?.clearing.changes.contains { $0.id == id && $0.record.approvedAt != nil } == true }
  }

  /// Runs until the first key is there.
  func groupKey() -> PublicKey? {
    run(for: 120 * Duration64.second) { nodes.allSatisfy { $0.replica?.groupKey != nil } }
    return nodes[0].replica?.groupKey
  }
}
