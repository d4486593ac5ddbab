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
    for named in changedKeys(of: undo) { appendChange(of: named, to: &changes) }
    sealed.append(undo)
    undo = []
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
    for named in keys { appendChange(of: named, to: &changes) }
  }

  /// Makes the oldest sealed block permanent.
  public mutating func releaseBlock() {
    precondition(!sealed.isEmpty, "no sealed block")
    sealed.removeFirst()
  }

  private func appendChange(of named: NamedKey, to changes: inout [RecordChange]) {
    changes.append(RecordChange(table: id, key: named.bytes, value: self[named.key]?.wireBytes))
  }

  private struct NamedKey {
    var bytes: [UInt8]
    var key: Key
    /// The record at the start of the block.
    var before: Record?
    /// Order of the change in the log: the first of a key tells how it began.
    var order: Int
  }

  /// The keys whose record differs between the start of `block`, which is the newest, and now; ascending by bytes.
  private mutating func changedKeys(of block: [Undo]) -> [NamedKey] {
    var named: [NamedKey] = []
    named.reserveCapacity(block.count)
    // A stamp of its own marks the slots met in this pass; the caller moves `epoch` on again.
    epoch += 1
    for (order, change) in block.enumerated() {
      // Changed again after a later mark: the first entry of the key told how it began.
      if change.change == .changed, stamps[Int(change.slot)] == epoch { continue }
      stamps[Int(change.slot)] = epoch
      named.append(NamedKey(bytes: change.key.wireBytes, key: change.key, before: change.before, order: order))
    }
    named.sort { a, b in
      let order = compareBytes(a.bytes, b.bytes)
      return order < 0 || (order == 0 && a.order < b.order)
    }
    var unique: [NamedKey] = []
    unique.reserveCapacity(named.count)
    var last: [UInt8]?
    for candidate in named where candidate.bytes != last {
      last = candidate.bytes
      if self[candidate.key] != candidate.before { unique.append(candidate) }
    }
    return unique
  }
}
