// Records of market makers: protection limits, and leases that cancel orders when an account falls silent.

public import Ledger
public import Primitives
public import Wire

/// An account in one underlying.
@frozen public struct ProtectionKey: TableKey {
  public var account: AccountID
  public var underlying: UnderlyingID
  @inlinable public init(_ account: AccountID, _ underlying: UnderlyingID) {
    self.account = account
    self.underlying = underlying
  }
  public func encode(to writer: inout WireWriter) {
    writer.write(account)
    writer.write(underlying)
  }
  public init(from reader: inout WireReader) throws(WireError) {
    account = try reader.readBytes32()
    underlying = try reader.read()
  }
}

/// Limits of a maker's quotes, and what they traded in the present window.
public struct ProtectionRecord: TableRecord {
  public var limits: Protection
  /// Real block time in which the window began.
  public var windowStart: Timestamp = 0
  public var lots: Quantity = 0
  /// Net delta traded, lots times 1e-6.
  public var delta: Int64 = 0
  public var trades: UInt32 = 0
  /// Quotes are refused until this real block time; `Int64.max`: until the limits are set again.
  public var frozenUntil: Timestamp = 0

  init(_ limits: Protection) { self.limits = limits }

  public func encode(to writer: inout WireWriter) {
    writer.write(limits)
    writer.write(windowStart)
    writer.write(lots)
    writer.write(delta)
    writer.write(trades)
    writer.write(frozenUntil)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    limits = try Protection(from: &reader)
    windowStart = try reader.read()
    lots = try reader.read()
    delta = try reader.read()
    trades = try reader.read()
    frozenUntil = try reader.read()
  }
}

/// An account whose orders end when it has been silent for `span`.
public struct LeaseRecord: TableRecord {
  public var span: Timestamp
  public var until: Timestamp

  init(span: Timestamp, until: Timestamp) {
    self.span = span
    self.until = until
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(span)
    writer.write(until)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    span = try reader.read()
    until = try reader.read()
  }
}
