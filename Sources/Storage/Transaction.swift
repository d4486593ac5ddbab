// Reads and writes inside one LMDB transaction. Each value is stored behind eight bytes of BLAKE2b over table, key and
// value, so a value that rotted, or that stands under another key than it was written for, is found when it is read.

import CLMDB
import Ledger
import Primitives
import Sodium

/// A transaction of `Environment`; valid only inside the closure that it was passed to.
struct Transaction {
  let handle: OpaquePointer
  let tables: [MDB_dbi]
  let path: String

  func get(_ table: Schema, _ key: [UInt8]) throws(StoreError) -> [UInt8]? {
    var found = MDB_val()
    let code = withValue(key) { mdb_get(handle, tables[table.rawValue], &$0, &found) }
    if code == MDB_NOTFOUND { return nil }
    guard code == 0 else { throw Environment.failure("read", path, code) }
    return try value(of: found, table, key)
  }

  func has(_ table: Schema, _ key: [UInt8]) throws(StoreError) -> Bool {
    var found = MDB_val()
    let code = withValue(key) { mdb_get(handle, tables[table.rawValue], &$0, &found) }
    guard code == 0 || code == MDB_NOTFOUND else { throw Environment.failure("read", path, code) }
    return code == 0
  }

  func put(_ table: Schema, _ key: [UInt8], _ value: [UInt8]) throws(StoreError) {
    var room = MDB_val(mv_size: value.count + 8, mv_data: nil)
    let code = withValue(key) { mdb_put(handle, tables[table.rawValue], &$0, &room, UInt32(MDB_RESERVE)) }
    guard code == 0, let data = room.mv_data else { throw Environment.failure("write", path, code) }
    data.storeBytes(of: Self.checksum(table, key, value).littleEndian, as: UInt64.self)
    value.withUnsafeBytes { bytes in
      if let base = bytes.baseAddress { data.advanced(by: 8).copyMemory(from: base, byteCount: bytes.count) }
    }
  }

  /// Whether there was such a key.
  @discardableResult func remove(_ table: Schema, _ key: [UInt8]) throws(StoreError) -> Bool {
    let code = withValue(key) { mdb_del(handle, tables[table.rawValue], &$0, nil) }
    guard code == 0 || code == MDB_NOTFOUND else { throw Environment.failure("write", path, code) }
    return code == 0
  }

  func count(_ table: Schema) -> Int {
    var statistics = MDB_stat()
    return mdb_stat(handle, tables[table.rawValue], &statistics) == 0 ? statistics.ms_entries : 0
  }

  func last(_ table: Schema) throws(StoreError) -> (key: [UInt8], value: [UInt8])? {
    let cursor = try open(table)
    defer { mdb_cursor_close(cursor) }
    return try step(cursor, table, MDB_LAST)
  }

  /// Every entry ascending by key, from `start` on, until `body` returns false.
  func walk(
    _ table: Schema, from start: [UInt8] = [], _ body: (_ key: [UInt8], _ value: [UInt8]) throws(StoreError) -> Bool
  ) throws(StoreError) {
    let cursor = try open(table)
    defer { mdb_cursor_close(cursor) }
    var next = start.isEmpty ? try step(cursor, table, MDB_FIRST) : try step(cursor, table, MDB_SET_RANGE, start)
    while let entry = next {
      guard try body(entry.key, entry.value) else { return }
      next = try step(cursor, table, MDB_NEXT)
    }
  }

  // MARK: - Parts

  private func open(_ table: Schema) throws(StoreError) -> OpaquePointer {
    var cursor: OpaquePointer?
    let code = mdb_cursor_open(handle, tables[table.rawValue], &cursor)
    guard code == 0, let cursor else { throw Environment.failure("read", path, code) }
    return cursor
  }

  private func step(
    _ cursor: OpaquePointer, _ table: Schema, _ operation: MDB_cursor_op, _ start: [UInt8] = []
  ) throws(StoreError) -> (key: [UInt8], value: [UInt8])? {
    var found = MDB_val()
    var key: [UInt8] = []
    let code = withValue(start) { place in
      let code = mdb_cursor_get(cursor, &place, &found, operation)
      if code == 0 { key = Self.bytes(place) }
      return code
    }
    if code == MDB_NOTFOUND { return nil }
    guard code == 0 else { throw Environment.failure("read", path, code) }
    return (key, try value(of: found, table, key))
  }

  private func value(of found: MDB_val, _ table: Schema, _ key: [UInt8]) throws(StoreError) -> [UInt8] {
    let stored = Self.bytes(found)
    if stored.count >= 8 {
      let checksum = stored.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
      let value = Array(stored[8...])
      if checksum == Self.checksum(table, key, value) { return value }
    }
    throw table.damage(at: key, in: path, "does not match its checksum")
  }

  private static func checksum(_ table: Schema, _ key: [UInt8], _ value: [UInt8]) -> UInt64 {
    withUnsafeTemporaryAllocation(byteCount: key.count + value.count + 3, alignment: 1) { input in
      input[0] = UInt8(table.rawValue)
      input[1] = UInt8(truncatingIfNeeded: key.count)
      input[2] = UInt8(truncatingIfNeeded: key.count >> 8)
      UnsafeMutableRawBufferPointer(rebasing: input[3...]).copyBytes(from: key)
      UnsafeMutableRawBufferPointer(rebasing: input[(3 + key.count)...]).copyBytes(from: value)
      return Blake2b.hash(UnsafeRawBufferPointer(input)).words.0
    }
  }

  private static func bytes(_ value: MDB_val) -> [UInt8] {
    Array(UnsafeRawBufferPointer(start: value.mv_data, count: value.mv_size))
  }

  private func withValue(_ bytes: [UInt8], _ body: (inout MDB_val) -> Int32) -> Int32 {
    bytes.withUnsafeBytes { buffer in
      var value = MDB_val(mv_size: buffer.count, mv_data: UnsafeMutableRawPointer(mutating: buffer.baseAddress))
      return body(&value)
    }
  }
}

/// The tables of the file; the raw value is part of every checksum.
enum Schema: Int, CaseIterable {
  /// Format, chain, head and first height.
  case meta
  /// Height (8 bytes, big-endian) to block.
  case blocks
  /// Block hash to height.
  case heights
  /// Transaction hash to height and index.
  case transactions
  /// Height to certificate.
  case certificates
  /// Table number and key to record.
  case records
  /// Named values of the node.
  case notes
  /// Height to what moved money and positions in its block. A file of an earlier version gets the table when it is opened.
  case events

  var name: String { String(describing: self) }

  func damage(at key: [UInt8], in path: String, _ what: String) -> StoreError {
    StoreError(
      .damaged, "In \(path), the entry \(Hex.encode(key.prefix(40))) of table \(name) \(what).",
      advice: Environment.restoreAdvice)
  }
}
