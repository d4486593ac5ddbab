// Properties on random networks: loss, duplication, reordering, restarts, withholding owners.

import Gossip
import Primitives
import Sodium
import Testing
import Wire

private let ms = Duration64.millisecond

@Suite struct LaneRandomTests {
  /// Every view a leader's cut is voted on by those who can get the data; it is final when Q of them can. All honest
  /// nodes, restarted ones included, end with the same batches in the same order, linked, each transaction once.
  @Test(arguments: 1...40) func allNodesOrderTheSameBatches(seed: Int) throws {
    let n = seed % 3 == 0 ? 7 : 4
    var network = LaneNetwork(n: n, observers: 1, seed: UInt64(seed))
    network.loss = network.random.below(25)
    network.duplication = network.random.below(30)
    network.jitter = network.random.below(20) * UInt64(ms)
    let withholds = seed % 2 == 0
    if withholds {
      // Lane 1 is heard by one node only, and answers nobody.
      network.isCut = { from, to, _ in from == 1 && to != 2 }
    }
    var run = Run(network: network, byzantine: withholds ? 1 : nil)
    for view in 1...60 { try run.step(view: View(view)) }
    run.network.loss = 0
    for view in 61...110 { try run.step(view: View(view), isQuiet: view > 70) }
    try run.check()
    if !withholds { #expect(run.ordered.count == run.submitted) }
    #expect(run.ordered.count > 20)
  }

  struct Run {
    var network: LaneNetwork
    var final = LaneCut()
    var submitted = 0
    /// Transactions in order.
    var ordered: [[UInt8]] = []
    var blocks: [(parent: LaneCut, cut: LaneCut, view: View)] = []
    var executed: [[Digest]]
    var executedBlocks: [Int]
    /// What a block ordered, from whoever executed it first: what a ledger keeps for those who are behind.
    var ledger: [[Digest]] = []
    /// It withholds, and nobody owes it anything.
    let byzantine: Int?

    init(network: LaneNetwork, byzantine: Int?) {
      self.network = network
      self.byzantine = byzantine
      executed = Array(repeating: [], count: network.nodes.count)
      executedBlocks = Array(repeating: 0, count: network.nodes.count)
    }

    mutating func step(view: View, isQuiet: Bool = false) throws {
      let n = network.n
      if !isQuiet {
        for _ in 0..<network.random.below(6) {
          network.step(Int(network.random.below(UInt64(n))), .submit(transaction: number(submitted)))
          submitted += 1
        }
      }
      #expect(network.refusals.isEmpty)
      try network.run(for: isQuiet ? 100 * ms : Int64(network.random.below(30)) * ms)
      let leader = Int(view) % n
      network.enter(view, leader: leader)
      if network.random.below(12) == 0, !isQuiet { try restartOne() }
      try propose(view: view, leader: leader)
      try execute(leader: leader)
    }

    private mutating func restartOne() throws {
      let node = Int(network.random.below(UInt64(network.nodes.count)))
      // What is not sealed is lost in a crash, and was promised to nobody.
      try network.run(for: network.settings.sealDelayMax)
      // From the journal as it grew, or as it would be rewritten.
      if network.random.below(2) == 0 { network.journals[node] = network.nodes[node].journalSnapshot() }
      let known = blocks.prefix(executedBlocks[node]).last?.cut
      network.restart(node, final: known)
    }

    private mutating func propose(view: View, leader: Int) throws {
      let cut = network.nodes[leader].cut(over: final)
      guard cut != final else { return }
      let decoded = try WireReader.decode(LaneCut.self, from: cut.wireBytes)
      #expect(decoded == cut)
      for _ in 0..<8 {
        var votes = 0
        for node in 0..<network.n {
          switch network.nodes[node].verdict(cut, over: final, view: view, leader: ValidatorIndex(leader)) {
          case .available, .omission: votes += 1
          case .missing(let missing): network.fetch(node, missing, from: ValidatorIndex(leader))
          case .invalid(let fault): Issue.record("invalid: \(fault)")
          }
        }
        if votes > (network.n + network.f) / 2 {
          blocks.append((final, cut, view))
          final = LaneCut(tips: cut.tips.map { LaneTip(point: $0.point) }) ?? LaneCut()
          for node in network.nodes.indices where network.random.below(4) > 0 { network.step(node, .ordered(final)) }
          return
        }
        try network.run(for: 20 * ms)
      }
    }

    mutating func execute(leader: Int) throws {
      for node in network.nodes.indices {
        while executedBlocks[node] < blocks.count {
          let block = blocks[executedBlocks[node]]
          if let batches = network.nodes[node].batches(after: block.parent, upTo: block.cut, view: block.view) {
            let hashes = batches.map(\.hash)
            if ledger.count == executedBlocks[node] {
              ledger.append(hashes)
              ordered += batches.flatMap(\.batch.transactions)
            }
            advance(node, by: hashes, to: block.cut)
            continue
          }
          let missing = network.nodes[node].missing(after: block.parent, upTo: block.cut)
          if ledger.count > executedBlocks[node], !missing.allSatisfy(isHeldBySomebody) {
            // Everybody who had it restarted since: lanes forget what is final, ledgers do not.
            advance(node, by: ledger[executedBlocks[node]], to: block.cut)
            continue
          }
          network.fetch(node, missing, from: ValidatorIndex(leader))
          break
        }
      }
    }

    private mutating func advance(_ node: Int, by hashes: [Digest], to cut: LaneCut) {
      executed[node] += hashes
      executedBlocks[node] += 1
      network.step(node, .final(cut))
    }

    private func isHeldBySomebody(_ batch: MissingBatch) -> Bool {
      network.nodes.indices.contains {
        $0 != byzantine && network.nodes[$0].batch(lane: batch.point.lane, hash: batch.point.hash) != nil
      }
    }

    func check() throws {
      for node in network.nodes.indices where node != byzantine {
        #expect(executedBlocks[node] == blocks.count)
        #expect(executed[node] == executed[0])
      }
      #expect(Set(ordered).count == ordered.count)
      #expect(!network.reports.contains { $0.fault != .greedy })
    }
  }
}

@Suite struct LaneDecodingTests {
  static var samples: [LaneMessage] {
    let chain = signedChain(lane: 1, count: 3)
    return [
      .batch(chain[0]), .solicit(point(chain[0])), .ack(LaneAck(point: point(chain[0]), voter: 2, signature: .zero)),
      .proof(proof(of: chain[1], by: [0, 2])), .getBatches([BatchRequest(lane: 1, hash: .zero, after: 3)]),
      .batches(chain), .evidence(LaneEvidence(first: chain[0].header, second: chain[1].header)),
    ]
  }

  @Test func d9MessagesAndEntriesRoundTrip() throws {
    for message in Self.samples { #expect(try WireReader.decode(from: message.wireBytes) == message) }
    let chain = signedChain(lane: 1, count: 2)
    #expect(chain[0].wireBytes.count == chain[0].encodedBytes)
    let cut = try #require(LaneCut(tips: [tip(chain[1], proof: proof(of: chain[1], by: [0, 2]))]))
    let evidence = LaneEvidence(first: chain[0].header, second: chain[1].header)
    for entry in [LaneJournalEntry.batch(chain[0]), .floor(cut), .evidence(evidence)] {
      #expect(try WireReader.decode(from: entry.wireBytes) == entry)
    }
  }

  @Test func d9MutatedBytesAreRefusedOrHandledAndNeverTrap() {
    var random = SeededRandom(seed: 42)
    var network = LaneNetwork(n: 4)
    network.isCut = { _, _, _ in true }
    var decoded = 0
    for _ in 0..<20_000 {
      var bytes = Self.samples[Int(random.below(UInt64(Self.samples.count)))].wireBytes
      for _ in 0..<(1 + random.below(3)) {
        bytes[Int(random.below(UInt64(bytes.count)))] = UInt8(truncatingIfNeeded: random.next())
      }
      if random.below(8) == 0 { bytes.removeLast(Int(random.below(UInt64(bytes.count)))) }
      guard let message = try? WireReader.decode(LaneMessage.self, from: bytes) else { continue }
      decoded += 1
      #expect(message.wireBytes == bytes)
      network.step(0, .message(from: ValidatorIndex(random.below(6)), message))
    }
    #expect(decoded > 1000)
  }

  @Test func d9MutatedCutsAreRefusedOrJudgedAndNeverTrap() throws {
    var random = SeededRandom(seed: 43)
    var network = LaneNetwork(n: 4)
    let chain = signedChain(lane: 1, count: 3)
    for batch in chain { network.step(0, .message(from: 1, .batch(batch))) }
    let good = try #require(
      LaneCut(tips: [tip(chain[2], proof: proof(of: chain[2], by: [0, 2])), tip(signedChain(lane: 3, count: 1)[0])]))
    var invalid = 0
    for _ in 0..<10_000 {
      var bytes = good.wireBytes
      bytes[Int(random.below(UInt64(bytes.count)))] = UInt8(truncatingIfNeeded: random.next())
      guard let cut = try? WireReader.decode(LaneCut.self, from: bytes) else { continue }
      switch network.nodes[0].verdict(cut, over: LaneCut(), view: 1, leader: 2) {
      case .invalid: invalid += 1
      case .missing(let missing): network.fetch(0, missing, from: 2)
      case .available, .omission: break
      }
      network.step(0, .ordered(cut))
      _ = network.nodes[0].batches(after: LaneCut(), upTo: cut, view: 3)
      _ = network.nodes[0].cut(over: cut)
    }
    #expect(invalid > 100)
  }

  @Test func d9SizesAreLimitedInDecoding() {
    let large = signedBatch(lane: 1, sequence: 1, transactions: [[UInt8](repeating: 1, count: 128 << 10), [1]])
    #expect((try? WireReader.decode(LaneBatch.self, from: large.wireBytes)) == large)
    let cases: [[[UInt8]]] = [
      [], [[]], [[UInt8](repeating: 1, count: LaneLimits.transactionBytes + 1)],
      Array(repeating: [UInt8](repeating: 1, count: 100_000), count: 3),
      Array(repeating: [1], count: LaneLimits.batchTransactions + 1),
    ]
    for transactions in cases {
      let batch = signedBatch(lane: 1, sequence: 1, transactions: transactions)
      #expect(throws: WireError.self) { try WireReader.decode(LaneBatch.self, from: batch.wireBytes) }
    }
    let zero = signedBatch(lane: 1, sequence: 0, transactions: [[1]])
    #expect(throws: WireError.self) { try WireReader.decode(LaneBatch.self, from: zero.wireBytes) }
  }
}
