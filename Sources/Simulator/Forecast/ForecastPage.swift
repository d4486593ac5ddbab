// A forecast as one page without scripts and outside assets: the distribution of finality drawn, and a table.

public import Primitives

extension Forecast {
  /// HTML 5, complete.
  public var page: String {
    let title = "Forecast for \(topology.validators.count) validators"
    return """
      <!doctype html>
      <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
      <title>\(title)</title>
      <style>\(Self.style)</style></head><body>
      <h1>\(title)</h1>
      <p>\(topology.validators.map { "\(Self.escaped($0.name)) in \(Self.escaped($0.region))" }.joined(separator: ", "))</p>
      <h2>Time from submission to finality</h2>
      \(drawing)
      <p class="note">The part of orders that were final within a time. The strong line is everybody up; each thin line is
      one validator down.</p>
      \(table)
      <p class="note">Seed \(seed), \(topology.rate) transactions a second, durable writes of at least \
      \(Self.milliseconds(topology.sync)) ms. The replicas are those that nodes run; time, network and disks are simulated.
      A processor's time is not.</p>
      </body></html>

      """
  }

  private static let style = """
    :root{color-scheme:light dark;--ink:#1c1d22;--soft:#62646e;--line:#d5d6dc;--accent:#1858c4;--paper:#fff}
    @media(prefers-color-scheme:dark){:root{--ink:#e9eaee;--soft:#a4a7b3;--line:#3a3c46;--accent:#7fb0ff;--paper:#15161a}}
    body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:62rem;margin:2rem auto;
    padding:0 1rem}
    h1{font-size:1.5rem}h2{font-size:1.1rem}.note{color:var(--soft);font-size:.875rem}
    table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
    th,td{text-align:right;padding:.3rem .6rem;border-bottom:1px solid var(--line)}
    th:first-child,td:first-child{text-align:left}th{color:var(--soft);font-weight:500}
    svg{width:100%;height:auto}svg text{fill:var(--soft);font-size:13px}
    .grid{stroke:var(--line)}.one{fill:none;stroke:var(--soft);stroke-width:1;opacity:.6}
    .all{fill:none;stroke:var(--accent);stroke-width:3}
    """

  // MARK: - Drawing

  private static let width = 900.0
  private static let height = 340.0
  private static let left = 52.0
  private static let bottom = 300.0

  private var drawing: String {
    let slowest = scenarios.compactMap { $0.report.latency(perMille: 999) }.max() ?? Duration64.second
    let end = Self.roundUp(slowest)
    let x = { (time: Instant) in Self.left + (Self.width - Self.left - 20) * min(1, Double(time) / Double(end)) }
    let y = { (share: Double) in Self.bottom - (Self.bottom - 20) * share }
    var svg = "<svg viewBox=\"0 0 \(Int(Self.width)) \(Int(Self.height))\" role=\"img\" "
    svg += "aria-label=\"Distribution of finality for each scenario\">\n"
    for step in 0...4 {
      let share = Double(step) / 4
      svg += "<line class=\"grid\" x1=\"\(Int(Self.left))\" x2=\"\(Int(Self.width) - 20)\" "
      svg += "y1=\"\(Self.text(y(share)))\" y2=\"\(Self.text(y(share)))\"/>"
      svg += "<text x=\"8\" y=\"\(Self.text(y(share) + 4))\">\(step * 25) %</text>\n"
      let time = end * Instant(step) / 4
      svg +=
        "<text x=\"\(Self.text(x(time) - 10))\" y=\"\(Int(Self.bottom) + 24)\">\(Self.milliseconds(time)) ms</text>\n"
    }
    for scenario in scenarios.reversed() {
      let points = (0...200).map { step in
        let time = end * Instant(step) / 200
        return "\(Self.text(x(time))),\(Self.text(y(scenario.reliability(within: time))))"
      }
      svg += "<polyline class=\"\(scenario.down == nil ? "all" : "one")\" points=\"\(points.joined(separator: " "))\">"
      svg += "<title>\(Self.name(scenario))</title></polyline>\n"
    }
    return svg + "</svg>"
  }

  private static func roundUp(_ time: Instant) -> Instant {
    var step = 20 * Duration64.millisecond
    while step * 10 < time { step *= 2 }
    return (time / step + 1) * step
  }

  private static func name(_ scenario: Scenario) -> String {
    scenario.down.map { "without \(escaped($0))" } ?? "all up"
  }

  // MARK: - Table

  private var table: String {
    let titles =
      ["", "p50 ms", "p99 ms"] + Self.horizons.map { "DSR(\(Self.milliseconds($0)) ms)" }
      + ["two delays", "blocks/s", "messages/s", "skipped views"]
    var rows = "<tr>" + titles.map { "<th>\($0)</th>" }.joined() + "</tr>\n"
    for scenario in scenarios {
      let report = scenario.report
      let cells =
        [Self.name(scenario)]
        + [500, 990].map { report.latency(perMille: $0).map(Self.milliseconds) ?? "none" }
        + Self.horizons.map { Self.percent(scenario.reliability(within: $0)) }
        + [
          scenario.fastShare.map(Self.percent) ?? "none", Self.text(scenario.blockRate),
          Self.text(scenario.messageRate), "\(report.nullifiedViews)",
        ]
      rows += "<tr>" + cells.map { "<td>\($0)</td>" }.joined() + "</tr>\n"
    }
    return "<table>\n\(rows)</table>"
  }

  // MARK: - Text

  /// One decimal.
  public static func text(_ value: Double) -> String {
    let tenths = Int64((value * 10).rounded())
    return "\(tenths / 10).\((tenths % 10).magnitude)"
  }

  public static func percent(_ share: Double) -> String { text(share * 100) + " %" }

  public static func milliseconds(_ time: Instant) -> String {
    let tenths = time / (Duration64.millisecond / 10)
    return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
  }

  private static func escaped(_ text: String) -> String {
    var safe = ""
    for character in text {
      switch character {
      case "&": safe += "&amp;"
      case "<": safe += "&lt;"
      case ">": safe += "&gt;"
      case "\"": safe += "&quot;"
      default: safe.append(character)
      }
    }
    return safe
  }
}
