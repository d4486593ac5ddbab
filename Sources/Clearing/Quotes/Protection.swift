// Market-maker protection: limits on what an account's quotes trade in a window, looked at inside the match loop.

import Ledger
import Primitives

extension ClearingHouse {
  /// Sets the limits of one underlying and ends a freeze.
  mutating func protect(_ limits: Protection, account: Int32) throws(Rejection) {
    guard Int(limits.underlying) < genesis.underlyings.count, limits.isAcceptable else {
      throw Rejection(.badQuantity)
    }
    let key = ProtectionKey(live.accounts[Int(account)].id, limits.underlying)
    if limits.isOff {
      tables.protections.remove(key)
    } else {
      tables.protections.put(ProtectionRecord(limits), for: key)
    }
  }

  func checkFrozen(_ underlying: UnderlyingID, _ account: Int32) throws(Rejection) {
    let key = ProtectionKey(live.accounts[Int(account)].id, underlying)
    if let record = tables.protections[key], record.frozenUntil > totals.timestamp { throw Rejection(.protected) }
  }

  /// Q2: how many lots of a quote may trade now. Nil if there is no limit.
  func protectedLots(_ quote: OrderRecord) -> Quantity? {
    guard let record = tables.protections[ProtectionKey(quote.account, quote.instrument.underlying)] else { return nil }
    let limits = record.limits
    guard limits.quantity > 0 else { return .max }
    let used = isOver(record) ? 0 : record.lots
    let lot = tables.instruments[quote.instrument]?.lot ?? 1
    return (limits.quantity - min(limits.quantity, used)) / max(1, lot) * max(1, lot)
  }

  private func isOver(_ record: ProtectionRecord) -> Bool {
    totals.timestamp - record.windowStart >= record.limits.window
  }

  /// Counts a fill of a quote; at a limit all quotes of the account in the underlying go before anything else trades.
  mutating func countQuoteFill(_ quote: OrderRecord, _ account: Int32, instrument: Int32, lots: Quantity) {
    let key = ProtectionKey(quote.account, quote.instrument.underlying)
    guard var record = tables.protections[key] else { return }
    if isOver(record) {
      (record.windowStart, record.lots, record.delta, record.trades) = (totals.timestamp, 0, 0, 0)
    }
    record.lots &+= lots
    record.delta &+= quote.side.sign &* lots &* live.instruments[Int(instrument)].delta
    record.trades &+= 1
    tables.protections.put(record, for: key)
    let limits = record.limits
    let delta = Int128(record.delta.magnitude)
    let isReached =
      limits.quantity > 0 && record.lots >= limits.quantity || limits.trades > 0 && record.trades >= limits.trades
      || limits.delta > 0 && delta >= Int128(limits.delta) * Self.million
    if isReached { withdrawQuotes(key, account) }
  }

  mutating func withdrawQuotes(_ key: ProtectionKey, _ account: Int32) {
    tables.protections.update(key) {
      $0.frozenUntil = $0.limits.freeze > 0 ? totals.timestamp.saturatingAdding($0.limits.freeze) : .max
    }
    emit(.quotesProtected(account: key.account, underlying: key.underlying))
    var ids: [OrderID] = []
    for place in live.accounts[Int(account)].holdings {
      let holding = live.holdings[Int(place)]
      guard live.instruments[Int(holding.instrument)].underlying == Int(key.underlying) else { continue }
      for id in [holding.bidQuote, holding.askQuote] where id != 0 { ids.append(id) }
    }
    for id in ids.sorted() {
      if let record = tables.orders[OrderKey(id)] { cancelOrder(id, record, .protection) }
    }
  }
}
