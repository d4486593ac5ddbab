// A market made from a seed: what the validators of a test network publish until real or recorded prices take over,
// and what `replay --tape` trades. Everybody with the same seed and round sees the same market; each validator adds a
// small difference of its own, so that the median has something to do.

public import Clearing
import Glibc
public import Primitives

/// One underlying of the synthetic market.
public struct SyntheticUnderlying: Sendable {
  public var symbol: String
  /// Index at round 0, in USD.
  public var start: Double
  /// At-the-money volatility of a year.
  public var volatility: Double

  public static let standard = [
    SyntheticUnderlying(symbol: "BTC", start: 100_000, volatility: 0.55),
    SyntheticUnderlying(symbol: "ETH", start: 3_500, volatility: 0.70),
  ]
}

/// A seeded random walk with an optional crash, and a smile around it.
public struct SyntheticMarket: Sendable {
  /// A fall of the index spread over some market time.
  public struct Crash: Sendable {
    public var after: Timestamp
    public var length: Timestamp
    /// Share of the index lost at the end.
    public var depth: Double

    public init(after: Timestamp, length: Timestamp, depth: Double) {
      self.after = after
      self.length = length
      self.depth = depth
    }
  }

  public let seed: UInt64
  public let start: Timestamp
  public var crash: Crash?
  public let underlyings: [SyntheticUnderlying]
  private static let year = 365.0 * 86_400

  public init(
    seed: UInt64, start: Timestamp, crash: Crash? = nil, underlyings: [SyntheticUnderlying] = .standardUnderlyings
  ) {
    self.seed = seed
    self.start = start
    self.crash = crash
    self.underlyings = underlyings
  }

  /// Index in USD at a market time. The walk is a sum of sine waves with seeded phases: any moment costs the same, and
  /// a restarted node continues where the others are.
  public func index(_ place: Int, at time: Timestamp) -> Double {
    guard underlyings.indices.contains(place) else { return 0 }
    let underlying = underlyings[place]
    let days = Double(time - start) / Double(Duration64.day)
    var log = 0.0
    var random = SeededRandom(seed: seed &+ UInt64(place)).stream(1)
    // Periods from ten minutes to forty days; amplitudes as a walk of the underlying's volatility has them.
    for octave in 0..<13 {
      let period = 40.0 / pow(2, Double(octave))
      let amplitude = 0.35 * underlying.volatility * sqrt(period / 365)
      let phase = Double(random.below(1 << 20)) / Double(1 << 20) * 2 * .pi
      log += amplitude * (sin(2 * .pi * days / period + phase) - sin(phase))
    }
    return underlying.start * exp(log) * (1 - fallen(at: time))
  }

  /// Share lost in the crash so far; a fifth of it comes back afterwards.
  private func fallen(at time: Timestamp) -> Double {
    guard let crash, time > start + crash.after else { return 0 }
    let progress = Double(time - start - crash.after) / Double(max(1, crash.length))
    return progress < 1 ? crash.depth * progress : crash.depth * (1 - 0.2 * min(1, (progress - 1) / 4))
  }

  /// Forward of an expiry: the index with three per cent of carry a year.
  public func forward(_ place: Int, expiry: Timestamp, at time: Timestamp) -> Double {
    index(place, at: time) * exp(0.03 * years(to: expiry, from: time))
  }

  /// Volatility of a year at so many standard deviations of log-moneyness; a crash lifts and tilts it.
  public func volatility(_ place: Int, deviations z: Double, expiry: Timestamp, at time: Timestamp) -> Double {
    guard underlyings.indices.contains(place) else { return 0 }
    let stress = fallen(at: time)
    let tenor = max(years(to: expiry, from: time), 1.0 / 8760)
    let level = underlyings[place].volatility * (1 + 1.5 * stress) * (1 + 0.1 * min(1, 0.02 / tenor))
    return level * (1 - (0.04 + 0.25 * stress) * z + 0.025 * z * z)
  }

  private func years(to expiry: Timestamp, from time: Timestamp) -> Double {
    max(0, Double(expiry - time) / Double(Duration64.second) / Self.year)
  }

  /// What validator `validator` publishes at a market time for the unexpired expiries given.
  public func observation(
    validator: Int, round: Round, at time: Timestamp, expiries: [(underlying: UnderlyingID, expiry: Timestamp)]
  ) -> Observation {
    var noise = SeededRandom(seed: seed ^ round).stream(UInt64(100 + validator))
    func disturbed(_ value: Double, by share: Double) -> Double {
      value * (1 + share * (Double(noise.below(2001)) / 1000 - 1))
    }
    let prices = underlyings.indices.map {
      IndexQuote(
        underlying: UnderlyingID(truncatingIfNeeded: $0),
        price: Self.micro(disturbed(index($0, at: time), by: 0.000_05)))
    }
    let surfaces = expiries.map { entry in
      let place = Int(entry.underlying)
      let volatilities = SurfaceQuote.pillars.map { pillar in
        let value = volatility(place, deviations: Double(pillar) / 10_000, expiry: entry.expiry, at: time)
        return Self.micro(disturbed(value, by: 0.001))
      }
      let forward = disturbed(forward(place, expiry: entry.expiry, at: time), by: 0.000_05)
      return SurfaceQuote(
        underlying: entry.underlying, expiry: entry.expiry, forward: Self.micro(forward), volatilities: volatilities)
    }
    return Observation(round: round, prices: prices, surfaces: surfaces)
  }

  static func micro(_ value: Double) -> Int64 {
    value.isFinite && abs(value) < 1e12 ? Int64((value * 1_000_000).rounded()) : 0
  }
}

extension [SyntheticUnderlying] {
  public static var standardUnderlyings: [SyntheticUnderlying] { SyntheticUnderlying.standard }
}
