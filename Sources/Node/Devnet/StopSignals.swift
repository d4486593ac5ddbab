// Commands that stay in the foreground until somebody stops them.

import UnixSignals

public enum StopSignals {
  /// Runs `body` again and again, `interval` apart, until SIGINT or SIGTERM.
  public static func untilStopped(every interval: Duration, _ body: @escaping @Sendable () async -> Void) async {
    let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
    let work = Task {
      while !Task.isCancelled {
        await body()
        do { try await Task.sleep(for: interval) } catch { return }
      }
    }
    for await _ in signals { break }
    work.cancel()
    await work.value
  }
}
