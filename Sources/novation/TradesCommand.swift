// `novation trades`: the last trades of an instrument, or all trades as they become final.

import ArgumentParser
import Node
import Primitives
import Synchronization

struct TradesCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trades", abstract: "Trades of instruments, the last ones or as they become final.",
    discussion: "With --watch and no instrument, all trades. A stream that breaks goes on where it was, without a gap.")
  @Argument(help: "For instance BTC-27MAR26-100000-C; with --watch any number.") var instruments: [String] = []
  @OptionGroup var options: WatchOptions

  func validate() throws {
    if !options.watch, instruments.count != 1 {
      throw ValidationError("Name one instrument, or add --watch for any number of them.")
    }
  }

  func run() async throws {
    guard options.watch else {
      let path = RequestPath("trades", instruments[0])
      return try await options.run({ try await options.read(path) }, MarketView.trades)
    }
    let tape = TradeTape()
    let reader = Task { [self] in try await read(into: tape) }
    defer { reader.cancel() }
    guard options.isLive else { return try await reader.value }
    try await options.run({
      if let failure = tape.failure { throw failure }
      return ["trades": .array(tape.newest)]
    }) { document, style in
      style(.bold, instruments.isEmpty ? "all trades" : printable(instruments.joined(separator: ", "))) + "\n"
        + MarketView.tape(document, style)
    }
  }

  /// Follows the stream for ever, or until enough trades were printed.
  private func read(into tape: TradeTape) async throws {
    var last: String?
    while !Task.isCancelled {
      let reply: EventStreamReply
      do {
        reply = try await options.socket.api.client.events(target(after: last), timeout: .seconds(5))
      } catch {
        let failure = NodeAPI.failure(error)
        guard options.isLive else { throw failure }
        tape.failed(failure)
        try await Task.sleep(for: .seconds(1))
        continue
      }
      guard case .events(let events) = reply else {
        throw CommandFailure(.failed, "the node refused the stream", hint: "check the instruments' names")
      }
      tape.failed(nil)
      do {
        for try await event in events {
          guard let height = event.id?.split(separator: ".").first, let next = UInt64(height) else { continue }
          if event.event == "block" {
            last = String(next + 1)
          } else if take(event, into: tape) {
            return
          }
        }
      } catch {
        // Whatever broke it, the next request begins after the last whole block.
      }
      try await Task.sleep(for: .milliseconds(200))
    }
  }

  private func target(after height: String?) -> String {
    var path = "/v1/stream?topics=trades,blocks"
    if !instruments.isEmpty { path += "&instruments=" + instruments.joined(separator: ",") }
    return height.map { path + "&from=" + $0 } ?? path
  }

  /// True when that was the last one to print.
  private func take(_ event: ServerSentEvent, into tape: TradeTape) -> Bool {
    guard let trade = JSONText.parse(JSONValue.self, Array(event.data.utf8)), tape.add(trade, id: event.id ?? "") else {
      return false
    }
    guard !options.isLive else { return false }
    Terminal.output.line(
      options.json
        ? JSONText.render(trade, pretty: false)
        : ["time", "instrument", "combo", "takerSide", "quantity", "price"].map { trade.text($0) }
          .filter { !$0.isEmpty }.map(printable).joined(separator: "  "))
    return tape.count >= options.count ?? .max
  }
}

/// The newest trades, shared by who reads the stream and who draws.
private final class TradeTape: Sendable {
  private static let kept = 200
  private struct Content {
    var trades: [JSONValue] = []
    var ids: [String] = []
    var count: UInt64 = 0
    var failure: CommandFailure?
  }

  private let content = Mutex(Content())

  /// False for one that came before.
  func add(_ trade: JSONValue, id: String) -> Bool {
    content.withLock { content in
      guard !content.ids.contains(id) else { return false }
      content.trades.insert(trade, at: 0)
      content.ids.insert(id, at: 0)
      content.count += 1
      if content.trades.count > Self.kept {
        content.trades.removeLast()
        content.ids.removeLast()
      }
      return true
    }
  }

  func failed(_ failure: CommandFailure?) { content.withLock { $0.failure = failure } }
  var failure: CommandFailure? { content.withLock { $0.failure } }
  var newest: [JSONValue] { content.withLock { $0.trades } }
  var count: UInt64 { content.withLock { $0.count } }
}

extension MarketView {
  /// Trades of several instruments.
  static func tape(_ document: JSONValue, _ style: Style) -> String {
    let trades = document["trades"]?.array ?? []
    guard !trades.isEmpty else { return "no trades yet\n" }
    var table = TextTable([
      .init("TIME"), .init("INSTRUMENT"), .init("TAKER"), .init("PRICE", .decimal), .init("QUANTITY", .decimal),
    ])
    for trade in trades {
      let side = trade.text("takerSide")
      let legs = trade["legs"]?.array?.first?.text("time") ?? ""
      table.add([
        .init(trade.text("time").isEmpty ? legs : trade.text("time")),
        .init(trade.text("instrument").isEmpty ? trade.text("combo") : trade.text("instrument")),
        .init(side, side == "buy" ? .green : .red), .init(HumanText.decimal(trade.text("price"))),
        .init(HumanText.decimal(trade.text("quantity"))),
      ])
    }
    return table.render(style: style)
  }
}
