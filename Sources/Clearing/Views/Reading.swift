// What the API may ask. Nothing here changes replicated state.

import Ledger
public import Primitives

extension ClearingHouse {
  public var height: Height { totals.height }
  public var timestamp: Timestamp { totals.timestamp }
  /// Counters and totals: volume, trades, margin calls, deposits and so on.
  public var statistics: TotalsRecord { totals }
  /// How many records of each kind there are.
  public var sizes: (accounts: UInt64, openOrders: UInt64, instruments: UInt64) {
    (UInt64(tables.accounts.count), UInt64(tables.orders.count), UInt64(tables.instruments.count))
  }

  /// The unexpired expiries of all listed instruments, ascending.
  public func openExpiries(at marketTime: Timestamp) -> [(underlying: UnderlyingID, expiry: Timestamp)] {
    var keys: Set<UInt64> = []
    tables.instruments.forEach { id, _, _ in
      if id.expiry > marketTime { keys.insert(UInt64(id.underlying) << 56 | UInt64(id.expiry / Duration64.hour)) }
    }
    return keys.sorted().map { (UnderlyingID(truncatingIfNeeded: $0 >> 56), Int64($0 & 0xff_ffff) * Duration64.hour) }
  }

  /// Lots held long over all instruments.
  public var openInterest: Quantity {
    var sum: Quantity = 0
    tables.instruments.forEach { _, _, record in sum &+= record.openInterest }
    return sum
  }

  /// How many books have orders on no side, on one and on both.
  public var booksBySides: [Int] {
    var counts = [0, 0, 0]
    for instrument in live.instruments {
      counts[(instrument.bids.levels.isEmpty ? 0 : 1) + (instrument.asks.levels.isEmpty ? 0 : 1)] += 1
    }
    return counts
  }

  /// Nil if there is no such account. Mutating because it may bring the risk arrays up to date, which no outcome sees.
  public mutating func account(_ id: AccountID) -> AccountView? {
    guard let number = accountNumber(id), let record = tables.accounts[AccountKey(id)] else { return nil }
    let requirement = requirement(number)
    let held = live.accounts[Int(number)].holdings.map { live.holdings[Int($0)] }
    let positions = held.filter { $0.quantity != 0 }.map { positionView($0) }
    let orders = held.flatMap(\.orders).sorted().compactMap { order($0) }
    return AccountView(
      account: id, cash: record.cash, positions: positions.sorted { $0.instrument < $1.instrument }, orders: orders,
      triggers: triggers(of: id),
      margin: MarginView(
        mode: record.marginCall ? .marginCall : .standard, equity: requirement.equity, initial: requirement.initial,
        maintenance: requirement.maintenance, excess: requirement.excess),
      delegations: delegations(of: id).filter { $0.until > totals.height }, owner: subAccount(id)?.owner,
      subAccount: subAccount(id)?.number, subAccounts: subAccounts(of: id),
      acceptances: (tables.acceptances[AccountKey(id)]?.acceptances ?? []).filter { $0.until > totals.timestamp })
  }

  private func positionView(_ holding: Holding) -> PositionView {
    let instrument = live.instruments[Int(holding.instrument)]
    let average = Int128(holding.entry) * Int128(Limits.pricePerLot) / Int128(max(1, holding.quantity.magnitude))
    return PositionView(
      instrument: instrument.id, quantity: holding.quantity,
      averagePrice: Int64(clamping: Int128(holding.quantity.signum()) * average),
      markPrice: instrument.mark.map { $0 * Limits.pricePerLot })
  }

  public func order(_ id: OrderID) -> OrderView? {
    guard let record = tables.orders[OrderKey(id)] else { return nil }
    return OrderView(
      id: id, account: record.account, instrument: record.instrument, side: record.side, price: record.price,
      quantity: record.quantity, filled: record.quantity - record.remaining, remaining: record.remaining,
      shown: tables.icebergs[OrderKey(id)]?.shown, clientID: record.clientID, timeInForce: record.timeInForce,
      goodTill: record.goodTill, reduceOnly: record.reduceOnly)
  }

  /// The best `depth` levels of each side; nil if there is no such instrument.
  public func book(_ id: InstrumentID, depth: Int) -> BookView? {
    guard let number = live.instrumentNumbers[id] else { return nil }
    func levels(_ side: BookSide) -> [BookLevelView] {
      side.levels.suffix(max(0, depth)).reversed().map {
        BookLevelView(price: $0.price, quantity: $0.shown, orders: $0.count)
      }
    }
    let instrument = live.instruments[Int(number)]
    return BookView(instrument: id, bids: levels(instrument.bids), asks: levels(instrument.asks))
  }

  /// The latest trades, newest first, at most `Limits.maxTradesKept`; since the last restart.
  public func trades(_ id: InstrumentID) -> [TradeView] {
    guard let number = live.instrumentNumbers[id] else { return [] }
    return live.instruments[Int(number)].trades.suffix(Limits.maxTradesKept).reversed()
  }

  /// Every instrument, ascending by identity.
  public func instruments() -> [InstrumentView] {
    live.instrumentNumbers.keys.sorted().compactMap { instrument($0) }
  }

  public func instrument(_ id: InstrumentID) -> InstrumentView? {
    guard !id.isCombo, let number = live.instrumentNumbers[id], let record = tables.instruments[id] else { return nil }
    let instrument = live.instruments[Int(number)]
    let index = live.index[instrument.underlying]
    return InstrumentView(
      id: id, name: InstrumentName.format(id, underlyings: genesis.underlyings), kind: instrument.kind,
      underlying: genesis.underlyings[instrument.underlying].symbol, strike: id.strike, expiry: id.expiry,
      state: effectiveState(id, record.state), tick: record.tick, lot: record.lot,
      markPrice: instrument.mark.map { $0 * Limits.pricePerLot }, index: index > 0 ? index : nil,
      openInterest: record.openInterest, volume: record.volume,
      lastPrice: record.lastPrice > 0 ? record.lastPrice : nil, bestBid: instrument.bids.best,
      bestAsk: instrument.asks.best, settlementPrice: record.state == .settled ? record.settlementPrice : nil,
      auction: record.state == .auction ? auction(number, record) : nil)
  }

  /// What the auction would trade if it ended now.
  private func auction(_ number: Int32, _ record: InstrumentRecord) -> AuctionView? {
    let instrument = live.instruments[Int(number)]
    guard let auction = tables.auctions[instrument.id] else { return nil }
    let found = CallPrice.find(
      bids: instrument.bids, asks: instrument.asks, tick: max(1, record.tick),
      reference: (instrument.mark ?? 0) * Limits.pricePerLot)
    return AuctionView(
      reason: auction.reason, until: auction.until, price: found?.price, quantity: found?.quantity ?? 0)
  }

  /// The staleness ladder on top of the state in the record.
  private func effectiveState(_ id: InstrumentID, _ state: InstrumentState) -> InstrumentState {
    guard state.takesOrders || state == .cancelOnly, state != .auction else { return state }
    guard let age = priceAge(id), age <= Limits.haltAfter else { return .halted }
    return age > Limits.cancelOnlyAfter ? .cancelOnly : state
  }

  /// Every account in liquidation, ascending. Mutating because it may bring the risk arrays up to date.
  public mutating func liquidations() -> [LiquidationView] {
    tables.liquidations.sortedKeys().compactMap { key in
      guard let record = tables.liquidations[key], let number = accountNumber(key.id) else { return nil }
      let state = requirement(number)
      return LiquidationView(
        account: key.id, stage: record.stage, found: record.found, equity: state.equity,
        maintenance: state.maintenance, reward: reward(record, state))
    }
  }

  public func funds() -> FundsView {
    FundsView(
      insurance: cash(.insurance), houseCapital: cash(.houseCapital), defaultFund: cash(.defaultFund),
      claims: totals.claims,
      members: tables.fundShares.sortedKeys().map {
        FundsView.Share(account: $0.id, amount: tables.fundShares[$0]?.amount ?? 0)
      },
      backstops: tables.backstops.sortedKeys().map {
        FundsView.Share(account: $0.id, amount: tables.backstops[$0]?.limit ?? 0)
      })
  }

  /// The identity of a name such as "BTC-27MAR26-100000-C", listed or not.
  public func instrumentID(_ name: String) -> InstrumentID? {
    InstrumentName.parse(name, underlyings: genesis.underlyings)
  }

  public func oracle() -> OracleView {
    var feeds: [FeedView] = []
    for key in tables.feeds.sortedKeys().sorted(by: { ($0.underlying, $0.expiry) < ($1.underlying, $1.expiry) }) {
      guard let record = tables.feeds[key], Int(key.underlying) < genesis.underlyings.count else { continue }
      feeds.append(
        FeedView(
          underlying: genesis.underlyings[Int(key.underlying)].symbol, expiry: key.expiry, round: record.round,
          time: record.time, price: record.price, volatilities: record.volatilities))
    }
    return OracleView(
      round: round(at: totals.timestamp), marketTime: marketTime(at: totals.timestamp), feeds: feeds)
  }
}
