// From the recorded volatilities of one expiry to the nine pillars that validators publish.

import Clearing
import Glibc
import Primitives

enum SurfaceFit {
  /// What an observation may carry (0.01 to 20).
  static let range = 0.01...20.0

  /// The volatilities at ln(K/F) = pillar x (volatility at the forward) x sqrt(years): variance is linear in
  /// log-moneyness between strikes and flat beyond them, as the chain reads the pillars. Of each strike the option out
  /// of the money speaks, where it can. Nil without any volatility.
  static func pillars(_ options: [RecordedOption], forward: Double, years: Double) -> [Double]? {
    let points = points(options, forward: forward)
    guard !points.isEmpty, years > 0 else { return nil }
    let middle = sqrt(variance(points, at: 0))
    return SurfaceQuote.pillars.map { pillar in
      let place = Double(pillar) / 10_000 * middle * sqrt(years)
      return clamp(sqrt(variance(points, at: place)))
    }
  }

  static func clamp(_ volatility: Double) -> Double { min(max(volatility, range.lowerBound), range.upperBound) }

  private struct Point {
    var moneyness: Double
    var variance: Double
  }

  private static func points(_ options: [RecordedOption], forward: Double) -> [Point] {
    var points: [Point] = []
    var lastStrike: Price = -1
    var lastIsGood = false
    for option in options.sorted(by: { $0.strike < $1.strike }) {
      guard let volatility = option.volatility, volatility > 0 else { continue }
      let strike = Double(option.strike) / 1e6
      let isGood = (option.kind == .put) == (strike < forward)
      let point = Point(moneyness: log(strike / forward), variance: volatility * volatility)
      if option.strike != lastStrike {
        points.append(point)
        (lastStrike, lastIsGood) = (option.strike, isGood)
      } else if isGood && !lastIsGood {
        points[points.count - 1] = point
        lastIsGood = true
      }
    }
    return points
  }

  private static func variance(_ points: [Point], at place: Double) -> Double {
    guard let upper = points.firstIndex(where: { $0.moneyness >= place }) else { return points.last?.variance ?? 0 }
    guard upper > 0 else { return points[0].variance }
    let (low, high) = (points[upper - 1], points[upper])
    let share = (place - low.moneyness) / (high.moneyness - low.moneyness)
    return low.variance + share * (high.variance - low.variance)
  }
}
