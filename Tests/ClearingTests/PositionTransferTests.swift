// Transfers of positions (P1 to P5): what moves, at which price, who must agree, and who may not.

import Clearing
import Ledger
import Primitives
import Testing
import Wire

@Suite struct PositionTransferTests {
  let call = Market.option(100_000)
  let future = Market.future()
  let market = Market()
  let alice = AccountID(Market.alice)
  let bob = AccountID(Market.bob)
  let carol = AccountID(Market.carol)
  let first = AccountID(subAccount: 1, of: AccountID(Market.alice))

  /// Alice is long 0.5 of the future at 100,000 and short 0.4 of the call at 2,000; her sub-account has 200,000.
  init() {
    market.act(Market.alice, .openSubAccount(1), .transfer(to: first, amount: usd(200_000)))
    market.order(Market.bob, .sell, future, 500, at: 100_000)
    market.order(Market.alice, .buy, future, 500, at: 100_000)
    market.order(Market.bob, .buy, call, 400, at: 2_000)
    market.order(Market.alice, .sell, call, 400, at: 2_000)
  }

  func signed(_ account: AccountID, _ actions: [Action], mode: TransactionMode = .bestEffort) -> Transaction {
    var transaction = market.transaction(Market.alice, actions, mode: mode)
    transaction.account = account
    return transaction
  }

  @discardableResult func act(_ account: AccountID, _ actions: Action...) -> TransactionOutcome {
    market.submit(signed(account, actions))
    return market.result.outcomes[0]
  }

  func give(_ to: AccountID, _ positions: [(InstrumentID, Quantity)], cash: Amount = 0) -> Action {
    .transferPositions(PositionTransfer(account: to, positions: moved(positions), cash: cash))
  }

  func moved(_ positions: [(InstrumentID, Quantity)]) -> [MovedPosition] {
    positions.map { MovedPosition(instrument: $0.0, quantity: $0.1) }.sorted { $0.instrument < $1.instrument }
  }

  func accept(_ positions: [(InstrumentID, Quantity)], cash: Amount = 0, for span: Timestamp = 60 * second) -> Action {
    .acceptPositions(
      Acceptance(
        transfer: PositionTransfer(account: alice, positions: moved(positions), cash: cash), until: market.time + span))
  }

  func held(_ account: AccountID, _ instrument: InstrumentID) -> PositionView? {
    market.house.account(account)?.positions.first { $0.instrument == instrument }
  }

  func equity(_ account: AccountID) -> Amount { market.house.account(account)?.margin.equity ?? 0 }
  func cash(_ account: AccountID) -> Amount { market.house.account(account)?.cash ?? 0 }
  var interest: Quantity { market.house.instrument(future)?.openInterest ?? -1 }

  @Test func `P1: several positions move at once, at their marks, and nobody is richer`() {
    market.price(104_000)
    let mark = held(alice, future)?.markPrice ?? 0
    let callMark = held(alice, call)?.markPrice ?? 0
    let before = (equity(alice), equity(first), cash(alice), interest)
    #expect(act(alice, give(first, [(future, 200), (call, -400)])).status == .executed)
    #expect((equity(alice), equity(first)) == (before.0, before.1) && interest == before.3)
    // What is left keeps its average; what moved begins at the mark, and its gain is paid.
    #expect(held(alice, future)?.quantity == 300 && held(alice, future)?.averagePrice == usd(100_000))
    #expect(held(first, future)?.quantity == 200 && held(first, future)?.averagePrice == mark)
    #expect(held(alice, call) == nil && held(first, call)?.quantity == -400)
    #expect(cash(alice) == before.2 + (mark - usd(100_000)) / 5 - callMark * 2 / 5)
    let kinds = market.result.events.map(\.kind)
    #expect(kinds.contains(.positionMoved(from: alice, to: first, instrument: future, quantity: 200, price: mark)))
    #expect(
      kinds.last
        == .positionsTransferred(
          PositionTransferEvent(from: alice, to: first, positions: 2, cash: 0, fromFee: 0, toFee: 0)))
  }

  @Test func `P1: a position that meets its opposite closes with it`() {
    #expect(act(alice, give(first, [(future, 200)])).status == .executed)
    market.order(Market.bob, .buy, future, 300, at: 100_000)
    let sell = PlaceOrder(instrument: future, side: .sell, quantity: 300, price: usd(100_000))
    #expect(act(first, .place(sell)).orders.first?.state == .filled)
    #expect(held(first, future)?.quantity == -100)
    let before = interest
    #expect(act(alice, give(first, [(future, 300)])).status == .executed)
    #expect(held(first, future)?.quantity == 200 && interest == before - 100)
  }

  @Test func `P1: terms that say nothing, or two things, are refused`() {
    #expect(act(alice, give(first, [])).rejection == .badTerms)
    #expect(act(alice, give(first, [(future, 100), (future, 100)])).rejection == .badTerms)
    #expect(act(alice, give(first, [(future, 0)])).rejection == .badTerms)
    #expect(act(alice, give(first, [(future, .min)])).rejection == .badTerms)
    #expect(act(alice, give(first, [(future, .max)])).rejection == .badTerms)
    #expect(act(alice, give(first, [(future, 100)], cash: .min)).rejection == .badTerms)
    #expect(act(alice, give(first, [(future, 100)], cash: .max)).rejection == .badTerms)
    #expect(act(alice, give(first, [(InstrumentID(combo: 1, of: 0), 100)])).rejection == .badTerms)
    let backwards = PositionTransfer(account: first, positions: moved([(future, 100), (call, -100)]).reversed())
    #expect(act(alice, .transferPositions(backwards)).rejection == .badTerms)
    #expect(act(alice, give(alice, [(future, 100)])).rejection == .unknownAccount)
    #expect(act(alice, give(AccountID(words: (5, 5, 5, 5)), [(future, 100)])).rejection == .unknownAccount)
    #expect(act(alice, give(SystemAccount.insurance.id, [(future, 100)])).rejection == .unknownAccount)
  }

  @Test func `P1: nobody gives what he has not got`() {
    for lots in [501, -1, -500] as [Quantity] {
      #expect(act(alice, give(first, [(future, lots)])).rejection == .badQuantity)
    }
    // The lot of the call is 0.1.
    for lots in [400, -401, -50] as [Quantity] {
      #expect(act(alice, give(first, [(call, lots)])).rejection == .badQuantity)
    }
    #expect(act(alice, give(first, [(Market.option(90_000), 100)])).rejection == .badQuantity)
    // The second one cannot move, so the first has not either.
    let before = market.house.account(alice)
    #expect(act(alice, give(first, [(future, 100), (call, 400)])).rejection == .badQuantity)
    #expect(market.house.account(alice) == before && held(first, future) == nil)
  }

  @Test func `P2: cash goes along in either direction, and nobody pays what he has not got`() {
    let before = (cash(alice), cash(first))
    #expect(act(alice, give(first, [(future, 100)], cash: usd(500))).status == .executed)
    #expect((cash(alice), cash(first)) == (before.0 - usd(500), before.1 + usd(500)))
    #expect(act(alice, give(first, [(future, 100)], cash: usd(-700))).status == .executed)
    #expect((cash(alice), cash(first)) == (before.0 + usd(200), before.1 - usd(200)))
    #expect(act(alice, give(first, [(future, 100)], cash: -cash(first) - 1)).rejection == .badAmount)
    #expect(act(alice, give(first, [(future, 100)], cash: cash(alice) + 1)).rejection == .badAmount)
  }

  @Test func `P2, INV-9: both are covered afterwards, or nothing has happened`() {
    let spare = market.house.account(first)?.margin.excess ?? 0
    act(first, .transfer(to: alice, amount: spare - usd(5_000)))
    let before = market.state()
    #expect(act(alice, give(first, [(future, 500)])).rejection == .insufficientMargin)
    #expect(held(first, future) == nil && held(alice, future)?.quantity == 500)
    // With the money for it, exactly.
    let need = initialAlone(500) - usd(5_000)
    #expect(act(alice, give(first, [(future, 500)], cash: need - 1)).rejection == .insufficientMargin)
    #expect(act(alice, give(first, [(future, 500)], cash: need)).status == .executed)
    #expect(market.house.account(first)?.margin.excess == 0 && market.state() != before)
    // And nothing of it can come back while that leaves the other one uncovered.
    #expect(act(first, give(alice, [(future, 500)], cash: usd(5_000) + need)).status == .executed)
  }

  /// Initial margin of so many futures and nothing else, at the mark.
  func initialAlone(_ lots: Quantity) -> Amount {
    let other = Market(funds: 1_000_000)
    other.order(Market.bob, .sell, future, lots, at: 100_000)
    other.order(Market.alice, .buy, future, lots, at: 100_000)
    return other.account(Market.alice)?.margin.initial ?? 0
  }

  @Test func `P2: the giver's margin counts as well, when the cash for it leaves`() {
    let margin = market.house.account(alice)?.margin
    act(alice, .transfer(to: first, amount: margin?.excess ?? 0))
    #expect(market.house.account(alice)?.margin.excess == 0)
    // A thousandth of a future frees far less margin than what goes along; the money itself is there.
    #expect(cash(alice) >= usd(5_000))
    #expect(act(alice, give(first, [(future, 1)], cash: usd(5_000))).rejection == .insufficientMargin)
  }

  @Test func `P3: in a margin call nothing moves, out of the account or into it`() {
    act(first, .transfer(to: alice, amount: usd(180_000)))
    #expect(act(alice, give(first, [(future, 500)], cash: usd(1_000))).status == .executed)
    market.price(60_000)
    #expect(market.house.account(first)?.margin.mode == .marginCall)
    #expect(act(first, give(alice, [(future, 500)])).rejection == .marginCall)
    #expect(act(first, give(alice, [(future, 100)], cash: usd(-100_000))).rejection == .marginCall)
    #expect(act(alice, give(first, [(call, -400)], cash: usd(500_000))).rejection == .marginCall)
    // What cures it is money, and then the margin call is over.
    #expect(act(alice, .transfer(to: first, amount: usd(300_000))).status == .executed)
    market.price(60_000)
    #expect(act(first, give(alice, [(future, 500)])).status == .executed)
  }

  @Test func `P3: an account in liquidation keeps its positions for those who bid on them`() {
    let market = Market(funds: 30_000, liquidation: LiquidationParameters())
    market.act(Market.alice, .openSubAccount(1))
    market.order(Market.bob, .sell, future, 800, at: 100_000)
    market.order(Market.alice, .buy, future, 800, at: 100_000)
    let move = Action.transferPositions(PositionTransfer(account: first, positions: moved([(future, 800)])))
    market.price(72_000)
    #expect(!market.house.liquidations().isEmpty)
    #expect(market.act(Market.alice, move).rejection == .marginCall)
    market.act(Market.custodian, .deposit(Deposit(account: first, amount: usd(900_000), reference: .zero)))
    #expect(market.act(Market.alice, move).rejection == .marginCall)
    // Not in the block before prices are looked at either: the price that calls it comes first in its block.
    market.price(72_000)
    #expect(market.act(Market.alice, move).rejection == .marginCall)
  }

  @Test func `P3: the price that puts an account in trouble comes before its transfer`() {
    act(first, .transfer(to: alice, amount: usd(180_000)))
    act(alice, give(first, [(future, 500)]))
    // The transfer stands first in the block, and runs after the round.
    market.time += second
    let observation = market.observation(60_000, 4_000)
    var inputs = [market.input(signed(first, [give(alice, [(future, 500)])]))]
    for validator in Market.validators {
      inputs.append(market.input(market.transaction(validator, [.observe(observation)])))
    }
    market.block(inputs)
    let outcome = market.result.outcomes.first { $0.input == 0 }
    #expect(outcome?.rejection == .marginCall && held(first, future)?.quantity == 500)
  }

  @Test func `P3: not on old prices, and not while the instrument does not trade`() {
    market.time += 4 * second
    #expect(act(alice, give(first, [(future, 500)])).rejection == .stalePrice)
    market.price()
    market.act(Market.authority, .setState(future, .halted))
    #expect(act(alice, give(first, [(future, 500)])).rejection == .instrumentNotOpen)
    market.act(Market.authority, .setState(future, .open))
    #expect(act(alice, give(first, [(future, 500)])).status == .executed)
  }

  @Test func `P4: somebody else receives what he has accepted, to the unit and once`() {
    let terms: [(InstrumentID, Quantity)] = [(future, 200), (call, -100)]
    #expect(act(alice, give(carol, terms, cash: usd(50))).rejection == .notAccepted)
    #expect(market.act(Market.carol, accept(terms, cash: usd(50))).status == .executed)
    #expect(market.account(Market.carol)?.acceptances.count == 1)
    for other in [
      give(carol, terms), give(carol, terms, cash: usd(51)), give(carol, [(future, 200)], cash: usd(50)),
      give(carol, [(future, 201), (call, -100)], cash: usd(50)), give(bob, terms, cash: usd(50)),
    ] { #expect(act(alice, other).rejection == .notAccepted) }
    // Not from another account of the same giver.
    act(alice, give(first, terms))
    #expect(act(first, give(carol, terms, cash: usd(50))).rejection == .notAccepted)
    act(first, give(alice, terms))
    #expect(act(alice, give(carol, terms, cash: usd(50))).status == .executed)
    #expect(held(carol, future)?.quantity == 200 && held(carol, call)?.quantity == -100)
    #expect(market.account(Market.carol)?.acceptances == [])
    #expect(act(alice, give(carol, terms, cash: usd(50))).rejection == .notAccepted)
  }

  @Test func `P4: a refused transfer uses nothing up`() {
    act(alice, .transfer(to: first, amount: market.house.account(alice)?.margin.excess ?? 0))
    let terms: [(InstrumentID, Quantity)] = [(future, 500)]
    market.act(Market.carol, accept(terms, cash: usd(100_000)))
    #expect(act(alice, give(carol, terms, cash: usd(100_000))).rejection != nil)
    #expect(market.account(Market.carol)?.acceptances.count == 1)
    act(first, .transfer(to: alice, amount: usd(150_000)))
    #expect(act(alice, give(carol, terms, cash: usd(100_000))).status == .executed)
  }

  @Test func `P4: an acceptance ends, is replaced by the next, and can be taken back`() {
    let terms: [(InstrumentID, Quantity)] = [(future, 200)]
    market.act(Market.carol, accept(terms, for: 2 * second))
    market.price()
    market.price()
    market.price()
    #expect(act(alice, give(carol, terms)).rejection == .notAccepted)
    market.act(Market.carol, accept(terms))
    market.act(Market.carol, accept([(future, 100)]))
    #expect(act(alice, give(carol, terms)).rejection == .notAccepted)
    #expect(market.act(Market.carol, accept([])).status == .executed)
    #expect(market.act(Market.carol, accept([])).rejection == .notAccepted)
    #expect(act(alice, give(carol, [(future, 100)])).rejection == .notAccepted)
    #expect(market.house.tables.acceptances.count == 0)
    #expect(market.act(Market.carol, accept(terms, for: -1)).rejection == .badTime)
    #expect(market.act(Market.carol, accept(terms, for: 24 * 3_600 * second + 1)).rejection == .badTime)
    #expect(act(first, accept(terms)).rejection == .unknownAccount)
    #expect(market.act(Market.carol, accept([(future, 0)])).rejection == .badTerms)
  }

  @Test func `P4: at most eight are waited for`() {
    for number in 1...9 as ClosedRange<SubAccountNumber> {
      market.act(Market.bob, .openSubAccount(number))
      let giver = AccountID(subAccount: number, of: bob)
      let terms = PositionTransfer(account: giver, positions: moved([(future, 1)]))
      let outcome = market.act(Market.carol, .acceptPositions(Acceptance(transfer: terms, until: market.time + second)))
      #expect(outcome.rejection == (number == 9 ? .limitReached : nil))
    }
    // Those that have ended make room.
    market.price()
    market.price()
    #expect(market.act(Market.carol, accept([(future, 1)])).status == .executed)
    #expect(market.house.tables.acceptances[AccountKey(carol)]?.acceptances.count == 1)
  }

  @Test func `P5: between two owners both pay the fees of a trade`() {
    market.act(Market.carol, accept([(future, 200)]))
    let before = (cash(alice), cash(carol), cash(SystemAccount.fees.id))
    act(alice, give(carol, [(future, 200)]))
    // 0.2 of 100,000 at 300 and 100 parts per million; the mark is the forward of 100,000.
    #expect(cash(alice) == before.0 - usd(6) && cash(carol) == before.1 - usd(2))
    #expect(cash(SystemAccount.fees.id) == before.2 + usd(8))
    #expect(
      market.result.events.last?.kind
        == .positionsTransferred(
          PositionTransferEvent(from: alice, to: carol, positions: 1, cash: 0, fromFee: usd(6), toFee: usd(2))))
  }

  @Test func `A block taken back and a restart leave the same acceptances and positions`() {
    market.act(Market.carol, accept([(future, 200)]))
    let before = market.state()
    let inputs = [
      market.input(signed(alice, [give(carol, [(future, 200)]), give(first, [(call, -400)], cash: 7)])),
      market.input(signed(alice, [give(first, [(future, 300)]), give(first, [(future, 300)])], mode: .allOrNothing)),
    ]
    market.block(inputs, release: false)
    #expect(market.result.outcomes.map(\.status) == [.executed, .rejected])
    #expect(held(carol, future)?.quantity == 200 && held(alice, future)?.quantity == 300)
    let after = market.state()
    var changes: [RecordChange] = []
    market.house.rollbackBlock(into: &changes)
    #expect(market.state() == before && market.house.checkInvariants().isEmpty)
    market.height -= 1
    market.block(inputs)
    #expect(market.state() == after)
    market.house.rebuildIndices()
    #expect(market.state() == after && market.house.checkInvariants().isEmpty)
  }

  @Test func `They read back as they are written`() throws {
    let transfer = PositionTransfer(account: carol, positions: moved([(future, 5), (call, -7)]), cash: .min)
    for action in [
      Action.transferPositions(transfer), .acceptPositions(Acceptance(transfer: transfer, until: .max)),
    ] { #expect(try WireReader.decode(Action.self, from: action.wireBytes) == action) }
    let event = Event(
      sequence: 3,
      kind: .positionsTransferred(
        PositionTransferEvent(from: alice, to: bob, positions: 3, cash: -1, fromFee: 2, toFee: 3)))
    #expect(try WireReader.decode(Event.self, from: event.wireBytes) == event)
    // One position more than there may be.
    let many = PositionTransfer(
      account: carol, positions: (0...32).map { MovedPosition(instrument: InstrumentID(raw: $0), quantity: 1) })
    #expect(throws: WireError.self) { try WireReader.decode(PositionTransfer.self, from: many.wireBytes) }
  }
}
