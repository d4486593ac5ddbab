// The network's marks against the recorded ones.

import Clearing
import Primitives

/// Absolute errors, in USD and in millionths of the index.
struct MarkComparison: Sendable {
  struct Error: Sendable {
    var dollars: Double
    var partsPerMillion: Double
    var instrument: String
    var time: Timestamp
  }

  private(set) var errors: [Error] = []
  /// Recorded marks for which the network had none.
  private(set) var missing = 0
  private(set) var snapshots = 0

  /// `marks` are the network's by name, in USD.
  mutating func compare(
    _ snapshot: MarketSnapshot, _ instruments: ReplayInstruments, marks: [String: Double], now: Timestamp
  ) {
    snapshots += 1
    for expiry in snapshot.expiries where expiry.expiry > now {
      guard let index = snapshot.index[expiry.underlying] else { continue }
      for option in expiry.options {
        guard let recorded = option.mark, let id = instruments.option(expiry, option) else { continue }
        let name = instruments.name(id)
        guard let mark = marks[name] else {
          missing += 1
          continue
        }
        let error = abs(mark - recorded)
        errors.append(
          Error(dollars: error, partsPerMillion: error / index * 1e6, instrument: name, time: snapshot.time))
      }
    }
  }

  mutating func add(_ other: MarkComparison) {
    errors += other.errors
    missing += other.missing
    snapshots += other.snapshots
  }

  var report: ReplayReport.Marks? {
    guard let worst = errors.max(by: { $0.partsPerMillion < $1.partsPerMillion }) else { return nil }
    return ReplayReport.Marks(
      compared: errors.count, missing: missing, snapshots: snapshots,
      dollars: Self.distribution(errors.map(\.dollars), decimals: 100),
      partsPerMillionOfIndex: Self.distribution(errors.map(\.partsPerMillion), decimals: 100),
      worst: "\(worst.instrument) at \(ISO8601.format(worst.time / Duration64.second * Duration64.second))")
  }

  private static func distribution(_ values: [Double], decimals: Double) -> ReplayReport.Distribution {
    let sorted = values.sorted()
    func rounded(_ value: Double) -> Double { (value * decimals).rounded() / decimals }
    func at(_ permille: Int) -> Double { rounded(sorted[min(sorted.count - 1, sorted.count * permille / 1_000)]) }
    let mean = values.reduce(0, +) / Double(max(1, values.count))
    return .init(mean: rounded(mean), median: at(500), p99: at(990), max: rounded(sorted[sorted.count - 1]))
  }
}
