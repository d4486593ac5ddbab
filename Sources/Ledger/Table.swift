public import Primitives
public import Wire

/// All records of one kind, in memory: the only way in which the engine reads and writes replicated state.
///
/// Records live in numbered slots. A slot keeps its number as long as its record exists, so derived indices may hold
/// slot numbers instead of keys. Three promises about them:
/// - The same calls in the same order give the same slots (freed slots are reused last in, first out).
/// - `rollback` and `rollbackBlock` are exact inverses: afterwards every key is at the slot it had at the mark, the
///   free slots are in the same order, and the slots handed out next are those that were handed out next then.
/// - A restarted node loads records in key order and so numbers them differently: an outcome must never depend on a slot
///   number or on the order of `forEach`.
///
/// Undo: every change is logged, at most once for each slot and mark. `mark` and `rollback` undo a transaction;
/// `sealBlock` closes a block and reports its net changes; sealed blocks are undone newest first and released oldest
/// first. Marks do not outlive the block.
///
/// Cost: a look-up is one hash and about one probe; a change adds the copy of the record as it was before. Copying a
/// table copies all of it at the first write. At most 2^31 - 2 records.
@frozen public struct Table<Key: TableKey, Record: TableRecord>: Sendable {
  @frozen @usableFromInline enum Change: UInt8, Sendable { case inserted, changed, removed }

  @frozen @usableFromInline struct Undo: Sendable {
    @usableFromInline var slot: Int32
    @usableFromInline var change: Change
    /// The slot came from the free list (only for `inserted`).
    @usableFromInline var reused: Bool
    @usableFromInline var key: Key
    /// The record before (nil for `inserted`).
    @usableFromInline var before: Record?

    @inlinable init(slot: Int32, change: Change, reused: Bool = false, key: Key, before: Record?) {
      self.slot = slot
      self.change = change
      self.reused = reused
      self.key = key
      self.before = before
    }
  }

  public let id: TableID
  /// The most records the rules allow here; the table itself does not enforce it, see `isFull`.
  public let limit: Int

  @usableFromInline var liveCount = 0
  @usableFromInline var index: SlotIndex
  @usableFromInline var keys: ContiguousArray<Key> = []
  /// The record of a free slot is stale: it is kept because there is nothing else to put there.
  @usableFromInline var records: ContiguousArray<Record> = []
  @usableFromInline var live: ContiguousArray<Bool> = []
  /// The value of `epoch` when the slot was last logged.
  @usableFromInline var stamps: ContiguousArray<UInt64> = []
  @usableFromInline var free: ContiguousArray<Int32> = []
  /// Changes of the open block, oldest first.
  @usableFromInline var undo: [Undo] = []
  /// Changes of the sealed blocks that may still be rolled back, oldest block first.
  @usableFromInline var sealed: [[Undo]] = []
  /// Grows with every mark, rollback and seal: a slot whose stamp equals it is already logged since the newest mark.
  @usableFromInline var epoch: UInt64 = 1

  @inlinable public init(id: TableID, limit: Int = Int(Int32.max) - 1) {
    precondition(limit < Int(Int32.max))
    self.id = id
    self.limit = limit
    index = SlotIndex()
  }

  /// Whether the rules allow no further record: ask before `put` of a new key.
  @inlinable public var isFull: Bool { count >= limit }

  // MARK: Reading

  /// Records now.
  @inlinable public var count: Int { liveCount }

  @inlinable public subscript(key: Key) -> Record? {
    guard let slot = slot(of: key) else { return nil }
    return records[Int(slot)]
  }

  @inlinable public func contains(_ key: Key) -> Bool { slot(of: key) != nil }

  /// Where the record of `key` is, if there is one.
  @inlinable public func slot(of key: Key) -> Int32? {
    index.find(hash: key.tableHash) { keys[Int($0)] == key }
  }

  /// The record in a slot; the slot must hold one.
  @inlinable public subscript(slot slot: Int32) -> Record {
    precondition(live[Int(slot)], "free slot")
    return records[Int(slot)]
  }

  /// The key of the record in a slot; the slot must hold one.
  @inlinable public func key(at slot: Int32) -> Key {
    precondition(live[Int(slot)], "free slot")
    return keys[Int(slot)]
  }

  /// Reads the record in a slot in place, without copying it.
  @inlinable public func read<R>(slot: Int32, _ body: (borrowing Record) -> R) -> R {
    precondition(live[Int(slot)], "free slot")
    return body(records[Int(slot)])
  }

  /// Exclusive limit of the slot numbers in use.
  @inlinable public var slotLimit: Int32 { Int32(truncatingIfNeeded: keys.count) }

  @inlinable public func isLive(slot: Int32) -> Bool { slot >= 0 && slot < slotLimit && live[Int(slot)] }

  /// Every record in the order of slots, which differs between nodes: for sums and for rebuilding of indices only.
  @inlinable public func forEach(_ body: (Key, Int32, Record) -> Void) {
    for slot in 0..<keys.count where live[slot] { body(keys[slot], Int32(truncatingIfNeeded: slot), records[slot]) }
  }

  /// Every key, ascending by canonical bytes. Sorts: for snapshots, checks and tests.
  public func sortedKeys() -> [Key] {
    var named: [(bytes: [UInt8], key: Key)] = []
    named.reserveCapacity(count)
    forEach { key, _, _ in named.append((key.wireBytes, key)) }
    named.sort { bytesPrecede($0.bytes, $1.bytes) }
    return named.map(\.key)
  }

  // MARK: Writing

  /// Adds or replaces a record; returns its slot.
  @inlinable @discardableResult public mutating func put(_ record: Record, for key: Key) -> Int32 {
    if let slot = slot(of: key) {
      logChange(of: slot)
      records[Int(slot)] = record
      return slot
    }
    return insert(record, for: key)
  }

  /// Changes a record in place; nil if there is none. The key's place cannot change.
  @inlinable @discardableResult public mutating func update<R>(_ key: Key, _ body: (inout Record) -> R) -> R? {
    guard let slot = slot(of: key) else { return nil }
    logChange(of: slot)
    return body(&records[Int(slot)])
  }

  /// Changes the record in a slot in place; the slot must hold one.
  @inlinable @discardableResult public mutating func update<R>(slot: Int32, _ body: (inout Record) -> R) -> R {
    precondition(live[Int(slot)], "free slot")
    logChange(of: slot)
    return body(&records[Int(slot)])
  }

  /// Removes a record and returns it; nil if there is none.
  @inlinable @discardableResult public mutating func remove(_ key: Key) -> Record? {
    guard let slot = slot(of: key) else { return nil }
    return remove(slot: slot)
  }

  /// Removes the record in a slot and returns it; the slot must hold one.
  @inlinable @discardableResult public mutating func remove(slot: Int32) -> Record {
    precondition(live[Int(slot)], "free slot")
    let key = keys[Int(slot)]
    let record = records[Int(slot)]
    undo.append(Undo(slot: slot, change: .removed, key: key, before: record))
    release(slot, of: key)
    return record
  }

  /// Puts a stored record into a table at restart: not logged, not part of any block.
  public mutating func load(keyBytes: [UInt8], valueBytes: [UInt8]) throws(WireError) {
    precondition(undo.isEmpty && sealed.isEmpty, "load belongs before the first block")
    let key = try WireReader.decode(Key.self, from: keyBytes)
    let record = try WireReader.decode(Record.self, from: valueBytes)
    guard !contains(key) else { throw WireError(.invalid("second record of one key"), at: 0) }
    let slot = occupyNew(record, for: key)
    // Not logged in this block: its first change must be.
    stamps[Int(slot)] = 0
  }
}

// MARK: - Slots

extension Table {
  /// Logs the record in `slot` unless it is logged since the newest mark.
  @inlinable mutating func logChange(of slot: Int32) {
    let slot = Int(slot)
    guard stamps[slot] != epoch else { return }
    stamps[slot] = epoch
    undo.append(Undo(slot: Int32(truncatingIfNeeded: slot), change: .changed, key: keys[slot], before: records[slot]))
  }

  @inlinable mutating func insert(_ record: Record, for key: Key) -> Int32 {
    guard let slot = free.popLast() else {
      let slot = occupyNew(record, for: key)
      undo.append(Undo(slot: slot, change: .inserted, key: key, before: nil))
      return slot
    }
    occupy(slot, with: record, for: key)
    undo.append(Undo(slot: slot, change: .inserted, reused: true, key: key, before: nil))
    return slot
  }

  @inlinable mutating func occupy(_ slot: Int32, with record: Record, for key: Key) {
    keys[Int(slot)] = key
    records[Int(slot)] = record
    live[Int(slot)] = true
    stamps[Int(slot)] = epoch
    liveCount += 1
    index.insert(slot, hash: key.tableHash, count: liveCount)
  }

  @inlinable @discardableResult mutating func occupyNew(_ record: Record, for key: Key) -> Int32 {
    precondition(keys.count < Int(Int32.max) - 1, "table full")
    let slot = Int32(truncatingIfNeeded: keys.count)
    keys.append(key)
    records.append(record)
    live.append(true)
    stamps.append(epoch)
    liveCount += 1
    index.insert(slot, hash: key.tableHash, count: liveCount)
    return slot
  }

  @inlinable mutating func release(_ slot: Int32, of key: Key) {
    index.remove(slot, hash: key.tableHash)
    live[Int(slot)] = false
    free.append(slot)
    liveCount -= 1
  }

  /// Takes one change back. Called newest first, so the slot is exactly as the change left it.
  @inlinable mutating func revert(_ change: Undo) {
    let slot = Int(change.slot)
    switch change.change {
    case .changed:
      if let before = change.before, !Mutant.has(.undoForgetsChange) { records[slot] = before }
    case .removed:
      let top = free.popLast()
      precondition(top == change.slot, "undo log out of order")
      if let before = change.before { occupy(change.slot, with: before, for: change.key) }
    case .inserted:
      release(change.slot, of: change.key)
      if !change.reused { dropLastSlot() }
    }
  }

  /// Undoes the growth of the table by one slot, so that the next new slot gets the same number again.
  @inlinable mutating func dropLastSlot() {
    free.removeLast()
    keys.removeLast()
    records.removeLast()
    live.removeLast()
    stamps.removeLast()
  }
}
