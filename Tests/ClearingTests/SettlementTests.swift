import Clearing
import Primitives
import Testing

@Suite struct SettlementTests {
  let call = Market.option(100_000)
  let put = Market.option(90_000, .put)

  /// Alice is short, Bob long: a call, a put and a future.
  func open(_ market: Market) {
    for (instrument, price) in [(call, 2_000), (put, 500), (Market.future(), 100_000)] as [(InstrumentID, Int64)] {
      market.order(Market.alice, .sell, instrument, 1_000, at: price)
      market.order(Market.bob, .buy, instrument, 1_000, at: price)
    }
  }

  @Test func `INV-16: every series of an expiry is exercised in one block and nets to zero`() throws {
    let market = Market()
    open(market)
    market.order(Market.carol, .buy, call, 1_000, at: 1_000)
    let (alice, bob) = (market.account(Market.alice)?.cash ?? 0, market.account(Market.bob)?.cash ?? 0)
    market.time = Market.friday - 40 * second
    for _ in 0..<39 { market.price(103_000) }
    #expect(market.house.instrument(call)?.state == .open)
    market.price(103_000)
    let settled = try #require(market.house.instrument(call))
    #expect(settled.state == .settled && settled.openInterest == 0)
    #expect(settled.settlementPrice == usd(103_000))
    // Call 3,000, put nothing, future 3,000.
    #expect(market.account(Market.bob)?.cash == bob + usd(6_000))
    #expect(market.account(Market.alice)?.cash == alice - usd(6_000))
    #expect(market.account(Market.bob)?.positions.isEmpty == true)
    #expect(market.account(Market.carol)?.orders.isEmpty == true)
    let events = market.result.events.filter { if case .expirySettled = $0.kind { true } else { false } }
    // BTC and ETH have an expiry at this time.
    #expect(events.count == 2)
    #expect(market.order(Market.bob, .buy, call, 100, at: 100)?.error == .instrumentNotOpen)
    #expect(market.house.oracle().feeds.allSatisfy { $0.expiry == 0 })
  }

  @Test func `The settlement price is the time-weighted mean of the last half hour`() {
    let market = Market()
    open(market)
    market.time = Market.friday - 1_801 * second
    market.checks = false
    // 90,000 until twenty minutes before the end, then 105,000: (10 x 90,000 + 20 x 105,000) / 30.
    market.price(90_000)
    market.price(105_000, after: 600 * second)
    for _ in 0..<40 { market.price(105_000) }
    market.checks = true
    market.time = Market.friday - second
    market.price(105_000)
    #expect(market.house.instrument(call)?.settlementPrice == usd(100_000))
  }

  @Test func `A fast market clock takes thirty rounds`() {
    let market = Market(rate: 3_600)
    // One market hour a second: the expiry is 96 seconds away.
    for price in 1...95 { market.price(100_000 + Int64(price) * 100) }
    market.price(200_000)
    // The thirty rounds before the expiry, 106,500 ... 109,400, weigh an hour each.
    let settled = market.house.instrument(call)?.settlementPrice
    #expect(settled == usd(107_950))
  }

  @Test func `Without prices an expiry settles after a minute on what there is`() {
    let market = Market()
    open(market)
    market.time = Market.friday
    market.submit()
    #expect(market.house.instrument(call)?.state == .settling)
    market.time += 61 * second
    market.submit()
    #expect(market.house.instrument(call)?.settlementPrice == usd(100_000))
  }

  @Test func `Settled instruments are pruned after a day`() {
    let market = Market()
    market.time = Market.friday
    market.price()
    #expect(market.house.instrument(call)?.state == .settled)
    market.time += Limits.pruneAfter
    market.price()
    #expect(market.house.instruments().isEmpty)
  }
}
