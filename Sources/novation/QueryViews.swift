// Answers of the API as people read them.

import Node

private func money(_ document: JSONValue, _ key: String) -> TextTable.Cell {
  TextTable.Cell(HumanText.decimal(document.text(key)))
}

private func plain(_ document: JSONValue, _ key: String) -> TextTable.Cell { TextTable.Cell(document.text(key)) }

/// Buy and sell, gain and loss.
private func sided(_ text: String) -> TextTable.Cell {
  switch text {
  case "buy": TextTable.Cell(text, .green)
  case "sell": TextTable.Cell(text, .red)
  default: TextTable.Cell(text)
  }
}

enum AccountView {
  static func render(_ account: JSONValue, _ style: Style) -> String {
    var facts = Facts()
    facts.add("account", account["account"]?.string)
    if let owner = account["owner"]?.string {
      facts.add("sub-account", "\(account.text("subAccount")) of \(owner)")
    }
    let own = (account["subAccounts"]?.array ?? []).map { $0.text("number") }
    if !own.isEmpty { facts.add("sub-accounts", own.joined(separator: " ")) }
    for (currency, amount) in (account["balances"]?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
      facts.add("balance", "\(HumanText.decimal(amount.scalarText ?? "")) \(currency)")
    }
    if let margin = account["margin"] {
      facts.add("margin mode", margin["mode"]?.string)
      for name in ["equity", "initial", "maintenance"] { facts.add(name, money(margin, name)) }
      let excess = HumanText.decimal(margin.text("excess"))
      facts.add("excess", TextTable.Cell(excess, excess.hasPrefix("-") ? .red : nil))
    }
    var text = facts.render(style: style)
    if let list = account["positions"]?.array, !list.isEmpty { text += "\n" + positions(list, style) }
    if let list = account["orders"]?.array, !list.isEmpty { text += "\n" + orders(list, style) }
    if let list = account["triggers"]?.array, !list.isEmpty { text += "\n" + triggers(list, style) }
    if let list = account["delegations"]?.array, !list.isEmpty { text += "\n" + delegations(list, style) }
    if let list = account["acceptances"]?.array, !list.isEmpty { text += "\n" + acceptances(list, style) }
    return text
  }

  static func acceptances(_ acceptances: [JSONValue], _ style: Style) -> String {
    var table = TextTable([.init("WAITS FOR"), .init("FROM"), .init("CASH", .decimal), .init("UNTIL")])
    for acceptance in acceptances {
      let positions = (acceptance["positions"]?.array ?? []).map { "\($0.text("quantity")) \($0.text("instrument"))" }
      table.add([
        TextTable.Cell(positions.joined(separator: ", ")), plain(acceptance, "from"), money(acceptance, "cash"),
        plain(acceptance, "until"),
      ])
    }
    return table.render(style: style)
  }

  static func delegations(_ delegations: [JSONValue], _ style: Style) -> String {
    var table = TextTable([
      .init("DELEGATED TO"), .init("MAY"), .init("UNTIL HEIGHT", .right), .init("TRADES"),
      .init("ORDER UP TO", .decimal),
    ])
    for delegation in delegations {
      func list(_ name: String) -> String {
        (delegation[name]?.array ?? []).compactMap(\.string).joined(separator: ", ")
      }
      let traded = list("underlyings")
      table.add([
        plain(delegation, "key"), TextTable.Cell(list("scope")), plain(delegation, "until"),
        TextTable.Cell(traded.isEmpty ? "all" : traded), money(delegation, "orderNotional"),
      ])
    }
    return table.render(style: style)
  }

  static func positions(_ positions: [JSONValue], _ style: Style) -> String {
    guard !positions.isEmpty else { return "no positions\n" }
    var table = TextTable([
      .init("POSITION"), .init("QUANTITY", .decimal), .init("AVERAGE", .decimal), .init("MARK", .decimal),
    ])
    for position in positions {
      table.add([
        plain(position, "instrument"), money(position, "quantity"), money(position, "averagePrice"),
        money(position, "markPrice"),
      ])
    }
    return table.render(style: style)
  }

  static func orders(_ orders: [JSONValue], _ style: Style) -> String {
    guard !orders.isEmpty else { return "no open orders\n" }
    var table = TextTable([
      .init("ORDER"), .init("INSTRUMENT"), .init("SIDE"), .init("PRICE", .decimal), .init("REMAINING", .decimal),
      .init("FILLED", .decimal), .init("UNTIL"), .init("CLIENT ID"),
    ])
    for order in orders {
      table.add([
        plain(order, "id"), plain(order, "instrument"), sided(order.text("side")), money(order, "price"),
        money(order, "remaining"), money(order, "filled"), plain(order, "timeInForce"), plain(order, "clientId"),
      ])
    }
    return table.render(style: style)
  }
}

extension AccountView {
  static func triggers(_ triggers: [JSONValue], _ style: Style) -> String {
    var table = TextTable([
      .init("TRIGGER"), .init("INSTRUMENT"), .init("WHEN"), .init("LEVEL", .decimal), .init("SIDE"),
      .init("PRICE", .decimal), .init("QUANTITY", .decimal), .init("LINKED TO"),
    ])
    for trigger in triggers {
      let when = "\(trigger.text("source")) \(trigger.text("when") == "atOrAbove" ? ">=" : "<=")"
      let links = ["parent", "partner"].compactMap { trigger[$0]?.string }.joined(separator: ", ")
      table.add([
        plain(trigger, "id"), plain(trigger, "instrument"), TextTable.Cell(when), money(trigger, "level"),
        sided(trigger.text("side")), money(trigger, "price"), money(trigger, "quantity"), TextTable.Cell(links),
      ])
    }
    return table.render(style: style)
  }
}

enum MarketView {
  /// Bids left, asks right, best first.
  static func book(_ book: JSONValue, _ style: Style) -> String {
    var table = TextTable([
      .init("BID QUANTITY", .decimal), .init("BID", .decimal), .init("ASK", .decimal), .init("ASK QUANTITY", .decimal),
    ])
    let bids = book["bids"]?.array ?? []
    let asks = book["asks"]?.array ?? []
    for row in 0..<max(bids.count, asks.count) {
      let bid = row < bids.count ? bids[row] : .null
      let ask = row < asks.count ? asks[row] : .null
      table.add([
        money(bid, "quantity"), TextTable.Cell(HumanText.decimal(bid.text("price")), .green),
        TextTable.Cell(HumanText.decimal(ask.text("price")), .red), money(ask, "quantity"),
      ])
    }
    let body = bids.isEmpty && asks.isEmpty ? "no orders\n" : table.render(style: style)
    return style(.bold, printable(book.text("instrument"))) + "\n" + body
  }

  static func instruments(_ instruments: [JSONValue], _ style: Style) -> String {
    var table = TextTable([
      .init("INSTRUMENT"), .init("STATE"), .init("MARK", .decimal), .init("INDEX", .decimal),
      .init("OPEN INTEREST", .decimal), .init("TICK", .decimal), .init("LOT", .decimal), .init("EXPIRY"),
    ])
    for instrument in instruments {
      let state = instrument.text("state")
      table.add([
        plain(instrument, "name"), TextTable.Cell(state, state == "open" ? .green : .yellow),
        money(instrument, "markPrice"), money(instrument, "index"), money(instrument, "openInterest"),
        money(instrument, "tick"), money(instrument, "lot"), plain(instrument, "expiry"),
      ])
    }
    return table.render(style: style)
  }

  static func combos(_ document: JSONValue, _ style: Style) -> String {
    let combos = document["combos"]?.array ?? []
    guard !combos.isEmpty else { return "no combos\n" }
    var table = TextTable([
      .init("COMBO"), .init("LEGS"), .init("MARK", .decimal), .init("BID", .decimal), .init("ASK", .decimal),
      .init("IMPLIED BID", .decimal), .init("IMPLIED ASK", .decimal),
    ])
    for combo in combos {
      let legs = (combo["legs"]?.array ?? []).map { "\($0["ratio"]?.integer ?? 0) \($0.text("instrument"))" }
      table.add([
        plain(combo, "name"), TextTable.Cell(legs.joined(separator: ", ")), money(combo, "markPrice"),
        money(combo, "bestBid"), money(combo, "bestAsk"), money(combo, "impliedBid"), money(combo, "impliedAsk"),
      ])
    }
    return table.render(style: style)
  }

  static func trades(_ document: JSONValue, _ style: Style) -> String {
    let trades = document["trades"]?.array ?? []
    guard !trades.isEmpty else { return "no trades\n" }
    var table = TextTable([
      .init("TIME"), .init("TAKER"), .init("PRICE", .decimal), .init("QUANTITY", .decimal), .init("HEIGHT", .right),
    ])
    for trade in trades {
      table.add([
        plain(trade, "time"), sided(trade.text("takerSide")), money(trade, "price"), money(trade, "quantity"),
        plain(trade, "height"),
      ])
    }
    return table.render(style: style)
  }

  static func liquidations(_ document: JSONValue, _ style: Style) -> String {
    var facts = Facts()
    let funds = document["funds"] ?? .null
    facts.add("insurance fund", HumanText.decimal(funds.text("insurance")))
    facts.add("house capital", HumanText.decimal(funds.text("houseCapital")))
    facts.add("default fund", HumanText.decimal(funds.text("defaultFund")))
    facts.add("claims", HumanText.decimal(funds.text("claims")))
    let entries = document["liquidations"]?.array ?? []
    guard !entries.isEmpty else { return facts.render(style: style) + "Nobody is in liquidation.\n" }
    var table = TextTable([
      .init("ACCOUNT"), .init("STAGE"), .init("EQUITY", .decimal), .init("MAINTENANCE", .decimal),
      .init("REWARD", .decimal),
    ])
    for entry in entries {
      table.add([
        plain(entry, "account"), plain(entry, "stage"), money(entry, "equity"), money(entry, "maintenance"),
        money(entry, "reward"),
      ])
    }
    return facts.render(style: style) + table.render(style: style)
  }

  static func oracle(_ oracle: JSONValue, _ style: Style) -> String {
    var text = ""
    for underlying in oracle["underlyings"]?.array ?? [] {
      let index = HumanText.decimal(underlying.text("index"))
      text += style(.bold, printable(underlying.text("name"))) + "  \(printable(index.isEmpty ? "no price" : index))"
      text += style(.dim, "  round \(underlying.text("round"))  \(printable(underlying.text("time")))") + "\n"
      text += expiries(underlying["expiries"]?.array ?? [], style) + "\n"
    }
    return text
  }

  private static func expiries(_ expiries: [JSONValue], _ style: Style) -> String {
    guard !expiries.isEmpty else { return "" }
    var table = TextTable([.init("EXPIRY"), .init("FORWARD", .decimal), .init("MIDDLE VOLATILITY", .decimal)])
    for expiry in expiries {
      let volatilities = expiry["volatilities"]?.array ?? []
      let middle = volatilities.isEmpty ? "" : volatilities[volatilities.count / 2].scalarText ?? ""
      table.add([plain(expiry, "expiry"), money(expiry, "forward"), TextTable.Cell(HumanText.decimal(middle))])
    }
    return table.render(style: style)
  }
}

enum ChainView {
  static func block(_ block: JSONValue, _ style: Style) -> String {
    var facts = Facts()
    for (name, key) in [
      ("height", "height"), ("hash", "hash"), ("parent", "parent"), ("state root", "stateRoot"), ("time", "timestamp"),
      ("view", "view"), ("leader", "leader"),
    ] { facts.add(name, block[key]?.scalarText) }
    let transactions = block["transactions"]?.array ?? []
    facts.add("transactions", "\(transactions.count)")
    return facts.render(style: style) + transactions.map { "  \(printable($0.scalarText ?? ""))\n" }.joined()
  }

  static func certificate(_ certificate: JSONValue, _ style: Style) -> String {
    var facts = Facts()
    for (name, key) in [
      ("height", "height"), ("state root", "stateRoot"), ("header hash", "headerHash"), ("chain", "chainId"),
      ("group key", "groupKey"), ("signature", "signature"), ("message", "message"),
    ] { facts.add(name, certificate[key]?.scalarText) }
    let votes = certificate["votes"]?.array ?? []
    guard !votes.isEmpty else { return facts.render(style: style) }
    var table = TextTable([.init("VALIDATOR", .right), .init("KEY"), .init("SIGNATURE")])
    for vote in votes {
      table.add([
        plain(vote, "validator"), plain(vote, "publicKey"), TextTable.Cell(HumanText.short(vote.text("signature"))),
      ])
    }
    return facts.render(style: style) + "\n" + table.render(style: style)
  }
}
