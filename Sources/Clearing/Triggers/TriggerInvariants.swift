// What must hold of triggers, links and icebergs after every block.

import Ledger
import Primitives

extension ClearingHouse {
  /// INV-6: a number is an order or a trigger, never both; links lead there and back; what is derived is what is there.
  func checkTriggers() -> [Violation] {
    var found: [Violation] = []
    func note(_ detail: String) { found.append(Violation(invariant: 6, detail: detail)) }
    var queued = 0
    tables.triggers.forEach { key, _, record in
      if let fault = fault(of: key.id, record) { note("trigger \(key.id) \(fault)") }
      queued += live.triggers.ids(of: record.order.instrument).contains(key.id) ? 1 : 0
    }
    if queued != tables.triggers.count || queued != live.triggers.count {
      note("\(tables.triggers.count) triggers, \(queued) of \(live.triggers.count) known")
    }
    if live.triggers.owned.values.reduce(0, { $0 + $1.count }) != queued { note("triggers of nobody") }
    tables.links.forEach { key, _, link in
      if let fault = fault(of: key, link) { note("order \(key.id) \(fault)") }
    }
    tables.icebergs.forEach { key, _, iceberg in
      let remaining = tables.orders[key]?.remaining ?? 0
      if iceberg.shown <= 0 || iceberg.shown > min(iceberg.display, remaining) {
        note("iceberg \(key.id) shows \(iceberg.shown) of \(remaining)")
      }
    }
    return found
  }

  private func fault(of id: OrderID, _ record: TriggerRecord) -> String? {
    if tables.orders.contains(OrderKey(id)) { return "is an order as well" }
    guard let instrument = tables.instruments[record.order.instrument], !instrument.state.hasExpired,
      tables.accounts.contains(AccountKey(record.account))
    else { return "is of nobody or nothing" }
    if record.goodTill <= totals.timestamp { return "outlived its end" }
    if record.partner != 0, tables.triggers[OrderKey(record.partner)]?.partner != id { return "has lost its partner" }
    guard record.parent != 0 else { return record.order.quantity > 0 ? nil : "would place nothing" }
    guard let link = tables.links[OrderKey(record.parent)] else { return "has lost its order" }
    return link.triggers.contains(id) ? nil : "is not linked back"
  }

  /// T6: together they never trade more than one of them would. T7: what is guarded is what was filled.
  private func fault(of key: OrderKey, _ link: LinkRecord) -> String? {
    guard let order = tables.orders[key] else { return "is gone and linked" }
    guard (1...LinkedOrders.maxTriggers).contains(link.triggers.count) else { return "is linked to nothing" }
    for id in link.triggers {
      guard let trigger = tables.triggers[OrderKey(id)], trigger.parent == key.id, trigger.account == order.account
      else {
        return "is linked to no trigger of its own"
      }
      let expected = link.kind == .oneCancelsOther ? order.remaining : order.quantity - order.remaining
      if trigger.order.quantity != expected { return "has \(expected) lots for \(trigger.order.quantity)" }
    }
    return nil
  }
}
