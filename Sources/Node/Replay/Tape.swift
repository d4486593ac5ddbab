// A recording that the program makes from a seed, with a crash in it: what `replay --tape` plays where there is no
// recorded market. The same seed and start give the same tape.

import Clearing
import Glibc
import Pricing
public import Primitives

public enum Tape {
  /// Market time of a snapshot after the one before, and of the whole.
  static let interval = 4 * Duration64.hour
  static let length = 2 * Duration64.day
  /// The crash, from the tape's first snapshot.
  static let crashAfter = 20 * Duration64.hour
  static let crashLength = 5 * Duration64.hour
  static let crashDepth = 0.16

  /// The clock that suits, and the market time between the network's start and the first snapshot: ten real seconds for
  /// starting nodes and funding.
  static let clockStart = "2026-01-05T00:00:00Z"
  static let clockRate: Int64 = 7_200
  static let lead = 20 * Duration64.hour
  static let rates: ClosedRange<Int64> = 600...14_400

  /// When the tape begins on a network: at its proper place, or where that has passed, at the next full interval.
  static func first(_ clock: MarketClock, now: Timestamp) -> Timestamp {
    let proper = clock.start + lead
    let market = clock.market(at: now + 2 * Duration64.second)
    guard market > proper else { return proper }
    return proper + ((market - proper) / interval + 1) * interval
  }

  /// The tape of a network whose market clock began at `start`; its first snapshot is at `first`.
  public static func make(seed: UInt64, start: Timestamp, first: Timestamp) -> Recording {
    let market = SyntheticMarket(
      seed: seed, start: start,
      crash: .init(after: first - start + crashAfter, length: crashLength, depth: crashDepth))
    var snapshots: [MarketSnapshot] = []
    for time in stride(from: first, through: first + length, by: Int64.Stride(interval)) {
      snapshots.append(snapshot(market, first: first, at: time))
    }
    return Recording(symbols: market.underlyings.map(\.symbol), snapshots: snapshots)
  }

  private static func snapshot(
    _ market: SyntheticMarket, first: Timestamp, at time: Timestamp
  ) -> MarketSnapshot {
    var expiries: [RecordedExpiry] = []
    for place in market.underlyings.indices {
      for expiry in SyntheticListing.expiries(from: first) where expiry > time {
        expiries.append(chain(market, place, expiry, at: time))
      }
    }
    return MarketSnapshot(
      time: time, index: market.underlyings.indices.map { market.index($0, at: time) }, expiries: expiries)
  }

  private static func chain(
    _ market: SyntheticMarket, _ place: Int, _ expiry: Timestamp, at time: Timestamp
  ) -> RecordedExpiry {
    let forward = market.forward(place, expiry: expiry, at: time)
    let pillars = SurfaceQuote.pillars.map { pillar in
      SurfaceFit.clamp(market.volatility(place, deviations: Double(pillar) / 10_000, expiry: expiry, at: time))
    }
    let years = Double(expiry - time) / Double(365 * Duration64.day)
    let surface = PillarSurface(pillars: pillars, forward: forward, years: years)
    var options: [RecordedOption] = []
    for strike in strikes(market.underlyings[place]) {
      let volatility = surface.volatility(strike: strike)
      for kind in [InstrumentKind.call, .put] {
        let mark = theoretical(kind, forward: forward, strike: strike, volatility: volatility, expiry - time)
        // Wide in the wings: a part of the premium and a part of the index.
        let half = mark * 0.02 + forward * 0.000_15
        options.append(
          RecordedOption(
            kind: kind, strike: SyntheticMarket.micro(strike), bid: mark > 2 * half ? mark - half : nil,
            ask: mark + half, mark: mark, volatility: volatility))
      }
    }
    return RecordedExpiry(underlying: place, expiry: expiry, forward: forward, pillars: pillars, options: options)
  }

  /// The ladder that a devnet lists.
  private static func strikes(_ underlying: SyntheticUnderlying) -> [Double] {
    let step = underlying.start > 10_000 ? 1_000.0 : 50.0
    return SyntheticListing.ladder.map { (underlying.start * $0 / 100 / step).rounded() * step }
  }

  private static func theoretical(
    _ kind: InstrumentKind, forward: Double, strike: Double, volatility: Double, _ remaining: Int64
  ) -> Double {
    let total = Black76.totalVolatility(volatility: Int64((volatility * 1e9).rounded()), nanoseconds: remaining)
    let price = Black76.price(
      kind == .call ? .call : .put, forward: SyntheticMarket.micro(forward), strike: SyntheticMarket.micro(strike),
      totalVolatility: total)
    return Double(price) / 1e6
  }
}

/// Volatilities between the pillars as the chain reads them: variance linear in log-moneyness, flat beyond.
struct PillarSurface {
  var pillars: [Double]
  var forward: Double
  var years: Double

  func volatility(strike: Double) -> Double {
    let middle = pillars[pillars.count / 2] * sqrt(years)
    guard middle > 0 else { return pillars[pillars.count / 2] }
    let place = log(strike / forward) / middle * 10_000
    let places = SurfaceQuote.pillars.map(Double.init)
    guard let upper = places.firstIndex(where: { place <= $0 }) else { return pillars[pillars.count - 1] }
    guard upper > 0 else { return pillars[0] }
    let (low, high) = (pillars[upper - 1] * pillars[upper - 1], pillars[upper] * pillars[upper])
    let share = (place - places[upper - 1]) / (places[upper] - places[upper - 1])
    return sqrt(low + (high - low) * share)
  }
}
