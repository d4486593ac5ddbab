// When a slice may become part of the surface: no arbitrage by butterflies or calendars, no absurd wings.

/// Why a slice is refused.
public enum SVIRejection: Error, Hashable, Sendable {
  /// b < 0, |rho| >= 1, sigma <= 0, or a parameter of 64 or more.
  case parameterOutOfRange
  /// a + b sigma sqrt(1 - rho^2) < 0, or no variance at the center.
  case negativeVariance
  /// b (1 + |rho|) > 2: R. Lee's bound on the slope of the wings (2004).
  case wingTooSteep
  /// Durrleman's function is negative at this log-moneyness (Q56): a butterfly would have a negative price.
  case butterfly(logMoneyness: Int64)
  /// Less total variance than the earlier expiry at this log-moneyness (Q56).
  case calendar(logMoneyness: Int64)
}

extension SVISlice {
  /// Points of the grid on [-wingLimit, wingLimit] on which butterflies and calendars are checked.
  public static let gridPoints = 64

  /// Checks everything; `earlier` is the slice of the expiry before this one and `later` that of the one after, if any.
  public func validate(earlier: SVISlice? = nil, later: SVISlice? = nil) throws(SVIRejection) {
    try validateParameters()
    for point in 0..<Self.gridPoints {
      let k = gridPoint(point)
      if durrleman(k) < 0 { throw .butterfly(logMoneyness: k) }
      let variance = unclampedVariance(k)
      if let earlier, earlier.totalVariance(logMoneyness: k) > variance { throw .calendar(logMoneyness: k) }
      if let later, later.totalVariance(logMoneyness: k) < variance { throw .calendar(logMoneyness: k) }
    }
  }

  /// The first reason against this slice, or nil.
  public func rejection(earlier: SVISlice? = nil, later: SVISlice? = nil) -> SVIRejection? {
    do {
      try validate(earlier: earlier, later: later)
      return nil
    } catch {
      return error
    }
  }

  /// The `point`-th place of the grid, in Q56.
  public func gridPoint(_ point: Int) -> Int64 {
    let index = Int128(min(max(point, 0), Self.gridPoints - 1))
    let limit = Int128(wingLimit)
    return Int64(clamping: 2 * limit * index / Int128(Self.gridPoints - 1) - limit)
  }

  private func validateParameters() throws(SVIRejection) {
    let bound: Int64 = 64 << 40
    guard b >= 0, b < bound, abs(Int128(rho)) < Int128(Self.one), sigma > 0, sigma < bound,
      abs(Int128(a)) < Int128(bound), abs(Int128(m)) < Int128(bound)
    else { throw .parameterOutOfRange }
    let one = Int128(Self.one)
    let cosine = Int128(FixedMath.isqrt(UInt128(one * one - Int128(rho) * Int128(rho))))
    let lowest = Int128(a) + (((Int128(b) * Int128(sigma)) >> 40) * cosine) >> 40
    guard lowest >= 0, wingLimit > 0 else { throw .negativeVariance }
    guard Int128(b) * (one + abs(Int128(rho))) <= 2 * one * one else { throw .wingTooSteep }
  }

  /// Durrleman's g(k) times w^2, in Q112, for accepted parameters:
  /// (w - k w'/2)^2 - w'^2 (w + w^2/4) / 4 + w'' w^2 / 2. Its sign is g's and it needs no division by w.
  /// w'' is clamped at 128 and w'' w likewise, which errs on the side of refusing.
  private func durrleman(_ k: Int64) -> Int128 {
    let x = FixedMath.clampQ56(Int128(k) - Int128(q56(m)))
    let r = Int128(max(radius(x), 1))
    let w = unclampedVariance(k)
    let cosine = (Int128(q56(sigma)) << 56) / r
    let slope = Int64(clamping: (Int128(b) * (Int128(rho) << 16 + (Int128(x) << 56) / r)) >> 40)
    let bend = Int64(clamping: (((Int128(b) * ((cosine * cosine) >> 56)) >> 40) << 56) / r)
    let first = Int128(Int64(clamping: Int128(w) - (Int128(k) * Int128(slope)) >> 57))
    let variance = Int128(w) + (Int128(w) * Int128(w)) >> 58
    let second = ((Int128(slope) * Int128(slope)) >> 58) * min(variance, Int128(Int64.max))
    let third = Int128(FixedMath.multiplyQ56(bend, w)) * Int128(w) / 2
    return first * first - second + third
  }
}
