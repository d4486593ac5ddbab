// Where the engine and the model disagree.

public import Clearing
import Ledger
import Primitives

extension Model {
  /// The first thing in which the engine's state is not the model's; nil if there is none. Mutating for the engine
  /// because reading an account may bring its risk arrays up to date.
  public func difference(from engine: inout ClearingHouse) -> String? {
    totalsDifference(engine) ?? moneyDifference(engine) ?? orderDifference(engine) ?? marketDifference(engine)
      ?? ownerDifference(engine) ?? marginDifference(&engine)
  }

  private func totalsDifference(_ engine: ClearingHouse) -> String? {
    let totals = engine.statistics
    let theirs: [Int128] = [
      Int128(totals.height), Int128(totals.timestamp), Int128(totals.nextOrder), Int128(totals.nextEvent),
      Int128(totals.nextTrade), Int128(totals.nextWithdrawal), Int128(totals.nextAccount), Int128(totals.deposits),
      Int128(totals.withdrawals), Int128(totals.volume), Int128(totals.turnover), Int128(totals.marginCalls),
      Int128(totals.settledInstruments), Int128(totals.rounds), Int128(totals.transactions), Int128(totals.actions),
    ]
    let mine: [Int128] = [
      Int128(state.height), Int128(state.timestamp), Int128(state.nextOrder), Int128(state.nextEvent),
      Int128(state.nextTrade), Int128(state.nextWithdrawal), Int128(state.accounts.count), state.deposited,
      state.withdrawn, Int128(state.volume), Int128(state.turnover), Int128(state.marginCalls),
      Int128(state.settledInstruments), Int128(state.rounds), Int128(state.transactions), Int128(state.actions),
    ]
    return theirs == mine ? nil : "totals: engine \(theirs), model \(mine)"
  }

  /// Compares a table of the engine with a dictionary of the model.
  private func compare<Key: Hashable, Value: Equatable>(
    _ name: String, _ theirs: [Key: Value], _ mine: [Key: Value]
  ) -> String? {
    guard theirs != mine else { return nil }
    for (key, value) in mine where theirs[key] != value {
      return "\(name) \(key): engine \(theirs[key].map { "\($0)" } ?? "none"), model \(value)"
    }
    for (key, value) in theirs where mine[key] == nil { return "\(name) \(key): engine \(value), model none" }
    return nil
  }

  private func moneyDifference(_ engine: ClearingHouse) -> String? {
    var accounts: [AccountID: Account] = [:]
    engine.tables.accounts.forEach { key, _, record in
      accounts[key.id] = Account(number: record.number, cash: record.cash, isCalled: record.marginCall)
    }
    var positions: [AccountID: [InstrumentID: Position]] = [:]
    engine.tables.positions.forEach { key, _, record in
      positions[key.account, default: [:]][key.instrument] = Position(quantity: record.quantity, entry: record.entry)
    }
    var deposits: [Digest: DepositDone] = [:]
    engine.tables.deposits.forEach { key, _, record in
      deposits[key.reference] = DepositDone(account: record.account, amount: record.amount, height: record.height)
    }
    var withdrawals: [UInt64: PendingWithdrawal] = [:]
    engine.tables.withdrawals.forEach { key, _, record in
      withdrawals[key.number] = PendingWithdrawal(
        account: record.account, amount: record.amount, destination: record.destination, height: record.height)
    }
    return compare("account", accounts, state.accounts)
      ?? compare("positions", positions, state.positions.filter { !$0.value.isEmpty })
      ?? compare("deposit", deposits, state.deposits) ?? compare("withdrawal", withdrawals, state.withdrawals)
  }

  private func ownerDifference(_ engine: ClearingHouse) -> String? {
    var subAccounts: [AccountID: SubAccount] = [:]
    engine.tables.subAccounts.forEach { key, _, record in
      subAccounts[key.id] = SubAccount(owner: record.owner, number: record.number)
    }
    var acceptances: [AccountID: [AccountID: Acceptance]] = [:]
    engine.tables.acceptances.forEach { key, _, record in
      for acceptance in record.acceptances {
        acceptances[key.id, default: [:]][acceptance.transfer.account] = acceptance
      }
    }
    return compare("sub-account", subAccounts, state.subAccounts)
      ?? compare("acceptances", acceptances, state.acceptances.filter { !$0.value.isEmpty })
  }

  private func orderDifference(_ engine: ClearingHouse) -> String? {
    var orders: [OrderID: Order] = [:]
    engine.tables.orders.forEach { key, _, record in
      orders[key.id] = Order(
        id: key.id, account: record.account, instrument: record.instrument, side: record.side, price: record.price,
        quantity: record.quantity, remaining: record.remaining, priority: record.priority,
        goodTill: record.goodTill == .max ? nil : record.goodTill, placed: record.placed,
        reduceOnly: record.reduceOnly, postOnly: record.postOnly, selfTrade: record.selfTrade,
        clientID: record.clientID)
    }
    return compare("order", orders, state.orders)
  }

  private func marketDifference(_ engine: ClearingHouse) -> String? {
    var instruments: [InstrumentID: Instrument] = [:]
    var interest: [InstrumentID: Quantity] = [:]
    engine.tables.instruments.forEach { id, _, record in
      interest[id] = record.openInterest
      instruments[id] = Instrument(
        tick: record.tick, lot: record.lot, state: record.state, volume: record.volume, lastPrice: record.lastPrice,
        settlementPrice: record.settlementPrice)
    }
    var feeds: [Series: Feed] = [:]
    engine.tables.feeds.forEach { key, _, record in
      feeds[Series(underlying: key.underlying, expiry: key.expiry)] = Feed(
        round: record.round, time: record.time, marketTime: record.marketTime, price: record.price,
        volatilities: record.volatilities)
    }
    var spoken: [Series: [PublicKey: Spoken]] = [:]
    engine.tables.observations.forEach { key, _, record in
      let series = Series(underlying: key.feed.underlying, expiry: key.feed.expiry)
      spoken[series, default: [:]][genesis.validators[Int(key.validator)]] = Spoken(
        round: record.round, price: record.price, volatilities: record.volatilities)
    }
    var marks: [InstrumentID: Price] = [:]
    for view in engine.instruments() where instruments[view.id]?.state != .settled { marks[view.id] = view.markPrice }
    return compare("instrument", instruments, state.instruments)
      ?? compare("interest", interest, interest.keys.reduce(into: [:]) { $0[$1] = state.openInterest($1) })
      ?? compare("feed", feeds, state.feeds) ?? compare("observations", spoken, state.spoken)
      ?? compare("mark", marks, state.values.mapValues { $0.mark * 1_000 })
  }

  private func marginDifference(_ engine: inout ClearingHouse) -> String? {
    for id in state.accounts.keys {
      let requirement = requirement(portfolio(id))
      let mine = [requirement.equity, requirement.initial, requirement.maintenance].map { Int64(clamping: $0) }
      let margin = engine.account(id)?.margin
      let theirs = margin.map { [$0.equity, $0.initial, $0.maintenance] }
      if theirs != mine { return "margin of \(id): engine \(theirs ?? []), model \(mine)" }
    }
    return nil
  }

  /// The first outcome or event in which a block's result is not the model's.
  public func difference(_ outcomes: [TransactionOutcome], from result: BlockResult) -> String? {
    for (mine, theirs) in zip(outcomes, result.outcomes) where mine != theirs {
      return "outcome: engine \(theirs), model \(mine)"
    }
    for (mine, theirs) in zip(events, result.events) where mine != theirs {
      return "event: engine \(theirs), model \(mine)"
    }
    guard outcomes.count == result.outcomes.count, events.count == result.events.count else {
      return
        "\(result.outcomes.count) outcomes and \(result.events.count) events, model \(outcomes.count), \(events.count)"
    }
    return nil
  }
}
