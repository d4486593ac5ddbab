// Firing triggers (T4, T5), once a block.
//
// They fire after the block's prices, cancels and post-only orders and before everything that takes. So a cancel that is in
// the block is in time; makers have had their chance to follow the price that fires; and nobody who sees that
// price can get ahead of a stop that was there before.

import Ledger
import Primitives

extension ClearingHouse {
  /// Those that their prices have reached, in the order of their numbers, as many as a block may fire; others wait.
  mutating func fireTriggers() {
    guard tables.triggers.count > 0 else { return }
    actor = nil
    outcome = TransactionOutcome(hash: .zero, input: 0)
    for due in shared(dueTriggers()) { fire(due.id, due.price) }
    live.undo.removeAll(keepingCapacity: true)
    outcome = TransactionOutcome(hash: .zero, input: 0)
  }

  private struct Due {
    var id: OrderID
    var account: AccountID
    var price: Price
    /// How many of its account are due before it.
    var rank = 0
  }

  private func dueTriggers() -> [Due] {
    var due: [Due] = []
    for (key, queue) in live.triggers.queues {
      guard let number = live.instrumentNumbers[key.instrument], mayFire(number),
        let price = triggerPrice(number, key.source)
      else { continue }
      for entry in TriggerQueues.reached(queue, key.condition, price) {
        guard let record = tables.triggers[OrderKey(entry.id)], canFire(record) else { continue }
        due.append(Due(id: entry.id, account: record.account, price: price))
      }
    }
    // Numbers are unique, so the order of the queues makes no difference.
    due.sort { $0.id < $1.id }
    return due
  }

  /// T4: with more than a block may fire every account's first comes before anybody's second, so that nobody's many old ones
  /// keep the others waiting.
  private func shared(_ due: [Due]) -> [Due] {
    guard due.count > Limits.maxTriggersFired else { return due }
    var ranked = due
    var counts: [AccountID: Int] = [:]
    for place in ranked.indices {
      ranked[place].rank = counts[ranked[place].account, default: 0]
      counts[ranked[place].account, default: 0] += 1
    }
    ranked.sort { ($0.rank, $0.id) < ($1.rank, $1.id) }
    return ranked.prefix(Limits.maxTriggersFired).sorted { $0.id < $1.id }
  }

  /// Whether it guards something by now, and its instrument takes its order.
  private func canFire(_ record: TriggerRecord) -> Bool {
    record.order.quantity > 0 && tables.instruments[record.order.instrument]?.state.takes(record.order) == true
  }

  /// T4: as for a liquidation (L2), the prices are at most 3 s old and not within the grace after an outage; and orders
  /// can be placed.
  private func mayFire(_ number: Int32) -> Bool {
    let instrument = live.instruments[Int(number)]
    guard tables.instruments.read(slot: instrument.slot, { $0.state.takesOrders }),
      let age = priceAge(instrument.id), age <= Limits.freshFor
    else { return false }
    let grace = tables.graces[FeedKey(instrument.id.underlying)]?.until ?? .min
    return grace <= totals.timestamp
  }

  /// It may have gone, or its instrument be closed, by what fired before it.
  private mutating func fire(_ id: OrderID, _ price: Price) {
    guard let record = tables.triggers[OrderKey(id)], canFire(record), let account = accountNumber(record.account),
      let number = live.instrumentNumbers[record.order.instrument],
      let lot = tables.instruments[record.order.instrument]?.lot
    else { return }
    removeTrigger(id, record)
    emit(.triggerFired(id, account: record.account, instrument: record.order.instrument, price: price))
    dropLinked(record)
    actor = account
    do throws(Rejection) {
      try placeFired(id, record, account, number, lot: lot)
    } catch {
      emit(.triggerRejected(id, account: record.account, instrument: record.order.instrument, error.code))
      releaseClientID(of: id, record)
    }
    actor = nil
  }

  /// T6: before the order is placed, so that its margin is that of what remains.
  private mutating func dropLinked(_ record: TriggerRecord) {
    if let partner = tables.triggers[OrderKey(record.partner)] { cancelTrigger(record.partner, partner, .linked) }
    if let parent = tables.orders[OrderKey(record.parent)] { cancelOrder(record.parent, parent, .linked) }
  }

  /// T5: judged as any order. A reduce-only one is made as small as what is left to reduce (INV-10).
  private mutating func placeFired(
    _ id: OrderID, _ record: TriggerRecord, _ account: Int32, _ number: Int32, lot: Quantity
  ) throws(Rejection) {
    var order = record.order
    if order.reduceOnly {
      order.quantity = min(order.quantity, closable(order.side, account, number))
      guard order.quantity > 0 else { throw Rejection(.notReducing) }
    }
    order.quantity -= order.quantity % max(1, lot)
    if order.display >= order.quantity { order.display = 0 }
    let point = order.timeInForce == .fok ? savepoint() : nil
    let taker = try submit(order, id: id, account: account, placed: record.placed)
    if let point, taker.remaining > 0 || taker.decremented > 0 {
      restore(point)
      throw Rejection(.cannotFill)
    }
    if !taker.rests { releaseClientID(of: id, record) }
  }
}
