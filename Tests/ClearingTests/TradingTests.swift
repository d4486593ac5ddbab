import Clearing
import Primitives
import Testing

@Suite struct TradingTests {
  let call = Market.option(100_000)

  @Test func `A buy meets a sell at the resting price and both are novated`() throws {
    let market = Market()
    let resting = try #require(market.order(Market.alice, .sell, call, 1_000, at: 2_000))
    #expect(resting.state == .open)
    let taken = try #require(market.order(Market.bob, .buy, call, 400, at: 2_100))
    #expect(taken.state == .filled)
    #expect(market.result.outcomes[0].fills.map(\.price) == [usd(2_000)])
    #expect(market.position(Market.bob, call) == 400)
    #expect(market.position(Market.alice, call) == -400)
    // Premium 800; the taker's fee is 0.03 % of 40,000, the maker's 0.01 %.
    #expect(market.account(Market.bob)?.cash == usd(1_000_000 - 800 - 12))
    #expect(market.account(Market.alice)?.cash == usd(1_000_000 + 800 - 4))
    #expect(market.house.instrument(call)?.openInterest == 400)
    #expect(market.house.trades(call).count == 1)
    #expect(market.account(Market.bob)?.positions.first?.averagePrice == usd(2_000))
  }

  @Test func `Better prices go first, then earlier orders`() {
    let market = Market()
    market.order(Market.alice, .sell, call, 100, at: 2_010, client: 1)
    market.order(Market.carol, .sell, call, 100, at: 2_000, client: 2)
    market.order(Market.alice, .sell, call, 100, at: 2_000, client: 3)
    market.order(Market.bob, .buy, call, 300, at: 2_010)
    let fills = market.result.outcomes[0].fills
    #expect(fills.map(\.price) == [usd(2_000), usd(2_000), usd(2_010)])
    #expect(fills.map(\.maker) == [Market.carol, Market.alice, Market.alice].map { AccountID($0) })
  }

  @Test func `Immediate orders do not rest, fill-or-kill fills or does nothing`() throws {
    let market = Market()
    market.order(Market.alice, .sell, call, 500, at: 2_000)
    let killed = try #require(market.order(Market.bob, .buy, call, 600, at: 2_000, .fok))
    #expect(killed.error == .cannotFill)
    #expect(market.position(Market.bob, call) == 0)
    #expect(market.house.trades(call).isEmpty)
    let partly = try #require(market.order(Market.bob, .buy, call, 600, at: 2_000, .ioc))
    #expect(partly.filled == 500 && partly.remaining == 100 && partly.state == .cancelled)
    #expect(market.house.book(call, depth: 5)?.bids.isEmpty == true)
  }

  @Test func `Post-only is refused where it would trade`() throws {
    let market = Market()
    market.order(Market.alice, .sell, call, 500, at: 2_000)
    #expect(market.order(Market.bob, .buy, call, 100, at: 2_000, postOnly: true)?.error == .wouldCross)
    #expect(market.order(Market.bob, .buy, call, 100, at: 1_990, postOnly: true)?.state == .open)
  }

  @Test func `Good-till-time orders end with the block that reaches their time`() {
    let market = Market()
    market.order(Market.alice, .sell, call, 500, at: 2_000, .gtt)
    for _ in 0..<4 { market.price() }
    #expect(market.house.book(call, depth: 1)?.asks.count == 1)
    market.price()
    #expect(market.house.book(call, depth: 1)?.asks.isEmpty == true)
  }

  @Test func `An account does not trade with itself`() {
    let market = Market()
    market.order(Market.alice, .sell, call, 500, at: 2_000)
    market.order(Market.alice, .buy, call, 200, at: 2_000)
    #expect(market.position(Market.alice, call) == 0)
    #expect(market.house.book(call, depth: 1)?.asks.isEmpty == true)
    #expect(market.house.book(call, depth: 1)?.bids.map(\.quantity) == [200])
  }

  @Test func `A smaller amend keeps its place in the queue, another loses it`() throws {
    let market = Market()
    let first = try #require(market.order(Market.alice, .sell, call, 500, at: 2_000))
    market.order(Market.carol, .sell, call, 500, at: 2_000)
    market.act(Market.alice, .amend(AmendOrder(order: .order(first.id), quantity: 300, price: usd(2_000))))
    market.order(Market.bob, .buy, call, 100, at: 2_000)
    #expect(market.result.outcomes[0].fills.first?.maker == AccountID(Market.alice))
    market.act(Market.alice, .amend(AmendOrder(order: .order(first.id), quantity: 400, price: usd(2_000))))
    market.order(Market.bob, .buy, call, 100, at: 2_000)
    #expect(market.result.outcomes[0].fills.first?.maker == AccountID(Market.carol))
    #expect(market.house.order(first.id)?.remaining == 400)
  }

  @Test func `Cancels by number, client id, instrument and all`() throws {
    let market = Market()
    let first = try #require(market.order(Market.alice, .sell, call, 100, at: 2_000))
    market.order(Market.alice, .sell, call, 100, at: 2_010, client: 7)
    market.order(Market.alice, .sell, call, 100, at: 2_020)
    market.order(Market.alice, .sell, Market.option(110_000), 100, at: 900)
    market.act(Market.bob, .cancel(.order(first.id)))
    #expect(market.result.outcomes[0].rejection == .unknownOrder)
    market.act(Market.alice, .cancel(.order(first.id)), .cancel(.client(7)))
    #expect(market.account(Market.alice)?.orders.count == 2)
    market.act(Market.alice, .cancel(.instrument(call)))
    #expect(market.account(Market.alice)?.orders.count == 1)
    market.act(Market.alice, .cancel(.all))
    #expect(market.account(Market.alice)?.orders.isEmpty == true)
  }

  @Test func `All-or-nothing undoes what came before the refused action`() {
    let market = Market()
    market.order(Market.alice, .sell, call, 500, at: 2_000)
    let before = market.house.statistics
    let good = PlaceOrder(instrument: call, side: .buy, quantity: 200, price: usd(2_000))
    var bad = good
    bad.price = 3
    let outcome = market.act(Market.bob, .place(good), .place(bad), mode: .allOrNothing)
    #expect(outcome.rejection == .badPrice)
    #expect(outcome.orders.map(\.error) == [.allOrNothing, .badPrice])
    #expect(outcome.fills.isEmpty)
    #expect(market.position(Market.bob, call) == 0)
    #expect(market.house.statistics.nextTrade == before.nextTrade)
    #expect(market.house.book(call, depth: 1)?.asks.map(\.quantity) == [500])
    #expect(market.act(Market.bob, .place(good), .place(bad)).orders.map(\.state) == [.filled, .rejected])
  }

  @Test func `D6: cancels run before post-only orders, those before the rest`() throws {
    let market = Market()
    let ask = try #require(market.order(Market.alice, .sell, call, 100, at: 2_000))
    let take = PlaceOrder(instrument: call, side: .buy, quantity: 100, price: usd(2_000))
    let post = PlaceOrder(instrument: call, side: .buy, quantity: 100, price: usd(2_000), postOnly: true)
    let inputs = [
      market.transaction(Market.bob, [.place(take)]), market.transaction(Market.carol, [.place(post)]),
      market.transaction(Market.alice, [.cancel(.order(ask.id))]),
    ]
    market.submit(inputs[0], inputs[1], inputs[2])
    #expect(market.result.outcomes.map(\.input) == [2, 1, 0])
    #expect(market.result.outcomes.allSatisfy { $0.status == .executed && $0.fills.isEmpty })
  }

  @Test func `Futures pay what they gained when they are closed`() {
    let market = Market()
    let future = Market.future()
    market.order(Market.alice, .sell, future, 1_000, at: 100_000)
    market.order(Market.bob, .buy, future, 1_000, at: 100_000)
    let paid = market.account(Market.bob)?.cash ?? 0
    market.price(101_000)
    #expect(market.account(Market.bob)?.margin.equity == paid + usd(1_000))
    market.order(Market.carol, .buy, future, 1_000, at: 101_000)
    market.order(Market.bob, .sell, future, 1_000, at: 101_000)
    // 1,000 of gain less 0.03 % of 101,000.
    #expect(market.account(Market.bob)?.cash == paid + usd(1_000) - 30_300_000)
    #expect(market.position(Market.bob, future) == 0)
    #expect(market.house.instrument(future)?.openInterest == 1_000)
  }

  @Test func `INV-18 a rebate above the fee, a maker who pays more, a fee above the cap`() {
    let market = Market()
    let call = Market.option(100_000)
    market.order(Market.bob, .sell, call, 1_000, at: 2_000)
    market.order(Market.alice, .buy, call, 1_000, at: 2_000)
    let place = market.result.events.firstIndex { if case .trade = $0.kind { true } else { false } }
    guard let place, case .trade(let trade) = market.result.events[place].kind else {
      Issue.record("no trade")
      return
    }
    func broken(_ change: (inout TradeEvent) -> Void) -> [Int] {
      var (event, trade) = (market.result.events[place], trade)
      change(&trade)
      event.kind = .trade(trade)
      return market.house.checkEvents([event]).map(\.invariant)
    }
    // 0.03 % and 0.01 % of the index; the cap would be 250.
    #expect(trade.takerFee == usd(30) && trade.makerFee == usd(10))
    #expect(broken { _ in }.isEmpty)
    #expect(broken { $0.makerFee = usd(-31) } == [18])
    #expect(broken { $0.makerFee = usd(31) } == [18])
    #expect(broken { $0.takerFee = usd(251) } == [18])
  }
}
