// Black's formula of 1976 for options on a forward, undiscounted: premiums are settled in the currency that margin earns
// in, so no rate enters. Source: F. Black, "The pricing of commodity contracts", J. Financial Economics 3 (1976).

public import Primitives

public enum OptionKind: UInt8, Hashable, Sendable, CaseIterable {
  case call = 0
  case put = 1
}

/// European option prices in integers.
///
/// Prices are in 1e-6 USD and, for forwards and strikes below 2^56 (7.2e10 USD), within 0.5 + F 2^-65 units of the exact
/// value for the given total volatility: correctly rounded but where the exact value is that close to a tie. Above, the
/// distribution is used in Q59. Put-call parity C - P = F - K holds exactly. A forward or a strike that is not positive,
/// or a total volatility of zero, gives the intrinsic value.
public enum Black76 {
  /// The price of 1.0 contract. `totalVolatility` is sigma sqrt(tau) in Q56.
  public static func price(_ kind: OptionKind, forward: Price, strike: Price, totalVolatility: Int64) -> Price {
    price(
      kind, forward: forward, strike: strike, lnForward: FixedMath.lnQ56(forward), lnStrike: FixedMath.lnQ56(strike),
      volatility: VolatilityState(total: totalVolatility))
  }

  /// The same with logarithms (`FixedMath.lnQ56` of forward and strike) that the caller keeps.
  public static func price(
    _ kind: OptionKind, forward: Price, strike: Price, lnForward: Int64, lnStrike: Int64, totalVolatility: Int64
  ) -> Price {
    price(
      kind, forward: forward, strike: strike, lnForward: lnForward, lnStrike: lnStrike,
      volatility: VolatilityState(total: totalVolatility))
  }

  /// The same with the division by the volatility done before: for scenario grids.
  public static func price(
    _ kind: OptionKind, forward: Price, strike: Price, lnForward: Int64, lnStrike: Int64, volatility: VolatilityState
  ) -> Price {
    guard forward > 0, strike > 0, volatility.total > 0 else {
      return intrinsic(kind, forward: forward, strike: strike)
    }
    let (d1, d2) = volatility.d(clampedDifference(lnForward, lnStrike))
    let call = roundedCall(forward, strike, FixedMath.cdfQ67(d1), FixedMath.cdfQ67(d2))
    let floor = max(forward &- strike, 0)
    let clamped = min(max(call, floor), forward)
    return kind == .call ? clamped : clamped &- (forward &- strike)
  }

  /// max(F - K, 0) or max(K - F, 0), clamped to the type.
  public static func intrinsic(_ kind: OptionKind, forward: Price, strike: Price) -> Price {
    let (high, low) = kind == .call ? (forward, strike) : (strike, forward)
    return high > low ? high.subtracting(low) ?? .max : 0
  }

  /// F Phi(d1) - K Phi(d2), rounded to nearest. The first branch has 56 + 67 bits in a product, the second 63 + 59.
  @inline(__always)
  private static func roundedCall(_ forward: Int64, _ strike: Int64, _ phi1: Int128, _ phi2: Int128) -> Int64 {
    if (forward | strike) >> 56 == 0 {
      let value = Int128(forward) &* phi1 &- Int128(strike) &* phi2
      return Int64(truncatingIfNeeded: (value &+ (Int128(1) << 66)) >> 67)
    }
    let value = Int128(forward) &* (phi1 >> 8) &- Int128(strike) &* (phi2 >> 8)
    return Int64(clamping: (value &+ (Int128(1) << 58)) >> 59)
  }

  @inline(__always)
  static func clampedDifference(_ a: Int64, _ b: Int64) -> Int64 {
    let (difference, overflow) = a.subtractingReportingOverflow(b)
    return overflow ? (a < 0 ? .min : .max) : difference
  }
}
