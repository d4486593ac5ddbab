import Glibc
import Ledger
import Primitives
import Testing
import Wire

/// Processor time, printed and never asserted: `NOVATION_MEASURE=1 swift test -c release --filter Measurements`.
@Suite(.serialized, .enabled(if: getenv("NOVATION_MEASURE") != nil)) struct LedgerMeasurements {
  static func nanoseconds() -> Int {
    var now = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now)
    return now.tv_sec * 1_000_000_000 + now.tv_nsec
  }

  static func measure(_ name: String, per count: Int, _ body: () -> Void) {
    let start = nanoseconds()
    body()
    print("measured: \(name): \((nanoseconds() - start) / count) ns")
  }

  static func endBlock(_ table: inout Table<NumberKey, PlainRecord>) {
    var changes: [RecordChange] = []
    table.sealBlock(into: &changes)
    table.releaseBlock()
  }

  @Test func tableOperations() {
    let count = 1_000_000
    var table = Table<NumberKey, PlainRecord>(id: TableID(1))
    var random = SeededRandom(seed: 1)
    let order = (0..<count).map { _ in NumberKey(UInt32(random.below(UInt64(count)))) }
    Self.measure("table insert, growing to a million", per: count) {
      for number in 0..<count { table.put(PlainRecord(value: UInt64(number)), for: NumberKey(UInt32(number))) }
    }
    var changes: [RecordChange] = []
    Self.measure("table seal, per changed key of a million", per: count) { table.sealBlock(into: &changes) }
    table.releaseBlock()
    var sum: UInt64 = 0
    Self.measure("table look-up, random of a million", per: count) {
      for key in order { sum &+= table[key]?.value ?? 0 }
    }
    Self.measure("table update by key, random of a million, one mark", per: count) {
      _ = table.mark()
      for key in order { table.update(key) { $0.value &+= 1 } }
    }
    Self.measure("table rollback, per change", per: count) { table.rollback(to: 0) }
    Self.measure("table of a million: blocks of 1000 random updates, a mark each, sealed and released", per: count) {
      for (index, key) in order.enumerated() {
        _ = table.mark()
        table.update(key) { $0.value &+= 1 }
        if index % 1000 == 999 { Self.endBlock(&table) }
      }
    }
    var small = Table<NumberKey, PlainRecord>(id: TableID(2))
    for number in 0..<1000 as Range<UInt32> { small.put(PlainRecord(value: 1), for: NumberKey(number)) }
    Self.endBlock(&small)
    Self.measure("table of 1000: look-up", per: count) {
      for key in order { sum &+= small[NumberKey(key.number % 1000)]?.value ?? 0 }
    }
    Self.measure("table of 1000: update by slot, logged once", per: count) {
      for key in order { small.update(slot: Int32(key.number % 1000)) { $0.value &+= 1 } }
    }
    Self.measure("table of 1000: mark, put, remove, roll back", per: count) {
      for key in order {
        let mark = small.mark()
        small.put(PlainRecord(value: 1), for: NumberKey(key.number &+ 1000))
        small.remove(NumberKey(key.number &+ 1000))
        small.rollback(to: mark)
      }
    }
    #expect(sum > 0)
  }

  @Test func treeUpdates() {
    for records in [1000, 1_000_000] {
      var tree = StateTree()
      func change(_ number: Int, _ value: UInt8) -> RecordChange {
        let key = withUnsafeBytes(of: UInt64(number)) { Array($0) }
        return RecordChange(table: TableID(1), key: key, value: Array(repeating: value, count: 100))
      }
      Self.measure("tree build of \(records), per record", per: records) {
        tree.update((0..<records).map { change($0, 1) })
      }
      var random = SeededRandom(seed: 2)
      let blocks = (0..<50).map { block in
        (0..<1000).map { _ in change(Int(random.below(UInt64(records))), UInt8(block)) }
      }
      Self.measure("tree of \(records), blocks of 1000 changes, per change", per: 50_000) {
        for block in blocks { tree.update(block) }
      }
      let singles = (0..<1000).map { [change(Int(random.below(UInt64(records))), UInt8($0 & 255))] }
      Self.measure("tree of \(records), one change alone", per: 1000) { for block in singles { tree.update(block) } }
      #expect(tree.root != .zero)
    }
  }
}

struct PlainRecord: TableRecord {
  var value: UInt64
  var more: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0)
  static func == (a: Self, b: Self) -> Bool { a.value == b.value }
  func encode(to writer: inout WireWriter) { writer.write(value) }
  init(value: UInt64) { self.value = value }
  init(from reader: inout WireReader) throws(WireError) { value = try reader.read() }
}
