// Keys of the tables. Their canonical bytes are the record's path in the state tree.

public import Ledger
public import Primitives
public import Wire

@frozen public struct AccountKey: TableKey {
  public var id: AccountID
  @inlinable public init(_ id: AccountID) { self.id = id }
  public func encode(to writer: inout WireWriter) { writer.write(id) }
  public init(from reader: inout WireReader) throws(WireError) { id = try reader.readBytes32() }
}

extension InstrumentID: TableKey {}

@frozen public struct OrderKey: TableKey {
  public var id: OrderID
  @inlinable public init(_ id: OrderID) { self.id = id }
  @inlinable public var tableHash: Int { Int(truncatingIfNeeded: id &* 0x9e37_79b9_7f4a_7c15) }
  public func encode(to writer: inout WireWriter) { writer.write(id) }
  public init(from reader: inout WireReader) throws(WireError) { id = try reader.read() }
}

@frozen public struct PositionKey: TableKey {
  public var account: AccountID
  public var instrument: InstrumentID
  @inlinable public init(_ account: AccountID, _ instrument: InstrumentID) {
    self.account = account
    self.instrument = instrument
  }
  public func encode(to writer: inout WireWriter) {
    writer.write(account)
    writer.write(instrument)
  }
  public init(from reader: inout WireReader) throws(WireError) {
    account = try reader.readBytes32()
    instrument = try InstrumentID(from: &reader)
  }
}

/// The commands of one account in one block.
@frozen public struct CommandKey: TableKey {
  public var height: Height
  public var account: AccountID
  public func encode(to writer: inout WireWriter) {
    writer.write(height)
    writer.write(account)
  }
  @inlinable public init(height: Height, account: AccountID) {
    self.height = height
    self.account = account
  }
  public init(from reader: inout WireReader) throws(WireError) {
    height = try reader.read()
    account = try reader.readBytes32()
  }
}

@frozen public struct DepositKey: TableKey {
  public var reference: Digest
  @inlinable public init(_ reference: Digest) { self.reference = reference }
  public func encode(to writer: inout WireWriter) { writer.write(reference) }
  public init(from reader: inout WireReader) throws(WireError) { reference = try reader.readBytes32() }
}

@frozen public struct WithdrawalKey: TableKey {
  public var number: UInt64
  @inlinable public init(_ number: UInt64) { self.number = number }
  public func encode(to writer: inout WireWriter) { writer.write(number) }
  public init(from reader: inout WireReader) throws(WireError) { number = try reader.read() }
}

/// An underlying, or one expiry of it (`expiry` 0 is the index).
@frozen public struct FeedKey: TableKey {
  public var underlying: UnderlyingID
  public var expiry: Timestamp
  @inlinable public init(_ underlying: UnderlyingID, _ expiry: Timestamp = 0) {
    self.underlying = underlying
    self.expiry = expiry
  }
  public func encode(to writer: inout WireWriter) {
    writer.write(underlying)
    writer.write(expiry)
  }
  public init(from reader: inout WireReader) throws(WireError) {
    underlying = try reader.read()
    expiry = try reader.read()
  }
}

/// One validator's latest observation of a feed.
@frozen public struct ObservationKey: TableKey {
  public var feed: FeedKey
  public var validator: ValidatorIndex
  @inlinable public init(_ feed: FeedKey, _ validator: ValidatorIndex) {
    self.feed = feed
    self.validator = validator
  }
  public func encode(to writer: inout WireWriter) {
    writer.write(feed)
    writer.write(validator)
  }
  public init(from reader: inout WireReader) throws(WireError) {
    feed = try FeedKey(from: &reader)
    validator = try reader.read()
  }
}

/// The index of one round, kept for settlement.
@frozen public struct HistoryKey: TableKey {
  public var underlying: UnderlyingID
  public var round: Round
  @inlinable public init(_ underlying: UnderlyingID, _ round: Round) {
    self.underlying = underlying
    self.round = round
  }
  public func encode(to writer: inout WireWriter) {
    writer.write(underlying)
    writer.write(round)
  }
  public init(from reader: inout WireReader) throws(WireError) {
    underlying = try reader.read()
    round = try reader.readOrdinal()
  }
}

/// The one record of a table that has one.
@frozen public struct SingletonKey: TableKey {
  @inlinable public init() {}
  public func encode(to writer: inout WireWriter) { writer.write(UInt8(0)) }
  public init(from reader: inout WireReader) throws(WireError) {
    guard try reader.read(UInt8.self) == 0 else { throw reader.invalid("singleton key") }
  }
}
