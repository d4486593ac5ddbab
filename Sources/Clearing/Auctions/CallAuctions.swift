// Call auctions: how they begin, and how they end in one trade price for everybody (rules A1 to A5, B2).

import Ledger
import Primitives

extension ClearingHouse {
  // MARK: Begin

  /// Orders gather from now on and trade together when the auction ends.
  mutating func callAuction(_ number: Int32, _ reason: AuctionReason) {
    callAuction(number, reason, until: totals.timestamp.saturatingAdding(auctionSpan(reason)))
  }

  mutating func callAuction(_ number: Int32, _ reason: AuctionReason, until: Timestamp) {
    let (id, slot) = (live.instruments[Int(number)].id, live.instruments[Int(number)].slot)
    tables.instruments.update(slot: slot) { $0.state = .auction }
    tables.auctions.put(AuctionRecord(reason, until: until), for: id)
    emit(.auctionCalled(id, reason, until: until))
  }

  private func auctionSpan(_ reason: AuctionReason) -> Timestamp {
    switch reason {
    case .opening: genesis.trading.openingAuction
    case .volatility: genesis.trading.volatilityAuction
    case .outage, .called: genesis.trading.outageAuction
    }
  }

  /// A4: new instruments come to their opening auction with their first fresh mark.
  mutating func openPending() {
    guard tables.auctions.count > 0 else { return }
    for id in tables.auctions.sortedKeys() where tables.instruments[id]?.state == .pending {
      guard let number = live.instrumentNumbers[id], live.instruments[Int(number)].mark != nil, isFresh(id) else {
        continue
      }
      callAuction(number, .opening)
    }
  }

  /// A4: after more than 60 s without prices of a feed, what stands on it trades again through an auction.
  mutating func callAfterOutage(of feed: FeedKey, since last: Timestamp, until now: Timestamp) {
    guard genesis.trading.outageAuction > 0, now - last > Limits.haltAfter else { return }
    for group in live.groups
    where group.key.underlying == feed.underlying && (feed.expiry == 0 || group.key.expiry == feed.expiry) {
      for number in group.instruments.sorted(by: { live.instruments[Int($0)].id < live.instruments[Int($1)].id })
      where tables.instruments.read(slot: live.instruments[Int(number)].slot, { $0.state == .open }) {
        callAuction(number, .outage)
      }
    }
  }

  private func isFresh(_ id: InstrumentID) -> Bool { priceAge(id).map { $0 <= Limits.freshFor } ?? false }

  // MARK: End

  /// A3: auctions whose time is over, on prices at most 3 s old, in the order of the instruments. What does not fit into
  /// one block waits for the next.
  mutating func endAuctions() {
    guard tables.auctions.count > 0 else { return }
    var work = Limits.maxAuctionOrders
    for id in tables.auctions.sortedKeys() {
      guard let record = tables.auctions[id], record.until <= totals.timestamp,
        let number = live.instrumentNumbers[id], isFresh(id)
      else { continue }
      guard work > 0 else { return }
      work -= 1 + live.instruments[Int(number)].bids.orders + live.instruments[Int(number)].asks.orders
      endAuction(number)
    }
  }

  private mutating func endAuction(_ number: Int32) {
    let (id, slot) = (live.instruments[Int(number)].id, live.instruments[Int(number)].slot)
    uncross(number)
    // Beyond the bound of passes nothing may stay crossed.
    while let (bid, ask) = heads(number), bid.price >= ask.price {
      dropYounger(bid.order, ask.order)
    }
    for order in bookOrders(number).sorted() {
      if let record = tables.orders[OrderKey(order)], record.auctionOnly { cancelOrder(order, record, .timeInForce) }
    }
    tables.auctions.remove(id)
    tables.instruments.update(slot: slot) { $0.state = .open }
    emit(.stateChanged(id, .open))
  }

  private mutating func dropYounger(_ a: BookOrder, _ b: BookOrder) {
    let younger = a.priority > b.priority ? a : b
    if let record = tables.orders[OrderKey(younger.id)] { cancelOrder(younger.id, record, .limit) }
  }

  /// Trades at the auction's price. Where orders fell out on the way the rest may still cross: then there is another
  /// price for them.
  private mutating func uncross(_ number: Int32) {
    for _ in 0..<Limits.maxAuctionPasses {
      dropUnable(number)
      let instrument = live.instruments[Int(number)]
      let tick = tables.instruments.read(slot: instrument.slot) { max(1, $0.tick) }
      guard
        let found = CallPrice.find(
          bids: instrument.bids, asks: instrument.asks, tick: tick,
          reference: (instrument.mark ?? 0) * Limits.pricePerLot)
      else { return }
      let traded = trade(number, at: found.price)
      emit(.auctionEnded(instrument.id, price: found.price, quantity: traded))
    }
  }

  /// Orders that could not trade at any price must not help to find it: their owners have no margin and nothing to
  /// reduce, or they would reduce what is not there.
  private mutating func dropUnable(_ number: Int32) {
    let instrument = live.instruments[Int(number)]
    guard let highest = instrument.bids.best, let lowest = instrument.asks.best, highest >= lowest else { return }
    let crossing =
      instrument.bids.levels[instrument.bids.place(of: lowest)...]
      + instrument.asks.levels[instrument.asks.place(of: highest)...]
    for order in crossing.flatMap({ $0.orders[$0.start...] }).sorted(by: { $0.priority < $1.priority }) {
      guard let record = tables.orders[OrderKey(order.id)], reducible(record, order.account, number) == 0 else {
        continue
      }
      if record.reduceOnly {
        cancelOrder(order.id, record, .reduceOnly)
      } else if !isCovered(order.account) {
        cancelOrder(order.id, record, .margin)
      }
    }
  }

  private typealias Head = (price: Price, order: BookOrder)

  /// The best order of each side, first in time.
  private func heads(_ number: Int32) -> (bid: Head, ask: Head)? {
    let bids = live.instruments[Int(number)].bids.levels.count - 1
    let asks = live.instruments[Int(number)].asks.levels.count - 1
    guard bids >= 0, asks >= 0 else { return nil }
    let (bid, ask) = (live.instruments[Int(number)].bids.levels[bids], live.instruments[Int(number)].asks.levels[asks])
    return ((bid.price, bid.orders[bid.start]), (ask.price, ask.orders[ask.start]))
  }

  /// Best buyers meet best sellers at the one price, first come first served. Returns the lots traded.
  private mutating func trade(_ number: Int32, at price: Price) -> Quantity {
    var traded: Quantity = 0
    while let (bid, ask) = heads(number), bid.price >= price, ask.price <= price, houseHasRoom() {
      guard let buy = tables.orders[OrderKey(bid.order.id)], let sell = tables.orders[OrderKey(ask.order.id)] else {
        return traded
      }
      if isSameOwner(bid.order.account, ask.order.account) {
        preventSelfTrade((bid.order, buy), (ask.order, sell))
      } else {
        traded += cross((bid.order, buy), (ask.order, sell), number, price)
      }
    }
    return traded
  }

  /// The younger order's rule counts.
  private mutating func preventSelfTrade(_ a: (BookOrder, OrderRecord), _ b: (BookOrder, OrderRecord)) {
    let (younger, older) = a.0.priority > b.0.priority ? (a, b) : (b, a)
    let rule = younger.1.selfTrade
    if rule == .decrement {
      let lots = min(younger.0.remaining, older.0.remaining)
      for (order, record) in [older, younger] { reduce(order.id, record, by: lots) }
      return
    }
    if rule != .cancelTaker { cancelOrder(older.0.id, older.1, .selfTrade) }
    if rule != .cancelMaker { cancelOrder(younger.0.id, younger.1, .selfTrade) }
  }

  private mutating func cross(
    _ buy: (order: BookOrder, record: OrderRecord), _ sell: (order: BookOrder, record: OrderRecord), _ number: Int32,
    _ price: Price
  ) -> Quantity {
    let most = min(buy.order.remaining, sell.order.remaining)
    let first = tradable(buy.order, buy.record, number, lots: most, price: price)
    guard first > 0 else { return 0 }
    let lots = tradable(sell.order, sell.record, number, lots: first, price: price)
    // A seller of less may be one too few for a buyer without margin.
    guard lots > 0, lots == first || tradable(buy.order, buy.record, number, lots: lots, price: price) == lots else {
      return 0
    }
    takeFromBook(buy.order, buy.record, lots, instrument: number)
    takeFromBook(sell.order, sell.record, lots, instrument: number)
    let isBuyYounger = buy.order.priority > sell.order.priority
    let (taker, maker) = isBuyYounger ? (buy.order, sell.order) : (sell.order, buy.order)
    let trade = novate(
      Deal(
        instrument: number, price: price, lots: lots, takerSide: isBuyYounger ? .buy : .sell, taker: taker.account,
        takerOrder: taker.id, maker: maker.account, makerOrder: maker.id, isAuction: true))
    emit(.trade(trade))
    for side in [buy, sell] where side.record.quote {
      countQuoteFill(side.record, side.order.account, instrument: number, lots: lots)
    }
    return lots
  }
}
