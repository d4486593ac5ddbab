// The options clearing engine: a pure, deterministic transition from (state, block) to (state, events), in integers.
//
// It holds replicated state in `tables` and everything else derived from them in `live`. It sees no clock, no key and
// no signature: time and the verdict on signatures come with the block. No transaction and no price makes it trap: what
// does not fit is refused, see `Limits`.

public import Ledger
public import Primitives

public struct ClearingHouse: Sendable {
  public let genesis: MarketGenesis
  /// The chain that transactions must be signed for.
  public let chain: Digest
  public internal(set) var tables = ClearingTables()

  var live: LiveState
  var totals = TotalsRecord()
  /// Of the open block.
  var events: [Event] = []
  var outcome = TransactionOutcome(hash: .zero, input: 0)
  /// The account whose transaction is being executed.
  var actor: Int32?
  var commands = BlockCommands()
  var touchedFeeds: [FeedKey] = []
  /// What the insurance fund paid to bidders in this block.
  var drawn: Amount = 0
  /// Bids on auctions that it still takes.
  var bids = 0
  /// Quotes that the open transaction may still send.
  var quotesLeft = 0
  /// Firm quotes that it may still use.
  var firmQuotesLeft = 0
  /// Height of the block before.
  var parent: Height = 0
  /// The present committee.
  var committee = Members()
  var quorum: Int { committee.quorum }
  /// Of the open transaction (J2).
  var openVerdict: EvidenceVerdict?
  var seats = Seats()
  /// V8: whoever owns the engine knows whether new shares can be made.
  public var canChangeValidators = true
  /// H1: the open block says what it shows of the validators.
  var isWatched = false

  /// The state at genesis. Then call `sealGenesis`.
  ///
  /// `validators`: the first committee with names and addresses; its keys are those of the genesis.
  public init(genesis: MarketGenesis, chain: Digest, validators: [Validator]? = nil) {
    self.init(restoring: genesis, chain: chain)
    foundCommittee(
      validators
        ?? genesis.validators.enumerated().map { Validator(name: "validator \($0)", key: $1, host: "", port: 0) })
    found()
  }

  /// No state: for restart. Load every record through `visitTables`, then call `rebuildIndices`.
  public init(restoring genesis: MarketGenesis, chain: Digest) {
    precondition(genesis.fault() == nil, "check the genesis before it starts an engine")
    self.genesis = genesis
    self.chain = chain
    live = LiveState(underlyings: genesis.underlyings.count)
  }

  /// Every table, in ascending order of number.
  public mutating func visitTables(_ visitor: inout some TableVisitor) { tables.visit(&visitor) }

  /// The records of genesis, for the state tree and the store; they cannot be rolled back.
  public mutating func sealGenesis(into changes: inout [RecordChange]) {
    seal(into: &changes)
    releaseBlock()
  }

  mutating func seal(into changes: inout [RecordChange]) {
    tables.totals.put(totals, for: SingletonKey())
    tables.sealBlock(into: &changes)
  }

  /// Takes the newest applied block back and reports the changes that undo it.
  public mutating func rollbackBlock(into changes: inout [RecordChange]) {
    tables.rollbackBlock(into: &changes)
    rebuildIndices()
  }

  /// The oldest applied block is final: what it would take to roll it back is forgotten.
  public mutating func releaseBlock() {
    tables.releaseBlock()
  }

  mutating func emit(_ kind: EventKind) {
    events.append(Event(sequence: totals.nextEvent, kind: kind))
    totals.nextEvent &+= 1
  }

  private mutating func found() {
    for account in SystemAccount.allCases { openAccount(account.id) }
    // Those who act for the market have accounts, so that their commands have nonces.
    for key in [genesis.custodian, genesis.listingAuthority]
    where accountNumber(AccountID(key)) == nil && !SystemAccount.isReserved(AccountID(key)) {
      openAccount(AccountID(key))
    }
    openMemberAccounts()
    for funded in genesis.accounts {
      let number = accountNumber(funded.account) ?? openAccount(funded.account)
      credit(number, funded.amount)
    }
    credit(number(of: .insurance), genesis.liquidation.insurance)
    credit(number(of: .houseCapital), genesis.liquidation.houseCapital)
    for listing in genesis.listings { try? list(listing) }
    events.removeAll()
    totals.nextEvent = 1
    totals.timestamp = genesis.time
  }

  private mutating func credit(_ number: Int32, _ amount: Amount) {
    move(amount, from: SystemAccount.external, to: number)
    totals.deposits &+= amount
  }
}
