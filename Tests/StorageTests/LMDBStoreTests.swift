import CLMDB
import Ledger
import Primitives
import Storage
import Testing

@Suite struct LMDBStoreTests {
  let scratch = Scratch()
  var directory: String { scratch.path + "/ledger" }
  var file: String { directory + "/ledger.mdb" }

  func open(
    chain: Int = 0, _ opening: LMDBStore.Opening = .either, mapSize: Int = 1 << 20, maximum: Int = 1 << 30
  ) throws(StoreError) -> LMDBStore {
    try LMDBStore(path: directory, chain: digest(chain), opening: opening, mapSize: mapSize, maximumMapSize: maximum)
  }

  /// Blocks 0..<count with one record each and true state roots.
  func fill(_ store: LMDBStore, _ count: Height) throws -> Digest {
    var tree = StateTree()
    for height in 0..<count {
      let value = Array("record number \(height)".utf8)
      let change = RecordChange(table: TableID(1), key: height.bigEndianBytes, value: value)
      tree.update([change])
      try store.commit(
        LedgerCommit(
          blocks: [storedBlock(height, transactions: [digest(1000 + Int(height))], stateRoot: tree.root)],
          changes: [change], certificates: [StoredCertificate(height: height, bytes: [1, 2])], meta: ["n": [1]]))
    }
    return tree.root
  }

  @Test func everythingIsThereAfterReopening() throws {
    let root: Digest
    do {
      let store = try open(.new)
      root = try fill(store, 20)
      store.close()
      #expect(kind { () throws(StoreError) in _ = try store.head() } == .closed)
      #expect(kind { () throws(StoreError) in try store.commit(LedgerCommit()) } == .closed)
    }
    #expect(kind { () throws(StoreError) in _ = try open(.new) } == .invalidCommit)
    let store = try open(.existing)
    #expect(try store.head()?.stateRoot == root)
    var calls = 0
    let found = try store.verify { done, total in
      calls += 1
      #expect(done <= total)
    }
    #expect(found.blocks == 20 && found.records == 20 && found.transactions == 20 && found.certificates == 20)
    #expect(calls > 0)
  }

  @Test func onlyTheOwnerMayReadTheFiles() throws {
    let store = try open()
    try store.commit(LedgerCommit(blocks: [storedBlock(0)]))
    #expect(Scratch.mode(directory) == 0o700)
    for name in ["ledger.mdb", "ledger.mdb-lock", "lock"] { #expect(Scratch.mode(directory + "/" + name) == 0o600) }
  }

  @Test func refusesWhatIsNotThisLedger() throws {
    #expect(kind { () throws(StoreError) in _ = try open(.existing) } == .missing)
    let store = try open()
    try store.commit(LedgerCommit(blocks: [storedBlock(0)]))
    #expect(kind { () throws(StoreError) in _ = try open() } == .inUse, "two at once")
    store.close()
  }

  @Test func refusesAnotherChain() throws {
    do { try open(chain: 1).close() }
    #expect(kind { () throws(StoreError) in _ = try open(chain: 2) } == .otherChain)
  }

  @Test func growsTheMapAndRefusesAtItsLimitWithoutLoss() throws {
    let store = try open(mapSize: 1 << 18, maximum: 1 << 22)
    var height: Height = 0
    var failure: StoreError?
    while failure == nil, height < 200 {
      var block = storedBlock(height)
      block.batches = [[UInt8](repeating: UInt8(height & 255), count: 60_000)]
      do throws(StoreError) {
        try store.commit(LedgerCommit(blocks: [block]))
        height += 1
      } catch {
        failure = error
      }
    }
    #expect(failure?.kind == .full)
    #expect(failure?.advice.isEmpty == false)
    #expect(height > 40, "four MiB hold more than the first quarter of one")
    #expect(try store.head()?.height == height - 1)
    #expect(try store.block(at: height - 1)?.batches[0].count == 60_000)
    // Forgetting old blocks makes room.
    #expect(try store.prune(below: 20, limit: 100) == 20)
    try store.commit(LedgerCommit(blocks: [storedBlock(height)]))
  }

  @Test func everyRottenValueIsFoundAndNamed() throws {
    do {
      let store = try open()
      _ = try fill(store, 30)
      store.close()
    }
    let bytes = Scratch.read(file)
    let needle = Array("record number 17".utf8)
    let place = try #require(Scratch.find(needle, in: bytes))
    // Every copy of the page: LMDB may keep an older one beside it.
    for bit in [0, 60, 127] {
      var rotten = bytes
      var start = place
      while true {
        rotten[start + bit / 8] ^= 1 << UInt8(bit % 8)
        guard let next = Scratch.find(needle, in: Array(rotten[(start + 1)...])) else { break }
        start += 1 + next
      }
      Scratch.write(rotten, to: file)
      let store = try open()
      var message = ""
      do throws(StoreError) {
        _ = try store.record(table: TableID(1), key: Height(17).bigEndianBytes)
      } catch {
        #expect(error.kind == .damaged)
        message = error.description
      }
      #expect(message.contains(file) && message.contains("records") && message.contains("novation doctor"))
      #expect(kind { () throws(StoreError) in _ = try store.verify() } == .damaged)
      #expect(try store.record(table: TableID(1), key: Height(18).bigEndianBytes) != nil)
      store.close()
    }
  }

  @Test func aRecordChangedBehindTheLedgersBackIsFoundByVerify() throws {
    let store = try open()
    _ = try fill(store, 5)
    // A block that claims a root which its records do not have.
    try store.commit(LedgerCommit(blocks: [storedBlock(5, stateRoot: digest(77))]))
    #expect(kind { () throws(StoreError) in _ = try store.verify() } == .damaged)
  }

  @Test func aFileCutShortIsRefusedNotMapped() throws {
    do {
      let store = try open()
      _ = try fill(store, 60)
      store.close()
    }
    let bytes = Scratch.read(file)
    for length in [bytes.count / 2, 8192, 5000, 100, 1] {
      Scratch.write(Array(bytes[..<length]), to: file)
      #expect(kind { () throws(StoreError) in _ = try open() } == .damaged, "\(length) of \(bytes.count) bytes")
    }
    Scratch.write([], to: file)
    #expect(kind { () throws(StoreError) in _ = try open() } == .damaged, "an empty file")
    Scratch.write([UInt8](repeating: 0x5a, count: 100_000), to: file)
    #expect(kind { () throws(StoreError) in _ = try open() } == .damaged, "not an LMDB file")
  }

  /// LMDB does not write pages that one transaction takes from the end of the file and gives back.
  @Test func aFileMayEndBeforePagesThatWereNeverWritten() throws {
    let root: Digest
    do {
      let store = try open()
      root = try fill(store, 60)
      store.close()
    }
    var bytes = Scratch.read(file)
    // The last page's number, in both meta pages.
    for place in [136, 4096 + 136] { bytes[place] &+= 3 }
    Scratch.write(bytes, to: file)
    let store = try open(.existing)
    #expect(try store.verify().blocks == 60)
    try store.commit(LedgerCommit(blocks: [storedBlock(60, stateRoot: root)]))
    #expect(try store.verify().blocks == 61)
  }

  /// A table that a later version added is no damage: nothing may be put aside for it.
  @Test func aFileWithMoreTablesIsOfAnotherFormat() throws {
    do {
      let store = try open()
      _ = try fill(store, 5)
      store.close()
    }
    var environment: OpaquePointer?
    var transaction: OpaquePointer?
    var table: MDB_dbi = 0
    mdb_env_create(&environment)
    mdb_env_set_maxdbs(environment, 32)
    #expect(mdb_env_open(environment, file, UInt32(MDB_NOSUBDIR), 0o600) == 0)
    #expect(mdb_txn_begin(environment, nil, 0, &transaction) == 0)
    #expect(mdb_dbi_open(transaction, "zodiac", UInt32(MDB_CREATE), &table) == 0)
    #expect(mdb_txn_commit(transaction) == 0)
    mdb_env_close(environment)
    #expect(kind { () throws(StoreError) in _ = try open(.existing) } == .otherFormat)
  }

  /// LMDB follows what its pages say: a wrong offset or number would end the process, as it did before `PageCheck`.
  @Test func aWrongStructureIsRefusedNotFollowed() throws {
    let content: LedgerVerification
    do {
      let store = try open()
      // Tables of more than one level, values with pages of their own, and free pages.
      for height in 0..<150 as Range<Height> {
        var block = storedBlock(height, transactions: (0..<4).map { digest(Int(height) * 4 + $0) })
        block.batches = [[UInt8](repeating: 7, count: height.isMultiple(of: 10) ? 9000 : 50)]
        try store.commit(LedgerCommit(blocks: [block]))
      }
      try store.prune(below: 40, limit: 100)
      content = try store.verify()
      store.close()
    }
    let bytes = Scratch.read(file)
    var random = SeededRandom(seed: 5)
    var refused = 0
    let rots = 4000
    for number in 0..<rots {
      var rotten = bytes
      let page = Int(random.below(UInt64(bytes.count / 4096))) * 4096
      // A field of the page's head, an offset, or a field of the head of an entry.
      var place = page + 2 * Int(random.below(24))
      if number % 3 == 0 {
        let pointer = page + 16 + 2 * Int(random.below(8))
        let entry = page + (Int(bytes[pointer]) | Int(bytes[pointer + 1]) << 8)
        place = min(entry + 2 * Int(random.below(8)), bytes.count - 2)
      }
      switch random.below(3) {
      case 0: rotten[place] ^= 1 << UInt8(random.below(8))
      case 1: (rotten[place], rotten[place + 1]) = (0xff, 0xff)
      default: (rotten[place], rotten[place + 1]) = (UInt8(random.below(256)), UInt8(random.below(256)))
      }
      Scratch.write(rotten, to: file)
      do throws(StoreError) {
        let store = try open(.existing)
        defer { store.close() }
        let found = try store.verify()
        // The newer of the first two pages decides; rot there may lead back to the commit before.
        #expect(found == content || place < 2 * 4096, "byte \(place)")
      } catch {
        #expect(error.kind == .damaged || error.kind == .inputOutput, "byte \(place): \(error)")
        refused += 1
      }
    }
    #expect(refused > rots / 4 && refused < rots)
  }

  @Test func aPrunedLedgerWithRepeatedTransactionsVerifies() throws {
    let store = try open()
    for height in 0..<6 as Range<Height> {
      try store.commit(
        LedgerCommit(blocks: [storedBlock(height, transactions: [digest(1), digest(Int(height) + 50)])]))
    }
    #expect(try store.verify().transactions == 7)
    try store.prune(below: 3, limit: 9)
    let found = try store.verify()
    #expect(found.blocks == 3 && found.firstHeight == 3 && found.transactions == 3)
    // Ordered once more, it has a place above blocks that also name it. (Found by crash images, workload ledger, seed 5.)
    try store.commit(LedgerCommit(blocks: [storedBlock(6, transactions: [digest(1)])]))
    #expect(try store.verify().transactions == 4)
  }

  @Test func aCopyIsCompactAndWhole() throws {
    let store = try open()
    let root = try fill(store, 30)
    let target = scratch.path + "/copy"
    try store.copy(to: target)
    #expect(kind { () throws(StoreError) in try store.copy(to: target) } == .invalidCommit)
    try store.commit(LedgerCommit(blocks: [storedBlock(30, stateRoot: root)]))
    #expect(Scratch.mode(target + "/ledger.mdb") == 0o600)
    let copy = try LMDBStore(path: target, chain: digest(0), opening: .existing)
    #expect(try copy.head()?.height == 29)
    #expect(try copy.verify().records == 30)
    #expect(try StoreTests.content(copy) == StoreTests.content(store))
  }

  @Test func readersSeeOneMomentWhileCommitsGoOn() async throws {
    let store = try open()
    // Two records that every commit changes together, through several growths of the map.
    @Sendable func commit(_ height: Height) throws {
      let value = height.bigEndianBytes
      var block = storedBlock(height)
      block.batches = [[UInt8](repeating: 1, count: 20_000)]
      try store.commit(
        LedgerCommit(
          blocks: [block],
          changes: [
            RecordChange(table: TableID(1), key: [1], value: value),
            RecordChange(table: TableID(2), key: [1], value: value),
          ]))
    }
    try commit(0)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<3 {
        group.addTask {
          for _ in 0..<200 {
            let content = try StoreTests.content(store)
            #expect(content.count == 2 && content[0].value == content[1].value)
          }
        }
      }
      group.addTask { for height in 1...150 as ClosedRange<Height> { try commit(height) } }
      try await group.waitForAll()
    }
    #expect(try store.head()?.height == 150)
  }
}

extension UInt64 {
  var bigEndianBytes: [UInt8] { withUnsafeBytes(of: bigEndian) { Array($0) } }
}
