// What `novation top` shows: the latest look at a node, rates between looks, and how they went.

import Node
import Primitives

struct TopView {
  struct Look {
    var at: Instant
    var status: JSONValue
    var validators: JSONValue
    var oracle: JSONValue
    var liquidations: JSONValue
  }

  private static let kept = 60
  private var looks: [Look] = []
  private var trouble: String?

  mutating func add(_ look: Look) {
    looks.append(look)
    looks.removeFirst(max(0, looks.count - Self.kept - 1))
    trouble = nil
  }

  /// The node did not answer: the last look stays, with the reason.
  mutating func lost(_ reason: String) { trouble = reason }

  func render(_ size: (rows: Int, columns: Int), style: Style) -> String {
    guard let look = looks.last else { return "" }
    var text = head(look.status, style) + "\n" + rates(style) + "\n" + validators(look, style)
    let left = size.rows - text.count { $0 == "\n" } - 1
    if left > 4 { text += "\n" + prices(look, style) + funds(look, style) }
    for warning in look.status["warnings"]?.array ?? [] {
      text += style(.yellow, "warning:") + " " + printable(warning.scalarText ?? "") + "\n"
    }
    if let trouble { text += style(.red, "no answer:") + " " + printable(trouble) + "\n" }
    return text
  }

  // MARK: Parts

  private func head(_ status: JSONValue, _ style: Style) -> String {
    let role = status["index"]?.integer.map { "validator \($0)" } ?? "observer"
    let isBehind = status["syncing"]?.bool == true
    let state = isBehind ? style(.yellow, "catching up") : style(.green, "in sync")
    let up = HumanText.duration((status["uptimeSeconds"]?.integer ?? 0).multiplied(by: Duration64.second) ?? 0)
    var text = style(.bold, printable(status.text("name"))) + "  \(role), \(state), up \(up)\n"
    text += "height \(style(.bold, count(status["height"])))  certified \(count(status["certifiedHeight"]))"
    text += "  stored \(count(status["storedHeight"]))  view \(count(status["view"]))\n"
    return text
  }

  private func rates(_ style: Style) -> String {
    var table = TextTable([.init(""), .init("a second", .right), .init("in all", .right), .init("the last minute")])
    for (name, path) in [
      ("blocks", ["height"]), ("transactions", ["totals", "transactions"]), ("actions", ["totals", "actions"]),
      ("trades", ["totals", "trades"]), ("skipped views", ["totals", "viewsSkipped"]),
    ] {
      let rates = rates(path)
      table.add([
        .init(name), .init(rates.last.map(tenths) ?? "-"), .init(count(value(path))),
        .init(Self.spark(rates), .cyan),
      ])
    }
    let finality = looks.compactMap { number($0.status["finality"]?["p50Milliseconds"]) }
    let last = looks.last?.status["finality"]
    let p50 = number(last?["p50Milliseconds"]).map { tenths($0) + " ms" } ?? "-"
    let p99 = number(last?["p99Milliseconds"]).map { "p99 " + tenths($0) + " ms" } ?? ""
    table.add([.init("finality p50"), .init(p50), .init(p99), .init(Self.spark(finality), .cyan)])
    return table.render(style: style)
  }

  private func validators(_ look: Look, _ style: Style) -> String {
    var table = TextTable([.init("#", .right), .init("validator"), .init("state"), .init("address")])
    let own = look.status["index"]?.integer
    for validator in look.validators["validators"]?.array ?? [] {
      let index = validator["index"]?.integer
      let state: TextTable.Cell =
        index == own ? "this node" : validator["connected"]?.bool == true ? .init("up", .green) : .init("away", .red)
      table.add([
        .init(index.map(String.init) ?? ""), .init(validator.text("name")), state, .init(validator.text("address")),
      ])
    }
    return table.render(style: style)
  }

  private func prices(_ look: Look, _ style: Style) -> String {
    var table = TextTable([.init("index"), .init("USD", .decimal), .init("expiries", .right), .init("round", .right)])
    for underlying in look.oracle["underlyings"]?.array ?? [] {
      table.add([
        .init(underlying.text("name")), .init(HumanText.decimal(underlying.text("index"))),
        .init("\(underlying["expiries"]?.array?.count ?? 0)"), .init(count(underlying["round"])),
      ])
    }
    return table.rows.isEmpty ? "" : table.render(style: style) + "\n"
  }

  private func funds(_ look: Look, _ style: Style) -> String {
    let funds = look.liquidations["funds"]
    let open = look.status["totals"]
    let inLiquidation = look.liquidations["liquidations"]?.array?.count ?? 0
    func usd(_ key: String) -> String { HumanText.decimal(funds?.text(key) ?? "") }
    let liquidations = "\(inLiquidation) in liquidation"
    return "\(count(open?["accounts"])) accounts, \(count(open?["openOrders"])) open orders, "
      + "\(count(open?["marginCalls"])) margin calls, "
      + (inLiquidation > 0 ? style(.yellow, liquidations) : liquidations)
      + "; insurance \(usd("insurance")), default fund \(usd("defaultFund")) USD\n"
  }

  // MARK: Numbers

  private func value(_ path: [String], in look: Look? = nil) -> JSONValue? {
    path.reduce((look ?? looks.last)?.status) { $0?[$1] }
  }

  /// Growth a second between neighbouring looks.
  private func rates(_ path: [String]) -> [Double] {
    zip(looks, looks.dropFirst()).map { before, after in
      let grown = (value(path, in: after)?.integer ?? 0) - (value(path, in: before)?.integer ?? 0)
      return Double(max(0, grown)) * 1e9 / Double(max(1, after.at - before.at))
    }
  }

  private func number(_ value: JSONValue?) -> Double? {
    switch value {
    case .number(let number): number
    case .integer(let integer): Double(integer)
    default: nil
    }
  }

  private func tenths(_ value: Double) -> String {
    let tenths = Int64((value * 10).rounded())
    return "\(HumanText.count(tenths / 10)).\(tenths % 10)"
  }

  private func count(_ value: JSONValue?) -> String { value?.integer.map(HumanText.count) ?? "-" }

  private static let levels = Array("▁▂▃▄▅▆▇█")

  /// A line of bars, the highest one full.
  private static func spark(_ values: [Double]) -> String {
    guard let highest = values.max(), highest > 0 else { return String(repeating: "▁", count: values.count) }
    return String(values.map { levels[min(levels.count - 1, Int($0 / highest * 7.999))] })
  }
}
