// `novation reliability`: how much of what a node accepts is final, and proven, in time.

import ArgumentParser
import Node
import Primitives

struct ReliabilityCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reliability", abstract: "The part of all transactions that is final, and proven, within a time.",
    discussion: """
      Of the last 8,192 transactions that the node accepted, its own price observations among them: the part that was \
      final and executed, and the part whose height had a certificate, within each time. Who has not had the time yet is \
      not counted. The bounds hold the true probability with 95 % confidence. `novation simulate --topology` forecasts the \
      same of a network that is not built yet.
      """)
  @Option(help: "One more time, in milliseconds, 1 to 60000: the venue's own target.") var target: Int?
  @OptionGroup var socket: SocketOption
  @OptionGroup var timeout: TimeoutOption
  @OptionGroup var json: JSONFlag

  func validate() throws {
    if let target, !(1...60_000).contains(target) { throw ValidationError("--target must be from 1 to 60000.") }
  }

  func run() async throws {
    let path = RequestPath("reliability").with("target", target.map { String($0) })
    let report = try await socket.api.read(path, timeout: timeout.timeout.duration)
    Terminal.output.write(
      json.json ? JSONText.render(report) + "\n" : ReliabilityView.render(report, Terminal.output.style))
  }
}

enum ReliabilityView {
  static func render(_ report: JSONValue, _ style: Style) -> String {
    var table = TextTable([
      .init("WITHIN", .right), .init("SAMPLES", .right), .init("FINAL", .decimal), .init("FROM", .decimal),
      .init("TO", .decimal), .init("PROVEN", .decimal), .init("FROM", .decimal), .init("TO", .decimal),
    ])
    for deadline in report["deadlines"]?.array ?? [] {
      table.add(
        [TextTable.Cell("\(deadline.text("milliseconds")) ms"), TextTable.Cell(deadline.text("samples"))]
          + ["final", "proven"].flatMap { kind in
            ["share", "low", "high"].map { TextTable.Cell(percent(deadline[kind]?.text($0) ?? "")) }
          })
    }
    return table.render(style: style) + "\n" + facts(report).render(style: style)
  }

  private static func facts(_ report: JSONValue) -> Facts {
    var facts = Facts()
    facts.add("final", quantiles(report["final"]))
    facts.add("proven", quantiles(report["proven"]))
    if let window = report["window"] {
      facts.add(
        "window",
        "\(window.text("samples")) transactions (\(window.text("clients")) of clients, \(window.text("own")) own) in "
          + "\(window.text("seconds")) s, \(window.text("unfinished")) unfinished, \(window.text("refused")) refused")
    }
    if let blocks = report["blocks"] {
      facts.add(
        "blocks",
        "\(blocks.text("final")), one in \(blocks.text("meanIntervalMilliseconds")) ms, 99 % in "
          + "\(blocks.text("p99IntervalMilliseconds")) ms; \(blocks.text("viewsSkipped")) of "
          + "\(blocks.text("viewsEntered")) views skipped")
    }
    if let structure = report["structure"] {
      facts.add("validators", reached(structure))
      facts.add("stop it", fewest(structure["toStop"]))
      facts.add("break it", fewest(structure["toBreak"]))
    }
    return facts
  }

  private static func reached(_ structure: JSONValue) -> TextTable.Cell {
    let spare = structure["spare"]?.integer ?? 0
    return TextTable.Cell(
      "\(structure.text("reached")) of \(structure.text("validators")) reached, \(structure.text("quorum")) needed, "
        + "\(structure.text("fastQuorum")) for the fast path, \(spare) to spare", spare > 0 ? nil : .yellow)
  }

  private static func fewest(_ value: JSONValue?) -> String? {
    value.map { value in
      ["validator", "host"].map { name in
        let count = value.text(name + "s")
        return "\(count) \(name)\(count == "1" ? "" : "s")"
      }.joined(separator: " on ")
    }
  }

  private static func quantiles(_ value: JSONValue?) -> String? {
    guard let value, value["p50Milliseconds"]?.scalarText != nil else { return "no samples yet" }
    return [("50", "p50"), ("90", "p90"), ("99", "p99"), ("99.9", "p999")]
      .map { "\($0.0) % in \(value.text("\($0.1)Milliseconds")) ms" }.joined(separator: ", ")
  }

  /// "0.998750" as "99.875 %", without a binary fraction in between.
  private static func percent(_ share: String) -> String {
    guard let millionths = Decimal.parse(share, scale: 6) else { return "" }
    return Decimal.format(millionths, scale: 4) + " %"
  }
}
