// What happens to the triggers that hang on an order when it trades, shrinks or goes (T6, T7).

import Ledger
import Primitives

extension ClearingHouse {
  /// The resting order traded `lots`; with `isGone` it is out of the book.
  mutating func followFill(_ id: OrderID, lots: Quantity, isGone: Bool) {
    guard tables.links.count > 0, let link = tables.links[OrderKey(id)] else { return }
    for trigger in link.triggers {
      guard let record = tables.triggers[OrderKey(trigger)] else { continue }
      switch link.kind {
      case .oneCancelsOther:
        if lots >= record.order.quantity {
          cancelTrigger(trigger, record, .linked)
        } else {
          tables.triggers.update(OrderKey(trigger)) { $0.order.quantity &-= lots }
        }
      case .oneTriggersOther: tables.triggers.update(OrderKey(trigger)) { $0.order.quantity &+= lots }
      }
    }
    if isGone { unlink(id) }
  }

  /// The order was made smaller, without a trade.
  mutating func followShrink(_ id: OrderID, to remaining: Quantity) {
    guard tables.links.count > 0, let link = tables.links[OrderKey(id)], link.kind == .oneCancelsOther else { return }
    for trigger in link.triggers { tables.triggers.update(OrderKey(trigger)) { $0.order.quantity = remaining } }
  }

  /// The order left the book. Its triggers stand by themselves from now on; those that guard nothing go.
  mutating func unlink(_ id: OrderID) {
    guard tables.links.count > 0, let link = tables.links.remove(OrderKey(id)) else { return }
    for trigger in link.triggers {
      tables.triggers.update(OrderKey(trigger)) { $0.parent = 0 }
      guard let record = tables.triggers[OrderKey(trigger)], record.order.quantity == 0 else { continue }
      cancelTrigger(trigger, record, .linked)
    }
  }
}
