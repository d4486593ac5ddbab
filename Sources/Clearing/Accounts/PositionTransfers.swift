// Positions that change hands without a trade: between accounts of one owner, or to somebody who has accepted it.

import Ledger
import Primitives

extension ClearingHouse {
  /// P1 to P5: everything or nothing. Nothing has changed when this throws.
  mutating func transferPositions(_ transfer: PositionTransfer, account: Int32) throws(Rejection) {
    guard transfer.isAcceptable else { throw Rejection(.badTerms) }
    guard !SystemAccount.isReserved(transfer.account), let receiver = accountNumber(transfer.account),
      receiver != account
    else { throw Rejection(.unknownAccount) }
    for party in [account, receiver] { try checkHealth(party) }
    let point = savepoint()
    do throws(Rejection) {
      let isOwn = isSameOwner(account, receiver)
      if !isOwn { try useAcceptance(of: transfer, from: account, by: receiver) }
      var fees: (from: Amount, to: Amount) = (0, 0)
      for moved in transfer.positions {
        let fee = try move(moved, from: account, to: receiver)
        guard !isOwn else { continue }
        fees.from += fee.taker
        fees.to += fee.maker
      }
      move(fees.from, from: account, to: SystemAccount.fees)
      move(fees.to, from: receiver, to: SystemAccount.fees)
      try moveCash(transfer.cash, from: account, to: receiver)
      // INV-9: both, after all of it.
      for party in [account, receiver] {
        live.accounts[Int(party)].coveredEpoch = 0
        guard isCovered(party) else { throw Rejection(.insufficientMargin) }
      }
      emit(
        .positionsTransferred(
          PositionTransferEvent(
            from: live.accounts[Int(account)].id, to: transfer.account,
            positions: UInt32(truncatingIfNeeded: transfer.positions.count), cash: transfer.cash, fromFee: fees.from,
            toFee: fees.to)))
    } catch {
      restore(point)
      for party in [account, receiver] { live.accounts[Int(party)].coveredEpoch = 0 }
      throw error
    }
  }

  /// P3: nobody in trouble takes part, on either side, and all that either holds is priced afresh.
  private mutating func checkHealth(_ account: Int32) throws(Rejection) {
    let party = live.accounts[Int(account)]
    guard !tables.accounts.read(slot: party.slot, { $0.marginCall }),
      !tables.liquidations.contains(AccountKey(party.id))
    else { throw Rejection(.marginCall) }
    for place in party.holdings {
      let id = live.instruments[Int(live.holdings[Int(place)].instrument)].id
      guard let age = priceAge(id), age <= Limits.freshFor else { throw Rejection(.stalePrice) }
    }
    // Between two rounds nothing has called it yet.
    let now = requirement(account)
    guard now.equity >= now.maintenance else { throw Rejection(.marginCall) }
  }

  /// One position, at the mark. Returns the fees of such a trade.
  private mutating func move(
    _ moved: MovedPosition, from giver: Int32, to receiver: Int32
  ) throws(Rejection) -> (taker: Amount, maker: Amount) {
    guard let number = live.instrumentNumbers[moved.instrument] else { throw Rejection(.unknownInstrument) }
    let instrument = live.instruments[Int(number)]
    let (state, lot) = tables.instruments.read(slot: instrument.slot) { ($0.state, $0.lot) }
    guard state == .open else { throw Rejection(.instrumentNotOpen) }
    guard let mark = instrument.mark, let age = priceAge(moved.instrument) else { throw Rejection(.noMark) }
    guard age <= Limits.freshFor else { throw Rejection(.stalePrice) }
    let (held, lots) = (heldLots(giver, number), abs(moved.quantity))
    guard held.signum() == moved.quantity.signum(), lots <= abs(held), lots.isMultiple(of: lot) || lots == abs(held)
    else { throw Rejection(.badQuantity) }
    let party = live.accounts[Int(receiver)]
    guard party.grossLots + lots <= Limits.maxAccountLots, houseHasRoom() else { throw Rejection(.tooLarge) }
    guard
      party.holdings.count < Limits.maxPositionsPerAccount
        || live.holdingNumbers[Self.holdingKey(receiver, number)] != nil
    else { throw Rejection(.limitReached) }
    guard exchange(number, lots: lots, from: giver, to: receiver) else { throw Rejection(.tooLarge) }
    return fees(instrument.kind, instrument.underlying, lots: lots, premium: mark * lots)
  }

  /// P2: whoever pays has the money, after everything else.
  private mutating func moveCash(_ amount: Amount, from giver: Int32, to receiver: Int32) throws(Rejection) {
    guard amount != 0 else { return }
    guard hasRoom(giver), hasRoom(receiver) else { throw Rejection(.tooLarge) }
    move(amount, from: giver, to: receiver)
    guard cash(amount > 0 ? giver : receiver) >= 0 else { throw Rejection(.badAmount) }
  }

  // MARK: Acceptances

  /// P4: what the account will take from another owner's, exactly, once; no positions take that back.
  mutating func accept(_ terms: Acceptance, account: Int32) throws(Rejection) {
    let id = live.accounts[Int(account)].id
    let giver = terms.transfer.account
    var kept = (tables.acceptances[AccountKey(id)]?.acceptances ?? []).filter { $0.until >= totals.timestamp }
    let before = kept.count
    kept.removeAll { $0.transfer.account == giver }
    if terms.transfer.positions.isEmpty {
      guard kept.count < before else { throw Rejection(.notAccepted) }
    } else {
      guard terms.transfer.isAcceptable else { throw Rejection(.badTerms) }
      guard terms.until >= totals.timestamp, terms.until - totals.timestamp <= Limits.maxAcceptanceTime else {
        throw Rejection(.badTime)
      }
      guard let number = accountNumber(giver), !SystemAccount.isReserved(giver), !isSameOwner(number, account) else {
        throw Rejection(.unknownAccount)
      }
      guard kept.count < Limits.maxAcceptances else { throw Rejection(.limitReached) }
      kept.append(terms)
      kept.sort { $0.transfer.account < $1.transfer.account }
    }
    store(kept, of: id)
  }

  private mutating func store(_ acceptances: [Acceptance], of id: AccountID) {
    if acceptances.isEmpty {
      tables.acceptances.remove(AccountKey(id))
    } else {
      tables.acceptances.put(AcceptancesRecord(acceptances: acceptances), for: AccountKey(id))
    }
  }

  /// It has to be the same transfer to the unit, and is used up by it.
  private mutating func useAcceptance(
    of transfer: PositionTransfer, from giver: Int32, by receiver: Int32
  ) throws(Rejection) {
    let (from, to) = (live.accounts[Int(giver)].id, live.accounts[Int(receiver)].id)
    let agreed = PositionTransfer(account: from, positions: transfer.positions, cash: transfer.cash)
    var acceptances = tables.acceptances[AccountKey(to)]?.acceptances ?? []
    let place = acceptances.firstIndex { $0.transfer == agreed && $0.until >= totals.timestamp }
    guard let place else { throw Rejection(.notAccepted) }
    acceptances.remove(at: place)
    store(acceptances, of: to)
  }
}
