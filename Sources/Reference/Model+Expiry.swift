// The end of instruments: rules 26 to 28.

import Clearing
import Primitives

extension Model {
  private func instruments(of series: Series, in wanted: [InstrumentState]) -> [InstrumentID] {
    state.instruments.filter { Terms($0.key)?.series == series && wanted.contains($0.value.state) }.map(\.key).sorted()
  }

  /// Listed expiries whose market time has come.
  private func expired() -> [Series] {
    let now = marketTime(state.timestamp)
    return Set(state.instruments.keys.compactMap { Terms($0)?.series }).filter { $0.expiry <= now }.sorted()
  }

  mutating func expireInstruments() {
    for series in expired() {
      for id in instruments(of: series, in: [.open, .cancelOnly, .halted]) {
        state.instruments[id]?.state = .settling
        state.emit(.stateChanged(id, .settling))
        for order in state.orders.values.filter({ $0.instrument == id }).sorted(by: { $0.id < $1.id }) {
          remove(order, .expiry)
        }
      }
    }
  }

  mutating func settleExpiries() {
    for series in expired() {
      let ids = instruments(of: series, in: [.settling])
      guard !ids.isEmpty, let feed = state.feeds[Series(underlying: series.underlying)] else { continue }
      let isFinal =
        feed.marketTime >= series.expiry || marketTime(state.timestamp - 60 * Self.second) >= series.expiry
      if isFinal { settle(series, ids, feed) }
    }
  }

  /// The mean of the index, each price weighted by how long it held.
  private func mean(_ series: Series, _ feed: Feed) -> (price: Price, observations: Int) {
    let points = (state.history[series.underlying] ?? []).filter { $0.marketTime < series.expiry }
    guard let first = points.first else { return (feed.price, 1) }
    var start = first.marketTime
    if points.count > 30 {
      start = max(start, min(series.expiry - 1_800 * Self.second, points[points.count - 30].marketTime))
    }
    var (sum, weight, observations) = (Int128(0), Int128(0), 0)
    for (place, point) in points.enumerated() {
      let end = place + 1 < points.count ? points[place + 1].marketTime : series.expiry
      guard end > start || points.count <= 30 else { continue }
      let share = Int128(end - max(point.marketTime, start))
      sum += share * Int128(point.price)
      weight += share
      observations += 1
    }
    let mean = Int64(sum / max(1, weight))
    return (mean - mean % 1_000, observations)
  }

  /// Payoff of one lot.
  private func payoff(_ terms: Terms, _ price: Price) -> Amount {
    switch terms.kind {
    case .future: price / 1_000
    case .call: max(0, price - terms.strike) / 1_000
    case .put: max(0, terms.strike - price) / 1_000
    }
  }

  private mutating func settle(_ series: Series, _ ids: [InstrumentID], _ feed: Feed) {
    let (price, observations) = mean(series, feed)
    let before = state
    var positions: UInt32 = 0
    for (account, _) in before.accounts.sorted(by: { $0.value.number < $1.value.number }) {
      for id in ids {
        guard let terms = Terms(id), let position = before.positions[account]?[id] else { continue }
        let value = position.quantity * payoff(terms, price)
        let amount = terms.kind == .future ? value - position.entry : value
        state.move(amount, from: SystemAccount.variation.id, to: account)
        set(Position(), account, id)
        state.emit(.settled(account: account, instrument: id, quantity: position.quantity, amount: amount))
        positions += 1
        // A balance beyond the limit of balances: nothing of the expiry is settled.
        let limit: UInt64 = 4_000_000_000_000_000_000
        if state.cash(account).magnitude > limit || state.cash(SystemAccount.variation.id).magnitude > limit {
          state = before
          return
        }
      }
    }
    for id in ids {
      state.instruments[id]?.state = .settled
      state.instruments[id]?.settlementPrice = price
      state.values[id] = nil
      state.settledInstruments += 1
    }
    state.feeds[series] = nil
    state.spoken[series] = nil
    state.emit(
      .expirySettled(
        underlying: series.underlying, expiry: series.expiry, price: price, observations: UInt32(observations),
        positions: positions))
  }

  mutating func pruneInstruments() {
    let limit = marketTime(state.timestamp) - 24 * 3_600 * Self.second
    for (id, instrument) in state.instruments where instrument.state == .settled {
      guard let terms = Terms(id), terms.expiry <= limit else { continue }
      state.instruments[id] = nil
    }
  }
}
