// Combos as the API tells of them.

import Clearing
import Consensus
import Primitives
import Replica

public struct ComboLegDocument: Codable, Hashable, Sendable {
  public var instrument: String
  public var ratio: Int64
}

public struct ComboDocument: Codable, Sendable {
  /// Such as BTC-COMBO-7; it stands where an instrument is asked for.
  public var name: String
  public var legs: [ComboLegDocument]
  public var tick: String
  public var lot: String
  public var volume: String
  @Nullable public var markPrice: String?
  /// Of orders for the combo itself.
  @Nullable public var bestBid: String?
  @Nullable public var bestAsk: String?
  /// Of the best orders for its legs.
  @Nullable public var impliedBid: String?
  @Nullable public var impliedAsk: String?
}

public struct CombosDocument: Codable, Sendable {
  public var combos: [ComboDocument]
  public var height: UInt64
  public var stateRoot: String
  public var consistency: String
}

/// Trades on firm quotes: every leg with every maker.
public struct NegotiatedTradeDocument: Codable, Sendable {
  public struct Part: Codable, Sendable {
    public var maker: String
    public var price: String
    public var quantity: String
    public var trades: [TradeDocument]
  }
  public var takerSide: String
  public var legs: [ComboLegDocument]
  public var parts: [Part]
}

/// All legs of one trade of a combo.
public struct ComboTradeDocument: Codable, Sendable {
  public var combo: String
  public var price: String
  public var quantity: String
  public var takerSide: String
  public var legs: [TradeDocument]
}

extension ComboDocument {
  init(_ view: ComboView, underlyings: [UnderlyingTerms]) {
    self.init(
      name: InstrumentName.format(view.id, underlyings: underlyings),
      legs: view.legs.map { ComboLegDocument($0, underlyings: underlyings) },
      tick: money(view.tick), lot: lots(view.lot), volume: lots(view.volume), markPrice: view.markPrice.map(money),
      bestBid: view.bestBid.map(money), bestAsk: view.bestAsk.map(money), impliedBid: view.impliedBid.map(money),
      impliedAsk: view.impliedAsk.map(money))
  }
}

extension TradeDocument {
  /// A leg of a trade of several.
  fileprivate init(_ trade: TradeEvent, block: Header, underlyings: [UnderlyingTerms]) {
    self.init(
      sequence: trade.trade, instrument: InstrumentName.format(trade.instrument, underlyings: underlyings),
      price: money(trade.price), quantity: lots(trade.quantity), takerSide: trade.takerSide == .buy ? "buy" : "sell",
      height: block.height, time: ISO8601.format(block.timestamp))
  }
}

extension NegotiatedTradeDocument {
  init(_ trade: NegotiatedTradeEvent, block: Header, underlyings: [UnderlyingTerms]) {
    self.init(
      takerSide: trade.takerSide == .buy ? "buy" : "sell",
      legs: trade.legs.map { ComboLegDocument($0, underlyings: underlyings) },
      parts: trade.parts.map { part in
        Part(
          maker: part.maker.hex, price: money(part.price), quantity: lots(part.quantity),
          trades: part.trades.map { TradeDocument($0, block: block, underlyings: underlyings) })
      })
  }
}

extension ComboLegDocument {
  init(_ leg: ComboLeg, underlyings: [UnderlyingTerms]) {
    self.init(instrument: InstrumentName.format(leg.instrument, underlyings: underlyings), ratio: leg.ratio)
  }
}

extension ComboTradeDocument {
  init(_ trade: ComboTradeEvent, block: Header, underlyings: [UnderlyingTerms]) {
    self.init(
      combo: InstrumentName.format(trade.combo, underlyings: underlyings), price: money(trade.price),
      quantity: lots(trade.quantity), takerSide: trade.takerSide == .buy ? "buy" : "sell",
      legs: trade.legs.map { TradeDocument($0, block: block, underlyings: underlyings) })
  }
}
