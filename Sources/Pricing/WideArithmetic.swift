// Products of 256 bits, for the paths that are not hot: Greeks and the decimal-facing results.

extension UInt128 {
  /// self * factor / 2^shift rounded to nearest, 1 <= shift <= 127; `.max` where it does not fit.
  func scaled(by factor: UInt128, shift: UInt128) -> UInt128 {
    var (high, low) = multipliedFullWidth(by: factor)
    let (rounded, carry) = low.addingReportingOverflow(1 << (shift - 1))
    low = rounded
    if carry { high += 1 }
    return high >> shift == 0 ? high << (128 - shift) | low >> shift : .max
  }

  /// self * factor / divisor rounded down; `.max` where it does not fit or the divisor is 0.
  func scaled(by factor: UInt128, dividedBy divisor: UInt128) -> UInt128 {
    let product = multipliedFullWidth(by: factor)
    return product.high < divisor ? divisor.dividingFullWidth(product).quotient : .max
  }
}
