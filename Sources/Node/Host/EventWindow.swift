// What became final lately, for streams that begin there. Those of earlier heights read the ledger first.

import Clearing
import Consensus
import Primitives
import Replica
import Threshold

/// Of a final block, what events are made from.
struct StreamBlock: Sendable {
  var hash: Digest
  var header: Header
  var stateRoot: Digest
  var transactions: Int
  var events: [Event]

  init(hash: Digest, header: Header, stateRoot: Digest, transactions: Int, events: [Event]) {
    self.hash = hash
    self.header = header
    self.stateRoot = stateRoot
    self.transactions = transactions
    self.events = events
  }

  init(_ block: FinalizedBlock) {
    hash = block.hash
    header = block.header
    stateRoot = block.executed.stateRoot
    transactions = block.executed.result.outcomes.count
    events = block.executed.result.events
  }

  var height: Height { header.height }
}

/// The newest blocks, without a gap. Old ones go when there are too many, or too many events in them.
struct EventWindow: Sendable {
  static let blocksMax = 8192
  static let eventsMax = 100_000

  private var blocks: [StreamBlock?] = Array(repeating: nil, count: blocksMax)
  private(set) var first: Height = 1
  private(set) var last: Height = 0
  private var events = 0

  private func place(_ height: Height) -> Int { Int(height % Height(Self.blocksMax)) }

  mutating func add(_ block: StreamBlock) {
    if last == 0 || block.height != last + 1 {
      // The first one since the start.
      while last >= first, last > 0 { drop() }
      first = block.height
    }
    if block.height - first >= Height(Self.blocksMax) { drop() }
    blocks[place(block.height)] = block
    last = block.height
    events += block.events.count
    while events > Self.eventsMax, first < last { drop() }
  }

  private mutating func drop() {
    events -= blocks[place(first)]?.events.count ?? 0
    blocks[place(first)] = nil
    first += 1
  }

  /// The blocks from `height` on; nil if the first of them are not here any more.
  func blocks(from height: Height) -> [StreamBlock]? {
    guard height >= first else { return nil }
    guard height <= last else { return [] }
    return (height...last).compactMap { blocks[place($0)] }
  }
}

/// What a stream is told.
enum StreamItem: Sendable {
  case block(StreamBlock)
  case certificate(GroupCertificate)
}

/// How a stream begins.
enum StreamStart: Sendable {
  /// With these blocks and then what follows; or with these books, as they are after `height`, and what follows.
  case accepted(backlog: [StreamBlock], books: [BookView], height: Height)
  case full
  /// Only from this height on.
  case gone(first: Height)
  /// This node is not that far: its last block is this.
  case ahead(last: Height)
}
