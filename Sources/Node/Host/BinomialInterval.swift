// How much a share that was counted says about the probability behind it.

/// Wilson's score interval of 95 % for a binomial probability (E. B. Wilson, Journal of the American Statistical Association
/// 22, 1927): unlike the usual one it is honest at 0 and 1, where reliability lives.
public struct BinomialInterval: Equatable, Sendable {
  /// In 1e-6, the bounds rounded outwards and the share towards zero; for people and reports, not for state.
  public var share: Int64
  public var low: Int64
  public var high: Int64

  private static let z = 1.959964

  /// Nil without any sample.
  public init?(_ within: Int, of count: Int) {
    guard count > 0, (0...count).contains(within) else { return nil }
    let n = Double(count)
    let p = Double(within) / n
    let square = Self.z * Self.z
    let middle = (p + square / (2 * n)) / (1 + square / n)
    let width = Self.z / (1 + square / n) * (p * (1 - p) / n + square / (4 * n * n)).squareRoot()
    share = Int64(within) * 1_000_000 / Int64(count)
    low = within == 0 ? 0 : Int64(max(0, (middle - width) * 1e6).rounded(.down))
    high = within == count ? 1_000_000 : Int64(min(1e6, ((middle + width) * 1e6).rounded(.up)))
  }
}
