// The scalar names of the protocol. They are aliases, not wrappers: what keeps them safe is the decoder, which refuses
// every height, view, epoch and sequence of 2^62 or more (`WireReader.readOrdinal`), so adding small constants to one
// that came from outside cannot overflow.

/// Position of a block in the chain; genesis is 0.
public typealias Height = UInt64
/// Attempt at agreeing on one block; at most one block per view is ever final.
public typealias View = UInt64
/// Span of blocks with one validator set.
public typealias Epoch = UInt64
/// Place of a validator in its epoch's committee, from 0.
public typealias ValidatorIndex = UInt16
/// Monotonic time of the host in nanoseconds, from an arbitrary origin. Never compared between nodes.
public typealias Instant = Int64
/// Nanoseconds since 1970-01-01T00:00:00Z.
public typealias Timestamp = Int64
/// Settlement currency in 1e-6 USD.
public typealias Amount = Int64
/// Price of 1.0 contract in 1e-6 USD.
public typealias Price = Int64
/// Signed or unsigned number of lots; one lot is 1e-3 contract.
public typealias Quantity = Int64

/// Exclusive limit of every ordinal (height, view, epoch, sequence) that a decoder accepts.
public let ordinalLimit: UInt64 = 1 << 62

/// Units of `Instant` and `Timestamp`.
public enum Duration64 {
  public static let microsecond: Int64 = 1_000
  public static let millisecond: Int64 = 1_000_000
  public static let second: Int64 = 1_000_000_000
  public static let minute: Int64 = 60 * second
  public static let hour: Int64 = 60 * minute
  public static let day: Int64 = 24 * hour
}

extension FixedWidthInteger {
  /// The sum, or nil where it does not fit. For values that came from outside.
  @inlinable public func adding(_ other: Self) -> Self? {
    let (value, overflow) = addingReportingOverflow(other)
    return overflow ? nil : value
  }

  /// The difference, or nil where it does not fit.
  @inlinable public func subtracting(_ other: Self) -> Self? {
    let (value, overflow) = subtractingReportingOverflow(other)
    return overflow ? nil : value
  }

  /// The product, or nil where it does not fit.
  @inlinable public func multiplied(by other: Self) -> Self? {
    let (value, overflow) = multipliedReportingOverflow(by: other)
    return overflow ? nil : value
  }

  /// The sum, clamped to the type's range: for timers and counters, never for money.
  @inlinable public func saturatingAdding(_ other: Self) -> Self {
    let (value, overflow) = addingReportingOverflow(other)
    return overflow ? (other < 0 ? .min : .max) : value
  }
}
