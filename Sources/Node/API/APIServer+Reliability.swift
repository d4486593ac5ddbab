// The Distributed System Reliability report, from this node's own samples.

import Clearing
import Consensus
import Hummingbird
import NIOCore
import Primitives
import Replica

extension APIServer {
  /// The deadlines of the report, in milliseconds; `?target=` adds one.
  private static let deadlines: [Int64] = [10, 50, 100, 250, 500, 1_000]
  private static let longestTarget: Int64 = 60_000

  func reliability(_ request: Request) async throws -> Response {
    var deadlines = Self.deadlines
    if let text = request.uri.queryParameters["target"] {
      guard let target = Int64(text), (1...Self.longestTarget).contains(target) else {
        throw APIError.malformed(
          "target \"\(text.prefix(40))\" is out of range", hint: "Use 1 to \(Self.longestTarget) milliseconds.")
      }
      if !deadlines.contains(target) { deadlines = (deadlines + [target]).sorted() }
    }
    return APIResponse.json(
      try await host.readLocal { [host, deadlines] replica in
        let now = Clock.monotonic
        let samples = host.reliability.accepted
        let statistics = replica.consensus.statistics
        let reached = host.connectedPeers + (replica.index == nil ? 0 : 1)
        return ReliabilityDocument(
          deadlines: deadlines.map { .init(milliseconds: $0, samples, at: now) },
          final: .init(samples.compactMap(\.final)), proven: .init(samples.compactMap(\.proven)),
          window: .init(samples, refused: host.reliability.refused, at: now),
          blocks: .init(
            meanIntervalMilliseconds: host.recent.intervals.mean.map(milliseconds),
            p99IntervalMilliseconds: host.recent.intervals.percentile(990).map(milliseconds),
            final: statistics.blocksFinal, fast: statistics.fastFinals, viewsEntered: statistics.viewsEntered,
            viewsSkipped: statistics.viewsNullified),
          structure: .init(replica.committee, hosts: replica.members.map(\.host), reached: reached),
          height: replica.finalHeight, stateRoot: replica.finalRoot.hex, consistency: "local")
      })
  }
}

/// In thousandths.
func milliseconds(_ nanoseconds: Int64) -> Double { Double(nanoseconds / 1000) / 1000 }

extension ReliabilityDocument.Deadline {
  init(milliseconds: Int64, _ samples: [ReliabilityWindow.Sample], at now: Instant) {
    let deadline = milliseconds * Duration64.millisecond
    let final = samples.count(within: deadline, at: now, \.final)
    let proven = samples.count(within: deadline, at: now, \.proven)
    self.init(milliseconds: milliseconds, samples: final.of, final: .init(final), proven: .init(proven))
  }
}

extension ReliabilityDocument.Share {
  init(_ count: ReliabilityWindow.Count) {
    let interval = BinomialInterval(count.within, of: count.of)
    self.init(
      within: count.within, share: interval.map { Decimal.format($0.share, scale: 6) },
      low: interval.map { Decimal.format($0.low, scale: 6) }, high: interval.map { Decimal.format($0.high, scale: 6) })
  }
}

extension ReliabilityDocument.Quantiles {
  init(_ values: [Int64]) {
    let sorted = values.sorted()
    func quantile(_ permille: Int) -> Double? {
      sorted.isEmpty ? nil : milliseconds(sorted[min(sorted.count - 1, sorted.count * permille / 1000)])
    }
    self.init(
      p50Milliseconds: quantile(500), p90Milliseconds: quantile(900), p99Milliseconds: quantile(990),
      p999Milliseconds: quantile(999))
  }
}

extension ReliabilityDocument.Window {
  init(_ samples: [ReliabilityWindow.Sample], refused: UInt64, at now: Instant) {
    let own = samples.count { $0.isOwn }
    let oldest = samples.map(\.accepted).min()
    self.init(
      samples: samples.count, clients: samples.count - own, own: own,
      seconds: milliseconds(oldest.map { now - $0 } ?? 0) / 1000,
      unfinished: samples.count { $0.final == nil }, refused: refused, confidence: "0.95")
  }
}

extension ReliabilityDocument.Structure {
  /// `hosts` of all validators.
  init(_ committee: Committee, hosts: [String], reached: Int) {
    let sizes = Dictionary(hosts.map { ($0, 1) }, uniquingKeysWith: +).values.sorted(by: >)
    func fewest(_ validators: Int) -> ReliabilityDocument.Fewest {
      var (taken, count) = (0, 0)
      for size in sizes where taken < validators {
        taken += size
        count += 1
      }
      return .init(validators: validators, hosts: count)
    }
    self.init(
      validators: committee.n, hosts: sizes.count, faulty: committee.f, quorum: committee.quorum,
      fastQuorum: committee.fastQuorum, reached: reached, spare: max(0, reached - committee.quorum),
      toStop: fewest(committee.n - committee.quorum + 1), toBreak: fewest(committee.f + 1))
  }
}
