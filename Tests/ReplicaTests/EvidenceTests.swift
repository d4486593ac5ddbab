// Misbehaviour on whole replicas: noticed, reported, punished once, and the same on every node (rules J1 to J9).

import Clearing
import Consensus
import Gossip
import Primitives
import Replica
import Sodium
import Testing
import Wire

@Suite struct EvidenceTests {
  static let second = Duration64.second

  /// Four validators of which the last is played by hand, and a fifth that makes room for its removal.
  func network(seed: UInt64 = 1) throws -> Cluster {
    let cluster = SuccessionTests.network(seed: seed)
    _ = try #require(cluster.groupKey())
    #expect(SuccessionTests.propose(.add(SuccessionTests.validator(cluster, 4)), 1, in: cluster))
    #expect(cluster.run(for: 300 * Self.second) { SuccessionTests.everybodyIs(at: 1, cluster) })
    return cluster
  }

  /// The rogue, at a place of the present committee, votes twice in a view that is to come.
  func voteTwice(_ rogue: Int, in cluster: Cluster, ahead: View = 4) throws -> View {
    let replica = try #require(cluster.nodes.indices.first { $0 != rogue && cluster.nodes[$0].replica != nil })
    let committee = try #require(cluster.nodes[replica].replica?.committee)
    let view = try #require(cluster.nodes[replica].replica?.consensus.view) + ahead
    let place = try #require(committee.keys.firstIndex(of: cluster.key(rogue)))
    for salt in [1, 2] as [UInt64] {
      let vote = Vote(
        kind: .first, epoch: committee.epoch, view: view, block: Digest(words: (salt, 3, 3, 3)),
        voter: ValidatorIndex(place)
      ).signed(by: cluster.identities[rogue], committee: committee)
      let message = PeerMessage.bound(committee.epoch, .consensus(.vote(vote)))
      for node in cluster.nodes.indices where node != rogue && cluster.nodes[node].replica?.index != nil {
        cluster.push(node, .message(from: ValidatorIndex(place), message.wireBytes), after: Instant(salt) * 1_000_000)
      }
    }
    return view
  }

  func offences(_ cluster: Cluster, _ node: Int) -> [OffenceKey] {
    cluster.nodes[node].replica?.clearing.offences.map(\.key) ?? []
  }

  @Test(arguments: [1, 2] as [UInt64]) func `J8: a double vote costs the bond once and the seat at the next epoch`(
    seed: UInt64
  ) throws {
    let cluster = try network(seed: seed)
    let rogue = 3
    let key = cluster.key(rogue)
    let gift = Deposit(account: AccountID(key), amount: 1_000_000_000, reference: Digest(words: (1, 2, 3, 4)))
    cluster.submit(cluster.transaction(Cluster.custodian, [.deposit(gift)]), to: 0)
    #expect(
      cluster.run(for: 20 * Self.second) { cluster.nodes[3].replica?.account(AccountID(key))?.cash == gift.amount })
    let ticket = cluster.submit(cluster.transaction(of: rogue, [.postBond(amount: 800_000_000)]), to: 0)
    #expect(cluster.run(for: 20 * Self.second) { cluster.nodes[0].receipts[ticket] != nil })
    #expect(cluster.nodes[0].receipts[ticket]?.outcome.status == .executed)
    let view = try voteTwice(rogue, in: cluster)
    let offence = OffenceKey(committee: 1, offender: key, kind: .doubleVote, place: view)
    let isKnown = cluster.run(for: 60 * Self.second) {
      cluster.nodes.indices.allSatisfy { offences(cluster, $0) == [offence] }
    }
    #expect(isKnown)
    #expect(cluster.run(for: 400 * Self.second) { SuccessionTests.everybodyIs(at: 2, cluster) })
    for node in cluster.nodes {
      let clearing = try #require(node.replica?.clearing)
      #expect(clearing.validators.map(\.key) == [0, 1, 2, 4].map { cluster.key($0) })
      #expect(clearing.standing(of: key).bond == 600_000_000 && clearing.isJailed(key))
      #expect(clearing.offences.map(\.key) == [offence])
    }
    // Not each of the others has filed it, and what came too late was refused.
    let filed = cluster.nodes.reduce(0) { $0 + ($1.replica?.counters.evidenceReported ?? 0) }
    #expect(filed >= 1 && filed < 4)
    #expect(cluster.nodes[rogue].replica?.counters.evidenceReported == 0, "never of itself")
    let height = try #require(cluster.heights.max())
    #expect(cluster.run(for: 120 * Self.second) { cluster.heights.allSatisfy { $0 > height + 3 } })
    SuccessionTests.check(cluster)
  }

  /// The first in turn is away: the next one reports.
  @Test func `J8: whoever is next reports where the first does not`() throws {
    let cluster = try network(seed: 3)
    // Of five the fourth is the rogue, and after it comes the fifth.
    cluster.crash(4)
    let view = try voteTwice(3, in: cluster)
    let isKnown = cluster.run(for: 120 * Self.second) {
      (0..<4).allSatisfy { offences(cluster, $0).map(\.place) == [view] }
    }
    #expect(isKnown)
    SuccessionTests.check(cluster)
  }

  /// J9: crashes, restarts and lost journals of honest validators leave nothing to report.
  @Test(arguments: 0..<4 as Range<UInt64>) func `J9: an honest validator that crashes produces no evidence`(
    seed: UInt64
  ) throws {
    let cluster = Cluster(seed: 60 + seed)
    cluster.loss = 20
    for round in 0..<12 {
      let node = Int((seed + UInt64(round)) % 4)
      cluster.submit(
        cluster.transaction(100, [.transfer(to: AccountID(Cluster.key(101)), amount: 1_000)]), to: (node + 1) % 4)
      cluster.run(for: Self.second / 3 + Instant(round) * 37_000_000)
      cluster.crash(node)
      cluster.run(for: Self.second / 5)
      // Every third loses its journal and comes back in amnesia.
      let isAmnesiac = round % 3 == 2
      if isAmnesiac { cluster.nodes[node].journal = [] }
      cluster.start(node, amnesiac: isAmnesiac)
      cluster.run(for: isAmnesiac ? 10 * Self.second : Self.second)
    }
    cluster.loss = 0
    #expect(cluster.run(for: 60 * Self.second) { Set(cluster.heights).count == 1 && cluster.heights[0] > 10 })
    for node in cluster.nodes.indices {
      #expect(offences(cluster, node).allSatisfy { $0.kind == .laneFork })
      #expect(!cluster.nodes[node].reports.contains { $0.contains("equivocation") })
      #expect(cluster.genesis.validators.allSatisfy { cluster.nodes[node].replica?.clearing.isJailed($0.key) == false })
    }
    SuccessionTests.check(cluster)
  }
}
