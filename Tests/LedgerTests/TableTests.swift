import Ledger
import Primitives
import Testing
import Wire

struct NumberKey: TableKey {
  var number: UInt32
  func encode(to writer: inout WireWriter) { writer.write(number.bigEndian) }
  init(_ number: UInt32) { self.number = number }
  init(from reader: inout WireReader) throws(WireError) { number = UInt32(bigEndian: try reader.read()) }
}

struct NumberRecord: TableRecord {
  var value: UInt64
  var list: [UInt8] = []
  func encode(to writer: inout WireWriter) {
    writer.write(value)
    writer.write(bytes: list)
  }
  init(_ value: UInt64, list: [UInt8] = []) {
    self.value = value
    self.list = list
  }
  init(from reader: inout WireReader) throws(WireError) {
    value = try reader.read()
    list = try reader.readBytes(limit: 64)
  }
}

/// A key whose hashes all collide: the index must still find every one.
struct CollidingKey: TableKey {
  var number: UInt32
  var tableHash: Int { Int(number & 3) &* 0x4000_0000 }
  func encode(to writer: inout WireWriter) { writer.write(number) }
  init(_ number: UInt32) { self.number = number }
  init(from reader: inout WireReader) throws(WireError) { number = try reader.read() }
}

/// Everything a caller can see of a table, slot numbers and the slots to be handed out next included.
struct Picture: Equatable {
  var records: [UInt32: UInt64] = [:]
  var slots: [UInt32: Int32] = [:]
  var next: [Int32] = []

  init(_ table: Table<NumberKey, NumberRecord>) {
    for key in table.sortedKeys() {
      records[key.number] = table[key]?.value
      slots[key.number] = table.slot(of: key)
    }
    var copy = table
    for extra in 0..<20 { next.append(copy.put(NumberRecord(0), for: NumberKey(1_000_000 + UInt32(extra)))) }
  }
}

@Suite struct TableTests {
  typealias Numbers = Table<NumberKey, NumberRecord>

  static func change(_ table: inout Numbers, _ random: inout SeededRandom, keys: UInt64) {
    let key = NumberKey(UInt32(random.below(keys)))
    switch random.below(4) {
    case 0: table.put(NumberRecord(random.below(3)), for: key)
    case 1: table.remove(key)
    case 2: table.update(key) { $0.value &+= 1 }
    default:
      guard let slot = table.slot(of: key) else { return }
      table.update(slot: slot) { $0.list.append(1) }
    }
  }

  @Test func readsWhatWasWritten() {
    var table = Numbers(id: TableID(3), limit: 2)
    #expect(table[NumberKey(1)] == nil)
    let slot = table.put(NumberRecord(5), for: NumberKey(1))
    #expect(table[NumberKey(1)]?.value == 5)
    #expect(table[slot: slot].value == 5)
    #expect(table.key(at: slot) == NumberKey(1))
    let present: Void? = table.update(NumberKey(1)) { $0.value += 1 }
    let absent: UInt64? = table.update(NumberKey(2)) { $0.value }
    #expect(present != nil && absent == nil)
    #expect(!table.isFull)
    table.put(NumberRecord(7), for: NumberKey(2))
    #expect(table.isFull)
    let removed = table.remove(NumberKey(1))
    let again = table.remove(NumberKey(1))
    #expect(removed?.value == 6 && again == nil)
    #expect(!table.contains(NumberKey(1)) && table.count == 1)
    #expect(!table.isLive(slot: slot) && !table.isLive(slot: -1) && !table.isLive(slot: 9))
    let reused = table.put(NumberRecord(8), for: NumberKey(3))
    #expect(reused == slot, "the freed slot is used first")
  }

  @Test func findsEveryKeyWhenAllHashesCollide() {
    var table = Table<CollidingKey, NumberRecord>(id: TableID(1))
    var model: [UInt32: UInt64] = [:]
    var random = SeededRandom(seed: 11)
    for step in 0..<4000 {
      let key = UInt32(random.below(200))
      if random.below(2) == 0 {
        table.put(NumberRecord(UInt64(step)), for: CollidingKey(key))
        model[key] = UInt64(step)
      } else {
        let (removed, expected) = (table.remove(CollidingKey(key)), model.removeValue(forKey: key))
        #expect(removed?.value == expected)
      }
    }
    #expect(table.count == model.count)
    for key in 0..<200 as Range<UInt32> { #expect(table[CollidingKey(key)]?.value == model[key]) }
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func rollbackRestoresRecordsSlotsAndFreeList(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var table = Numbers(id: TableID(1))
    for _ in 0..<random.below(60) { Self.change(&table, &random, keys: 30) }
    let outer = Picture(table)
    let outerMark = table.mark()
    for _ in 0..<random.below(40) { Self.change(&table, &random, keys: 30) }
    let inner = Picture(table)
    let innerMark = table.mark()
    for _ in 0..<40 { Self.change(&table, &random, keys: 30) }
    table.rollback(to: innerMark)
    #expect(Picture(table) == inner)
    for _ in 0..<10 { Self.change(&table, &random, keys: 30) }
    table.rollback(to: outerMark)
    #expect(Picture(table) == outer)
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func sealReportsExactlyTheNetChanges(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    var table = Numbers(id: TableID(9))
    var pictures: [Picture] = []
    var contents: [[[UInt8]: [UInt8]]] = []
    for _ in 0..<6 {
      pictures.append(Picture(table))
      contents.append(Self.content(table))
      for _ in 0..<random.below(50) {
        let mark = table.mark()
        for _ in 0..<random.below(4) { Self.change(&table, &random, keys: 24) }
        if random.below(4) == 0 { table.rollback(to: mark) }
      }
      var changes: [RecordChange] = []
      table.sealBlock(into: &changes)
      Self.expect(changes, lead: contents[contents.count - 1], to: Self.content(table))
    }
    // Undo all but the first, newest first; then the first is released and cannot matter any more.
    for index in (1..<6).reversed() {
      let before = Self.content(table)
      for _ in 0..<5 { Self.change(&table, &random, keys: 24) }
      var changes: [RecordChange] = []
      table.rollbackBlock(into: &changes)
      #expect(Picture(table) == pictures[index])
      Self.expect(changes, lead: before, to: contents[index])
    }
    #expect(table.sealedBlocks == 1)
    table.releaseBlock()
    #expect(table.sealedBlocks == 0 && !table.isDirty)
  }

  static func content(_ table: Numbers) -> [[UInt8]: [UInt8]] {
    var content: [[UInt8]: [UInt8]] = [:]
    table.forEach { key, _, record in content[key.wireBytes] = record.wireBytes }
    return content
  }

  static func expect(_ changes: [RecordChange], lead old: [[UInt8]: [UInt8]], to new: [[UInt8]: [UInt8]]) {
    let keys = Set(old.keys).union(new.keys).filter { old[$0] != new[$0] }.sorted(by: bytesPrecede)
    #expect(changes == keys.map { RecordChange(table: TableID(9), key: $0, value: new[$0]) })
  }

  @Test func loadRefusesWhatIsNotCanonicalOrTwice() throws {
    var table = Numbers(id: TableID(1))
    let key = NumberKey(4).wireBytes
    let value = NumberRecord(9, list: [1, 2]).wireBytes
    try table.load(keyBytes: key, valueBytes: value)
    #expect(table[NumberKey(4)]?.list == [1, 2])
    #expect(!table.isDirty)
    #expect(throws: WireError.self) { try table.load(keyBytes: key, valueBytes: value) }
    #expect(throws: WireError.self) { try table.load(keyBytes: key + [0], valueBytes: value) }
    #expect(throws: WireError.self) { try table.load(keyBytes: [0, 0, 0, 1], valueBytes: value.dropLast() + []) }
    var visitor = LoadRecord(table: TableID(2), key: key, value: value)
    visitor.visit(&table)
    #expect(!visitor.isTaken)
  }
}
