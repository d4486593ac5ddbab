// Sub-accounts (U1 to U5): who commands them, what they are called, and that one is not another.

import Clearing
import Ledger
import Primitives
import Testing
import Wire

@Suite struct SubAccountTests {
  let call = Market.option(100_000)
  let bot = key(77)
  let market = Market()
  let alice = AccountID(Market.alice)
  let first = AccountID(subAccount: 1, of: AccountID(Market.alice))
  let second = AccountID(subAccount: 2, of: AccountID(Market.alice))

  @discardableResult func open(_ number: SubAccountNumber, by signer: PublicKey = Market.alice) -> RejectionCode? {
    market.act(signer, .openSubAccount(number)).rejection
  }

  /// A transaction for an account of Alice's.
  func signed(
    _ account: AccountID, _ actions: [Action], by signer: PublicKey = Market.alice, mode: TransactionMode = .bestEffort,
    client: UInt64? = nil
  ) -> Transaction {
    var transaction = market.transaction(signer, actions, mode: mode, client: client)
    transaction.account = account
    return transaction
  }

  @discardableResult func act(
    _ account: AccountID, _ actions: Action..., by signer: PublicKey = Market.alice
  ) -> TransactionOutcome {
    market.submit(signed(account, actions, by: signer))
    return market.result.outcomes[0]
  }

  func order(_ side: Side, _ lots: Quantity = 100, at dollars: Int64, client: UInt64? = nil) -> Action {
    .place(PlaceOrder(instrument: call, side: side, quantity: lots, price: usd(dollars), clientID: client))
  }

  func cash(_ account: AccountID) -> Amount? { market.house.account(account)?.cash }

  @Test func `U1: opened once, by its number, by the owner of a main account`() {
    #expect(open(1) == nil)
    #expect(
      market.result.events.map(\.kind) == [
        .accountOpened(first), .subAccountOpened(owner: alice, number: 1, account: first),
      ])
    #expect(open(1) == .alreadyOpen)
    #expect(open(0) == .badTerms && open(33) == .badTerms && open(32) == nil)
    #expect(act(first, .openSubAccount(2)).rejection == .notAuthorized)
    #expect(open(2, by: bot) == .unknownAccount)
    let view = market.account(Market.alice)
    #expect(view?.subAccounts == [1, 32] && view?.owner == nil && view?.subAccount == nil)
    let sub = market.house.account(first)
    #expect(sub?.owner == alice && sub?.subAccount == 1 && sub?.cash == 0)
  }

  @Test func `U1: identifiers are pinned, and differ by owner and number`() {
    let ids = [Market.alice, Market.bob].flatMap { owner in
      (1...Limits.maxSubAccounts).map { AccountID(subAccount: $0, of: AccountID(owner)) }
    }
    #expect(Set(ids).count == 64)
    // What other programs compute: BLAKE2b-256 of 0x22, the domain, 32 bytes and one.
    var bytes = Array("novation/sub-account/v1".utf8) + alice.wireBytes
    bytes.append(1)
    #expect(first == AccountID(words: StateTree.path(table: TableID(34), key: bytes).words))
    #expect(first.hex == "e753b340e6cb39660a2991e37b0218b9da21d56d30c7448b75ff666d8af36b82")
  }

  @Test func `U1: money that came before the account was opened is in it`() {
    let early = Deposit(account: second, amount: usd(70), reference: Digest(words: (9, 9, 9, 9)))
    #expect(market.act(Market.custodian, .deposit(early)).status == .executed)
    #expect(act(second, .cancel(.all)).rejection == .notAuthorized)
    #expect(open(2) == nil)
    #expect(cash(second) == usd(70) && act(second, .cancel(.all)).status == .executed)
  }

  @Test func `U2: the owner's key commands it, and nobody else's`() {
    open(1)
    #expect(act(first, .cancel(.all), by: Market.bob).rejection == .notAuthorized)
    #expect(act(first, .cancel(.all)).status == .executed)
    #expect(act(second, .cancel(.all)).rejection == .notAuthorized)
    // Not a key that would have the identifier of the account, either.
    #expect(market.act(PublicKey(words: first.words), .cancel(.all)).rejection == .notAuthorized)
  }

  @Test func `U2: nonces and client ids of transactions are the owner's, of orders the account's`() {
    open(1)
    let one = signed(first, [order(.buy, at: 10)], client: 5)
    var other = one
    other.account = alice
    market.submit(one)
    #expect(market.result.outcomes[0].status == .executed || market.result.outcomes[0].rejection == .insufficientMargin)
    market.submit(other)
    #expect(market.result.outcomes[0].rejection == .nonceUsed)
    market.submit(signed(alice, [.cancel(.all)], client: 5))
    #expect(market.result.outcomes[0].rejection == .duplicateClientId)
    act(alice, .transfer(to: first, amount: usd(50_000)))
    #expect(act(first, order(.buy, at: 10, client: 7)).orders.first?.state == .open)
    #expect(act(alice, order(.buy, at: 10, client: 7)).orders.first?.state == .open)
    #expect(act(first, order(.buy, at: 10, client: 7)).errors.first?.code == .duplicateClientId)
  }

  @Test func `U3: each has collateral and margin of its own`() {
    open(1)
    // Alice has a million; the sub-account nothing.
    #expect(act(first, order(.buy, at: 2_000)).errors.first?.code == .insufficientMargin)
    #expect(act(alice, .transfer(to: first, amount: usd(20_000))).status == .executed)
    #expect(act(first, order(.buy, at: 2_000)).orders.first?.state == .open)
    let margin = market.house.account(first)?.margin
    #expect(margin?.initial ?? 0 > 0 && market.account(Market.alice)?.margin.initial == 0)
    // Never below its own initial margin, however much the owner has elsewhere.
    let excess = margin?.excess ?? 0
    #expect(act(first, .transfer(to: alice, amount: excess + 1)).errors.first?.code == .insufficientMargin)
    #expect(act(first, .transfer(to: alice, amount: excess)).status == .executed)
    #expect(market.house.account(first)?.margin.excess == 0)
  }

  @Test func `U3: money between own accounts moves with what it is for, or not at all`() {
    open(1)
    let both = market.act(
      Market.alice, .transfer(to: first, amount: usd(100)), .transfer(to: second, amount: usd(100)), mode: .allOrNothing
    )
    #expect(both.rejection == .unknownAccount && cash(first) == 0 && cash(alice) == usd(1_000_000))
  }

  @Test func `U4: accounts of one owner do not trade with each other`() {
    open(1)
    act(alice, .transfer(to: first, amount: usd(100_000)))
    act(first, order(.sell, at: 2_000))
    let taken = act(alice, order(.buy, at: 2_000))
    #expect(taken.fills.isEmpty && taken.orders.first?.state == .open)
    #expect(market.house.account(first)?.orders.isEmpty == true)
    // Bob does.
    #expect(market.order(Market.bob, .sell, call, 100, at: 2_000)?.state == .filled)
  }

  @Test(arguments: [SelfTradePrevention.cancelTaker, .cancelBoth, .decrement])
  func `U4: by the arriving order's rule`(rule: SelfTradePrevention) {
    open(1)
    act(alice, .transfer(to: first, amount: usd(100_000)))
    act(first, order(.sell, 200, at: 2_000))
    var mine = PlaceOrder(instrument: call, side: .buy, quantity: 100, price: usd(2_000))
    mine.selfTrade = rule
    #expect(act(alice, .place(mine)).orders.first?.state == .cancelled)
    let left = market.house.account(first)?.orders.map(\.remaining) ?? []
    #expect(left == (rule == .cancelTaker ? [200] : rule == .cancelBoth ? [] : [100]))
  }

  @Test func `U5: a delegated key is limited to the account that it was given for`() {
    open(1)
    open(2)
    let terms = Delegation(key: bot, scope: [.trade, .transfer], until: 1_000)
    act(alice, .transfer(to: first, amount: usd(100_000)))
    #expect(act(first, .delegate(terms)).status == .executed)
    #expect(act(first, order(.buy, at: 10), by: bot).status == .executed)
    #expect(act(alice, order(.buy, at: 10), by: bot).rejection == .notAuthorized)
    #expect(act(second, order(.buy, at: 10), by: bot).rejection == .notAuthorized)
    // A key of the main account has nothing in the sub-accounts.
    act(first, .revoke(bot))
    #expect(act(alice, .delegate(terms)).status == .executed)
    #expect(act(first, order(.buy, at: 10), by: bot).rejection == .notAuthorized)
    #expect(act(first, .delegate(Delegation(key: Market.alice, scope: .trade, until: 99))).rejection == .badTerms)
  }

  @Test func `U5: no delegated key opens accounts, gives positions away or accepts any`() {
    open(1)
    let all = Delegation(key: bot, scope: DelegationScope(rawValue: 15), until: 1_000)
    for account in [alice, first] {
      act(account, .delegate(all))
      let positions = [MovedPosition(instrument: call, quantity: 100)]
      let actions: [Action] = [
        .openSubAccount(3), .transferPositions(PositionTransfer(account: second, positions: positions)),
        .acceptPositions(
          Acceptance(
            transfer: PositionTransfer(account: AccountID(Market.bob), positions: positions), until: market.time)),
      ]
      for action in actions { #expect(act(account, action, by: bot).rejection == .notAuthorized) }
    }
  }

  @Test func `U5: a key of a sub-account cannot use up the owner's nonces`() {
    open(1)
    act(first, .delegate(Delegation(key: bot, scope: .trade, until: 1_000)))
    let theirs = signed(first, [.cancel(.all)], by: bot, client: 3)
    var mine = signed(first, [.cancel(.all)], client: 3)
    mine.nonce = theirs.nonce
    market.submit(theirs, mine)
    #expect(market.result.outcomes.map(\.status) == [.executed, .executed])
    market.submit(theirs)
    #expect(market.result.outcomes[0].rejection == .nonceUsed)
    market.submit(mine)
    #expect(market.result.outcomes[0].rejection == .nonceUsed)
  }

  @Test func `All or nothing, a block taken back and a restart leave the same owners`() {
    let refused = market.act(
      Market.alice, .openSubAccount(1), .transfer(to: first, amount: usd(9_000_000)), mode: .allOrNothing)
    #expect(refused.status == .rejected && market.house.account(first) == nil)
    // The number that was drawn is drawn again, by somebody else.
    let other = AccountID(subAccount: 1, of: AccountID(Market.bob))
    #expect(open(1, by: Market.bob) == nil)
    #expect(act(other, .cancel(.all), by: Market.bob).status == .executed)
    #expect(act(other, .cancel(.all)).rejection == .notAuthorized)
    let before = market.state()
    market.block([market.input(market.transaction(Market.alice, [.openSubAccount(1)]))], release: false)
    var changes: [RecordChange] = []
    market.house.rollbackBlock(into: &changes)
    #expect(market.state() == before && act(first, .cancel(.all)).rejection == .notAuthorized)
    open(1)
    market.house.rebuildIndices()
    #expect(market.house.checkInvariants().isEmpty && act(first, .cancel(.all)).status == .executed)
  }

  @Test func `An account that was there before is nobody's again when its opening is undone`() {
    let early = Deposit(account: first, amount: usd(70), reference: Digest(words: (9, 9, 9, 9)))
    market.act(Market.custodian, .deposit(early))
    market.act(Market.alice, .openSubAccount(1), .transfer(to: first, amount: usd(9_000_000)), mode: .allOrNothing)
    #expect(act(first, .cancel(.all)).rejection == .notAuthorized)
    // Nor do orders meet there as if it were hers: an invariant tells.
    #expect(market.house.checkInvariants().isEmpty)
  }

  @Test func `INV-23 tells of an owner that is not the identifier's`() {
    open(1)
    open(2, by: Market.bob)
    var stolen = Tamper<AccountKey, SubAccountRecord> { [first] table in
      table.update(AccountKey(first)) { $0.owner = AccountID(Market.bob) }
    }
    market.house.visitTables(&stolen)
    #expect(market.house.checkInvariants().contains { $0.invariant == 23 })
  }

  @Test func `They read back as they are written`() throws {
    let event = Event(sequence: 1, kind: .subAccountOpened(owner: alice, number: 7, account: first))
    #expect(try WireReader.decode(Event.self, from: event.wireBytes) == event)
    let action = Action.openSubAccount(9)
    #expect(try WireReader.decode(Action.self, from: action.wireBytes) == action)
    #expect(action.wireBytes == [34, 9])
  }
}
