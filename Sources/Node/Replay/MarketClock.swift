// The market clock of a test network, and whether a recording fits it.

public import Primitives

/// Market time runs from `start` at the real time `genesis`, `rate` times as fast as real time.
public struct MarketClock: Sendable, Equatable {
  public var genesis: Timestamp
  public var start: Timestamp
  public var rate: Int64

  public init(genesis: Timestamp, start: Timestamp, rate: Int64) {
    self.genesis = genesis
    self.start = start
    self.rate = max(1, rate)
  }

  public func market(at real: Timestamp) -> Timestamp {
    start.saturatingAdding((real - genesis).multiplied(by: rate) ?? .max / 2)
  }

  public func real(at market: Timestamp) -> Timestamp { genesis.saturatingAdding((market - start) / rate) }

  /// Market time of a price round: rounds are whole real seconds since genesis.
  func time(of round: Round64) -> Timestamp { start + Int64(round) * Duration64.second * rate }

  func realTime(of round: Round64) -> Timestamp { genesis + Int64(round) * Duration64.second }

  /// The first round at or after a market time.
  func round(atOrAfter market: Timestamp) -> Round64 {
    let step = Duration64.second * rate
    return UInt64(max(0, (market - start + step - 1) / step))
  }

  func round(at real: Timestamp) -> Round64 { UInt64(max(0, (real - genesis) / Duration64.second)) }
}

/// Number of a price round.
typealias Round64 = UInt64

/// The rules for when a recording can be replayed on a network.
public struct ReplayFit: Sendable {
  public var first: Timestamp
  public var last: Timestamp
  public var snapshots: Int
  /// Real seconds that the whole shall take.
  public var seconds: Int64

  /// Real time between the network's start and the first snapshot: for starting nodes, listing and funding.
  static let leadSeconds: Int64 = 25
  /// A network that is this much market time (or real seconds) past the first snapshot still fits.
  static let lateness = 5 * Duration64.minute
  static let lateSeconds: Int64 = 2
  static let waitSecondsMax: Int64 = 180
  static let realSecondsMax: Int64 = 1_800

  public init(first: Timestamp, last: Timestamp, snapshots: Int, seconds: Int64 = 90) {
    self.first = first
    self.last = last
    self.snapshots = snapshots
    self.seconds = seconds
  }

  public init(_ recording: Recording, seconds: Int64 = 90) {
    self.init(
      first: recording.snapshots.first?.time ?? 0, last: recording.snapshots.last?.time ?? 0,
      snapshots: recording.snapshots.count, seconds: seconds)
  }

  private var span: Int64 { max(0, last - first) }

  /// The clock that suits: the span within the wanted seconds, with at least two a snapshot.
  public var suggestion: (start: Timestamp, rate: Int64) {
    let wanted = max(1, seconds, 2 * Int64(snapshots - 1))
    let rate = min(100_000, max(1, span / (wanted * Duration64.second)))
    let start = first - Self.leadSeconds * Duration64.second * rate
    return (start / Duration64.second * Duration64.second, rate)
  }

  /// Why the recording cannot be replayed on a network with this clock now; nil if it can.
  public func fault(_ clock: MarketClock, now: Timestamp) -> String? {
    let market = clock.market(at: now)
    let tolerance = max(Self.lateness, Self.lateSeconds * Duration64.second * clock.rate)
    if market > first + tolerance {
      return "its market time is \(Self.text(market)), after the first snapshot at \(Self.text(first))"
    }
    let wait = (clock.real(at: first) - now) / Duration64.second
    if wait > Self.waitSecondsMax {
      return "its market time is \(Self.text(market)): the first snapshot at \(Self.text(first)) is "
        + "\(HumanText.duration(wait * Duration64.second)) away"
    }
    let real = span / clock.rate / Duration64.second
    if real > Self.realSecondsMax {
      return
        "at \(clock.rate) market seconds a second the recording takes \(HumanText.duration(real * Duration64.second))"
    }
    if real < Int64(snapshots - 1) {
      return
        "at \(clock.rate) market seconds a second the \(snapshots) snapshots pass in \(real) s; prices come once a second"
    }
    return nil
  }

  private static func text(_ time: Timestamp) -> String {
    ISO8601.format(time / Duration64.second * Duration64.second)
  }
}
