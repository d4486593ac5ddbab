// What validators send each other about lanes, what they keep in the journal, and what they report.

public import Primitives
public import Wire

/// Asks for the chain that ends in `hash`, newest first, down to but without sequence `after`.
public struct BatchRequest: WireCodable, Hashable, Sendable {
  public var lane: ValidatorIndex
  public var hash: Digest
  public var after: UInt64

  public init(lane: ValidatorIndex, hash: Digest, after: UInt64) {
    self.lane = lane
    self.hash = hash
    self.after = after
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(lane)
    writer.write(hash)
    writer.write(after)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    lane = try reader.read()
    hash = try reader.readBytes32()
    after = try reader.readOrdinal()
  }
}

public enum LaneMessage: WireCodable, Hashable, Sendable {
  /// From the lane's owner, once to each peer.
  case batch(LaneBatch)
  /// From the owner of a tip that was not ordered promptly: who holds it acknowledges, who lacks it fetches (D3).
  case solicit(LanePoint)
  /// To the lane's owner.
  case ack(LaneAck)
  /// To everybody, from whoever learns it (D7).
  case proof(LaneProof)
  case getBatches([BatchRequest])
  /// The answer: at most `LaneLimits.answerBytes`.
  case batches([LaneBatch])
  /// To everybody, once, from whoever learns it.
  indirect case evidence(LaneEvidence)
  /// From a validator that may have forgotten batches of its own lane: what does the receiver hold of it (D1)?
  case getTip
  /// The answer: up to where the asker's lane is ordered, and the header of the highest unordered batch of it.
  case tip(ordered: UInt64, newest: LaneHeader?)

  public func encode(to writer: inout WireWriter) {
    switch self {
    case .batch(let batch):
      writer.write(UInt8(0))
      writer.write(batch)
    case .solicit(let point):
      writer.write(UInt8(1))
      writer.write(point)
    case .ack(let ack):
      writer.write(UInt8(2))
      writer.write(ack)
    case .proof(let proof):
      writer.write(UInt8(3))
      writer.write(proof)
    case .getBatches(let requests):
      writer.write(UInt8(4))
      writer.write(requests)
    case .batches(let batches):
      writer.write(UInt8(5))
      writer.write(batches)
    case .evidence(let evidence):
      writer.write(UInt8(6))
      writer.write(evidence)
    case .getTip: writer.write(UInt8(7))
    case .tip(let ordered, let newest):
      writer.write(UInt8(8))
      writer.write(ordered)
      writer.write(newest)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    switch try reader.read(UInt8.self) {
    case 0: self = .batch(try LaneBatch(from: &reader))
    case 1: self = .solicit(try LanePoint(from: &reader))
    case 2: self = .ack(try LaneAck(from: &reader))
    case 3: self = .proof(try LaneProof(from: &reader))
    case 4: self = .getBatches(try reader.readArray(limit: LaneLimits.requests))
    case 5: self = .batches(try Self.readAnswer(&reader))
    case 6: self = .evidence(try LaneEvidence(from: &reader))
    case 7: self = .getTip
    case 8: self = .tip(ordered: try reader.readOrdinal(), newest: try reader.readOptional())
    default: throw reader.invalid("lane message kind")
    }
  }

  private static func readAnswer(_ reader: inout WireReader) throws(WireError) -> [LaneBatch] {
    let start = reader.offset
    let count = try reader.readCount(limit: LaneLimits.answerBatches)
    var batches: [LaneBatch] = []
    for _ in 0..<count {
      batches.append(try LaneBatch(from: &reader))
      guard reader.offset - start <= LaneLimits.answerBytes + 4 else { throw reader.invalid("answer size") }
    }
    return batches
  }
}

/// What survives a crash.
public enum LaneJournalEntry: WireCodable, Hashable, Sendable {
  /// An own batch before it is sent, or a peer's before it is vouched for.
  case batch(LaneBatch)
  /// Everything up to this cut is final and in the ledger. In a rewritten journal it comes first.
  case floor(LaneCut)
  /// The lane needs proofs for good.
  indirect case evidence(LaneEvidence)
  /// False: batches of the own lane may be forgotten; true: its end is known again (D1). The last one counts.
  case remembers(Bool)

  public func encode(to writer: inout WireWriter) {
    switch self {
    case .batch(let batch):
      writer.write(UInt8(0))
      writer.write(batch)
    case .floor(let cut):
      writer.write(UInt8(1))
      writer.write(cut)
    case .evidence(let evidence):
      writer.write(UInt8(2))
      writer.write(evidence)
    case .remembers(let isWhole):
      writer.write(UInt8(3))
      writer.write(isWhole)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    switch try reader.read(UInt8.self) {
    case 0: self = .batch(try LaneBatch(from: &reader))
    case 1: self = .floor(try LaneCut(from: &reader))
    case 2: self = .evidence(try LaneEvidence(from: &reader))
    case 3: self = .remembers(try reader.readBool())
    default: throw reader.invalid("lane journal entry kind")
    }
  }
}

/// What a peer did wrong.
public enum LaneFault: Hashable, Sendable {
  case unknownLane
  /// A batch, acknowledgement or proof whose signature is not its signer's.
  case badSignature
  /// A batch that does not continue the one its `previousHash` names.
  case badLink
  /// A batch above the limits.
  case tooLarge
  /// Two batches of one (lane, sequence).
  case fork
  /// Sent in another's name, or an answer to no question.
  case unsolicited
  /// Fetches more than its share; the request was dropped.
  case greedy
}
