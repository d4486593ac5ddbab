// The storage protocol: what the node asks of whatever keeps its ledger.

public import Primitives

/// Why a store could not do what it was asked. The text is for the operator: what happened, to which file, and what to do.
public struct StoreError: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Kind: Hashable, Sendable {
    /// The configured maximum size or the disk is full.
    case full
    /// The operating system refused to read or write.
    case inputOutput
    /// What is stored is not what was written.
    case damaged
    /// What was written is there, and contradicts itself or says nothing to this program.
    case inconsistent
    /// The file belongs to another chain.
    case otherChain
    /// The file was written by a newer program, or by an unknown one.
    case otherFormat
    /// Another process has the file open.
    case inUse
    /// There is no ledger (or journal) where one was expected.
    case missing
    /// A commit that does not follow the head: a mistake of the caller, nothing was written.
    case invalidCommit
    /// Closed, or unusable since an earlier failure.
    case closed
  }

  public var kind: Kind
  /// A sentence that says what happened, and where.
  public var message: String
  /// A sentence that says what to do; empty where there is nothing to do.
  public var advice: String

  public init(_ kind: Kind, _ message: String, advice: String = "") {
    self.kind = kind
    self.message = message
    self.advice = advice
  }

  public var description: String { advice.isEmpty ? message : "\(message) \(advice)" }
}

/// Keeps the final blocks, the records after the newest of them, and the certificates. All methods may be called from
/// any thread; each read sees one moment between two commits. One caller commits at a time; others wait.
public protocol LedgerStore: AnyObject, Sendable {
  /// Makes everything in `commit` durable in one atomic transaction; on return it survives the loss of power. After an
  /// error nothing of it is stored.
  func commit(_ commit: LedgerCommit) throws(StoreError)

  /// The newest block; nil before the first commit of a block.
  func head() throws(StoreError) -> LedgerHead?
  /// The oldest block that is still kept.
  func firstHeight() throws(StoreError) -> Height?
  func block(at height: Height) throws(StoreError) -> StoredBlock?
  func height(of block: Digest) throws(StoreError) -> Height?
  /// What moved money and positions in the block; nil if the block is not kept, or was stored without.
  func events(at height: Height) throws(StoreError) -> [UInt8]?
  /// Where a transaction was first ordered.
  func place(of transaction: Digest) throws(StoreError) -> TransactionPlace?

  func certificate(at height: Height) throws(StoreError) -> StoredCertificate?
  /// The certificate of the greatest height that has one.
  func latestCertificate() throws(StoreError) -> StoredCertificate?
  /// The certificate of the lowest height that has one and is at least `height`: it proves the block at `height` too.
  func certificate(covering height: Height) throws(StoreError) -> StoredCertificate?

  /// The stored bytes of one record.
  func record(table: TableID, key: [UInt8]) throws(StoreError) -> [UInt8]?
  /// Every record, ascending by table and key bytes, in one consistent view, until `body` returns false.
  func records(_ body: (_ table: TableID, _ key: [UInt8], _ value: [UInt8]) -> Bool) throws(StoreError)
  func meta(_ name: String) throws(StoreError) -> [UInt8]?

  /// Forgets blocks, receipts, events, transaction places and certificates below `height`, at most `limit` blocks in one durable
  /// transaction; never the head. Returns how many went. Records stay.
  @discardableResult func prune(below height: Height, limit: Int) throws(StoreError) -> Int
}

extension LedgerStore {
  public func block(_ hash: Digest) throws(StoreError) -> StoredBlock? {
    guard let height = try height(of: hash) else { return nil }
    return try block(at: height)
  }
}

extension LedgerCommit {
  /// Refuses blocks that do not follow `head` one by one, and bounds that the store relies on.
  public func check(after head: LedgerHead?) throws(StoreError) {
    var last = head?.height
    for block in blocks {
      if let last, block.height != last &+ 1 {
        throw StoreError(.invalidCommit, "Block \(block.height) cannot follow block \(last) in the ledger.")
      }
      guard block.height < ordinalLimit, block.transactions.count == block.receipts.count else {
        throw StoreError(.invalidCommit, "Block \(block.height) has a receipt too many or too few.")
      }
      last = block.height
    }
    if blocks.isEmpty, !changes.isEmpty {
      throw StoreError(.invalidCommit, "Records change only together with the block that changes them.")
    }
    for change in changes where change.key.count > maximumKeyBytes {
      let table = change.table.rawValue
      throw StoreError(.invalidCommit, "A key of table \(table) is longer than \(maximumKeyBytes) bytes.")
    }
    for name in meta.keys where name.utf8.isEmpty || name.utf8.count > maximumKeyBytes {
      throw StoreError(.invalidCommit, "A name in the ledger's notes is empty or too long.")
    }
  }
}

/// The longest record key, in bytes (LMDB takes 511 with the table number).
public let maximumKeyBytes = 480
