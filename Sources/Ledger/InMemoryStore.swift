public import Primitives
import Synchronization

/// The in-memory twin of the durable store, for simulation and tests: same results, same refusals, nothing on disk.
public final class InMemoryStore: LedgerStore {
  private struct RecordName: Hashable {
    var table: TableID
    var key: [UInt8]
  }

  private struct Content {
    var head: LedgerHead?
    var first: Height?
    var blocks: [Height: StoredBlock] = [:]
    var heights: [Digest: Height] = [:]
    var places: [Digest: TransactionPlace] = [:]
    var certificates: [Height: StoredCertificate] = [:]
    var events: [Height: [UInt8]] = [:]
    var records: [RecordName: [UInt8]] = [:]
    var meta: [String: [UInt8]] = [:]
  }

  private let content: Mutex<Content>

  public init() { content = Mutex(Content()) }

  private init(_ content: Content) { self.content = Mutex(content) }

  /// A store with the same content, as a backup would hold it.
  public func copy() -> InMemoryStore { InMemoryStore(content.withLock { $0 }) }

  public func commit(_ commit: LedgerCommit) throws(StoreError) {
    try content.withLock { (content) throws(StoreError) in
      try commit.check(after: content.head)
      for block in commit.blocks { Self.add(block, to: &content) }
      for change in commit.changes {
        content.records[RecordName(table: change.table, key: change.key)] = change.value
      }
      for certificate in commit.certificates { content.certificates[certificate.height] = certificate }
      for events in commit.events { content.events[events.height] = events.bytes }
      content.meta.merge(commit.meta) { _, new in new }
    }
  }

  private static func add(_ block: StoredBlock, to content: inout Content) {
    content.blocks[block.height] = block
    content.heights[block.hash] = block.height
    for (index, hash) in block.transactions.enumerated() where content.places[hash] == nil {
      content.places[hash] = TransactionPlace(height: block.height, index: UInt32(truncatingIfNeeded: index))
    }
    content.first = content.first ?? block.height
    content.head = LedgerHead(of: block)
  }

  public func head() throws(StoreError) -> LedgerHead? { content.withLock { $0.head } }
  public func firstHeight() throws(StoreError) -> Height? { content.withLock { $0.first } }
  public func block(at height: Height) throws(StoreError) -> StoredBlock? { content.withLock { $0.blocks[height] } }
  public func height(of block: Digest) throws(StoreError) -> Height? { content.withLock { $0.heights[block] } }

  public func place(of transaction: Digest) throws(StoreError) -> TransactionPlace? {
    content.withLock { $0.places[transaction] }
  }

  public func certificate(at height: Height) throws(StoreError) -> StoredCertificate? {
    content.withLock { $0.certificates[height] }
  }

  public func latestCertificate() throws(StoreError) -> StoredCertificate? {
    content.withLock { content in content.certificates.keys.max().flatMap { content.certificates[$0] } }
  }

  public func certificate(covering height: Height) throws(StoreError) -> StoredCertificate? {
    content.withLock { content in
      content.certificates.keys.filter { $0 >= height }.min().flatMap { content.certificates[$0] }
    }
  }

  public func events(at height: Height) throws(StoreError) -> [UInt8]? { content.withLock { $0.events[height] } }

  public func record(table: TableID, key: [UInt8]) throws(StoreError) -> [UInt8]? {
    content.withLock { $0.records[RecordName(table: table, key: key)] }
  }

  public func records(_ body: (TableID, [UInt8], [UInt8]) -> Bool) throws(StoreError) {
    let records = content.withLock { $0.records }
    let sorted = records.sorted { a, b in
      a.key.table == b.key.table ? bytesPrecede(a.key.key, b.key.key) : a.key.table < b.key.table
    }
    for (name, value) in sorted where !body(name.table, name.key, value) { return }
  }

  public func meta(_ name: String) throws(StoreError) -> [UInt8]? { content.withLock { $0.meta[name] } }

  @discardableResult public func prune(below height: Height, limit: Int) throws(StoreError) -> Int {
    content.withLock { content in
      guard let first = content.first, let head = content.head else { return 0 }
      let end = min(height, head.height, first.saturatingAdding(Height(max(0, limit))))
      guard first < end else { return 0 }
      for height in first..<end {
        guard let block = content.blocks.removeValue(forKey: height) else { continue }
        content.heights[block.hash] = nil
        for hash in block.transactions where content.places[hash]?.height == height { content.places[hash] = nil }
        content.certificates[height] = nil
        content.events[height] = nil
      }
      content.first = end
      return Int(end - first)
    }
  }
}
