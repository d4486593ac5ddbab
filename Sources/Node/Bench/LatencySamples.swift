// Latencies of one measurement, in nanoseconds.

struct LatencySamples: Sendable {
  private var values: [Int64] = []
  private var isSorted = true

  var count: Int { values.count }

  mutating func add(_ nanoseconds: Int64) {
    values.append(nanoseconds)
    isSorted = false
  }

  /// The smallest value that so many of a thousand are not above; nil without values.
  mutating func percentile(_ perMille: Int) -> Int64? {
    guard !values.isEmpty else { return nil }
    if !isSorted {
      values.sort()
      isSorted = true
    }
    let rank = (values.count * perMille + 999) / 1000
    return values[min(max(rank, 1), values.count) - 1]
  }
}

/// What reports show of latencies, in milliseconds.
public struct LatencySummary: Codable, Sendable {
  public var samples: Int
  public var p50Milliseconds: Double?
  public var p99Milliseconds: Double?
  public var p999Milliseconds: Double?

  init(_ samples: LatencySamples) {
    var samples = samples
    self.samples = samples.count
    p50Milliseconds = Self.milliseconds(samples.percentile(500))
    p99Milliseconds = Self.milliseconds(samples.percentile(990))
    p999Milliseconds = Self.milliseconds(samples.percentile(999))
  }

  private static func milliseconds(_ value: Int64?) -> Double? { value.map { Double($0 / 1000) / 1000 } }
}
