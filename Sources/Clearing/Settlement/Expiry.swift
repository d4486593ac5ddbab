// Expiry: trading ends, the settlement price is found, every series of the expiry is exercised and paid in one event.

import Ledger
import Primitives

extension ClearingHouse {
  /// At their market time instruments stop trading and lose their orders.
  mutating func expireInstruments() {
    let now = marketTime(at: totals.timestamp)
    for group in live.groups where group.key.expiry <= now {
      let trading = group.instruments.filter { isTrading($0) }
      for number in trading.sorted(by: precedes) { expire(number) }
    }
  }

  private func precedes(_ a: Int32, _ b: Int32) -> Bool { live.instruments[Int(a)].id < live.instruments[Int(b)].id }

  private func isTrading(_ number: Int32) -> Bool {
    let slot = live.instruments[Int(number)].slot
    return tables.instruments.read(slot: slot) { !$0.state.hasExpired }
  }

  private mutating func expire(_ number: Int32) {
    let slot = live.instruments[Int(number)].slot
    tables.instruments.update(slot: slot) { $0.state = .settling }
    let id = live.instruments[Int(number)].id
    tables.auctions.remove(id)
    emit(.stateChanged(id, .settling))
    for order in bookOrders(number).sorted() {
      if let record = tables.orders[OrderKey(order)] { cancelOrder(order, record, .expiry) }
    }
    cancelTriggers(live.triggers.ids(of: id).sorted(), .expiry)
  }

  func bookOrders(_ number: Int32) -> [OrderID] {
    let instrument = live.instruments[Int(number)]
    return (instrument.bids.levels + instrument.asks.levels).flatMap { $0.orders[$0.start...].map(\.id) }
  }

  /// Settles every expiry whose final price is known.
  mutating func settleExpiries() {
    let now = marketTime(at: totals.timestamp)
    for group in live.groups where group.key.expiry <= now {
      let open = group.instruments.filter { isSettling($0) }
      guard !open.isEmpty, isFinal(group.key), let mean = settlementPrice(group.key) else { continue }
      settle(group.key, open.sorted(by: precedes), mean)
    }
  }

  private func isSettling(_ number: Int32) -> Bool {
    tables.instruments.read(slot: live.instruments[Int(number)].slot) { $0.state == .settling }
  }

  /// A round at or after the expiry is complete, or none has come for a minute of real time.
  private func isFinal(_ key: FeedKey) -> Bool {
    guard let index = tables.feeds[FeedKey(key.underlying)] else { return false }
    if index.marketTime >= key.expiry { return true }
    return marketTime(at: totals.timestamp - Limits.haltAfter) >= key.expiry
  }

  // MARK: Price

  struct Mean {
    var price: Price
    var observations: Int
  }

  /// The time-weighted mean of the index over the last 30 minutes of market time, or over the last 30 rounds where fewer
  /// fall into that window (a market clock that runs faster), or over what there is. Rounded down to 0.001 USD.
  func settlementPrice(_ key: FeedKey) -> Mean? {
    guard let newest = tables.feeds[FeedKey(key.underlying)]?.round else { return nil }
    var found: [HistoryRecord] = []
    var round = newest
    let window = key.expiry - Limits.settlementWindow
    for _ in 0...Limits.settlementHistory {
      if let record = tables.history[HistoryKey(key.underlying, round)], record.marketTime < key.expiry {
        found.append(record)
        // The first one at or before the window's beginning tells the price that it begins with.
        if record.marketTime <= window, found.count >= Limits.settlementRounds { break }
      }
      guard round > 0 else { break }
      round -= 1
    }
    guard let last = found.first else {
      // Every price is younger than the expiry: the index of now is the nearest there is.
      return tables.feeds[FeedKey(key.underlying)].map { Mean(price: $0.price, observations: 1) }
    }
    var sum: Int128 = 0
    var weight: Int128 = 0
    var until = key.expiry
    let start =
      found.count > Limits.settlementRounds ? min(window, found[Limits.settlementRounds - 1].marketTime) : .min
    var used = 0
    for record in found where until > start {
      let share = Int128(until) - Int128(max(record.marketTime, start))
      sum += share * Int128(record.price)
      weight += share
      until = record.marketTime
      used += 1
    }
    let mean = weight == 0 ? last.price : Int64(sum / weight)
    let price = Mutant.has(.settlementUnrounded) ? mean : mean / Limits.pricePerLot * Limits.pricePerLot
    return Mean(price: price, observations: used)
  }

  // MARK: Payment

  /// What one lot pays at expiry; a future against its entry value.
  static func payoff(_ kind: InstrumentKind, strike: Price, price: Price) -> Amount {
    switch kind {
    case .future: price / Limits.pricePerLot
    case .call: max(0, price - strike) / Limits.pricePerLot
    case .put: max(0, strike - price) / Limits.pricePerLot
    }
  }

  private struct Payment {
    var account: Int32
    var instrument: Int32
    var quantity: Quantity
    var amount: Amount
  }

  /// INV-16: what the longs receive the shorts pay, to the unit, because the price is a whole number for each lot.
  private mutating func settle(_ key: FeedKey, _ instruments: [Int32], _ mean: Mean) {
    let payments = self.payments(instruments, mean.price)
    // A sum that does not fit can only come from prices beyond all reason: the expiry waits for the rulebook's people.
    guard fits(payments) else { return }
    for payment in payments {
      let account = live.accounts[Int(payment.account)].id
      move(payment.amount, from: SystemAccount.variation, to: payment.account)
      setPosition(payment.account, payment.instrument, quantity: 0, entry: 0)
      emit(
        .settled(
          account: account, instrument: live.instruments[Int(payment.instrument)].id, quantity: payment.quantity,
          amount: payment.amount))
    }
    for number in instruments {
      tables.instruments.update(slot: live.instruments[Int(number)].slot) {
        $0.state = .settled
        $0.settlementPrice = mean.price
        $0.openInterest = 0
      }
      totals.settledInstruments &+= 1
    }
    dropFeed(key)
    live.epoch += 1
    emit(
      .expirySettled(
        underlying: key.underlying, expiry: key.expiry, price: mean.price,
        observations: UInt32(truncatingIfNeeded: mean.observations),
        positions: UInt32(truncatingIfNeeded: payments.count)))
  }

  /// Everybody's payoff, in order of account and instrument.
  private func payments(_ instruments: [Int32], _ price: Price) -> [Payment] {
    var payments: [Payment] = []
    var settling = Array(repeating: false, count: live.instruments.count)
    for number in instruments { settling[Int(number)] = true }
    for holding in live.holdings where holding.quantity != 0 && settling[Int(holding.instrument)] {
      let instrument = live.instruments[Int(holding.instrument)]
      let value = holding.quantity &* Self.payoff(instrument.kind, strike: instrument.id.strike, price: price)
      payments.append(
        Payment(
          account: holding.account, instrument: holding.instrument, quantity: holding.quantity,
          amount: instrument.kind == .future ? value &- holding.entry : value))
    }
    payments.sort {
      ($0.account, live.instruments[Int($0.instrument)].id.raw)
        < ($1.account, live.instruments[Int($1.instrument)].id.raw)
    }
    return payments
  }

  /// Whether every balance on the way stays within its limit.
  private func fits(_ payments: [Payment]) -> Bool {
    var variation = Int128(cash(.variation))
    var account: Int32 = -1
    var balance: Int128 = 0
    let limit = Int128(Limits.maxCash)
    for payment in payments {
      if payment.account != account {
        account = payment.account
        balance = Int128(cash(account))
      }
      balance += Int128(payment.amount)
      variation -= Int128(payment.amount)
      if balance.magnitude > limit.magnitude || variation.magnitude > limit.magnitude { return false }
    }
    return true
  }

  // MARK: Afterwards

  private mutating func dropFeed(_ key: FeedKey) {
    tables.feeds.remove(key)
    for validator in validators.indices {
      tables.observations.remove(ObservationKey(key, ValidatorIndex(truncatingIfNeeded: validator)))
    }
  }

  /// Settled instruments go when they have been visible for long enough.
  mutating func pruneInstruments() {
    let limit = marketTime(at: totals.timestamp) - Limits.pruneAfter
    guard live.groups.contains(where: { $0.key.expiry <= limit }) else { return }
    for group in live.groups where group.key.expiry <= limit {
      for number in group.instruments {
        let (id, slot) = (live.instruments[Int(number)].id, live.instruments[Int(number)].slot)
        guard tables.instruments.read(slot: slot, { $0.state == .settled }) else { continue }
        tables.instruments.remove(slot: slot)
        dropInstrument(id)
      }
    }
  }
}
