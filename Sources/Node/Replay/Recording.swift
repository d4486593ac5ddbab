// Recorded (or generated) option chains as the replay uses them: snapshots in time, each with the index, the forward
// and volatilities of every expiry, and the quotes and mark of every option. Prices are in USD. These are measured
// numbers on their way to an oracle, so they are floating-point; what is signed is made of integers.

public import Clearing
public import Primitives

public struct RecordedOption: Sendable, Equatable {
  public var kind: InstrumentKind
  public var strike: Price
  /// Nil: no quote.
  public var bid: Double?
  public var ask: Double?
  public var mark: Double?
  /// Of a year, as a fraction.
  public var volatility: Double?
}

public struct RecordedExpiry: Sendable, Equatable {
  /// Place in `Recording.symbols`.
  public var underlying: Int
  public var expiry: Timestamp
  public var forward: Double
  /// At the pillars of `SurfaceQuote`.
  public var pillars: [Double]
  /// Ascending by strike, calls first.
  public var options: [RecordedOption]
}

public struct MarketSnapshot: Sendable, Equatable {
  public var time: Timestamp
  /// By place in `Recording.symbols`; nil where the snapshot does not have the underlying.
  public var index: [Double?]
  /// Ascending by underlying and expiry; only what has not expired.
  public var expiries: [RecordedExpiry]

  public var optionCount: Int { expiries.reduce(0) { $0 + $1.options.count } }
}

public struct Recording: Sendable {
  public struct Skipped: Sendable, Equatable, Codable {
    public var path: String
    public var reason: String
  }

  public var symbols: [String]
  /// Ascending in time.
  public var snapshots: [MarketSnapshot]
  public var skipped: [Skipped] = []

  public init(symbols: [String], snapshots: [MarketSnapshot]) {
    self.symbols = symbols
    self.snapshots = snapshots
  }
}
