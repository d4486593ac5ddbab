// `novation rfq quote|show|take`: prices asked for and given outside the books.

import ArgumentParser
import Clearing
import Glibc
import Node
import Primitives
import Sodium
import Wire

struct RFQCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rfq", abstract: "Request for quotes: trade at prices that makers gave to one taker alone.",
    discussion: "A maker signs a firm quote for a taker and sends it by whatever way both use. Nobody else sees it, and"
      + " nobody can take it back. The taker uses the quotes of several makers in one trade: all of them or none.",
    subcommands: [Quote.self, Show.self, Take.self])

  struct Quote: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Sign a firm quote and print it.",
      discussion: "One instrument: --leg BTC-27MAR26-100000-C. Several: two to eight --leg NAME:RATIO, as for a combo."
        + " The document goes to the taker; the node is only asked for the network's terms.")
    @Option(help: "For whom: name of a key, or an account of 64 hexadecimal digits.") var taker: String
    @Option(help: "An instrument, or NAME:RATIO for each of several legs.") var leg: [String]
    @Option(help: "What you do: buy or sell.") var side: OrderCommand.SideArgument
    @Option(help: "Contracts at most.") var quantity: QuantityArgument
    @Option(help: "USD for one contract, net over all legs.") var price: MoneyArgument
    @Option(help: "How long it binds you, at most 3m.") var valid = "30s"
    @OptionGroup var key: KeyOption
    @OptionGroup var socket: SocketOption
    @OptionGroup var timeout: TimeoutOption

    func validate() throws {
      guard let span = TimeSpan.parse(valid), (Duration64.second...Limits.nonceLifetime).contains(span) else {
        throw ValidationError("--valid: expected a span from 1s to 3m.")
      }
      if quantity.value <= 0 { throw ValidationError("--quantity must be above zero.") }
      if !(1...Limits.maxComboLegs).contains(leg.count) {
        throw ValidationError("Give 1 to \(Limits.maxComboLegs) --leg.")
      }
      for text in leg where leg.count > 1 { _ = try ComboCommand.Create.split(text) }
    }

    func run() async throws {
      let opened = try key.open(socket: socket.socket)
      let account = try KeyLocator(socket: socket.socket).account(taker)
      let terms = try await NetworkTerms.load(from: socket.api, timeout: timeout.timeout.duration)
      let now = Clock.wall
      var quote = FirmQuote(
        chain: terms.chain, maker: opened.publicKey, taker: account, legs: try legs(terms),
        side: side == .buy ? .buy : .sell, price: price.value, quantity: quantity.value,
        number: Nonce.make(time: now, random: SecureRandom.uint64()),
        expiry: now.saturatingAdding(TimeSpan.parse(valid) ?? 0))
      quote.signature = opened.sign(quote.signingBytes)
      Terminal.output.line(JSONText.render(FirmQuoteDocument(quote, underlyings: terms.underlyings)))
    }

    private func legs(_ terms: NetworkTerms) throws -> [ComboLeg] {
      if leg.count == 1, !leg[0].contains(":") { return [ComboLeg(instrument: try terms.instrument(leg[0]), ratio: 1)] }
      return ComboLeg.sorted(
        try leg.map(ComboCommand.Create.split).map {
          ComboLeg(instrument: try terms.instrument($0.name), ratio: $0.ratio)
        })
    }
  }

  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Check firm quotes and show them, the best one first.")
    @Argument(help: "Documents of firm quotes; - for standard input.", completion: .file()) var file: [String]
    @OptionGroup var socket: SocketOption
    @OptionGroup var timeout: TimeoutOption
    @OptionGroup var json: JSONFlag

    func run() async throws {
      let terms = try await NetworkTerms.load(from: socket.api, timeout: timeout.timeout.duration)
      let documents = try RFQCommand.read(file, terms).map { FirmQuoteDocument($0, underlyings: terms.underlyings) }
      if json.json { return Terminal.output.line(JSONText.render(["quotes": documents])) }
      var table = TextTable([
        .init("MAKER"), .init("DOES"), .init("QUANTITY", .decimal), .init("PRICE", .decimal), .init("LEGS"),
        .init("EXPIRES"),
      ])
      for quote in documents {
        let legs = quote.legs.map { quote.legs.count == 1 ? $0.instrument : "\($0.ratio) \($0.instrument)" }
        table.add(
          [
            String(quote.maker.prefix(8)), quote.side + "s", quote.quantity, quote.price,
            legs.joined(separator: ", "), quote.expires,
          ].map { TextTable.Cell($0) })
      }
      Terminal.output.write(table.render(style: Terminal.output.style))
    }
  }

  struct Take: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Trade on firm quotes: on all that are needed, or not at all.",
      discussion: "The best prices are used first, until the quantity is reached.")
    @Argument(help: "Documents of firm quotes; - for standard input.", completion: .file()) var file: [String]
    @Option(help: "Contracts; all that is quoted if left out.") var quantity: QuantityArgument?
    @OptionGroup var signing: SigningOptions

    func run() async throws {
      try await signing.send { terms in
        let quotes = try RFQCommand.read(file, terms)
        var missing = quantity?.value ?? quotes.reduce(0) { $0.saturatingAdding($1.quantity) }
        var uses: [QuoteUse] = []
        for quote in quotes where missing > 0 {
          let lots = min(missing, quote.quantity)
          uses.append(QuoteUse(quote: quote, quantity: lots))
          missing -= lots
        }
        guard missing == 0 else {
          throw CommandFailure(.failed, "the quotes are for less than that", hint: "novation rfq show FILE...")
        }
        return [.negotiate(uses)]
      }
    }
  }

  /// Best for the taker first; all for the same legs and side.
  fileprivate static func read(_ files: [String], _ terms: NetworkTerms) throws -> [FirmQuote] {
    guard files.count <= Limits.maxFirmQuotes else {
      throw CommandFailure(.failed, "at most \(Limits.maxFirmQuotes) quotes make one trade")
    }
    let quotes = try files.map { file in
      let name = file == "-" ? "standard input" : file
      let bytes =
        file == "-"
        ? try FileAccess.read(descriptor: STDIN_FILENO, name: name, limit: 64 << 10)
        : try FileAccess.read(file, limit: 64 << 10)
      return try FirmQuoteDocument.quote(in: bytes, from: name, terms: terms)
    }
    guard let first = quotes.first, quotes.allSatisfy({ $0.legs == first.legs && $0.side == first.side }) else {
      throw CommandFailure(.failed, "the quotes are not for the same legs and side")
    }
    return quotes.sorted { first.side == .sell ? $0.price < $1.price : $0.price > $1.price }
  }
}
