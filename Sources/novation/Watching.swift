// Commands that show something once, or again and again with --watch.

import ArgumentParser
import Node
import Primitives

struct WatchOptions: ParsableArguments {
  @OptionGroup var socket: SocketOption
  @Flag(help: "Show it again and again, in place on a terminal; ends with q.") var watch = false
  @Option(help: "Pause between two looks, from 1s to 5m.") var interval = Seconds(value: 1)
  @Option(help: "With --watch: looks before it ends; endless if left out.") var count: UInt64?
  @Flag(help: "Print JSON: one document, with --watch one on each line.") var json = false

  var isLive: Bool { watch && !json && Terminal.output.isInteractive }

  /// Shows what `look` finds, once or until the end.
  func run(_ look: () async throws -> JSONValue, _ render: (JSONValue, Style) -> String) async throws {
    guard watch else { return show(try await look(), render, pretty: true) }
    guard isLive else {
      var shown: UInt64 = 0
      while shown < count ?? .max {
        if shown > 0 { try await Task.sleep(for: interval.duration) }
        show(try await look(), render, pretty: false)
        shown += 1
      }
      return
    }
    var last = try await look()
    var trouble = ""
    let screen = LiveScreen()
    defer { screen.close() }
    var shown: UInt64 = 0
    while shown < count ?? .max {
      let style = Terminal.output.style
      screen.draw(render(last, style) + trouble)
      shown += 1
      if await screen.isEnded(within: interval.duration) { return }
      do {
        last = try await look()
        trouble = ""
      } catch let failure as CommandFailure {
        trouble = style(.red, "no answer:") + " " + printable(failure.message) + "\n"
      }
    }
  }

  private func show(_ document: JSONValue, _ render: (JSONValue, Style) -> String, pretty: Bool) {
    if json {
      Terminal.output.line(JSONText.render(document, pretty: pretty))
    } else {
      Terminal.output.write(render(document, Terminal.output.style))
    }
  }

  /// State of this node, which is what market data is.
  func read(_ path: RequestPath) async throws -> JSONValue {
    try await socket.api.read(path.with("consistency", "local"), timeout: .seconds(5))
  }
}

struct BookCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "book", abstract: "Bids and asks of an instrument, once or live.")
  @Argument(help: "For instance BTC-27MAR26-100000-C.") var instrument: String
  @Option(help: "Prices a side, 1 to 1000.") var depth = 15
  @OptionGroup var options: WatchOptions

  func validate() throws {
    if !(1...1000).contains(depth) { throw ValidationError("--depth must be from 1 to 1000.") }
  }

  func run() async throws {
    let path = RequestPath("books", instrument).with("depth", String(depth))
    try await options.run({ try await options.read(path) }) { book, style in
      MarketView.book(book, style)
        + style(.dim, "at height \(HumanText.count(book["height"]?.integer ?? 0)), local") + "\n"
    }
  }
}

struct ChainCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "chain", abstract: "The option chain of an underlying: marks, volatilities, Greeks; once or live.",
    discussion: """
      Volatility and Greeks are those that the mark implies by the arithmetic of the chain (`novation price`): per 1.0 \
      contract, vega for one point of volatility, theta for one day.
      """)
  @Argument(help: "For instance BTC.") var underlying: String
  @Option(help: "One expiry as instruments name it, for instance 27MAR26, or all. (default: the next one)")
  var expiry: String?
  @OptionGroup var options: WatchOptions

  func run() async throws {
    try await options.run({
      let instruments = try await options.read(RequestPath("instruments"))
      let oracle = try await options.read(RequestPath("oracle"))
      return try OptionChain(instruments: instruments, oracle: oracle).document(underlying, expiry: expiry)
    }) { OptionChain.render($0, $1) }
  }
}
