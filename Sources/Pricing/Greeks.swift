// Sensitivities of an option price in the units the chain stores.

public import Primitives

/// Delta, gamma, vega and theta of 1.0 contract, bought.
@frozen public struct Greeks: Hashable, Sendable {
  /// Change of price per change of forward, in Q32: Phi(d1) for a call, Phi(d1) - 1 for a put.
  public var delta: Int64
  /// Change of `delta` when the forward moves by 1 % of itself, in Q32: phi(d1) / (100 s).
  public var gamma: Int64
  /// Change of price, in 1e-6 USD, per volatility point (0.01): F phi(d1) sqrt(tau) / 100.
  public var vega: Int64
  /// Price one day later less the price now, in 1e-6 USD, everything else equal: zero or negative. Within the last day
  /// it is the whole time value.
  public var theta: Int64

  public init(delta: Int64, gamma: Int64, vega: Int64, theta: Int64) {
    (self.delta, self.gamma, self.vega, self.theta) = (delta, gamma, vega, theta)
  }
}

extension Black76 {
  /// `totalVolatility` is sigma sqrt(tau) in Q56 and `nanoseconds` the time tau to expiry. Without time, volatility or
  /// positive prices: the Greeks of the intrinsic value, delta 1, 0 or -1 and the others 0.
  public static func greeks(
    _ kind: OptionKind, forward: Price, strike: Price, totalVolatility: Int64, nanoseconds: Int64
  ) -> Greeks {
    greeks(
      kind, forward: forward, strike: strike, lnForward: FixedMath.lnQ56(forward), lnStrike: FixedMath.lnQ56(strike),
      totalVolatility: totalVolatility, nanoseconds: nanoseconds)
  }

  /// The same from a volatility in 1e-9 and seconds.
  public static func greeks(
    _ kind: OptionKind, forward: Price, strike: Price, volatility: Int64, seconds: Int64
  ) -> Greeks {
    let nanoseconds = seconds.multiplied(by: 1_000_000_000) ?? (seconds < 0 ? 0 : .max)
    return greeks(
      kind, forward: forward, strike: strike,
      totalVolatility: totalVolatility(volatility: volatility, nanoseconds: nanoseconds), nanoseconds: nanoseconds)
  }

  /// The same with logarithms that the caller keeps.
  public static func greeks(
    _ kind: OptionKind, forward: Price, strike: Price, lnForward: Int64, lnStrike: Int64, totalVolatility: Int64,
    nanoseconds: Int64
  ) -> Greeks {
    guard forward > 0, strike > 0, totalVolatility > 0, nanoseconds > 0 else {
      return Greeks(delta: intrinsicDelta(kind, forward: forward, strike: strike) << 32, gamma: 0, vega: 0, theta: 0)
    }
    let now = VolatilityState(total: totalVolatility)
    let d1 = now.d(clampedDifference(lnForward, lnStrike)).d1
    let density = UInt128(FixedMath.pdfQ67(d1))
    let tomorrow = VolatilityState(total: dayLater(totalVolatility, nanoseconds: nanoseconds))
    let prices = (
      price(kind, forward: forward, strike: strike, lnForward: lnForward, lnStrike: lnStrike, volatility: tomorrow),
      price(kind, forward: forward, strike: strike, lnForward: lnForward, lnStrike: lnStrike, volatility: now)
    )
    let root = rootYears(nanoseconds: nanoseconds)
    let vega = UInt128(forward) * UInt128(root)  // Q56, times the density in Q67
    return Greeks(
      delta: delta(kind, d1, shift: 35),
      gamma: Int64(clamping: (density << 21) / (UInt128(totalVolatility) * 100)),
      vega: Int64(clamping: (vega.scaled(by: density * 1_000, shift: 123) / 2 + 25_000) / 50_000),
      theta: min(0, prices.0.subtracting(prices.1) ?? 0))
  }

  /// Delta in Q(67 - shift), rounded to nearest.
  static func delta(_ kind: OptionKind, _ d1: Int64, shift: Int128) -> Int64 {
    let probability = FixedMath.cdfQ67(d1) - (kind == .call ? 0 : Int128(1) << 67)
    return Int64(clamping: (probability + (Int128(1) << (shift - 1))) >> shift)
  }

  static func intrinsicDelta(_ kind: OptionKind, forward: Price, strike: Price) -> Int64 {
    switch kind {
    case .call: forward > strike ? 1 : 0
    case .put: forward < strike ? -1 : 0
    }
  }

  /// The total volatility of the same volatility with a day less: s sqrt((tau - 1 day) / tau); 0 within the last day.
  public static func dayLater(_ totalVolatility: Int64, nanoseconds: Int64) -> Int64 {
    guard totalVolatility > 0, nanoseconds > Duration64.day else { return 0 }
    let now = Int128(rootYears(nanoseconds: nanoseconds))
    let later = Int128(rootYears(nanoseconds: nanoseconds - Duration64.day))
    return Int64(clamping: Int128(totalVolatility) * later / now)
  }
}
