// `novation status`: one screen about one node.

import ArgumentParser
import Node
import Primitives

struct StatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "One screen: chain, height, role, peers, finality, warnings.")
  @OptionGroup var socket: SocketOption
  @OptionGroup var timeout: TimeoutOption
  @OptionGroup var json: JSONFlag

  func run() async throws {
    let status = try await socket.api.read(RequestPath("status"), timeout: timeout.timeout.duration)
    let text = json.json ? JSONText.render(status) + "\n" : StatusView.render(status, style: Terminal.output.style)
    Terminal.output.write(text)
  }
}

enum StatusView {
  static func render(_ status: JSONValue, style: Style) -> String {
    var facts = Facts()
    let network = [status.text("name"), status.text("network")].filter { !$0.isEmpty }.joined(separator: ", ")
    facts.add("network", network.isEmpty ? nil : network)
    facts.add("chain", status["chainId"]?.string)
    facts.add("role", role(status))
    facts.add("state", state(status))
    facts.add("height", height(status))
    facts.add("view, epoch", "\(status.text("view")), \(status.text("epoch"))")
    facts.add("state root", status["stateRoot"]?.string)
    facts.add("group key", status["groupKey"]?.string)
    facts.add("peers", peers(status))
    facts.add("finality", finality(status))
    addTotals(status, to: &facts)
    facts.add("market time", market(status))
    facts.add("running", status["uptimeSeconds"]?.integer.map(uptime))
    var text = facts.render(style: style)
    for warning in status["warnings"]?.array ?? [] {
      text += style(.yellow, "warning:") + " " + printable(warning.scalarText ?? "") + "\n"
    }
    return text
  }

  private static func uptime(_ seconds: Int64) -> String {
    HumanText.duration(seconds.multiplied(by: Duration64.second) ?? .max)
  }

  private static func role(_ status: JSONValue) -> String {
    status["index"]?.integer.map { "\(status.text("role")) \($0)" } ?? status.text("role")
  }

  private static func state(_ status: JSONValue) -> TextTable.Cell {
    status["syncing"]?.bool == true ? TextTable.Cell("catching up", .yellow) : TextTable.Cell("in sync", .green)
  }

  private static func height(_ status: JSONValue) -> String {
    var text = grouped(status["height"])
    if let certified = status["certifiedHeight"] { text += ", certified \(grouped(certified))" }
    if let stored = status["storedHeight"] { text += ", stored \(grouped(stored))" }
    return text
  }

  private static func grouped(_ value: JSONValue?) -> String { value?.integer.map(HumanText.count) ?? "-" }

  private static func peers(_ status: JSONValue) -> TextTable.Cell {
    let connected = status["peers"]?.integer ?? 0
    guard let validators = status["validators"]?.integer, let quorum = status["quorum"]?.integer else {
      return TextTable.Cell("\(connected)")
    }
    let enough = connected + 1 >= quorum
    return TextTable.Cell(
      "\(connected) connected; \(validators) validators, quorum \(quorum)", enough ? nil : .red)
  }

  private static func finality(_ status: JSONValue) -> String {
    guard let p50 = milliseconds(status["finality"]?["p50Milliseconds"]),
      let p99 = milliseconds(status["finality"]?["p99Milliseconds"])
    else { return "no transactions yet" }
    return "p50 \(p50), p99 \(p99)"
  }

  private static func milliseconds(_ value: JSONValue?) -> String? {
    switch value {
    case .number(let value) where value >= 0 && value < 1e9: HumanText.duration(Int64(value * 1e6))
    case .integer(let value) where value >= 0 && value < 1_000_000_000:
      HumanText.duration(value * Duration64.millisecond)
    default: nil
    }
  }

  private static func addTotals(_ status: JSONValue, to facts: inout Facts) {
    guard let totals = status["totals"] else { return }
    func sum(_ names: [(key: String, label: String)]) -> String {
      names.compactMap { name in totals[name.key]?.integer.map { "\(HumanText.count($0)) \(name.label)" } }
        .joined(separator: ", ")
    }
    facts.add("cleared", sum([("transactions", "transactions"), ("actions", "actions"), ("trades", "trades")]))
    facts.add("holds", sum([("accounts", "accounts"), ("instruments", "instruments"), ("openOrders", "open orders")]))
    facts.add("views", sum([("fastFinal", "fast"), ("slowFinal", "slow"), ("viewsSkipped", "skipped")]))
  }

  private static func market(_ status: JSONValue) -> String? {
    guard let time = status["marketTime"]?.string else { return nil }
    guard let rate = status["clockRate"]?.integer, rate != 1 else { return time }
    return "\(time), \(HumanText.count(rate)) times real time"
  }
}
