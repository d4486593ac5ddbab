// Deposits, withdrawals, transfers and listings: rules 1 to 4 and 10.

import Clearing
import Primitives

extension Model {
  /// So much on an account that any one event leaves it within the limit of balances.
  func hasRoom(_ account: AccountID) -> Bool { state.cash(account).magnitude <= 1_000_000_000_000_000_000 }

  mutating func deposit(_ deposit: Deposit) throws(Rejection) {
    let limit: Int128 = 1_000_000_000_000_000_000
    guard deposit.amount > 0, deposit.amount <= limit, !isReserved(deposit.account),
      state.deposited + Int128(deposit.amount) <= limit
    else { throw Rejection(.badAmount) }
    guard state.deposits[deposit.reference] == nil else { throw Rejection(.duplicateReference) }
    guard hasRoom(deposit.account) else { throw Rejection(.badAmount) }
    if state.accounts[deposit.account] == nil {
      guard state.accounts.count < 4_000_000 else { throw Rejection(.limitReached) }
      state.open(deposit.account)
    }
    state.deposits[deposit.reference] = DepositDone(
      account: deposit.account, amount: deposit.amount, height: state.height)
    state.move(deposit.amount, from: SystemAccount.external.id, to: deposit.account)
    state.deposited += Int128(deposit.amount)
    state.emit(.deposit(account: deposit.account, amount: deposit.amount, reference: deposit.reference))
  }

  mutating func withdraw(_ amount: Amount, _ destination: [UInt8], _ account: AccountID) throws(Rejection) {
    guard destination.count <= 128 else { throw Rejection(.malformed) }
    try requireFree(amount, account)
    guard state.withdrawals.count < 10_000 else { throw Rejection(.limitReached) }
    let number = state.nextWithdrawal
    state.nextWithdrawal += 1
    state.withdrawals[number] = PendingWithdrawal(
      account: account, amount: amount, destination: destination, height: state.height)
    state.move(amount, from: account, to: SystemAccount.withdrawals.id)
    state.emit(.withdrawalRequested(number: number, account: account, amount: amount))
  }

  mutating func closeWithdrawal(_ number: UInt64, _ paid: Bool) throws(Rejection) {
    guard let pending = state.withdrawals.removeValue(forKey: number) else { throw Rejection(.unknownWithdrawal) }
    state.move(
      pending.amount, from: SystemAccount.withdrawals.id, to: paid ? SystemAccount.external.id : pending.account)
    if paid { state.withdrawn += Int128(pending.amount) }
    state.emit(.withdrawalClosed(number: number, account: pending.account, amount: pending.amount, paid: paid))
  }

  mutating func transfer(_ amount: Amount, _ to: AccountID, _ account: AccountID) throws(Rejection) {
    try requireFree(amount, account)
    guard !isReserved(to), state.accounts[to] != nil, to != account else { throw Rejection(.unknownAccount) }
    guard hasRoom(to) else { throw Rejection(.badAmount) }
    state.move(amount, from: account, to: to)
    state.emit(.transfer(from: account, to: to, amount: amount))
  }

  /// Rule 3.
  private func requireFree(_ amount: Amount, _ account: AccountID) throws(Rejection) {
    guard amount > 0, amount <= 1_000_000_000_000_000_000, amount <= state.cash(account) else {
      throw Rejection(.badAmount)
    }
    let portfolio = portfolio(account)
    for instrument in Array(portfolio.positions.keys) + portfolio.orders.map(\.instrument) {
      guard let age = priceAge(instrument), age <= 3 * Self.second else { throw Rejection(.stalePrice) }
    }
    guard requirement(portfolio).excess >= Int128(amount) else { throw Rejection(.insufficientMargin) }
  }

  // MARK: Listing

  mutating func list(_ listing: Listing) throws(Rejection) {
    guard let terms = Terms(listing.instrument), Int(terms.underlying) < genesis.underlyings.count,
      terms.expiry > marketTime(max(state.timestamp, genesis.time)), listing.tick > 0, listing.tick % 1_000 == 0,
      listing.tick <= 1_000_000_000_000, (1...100_000_000).contains(listing.lot)
    else { throw Rejection(.badTerms) }
    guard state.instruments[listing.instrument] == nil else { throw Rejection(.alreadyListed) }
    let expiries = Set(state.instruments.keys.compactMap { Terms($0)?.series })
    guard state.instruments.count < 20_000,
      expiries.contains(terms.series) || expiries.count(where: { $0.underlying == terms.underlying }) < 64
    else { throw Rejection(.limitReached) }
    state.instruments[listing.instrument] = Instrument(tick: listing.tick, lot: listing.lot)
    state.emit(.listed(listing.instrument))
    revalue()
  }

  mutating func setState(_ instrument: InstrumentID, _ new: InstrumentState) throws(Rejection) {
    guard let old = state.instruments[instrument]?.state else { throw Rejection(.unknownInstrument) }
    let byHand: [InstrumentState] = [.open, .cancelOnly, .halted]
    guard byHand.contains(old), byHand.contains(new) else { throw Rejection(.instrumentNotOpen) }
    guard old != new else { return }
    state.instruments[instrument]?.state = new
    state.emit(.stateChanged(instrument, new))
  }
}
