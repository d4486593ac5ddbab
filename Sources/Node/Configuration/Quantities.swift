// Sizes and durations as people write them in configuration files and options: "64GiB", "250ms".

import Primitives

/// A number of bytes with a unit: "512KiB", "64GiB", "1000B". Units are binary; there is no fraction.
public enum ByteSize {
  private static let units: [(name: String, bytes: Int64)] = [
    ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1),
  ]

  /// Nil unless it is a whole number and a unit that fit 63 bits.
  public static func parse(_ text: String) -> Int64? {
    for unit in units where text.hasSuffix(unit.name) {
      guard let number = wholeNumber(text.dropLast(unit.name.count)) else { return nil }
      return number.multiplied(by: unit.bytes)
    }
    return nil
  }

  /// In the largest unit that divides it: `parse` gives the same number back.
  public static func format(_ bytes: Int64) -> String {
    for unit in units where bytes >= unit.bytes && bytes % unit.bytes == 0 {
      return "\(bytes / unit.bytes)\(unit.name)"
    }
    return "\(bytes)B"
  }
}

/// A span of time with a unit: "250us", "10ms", "1s", "1.5s", "30m", "2h", "7d". In nanoseconds.
public enum TimeSpan {
  private static let units: [(name: String, nanoseconds: Int64)] = [
    ("ns", 1), ("us", Duration64.microsecond), ("ms", Duration64.millisecond), ("s", Duration64.second),
    ("m", Duration64.minute), ("h", Duration64.hour), ("d", Duration64.day),
  ]

  /// Nil unless it is a decimal number that is not negative and a unit, with a whole number of nanoseconds that fit 63 bits.
  public static func parse(_ text: String) -> Int64? {
    guard let unit = units.first(where: { unit in text.hasSuffix(unit.name) && !endsInLongerUnit(text, unit.name) })
    else { return nil }
    let number = text.dropLast(unit.name.count)
    guard let point = number.firstIndex(of: ".") else {
      return wholeNumber(number)?.multiplied(by: unit.nanoseconds)
    }
    let decimals = number.distance(from: point, to: number.endIndex) - 1
    guard (1...9).contains(decimals), number.first != "-", let scaled = Decimal.parse(number, scale: decimals),
      let product = scaled.multiplied(by: unit.nanoseconds)
    else { return nil }
    let divisor = (0..<decimals).reduce(Int64(1)) { power, _ in power * 10 }
    return product % divisor == 0 ? product / divisor : nil
  }

  /// "10ms" also ends in "s": the letter before the unit decides.
  private static func endsInLongerUnit(_ text: String, _ unit: String) -> Bool {
    guard let last = text.dropLast(unit.count).utf8.last else { return true }
    return !(0x30...0x39).contains(last)
  }

  /// In the largest unit that divides it: `parse` gives the same number back.
  public static func format(_ nanoseconds: Int64) -> String {
    for unit in units.reversed() where nanoseconds >= unit.nanoseconds && nanoseconds % unit.nanoseconds == 0 {
      return "\(nanoseconds / unit.nanoseconds)\(unit.name)"
    }
    return "\(nanoseconds)ns"
  }
}

/// Digits alone, without sign.
private func wholeNumber(_ text: Substring) -> Int64? {
  guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
  return Int64(text)
}
