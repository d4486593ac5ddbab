// Times of the hot functions, printed and never asserted: NOVATION_MEASURE=1 swift test -c release --filter Measurements.

import Foundation
import Pricing
import Primitives
import Testing

@Suite(
  .serialized, .enabled(if: ProcessInfo.processInfo.environment["NOVATION_MEASURE"] != nil, "set NOVATION_MEASURE"))
struct Measurements {
  private struct Option {
    let forward, strike, lnForward, lnStrike, price: Int64
    let volatility: VolatilityState
    let nanoseconds: Int64
  }

  private static let options: [Option] = {
    var random = SeededRandom(seed: 1)
    return (0..<4_096).map { _ in
      let forward = 20_000_000_000 + Int64(random.below(100_000_000_000))
      let strike = forward / 2 + Int64(random.below(UInt64(forward)))
      let days = 1 + Int64(random.below(365))
      let nanoseconds = days * Duration64.day
      let volatility = 300_000_000 + Int64(random.below(800_000_000))
      let total = Black76.totalVolatility(volatility: volatility, nanoseconds: nanoseconds)
      return Option(
        forward: forward, strike: strike, lnForward: FixedMath.lnQ56(forward), lnStrike: FixedMath.lnQ56(strike),
        price: Black76.price(.call, forward: forward, strike: strike, totalVolatility: total),
        volatility: VolatilityState(total: total), nanoseconds: nanoseconds)
    }
  }()

  /// The best of seven passes over all options, in ns a call.
  private func measure(_ name: String, rounds: Int = 50, _ body: (Option) -> Int64) {
    var best = UInt64.max
    var sum: Int64 = 0
    for _ in 0..<7 {
      let start = DispatchTime.now().uptimeNanoseconds
      for _ in 0..<rounds {
        for option in Self.options { sum &+= body(option) }
      }
      best = min(best, DispatchTime.now().uptimeNanoseconds - start)
    }
    let calls = UInt64(rounds * Self.options.count)
    print("pricing: \(name): \(best / calls).\(best * 10 / calls % 10) ns a call (sum \(sum))")
  }

  @Test func times() {
    measure("price, cached logarithms and volatility state") {
      Black76.price(
        .call, forward: $0.forward, strike: $0.strike, lnForward: $0.lnForward, lnStrike: $0.lnStrike,
        volatility: $0.volatility)
    }
    measure("price, cached logarithms") {
      Black76.price(
        .call, forward: $0.forward, strike: $0.strike, lnForward: $0.lnForward, lnStrike: $0.lnStrike,
        totalVolatility: $0.volatility.total)
    }
    measure("price, nothing cached") {
      Black76.price(.call, forward: $0.forward, strike: $0.strike, totalVolatility: $0.volatility.total)
    }
    measure("logarithm") { FixedMath.lnQ56($0.strike) }
    measure("exponential") { FixedMath.expQ56($0.volatility.total) }
    measure("total volatility") { Black76.totalVolatility(volatility: 650_000_000, nanoseconds: $0.nanoseconds) }
    measure("volatility state") { VolatilityState(total: $0.volatility.total).total }
    measure("greeks", rounds: 10) {
      let greeks = Black76.greeks(
        .call, forward: $0.forward, strike: $0.strike, lnForward: $0.lnForward, lnStrike: $0.lnStrike,
        totalVolatility: $0.volatility.total, nanoseconds: $0.nanoseconds)
      return greeks.delta &+ greeks.gamma &+ greeks.vega &+ greeks.theta
    }
    measure("implied volatility", rounds: 5) {
      Black76.impliedTotalVolatility(.call, price: $0.price, forward: $0.forward, strike: $0.strike) ?? 0
    }
    let slice = SVITests.typical
    measure("surface volatility", rounds: 10) { slice.totalVolatility(logMoneyness: $0.lnStrike &- $0.lnForward) }
    measure("slice validation", rounds: 1) { slice.rejection() == nil ? $0.strike : 0 }
  }
}
