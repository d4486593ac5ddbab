// Marks and scenario values of all instruments, recomputed when their prices change.

import Ledger
public import Primitives

extension ClearingHouse {
  /// Brings every mark up to the prices in the tables. Marks are a function of these prices alone.
  mutating func refreshMarks() {
    var changed = refreshIndex()
    for place in live.groups.indices {
      guard let feed = effectiveFeed(live.groups[place].key), feed != live.groups[place].source else { continue }
      live.groups[place].source = feed
      let market = ExpiryMarket(feed, expiry: live.groups[place].key.expiry, risk: genesis.risk)
      for number in live.groups[place].instruments { value(number, market) }
      changed = true
    }
    guard changed else { return }
    valueCombos()
    live.epoch += 1
  }

  /// Marks one new instrument.
  mutating func markNew(_ number: Int32, group: Int) {
    guard let feed = effectiveFeed(live.groups[group].key) else { return }
    live.groups[group].source = feed
    let market = ExpiryMarket(feed, expiry: live.groups[group].key.expiry, risk: genesis.risk)
    for member in live.groups[group].instruments { value(member, market) }
    live.epoch += 1
  }

  private mutating func refreshIndex() -> Bool {
    var changed = false
    for underlying in genesis.underlyings.indices {
      let price = tables.feeds[FeedKey(UInt8(underlying))]?.price ?? 0
      guard price != live.index[underlying] else { continue }
      live.index[underlying] = price
      live.takerFee[underlying] = feePerLot(price, genesis.fees.taker)
      changed = true
    }
    return changed
  }

  /// Fee of one lot in 1e-6 USD, rounded up.
  func feePerLot(_ index: Price, _ partsPerMillion: Int64) -> Amount {
    let product = Int128(index) * Int128(partsPerMillion)
    return Int64((product + 999_999_999) / 1_000_000_000)
  }

  /// The feed of an expiry. A future can do with the index; an option needs its volatilities.
  private func effectiveFeed(_ key: FeedKey) -> FeedRecord? {
    tables.feeds[key] ?? tables.feeds[FeedKey(key.underlying)]
  }

  private mutating func value(_ number: Int32, _ market: ExpiryMarket) {
    let place = Int(number)
    let instrument = live.instruments[place]
    guard !instrument.kind.isOption || !market.pillars.isEmpty else {
      live.instruments[place].mark = nil
      return
    }
    let valuation = Valuation(instrument.id, kind: instrument.kind, market: market)
    live.instruments[place].mark = valuation.mark
    live.instruments[place].delta = valuation.delta
    let start = place * LiveState.slots
    for slot in 0..<LiveState.slots { live.scenarios[start + slot] = valuation.changes[slot] }
  }

  /// Age of the oldest price that the instrument's mark stands on; nil before the first.
  func priceAge(_ id: InstrumentID) -> Timestamp? {
    guard !id.isCombo else { return comboAge(id) }
    guard let index = tables.feeds[FeedKey(id.underlying)] else { return nil }
    let surface = tables.feeds[FeedKey(id.underlying, id.expiry)]
    guard surface != nil || id.kind == .future else { return nil }
    return totals.timestamp - min(index.time, surface?.time ?? index.time)
  }

  private func comboAge(_ id: InstrumentID) -> Timestamp? {
    var oldest: Timestamp = 0
    for leg in tables.combos[id]?.legs ?? [] {
      guard let age = priceAge(leg.instrument) else { return nil }
      oldest = max(oldest, age)
    }
    return oldest
  }

  /// Market time at a real time.
  public func marketTime(at time: Timestamp) -> Timestamp {
    let elapsed = max(0, time - genesis.time)
    guard let passed = elapsed.multiplied(by: genesis.clockRate) else { return Self.latestTime }
    return min(genesis.clockStart.saturatingAdding(passed), Self.latestTime)
  }

  /// No time in the engine is later, so that differences and small sums of times fit.
  static let latestTime: Timestamp = 1 << 62
}
