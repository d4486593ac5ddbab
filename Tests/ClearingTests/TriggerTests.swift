import Clearing
import Ledger
import Primitives
import Testing
import Wire

/// A market in which Alice is long ten futures from 100,000 and Bob short; Carol makes prices.
final class TriggerMarket {
  static let future = Market.future()
  let market: Market
  var future: InstrumentID { Self.future }

  init(funds: Int64 = 1_000_000, liquidation: LiquidationParameters = .off, trading: TradingRules = TradingRules()) {
    market = Market(funds: funds, liquidation: liquidation, trading: trading)
    market.order(Market.bob, .sell, Self.future, 10_000, at: 100_000)
    market.order(Market.alice, .buy, Self.future, 10_000, at: 100_000)
  }

  static func stop(
    _ side: Side, _ quantity: Quantity, at price: Int64, level: Int64, _ condition: TriggerCondition? = nil,
    _ source: TriggerSource = .mark, force: TimeInForce = .ioc, reduceOnly: Bool = false, client: UInt64? = nil,
    in instrument: InstrumentID = future
  ) -> TriggerOrder {
    TriggerOrder(
      order: PlaceOrder(
        instrument: instrument, side: side, quantity: quantity, price: usd(price), timeInForce: force,
        reduceOnly: reduceOnly, clientID: client),
      source: source, condition: condition ?? (side == .sell ? .atOrBelow : .atOrAbove), level: usd(level))
  }

  /// Places it; its number.
  @discardableResult func place(_ trigger: TriggerOrder, by signer: PublicKey = Market.alice) -> OrderID {
    let outcome = market.act(signer, .trigger(trigger))
    #expect(outcome.orders.map(\.state) == [.waiting], "\(outcome)")
    return outcome.orders.first?.id ?? 0
  }

  func triggers(_ signer: PublicKey = Market.alice) -> [TriggerView] { market.house.triggers(of: AccountID(signer)) }
  func position(_ signer: PublicKey) -> Quantity { market.position(signer, future) }

  var fired: [OrderID] {
    market.result.events.compactMap { if case .triggerFired(let id, _, _, _) = $0.kind { id } else { nil } }
  }
  var rejected: [RejectionCode] {
    market.result.events.compactMap { if case .triggerRejected(_, _, _, let code) = $0.kind { code } else { nil } }
  }
  var cancelled: [CancelReason] {
    market.result.events.compactMap { if case .triggerCancelled(_, _, _, let reason) = $0.kind { reason } else { nil } }
  }
}

@Suite struct TriggerTests {
  let future = TriggerMarket.future
  typealias Setup = TriggerMarket

  @Test func `T1, T4: a stop fires with the block that moves the mark, and not before`() {
    let setup = TriggerMarket()
    let id = setup.place(Setup.stop(.sell, 4_000, at: 94_000, level: 95_000))
    setup.market.order(Market.carol, .buy, future, 4_000, at: 94_500)
    setup.market.price(95_001)
    #expect(setup.fired.isEmpty && setup.position(Market.alice) == 10_000)
    setup.market.price(95_000)
    #expect(setup.fired == [id])
    #expect(setup.position(Market.alice) == 6_000 && setup.position(Market.carol) == 4_000)
    // Its trade is at the resting price, and has the trigger's number.
    let trade = setup.market.result.events.compactMap { if case .trade(let trade) = $0.kind { trade } else { nil } }
    #expect(trade.map(\.takerOrder) == [id] && trade.map(\.price) == [usd(94_500)])
    #expect(setup.triggers().isEmpty)
    setup.market.price(94_000)
    #expect(setup.fired.isEmpty)
  }

  @Test func `T1: a take-profit fires above, and its order rests under its number`() {
    let setup = TriggerMarket()
    let id = setup.place(Setup.stop(.sell, 1_000, at: 106_000, level: 105_000, .atOrAbove, force: .gtc, client: 7))
    setup.market.price(105_000)
    #expect(setup.market.house.order(id)?.remaining == 1_000)
    // The client id went on with it: taken for others, good for a cancel.
    let again = setup.market.order(Market.alice, .sell, future, 1_000, at: 106_000, client: 7)
    #expect(again?.error == .duplicateClientId)
    #expect(setup.market.act(Market.alice, .cancel(.client(7))).orders.map(\.id) == [id])
    #expect(setup.market.house.order(id) == nil)
  }

  @Test func `T1: a trigger on the index sells a put that gains when it falls`() {
    let setup = TriggerMarket()
    let put = Market.option(100_000, .put)
    setup.market.order(Market.bob, .sell, put, 500, at: 3_000)
    setup.market.order(Market.alice, .buy, put, 500, at: 3_000)
    setup.market.order(Market.carol, .buy, put, 500, at: 1_000)
    let stop = Setup.stop(.sell, 500, at: 500, level: 101_000, .atOrAbove, .index, reduceOnly: true, in: put)
    let id = setup.place(stop)
    setup.market.price(100_999)
    #expect(setup.fired.isEmpty)
    setup.market.price(101_000)
    #expect(setup.fired == [id] && setup.market.position(Market.alice, put) == 0)
  }

  @Test func `T2: what cannot be placed, or would fire at once, is refused`() {
    let setup = TriggerMarket()
    let good = Setup.stop(.sell, 1_000, at: 94_000, level: 95_000)
    func refusal(_ change: (inout TriggerOrder) -> Void) -> RejectionCode? {
      var trigger = good
      change(&trigger)
      let outcome = setup.market.act(Market.alice, .trigger(trigger))
      #expect(outcome.orders.map(\.state) == [.rejected])
      return outcome.rejection
    }
    #expect(refusal { $0.level = usd(100_000) } == .wouldTrigger)
    #expect(refusal { $0.condition = .atOrAbove } == .wouldTrigger)
    #expect(refusal { $0.level = 0 } == .badTrigger)
    #expect(refusal { $0.level = .min } == .badTrigger)
    #expect(refusal { $0.level = .max } == .badTrigger)
    #expect(refusal { $0.order.timeInForce = .auctionOnly } == .badTrigger)
    #expect(refusal { $0.order.price = 1 } == .badPrice)
    #expect(refusal { $0.order.price = .min } == .badPrice)
    #expect(refusal { $0.order.quantity = .max } == .badQuantity)
    #expect(refusal { $0.order.quantity = -1 } == .badQuantity)
    #expect(refusal { $0.order.display = 1_000 } == .badDisplay)
    #expect(refusal { $0.order.instrument = InstrumentID(raw: 5) } == .unknownInstrument)
    #expect(
      refusal {
        $0.order.timeInForce = .gtt
        $0.order.goodTill = setup.market.time
      } == .badTime)
    setup.place(Setup.stop(.sell, 1_000, at: 94_000, level: 95_000, client: 3))
    #expect(refusal { $0.order.clientID = 3 } == .duplicateClientId)
    #expect(setup.triggers().count == 1)
  }

  @Test func `T2: before a mark there is nothing to watch`() {
    let market = Market(priced: false)
    let outcome = market.act(Market.alice, .trigger(Setup.stop(.sell, 1_000, at: 94_000, level: 95_000)))
    #expect(outcome.rejection == .noMark)
  }

  @Test func `T3: an account has at most 256 triggers`() {
    let setup = TriggerMarket()
    let stop = Action.trigger(Setup.stop(.sell, 1, at: 94_000, level: 95_000))
    setup.market.submit(setup.market.transaction(Market.alice, Array(repeating: stop, count: 300)))
    #expect(setup.market.result.outcomes[0].errors.count == 44)
    #expect(setup.market.result.outcomes[0].errors.allSatisfy { $0.code == .limitReached })
    let pair = LinkedOrders(
      kind: .oneCancelsOther, order: nil,
      triggers: [
        Setup.stop(.sell, 1, at: 94_000, level: 95_000), Setup.stop(.sell, 1, at: 105_000, level: 105_000, .atOrAbove),
      ])
    setup.market.act(Market.alice, .cancel(.order(setup.triggers()[0].id)))
    // There is room for one, but not for two.
    #expect(setup.market.act(Market.alice, .linked(pair)).rejection == .limitReached)
    #expect(setup.triggers().count == 255)
    let outcome = setup.market.act(Market.alice, .cancel(.triggers))
    #expect(outcome.orders.count == 255 && setup.triggers().isEmpty)
    #expect((try? WireReader.decode(TransactionOutcome.self, from: outcome.wireBytes)) == outcome)
  }

  @Test func `T3: triggers cost no margin, and go with every cancel that fits`() {
    let setup = TriggerMarket()
    let before = setup.market.account(Market.alice)?.margin
    let selectors: [(CancelSelector, Bool)] = [
      (.instrument(future), true), (.underlying(0), true), (.expiry(0, Market.friday), true), (.side(.sell), true),
      (.all, true), (.triggers, true), (.client(900), true), (.quotes, false), (.side(.buy), false),
      (.underlying(1), false), (.instrument(Market.option(100_000)), false),
    ]
    for (place, (selector, fits)) in selectors.enumerated() {
      let client: UInt64 = selector == .client(900) ? 900 : UInt64(place)
      let id = setup.place(Setup.stop(.sell, 90_000_000, at: 94_000, level: 95_000, client: client))
      #expect(setup.market.account(Market.alice)?.margin == before)
      // Nobody else can.
      setup.market.act(Market.bob, .cancel(.order(id)), .cancel(.all))
      setup.market.act(Market.alice, .cancel(selector))
      #expect(setup.triggers().isEmpty == fits, "\(selector)")
      #expect(setup.cancelled == (fits ? [.requested] : []))
      setup.market.act(Market.alice, .cancel(.order(id)))
      #expect(setup.triggers().isEmpty)
    }
  }

  @Test func `T3: a trigger goes with its time, with its instrument, and with its owner's liquidation`() {
    let setup = TriggerMarket()
    var timed = Setup.stop(.sell, 1_000, at: 94_000, level: 95_000, force: .gtt)
    timed.order.goodTill = setup.market.time + 5 * second
    setup.place(timed)
    setup.place(Setup.stop(.sell, 1_000, at: 94_000, level: 95_000))
    for _ in 0..<4 { setup.market.price() }
    #expect(setup.triggers().count == 2)
    setup.market.price()
    #expect(setup.triggers().count == 1 && setup.cancelled == [.timeInForce])
    setup.market.time = Market.friday
    setup.market.block([])
    #expect(setup.triggers().isEmpty && setup.cancelled == [.expiry])
  }

  @Test func `T3: a lease ends triggers that could open something, not those that only close`() {
    let setup = TriggerMarket()
    setup.place(Setup.stop(.sell, 1_000, at: 94_000, level: 95_000))
    let closing = setup.place(Setup.stop(.sell, 1_000, at: 94_000, level: 95_000, reduceOnly: true))
    setup.market.act(Market.alice, .lease(span: 2 * second))
    for _ in 0..<3 { setup.market.price() }
    #expect(setup.triggers().map(\.id) == [closing])
  }

  @Test func `T3: a liquidated account loses its triggers with its orders`() {
    let setup = TriggerMarket(funds: 200_000, liquidation: LiquidationParameters())
    setup.place(Setup.stop(.sell, 1_000, at: 70_000, level: 75_000))
    for _ in 0..<4 { setup.market.price(84_000) }
    #expect(setup.market.house.liquidations().map(\.account).contains(AccountID(Market.alice)))
    #expect(setup.triggers().isEmpty)
  }

  // MARK: Firing

  @Test func `T4: triggers fire after cancels and post-only orders and before all that takes`() {
    let setup = TriggerMarket()
    setup.market.order(Market.carol, .buy, future, 1_000, at: 94_000)
    let kept = setup.place(Setup.stop(.sell, 1_000, at: 90_000, level: 95_000))
    let dropped = setup.place(Setup.stop(.sell, 1_000, at: 90_000, level: 95_000))
    setup.market.time += second
    let observation = setup.market.observation(95_000, 4_000)
    var inputs = [
      // Lane order says the snatcher is first.
      setup.market.input(
        setup.market.transaction(
          Market.bob,
          [.place(PlaceOrder(instrument: future, side: .sell, quantity: 1_000, price: usd(90_000), timeInForce: .ioc))])
      ),
      setup.market.input(
        setup.market.transaction(
          Market.carol,
          [
            .place(
              PlaceOrder(instrument: future, side: .buy, quantity: 1_000, price: usd(94_500), postOnly: true))
          ])),
      setup.market.input(setup.market.transaction(Market.alice, [.cancel(.order(dropped))])),
    ]
    for validator in Market.validators {
      inputs.append(setup.market.input(setup.market.transaction(validator, [.observe(observation)])))
    }
    setup.market.block(inputs)
    #expect(setup.fired == [kept] && setup.cancelled == [.requested])
    let trades = setup.market.result.events.compactMap { if case .trade(let trade) = $0.kind { trade } else { nil } }
    // The stop gets the new bid, who came later the old one.
    #expect(trades.map(\.taker) == [Market.alice, Market.bob].map { AccountID($0) })
    #expect(trades.map(\.price) == [usd(94_500), usd(94_000)])
  }

  @Test func `T4: triggers of one block fire in the order of their numbers, whatever their levels`() {
    let setup = TriggerMarket()
    setup.market.order(Market.carol, .buy, future, 3_000, at: 90_000)
    let ids = [91_000, 95_000, 93_000].map {
      setup.place(Setup.stop(.sell, 1_000, at: 90_000, level: $0, $0 == 93_000 ? .atOrBelow : nil))
    }
    setup.market.price(90_500)
    #expect(setup.fired == ids)
  }

  @Test func `T4: at most 1024 triggers fire in a block, and many old ones do not keep others waiting`() {
    let setup = TriggerMarket()
    let stop = Setup.stop(.sell, 1, at: 90_000, level: 95_000)
    for signer in [Market.bob, Market.authority] + Market.validators {
      setup.market.submit(setup.market.transaction(signer, Array(repeating: .trigger(stop), count: 200)))
    }
    let last = setup.place(stop)
    setup.market.price(95_000)
    #expect(setup.fired.count == 1_024 && setup.fired.contains(last))
    #expect(setup.fired == setup.fired.sorted())
    setup.market.block([])
    #expect(setup.fired.count == 177)
    setup.market.block([])
    #expect(setup.fired.isEmpty)
  }

  @Test func `T4: nothing fires on a stale price or in the grace after an outage`() {
    let setup = TriggerMarket(liquidation: LiquidationParameters())
    setup.place(Setup.stop(.sell, 1_000, at: 90_000, level: 95_000))
    // The index alone moves on, the surface that the expiry's mark stands on does not.
    for round in 0..<8 {
      setup.market.time += second
      let observation = Observation(
        round: setup.market.house.round(at: setup.market.time),
        prices: [IndexQuote(underlying: 0, price: usd(round < 4 ? 100_000 : 90_000))], surfaces: [])
      setup.market.block(
        Market.validators.map {
          setup.market.input(setup.market.transaction($0, [.observe(observation)]))
        })
      #expect(setup.fired.isEmpty)
    }
    // Prices come back after an outage of 20 s: the grace of a minute.
    setup.market.price(90_000, after: 20 * second)
    #expect(setup.fired.isEmpty && setup.triggers().count == 1)
    for _ in 0..<59 {
      setup.market.price(90_000)
      #expect(setup.fired.isEmpty)
    }
    setup.market.price(90_000)
    #expect(setup.fired.count == 1)
  }

  @Test func `T4: a trigger waits while its instrument does not take its order`() {
    let setup = TriggerMarket()
    let id = setup.place(Setup.stop(.sell, 1_000, at: 90_000, level: 95_000))
    for state in [InstrumentState.halted, .cancelOnly, .postOnly] {
      setup.market.act(Market.authority, .setState(future, state))
      setup.market.price(95_000)
      #expect(setup.fired.isEmpty, "\(state)")
    }
    setup.market.price(96_000)
    setup.market.act(Market.authority, .setState(future, .open))
    // What the price was in between does not count.
    #expect(setup.fired.isEmpty)
    setup.market.price(95_000)
    #expect(setup.fired == [id])
  }

  @Test func `T5: an order that is not covered when it fires is refused, with an event`() {
    let setup = TriggerMarket(funds: 250_000)
    let id = setup.place(Setup.stop(.sell, 90_000_000, at: 94_000, level: 95_000, force: .gtc, client: 5))
    setup.market.price(95_000)
    #expect(setup.fired == [id] && setup.rejected == [.insufficientMargin])
    #expect(setup.triggers().isEmpty && setup.market.house.order(id) == nil)
    #expect(setup.market.account(Market.alice)?.orders.isEmpty == true)
  }

  @Test func `T5: fill-or-kill that finds too little leaves nothing behind`() {
    let setup = TriggerMarket()
    setup.market.order(Market.carol, .buy, future, 500, at: 94_000)
    setup.place(Setup.stop(.sell, 1_000, at: 90_000, level: 95_000, force: .fok))
    setup.market.price(95_000)
    #expect(setup.rejected == [.cannotFill])
    #expect(setup.position(Market.alice) == 10_000)
    #expect(setup.market.house.book(future, depth: 1)?.bids.map(\.quantity) == [500])
  }

  @Test func `INV-10: a reduce-only trigger shrinks to what is left and never flips a position`() {
    let setup = TriggerMarket()
    setup.market.order(Market.carol, .buy, future, 50_000, at: 94_000)
    setup.place(Setup.stop(.sell, 8_000, at: 90_000, level: 95_000, reduceOnly: true))
    setup.place(Setup.stop(.sell, 8_000, at: 90_000, level: 95_000, reduceOnly: true))
    setup.place(Setup.stop(.sell, 8_000, at: 90_000, level: 95_000, reduceOnly: true))
    // Against the position, it would only enlarge.
    setup.place(Setup.stop(.buy, 1_000, at: 99_000, level: 95_000, .atOrBelow, reduceOnly: true))
    // Orders that rest already have the first claim.
    setup.market.order(Market.alice, .sell, future, 1_000, at: 120_000)
    setup.market.price(95_000)
    #expect(setup.fired.count == 4)
    #expect(setup.position(Market.alice) == 1_000)
    #expect(setup.rejected == [.notReducing, .notReducing])
  }

  @Test func `INV-10: a margin call lets reduce-only triggers work and refuses the others`() {
    let setup = TriggerMarket(funds: 250_000)
    setup.market.order(Market.carol, .buy, future, 500, at: 83_500)
    setup.place(Setup.stop(.sell, 500, at: 80_000, level: 95_000, reduceOnly: true))
    setup.place(Setup.stop(.buy, 500, at: 86_000, level: 95_000, .atOrBelow))
    setup.market.price(84_000)
    #expect(setup.market.account(Market.alice)?.margin.mode == .marginCall)
    #expect(setup.fired.count == 2 && setup.rejected == [.marginCall])
    #expect(setup.position(Market.alice) == 9_500)
  }

  @Test func `K2: a key may place triggers as it may place orders, and within its cap`() {
    let setup = TriggerMarket()
    let helper = Market.carol
    setup.market.act(
      Market.alice, .delegate(Delegation(key: helper, scope: .trade, until: 1_000, orderNotional: usd(150_000))))
    func send(_ action: Action) -> RejectionCode? {
      var transaction = setup.market.transaction(helper, [action])
      transaction.account = AccountID(Market.alice)
      setup.market.submit(transaction)
      return setup.market.result.outcomes[0].rejection
    }
    #expect(send(.trigger(Setup.stop(.sell, 1_000, at: 94_000, level: 95_000))) == nil)
    #expect(send(.trigger(Setup.stop(.sell, 2_000, at: 94_000, level: 95_000))) == .tooLarge)
    let pair = LinkedOrders(
      kind: .oneCancelsOther, order: nil,
      triggers: [
        Setup.stop(.sell, 2_000, at: 94_000, level: 95_000),
        Setup.stop(.sell, 2_000, at: 105_000, level: 105_000, .atOrAbove),
      ])
    #expect(send(.linked(pair)) == .tooLarge)
  }

  @Test func `Actions and events of triggers read back from their bytes`() {
    let order = PlaceOrder(
      instrument: future, side: .sell, quantity: 5, price: usd(7), clientID: 9, display: 2)
    let trigger = TriggerOrder(order: order, source: .index, condition: .atOrBelow, level: usd(6))
    let actions: [Action] = [
      .place(order), .trigger(trigger), .cancel(.triggers),
      .linked(LinkedOrders(kind: .oneTriggersOther, order: order, triggers: [trigger, trigger])),
      .linked(LinkedOrders(kind: .oneCancelsOther, order: nil, triggers: [])),
    ]
    for action in actions { #expect((try? WireReader.decode(Action.self, from: action.wireBytes)) == action) }
    // A slice of nothing has another, shorter form.
    var bytes = Action.place(order).wireBytes
    bytes.removeLast(8)
    bytes += Array(repeating: 0, count: 8)
    #expect((try? WireReader.decode(Action.self, from: bytes)) == nil)
    let account = AccountID(Market.alice)
    let kinds: [EventKind] = [
      .triggerFired(1, account: account, instrument: future, price: -5),
      .triggerRejected(2, account: account, instrument: future, .insufficientMargin),
      .triggerCancelled(3, account: account, instrument: future, .linked),
    ]
    for kind in kinds {
      let event = Event(sequence: 4, kind: kind)
      #expect((try? WireReader.decode(Event.self, from: event.wireBytes)) == event)
    }
  }
}
