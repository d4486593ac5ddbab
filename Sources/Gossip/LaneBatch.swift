// A batch of transactions in a validator's lane (D1) and its signed header.

public import Primitives
public import Sodium
public import Wire

/// What the owner of a lane signs: one link of the lane's hash chain. Two different headers of one (lane, sequence)
/// prove that the owner forked its lane.
public struct LaneHeader: WireCodable, Hashable, Sendable {
  public var lane: ValidatorIndex
  /// From 1, without gaps.
  public var sequence: UInt64
  /// Hash of the batch before; zero at sequence 1.
  public var previousHash: Digest
  /// Hash of the transactions and their lengths, in order.
  public var contentHash: Digest
  public var signature: Signature

  /// The batch's name everywhere. The signature covers it and is not part of it.
  public func hash(chain: Digest) -> Digest {
    var stream = Blake2bStream(domain: "novation/lane-batch/v1")
    stream.update(chain)
    withUnsafeBytes(of: lane.littleEndian) { stream.update($0) }
    withUnsafeBytes(of: sequence.littleEndian) { stream.update($0) }
    stream.update(previousHash)
    stream.update(contentHash)
    return stream.finish()
  }

  /// Whether the owner, whose key is `key`, signed it. Costs one signature verification.
  public func isSigned(chain: Digest, by key: PublicKey, scheme: SignatureScheme) -> Bool {
    scheme.verify(signature, hash(chain: chain).bytes, by: key)
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(lane)
    writer.write(sequence)
    writer.write(previousHash)
    writer.write(contentHash)
    writer.write(signature)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    lane = try reader.read()
    sequence = try reader.readLaneSequence()
    previousHash = try reader.readBytes32()
    contentHash = try reader.readBytes32()
    signature = try reader.readSignature()
  }

  public init(
    lane: ValidatorIndex, sequence: UInt64, previousHash: Digest, contentHash: Digest, signature: Signature = .zero
  ) {
    self.lane = lane
    self.sequence = sequence
    self.previousHash = previousHash
    self.contentHash = contentHash
    self.signature = signature
  }
}

/// One link of a lane with its transactions.
public struct LaneBatch: WireCodable, Hashable, Sendable {
  public var lane: ValidatorIndex
  /// From 1, without gaps.
  public var sequence: UInt64
  /// Hash of the batch before; zero at sequence 1.
  public var previousHash: Digest
  /// Opaque here: at least one, none empty.
  public var transactions: [[UInt8]]
  public var signature: Signature

  public init(
    lane: ValidatorIndex, sequence: UInt64, previousHash: Digest, transactions: [[UInt8]], signature: Signature = .zero
  ) {
    self.lane = lane
    self.sequence = sequence
    self.previousHash = previousHash
    self.transactions = transactions
    self.signature = signature
  }

  /// Hashes all transactions: about 75 us for 64 KiB.
  public var header: LaneHeader {
    var stream = Blake2bStream()
    for transaction in transactions { stream.update(prefixed: transaction) }
    return LaneHeader(
      lane: lane, sequence: sequence, previousHash: previousHash, contentHash: stream.finish(), signature: signature)
  }

  /// As `LaneHeader.hash(chain:)`; hashes all transactions.
  public func hash(chain: Digest) -> Digest { header.hash(chain: chain) }

  /// Size of the encoding.
  public var encodedBytes: Int { transactions.reduce(2 + 8 + 32 + 4 + 64) { $0 + 4 + $1.count } }

  public func encode(to writer: inout WireWriter) {
    writer.write(lane)
    writer.write(sequence)
    writer.write(previousHash)
    writer.write(UInt32(truncatingIfNeeded: transactions.count))
    for transaction in transactions { writer.write(bytes: transaction) }
    writer.write(signature)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    let start = reader.offset
    lane = try reader.read()
    sequence = try reader.readLaneSequence()
    previousHash = try reader.readBytes32()
    let count = try reader.readCount(limit: LaneLimits.batchTransactions)
    guard count > 0 else { throw reader.invalid("empty batch") }
    transactions = []
    transactions.reserveCapacity(min(count, reader.remaining / 5))
    for _ in 0..<count {
      let transaction = try reader.readBytes(limit: LaneLimits.transactionBytes)
      guard !transaction.isEmpty else { throw reader.invalid("empty transaction") }
      guard reader.offset - start <= LaneLimits.batchBytes else { throw reader.invalid("batch size") }
      transactions.append(transaction)
    }
    signature = try reader.readSignature()
  }
}

/// Two headers of one (lane, sequence), both signed by the lane's owner: proof that it forked its lane.
public struct LaneEvidence: WireCodable, Hashable, Sendable {
  public var first: LaneHeader
  public var second: LaneHeader

  public init(first: LaneHeader, second: LaneHeader) {
    self.first = first
    self.second = second
  }

  /// Costs two signature verifications.
  public func isProof(chain: Digest, keys: [PublicKey], scheme: SignatureScheme) -> Bool {
    guard Int(first.lane) < keys.count, first.lane == second.lane, first.sequence == second.sequence,
      first.hash(chain: chain) != second.hash(chain: chain)
    else { return false }
    let key = keys[Int(first.lane)]
    return first.isSigned(chain: chain, by: key, scheme: scheme)
      && second.isSigned(chain: chain, by: key, scheme: scheme)
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(first)
    writer.write(second)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    first = try LaneHeader(from: &reader)
    second = try LaneHeader(from: &reader)
  }
}

extension WireReader {
  /// A place in a lane: an ordinal from 1.
  mutating func readLaneSequence() throws(WireError) -> UInt64 {
    let value = try readOrdinal()
    guard value > 0 else { throw invalid("lane sequence") }
    return value
  }
}
