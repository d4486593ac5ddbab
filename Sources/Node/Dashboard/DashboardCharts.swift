// Drawings of the dashboard, as SVG made by the node: they need no script.

import Clearing
import Primitives

enum DashboardCharts {
  /// Bars: how long blocks took to be final.
  static func histogram(_ counts: HistogramCounts) -> String {
    let total = counts.counts.reduce(0, +)
    guard total > 0 else { return HTML.nothing("No block became final yet.") }
    let labels = counts.bounds.map(label) + ["more"]
    let used = counts.counts.indices.filter { counts.counts[$0] > 0 }
    let shown = max(0, (used.first ?? 0) - 1)...min(counts.counts.count - 1, (used.last ?? 0) + 1)
    let highest = Double(counts.counts.max() ?? 1)
    let step = 560.0 / Double(shown.count)
    var bars = ""
    for (place, index) in shown.enumerated() {
      let height = Double(counts.counts[index]) / highest * 130
      let x = 20 + Double(place) * step
      let middle = HTML.point(x + step / 2)
      bars += "<rect class=bar x=\(HTML.point(x + 2)) y=\(HTML.point(155 - height)) width=\(HTML.point(step - 4)) "
      bars +=
        "height=\(HTML.point(max(height, 0.5)))><title>up to \(labels[index]): \(counts.counts[index]) blocks</title></rect>"
      bars += "<text x=\(middle) y=172 text-anchor=middle>\(labels[index])</text>"
      if counts.counts[index] > 0 {
        let share = Double(counts.counts[index]) / Double(total) * 100
        let text = share >= 1 ? "\(Int(share.rounded()))%" : "<1%"
        bars += "<text x=\(middle) y=\(HTML.point(149 - height)) text-anchor=middle>\(escaped(text))</text>"
      }
    }
    return "<svg viewBox=\"0 0 600 180\" role=img aria-label=\"Blocks by time to finality\">"
      + "<line class=axis x1=20 y1=155 x2=580 y2=155 />\(bars)</svg>"
  }

  private static func label(_ seconds: Double) -> String {
    seconds < 1 ? "\(Int((seconds * 1000).rounded())) ms" : "\(Int(seconds)) s"
  }

  /// Where a surface's nine volatilities stand, in standard deviations.
  static let places = [-3, -2, -1.2816, -0.6745, 0, 0.6745, 1.2816, 2, 3]
  static let smilesMax = 6

  /// One line an expiry: volatility over the distance from the forward in standard deviations.
  static func smile(_ feeds: [FeedView], underlying: String) -> String {
    let feeds = Array(feeds.filter { $0.volatilities.count == places.count }.prefix(smilesMax))
    let all = feeds.flatMap(\.volatilities)
    guard let low = all.min(), let high = all.max() else { return HTML.nothing("No surface yet.") }
    let (bottom, top) = (Double(low) * 0.95, max(Double(high) * 1.03, Double(low) * 0.95 + 1))
    func x(_ place: Double) -> Double { 55 + (place + 3) / 6 * 525 }
    func y(_ volatility: Double) -> Double { 165 - (volatility - bottom) / (top - bottom) * 150 }
    var text = "<svg viewBox=\"0 0 600 215\" role=img aria-label=\"Volatility smile of \(escaped(underlying))\">"
    for part in 0...3 {
      let volatility = bottom + (top - bottom) * Double(part) / 3
      let height = HTML.point(y(volatility))
      text += "<line class=grid x1=55 y1=\(height) x2=580 y2=\(height) />"
      text += "<text x=48 y=\(HTML.point(y(volatility) + 4)) text-anchor=end>\(HTML.percent(Int64(volatility)))</text>"
    }
    for place in stride(from: -3, through: 3, by: 1) {
      let label = place == 0 ? "forward" : "\(place > 0 ? "+" : "")\(place) sd"
      text += "<text x=\(HTML.point(x(Double(place)))) y=182 text-anchor=middle>\(label)</text>"
    }
    for (index, feed) in feeds.enumerated() {
      let points = zip(places, feed.volatilities).map { "\(HTML.point(x($0))),\(HTML.point(y(Double($1))))" }
      text += "<polyline class=\"line s\(index)\" points=\"\(points.joined(separator: " "))\"><title>"
      text +=
        "\(ExpiryName.format(feed.expiry)), at the forward \(HTML.percent(feed.volatilities[4]))</title></polyline>"
      let left = 55 + index * 90
      text += "<line class=\"line s\(index)\" x1=\(left) y1=203 x2=\(left + 16) y2=203 />"
      text += "<text x=\(left + 21) y=207>\(ExpiryName.format(feed.expiry))</text>"
    }
    return text + "</svg>"
  }
}
