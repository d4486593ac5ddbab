// The authenticated state: one Merkle trie over the records of all tables.
//
// A record's path is BLAKE2b-256 of its table number and key bytes, so paths are uniform and their length is fixed. The
// hash of a set of records at a depth is, by definition,
//
//     node({}, depth)       = zero
//     node({one}, depth)    = H(0x10 | path | H(value))
//     node(records, depth)  = H(0x11 | node(bit 0, depth + 1) | node(bit 1, depth + 1))   split by bit `depth` of the path
//
// so the root depends on the content alone, never on its history: a subtree with one record is that record, wherever it
// sits (the collapse of Dahlberg, Pulls and Peeters, "Efficient Sparse Merkle Trees", 2016, as Diem's Jellyfish tree has
// it). The depth is bounded by 256; whoever grinds keys with long common prefixes pays 2^(d/2) hashes for d more levels.

public import Primitives
import Sodium

public struct StateTree: Sendable {
  /// 0 is the empty subtree, a positive number an inner node, a negative one (complemented) a leaf.
  typealias Reference = Int32

  struct Inner: Sendable {
    var left: Reference
    var right: Reference
    var hash: Digest
  }

  struct Leaf: Sendable {
    var path: Digest
    var valueHash: Digest
  }

  /// Inner node `n` is at index `n`; index 0 is unused.
  private var inners: ContiguousArray<Inner> = [Inner(left: 0, right: 0, hash: .zero)]
  private var leaves: ContiguousArray<Leaf> = []
  private var freeInners: ContiguousArray<Reference> = []
  private var freeLeaves: ContiguousArray<Reference> = []
  private var top: Reference = 0

  public init() {}

  /// Records in the tree.
  public var count: Int { leaves.count - freeLeaves.count }

  /// The root over all records; zero where there is none.
  public var root: Digest { hash(of: top) }

  /// Applies the changes of a block, or those that take it back. Every inner node that any of them touches is hashed
  /// once. A deletion of an absent record changes nothing; of several changes of one key the last counts.
  public mutating func update(_ changes: [RecordChange]) {
    guard !changes.isEmpty else { return }
    let items = Self.items(of: changes)
    top = items.withUnsafeBufferPointer { update(top, depth: 0, with: $0[...]) }
  }

  /// The proof of what the tree holds for a key: a value or nothing.
  public func proof(table: TableID, key: [UInt8]) -> StateProof {
    let path = Self.path(table: table, key: key)
    var siblings: [Digest] = []
    var reference = top
    while reference > 0 {
      let inner = inners[Int(reference)]
      let goesRight = path.bit(siblings.count)
      siblings.append(hash(of: goesRight ? inner.left : inner.right))
      reference = goesRight ? inner.right : inner.left
    }
    guard reference < 0 else { return StateProof(siblings: siblings, end: .empty) }
    let leaf = leaves[Int(~reference)]
    let end = leaf.path == path ? .record : StateProof.End.other(path: leaf.path, valueHash: leaf.valueHash)
    return StateProof(siblings: siblings, end: end)
  }

  // MARK: - Hashes

  /// The place of a record in the tree.
  public static func path(table: TableID, key: [UInt8]) -> Digest {
    withUnsafeTemporaryAllocation(byteCount: key.count + 1, alignment: 1) { input in
      input[0] = table.rawValue
      UnsafeMutableRawBufferPointer(rebasing: input[1...]).copyBytes(from: key)
      return Blake2b.hash(UnsafeRawBufferPointer(input))
    }
  }

  static func leafHash(path: Digest, valueHash: Digest) -> Digest { Blake2b.hashPair(tag: 0x10, path, valueHash) }
  static func innerHash(_ left: Digest, _ right: Digest) -> Digest { Blake2b.hashPair(tag: 0x11, left, right) }

  private func hash(of reference: Reference) -> Digest {
    if reference == 0 { return .zero }
    if reference > 0 { return inners[Int(reference)].hash }
    let leaf = leaves[Int(~reference)]
    return Self.leafHash(path: leaf.path, valueHash: leaf.valueHash)
  }
}

// MARK: - Batch update

extension StateTree {
  /// A change by path; `valueHash` is nil where the record goes.
  private struct Item {
    var path: Digest
    var valueHash: Digest?
    var order: Int
  }

  /// The changes by path, ascending, one for each.
  private static func items(of changes: [RecordChange]) -> [Item] {
    var items: [Item] = []
    items.reserveCapacity(changes.count)
    for (order, change) in changes.enumerated() {
      let valueHash = change.value.map { Blake2b.hash($0) }
      items.append(Item(path: path(table: change.table, key: change.key), valueHash: valueHash, order: order))
    }
    items.sort { $0.path == $1.path ? $0.order < $1.order : $0.path < $1.path }
    var kept = 0
    for index in items.indices {
      if kept > 0, items[kept - 1].path == items[index].path { kept -= 1 }
      items[kept] = items[index]
      kept += 1
    }
    items.removeLast(items.count - kept)
    return items
  }

  private typealias Items = Slice<UnsafeBufferPointer<Item>>

  /// The subtree `reference`, whose records share their first `depth` bits with all items, after the items. Recursion is
  /// bounded by the 256 bits of a path: items are distinct, so they have all parted by then.
  private mutating func update(_ reference: Reference, depth: Int, with items: Items) -> Reference {
    guard let item = items.first else { return reference }
    if reference <= 0, items.count == 1, let result = settle(item, at: reference) { return result }
    let (zeros, ones) = Self.split(items, depth: depth)
    guard reference > 0 else {
      // At most one record here, and several items or a new neighbour: both sides are built under a new node.
      let goesRight = reference < 0 && leaves[Int(~reference)].path.bit(depth)
      let left = update(goesRight ? 0 : reference, depth: depth + 1, with: zeros)
      let right = update(goesRight ? reference : 0, depth: depth + 1, with: ones)
      return join(left, right, reusing: 0)
    }
    let inner = inners[Int(reference)]
    let left = update(inner.left, depth: depth + 1, with: zeros)
    let right = update(inner.right, depth: depth + 1, with: ones)
    return join(left, right, reusing: reference)
  }

  /// One item at an empty subtree or a leaf; nil where both stay and need a node above them.
  private mutating func settle(_ item: Item, at reference: Reference) -> Reference? {
    guard reference < 0 else {
      guard let valueHash = item.valueHash else { return 0 }
      return newLeaf(Leaf(path: item.path, valueHash: valueHash))
    }
    let index = Int(~reference)
    guard leaves[index].path == item.path else { return item.valueHash == nil ? reference : nil }
    guard let valueHash = item.valueHash else {
      freeLeaves.append(reference)
      return 0
    }
    leaves[index].valueHash = valueHash
    return reference
  }

  private static func split(_ items: Items, depth: Int) -> (zeros: Items, ones: Items) {
    var low = items.startIndex
    var high = items.endIndex
    while low < high {
      let middle = low + (high - low) / 2
      if items[middle].path.bit(depth) { high = middle } else { low = middle + 1 }
    }
    return (items[items.startIndex..<low], items[low..<items.endIndex])
  }

  /// The node over two subtrees, in the place of `old` if that is a node: nothing over nothing, a lone record itself.
  private mutating func join(_ left: Reference, _ right: Reference, reusing old: Reference) -> Reference {
    if left <= 0, right <= 0, left == 0 || right == 0 {
      if old > 0 { freeInners.append(old) }
      return left == 0 ? right : left
    }
    let node = Inner(left: left, right: right, hash: Self.innerHash(hash(of: left), hash(of: right)))
    if let place = old > 0 ? old : freeInners.popLast() {
      inners[Int(place)] = node
      return place
    }
    precondition(inners.count < Int(Int32.max), "state tree full")
    inners.append(node)
    return Reference(truncatingIfNeeded: inners.count - 1)
  }

  private mutating func newLeaf(_ leaf: Leaf) -> Reference {
    if let place = freeLeaves.popLast() {
      leaves[Int(~place)] = leaf
      return place
    }
    precondition(leaves.count < Int(Int32.max), "state tree full")
    leaves.append(leaf)
    return ~Reference(truncatingIfNeeded: leaves.count - 1)
  }
}
