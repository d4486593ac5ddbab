// The audit trail: the events of each block name those of the block before, and the certified state names the last.

import Clearing
import Ledger
import Primitives
import Replica
import Testing
import Wire

@Suite struct EventChainTests {
  /// The links of a node's ledger from the first block on, checked against each other.
  private func links(of node: Int, in cluster: Cluster, through height: Height) throws -> [BlockEvents] {
    let store = cluster.nodes[node].store
    var links: [BlockEvents] = []
    var previous = Digest.zero
    for height in 1...height {
      let bytes = try #require(try store.events(at: height))
      let link = try WireReader.decode(BlockEvents.self, from: bytes)
      #expect(link.previous == previous, "block \(height)")
      #expect(link.timestamp == (try store.block(at: height)?.timestamp))
      previous = BlockEvents.hash(of: bytes)
      links.append(link)
    }
    return links
  }

  private func record(_ node: Int, in cluster: Cluster) throws -> BlockRecord {
    let bytes = try #require(
      try cluster.nodes[node].store.record(table: SystemTables().blocks.id, key: SystemKey().wireBytes))
    return try WireReader.decode(BlockRecord.self, from: bytes)
  }

  @Test func eachBlocksEventsNameThoseBeforeAndTheStateTheLast() throws {
    let cluster = Cluster()
    for round in 0..<12 {
      cluster.submit(
        cluster.transaction(100, [.transfer(to: AccountID(Cluster.key(101)), amount: Amount(round + 1))]),
        to: round % 4)
      if round == 5 { cluster.crash(3) }
      if round == 8 { cluster.start(3) }
      cluster.run(for: Duration64.second)
    }
    cluster.run(for: 5 * Duration64.second)
    var known: [Height: Digest] = [:]
    for node in 0..<4 {
      let head = try #require(try cluster.nodes[node].store.head()?.height)
      let all = try links(of: node, in: cluster, through: head)
      // Nothing is left out, and what was executed before a restart is there once.
      let sequences = all.flatMap(\.events).map(\.sequence)
      #expect(sequences == Array(1...UInt64(sequences.count)))
      #expect(all.flatMap(\.events).count { if case .transfer = $0.kind { true } else { false } } >= 11)
      let record = try record(node, in: cluster)
      let bytes = try #require(try cluster.nodes[node].store.events(at: head))
      #expect(record.height == head && record.events == BlockEvents.hash(of: bytes))
      for (place, link) in all.enumerated() {
        let digest = BlockEvents.hash(of: link.wireBytes)
        #expect(known[Height(place + 1), default: digest] == digest)
        known[Height(place + 1)] = digest
      }
    }
  }

  @Test func anotherEventAnywhereIsAnotherEnd() throws {
    let events = (1...3).map { Event(sequence: $0, kind: .fundShare(account: AccountID(Cluster.key(1)), amount: 5)) }
    func end(_ blocks: [[Event]]) -> Digest {
      blocks.reduce(Digest.zero) {
        BlockEvents.hash(of: BlockEvents(timestamp: 7, previous: $0, events: $1).wireBytes)
      }
    }
    let honest = end([[events[0]], [events[1], events[2]], []])
    var forged = events[0]
    forged.kind = .fundShare(account: AccountID(Cluster.key(1)), amount: 6)
    #expect(end([[forged], [events[1], events[2]], []]) != honest)
    #expect(end([[events[0], events[1]], [events[2]], []]) != honest)
    #expect(end([[events[0]], [events[1], events[2]]]) != honest)
  }
}
