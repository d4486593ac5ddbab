// Fixed-point mathematics in 64- and 128-bit integers: the same bits on every machine and in every build.
//
// Q56 is an Int64 scaled by 2^56 (range +-128, one unit is 1.4e-17), Q62 one scaled by 2^62, Q67 an Int128 scaled by
// 2^67. Every function is total: any Int64 gives a result, out-of-range results are clamped, nothing traps.

/// Logarithm, exponential, square root and the normal distribution over fixed-point integers.
public enum FixedMath {
  /// One in Q56.
  public static let oneQ56: Int64 = 1 << 56
  /// One in Q62.
  public static let oneQ62: Int64 = 1 << 62

  /// Natural logarithm of a positive integer (such as a price in 1e-6 USD), in Q56; within 0.6 units of exact.
  /// Zero and negative values give 0.
  ///
  /// value = 2^e (1 + z) / c with c from a table of 128 and |z| < 2^-8; ln(1 + z) by its series to the seventh power.
  public static func lnQ56(_ value: Int64) -> Int64 {
    guard value > 0 else { return 0 }
    let exponent = 63 - value.leadingZeroBitCount
    let mantissa = UInt64(bitPattern: value) << UInt64(value.leadingZeroBitCount)  // Q63 in [1, 2)
    let part = Int((mantissa >> 56) & 127)
    let (inverse, logarithm) = Tables.logarithm.withUnsafeBufferPointer { ($0[2 * part], $0[2 * part + 1]) }
    let product = mantissa.multipliedFullWidth(by: UInt64(bitPattern: inverse))  // Q127 near 1
    // One in Q64 is 2^64, which the word drops: what stays is z, signed.
    let z = Int64(bitPattern: product.high << 1 | product.low >> 63)
    let series = lnSeries(z)
    let (high, low) = Int64(exponent).multipliedFullWidth(by: Tables.ln2Q63)
    let sum = Int128(_low: low, _high: high) &+ Int128(logarithm &+ series) &+ 64
    return Int64(truncatingIfNeeded: sum >> 7)
  }

  /// ln(1 + z) in Q63 of z in Q64, |z| < 2^-8.
  @inline(__always)
  private static func lnSeries(_ z: Int64) -> Int64 {
    let one = Int64.max
    var r = one / 7
    r = -(one / 6) &+ highProduct(r, z)
    r = one / 5 &+ highProduct(r, z)
    r = -(one / 4) &+ highProduct(r, z)
    r = one / 3 &+ highProduct(r, z)
    r = -(one / 2) &+ highProduct(r, z)
    return (z >> 1) &+ highProduct(highProduct(r, z), z)
  }

  /// e^x in Q56 of x in Q56; 0 where it is below one unit, `Int64.max` where it is 128 or more.
  public static func expQ56(_ x: Int64) -> Int64 {
    // x = n ln 2 + r with |r| <= ln 2 / 2.
    let n = Int((Int128(x) * Int128(Tables.inverseLn2Q62) + (1 << 117)) >> 118)
    if n > 8 { return .max }
    if n < -58 { return 0 }
    let r = (Int128(x) << 7) - Int128(n) * Int128(Tables.ln2Q63)  // Q63, |r| < 0.35
    let argument = Int64(clamping: r << 1)  // Q64
    var term = oneQ62
    for k in stride(from: Int64(20), through: 1, by: -1) {
      term = oneQ62 &+ highProduct(term, argument) / k
    }
    // term is e^r in Q62: shift by 62 - 56 - n.
    let shift = 6 - n
    if shift <= 0 { return Int64(clamping: Int128(term) << Int128(-shift)) }
    return Int64((Int128(term) + (Int128(1) << Int128(shift - 1))) >> Int128(shift))
  }

  /// The integer part of the square root.
  ///
  /// Each turn of the loop doubles the correct leading bits; the last is exact but for one, which the end corrects.
  public static func isqrt(_ value: UInt128) -> UInt64 {
    guard value > 0 else { return 0 }
    let shift = value.leadingZeroBitCount & ~1
    let n = value << UInt128(shift)  // in [2^126, 2^128)
    var root = UInt64(1)
    var bits: UInt64 = 0
    for step in stride(from: UInt64(5), through: 0, by: -1) {
      let before = bits
      bits = 63 >> step
      let high = n >> UInt128(127 - before - bits)
      let (sum, overflow) = (root << (bits - before - 1)).addingReportingOverflow(quotient(high, root))
      root = overflow ? .max : sum
    }
    let (square, overflow) = UInt128(root).multipliedReportingOverflow(by: UInt128(root))
    if overflow || square > n { root &-= 1 }
    return root >> UInt64(shift / 2)
  }

  /// dividend / divisor, where the quotient is known to fit.
  @inline(__always)
  private static func quotient(_ dividend: UInt128, _ divisor: UInt64) -> UInt64 {
    let (high, low) = (UInt64(truncatingIfNeeded: dividend >> 64), UInt64(truncatingIfNeeded: dividend))
    return high == 0 ? low / divisor : divisor.dividingFullWidth((high, low)).quotient
  }

  /// The upper 64 bits of the signed product: with one factor in Q64, the product in the other's scale, rounded down.
  @inline(__always)
  static func highProduct(_ a: Int64, _ b: Int64) -> Int64 { a.multipliedFullWidth(by: b).high }

  /// The product of two Q56 numbers, rounded down and clamped.
  static func multiplyQ56(_ a: Int64, _ b: Int64) -> Int64 { Int64(clamping: (Int128(a) * Int128(b)) >> 56) }
}
