// The rulebook (docs/CLEARING.md) a second time, slow and obvious: the measure of the clearing engine. It shares no
// code with the engine but the values that go in and come out.

public import Clearing
public import Primitives

/// A clearing house that copies everything before it tries something, and computes everything from the beginning.
public struct Model: Sendable {
  public let genesis: MarketGenesis
  public let chain: Digest
  var state = State()

  static let second: Int64 = 1_000_000_000
  /// What is further away is taken as this.
  static let endOfTime: Timestamp = 1 << 62
  /// How long ids are remembered (rule 7).
  static let memory: Int64 = 211 * second

  /// The state at genesis.
  public init(genesis: MarketGenesis, chain: Digest) {
    self.genesis = genesis
    self.chain = chain
    for account in SystemAccount.allCases { state.open(account.id) }
    for key in [genesis.custodian, genesis.listingAuthority] + genesis.validators {
      if state.accounts[AccountID(key)] == nil { state.open(AccountID(key)) }
    }
    for funded in genesis.accounts {
      if state.accounts[funded.account] == nil { state.open(funded.account) }
      state.move(funded.amount, from: SystemAccount.external.id, to: funded.account)
      state.deposited += Int128(funded.amount)
    }
    for listing in genesis.listings { try? list(listing) }
    state.events = []
    state.nextEvent = 1
    state.timestamp = genesis.time
  }

  /// Rule 8. The outcomes are in order of execution; the block's events are in `events`.
  public mutating func apply(_ block: BlockInput) -> [TransactionOutcome] {
    state.events = []
    state.height = block.height
    state.timestamp = min(max(state.timestamp, block.timestamp), Self.endOfTime)
    endTimedOrders()
    expireInstruments()
    var outcomes: [TransactionOutcome] = []
    for rank in 0...2 {
      for (place, input) in block.transactions.enumerated() where Self.rank(input.transaction) == rank {
        outcomes.append(execute(input, place: place))
      }
      if rank == 0 { endPrices() }
    }
    return outcomes
  }

  /// What the last block did.
  public var events: [Event] { state.events }

  /// A transaction goes with its most aggressive action.
  private static func rank(_ transaction: Transaction?) -> Int {
    let ranks = transaction?.actions.map { action -> Int in
      switch action {
      case .place(let order): order.postOnly ? 1 : 2
      case .quote: 1
      case .amend, .withdraw, .transfer, .bid, .backstop, .fund, .createCombo, .negotiate, .delegate, .proposeChange,
        .approveChange, .withdrawChange, .standby, .report, .trigger, .linked, .postBond, .releaseBond, .reportEvidence,
        .openSubAccount, .transferPositions, .acceptPositions:
        2
      case .cancel, .deposit, .closeWithdrawal, .observe, .list, .setState, .protect, .lease, .revoke: 0
      }
    }
    return ranks?.max() ?? 0
  }

  private mutating func endPrices() {
    let (rounds, settled) = (state.rounds, state.settledInstruments)
    completeRounds()
    settleExpiries()
    pruneInstruments()
    if state.rounds != rounds || state.settledInstruments != settled { checkMargins() }
  }

  // MARK: Transactions

  private mutating func execute(_ input: TransactionInput, place: Int) -> TransactionOutcome {
    state.outcome = TransactionOutcome(hash: input.hash, input: UInt32(place))
    state.transactions += 1
    do throws(Rejection) {
      let transaction = try admit(input)
      let numbering = numbering(transaction)
      state.nonces.insert(OwnNumber(account: numbering, number: transaction.nonce))
      if let client = transaction.clientID {
        let own = OwnNumber(account: numbering, number: client)
        state.clientTransactions[own] = (input.hash, state.timestamp)
      }
      run(transaction)
    } catch {
      state.outcome.status = .rejected
      state.outcome.rejection = error.code
    }
    return state.outcome
  }

  /// Rules 5 to 7.
  private mutating func admit(_ input: TransactionInput) throws(Rejection) -> Transaction {
    guard let transaction = input.transaction, (1...1_024).contains(transaction.actions.count) else {
      throw Rejection(.malformed)
    }
    guard input.signatureValid else { throw Rejection(.badSignature) }
    guard transaction.chain == chain else { throw Rejection(.wrongChain) }
    let account = transaction.account
    guard owner(account).words == transaction.signer.words, !isReserved(account) else {
      throw Rejection(.notAuthorized)
    }
    guard transaction.expiry >= state.timestamp else { throw Rejection(.expired) }
    guard state.accounts[account] != nil else { throw Rejection(.unknownAccount) }
    let drawn = Int128(transaction.nonce >> 20) * 1_000_000
    let now = Int128(state.timestamp)
    guard drawn >= now - Int128(180 * Self.second), drawn <= now + Int128(30 * Self.second) else {
      throw Rejection(.nonceOutOfWindow)
    }
    let numbering = numbering(transaction)
    guard !state.nonces.contains(OwnNumber(account: numbering, number: transaction.nonce)) else {
      throw Rejection(.nonceUsed)
    }
    if let client = transaction.clientID,
      let first = state.clientTransactions[OwnNumber(account: numbering, number: client)],
      first.time + Self.memory >= state.timestamp
    {
      state.outcome.duplicateOf = first.hash
      throw Rejection(.duplicateClientId)
    }
    let observations = transaction.actions.filter { if case .observe = $0 { true } else { false } }
    guard observations.isEmpty || observations.count == transaction.actions.count else {
      throw Rejection(.mixedActions)
    }
    return transaction
  }

  func isReserved(_ account: AccountID) -> Bool {
    account.words.0 == 0 && account.words.1 == 0 && account.words.2 == 0 && account.words.3 <= 255
  }

  private mutating func run(_ transaction: Transaction) {
    let before = state
    for (place, action) in transaction.actions.enumerated() {
      let saved = state
      state.actions += 1
      do throws(Rejection) {
        try run(action, UInt16(place), transaction)
      } catch {
        let done = state.actions
        if transaction.mode == .allOrNothing {
          state = before
          for (other, action) in transaction.actions.enumerated() {
            refuse(action, UInt16(other), other == place ? error.code : .allOrNothing)
          }
          state.outcome.status = .rejected
          state.outcome.rejection = error.code
          return
        }
        // A refused action has changed nothing.
        state = saved
        state.actions = done
        refuse(action, UInt16(place), error.code)
      }
    }
    if state.outcome.errors.count == transaction.actions.count {
      state.outcome.status = .rejected
      state.outcome.rejection = state.outcome.errors[0].code
    }
  }

  private mutating func refuse(_ action: Action, _ place: UInt16, _ code: RejectionCode) {
    state.outcome.errors.append(ActionError(action: place, code: code))
    guard case .place(let order) = action else { return }
    state.outcome.orders.append(
      OrderOutcome(
        action: place, id: 0, clientID: order.clientID, instrument: order.instrument, filled: 0,
        remaining: order.quantity, state: .rejected, error: code))
  }

  private mutating func run(_ action: Action, _ place: UInt16, _ transaction: Transaction) throws(Rejection) {
    let (account, signer) = (transaction.account, transaction.signer)
    switch action {
    case .place(let order): try self.place(order, place, account)
    case .cancel(let selector): try cancel(selector, place, account)
    case .amend(let amendment): try amend(amendment, place, account)
    case .deposit(let deposit):
      guard signer == genesis.custodian else { throw Rejection(.notAuthorized) }
      try self.deposit(deposit)
    case .withdraw(let amount, let destination): try withdraw(amount, destination, account)
    case .closeWithdrawal(let number, let paid):
      guard signer == genesis.custodian else { throw Rejection(.notAuthorized) }
      try closeWithdrawal(number, paid)
    case .transfer(let to, let amount): try transfer(amount, to, account)
    case .observe(let observation):
      guard genesis.validators.contains(signer) else { throw Rejection(.notAuthorized) }
      try observe(observation, signer)
    case .list(let listings):
      guard signer == genesis.listingAuthority else { throw Rejection(.notAuthorized) }
      guard listings.count <= 1_024 else { throw Rejection(.limitReached) }
      for listing in listings { try list(listing) }
    case .setState(let instrument, let new):
      guard signer == genesis.listingAuthority else { throw Rejection(.notAuthorized) }
      try setState(instrument, new)
    case .openSubAccount(let number): try openSubAccount(number, account)
    case .transferPositions(let transfer): try transferPositions(transfer, account)
    case .acceptPositions(let acceptance): try accept(acceptance, account)
    // The model knows markets without liquidation only.
    case .bid: throw Rejection(.notInLiquidation)
    case .backstop: throw Rejection(.limitReached)
    case .fund: throw Rejection(.fundLocked)
    // Nor does it know quotes and what belongs to them, or combos; the generator makes none.
    case .quote, .protect, .lease, .createCombo, .negotiate, .delegate, .revoke, .proposeChange, .approveChange,
      .withdrawChange, .standby, .report, .trigger, .linked, .postBond, .releaseBond, .reportEvidence:
      throw Rejection(.malformed)
    }
  }
}
