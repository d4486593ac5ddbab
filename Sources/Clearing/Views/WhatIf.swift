// What the margin of an account would be: after trades, with more orders, after a move of the market. By the engine itself, on
// a small copy of the account's part of the state, so that no rule exists twice.

import Ledger
public import Primitives

/// Trades that happen now, orders that come to rest now, then a move of prices.
public struct WhatIf: Hashable, Sendable {
  /// Bought (positive) or sold lots of an instrument.
  public struct Trade: Hashable, Sendable {
    public var instrument: InstrumentID
    public var lots: Quantity
    /// Nil: at the mark.
    public var price: Price?

    public init(instrument: InstrumentID, lots: Quantity, price: Price? = nil) {
      self.instrument = instrument
      self.lots = lots
      self.price = price
    }
  }

  public struct Order: Hashable, Sendable {
    public var instrument: InstrumentID
    public var side: Side
    public var lots: Quantity
    public var price: Price

    public init(instrument: InstrumentID, side: Side, lots: Quantity, price: Price) {
      self.instrument = instrument
      self.side = side
      self.lots = lots
      self.price = price
    }
  }

  /// Of one underlying: index and forwards by a share in 1e-6, volatilities by an amount in 1e-6, time by nanoseconds.
  public struct Move: Hashable, Sendable {
    public var underlying: UnderlyingID
    public var spot: Int64
    public var volatility: Int64
    public var time: Int64

    public init(underlying: UnderlyingID, spot: Int64 = 0, volatility: Int64 = 0, time: Int64 = 0) {
      self.underlying = underlying
      self.spot = spot
      self.volatility = volatility
      self.time = time
    }
  }

  /// Paid in (positive) or out.
  public var cash: Amount = 0
  public var trades: [Trade] = []
  public var orders: [Order] = []
  public var moves: [Move] = []

  public init() {}

  /// Trades and orders together.
  public static let itemsMax = 512
  /// From -99 % to +900 %, up to five whole points of volatility, a year of time.
  public static let spotRange: ClosedRange<Int64> = -990_000...9_000_000
  public static let volatilityMax: Int64 = 5_000_000
  public static let timeMax: Int64 = 365 * Duration64.day
}

/// Why a question has no answer.
public enum WhatIfFault: Error, Hashable, Sendable {
  case noAccount
  case tooManyItems
  /// Not listed, expired, or a combo where a position is meant.
  case noInstrument(InstrumentID)
  /// There is no mark yet.
  case noPrice(InstrumentID)
  case badQuantity(InstrumentID)
  case badPrice(InstrumentID)
  case badCash
  case badMove(UnderlyingID)
}

public struct WhatIfView: Hashable, Sendable {
  public var before: AccountView
  public var after: AccountView
  /// Of the trades, by the taker's rate.
  public var fees: Amount
}

extension ClearingHouse {
  /// Answers from this state, which stays as it is.
  public func whatIf(_ id: AccountID, _ question: WhatIf) throws(WhatIfFault) -> WhatIfView {
    guard question.trades.count + question.orders.count <= WhatIf.itemsMax,
      question.moves.count <= genesis.underlyings.count
    else { throw .tooManyItems }
    guard let number = accountNumber(id), !SystemAccount.isReserved(id) else { throw .noAccount }
    var scratch = part(of: number, for: question)
    guard let before = scratch.account(id), let mine = scratch.accountNumber(id) else { throw .noAccount }
    guard question.cash.magnitude <= Limits.maxTransfer.magnitude, scratch.hasRoom(mine) else { throw .badCash }
    scratch.move(question.cash, from: SystemAccount.external, to: mine)
    var fees: Amount = 0
    for trade in question.trades { fees += try scratch.suppose(trade, of: mine) }
    for order in question.orders { try scratch.suppose(order, of: id) }
    for move in question.moves { try scratch.suppose(move) }
    scratch.refreshMarks()
    guard let after = scratch.account(id) else { throw .noAccount }
    return WhatIfView(before: before, after: after, fees: fees)
  }

  /// The house's accounts and this one, what it holds, and the instruments and prices in question.
  private func part(of number: Int32, for question: WhatIf) -> ClearingHouse {
    var scratch = ClearingHouse(restoring: genesis, chain: chain)
    let id = live.accounts[Int(number)].id
    var totals = totals
    totals.nextAccount = 0
    for account in SystemAccount.allCases.map(\.id) + [id] {
      guard var record = tables.accounts[AccountKey(account)] else { continue }
      record.number = totals.nextAccount
      totals.nextAccount += 1
      scratch.tables.accounts.put(record, for: AccountKey(account))
    }
    scratch.tables.totals.put(totals, for: SingletonKey())
    let held = live.accounts[Int(number)].holdings.map { live.holdings[Int($0)] }
    var instruments = Set(held.map { live.instruments[Int($0.instrument)].id })
    instruments.formUnion(question.trades.map(\.instrument) + question.orders.map(\.instrument))
    for instrument in instruments.sorted() { scratch.take(instrument, from: tables) }
    for holding in held {
      let key = PositionKey(id, live.instruments[Int(holding.instrument)].id)
      if let record = tables.positions[key] { scratch.tables.positions.put(record, for: key) }
      for order in holding.orders {
        if let record = tables.orders[OrderKey(order)] { scratch.tables.orders.put(record, for: OrderKey(order)) }
      }
    }
    scratch.rebuildIndices()
    return scratch
  }

  /// Copies an instrument, its legs and the prices of all of them; nothing if it is not listed.
  private mutating func take(_ id: InstrumentID, from other: ClearingTables) {
    guard let record = other.instruments[id] else { return }
    tables.instruments.put(record, for: id)
    if let combo = other.combos[id] {
      tables.combos.put(combo, for: id)
      for leg in combo.legs { take(leg.instrument, from: other) }
      return
    }
    for feed in [FeedKey(id.underlying), FeedKey(id.underlying, id.expiry)] {
      if let record = other.feeds[feed] { tables.feeds.put(record, for: feed) }
    }
  }

  /// The house itself sells or buys, so that premium, entry value and fees come about as in any trade. Returns the fee.
  private mutating func suppose(_ trade: WhatIf.Trade, of account: Int32) throws(WhatIfFault) -> Amount {
    let id = trade.instrument
    guard !id.isCombo, let number = live.instrumentNumbers[id], tables.instruments[id]?.state.hasExpired == false else {
      throw .noInstrument(id)
    }
    guard let mark = live.instruments[Int(number)].mark else { throw .noPrice(id) }
    let price = trade.price ?? mark * Limits.pricePerLot
    guard (0...Limits.maxPrice).contains(price), price % Limits.pricePerLot == 0 else { throw .badPrice(id) }
    guard trade.lots != 0, trade.lots.magnitude <= Limits.maxOrderQuantity.magnitude,
      live.accounts[Int(account)].grossLots + Int64(trade.lots.magnitude) <= Limits.maxAccountLots, hasRoom(account)
    else { throw .badQuantity(id) }
    let deal = Deal(
      instrument: number, price: price, lots: Int64(trade.lots.magnitude), takerSide: trade.lots > 0 ? .buy : .sell,
      taker: account, takerOrder: 0, maker: self.number(of: .external), makerOrder: 0, isAuction: false)
    return novate(deal).takerFee
  }

  private mutating func suppose(_ order: WhatIf.Order, of account: AccountID) throws(WhatIfFault) {
    let id = order.instrument
    guard let number = live.instrumentNumbers[id], tables.instruments[id]?.state.hasExpired == false else {
      throw .noInstrument(id)
    }
    guard live.instruments[Int(number)].mark != nil else { throw .noPrice(id) }
    let weight = live.instruments[Int(number)].combo?.weight ?? 1
    guard (1...Limits.maxOrderQuantity).contains(order.lots), let mine = accountNumber(account),
      live.accounts[Int(mine)].grossLots + order.lots * weight <= Limits.maxAccountLots
    else { throw .badQuantity(id) }
    guard order.price.magnitude <= Limits.maxPrice.magnitude, order.price % Limits.pricePerLot == 0,
      id.isCombo || order.price > 0
    else { throw .badPrice(id) }
    let next = totals.nextOrder
    totals.nextOrder &+= 1
    let place = PlaceOrder(instrument: id, side: order.side, quantity: order.lots, price: order.price)
    let record = OrderRecord(place, account: account, priority: next, placed: totals.timestamp)
    tables.orders.put(record, for: OrderKey(next))
    indexOrder(next, record)
  }

  private mutating func suppose(_ move: WhatIf.Move) throws(WhatIfFault) {
    guard Int(move.underlying) < genesis.underlyings.count, WhatIf.spotRange.contains(move.spot),
      move.volatility.magnitude <= WhatIf.volatilityMax.magnitude, (0...WhatIf.timeMax).contains(move.time)
    else { throw .badMove(move.underlying) }
    for key in tables.feeds.sortedKeys() where key.underlying == move.underlying {
      guard var record = tables.feeds[key] else { continue }
      let price = Int128(record.price) * Int128(1_000_000 + move.spot) / 1_000_000
      record.price = min(Limits.maxPrice, max(Limits.pricePerLot, Int64(clamping: price)))
      if key.expiry == 0 { record.price = record.price / Limits.pricePerLot * Limits.pricePerLot }
      record.volatilities = record.volatilities.map { min(20_000_000, max(10_000, $0 + move.volatility)) }
      record.marketTime = record.marketTime.saturatingAdding(move.time)
      tables.feeds.put(record, for: key)
    }
  }
}
