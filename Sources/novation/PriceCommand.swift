// `novation price`: theoretical price and Greeks, by the arithmetic the chain uses.

import ArgumentParser
import Node
import Pricing
import Primitives

struct PriceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "price", abstract: "Theoretical price and Greeks of an option.",
    discussion: """
      Black's formula of 1976 for one contract, undiscounted. vega is per 1.00 of volatility, theta per year of 365 days;
      vegaPerPoint (0.01) and thetaPerDay (the price one day later less the price now) are given as well.
      """)

  enum Kind: String, ExpressibleByArgument, CaseIterable { case call, put }

  @Option(help: "call or put.") var kind: Kind
  @Option(help: "Forward, USD.") var forward: MoneyArgument
  @Option(help: "Strike, USD.") var strike: MoneyArgument
  @Option(help: "Days to expiry; may have decimals.") var days: NineDecimals
  @Option(help: "Volatility a year as a fraction: 0.65 is 65 %.") var volatility: NineDecimals
  @OptionGroup var json: JSONFlag

  /// A decimal of nine places that is not negative.
  struct NineDecimals: ExpressibleByArgument {
    var value: Int64
    init?(argument: String) {
      guard let value = Decimal.parse(argument, scale: 9), value >= 0 else { return nil }
      self.value = value
    }
  }

  func validate() throws {
    if forward.value <= 0 { throw ValidationError("--forward must be above zero.") }
    if strike.value <= 0 { throw ValidationError("--strike must be above zero.") }
    if days.value > 36_500 * 1_000_000_000 { throw ValidationError("--days must be at most 36500.") }
    if volatility.value > 100 * 1_000_000_000 { throw ValidationError("--volatility must be at most 100.") }
  }

  func run() throws {
    let value = TheoreticalPrice.evaluate(
      kind == .call ? .call : .put, forward: forward.value, strike: strike.value, nanoseconds: days.value * 86_400,
      volatility: volatility.value)
    let results: [(String, String)] = [
      ("price", Decimal.format(value.price, scale: TheoreticalPrice.priceScale)),
      ("delta", Decimal.format(value.delta, scale: TheoreticalPrice.deltaScale)),
      ("gamma", Decimal.format(value.gamma, scale: TheoreticalPrice.gammaScale)),
      ("vega", Decimal.format(value.vega, scale: TheoreticalPrice.vegaScale)),
      ("theta", Decimal.format(value.thetaPerYear, scale: TheoreticalPrice.thetaPerYearScale)),
      ("vegaPerPoint", Decimal.format(value.vegaPerPoint, scale: TheoreticalPrice.vegaScale)),
      ("thetaPerDay", Decimal.format(value.thetaPerDay, scale: TheoreticalPrice.thetaPerDayScale)),
    ]
    if json.json {
      let members = results.map { ($0.0, JSONValue.string($0.1)) }
      Terminal.output.line(JSONText.render(JSONValue.object(Dictionary(uniqueKeysWithValues: members))))
    } else {
      var table = TextTable([.init(""), .init("VALUE", .decimal)])
      for (name, text) in results { table.add([TextTable.Cell(name), TextTable.Cell(text)]) }
      Terminal.output.write(table.render(style: Terminal.output.style))
    }
  }
}
