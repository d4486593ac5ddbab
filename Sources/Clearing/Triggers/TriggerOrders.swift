// Orders that wait for a price: stops and take-profits, alone or linked to each other or to an order.

public import Primitives
public import Wire

/// Which price a trigger watches.
public enum TriggerSource: UInt8, Sendable, WireByte {
  /// The mark of its instrument.
  case mark = 0
  /// The index of the underlying.
  case index = 1
}

/// On which side of its level a trigger fires. A stop to sell is `atOrBelow` the mark, a take-profit to sell
/// `atOrAbove`; with the index and puts it is the other way round.
public enum TriggerCondition: UInt8, Sendable, WireByte {
  case atOrAbove = 0
  case atOrBelow = 1

  func isMet(by price: Price, level: Price) -> Bool { self == .atOrAbove ? price >= level : price <= level }
}

/// T1: an order that is placed when a price reaches a level.
public struct TriggerOrder: Hashable, Sendable {
  public var order: PlaceOrder
  public var source: TriggerSource
  public var condition: TriggerCondition
  /// 1e-6 USD: per contract for the mark, of the underlying for the index.
  public var level: Price

  public init(order: PlaceOrder, source: TriggerSource, condition: TriggerCondition, level: Price) {
    self.order = order
    self.source = source
    self.condition = condition
    self.level = level
  }
}

/// What the parts of `LinkedOrders` are to each other.
public enum LinkKind: UInt8, Sendable, WireByte {
  /// T6 (OCO): an order and a trigger, or two triggers; what one of them trades the other does not.
  case oneCancelsOther = 0
  /// T7 (OTO): triggers that guard what the order has bought or sold; two of them are also linked to each other by T6.
  case oneTriggersOther = 1
}

/// Orders and triggers of one instrument that know of each other.
public struct LinkedOrders: Hashable, Sendable {
  public static let maxTriggers = 2

  public var kind: LinkKind
  /// None for two triggers that cancel each other.
  public var order: PlaceOrder?
  public var triggers: [TriggerOrder]

  public init(kind: LinkKind, order: PlaceOrder?, triggers: [TriggerOrder]) {
    self.kind = kind
    self.order = order
    self.triggers = triggers
  }

  /// Whether the parts fit each other: one instrument, one size, and sides that belong together.
  var isWellFormed: Bool {
    guard let first = order ?? triggers.first?.order, (1...Self.maxTriggers).contains(triggers.count),
      triggers.allSatisfy({ $0.order.instrument == first.instrument && $0.order.quantity == first.quantity })
    else { return false }
    switch (kind, order) {
    case (.oneCancelsOther, nil): return triggers.count == 2
    case (.oneCancelsOther, let order?):
      let mayRest = order.timeInForce == .gtc || order.timeInForce == .gtt
      return triggers.count == 1 && mayRest && triggers[0].order.side == order.side
    case (.oneTriggersOther, nil): return false
    case (.oneTriggersOther, let order?): return triggers.allSatisfy { $0.order.side == order.side.opposite }
    }
  }
}

extension TriggerOrder: WireCodable {
  public func encode(to writer: inout WireWriter) {
    writer.write(order)
    writer.write(source)
    writer.write(condition)
    writer.write(level)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    order = try PlaceOrder(from: &reader)
    source = try TriggerSource(from: &reader)
    condition = try TriggerCondition(from: &reader)
    level = try reader.read()
  }
}

extension LinkedOrders: WireCodable {
  public func encode(to writer: inout WireWriter) {
    writer.write(kind)
    writer.write(order != nil)
    if let order { writer.write(order) }
    writer.write(triggers)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    kind = try LinkKind(from: &reader)
    order = try reader.readBool() ? PlaceOrder(from: &reader) : nil
    triggers = try reader.readArray(limit: Self.maxTriggers)
  }
}

extension Action {
  /// The one order that a refusal is about.
  var singleOrder: PlaceOrder? {
    switch self {
    case .place(let order): order
    case .trigger(let trigger): trigger.order
    default: nil
    }
  }
}
