/// The proleptic Gregorian calendar in UTC, without Foundation: dates, ISO 8601 time stamps and the names of expiries.

/// A civil date.
public struct CivilDate: Hashable, Sendable {
  public var year: Int
  public var month: Int
  public var day: Int

  /// Nil unless the date exists in the years 1...9999.
  public init?(year: Int, month: Int, day: Int) {
    guard (1...9999).contains(year), (1...12).contains(month),
      (1...CivilDate.days(inMonth: month, of: year)).contains(day)
    else { return nil }
    self.year = year
    self.month = month
    self.day = day
  }

  public static func isLeap(_ year: Int) -> Bool {
    year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400))
  }

  private static func days(inMonth month: Int, of year: Int) -> Int {
    switch month {
    case 2: isLeap(year) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// Days since 1970-01-01 (H. Hinnant, "chrono-compatible low-level date algorithms": years from March, eras of 400).
  public var daysSince1970: Int {
    let shifted = month > 2 ? year : year - 1
    let era = shifted / 400
    let yearOfEra = shifted % 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  /// The date so many days after 1970-01-01; clamped to the years 1...9999.
  public init(daysSince1970 days: Int) {
    let shifted = min(max(days, -719_162), 2_932_896) + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  }
}

/// ISO 8601 / RFC 3339 time stamps of nanoseconds since 1970.
public enum ISO8601 {
  /// "2026-03-27T08:00:00Z", with as many decimals of the second as are not zero.
  public static func format(_ time: Timestamp) -> String {
    // Rounded down, also before 1970.
    let days = Int(time >= 0 ? time / Duration64.day : -((-1 - time) / Duration64.day) - 1)
    let date = CivilDate(daysSince1970: days)
    let rest = (time % Duration64.day + Duration64.day) % Duration64.day
    let seconds = Int(rest / Duration64.second)
    var fraction = String(rest % Duration64.second + Duration64.second).dropFirst()
    while fraction.last == "0" { fraction.removeLast() }
    let clock = "\(pad(seconds / 3600, 2)):\(pad(seconds / 60 % 60, 2)):\(pad(seconds % 60, 2))"
    let suffix = fraction.isEmpty ? "Z" : ".\(fraction)Z"
    return "\(pad(date.year, 4))-\(pad(date.month, 2))-\(pad(date.day, 2))T\(clock)\(suffix)"
  }

  /// A date, 'T' or a space, a time with optional fraction (to nanoseconds; further digits are dropped), then 'Z' or an
  /// offset such as +01:00 (or none, which means UTC). Nil for anything else and for times out of the range of
  /// `Timestamp` (1678 to 2262).
  public static func parse(_ text: String) -> Timestamp? {
    var cursor = Cursor(text)
    guard let year = cursor.digits(4), cursor.skip(0x2d), let month = cursor.digits(2), cursor.skip(0x2d),
      let day = cursor.digits(2), let date = CivilDate(year: year, month: month, day: day),
      cursor.skip(0x54) || cursor.skip(0x20), let hour = cursor.digits(2), cursor.skip(0x3a),
      let minute = cursor.digits(2), cursor.skip(0x3a), let second = cursor.digits(2), hour < 24, minute < 60,
      second < 60
    else { return nil }
    var nanoseconds = 0
    if cursor.skip(0x2e) {
      guard let fraction = cursor.fraction() else { return nil }
      nanoseconds = fraction
    }
    guard let offset = cursor.offset(), cursor.isAtEnd else { return nil }
    let seconds = Int64(date.daysSince1970 * 86_400 + hour * 3600 + minute * 60 + second - offset)
    return seconds.multiplied(by: Duration64.second)?.adding(Int64(nanoseconds))
  }

  static func pad(_ value: Int, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }

  struct Cursor {
    var rest: ArraySlice<UInt8>
    init(_ text: String) { rest = Array(text.utf8)[...] }
    var isAtEnd: Bool { rest.isEmpty }

    mutating func skip(_ character: UInt8) -> Bool {
      guard rest.first == character else { return false }
      rest.removeFirst()
      return true
    }

    mutating func digits(_ count: Int) -> Int? {
      guard rest.count >= count else { return nil }
      var value = 0
      for character in rest.prefix(count) {
        guard (0x30...0x39).contains(character) else { return nil }
        value = value * 10 + Int(character - 0x30)
      }
      rest = rest.dropFirst(count)
      return value
    }

    mutating func fraction() -> Int? {
      var value = 0
      var count = 0
      while let character = rest.first, (0x30...0x39).contains(character) {
        if count < 9 { value = value * 10 + Int(character - 0x30) }
        count += 1
        rest.removeFirst()
      }
      guard count > 0 else { return nil }
      for _ in min(count, 9)..<9 { value *= 10 }
      return value
    }

    /// Seconds east of UTC.
    mutating func offset() -> Int? {
      if isAtEnd || skip(0x5a) { return 0 }
      let east = skip(0x2b)
      guard east || skip(0x2d), let hours = digits(2), skip(0x3a), let minutes = digits(2), hours < 24, minutes < 60
      else { return nil }
      let seconds = hours * 3600 + minutes * 60
      return east ? seconds : -seconds
    }
  }
}

/// Expiries as venues write them: "27MAR26" is 2026-03-27 at 08:00 UTC, "27MAR26T14" at another full hour.
public enum ExpiryName {
  static let months = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]

  /// Of a whole hour in the years 2000...2099; other times are named by their day and hour.
  public static func format(_ time: Timestamp) -> String {
    let hours = time / Duration64.hour
    let date = CivilDate(daysSince1970: Int(hours / 24))
    let name = "\(date.day)\(months[date.month - 1])\(ISO8601.pad(date.year % 100, 2))"
    return hours % 24 == 8 ? name : "\(name)T\(ISO8601.pad(Int(hours % 24), 2))"
  }

  /// Nil unless it names a day of 2000...2099.
  public static func parse(_ text: String) -> Timestamp? {
    let parts = text.split(separator: "T", maxSplits: 1, omittingEmptySubsequences: false)
    // "OCT" has a T of its own: the hour is what follows the two digits of the year.
    let characters = Array(text.utf8)
    var hour = 8
    var name = characters[...]
    if parts.count == 2, characters.count >= 9, characters[characters.count - 3] == 0x54 {
      guard let value = Int(String(decoding: characters.suffix(2), as: UTF8.self)), (0..<24).contains(value) else {
        return nil
      }
      hour = value
      name = characters.dropLast(3)
    }
    guard (6...7).contains(name.count), let year = Int(String(decoding: name.suffix(2), as: UTF8.self)), year >= 0,
      let month = months.firstIndex(of: String(decoding: name.dropLast(2).suffix(3), as: UTF8.self)),
      let day = Int(String(decoding: name.dropLast(5), as: UTF8.self)),
      let date = CivilDate(year: 2000 + year, month: month + 1, day: day)
    else { return nil }
    return Int64(date.daysSince1970) * Duration64.day + Int64(hour) * Duration64.hour
  }
}
