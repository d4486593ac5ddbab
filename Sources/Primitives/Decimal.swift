/// Decimal text of scaled integers: how amounts, prices and quantities look to people and programs. No binary floating
/// point is involved in either direction.
public enum Decimal {
  /// Decimals of an amount or price (1e-6 USD).
  public static let moneyScale = 6
  /// Decimals of a quantity (1e-3 contract).
  public static let quantityScale = 3

  /// `value` / 10^`scale` with all `scale` decimals: `format(1_500_000, scale: 6)` is "1.500000".
  public static func format(_ value: Int64, scale: Int) -> String {
    let digits = String(value.magnitude)
    let padded = digits.count > scale ? digits : String(repeating: "0", count: scale + 1 - digits.count) + digits
    let whole = padded.dropLast(scale)
    let sign = value < 0 ? "-" : ""
    return scale == 0 ? sign + whole : "\(sign)\(whole).\(padded.suffix(scale))"
  }

  /// The scaled integer of a decimal text such as "-12.5". Nil if it is not a plain decimal number (no exponent, no
  /// spaces, at least one digit before the point), has more than `scale` decimals other than zeros, or does not fit.
  public static func parse(_ text: some StringProtocol, scale: Int) -> Int64? {
    var characters = Array(text.utf8)[...]
    let negative = characters.first == 0x2d
    if negative { characters = characters.dropFirst() }
    var magnitude: UInt64 = 0
    var decimals: Int?
    var digitsBefore = 0
    for character in characters {
      if character == 0x2e, decimals == nil, digitsBefore > 0 {
        decimals = 0
        continue
      }
      guard (0x30...0x39).contains(character) else { return nil }
      if let count = decimals {
        if count == scale {
          guard character == 0x30 else { return nil }
          continue
        }
        decimals = count + 1
      } else {
        digitsBefore += 1
      }
      guard let shifted = magnitude.multiplied(by: 10), let next = shifted.adding(UInt64(character - 0x30)) else {
        return nil
      }
      magnitude = next
    }
    guard digitsBefore > 0, characters.last != 0x2e else { return nil }
    for _ in (decimals ?? 0)..<max(scale, decimals ?? 0) {
      guard let shifted = magnitude.multiplied(by: 10) else { return nil }
      magnitude = shifted
    }
    if negative { return magnitude <= UInt64(Int64.max) ? -Int64(magnitude) : nil }
    return Int64(exactly: magnitude)
  }
}
