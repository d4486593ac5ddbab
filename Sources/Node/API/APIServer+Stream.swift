// Server-sent events: what became final, as it becomes final. A client that reads too slowly is dropped, not buffered
// without bound.

import Consensus
import Clearing
import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore
import Primitives
import Replica

extension APIServer {
  private static let topics: Set<String> = ["blocks", "trades", "settlements", "margin", "liquidations"]
  /// Blocks that may wait for one slow client.
  private static let backlogMax = 256

  func stream(_ request: Request, max streamsMax: Int) async throws -> Response {
    let wanted = Set((request.uri.queryParameters["topics"] ?? "blocks,trades").split(separator: ",").map(String.init))
    guard !wanted.isEmpty, wanted.isSubset(of: Self.topics) else {
      throw APIError.malformed(
        "unknown topic in \"\(wanted.sorted().joined(separator: ",").prefix(80))\"",
        hint: "Use some of \(Self.topics.sorted().joined(separator: ", ")).")
    }
    let (blocks, continuation) = AsyncStream.makeStream(
      of: FinalizedBlock.self, bufferingPolicy: .bufferingOldest(Self.backlogMax))
    let accepted = await host.subscribe(limit: streamsMax) { block in
      switch continuation.yield(block) {
      case .enqueued: return true
      default:
        continuation.finish()
        return false
      }
    }
    guard accepted else {
      throw APIError(
        .tooManyRequests, "tooManyStreams", "\(streamsMax) event streams are open",
        hint: "Close one, ask another node, or raise limits.streams.")
    }
    let terms = info.genesis.market.underlyings
    let body = ResponseBody { writer in
      try await writer.write(ByteBuffer(string: ": novation stream\n\n"))
      for await block in blocks {
        let text = Self.events(of: block, topics: wanted, underlyings: terms)
        if !text.isEmpty { try await writer.write(ByteBuffer(string: text)) }
      }
      try await writer.finish(nil)
    }
    return Response(
      status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-cache"], body: body)
  }

  private static func paid(_ underlying: UnderlyingID, _ expiry: Timestamp, in block: FinalizedBlock) -> Amount {
    block.executed.result.events.reduce(0) { sum, event in
      guard case .settled(_, let instrument, _, let amount) = event.kind, amount > 0,
        instrument.underlying == underlying, instrument.expiry == expiry
      else { return sum }
      return sum.saturatingAdding(amount)
    }
  }

  private static func events(of block: FinalizedBlock, topics: Set<String>, underlyings: [UnderlyingTerms]) -> String {
    var text = ""
    let height = block.header.height
    func add(_ name: String, _ id: String, _ value: some Encodable) {
      text += "id: \(id)\nevent: \(name)\ndata: \(JSONText.render(value, pretty: false))\n\n"
    }
    for event in block.executed.result.events {
      let id = "\(height).\(event.sequence)"
      switch event.kind {
      case .trade(let trade) where topics.contains("trades"):
        add(
          "trade", id,
          TradeDocument(
            sequence: trade.trade, instrument: InstrumentName.format(trade.instrument, underlyings: underlyings),
            price: money(trade.price), quantity: lots(trade.quantity),
            takerSide: trade.takerSide == .buy ? "buy" : "sell", height: height,
            time: ISO8601.format(block.header.timestamp)))
      case .comboTrade(let trade) where topics.contains("trades"):
        add("comboTrade", id, ComboTradeDocument(trade, block: block, underlyings: underlyings))
      case .negotiatedTrade(let trade) where topics.contains("trades"):
        add("negotiatedTrade", id, NegotiatedTradeDocument(trade, block: block, underlyings: underlyings))
      case .expirySettled(let underlying, let expiry, let price, _, let positions) where topics.contains("settlements"):
        let name = Int(underlying) < underlyings.count ? underlyings[Int(underlying)].symbol : "?"
        add(
          "settlement", id,
          SettlementEventDocument(
            underlying: name, expiry: ISO8601.format(expiry), price: money(price), positions: positions,
            paid: money(paid(underlying, expiry, in: block)), height: height))
      case .marginCall(let account, let equity, let maintenance) where topics.contains("margin"):
        add(
          "marginCall", id,
          MarginCallEventDocument(
            account: account.hex, equity: money(equity), maintenance: money(maintenance), height: height))
      case .liquidation(let liquidation) where topics.contains("liquidations"):
        add("liquidation", id, LiquidationEventDocument(liquidation, height: height, underlyings: underlyings))
      case .liquidationEnded(let account) where topics.contains("liquidations"):
        add("liquidationEnded", id, LiquidationEndedEventDocument(account: account.hex, height: height))
      case .positionMoved(let from, let to, let instrument, let quantity, let price)
      where topics.contains("liquidations"):
        add(
          "positionMoved", id,
          PositionMovedEventDocument(
            from: from.hex, to: to.hex, instrument: InstrumentName.format(instrument, underlyings: underlyings),
            quantity: lots(quantity), price: money(price), height: height))
      case .waterfall(let debtor, let layer, let payer, let amount) where topics.contains("liquidations"):
        add(
          "waterfall", id,
          WaterfallEventDocument(
            debtor: debtor.hex, layer: layer, payer: payer.hex, amount: money(amount), height: height))
      default: break
      }
    }
    if topics.contains("blocks") {
      add(
        "block", "\(height)",
        BlockEventDocument(
          height: height, hash: block.hash.hex, stateRoot: block.executed.stateRoot.hex, view: block.header.view,
          transactions: block.executed.result.outcomes.count, timestamp: ISO8601.format(block.header.timestamp)))
    }
    return text
  }
}

struct BlockEventDocument: Codable, Sendable {
  var height: UInt64
  var hash: String
  var stateRoot: String
  var view: UInt64
  var transactions: Int
  var timestamp: String
}

struct SettlementEventDocument: Codable, Sendable {
  var underlying: String
  var expiry: String
  var price: String
  var positions: UInt32
  /// What the accounts that gained received, together.
  var paid: String
  var height: UInt64
}

struct MarginCallEventDocument: Codable, Sendable {
  var account: String
  var equity: String
  var maintenance: String
  var height: UInt64
}

struct LiquidationEventDocument: Codable, Sendable {
  struct Price: Codable, Sendable {
    var underlying: String
    /// Null for the index.
    @Nullable var expiry: String?
    var round: UInt64
    var time: String
    var price: String
  }

  var account: String
  var stage: String
  var equity: String
  var maintenance: String
  var reward: String
  /// Height whose state holds the prices that it was decided on.
  var priceHeight: UInt64
  var prices: [Price]
  var height: UInt64

  init(_ event: LiquidationEvent, height: UInt64, underlyings: [UnderlyingTerms]) {
    account = event.account.hex
    stage = event.stage.name
    equity = money(event.equity)
    maintenance = money(event.maintenance)
    reward = money(event.reward)
    priceHeight = event.height
    prices = event.prices.map {
      Price(
        underlying: Int($0.underlying) < underlyings.count ? underlyings[Int($0.underlying)].symbol : "?",
        expiry: $0.expiry == 0 ? nil : ISO8601.format($0.expiry), round: $0.round, time: ISO8601.format($0.time),
        price: money($0.price))
    }
    self.height = height
  }
}

struct LiquidationEndedEventDocument: Codable, Sendable {
  var account: String
  var height: UInt64
}

struct PositionMovedEventDocument: Codable, Sendable {
  var from: String
  var to: String
  var instrument: String
  /// What the receiver got: negative for a short position.
  var quantity: String
  var price: String
  var height: UInt64
}

struct WaterfallEventDocument: Codable, Sendable {
  var debtor: String
  var layer: UInt8
  var payer: String
  var amount: String
  var height: UInt64
}
