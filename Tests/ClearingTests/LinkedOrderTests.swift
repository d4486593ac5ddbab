import Clearing
import Ledger
import Primitives
import Testing
import Wire

@Suite struct LinkedOrderTests {
  let future = TriggerMarket.future
  typealias Setup = TriggerMarket

  func limit(_ side: Side, _ quantity: Quantity, at price: Int64, client: UInt64? = nil) -> PlaceOrder {
    PlaceOrder(instrument: future, side: side, quantity: quantity, price: usd(price), clientID: client)
  }

  /// A sell at 105,000 and a stop at 95,000 for the same lots. Their numbers.
  func exit(_ setup: TriggerMarket, _ quantity: Quantity = 4_000) -> (order: OrderID, stop: OrderID) {
    let linked = LinkedOrders(
      kind: .oneCancelsOther, order: limit(.sell, quantity, at: 105_000),
      triggers: [Setup.stop(.sell, quantity, at: 90_000, level: 95_000)])
    let outcome = setup.market.act(Market.alice, .linked(linked))
    #expect(outcome.orders.map(\.state) == [.open, .waiting])
    return (outcome.orders.first?.id ?? 0, outcome.orders.last?.id ?? 0)
  }

  // MARK: One cancels the other

  @Test func `T6: of two triggers the one that fires cancels the other`() {
    let setup = TriggerMarket()
    setup.market.order(Market.carol, .buy, future, 9_000, at: 94_000)
    let pair = LinkedOrders(
      kind: .oneCancelsOther, order: nil,
      triggers: [
        Setup.stop(.sell, 4_000, at: 90_000, level: 95_000, client: 1),
        Setup.stop(.sell, 4_000, at: 90_000, level: 105_000, .atOrAbove, client: 2),
      ])
    let ids = setup.market.act(Market.alice, .linked(pair)).orders.map(\.id)
    setup.market.price(95_000)
    #expect(setup.fired == [ids[0]] && setup.cancelled == [.linked])
    #expect(setup.position(Market.alice) == 6_000 && setup.triggers().isEmpty)
    setup.market.price(105_000)
    #expect(setup.position(Market.alice) == 6_000)
  }

  @Test func `T6: two triggers that a block reaches together trade once`() {
    let setup = TriggerMarket()
    setup.market.order(Market.carol, .buy, future, 9_000, at: 94_000)
    let pair = LinkedOrders(
      kind: .oneCancelsOther, order: nil,
      triggers: [
        Setup.stop(.sell, 4_000, at: 90_000, level: 95_000), Setup.stop(.sell, 4_000, at: 90_000, level: 96_000),
      ])
    setup.market.act(Market.alice, .linked(pair))
    setup.market.price(94_000)
    #expect(setup.fired.count == 1 && setup.position(Market.alice) == 6_000)
  }

  @Test func `T6: what the order fills its trigger no longer sells`() {
    let setup = TriggerMarket()
    let (order, stop) = exit(setup)
    setup.market.order(Market.carol, .buy, future, 1_500, at: 105_000)
    #expect(setup.market.house.trigger(stop)?.order.quantity == 2_500)
    setup.market.order(Market.carol, .buy, future, 2_500, at: 105_000)
    #expect(setup.triggers().isEmpty && setup.cancelled == [.linked])
    #expect(setup.market.house.order(order) == nil)
    setup.market.order(Market.carol, .buy, future, 9_000, at: 94_000)
    setup.market.price(94_000)
    #expect(setup.position(Market.alice) == 6_000)
  }

  @Test func `T6: the trigger that fires takes the rest of the order with it, before it is judged`() {
    // Margin for one of the two, not for both.
    let setup = TriggerMarket(funds: 300_000)
    let (order, stop) = exit(setup)
    setup.market.order(Market.carol, .buy, future, 1_000, at: 105_000)
    setup.market.order(Market.carol, .buy, future, 9_000, at: 94_000)
    setup.market.price(95_000)
    #expect(setup.fired == [stop] && setup.rejected.isEmpty)
    #expect(setup.market.house.order(order) == nil)
    #expect(setup.position(Market.alice) == 6_000)
  }

  @Test func `T6: an order that trades as it comes is linked with the rest, or not at all`() {
    let setup = TriggerMarket()
    setup.market.order(Market.carol, .buy, future, 1_000, at: 105_000)
    let (_, stop) = exit(setup)
    #expect(setup.market.house.trigger(stop)?.order.quantity == 3_000)
    setup.market.act(Market.alice, .cancel(.all))
    setup.market.order(Market.carol, .buy, future, 4_000, at: 105_000)
    let linked = LinkedOrders(
      kind: .oneCancelsOther, order: limit(.sell, 4_000, at: 105_000, client: 4),
      triggers: [Setup.stop(.sell, 4_000, at: 90_000, level: 95_000, client: 5)])
    let outcome = setup.market.act(Market.alice, .linked(linked))
    #expect(outcome.orders.map(\.state) == [.filled] && setup.triggers().isEmpty)
  }

  @Test func `T6: cancelling one leaves the other by itself`() {
    let setup = TriggerMarket()
    let (order, stop) = exit(setup)
    setup.market.act(Market.alice, .cancel(.order(order)))
    #expect(setup.triggers().map(\.id) == [stop] && setup.market.house.trigger(stop)?.parent == nil)
    setup.market.act(Market.alice, .cancel(.all))
    let (kept, gone) = exit(setup)
    setup.market.act(Market.alice, .cancel(.order(gone)))
    // Free of its link it can be amended.
    setup.market.act(Market.alice, .amend(AmendOrder(order: .order(kept), quantity: 5_000, price: usd(104_000))))
    #expect(setup.market.house.order(kept)?.remaining == 5_000)
  }

  @Test func `T6: a linked order can be made smaller, and its trigger follows; else it is not amended`() {
    let setup = TriggerMarket()
    let (order, stop) = exit(setup)
    func amend(_ quantity: Quantity, _ price: Int64) -> RejectionCode? {
      setup.market.act(
        Market.alice, .amend(AmendOrder(order: .order(order), quantity: quantity, price: usd(price)))
      ).rejection
    }
    #expect(amend(3_000, 105_000) == nil)
    #expect(setup.market.house.trigger(stop)?.order.quantity == 3_000)
    #expect(amend(5_000, 105_000) == .linkedOrder && amend(3_000, 106_000) == .linkedOrder)
    // A trigger itself is no order.
    #expect(
      setup.market.act(Market.alice, .amend(AmendOrder(order: .order(stop), quantity: 1, price: usd(1)))).rejection
        == .unknownOrder)
  }

  @Test func `T6: decrementing self-trade prevention shrinks both`() {
    let setup = TriggerMarket()
    let (order, stop) = exit(setup)
    var own = limit(.buy, 1_000, at: 105_000)
    own.selfTrade = .decrement
    setup.market.act(Market.alice, .place(own))
    #expect(setup.market.house.order(order)?.remaining == 3_000)
    #expect(setup.market.house.trigger(stop)?.order.quantity == 3_000)
  }

  // MARK: One triggers the other

  /// A buy at 98,000, guarded by a stop at 95,000 and a take-profit at 104,000.
  func entry(_ setup: TriggerMarket, force: TimeInForce = .gtc, signer: PublicKey = Market.carol) -> [OrderID] {
    var order = limit(.buy, 3_000, at: 98_000)
    order.timeInForce = force
    let linked = LinkedOrders(
      kind: .oneTriggersOther, order: order,
      triggers: [
        Setup.stop(.sell, 3_000, at: 90_000, level: 95_000, reduceOnly: true),
        Setup.stop(.sell, 3_000, at: 103_000, level: 104_000, .atOrAbove, reduceOnly: true),
      ])
    return setup.market.act(signer, .linked(linked)).orders.map(\.id)
  }

  @Test func `T7: what is bought is guarded, and nothing before it is bought`() {
    let setup = TriggerMarket()
    let ids = entry(setup)
    #expect(setup.triggers(Market.carol).map(\.order.quantity) == [0, 0])
    setup.market.price(94_000)
    #expect(setup.fired.isEmpty)
    setup.market.price(100_000)
    setup.market.order(Market.bob, .sell, future, 1_000, at: 98_000)
    #expect(setup.triggers(Market.carol).map(\.order.quantity) == [1_000, 1_000])
    setup.market.order(Market.bob, .sell, future, 500, at: 98_000)
    #expect(setup.triggers(Market.carol).map(\.order.quantity) == [1_500, 1_500])
    setup.market.order(Market.bob, .buy, future, 9_000, at: 94_000)
    setup.market.price(95_000)
    // The stop closes what there is; the rest of the entry and the take-profit go.
    #expect(setup.fired == [ids[1]] && setup.cancelled == [.linked])
    #expect(setup.position(Market.carol) == 0)
    #expect(setup.market.house.order(ids[0]) == nil && setup.triggers(Market.carol).isEmpty)
  }

  @Test func `T7: an entry that goes unfilled takes its guards with it; a filled part keeps them`() {
    let setup = TriggerMarket()
    var ids = entry(setup)
    setup.market.act(Market.carol, .cancel(.order(ids[0])))
    #expect(setup.triggers(Market.carol).isEmpty && setup.cancelled == [.linked, .linked])
    ids = entry(setup)
    setup.market.order(Market.bob, .sell, future, 1_000, at: 98_000)
    setup.market.act(Market.carol, .cancel(.order(ids[0])))
    #expect(setup.triggers(Market.carol).map(\.order.quantity) == [1_000, 1_000])
    #expect(setup.triggers(Market.carol).map(\.parent) == [nil, nil])
  }

  @Test func `T7: an immediate entry is guarded as far as it filled`() {
    let setup = TriggerMarket()
    #expect(entry(setup, force: .ioc).count == 1)
    #expect(setup.triggers(Market.carol).isEmpty)
    setup.market.order(Market.bob, .sell, future, 2_000, at: 98_000)
    #expect(entry(setup, force: .ioc).count == 3)
    #expect(setup.triggers(Market.carol).map(\.order.quantity) == [2_000, 2_000])
  }

  // MARK: Attacks

  @Test func `T6, T7: parts that do not fit each other are refused`() {
    let setup = TriggerMarket()
    let order = limit(.sell, 1_000, at: 105_000)
    let stop = Setup.stop(.sell, 1_000, at: 90_000, level: 95_000)
    var (other, large, immediate) = (stop, stop, order)
    other.order.instrument = Market.option(100_000)
    large.order.quantity = 2_000
    immediate.timeInForce = .ioc
    let bad: [LinkedOrders] = [
      LinkedOrders(kind: .oneCancelsOther, order: nil, triggers: []),
      LinkedOrders(kind: .oneCancelsOther, order: nil, triggers: [stop]),
      LinkedOrders(kind: .oneCancelsOther, order: order, triggers: [stop, stop]),
      LinkedOrders(kind: .oneCancelsOther, order: order, triggers: [other]),
      LinkedOrders(kind: .oneCancelsOther, order: order, triggers: [large]),
      LinkedOrders(kind: .oneCancelsOther, order: immediate, triggers: [stop]),
      LinkedOrders(kind: .oneCancelsOther, order: limit(.buy, 1_000, at: 90_000), triggers: [stop]),
      LinkedOrders(kind: .oneTriggersOther, order: nil, triggers: [stop]),
      LinkedOrders(kind: .oneTriggersOther, order: order, triggers: [stop]),
      LinkedOrders(kind: .oneTriggersOther, order: order, triggers: []),
    ]
    for linked in bad { #expect(setup.market.act(Market.alice, .linked(linked)).rejection == .badTrigger) }
  }

  @Test func `T6: one part that is refused refuses all, and nothing is left`() {
    let setup = TriggerMarket()
    let before = setup.market.house.statistics.nextOrder
    let stop = Setup.stop(.sell, 1_000, at: 90_000, level: 95_000, client: 1)
    var twin = stop
    for (order, trigger, code) in [
      (limit(.sell, 1_000, at: 105_000, client: 1), stop, RejectionCode.duplicateClientId),
      (
        limit(.sell, 90_000_000, at: 105_000), Setup.stop(.sell, 90_000_000, at: 90_000, level: 95_000),
        .insufficientMargin
      ),
      (limit(.sell, 1_000, at: 105_000), Setup.stop(.sell, 1_000, at: 90_000, level: 101_000), .wouldTrigger),
    ] {
      let linked = LinkedOrders(kind: .oneCancelsOther, order: order, triggers: [trigger])
      #expect(setup.market.act(Market.alice, .linked(linked)).rejection == code)
    }
    twin.order.clientID = 1
    #expect(
      setup.market.act(Market.alice, .linked(LinkedOrders(kind: .oneCancelsOther, order: nil, triggers: [stop, twin])))
        .rejection == .duplicateClientId)
    #expect(setup.triggers().isEmpty && setup.market.account(Market.alice)?.orders.isEmpty == true)
    #expect(setup.market.house.statistics.nextOrder == before)
  }

  @Test func `All-or-nothing takes links, triggers and fired parts back`() {
    let setup = TriggerMarket()
    let (order, stop) = exit(setup)
    let before = stateBytes(&setup.market.house).filter { (30...33).contains($0[0]) || $0[0] == 5 }
    var bad = limit(.sell, 1_000, at: 105_000)
    bad.price = 3
    for actions in [
      [Action.cancel(.order(stop)), .place(bad)], [.cancel(.order(order)), .place(bad)], [.cancel(.all), .place(bad)],
      [.trigger(Setup.stop(.sell, 1, at: 1_000, level: 2_000, client: 77)), .place(bad)],
    ] {
      setup.market.submit(setup.market.transaction(Market.alice, actions, mode: .allOrNothing))
      #expect(setup.market.result.outcomes[0].rejection == .badPrice)
      let after = stateBytes(&setup.market.house).filter { (30...33).contains($0[0]) || $0[0] == 5 }
      #expect(after == before)
    }
    // And a taker that is undone gives the trigger its lots back.
    let take = limit(.buy, 1_000, at: 105_000)
    setup.market.submit(setup.market.transaction(Market.carol, [.place(take), .place(bad)], mode: .allOrNothing))
    #expect(setup.market.house.trigger(stop)?.order.quantity == 4_000)
    setup.market.price(95_000)
    #expect(setup.fired == [stop])
  }

  @Test func `INV-6: the audit sees links that lie`() {
    let setup = TriggerMarket()
    let (order, stop) = exit(setup)
    var bad = setup.market.house
    var quantity = Tamper<OrderKey, TriggerRecord> { $0.update(OrderKey(stop)) { $0.order.quantity += 1 } }
    bad.visitTables(&quantity)
    #expect(bad.checkInvariants().map(\.invariant).contains(6))
    bad = setup.market.house
    var lost = Tamper<OrderKey, LinkRecord> { $0.remove(OrderKey(order)) }
    bad.visitTables(&lost)
    #expect(bad.checkInvariants().map(\.invariant).contains(6))
    #expect(setup.market.house.checkInvariants().isEmpty)
  }

  @Test func `A restart from the stored state fires the same triggers`() {
    let setup = TriggerMarket()
    let (_, stop) = exit(setup)
    setup.place(Setup.stop(.sell, 1_000, at: 90_000, level: 96_000, client: 8))
    setup.market.order(Market.carol, .buy, future, 9_000, at: 94_000)
    var dump = Dump()
    setup.market.house.visitTables(&dump)
    var twin = ClearingHouse(restoring: setup.market.house.genesis, chain: Market.chain)
    for pair in dump.pairs {
      var load = LoadRecord(table: pair.table, key: pair.key, value: pair.value ?? [])
      twin.visitTables(&load)
    }
    twin.rebuildIndices()
    #expect(twin.checkInvariants().isEmpty)
    setup.market.time += second
    let observation = setup.market.observation(95_000, 4_000)
    let block = BlockInput(
      height: setup.market.height + 1, timestamp: setup.market.time,
      transactions: Market.validators.map {
        setup.market.input(setup.market.transaction($0, [.observe(observation)]))
      })
    var (a, b) = (BlockResult(), BlockResult())
    setup.market.house.apply(block, into: &a)
    twin.apply(block, into: &b)
    #expect(a.events == b.events && a.changes == b.changes)
    #expect(a.events.contains { if case .triggerFired(stop, _, _, _) = $0.kind { true } else { false } })
    // Taken back, everything waits again.
    var changes: [RecordChange] = []
    twin.rollbackBlock(into: &changes)
    #expect(twin.triggers(of: AccountID(Market.alice)).count == 2)
    #expect(twin.checkInvariants().isEmpty)
  }
}
