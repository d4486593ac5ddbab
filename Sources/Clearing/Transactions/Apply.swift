// A block, from its first rule to its last.

import Ledger
import Primitives

extension ClearingHouse {
  /// Executes a block. Time never runs backwards here, whatever the block says.
  ///
  /// Order: what time alone brings about (ends of orders, expiries, auctions), and liquidation on the prices of the
  /// block before; class 0 (prices, money, cancels); completed rounds with their marks, settlements and margin calls;
  /// class 1 (post-only); triggers; class 2 (the rest).
  public mutating func apply(_ block: BlockInput, into result: inout BlockResult) {
    result.removeAll()
    events.removeAll(keepingCapacity: true)
    parent = totals.height
    totals.height = block.height
    totals.timestamp = min(max(totals.timestamp, block.timestamp), Self.latestTime)
    watch(block.conduct)
    stepMembership(block.membership)
    noteSeats()
    forgetOffences()
    forgetCommands()
    endTimedOrders()
    endLeases()
    expireInstruments()
    retireCombos()
    endAuctions()
    liquidate()
    for orderClass in OrderClass.allCases {
      for (place, input) in block.transactions.enumerated()
      where (input.transaction?.orderClass ?? .cancels) == orderClass {
        execute(input, place: place)
        result.outcomes.append(outcome)
      }
      if orderClass == .cancels { endOfPrices() }
      if orderClass == .postOnly { fireTriggers() }
    }
    sweepCombos()
    enforceJail()
    endHealthEpoch(block.conduct)
    storeCommands()
    live.undo.removeAll(keepingCapacity: true)
    seal(into: &result.changes)
    swap(&events, &result.events)
  }

  private mutating func endOfPrices() {
    // Told by what is in the tables: a restarted node must look at the margins in the same blocks.
    let (rounds, settled) = (totals.rounds, totals.settledInstruments)
    completeRounds()
    refreshMarks()
    openPending()
    settleExpiries()
    pruneInstruments()
    if totals.rounds != rounds || totals.settledInstruments != settled { checkMargins() }
  }

  private mutating func execute(_ input: TransactionInput, place: Int) {
    outcome = TransactionOutcome(hash: input.hash, input: UInt32(truncatingIfNeeded: place))
    totals.transactions &+= 1
    do throws(Rejection) {
      let (transaction, account) = try admit(input)
      actor = account
      useNonce(transaction, hash: input.hash, account: numbering(transaction, account: account))
      renewLease(account)
      quotesLeft = Limits.maxQuotes
      firmQuotesLeft = Limits.maxFirmQuotes
      openVerdict = transaction.actions.count == 1 ? input.evidence : nil
      run(transaction, account: account)
    } catch {
      outcome.status = .rejected
      outcome.rejection = error.code
    }
    live.undo.removeAll(keepingCapacity: true)
  }

  /// Cheap checks first. Nothing has changed when this throws.
  private mutating func admit(
    _ input: TransactionInput
  ) throws(Rejection) -> (transaction: Transaction, account: Int32) {
    guard let transaction = input.transaction, !transaction.actions.isEmpty,
      transaction.actions.count <= Limits.maxActions
    else { throw Rejection(.malformed) }
    guard input.signatureValid else { throw Rejection(.badSignature) }
    guard transaction.chain == chain else { throw Rejection(.wrongChain) }
    guard !SystemAccount.isReserved(transaction.account) else { throw Rejection(.notAuthorized) }
    if ownerID(of: transaction.account) != AccountID(transaction.signer) {
      guard delegation(of: transaction.account, to: transaction.signer) != nil else { throw Rejection(.notAuthorized) }
    }
    guard transaction.expiry >= totals.timestamp else { throw Rejection(.expired) }
    guard let account = accountNumber(transaction.account) else { throw Rejection(.unknownAccount) }
    let numbering = numbering(transaction, account: account)
    try checkNonce(transaction, account: numbering)
    if let client = transaction.clientID,
      let first = live.transactions[AccountNumberAndClient(account: numbering, client: client)]
    {
      outcome.duplicateOf = first
      throw Rejection(.duplicateClientId)
    }
    let observations = transaction.actions.count {
      if case .observe = $0 { true } else { false }
    }
    guard observations == 0 || observations == transaction.actions.count else { throw Rejection(.mixedActions) }
    return (transaction, account)
  }

  private mutating func run(_ transaction: Transaction, account: Int32) {
    let point = transaction.mode == .allOrNothing ? savepoint() : nil
    outcome.orders.reserveCapacity(transaction.actions.count)
    let isDelegated = ownerID(of: transaction.account) != AccountID(transaction.signer)
    for (place, action) in transaction.actions.enumerated() {
      let at = UInt16(truncatingIfNeeded: place)
      totals.actions &+= 1
      do throws(Rejection) {
        if isDelegated {
          // Asked for each action: what an earlier one took away is gone.
          guard let terms = delegation(of: transaction.account, to: transaction.signer) else {
            throw Rejection(.notAuthorized)
          }
          try permit(action, terms, account: account)
        }
        try run(action, at: at, account: account, signer: transaction.signer)
      } catch {
        guard let point else {
          refuse(action, at: at, error.code)
          continue
        }
        restore(point)
        refuseAll(transaction.actions, because: error.code, at: place)
        return
      }
    }
    if outcome.errors.count == transaction.actions.count {
      outcome.status = .rejected
      outcome.rejection = outcome.errors.first?.code
    }
  }

  private mutating func refuse(_ action: Action, at place: UInt16, _ code: RejectionCode) {
    outcome.errors.append(ActionError(action: place, code: code))
    guard let order = action.singleOrder else { return }
    outcome.orders.append(
      OrderOutcome(
        action: place, id: 0, clientID: order.clientID, instrument: order.instrument, filled: 0,
        remaining: order.quantity, state: .rejected, error: code))
  }

  private mutating func refuseAll(_ actions: [Action], because code: RejectionCode, at culprit: Int) {
    for (place, action) in actions.enumerated() {
      refuse(action, at: UInt16(truncatingIfNeeded: place), place == culprit ? code : .allOrNothing)
    }
    outcome.status = .rejected
    outcome.rejection = code
  }

  private mutating func run(
    _ action: Action, at place: UInt16, account: Int32, signer: PublicKey
  ) throws(Rejection) {
    switch action {
    case .place(let order): try self.place(order, at: place, account: account)
    case .cancel(let selector): try cancel(selector, at: place, account: account)
    case .amend(let amend): try self.amend(amend, at: place, account: account)
    case .deposit(let deposit):
      guard signer == genesis.custodian else { throw Rejection(.notAuthorized) }
      try self.deposit(deposit)
    case .withdraw(let amount, let destination): try withdraw(amount, to: destination, account: account)
    case .closeWithdrawal(let number, let paid):
      guard signer == genesis.custodian else { throw Rejection(.notAuthorized) }
      try closeWithdrawal(number, paid: paid)
    case .transfer(let to, let amount): try transfer(amount, to: to, account: account)
    case .observe(let observation):
      guard let validator = committee.place(of: signer) else { throw Rejection(.notAuthorized) }
      try observe(observation, validator: ValidatorIndex(truncatingIfNeeded: validator))
    case .list(let listings):
      guard signer == genesis.listingAuthority else { throw Rejection(.notAuthorized) }
      try listAll(listings)
    case .setState(let instrument, let state):
      guard signer == genesis.listingAuthority else { throw Rejection(.notAuthorized) }
      try setState(instrument, state)
    case .bid(let bid): try self.bid(bid, account: account)
    case .backstop(let limit): try setBackstop(limit, account: account)
    case .fund(let amount): try changeFund(amount, account: account)
    case .quote(let quotes): try quote(quotes, at: place, account: account)
    case .protect(let limits): try protect(limits, account: account)
    case .lease(let span): try setLease(span, account: account)
    case .createCombo(let legs): try createCombo(legs)
    case .negotiate(let uses): try negotiate(uses, account: account)
    case .delegate(let terms): try delegate(terms, account: account)
    case .revoke(let key): try revoke(key, account: account)
    case .proposeChange(let change): try propose(change, signer: signer, account: account)
    case .approveChange(let id): try approve(id, signer: signer, account: account)
    case .withdrawChange(let id): try withdraw(id, signer: signer, account: account)
    case .standby(let step): try standby(step, signer: signer, account: account)
    case .report(let word): try report(word, signer: signer, account: account)
    case .trigger(let trigger): try placeTrigger(trigger, at: place, account: account)
    case .linked(let linked): try placeLinked(linked, at: place, account: account)
    case .postBond(let amount): try postBond(amount, signer: signer, account: account)
    case .releaseBond(let amount): try releaseBond(amount, signer: signer, account: account)
    case .reportEvidence(let report): try reportEvidence(report)
    case .openSubAccount(let number): try openSubAccount(number, account: account)
    case .transferPositions(let transfer): try transferPositions(transfer, account: account)
    case .acceptPositions(let acceptance): try accept(acceptance, account: account)
    }
  }
}
