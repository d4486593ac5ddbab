// Which prices the validators publish in which round: a snapshot's own at its moment, blends of two neighbours between.

import Clearing
import Glibc
import Primitives

/// Prices of one moment, by place in `Recording.symbols`.
struct MarketBoard: Sendable {
  struct Surface: Sendable {
    var underlying: Int
    var expiry: Timestamp
    var forward: Double
    var pillars: [Double]
  }

  var index: [Double?]
  var surfaces: [Surface]
}

struct PriceTimeline: Sendable {
  /// A snapshot's prices hold from its round through `until`.
  struct Stop: Sendable, Equatable {
    var round: Round64
    var until: Round64
  }

  let recording: Recording
  let clock: MarketClock
  let stops: [Stop]

  /// `earliest` is the first round that can still be fed.
  init(_ recording: Recording, clock: MarketClock, earliest: Round64) {
    self.recording = recording
    self.clock = clock
    var rounds: [Round64] = []
    for snapshot in recording.snapshots {
      let next = rounds.last.map { $0 + 1 } ?? earliest
      rounds.append(max(next, clock.round(atOrAfter: snapshot.time)))
    }
    stops = rounds.indices.map { place in
      let next = place + 1 < rounds.count ? rounds[place + 1] : rounds[place] + 3
      return Stop(round: rounds[place], until: rounds[place] + (next - rounds[place] >= 3 ? 1 : 0))
    }
  }

  func board(in round: Round64) -> MarketBoard {
    guard let after = stops.firstIndex(where: { $0.until >= round }) else {
      return held(recording.snapshots.count - 1, in: round, keepsVariance: false)
    }
    let stop = stops[after]
    if round >= stop.round { return held(after, in: round, keepsVariance: true) }
    guard after > 0 else { return held(0, in: round, keepsVariance: false) }
    let from = stops[after - 1].until
    return blend(after - 1, after, share: Double(round - from) / Double(stop.round - from), in: round)
  }

  /// A snapshot's prices. Its moment falls between two rounds: with `keepsVariance` the volatilities are those that
  /// give the recorded variance up to expiry, so that the marks of the round are the marks of the snapshot's moment.
  private func held(_ place: Int, in round: Round64, keepsVariance: Bool) -> MarketBoard {
    let snapshot = recording.snapshots[place]
    let now = clock.time(of: round)
    var surfaces: [MarketBoard.Surface] = []
    for expiry in snapshot.expiries where expiry.expiry > now {
      let scale =
        keepsVariance ? sqrt(Double(expiry.expiry - snapshot.time) / Double(expiry.expiry - now)) : 1
      surfaces.append(
        .init(
          underlying: expiry.underlying, expiry: expiry.expiry, forward: expiry.forward,
          pillars: expiry.pillars.map { SurfaceFit.clamp($0 * scale) }))
    }
    return MarketBoard(index: snapshot.index, surfaces: surfaces)
  }

  /// Between two snapshots: straight lines. An expiry that the later one lacks keeps its volatilities, and its forward
  /// goes with the index.
  private func blend(_ first: Int, _ second: Int, share: Double, in round: Round64) -> MarketBoard {
    let (a, b) = (recording.snapshots[first], recording.snapshots[second])
    let now = clock.time(of: round)
    func mix(_ x: Double, _ y: Double) -> Double { x + (y - x) * share }
    let index = zip(a.index, b.index).map { x, y -> Double? in
      if let x, let y { mix(x, y) } else { x ?? y }
    }
    var surfaces: [MarketBoard.Surface] = []
    for old in a.expiries where old.expiry > now {
      var surface = MarketBoard.Surface(
        underlying: old.underlying, expiry: old.expiry, forward: old.forward, pillars: old.pillars)
      if let new = b.expiries.first(where: { $0.underlying == old.underlying && $0.expiry == old.expiry }) {
        surface.forward = mix(old.forward, new.forward)
        surface.pillars = zip(old.pillars, new.pillars).map { mix($0, $1) }
      } else if let was = a.index[old.underlying], let present = index[old.underlying] {
        surface.forward = old.forward * present / was
      }
      surfaces.append(surface)
    }
    return MarketBoard(index: index, surfaces: surfaces)
  }

  /// What one validator observes: the board with a small difference of its own (prices within 0.1 and volatilities
  /// within 2 parts in ten thousand), the same for the same seed.
  func observation(of board: MarketBoard, validator: Int, round: Round64, seed: UInt64) -> ObservationDocument {
    var noise = SeededRandom(seed: seed ^ (round &* 0x9e37_79b9)).stream(UInt64(1_000 + validator))
    func disturbed(_ value: Double, by share: Double) -> String {
      let factor = 1 + share * (Double(noise.below(2_001)) / 1_000 - 1)
      return Decimal.format(SyntheticMarket.micro(value * factor), scale: Decimal.moneyScale)
    }
    let prices = board.index.enumerated().compactMap { place, index in
      index.map {
        ObservationDocument.Index(underlying: recording.symbols[place], price: disturbed($0, by: 0.000_01))
      }
    }
    let surfaces = board.surfaces.map { surface in
      ObservationDocument.Surface(
        underlying: recording.symbols[surface.underlying], expiry: ISO8601.format(surface.expiry),
        forward: disturbed(surface.forward, by: 0.000_01),
        volatilities: surface.pillars.map { disturbed($0, by: 0.000_2) })
    }
    return ObservationDocument(prices: prices, surfaces: surfaces)
  }
}
