// What a run did and found.

public import Primitives

/// A broken rule.
public struct SimulationViolation: Sendable, Hashable, CustomStringConvertible {
  /// Virtual time since the start.
  public var at: Instant
  public var rule: String
  public var detail: String

  public var description: String { "\(rule) after \(at / Duration64.millisecond) ms: \(detail)" }
}

public struct SimulationReport: Sendable {
  public var options: SimulationOptions
  public var violations: [SimulationViolation] = []
  /// Of every event and every final block.
  public var traceHash: UInt64 = 0
  public var events: UInt64 = 0
  public var messages: UInt64 = 0
  /// Virtual time that was run.
  public var elapsed: Instant = 0
  /// Highest final height, and views entered by the node that entered most.
  public var height: Height = 0
  public var views: UInt64 = 0
  public var nullifiedViews: UInt64 = 0
  public var healings: UInt64 = 0
  /// Longest time from a healing until a new block was final, and until it was everywhere and every client was answered.
  public var slowestFinality: Instant = 0
  public var slowestHealing: Instant = 0
  public var transactions: UInt64 = 0
  public var receipts: UInt64 = 0
  public var reads: UInt64 = 0
  public var faults: [FaultKind: UInt64] = [:]
  public var restarts: UInt64 = 0
  /// Transactions that the reference model has cleared as well.
  public var judged: UInt64 = 0
  public var marks = Marks()
  /// From submission to receipt at the node that was asked, ascending; at most `latenciesMax`.
  public var latencies: [Instant] = []
  /// Those of them that needed more than two message delays.
  public var slowLatencies: [Instant] = []
  /// Submissions that were not answered within `patience` before the end.
  public var overdue: UInt64 = 0
  /// Blocks with a threshold signature somewhere, shares that were sent, and epochs of keys that signed.
  public var certified = 0
  public var shares: UInt64 = 0
  public var keyEpochs = 0
  /// Changes of the validators that operators proposed, and committees that took over.
  public var changes: UInt64 = 0
  public var successions: Epoch = 0
  /// Height at which the first group key was seen.
  public var firstKeyHeight: Height = 0
  /// The most blocks that a running validator executed one after the other without a share that signs.
  public var longestLockout: Height = 0
  public var largestQueue = 0
  public var largestJournal = 0

  public static let latenciesMax = 100_000
  public static let patience = 2 * Duration64.second

  /// Of a run that has not begun.
  public init(options: SimulationOptions) { self.options = options }

  /// The one command that runs this again.
  public var command: String { options.command }

  /// Ascending latencies' value below which `share` thousandths of them lie; nil without any.
  public func latency(perMille share: Int) -> Instant? {
    latencies.isEmpty ? nil : latencies[min(latencies.count - 1, latencies.count * share / 1000)]
  }
}

extension SimulationOptions {
  /// The one command that runs this again, for options that `swarm` or `calm` made.
  public var command: String {
    "novation simulate --seed \(seed) --validators \(validators) --duration \(requestedDuration / Duration64.second)"
      + (joiners > 0 ? " --succession" : faultPhase == 0 ? " --calm" : isStorm ? " --storm" : "")
  }
}
