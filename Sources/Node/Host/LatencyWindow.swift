// The latest latencies of a node, for the percentiles that `status` shows.

import Primitives

/// A ring of the last 4,096 values in nanoseconds.
struct LatencyWindow {
  private static let capacity = 4096
  private var values: [Int64] = []
  private var next = 0
  /// All values ever added.
  private(set) var count: UInt64 = 0

  mutating func add(_ value: Int64) {
    count &+= 1
    if values.count < Self.capacity {
      values.append(value)
    } else {
      values[next] = value
      next = (next + 1) % Self.capacity
    }
  }

  /// Of those that are kept; nil when there is none yet.
  var mean: Int64? {
    values.isEmpty ? nil : Int64(clamping: values.reduce(Int128(0)) { $0 + Int128($1) } / Int128(values.count))
  }

  /// The value below which `permille` thousandths lie; nil when there is none yet.
  func percentile(_ permille: Int) -> Int64? {
    guard !values.isEmpty else { return nil }
    let sorted = values.sorted()
    return sorted[min(sorted.count - 1, sorted.count * permille / 1000)]
  }
}
