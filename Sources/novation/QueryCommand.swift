// `novation query ...`: state, from any node.

import ArgumentParser
import Node
import Primitives

struct QueryCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "query", abstract: "State: accounts, books, blocks, certificates and more.",
    subcommands: [
      Account.self, Position.self, Margin.self, Greeks.self, Order.self, Book.self, Instrument.self, Trade.self,
      Block.self, TransactionQuery.self,
      CertificateQuery.self, Validator.self, Oracle.self, Liquidations.self,
    ])

  struct Account: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Balances, positions, open orders and margin.")
    @Argument(help: "Name of a key, or 64 hexadecimal digits.") var account: String
    @OptionGroup var query: QueryOptions
    func run() async throws {
      query.print(try await query.account(account), AccountView.render)
    }
  }

  struct Position: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Positions of an account.")
    @Argument(help: "Name of a key, or 64 hexadecimal digits.") var account: String
    @Argument(help: "Only this instrument.") var instrument: String?
    @OptionGroup var query: QueryOptions
    func run() async throws {
      let document = try await query.account(account)
      let positions = (document["positions"]?.array ?? []).filter {
        instrument == nil || $0.text("instrument") == instrument
      }
      let kept = document.keeping(
        ["account", "height", "stateRoot", "consistency", "proof"], with: ["positions": .array(positions)])
      query.print(kept) { AccountView.positions(positions, $0) }
    }
  }

  struct Order: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "An open order.")
    @Argument(help: "The order's id.") var id: UInt64
    @OptionGroup var query: QueryOptions
    func run() async throws {
      let document = try await query.read(RequestPath("orders", String(id)))
      query.print(document) { AccountView.orders(document["order"].map { [$0] } ?? [], $0) }
    }
  }

  struct Book: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Bids and asks of an instrument.")
    @Argument(help: "For instance BTC-27MAR26-100000-C.") var instrument: String
    @Option(help: "Prices a side, 1 to 1000.") var depth = 10
    @OptionGroup var query: QueryOptions

    func validate() throws {
      if !(1...1000).contains(depth) { throw ValidationError("--depth must be from 1 to 1000.") }
    }

    func run() async throws {
      let path = RequestPath("books", instrument).with("depth", String(depth))
      query.print(try await query.read(path), MarketView.book)
    }
  }

  struct Instrument: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "One instrument, or all.")
    @Argument(help: "For instance BTC-27MAR26-100000-C; all if left out.") var instrument: String?
    @OptionGroup var query: QueryOptions
    func run() async throws {
      if let instrument {
        let document = try await query.read(RequestPath("instruments", instrument))
        query.print(document) { MarketView.instruments([document["instrument"] ?? document], $0) }
      } else {
        let document = try await query.read(RequestPath("instruments"))
        query.print(document) { MarketView.instruments(document["instruments"]?.array ?? [], $0) }
      }
    }
  }

  struct Trade: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "The newest trades of an instrument.")
    @Argument(help: "For instance BTC-27MAR26-100000-C.") var instrument: String
    @OptionGroup var query: QueryOptions
    func run() async throws {
      query.print(try await query.read(RequestPath("trades", instrument)), MarketView.trades)
    }
  }

  struct Block: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "A block.")
    @Argument(help: "Height, or latest.") var height = HeightArgument.latest
    @OptionGroup var query: QueryOptions
    func run() async throws {
      query.print(try await query.read(RequestPath("blocks", height.text)), ChainView.block)
    }
  }

  struct TransactionQuery: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "transaction", abstract: "The receipt of a transaction.")
    @Argument(help: "Its hash, 64 hexadecimal digits.") var hash: String
    @OptionGroup var query: QueryOptions

    func validate() throws {
      if Digest(hex: hash) == nil { throw ValidationError("\"\(hash)\": expected 64 hexadecimal digits.") }
    }

    func run() async throws {
      let document = try await query.read(RequestPath("transactions", hash))
      let receipt = document.completedReceipt ?? document
      query.print(receipt) { ReceiptView.render(receipt, style: $0) }
    }
  }

  struct CertificateQuery: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "certificate", abstract: "What proves a height's state to anybody.")
    @Argument(help: "Height, or latest.") var height = HeightArgument.latest
    @Flag(help: "With the validators' own votes, which only the genesis is needed to check.") var votes = false
    @OptionGroup var query: QueryOptions
    func run() async throws {
      let path = RequestPath("certificates", height.text).with("votes", votes ? "true" : nil)
      query.print(try await query.read(path), ChainView.certificate)
    }
  }

  struct Validator: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "The validators: keys, votes, shares and latencies, or one of them.")
    @Argument(help: "Name, index or public key; all if left out.") var validator: String?
    @OptionGroup var query: QueryOptions
    func run() async throws {
      query.print(
        try await ValidatorView.selected(validator, of: query.read(RequestPath("validators"))), ValidatorView.status)
    }
  }

  struct Liquidations: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Accounts in liquidation, and the funds that stand behind the market.")
    @OptionGroup var query: QueryOptions
    func run() async throws {
      query.print(try await query.read(RequestPath("liquidations")), MarketView.liquidations)
    }
  }

  struct Oracle: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Index prices and volatility surfaces.")
    @OptionGroup var query: QueryOptions
    func run() async throws {
      query.print(try await query.read(RequestPath("oracle")), MarketView.oracle)
    }
  }
}

/// A height or "latest".
struct HeightArgument: ExpressibleByArgument, CustomStringConvertible {
  let text: String
  static let latest = HeightArgument(text: "latest")

  private init(text: String) { self.text = text }

  init?(argument: String) {
    guard argument == "latest" || UInt64(argument).map({ $0 < ordinalLimit }) == true else { return nil }
    text = argument
  }

  var description: String { text }
  var defaultValueDescription: String { text }
}

/// How fresh, and with what proof.
struct QueryOptions: ParsableArguments {
  enum Consistency: String, ExpressibleByArgument, CaseIterable { case linearizable, causal, local, speculative }

  @OptionGroup var socket: SocketOption
  @Option(
    help: """
      linearizable sees everything that was final before; causal everything up to --at-least; local may be older; \
      speculative shows what is executed and may still be undone.
      """)
  var consistency = Consistency.linearizable
  @Option(help: "Refuse a state below this height.") var atLeast: UInt64?
  @Flag(help: "With proof of every printed record; see `novation verify`.") var proof = false
  @OptionGroup var timeout: TimeoutOption
  @OptionGroup var json: JSONFlag

  func read(_ path: RequestPath) async throws -> JSONValue {
    try await socket.api.read(state(path).with("proof", proof ? "true" : nil), timeout: timeout.timeout.duration)
  }

  /// The answer to a question about the same state that a read would see.
  func ask(_ path: RequestPath, _ question: JSONValue) async throws -> JSONValue {
    try await socket.api.ask(state(path), question, timeout: timeout.timeout.duration)
  }

  private func state(_ path: RequestPath) -> RequestPath {
    path.with("consistency", consistency.rawValue).with("atLeast", atLeast.map { String($0) })
  }

  /// The account of a key's name or of 64 hexadecimal digits.
  func account(_ name: String) async throws -> JSONValue {
    let id = try KeyLocator(socket: socket.socket).account(name)
    return try await read(RequestPath("accounts", id.hex))
  }

  /// The document as JSON, or as `render` shows it to people.
  func print(_ document: JSONValue, _ render: (JSONValue, Style) -> String) {
    if json.json {
      Terminal.output.line(JSONText.render(document))
      return
    }
    let style = Terminal.output.style
    Terminal.output.write(render(document, style))
    if let height = document["height"]?.integer, let consistency = document["consistency"]?.string {
      Terminal.output.line(style(.dim, "at height \(HumanText.count(height)), \(consistency)"))
    }
  }

  func print(_ document: JSONValue, _ render: (Style) -> String) { print(document) { render($1) } }
}

extension JSONValue {
  /// The named members and the given ones.
  func keeping(_ names: [String], with others: [String: JSONValue]) -> JSONValue {
    var members = others
    for name in names { members[name] = self[name] }
    return .object(members)
  }
}
