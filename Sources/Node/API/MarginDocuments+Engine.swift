// Between the documents of margin and Greeks and the engine's values.

import Clearing
import Pricing
import Primitives

extension WhatIf {
  /// Every decimal and name is checked here, every quantity and price by the engine.
  init(_ document: WhatIfDocument, underlyings: [UnderlyingTerms]) throws(APIError) {
    self.init()
    let items = (document.positions?.count ?? 0) + (document.orders?.count ?? 0)
    guard items <= Self.itemsMax, (document.moves?.count ?? 0) <= underlyings.count else {
      throw Self.tooMany
    }
    cash = try Self.decimal(document.cash, "cash", Decimal.moneyScale) ?? 0
    for entry in document.positions ?? [] {
      trades.append(
        Trade(
          instrument: try Self.instrument(entry.instrument, underlyings),
          lots: try Self.decimal(entry.quantity, "quantity", Decimal.quantityScale) ?? 0,
          price: try Self.decimal(entry.price, "price", Decimal.moneyScale)))
    }
    for entry in document.orders ?? [] {
      guard entry.side == "buy" || entry.side == "sell" else {
        throw .malformed("side \"\(entry.side.prefix(16))\" is neither buy nor sell", hint: Self.hint)
      }
      orders.append(
        Order(
          instrument: try Self.instrument(entry.instrument, underlyings), side: entry.side == "buy" ? .buy : .sell,
          lots: try Self.decimal(entry.quantity, "quantity", Decimal.quantityScale) ?? 0,
          price: try Self.decimal(entry.price, "price", Decimal.moneyScale) ?? 0))
    }
    for entry in document.moves ?? [] { moves.append(try Self.move(entry, underlyings)) }
  }

  private static func move(_ entry: WhatIfDocument.Move, _ underlyings: [UnderlyingTerms]) throws(APIError) -> Move {
    guard let place = underlyings.firstIndex(where: { $0.symbol == entry.underlying }) else {
      throw .malformed("underlying \"\(entry.underlying.prefix(16))\" is not listed", hint: Self.hint)
    }
    let days = try decimal(entry.days, "days", 9) ?? 0
    return Move(
      underlying: UnderlyingID(truncatingIfNeeded: place), spot: try decimal(entry.spot, "spot", 6) ?? 0,
      volatility: try decimal(entry.volatility, "volatility", 6) ?? 0,
      time: days.multiplied(by: Duration64.day / 1_000_000_000) ?? .max)
  }

  private static func instrument(_ name: String, _ underlyings: [UnderlyingTerms]) throws(APIError) -> InstrumentID {
    guard let id = InstrumentName.parse(name, underlyings: underlyings) else {
      throw .malformed("\"\(name.prefix(80))\" names no instrument", hint: Self.hint)
    }
    return id
  }

  private static func decimal(_ text: String?, _ name: String, _ scale: Int) throws(APIError) -> Int64? {
    guard let text else { return nil }
    guard let value = Decimal.parse(text, scale: scale) else {
      throw .malformed("\(name) \"\(text.prefix(40))\" is no decimal with at most \(scale) places", hint: Self.hint)
    }
    return value
  }

  static let hint = "See WhatIf in docs/openapi.yaml."
  static let tooMany = APIError.malformed(
    "more than \(itemsMax) positions and orders, or two moves of one underlying", hint: "Ask about fewer at a time.")
}

extension APIError {
  init(_ fault: WhatIfFault, account: String, underlyings: [UnderlyingTerms]) {
    func name(_ id: InstrumentID) -> String { InstrumentName.format(id, underlyings: underlyings) }
    switch fault {
    case .noAccount: self = .notFound("there is no account \(account)")
    case .tooManyItems: self = WhatIf.tooMany
    case .noInstrument(let id):
      self = .malformed("\(name(id)) is not listed, has expired, or is a combo, which nobody holds", hint: WhatIf.hint)
    case .noPrice(let id): self = .malformed("\(name(id)) has no price yet", hint: "Ask again in a second.")
    case .badQuantity(let id):
      self = .malformed("the quantity of \(name(id)) is zero or beyond what an account may have", hint: WhatIf.hint)
    case .badPrice(let id):
      self = .malformed("the price of \(name(id)) is out of range or no multiple of 0.001", hint: WhatIf.hint)
    case .badCash: self = .malformed("cash is beyond what an account may have", hint: WhatIf.hint)
    case .badMove:
      self = .malformed(
        "a move is out of range: spot from -0.99 to 9, volatility at most 5, days from 0 to 365", hint: WhatIf.hint)
    }
  }
}

extension MarginDocument {
  init(_ view: MarginView) {
    self.init(
      mode: view.mode.rawValue, equity: money(view.equity), initial: money(view.initial),
      maintenance: money(view.maintenance), excess: money(view.excess))
  }
}

extension MarginAnswerDocument {
  init(_ view: WhatIfView, at point: ReadPoint, underlyings: [UnderlyingTerms]) {
    self.init(
      account: view.after.account.hex, before: MarginDocument(view.before.margin),
      after: MarginDocument(view.after.margin), covered: view.after.margin.excess >= 0,
      balances: ["USD": money(view.after.cash)],
      positions: view.after.positions.map { PositionDocument($0, underlyings: underlyings) }, fees: money(view.fees),
      height: point.height, stateRoot: point.stateRoot, consistency: point.consistency)
  }
}

extension PositionDocument {
  init(_ view: PositionView, underlyings: [UnderlyingTerms]) {
    self.init(
      instrument: InstrumentName.format(view.instrument, underlyings: underlyings), quantity: lots(view.quantity),
      averagePrice: money(view.averagePrice), markPrice: view.markPrice.map(money) ?? "")
  }
}

extension GreeksDocument {
  init(_ greeks: InstrumentGreeks, quantity: Quantity? = nil, underlyings: [UnderlyingTerms]) {
    typealias Scale = TheoreticalPrice
    let values = greeks.values
    self.init(
      instrument: InstrumentName.format(greeks.instrument, underlyings: underlyings), quantity: quantity.map(lots),
      price: Decimal.format(values.price, scale: Scale.priceScale), forward: money(greeks.forward),
      volatility: Decimal.format(greeks.volatility, scale: 9),
      days: Decimal.format(greeks.remaining / (Duration64.day / 1_000_000), scale: 6),
      delta: Decimal.format(values.delta, scale: Scale.deltaScale),
      gamma: Decimal.format(values.gamma, scale: Scale.gammaScale),
      vega: Decimal.format(values.vega, scale: Scale.vegaScale),
      theta: Decimal.format(values.thetaPerYear, scale: Scale.thetaPerYearScale),
      vegaPerPoint: Decimal.format(values.vegaPerPoint, scale: Scale.vegaScale),
      thetaPerDay: Decimal.format(values.thetaPerDay, scale: Scale.thetaPerDayScale))
  }
}

extension AccountGreeksDocument.Total {
  init(_ total: PortfolioGreeks, underlyings: [UnderlyingTerms]) {
    typealias Scale = TheoreticalPrice
    self.init(
      underlying: Int(total.underlying) < underlyings.count ? underlyings[Int(total.underlying)].symbol : "?",
      delta: Decimal.format(total.delta, scale: Scale.deltaScale), deltaValue: money(total.deltaValue),
      gamma: Decimal.format(total.gamma, scale: Scale.gammaScale),
      vegaPerPoint: Decimal.format(total.vegaPerPoint, scale: Scale.vegaScale),
      thetaPerDay: Decimal.format(total.thetaPerDay, scale: Scale.thetaPerDayScale))
  }
}
