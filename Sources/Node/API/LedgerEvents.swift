// What became final long ago, from the ledger on disk, for streams that begin there.

import Clearing
import Consensus
import HTTPTypes
import Ledger
import Primitives
import Replica
import Storage
import Wire

struct LedgerEvents: Sendable {
  /// Blocks that are read at a time: between them the reader looks whether the node's memory goes on from there.
  static let chunk = 64

  private let store: LMDBStore
  /// The next block.
  private(set) var height: Height

  /// Throws what a client is told whose past is not here. `base` is the height of the genesis, whose events are none.
  init(_ store: LMDBStore, from height: Height, base: Height) throws {
    self.store = store
    self.height = max(height, base + 1)
    let first = max(try store.firstHeight() ?? base, base) + 1
    guard self.height >= first else { throw Self.gone(first) }
    _ = try read(self.height)
  }

  /// The next blocks in the ledger; none where it ends.
  mutating func next() throws -> [StreamBlock] {
    var blocks: [StreamBlock] = []
    while blocks.count < Self.chunk, let block = try read(height) {
      blocks.append(block)
      height += 1
    }
    return blocks
  }

  private func read(_ height: Height) throws -> StreamBlock? {
    guard let head = try store.head()?.height, height <= head else { return nil }
    guard let stored = try store.block(at: height), let bytes = try store.events(at: height) else {
      // Pruned meanwhile.
      throw Self.gone(height + 1)
    }
    guard let proposal = try? WireReader.decode(Proposal.self, from: stored.proposal),
      let happened = try? WireReader.decode(BlockEvents.self, from: bytes)
    else {
      throw StoreError(.damaged, "Block \(height) in the ledger is damaged.", advice: "Run novation doctor.")
    }
    return StreamBlock(
      hash: stored.hash, header: proposal.header, stateRoot: stored.stateRoot, transactions: stored.transactions.count,
      events: happened.events)
  }

  private static func gone(_ first: Height) -> APIError {
    APIError(
      .gone, "gone", "events of heights below \(first) are not kept here any more",
      hint: "Ask a node with ledger.history = \"full\", or begin anew: without from, books begin with snapshots.")
  }
}
