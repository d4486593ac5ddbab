// What a person or a program asks for: the price and the Greeks of an option as decimals with fixed scales, by the
// arithmetic the chain uses.

public import Primitives

/// Price and Greeks of 1.0 contract, bought, as integers with decimal scales (see `Decimal.format`).
public struct TheoreticalPrice: Hashable, Sendable {
  /// In 1e-6 USD, correctly rounded.
  public var price: Int64
  /// Change of price per 1 USD of forward, in 1e-12.
  public var delta: Int64
  /// Change of delta per 1 USD of forward, in 1e-15 (clamped at 9,223).
  public var gamma: Int64
  /// Change of price per 1.00 of volatility, in 1e-9 USD.
  public var vega: Int64
  /// Change of price per volatility point (0.01), in 1e-9 USD: `vega` / 100.
  public var vegaPerPoint: Int64
  /// The derivative of price in time, per year of 365 days, in 1e-9 USD: -F phi(d1) sigma / (2 sqrt(tau)).
  public var thetaPerYear: Int64
  /// The price one day later less the price now, in 1e-6 USD.
  public var thetaPerDay: Int64

  public static let priceScale = 6
  public static let deltaScale = 12
  public static let gammaScale = 15
  public static let vegaScale = 9
  public static let thetaPerYearScale = 9
  public static let thetaPerDayScale = 6

  /// Of a future: it moves with its forward, one for one.
  public static func forward(_ price: Price) -> TheoreticalPrice {
    TheoreticalPrice(
      price: price, delta: 1_000_000_000_000, gamma: 0, vega: 0, vegaPerPoint: 0, thetaPerYear: 0, thetaPerDay: 0)
  }

  /// `forward` and `strike` in 1e-6 USD, `volatility` in 1e-9 (0.65 is 650,000,000), time to expiry in nanoseconds.
  public static func evaluate(
    _ kind: OptionKind, forward: Price, strike: Price, nanoseconds: Int64, volatility: Int64
  ) -> TheoreticalPrice {
    let total = Black76.totalVolatility(volatility: volatility, nanoseconds: nanoseconds)
    let price = Black76.price(kind, forward: forward, strike: strike, totalVolatility: total)
    guard forward > 0, strike > 0, total > 0 else {
      let unit = Black76.intrinsicDelta(kind, forward: forward, strike: strike)
      return TheoreticalPrice(
        price: price, delta: unit * 1_000_000_000_000, gamma: 0, vega: 0, vegaPerPoint: 0, thetaPerYear: 0,
        thetaPerDay: 0)
    }
    let logMoneyness = FixedMath.lnQ56(forward) - FixedMath.lnQ56(strike)
    let d1 = VolatilityState(total: total).d(logMoneyness).d1
    let density = UInt128(FixedMath.pdfQ67(d1))
    let root = UInt128(Black76.rootYears(nanoseconds: nanoseconds))
    let later = Black76.dayLater(total, nanoseconds: nanoseconds)
    let tomorrow = Black76.price(kind, forward: forward, strike: strike, totalVolatility: later)
    let vega = (UInt128(forward) * root).scaled(by: density * 1_000, shift: 123)
    return TheoreticalPrice(
      price: price, delta: decimalDelta(kind, d1), gamma: gamma(density, forward: forward, total: total),
      vega: Int64(clamping: vega), vegaPerPoint: Int64(clamping: (vega / 2 + 25) / 50),
      thetaPerYear: -Int64(clamping: decay(density, forward: forward, total: total, nanoseconds: nanoseconds)),
      thetaPerDay: min(0, tomorrow.subtracting(price) ?? 0))
  }

  /// The same from whole seconds.
  public static func evaluate(
    _ kind: OptionKind, forward: Price, strike: Price, seconds: Int64, volatility: Int64
  ) -> TheoreticalPrice {
    let nanoseconds = seconds.multiplied(by: 1_000_000_000) ?? (seconds < 0 ? 0 : .max)
    return evaluate(kind, forward: forward, strike: strike, nanoseconds: nanoseconds, volatility: volatility)
  }

  private static func decimalDelta(_ kind: OptionKind, _ d1: Int64) -> Int64 {
    let probability = FixedMath.cdfQ67(d1) - (kind == .call ? 0 : Int128(1) << 67)
    return Int64(clamping: (probability * 1_000_000_000_000 + (1 << 66)) >> 67)
  }

  /// phi(d1) / (F s): 10^6 for the forward's scale, 10^15 for the result's.
  private static func gamma(_ density: UInt128, forward: Int64, total: Int64) -> Int64 {
    let numerator = ((density * 1_000_000_000_000_000) >> 11) * 1_000_000
    let divisor = UInt128(forward) * UInt128(total)
    return Int64(clamping: numerator / divisor)
  }

  /// F phi(d1) s / (2 tau).
  private static func decay(_ density: UInt128, forward: Int64, total: Int64, nanoseconds: Int64) -> UInt128 {
    let product = (UInt128(forward) * UInt128(total)).scaled(by: density * 1_000, shift: 87)  // Q36
    return product.scaled(by: UInt128(Black76.nanosecondsPerYear / 2), dividedBy: UInt128(nanoseconds)) >> 36
  }
}
