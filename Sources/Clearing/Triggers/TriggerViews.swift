// What the API may ask about triggers.

import Ledger
public import Primitives

/// A trigger that has not fired.
public struct TriggerView: Hashable, Sendable {
  public var id: OrderID
  public var account: AccountID
  /// What it places; with quantity 0 it waits for the order that it guards.
  public var order: PlaceOrder
  public var source: TriggerSource
  public var condition: TriggerCondition
  public var level: Price
  /// The trigger, and the open order, that it is linked to.
  public var partner: OrderID?
  public var parent: OrderID?
}

extension ClearingHouse {
  /// Every trigger of an account, ascending by number.
  public func triggers(of id: AccountID) -> [TriggerView] {
    (live.triggers.owned[id] ?? []).sorted().compactMap { trigger($0) }
  }

  public func trigger(_ id: OrderID) -> TriggerView? {
    guard let record = tables.triggers[OrderKey(id)] else { return nil }
    return TriggerView(
      id: id, account: record.account, order: record.order, source: record.source, condition: record.condition,
      level: record.level, partner: record.partner == 0 ? nil : record.partner,
      parent: record.parent == 0 ? nil : record.parent)
  }
}
