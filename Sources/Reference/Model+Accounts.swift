// Sub-accounts and transfers of positions: rules U1 to U5 and P1 to P5.

import Clearing
import Primitives

struct SubAccount: Equatable {
  var owner: AccountID
  var number: UInt8
}

extension Model {
  /// The main account of the key that commands an account.
  func owner(_ account: AccountID) -> AccountID { state.subAccounts[account]?.owner ?? account }

  /// U2.
  func numbering(_ transaction: Transaction) -> AccountID { owner(transaction.account) }

  mutating func openSubAccount(_ number: UInt8, _ account: AccountID) throws(Rejection) {
    guard state.subAccounts[account] == nil else { throw Rejection(.notAuthorized) }
    guard (1...32).contains(number) else { throw Rejection(.badTerms) }
    let id = AccountID(subAccount: number, of: account)
    guard state.subAccounts[id] == nil else { throw Rejection(.alreadyOpen) }
    if state.accounts[id] == nil { state.open(id) }
    state.subAccounts[id] = SubAccount(owner: account, number: number)
    state.emit(.subAccountOpened(owner: account, number: number, account: id))
  }

  mutating func transferPositions(_ transfer: PositionTransfer, _ giver: AccountID) throws(Rejection) {
    try checkTerms(transfer)
    let receiver = transfer.account
    guard !isReserved(receiver), state.accounts[receiver] != nil, receiver != giver else {
      throw Rejection(.unknownAccount)
    }
    for party in [giver, receiver] { try checkHealth(party) }
    let isOwn = owner(giver) == owner(receiver)
    if !isOwn {
      let agreed = state.acceptances[receiver]?[giver]
      guard let agreed, agreed.until >= state.timestamp, agreed.transfer.positions == transfer.positions,
        agreed.transfer.cash == transfer.cash
      else { throw Rejection(.notAccepted) }
      state.acceptances[receiver]?[giver] = nil
    }
    var (giversFee, receiversFee) = (Amount(0), Amount(0))
    for moved in transfer.positions {
      let fees = try move(moved, from: giver, to: receiver)
      if !isOwn {
        giversFee += fees.taker
        receiversFee += fees.maker
      }
    }
    state.move(giversFee, from: giver, to: SystemAccount.fees.id)
    state.move(receiversFee, from: receiver, to: SystemAccount.fees.id)
    if transfer.cash != 0 {
      guard hasRoom(giver), hasRoom(receiver) else { throw Rejection(.tooLarge) }
      state.move(transfer.cash, from: giver, to: receiver)
      guard state.cash(transfer.cash > 0 ? giver : receiver) >= 0 else { throw Rejection(.badAmount) }
    }
    for party in [giver, receiver] where requirement(portfolio(party)).excess < 0 {
      throw Rejection(.insufficientMargin)
    }
    state.emit(
      .positionsTransferred(
        PositionTransferEvent(
          from: giver, to: receiver, positions: UInt32(transfer.positions.count), cash: transfer.cash,
          fromFee: giversFee, toFee: receiversFee)))
  }

  private func checkTerms(_ transfer: PositionTransfer) throws(Rejection) {
    let ids = transfer.positions.map(\.instrument)
    guard (1...32).contains(ids.count), ids == Set(ids).sorted(), !ids.contains(where: \.isCombo),
      transfer.cash.magnitude <= 1_000_000_000_000_000_000,
      transfer.positions.allSatisfy({ (1...1_000_000_000).contains($0.quantity.magnitude) })
    else { throw Rejection(.badTerms) }
  }

  /// P3.
  private func checkHealth(_ account: AccountID) throws(Rejection) {
    if state.accounts[account]?.isCalled == true { throw Rejection(.marginCall) }
    let portfolio = portfolio(account)
    for instrument in Array(portfolio.positions.keys) + portfolio.orders.map(\.instrument) {
      guard let age = priceAge(instrument), age <= 3 * Self.second else { throw Rejection(.stalePrice) }
    }
    let now = requirement(portfolio)
    if now.equity < now.maintenance { throw Rejection(.marginCall) }
  }

  private mutating func move(
    _ moved: MovedPosition, from giver: AccountID, to receiver: AccountID
  ) throws(Rejection) -> (taker: Amount, maker: Amount) {
    let id = moved.instrument
    guard let instrument = state.instruments[id], let terms = Terms(id) else { throw Rejection(.unknownInstrument) }
    guard instrument.state == .open else { throw Rejection(.instrumentNotOpen) }
    guard let value = state.values[id], let age = priceAge(id) else { throw Rejection(.noMark) }
    guard age <= 3 * Self.second else { throw Rejection(.stalePrice) }
    let held = state.position(giver, id).quantity
    let lots = abs(moved.quantity)
    guard held.signum() == moved.quantity.signum(), lots <= abs(held), lots % instrument.lot == 0 || lots == abs(held)
    else { throw Rejection(.badQuantity) }
    let other = portfolio(receiver)
    let gross =
      other.positions.values.reduce(0) { $0 + abs($1.quantity) } + other.orders.reduce(0) { $0 + $1.remaining }
    guard gross + lots <= 1_000_000_000, hasRoom(SystemAccount.variation.id), hasRoom(SystemAccount.fees.id),
      hasRoom(giver), hasRoom(receiver)
    else { throw Rejection(.tooLarge) }
    let worth = value.mark * moved.quantity
    if terms.kind != .future { state.move(worth, from: receiver, to: giver) }
    trade(giver, id, terms, -moved.quantity, -worth)
    trade(receiver, id, terms, moved.quantity, worth)
    state.emit(
      .positionMoved(
        from: giver, to: receiver, instrument: id, quantity: moved.quantity, price: value.mark * 1_000))
    let premium = value.mark * lots
    return (fee(terms, genesis.fees.taker, lots, premium), fee(terms, genesis.fees.maker, lots, premium))
  }

  mutating func accept(_ terms: Acceptance, _ account: AccountID) throws(Rejection) {
    let giver = terms.transfer.account
    var kept = (state.acceptances[account] ?? [:]).filter { $0.value.until >= state.timestamp }
    if terms.transfer.positions.isEmpty {
      guard kept.removeValue(forKey: giver) != nil else { throw Rejection(.notAccepted) }
    } else {
      try checkTerms(terms.transfer)
      guard terms.until >= state.timestamp, terms.until - state.timestamp <= 86_400 * Self.second else {
        throw Rejection(.badTime)
      }
      guard state.accounts[giver] != nil, !isReserved(giver), owner(giver) != owner(account) else {
        throw Rejection(.unknownAccount)
      }
      kept[giver] = terms
      guard kept.count <= 8 else { throw Rejection(.limitReached) }
    }
    state.acceptances[account] = kept
  }
}
