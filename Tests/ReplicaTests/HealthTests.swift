// Whole replicas heal themselves: who is dead gives its place to who stands by, and nobody else does (H1 to H9 of
// docs/VALIDATORS.md).

import Clearing
import Consensus
import Gossip
import Primitives
import Replica
import Testing

@Suite struct HealthTests {
  static let second = Duration64.second
  static let epochBlocks: Height = 80

  /// Validators, and one node that stands by and has said that it is ready.
  static func network(validators: Int = 4, seed: UInt64) -> Cluster? {
    var settings = ReplicaSettings()
    settings.consensus.heartbeat = 200 * Duration64.millisecond
    // Messages take about a millisecond here.
    settings.consensus.lateAfter = 10 * Duration64.millisecond
    let cluster = Cluster(validators: validators, seed: seed, settings: settings, epochBlocks: epochBlocks)
    let standby = cluster.addObserver()
    guard cluster.groupKey() != nil else { return nil }
    let validator = SuccessionTests.validator(cluster, standby)
    for node in 0..<(validators + (validators - 1) / 3) / 2 + 1 {
      cluster.submit(cluster.transaction(of: node, [.standby(.nominate(validator))]), to: node)
    }
    guard cluster.run(for: 20 * second, until: { record(of: standby, cluster)?.approvedAt != nil }) else { return nil }
    cluster.submit(cluster.transaction(of: standby, [.standby(.rejoin)]), to: 0)
    guard cluster.run(for: 20 * second, until: { record(of: standby, cluster)?.readySince != nil }) else { return nil }
    return cluster
  }

  static func record(of node: Int, _ cluster: Cluster) -> StandbyRecord? {
    cluster.nodes[0].replica?.clearing.standbys.first { $0.validator.key == cluster.key(node) }
  }

  /// Small payments, now through this node and now through that one, so that blocks follow each other.
  static func run(_ cluster: Cluster, blocks: Height) {
    let to = AccountID(Cluster.key(101))
    let end = (cluster.heights.max() ?? 0) + blocks
    var step = 0
    while (cluster.heights.max() ?? 0) < end, step < 20_000 {
      let node = step % cluster.validators
      if cluster.nodes[node].replica?.index != nil {
        cluster.submit(cluster.transaction(100, [.transfer(to: to, amount: 1)]), to: node)
      }
      cluster.run(for: 60 * Duration64.millisecond)
      step += 1
    }
  }

  static func keys(_ cluster: Cluster) -> [PublicKey] { cluster.nodes[0].replica?.clearing.validators.map(\.key) ?? [] }

  /// Its place is another's not later than two epochs after the one in which it failed.
  static func expectReplaced(_ node: Int, in cluster: Cluster, since height: Height) {
    let isOver = cluster.run(for: 300 * second) { SuccessionTests.everybodyIs(at: 1, cluster) }
    let standby = cluster.validators
    #expect(isOver, "\(cluster.nodes[0].replica?.clearing.health(of: cluster.key(node)) as Any)")
    #expect(
      keys(cluster) == (0..<cluster.validators).filter { $0 != node }.map { cluster.key($0) } + [cluster.key(standby)])
    let since = cluster.nodes[0].replica?.clearing.committees.last?.record.since ?? .max
    #expect(since <= (height / epochBlocks + 3) * epochBlocks, "failed at \(height), replaced at \(since)")
    // The new committee proves states, without the one that left.
    let before = cluster.heights[0]
    #expect(cluster.run(for: 60 * second) { cluster.nodes[0].certified > before && cluster.heights[standby] > before })
    #expect(cluster.nodes[standby].replica?.index == 3)
    #expect(record(of: node, cluster)?.readySince == nil && record(of: node, cluster)?.removals == 1)
    SuccessionTests.check(cluster)
  }

  @Test(arguments: [1, 2, 3] as [UInt64]) func theDeadAreReplaced(seed: UInt64) throws {
    let cluster = try #require(Self.network(seed: seed))
    cluster.crash(3)
    Self.expectReplaced(3, in: cluster, since: cluster.heights[0])
    // It comes back as an observer, and may not say yet that it is ready.
    cluster.start(3)
    let height = cluster.heights[0]
    #expect(cluster.run(for: 120 * Self.second) { cluster.heights[3] > height })
    #expect(cluster.nodes[3].replica?.index == nil)
    let ticket = cluster.submit(cluster.transaction(of: 3, [.standby(.rejoin)]), to: 0)
    #expect(cluster.run(for: 20 * Self.second) { cluster.nodes[0].receipts[ticket] != nil })
    #expect(cluster.nodes[0].receipts[ticket]?.outcome.rejection == .standbyRests)
  }

  /// The others find it late and say so; it keeps its place, for a rogue can make an honest one look the same.
  @Test(arguments: [1, 2] as [UInt64]) func theSlowAreFoundAndStay(seed: UInt64) throws {
    let cluster = try #require(Self.network(seed: 10 + seed))
    cluster.slowness = { $0 == 2 || $1 == 2 ? 20 : 1 }
    let isFound = cluster.run(for: 60 * Self.second) {
      cluster.nodes[0].replica?.clearing.health(of: cluster.key(2))?.faults.contains(.late) == true
    }
    #expect(isFound)
    #expect(cluster.nodes[0].replica?.clearing.faults(of: cluster.key(2)).isEmpty == true)
    #expect(cluster.nodes[0].replica?.clearing.changes.isEmpty == true)
    SuccessionTests.check(cluster)
  }

  /// A rogue that votes late for blocks of its victim, sends the victim its blocks and its lane late, and says each epoch
  /// that the victim is late: the victim stays.
  @Test(arguments: [(4, 1), (4, 2), (4, 3), (7, 4)] as [(Int, UInt64)])
  func whoVotesSlowlyForChosenVictimsPushesNobodyOut(validators: Int, seed: UInt64) throws {
    let cluster = try #require(Self.network(validators: validators, seed: 20 + seed))
    let rogues = Set((0..<validators).suffix((validators - 1) / 3))
    let victim = 1
    cluster.heldBack = { message, from, to in
      guard rogues.contains(from) else { return 0 }
      switch message {
      case .consensus(.vote(let vote)):
        let isVictims = cluster.nodes[0].replica?.committee.leader(of: vote.view) == ValidatorIndex(victim)
        return isVictims ? 60 * Duration64.millisecond : 0
      case .consensus(.proposal) where to == victim: return 60 * Duration64.millisecond
      case .lane where to == victim: return 60 * Duration64.millisecond
      default: return 0
      }
    }
    for _ in 0..<4 {
      for rogue in rogues where cluster.nodes[rogue].replica?.index != nil {
        let word = LatenessReport(committee: 0, late: [ValidatorIndex(victim)])
        cluster.submit(cluster.transaction(of: rogue, [.report(word)]), to: rogue)
      }
      Self.run(cluster, blocks: Self.epochBlocks)
    }
    #expect(cluster.heights[0] > 4 * Self.epochBlocks)
    let keys = Self.keys(cluster)
    for honest in 0..<validators where !rogues.contains(honest) { #expect(keys.contains(cluster.key(honest))) }
    #expect(cluster.nodes[0].replica?.clearing.faults(of: cluster.key(victim)).isEmpty == true)
    SuccessionTests.check(cluster)
  }

  /// Nothing is wrong: nobody says a word, and nobody moves.
  @Test func theHealthyStay() throws {
    let cluster = try #require(Self.network(seed: 30))
    Self.run(cluster, blocks: 3 * Self.epochBlocks)
    for node in 0..<4 {
      let health = try #require(cluster.nodes[0].replica?.clearing.health(of: cluster.key(node)))
      #expect(health.faults.isEmpty && health.reporters.isEmpty && health.silentEpochs == 0, "\(node): \(health)")
    }
    #expect(cluster.nodes[0].replica?.committee.epoch == 0)
    SuccessionTests.check(cluster)
  }
}
