import Clearing
import Primitives
import Testing

@Suite struct OracleTests {
  let call = Market.option(100_000)

  func observe(_ market: Market, _ prices: [Int64]) {
    market.time += second
    var inputs: [TransactionInput] = []
    for (validator, price) in zip(Market.validators, prices) {
      inputs.append(market.input(market.transaction(validator, [.observe(market.observation(price, 4_000))])))
    }
    market.block(inputs)
  }

  @Test func `The index is the median of a quorum; fewer change nothing`() {
    let market = Market()
    observe(market, [101_000, 102_000])
    #expect(market.house.instrument(call)?.index == usd(100_000))
    // The fourth validator's 100,000 of two rounds ago still counts; of four the lower middle one is taken.
    observe(market, [102_000, 103_000, 900_000])
    #expect(market.house.instrument(call)?.index == usd(102_000))
    observe(market, [101_000, 103_000, 900_000, 1])
    #expect(market.house.instrument(call)?.index == usd(101_000))
  }

  @Test func `A validator speaks once of a round, near its time, and nobody else does`() {
    let market = Market()
    let now = market.observation(100_000, 4_000)
    #expect(market.act(Market.validators[0], .observe(now)).rejection == .badRound)
    var far = now
    far.round += 2
    #expect(market.act(Market.validators[0], .observe(far)).rejection == .badRound)
    far.round = .max
    #expect(market.act(Market.validators[0], .observe(far)).rejection == .badRound)
    far.round = now.round + 1
    #expect(market.act(Market.alice, .observe(far)).rejection == .notAuthorized)
    far.prices[0].price = 0
    #expect(market.act(Market.validators[0], .observe(far)).rejection == .badObservation)
    far.prices[0].price = usd(100_000)
    far.surfaces[0].volatilities[3] = .max
    #expect(market.act(Market.validators[0], .observe(far)).rejection == .badObservation)
  }

  @Test func `The staleness ladder: three seconds, ten, sixty`() {
    let market = Market()
    market.order(Market.alice, .sell, call, 500, at: 2_000)
    market.order(Market.bob, .buy, call, 500, at: 2_000)
    market.time += 3 * second
    #expect(market.order(Market.alice, .sell, call, 100, at: 2_000)?.state == .open)
    market.time += second
    #expect(market.order(Market.alice, .sell, call, 100, at: 2_000)?.error == .stalePrice)
    #expect(market.order(Market.bob, .sell, call, 100, at: 2_500)?.state == .open)
    market.time += 7 * second
    market.submit()
    #expect(market.house.instrument(call)?.state == .cancelOnly)
    #expect(market.order(Market.bob, .sell, call, 100, at: 2_500)?.error == .stalePrice)
    #expect(market.act(Market.bob, .cancel(.all)).status == .executed)
    market.time += 50 * second
    #expect(market.house.instrument(call)?.state == .cancelOnly)
    market.submit()
    #expect(market.house.instrument(call)?.state == .halted)
    market.price()
    #expect(market.house.instrument(call)?.state == .open)
  }

  @Test func `Marks come from the surface and keep put-call parity`() throws {
    let market = Market()
    market.price(101_234)
    let parity = try #require(market.house.instrument(call)?.markPrice)
    let put = try #require(market.house.instrument(Market.option(100_000, .put))?.markPrice)
    #expect(abs(parity - put - usd(1_234)) <= 1_000)
    // At the money 0.4 x 60 % x sqrt(4/365) of the forward is 2,512; the strike is in the money by 1,234.
    #expect(parity > usd(3_000) && parity < usd(3_400))
  }

  @Test func `Without a price there is no mark and no order`() {
    let market = Market(priced: false)
    #expect(market.order(Market.alice, .sell, call, 100, at: 2_000)?.error == .noMark)
  }

  @Test func `Listing is the authority's, all or none of an action`() {
    let market = Market()
    let good = Listing(instrument: Market.option(95_000), tick: 10_000, lot: 1)
    let bad = Listing(instrument: Market.option(96_000), tick: 10_001, lot: 1)
    #expect(market.act(Market.alice, .list([good])).rejection == .notAuthorized)
    #expect(market.act(Market.authority, .list([good, bad])).rejection == .badTerms)
    #expect(market.house.instrument(good.instrument) == nil)
    #expect(market.act(Market.authority, .list([good])).status == .executed)
    #expect(market.act(Market.authority, .list([good])).rejection == .alreadyListed)
    #expect(market.house.instrument(good.instrument)?.markPrice != nil)
    #expect(market.act(Market.authority, .setState(good.instrument, .halted)).status == .executed)
    #expect(market.order(Market.bob, .buy, good.instrument, 1, at: 100)?.error == .instrumentNotOpen)
  }
}
