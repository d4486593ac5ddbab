// Combos as the API tells of them.

import Clearing
import Consensus
import Primitives
import Replica

public struct ComboLegDocument: Codable, Sendable {
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
      legs: view.legs.map {
        ComboLegDocument(
          instrument: InstrumentName.format($0.instrument, underlyings: underlyings), ratio: $0.ratio)
      },
      tick: money(view.tick), lot: lots(view.lot), volume: lots(view.volume), markPrice: view.markPrice.map(money),
      bestBid: view.bestBid.map(money), bestAsk: view.bestAsk.map(money), impliedBid: view.impliedBid.map(money),
      impliedAsk: view.impliedAsk.map(money))
  }
}

extension ComboTradeDocument {
  init(_ trade: ComboTradeEvent, block: FinalizedBlock, underlyings: [UnderlyingTerms]) {
    self.init(
      combo: InstrumentName.format(trade.combo, underlyings: underlyings), price: money(trade.price),
      quantity: lots(trade.quantity), takerSide: trade.takerSide == .buy ? "buy" : "sell",
      legs: trade.legs.map {
        TradeDocument(
          sequence: $0.trade, instrument: InstrumentName.format($0.instrument, underlyings: underlyings),
          price: money($0.price), quantity: lots($0.quantity), takerSide: $0.takerSide == .buy ? "buy" : "sell",
          height: block.header.height, time: ISO8601.format(block.header.timestamp))
      })
  }
}
