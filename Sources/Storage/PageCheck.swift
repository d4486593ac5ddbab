// LMDB follows the page numbers, offsets and lengths in its file without asking where they lead: one that rotted makes it
// reach outside the map, which ends the process. So they are followed here first, and what is wrong is refused by name.
// The layout is that of LMDB 0.9 ("Page headers", "Node" and "Meta page" in its mdb.c), of which this assumes a
// little-endian machine with 64 bits.

import Ledger

/// The structure of an LMDB file as one transaction sees it: every page of every table and the list of free pages.
///
/// It costs a read of every page but those that only continue a large value.
struct PageCheck {
  private let file: PosixFile
  private let pageSize: Int
  private let pageCount: Int
  /// Bytes of the file.
  private let size: Int
  /// A bit for each page that a table or the list of free pages has; no page has two owners.
  private var taken: [UInt64]

  /// Far more pages than one transaction gives back unwritten.
  private static let unwrittenMax = 1 << 20

  /// Refuses a file whose two first pages LMDB must not rely on when it maps the file. Gives the size of a page.
  @discardableResult static func checkMetaPages(of file: PosixFile) throws(StoreError) -> Int {
    let first = try meta(0, of: file, pageSize: nil)
    let second = try meta(1, of: file, pageSize: first.pageSize)
    guard first.pageSize == second.pageSize else { throw damage(file, page: 1, "has another page size than page 0") }
    return first.pageSize
  }

  /// Checks all that transaction `id` can reach; that transaction must be open, so that none of it is written meanwhile.
  /// False if the file went on before the view could be found: try again with a newer transaction.
  static func check(_ file: PosixFile, transaction id: Int) throws(StoreError) -> Bool {
    let pageSize = try checkMetaPages(of: file)
    let meta = try meta(id & 1, of: file, pageSize: pageSize)
    guard meta.transaction == id else { return false }
    let size = try file.size()
    // Pages that a transaction took from the file's end and gave back are not written: it may end before its last page.
    guard meta.lastPage < size / pageSize + unwrittenMax else {
      throw StoreError(
        .damaged, "\(file.path) is cut short: it has \(size) bytes, and pages to \(meta.lastPage) of \(pageSize) each.",
        advice: Environment.restoreAdvice)
    }
    var check = PageCheck(file: file, pageSize: pageSize, pageCount: Int(meta.lastPage) + 1, size: size)
    var unknown: Page?
    var missing = Set(Schema.allCases.map(\.name))
    var tables: [Tree] = []
    try check.walk(meta.main, .tables) { (leaf, node) throws(StoreError) in
      guard node.flags == Node.isTree, node.length == Tree.length else {
        throw damage(file, page: leaf.number, "lists something else than tables")
      }
      if missing.remove(String(decoding: leaf.bytes[node.key], as: UTF8.self)) == nil { unknown = leaf }
      tables.append(try Tree(leaf, at: node.value))
    }
    if let unknown {
      // Under a name that rotted a table would be out of sight, and an empty one made in its place.
      guard missing.isEmpty else { throw damage(file, page: unknown.number, "names a table that no ledger has") }
      throw StoreError(
        .otherFormat, "\(file.path) has tables that this program does not know.",
        advice: "Start the version that wrote it, or a newer one.")
    }
    for table in tables { try check.walk(table, .table) }
    try check.walkFree(meta.free)
    return true
  }

  private init(file: PosixFile, pageSize: Int, pageCount: Int, size: Int) {
    self.file = file
    self.pageSize = pageSize
    self.pageCount = pageCount
    self.size = size
    taken = Array(repeating: 0, count: pageCount / 64 + 1)
  }

  // MARK: - Meta pages

  private struct Meta {
    var pageSize: Int
    var free: Tree
    var main: Tree
    var lastPage: UInt64
    var transaction: UInt64
  }

  private static func meta(_ number: Int, of file: PosixFile, pageSize: Int?) throws(StoreError) -> Meta {
    let bytes = try file.read(152, at: number * (pageSize ?? 0))
    let page = Page(file: file, number: number, bytes: bytes)
    guard bytes.count == 152, try page.flags == Page.isMeta, try page.integer(16, UInt32.self) == 0xbeef_c0de,
      try page.integer(20, UInt32.self) == 1
    else { throw damage(file, page: number, "is not the head of an LMDB file") }
    let size = Int(try page.integer(40, UInt32.self))
    guard (512...65536).contains(size), size & (size - 1) == 0 else {
      throw damage(file, page: number, "says that pages have \(size) bytes")
    }
    return Meta(
      pageSize: size, free: try Tree(page, at: 40), main: try Tree(page, at: 88),
      lastPage: try page.integer(136, UInt64.self), transaction: try page.integer(144, UInt64.self))
  }

  // MARK: - Trees

  /// What LMDB keeps of one table (`MDB_db`).
  private struct Tree {
    static let length = 48
    /// The root of an empty one.
    static let none = UInt64.max
    var flags: UInt16
    var depth: Int
    var entries: UInt64
    var root: UInt64

    init(_ page: Page, at offset: Int) throws(StoreError) {
      flags = try page.integer(offset + 4, UInt16.self)
      depth = Int(try page.integer(offset + 6, UInt16.self))
      entries = try page.integer(offset + 32, UInt64.self)
      root = try page.integer(offset + 40, UInt64.self)
    }
  }

  private enum Kind { case tables, table, free }

  /// As high as LMDB's cursors reach.
  private static let depthMax = 32
  private static let keyMax = 511

  private mutating func walk(
    _ tree: Tree, _ kind: Kind, leaf: (Page, Node) throws(StoreError) -> Void = { (_, _) in }
  ) throws(StoreError) {
    // Of the flags that say how keys and values are compared, only that of the free list's integer keys may be set.
    guard tree.flags & 0x7e == (kind == .free ? 0x08 : 0) else { throw damage(tree, "has unknown flags") }
    guard tree.root != Tree.none else {
      guard tree.entries == 0 else { throw damage(tree, "has entries but no pages") }
      return
    }
    guard (1...Self.depthMax).contains(tree.depth) else { throw damage(tree, "cannot be \(tree.depth) pages deep") }
    var entries: UInt64 = 0
    try walk(page: tree.root, level: tree.depth, kind, from: nil, to: nil, &entries, leaf)
    guard entries == tree.entries else { throw damage(tree, "has \(entries) entries of \(tree.entries)") }
  }

  /// Of the page all keys are at least `from` and below `to`.
  private mutating func walk(
    page number: UInt64, level: Int, _ kind: Kind, from: Key?, to: Key?, _ entries: inout UInt64,
    _ visit: (Page, Node) throws(StoreError) -> Void
  ) throws(StoreError) {
    let page = try take(number)
    let isLeaf = level == 1
    guard try page.flags & Page.kinds == (isLeaf ? Page.isLeaf : Page.isBranch) else {
      throw damage(page, isLeaf ? "is no leaf" : "is no branch")
    }
    let nodes = try self.nodes(of: page, isLeaf: isLeaf)
    // LMDB asserts that a branch has two ways, except in the free list (ITS#8336).
    guard nodes.count >= (isLeaf || kind == .free ? 1 : 2) else { throw damage(page, "has too few entries") }
    // A branch's first key stands for whatever the branch above says.
    var keys = nodes.map { Key(bytes: page.bytes[$0.key], isInteger: kind == .free) }
    if !isLeaf, let from { keys[0] = from }
    for index in keys.indices.dropFirst(isLeaf || from != nil ? 1 : 2) where !(keys[index - 1] < keys[index]) {
      throw damage(page, "is not in order")
    }
    if let from, let first = keys.first, first < from { throw damage(page, "has a key of another page") }
    if let to, let last = keys.last, !(last < to) { throw damage(page, "has a key of another page") }
    guard kind != .free || keys.dropFirst(isLeaf ? 0 : 1).allSatisfy({ $0.bytes.count == 8 }) else {
      throw damage(page, "has a key that is no transaction")
    }
    for (index, node) in nodes.enumerated() {
      if isLeaf {
        entries += 1
        if node.flags == Node.isLarge { try takeLarge(node, of: page) }
        if kind == .table, node.flags & ~Node.isLarge != 0 { throw damage(page, "has an entry of an unknown kind") }
        try visit(page, node)
      } else {
        try walk(
          page: node.child, level: level - 1, kind, from: index > 0 ? keys[index] : from,
          to: index + 1 < keys.count ? keys[index + 1] : to, &entries, visit)
      }
    }
  }

  /// The list of free pages: under the transaction that freed them their count and numbers, descending.
  private mutating func walkFree(_ tree: Tree) throws(StoreError) {
    var lists: [(page: Page, values: [UInt8])] = []
    let pageSize = pageSize
    try walk(tree, .free) { (page, node) throws(StoreError) in
      if node.flags == Node.isLarge {
        let start = Int(try page.integer(node.value, UInt64.self)) * pageSize + Page.headerLength
        lists.append((page, try page.file.read(node.length, at: start)))
      } else {
        guard node.flags == 0 else {
          throw Self.damage(page.file, page: page.number, "has an entry of an unknown kind")
        }
        lists.append((page, Array(page.bytes[node.value..<node.value + node.length])))
      }
    }
    for list in lists {
      let values = Page(file: file, number: list.page.number, bytes: list.values)
      let count = try values.integer(0, UInt64.self)
      guard count < UInt64(values.bytes.count / 8) else { throw damage(list.page, "lists more free pages than it has") }
      var above = UInt64.max
      for index in 0..<Int(count) {
        let number = try values.integer(8 * (index + 1), UInt64.self)
        guard number < above else { throw damage(list.page, "lists free pages out of order") }
        above = number
        try claim(number)
      }
    }
  }

  // MARK: - Pages

  /// Reads a page of a tree that no other owner has.
  private mutating func take(_ number: UInt64) throws(StoreError) -> Page {
    let index = try claim(number)
    let page = Page(file: file, number: index, bytes: try file.read(pageSize, at: index * pageSize))
    guard page.bytes.count == pageSize else { throw damage(page, "is beyond the end of the file, which is cut short") }
    guard try page.integer(0, UInt64.self) == number else { throw damage(page, "holds another page") }
    return page
  }

  @discardableResult private mutating func claim(_ number: UInt64) throws(StoreError) -> Int {
    guard number >= 2, number < UInt64(pageCount) else {
      throw Self.damage(file, page: Int(clamping: number), "is outside the file")
    }
    let bit: UInt64 = 1 << (number % 64)
    guard taken[Int(number / 64)] & bit == 0 else {
      throw Self.damage(file, page: Int(number), "belongs to two owners")
    }
    taken[Int(number / 64)] |= bit
    return Int(number)
  }

  /// A value that has pages of its own.
  private mutating func takeLarge(_ node: Node, of page: Page) throws(StoreError) {
    let number = try page.integer(node.value, UInt64.self)
    let index = try claim(number)
    let head = Page(file: file, number: index, bytes: try file.read(Page.headerLength, at: index * pageSize))
    let count = try head.integer(12, UInt32.self)
    guard try head.integer(0, UInt64.self) == number, try head.flags & Page.kinds == Page.isLarge,
      Int(count) * pageSize >= Page.headerLength + node.length, UInt64(count) <= UInt64(pageCount) - number
    else { throw damage(head, "does not hold the value that page \(page.number) expects there") }
    guard (index + Int(count)) * pageSize <= size else { throw damage(head, "holds a value that is cut short") }
    for offset in 1..<max(1, UInt64(count)) { try claim(number + offset) }
  }

  /// The entries of a page, all within it.
  private func nodes(of page: Page, isLeaf: Bool) throws(StoreError) -> [Node] {
    let lower = Int(try page.integer(12, UInt16.self))
    let upper = Int(try page.integer(14, UInt16.self))
    guard lower >= Page.headerLength, lower % 2 == 0, lower <= upper, upper <= pageSize else {
      throw damage(page, "has impossible bounds")
    }
    var nodes: [Node] = []
    nodes.reserveCapacity((lower - Page.headerLength) / 2)
    var used = 0
    for place in stride(from: Page.headerLength, to: lower, by: 2) {
      let offset = Int(try page.integer(place, UInt16.self))
      guard offset >= upper, offset + Node.headerLength <= pageSize else {
        throw damage(page, "has an entry outside it")
      }
      let node = try Node(page, at: offset)
      let length = Node.headerLength + node.key.count + (isLeaf ? node.inPage : 0)
      guard offset + length <= pageSize, node.key.count <= Self.keyMax, !isLeaf || !node.key.isEmpty else {
        throw damage(page, "has an entry outside it")
      }
      used += length + length % 2
      nodes.append(node)
    }
    guard used <= pageSize - upper else { throw damage(page, "has entries that overlap") }
    return nodes
  }

  private struct Page {
    static let headerLength = 16
    static let isBranch: UInt16 = 0x01
    static let isLeaf: UInt16 = 0x02
    static let isLarge: UInt16 = 0x04
    static let isMeta: UInt16 = 0x08
    /// The flags that say what a page is; others are of the moment it was written.
    static let kinds: UInt16 = 0x6f
    let file: PosixFile
    let number: Int
    let bytes: [UInt8]

    var flags: UInt16 { get throws(StoreError) { try integer(10, UInt16.self) } }

    func integer<T: FixedWidthInteger>(_ offset: Int, _: T.Type) throws(StoreError) -> T {
      guard offset >= 0, offset <= bytes.count - MemoryLayout<T>.size else {
        throw PageCheck.damage(file, page: number, "ends too early")
      }
      return bytes.withUnsafeBytes { T(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: T.self)) }
    }
  }

  private struct Node {
    static let headerLength = 8
    /// The value is the number of the first of its own pages.
    static let isLarge: UInt16 = 0x01
    /// The value is a table.
    static let isTree: UInt16 = 0x02
    /// Of a leaf; of a branch part of the child's number.
    let flags: UInt16
    /// Within the page.
    let key: Range<Int>
    /// Of a leaf: bytes of the value, wherever it is.
    let length: Int
    /// Of a branch.
    let child: UInt64

    init(_ page: Page, at offset: Int) throws(StoreError) {
      let low = try page.integer(offset, UInt32.self)
      flags = try page.integer(offset + 4, UInt16.self)
      let keyLength = Int(try page.integer(offset + 6, UInt16.self))
      let start = offset + Self.headerLength
      // What reaches beyond the page is refused before it is used.
      key = start..<min(start + keyLength, max(start, page.bytes.count))
      guard key.count == keyLength else {
        throw PageCheck.damage(page.file, page: page.number, "has an entry outside it")
      }
      length = Int(low)
      child = UInt64(low) | UInt64(flags) << 32
    }

    var value: Int { key.upperBound }
    var inPage: Int { flags & Self.isLarge != 0 ? 8 : length }
  }

  /// As LMDB orders them: by bytes, or as integers of eight bytes.
  private struct Key {
    let bytes: ArraySlice<UInt8>
    let isInteger: Bool

    static func < (a: Key, b: Key) -> Bool {
      if a.isInteger, a.bytes.count == b.bytes.count {
        return a.bytes.reversed().lexicographicallyPrecedes(b.bytes.reversed())
      }
      return a.bytes.lexicographicallyPrecedes(b.bytes)
    }
  }

  // MARK: - Errors

  private func damage(_ page: Page, _ what: String) -> StoreError { Self.damage(file, page: page.number, what) }

  private func damage(_ tree: Tree, _ what: String) -> StoreError {
    Self.damage(file, page: Int(clamping: tree.root), "(the root of a table) \(what)")
  }

  private static func damage(_ file: PosixFile, page: Int, _ what: String) -> StoreError {
    StoreError(.damaged, "In \(file.path), page \(page) \(what).", advice: Environment.restoreAdvice)
  }
}
