// What every table of replicated state shares: its number, the demands on keys and records, and the form in which its
// changes reach the state tree and the store.

public import Wire

/// The number of a table; part of every record's path in the state tree, so it never changes once a chain has started.
@frozen public struct TableID: RawRepresentable, Hashable, Comparable, Sendable {
  public var rawValue: UInt8

  @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }
  @inlinable public init(_ rawValue: UInt8) { self.rawValue = rawValue }

  @inlinable public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// A key of a table. Its canonical bytes name the record in the state tree and in the store.
public protocol TableKey: Hashable, Sendable, WireCodable {
  /// Where the key is sought in the table's index. It decides speed only, never an outcome, and may differ between
  /// processes. The default is the standard library's seeded hash, which outsiders cannot aim collisions at; give a
  /// cheaper one only for keys that the engine numbers itself.
  var tableHash: Int { get }
}

extension TableKey {
  @inlinable public var tableHash: Int { hashValue }
}

/// A record of a table.
public protocol TableRecord: Equatable, Sendable, WireCodable {}

/// One record as a block left it; `value` is nil where the record is gone.
@frozen public struct RecordChange: Hashable, Sendable {
  public var table: TableID
  public var key: [UInt8]
  public var value: [UInt8]?

  @inlinable public init(table: TableID, key: [UInt8], value: [UInt8]?) {
    self.table = table
    self.key = key
    self.value = value
  }
}

/// Work done on each table of a state in turn: sealing, rolling back, releasing, loading and streaming of the whole state
/// are visitors.
public protocol TableVisitor {
  mutating func visit<Key, Record>(_ table: inout Table<Key, Record>)
}

/// The tables of a state.
public protocol StateTables: Sendable {
  /// Calls `visit` of each, in ascending order of table number.
  mutating func visit(_ visitor: inout some TableVisitor)
}

extension StateTables {
  /// Closes the block and appends its net changes (see `Table.sealBlock`).
  @inlinable public mutating func sealBlock(into changes: inout [RecordChange]) {
    var visitor = SealBlock(changes: changes)
    changes = []
    visit(&visitor)
    changes = visitor.changes
  }

  /// Undoes the newest sealed block and appends the changes that do so (see `Table.rollbackBlock`).
  @inlinable public mutating func rollbackBlock(into changes: inout [RecordChange]) {
    var visitor = RollbackBlock(changes: changes)
    changes = []
    visit(&visitor)
    changes = visitor.changes
  }

  /// Makes the oldest sealed block permanent.
  @inlinable public mutating func releaseBlock() {
    var visitor = ReleaseBlock()
    visit(&visitor)
  }
}

/// Seals the block in every visited table and gathers the changes.
@frozen public struct SealBlock: TableVisitor {
  public var changes: [RecordChange]

  @inlinable public init(changes: [RecordChange] = []) { self.changes = changes }

  @inlinable public mutating func visit<Key, Record>(_ table: inout Table<Key, Record>) {
    table.sealBlock(into: &changes)
  }
}

/// Undoes the newest sealed block in every visited table and gathers the changes that take the tree and the store back.
@frozen public struct RollbackBlock: TableVisitor {
  public var changes: [RecordChange]

  @inlinable public init(changes: [RecordChange] = []) { self.changes = changes }

  @inlinable public mutating func visit<Key, Record>(_ table: inout Table<Key, Record>) {
    table.rollbackBlock(into: &changes)
  }
}

/// Makes the oldest sealed block of every visited table permanent.
@frozen public struct ReleaseBlock: TableVisitor {
  @inlinable public init() {}

  @inlinable public mutating func visit<Key, Record>(_ table: inout Table<Key, Record>) { table.releaseBlock() }
}

/// Offers one stored record to every visited table; the one with its number takes it.
@frozen public struct LoadRecord: TableVisitor {
  @usableFromInline let table: TableID
  @usableFromInline let key: [UInt8]
  @usableFromInline let value: [UInt8]
  /// Whether a table took the record.
  public private(set) var isTaken = false
  /// Why the table refused it.
  public private(set) var error: WireError?

  public init(table: TableID, key: [UInt8], value: [UInt8]) {
    self.table = table
    self.key = key
    self.value = value
  }

  public mutating func visit<Key, Record>(_ table: inout Table<Key, Record>) {
    guard table.id == self.table else { return }
    isTaken = true
    do throws(WireError) {
      try table.load(keyBytes: key, valueBytes: value)
    } catch {
      self.error = error
    }
  }
}

/// Negative, zero or positive as `a` comes before, equals or comes after `b`, byte by byte; a prefix comes before what it
/// begins.
@inlinable public func compareBytes(_ a: [UInt8], _ b: [UInt8]) -> Int {
  a.withUnsafeBufferPointer { a in
    b.withUnsafeBufferPointer { b in
      let shared = min(a.count, b.count)
      for index in 0..<shared where a[index] != b[index] { return a[index] < b[index] ? -1 : 1 }
      return a.count - b.count
    }
  }
}

/// Whether `a` comes before `b`; see `compareBytes`.
@inlinable public func bytesPrecede(_ a: [UInt8], _ b: [UInt8]) -> Bool { compareBytes(a, b) < 0 }
