// What a network would be like: the replicas of the real node, run in virtual time over the latencies of a topology, with
// everybody up and with each validator down in turn.

public import Primitives

public struct Forecast: Sendable {
  public struct Scenario: Sendable {
    /// Nil when everybody is up.
    public var down: String?
    public var report: SimulationReport

    /// Blocks a second.
    public var blockRate: Double { Self.rate(report.height, report) }
    /// Messages a second between all validators, votes and all else.
    public var messageRate: Double { Self.rate(report.messages, report) }
    /// The part of receipts that needed two message delays only.
    public var fastShare: Double? {
      report.latencies.isEmpty
        ? nil : Double(report.latencies.count - report.slowLatencies.count) / Double(report.latencies.count)
    }

    private static func rate(_ count: UInt64, _ report: SimulationReport) -> Double {
      report.elapsed > 0 ? Double(count) * Double(Duration64.second) / Double(report.elapsed) : 0
    }

    /// DSR(T): the part of all orders that were final within `time` nanoseconds.
    public func reliability(within time: Instant) -> Double {
      let all = UInt64(report.latencies.count) + report.overdue
      return all > 0 ? Double(report.latencies.partitionPoint { $0 > time }) / Double(all) : 0
    }
  }

  /// The spans for which reliability is told, in nanoseconds.
  public static let horizons: [Instant] = [10, 50, 100, 250, 500, 1_000].map { $0 * Duration64.millisecond }

  public let topology: Topology
  public let seed: UInt64
  public let scenarios: [Scenario]

  /// Runs everybody up for `duration` of virtual nanoseconds and then each validator down. `progress` is told what runs.
  public init(
    _ topology: Topology, seed: UInt64 = 1, duration: Instant = 60 * Duration64.second,
    progress: (String) -> Void = { _ in }
  ) {
    self.topology = topology
    self.seed = seed
    var scenarios: [Scenario] = []
    for down in [nil] + topology.validators.indices.map(Optional.some) {
      let name = down.map { topology.validators[$0].name }
      progress(name.map { "without \($0)" } ?? "all up")
      let options = Self.options(topology, seed: seed, duration: duration, down: down)
      scenarios.append(Scenario(down: name, report: Simulation(options).run()))
    }
    self.scenarios = scenarios
  }

  private static func options(
    _ topology: Topology, seed: UInt64, duration: Instant, down: Int?
  ) -> SimulationOptions {
    var options = SimulationOptions.calm(seed: seed, validators: topology.validators.count, duration: duration)
    options.network.latencies = topology.latencies
    options.network.latencyMean = topology.jitter
    options.disk.syncMin = topology.sync
    options.disk.syncMean = topology.sync / 4
    options.load.rate = UInt64(topology.rate) * 1_000
    options.load.reads = 0
    options.absent = down.map { [$0] } ?? []
    return options
  }
}

extension [Instant] {
  /// In ascending values: how many come before the first for which `isAfter` holds.
  fileprivate func partitionPoint(_ isAfter: (Instant) -> Bool) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if isAfter(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
