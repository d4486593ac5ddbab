// Actions as people and programs write them: the JSON that `novation submit` signs.

public import Clearing
import Primitives
import Wire

/// `{"clientId": 7, "mode": "allOrNothing", "actions": [{"type": "place", ...}, ...]}`. Every key is checked: an unknown
/// one is refused, since a misspelt "postOnly" would otherwise cost money.
public struct ActionDocument: Sendable {
  public var clientID: UInt64?
  public var mode: TransactionMode
  public var actions: [Action]

  public init(_ document: JSONValue, terms: NetworkTerms) throws(CommandFailure) {
    let fields = try JSONFields(document, at: "document", allowed: ["clientId", "mode", "actions"])
    clientID = try fields.optionalNumber("clientId")
    switch try fields.optionalText("mode") ?? "allOrNothing" {
    case "allOrNothing": mode = .allOrNothing
    case "bestEffort": mode = .bestEffort
    default: throw fields.refusal("mode", "expected allOrNothing or bestEffort")
    }
    guard let list = document["actions"]?.array, (1...Limits.maxActions).contains(list.count) else {
      throw fields.refusal("actions", "expected a list of 1 to \(Limits.maxActions) actions")
    }
    actions = []
    for (index, entry) in list.enumerated() {
      actions.append(try Self.action(entry, at: "actions[\(index)]", terms))
    }
  }

  private static func action(
    _ entry: JSONValue, at place: String, _ terms: NetworkTerms
  ) throws(CommandFailure) -> Action {
    switch entry["type"]?.string {
    case "place": return .place(try order(entry, at: place, terms))
    case "cancel": return .cancel(try selector(entry, at: place, terms))
    case "amend":
      let fields = try JSONFields(entry, at: place, allowed: ["type", "order", "clientId", "quantity", "price"])
      return .amend(
        AmendOrder(
          order: try reference(fields), quantity: try fields.quantity("quantity"), price: try fields.money("price")))
    case "transfer":
      let fields = try JSONFields(entry, at: place, allowed: ["type", "to", "amount"])
      guard let to = AccountID(hex: try fields.text("to")) else {
        throw fields.refusal("to", "expected an account of 64 hexadecimal digits")
      }
      return .transfer(to: to, amount: try fields.money("amount"))
    case "withdraw":
      let fields = try JSONFields(entry, at: place, allowed: ["type", "amount", "destination"])
      let destination = Array(try fields.text("destination").utf8)
      guard (1...Limits.maxDestination).contains(destination.count) else {
        throw fields.refusal("destination", "expected 1 to \(Limits.maxDestination) bytes")
      }
      return .withdraw(amount: try fields.money("amount"), destination: destination)
    case "quote", "protect", "lease": return try making(entry, at: place, terms)
    case "delegate", "revoke": return try delegation(entry, at: place, terms)
    case "bid", "backstop", "fund": return try protection(entry, at: place)
    case "setState": return try setState(entry, at: place, terms)
    case "createCombo": return .createCombo(try legs(entry, at: place, terms))
    case "negotiate": return .negotiate(try uses(entry, at: place))
    case "trigger": return .trigger(try trigger(entry, at: place, terms))
    case "link": return .linked(try linked(entry, at: place, terms))
    case "openSubAccount", "transferPositions", "acceptPositions": return try account(entry, at: place, terms)
    default:
      throw CommandFailure(
        .failed,
        "\(place).type: expected place, cancel, amend, quote, protect, lease, transfer, withdraw, bid, backstop, fund, createCombo, negotiate, delegate, revoke, setState, trigger, link, openSubAccount, transferPositions or acceptPositions"
      )
    }
  }

  /// What market makers send.
  private static func making(
    _ entry: JSONValue, at place: String, _ terms: NetworkTerms
  ) throws(CommandFailure) -> Action {
    switch entry["type"]?.string {
    case "quote":
      _ = try JSONFields(entry, at: place, allowed: ["type", "quotes"])
      guard let list = entry["quotes"]?.array, (1...Limits.maxQuotes).contains(list.count) else {
        throw CommandFailure(.failed, "\(place).quotes: expected a list of 1 to \(Limits.maxQuotes) quotes")
      }
      var quotes: [Quote] = []
      for (index, quote) in list.enumerated() {
        quotes.append(try self.quote(quote, at: "\(place).quotes[\(index)]", terms))
      }
      return .quote(quotes)
    case "protect":
      let fields = try JSONFields(
        entry, at: place, allowed: ["type", "underlying", "window", "quantity", "delta", "trades", "freeze"])
      guard let trades = UInt32(exactly: try fields.optionalNumber("trades") ?? 0) else {
        throw fields.refusal("trades", "too large")
      }
      return .protect(
        Protection(
          underlying: try terms.underlying(try fields.text("underlying")), window: try fields.span("window") ?? 0,
          quantity: try fields.optionalQuantity("quantity"), delta: try fields.optionalQuantity("delta"),
          trades: trades, freeze: try fields.span("freeze") ?? 0))
    default:
      let fields = try JSONFields(entry, at: place, allowed: ["type", "span"])
      guard let span = try fields.span("span") else { throw fields.refusal("span", "missing") }
      return .lease(span: span)
    }
  }

  /// A side without price and quantity has no quote.
  private static func quote(
    _ entry: JSONValue, at place: String, _ terms: NetworkTerms
  ) throws(CommandFailure) -> Quote {
    let fields = try JSONFields(
      entry, at: place, allowed: ["instrument", "bidPrice", "bidQuantity", "askPrice", "askQuantity"])
    let bid = try fields.optionalText("bidPrice") != nil
    let ask = try fields.optionalText("askPrice") != nil
    return Quote(
      instrument: try terms.instrument(try fields.text("instrument")),
      bidPrice: bid ? try fields.money("bidPrice") : 0, bidQuantity: bid ? try fields.quantity("bidQuantity") : 0,
      askPrice: ask ? try fields.money("askPrice") : 0, askQuantity: ask ? try fields.quantity("askQuantity") : 0)
  }

  /// `{"legs": [{"instrument": ..., "ratio": "-2"}, ...]}`; the engine wants them in the order of its instruments.
  private static func legs(
    _ entry: JSONValue, at place: String, _ terms: NetworkTerms
  ) throws(CommandFailure) -> [ComboLeg] {
    _ = try JSONFields(entry, at: place, allowed: ["type", "legs"])
    guard let list = entry["legs"]?.array, (2...Limits.maxComboLegs).contains(list.count) else {
      throw CommandFailure(.failed, "\(place).legs: expected a list of 2 to \(Limits.maxComboLegs) legs")
    }
    var legs: [ComboLeg] = []
    for (index, leg) in list.enumerated() {
      let fields = try JSONFields(leg, at: "\(place).legs[\(index)]", allowed: ["instrument", "ratio"])
      guard let ratio = Int64(try fields.text("ratio")) else {
        throw fields.refusal("ratio", "expected a whole number as text, such as \"-1\"")
      }
      legs.append(ComboLeg(instrument: try terms.instrument(try fields.text("instrument")), ratio: ratio))
    }
    return ComboLeg.sorted(legs)
  }

  /// Firm quotes by their canonical bytes, as their makers gave them away.
  private static func uses(_ entry: JSONValue, at place: String) throws(CommandFailure) -> [QuoteUse] {
    _ = try JSONFields(entry, at: place, allowed: ["type", "quotes"])
    guard let list = entry["quotes"]?.array, (1...Limits.maxFirmQuotes).contains(list.count) else {
      throw CommandFailure(.failed, "\(place).quotes: expected a list of 1 to \(Limits.maxFirmQuotes) firm quotes")
    }
    var uses: [QuoteUse] = []
    for (index, use) in list.enumerated() {
      let fields = try JSONFields(use, at: "\(place).quotes[\(index)]", allowed: ["bytes", "quantity"])
      guard let bytes = Hex.decode(try fields.text("bytes")),
        let quote = try? WireReader.decode(FirmQuote.self, from: bytes)
      else { throw fields.refusal("bytes", "expected the bytes of a firm quote in hexadecimal digits") }
      uses.append(QuoteUse(quote: quote, quantity: try fields.quantity("quantity")))
    }
    return uses
  }

  /// `{"type": "delegate", "key": ..., "scope": ["trade"], "until": 12345, "underlyings": ["BTC"], "orderNotional": "5000"}`
  private static func delegation(
    _ entry: JSONValue, at place: String, _ terms: NetworkTerms
  ) throws(CommandFailure) -> Action {
    let isRevoked = entry["type"] == .string("revoke")
    let fields = try JSONFields(
      entry, at: place,
      allowed: isRevoked ? ["type", "key"] : ["type", "key", "scope", "until", "underlyings", "orderNotional"])
    guard let key = PublicKey(hex: try fields.text("key")) else {
      throw fields.refusal("key", "expected a public key of 64 hexadecimal digits")
    }
    if isRevoked { return .revoke(key) }
    var scope: DelegationScope = []
    for name in try fields.texts("scope") {
      guard let one = DelegationScope.names.first(where: { $0.name == name })?.scope else {
        throw fields.refusal("scope", "expected \(DelegationScope.names.map(\.name).joined(separator: ", "))")
      }
      scope.formUnion(one)
    }
    guard let until = try fields.optionalNumber("until") else { throw fields.refusal("until", "missing: a height") }
    var underlyings: Set<UnderlyingID> = []
    if entry["underlyings"] != nil {
      for symbol in try fields.texts("underlyings") { underlyings.insert(try terms.underlying(symbol)) }
    }
    let notional = try fields.optionalText("orderNotional") == nil ? 0 : try fields.money("orderNotional")
    return .delegate(
      Delegation(
        key: key, scope: scope, until: until, underlyings: underlyings.sorted(), orderNotional: notional))
  }

  /// For the listing authority.
  private static func setState(
    _ entry: JSONValue, at place: String, _ terms: NetworkTerms
  ) throws(CommandFailure) -> Action {
    let fields = try JSONFields(entry, at: place, allowed: ["type", "instrument", "state"])
    guard let state = InstrumentState(name: try fields.text("state")) else {
      throw fields.refusal("state", "expected one of \(InstrumentState.names.joined(separator: ", "))")
    }
    return .setState(try terms.instrument(try fields.text("instrument")), state)
  }

  /// What others do for the market when an account is in liquidation.
  private static func protection(_ entry: JSONValue, at place: String) throws(CommandFailure) -> Action {
    guard entry["type"] == .string("bid") else {
      let fields = try JSONFields(entry, at: place, allowed: ["type", "amount"])
      let amount = try fields.money("amount")
      return entry["type"] == .string("fund") ? .fund(amount: amount) : .backstop(limit: amount)
    }
    let fields = try JSONFields(entry, at: place, allowed: ["type", "account", "sharePpm", "leastReward"])
    guard let account = AccountID(hex: try fields.text("account")) else {
      throw fields.refusal("account", "expected an account of 64 hexadecimal digits")
    }
    guard let share = try fields.optionalNumber("sharePpm"), (1...1_000_000).contains(share) else {
      throw fields.refusal("sharePpm", "expected 1 to 1000000")
    }
    let least = try fields.optionalText("leastReward") == nil ? 0 : try fields.money("leastReward")
    return .bid(LiquidationBid(account: account, share: Int64(share), leastReward: least))
  }

  static func order(
    _ entry: JSONValue, at place: String, _ terms: NetworkTerms
  ) throws(CommandFailure) -> PlaceOrder {
    let fields = try JSONFields(
      entry, at: place,
      allowed: [
        "type", "instrument", "side", "quantity", "price", "timeInForce", "goodTill", "postOnly", "reduceOnly",
        "selfTrade", "clientId", "display",
      ])
    guard let side = Side(name: try fields.text("side")) else { throw fields.refusal("side", "expected buy or sell") }
    guard let force = TimeInForce(name: try fields.optionalText("timeInForce") ?? "gtc") else {
      throw fields.refusal("timeInForce", "expected gtc, ioc, fok, gtt or auctionOnly")
    }
    var goodTill: Timestamp = 0
    if let text = try fields.optionalText("goodTill") {
      guard force == .gtt, let time = ISO8601.parse(text) else {
        throw fields.refusal("goodTill", "expected an ISO 8601 time, with timeInForce gtt")
      }
      goodTill = time
    } else if force == .gtt {
      throw fields.refusal("goodTill", "missing, and timeInForce is gtt")
    }
    guard let selfTrade = SelfTradePrevention(name: try fields.optionalText("selfTrade") ?? "cancelMaker") else {
      throw fields.refusal("selfTrade", "expected cancelMaker, cancelTaker, cancelBoth or decrement")
    }
    return PlaceOrder(
      instrument: try terms.instrument(try fields.text("instrument")), side: side,
      quantity: try fields.quantity("quantity"), price: try fields.money("price"), timeInForce: force,
      goodTill: goodTill, postOnly: try fields.flag("postOnly"), reduceOnly: try fields.flag("reduceOnly"),
      selfTrade: selfTrade, clientID: try fields.optionalNumber("clientId"),
      display: try fields.optionalQuantity("display"))
  }

  private static func selector(
    _ entry: JSONValue, at place: String, _ terms: NetworkTerms
  ) throws(CommandFailure) -> CancelSelector {
    let fields = try JSONFields(
      entry, at: place,
      allowed: ["type", "order", "clientId", "instrument", "underlying", "expiry", "side", "quotes", "triggers", "all"])
    guard entry.object?.count == 2 else {
      throw CommandFailure(
        .failed,
        "\(place): expected one of order, clientId, instrument, underlying, expiry, side, quotes, triggers, all")
    }
    if entry["all"] == .bool(true) { return .all }
    if entry["quotes"] == .bool(true) { return .quotes }
    if entry["triggers"] == .bool(true) { return .triggers }
    if let name = try fields.optionalText("expiry") {
      let future = try terms.instrument(name)
      return .expiry(future.underlying, future.expiry)
    }
    if let name = try fields.optionalText("side") {
      guard let side = Side(name: name) else { throw fields.refusal("side", "expected buy or sell") }
      return .side(side)
    }
    if let name = try fields.optionalText("instrument") { return .instrument(try terms.instrument(name)) }
    if let symbol = try fields.optionalText("underlying") { return .underlying(try terms.underlying(symbol)) }
    switch try reference(fields) {
    case .order(let id): return .order(id)
    case .client(let id): return .client(id)
    }
  }

  private static func reference(_ fields: JSONFields) throws(CommandFailure) -> OrderReference {
    if let id = try fields.optionalNumber("order") { return .order(id) }
    if let id = try fields.optionalNumber("clientId") { return .client(id) }
    throw fields.refusal("order", "missing; give order or clientId")
  }
}

extension Side {
  public init?(name: String) {
    switch name {
    case "buy": self = .buy
    case "sell": self = .sell
    default: return nil
    }
  }
}

extension SelfTradePrevention {
  public init?(name: String) {
    switch name {
    case "cancelMaker": self = .cancelMaker
    case "cancelTaker": self = .cancelTaker
    case "cancelBoth": self = .cancelBoth
    case "decrement": self = .decrement
    default: return nil
    }
  }
}

extension TimeInForce {
  public init?(name: String) {
    switch name {
    case "gtc": self = .gtc
    case "ioc": self = .ioc
    case "fok": self = .fok
    case "gtt": self = .gtt
    case "auctionOnly": self = .auctionOnly
    default: return nil
    }
  }
}

extension InstrumentState {
  /// The states that the listing authority can set.
  public static let names = ["open", "pending", "auction", "postOnly", "reduceOnly", "cancelOnly", "halted"]

  public init?(name: String) {
    switch name {
    case "open": self = .open
    case "pending": self = .pending
    case "auction": self = .auction
    case "postOnly": self = .postOnly
    case "reduceOnly": self = .reduceOnly
    case "cancelOnly": self = .cancelOnly
    case "halted": self = .halted
    default: return nil
    }
  }
}

extension ComboLeg {
  /// As the engine names them: ascending, with the first one bought. A combo with the opposite signs is the same one
  /// seen from the other side.
  public static func sorted(_ legs: [ComboLeg]) -> [ComboLeg] {
    let legs = legs.sorted { $0.instrument < $1.instrument }
    guard let first = legs.first, first.ratio < 0 else { return legs }
    return legs.map { ComboLeg(instrument: $0.instrument, ratio: $0.ratio == .min ? .max : -$0.ratio) }
  }
}

/// The members of one object, with refusals that say where.
struct JSONFields {
  let members: [String: JSONValue]
  let place: String

  init(_ value: JSONValue, at place: String, allowed: [String]) throws(CommandFailure) {
    guard let members = value.object else { throw CommandFailure(.failed, "\(place): expected an object") }
    self.members = members
    self.place = place
    if let unknown = members.keys.sorted().first(where: { !allowed.contains($0) }) {
      throw CommandFailure(
        .failed, "\(place).\(printable(unknown)): unknown key", hint: "there are \(allowed.joined(separator: ", "))")
    }
  }

  func refusal(_ name: String, _ message: String) -> CommandFailure {
    CommandFailure(.failed, "\(place).\(name): \(message)")
  }

  func optionalText(_ name: String) throws(CommandFailure) -> String? {
    guard let value = members[name], value != .null else { return nil }
    guard let text = value.string else { throw refusal(name, "expected a string") }
    return text
  }

  func text(_ name: String) throws(CommandFailure) -> String {
    guard let text = try optionalText(name) else { throw refusal(name, "missing") }
    return text
  }

  func texts(_ name: String) throws(CommandFailure) -> [String] {
    guard let list = members[name]?.array else { throw refusal(name, "expected a list of strings") }
    var texts: [String] = []
    for value in list {
      guard let text = value.string else { throw refusal(name, "expected a list of strings") }
      texts.append(text)
    }
    return texts
  }

  /// A whole number, as a number or a string.
  func optionalNumber(_ name: String) throws(CommandFailure) -> UInt64? {
    guard let value = members[name], value != .null else { return nil }
    let number: UInt64? =
      switch value {
      case .integer(let value): UInt64(exactly: value)
      case .unsigned(let value): value
      case .string(let text): UInt64(text)
      default: nil
      }
    guard let number else { throw refusal(name, "expected a whole number that is not negative") }
    return number
  }

  func flag(_ name: String) throws(CommandFailure) -> Bool {
    guard let value = members[name] else { return false }
    guard let flag = value.bool else { throw refusal(name, "expected true or false") }
    return flag
  }

  func money(_ name: String) throws(CommandFailure) -> Amount {
    guard let value = Decimal.parse(try text(name), scale: Decimal.moneyScale) else {
      throw refusal(name, "expected a decimal string with at most 6 decimals")
    }
    return value
  }

  /// 0 if it is missing.
  func optionalQuantity(_ name: String) throws(CommandFailure) -> Quantity {
    try optionalText(name) == nil ? 0 : try quantity(name)
  }

  func span(_ name: String) throws(CommandFailure) -> Timestamp? {
    guard let text = try optionalText(name) else { return nil }
    guard text != "0" else { return 0 }
    guard let span = TimeSpan.parse(text) else { throw refusal(name, "expected a span such as 30s or 5m") }
    return span
  }

  func quantity(_ name: String) throws(CommandFailure) -> Quantity {
    guard let value = Decimal.parse(try text(name), scale: Decimal.quantityScale) else {
      throw refusal(name, "expected a decimal string with at most 3 decimals")
    }
    return value
  }
}
