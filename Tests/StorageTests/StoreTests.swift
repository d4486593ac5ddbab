import Ledger
import Primitives
import Storage
import Testing
import Wire

/// What every store must do, asked of both.
@Suite struct StoreTests {
  enum Which: CaseIterable { case memory, lmdb }

  static func with(_ which: Which, _ body: (any LedgerStore) throws -> Void) throws {
    switch which {
    case .memory: try body(InMemoryStore())
    case .lmdb:
      let scratch = Scratch()
      let store = try LMDBStore(path: scratch.path + "/ledger", chain: digest(0), mapSize: 1 << 20)
      try body(store)
      store.close()
    }
  }

  @Test(arguments: Which.allCases) func emptyStoreHoldsNothing(which: Which) throws {
    try Self.with(which) { (store) throws in
      #expect(try store.head() == nil)
      #expect(try store.firstHeight() == nil)
      #expect(try store.block(at: 0) == nil)
      #expect(try store.block(digest(1)) == nil)
      #expect(try store.place(of: digest(1)) == nil)
      #expect(try store.certificate(at: 0) == nil)
      #expect(try store.latestCertificate() == nil)
      #expect(try store.certificate(covering: 0) == nil)
      #expect(try store.record(table: TableID(1), key: [1]) == nil)
      #expect(try store.record(table: TableID(1), key: Array(repeating: 1, count: 600)) == nil)
      #expect(try store.meta("name") == nil)
      #expect(try store.meta("") == nil)
      #expect(try store.prune(below: 10, limit: 10) == 0)
    }
  }

  @Test(arguments: Which.allCases) func oneCommitHoldsBlocksRecordsCertificatesAndNotes(which: Which) throws {
    try Self.with(which) { (store) throws in
      let blocks = [
        storedBlock(0), storedBlock(1, transactions: [digest(100), digest(101)]),
        storedBlock(2, transactions: [digest(100), digest(102)]),
      ]
      try store.commit(
        LedgerCommit(
          blocks: blocks,
          changes: [
            RecordChange(table: TableID(2), key: [1], value: [9]),
            RecordChange(table: TableID(1), key: [2], value: [8]),
            RecordChange(table: TableID(1), key: [], value: []), RecordChange(table: TableID(1), key: [2], value: [7]),
            RecordChange(table: TableID(1), key: [3], value: nil),
          ],
          certificates: [StoredCertificate(height: 2, bytes: [5]), StoredCertificate(height: 300, bytes: [6])],
          meta: ["a": [1], "b": []]))
      #expect(try store.head() == LedgerHead(of: blocks[2]))
      #expect(try store.firstHeight() == 0)
      for block in blocks {
        #expect(try store.block(at: block.height) == block)
        #expect(try store.block(block.hash) == block)
        #expect(try store.height(of: block.hash) == block.height)
      }
      #expect(try store.place(of: digest(100)) == TransactionPlace(height: 1, index: 0), "the first order stands")
      #expect(try store.place(of: digest(102)) == TransactionPlace(height: 2, index: 1))
      #expect(try store.certificate(at: 2)?.bytes == [5])
      #expect(try store.certificate(covering: 0)?.height == 2)
      #expect(try store.certificate(covering: 3)?.height == 300)
      #expect(try store.certificate(covering: 301) == nil)
      #expect(try store.latestCertificate()?.height == 300)
      #expect(try store.record(table: TableID(1), key: [2]) == [7], "the last change of a key counts")
      #expect(try store.record(table: TableID(1), key: []) == [])
      #expect(try store.meta("a") == [1])
      #expect(try store.meta("b") == [])
      var seen: [[UInt8]] = []
      try store.records { table, key, value in
        seen.append([table.rawValue] + key + [255] + value)
        return true
      }
      #expect(seen == [[1, 255], [1, 2, 255, 7], [2, 1, 255, 9]])
      seen = []
      try store.records { _, _, _ in
        seen.append([])
        return false
      }
      #expect(seen.count == 1)
    }
  }

  @Test(arguments: Which.allCases) func commitThatDoesNotFollowIsRefusedWhole(which: Which) throws {
    try Self.with(which) { (store) throws in
      try store.commit(LedgerCommit(blocks: [storedBlock(5)]))
      let change = RecordChange(table: TableID(1), key: [1], value: [1])
      var short = storedBlock(6, transactions: [digest(1)])
      short.receipts = []
      let refused: [LedgerCommit] = [
        LedgerCommit(blocks: [storedBlock(5)], changes: [change]),
        LedgerCommit(blocks: [storedBlock(7)], changes: [change]),
        LedgerCommit(blocks: [storedBlock(6), storedBlock(8)], changes: [change]),
        LedgerCommit(blocks: [short], changes: [change]), LedgerCommit(changes: [change]),
        LedgerCommit(
          blocks: [storedBlock(6)],
          changes: [change, RecordChange(table: TableID(1), key: Array(repeating: 0, count: 481), value: [1])]),
        LedgerCommit(blocks: [storedBlock(6)], changes: [change], meta: ["": []]),
      ]
      for commit in refused {
        #expect(kind { () throws(StoreError) in try store.commit(commit) } == .invalidCommit)
        #expect(try store.head()?.height == 5)
        #expect(try store.record(table: TableID(1), key: [1]) == nil)
      }
      try store.commit(LedgerCommit(certificates: [StoredCertificate(height: 5, bytes: [1])]))
      #expect(try store.certificate(at: 5)?.bytes == [1])
    }
  }

  @Test(arguments: Which.allCases) func pruneForgetsBlocksButNotTheHeadOrRecords(which: Which) throws {
    try Self.with(which) { (store) throws in
      for height in 1...10 as ClosedRange<Height> {
        let transactions = [digest(Int(height) + 100), digest(500)]
        try store.commit(
          LedgerCommit(
            blocks: [storedBlock(height, transactions: transactions)],
            changes: [RecordChange(table: TableID(1), key: [UInt8(height)], value: [1])],
            certificates: [StoredCertificate(height: height, bytes: [UInt8(height)])],
            events: [StoredEvents(height: height, bytes: [UInt8(height)])]))
      }
      #expect(try store.events(at: 5) == [5] && store.events(at: 11) == nil)
      #expect(try store.prune(below: 6, limit: 3) == 3)
      #expect(try store.firstHeight() == 4)
      #expect(try store.prune(below: 6, limit: 100) == 2)
      #expect(try store.prune(below: 6, limit: 100) == 0)
      #expect(try store.block(at: 5) == nil)
      #expect(try store.height(of: digest(5)) == nil)
      #expect(try store.place(of: digest(105)) == nil)
      #expect(try store.certificate(at: 5) == nil)
      #expect(try store.events(at: 5) == nil && store.events(at: 6) == [6])
      #expect(try store.block(at: 6)?.height == 6)
      #expect(try store.prune(below: 1000, limit: 100) == 4)
      #expect(try store.head()?.height == 10)
      #expect(try store.block(at: 10) != nil)
      #expect(try store.record(table: TableID(1), key: [3]) == [1])
      try store.commit(LedgerCommit(blocks: [storedBlock(11)]))
      #expect(try store.firstHeight() == 10)
    }
  }

  @Test(arguments: 0..<4 as Range<UInt64>) func bothStoresAgreeOnRandomHistories(seed: UInt64) throws {
    try Self.with(.memory) { (memory) throws in
      try Self.with(.lmdb) { (durable) throws in
        var random = SeededRandom(seed: seed)
        var height: Height = random.below(3)
        for _ in 0..<20 {
          var commit = LedgerCommit()
          for _ in 0..<random.below(3) + 1 {
            let hashes = (0..<random.below(5)).map { _ in digest(1000 + Int(random.below(60))) }
            commit.blocks.append(storedBlock(height, transactions: hashes))
            height += 1
          }
          for _ in 0..<random.below(30) {
            commit.changes.append(
              RecordChange(
                table: TableID(UInt8(random.below(3))), key: [UInt8(random.below(20))],
                value: random.below(3) == 0 ? nil : [UInt8(random.below(256))]))
          }
          if random.below(2) == 0 { commit.certificates = [StoredCertificate(height: height - 1, bytes: [1])] }
          try memory.commit(commit)
          try durable.commit(commit)
          if random.below(4) == 0 {
            let (below, limit) = (random.below(height + 2), Int(random.below(4)))
            let gone = try memory.prune(below: below, limit: limit)
            #expect(try durable.prune(below: below, limit: limit) == gone)
          }
        }
        try Self.expectEqual(memory, durable, heights: height + 2)
      }
    }
  }

  static func expectEqual(_ a: any LedgerStore, _ b: any LedgerStore, heights: Height) throws {
    #expect(try a.head() == b.head())
    #expect(try a.firstHeight() == b.firstHeight())
    #expect(try a.latestCertificate() == b.latestCertificate())
    for height in 0..<heights {
      #expect(try a.block(at: height) == b.block(at: height))
      #expect(try a.height(of: digest(Int(height))) == b.height(of: digest(Int(height))))
      #expect(try a.certificate(at: height) == b.certificate(at: height))
      #expect(try a.certificate(covering: height) == b.certificate(covering: height))
    }
    for number in 1000..<1060 { #expect(try a.place(of: digest(number)) == b.place(of: digest(number))) }
    #expect(try content(a) == content(b))
  }

  static func content(_ store: any LedgerStore) throws -> [RecordChange] {
    var changes: [RecordChange] = []
    try store.records { table, key, value in
      changes.append(RecordChange(table: table, key: key, value: value))
      return true
    }
    return changes
  }

  @Test func storedBlockRoundTripsAndRefusesEveryTruncation() throws {
    let bytes = storedBlock(3, transactions: [digest(1), digest(2)]).wireBytes
    #expect(try WireReader.decode(StoredBlock.self, from: bytes).wireBytes == bytes)
    for length in 0..<bytes.count {
      #expect(throws: WireError.self) { try WireReader.decode(StoredBlock.self, from: Array(bytes[..<length])) }
    }
  }
}
