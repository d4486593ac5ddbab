// Observations, rounds, marks and the age of prices: rules 17 to 19.

import Clearing
import Primitives

extension Model {
  /// Market time at a real time.
  func marketTime(_ time: Timestamp) -> Timestamp {
    let passed = max(0, Int128(time) - Int128(genesis.time)) * Int128(genesis.clockRate)
    return Int64(min(Int128(genesis.clockStart) + passed, Int128(Self.endOfTime)))
  }

  mutating func observe(_ observation: Observation, _ validator: PublicKey) throws(Rejection) {
    let now = Int128(max(0, state.timestamp - genesis.time) / Self.second)
    guard (now - 3...now + 1).contains(Int128(observation.round)) else { throw Rejection(.badRound) }
    for quote in observation.prices {
      guard Int(quote.underlying) < genesis.underlyings.count, isPrice(quote.price) else {
        throw Rejection(.badObservation)
      }
    }
    for quote in observation.surfaces {
      guard Int(quote.underlying) < genesis.underlyings.count, isPrice(quote.forward), quote.volatilities.count == 9,
        quote.volatilities.allSatisfy({ $0 >= 10_000 && $0 <= 20_000_000 })
      else { throw Rejection(.badObservation) }
    }
    var news: [(Series, Spoken)] = []
    for quote in observation.prices {
      let spoken = Spoken(round: observation.round, price: quote.price, volatilities: [])
      news.append((Series(underlying: quote.underlying), spoken))
    }
    let listed = Set(state.instruments.keys.compactMap { Terms($0)?.series })
    for quote in observation.surfaces {
      let series = Series(underlying: quote.underlying, expiry: quote.expiry)
      guard quote.expiry > marketTime(state.timestamp), listed.contains(series) else { continue }
      news.append((series, Spoken(round: observation.round, price: quote.forward, volatilities: quote.volatilities)))
    }
    var isNews = false
    for (series, spoken) in news {
      if let last = state.spoken[series]?[validator], last.round >= spoken.round { continue }
      state.spoken[series, default: [:]][validator] = spoken
      isNews = true
    }
    guard isNews else { throw Rejection(.badRound) }
  }

  private func isPrice(_ price: Price) -> Bool { (1_000...1_000_000_000_000).contains(price) }

  mutating func completeRounds() {
    for series in state.spoken.keys.sorted() { complete(series) }
    revalue()
  }

  private mutating func complete(_ series: Series) {
    let n = genesis.validators.count
    let quorum = (n + (n - 1) / 3) / 2 + 1
    let spoken = genesis.validators.compactMap { state.spoken[series]?[$0] }
    // The newest round of which, or of a later one, a quorum has spoken.
    let candidates = spoken.map(\.round).filter { round in spoken.count { $0.round >= round } >= quorum }
    guard let round = candidates.max() else { return }
    if let last = state.feeds[series], last.round >= round { return }
    let fresh = spoken.filter { $0.round + 2 >= round }
    let time = min(state.timestamp, genesis.time + Int64(round) * Self.second)
    var feed = Feed(round: round, time: time, marketTime: marketTime(time), price: median(fresh.map(\.price)))
    if series.expiry == 0 {
      feed.price -= feed.price % 1_000
      state.history[series.underlying, default: []].append(
        PastIndex(round: round, marketTime: feed.marketTime, price: feed.price))
    } else {
      feed.volatilities = (0..<9).map { pillar in median(fresh.map { $0.volatilities[pillar] }) }
    }
    state.feeds[series] = feed
    state.rounds += 1
    state.emit(.price(underlying: series.underlying, expiry: series.expiry, round: round, price: feed.price))
  }

  /// Of an even number the lower of the two in the middle.
  private func median(_ values: [Int64]) -> Int64 { values.sorted()[(values.count - 1) / 2] }

  /// Makes the marks follow the feeds. A future can do with the index.
  mutating func revalue() {
    var outlooks: [Series: Outlook] = [:]
    for (id, instrument) in state.instruments {
      guard let terms = Terms(id), instrument.state != .settled,
        let feed = state.feeds[terms.series] ?? state.feeds[Series(underlying: terms.underlying)]
      else { continue }
      if state.sources[id] == feed { continue }
      let outlook = outlooks[terms.series] ?? Outlook(feed, expiry: terms.expiry, range: genesis.risk.priceRange)
      outlooks[terms.series] = outlook
      state.values[id] = outlook.value(terms)
      state.sources[id] = feed
    }
  }

  /// Age of the older of index and surface; an option needs both.
  func priceAge(_ id: InstrumentID) -> Timestamp? {
    guard let terms = Terms(id), let index = state.feeds[Series(underlying: terms.underlying)] else { return nil }
    guard let surface = state.feeds[terms.series] else {
      return terms.kind == .future ? state.timestamp - index.time : nil
    }
    return state.timestamp - min(index.time, surface.time)
  }
}
