import Clearing
import Primitives
import Testing

@Suite struct IcebergTests {
  let call = Market.option(100_000)

  func iceberg(
    _ quantity: Quantity, _ display: Quantity, at price: Int64 = 2_000, _ force: TimeInForce = .gtc
  ) -> PlaceOrder {
    PlaceOrder(
      instrument: call, side: .sell, quantity: quantity, price: usd(price), timeInForce: force, display: display)
  }

  func asks(_ market: Market) -> [Quantity] { market.house.book(call, depth: 9)?.asks.map(\.quantity) ?? [] }
  func makers(_ market: Market) -> [AccountID] { market.result.outcomes.first?.fills.map(\.maker) ?? [] }
  func lots(_ market: Market) -> [Quantity] { market.result.outcomes.first?.fills.map(\.quantity) ?? [] }

  @Test func `I1: the book shows a slice, the owner the whole`() throws {
    let market = Market()
    let id = try #require(market.act(Market.bob, .place(iceberg(1_000, 300))).orders.first?.id)
    #expect(asks(market) == [300])
    #expect(market.house.order(id)?.remaining == 1_000 && market.house.order(id)?.shown == 300)
    let level = market.result.events.compactMap {
      if case .bookLevel(_, _, _, let quantity) = $0.kind { quantity } else { nil }
    }
    #expect(level == [300])
  }

  @Test func `I2: a slice that is gone comes back at the end of the queue`() {
    let market = Market()
    market.act(Market.bob, .place(iceberg(1_000, 300)))
    market.order(Market.carol, .sell, call, 500, at: 2_000)
    // A slice that is not gone keeps its place.
    market.order(Market.alice, .buy, call, 100, at: 2_000)
    #expect(asks(market) == [700])
    market.order(Market.alice, .buy, call, 600, at: 2_000)
    #expect(makers(market) == [Market.bob, Market.carol].map { AccountID($0) } && lots(market) == [200, 400])
    #expect(asks(market) == [400])
    market.order(Market.alice, .buy, call, 800, at: 2_000)
    let expected = [Market.carol, Market.bob, Market.bob, Market.bob]
    #expect(makers(market) == expected.map { AccountID($0) } && lots(market) == [100, 300, 300, 100])
    #expect(asks(market).isEmpty)
    #expect(market.position(Market.bob, call) == -1_000)
  }

  @Test func `I2: it takes with all of it, and hides only what rests`() {
    let market = Market()
    market.order(Market.carol, .buy, call, 600, at: 2_000)
    market.act(Market.bob, .place(iceberg(1_000, 300)))
    #expect(lots(market) == [600] && asks(market) == [300])
    market.act(Market.bob, .cancel(.all))
    market.order(Market.carol, .buy, call, 800, at: 2_000)
    market.act(Market.bob, .place(iceberg(1_000, 300)))
    // What is left is less than a slice.
    #expect(asks(market) == [200])
  }

  @Test func `I3: the hidden part is real for margin`() {
    let (open, hidden) = (Market(), Market())
    open.act(Market.bob, .place(iceberg(9_000, 0)))
    hidden.act(Market.bob, .place(iceberg(9_000, 100)))
    #expect(open.account(Market.bob)?.margin == hidden.account(Market.bob)?.margin)
    open.order(Market.alice, .buy, call, 2_000, at: 2_000)
    hidden.order(Market.alice, .buy, call, 2_000, at: 2_000)
    #expect(open.account(Market.bob)?.margin == hidden.account(Market.bob)?.margin)
    let poor = Market(funds: 10_000)
    #expect(poor.act(Market.bob, .place(iceberg(9_000, 100))).rejection == .insufficientMargin)
  }

  @Test func `I1: slices are whole lots, a hundredth at least, and never of an immediate order`() {
    let market = Market()
    for order in [
      iceberg(1_000, -100), iceberg(1_000, 50), iceberg(1_000, 1_100), iceberg(10_200, 100), iceberg(1_000, .max),
      iceberg(1_000, .min), iceberg(1_000, 100, .ioc), iceberg(1_000, 100, .fok),
    ] { #expect(market.act(Market.bob, .place(order)).rejection == .badDisplay, "\(order.display)") }
    #expect(market.act(Market.bob, .place(iceberg(10_000, 100))).rejection == nil)
  }

  @Test func `I2: a smaller amend takes from what is hidden, another keeps the slice's size`() throws {
    let market = Market()
    let id = try #require(market.act(Market.bob, .place(iceberg(1_000, 300))).orders.first?.id)
    func amend(_ quantity: Quantity, _ price: Int64) {
      market.act(Market.bob, .amend(AmendOrder(order: .order(id), quantity: quantity, price: usd(price))))
    }
    amend(500, 2_000)
    #expect(asks(market) == [300] && market.house.order(id)?.remaining == 500)
    amend(200, 2_000)
    #expect(asks(market) == [200])
    amend(2_000, 2_010)
    #expect(market.house.order(id)?.remaining == 2_000 && asks(market) == [200] || asks(market) == [300])
    market.act(Market.bob, .cancel(.all))
    #expect(asks(market).isEmpty && market.house.order(id)?.shown == nil)
  }

  @Test func `I2: fill-or-kill finds what is hidden, and an undone sweep gives every slice back`() throws {
    let market = Market()
    let id = try #require(market.act(Market.bob, .place(iceberg(1_000, 300))).orders.first?.id)
    let state = market.state().filter { $0[0] == 5 || $0[0] == 32 }
    #expect(market.order(Market.alice, .buy, call, 1_100, at: 2_000, .fok)?.error == .cannotFill)
    #expect(market.state().filter { $0[0] == 5 || $0[0] == 32 } == state)
    #expect(asks(market) == [300] && market.house.order(id)?.shown == 300)
    #expect(market.order(Market.alice, .buy, call, 1_000, at: 2_000, .fok)?.state == .filled)
  }

  @Test func `INV-10: a reduce-only iceberg stops at flat, hidden or not`() {
    let market = Market()
    market.order(Market.alice, .sell, call, 1_000, at: 2_000)
    market.order(Market.bob, .buy, call, 1_000, at: 2_000)
    var order = iceberg(1_000, 100, at: 2_100)
    order.reduceOnly = true
    market.act(Market.bob, .place(order))
    // The position shrinks beside it.
    market.order(Market.carol, .buy, call, 600, at: 2_050)
    market.order(Market.bob, .sell, call, 600, at: 2_050)
    market.order(Market.alice, .buy, call, 1_000, at: 2_100)
    #expect(market.position(Market.bob, call) == 0 && asks(market).isEmpty)
  }

  @Test func `I2: an auction trades all of an iceberg`() {
    var rules = TradingRules()
    rules.outageAuction = second
    let market = Market(trading: rules)
    market.act(Market.authority, .setState(call, .auction))
    market.act(Market.bob, .place(iceberg(1_000, 100)))
    market.order(Market.alice, .buy, call, 800, at: 2_000)
    market.act(Market.authority, .setState(call, .open))
    market.price()
    #expect(market.position(Market.alice, call) == 800)
    #expect(asks(market) == [100])
  }

  @Test func `C5: a combo takes of a leg's icebergs what the book shows`() throws {
    let market = Market()
    let wing = Market.option(110_000)
    let legs = [ComboLeg(instrument: call, ratio: 1), ComboLeg(instrument: wing, ratio: -1)]
    market.act(Market.alice, .createCombo(legs))
    let combo = try #require(market.house.combos().first?.id)
    market.act(Market.bob, .place(iceberg(1_000, 100)))
    market.order(Market.carol, .sell, call, 300, at: 2_000)
    market.order(Market.carol, .buy, wing, 1_000, at: 300)
    market.order(Market.alice, .buy, combo, 400, at: 1_700)
    #expect(makers(market).filter { $0 == AccountID(Market.bob) }.count == 1)
    #expect(market.position(Market.bob, call) == -100)
    // An iceberg of combos there is not.
    let order = PlaceOrder(instrument: combo, side: .buy, quantity: 400, price: usd(1_000), display: 100)
    #expect(market.act(Market.alice, .place(order)).rejection == .badDisplay)
  }
}
