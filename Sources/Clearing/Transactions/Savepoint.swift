// A place to return to inside a block: what makes all-or-nothing, fill-or-kill and amend atomic.

import Ledger
import Primitives

struct Savepoint {
  let marks: TableMarks
  let undo: Int
  let events: Int
  let fills: Int
  let orders: Int
  let clientOrders: Int
  let used: Int
  let totals: TotalsRecord
}

extension ClearingHouse {
  mutating func savepoint() -> Savepoint {
    Savepoint(
      marks: TableMarks(&tables), undo: live.undo.count, events: events.count, fills: outcome.fills.count,
      orders: outcome.orders.count, clientOrders: commands.orders.count,
      used: commands.used.count, totals: totals)
  }

  /// Everything since `point` has not happened.
  mutating func restore(_ point: Savepoint) {
    point.marks.rollback(&tables)
    undoLive(to: point.undo)
    events.removeLast(events.count - point.events)
    outcome.fills.removeLast(outcome.fills.count - point.fills)
    outcome.orders.removeLast(outcome.orders.count - point.orders)
    commands.orders.removeLast(commands.orders.count - point.clientOrders)
    commands.used.removeLast(commands.used.count - point.used)
    totals = point.totals
    // Found covered perhaps by money that it has not got after all.
    if let number = actor { live.accounts[Int(number)].coveredEpoch = 0 }
  }
}
