// What an instrument is worth, now and in the forty scenarios: rules 18 and 21 of the rulebook.

import Clearing
import Primitives

/// Underlying and expiry; expiry 0 is the index.
struct Series: Hashable, Comparable {
  var underlying: UnderlyingID
  var expiry: Timestamp = 0

  static func < (a: Self, b: Self) -> Bool { (a.underlying, a.expiry) < (b.underlying, b.expiry) }
}

/// Prices of a completed round.
struct Feed: Equatable {
  var round: Round
  var time: Timestamp
  var marketTime: Timestamp
  var price: Price
  var volatilities: [Int64] = []
}

/// The terms of a contract, read from its number.
struct Terms {
  var underlying: UnderlyingID
  var kind: InstrumentKind
  var expiry: Timestamp
  var strike: Price

  /// Nil where the number is no contract.
  init?(_ id: InstrumentID) {
    guard let kind = InstrumentKind(rawValue: UInt8(id.raw >> 54 & 3)) else { return nil }
    let hours = id.raw >> 32 & 0x3f_ffff
    let strike = Int64(id.raw & 0xffff_ffff) * 1_000
    guard hours < 1 << 21, strike <= 1_000_000_000_000, (kind == .future) == (strike == 0) else { return nil }
    underlying = UInt8(id.raw >> 56)
    self.kind = kind
    expiry = Int64(hours) * 3_600_000_000_000
    self.strike = strike
  }

  var series: Series { Series(underlying: underlying, expiry: expiry) }
}

/// One lot's mark, delta in 1e-6 of a contract, and change of value in each scenario.
struct Valuation: Equatable {
  var mark: Int64
  var delta: Int64
  var changes: [Int64]
}

/// One round's prices of an expiry, with what all its instruments share.
struct Outlook {
  let forward: Price
  let volatilities: [Int64]
  /// Square roots of the years to expiry, and with a day less.
  let root: Int128
  let rootTomorrow: Int128
  /// g of the volatility shock in units of 2^-32.
  let term: Int128
  /// Forwards of the scenarios with logarithms and weights.
  var forwards: [(price: Price, ln: Int128, weight: Int64)] = []

  static let year: Int128 = 365 * 24 * 3_600 * 1_000_000_000

  init(_ feed: Feed, expiry: Timestamp, range: Int64) {
    forward = feed.price
    volatilities = feed.volatilities
    let left = max(0, expiry - feed.marketTime)
    root = Self.rootYears(left)
    rootTomorrow = Self.rootYears(max(0, left - 86_400_000_000_000))
    // g = (30 days / days)^p, in whole hours, at least a day.
    let hours = max(24, left / 3_600_000_000_000)
    let power: Int128 = hours <= 720 ? 30 : 13
    term = (Exact.exp((Exact.ln(720) - Exact.ln(hours)) * power / 100) + (1 << 79)) >> 80
    for slot in 0..<40 {
      let (move, weight) = Self.scenario(slot, range: range)
      let price = Int64(Int128(forward) * Int128(1_000_000 + move) / 1_000_000)
      forwards.append((price, Exact.ln(price), weight))
    }
  }

  private static func rootYears(_ nanoseconds: Int64) -> Int128 {
    guard nanoseconds > 0 else { return 0 }
    let product = UInt128(nanoseconds).multipliedFullWidth(by: UInt128(1) << 112)
    return Exact.squareRoot(Int128(UInt128(year).dividingFullWidth(product).quotient))
  }

  /// Move of the forward and weight of the loss, in 1e-6.
  static func scenario(_ slot: Int, range: Int64) -> (move: Int64, weight: Int64) {
    let tails: [(Int64, Int64)] = [
      (-66, 210), (-33, 420), (50, 277), (100, 139), (200, 69), (300, 46), (400, 35), (500, 28),
    ]
    switch slot {
    case 0..<27: return (Int64(slot / 3 - 4) * range / 4, 1_000_000)
    case 27..<35:
      let (percent, thousandths) = tails[slot - 27]
      return (percent * 10_000, min(1_000_000, thousandths * 1_000 * range / 180_000))
    case 39: return (0, 1_000_000)
    default: return (0, 0)
    }
  }

  /// sigma sqrt(t) of a volatility in 1e-9, to the nearest 2^-56.
  func total(_ volatility: Int64, _ root: Int128) -> Int64 {
    let product = (root >> 32) * Int128(volatility) / 1_000_000_000
    return Int64(clamping: (product + (1 << 23)) >> 24)
  }

  /// The volatility at a strike in 1e-9, rounded down. Its place is in 1e-4 standard deviations, cut towards zero.
  func volatility(at strike: Price) -> Int64 {
    let places: [Int128] = [-30_000, -20_000, -12_816, -6_745, 0, 6_745, 12_816, 20_000, 30_000]
    let middle = Int128(total(volatilities[4] * 1_000, root))
    guard middle > 0 else { return 0 }
    let moneyness = Exact.ln(strike) - Exact.ln(forward)
    let size = (abs(moneyness) >> 16) * 10_000 / (middle << 40)
    let place = moneyness < 0 ? -size : size
    if place <= places[0] { return volatilities[0] * 1_000 }
    if place > places[8] { return volatilities[8] * 1_000 }
    var upper = 1
    while place > places[upper] { upper += 1 }
    let (low, high) = (Int128(volatilities[upper - 1]), Int128(volatilities[upper]))
    let share = (high * high - low * low) * (place - places[upper - 1]) / (places[upper] - places[upper - 1])
    return Exact.integerRoot((low * low + share) * 1_000_000)
  }

  /// Black-76 in 1e-6 USD, to the nearest; `total` in 2^-56.
  static func black(
    _ kind: InstrumentKind, _ forward: (price: Price, ln: Int128, weight: Int64), _ strike: Price,
    lnStrike: Int128, total: Int64
  ) -> Price {
    let intrinsic = max(0, forward.price - strike)
    var call = intrinsic
    if total > 0 {
      let (s, moneyness) = (Int128(total), forward.ln - lnStrike)
      var (whole, rest) = (moneyness / s, moneyness % s)
      if abs(whole) > 64 << 56 { (whole, rest) = (whole.signum() * (64 << 56), 0) }
      let ratio = (whole << 56) + (rest << 56) / s
      let gain = Int128(forward.price) * (Exact.normal(ratio + (s << 55)) >> 32)
      let cost = Int128(strike) * (Exact.normal(ratio - (s << 55)) >> 32)
      call = Int64((gain - cost + (1 << 79)) >> 80)
      call = min(max(call, intrinsic), forward.price)
    }
    return kind == .call ? call : call - forward.price + strike
  }

  /// Nil for an option where there are no volatilities.
  func value(_ terms: Terms) -> Valuation? {
    let values: [Int64]
    if terms.kind == .future {
      values = forwards.map { Self.perLot($0.price) }
    } else {
      guard volatilities.count == 9 else { return nil }
      values = optionValues(terms)
    }
    let mark = values[13]
    let rise = Self.perLot(forwards[16].price) - Self.perLot(forwards[10].price)
    let delta = rise > 0 ? Int64(Int128(values[16] - values[10]) * 1_000_000 / Int128(rise)) : 0
    var changes: [Int64] = []
    for slot in 0..<40 {
      // Losses are rounded up.
      let product = Int128(values[slot] - mark) * Int128(forwards[slot].weight)
      changes.append(Int64((product < 0 ? product - 999_999 : product) / 1_000_000))
    }
    return Valuation(mark: mark, delta: delta, changes: changes)
  }

  private func optionValues(_ terms: Terms) -> [Int64] {
    let volatility = volatility(at: terms.strike)
    let flat = total(volatility, root)
    let up = max(Int64(clamping: (Int128(flat) * ((2 << 32) + term)) >> 33), total(450_000_000, root))
    let down = Int64((Int128(flat) * max((1 << 32) / 20, (1 << 32) - term * 275 / 1_000)) >> 32)
    let lnStrike = Exact.ln(terms.strike)
    return (0..<40).map { slot in
      let total =
        switch slot {
        case 0..<27: [down, flat, up][slot % 3]
        case 27..<35: up
        case 39: self.total(volatility, rootTomorrow)
        default: flat
        }
      let price = Self.black(terms.kind, forwards[slot], terms.strike, lnStrike: lnStrike, total: total)
      return Self.perLot(price)
    }
  }

  /// To the nearest 0.001 USD.
  static func perLot(_ price: Price) -> Int64 { (price + 500) / 1_000 }
}
