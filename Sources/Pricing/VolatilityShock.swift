// The volatility scenarios of the margin grid: larger for short expiries, as implied volatility moves more there.

/// Shocked total volatilities: up s (1 + 0.50 g), down s max(0.05, 1 - 0.275 g), with
/// g = (30 / max(days, 1))^p, p = 0.30 up to 30 days and 0.13 beyond, days counted in whole hours.
public enum VolatilityShock {
  /// No volatility is shocked up to less than 45 %.
  public static let floorVolatility: Int64 = 450_000_000

  /// g in Q32 of the whole hours to expiry.
  public static func termFactor(hours: Int64) -> Int64 {
    let ratio = Int128(FixedMath.lnQ56(720) - FixedMath.lnQ56(max(hours, 24)))
    let power: Int128 = hours <= 720 ? 30 : 13
    return (FixedMath.expQ56(Int64(ratio * power / 100)) + (1 << 23)) >> 24
  }

  /// The total volatility of the up scenario, in Q56; `nanoseconds` is the time to expiry.
  public static func up(_ totalVolatility: Int64, nanoseconds: Int64) -> Int64 {
    let g = Int128(termFactor(hours: nanoseconds / 3_600_000_000_000))
    let shocked = (Int128(max(totalVolatility, 0)) * ((2 << 32) + g)) >> 33
    let floor = Black76.totalVolatility(volatility: floorVolatility, nanoseconds: nanoseconds)
    return max(Int64(clamping: shocked), floor)
  }

  /// The total volatility of the down scenario, in Q56.
  public static func down(_ totalVolatility: Int64, nanoseconds: Int64) -> Int64 {
    let g = Int128(termFactor(hours: nanoseconds / 3_600_000_000_000))
    let factor = max((Int128(1) << 32) / 20, (Int128(1) << 32) - g * 275 / 1_000)
    return Int64(clamping: (Int128(max(totalVolatility, 0)) * factor) >> 32)
  }
}
