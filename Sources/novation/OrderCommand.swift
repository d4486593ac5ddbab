// `novation order place|cancel|amend|list`.

import ArgumentParser
import Clearing
import Node
import Primitives

struct OrderCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "order", abstract: "Place, cancel, amend and list orders.",
    subcommands: [Place.self, Cancel.self, Amend.self, List.self])

  enum SideArgument: String, ExpressibleByArgument, CaseIterable { case buy, sell }
  enum TimeInForceArgument: String, ExpressibleByArgument, CaseIterable { case gtc, ioc, fok, gtt, auctionOnly }

  enum SelfTradeArgument: String, ExpressibleByArgument, CaseIterable {
    case cancelMaker, cancelTaker, cancelBoth, decrement
  }

  struct Place: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Place a limit order, now or when a price is reached.",
      discussion:
        "Prices are USD per contract, quantities contracts, both decimal: --quantity 0.5 --price 1250.25. With"
        + " --stop or --take-profit alone the order waits for the price, as a trigger; with both, one of them cancels the other"
    )

    @Option(help: "buy or sell.") var side: SideArgument
    @Option(help: "For instance BTC-27MAR26-100000-C or BTC-27MAR26.") var instrument: String
    @Option(help: "Contracts, at most 3 decimals.") var quantity: QuantityArgument
    @Option(help: "USD for one contract.") var price: MoneyArgument
    @Option(help: "gtc, ioc, fok, auctionOnly, or gtt with --good-till.") var timeInForce = TimeInForceArgument.gtc
    @Option(help: "When a gtt order ends: ISO 8601, or a span from now such as 15m.") var goodTill: String?
    @Flag(help: "Rest in the book or be refused; never take.") var postOnly = false
    @Flag(help: "Only make the position smaller.") var reduceOnly = false
    @Option(help: "When it meets an order of your own: cancelMaker, cancelTaker, cancelBoth or decrement.")
    var selfTrade = SelfTradeArgument.cancelMaker
    @Option(help: "Your own number for the order; a second order with it is refused.") var clientId: UInt64?
    @OptionGroup(title: "Triggers and icebergs") var triggers: TriggerOptions
    @OptionGroup var signing: SigningOptions

    func validate() throws {
      if (timeInForce == .gtt) != (goodTill != nil) {
        throw ValidationError("--good-till belongs to --time-in-force gtt, and the other way round.")
      }
      if quantity.value <= 0 { throw ValidationError("--quantity must be above zero.") }
      if price.value < 0, !instrument.contains("-COMBO-") {
        throw ValidationError("--price must not be negative, but for a combo.")
      }
      _ = try goodTillTime()
    }

    private func goodTillTime() throws -> Timestamp {
      guard let goodTill else { return 0 }
      if let time = ISO8601.parse(goodTill) { return time }
      if let span = TimeSpan.parse(goodTill) { return Clock.wall.saturatingAdding(span) }
      throw ValidationError("--good-till: \"\(goodTill)\" is neither ISO 8601 nor a span such as 15m.")
    }

    func run() async throws {
      let goodTill = try goodTillTime()
      try await signing.send { terms in
        [
          triggers.action(
            PlaceOrder(
              instrument: try terms.instrument(instrument), side: side == .buy ? .buy : .sell, quantity: quantity.value,
              price: price.value, timeInForce: TimeInForce(name: timeInForce.rawValue) ?? .gtc, goodTill: goodTill,
              postOnly: postOnly, reduceOnly: reduceOnly,
              selfTrade: SelfTradePrevention(name: selfTrade.rawValue) ?? .cancelMaker, clientID: clientId))
        ]
      }
    }
  }

  struct Cancel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Cancel one order or many.")
    @OptionGroup var selection: CancelSelection
    @OptionGroup var signing: SigningOptions
    func run() async throws { try await selection.send(signing) }
  }

  struct Amend: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Change an order's price and remaining quantity.",
      discussion: "A smaller quantity at the same price keeps its place in the queue.")
    @Argument(help: "The order's id.") var id: UInt64?
    @Option(help: "The order by your own number instead.") var clientId: UInt64?
    @Option(help: "Contracts that shall remain open.") var quantity: QuantityArgument
    @Option(help: "USD for one contract.") var price: MoneyArgument
    @OptionGroup var signing: SigningOptions

    func validate() throws {
      if (id == nil) == (clientId == nil) { throw ValidationError("Give the order's id or --client-id.") }
    }

    func run() async throws {
      let reference: OrderReference = id.map { .order($0) } ?? .client(clientId ?? 0)
      try await signing.send { _ in
        [.amend(AmendOrder(order: reference, quantity: quantity.value, price: price.value))]
      }
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the open orders of an account, and its triggers.")
    @Argument(help: "Name of a key, or 64 hexadecimal digits.") var account: String?
    @Option(help: "The account of this key instead; it is not opened.", completion: .file()) var key: String?
    @Option(help: "Of this instrument only.") var instrument: String?
    @OptionGroup var query: QueryOptions

    func validate() throws {
      if (account == nil) == (key == nil) { throw ValidationError("Give an account or --key.") }
    }

    func run() async throws {
      var name = account ?? ""
      if let key { name = try KeyLocator(socket: query.socket.socket).load(key).file.publicKey.hex }
      let document = try await query.account(name)
      let orders = (document["orders"]?.array ?? []).filter { instrument == nil || $0.text("instrument") == instrument }
      let triggers = (document["triggers"]?.array ?? []).filter {
        instrument == nil || $0.text("instrument") == instrument
      }
      query.print(
        document.keeping(
          ["account", "height", "stateRoot", "consistency"],
          with: ["orders": .array(orders), "triggers": .array(triggers)])
      ) {
        AccountView.orders(orders, $0) + (triggers.isEmpty ? "" : "\n" + AccountView.triggers(triggers, $0))
      }
    }
  }
}

/// Which orders a cancellation means.
struct CancelSelection: ParsableArguments {
  @Argument(help: "The order's id.") var id: UInt64?
  @Option(help: "The order with your own number.") var clientId: UInt64?
  @Option(help: "All in this instrument.") var instrument: String?
  @Option(help: "All in instruments on this underlying, such as BTC.") var underlying: String?
  @Option(help: "All of one expiry, named by its future, such as BTC-27MAR26.") var expiry: String?
  @Option(help: "All on one side: buy or sell.") var side: OrderCommand.SideArgument?
  @Flag(help: "All that a quote placed.") var quotes = false
  @Flag(help: "All triggers that have not fired.") var triggers = false
  @Flag(help: "All of the account.") var all = false

  func validate() throws {
    let given = [
      id != nil, clientId != nil, instrument != nil, underlying != nil, expiry != nil, side != nil, quotes, triggers,
      all,
    ].count { $0 }
    if given != 1 {
      throw ValidationError(
        "Give one of: an order id, --client-id, --instrument, --underlying, --expiry, --side, --quotes, --triggers, --all."
      )
    }
  }

  func send(_ signing: SigningOptions) async throws {
    try await signing.send { terms in [.cancel(try selector(terms))] }
  }

  private func selector(_ terms: NetworkTerms) throws -> CancelSelector {
    if let id { return .order(id) }
    if let clientId { return .client(clientId) }
    if let instrument { return .instrument(try terms.instrument(instrument)) }
    if let underlying { return .underlying(try terms.underlying(underlying)) }
    if let expiry {
      let future = try terms.instrument(expiry)
      return .expiry(future.underlying, future.expiry)
    }
    if let side { return .side(side == .buy ? .buy : .sell) }
    return quotes ? .quotes : triggers ? .triggers : .all
  }
}
