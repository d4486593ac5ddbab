// The Merkle mountain range over all block hashes. Each header carries its root over every ancestor, so that one
// certificate proves any older block (Todd, "Merkle Mountain Ranges", 2012; RFC 9162 hashes leaves and nodes apart).

public import Primitives
import Sodium
public import Wire

/// The peaks of the range: enough to append and to compute the root, O(log n) digests.
public struct HistoryTree: Hashable, Sendable {
  /// Number of leaves.
  public private(set) var count: UInt64 = 0
  /// Roots of the perfect subtrees, tallest first: one for each set bit of `count`.
  public private(set) var peaks: [Digest] = []

  public init() {}

  /// Adds a block hash as the next leaf.
  public mutating func append(_ block: Digest) {
    var node = Blake2b.hashPair(tag: 0, block, .zero)
    var carry = count
    while carry & 1 == 1, let left = peaks.popLast() {
      node = Blake2b.hashPair(tag: 1, left, node)
      carry >>= 1
    }
    peaks.append(node)
    count &+= 1
  }

  /// The peaks folded from the smallest to the tallest, bound to the count; zero for no leaf.
  public var root: Digest {
    guard var folded = peaks.last else { return .zero }
    for peak in peaks.dropLast().reversed() { folded = Blake2b.hashPair(tag: 1, peak, folded) }
    return Blake2b.hashPair(tag: 2, folded, Digest(words: (count, 0, 0, 0)))
  }
}

extension HistoryTree: WireCodable {
  public func encode(to writer: inout WireWriter) {
    writer.write(count)
    for peak in peaks { writer.write(peak) }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    count = try reader.readOrdinal()
    for _ in 0..<count.nonzeroBitCount { peaks.append(try reader.readBytes32()) }
  }
}
