// Total volatility s = sigma sqrt(tau) and what is worth keeping of it: a price then costs no division.

/// A total volatility with its inverse. Make it once per (instrument, volatility scenario).
@frozen public struct VolatilityState: Hashable, Sendable {
  /// sigma sqrt(tau) in Q56; 0 is intrinsic value. Negative input counts as 0.
  public let total: Int64
  /// 2^127 / (total << zeros), so that 64 leading bits of 1/s are kept whatever its size.
  let inverse: UInt64
  /// Leading zero bits of `total`.
  let zeros: UInt8

  public init(total: Int64) {
    guard total > 0 else {
      (self.total, inverse, zeros) = (0, 0, 0)
      return
    }
    self.total = total
    let zeros = UInt64(total.leadingZeroBitCount)
    let divisor = UInt64(bitPattern: total) << zeros  // in [2^63, 2^64)
    let half = UInt64(1) << 63
    inverse = divisor == half ? .max : divisor.dividingFullWidth((half, 0)).quotient
    self.zeros = UInt8(zeros)
  }

  /// d1 and d2 of log-moneyness k = ln(F/K), both in Q56, of a positive total volatility. k/s is clamped to +-64,
  /// where the distribution has long been 0 or 1.
  ///
  /// d2 is d1 - s exactly. An error common to both moves the price only in second order, because
  /// F phi(d1) = K phi(d2); that is why 2^-56 is enough here.
  @inline(__always)
  func d(_ logMoneyness: Int64) -> (d1: Int64, d2: Int64) {
    let magnitude = logMoneyness.magnitude
    let product = magnitude.multipliedFullWidth(by: inverse)
    // (k inverse) >> (71 - zeros): between 8 and 70 places.
    let shift = 71 &- UInt64(zeros)
    let wide = UInt128(_low: product.low, _high: product.high) &>> UInt128(truncatingIfNeeded: shift)
    let limit = (UInt64(1) << 62) - 1
    let ratio = Int64(bitPattern: wide > UInt128(limit) ? limit : UInt64(truncatingIfNeeded: wide))
    let sign = logMoneyness >> 63
    let d1 = (ratio ^ sign) &- sign &+ (total >> 1)
    return (d1, d1 &- total)
  }
}
