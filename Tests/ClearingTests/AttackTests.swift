// Attempts to get more out of the engine than the rules give: each of these once succeeded, or would take the node down.

import Clearing
import Ledger
import Primitives
import Testing
import Wire

@Suite struct AttackTests {
  let call = Market.option(100_000)

  private func place(_ side: Side, _ quantity: Quantity, at dollars: Int64, postOnly: Bool = false) -> Action {
    .place(PlaceOrder(instrument: call, side: side, quantity: quantity, price: usd(dollars), postOnly: postOnly))
  }

  @Test func `INV-9: an account short of margin cannot give its equity away by closing at an absurd price`() throws {
    let market = Market(funds: 30_000)
    market.order(Market.alice, .sell, call, 1_000, at: 2_000)
    market.order(Market.bob, .buy, call, 1_000, at: 2_000)
    market.price(120_000)
    let before = try #require(market.account(Market.alice)?.margin)
    #expect(before.excess < 0 && before.equity > 0)
    // The accomplice asks far above the mark; the margin that closing frees would pay for it, and the house for the rest.
    let absurd = 22_000 + before.equity / 1_000_000
    market.order(Market.carol, .sell, call, 1_000, at: absurd)
    #expect(market.order(Market.alice, .buy, call, 1_000, at: absurd)?.error == .insufficientMargin)
    let half = market.order(Market.alice, .buy, call, 500, at: absurd)
    #expect(half?.error == .insufficientMargin)
    #expect(try #require(market.account(Market.alice)?.margin.equity) >= 0)
    // A little above the mark is what closing costs.
    market.order(Market.bob, .sell, call, 500, at: 20_600)
    #expect(market.order(Market.alice, .buy, call, 500, at: 20_600)?.state == .filled)
  }

  @Test func `INV-9: nor as the maker of an order from better days`() throws {
    let market = Market(funds: 60_000)
    let ether = Market.option(4_000, underlying: 1)
    market.order(Market.alice, .sell, call, 1_000, at: 2_000)
    market.order(Market.bob, .buy, call, 1_000, at: 2_000)
    market.order(Market.alice, .sell, ether, 20_000, at: 100)
    market.order(Market.bob, .buy, ether, 20_000, at: 100)
    #expect(market.order(Market.alice, .buy, call, 500, at: 29_000)?.state == .open)
    market.price(100_000, 6_000)
    let margin = try #require(market.account(Market.alice)?.margin)
    #expect(margin.equity > 0 && margin.excess < 0)
    #expect(market.order(Market.carol, .sell, call, 500, at: 29_000, .ioc)?.filled == 0)
    #expect(market.position(Market.alice, call) == -1_000)
  }

  @Test func `An amended post-only order still takes nothing`() {
    let market = Market()
    market.order(Market.bob, .sell, call, 1_000, at: 2_000)
    let order = market.act(Market.alice, place(.buy, 1_000, at: 1_900, postOnly: true)).orders.first
    let outcome = market.act(
      Market.alice, .amend(AmendOrder(order: .order(order?.id ?? 0), quantity: 1_000, price: usd(2_000))))
    #expect(outcome.rejection == .wouldCross)
    #expect(market.position(Market.alice, call) == 0)
    #expect(market.house.book(call, depth: 5)?.bids.first?.price == usd(1_900))
  }

  @Test func `INV-21: a refused listing leaves nothing behind that a restarted node would not know`() {
    let market = Market(funds: 30_000)
    market.order(Market.alice, .sell, call, 1_000, at: 2_000)
    market.order(Market.bob, .buy, call, 1_000, at: 2_000)
    market.price(120_000)
    #expect(market.account(Market.alice)?.margin.mode == .marginCall)
    let deposit = Deposit(
      account: AccountID(Market.alice), amount: usd(100_000), reference: Digest(words: (9, 9, 9, 9)))
    market.act(Market.custodian, .deposit(deposit))
    let listings = [
      Listing(instrument: Market.option(105_000), tick: 10_000, lot: 100),
      Listing(instrument: call, tick: 10_000, lot: 100),
    ]
    // The withdrawal makes it a transaction of the last class, after the marks of the block.
    let refused = market.act(Market.authority, .withdraw(amount: 0, destination: []), .list(listings))
    #expect(refused.errors.count == 2)
    var restarted = market.house
    restarted.rebuildIndices()
    market.block([])
    var result = BlockResult()
    restarted.apply(BlockInput(height: market.height, timestamp: market.time, transactions: []), into: &result)
    #expect(stateBytes(&restarted) == market.state())
    #expect(result.events == market.result.events)
  }

  @Test func `The largest receipt can be read back`() throws {
    let market = Market(funds: 1_000_000_000)
    market.checks = false
    let strikes = [90_000, 100_000, 110_000] as [Int64]
    var placed = 0
    while placed < Limits.maxOpenOrders {
      let count = min(Limits.maxActions, Limits.maxOpenOrders - placed)
      let actions = (0..<count).map { number in
        let option = Market.option(strikes[(placed + number) % 3])
        return Action.place(PlaceOrder(instrument: option, side: .buy, quantity: 100, price: usd(1)))
      }
      placed += count
      market.submit(market.transaction(Market.alice, actions))
    }
    #expect(market.house.sizes.openOrders == UInt64(Limits.maxOpenOrders))
    var actions: [Action] = [.cancel(.all)]
    while actions.count < Limits.maxActions - 1 { actions.append(place(.buy, 100, at: 1)) }
    actions.append(.cancel(.all))
    market.submit(market.transaction(Market.alice, actions))
    let outcome = try #require(market.result.outcomes.first)
    #expect(outcome.orders.count == Limits.maxOpenOrders + 2 * (Limits.maxActions - 2))
    #expect(try WireReader.decode(TransactionOutcome.self, from: outcome.wireBytes) == outcome)
  }

  @Test(arguments: [10_000, 180_000, 900_000] as [Int64]) func `No price within the limits takes a node down`(
    range: Int64
  ) {
    let far = (start / Duration64.hour + 24 * 365 * 150) * Duration64.hour
    let prices: [Int64] = [1_000, 1_000_000, usd(100), usd(100_000), Limits.maxPrice]
    var listings: [Listing] = []
    for expiry in [Market.friday, far] {
      for strike in prices {
        for kind in [InstrumentKind.call, .put] {
          guard let id = InstrumentID(underlying: 0, kind: kind, expiry: expiry, strike: strike) else { continue }
          listings.append(Listing(instrument: id, tick: 1_000, lot: 1))
        }
      }
      listings.append(Listing(instrument: Market.future(expiry: expiry), tick: 1_000, lot: 1))
    }
    var genesis = Market.genesis()
    genesis.listings = listings
    genesis.risk.priceRange = range
    let traders = [Market.alice, Market.bob]
    genesis.accounts = traders.map { FundedAccount(account: AccountID($0), amount: Limits.maxDeposits / 2) }
    let market = Market(funds: 1)
    market.house = ClearingHouse(genesis: genesis, chain: Market.chain)
    market.house.sealGenesis(into: &market.genesisChanges)
    var random = SeededRandom(seed: UInt64(range))
    var fills = 0
    for round in 0..<120 {
      market.time += second
      let price = prices[Int(random.below(5))]
      let forward = prices[Int(random.below(5))]
      let level = [10_000, 600_000, 20_000_000][Int(random.below(3))] as Int64
      let surfaces = [Market.friday, far].map {
        SurfaceQuote(underlying: 0, expiry: $0, forward: forward, volatilities: Array(repeating: level, count: 9))
      }
      let observation = Observation(
        round: market.house.round(at: market.time), prices: [IndexQuote(underlying: 0, price: price)],
        surfaces: surfaces)
      market.block(
        Market.validators.map { market.input(market.transaction($0, [.observe(observation)])) })
      for trader in traders {
        let actions = (0..<30).map { _ in
          let id = listings[Int(random.below(UInt64(listings.count)))].instrument
          let quantity = [1, 1_000, Limits.maxOrderQuantity][Int(random.below(3))]
          return Action.place(
            PlaceOrder(
              instrument: id, side: random.below(2) == 0 ? .buy : .sell, quantity: quantity,
              price: prices[Int(random.below(5))]))
        }
        market.submit(market.transaction(trader, actions))
        fills += market.result.outcomes.reduce(0) { $0 + $1.fills.count }
        if round % 3 == 0 { market.act(trader, .cancel(.all)) }
      }
    }
    market.time = Market.friday + 70 * second
    market.block([])
    #expect(fills > 10)
  }
}
