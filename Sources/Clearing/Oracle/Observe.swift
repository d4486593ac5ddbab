// Observations of validators, and the rounds that they complete.

import Ledger
public import Primitives

extension ClearingHouse {
  /// The round of a real time: whole seconds since genesis.
  public func round(at time: Timestamp) -> Round {
    UInt64(max(0, time - genesis.time) / Limits.roundLength)
  }

  /// Takes one validator's prices, all or none. Series that are not listed are passed over.
  mutating func observe(_ observation: Observation, validator: ValidatorIndex) throws(Rejection) {
    let now = round(at: totals.timestamp)
    guard observation.round.saturatingAdding(3) >= now, observation.round <= now + 1 else { throw Rejection(.badRound) }
    for quote in observation.prices {
      guard Int(quote.underlying) < genesis.underlyings.count, isPrice(quote.price) else {
        throw Rejection(.badObservation)
      }
    }
    for quote in observation.surfaces {
      guard Int(quote.underlying) < genesis.underlyings.count, isPrice(quote.forward),
        quote.volatilities.count == SurfaceQuote.pillars.count,
        quote.volatilities.allSatisfy({ (10_000...20_000_000).contains($0) })
      else { throw Rejection(.badObservation) }
    }
    var taken = false
    for quote in observation.prices {
      let record = ObservationRecord(round: observation.round, price: quote.price, volatilities: [])
      taken = note(FeedKey(quote.underlying), record, validator) || taken
    }
    let market = marketTime(at: totals.timestamp)
    for quote in observation.surfaces {
      let key = FeedKey(quote.underlying, quote.expiry)
      guard quote.expiry > market, live.groups.contains(where: { $0.key == key }) else { continue }
      let record = ObservationRecord(
        round: observation.round, price: quote.forward, volatilities: quote.volatilities)
      taken = note(key, record, validator) || taken
    }
    guard taken else { throw Rejection(.badRound) }
  }

  private func isPrice(_ price: Price) -> Bool { price >= Limits.pricePerLot && price <= Limits.maxPrice }

  /// False if the validator has spoken of this or a later round before.
  private mutating func note(_ feed: FeedKey, _ record: ObservationRecord, _ validator: ValidatorIndex) -> Bool {
    let key = ObservationKey(feed, validator)
    if let last = tables.observations[key], last.round >= record.round { return false }
    tables.observations.put(record, for: key)
    if !touchedFeeds.contains(feed) { touchedFeeds.append(feed) }
    return true
  }

  /// A round of a feed is complete when Q validators have spoken of it or of a later one. Its price is the median of
  /// all observations that are at most two rounds older.
  mutating func completeRounds() {
    touchedFeeds.sort { ($0.underlying, $0.expiry) < ($1.underlying, $1.expiry) }
    for feed in touchedFeeds { complete(feed) }
    touchedFeeds.removeAll(keepingCapacity: true)
  }

  private mutating func complete(_ feed: FeedKey) {
    var observations: [ObservationRecord] = []
    for validator in validators.indices {
      let key = ObservationKey(feed, ValidatorIndex(truncatingIfNeeded: validator))
      if let record = tables.observations[key] { observations.append(record) }
    }
    guard observations.count >= quorum else { return }
    let round = observations.map(\.round).sorted(by: >)[quorum - 1]
    if let last = tables.feeds[feed], last.round >= round { return }
    observations.removeAll { $0.round + 2 < round }
    let time = min(totals.timestamp, genesis.time + Int64(round) * Limits.roundLength)
    var record = FeedRecord(
      round: round, time: time, marketTime: marketTime(at: time), price: median(observations.map(\.price)),
      volatilities: [])
    if feed.expiry == 0 {
      // In steps of 0.001 USD, so that payoffs are whole numbers.
      record.price = record.price / Limits.pricePerLot * Limits.pricePerLot
      remember(record, of: feed.underlying)
      noteOutage(record, of: feed)
    } else {
      for pillar in SurfaceQuote.pillars.indices {
        record.volatilities.append(median(observations.map { $0.volatilities[pillar] }))
      }
    }
    judgeObservations(of: feed, round: round, price: record.price)
    judgePrices(of: feed, round: round, median: record.price)
    let last = tables.feeds[feed]?.time
    tables.feeds.put(record, for: feed)
    totals.rounds &+= 1
    if let last { callAfterOutage(of: feed, since: last, until: record.time) }
    emit(.price(underlying: feed.underlying, expiry: feed.expiry, round: round, price: record.price))
  }

  /// L2: after an outage of the index traders get time before liquidation goes on.
  private mutating func noteOutage(_ record: FeedRecord, of feed: FeedKey) {
    guard genesis.liquidation.isOn, let last = tables.feeds[feed],
      record.time - last.time > Limits.cancelOnlyAfter
    else { return }
    tables.graces.put(GraceRecord(until: totals.timestamp + genesis.liquidation.grace), for: feed)
  }

  /// The middle one; of an even number the lower.
  private func median(_ values: [Int64]) -> Int64 {
    values.isEmpty ? 0 : values.sorted()[(values.count - (Mutant.has(.medianTooHigh) ? 0 : 1)) / 2]
  }

  /// Keeps the index of the round for settlement, and forgets what is older than the window can be.
  private mutating func remember(_ record: FeedRecord, of underlying: UnderlyingID) {
    let last = tables.feeds[FeedKey(underlying)]?.round
    tables.history.put(
      HistoryRecord(marketTime: record.marketTime, price: record.price), for: HistoryKey(underlying, record.round))
    let kept = UInt64(Limits.settlementHistory)
    guard let last, record.round > kept else { return }
    // Nothing older than this was kept at the last round.
    var oldest = last > kept ? last - kept : 0
    let limit = min(record.round - kept, last + 1)
    while oldest < limit {
      tables.history.remove(HistoryKey(underlying, oldest))
      oldest += 1
    }
  }
}
