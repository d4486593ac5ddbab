// The names of things in the clearing engine.

public import Primitives
public import Wire

/// Place of an underlying (BTC, ETH, ...) in the genesis list.
public typealias UnderlyingID = UInt8
/// Number of an order, drawn from one counter of the chain; it also gives time priority.
public typealias OrderID = UInt64
/// Number of an oracle round: whole real seconds since the genesis time.
public typealias Round = UInt64

public enum Side: UInt8, Sendable, WireByte {
  case buy = 0
  case sell = 1

  @inlinable public var opposite: Side { self == .buy ? .sell : .buy }
  /// +1 for a buy, -1 for a sell.
  @inlinable public var sign: Int64 { self == .buy ? 1 : -1 }
}

public enum InstrumentKind: UInt8, Sendable, WireByte {
  case future = 0
  case call = 1
  case put = 2

  @inlinable public var isOption: Bool { self != .future }
}

/// An instrument's identity *is* its terms, packed into one word, so that a signed order means the same contract
/// whatever was listed before: underlying (8 bits), kind (2), expiry in hours since 1970 (22), strike in 0.001 USD (32).
@frozen public struct InstrumentID: Hashable, Comparable, Sendable {
  public var raw: UInt64

  @inlinable public init(raw: UInt64) { self.raw = raw }

  /// Nil unless the expiry is a whole hour of 1970...2208 and the strike a multiple of 0.001 USD within the limits.
  /// A future has strike 0.
  public init?(underlying: UnderlyingID, kind: InstrumentKind, expiry: Timestamp, strike: Price) {
    guard expiry >= 0, expiry % Duration64.hour == 0, expiry / Duration64.hour < 1 << 21 else { return nil }
    guard strike >= 0, strike % Limits.pricePerLot == 0, strike <= Limits.maxPrice else { return nil }
    guard kind.isOption == (strike > 0) else { return nil }
    let hours = UInt64(expiry / Duration64.hour)
    raw = UInt64(underlying) << 56 | UInt64(kind.rawValue) << 54 | hours << 32 | UInt64(strike / Limits.pricePerLot)
  }

  @inlinable public var underlying: UnderlyingID { UInt8(truncatingIfNeeded: raw >> 56) }
  /// Nil for the fourth pattern, which is kept for combinations.
  @inlinable public var kind: InstrumentKind? { InstrumentKind(rawValue: UInt8(truncatingIfNeeded: raw >> 54) & 3) }
  /// Market time of expiry; meaningless unless `isCanonical`.
  @inlinable public var expiry: Timestamp { Int64((raw >> 32) & 0x3f_ffff) &* Duration64.hour }
  @inlinable public var strike: Price { Int64(raw & 0xffff_ffff) * 1_000 }

  /// Whether the word names a contract that could be listed.
  public var isCanonical: Bool {
    guard let kind else { return false }
    return InstrumentID(underlying: underlying, kind: kind, expiry: expiry, strike: strike) == self
  }

  @inlinable public static func < (a: Self, b: Self) -> Bool { a.raw < b.raw }
}

extension InstrumentID: WireCodable {
  public func encode(to writer: inout WireWriter) { writer.write(raw) }
  public init(from reader: inout WireReader) throws(WireError) { raw = try reader.read() }
}

/// The accounts of the clearing house itself. No key opens them: their identifiers are not points of the curve that
/// anybody could hold a secret for, and no action may name them as owner.
public enum SystemAccount: UInt64, CaseIterable, Sendable {
  /// The world outside: minus what was deposited, plus what was paid out.
  case external = 1
  /// Trading fees earned.
  case fees = 2
  /// The insurance fund.
  case insurance = 3
  /// Residues of division.
  case rounding = 4
  /// The other side of realised profit and loss of futures; minus the entry values of all open futures positions.
  case variation = 5
  /// Requested withdrawals that the custodian has not paid yet.
  case withdrawals = 6
  /// The house's own capital that stands before the default fund (layer 3 of the waterfall).
  case houseCapital = 7
  /// The mutual default fund: the sum of its members' shares (layer 5).
  case defaultFund = 8

  public var id: AccountID { AccountID(words: (0, 0, 0, rawValue)) }

  /// Whether `id` is in the range kept for the clearing house.
  public static func isReserved(_ id: AccountID) -> Bool {
    id.words.0 == 0 && id.words.1 == 0 && id.words.2 == 0 && id.words.3 < 256
  }
}

extension AccountID {
  /// The main account of a key.
  @inlinable public init(_ key: PublicKey) { self.init(words: key.words) }
}

/// An enumeration that is one byte on the wire.
public protocol WireByte: RawRepresentable<UInt8>, WireCodable {}

extension WireByte {
  public func encode(to writer: inout WireWriter) { writer.write(rawValue) }
  public init(from reader: inout WireReader) throws(WireError) {
    guard let value = Self(rawValue: try reader.read()) else { throw reader.invalid(String(describing: Self.self)) }
    self = value
  }
}
