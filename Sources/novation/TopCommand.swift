// `novation top`: a screen about one node that is drawn again and again.

import ArgumentParser
import Glibc
import Node
import Primitives

struct TopCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "top", abstract: "A live screen: rates, finality, validators, prices. Ends with q.")
  @OptionGroup var socket: SocketOption
  @Option(help: "Pause between two looks, from 1s to 5m.") var interval = Seconds(value: 1)
  @Flag(help: "Print one screen and stop; always so where the output is no terminal.") var once = false

  func run() async throws {
    let api = socket.api
    var view = TopView()
    view.add(try await look(api))
    guard !once, Terminal.output.isInteractive else {
      // Rates need two looks.
      try await Task.sleep(for: interval.duration)
      view.add(try await look(api))
      Terminal.output.write(view.render(LiveScreen.size(), style: Terminal.output.style))
      return
    }
    let screen = LiveScreen()
    defer { screen.close() }
    while true {
      screen.draw(view.render(LiveScreen.size(), style: Terminal.output.style))
      if await screen.isEnded(within: interval.duration) { return }
      do {
        view.add(try await look(api))
      } catch let failure as CommandFailure {
        view.lost(failure.message)
      }
    }
  }

  private func look(_ api: NodeAPI) async throws -> TopView.Look {
    func read(_ noun: String) async throws -> JSONValue {
      try await api.read(RequestPath(noun).with("consistency", "local"), timeout: .seconds(3))
    }
    return TopView.Look(
      at: Clock.monotonic, status: try await read("status"), validators: try await read("validators"),
      oracle: try await read("oracle"), liquidations: try await read("liquidations"))
  }
}

/// The other screen of the terminal, without echo; the first one is as it was afterwards.
private final class LiveScreen {
  private var before = termios()
  private let isRaw: Bool

  init() {
    isRaw = tcgetattr(STDIN_FILENO, &before) == 0
    var raw = before
    raw.c_lflag &= ~tcflag_t(ECHO | ICANON | ISIG)
    if isRaw { tcsetattr(STDIN_FILENO, TCSANOW, &raw) }
    Terminal.output.write("\u{1b}[?1049h\u{1b}[?25l")
  }

  func close() {
    Terminal.output.write("\u{1b}[?25h\u{1b}[?1049l")
    if isRaw { tcsetattr(STDIN_FILENO, TCSANOW, &before) }
  }

  /// Line by line over what was there, so that nothing flickers.
  func draw(_ text: String) {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    lines = Array(lines.prefix(Self.size().rows))
    Terminal.output.write("\u{1b}[H" + lines.map { $0 + "\u{1b}[K" }.joined(separator: "\r\n") + "\u{1b}[J")
  }

  /// Waits; true as soon as q, escape, Ctrl-C or the end of the input is read.
  func isEnded(within wait: Duration) async -> Bool {
    let deadline = ContinuousClock.now + wait
    while ContinuousClock.now < deadline {
      var poller = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
      if poll(&poller, 1, 0) > 0 {
        var byte: UInt8 = 0
        guard read(STDIN_FILENO, &byte, 1) == 1 else { return true }
        if [0x71, 0x51, 0x1b, 0x03].contains(byte) { return true }
      }
      try? await Task.sleep(for: .milliseconds(50))
    }
    return false
  }

  static func size() -> (rows: Int, columns: Int) {
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0, size.ws_col > 0 else { return (50, 100) }
    return (Int(size.ws_row), Int(size.ws_col))
  }
}
