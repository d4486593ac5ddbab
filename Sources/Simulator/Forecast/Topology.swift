// Where the validators of a network stand and how far apart that is.

public import Primitives

public struct Topology: Sendable, Hashable {
  public static let validatorsMax = 31

  public struct Validator: Sendable, Hashable {
    public var name: String
    public var region: String

    public init(name: String, region: String) {
      self.name = name
      self.region = region
    }
  }

  public struct Direction: Sendable, Hashable {
    public var from: String
    public var to: String

    public init(from: String, to: String) {
      self.from = from
      self.to = to
    }
  }

  public var validators: [Validator] = []
  /// One-way latency between regions; one direction stands for both.
  public var distances: [Direction: Instant] = [:]
  /// One-way latency within a region, the mean of what chance adds to each message, and the time of a durable write.
  public var within: Instant = 500 * Duration64.microsecond
  public var jitter: Instant = Duration64.millisecond
  public var sync: Instant = Duration64.millisecond
  /// Transactions a second on the whole network.
  public var rate = 20

  public init() {}

  /// Nil where the table does not say.
  public func distance(from: String, to: String) -> Instant? {
    from == to
      ? distances[Direction(from: from, to: to)] ?? within
      : distances[Direction(from: from, to: to)] ?? distances[Direction(from: to, to: from)]
  }

  /// Pairs of regions in use that the table leaves out.
  public var unknownDistances: [(String, String)] {
    let regions = Set(validators.map(\.region)).sorted()
    var pairs: [(String, String)] = []
    for (place, one) in regions.enumerated() {
      for other in regions[(place + 1)...] where distance(from: one, to: other) == nil { pairs.append((one, other)) }
    }
    return pairs
  }

  /// One-way latencies from row to column, in the order of the validators.
  var latencies: [[Instant]] {
    validators.map { from in validators.map { to in distance(from: from.region, to: to.region) ?? 0 } }
  }
}
