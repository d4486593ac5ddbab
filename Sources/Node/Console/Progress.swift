// Progress of anything that takes more than a second, on standard error: one line that is redrawn on a terminal, plain
// lines elsewhere. Quiet for quick work.

import Primitives
import Synchronization

public final class Progress: Sendable {
  private struct State {
    var shownAt: Int64?
    var drawn = false
    var text = ""
  }

  private let terminal: Terminal
  private let title: String
  private let started: Int64
  private let clock: @Sendable () -> Int64
  private let state = Mutex(State())

  /// `clock` gives monotonic nanoseconds.
  public init(
    _ title: String, terminal: Terminal = .error, clock: @escaping @Sendable () -> Int64 = { Clock.monotonic }
  ) {
    self.title = title
    self.terminal = terminal
    self.clock = clock
    started = clock()
  }

  /// Says how far the work is; as often as one likes.
  public func update(_ text: String) {
    let now = clock()
    guard now - started >= Duration64.second else { return }
    let interval = terminal.isInteractive ? Duration64.second / 10 : 5 * Duration64.second
    state.withLock { state in
      if let shown = state.shownAt, now - shown < interval { return }
      state.shownAt = now
      state.text = text
      draw(&state, elapsed: now - started)
    }
  }

  /// With a share of the whole.
  public func update(done: Int, of total: Int, _ unit: String) {
    let percent = total > 0 ? min(100, done / max(1, total / 100)) : 100
    update("\(percent) %  \(HumanText.count(Int64(done))) of \(HumanText.count(Int64(total))) \(unit)")
  }

  private func draw(_ state: inout State, elapsed: Int64) {
    let line =
      "\(title): \(printable(state.text))  (\(HumanText.duration(elapsed / Duration64.second * Duration64.second)))"
    if terminal.isInteractive {
      terminal.write("\r\u{1b}[2K" + terminal.style(.dim, line))
      state.drawn = true
    } else {
      terminal.line(line)
    }
  }

  /// Takes the line away.
  public func finish() {
    state.withLock { state in
      if state.drawn { terminal.write("\r\u{1b}[2K") }
      state.drawn = false
    }
  }
}
