// `novation simulate --topology`: what a network would be like, with everybody up and with each validator down.

import Node
import Primitives
import Simulator

extension SimulateCommand {
  func forecast(_ path: String) throws {
    let topology = try explained { try TopologyFile.load(from: path) }
    let progress = Progress("simulate")
    let forecast = Forecast(topology, seed: seed, duration: min(duration ?? 60, 60) * Duration64.second) {
      progress.update($0)
    }
    progress.finish()
    if let html {
      try explained { try FileAccess.write(Array(forecast.page.utf8), to: html, mode: 0o644) }
    }
    if json.json {
      Terminal.output.line(JSONText.render(ForecastDocument(forecast)))
    } else {
      Terminal.output.write(Self.table(forecast).render(style: Terminal.output.style))
    }
    if let broken = forecast.scenarios.first(where: { !$0.report.violations.isEmpty }) {
      throw CommandFailure(.failed, "\(broken.report.violations[0])")
    }
  }

  private static func table(_ forecast: Forecast) -> TextTable {
    var columns: [TextTable.Column] = [.init("scenario"), .init("p50 ms", .decimal), .init("p99 ms", .decimal)]
    columns += Forecast.horizons.map { .init("DSR(\(Forecast.milliseconds($0)))", .decimal) }
    columns += ["two delays", "blocks/s", "messages/s"].map { .init($0, .decimal) } + [.init("skipped", .right)]
    var table = TextTable(columns)
    for scenario in forecast.scenarios {
      var cells = [scenario.down.map { "without \($0)" } ?? "all up"]
      cells += [500, 990].map { scenario.report.latency(perMille: $0).map(Forecast.milliseconds) ?? "none" }
      cells += Forecast.horizons.map { Forecast.percent(scenario.reliability(within: $0)) }
      cells.append(scenario.fastShare.map(Forecast.percent) ?? "none")
      cells += [scenario.blockRate, scenario.messageRate].map(Forecast.text) + ["\(scenario.report.nullifiedViews)"]
      table.add(cells.map { .init($0) })
    }
    return table
  }
}

/// A forecast as JSON: times in milliseconds, shares from 0 to 1.
private struct ForecastDocument: Encodable {
  struct Row: Encodable {
    var down: String?
    var p50Milliseconds: Double?
    var p99Milliseconds: Double?
    /// Of receipts that needed more than two message delays.
    var slowP50Milliseconds: Double?
    var slowP99Milliseconds: Double?
    /// By horizon in milliseconds.
    var reliability: [String: Double]
    var twoDelays: Double?
    var blocksPerSecond: Double
    var messagesPerSecond: Double
    var skippedViews: UInt64
    var traceHash: String
  }

  var seed: UInt64
  var scenarios: [Row]

  init(_ forecast: Forecast) {
    seed = forecast.seed
    scenarios = forecast.scenarios.map { scenario in
      let report = scenario.report
      let slow = report.slowLatencies
      let quantile = { (share: Int) in slow.isEmpty ? nil : slow[min(slow.count - 1, slow.count * share / 1000)] }
      return Row(
        down: scenario.down, p50Milliseconds: report.latency(perMille: 500).map(Self.milliseconds),
        p99Milliseconds: report.latency(perMille: 990).map(Self.milliseconds),
        slowP50Milliseconds: quantile(500).map(Self.milliseconds),
        slowP99Milliseconds: quantile(990).map(Self.milliseconds),
        reliability: Dictionary(
          uniqueKeysWithValues: Forecast.horizons.map {
            (Forecast.milliseconds($0), scenario.reliability(within: $0))
          }),
        twoDelays: scenario.fastShare, blocksPerSecond: scenario.blockRate,
        messagesPerSecond: scenario.messageRate, skippedViews: report.nullifiedViews,
        traceHash: String(report.traceHash, radix: 16))
    }
  }

  private static func milliseconds(_ time: Instant) -> Double { Double(time) / Double(Duration64.millisecond) }
}
