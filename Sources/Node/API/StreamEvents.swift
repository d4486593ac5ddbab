// A final block as server-sent events. Nothing but the block goes in, so every node makes the same bytes of it.

import Clearing
import Consensus
import FoundationEssentials
import Primitives
import Replica
import Threshold

/// What a client wants to hear of.
struct StreamTopics: Sendable {
  static let names: Set<String> = [
    "blocks", "trades", "books", "marks", "settlements", "margin", "liquidations", "certificates",
  ]
  /// Instruments that may be named.
  static let instrumentsMax = 64

  var topics: Set<String>
  /// Trades and books of these alone; empty for all.
  var instruments: [InstrumentID] = []

  func has(_ topic: String) -> Bool { topics.contains(topic) }
  func concerns(_ instrument: InstrumentID) -> Bool { instruments.isEmpty || instruments.contains(instrument) }
}

struct StreamEvents {
  let underlyings: [UnderlyingTerms]
  let wanted: StreamTopics

  /// The events of a block in order, with their ids.
  func events(of block: StreamBlock) -> [(id: String, text: String)] {
    var list: [(id: String, text: String)] = []
    for event in block.events { add(event, of: block, to: &list) }
    if wanted.has("books") { addBooks(of: block, to: &list) }
    if wanted.has("blocks") {
      add(
        "block", "\(block.height)",
        BlockEventDocument(
          height: block.height, hash: block.hash.hex, stateRoot: block.stateRoot.hex, view: block.header.view,
          transactions: block.transactions, timestamp: ISO8601.format(block.header.timestamp)), to: &list)
    }
    return list
  }

  /// Certificates come when they are made, not in their block's place, so they have no id to resume from.
  func event(of certificate: GroupCertificate) -> String {
    let document = CertificateEventDocument(
      height: certificate.height, view: certificate.view, epoch: certificate.epoch,
      headerHash: certificate.headerHash.hex, stateRoot: certificate.stateRoot.hex,
      signature: Hex.encode(certificate.signature.bytes))
    return "event: certificate\ndata: \(JSONText.render(document, pretty: false))\n\n"
  }

  /// A book as it is after the block of `height`.
  func snapshot(_ book: BookView, height: Height) -> String {
    func levels(_ side: [BookLevelView]) -> [BookEventDocument.Level] {
      side.map { .init(price: money($0.price), quantity: lots($0.quantity)) }
    }
    let document = BookEventDocument(
      instrument: name(book.instrument), height: height, sequence: nil, bids: levels(book.bids), asks: levels(book.asks)
    )
    return "id: \(height)\nevent: bookSnapshot\ndata: \(JSONText.render(document, pretty: false))\n\n"
  }

  private func add(
    _ name: String, _ id: String, _ value: some Encodable, to list: inout [(id: String, text: String)]
  ) {
    list.append((id, "id: \(id)\nevent: \(name)\ndata: \(JSONText.render(value, pretty: false))\n\n"))
  }

  private func name(_ instrument: InstrumentID) -> String {
    InstrumentName.format(instrument, underlyings: underlyings)
  }
  private func name(_ underlying: UnderlyingID) -> String {
    Int(underlying) < underlyings.count ? underlyings[Int(underlying)].symbol : "?"
  }

  // MARK: Books

  /// What the levels of each book are after the block that changed them in it: one event a book.
  private func addBooks(of block: StreamBlock, to list: inout [(id: String, text: String)]) {
    var order: [InstrumentID] = []
    var changes: [InstrumentID: (bids: [Price: Quantity], asks: [Price: Quantity], sequence: UInt64)] = [:]
    for event in block.events {
      guard case .bookLevel(let instrument, let side, let price, let quantity) = event.kind,
        wanted.concerns(instrument)
      else { continue }
      var change = changes[instrument] ?? ([:], [:], 0)
      if changes[instrument] == nil { order.append(instrument) }
      if side == .buy { change.bids[price] = quantity } else { change.asks[price] = quantity }
      change.sequence = event.sequence
      changes[instrument] = change
    }
    for instrument in order {
      guard let change = changes[instrument] else { continue }
      func levels(_ side: [Price: Quantity], _ isBetter: (Price, Price) -> Bool) -> [BookEventDocument.Level] {
        side.keys.sorted(by: isBetter).map { .init(price: money($0), quantity: lots(side[$0] ?? 0)) }
      }
      add(
        "book", "\(block.height).\(change.sequence).book",
        BookEventDocument(
          instrument: name(instrument), height: block.height, sequence: change.sequence,
          bids: levels(change.bids, >), asks: levels(change.asks, <)), to: &list)
    }
  }

  // MARK: Everything else

  private func add(_ event: Event, of block: StreamBlock, to list: inout [(id: String, text: String)]) {
    let id = "\(block.height).\(event.sequence)"
    let height = block.height
    switch event.kind {
    case .trade(let trade) where wanted.has("trades") && wanted.concerns(trade.instrument):
      add(
        "trade", id,
        TradeDocument(
          sequence: trade.trade, instrument: name(trade.instrument), price: money(trade.price),
          quantity: lots(trade.quantity), takerSide: trade.takerSide == .buy ? "buy" : "sell", height: height,
          time: ISO8601.format(block.header.timestamp)), to: &list)
    case .comboTrade(let trade) where wanted.has("trades") && wanted.concerns(trade.combo):
      add("comboTrade", id, ComboTradeDocument(trade, block: block.header, underlyings: underlyings), to: &list)
    case .negotiatedTrade(let trade)
    where wanted.has("trades") && trade.legs.contains(where: { wanted.concerns($0.instrument) }):
      add(
        "negotiatedTrade", id, NegotiatedTradeDocument(trade, block: block.header, underlyings: underlyings), to: &list)
    case .price(let underlying, let expiry, let round, let price) where wanted.has("marks"):
      add(
        "price", id,
        PriceEventDocument(
          underlying: name(underlying), expiry: expiry == 0 ? nil : ISO8601.format(expiry), round: round,
          price: money(price), height: height), to: &list)
    case .expirySettled(let underlying, let expiry, let price, _, let positions) where wanted.has("settlements"):
      add(
        "settlement", id,
        SettlementEventDocument(
          underlying: name(underlying), expiry: ISO8601.format(expiry), price: money(price), positions: positions,
          paid: money(Self.paid(underlying, expiry, in: block)), height: height), to: &list)
    case .marginCall(let account, let equity, let maintenance) where wanted.has("margin"):
      add(
        "marginCall", id,
        MarginCallEventDocument(
          account: account.hex, equity: money(equity), maintenance: money(maintenance), height: height), to: &list)
    default:
      if wanted.has("liquidations") { addLiquidation(event, id, height, to: &list) }
    }
  }

  private func addLiquidation(
    _ event: Event, _ id: String, _ height: Height, to list: inout [(id: String, text: String)]
  ) {
    switch event.kind {
    case .liquidation(let liquidation):
      add(
        "liquidation", id, LiquidationEventDocument(liquidation, height: height, underlyings: underlyings), to: &list)
    case .liquidationEnded(let account):
      add("liquidationEnded", id, LiquidationEndedEventDocument(account: account.hex, height: height), to: &list)
    case .positionMoved(let from, let to, let instrument, let quantity, let price):
      add(
        "positionMoved", id,
        PositionMovedEventDocument(
          from: from.hex, to: to.hex, instrument: name(instrument), quantity: lots(quantity), price: money(price),
          height: height), to: &list)
    case .positionsTransferred(let transfer):
      add("positionsTransferred", id, PositionsTransferredEventDocument(transfer, height: height), to: &list)
    case .waterfall(let debtor, let layer, let payer, let amount):
      add(
        "waterfall", id,
        WaterfallEventDocument(
          debtor: debtor.hex, layer: layer, payer: payer.hex, amount: money(amount), height: height), to: &list)
    default: break
    }
  }

  private static func paid(_ underlying: UnderlyingID, _ expiry: Timestamp, in block: StreamBlock) -> Amount {
    block.events.reduce(0) { sum, event in
      guard case .settled(_, let instrument, _, let amount) = event.kind, amount > 0,
        instrument.underlying == underlying, instrument.expiry == expiry
      else { return sum }
      return sum.saturatingAdding(amount)
    }
  }
}
