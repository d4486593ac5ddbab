// What market makers send: quotes, their protection, and leases.

public import Primitives
public import Wire

/// Both sides of one instrument; a quantity of 0 means no quote on that side.
public struct Quote: Hashable, Sendable {
  public var instrument: InstrumentID
  public var bidPrice: Price
  public var bidQuantity: Quantity
  public var askPrice: Price
  public var askQuantity: Quantity

  public init(
    instrument: InstrumentID, bidPrice: Price, bidQuantity: Quantity, askPrice: Price, askQuantity: Quantity
  ) {
    self.instrument = instrument
    self.bidPrice = bidPrice
    self.bidQuantity = bidQuantity
    self.askPrice = askPrice
    self.askQuantity = askQuantity
  }
}

/// Limits of what an account's quotes in one underlying may trade within a window; 0 switches a limit off.
public struct Protection: Hashable, Sendable {
  public var underlying: UnderlyingID
  /// Real time, up to an hour.
  public var window: Timestamp
  /// Lots; never exceeded.
  public var quantity: Quantity
  /// Net delta in lots; exceeded by one fill at most.
  public var delta: Quantity
  /// Number of fills; never exceeded.
  public var trades: UInt32
  /// How long quotes are refused afterwards; 0: until the limits are set again.
  public var freeze: Timestamp

  public init(
    underlying: UnderlyingID, window: Timestamp, quantity: Quantity = 0, delta: Quantity = 0, trades: UInt32 = 0,
    freeze: Timestamp = 0
  ) {
    self.underlying = underlying
    self.window = window
    self.quantity = quantity
    self.delta = delta
    self.trades = trades
    self.freeze = freeze
  }

  var isAcceptable: Bool {
    (1...Limits.maxProtectionTime).contains(window) && (0...Limits.maxProtectionTime).contains(freeze)
      && (0...Limits.maxAccountLots).contains(quantity) && (0...Limits.maxAccountLots).contains(delta)
  }

  /// All limits off: ends the protection.
  var isOff: Bool { quantity == 0 && delta == 0 && trades == 0 }
}

extension Quote: WireCodable {
  public func encode(to writer: inout WireWriter) {
    writer.write(instrument)
    writer.write(bidPrice)
    writer.write(bidQuantity)
    writer.write(askPrice)
    writer.write(askQuantity)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    instrument = try InstrumentID(from: &reader)
    bidPrice = try reader.read()
    bidQuantity = try reader.read()
    askPrice = try reader.read()
    askQuantity = try reader.read()
  }
}

extension Protection: WireCodable {
  public func encode(to writer: inout WireWriter) {
    writer.write(underlying)
    writer.write(window)
    writer.write(quantity)
    writer.write(delta)
    writer.write(trades)
    writer.write(freeze)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    underlying = try reader.read()
    window = try reader.read()
    quantity = try reader.read()
    delta = try reader.read()
    trades = try reader.read()
    freeze = try reader.read()
  }
}
