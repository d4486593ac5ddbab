import Clearing
import Consensus
import Gossip
import Ledger
import Primitives
import Replica
import Testing

/// What a node may go on from after its disk was lost, restored or cut short.
@Suite struct MemoryTests {
  private static let second = Duration64.second

  private func transfer(_ cluster: Cluster) -> [UInt8] {
    cluster.transaction(100, [.transfer(to: AccountID(Cluster.key(101)), amount: 1_000_000)])
  }

  private func work(_ cluster: Cluster, on nodes: Range<Int> = 0..<4, rounds: Int) {
    for _ in 0..<rounds {
      for node in nodes { cluster.submit(transfer(cluster), to: node) }
      cluster.run(for: Self.second / 5)
    }
  }

  private func isAmnesiac(_ cluster: Cluster) -> Bool { cluster.nodes[0].replica?.consensus.isAmnesiac ?? false }

  /// Nobody saw a fork of node 0's lane, and it works.
  private func expectWholeAgain(_ cluster: Cluster) {
    #expect(
      cluster.run(for: 30 * Self.second) {
        !isAmnesiac(cluster) && cluster.nodes[0].replica?.lanes.remembersOwnLane == true
      })
    let ticket = cluster.submit(transfer(cluster), to: 0)
    #expect(cluster.run(for: 10 * Self.second) { cluster.nodes[0].receipts[ticket] != nil })
    for node in cluster.nodes {
      #expect(node.replica?.lanes.evidence(of: 0) == nil)
      #expect(node.halted == nil)
    }
  }

  @Test func aJournalOlderThanTheLedgerIsAmnesia() {
    let cluster = Cluster(seed: 31)
    work(cluster, rounds: 5)
    let old = cluster.nodes[0].journal
    work(cluster, rounds: 10)
    cluster.crash(0)
    cluster.nodes[0].journal = old
    cluster.start(0)
    #expect(isAmnesiac(cluster))
    expectWholeAgain(cluster)
  }

  @Test func anEmptyJournalBesideALedgerWithOwnVotesIsAmnesia() {
    let cluster = Cluster(seed: 32)
    work(cluster, rounds: 5)
    cluster.crash(0)
    cluster.nodes[0].journal = []
    cluster.start(0)
    #expect(isAmnesiac(cluster))
    expectWholeAgain(cluster)
  }

  /// The other way round: no crash makes a node doubt its own journal, rewritten or not.
  @Test func aJournalThatLostNothingIsTrusted() {
    var settings = ReplicaSettings()
    settings.journalBytesMax = 30_000
    let cluster = Cluster(seed: 33, settings: settings)
    for round in 0..<25 {
      cluster.submit(transfer(cluster), to: round % 4)
      cluster.run(for: Self.second / 7 + Instant(round) * 1_000_000)
      cluster.crash(0)
      cluster.run(for: Instant(round % 5) * Self.second / 10)
      cluster.start(0)
      #expect(!isAmnesiac(cluster))
    }
    #expect(cluster.nodes[0].replica?.committedHeight ?? 0 > 10)
  }

  /// A node that comes back from a backup of journal and ledger of one age cannot see that by itself: the peers tell it.
  @Test func aBackupOfEverythingIsFoundOutByThePeers() {
    let cluster = Cluster(seed: 34)
    work(cluster, rounds: 8)
    let before = cluster.nodes[1].replica?.lanes.tip(of: 0)?.sequence ?? 0
    #expect(before > 0)
    cluster.crash(0)
    cluster.nodes[0].journal = []
    cluster.nodes[0].store = InMemoryStore()
    cluster.start(0)
    #expect(!isAmnesiac(cluster))
    #expect(cluster.run(for: 2 * Self.second) { isAmnesiac(cluster) })
    let ticket = cluster.submit(transfer(cluster), to: 0)
    cluster.run(for: Self.second / 10)
    #expect(cluster.nodes[0].refusals[ticket] != nil)
    expectWholeAgain(cluster)
    #expect(cluster.nodes[1].replica?.lanes.tip(of: 0)?.sequence ?? 0 > before)
  }

  /// A ledger that takes no more blocks: what is final meanwhile is not piled up, but fetched when the disk is back.
  @Test func aStuckDiskBoundsWhatIsHeldInMemory() {
    var settings = ReplicaSettings()
    settings.uncommittedMax = 8
    let cluster = Cluster(seed: 36, settings: settings)
    work(cluster, rounds: 2)
    cluster.nodes[0].isDiskStuck = true
    let before = cluster.heights[1]
    for _ in 0..<60 {
      work(cluster, on: 1..<4, rounds: 2)
      #expect(cluster.nodes[0].replica?.heldBlocks ?? 0 <= 4 * settings.uncommittedMax + 8)
    }
    #expect(cluster.heights[1] > before + 80)
    cluster.nodes[0].isDiskStuck = false
    if let commit = cluster.nodes[0].stuckCommit { cluster.push(0, commit, after: 0) }
    #expect(cluster.run(for: 60 * Self.second) { cluster.heights[0] + 2 >= cluster.heights[1] })
    #expect(cluster.nodes[0].halted == nil)
  }

  /// Batches that were sealed and sent, not ordered, and forgotten: their sequences are not used again.
  @Test func d1NoSequenceOfALaneIsUsedTwiceAfterAmnesia() {
    let cluster = Cluster(seed: 35)
    work(cluster, rounds: 3)
    // Nobody hears anything but the batches of node 0.
    cluster.isCut = { from, _ in from != 0 }
    cluster.submit(transfer(cluster), to: 0)
    cluster.run(for: 50_000_000)
    cluster.crash(0)
    cluster.nodes[0].journal = []
    cluster.start(0, amnesiac: true)
    cluster.isCut = { _, _ in false }
    expectWholeAgain(cluster)
  }
}
