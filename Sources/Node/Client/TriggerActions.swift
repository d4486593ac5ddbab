// Triggers and linked orders as people and programs write them.

public import Clearing
import Primitives

extension ActionDocument {
  /// `{"type": "trigger", ..., "trigger": {"source": "mark", "when": "atOrBelow", "level": "95000"}}`, with the members of an order
  /// beside it.
  static func trigger(_ entry: JSONValue, at place: String, _ terms: NetworkTerms) throws(CommandFailure)
    -> TriggerOrder
  {
    var members = entry.object ?? [:]
    guard let condition = members.removeValue(forKey: "trigger") else {
      throw CommandFailure(.failed, "\(place).trigger: missing")
    }
    let fields = try JSONFields(condition, at: "\(place).trigger", allowed: ["source", "when", "level"])
    guard let source = TriggerSource(name: try fields.optionalText("source") ?? "mark") else {
      throw fields.refusal("source", "expected mark or index")
    }
    guard let when = TriggerCondition(name: try fields.text("when")) else {
      throw fields.refusal("when", "expected atOrAbove or atOrBelow")
    }
    return TriggerOrder(
      order: try order(.object(members), at: place, terms), source: source, condition: when,
      level: try fields.money("level"))
  }

  /// `{"type": "link", "kind": "oneCancelsOther", "order": {...}, "triggers": [{..., "trigger": {...}}]}`
  static func linked(_ entry: JSONValue, at place: String, _ terms: NetworkTerms) throws(CommandFailure) -> LinkedOrders
  {
    let fields = try JSONFields(entry, at: place, allowed: ["type", "kind", "order", "triggers"])
    guard let kind = LinkKind(name: try fields.text("kind")) else {
      throw fields.refusal("kind", "expected oneCancelsOther or oneTriggersOther")
    }
    guard let list = entry["triggers"]?.array, (1...LinkedOrders.maxTriggers).contains(list.count) else {
      throw fields.refusal("triggers", "expected a list of one or two triggers")
    }
    var triggers: [TriggerOrder] = []
    for (index, part) in list.enumerated() {
      triggers.append(try trigger(part, at: "\(place).triggers[\(index)]", terms))
    }
    var order: PlaceOrder?
    if let part = entry["order"], part != .null { order = try self.order(part, at: "\(place).order", terms) }
    return LinkedOrders(kind: kind, order: order, triggers: triggers)
  }
}

extension TriggerSource {
  public init?(name: String) {
    switch name {
    case "mark": self = .mark
    case "index": self = .index
    default: return nil
    }
  }
}

extension TriggerCondition {
  public init?(name: String) {
    switch name {
    case "atOrAbove": self = .atOrAbove
    case "atOrBelow": self = .atOrBelow
    default: return nil
    }
  }
}

extension LinkKind {
  public init?(name: String) {
    switch name {
    case "oneCancelsOther": self = .oneCancelsOther
    case "oneTriggersOther": self = .oneTriggersOther
    default: return nil
    }
  }
}
