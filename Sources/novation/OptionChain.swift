// An option chain from what a node tells of instruments and prices: marks, and what they imply.

import Node
import Pricing
import Primitives

struct OptionChain {
  let instruments: JSONValue
  let oracle: JSONValue

  /// One expiry, or all of them.
  func document(_ underlying: String, expiry wanted: String?) throws -> JSONValue {
    let options = (instruments["instruments"]?.array ?? []).filter {
      $0.text("underlying") == underlying && $0.text("kind") != "future" && $0.text("state") != "settled"
    }
    guard let feed = oracle["underlyings"]?.array?.first(where: { $0.text("name") == underlying }) else {
      throw CommandFailure(
        .failed, "there is no underlying \(printable(underlying))", hint: "see `novation query oracle`")
    }
    let byExpiry = Dictionary(grouping: options) { $0.text("expiry") }
    var expiries = byExpiry.keys.sorted()
    if let wanted, wanted != "all" {
      expiries = expiries.filter { Self.label(byExpiry[$0]?.first) == wanted }
      if expiries.isEmpty {
        let known = byExpiry.keys.sorted().compactMap { Self.label(byExpiry[$0]?.first) }.joined(separator: ", ")
        throw CommandFailure(.failed, "no options expire on \(printable(wanted))", hint: "listed: \(printable(known))")
      }
    } else if wanted == nil {
      expiries = Array(expiries.prefix(1))
    }
    return [
      "underlying": .string(underlying), "index": .string(feed.text("index")),
      "marketTime": .string(oracle.text("marketTime")), "height": oracle["height"] ?? .null,
      "expiries": .array(expiries.map { slice(of: byExpiry[$0] ?? [], expiry: $0, feed: feed) }),
    ]
  }

  /// "27MAR26" of BTC-27MAR26-100000-C.
  private static func label(_ instrument: JSONValue?) -> String? {
    instrument.flatMap { $0.text("name").split(separator: "-").dropFirst().first.map(String.init) }
  }

  private func slice(of options: [JSONValue], expiry: String, feed: JSONValue) -> JSONValue {
    let forward = feed["expiries"]?.array?.first { $0.text("expiry") == expiry }?.text("forward") ?? ""
    let left = ISO8601.parse(expiry).flatMap { end in
      ISO8601.parse(oracle.text("marketTime")).flatMap { end.subtracting($0) }
    }
    let nanoseconds = max(0, left ?? 0)
    let strikes = Dictionary(grouping: options) { Decimal.parse($0.text("strike"), scale: Decimal.moneyScale) ?? 0 }
    let rows = strikes.keys.sorted().map { strike -> JSONValue in
      func side(_ kind: String) -> JSONValue {
        guard let option = strikes[strike]?.first(where: { $0.text("kind") == kind }) else { return .null }
        return Self.side(option, strike, forward: Decimal.parse(forward, scale: Decimal.moneyScale), nanoseconds)
      }
      return [
        "strike": .string(Decimal.format(strike, scale: Decimal.moneyScale)), "call": side("call"), "put": side("put"),
      ]
    }
    return [
      "expiry": .string(expiry), "name": .string(Self.label(options.first) ?? ""), "forward": .string(forward),
      "days": .string(Decimal.format(nanoseconds / 864_000_000_000, scale: 2)), "rows": .array(rows),
    ]
  }

  /// The mark of one option, and the volatility and Greeks that it implies; null where it implies none.
  private static func side(_ option: JSONValue, _ strike: Price, forward: Price?, _ nanoseconds: Int64) -> JSONValue {
    var members: [String: JSONValue] = [
      "instrument": .string(option.text("name")), "mark": option["markPrice"] ?? .null, "volatility": .null,
      "delta": .null, "gamma": .null, "vega": .null, "theta": .null,
      "openInterest": .string(option.text("openInterest")),
    ]
    let kind: OptionKind = option.text("kind") == "call" ? .call : .put
    guard let forward, let mark = Decimal.parse(option.text("markPrice"), scale: Decimal.moneyScale),
      let total = Black76.impliedTotalVolatility(kind, price: mark, forward: forward, strike: strike),
      let volatility = Black76.volatility(totalVolatility: total, nanoseconds: nanoseconds)
    else { return .object(members) }
    let value = TheoreticalPrice.evaluate(
      kind, forward: forward, strike: strike, nanoseconds: nanoseconds, volatility: volatility)
    members["volatility"] = .string(Decimal.format(volatility, scale: 9))
    members["delta"] = .string(Decimal.format(value.delta, scale: TheoreticalPrice.deltaScale))
    members["gamma"] = .string(Decimal.format(value.gamma, scale: TheoreticalPrice.gammaScale))
    members["vega"] = .string(Decimal.format(value.vegaPerPoint, scale: TheoreticalPrice.vegaScale))
    members["theta"] = .string(Decimal.format(value.thetaPerDay, scale: TheoreticalPrice.thetaPerDayScale))
    return .object(members)
  }

  // MARK: For people

  static func render(_ chain: JSONValue, _ style: Style) -> String {
    var text =
      style(.bold, printable(chain.text("underlying"))) + "  index \(HumanText.decimal(chain.text("index")))"
      + style(.dim, "  at height \(HumanText.count(chain["height"]?.integer ?? 0)), local") + "\n"
    for expiry in chain["expiries"]?.array ?? [] {
      text += "\n" + style(.bold, printable(expiry.text("name")))
      text += "  forward \(HumanText.decimal(expiry.text("forward"))), \(expiry.text("days")) days\n"
      text += table(expiry, style)
    }
    return text
  }

  private static func table(_ expiry: JSONValue, _ style: Style) -> String {
    var table = TextTable([
      .init("CALL MARK", .decimal), .init("VOL %", .decimal), .init("DELTA", .decimal), .init("VEGA", .decimal),
      .init("THETA", .decimal), .init("STRIKE", .right), .init("PUT MARK", .decimal), .init("VOL %", .decimal),
      .init("DELTA", .decimal), .init("VEGA", .decimal), .init("THETA", .decimal),
    ])
    let forward = Decimal.parse(expiry.text("forward"), scale: Decimal.moneyScale) ?? 0
    for row in expiry["rows"]?.array ?? [] {
      let strike = Decimal.parse(row.text("strike"), scale: Decimal.moneyScale) ?? 0
      // In the money in green.
      table.add(
        cells(row["call"], strike < forward ? .green : nil)
          + [TextTable.Cell(HumanText.decimal(row.text("strike")), .cyan)]
          + cells(row["put"], strike > forward ? .green : nil))
    }
    return table.rows.isEmpty ? "no options\n" : table.render(style: style)
  }

  private static func cells(_ side: JSONValue?, _ colour: Style.Colour?) -> [TextTable.Cell] {
    func rounded(_ key: String, _ places: Int, times factor: Int64 = 1) -> String {
      guard let text = side?[key]?.string, let value = Decimal.parse(text, scale: 15) ?? Decimal.parse(text, scale: 9)
      else { return "-" }
      let scale = Decimal.parse(text, scale: 15) != nil ? 15 : 9
      var unit: Int64 = 1
      for _ in 0..<(scale - places) { unit *= 10 }
      guard let scaled = value.multiplied(by: factor) else { return "-" }
      let half = scaled < 0 ? -(unit / 2) : unit / 2
      return Decimal.format(scaled.saturatingAdding(half) / unit, scale: places)
    }
    return [
      TextTable.Cell(rounded("mark", 2), colour), TextTable.Cell(rounded("volatility", 1, times: 100)),
      TextTable.Cell(rounded("delta", 3)), TextTable.Cell(rounded("vega", 2)), TextTable.Cell(rounded("theta", 2)),
    ]
  }
}
