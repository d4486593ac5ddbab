public import Ledger
public import Primitives
import Wire

/// The durable ledger: one LMDB file in a directory of its own, with a checksum on every value.
///
/// The directory holds `ledger.mdb`, LMDB's lock file beside it, and `lock`, which keeps a second process out. A
/// `records` or `verify` that runs long delays a commit that has to grow the map; nothing else waits for readers.
public final class LMDBStore: LedgerStore {
  /// Whether the file must exist.
  public enum Opening: Sendable { case existing, new, either }

  /// Version of the tables and encodings in the file.
  static let format: Height = 1
  public static let fileName = "ledger.mdb"

  /// The data file.
  public let path: String
  public let chain: Digest
  let environment: Environment
  private let lock: PosixFile

  /// Opens the ledger of `chain` in `directory`.
  ///
  /// - Parameters:
  ///   - mapSize: the size of the memory map at first, in bytes; address space, not memory or disk.
  ///   - maximumMapSize: how far it may grow: the limit of the file's size.
  public init(
    path directory: String, chain: Digest, opening: Opening = .either, mapSize: Int = 1 << 30,
    maximumMapSize: Int = 1 << 40
  ) throws(StoreError) {
    path = directory + "/" + Self.fileName
    self.chain = chain
    let exists = PosixFile.exists(path)
    if !exists, opening == .existing {
      throw StoreError(
        .missing, "There is no ledger at \(path).",
        advice: "Check the directory, or create a node with `novation init`.")
    }
    if exists, opening == .new {
      throw StoreError(.invalidCommit, "There is a ledger at \(path) already.", advice: "Choose another directory.")
    }
    try PosixFile.makeDirectory(directory)
    lock = try Self.lock(directory)
    // LMDB would take an empty file for a new one, and the loss of a ledger would pass for a new node.
    if exists, let file = try PosixFile.open(path), try file.size() == 0 {
      throw StoreError(.damaged, "\(path) is empty.", advice: Environment.restoreAdvice)
    }
    environment = try Environment(
      path: path, tableNames: Schema.allCases.map(\.name), mapSize: mapSize, maximumMapSize: maximumMapSize)
    try claim()
    if !exists { try PosixFile.synchroniseDirectory(of: path) }
  }

  private static func lock(_ directory: String) throws(StoreError) -> PosixFile {
    let path = directory + "/lock"
    let file = if let file = try PosixFile.open(path) { file } else { try PosixFile.create(path) }
    guard file.tryLock() else {
      throw StoreError(
        .inUse, "The ledger in \(directory) is open in another process.",
        advice: "Stop the node that runs on this directory first.")
    }
    return file
  }

  /// Closes the file; everything after this throws `closed`.
  public func close() { environment.close() }

  /// Marks a new file as this chain's, or checks that it is.
  private func claim() throws(StoreError) {
    let (path, chain) = (path, chain)
    try environment.write { (transaction) throws(StoreError) in
      guard let format = try transaction.get(.meta, Key.format) else {
        guard transaction.count(.blocks) == 0, transaction.count(.meta) == 0 else {
          throw StoreError(.damaged, "\(path) names no format.", advice: Environment.restoreAdvice)
        }
        try transaction.put(.meta, Key.format, StoredHeight(Self.format).wireBytes)
        try transaction.put(.meta, Key.chain, chain.wireBytes)
        return
      }
      guard format == StoredHeight(Self.format).wireBytes else {
        throw StoreError(
          .otherFormat, "\(path) has another format than \(Self.format), the one of this program.",
          advice: "Start the version that wrote it, or upgrade as its release notes say.")
      }
      guard let written = try transaction.get(.meta, Key.chain) else {
        throw StoreError(.damaged, "\(path) names no chain.", advice: Environment.restoreAdvice)
      }
      guard written == chain.wireBytes else {
        throw StoreError(
          .otherChain, "\(path) is the ledger of another chain.",
          advice: "Check the genesis file, or give each chain a directory of its own.")
      }
    }
  }

  enum Key {
    static let format = Array("format".utf8)
    static let chain = Array("chain".utf8)
    static let head = Array("head".utf8)
    static let first = Array("first".utf8)
  }
}

// MARK: - Writing

extension LMDBStore {
  public func commit(_ commit: LedgerCommit) throws(StoreError) {
    let newest = newestChanges(of: commit)
    try environment.write { (transaction) throws(StoreError) in
      let head = try self.head(in: transaction)
      try commit.check(after: head)
      for block in commit.blocks { try Self.add(block, in: transaction) }
      if let last = commit.blocks.last {
        try transaction.put(.meta, Key.head, LedgerHead(of: last).wireBytes)
        if head == nil { try transaction.put(.meta, Key.first, StoredHeight(commit.blocks[0].height).wireBytes) }
      }
      for change in newest {
        let key = [change.table.rawValue] + change.key
        if let value = change.value {
          try transaction.put(.records, key, value)
        } else {
          try transaction.remove(.records, key)
        }
      }
      for certificate in commit.certificates {
        try transaction.put(.certificates, certificate.height.keyBytes, certificate.bytes)
      }
      for events in commit.events { try transaction.put(.events, events.height.keyBytes, events.bytes) }
      for (name, value) in commit.meta { try transaction.put(.notes, Array(name.utf8), value) }
    }
  }

  /// The changes ascending by key, which LMDB takes fastest; of several of one key the last.
  private func newestChanges(of commit: LedgerCommit) -> [RecordChange] {
    let sorted = commit.changes.enumerated().sorted { a, b in
      if a.element.table != b.element.table { return a.element.table < b.element.table }
      let order = compareBytes(a.element.key, b.element.key)
      return order < 0 || (order == 0 && a.offset < b.offset)
    }
    var newest: [RecordChange] = []
    newest.reserveCapacity(sorted.count)
    for (_, change) in sorted {
      if let last = newest.last, last.table == change.table, last.key == change.key { newest.removeLast() }
      newest.append(change)
    }
    return newest
  }

  private static func add(_ block: StoredBlock, in transaction: Transaction) throws(StoreError) {
    try transaction.put(.blocks, block.height.keyBytes, block.wireBytes)
    try transaction.put(.heights, block.hash.bytes, StoredHeight(block.height).wireBytes)
    for (index, hash) in block.transactions.enumerated() {
      let key = hash.bytes
      if try transaction.has(.transactions, key) { continue }
      let place = TransactionPlace(height: block.height, index: UInt32(truncatingIfNeeded: index))
      try transaction.put(.transactions, key, place.wireBytes)
    }
  }

  @discardableResult public func prune(below height: Height, limit: Int) throws(StoreError) -> Int {
    try environment.write { (transaction) throws(StoreError) in
      guard let head = try self.head(in: transaction), let first = try self.first(in: transaction) else { return 0 }
      let end = min(height, head.height, first.saturatingAdding(Height(max(0, limit))))
      guard first < end else { return 0 }
      for height in first..<end { try self.forget(height, in: transaction) }
      try transaction.put(.meta, Key.first, StoredHeight(end).wireBytes)
      return Int(end - first)
    }
  }

  private func forget(_ height: Height, in transaction: Transaction) throws(StoreError) {
    try transaction.remove(.certificates, height.keyBytes)
    try transaction.remove(.events, height.keyBytes)
    guard let block = try block(at: height, in: transaction) else { return }
    try transaction.remove(.blocks, height.keyBytes)
    try transaction.remove(.heights, block.hash.bytes)
    for hash in block.transactions {
      guard let place = try place(of: hash, in: transaction), place.height == height else { continue }
      try transaction.remove(.transactions, hash.bytes)
    }
  }
}

// MARK: - Reading

extension LMDBStore {
  public func head() throws(StoreError) -> LedgerHead? { try environment.read(head(in:)) }
  public func firstHeight() throws(StoreError) -> Height? { try environment.read(first(in:)) }

  public func block(at height: Height) throws(StoreError) -> StoredBlock? {
    try environment.read { (transaction) throws(StoreError) in try block(at: height, in: transaction) }
  }

  public func height(of block: Digest) throws(StoreError) -> Height? {
    try environment.read { (transaction) throws(StoreError) in
      try decode(StoredHeight.self, .heights, block.bytes, in: transaction)?.height
    }
  }

  public func place(of transaction: Digest) throws(StoreError) -> TransactionPlace? {
    try environment.read { (view) throws(StoreError) in try place(of: transaction, in: view) }
  }

  public func events(at height: Height) throws(StoreError) -> [UInt8]? {
    try environment.read { (transaction) throws(StoreError) in try transaction.get(.events, height.keyBytes) }
  }

  public func certificate(at height: Height) throws(StoreError) -> StoredCertificate? {
    try environment.read { (transaction) throws(StoreError) in
      try transaction.get(.certificates, height.keyBytes).map { StoredCertificate(height: height, bytes: $0) }
    }
  }

  public func latestCertificate() throws(StoreError) -> StoredCertificate? {
    try environment.read { (transaction) throws(StoreError) in
      try transaction.last(.certificates).map { StoredCertificate(height: Height(keyBytes: $0.key), bytes: $0.value) }
    }
  }

  public func certificate(covering height: Height) throws(StoreError) -> StoredCertificate? {
    try environment.read { (transaction) throws(StoreError) in
      var found: StoredCertificate?
      try transaction.walk(.certificates, from: height.keyBytes) { (key, value) throws(StoreError) in
        found = StoredCertificate(height: Height(keyBytes: key), bytes: value)
        return false
      }
      return found
    }
  }

  public func record(table: TableID, key: [UInt8]) throws(StoreError) -> [UInt8]? {
    guard key.count <= maximumKeyBytes else { return nil }
    return try environment.read { (transaction) throws(StoreError) in
      try transaction.get(.records, [table.rawValue] + key)
    }
  }

  /// `body` must not call the store.
  public func records(_ body: (TableID, [UInt8], [UInt8]) -> Bool) throws(StoreError) {
    try environment.read { (transaction) throws(StoreError) in
      try transaction.walk(.records) { (key, value) throws(StoreError) in
        guard let table = key.first else { return true }
        return body(TableID(table), Array(key.dropFirst()), value)
      }
    }
  }

  public func meta(_ name: String) throws(StoreError) -> [UInt8]? {
    guard !name.utf8.isEmpty, name.utf8.count <= maximumKeyBytes else { return nil }
    return try environment.read { (transaction) throws(StoreError) in try transaction.get(.notes, Array(name.utf8)) }
  }

  // MARK: Inside a transaction

  func head(in transaction: Transaction) throws(StoreError) -> LedgerHead? {
    try decode(LedgerHead.self, .meta, Key.head, in: transaction)
  }

  func first(in transaction: Transaction) throws(StoreError) -> Height? {
    try decode(StoredHeight.self, .meta, Key.first, in: transaction)?.height
  }

  func block(at height: Height, in transaction: Transaction) throws(StoreError) -> StoredBlock? {
    try decode(StoredBlock.self, .blocks, height.keyBytes, in: transaction)
  }

  func place(of hash: Digest, in transaction: Transaction) throws(StoreError) -> TransactionPlace? {
    try decode(TransactionPlace.self, .transactions, hash.bytes, in: transaction)
  }

  func decode<T: WireDecodable>(
    _ type: T.Type, _ table: Schema, _ key: [UInt8], in transaction: Transaction
  ) throws(StoreError) -> T? {
    guard let bytes = try transaction.get(table, key) else { return nil }
    do throws(WireError) {
      return try WireReader.decode(T.self, from: bytes)
    } catch {
      // Its checksum is right: these are the bytes that were written, and every node may have them.
      var fault = table.damage(at: key, in: path, "cannot be decoded (\(error))")
      fault.kind = .inconsistent
      throw fault
    }
  }
}

/// A height as a stored value.
struct StoredHeight: WireCodable {
  var height: Height

  func encode(to writer: inout WireWriter) { writer.write(height) }
  init(_ height: Height) { self.height = height }
  init(from reader: inout WireReader) throws(WireError) { height = try reader.readOrdinal() }
}

extension Height {
  /// Big-endian, so that LMDB's order of keys is the order of heights.
  var keyBytes: [UInt8] { withUnsafeBytes(of: bigEndian) { Array($0) } }

  init(keyBytes: [UInt8]) { self = keyBytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } }
}
