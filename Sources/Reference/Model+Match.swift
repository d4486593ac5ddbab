// Trades: rules 12, 13, 15 and 16.

import Clearing
import Primitives

extension Model {
  /// Lets an order trade. Why it stopped, if what is left may not rest.
  mutating func match(_ taker: inout Order) -> CancelReason? {
    var fills = 0
    while taker.remaining > 0, let maker = state.best(taker.instrument, against: taker.side),
      taker.side == .buy ? maker.price <= taker.price : maker.price >= taker.price
    {
      guard fills < 500, hasRoom(taker.account), hasRoom(SystemAccount.variation.id), hasRoom(SystemAccount.fees.id)
      else { return .limit }
      if owner(maker.account) == owner(taker.account) {
        if taker.selfTrade != .cancelTaker { remove(maker, .selfTrade) }
        if taker.selfTrade != .cancelMaker { return .selfTrade }
        continue
      }
      var lots = min(taker.remaining, maker.remaining)
      if maker.reduceOnly {
        lots = min(lots, closable(maker))
        guard lots > 0 else {
          remove(maker, .reduceOnly)
          continue
        }
      }
      guard hasRoom(maker.account), mayFill(maker, lots) else {
        remove(maker, .margin)
        continue
      }
      fill(&taker, maker, lots)
      fills += 1
    }
    return nil
  }

  /// Lots of the owner's position that the order's side closes.
  private func closable(_ order: Order) -> Quantity {
    let held = state.position(order.account, order.instrument).quantity
    return max(0, order.side == .buy ? -held : held)
  }

  /// Rule 24: the owner is covered, or the fill makes the position smaller and the account no worse.
  private func mayFill(_ maker: Order, _ lots: Quantity) -> Bool {
    let before = portfolio(maker.account)
    if requirement(before).excess >= 0 { return true }
    guard closable(maker) >= lots else { return false }
    var after = before
    after.orders.removeAll { $0.id == maker.id }
    var rest = maker
    rest.remaining -= lots
    if rest.remaining > 0 { after.orders.append(rest) }
    return mayReduce(before, after, maker, lots)
  }

  private mutating func fill(_ taker: inout Order, _ maker: Order, _ lots: Quantity) {
    let id = maker.instrument
    guard let terms = Terms(id) else { return }
    let premium = maker.price / 1_000 * lots
    let (takerFee, makerFee) = (
      fee(terms, genesis.fees.taker, lots, premium), fee(terms, genesis.fees.maker, lots, premium)
    )
    var rest = maker
    rest.remaining -= lots
    state.orders[maker.id] = rest.remaining > 0 ? rest : nil
    emitLevel(maker)
    let (buyer, seller) = taker.side == .buy ? (taker.account, maker.account) : (maker.account, taker.account)
    if terms.kind != .future { state.move(premium, from: buyer, to: seller) }
    trade(buyer, id, terms, lots, premium)
    trade(seller, id, terms, -lots, -premium)
    state.move(takerFee, from: taker.account, to: SystemAccount.fees.id)
    state.move(makerFee, from: maker.account, to: SystemAccount.fees.id)
    taker.remaining -= lots
    let number = state.nextTrade
    state.nextTrade += 1
    state.volume += UInt64(lots)
    state.turnover += UInt64(premium / 1_000_000)
    state.instruments[id]?.volume += lots
    state.instruments[id]?.lastPrice = maker.price
    state.emit(
      .trade(
        TradeEvent(
          trade: number, instrument: id, price: maker.price, quantity: lots, takerSide: taker.side,
          taker: taker.account, maker: maker.account, takerOrder: taker.id, makerOrder: maker.id, takerFee: takerFee,
          makerFee: makerFee)))
    state.outcome.fills.append(
      FillOutcome(
        order: taker.id, trade: number, instrument: id, side: taker.side, price: maker.price, quantity: lots,
        fee: takerFee, makerOrder: maker.id, maker: maker.account))
  }

  /// Rule 16.
  func fee(_ terms: Terms, _ rate: Int64, _ lots: Quantity, _ premium: Amount) -> Amount {
    let whole = (Int128(index(terms.underlying)) * Int128(lots) * Int128(rate) + 999_999_999) / 1_000_000_000
    let cap = Int128(premium) * Int128(genesis.fees.premiumCap) / 1_000_000
    return Int64(clamping: terms.kind == .future ? whole : min(whole, cap))
  }

  /// The position takes `lots` for `value`. What it closes takes its share of the entry value along, cut towards zero;
  /// a future is paid what that share gained.
  mutating func trade(
    _ account: AccountID, _ id: InstrumentID, _ terms: Terms, _ lots: Quantity, _ value: Amount
  ) {
    var position = state.position(account, id)
    let isClosing = position.quantity.signum() == -lots.signum()
    let closed = isClosing ? min(abs(position.quantity), abs(lots)) : 0
    if closed > 0 {
      let old = Int64(Int128(position.entry) * Int128(closed) / Int128(abs(position.quantity)))
      let new = Int64(Int128(value) * Int128(closed) / Int128(abs(lots)))
      position.entry += value - new - old
      if terms.kind == .future { state.move(-(old + new), from: SystemAccount.variation.id, to: account) }
    } else {
      position.entry += value
    }
    position.quantity += lots
    set(position, account, id)
  }

  mutating func set(_ position: Position, _ account: AccountID, _ id: InstrumentID) {
    state.positions[account, default: [:]][id] = position.quantity == 0 ? nil : position
  }
}
