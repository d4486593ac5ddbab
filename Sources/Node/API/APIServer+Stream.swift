// Server-sent events: what became final, as it becomes final or from a height of the past on. A client that reads
// too slowly is dropped, not buffered without bound.

import Clearing
import Consensus
import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore
import Primitives
import Replica
import Threshold

extension APIServer {
  /// Blocks that may wait for one slow client.
  private static let backlogMax = 256
  /// Levels of each side of a book in a snapshot.
  private static let snapshotDepth = 1000

  func stream(_ request: Request, max streamsMax: Int) async throws -> Response {
    let wanted = try streamTopics(request)
    let resume = try resumption(request)
    let (items, continuation) = AsyncStream.makeStream(
      of: StreamItem.self, bufferingPolicy: .bufferingOldest(Self.backlogMax))
    let hasBlocks = wanted.topics != ["certificates"]
    let books: (@Sendable (Replica) -> [BookView])? =
      wanted.has("books") ? { @Sendable replica in Self.snapshots(of: wanted, in: replica) } : nil
    let deliver: @Sendable (StreamItem) -> Bool = { item in
      switch item {
      case .block where !hasBlocks: return true
      case .certificate where !wanted.has("certificates"): return true
      default: break
      }
      if case .enqueued = continuation.yield(item) { return true }
      continuation.finish()
      return false
    }
    let events = StreamEvents(underlyings: info.genesis.market.underlyings, wanted: wanted)
    let start = await host.subscribe(limit: streamsMax, from: resume.from, books: books, deliver: deliver)
    switch start {
    case .accepted(let backlog, let books, let height):
      return response { writer in
        for book in books { try await writer.write(ByteBuffer(string: events.snapshot(book, height: height))) }
        try await write(backlog, after: resume.after, events, to: &writer)
        try await write(items, events, to: &writer)
      }
    case .gone:
      let from = resume.from ?? 1
      let beginning = try LedgerEvents(host.store, from: from, base: info.genesis.base)
      guard await host.beginReading(limit: streamsMax) else { throw tooManyStreams(streamsMax) }
      return response { [host] writer in
        var past = beginning
        var isReading = true
        do {
          var after = resume.after
          while isReading {
            switch await host.subscribe(limit: .max, from: past.height, books: nil, deliver: deliver) {
            case .accepted(let backlog, _, _):
              isReading = false
              await host.endReading()
              try await write(backlog, after: after, events, to: &writer)
            case .gone:
              let blocks = try past.next()
              if blocks.isEmpty { try await Task.sleep(for: .milliseconds(20)) }
              try await write(blocks, after: after, events, to: &writer)
              if !blocks.isEmpty { after = nil }
            // The node stops.
            case .full, .ahead:
              await host.endReading()
              return
            }
          }
        } catch {
          if isReading { await host.endReading() }
          throw error
        }
        try await write(items, events, to: &writer)
      }
    case .full: throw tooManyStreams(streamsMax)
    case .ahead(let last):
      throw APIError(
        .serviceUnavailable, "tooOld", "this node is at height \(last)",
        hint: "Ask again in a moment or ask another node.")
    }
  }

  private func tooManyStreams(_ most: Int) -> APIError {
    APIError(
      .tooManyRequests, "tooManyStreams", "\(most) event streams are open",
      hint: "Close one, ask another node, or raise limits.streams.")
  }

  private func response(_ write: @escaping @Sendable (inout any ResponseBodyWriter) async throws -> Void) -> Response {
    let body = ResponseBody { writer in
      try await writer.write(ByteBuffer(string: ": novation stream\n\n"))
      try await write(&writer)
      try await writer.finish(nil)
    }
    return Response(
      status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-cache"], body: body)
  }

  /// Of the first block, what comes after the event `last`: the client has had the others.
  private func write(
    _ blocks: [StreamBlock], after last: String?, _ events: StreamEvents, to writer: inout any ResponseBodyWriter
  ) async throws {
    var after = last
    for block in blocks {
      var list = events.events(of: block)[...]
      if let id = after.take(), let place = list.firstIndex(where: { $0.id == id }) { list = list[(place + 1)...] }
      if !list.isEmpty { try await writer.write(ByteBuffer(string: list.map(\.text).joined())) }
    }
  }

  private func write(
    _ items: AsyncStream<StreamItem>, _ events: StreamEvents, to writer: inout any ResponseBodyWriter
  ) async throws {
    for await item in items {
      switch item {
      case .block(let block):
        let text = events.events(of: block).map(\.text).joined()
        if !text.isEmpty { try await writer.write(ByteBuffer(string: text)) }
      case .certificate(let certificate):
        try await writer.write(ByteBuffer(string: events.event(of: certificate)))
      }
    }
  }

  private static func snapshots(of wanted: StreamTopics, in replica: Replica) -> [BookView] {
    guard wanted.instruments.isEmpty else {
      return wanted.instruments.compactMap { replica.clearing.book($0, depth: snapshotDepth) }
    }
    return replica.clearing.instruments().compactMap { instrument in
      guard instrument.bestBid != nil || instrument.bestAsk != nil else { return nil }
      return replica.clearing.book(instrument.id, depth: snapshotDepth)
    }
  }

  // MARK: Parameters

  private func streamTopics(_ request: Request) throws(APIError) -> StreamTopics {
    let query = request.uri.queryParameters
    let topics = Set((query["topics"] ?? "blocks,trades").split(separator: ",").map(String.init))
    guard !topics.isEmpty, topics.isSubset(of: StreamTopics.names) else {
      throw .malformed(
        "unknown topic in \"\(topics.sorted().joined(separator: ",").prefix(80))\"",
        hint: "Use some of \(StreamTopics.names.sorted().joined(separator: ", ")).")
    }
    var instruments: [InstrumentID] = []
    for name in (query["instruments"] ?? "").split(separator: ",") {
      guard let id = InstrumentName.parse(String(name), underlyings: info.genesis.market.underlyings) else {
        throw .malformed("there is no instrument \"\(name.prefix(80))\"", hint: "See /v1/instruments.")
      }
      if !instruments.contains(id) { instruments.append(id) }
      guard instruments.count <= StreamTopics.instrumentsMax else {
        throw .malformed(
          "more than \(StreamTopics.instrumentsMax) instruments", hint: "Leave instruments out to hear of all.")
      }
    }
    return StreamTopics(topics: topics, instruments: instruments)
  }

  /// Where to begin: the height of the first block, and the event in it after which. What a client that reconnects says
  /// by itself (HTML Living Standard, section 9.2.4) goes before what its address says.
  private func resumption(_ request: Request) throws(APIError) -> (from: Height?, after: String?) {
    if let name = HTTPField.Name("Last-Event-ID"), let last = request.headers[name], !last.isEmpty {
      let parts = last.split(separator: ".", omittingEmptySubsequences: false)
      guard last.utf8.count <= 80, let height = parts.first.flatMap({ Height($0) }), height < ordinalLimit else {
        throw .malformed(
          "Last-Event-ID \"\(last.prefix(40))\" is no id of an event", hint: "Leave it out to begin now.")
      }
      return parts.count == 1 ? (height + 1, nil) : (height, last)
    }
    guard let text = request.uri.queryParameters["from"] else { return (nil, nil) }
    guard let height = Height(text), height < ordinalLimit else {
      throw .malformed("from \"\(text.prefix(40))\" is not a height", hint: "Use a whole number.")
    }
    return (max(1, height), nil)
  }
}

/// Levels of a book: all of them in a snapshot, those that changed in a difference (quantity 0: the level is gone).
struct BookEventDocument: Codable, Sendable {
  struct Level: Codable, Sendable {
    var price: String
    var quantity: String
  }

  var instrument: String
  var height: UInt64
  /// Place of the last change in the chain's sequence of events; left out of a snapshot.
  var sequence: UInt64?
  /// Best first.
  var bids: [Level]
  var asks: [Level]
}

struct PriceEventDocument: Codable, Sendable {
  var underlying: String
  /// Null for the index.
  @Nullable var expiry: String?
  var round: UInt64
  var price: String
  var height: UInt64
}

struct CertificateEventDocument: Codable, Sendable {
  var height: UInt64
  var view: UInt64
  var epoch: UInt64
  var headerHash: String
  var stateRoot: String
  var signature: String
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

/// The end of a transfer of positions; those that moved stand before it.
struct PositionsTransferredEventDocument: Codable, Sendable {
  var from: String
  var to: String
  var positions: UInt32
  /// From `from` to `to`; negative the other way.
  var cash: String
  var fromFee: String
  var toFee: String
  var height: UInt64

  init(_ transfer: PositionTransferEvent, height: Height) {
    from = transfer.from.hex
    to = transfer.to.hex
    positions = transfer.positions
    cash = money(transfer.cash)
    fromFee = money(transfer.fromFee)
    toFee = money(transfer.toFee)
    self.height = height
  }
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
