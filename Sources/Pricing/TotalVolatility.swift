// From volatility and time to total volatility.

extension Black76 {
  /// Nanoseconds in a year of 365 days, the year of every volatility here.
  public static let nanosecondsPerYear: Int64 = 31_536_000_000_000_000
  /// Units of a volatility of 1.00 (100 %): volatilities are in 1e-9.
  public static let volatilityUnit: Int64 = 1_000_000_000

  /// sigma sqrt(tau) in Q56 of `volatility` in 1e-9 (0.65 is 650,000,000) and the seconds to expiry; rounded to
  /// nearest, clamped to `Int64.max` (128). Zero if either is not positive.
  public static func totalVolatility(volatility: Int64, seconds: Int64) -> Int64 {
    guard volatility > 0, seconds > 0 else { return 0 }
    return total(volatility, nanoseconds: UInt128(seconds) * 1_000_000_000)
  }

  /// The same from nanoseconds, the unit of block time.
  public static func totalVolatility(volatility: Int64, nanoseconds: Int64) -> Int64 {
    guard volatility > 0, nanoseconds > 0 else { return 0 }
    return total(volatility, nanoseconds: UInt128(nanoseconds))
  }

  /// sqrt(tau) in Q56, tau in years of 365 days; clamped.
  public static func rootYears(nanoseconds: Int64) -> Int64 {
    totalVolatility(volatility: volatilityUnit, nanoseconds: nanoseconds)
  }

  /// The volatility in 1e-9 that `totalVolatility` of this time had, rounded to nearest; nil without time to expiry or
  /// where it does not fit.
  public static func volatility(totalVolatility: Int64, nanoseconds: Int64) -> Int64? {
    guard nanoseconds > 0, totalVolatility >= 0 else { return nil }
    let root = Int128(rootYears(nanoseconds: nanoseconds))
    guard root > 0 else { return nil }
    return Int64(exactly: (Int128(totalVolatility) * Int128(volatilityUnit) + root / 2) / root)
  }

  /// volatility 1e-9 sqrt(nanoseconds / year): the square root of the nanoseconds with 64 leading bits, times a constant
  /// with as many.
  private static func total(_ volatility: Int64, nanoseconds: UInt128) -> Int64 {
    let shift = nanoseconds.leadingZeroBitCount & ~1
    let root = FixedMath.isqrt(nanoseconds << UInt128(shift))  // sqrt(ns) 2^(shift/2), in [2^63, 2^64)
    let years = root.multipliedFullWidth(by: Tables.inverseRootYear).high  // in Q(shift/2 + 91 - 64)
    let scaled = (UInt128(UInt64(bitPattern: volatility)) * UInt128(years)) / 1_000_000_000
    // To Q56: shift right by shift/2 + 27 - 56 places, left if negative.
    let places = shift / 2 + Tables.inverseRootYearScale - 64 - 56
    if places > 0 { return Int64(clamping: (scaled + (UInt128(1) << UInt128(places - 1))) >> UInt128(places)) }
    let limit = UInt128(Int64.max) >> UInt128(-places)
    return scaled > limit ? .max : Int64(clamping: scaled << UInt128(-places))
  }
}
