// `novation combo create|place|cancel|list`.

import ArgumentParser
import Clearing
import Node
import Primitives

struct ComboCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "combo", abstract: "Trade several instruments at once, all of them or none.",
    discussion:
      "A combo has a name such as BTC-COMBO-7, which stands where an instrument is asked for: in orders, books"
      + " and cancels. Its price may be negative: --price=-12.5",
    subcommands: [Create.self, OrderCommand.Place.self, OrderCommand.Cancel.self, List.self])

  struct Create: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Make the book of a combo.",
      discussion: "For instance: --leg BTC-27MAR26-100000-C:1 --leg BTC-27MAR26-110000-C:-1. Two to eight legs of one"
        + " underlying, ratios up to 10, one of them 1. The first leg by name of the contract is bought. See its name with"
        + " novation combo list")
    @Option(help: "An instrument and its ratio, negative if the buyer sells it: NAME:RATIO. Repeat it for each leg.")
    var leg: [String]
    @OptionGroup var signing: SigningOptions

    func validate() throws {
      if !(2...Limits.maxComboLegs).contains(leg.count) {
        throw ValidationError("Give 2 to \(Limits.maxComboLegs) --leg.")
      }
      for text in leg { _ = try Self.split(text) }
    }

    static func split(_ text: String) throws -> (name: String, ratio: Int64) {
      let parts = text.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count == 2, let ratio = Int64(parts[1]) else {
        throw ValidationError("--leg \"\(text)\": expected NAME:RATIO, such as BTC-27MAR26-100000-C:-1.")
      }
      return (String(parts[0]), ratio)
    }

    func run() async throws {
      let parts = try leg.map(Self.split)
      try await signing.send { terms in
        [
          .createCombo(
            ComboLeg.sorted(
              try parts.map { ComboLeg(instrument: try terms.instrument($0.name), ratio: $0.ratio) }))
        ]
      }
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "All combos with their legs and best prices.")
    @OptionGroup var query: QueryOptions
    func run() async throws {
      query.print(try await query.read(RequestPath("combos")), MarketView.combos)
    }
  }
}
