// The report on reliability as a document: what was measured, from how much, and how sure that makes one.

/// DSR(T): of what this node accepted, the part that was final and executed, and the part that was proven, within T.
public struct ReliabilityDocument: Codable, Sendable {
  /// Shares from 0 to 1 as decimal strings, with the bounds of the interval; null without a sample.
  public struct Share: Codable, Sendable {
    public var within: Int
    @Nullable public var share: String?
    @Nullable public var low: String?
    @Nullable public var high: String?
  }

  public struct Deadline: Codable, Sendable {
    public var milliseconds: Int64
    /// Transactions that have had this time.
    public var samples: Int
    public var final: Share
    public var proven: Share
  }

  public struct Quantiles: Codable, Sendable {
    @Nullable public var p50Milliseconds: Double?
    @Nullable public var p90Milliseconds: Double?
    @Nullable public var p99Milliseconds: Double?
    @Nullable public var p999Milliseconds: Double?
  }

  /// What was looked at.
  public struct Window: Codable, Sendable {
    /// Transactions that the node accepted: of clients, and its own observation of each round.
    public var samples: Int
    public var clients: Int
    public var own: Int
    /// From the oldest of them until now.
    public var seconds: Double
    /// Of them, those that are not final yet or never will be.
    public var unfinished: Int
    /// Refused before they were accepted, since start; not in the window.
    public var refused: UInt64
    /// Of the bounds `low` and `high`.
    public var confidence: String
  }

  public struct Blocks: Codable, Sendable {
    @Nullable public var meanIntervalMilliseconds: Double?
    @Nullable public var p99IntervalMilliseconds: Double?
    /// Since start.
    public var final: UInt64
    public var fast: UInt64
    public var viewsEntered: UInt64
    public var viewsSkipped: UInt64
  }

  /// How many of something it takes.
  public struct Fewest: Codable, Sendable {
    public var validators: Int
    /// Host names or addresses of the genesis, those with most validators first.
    public var hosts: Int
  }

  public struct Structure: Codable, Sendable {
    public var validators: Int
    public var hosts: Int
    public var faulty: Int
    public var quorum: Int
    public var fastQuorum: Int
    /// Reached from here, this node among them where it is a validator.
    public var reached: Int
    /// Of these, those that may still be lost.
    public var spare: Int
    /// Without them nothing becomes final.
    public var toStop: Fewest
    /// If they are dishonest, no safety is claimed.
    public var toBreak: Fewest
  }

  public var deadlines: [Deadline]
  public var final: Quantiles
  public var proven: Quantiles
  public var window: Window
  public var blocks: Blocks
  public var structure: Structure
  public var height: UInt64
  public var stateRoot: String
  public var consistency: String
}
