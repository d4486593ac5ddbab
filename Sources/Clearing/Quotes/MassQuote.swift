// Mass quotes: two-sided prices of many instruments, replaced in place.

import Ledger
import Primitives

extension ClearingHouse {
  /// Q1: each side becomes what the quote says, by itself: refused sides are named in the receipt and leave no quote. An
  /// unchanged or smaller quote at its price keeps its place in the queue. A quote never takes.
  mutating func quote(_ quotes: [Quote], at place: UInt16, account: Int32) throws(Rejection) {
    guard quotes.count <= Limits.maxQuotes, quotes.count <= quotesLeft else { throw Rejection(.limitReached) }
    quotesLeft -= quotes.count
    for quote in quotes {
      setQuote(quote.instrument, .buy, quote.bidPrice, quote.bidQuantity, at: place, account: account)
      setQuote(quote.instrument, .sell, quote.askPrice, quote.askQuantity, at: place, account: account)
    }
  }

  private mutating func setQuote(
    _ id: InstrumentID, _ side: Side, _ price: Price, _ quantity: Quantity, at place: UInt16, account: Int32
  ) {
    if let number = live.instrumentNumbers[id], let holding = holding(account, number) {
      let old = side == .buy ? holding.bidQuote : holding.askQuote
      if old != 0, let record = tables.orders[OrderKey(old)] {
        if record.price == price, quantity > 0, quantity <= record.remaining, canKeep(id, quantity) {
          if quantity < record.remaining { shrink(old, record, to: quantity) }
          return reportQuote(old, record, remaining: quantity, at: place)
        }
        cancelOrder(old, record, .requested)
      }
    }
    guard quantity != 0 else { return }
    var order = PlaceOrder(instrument: id, side: side, quantity: quantity, price: price, postOnly: true)
    order.isQuote = true
    do throws(Rejection) {
      try checkFrozen(id.underlying, account)
      try self.place(order, at: place, account: account)
    } catch {
      outcome.orders.append(
        OrderOutcome(
          action: place, id: 0, clientID: nil, instrument: id, filled: 0, remaining: quantity, state: .rejected,
          error: error.code))
    }
  }

  /// What an amend would accept.
  private func canKeep(_ id: InstrumentID, _ quantity: Quantity) -> Bool {
    guard let record = tables.instruments[id] else { return false }
    return record.state.takesOrders && quantity.isMultiple(of: record.lot)
  }

  private mutating func reportQuote(_ id: OrderID, _ record: OrderRecord, remaining: Quantity, at place: UInt16) {
    outcome.orders.append(
      OrderOutcome(
        action: place, id: id, clientID: nil, instrument: record.instrument,
        filled: record.quantity - record.remaining, remaining: remaining, state: .open, error: nil))
  }
}
