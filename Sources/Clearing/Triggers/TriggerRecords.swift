// Records of triggers, of what links them to orders, and of icebergs.

public import Ledger
public import Primitives
public import Wire

/// A trigger that has not fired. Its key is the number that its order will have.
public struct TriggerRecord: TableRecord {
  public var account: AccountID
  /// What it places; the quantity is what it would place now. 0: it waits for the order that it guards (T7).
  public var order: PlaceOrder
  public var source: TriggerSource
  public var condition: TriggerCondition
  public var level: Price
  /// Real time of the block that took it.
  public var placed: Timestamp
  /// The trigger that goes when this one fires; 0 for none.
  public var partner: OrderID = 0
  /// The open order that it is linked to; 0 for none.
  public var parent: OrderID = 0

  init(_ trigger: TriggerOrder, account: AccountID, placed: Timestamp) {
    self.account = account
    order = trigger.order
    source = trigger.source
    condition = trigger.condition
    level = trigger.level
    self.placed = placed
  }

  /// Real block time from which it no longer fires; `Int64.max` for never.
  public var goodTill: Timestamp { order.timeInForce == .gtt ? order.goodTill : .max }

  public func encode(to writer: inout WireWriter) {
    writer.write(account)
    writer.write(order)
    writer.write(source)
    writer.write(condition)
    writer.write(level)
    writer.write(placed)
    writer.write(partner)
    writer.write(parent)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    account = try reader.readBytes32()
    order = try PlaceOrder(from: &reader)
    source = try TriggerSource(from: &reader)
    condition = try TriggerCondition(from: &reader)
    level = try reader.read()
    placed = try reader.read()
    partner = try reader.read()
    parent = try reader.read()
  }
}

/// What hangs on an open order. Its key is the order's.
public struct LinkRecord: TableRecord {
  public var kind: LinkKind
  /// One or two.
  public var triggers: [OrderID]

  init(kind: LinkKind, triggers: [OrderID]) {
    self.kind = kind
    self.triggers = triggers
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(kind)
    writer.write(UInt8(truncatingIfNeeded: triggers.count))
    for id in triggers { writer.write(id) }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    kind = try LinkKind(from: &reader)
    triggers = []
    for _ in 0..<(try reader.read(UInt8.self)) { triggers.append(try reader.read()) }
  }
}

/// I1: an open order of which the book shows a part. Its key is the order's.
public struct IcebergRecord: TableRecord {
  /// Lots of a fresh slice.
  public var display: Quantity
  /// Lots of the present one.
  public var shown: Quantity

  init(display: Quantity, shown: Quantity) {
    self.display = display
    self.shown = shown
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(display)
    writer.write(shown)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    display = try reader.read()
    shown = try reader.read()
  }
}
