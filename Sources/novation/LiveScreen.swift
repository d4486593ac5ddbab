// A screen of the terminal that is drawn again and again.

import Glibc
import Node

/// The other screen of the terminal, without echo; the first one is as it was afterwards.
final class LiveScreen {
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
