// The rulebook's second, naive implementation as judge of what the network cleared: it gets the transactions of every final
// block, as an honest node stores them, and must come to the same outcomes, events and tables.

import Clearing
import Consensus
import Gossip
import Ledger
import Primitives
import Reference
import Replica
import Sodium
import Wire

struct Oracle {
  private var model: Model
  private let chain: Digest
  private let scheme: SignatureScheme
  private var height: Height = 0
  /// What the engine made of final blocks that nobody has stored yet.
  private var results: [Height: BlockResult] = [:]
  private(set) var transactions: UInt64 = 0

  init(_ genesis: Genesis, scheme: SignatureScheme) {
    model = Model(genesis: genesis.market, chain: genesis.chain)
    chain = genesis.chain
    self.scheme = scheme
  }

  /// The first honest node to have this block.
  mutating func sees(_ block: FinalizedBlock) { results[block.header.height] = block.executed.result }

  /// What an honest node is about to store. The first disagreement.
  mutating func judge(_ commit: LedgerCommit) -> String? {
    for block in commit.blocks where block.height == height + 1 {
      height = block.height
      if let fault = judge(block) { return "height \(height): \(fault)" }
    }
    return nil
  }

  private mutating func judge(_ block: StoredBlock) -> String? {
    guard let result = results.removeValue(forKey: block.height) else { return "stored before it was final" }
    var inputs: [TransactionInput] = []
    for bytes in block.batches {
      guard let batch = try? WireReader.decode(LaneBatch.self, from: bytes) else { return "a batch does not decode" }
      for transaction in batch.transactions where !KeyMessageEnvelope.isOne(transaction) {
        inputs.append(TransactionCheck.run(transaction, chain: chain, scheme: scheme))
      }
    }
    transactions += UInt64(inputs.count)
    let input = BlockInput(height: block.height, timestamp: block.timestamp, transactions: inputs)
    let outcomes = model.apply(input)
    return model.difference(outcomes, from: result)
  }

  /// A node's tables, if it stands where the model does.
  func difference(from engine: inout ClearingHouse, at height: Height) -> String? {
    height == self.height ? model.difference(from: &engine) : nil
  }
}
