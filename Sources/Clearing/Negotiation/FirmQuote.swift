// A maker's answer to a request for quotes, and its use by the taker (rules R1 to R5).

public import Primitives
public import Wire

/// A price for one taker: signed by the maker, seen by nobody else before it is used, and binding until it expires.
public struct FirmQuote: Hashable, Sendable {
  public var chain: Digest
  /// Signs, and trades for its main account.
  public var maker: PublicKey
  public var taker: AccountID
  /// One instrument in ratio 1, or legs as those of a combo (C1).
  public var legs: [ComboLeg]
  /// What the maker does: a seller sells the legs with positive ratios and buys the others.
  public var side: Side
  /// 1e-6 USD, net, for one contract in each unit of ratio; negative only for several legs.
  public var price: Price
  /// Lots that the taker may have at most, once.
  public var quantity: Quantity
  /// Drawn as a nonce is; counts once for the maker.
  public var number: UInt64
  /// Real block time.
  public var expiry: Timestamp
  public var signature: Signature

  public init(
    chain: Digest, maker: PublicKey, taker: AccountID, legs: [ComboLeg], side: Side, price: Price, quantity: Quantity,
    number: UInt64, expiry: Timestamp, signature: Signature = .zero
  ) {
    self.chain = chain
    self.maker = maker
    self.taker = taker
    self.legs = legs
    self.side = side
    self.price = price
    self.quantity = quantity
    self.number = number
    self.expiry = expiry
    self.signature = signature
  }

  /// What the signature covers.
  public var signingBytes: [UInt8] {
    var writer = WireWriter(capacity: 256)
    writer.write(raw: Array("novation/firm-quote/v1".utf8))
    encodeBody(to: &writer)
    return writer.bytes
  }

  private func encodeBody(to writer: inout WireWriter) {
    writer.write(chain)
    writer.write(maker)
    writer.write(taker)
    writer.write(legs)
    writer.write(side)
    writer.write(price)
    writer.write(quantity)
    writer.write(number)
    writer.write(expiry)
  }
}

extension FirmQuote: WireCodable {
  public func encode(to writer: inout WireWriter) {
    encodeBody(to: &writer)
    writer.write(signature)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    chain = try reader.readBytes32()
    maker = try reader.readBytes32()
    taker = try reader.readBytes32()
    legs = try reader.readArray(limit: Limits.maxComboLegs)
    side = try Side(from: &reader)
    price = try reader.read()
    quantity = try reader.read()
    number = try reader.read()
    expiry = try reader.read()
    signature = try reader.readSignature()
  }
}

/// So many lots of a firm quote.
public struct QuoteUse: Hashable, Sendable, WireCodable {
  public var quote: FirmQuote
  public var quantity: Quantity

  public init(quote: FirmQuote, quantity: Quantity) {
    self.quote = quote
    self.quantity = quantity
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(quote)
    writer.write(quantity)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    quote = try FirmQuote(from: &reader)
    quantity = try reader.read()
  }
}

extension Transaction {
  /// The firm quotes whose signatures have to be verified with the transaction's own: no more are ever used (R2).
  public var firmQuotes: [FirmQuote] {
    var quotes: [FirmQuote] = []
    for case .negotiate(let uses) in actions where quotes.count < Limits.maxFirmQuotes {
      quotes += uses.prefix(Limits.maxFirmQuotes - quotes.count).map(\.quote)
    }
    return quotes
  }
}

/// What one maker traded of a negotiated trade.
public struct NegotiatedPart: Hashable, Sendable, WireCodable {
  public var maker: AccountID
  /// The firm quote's.
  public var number: UInt64
  public var price: Price
  public var quantity: Quantity
  /// One for each leg, in their order.
  public var trades: [TradeEvent]

  public init(maker: AccountID, number: UInt64, price: Price, quantity: Quantity, trades: [TradeEvent]) {
    self.maker = maker
    self.number = number
    self.price = price
    self.quantity = quantity
    self.trades = trades
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(maker)
    writer.write(number)
    writer.write(price)
    writer.write(quantity)
    writer.write(trades)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    maker = try reader.readBytes32()
    number = try reader.read()
    price = try reader.read()
    quantity = try reader.read()
    trades = try reader.readArray(limit: Limits.maxComboLegs)
  }
}

/// A negotiated trade: every leg with every maker, in this one event (INV-8).
public struct NegotiatedTradeEvent: Hashable, Sendable, WireCodable {
  public var taker: AccountID
  public var takerSide: Side
  public var legs: [ComboLeg]
  public var parts: [NegotiatedPart]

  public init(taker: AccountID, takerSide: Side, legs: [ComboLeg], parts: [NegotiatedPart]) {
    self.taker = taker
    self.takerSide = takerSide
    self.legs = legs
    self.parts = parts
  }

  /// All trades, maker by maker.
  public var trades: [TradeEvent] { parts.flatMap(\.trades) }

  public func encode(to writer: inout WireWriter) {
    writer.write(taker)
    writer.write(takerSide)
    writer.write(legs)
    writer.write(parts)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    taker = try reader.readBytes32()
    takerSide = try Side(from: &reader)
    legs = try reader.readArray(limit: Limits.maxComboLegs)
    parts = try reader.readArray(limit: Limits.maxFirmQuotes)
  }
}
