// The 40 scenarios: slots 0-26 a grid of spot and volatility, 27-34 tails, 35-38 kept for skew and term structure
// (zero for now), 39 one day later.

import Pricing
import Primitives

/// One expiry's prices, prepared for all its series.
struct ExpiryMarket {
  let forward: Price
  /// Time to expiry, and one day less, in nanoseconds; 0 after expiry.
  let remaining: Int64
  let remainingTomorrow: Int64
  let lnForward: Int64
  /// Forward and its logarithm in each slot.
  var shocked: [Price] = []
  var lnShocked: [Int64] = []
  /// Weights of the slots in 1e-6: the tails count in part.
  var weights: [Int64] = []
  /// Volatilities at the pillars in 1e-6, and the middle one as total volatility.
  let pillars: [Int64]
  let middle: Int64

  static let tails: [(move: Int64, weight: Int64)] = [
    (-660_000, 210_000), (-330_000, 420_000), (500_000, 277_000), (1_000_000, 139_000), (2_000_000, 69_000),
    (3_000_000, 46_000), (4_000_000, 35_000), (5_000_000, 28_000),
  ]

  init(_ feed: FeedRecord, expiry: Timestamp, risk: RiskParameters) {
    forward = feed.price
    remaining = max(0, expiry - feed.marketTime)
    remainingTomorrow = max(0, remaining - Duration64.day)
    lnForward = FixedMath.lnQ56(forward)
    pillars = feed.volatilities
    let at = pillars.count == SurfaceQuote.pillars.count ? pillars[pillars.count / 2] : 0
    middle = Black76.totalVolatility(volatility: at * 1_000, nanoseconds: remaining)
    for slot in 0..<LiveState.slots {
      let (move, weight) = Self.move(slot, range: risk.priceRange)
      let price = Int64(Int128(forward) * Int128(1_000_000 + move) / 1_000_000)
      shocked.append(price)
      lnShocked.append(FixedMath.lnQ56(price))
      weights.append(weight)
    }
  }

  /// Move of the spot and weight of the loss, in 1e-6.
  static func move(_ slot: Int, range: Int64) -> (move: Int64, weight: Int64) {
    if slot < 27 { return (Int64(slot / 3 - 4) * range / 4, 1_000_000) }
    if slot < 35 {
      let tail = tails[slot - 27]
      return (tail.move, min(1_000_000, tail.weight * range / 180_000))
    }
    return (0, slot == 39 ? 1_000_000 : 0)
  }

  /// The volatility at a strike in 1e-9: variance is linear in log-moneyness between pillars and flat beyond.
  func volatility(lnStrike: Int64) -> Int64 {
    guard let first = pillars.first, let last = pillars.last, pillars.count == SurfaceQuote.pillars.count, middle > 0
    else { return 0 }
    let place = Int128(lnStrike - lnForward) * 10_000 / Int128(middle)
    let z = SurfaceQuote.pillars
    if place <= Int128(z[0]) { return first * 1_000 }
    for index in 1..<z.count where place <= Int128(z[index]) {
      let low = Int128(pillars[index - 1]) * Int128(pillars[index - 1])
      let high = Int128(pillars[index]) * Int128(pillars[index])
      let width = Int128(z[index] - z[index - 1])
      let variance = low + (high - low) * (place - Int128(z[index - 1])) / width
      return Int64(FixedMath.isqrt(UInt128(max(0, variance)) * 1_000_000))
    }
    return last * 1_000
  }
}

/// An instrument's mark per lot, its delta in 1e-6 and the changes of value per lot in the scenarios.
struct Valuation {
  var mark: Amount
  var delta: Int64
  var changes: [Int64]

  init(_ id: InstrumentID, kind: InstrumentKind, market: ExpiryMarket) {
    changes = Array(repeating: 0, count: LiveState.slots)
    (mark, delta) = (0, 0)
    switch kind {
    case .future:
      mark = Self.perLot(market.forward)
      for slot in 0..<LiveState.slots { changes[slot] = Self.perLot(market.shocked[slot]) - mark }
    case .call, .put:
      fillOption(id, kind == .call ? .call : .put, market)
    }
    let quarter = Self.perLot(market.shocked[16]) - Self.perLot(market.shocked[10])
    delta = quarter > 0 ? Int64(Int128(changes[16] - changes[10]) * 1_000_000 / Int128(quarter)) : 0
    for slot in 27..<LiveState.slots { changes[slot] = Self.weigh(changes[slot], market.weights[slot]) }
  }

  private mutating func fillOption(_ id: InstrumentID, _ kind: OptionKind, _ market: ExpiryMarket) {
    let strike = id.strike
    let lnStrike = FixedMath.lnQ56(strike)
    let volatility = market.volatility(lnStrike: lnStrike)
    let total = Black76.totalVolatility(volatility: volatility, nanoseconds: market.remaining)
    let flat = VolatilityState(total: total)
    let up = VolatilityState(total: VolatilityShock.up(total, nanoseconds: market.remaining))
    let down = VolatilityState(total: VolatilityShock.down(total, nanoseconds: market.remaining))
    let tomorrow = VolatilityState(
      total: Black76.totalVolatility(volatility: volatility, nanoseconds: market.remainingTomorrow))
    func value(_ slot: Int, _ state: VolatilityState) -> Amount {
      Self.perLot(
        Black76.price(
          kind, forward: market.shocked[slot], strike: strike, lnForward: market.lnShocked[slot], lnStrike: lnStrike,
          volatility: state))
    }
    mark = value(13, flat)
    for slot in 0..<27 {
      let state = slot % 3 == 0 ? down : slot % 3 == 1 ? flat : up
      changes[slot] = value(slot, state) - mark
    }
    for slot in 27..<35 { changes[slot] = value(slot, up) - mark }
    changes[39] = value(39, tomorrow) - mark
  }

  /// 0.001 USD of price is one unit for each lot; rounded to nearest.
  static func perLot(_ price: Price) -> Amount { (price + Limits.pricePerLot / 2) / Limits.pricePerLot }

  /// Rounded towards the loss.
  private static func weigh(_ change: Int64, _ weight: Int64) -> Int64 {
    let product = Int128(change) * Int128(weight)
    return Int64((product - (product < 0 ? 999_999 : 0)) / 1_000_000)
  }
}
