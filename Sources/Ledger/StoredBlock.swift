// What a node keeps of a block, and what one durable transaction of the store holds. The objects of consensus and of the
// engine are opaque bytes here.

public import Primitives
public import Wire

/// A final block with everything needed to execute, prove and serve it again.
public struct StoredBlock: WireCodable, Hashable, Sendable {
  public var height: Height
  public var hash: Digest
  public var timestamp: Timestamp
  /// The state after the block.
  public var stateRoot: Digest
  /// The leader's signed proposal.
  public var proposal: [UInt8]
  /// The lane batches that the block orders, in lane order.
  public var batches: [[UInt8]]
  /// What proves the block final.
  public var certificates: [UInt8]
  /// Hashes of the block's transactions in execution order; place in this list is the index of a receipt.
  public var transactions: [Digest]
  /// One receipt for each transaction, in the same order.
  public var receipts: [[UInt8]]
  /// Path in the state tree of the record that holds the root over the receipts; empty for genesis.
  public var receiptsProof: [UInt8]

  public init(
    height: Height, hash: Digest, timestamp: Timestamp, stateRoot: Digest, proposal: [UInt8], batches: [[UInt8]],
    certificates: [UInt8], transactions: [Digest], receipts: [[UInt8]], receiptsProof: [UInt8] = []
  ) {
    self.height = height
    self.hash = hash
    self.timestamp = timestamp
    self.stateRoot = stateRoot
    self.proposal = proposal
    self.batches = batches
    self.certificates = certificates
    self.transactions = transactions
    self.receipts = receipts
    self.receiptsProof = receiptsProof
  }

  /// Limits of a decoded block: far above what the rules of consensus let into one.
  public enum Limits {
    public static let bytes = 64 << 20
    public static let batches = 1 << 16
    public static let transactions = 1 << 20
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(height)
    writer.write(hash)
    writer.write(timestamp)
    writer.write(stateRoot)
    writer.write(bytes: proposal)
    Self.write(batches, to: &writer)
    writer.write(bytes: certificates)
    writer.write(transactions)
    Self.write(receipts, to: &writer)
    writer.write(bytes: receiptsProof)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    height = try reader.readOrdinal()
    hash = try reader.readBytes32()
    timestamp = try reader.read()
    stateRoot = try reader.readBytes32()
    proposal = try reader.readBytes(limit: Limits.bytes)
    batches = try Self.readList(from: &reader, limit: Limits.batches)
    certificates = try reader.readBytes(limit: Limits.bytes)
    transactions = try reader.readArray(limit: Limits.transactions)
    receipts = try Self.readList(from: &reader, limit: Limits.transactions)
    receiptsProof = try reader.readBytes(limit: 64 << 10)
  }

  private static func write(_ list: [[UInt8]], to writer: inout WireWriter) {
    writer.write(UInt32(truncatingIfNeeded: list.count))
    for item in list { writer.write(bytes: item) }
  }

  private static func readList(from reader: inout WireReader, limit: Int) throws(WireError) -> [[UInt8]] {
    let count = try reader.readCount(limit: limit)
    var list: [[UInt8]] = []
    // Each element takes at least its count of four bytes.
    list.reserveCapacity(min(count, reader.remaining / 4))
    for _ in 0..<count { list.append(try reader.readBytes(limit: Limits.bytes)) }
    return list
  }
}

/// The newest block of a store.
public struct LedgerHead: WireCodable, Hashable, Sendable {
  public var height: Height
  public var hash: Digest
  public var timestamp: Timestamp
  public var stateRoot: Digest

  public init(height: Height, hash: Digest, timestamp: Timestamp, stateRoot: Digest) {
    self.height = height
    self.hash = hash
    self.timestamp = timestamp
    self.stateRoot = stateRoot
  }

  public init(of block: StoredBlock) {
    self.init(height: block.height, hash: block.hash, timestamp: block.timestamp, stateRoot: block.stateRoot)
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(height)
    writer.write(hash)
    writer.write(timestamp)
    writer.write(stateRoot)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    height = try reader.readOrdinal()
    hash = try reader.readBytes32()
    timestamp = try reader.read()
    stateRoot = try reader.readBytes32()
  }
}

/// The certificate of a height: bytes that prove the state after that block.
public struct StoredCertificate: Hashable, Sendable {
  public var height: Height
  public var bytes: [UInt8]

  public init(height: Height, bytes: [UInt8]) {
    self.height = height
    self.bytes = bytes
  }
}

/// Where a transaction was executed.
public struct TransactionPlace: WireCodable, Hashable, Sendable {
  public var height: Height
  /// Place among the block's transactions in execution order.
  public var index: UInt32

  public init(height: Height, index: UInt32) {
    self.height = height
    self.index = index
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(height)
    writer.write(index)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    height = try reader.readOrdinal()
    index = try reader.read()
  }
}

/// What happened in a block: bytes of the engine's `BlockEvents`.
public struct StoredEvents: Hashable, Sendable {
  public var height: Height
  public var bytes: [UInt8]

  public init(height: Height, bytes: [UInt8]) {
    self.height = height
    self.bytes = bytes
  }
}

/// All that becomes durable together: every part of it, or after a crash none.
public struct LedgerCommit: Sendable {
  /// Consecutive blocks; the first follows the head. A store without blocks takes any first height (a chain begins at
  /// its genesis, a restored node at a checkpoint).
  public var blocks: [StoredBlock]
  /// The records as the last of the blocks left them; of several changes of one key the last counts.
  public var changes: [RecordChange]
  /// Certificates of these or of older blocks. A certificate already stored for a height is replaced.
  public var certificates: [StoredCertificate]
  /// Of these blocks; a block may be without.
  public var events: [StoredEvents]
  /// Small named values of the node.
  public var meta: [String: [UInt8]]

  public init(
    blocks: [StoredBlock] = [], changes: [RecordChange] = [], certificates: [StoredCertificate] = [],
    events: [StoredEvents] = [], meta: [String: [UInt8]] = [:]
  ) {
    self.blocks = blocks
    self.changes = changes
    self.certificates = certificates
    self.events = events
    self.meta = meta
  }
}
