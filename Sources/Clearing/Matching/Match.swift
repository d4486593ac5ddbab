// The match loop: price, then time; every trade is novated, the clearing house being the buyer to the seller and the
// seller to the buyer.

import Ledger
import Primitives

/// An order on its way through the book.
struct Taker {
  let id: OrderID
  let account: Int32
  let instrument: Int32
  let side: Side
  let price: Price
  let selfTrade: SelfTradePrevention
  /// Place in time that what is left of it will have.
  let priority: UInt64
  var placed: Timestamp = 0
  var remaining: Quantity
  var fills = 0
  /// Set when the rest may not trade or rest any more.
  var stopReason: CancelReason?
  var rests = false
  /// The next trade would be beyond the price band (B2).
  var isBarred = false
  /// Lots that self-trade prevention took away.
  var decremented: Quantity = 0
  var stopped: Bool { stopReason != nil }

  init(_ order: PlaceOrder, id: OrderID, account: Int32, instrument: Int32, priority: UInt64) {
    self.id = id
    self.priority = priority
    self.account = account
    self.instrument = instrument
    side = order.side
    price = order.price
    selfTrade = order.selfTrade
    remaining = order.quantity
  }
}

extension ClearingHouse {
  mutating func match(_ taker: inout Taker) {
    let band = genesis.trading.hasBand ? tradeBand(taker.instrument) : nil
    while taker.remaining > 0, !taker.stopped, let (price, maker) = bestOpposite(taker) {
      guard taker.side == .buy ? price <= taker.price : price >= taker.price else { return }
      if let band, !band.contains(price) {
        taker.isBarred = true
        return
      }
      guard taker.fills < Limits.maxFillsPerOrder, hasRoom(taker.account), houseHasRoom() else {
        taker.stopReason = .limit
        return
      }
      guard let record = tables.orders[OrderKey(maker.id)] else { return }
      if isSameOwner(maker.account, taker.account) {
        preventSelfTrade(&taker, maker.id, record)
      } else {
        meet(&taker, maker, record)
      }
    }
  }

  func bestOpposite(_ taker: Taker) -> (Price, BookOrder)? {
    let place = Int(taker.instrument)
    if taker.side == .buy {
      let level = live.instruments[place].asks.levels.count - 1
      guard level >= 0 else { return nil }
      let last = live.instruments[place].asks.levels[level].orders.count - 1
      let start = Mutant.has(.lastComeFirstServed) ? last : live.instruments[place].asks.levels[level].start
      return (
        live.instruments[place].asks.levels[level].price, live.instruments[place].asks.levels[level].orders[start]
      )
    }
    let level = live.instruments[place].bids.levels.count - 1
    guard level >= 0 else { return nil }
    let start = live.instruments[place].bids.levels[level].start
    return (live.instruments[place].bids.levels[level].price, live.instruments[place].bids.levels[level].orders[start])
  }

  func houseHasRoom() -> Bool {
    hasRoom(number(of: .variation)) && hasRoom(number(of: .fees))
  }

  mutating func preventSelfTrade(_ taker: inout Taker, _ id: OrderID, _ record: OrderRecord) {
    if taker.selfTrade == .decrement { return decrement(&taker, id, record) }
    if taker.selfTrade != .cancelTaker { cancelOrder(id, record, .selfTrade) }
    if taker.selfTrade != .cancelMaker { taker.stopReason = .selfTrade }
  }

  private mutating func decrement(_ taker: inout Taker, _ id: OrderID, _ record: OrderRecord) {
    let lots = min(taker.remaining, record.remaining)
    reduce(id, record, by: lots)
    taker.remaining -= lots
    taker.decremented += lots
    if taker.remaining == 0 { taker.stopReason = .selfTrade }
  }

  /// One maker order: fills as much as goes, or cancels it if it may not trade any more.
  private mutating func meet(_ taker: inout Taker, _ maker: BookOrder, _ record: OrderRecord) {
    let most = min(taker.remaining, maker.shown)
    let lots = tradable(maker, record, taker.instrument, lots: most, price: record.price)
    guard lots > 0 else { return }
    fill(&taker, maker, record, lots)
    if record.quote { countQuoteFill(record, maker.account, instrument: taker.instrument, lots: lots) }
  }

  /// How many of the lots a resting order may trade at the price. One that may trade none has left the book.
  mutating func tradable(
    _ maker: BookOrder, _ record: OrderRecord, _ instrument: Int32, lots most: Quantity, price: Price
  ) -> Quantity {
    var lots = most
    if record.reduceOnly {
      lots = min(lots, reducible(record, maker.account, instrument))
      guard lots > 0 else {
        cancelOrder(maker.id, record, .reduceOnly)
        return 0
      }
    }
    if record.quote, let limit = protectedLots(record) {
      lots = min(lots, limit)
      guard lots > 0 else {
        withdrawQuotes(ProtectionKey(record.account, record.instrument.underlying), maker.account)
        return 0
      }
    }
    // INV-9: also the maker's margin must hold, at the prices of now.
    guard hasRoom(maker.account),
      isCovered(maker.account) || improves(maker.account, record, instrument, lots, price)
    else {
      cancelOrder(maker.id, record, .margin)
      return 0
    }
    return lots
  }

  func reducible(_ record: OrderRecord, _ account: Int32, _ instrument: Int32) -> Quantity {
    max(0, 0 - record.side.sign * heldLots(account, instrument))
  }

  /// Whether a fill makes the position smaller and the account no worse.
  private mutating func improves(
    _ account: Int32, _ record: OrderRecord, _ instrument: Int32, _ lots: Quantity, _ price: Price
  ) -> Bool {
    guard reducible(record, account, instrument) >= lots else { return false }
    let hypothesis = Hypothesis(
      instrument: Int(instrument), lots: record.side.sign * lots, price: price, fills: true, wasResting: true)
    return mayReduce(account, hypothesis)
  }

  private mutating func fill(_ taker: inout Taker, _ maker: BookOrder, _ record: OrderRecord, _ lots: Quantity) {
    takeFromBook(maker, record, lots, instrument: taker.instrument)
    let deal = Deal(
      instrument: taker.instrument, price: Mutant.has(.tradeAtTakerPrice) ? taker.price : record.price, lots: lots,
      takerSide: taker.side, taker: taker.account,
      takerOrder: taker.id, maker: maker.account, makerOrder: maker.id, isAuction: false)
    let trade = novate(deal)
    emit(.trade(trade))
    outcome.fills.append(
      FillOutcome(
        order: taker.id, trade: trade.trade, instrument: record.instrument, side: taker.side, price: record.price,
        quantity: lots, fee: trade.takerFee, makerOrder: maker.id, maker: record.account))
    taker.remaining -= lots
    taker.fills += 1
  }

  mutating func takeFromBook(
    _ maker: BookOrder, _ record: OrderRecord, _ lots: Quantity, instrument: Int32
  ) {
    let id = maker.id
    let numbers = (maker.account, instrument)
    let level: Quantity
    if lots == record.remaining {
      level = unindexOrder(id, record, at: numbers)
      removeOrder(id)
      releaseClientID(id, record)
    } else if let shown = fillIceberg(id, record, by: lots, at: numbers) {
      level = shown
    } else {
      level = resizeOrder(id, record, to: record.remaining - lots, at: numbers)
      tables.orders.update(OrderKey(id)) { $0.remaining &-= lots }
    }
    emit(.bookLevel(record.instrument, record.side, price: record.price, quantity: level))
    followFill(id, lots: lots, isGone: lots == record.remaining)
  }
}
