// One line of a price feeder: `{"underlying","price","time"}`, or `{"underlying","expiry","forward","volatilities","time"}`
// for the surface of an expiry.

public import Clearing
public import Primitives

/// What became of a line of a feeder.
public enum ObservationVerdict: String, Sendable, CaseIterable {
  case accepted
  /// No such JSON object, or a field of it does not say what it must.
  case malformed
  /// The underlying is none of the network's, or nothing of that expiry is listed.
  case unlisted
  /// More than three seconds old, or older than what came before.
  case stale
  /// From more than a second ahead of this machine's clock.
  case early
  /// Too far from what the network and this feeder said last, and not confirmed yet.
  case wild
}

/// Why a line was not taken.
public struct ObservationRefusal: Error, Equatable, Sendable {
  public var verdict: ObservationVerdict
  public var message: String

  public init(_ verdict: ObservationVerdict, _ message: String) {
    self.verdict = verdict
    self.message = message
  }
}

/// A feeder's price with the real time at which it was true.
public struct TimedQuote: Equatable, Sendable {
  /// `expiry` 0: the index.
  public var feed: FeedKey
  /// Index or forward.
  public var price: Price
  /// Empty for the index.
  public var volatilities: [Int64]
  public var time: Timestamp

  public init(feed: FeedKey, price: Price, volatilities: [Int64], time: Timestamp) {
    self.feed = feed
    self.price = price
    self.volatilities = volatilities
    self.time = time
  }
}

public enum ObservationLine {
  /// Longest line, in bytes.
  public static let bytesMax = 4096

  public static func parse(_ bytes: [UInt8], underlyings: [UnderlyingTerms]) throws(ObservationRefusal) -> TimedQuote {
    guard bytes.count <= bytesMax else { throw malformed("the line is longer than \(bytesMax) bytes") }
    guard let line = JSONText.parse(JSONValue.self, bytes), line.object != nil else {
      throw malformed("not a JSON object")
    }
    guard let symbol = line["underlying"]?.string else { throw malformed("underlying is missing") }
    guard let place = underlyings.firstIndex(where: { $0.symbol == symbol }) else {
      throw .init(.unlisted, "underlying \"\(printable(String(symbol.prefix(16))))\" is not listed")
    }
    let underlying = UnderlyingID(truncatingIfNeeded: place)
    guard let time = line["time"].flatMap(instant) else {
      throw malformed("time is missing, or neither ISO 8601 nor a number of seconds or milliseconds since 1970")
    }
    guard line["expiry"] != nil || line["forward"] != nil || line["volatilities"] != nil else {
      return TimedQuote(
        feed: FeedKey(underlying), price: try decimal(line["price"], "price"), volatilities: [], time: time)
    }
    return try surface(line, underlying, time)
  }

  private static func surface(
    _ line: JSONValue, _ underlying: UnderlyingID, _ time: Timestamp
  ) throws(ObservationRefusal) -> TimedQuote {
    guard let text = line["expiry"]?.string, let expiry = ISO8601.parse(text), expiry > 0 else {
      throw malformed("expiry is missing or not ISO 8601")
    }
    guard let list = line["volatilities"]?.array, list.count == SurfaceQuote.pillars.count else {
      throw malformed("volatilities are missing or not \(SurfaceQuote.pillars.count)")
    }
    var volatilities: [Int64] = []
    for entry in list { volatilities.append(try decimal(entry, "volatility")) }
    return TimedQuote(
      feed: FeedKey(underlying, expiry), price: try decimal(line["forward"], "forward"), volatilities: volatilities,
      time: time)
  }

  private static func malformed(_ message: String) -> ObservationRefusal { .init(.malformed, message) }

  /// A decimal string, or a JSON number whose shortest text is one.
  private static func decimal(_ value: JSONValue?, _ name: String) throws(ObservationRefusal) -> Int64 {
    guard let text = number(value) else { throw malformed("\(name) is missing or no decimal") }
    guard let parsed = Decimal.parse(text, scale: Decimal.moneyScale), parsed > 0 else {
      throw malformed(
        "\(name) \"\(printable(String(text.prefix(40))))\" is not a positive decimal with at most 6 places")
    }
    return parsed
  }

  private static func number(_ value: JSONValue?) -> String? {
    switch value {
    case .string, .integer, .unsigned, .number: value?.scalarText
    default: nil
    }
  }

  /// ISO 8601, or the time since 1970, whose size says the unit: below 1e11 seconds, below 1e14 milliseconds, else
  /// microseconds.
  private static func instant(_ value: JSONValue) -> Timestamp? {
    if let text = value.string, let time = ISO8601.parse(text) { return time }
    guard let text = number(value), let whole = Int64(text.prefix { $0 != "." }), whole > 0 else { return nil }
    let (unit, places) =
      whole < 100_000_000_000
      ? (Duration64.second, 9) : whole < 100_000_000_000_000 ? (Duration64.millisecond, 6) : (Duration64.microsecond, 3)
    // What is finer than a nanosecond is dropped.
    guard let point = text.firstIndex(of: ".") else { return whole.multiplied(by: unit) }
    let fraction = text[text.index(after: point)...].prefix(places)
    guard let time = Decimal.parse("\(whole).\(fraction)", scale: places), unit > 0 else { return nil }
    return time
  }
}
