// Final blocks from the ledger, for peers that catch up.

import Ledger
import Primitives
import Replica

enum BlockLoader {
  /// Bytes of one answer, so that it passes the channel's limit with room to spare.
  static let bytesMax = 4 << 20

  /// Consecutive blocks from `height` on, ending with one whose state is certified; empty when there is none.
  static func load(from height: Height, store: any LedgerStore) -> [FinalBlock] {
    var blocks: [FinalBlock] = []
    var bytes = 0
    var next = height
    while blocks.count < PeerMessage.blocksMax, bytes < bytesMax,
      let stored = try? store.block(at: next), let block = FinalBlock(stored)
    {
      bytes += stored.batches.reduce(stored.proposal.count) { $0 + $1.count }
      blocks.append(block)
      next += 1
    }
    return blocks
  }
}
