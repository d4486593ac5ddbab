import Clearing
import Primitives
import Testing

@Suite struct MarginTests {
  let call = Market.option(100_000)

  @Test func `INV-9: an order that equity cannot carry is refused`() {
    let market = Market(funds: 10_000)
    #expect(market.order(Market.alice, .sell, call, 1_000, at: 2_000)?.error == .insufficientMargin)
    #expect(market.order(Market.alice, .sell, call, 100, at: 2_000)?.state == .open)
    // What rests counts: soon the next does not fit.
    var accepted = 0
    for _ in 0..<20 where market.order(Market.alice, .sell, call, 100, at: 2_000)?.state == .open { accepted += 1 }
    #expect(accepted < 20)
  }

  @Test func `A spread needs less than its short leg`() throws {
    let market = Market()
    market.order(Market.alice, .sell, call, 1_000, at: 2_000)
    market.order(Market.bob, .buy, call, 1_000, at: 2_000)
    let naked = try #require(market.account(Market.alice)?.margin.initial)
    market.order(Market.bob, .sell, Market.option(110_000), 1_000, at: 400)
    market.order(Market.alice, .buy, Market.option(110_000), 1_000, at: 400)
    let spread = try #require(market.account(Market.alice)?.margin.initial)
    #expect(spread < naked * 7 / 10)
  }

  @Test func `Below maintenance an account is called and may only reduce`() {
    let market = Market(funds: 30_000)
    market.order(Market.alice, .sell, call, 1_000, at: 2_000)
    market.order(Market.bob, .buy, call, 1_000, at: 2_000)
    market.price(120_000)
    #expect(market.house.statistics.marginCalls == 1)
    #expect(market.account(Market.alice)?.margin.mode == .marginCall)
    #expect(market.order(Market.alice, .sell, call, 100, at: 25_000)?.error == .marginCall)
    market.order(Market.bob, .sell, call, 500, at: 20_500)
    #expect(market.order(Market.alice, .buy, call, 500, at: 20_500)?.state == .filled)
    market.price(100_000)
    #expect(market.account(Market.alice)?.margin.mode == .standard)
  }

  @Test func `INV-9: a maker whose margin is gone is cancelled instead of filled`() {
    let market = Market(funds: 30_000)
    market.order(Market.alice, .sell, call, 1_000, at: 3_000)
    market.price(103_000)
    market.price(99_000)
    market.order(Market.alice, .sell, call, 100, at: 9_000)
    market.price(125_000)
    // Both resting sells are far below the market now; the account could not carry the position.
    let taken = market.order(Market.carol, .buy, call, 1_000, at: 3_000, .ioc)
    #expect(taken?.filled == 0)
    #expect(market.position(Market.alice, call) == 0)
  }

  @Test func `The margin is the scan, exactly, of a lone long future`() throws {
    let market = Market()
    let future = Market.future()
    market.order(Market.alice, .sell, future, 1_000, at: 100_000)
    market.order(Market.bob, .buy, future, 1_000, at: 100_000)
    let margin = try #require(market.account(Market.bob)?.margin)
    // 18 % of 100,000, 1 % of the delta of 100,000, and its slope 100,000 squared / 200 million.
    #expect(margin.initial == usd(18_000 + 1_000 + 50))
    #expect(margin.maintenance == usd(14_400) + usd(525))
  }

  @Test func `Rule 24 a resting order that closes a position fills though its owner is not covered`() {
    let market = Market(funds: 20_000)
    let future = Market.future()
    market.order(Market.alice, .sell, future, 1_000, at: 100_000)
    market.order(Market.bob, .buy, future, 1_000, at: 100_000)
    market.price(102_000)
    #expect((market.account(Market.alice)?.margin.excess ?? 0) < 0)
    #expect(market.order(Market.alice, .buy, future, 1_000, at: 102_000)?.state == .open)
    #expect(market.order(Market.bob, .sell, future, 1_000, at: 102_000, .ioc)?.state == .filled)
    #expect(market.position(Market.alice, future) == 0)
  }
}
