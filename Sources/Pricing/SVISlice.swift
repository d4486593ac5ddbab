// The volatility surface: one slice of total variance per expiry in the raw SVI form.
// Source: J. Gatheral and A. Jacquier, "Arbitrage-free SVI volatility surfaces", Quantitative Finance 14 (2014).

/// w(k) = a + b (rho (k - m) + sqrt((k - m)^2 + sigma^2)), the total variance sigma^2 tau at log-moneyness k = ln(K/F),
/// for the time to expiry at which the slice was quoted. Parameters are in Q40.
@frozen public struct SVISlice: Hashable, Sendable {
  public var a: Int64
  public var b: Int64
  public var rho: Int64
  public var m: Int64
  public var sigma: Int64

  /// One in the parameters' scale.
  public static let one: Int64 = 1 << 40

  public init(a: Int64, b: Int64, rho: Int64, m: Int64, sigma: Int64) {
    (self.a, self.b, self.rho, self.m, self.sigma) = (a, b, rho, m, sigma)
  }

  /// A slice of the same total variance at every strike.
  public init(flatTotalVolatility s: Int64) {
    let clamped = Int128(max(0, s))
    self.init(a: Int64(clamping: (clamped * clamped) >> 72), b: 0, rho: 0, m: 0, sigma: 1)
  }

  /// w(k) in Q56, within [0, 128). `logMoneyness` is ln(K/F) in Q56, clamped to `wingLimit`, beyond which the variance
  /// stays flat. Parameters outside the accepted ranges are clamped, so that any bits give a number.
  public func totalVariance(logMoneyness: Int64) -> Int64 {
    let limit = wingLimit
    return unclampedVariance(min(max(logMoneyness, -limit), limit))
  }

  /// sqrt(w(k)) in Q56: what `Black76.price` takes.
  public func totalVolatility(logMoneyness: Int64) -> Int64 {
    Int64(clamping: FixedMath.isqrt(UInt128(totalVariance(logMoneyness: logMoneyness)) << 56))
  }

  /// The total volatility with `nanoseconds` left of the `reference` nanoseconds the slice was quoted for: variance in
  /// proportion to time. Zero at and after expiry.
  public func totalVolatility(logMoneyness: Int64, nanoseconds: Int64, reference: Int64) -> Int64 {
    guard nanoseconds > 0, reference > 0 else { return 0 }
    let variance = UInt128(totalVariance(logMoneyness: logMoneyness)).scaled(
      by: UInt128(nanoseconds), dividedBy: UInt128(reference))
    return Int64(clamping: FixedMath.isqrt(min(variance, UInt128(Int64.max)) << 56))
  }

  /// Four standard deviations: 4 sqrt(a + b sigma) in Q56, the variance being that at k = m; at most 45.3.
  public var wingLimit: Int64 {
    let center = min(max(Int128(q56(a)) + (Int128(clampedB) * Int128(q56(sigma))) >> 40, 0), Int128(Int64.max))
    return 4 * Int64(clamping: FixedMath.isqrt(UInt128(center) << 56))
  }

  /// w without the limit on k.
  func unclampedVariance(_ logMoneyness: Int64) -> Int64 {
    let x = FixedMath.clampQ56(Int128(logMoneyness) - Int128(q56(m)))
    let root = Int128(radius(x))
    let skew = (Int128(min(max(rho, -Self.one), Self.one)) * Int128(x)) >> 40
    let wing = (Int128(clampedB) * max(root + skew, 0)) >> 40
    return Int64(clamping: min(max(Int128(q56(a)) + wing, 0), Int128(Int64.max)))
  }

  /// sqrt(x^2 + sigma^2) in Q56, x within +-64.
  func radius(_ x: Int64) -> UInt64 {
    let s = Int128(q56(sigma))
    return FixedMath.isqrt(UInt128(Int128(x) * Int128(x) + s * s))
  }

  /// b within [0, 64], in Q40.
  var clampedB: Int64 { min(max(b, 0), 64 << 40) }

  /// A Q40 parameter in Q56, clamped to +-64.
  func q56(_ parameter: Int64) -> Int64 { min(max(parameter, -64 << 40), 64 << 40) << 16 }
}

extension FixedMath {
  /// Clamped to +-64 in Q56: a square then fits 128 bits, and so does the sum of two.
  static func clampQ56(_ value: Int128) -> Int64 { Int64(min(max(value, -(1 << 62)), 1 << 62)) }
}
