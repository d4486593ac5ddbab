// Transactions and blocks of a table: marks, rollback, and the net changes of a block.

import Wire

extension Table {
  /// A place to roll back to within the open block. Marks nest: rolling back to one forgets the later ones.
  @inlinable public mutating func mark() -> Int {
    epoch += 1
    return undo.count
  }

  /// Takes back every change since `mark`, newest first; keys are at their slots of then (see `Table`).
  @inlinable public mutating func rollback(to mark: Int) {
    precondition(mark >= 0 && mark <= undo.count, "mark of another block")
    while undo.count > mark { revert(undo.removeLast()) }
    epoch += 1
  }

  /// Blocks that are sealed and not released.
  @inlinable public var sealedBlocks: Int { sealed.count }

  /// Whether the open block changed anything (even if it changed it back).
  @inlinable public var isDirty: Bool { !undo.isEmpty }

  /// Closes the block and appends its net changes, ascending by key bytes, each key once. A record that ends as it began
  /// is not among them. The block can be rolled back until it is released.
  public mutating func sealBlock(into changes: inout [RecordChange]) {
    for named in changedKeys(of: undo) { appendChange(of: named, undo[named.order].key, to: &changes) }
    let size = undo.count
    sealed.append(undo)
    undo = []
    // The next block is about as large.
    undo.reserveCapacity(size)
    epoch += 1
  }

  /// Undoes the newest sealed block, after everything in the open one, and appends the changes that take the state tree
  /// from the end of that block back to its start.
  public mutating func rollbackBlock(into changes: inout [RecordChange]) {
    rollback(to: 0)
    guard let block = sealed.popLast() else { preconditionFailure("no sealed block") }
    let keys = changedKeys(of: block)
    for change in block.reversed() { revert(change) }
    epoch += 1
    for named in keys { appendChange(of: named, block[named.order].key, to: &changes) }
  }

  /// Makes the oldest sealed block permanent.
  public mutating func releaseBlock() {
    precondition(!sealed.isEmpty, "no sealed block")
    sealed.removeFirst()
  }

  private func appendChange(of named: NamedKey, _ key: Key, to changes: inout [RecordChange]) {
    changes.append(RecordChange(table: id, key: named.bytes, value: self[key]?.wireBytes))
  }

  /// The keys whose record differs between the start of `block`, which is the newest, and now; ascending by bytes.
  private mutating func changedKeys(of block: [Undo]) -> [NamedKey] {
    var named: [NamedKey] = []
    named.reserveCapacity(block.count)
    // A stamp of its own marks the slots met in this pass; the caller moves `epoch` on again.
    epoch += 1
    // Stamps a slot while it holds a key that is not there at the end.
    let passing = UInt64.max
    for order in block.indices {
      let slot = Int(block[order].slot)
      switch block[order].change {
      case .changed:
        // Changed again after a later mark: the first entry of the key told how it began.
        if stamps[slot] == epoch || stamps[slot] == passing { continue }
      case .inserted:
        // Comes and goes. If the key was there at the start, an earlier entry says so; if it is at the end, a later one.
        if !live[slot] || keys[slot] != block[order].key {
          stamps[slot] = passing
          continue
        }
      case .removed:
        if stamps[slot] == passing {
          stamps[slot] = epoch
          continue
        }
      }
      stamps[slot] = epoch
      named.append(NamedKey(bytes: block[order].key.wireBytes, order: order))
    }
    named.sort { $0.precedes($1) }
    var unique: [NamedKey] = []
    unique.reserveCapacity(named.count)
    var last: [UInt8]?
    for candidate in named where candidate.bytes != last {
      last = candidate.bytes
      if self[block[candidate.order].key] != block[candidate.order].before { unique.append(candidate) }
    }
    return unique
  }
}

/// A changed key by its canonical bytes.
private struct NamedKey {
  /// The first eight bytes: they settle most comparisons.
  var prefix: UInt64 = 0
  var bytes: [UInt8]
  /// Place of the change in the log: the first of a key tells how it began.
  var order: Int

  init(bytes: [UInt8], order: Int) {
    self.bytes = bytes
    self.order = order
    for place in 0..<8 { prefix = prefix << 8 | (place < bytes.count ? UInt64(bytes[place]) : 0) }
  }

  /// By bytes, then by place.
  func precedes(_ other: NamedKey) -> Bool {
    if prefix != other.prefix { return prefix < other.prefix }
    let result = bytes.count == 8 && other.bytes.count == 8 ? 0 : compareBytes(bytes, other.bytes)
    return result < 0 || (result == 0 && order < other.order)
  }
}
