// A trigger that has not fired, as the API shows it.

import Clearing
import Primitives

public struct TriggerDocument: Codable, Sendable {
  public var id: String
  public var instrument: String
  public var side: String
  public var price: String
  /// What it would place now; 0 while it waits for the order that it guards.
  public var quantity: String
  public var timeInForce: String
  public var reduceOnly: Bool
  /// mark or index
  public var source: String
  /// atOrAbove or atOrBelow
  public var when: String
  public var level: String
  /// The trigger that goes when this one fires.
  @Nullable public var partner: String?
  /// The open order that it is linked to.
  @Nullable public var parent: String?
  @Nullable public var clientId: String?
}

extension TriggerDocument {
  init(_ view: TriggerView, underlyings: [UnderlyingTerms]) {
    self.init(
      id: String(view.id), instrument: InstrumentName.format(view.order.instrument, underlyings: underlyings),
      side: view.order.side == .buy ? "buy" : "sell", price: money(view.order.price),
      quantity: lots(view.order.quantity), timeInForce: view.order.timeInForce.name,
      reduceOnly: view.order.reduceOnly, source: String(describing: view.source),
      when: String(describing: view.condition),
      level: money(view.level), partner: view.partner.map(String.init), parent: view.parent.map(String.init),
      clientId: view.order.clientID.map(String.init))
  }
}
