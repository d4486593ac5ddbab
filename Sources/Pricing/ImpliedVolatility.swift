// The total volatility that explains a price: for orders priced in volatility, bands and display. Margin never asks.

public import Primitives

extension Black76 {
  /// The total volatility sigma sqrt(tau), in Q56, at which the option is worth `price`; 0 for exactly the intrinsic
  /// value. Nil outside the arbitrage bounds (below intrinsic, or not below the forward for a call and the strike for a
  /// put), without positive prices, and above a total volatility of 24.
  ///
  /// Newton's method on the undiscounted call from the inflection of price in volatility, sqrt(2 |ln F/K|), from where
  /// it cannot overshoot, and in the variables ln C and 1/s^2 while the price is far above; a bracket and bisection stand
  /// behind it where the vega is too small for 128 bits. Never more than 128 steps.
  public static func impliedTotalVolatility(
    _ kind: OptionKind, price: Price, forward: Price, strike: Price
  ) -> Int64? {
    guard forward > 0, strike > 0, price >= 0 else { return nil }
    guard let call = kind == .call ? price : price.adding(forward - strike) else { return nil }
    let floor = max(forward - strike, 0)
    guard call >= floor, call < forward else { return nil }
    if call == floor { return 0 }
    return ImpliedSearch(call: call, forward: forward, strike: strike).solve()
  }
}

/// One search: what is looked for and the scale of its 128-bit numbers.
private struct ImpliedSearch {
  /// Above every total volatility a price of this resolution can tell apart.
  static let highest: Int64 = 24 << 56
  static let stepsMax = 128
  /// A step shorter than 2^-36 is the last: its square is far below a unit.
  static let shortStep: Int64 = 1 << 20

  let call: Int64
  let forward: Int64
  let strike: Int64
  let logMoneyness: Int64
  /// Bits by which the distribution is reduced from Q67 so that a product fits 128 bits.
  let reduction: Int128

  init(call: Int64, forward: Int64, strike: Int64) {
    (self.call, self.forward, self.strike) = (call, forward, strike)
    logMoneyness = FixedMath.lnQ56(forward) - FixedMath.lnQ56(strike)
    reduction = (forward | strike) >> 56 == 0 ? 0 : 8
  }

  func solve() -> Int64? {
    var low: Int64 = 0
    var high = Self.highest
    var s = start()
    for _ in 0..<Self.stepsMax {
      let (excess, vega) = evaluate(s)
      // The distribution's own error, times the forward: nearer cannot be told.
      if excess.magnitude <= UInt128(max(forward, strike)) { return s }
      if excess > 0 { high = s } else { low = s }
      if high - low <= 1 { break }
      let move = wingStep(s, excess, vega) ?? Self.quotient(excess, vega)
      if let move, let next = s.subtracting(move), next > low, next < high {
        s = next
        if abs(move) < Self.shortStep { return s }
      } else {
        s = low + (high - low) / 2
      }
    }
    return s >= Self.highest - 1 ? nil : s
  }

  /// The inflection; at the money, the linear price F s / sqrt(2 pi).
  private func start() -> Int64 {
    let inflection = FixedMath.isqrt(UInt128(logMoneyness.magnitude) << 57)
    if inflection > 0 { return min(Int64(clamping: inflection), Self.highest - 1) }
    let rootTwoPi: Int128 = 180_621_602_617_352_371  // Q56
    return min(max(Int64(clamping: Int128(call) * rootTwoPi / Int128(forward)), 1), Self.highest - 1)
  }

  /// Price less target, and vega (per unit of s), in units of 1e-6 USD and Q(67 - reduction).
  private func evaluate(_ s: Int64) -> (excess: Int128, vega: Int128) {
    let (d1, d2) = VolatilityState(total: s).d(logMoneyness)
    let value =
      Int128(forward) &* (FixedMath.cdfQ67(d1) >> reduction) &- Int128(strike) &* (FixedMath.cdfQ67(d2) >> reduction)
    let vega = Int128(forward) &* (FixedMath.pdfQ67(d1) >> reduction)
    return (value &- Int128(call) << (67 - reduction), vega)
  }

  /// A step for prices far below that at s. There ln C is nearly linear in 1/s^2, and Newton's method in these
  /// variables gives s' = s / sqrt(1 + 2 C ln(C/P) / (vega s)); in s itself each step would win only a factor e of
  /// price. C and P are time values. Nil where the price is within a factor two, or out of range.
  private func wingStep(_ s: Int64, _ excess: Int128, _ vega: Int128) -> Int64? {
    let target = call - max(forward - strike, 0)
    let value = excess &+ Int128(target) << (67 - reduction)
    guard excess > value / 2, let slope = Self.quotient(value, vega) else { return nil }
    let ratio = value / Int128(target)
    let shift = max(0, 66 - ratio.leadingZeroBitCount)
    let mantissa = Int64(truncatingIfNeeded: ratio >> Int128(shift))
    let exponent = Int128(shift) - 67 + reduction
    let logarithm = Int128(FixedMath.lnQ56(mantissa)) + (exponent * Int128(Tables.ln2Q63)) >> 7
    let square = Int128(FixedMath.oneQ56) + 2 * logarithm * Int128(slope) / Int128(s)
    guard logarithm > 0, square.magnitude >> 71 == 0 else { return nil }
    let root = FixedMath.isqrt(UInt128(square.magnitude) << 56)
    return s - Int64(clamping: (Int128(s) << 56) / Int128(root))
  }

  /// excess / vega in Q56; nil where it is too large for a step.
  private static func quotient(_ excess: Int128, _ vega: Int128) -> Int64? {
    guard vega > 0 else { return nil }
    let shift = Int128(max(0, 66 - vega.leadingZeroBitCount))
    let (numerator, divisor) = (excess >> shift, vega >> shift)
    guard numerator.magnitude >> 70 == 0 else { return nil }
    return Int64(exactly: (numerator << 56) / divisor)
  }
}
