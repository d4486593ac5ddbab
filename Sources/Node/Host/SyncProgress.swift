// How fast a node catches up, for the estimate of when it is done.

import Primitives

/// The heights of the last ten seconds or so.
struct SyncProgress {
  private static let interval = Duration64.second
  private static let kept = 10
  private var samples: [(at: Instant, height: Height)] = []

  mutating func note(_ height: Height, at now: Instant) {
    if let last = samples.last, now - last.at < Self.interval { return }
    samples.append((now, height))
    if samples.count > Self.kept { samples.removeFirst() }
  }

  /// Blocks a second lately; nil before there is anything to compare.
  func rate(height: Height, at now: Instant) -> Double? {
    guard let first = samples.first, now - first.at >= Self.interval / 4, height >= first.height else { return nil }
    return Double(height - first.height) * 1e9 / Double(now - first.at)
  }
}
