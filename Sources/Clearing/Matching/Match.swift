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
    while taker.remaining > 0, !taker.stopped, let (price, maker) = bestOpposite(taker) {
      guard taker.side == .buy ? price <= taker.price : price >= taker.price else { return }
      guard taker.fills < Limits.maxFillsPerOrder, hasRoom(taker.account), houseHasRoom() else {
        taker.stopReason = .limit
        return
      }
      guard let record = tables.orders[OrderKey(maker.id)] else { return }
      if maker.account == taker.account {
        preventSelfTrade(&taker, maker.id, record)
      } else {
        meet(&taker, maker, record)
      }
    }
  }

  private func bestOpposite(_ taker: Taker) -> (Price, BookOrder)? {
    let place = Int(taker.instrument)
    if taker.side == .buy {
      let level = live.instruments[place].asks.levels.count - 1
      guard level >= 0 else { return nil }
      let start = live.instruments[place].asks.levels[level].start
      return (
        live.instruments[place].asks.levels[level].price, live.instruments[place].asks.levels[level].orders[start]
      )
    }
    let level = live.instruments[place].bids.levels.count - 1
    guard level >= 0 else { return nil }
    let start = live.instruments[place].bids.levels[level].start
    return (live.instruments[place].bids.levels[level].price, live.instruments[place].bids.levels[level].orders[start])
  }

  private func houseHasRoom() -> Bool {
    hasRoom(number(of: .variation)) && hasRoom(number(of: .fees))
  }

  private mutating func preventSelfTrade(_ taker: inout Taker, _ id: OrderID, _ record: OrderRecord) {
    if taker.selfTrade == .decrement { return decrement(&taker, id, record) }
    if taker.selfTrade != .cancelTaker { cancelOrder(id, record, .selfTrade) }
    if taker.selfTrade != .cancelMaker { taker.stopReason = .selfTrade }
  }

  private mutating func decrement(_ taker: inout Taker, _ id: OrderID, _ record: OrderRecord) {
    let lots = min(taker.remaining, record.remaining)
    if lots == record.remaining {
      cancelOrder(id, record, .selfTrade)
    } else {
      shrink(id, record, to: record.remaining - lots)
    }
    taker.remaining -= lots
    taker.decremented += lots
    if taker.remaining == 0 { taker.stopReason = .selfTrade }
  }

  /// One maker order: fills as much as goes, or cancels it if it may not trade any more.
  private mutating func meet(_ taker: inout Taker, _ maker: BookOrder, _ record: OrderRecord) {
    var lots = min(taker.remaining, maker.remaining)
    if record.reduceOnly {
      lots = min(lots, reducible(record, maker.account, taker.instrument))
      guard lots > 0 else { return cancelOrder(maker.id, record, .reduceOnly) }
    }
    if record.quote, let most = protectedLots(record) {
      lots = min(lots, most)
      guard lots > 0 else {
        return withdrawQuotes(ProtectionKey(record.account, record.instrument.underlying), maker.account)
      }
    }
    // INV-9: also the maker's margin must hold, at the prices of now.
    guard hasRoom(maker.account), isCovered(maker.account) || improves(maker.account, record, taker.instrument, lots)
    else { return cancelOrder(maker.id, record, .margin) }
    fill(&taker, maker, record, lots)
    if record.quote { countQuoteFill(record, maker.account, instrument: taker.instrument, lots: lots) }
  }

  private func reducible(_ record: OrderRecord, _ account: Int32, _ instrument: Int32) -> Quantity {
    max(0, 0 - record.side.sign * heldLots(account, instrument))
  }

  /// Whether a fill makes the position smaller and the account no worse.
  private mutating func improves(
    _ account: Int32, _ record: OrderRecord, _ instrument: Int32, _ lots: Quantity
  ) -> Bool {
    guard reducible(record, account, instrument) >= lots else { return false }
    let hypothesis = Hypothesis(
      instrument: Int(instrument), lots: record.side.sign * lots, price: record.price, fills: true,
      wasResting: true)
    return mayReduce(account, hypothesis)
  }

  private mutating func fill(_ taker: inout Taker, _ maker: BookOrder, _ record: OrderRecord, _ lots: Quantity) {
    let instrument = Int(taker.instrument)
    let kind = live.instruments[instrument].kind
    let premium = record.price / Limits.pricePerLot * lots
    let fees = self.fees(kind, live.instruments[instrument].underlying, lots: lots, premium: premium)
    takeFromBook(maker, record, lots, instrument: taker.instrument)
    if kind.isOption {
      let (buyer, seller) = taker.side == .buy ? (taker.account, maker.account) : (maker.account, taker.account)
      move(premium, from: buyer, to: seller)
    }
    let interest =
      changePosition(taker.account, taker.instrument, lots: taker.side.sign * lots, premium: premium, kind)
      + changePosition(maker.account, taker.instrument, lots: record.side.sign * lots, premium: premium, kind)
    move(fees.taker, from: taker.account, to: SystemAccount.fees)
    move(fees.maker, from: maker.account, to: SystemAccount.fees)
    recordTrade(taker, maker, record, lots, fees, openInterest: interest)
    taker.remaining -= lots
    taker.fills += 1
  }

  /// Rounded up, and for options never above a share of the premium.
  private func fees(
    _ kind: InstrumentKind, _ underlying: Int, lots: Quantity, premium: Amount
  ) -> (taker: Amount, maker: Amount) {
    let index = live.index[underlying]
    let limit = kind.isOption ? Int128(premium) * Int128(genesis.fees.premiumCap) / 1_000_000 : Int128(Int64.max)
    let base = Int128(index) * Int128(lots)
    return (Self.fee(base, genesis.fees.taker, limit), Self.fee(base, genesis.fees.maker, limit))
  }

  private static func fee(_ base: Int128, _ rate: Int64, _ limit: Int128) -> Amount {
    Int64(clamping: min(limit, (base * Int128(rate) + 999_999_999) / 1_000_000_000))
  }

  private mutating func takeFromBook(
    _ maker: BookOrder, _ record: OrderRecord, _ lots: Quantity, instrument: Int32
  ) {
    let id = maker.id
    let numbers = (maker.account, instrument)
    let level: Quantity
    if lots == record.remaining {
      level = unindexOrder(id, record, at: numbers)
      tables.orders.remove(OrderKey(id))
      releaseClientID(id, record)
    } else {
      level = resizeOrder(id, record, to: record.remaining - lots, at: numbers)
      tables.orders.update(OrderKey(id)) { $0.remaining &-= lots }
    }
    emit(.bookLevel(record.instrument, record.side, price: record.price, quantity: level))
  }

  /// Novation: a contract with the clearing house is added, or an opposite one closed. Closing a future pays what it has
  /// gained since it was opened. Returns the change of the lots held long.
  mutating func changePosition(
    _ account: Int32, _ instrument: Int32, lots: Quantity, premium: Amount, _ kind: InstrumentKind
  ) -> Quantity {
    let place = holdingPlace(account, instrument)
    let (quantity, entry) = (live.holdings[place].quantity, live.holdings[place].entry)
    let paid = lots > 0 ? premium : -premium
    let closing = quantity.signum() * lots.signum() < 0 ? min(quantity.magnitude, lots.magnitude) : 0
    // Share of the old entry value that is closed, and of this trade's value that closes it; the division's residue
    // stays with what remains open.
    let oldPart = closing == 0 ? 0 : Int64(Int128(entry) * Int128(closing) / Int128(quantity.magnitude))
    let newPart = closing == 0 ? 0 : Int64(Int128(paid) * Int128(closing) / Int128(lots.magnitude))
    setPosition(at: place, quantity: quantity + lots, entry: entry - oldPart + (paid - newPart))
    if kind == .future, closing > 0 {
      // Long: entry is positive, `newPart` negative; what comes in beyond what went out is the gain.
      move(-(oldPart + newPart), from: SystemAccount.variation, to: account)
    }
    return max(0, quantity + lots) - max(0, quantity)
  }

  private mutating func recordTrade(
    _ taker: Taker, _ maker: BookOrder, _ record: OrderRecord, _ lots: Quantity,
    _ fees: (taker: Amount, maker: Amount), openInterest: Quantity
  ) {
    let trade = totals.nextTrade
    totals.nextTrade &+= 1
    totals.volume &+= UInt64(lots)
    totals.turnover &+= UInt64(record.price / Limits.pricePerLot * lots / 1_000_000)
    tables.instruments.update(slot: live.instruments[Int(taker.instrument)].slot) {
      $0.openInterest &+= openInterest
      $0.volume &+= lots
      $0.lastPrice = record.price
    }
    let makerID = live.accounts[Int(maker.account)].id
    emit(
      .trade(
        TradeEvent(
          trade: trade, instrument: record.instrument, price: record.price, quantity: lots, takerSide: taker.side,
          taker: live.accounts[Int(taker.account)].id, maker: makerID, takerOrder: taker.id, makerOrder: maker.id,
          takerFee: fees.taker, makerFee: fees.maker)))
    outcome.fills.append(
      FillOutcome(
        order: taker.id, trade: trade, instrument: record.instrument, side: taker.side, price: record.price,
        quantity: lots, fee: fees.taker, makerOrder: maker.id, maker: makerID))
    keepTrade(taker, record, lots, trade)
  }

  private mutating func keepTrade(_ taker: Taker, _ record: OrderRecord, _ lots: Quantity, _ trade: UInt64) {
    let view = TradeView(
      trade: trade, height: totals.height, timestamp: totals.timestamp, instrument: record.instrument,
      price: record.price, quantity: lots, takerSide: taker.side)
    let place = Int(taker.instrument)
    // Twice the kept number at most, so that dropping old ones costs little for each trade.
    if live.instruments[place].trades.count >= 2 * Limits.maxTradesKept {
      live.instruments[place].trades.removeFirst(Limits.maxTradesKept)
    }
    live.instruments[place].trades.append(view)
  }
}
