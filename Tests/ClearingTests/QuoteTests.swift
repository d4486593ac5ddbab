import Clearing
import Ledger
import Primitives
import Testing
import Wire

@Suite struct QuoteTests {
  let call = Market.option(100_000)
  let wing = Market.option(110_000)

  func quote(_ id: InstrumentID, _ bid: Int64, _ ask: Int64, _ lots: Quantity = 500) -> Quote {
    Quote(instrument: id, bidPrice: usd(bid), bidQuantity: lots, askPrice: usd(ask), askQuantity: lots)
  }

  func levels(_ market: Market, _ id: InstrumentID, _ side: Side) -> [Quantity] {
    let book = market.house.book(id, depth: 9)
    return (side == .buy ? book?.bids : book?.asks)?.map(\.quantity) ?? []
  }

  // MARK: Mass quotes

  @Test func `Q1: one action quotes many instruments on both sides, and replaces in place`() {
    let market = Market()
    let outcome = market.act(Market.bob, .quote([quote(call, 1_900, 2_100), quote(wing, 300, 500)]))
    #expect(outcome.orders.map(\.state) == [.open, .open, .open, .open])
    let first = outcome.orders.map(\.id)
    market.order(Market.carol, .sell, call, 500, at: 2_100)
    // Unchanged and smaller sides keep their number and place; another price does not; zero withdraws.
    var next = [quote(call, 1_900, 2_100, 300), quote(wing, 310, 500)]
    next[1].askQuantity = 0
    let again = market.act(Market.bob, .quote(next))
    #expect(again.orders.prefix(2).map(\.id) == Array(first.prefix(2)))
    #expect(levels(market, call, .sell) == [800] && levels(market, call, .buy) == [300])
    #expect(levels(market, wing, .buy) == [500] && levels(market, wing, .sell).isEmpty)
    market.order(Market.alice, .buy, call, 300, at: 2_100)
    #expect(market.result.outcomes[0].fills.map(\.maker) == [AccountID(Market.bob)])
  }

  @Test func `Q1: a quote never takes, and a refused side leaves no quote`() {
    let market = Market()
    market.act(Market.bob, .quote([quote(call, 1_900, 2_100)]))
    market.order(Market.alice, .sell, call, 100, at: 2_000)
    let outcome = market.act(Market.bob, .quote([quote(call, 2_000, 2_200)]))
    #expect(outcome.status == .executed)
    #expect(outcome.orders.map(\.error) == [.wouldCross, nil])
    #expect(levels(market, call, .buy).isEmpty && levels(market, call, .sell) == [100, 500])
    #expect(market.position(Market.bob, call) == 0)
  }

  @Test func `Q1: a transaction has at most 512 quotes`() {
    let market = Market()
    let many = Array(repeating: quote(call, 1_900, 2_100), count: 300)
    let outcome = market.act(Market.bob, .quote(many), .quote(many))
    #expect(outcome.errors.map(\.code) == [.limitReached])
    #expect(outcome.orders.count == 600)
    #expect((try? WireReader.decode(TransactionOutcome.self, from: outcome.wireBytes)) == outcome)
    #expect(levels(market, call, .sell) == [500])
  }

  // MARK: Protection

  func protect(_ market: Market, _ limits: Protection) {
    #expect(market.act(Market.bob, .protect(limits)).status == .executed)
    market.act(Market.bob, .quote([quote(call, 1_900, 2_100), quote(wing, 300, 500)]))
  }

  @Test func `Q2: quotes trade exactly up to the limit inside one sweep, then all of them go`() {
    let market = Market()
    let ether = Market.option(4_000, underlying: 1)
    protect(market, Protection(underlying: 0, window: 60 * second, quantity: 700))
    market.act(Market.bob, .quote([quote(ether, 90, 110)]))
    market.order(Market.bob, .sell, call, 500, at: 2_200)
    market.order(Market.alice, .buy, wing, 500, at: 500)
    let swept = market.order(Market.alice, .buy, call, 1_000, at: 2_100)
    #expect(swept?.filled == 200 && swept?.remaining == 800)
    #expect(market.position(Market.bob, call) + market.position(Market.bob, wing) == -700)
    #expect(levels(market, wing, .buy).isEmpty && levels(market, wing, .sell).isEmpty)
    // What is not a quote stays, and so do quotes of another underlying.
    #expect(levels(market, call, .sell) == [500] && levels(market, ether, .sell) == [500])
    #expect(
      market.act(Market.bob, .quote([quote(call, 1_900, 2_150)])).orders.map(\.error) == [.protected, .protected])
    protect(market, Protection(underlying: 0, window: 60 * second, quantity: 700))
    #expect(levels(market, wing, .sell) == [500])
  }

  @Test func `Q2: number of fills and net delta count as well, and a freeze ends by time`() {
    for limits in [
      Protection(underlying: 0, window: 60 * second, trades: 1, freeze: 2 * second),
      Protection(underlying: 0, window: 60 * second, delta: 50, freeze: 2 * second),
    ] {
      let market = Market()
      protect(market, limits)
      market.order(Market.alice, .buy, call, 200, at: 2_100)
      #expect(market.position(Market.bob, call) == -200)
      #expect(levels(market, call, .sell).isEmpty && levels(market, wing, .buy).isEmpty)
      market.price()
      #expect(market.act(Market.bob, .quote([quote(wing, 300, 500)])).orders.first?.error == .protected)
      market.price()
      #expect(market.act(Market.bob, .quote([quote(wing, 300, 500)])).orders.first?.state == .open)
    }
  }

  @Test func `Q2: a new window begins when the old one is over`() {
    let market = Market()
    protect(market, Protection(underlying: 0, window: 2 * second, quantity: 300))
    market.order(Market.alice, .buy, call, 200, at: 2_100)
    market.price()
    market.price()
    market.order(Market.alice, .buy, call, 200, at: 2_100)
    #expect(market.position(Market.bob, call) == -400)
    market.order(Market.alice, .buy, call, 200, at: 2_100)
    #expect(market.position(Market.bob, call) == -500)
  }

  @Test func `Protection outside its bounds is refused`() {
    let market = Market()
    for limits in [
      Protection(underlying: 9, window: second, quantity: 1), Protection(underlying: 0, window: 0, quantity: 1),
      Protection(underlying: 0, window: .max, quantity: 1), Protection(underlying: 0, window: second, quantity: -1),
      Protection(underlying: 0, window: second, delta: .max), Protection(underlying: 0, window: second, freeze: -1),
    ] { #expect(market.act(Market.bob, .protect(limits)).rejection == .badQuantity) }
  }

  // MARK: Lease

  @Test func `Q3: an account that falls silent loses its orders, one that speaks keeps them`() {
    let market = Market()
    market.act(Market.bob, .lease(span: 3 * second))
    market.order(Market.bob, .sell, call, 500, at: 2_100)
    market.order(Market.alice, .sell, call, 500, at: 2_100)
    for _ in 0..<4 {
      market.time += 2 * second
      market.act(
        Market.bob, .cancel(.all), .place(PlaceOrder(instrument: wing, side: .buy, quantity: 100, price: usd(9))))
    }
    #expect(market.house.tables.leases.count == 1)
    market.price()
    market.order(Market.bob, .sell, call, 500, at: 2_100)
    #expect(levels(market, call, .sell) == [1_000])
    for _ in 0..<3 { market.price() }
    #expect(levels(market, call, .sell) == [500])
    #expect(market.house.tables.leases.count == 0)
    #expect(market.act(Market.bob, .lease(span: -1)).rejection == .badTime)
  }

  @Test func `Q3: a restarted node ends the same leases in the same block`() {
    let market = Market()
    for trader in [Market.carol, Market.bob, Market.alice] {
      market.act(trader, .lease(span: 5 * second))
      market.act(trader, .place(PlaceOrder(instrument: wing, side: .buy, quantity: 100, price: usd(9))))
    }
    market.time += 2 * second
    market.act(Market.carol, .lease(span: 3 * second))
    var restarted = market.house
    restarted.rebuildIndices()
    market.time += 3 * second
    market.block([])
    var result = BlockResult()
    restarted.apply(BlockInput(height: market.height, timestamp: market.time, transactions: []), into: &result)
    #expect(result.events == market.result.events && result.changes == market.result.changes)
    #expect(market.house.sizes.openOrders == 0)
  }

  // MARK: Self-trade and cancels

  @Test func `Self-trade prevention can take the quantity from both orders`() throws {
    let market = Market()
    let resting = try #require(market.order(Market.alice, .sell, call, 500, at: 2_000))
    var order = PlaceOrder(instrument: call, side: .buy, quantity: 200, price: usd(2_000), selfTrade: .decrement)
    let first = try #require(market.act(Market.alice, .place(order)).orders.first)
    #expect(first.state == .cancelled && first.filled == 0 && first.remaining == 0)
    #expect(market.house.order(resting.id)?.remaining == 300)
    #expect(market.house.order(resting.id)?.filled == 0)
    market.order(Market.carol, .sell, call, 100, at: 2_000)
    order.quantity = 600
    let second = try #require(market.act(Market.alice, .place(order)).orders.first)
    #expect(second.state == .open && second.filled == 100 && second.remaining == 200)
    #expect(market.house.order(second.id)?.quantity == 300)
    #expect(market.position(Market.alice, call) == 100)
    order.timeInForce = .fok
    order.side = .sell
    order.quantity = 100
    #expect(market.act(Market.alice, .place(order)).rejection == .cannotFill)
    #expect(market.house.order(second.id)?.remaining == 200)
  }

  @Test func `Cancels by expiry, side and of quotes`() {
    let market = Market()
    market.act(Market.bob, .quote([quote(call, 1_900, 2_100)]))
    market.order(Market.bob, .buy, wing, 100, at: 300)
    market.order(Market.bob, .sell, wing, 100, at: 500)
    market.act(Market.bob, .cancel(.quotes))
    #expect(market.account(Market.bob)?.orders.count == 2)
    market.act(Market.bob, .cancel(.side(.sell)))
    #expect(market.account(Market.bob)?.orders.map(\.side) == [.buy])
    market.act(Market.bob, .cancel(.expiry(0, Market.friday + Duration64.day)))
    #expect(market.account(Market.bob)?.orders.count == 1)
    market.act(Market.bob, .cancel(.expiry(0, Market.friday)))
    #expect(market.account(Market.bob)?.orders.isEmpty == true)
  }

  @Test func `The actions of makers read back as they are written`() throws {
    let actions: [Action] = [
      .quote([quote(call, 1, 2)]), .protect(Protection(underlying: 1, window: 2, quantity: 3, delta: 4, trades: 5)),
      .lease(span: 7), .cancel(.expiry(1, 2)), .cancel(.side(.sell)), .cancel(.quotes), .fund(amount: -3),
      .backstop(limit: 9), .bid(LiquidationBid(account: .zero, share: 1, leastReward: 2)),
    ]
    for action in actions { #expect(try WireReader.decode(Action.self, from: action.wireBytes) == action) }
  }
}
