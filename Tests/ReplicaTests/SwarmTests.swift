// Random networks: crashes, restarts, loss and partitions, then calm. Whatever happened, all agree, nothing
// acknowledged is lost, and the chain goes on.

import Clearing
import Consensus
import Ledger
import Primitives
import Replica
import Testing

@Suite struct SwarmTests {
  private static let second = Duration64.second

  @Test(arguments: 0..<8) func agreementAndProgressAfterAnything(_ part: Int) {
    for seed in 0..<15 { run(UInt64(part * 15 + seed + 1)) }
  }

  private func run(_ seed: UInt64) {
    var random = SeededRandom(seed: seed &* 0x9e37_79b9)
    var settings = ReplicaSettings()
    settings.journalBytesMax = 64 << 10
    let cluster = Cluster(seed: seed, settings: settings)
    var sent: [(node: Int, ticket: UInt64, amount: Amount)] = []
    for _ in 0..<12 {
      disturb(cluster, &random)
      for _ in 0..<3 {
        let node = Int(random.below(4))
        let amount = Int64(1) << Int64(sent.count)
        guard cluster.nodes[node].replica != nil else { continue }
        let bytes = cluster.transaction(
          100 + UInt8(random.below(2)), [.transfer(to: AccountID(Cluster.key(103)), amount: amount)])
        sent.append((node, cluster.submit(bytes, to: node), amount))
      }
      cluster.run(for: Instant(random.below(1500)) * Duration64.millisecond)
    }
    cluster.loss = 0
    cluster.isCut = { _, _ in false }
    for node in 0..<4 where cluster.nodes[node].replica == nil { cluster.start(node) }
    let last = (0..<4).map { node in
      cluster.submit(
        cluster.transaction(102, [.transfer(to: AccountID(Cluster.key(101)), amount: Int64(node + 1))]), to: node)
    }
    let isDone = cluster.run(for: 90 * Self.second) {
      (0..<4).allSatisfy { cluster.nodes[$0].receipts[last[$0]] != nil }
    }
    #expect(isDone, "seed \(seed): no progress, heights \(cluster.heights)")
    guard isDone else { return }
    cluster.run(for: 5 * Self.second)
    check(cluster, sent, seed)
  }

  private func disturb(_ cluster: Cluster, _ random: inout SeededRandom) {
    let node = Int(random.below(4))
    switch random.below(6) {
    case 0, 1: cluster.crash(node)
    case 2:
      for node in 0..<4 where cluster.nodes[node].replica == nil { cluster.start(node) }
    case 3:
      let side = Int(random.below(16))
      cluster.isCut = { (side >> $0) & 1 != (side >> $1) & 1 }
    case 4: cluster.isCut = { _, _ in false }
    default: cluster.loss = random.below(3) * 100
    }
  }

  private func check(_ cluster: Cluster, _ sent: [(node: Int, ticket: UInt64, amount: Amount)], _ seed: UInt64) {
    var blocks: [Height: String] = [:]
    for (index, node) in cluster.nodes.enumerated() {
      #expect(node.halted == nil, "seed \(seed): node \(index)")
      for block in node.finalized {
        let name = "\(block.hash.hex)/\(block.executed.stateRoot.hex)"
        #expect(blocks[block.header.height, default: name] == name, "seed \(seed): height \(block.header.height)")
        blocks[block.header.height] = name
      }
    }
    // Amounts are distinct powers of two: the balance says which transfers were executed.
    for node in 0..<4 {
      let cash = cluster.nodes[node].replica?.account(AccountID(Cluster.key(103)))?.cash ?? 0
      let executed = UInt64(truncatingIfNeeded: cash - 1_000_000_000_000)
      for transfer in sent {
        guard let receipt = cluster.nodes[transfer.node].receipts[transfer.ticket],
          receipt.outcome.status == .executed
        else { continue }
        #expect(executed & UInt64(transfer.amount) != 0, "seed \(seed): acknowledged transfer lost at node \(node)")
      }
    }
  }
}
