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
    var work = Limits.maxTriggersFired
    for (id, price) in dueTriggers() where work > 0 {
      if fire(id, price) { work -= 1 }
    }
    live.undo.removeAll(keepingCapacity: true)
    outcome = TransactionOutcome(hash: .zero, input: 0)
  }

  private func dueTriggers() -> [(id: OrderID, price: Price)] {
    var due: [(id: OrderID, price: Price)] = []
    for (key, queue) in live.triggers.queues {
      guard let number = live.instrumentNumbers[key.instrument], mayFire(number),
        let price = triggerPrice(number, key.source)
      else { continue }
      for entry in TriggerQueues.reached(queue, key.condition, price) { due.append((entry.id, price)) }
    }
    // Numbers are unique, so the order of the queues makes no difference.
    due.sort { $0.id < $1.id }
    return due
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

  /// False if it has to wait: for the order that it guards, or for a state that takes its order. An earlier one may have
  /// brought that about.
  private mutating func fire(_ id: OrderID, _ price: Price) -> Bool {
    guard let record = tables.triggers[OrderKey(id)], record.order.quantity > 0,
      let account = accountNumber(record.account), let number = live.instrumentNumbers[record.order.instrument],
      let instrument = tables.instruments[record.order.instrument],
      instrument.state.takes(record.order)
    else { return false }
    removeTrigger(id, record)
    emit(.triggerFired(id, account: record.account, instrument: record.order.instrument, price: price))
    dropLinked(record)
    actor = account
    do throws(Rejection) {
      try placeFired(id, record, account, number, lot: instrument.lot)
    } catch {
      emit(.triggerRejected(id, account: record.account, instrument: record.order.instrument, error.code))
      releaseClientID(of: id, record)
    }
    actor = nil
    return true
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
