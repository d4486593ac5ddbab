// What the service manager is told: that the node serves, what it does, and that it still makes sense.

import Logging
import NIOConcurrencyHelpers
import Primitives
import ServiceLifecycle
import UnixSignals

/// Where a node stands, in numbers that cost nothing to read.
struct Vitality: Sendable {
  /// A write that takes longer than this, in nanoseconds, is stuck.
  static let longestWrite = 10 * Duration64.second

  var height: Height
  var view: View
  var peers: Int
  var others: Int
  var isBehind: Bool
  var isAmnesiac: Bool
  /// It has not been given the place of its key yet (L3).
  var isWaiting: Bool
  var isHalted: Bool
  /// How long the oldest unfinished write has taken.
  var oldestWrite: Int64

  /// Whether the watchdog is fed. A node without a quorum in reach makes sense: starting it again would not help.
  var makesSense: Bool { !isHalted && oldestWrite < Self.longestWrite }

  /// The line that `systemctl status` shows.
  var line: String {
    var line = "height \(height), view \(view), \(peers) of \(others) peers"
    if oldestWrite >= Self.longestWrite {
      line += ", waiting for the disk since \(oldestWrite / Duration64.second) s"
    } else if isWaiting {
      line += ", waiting for its place among the validators"
    } else if isBehind {
      line += ", catching up"
    } else if isAmnesiac {
      line += ", votes withheld"
    }
    return line
  }
}

/// Counts the servers that run; whoever waits goes on when all do.
final class ServingSignal: Sendable {
  private let stream: AsyncStream<Void>
  private let continuation: AsyncStream<Void>.Continuation
  private let missing: NIOLockedValueBox<Int>

  init(servers: Int) {
    (stream, continuation) = AsyncStream.makeStream(of: Void.self)
    missing = NIOLockedValueBox(servers)
  }

  func note() {
    let left = missing.withLockedValue { missing in
      missing -= 1
      return missing
    }
    if left == 0 { continuation.finish() }
  }

  func wait() async { for await _ in stream {} }
}

/// Tells the service manager that the node serves and makes sense, and the log once a minute.
struct Heartbeat: Service {
  let host: ReplicaHost
  let notifier: SystemdNotifier
  let serving: ServingSignal
  let log: Logger
  private static let minute = Duration64.minute

  func run() async throws {
    await cancelWhenGracefulShutdown {
      await serving.wait()
      guard !Task.isCancelled else { return }
      notifier.send("READY=1")
      let interval = min((notifier.watchdogMicroseconds ?? .max) / 3, 2_000_000)
      var saidAt = Clock.monotonic
      while !Task.isCancelled {
        if let vitality = try? await host.vitality() {
          notifier.send((vitality.makesSense ? "WATCHDOG=1\n" : "") + "STATUS=" + vitality.line)
          if Clock.monotonic - saidAt >= Self.minute {
            saidAt = Clock.monotonic
            log.info("\(vitality.line)")
          }
        }
        do { try await Task.sleep(for: .microseconds(interval)) } catch { return }
      }
    }
    notifier.send("STOPPING=1")
  }
}

/// SIGHUP: reads the configuration again, takes what can change while the node runs, and says what cannot.
struct Reloader: Service {
  let path: String
  let running: NodeConfiguration
  let level: LogLevelSetting
  let log: Logger

  func run() async throws {
    await cancelWhenGracefulShutdown {
      for await _ in await UnixSignalsSequence(trapping: .sighup) { reload() }
    }
  }

  private func reload() {
    let fresh: NodeConfiguration
    do {
      fresh = try NodeConfiguration.load(from: path)
    } catch {
      return log.error("the configuration is left as it is", metadata: ["reason": "\(error)"])
    }
    level.set(fresh.log.level)
    let waiting = fresh.changes(from: running).filter { $0 != "log.level" }
    log.notice(
      "configuration read again",
      metadata: [
        "log.level": "\(fresh.log.level.rawValue)",
        "needs a restart": "\(waiting.isEmpty ? "nothing" : waiting.joined(separator: " "))",
      ])
  }
}
