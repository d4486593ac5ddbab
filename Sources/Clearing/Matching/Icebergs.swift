// Icebergs: orders of which the book shows a slice at a time. All of an iceberg is in the order's record, so margin and limits
// count it whole; what is shown is beside it.

import Ledger
import Primitives

extension ClearingHouse {
  /// I1: whole lots, and at least a hundredth of the order, so that a sweep meets few slices.
  func checkDisplay(_ order: PlaceOrder, lot: Quantity) throws(Rejection) {
    guard order.display != 0 else { return }
    guard order.display > 0, order.display.isMultiple(of: lot), order.display <= order.quantity,
      order.quantity / order.display <= Limits.maxIcebergSlices, !order.instrument.isCombo, !order.isQuote,
      order.timeInForce == .gtc || order.timeInForce == .gtt
    else { throw Rejection(.badDisplay) }
  }

  /// Lots of a resting order that the book shows.
  func shownLots(_ id: OrderID, of remaining: Quantity) -> Quantity {
    guard tables.icebergs.count > 0, let iceberg = tables.icebergs[OrderKey(id)] else { return remaining }
    return iceberg.shown
  }

  /// I2: a fill of a part of it. With the slice gone the next one goes to the end of the queue. Returns the level's shown
  /// quantity; nil if the order is no iceberg.
  mutating func fillIceberg(
    _ id: OrderID, _ record: OrderRecord, by lots: Quantity, at numbers: OrderPlace
  ) -> Quantity? {
    guard tables.icebergs.count > 0, let iceberg = tables.icebergs[OrderKey(id)] else { return nil }
    let remaining = record.remaining - lots
    if lots < iceberg.shown {
      tables.icebergs.update(OrderKey(id)) { $0.shown &-= lots }
      let level = resizeOrder(id, record, to: remaining, at: numbers)
      tables.orders.update(OrderKey(id)) { $0.remaining = remaining }
      return level
    }
    var next = record
    next.remaining = remaining
    next.priority = totals.nextOrder
    totals.nextOrder &+= 1
    unindexOrder(id, record, at: numbers)
    tables.icebergs.update(OrderKey(id)) { $0.shown = min($0.display, remaining) }
    tables.orders.put(next, for: OrderKey(id))
    return indexOrder(id, next, at: numbers)
  }

  /// Made smaller without a trade: what is hidden goes first.
  mutating func shrinkIceberg(_ id: OrderID, to remaining: Quantity) {
    guard tables.icebergs.count > 0 else { return }
    tables.icebergs.update(OrderKey(id)) { $0.shown = min($0.shown, remaining) }
  }
}
