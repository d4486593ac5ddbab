// Combos: several contracts that trade together or not at all (rules C1 to C6).

public import Ledger
public import Primitives
public import Wire

/// A part of a combo: so many contracts for each contract of it. Negative: its buyer sells them.
public struct ComboLeg: Hashable, Sendable, WireCodable {
  public var instrument: InstrumentID
  public var ratio: Int64

  public init(instrument: InstrumentID, ratio: Int64) {
    self.instrument = instrument
    self.ratio = ratio
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(instrument)
    writer.write(ratio)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    instrument = try InstrumentID(from: &reader)
    ratio = try reader.read()
  }
}

/// The legs of a combo; its tick, lot and volume are in its instrument record.
public struct ComboRecord: TableRecord {
  /// Ascending by instrument.
  public var legs: [ComboLeg]
  /// Real time of its creation or of its latest order.
  public var used: Timestamp

  init(legs: [ComboLeg], used: Timestamp) {
    self.legs = legs
    self.used = used
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(legs)
    writer.write(used)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    legs = try reader.readArray(limit: Limits.maxComboLegs)
    used = try reader.read()
  }
}

/// A combo traded: all of its legs, in this one event (INV-8).
public struct ComboTradeEvent: Hashable, Sendable, WireCodable {
  public var combo: InstrumentID
  /// Of a contract of the combo, net; negative if its buyer receives money.
  public var price: Price
  public var quantity: Quantity
  public var takerSide: Side
  /// Against another order for the combo one for each leg, against the legs' books one or more for each.
  public var legs: [TradeEvent]

  public init(combo: InstrumentID, price: Price, quantity: Quantity, takerSide: Side, legs: [TradeEvent]) {
    self.combo = combo
    self.price = price
    self.quantity = quantity
    self.takerSide = takerSide
    self.legs = legs
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(combo)
    writer.write(price)
    writer.write(quantity)
    writer.write(takerSide)
    writer.write(legs)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    combo = try InstrumentID(from: &reader)
    price = try reader.read()
    quantity = try reader.read()
    takerSide = try Side(from: &reader)
    legs = try reader.readArray(limit: Limits.maxComboLegs * Limits.maxComboMakers)
  }
}

extension InstrumentID {
  /// A combo: its number, which is never used again, instead of terms.
  public init(combo number: UInt32, of underlying: UnderlyingID) {
    self.init(raw: UInt64(underlying) << 56 | 3 << 54 | UInt64(number))
  }

  @inlinable public var isCombo: Bool { raw >> 54 & 3 == 3 }
}

extension Side {
  /// The side that a leg of this sign is traded on when the combo is traded on this one.
  func ofLeg(_ ratio: Int64) -> Side { ratio > 0 ? self : opposite }
}
