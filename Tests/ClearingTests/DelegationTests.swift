// Delegated keys: what each rule allows, and that nothing else is.

import Clearing
import Ledger
import Primitives
import Testing
import Wire

@Suite struct DelegationTests {
  let call = Market.option(100_000)
  let ether = Market.option(4_000, underlying: 1)
  let bot = key(77)
  let other = key(78)
  let market = Market()

  func terms(
    _ scope: DelegationScope = .trade, until: Height = 1_000, underlyings: [UnderlyingID] = [], notional: Int64 = 0,
    key: PublicKey? = nil
  ) -> Delegation {
    Delegation(key: key ?? bot, scope: scope, until: until, underlyings: underlyings, orderNotional: notional)
  }

  @discardableResult func give(_ delegation: Delegation, by signer: PublicKey = Market.alice) -> RejectionCode? {
    market.act(signer, .delegate(delegation)).rejection
  }

  /// Alice's transaction, signed by the bot.
  func signed(_ actions: [Action], by signer: PublicKey? = nil, mode: TransactionMode = .bestEffort) -> Transaction {
    var transaction = market.transaction(signer ?? bot, actions, mode: mode)
    transaction.account = AccountID(Market.alice)
    return transaction
  }

  @discardableResult func act(_ actions: Action..., by signer: PublicKey? = nil) -> TransactionOutcome {
    market.submit(signed(actions, by: signer))
    return market.result.outcomes[0]
  }

  func buy(_ instrument: InstrumentID, _ lots: Quantity = 100, at dollars: Int64 = 100, client: UInt64? = nil) -> Action
  {
    .place(
      PlaceOrder(instrument: instrument, side: .buy, quantity: lots, price: usd(dollars), clientID: client))
  }

  @Test func `K1: without a delegation nobody signs for an account`() {
    #expect(act(buy(call)).rejection == .notAuthorized)
    give(terms())
    #expect(act(buy(call)).status == .executed)
    #expect(market.account(Market.alice)?.orders.count == 1)
    #expect(market.account(Market.alice)?.delegations == [terms()])
    #expect(act(buy(call), by: other).rejection == .notAuthorized)
    // It is the account's, not the key's: Bob has delegated nothing.
    var forBob = market.transaction(bot, [buy(call)])
    forBob.account = AccountID(Market.bob)
    market.submit(forBob)
    #expect(market.result.outcomes[0].rejection == .notAuthorized)
  }

  @Test func `K1: terms that say nothing, or two things, are refused`() {
    #expect(give(terms([])) == .badTerms)
    #expect(give(terms(DelegationScope(rawValue: 16))) == .badTerms)
    #expect(give(terms(notional: -1)) == .badTerms)
    #expect(give(terms(underlyings: [2])) == .badTerms)
    #expect(give(terms(underlyings: [1, 0])) == .badTerms)
    #expect(give(terms(underlyings: [1, 1])) == .badTerms)
    #expect(give(terms(key: Market.alice)) == .badTerms)
    #expect(give(terms(until: market.height)) == .badTime)
    #expect(market.account(Market.alice)?.delegations == [])
  }

  @Test func `K1: sixteen keys, the same one again takes its own place, and what has ended makes room`() {
    for number in 0..<16 as Range<UInt64> { #expect(give(terms(until: 20, key: key(200 + number))) == nil) }
    #expect(give(terms(key: key(300))) == .limitReached)
    #expect(give(terms(.cancel, until: 999, key: key(203))) == nil)
    #expect(market.account(Market.alice)?.delegations.count == 16)
    #expect(market.account(Market.alice)?.delegations[3].scope == .cancel)
    while market.height < 20 { market.block([]) }
    #expect(market.account(Market.alice)?.delegations.map(\.key) == [key(203)])
    #expect(give(terms(key: key(300))) == nil)
    #expect(market.house.tables.delegations[AccountKey(AccountID(Market.alice))]?.delegations.count == 2)
  }

  @Test func `K2: each scope allows what it says and nothing else`() {
    let commands: [(Action, DelegationScope)] = [
      (.cancel(.all), [.cancel, .trade]), (.lease(span: 9 * second), [.cancel, .trade]),
      (.protect(Protection(underlying: 0, window: second, trades: 1)), [.cancel, .trade]),
      (buy(call), .trade),
      (.quote([Quote(instrument: call, bidPrice: usd(50), bidQuantity: 100, askPrice: 0, askQuantity: 0)]), .trade),
      (.transfer(to: AccountID(Market.bob), amount: usd(1)), .transfer),
      (.withdraw(amount: usd(1), destination: [1]), .withdraw),
      (.fund(amount: usd(1)), []), (.backstop(limit: 0), []), (.revoke(bot), []), (.delegate(terms(key: other)), []),
      (.bid(LiquidationBid(account: AccountID(Market.bob), share: 1, leastReward: 0)), []),
      (.setState(call, .halted), []), (.list([]), []),
      (.deposit(Deposit(account: AccountID(Market.alice), amount: 1, reference: .zero)), []),
      (.closeWithdrawal(number: 1, paid: true), []),
    ]
    for (_, scope) in DelegationScope.names {
      give(terms(scope))
      for (action, allowed) in commands {
        let outcome = act(action)
        let isRefused = outcome.errors.first?.code == .notAuthorized || outcome.rejection == .notAuthorized
        #expect(isRefused == allowed.isDisjoint(with: scope), "\(action) with \(scope)")
      }
      act(.cancel(.all))
    }
  }

  @Test func `K2: the custodian's key does not deposit by a delegation`() {
    give(terms(DelegationScope(rawValue: 15), key: Market.custodian))
    let deposit = Action.deposit(Deposit(account: AccountID(Market.alice), amount: usd(5), reference: .zero))
    #expect(act(deposit, by: Market.custodian).rejection == .notAuthorized)
  }

  @Test func `K3: only the named underlyings, up to the limit at the index`() {
    // The index of BTC is 100,000: a tenth of a contract is worth 10,000.
    give(terms(underlyings: [0], notional: usd(10_000)))
    #expect(act(buy(ether)).rejection == .notAuthorized)
    #expect(act(buy(call, 200)).rejection == .tooLarge)
    #expect(act(buy(call, 100, client: 7)).status == .executed)
    #expect(act(.amend(AmendOrder(order: .client(7), quantity: 200, price: usd(100)))).rejection == .tooLarge)
    #expect(act(.amend(AmendOrder(order: .client(7), quantity: 100, price: usd(90)))).status == .executed)
    let quote = Quote(instrument: call, bidPrice: usd(10), bidQuantity: 100, askPrice: usd(9_000), askQuantity: 200)
    #expect(act(.quote([quote])).rejection == .tooLarge)
    #expect(act(.amend(AmendOrder(order: .client(9), quantity: 1, price: 1))).rejection == .unknownOrder)
    // Cancelling has no limit, whatever it cancels.
    market.order(Market.alice, .buy, ether, 1, at: 10)
    act(.cancel(.all))
    #expect(market.account(Market.alice)?.orders.isEmpty == true)
  }

  @Test func `K3: a combo counts with all its contracts`() {
    let wing = Market.option(110_000)
    market.act(
      Market.alice, .createCombo([ComboLeg(instrument: call, ratio: 1), ComboLeg(instrument: wing, ratio: -1)]))
    let combo = InstrumentID(combo: 1, of: 0)
    give(terms(notional: usd(19_999)))
    #expect(act(buy(combo, 100)).rejection == .tooLarge)
    give(terms(notional: usd(20_000)))
    #expect(act(buy(combo, 100)).status == .executed)
  }

  @Test func `K4: it ends after its last block`() {
    let last = market.height + 4
    give(terms(until: last))
    while market.height + 1 < last { market.block([]) }
    #expect(act(buy(call)).status == .executed && market.height == last)
    #expect(market.account(Market.alice)?.delegations == [])
    #expect(act(buy(call)).rejection == .notAuthorized)
  }

  @Test func `K5: revoked first in the block, and by nobody else`() {
    give(terms())
    act(buy(call))
    #expect(market.act(Market.bob, .revoke(bot)).rejection == .unknownKey)
    // The bot's order stands before the revocation in the block, and runs after it.
    market.submit(signed([buy(call)]), market.transaction(Market.alice, [.revoke(bot)]))
    #expect(market.result.outcomes.map(\.status) == [.executed, .rejected])
    #expect(market.account(Market.alice)?.orders.count == 1)
    #expect(market.house.tables.delegations.count == 0)
    #expect(market.act(Market.alice, .revoke(bot)).rejection == .unknownKey)
  }

  @Test func `Nonces and client ids are the account's`() {
    give(terms())
    var transaction = signed([buy(call)])
    transaction.clientID = 5
    market.submit(transaction)
    market.submit(transaction)
    #expect(market.result.outcomes[0].rejection == .nonceUsed)
    market.submit(market.transaction(Market.alice, [buy(call)], client: 5))
    #expect(market.result.outcomes[0].rejection == .duplicateClientId)
  }

  @Test func `All or nothing undoes a delegation too`() {
    let refused = market.act(
      Market.alice, .delegate(terms()), .transfer(to: AccountID(Market.bob), amount: usd(9_000_000)),
      mode: .allOrNothing)
    #expect(refused.status == .rejected)
    #expect(market.account(Market.alice)?.delegations == [] && market.house.tables.delegations.count == 0)
  }

  @Test func `A rolled back block leaves no delegation`() {
    market.block([market.input(market.transaction(Market.alice, [.delegate(terms())]))], release: false)
    var changes: [RecordChange] = []
    market.house.rollbackBlock(into: &changes)
    #expect(market.account(Market.alice)?.delegations == [])
  }

  @Test func `They read back as they are written`() throws {
    let delegation = terms([.trade, .withdraw], until: .max, underlyings: [0, 1], notional: .max)
    for action in [Action.delegate(delegation), .revoke(bot)] {
      #expect(try WireReader.decode(Action.self, from: action.wireBytes) == action)
    }
    #expect(try WireReader.decode(Delegation.self, from: delegation.wireBytes) == delegation)
  }
}
