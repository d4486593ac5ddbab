// `novation quote set|protect` and `novation lease`: what market makers use.

import ArgumentParser
import Clearing
import Node
import Primitives

struct QuoteCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quote", abstract: "Quote both sides of an instrument, and limit what quotes trade.",
    discussion: "Many instruments in one transaction: novation submit, with {\"type\": \"quote\", \"quotes\": [...]}."
      + " Withdraw them with: novation cancel --quotes",
    subcommands: [Set.self, Protect.self])

  struct Set: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Replace the account's quote in one instrument.",
      discussion: "A quote never takes. A side that is left out has no quote afterwards.")
    @Option(help: "For instance BTC-27MAR26-100000-C.") var instrument: String
    @Option(help: "USD for one contract.") var bid: MoneyArgument?
    @Option(help: "Contracts.") var bidQuantity: QuantityArgument?
    @Option(help: "USD for one contract.") var ask: MoneyArgument?
    @Option(help: "Contracts.") var askQuantity: QuantityArgument?
    @OptionGroup var signing: SigningOptions

    func validate() throws {
      if (bid == nil) != (bidQuantity == nil) || (ask == nil) != (askQuantity == nil) {
        throw ValidationError("Give a price and a quantity for each side.")
      }
    }

    func run() async throws {
      try await signing.send { terms in
        [
          .quote([
            Quote(
              instrument: try terms.instrument(instrument), bidPrice: bid?.value ?? 0,
              bidQuantity: bidQuantity?.value ?? 0, askPrice: ask?.value ?? 0, askQuantity: askQuantity?.value ?? 0)
          ])
        ]
      }
    }
  }

  struct Protect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Limit what the account's quotes in one underlying may trade.",
      discussion: "At a limit all of them are withdrawn, before anything else trades. Without any limit the protection"
        + " ends.")
    @Option(help: "Such as BTC.") var underlying: String
    @Option(help: "Span that the limits count in, such as 5s.") var window = "5s"
    @Option(help: "Contracts.") var quantity: QuantityArgument?
    @Option(help: "Net delta in contracts.") var delta: QuantityArgument?
    @Option(help: "Number of fills.") var trades: UInt32 = 0
    @Option(help: "How long quotes are refused afterwards, such as 10s; until set again if left out.")
    var freeze: String?
    @OptionGroup var signing: SigningOptions

    func validate() throws {
      if TimeSpan.parse(window) == nil { throw ValidationError("--window: expected a span such as 5s.") }
      if let freeze, TimeSpan.parse(freeze) == nil { throw ValidationError("--freeze: expected a span such as 10s.") }
    }

    func run() async throws {
      try await signing.send { terms in
        [
          .protect(
            Protection(
              underlying: try terms.underlying(underlying), window: TimeSpan.parse(window) ?? 0,
              quantity: quantity?.value ?? 0, delta: delta?.value ?? 0, trades: trades,
              freeze: freeze.flatMap { TimeSpan.parse($0) } ?? 0))
        ]
      }
    }
  }
}

struct LeaseCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lease", abstract: "Cancel all orders of the account when it falls silent.",
    discussion: "Every transaction of the account renews the lease.")
  @Option(help: "How long it may be silent, such as 30s; 0 ends the lease.") var span: String
  @OptionGroup var signing: SigningOptions

  func validate() throws {
    if span != "0", TimeSpan.parse(span) == nil { throw ValidationError("--span: expected a span such as 30s, or 0.") }
  }

  func run() async throws {
    try await signing.send { _ in [.lease(span: TimeSpan.parse(span) ?? 0)] }
  }
}
