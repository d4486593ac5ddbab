// Which of a feeder's prices a validator signs: fresh ones that the market bears out. The median over validators guards the
// network from a bad validator; this guards the validator from a bad feeder.

public import Clearing
public import Primitives

/// Pure: time and the network's last prices are inputs.
public struct FeedJudge: Sendable {
  /// Oldest price that is taken and published; what is older the engine would not trade on.
  public static let freshFor = Limits.freshFor
  public static let aheadMax = Duration64.second
  /// A price further from the reference is wild, in 1e-6 of it; a volatility, in 1e-6.
  public static let jumpMax: Int64 = 200_000
  public static let volatilityJumpMax: Int64 = 500_000
  /// A wild level is taken once the feeder has stayed near it for so long: markets do jump.
  public static let confirmedAfter = 3 * Duration64.second
  public static let nearness: Int64 = 20_000
  /// The feeder's own last price is a reference for so long; the network's as long as it does not halt.
  private static let memory = Limits.haltAfter

  private struct State: Sendable {
    var last: TimedQuote?
    /// The first of the wild ones that agree.
    var candidate: TimedQuote?
  }

  private var states: [FeedKey: State] = [:]

  public init() {}

  /// - Parameters:
  ///   - reference: what the network completed last of this feed.
  ///   - isListed: whether the network has use for the feed.
  /// Bounded: only listed feeds are remembered, and `forget` drops those that are no longer listed.
  public mutating func take(
    _ quote: TimedQuote, reference: FeedRecord?, isListed: Bool, now: Timestamp
  ) throws(ObservationRefusal) {
    guard isListed else { throw .init(.unlisted, "nothing is listed with expiry \(ISO8601.format(quote.feed.expiry))") }
    let age = now.subtracting(quote.time) ?? .max
    guard age <= Self.freshFor else {
      throw .init(.stale, "\(age / Duration64.millisecond) ms old, above \(Self.freshFor / Duration64.millisecond)")
    }
    guard age >= -Self.aheadMax else {
      throw .init(.early, "\(-age / Duration64.millisecond) ms ahead of this machine's clock")
    }
    var state = states[quote.feed] ?? State()
    if let last = state.last, quote.time < last.time { throw .init(.stale, "older than the one before") }
    defer { states[quote.feed] = state }
    guard Self.isPossible(quote) else { throw .init(.wild, "outside of what the network takes at all") }
    let known = Self.reference(state.last, reference, now: now)
    if let known, !Self.isNear(quote, known, Self.jumpMax, Self.volatilityJumpMax), !Self.confirms(quote, &state) {
      throw .init(.wild, "far from \(Decimal.format(known.price, scale: Decimal.moneyScale)), the last known")
    }
    state.candidate = nil
    state.last = quote
  }

  /// The quotes that may be published now.
  public func fresh(now: Timestamp) -> [TimedQuote] {
    states.values.compactMap(\.last).filter { now - $0.time <= Self.freshFor }.sorted {
      ($0.feed.underlying, $0.feed.expiry) < ($1.feed.underlying, $1.feed.expiry)
    }
  }

  /// Drops what is about expiries that have passed.
  public mutating func forget(expiredAt market: Timestamp) {
    states = states.filter { $0.key.expiry == 0 || $0.key.expiry > market }
  }

  private struct Known {
    var price: Price
    var volatilities: [Int64]
  }

  /// The network's word before the feeder's own.
  private static func reference(_ last: TimedQuote?, _ record: FeedRecord?, now: Timestamp) -> Known? {
    if let record, now - record.time <= memory { return Known(price: record.price, volatilities: record.volatilities) }
    guard let last, now - last.time <= memory else { return nil }
    return Known(price: last.price, volatilities: last.volatilities)
  }

  /// The bounds of the engine, which refuses the whole observation beyond them.
  private static func isPossible(_ quote: TimedQuote) -> Bool {
    (Limits.pricePerLot...Limits.maxPrice).contains(quote.price)
      && quote.volatilities.allSatisfy { (10_000...20_000_000).contains($0) }
  }

  private static func isNear(_ quote: TimedQuote, _ known: Known, _ share: Int64, _ points: Int64) -> Bool {
    let difference = Int128(quote.price) - Int128(known.price)
    guard difference.magnitude * 1_000_000 <= Int128(known.price).magnitude * UInt128(share) else { return false }
    guard quote.volatilities.count == known.volatilities.count else { return true }
    return zip(quote.volatilities, known.volatilities).allSatisfy { abs($0 - $1) <= points }
  }

  /// Whether a wild quote agrees with wild ones since long enough.
  private static func confirms(_ quote: TimedQuote, _ state: inout State) -> Bool {
    guard let candidate = state.candidate,
      isNear(quote, Known(price: candidate.price, volatilities: candidate.volatilities), nearness, nearness)
    else {
      state.candidate = quote
      return false
    }
    return quote.time - candidate.time >= confirmedAfter
  }
}
