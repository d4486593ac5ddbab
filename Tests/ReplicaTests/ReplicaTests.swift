import Clearing
import Consensus
import Primitives
import Replica
import Testing

@Suite struct ReplicaTests {
  private func transfer(_ cluster: Cluster, from: UInt8 = 100, to: UInt8 = 101, amount: Amount = 1_000_000) -> [UInt8] {
    cluster.transaction(from, [.transfer(to: AccountID(Cluster.key(to)), amount: amount)])
  }

  /// All nodes that ran through both heights agree on every state root.
  private func expectEqualRoots(_ cluster: Cluster, _ location: SourceLocation = #_sourceLocation) {
    var roots: [Height: Set<String>] = [:]
    for node in cluster.nodes {
      for block in node.finalized {
        roots[block.header.height, default: []].insert("\(block.hash.hex)/\(block.executed.stateRoot.hex)")
      }
      #expect(node.halted == nil, sourceLocation: location)
    }
    #expect(roots.values.allSatisfy { $0.count == 1 }, sourceLocation: location)
  }

  @Test func transactionsBecomeFinalEverywhereWithOneRoot() {
    let cluster = Cluster()
    let tickets = (0..<20).map { cluster.submit(transfer(cluster, amount: Int64($0 + 1)), to: $0 % 4) }
    let done = cluster.run(for: 5 * Duration64.second) {
      tickets.enumerated().allSatisfy { cluster.nodes[$0.offset % 4].receipts[$0.element] != nil }
    }
    #expect(done)
    for (index, ticket) in tickets.enumerated() {
      #expect(cluster.nodes[index % 4].receipts[ticket]?.outcome.status == .executed)
    }
    cluster.run(for: 2 * Duration64.second)
    expectEqualRoots(cluster)
    let heights = cluster.nodes.map { $0.replica?.committedHeight ?? 0 }
    #expect((heights.min() ?? 0) > 0)
    let view = cluster.nodes[2].replica?.account(AccountID(Cluster.key(101)))
    #expect(view?.cash == Amount(1_000_000_000_210))
  }

  @Test func aSubmissionIsExecutedOnceHoweverOftenItIsSent() {
    let cluster = Cluster()
    let bytes = transfer(cluster)
    for node in 0..<4 { cluster.submit(bytes, to: node) }
    cluster.run(for: 3 * Duration64.second)
    cluster.submit(bytes, to: 1)
    cluster.run(for: 3 * Duration64.second)
    let view = cluster.nodes[0].replica?.account(AccountID(Cluster.key(101)))
    #expect(view?.cash == Amount(1_000_001_000_000))
    expectEqualRoots(cluster)
  }

  @Test func oneOfFourDeadDoesNotStopTheChain() {
    let cluster = Cluster()
    cluster.crash(3)
    var acknowledged = 0
    for round in 0..<10 {
      let ticket = cluster.submit(transfer(cluster, amount: Int64(round + 1)), to: round % 3)
      if cluster.run(for: 5 * Duration64.second, until: { cluster.nodes[round % 3].receipts[ticket] != nil }) {
        acknowledged += 1
      }
    }
    #expect(acknowledged == 10)
    expectEqualRoots(cluster)
  }

  @Test func twoOfFourDeadAcknowledgeNothingAndGoOnAfterTheirRestart() {
    let cluster = Cluster()
    cluster.run(for: Duration64.second)
    cluster.crash(2)
    cluster.crash(3)
    let ticket = cluster.submit(transfer(cluster), to: 0)
    let read = cluster.read(at: 1)
    cluster.run(for: 10 * Duration64.second)
    #expect(cluster.nodes[0].receipts[ticket] == nil)
    #expect(!cluster.nodes[1].ready.contains(read))
    cluster.start(2)
    cluster.start(3)
    #expect(cluster.run(for: 30 * Duration64.second) { cluster.nodes[0].receipts[ticket] != nil })
    #expect(cluster.run(for: 30 * Duration64.second) { cluster.nodes[1].ready.contains(read) })
    cluster.run(for: 3 * Duration64.second)
    expectEqualRoots(cluster)
  }

  @Test func nothingAcknowledgedIsLostWhenAllCrashAtOnce() {
    for seed in 1...10 {
      let cluster = Cluster(seed: UInt64(seed))
      var sum: Amount = 0
      for round in 0..<5 {
        let amount = Int64(round + 1)
        let ticket = cluster.submit(transfer(cluster, amount: amount), to: round % 4)
        #expect(
          cluster.run(for: 5 * Duration64.second, until: { cluster.nodes[round % 4].receipts[ticket] != nil }))
        sum += amount
      }
      for node in 0..<4 { cluster.crash(node) }
      for node in 0..<4 { cluster.start(node) }
      let ticket = cluster.submit(transfer(cluster, amount: 1000), to: 0)
      #expect(cluster.run(for: 30 * Duration64.second) { cluster.nodes[0].receipts[ticket] != nil }, "seed \(seed)")
      let view = cluster.nodes[0].replica?.account(AccountID(Cluster.key(101)))
      #expect(view?.cash == Amount(1_000_000_001_000) + sum, "seed \(seed)")
      cluster.run(for: 3 * Duration64.second)
      expectEqualRoots(cluster)
    }
  }

  @Test func aNodeThatWasAwayCatchesUpByBlocks() {
    let cluster = Cluster()
    cluster.run(for: Duration64.second)
    cluster.crash(1)
    for round in 0..<40 {
      let ticket = cluster.submit(transfer(cluster, amount: Int64(round + 1)), to: 0)
      cluster.run(for: 5 * Duration64.second) { cluster.nodes[0].receipts[ticket] != nil }
    }
    let height = cluster.heights[0]
    #expect(height >= 40)
    cluster.start(1)
    #expect(cluster.run(for: 20 * Duration64.second) { cluster.heights[1] >= height })
    cluster.run(for: 3 * Duration64.second)
    expectEqualRoots(cluster)
    // It votes again: with another one down, the chain needs it.
    cluster.crash(2)
    let ticket = cluster.submit(transfer(cluster), to: 0)
    #expect(cluster.run(for: 20 * Duration64.second) { cluster.nodes[0].receipts[ticket] != nil })
  }

  @Test func aNodeFarBehindAsksForBlocksAsFastAsItExecutesThem() {
    let cluster = Cluster()
    cluster.run(for: Duration64.second)
    cluster.crash(1)
    for round in 0..<150 {
      let ticket = cluster.submit(transfer(cluster, amount: Int64(round + 1)), to: 0)
      cluster.run(for: 5 * Duration64.second) { cluster.nodes[0].receipts[ticket] != nil }
    }
    let height = cluster.heights[0]
    #expect(height >= 150)
    cluster.start(1)
    // Answers of sixteen blocks: with a pause before each question this would take four seconds.
    #expect(cluster.run(for: 2 * Duration64.second) { cluster.heights[1] >= height })
    expectEqualRoots(cluster)
  }

  @Test func aLinearizableReadSeesWhatWasAcknowledgedElsewhere() {
    let cluster = Cluster(seed: 9)
    for round in 0..<20 {
      let writer = round % 4
      let reader = (round + 1) % 4
      let ticket = cluster.submit(transfer(cluster, amount: Int64(round + 1)), to: writer)
      #expect(cluster.run(for: 5 * Duration64.second) { cluster.nodes[writer].receipts[ticket] != nil })
      let height = cluster.nodes[writer].receipts[ticket]?.height ?? .max
      let read = cluster.read(at: reader)
      #expect(cluster.run(for: 5 * Duration64.second) { cluster.nodes[reader].ready.contains(read) })
      #expect(cluster.heights[reader] >= height)
    }
  }

  @Test func lossyLinksDelayButDoNotStop() {
    for seed in 1...5 {
      let cluster = Cluster(seed: UInt64(seed))
      cluster.loss = 100
      let tickets = (0..<12).map { cluster.submit(transfer(cluster, amount: Int64($0 + 1)), to: $0 % 4) }
      let done = cluster.run(for: 60 * Duration64.second) {
        tickets.enumerated().allSatisfy { cluster.nodes[$0.offset % 4].receipts[$0.element] != nil }
      }
      #expect(done, "seed \(seed)")
      expectEqualRoots(cluster)
    }
  }

  @Test func malformedMessagesAreReportedAndHarmless() {
    let cluster = Cluster(seed: 4)
    var random = SeededRandom(seed: 5)
    for _ in 0..<500 {
      let bytes = (0..<Int(random.below(200))).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      cluster.push(Int(random.below(4)), .message(from: ValidatorIndex(random.below(6)), bytes), after: 1000)
    }
    let ticket = cluster.submit(transfer(cluster), to: 2)
    #expect(cluster.run(for: 5 * Duration64.second) { cluster.nodes[2].receipts[ticket] != nil })
    #expect(cluster.nodes.contains { ($0.replica?.counters.malformedMessages ?? 0) > 0 })
  }
}
