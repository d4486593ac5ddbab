// The Merkle tree over the receipts of one block, whose root is a record of the state: so a certificate proves what every
// transaction of its block did (the tree of RFC 9162, section 2.1, with BLAKE2b).

public import Primitives
import Sodium

public enum ReceiptTree {
  /// Root over receipts in the order of execution; zero for none.
  public static func root(_ receipts: [[UInt8]]) -> Digest {
    var level = receipts.map(leaf)
    while level.count > 1 {
      var next: [Digest] = []
      next.reserveCapacity((level.count + 1) / 2)
      for place in stride(from: 0, to: level.count, by: 2) {
        next.append(place + 1 < level.count ? node(level[place], level[place + 1]) : level[place])
      }
      level = next
    }
    return level.first ?? .zero
  }

  /// The siblings on the way from a receipt to the root, lowest first. Empty also where there is no such receipt.
  public static func path(to index: Int, of receipts: [[UInt8]]) -> [Digest] {
    guard receipts.indices.contains(index) else { return [] }
    var level = receipts.map(leaf)
    var place = index
    var path: [Digest] = []
    while level.count > 1 {
      let sibling = place ^ 1
      if sibling < level.count { path.append(level[sibling]) }
      var next: [Digest] = []
      for place in stride(from: 0, to: level.count, by: 2) {
        next.append(place + 1 < level.count ? node(level[place], level[place + 1]) : level[place])
      }
      level = next
      place /= 2
    }
    return path
  }

  /// The root that a receipt and its path lead to; nil if the path does not fit a tree of `count` receipts.
  public static func root(of receipt: [UInt8], at index: Int, count: Int, path: [Digest]) -> Digest? {
    guard index >= 0, index < count else { return nil }
    var digest = leaf(receipt)
    var (place, width) = (index, count)
    var rest = path[...]
    while width > 1 {
      if place ^ 1 < width {
        guard let sibling = rest.popFirst() else { return nil }
        digest = place & 1 == 0 ? node(digest, sibling) : node(sibling, digest)
      }
      place /= 2
      width = (width + 1) / 2
    }
    return rest.isEmpty ? digest : nil
  }

  private static func leaf(_ receipt: [UInt8]) -> Digest { Blake2b.hash(domain: "novation/receipt/v1", receipt) }
  private static func node(_ left: Digest, _ right: Digest) -> Digest { Blake2b.hashPair(tag: 1, left, right) }
}
