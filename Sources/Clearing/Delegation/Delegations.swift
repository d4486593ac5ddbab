// Giving a key to somebody, or something, that trades for an account, and taking it back.

import Ledger
import Primitives

extension ClearingHouse {
  /// K1: gives a key, or changes what it may do. What has ended makes room.
  mutating func delegate(_ terms: Delegation, account: Int32) throws(Rejection) {
    let id = live.accounts[Int(account)].id
    guard terms.isAcceptable(underlyings: genesis.underlyings.count), AccountID(terms.key) != id,
      AccountID(terms.key) != ownerID(of: id),
      !SystemAccount.isReserved(AccountID(terms.key))
    else { throw Rejection(.badTerms) }
    guard terms.until >= totals.height else { throw Rejection(.badTime) }
    var delegations = self.delegations(of: id).filter { $0.key != terms.key && $0.until >= totals.height }
    guard delegations.count < Limits.maxDelegations else { throw Rejection(.limitReached) }
    delegations.append(terms)
    delegations.sort { $0.key < $1.key }
    tables.delegations.put(DelegationsRecord(delegations: delegations), for: AccountKey(id))
  }

  /// K5: from the next transaction on the key counts for nothing. Its orders stay.
  mutating func revoke(_ key: PublicKey, account: Int32) throws(Rejection) {
    let id = live.accounts[Int(account)].id
    var delegations = self.delegations(of: id)
    guard let place = delegations.firstIndex(where: { $0.key == key }) else { throw Rejection(.unknownKey) }
    delegations.remove(at: place)
    if delegations.isEmpty {
      tables.delegations.remove(AccountKey(id))
    } else {
      tables.delegations.put(DelegationsRecord(delegations: delegations), for: AccountKey(id))
    }
  }

  func delegations(of id: AccountID) -> [Delegation] { tables.delegations[AccountKey(id)]?.delegations ?? [] }

  /// K1, K4: by what right `signer` signs for an account that is not its own; nil where it has none.
  func delegation(of id: AccountID, to signer: PublicKey) -> Delegation? {
    delegations(of: id).first { $0.key == signer && $0.until >= totals.height }
  }

  /// K2, K3: whether the terms allow this action. What is not named here is for the account's own key alone.
  func permit(_ action: Action, _ terms: Delegation, account: Int32) throws(Rejection) {
    switch action {
    case .cancel, .protect, .lease:
      guard !terms.scope.isDisjoint(with: [.cancel, .trade]) else { throw Rejection(.notAuthorized) }
    case .place(let order):
      try permitTrade(order.instrument, order.quantity, terms)
    case .amend(let amend):
      let order = tables.orders[OrderKey(try find(amend.order, account))]
      guard let order else { throw Rejection(.unknownOrder) }
      try permitTrade(order.instrument, amend.quantity, terms)
    case .quote(let quotes):
      for quote in quotes {
        try permitTrade(quote.instrument, max(quote.bidQuantity, quote.askQuantity), terms)
      }
    case .createCombo(let legs):
      for leg in legs { try permitTrade(leg.instrument, 0, terms) }
    case .negotiate(let uses):
      for use in uses {
        for leg in use.quote.legs {
          try permitTrade(leg.instrument, use.quantity, terms, ratio: leg.ratio.magnitude)
        }
      }
    case .trigger(let trigger): try permitTrade(trigger.order.instrument, trigger.order.quantity, terms)
    case .linked(let linked):
      for order in linked.triggers.map(\.order) + [linked.order].compactMap({ $0 }) {
        try permitTrade(order.instrument, order.quantity, terms)
      }
    case .transfer: guard terms.scope.contains(.transfer) else { throw Rejection(.notAuthorized) }
    case .withdraw: guard terms.scope.contains(.withdraw) else { throw Rejection(.notAuthorized) }
    case .deposit, .closeWithdrawal, .observe, .list, .setState, .bid, .backstop, .fund, .delegate, .revoke,
      .proposeChange,
      .approveChange, .withdrawChange, .standby, .report, .postBond, .releaseBond, .reportEvidence, .openSubAccount,
      .transferPositions, .acceptPositions:
      throw Rejection(.notAuthorized)
    }
  }

  /// K3: a combo counts with all its contracts. Without an index nothing can be said about what an order is worth.
  private func permitTrade(
    _ instrument: InstrumentID, _ lots: Quantity, _ terms: Delegation, ratio: UInt64 = 1
  ) throws(Rejection) {
    guard terms.scope.contains(.trade),
      terms.underlyings.isEmpty || terms.underlyings.contains(instrument.underlying)
    else { throw Rejection(.notAuthorized) }
    guard terms.orderNotional > 0, lots > 0 else { return }
    guard let index = tables.feeds[FeedKey(instrument.underlying)]?.price else { throw Rejection(.noMark) }
    var weight = Int128(ratio)
    if instrument.isCombo {
      guard let number = live.instrumentNumbers[instrument], let combo = live.instruments[Int(number)].combo else {
        throw Rejection(.unknownInstrument)
      }
      weight = Int128(combo.weight)
    }
    let notional = (Int128(lots) * Int128(index / Limits.pricePerLot)).multipliedReportingOverflow(by: weight)
    guard !notional.overflow, notional.partialValue <= Int128(terms.orderNotional) else { throw Rejection(.tooLarge) }
  }
}
