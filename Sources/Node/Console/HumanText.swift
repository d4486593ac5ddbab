// Numbers as people read them: durations, grouped counts, sizes.

import Primitives

public enum HumanText {
  /// "850 us", "12.3 ms", "4.2 s", "3 min 20 s", "5 h 3 min", "2 d 4 h".
  public static func duration(_ nanoseconds: Int64) -> String {
    let value = max(0, nanoseconds)
    switch value {
    case ..<Duration64.microsecond: return "\(value) ns"
    case ..<Duration64.millisecond: return "\(value / Duration64.microsecond) us"
    case ..<Duration64.second: return tenths(value, Duration64.millisecond) + " ms"
    case ..<Duration64.minute: return tenths(value, Duration64.second) + " s"
    case ..<Duration64.hour: return pair(value, Duration64.minute, "min", Duration64.second, "s")
    case ..<Duration64.day: return pair(value, Duration64.hour, "h", Duration64.minute, "min")
    default: return pair(value, Duration64.day, "d", Duration64.hour, "h")
    }
  }

  /// Cut, not rounded, so that 59.99 s never reads 60.0 s.
  private static func tenths(_ value: Int64, _ unit: Int64) -> String {
    let tenths = value / (unit / 10)
    return tenths % 10 == 0 || tenths >= 1000 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
  }

  private static func pair(_ value: Int64, _ unit: Int64, _ name: String, _ part: Int64, _ partName: String) -> String {
    let rest = value % unit / part
    return rest == 0 ? "\(value / unit) \(name)" : "\(value / unit) \(name) \(rest) \(partName)"
  }

  /// "1,234,567".
  public static func count(_ value: Int64) -> String {
    let digits = Array(String(value.magnitude))
    var text = value < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0 && (digits.count - index) % 3 == 0 { text += "," }
      text.append(digit)
    }
    return text
  }

  /// A decimal without the zeros that say nothing: "1.500000" is "1.5", "2.000" is "2".
  public static func decimal(_ text: String) -> String {
    guard text.contains(".") else { return text }
    var short = text[...]
    while short.last == "0" { short.removeLast() }
    if short.last == "." { short.removeLast() }
    return String(short)
  }

  /// The first and last digits of a long identifier.
  public static func short(_ identifier: String) -> String {
    identifier.count > 20 ? "\(identifier.prefix(8))...\(identifier.suffix(4))" : identifier
  }
}
