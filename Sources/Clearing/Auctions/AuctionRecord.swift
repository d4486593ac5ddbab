// An instrument's call auction, and why it is held.

public import Ledger
public import Primitives
public import Wire

public enum AuctionReason: UInt8, Sendable, WireByte {
  /// The instrument is new.
  case opening = 0
  /// The book would have traded beyond the band.
  case volatility = 1
  /// Prices were missing for more than 60 s.
  case outage = 2
  /// The listing authority asked for it, or trading resumes after a halt.
  case called = 3
}

/// Of an instrument in the state `auction`, or `pending` until its first fresh mark.
public struct AuctionRecord: TableRecord {
  public var reason: AuctionReason
  /// Real block time from which it ends, on fresh prices; `Int64.max` before it has begun, and until the authority
  /// ends one that it called.
  public var until: Timestamp

  init(_ reason: AuctionReason, until: Timestamp) {
    self.reason = reason
    self.until = until
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(reason)
    writer.write(until)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    reason = try AuctionReason(from: &reader)
    until = try reader.read()
  }
}
