// The validators as the state names them, and what operators may change about them (rules V1 to V8).

public import Ledger
public import Primitives
public import Wire

/// What an operator tells about a validator; for people, and for judging how alike two validators are.
public struct OperatorData: Hashable, Sendable, WireCodable {
  /// Each at most 64 bytes of UTF-8, and empty where it is not told.
  public var operatorName: String
  public var network: String
  public var country: String
  public var version: String

  public static let bytesMax = 64

  public init(operatorName: String = "", network: String = "", country: String = "", version: String = "") {
    self.operatorName = operatorName
    self.network = network
    self.country = country
    self.version = version
  }

  public func encode(to writer: inout WireWriter) {
    for text in [operatorName, network, country, version] { writer.write(text) }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    operatorName = try reader.readString(limit: Self.bytesMax)
    network = try reader.readString(limit: Self.bytesMax)
    country = try reader.readString(limit: Self.bytesMax)
    version = try reader.readString(limit: Self.bytesMax)
  }
}

/// A validator of the present committee.
public struct Validator: TableRecord, Hashable {
  /// For people; 1 to 64 bytes, and nobody else's.
  public var name: String
  /// Ed25519 identity: signs votes and lanes; the session key is derived from it.
  public var key: PublicKey
  /// Where the others reach it: a host name or address, and a port.
  public var host: String
  public var port: UInt16
  public var data: OperatorData

  static let nameBytesMax = 64
  static let hostBytesMax = 253

  public init(name: String, key: PublicKey, host: String, port: UInt16, data: OperatorData = OperatorData()) {
    self.name = name
    self.key = key
    self.host = host
    self.port = port
    self.data = data
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(name)
    writer.write(key)
    writer.write(host)
    writer.write(port)
    writer.write(data)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    name = try reader.readString(limit: Self.nameBytesMax)
    key = try reader.readBytes32()
    host = try reader.readString(limit: Self.hostBytesMax)
    port = try reader.read()
    data = try OperatorData(from: &reader)
  }
}

/// One change of the committee.
public enum ValidatorChange: Hashable, Sendable, WireCodable {
  case add(Validator)
  case remove(PublicKey)
  /// The same validator signs with another identity key.
  case replaceKey(PublicKey, by: PublicKey)
  case address(PublicKey, host: String, port: UInt16)
  case data(PublicKey, OperatorData)

  /// The present validator that it is about; nil for a new one.
  public var subject: PublicKey? {
    switch self {
    case .add: nil
    case .remove(let key), .replaceKey(let key, _), .address(let key, _, _), .data(let key, _): key
    }
  }

  /// The key that nobody may have yet.
  var newKey: PublicKey? {
    switch self {
    case .add(let validator): validator.key
    case .replaceKey(_, let key): key
    case .remove, .address, .data: nil
    }
  }

  public func encode(to writer: inout WireWriter) {
    switch self {
    case .add(let validator):
      writer.write(UInt8(0))
      writer.write(validator)
    case .remove(let key):
      writer.write(UInt8(1))
      writer.write(key)
    case .replaceKey(let key, let other):
      writer.write(UInt8(2))
      writer.write(key)
      writer.write(other)
    case .address(let key, let host, let port):
      writer.write(UInt8(3))
      writer.write(key)
      writer.write(host)
      writer.write(port)
    case .data(let key, let data):
      writer.write(UInt8(4))
      writer.write(key)
      writer.write(data)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    switch try reader.read(UInt8.self) {
    case 0: self = .add(try Validator(from: &reader))
    case 1: self = .remove(try reader.readBytes32())
    case 2: self = .replaceKey(try reader.readBytes32(), by: try reader.readBytes32())
    case 3:
      self = .address(
        try reader.readBytes32(), host: try reader.readString(limit: Validator.hostBytesMax), port: try reader.read())
    case 4: self = .data(try reader.readBytes32(), try OperatorData(from: &reader))
    default: throw reader.invalid("change of a validator")
    }
  }
}

/// From 1 on, in the order of proposing.
public typealias ChangeID = UInt64

/// Why a change is there.
public enum ChangeCause: UInt8, Sendable, WireByte {
  /// A validator proposed it, and a quorum decides.
  case proposal = 0
  /// A rule asks for it: proven misbehaviour, or failing health.
  case evidence = 1
  case health = 2
}

/// A change that is not in force yet.
public struct ChangeRecord: TableRecord, Hashable {
  public var change: ValidatorChange
  public var cause: ChangeCause
  /// With another cause than a proposal, whom it is about.
  public var proposer: PublicKey
  /// Identity keys of validators, in the order in which they came.
  public var approvals: [PublicKey]
  public var proposedAt: Height
  /// V2: Q of the present validators had approved it.
  public var approvedAt: Height?
  /// V6: shares are being made for the committee that it belongs to.
  public var scheduledAt: Height?
  /// Key generations for it that failed.
  public var failures: UInt32

  public func encode(to writer: inout WireWriter) {
    writer.write(change)
    writer.write(cause)
    writer.write(proposer)
    writer.write(approvals)
    writer.write(proposedAt)
    for height in [approvedAt, scheduledAt] {
      writer.write(height != nil)
      if let height { writer.write(height) }
    }
    writer.write(failures)
  }

  init(_ change: ValidatorChange, by proposer: PublicKey, at height: Height) {
    self.change = change
    cause = .proposal
    self.proposer = proposer
    approvals = [proposer]
    proposedAt = height
    failures = 0
  }

  public init(from reader: inout WireReader) throws(WireError) {
    change = try ValidatorChange(from: &reader)
    cause = try ChangeCause(from: &reader)
    proposer = try reader.readBytes32()
    approvals = try reader.readArray(limit: Limits.maxValidators)
    proposedAt = try reader.readOrdinal()
    approvedAt = try reader.readBool() ? try reader.readOrdinal() : nil
    scheduledAt = try reader.readBool() ? try reader.readOrdinal() : nil
    failures = try reader.read()
  }
}

/// The keys of a committee, and the height of the block after which it orders; kept for ever, so that what any committee
/// signed can be checked.
public struct CommitteeRecord: TableRecord, Hashable {
  public var since: Height
  public var keys: [PublicKey]

  init(since: Height, keys: [PublicKey]) {
    self.since = since
    self.keys = keys
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(since)
    writer.write(keys)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    since = try reader.readOrdinal()
    keys = try reader.readArray(limit: Limits.maxValidators)
  }
}

/// A validator's place in the committee.
public struct MemberKey: TableKey {
  public var place: UInt16
  init(_ place: Int) { self.place = UInt16(truncatingIfNeeded: place) }
  public func encode(to writer: inout WireWriter) { writer.write(place) }
  public init(from reader: inout WireReader) throws(WireError) { place = try reader.read() }
}

public struct CommitteeKey: TableKey {
  public var number: Epoch
  public init(_ number: Epoch) { self.number = number }
  public func encode(to writer: inout WireWriter) { writer.write(number) }
  public init(from reader: inout WireReader) throws(WireError) { number = try reader.readOrdinal() }
}

public struct ChangeKey: TableKey {
  public var id: ChangeID
  init(_ id: ChangeID) { self.id = id }
  public func encode(to writer: inout WireWriter) { writer.write(id) }
  public init(from reader: inout WireReader) throws(WireError) { id = try reader.read() }
}
