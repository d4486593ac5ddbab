import Clearing
import Ledger
import Primitives
import Testing
import Wire

@Suite struct AuctionTests {
  let call = Market.option(100_000)

  static func rules(_ change: (inout TradingRules) -> Void) -> TradingRules {
    var rules = TradingRules()
    change(&rules)
    return rules
  }

  func set(_ market: Market, _ state: InstrumentState, _ id: InstrumentID? = nil) -> TransactionOutcome {
    market.act(Market.authority, .setState(id ?? call, state))
  }

  func state(_ market: Market) -> InstrumentState? { market.house.instrument(call)?.state }

  func trades(_ market: Market) -> [TradeEvent] {
    market.result.events.compactMap { if case .trade(let trade) = $0.kind { trade } else { nil } }
  }

  // MARK: A1

  @Test func `A1: each state takes what the table says`() {
    let order = PlaceOrder(instrument: call, side: .buy, quantity: 100, price: usd(1_000))
    func place(_ state: InstrumentState, _ change: (inout PlaceOrder) -> Void) -> RejectionCode? {
      let market = Market()
      market.order(Market.alice, .buy, call, 100, at: 2_000)
      market.order(Market.carol, .sell, call, 100, at: 2_000)
      if state != .open { #expect(set(market, state).status == .executed) }
      var order = order
      change(&order)
      return market.act(Market.alice, .place(order)).rejection
    }
    let kinds: [(inout PlaceOrder) -> Void] = [
      { _ in }, { $0.postOnly = true }, { $0.timeInForce = .ioc }, { $0.timeInForce = .auctionOnly },
      {
        $0.side = .sell
        $0.price = usd(2_500)
      },
    ]
    let no = RejectionCode.instrumentNotOpen
    let expected: [(InstrumentState, [RejectionCode?])] = [
      (.open, [nil, nil, nil, no, nil]), (.postOnly, [no, nil, no, no, no]),
      (.reduceOnly, [.notReducing, .notReducing, .notReducing, no, nil]), (.auction, [nil, nil, no, nil, nil]),
      (.pending, [no, no, no, no, no]), (.cancelOnly, [no, no, no, no, no]), (.halted, [no, no, no, no, no]),
    ]
    for (state, codes) in expected {
      #expect(kinds.map { place(state, $0) } == codes, "\(state)")
    }
  }

  @Test func `A1: cancels go in every state, and amends where orders are taken`() {
    for state in [InstrumentState.auction, .pending, .postOnly, .reduceOnly, .cancelOnly, .halted] {
      let market = Market()
      let id = market.order(Market.alice, .buy, call, 200, at: 1_000)?.id ?? 0
      _ = set(market, state)
      let amend = market.act(Market.alice, .amend(AmendOrder(order: .order(id), quantity: 100, price: usd(1_000))))
      let takes = state == .auction || state == .postOnly || state == .reduceOnly
      #expect(amend.rejection == (takes ? nil : .instrumentNotOpen), "\(state)")
      #expect(market.act(Market.alice, .cancel(.all)).orders.map(\.state) == [.cancelled])
    }
  }

  // MARK: A2

  /// The documents' example.
  @Test func `A2: everybody trades at the price that trades most`() {
    let market = Market()
    _ = set(market, .auction)
    market.order(Market.alice, .buy, call, 500, at: 2_100)
    market.order(Market.alice, .buy, call, 300, at: 2_000)
    market.order(Market.bob, .sell, call, 400, at: 1_900)
    market.order(Market.carol, .sell, call, 300, at: 2_000)
    #expect(market.result.events.allSatisfy { if case .trade = $0.kind { false } else { true } })
    let view = market.house.instrument(call)?.auction
    #expect(view?.price == usd(2_000) && view?.quantity == 700)
    let before = market.account(Market.carol)?.cash ?? 0
    _ = set(market, .open)
    market.price()
    #expect(trades(market).map(\.price) == [usd(2_000), usd(2_000), usd(2_000)])
    #expect(trades(market).map(\.quantity) == [400, 100, 200])
    #expect(market.position(Market.alice, call) == 700 && market.position(Market.carol, call) == -300)
    // Both sides pay the maker's fee: 0.01 % of the index.
    #expect(trades(market).allSatisfy { $0.takerFee == $0.makerFee && $0.makerFee == 10_000_000 * $0.quantity / 1_000 })
    #expect(market.account(Market.carol)?.cash == before + usd(600) - usd(3))
    #expect(state(market) == .open)
    #expect(market.house.book(call, depth: 9)?.bids.map(\.quantity) == [100])
    #expect(market.house.book(call, depth: 9)?.asks.isEmpty == true)
  }

  /// Every price on the tick, tried.
  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func `A2: the price is the best of all prices by the rule`(_ seed: UInt64) {
    var random = SeededRandom(seed: seed)
    for _ in 0..<40 {
      let market = Market(funds: 100_000_000)
      market.checks = false
      _ = set(market, .auction)
      var orders: [(side: Side, price: Int64, lots: Int64)] = []
      for _ in 0..<(1 + random.below(7)) {
        let side: Side = random.below(2) == 0 ? .buy : .sell
        let order = (side, Int64(1_990 + random.below(16)), Int64(1 + random.below(4)) * 100)
        orders.append(order)
        market.order(side == .buy ? Market.alice : Market.bob, side, call, order.2, at: order.1)
      }
      let mark = market.house.instrument(call)?.markPrice ?? 0
      var best: (volume: Int64, surplus: Int64, prices: [Int64]) = (0, 0, [])
      // Ticks of 0.01 USD.
      for price in stride(from: usd(1_990), through: usd(2_006), by: 10_000) {
        let demand = orders.filter { $0.side == .buy && usd($0.price) >= price }.reduce(0) { $0 + $1.lots }
        let supply = orders.filter { $0.side == .sell && usd($0.price) <= price }.reduce(0) { $0 + $1.lots }
        let (volume, surplus) = (min(demand, supply), demand - supply)
        if volume > best.volume || volume == best.volume && abs(surplus) < abs(best.surplus) {
          best = (volume, surplus, [price])
        } else if volume == best.volume, abs(surplus) == abs(best.surplus) {
          best.prices.append(price)
        }
      }
      let view = market.house.instrument(call)?.auction
      guard best.volume > 0 else {
        #expect(view?.price == nil)
        continue
      }
      let allBuyers = best.prices.allSatisfy { price in
        let demand = orders.filter { $0.side == .buy && usd($0.price) >= price }.reduce(0) { $0 + $1.lots }
        return demand > orders.filter { $0.side == .sell && usd($0.price) <= price }.reduce(0) { $0 + $1.lots }
      }
      let allSellers = best.prices.allSatisfy { price in
        let demand = orders.filter { $0.side == .buy && usd($0.price) >= price }.reduce(0) { $0 + $1.lots }
        return demand < orders.filter { $0.side == .sell && usd($0.price) <= price }.reduce(0) { $0 + $1.lots }
      }
      let near = best.prices.min { abs($0 - mark / 10_000 * 10_000) < abs($1 - mark / 10_000 * 10_000) }
      let expected = allBuyers ? best.prices.max() : allSellers ? best.prices.min() : near
      #expect(view?.price == expected && view?.quantity == best.volume, "\(orders)")
      _ = set(market, .open)
      market.price()
      #expect(trades(market).reduce(0) { $0 + $1.quantity } == best.volume)
      #expect(market.house.checkInvariants().isEmpty)
    }
  }

  // MARK: A3

  @Test func `A3: an auction waits for fresh prices, and only then ends`() {
    let market = Market()
    market.order(Market.alice, .buy, call, 100, at: 2_000)
    _ = set(market, .auction)
    market.order(Market.bob, .sell, call, 100, at: 1_000)
    _ = set(market, .open)
    market.time += 5 * second
    market.block([])
    #expect(state(market) == .auction)
    market.price()
    market.block([])
    #expect(state(market) == .open && market.position(Market.alice, call) == 100)
  }

  @Test func `A3: who lacks margin or has nothing to reduce falls out, and the rest finds its price`() {
    let market = Market(funds: 30_000)
    market.order(Market.alice, .buy, call, 100, at: 2_000)
    market.order(Market.bob, .sell, call, 100, at: 2_000)
    _ = set(market, .auction)
    market.act(
      Market.alice,
      .place(PlaceOrder(instrument: call, side: .sell, quantity: 100, price: usd(100), reduceOnly: true)))
    // What alice holds she has sold by the time of the reduce-only order's turn.
    market.order(Market.alice, .sell, call, 100, at: 90)
    market.order(Market.carol, .buy, call, 500, at: 3_000)
    market.order(Market.bob, .sell, call, 200, at: 2_500)
    _ = set(market, .open)
    market.price()
    #expect(market.position(Market.alice, call) == 0)
    #expect(market.position(Market.carol, call) == 300)
    #expect(market.account(Market.alice)?.orders.isEmpty == true)
  }

  @Test func `A3: own orders do not trade with each other`() {
    let cases: [(SelfTradePrevention, [Quantity])] = [
      (.cancelMaker, [300]), (.cancelTaker, [200]), (.cancelBoth, []), (.decrement, [100]),
    ]
    for (rule, left) in cases {
      let market = Market()
      _ = set(market, .auction)
      market.order(Market.alice, .buy, call, 200, at: 2_000)
      market.act(
        Market.alice,
        .place(PlaceOrder(instrument: call, side: .sell, quantity: 300, price: usd(1_900), selfTrade: rule)))
      _ = set(market, .open)
      market.price()
      #expect(market.account(Market.alice)?.orders.map(\.remaining) == left, "\(rule)")
      #expect(trades(market).isEmpty && state(market) == .open)
    }
  }

  @Test func `A3: an auction-only order leaves with the auction, quotes count for their protection`() {
    let market = Market()
    market.act(Market.bob, .protect(Protection(underlying: 0, window: 60 * second, quantity: 200)))
    _ = set(market, .auction)
    market.order(Market.alice, .buy, call, 500, at: 2_100, .auctionOnly)
    #expect(market.account(Market.alice)?.orders.map(\.timeInForce) == [.auctionOnly])
    let quote = Quote(
      instrument: call, bidPrice: usd(1_000), bidQuantity: 100, askPrice: usd(2_000), askQuantity: 500)
    market.act(Market.bob, .quote([quote]))
    _ = set(market, .open)
    market.price()
    #expect(market.position(Market.alice, call) == 200)
    #expect(market.account(Market.alice)?.orders.isEmpty == true)
    #expect(market.account(Market.bob)?.orders.isEmpty == true)
  }

  // MARK: A4, A5

  @Test func `A4: a new instrument opens with an auction after its first fresh mark`() {
    let market = Market(priced: false, trading: Self.rules { $0.openingAuction = 2 * second })
    #expect(market.house.tables.instruments[call]?.state == .pending)
    market.block([])
    #expect(market.order(Market.alice, .buy, call, 100, at: 2_000)?.error == .instrumentNotOpen)
    market.price()
    #expect(state(market) == .auction)
    market.order(Market.alice, .buy, call, 100, at: 2_000)
    market.order(Market.bob, .sell, call, 100, at: 1_800)
    market.price()
    #expect(state(market) == .auction)
    market.price()
    #expect(state(market) == .open && market.position(Market.alice, call) == 100)
  }

  @Test func `A4: after 60 s without prices trading begins with an auction`() {
    let market = Market(trading: Self.rules { $0.outageAuction = 2 * second })
    market.price(after: 60 * second)
    #expect(state(market) == .open)
    market.price(after: 61 * second)
    #expect(state(market) == .auction)
    market.price()
    market.price()
    #expect(state(market) == .open)
  }

  @Test func `A5: a book that is crossed opens through an auction only`() {
    let market = Market()
    _ = set(market, .auction)
    market.order(Market.alice, .buy, call, 100, at: 2_000)
    market.order(Market.bob, .sell, call, 100, at: 1_800)
    _ = set(market, .halted)
    market.price()
    #expect(trades(market).isEmpty)
    for state in [InstrumentState.postOnly, .reduceOnly] {
      #expect(set(market, state).rejection == .instrumentNotOpen)
    }
    _ = set(market, .open)
    #expect(state(market) == .auction)
    market.price()
    #expect(state(market) == .open && market.position(Market.alice, call) == 100)
    for state in [InstrumentState.settling, .settled] {
      #expect(set(market, state).rejection == .instrumentNotOpen)
    }
  }

  @Test func `A restarted node ends the same auctions with the same trades`() {
    let market = Market(trading: Self.rules { $0.outageAuction = 3 * second })
    _ = set(market, .auction)
    for (trader, side, price) in [
      (Market.alice, Side.buy, 2_000), (Market.bob, .sell, 1_800), (Market.carol, .buy, 1_900),
      (Market.bob, .sell, 1_700),
    ] as [(PublicKey, Side, Int64)] { market.order(trader, side, call, 100, at: price) }
    _ = set(market, .open)
    var restarted = market.house
    restarted.rebuildIndices()
    market.time += second
    market.block([], release: false)
    #expect(trades(market).count == 2)
    var result = BlockResult()
    restarted.apply(BlockInput(height: market.height, timestamp: market.time, transactions: []), into: &result)
    #expect(result.events == market.result.events && result.changes == market.result.changes)
  }

  // MARK: B1, B2

  @Test func `B1: an order far beyond the mark is refused`() {
    let market = Market(trading: Self.rules { $0.limitOfIndex = 10_000 })
    let mark = market.house.instrument(call)?.markPrice ?? 0
    let edge = (mark / 1_000_000) + 1_000
    #expect(market.order(Market.alice, .buy, call, 100, at: edge + 1)?.error == .outsideBand)
    #expect(market.order(Market.alice, .buy, call, 100, at: edge)?.state == .open)
    #expect(market.order(Market.bob, .sell, call, 100, at: edge + 5_000)?.state == .open)
    #expect(market.order(Market.bob, .sell, call, 100, at: edge - 2_001)?.error == .outsideBand)
  }

  /// The documents' example.
  @Test func `B2: a trade beyond the band becomes an auction`() {
    let rules = Self.rules {
      $0.bandOfIndex = 5_000
      $0.volatilityAuction = 2 * second
    }
    let market = Market(trading: rules)
    let mark = (market.house.instrument(call)?.markPrice ?? 0) / 1_000_000
    market.order(Market.bob, .sell, call, 100, at: mark + 400)
    market.order(Market.bob, .sell, call, 100, at: mark + 600)
    // What cannot stay stops at the band.
    let sweep = market.order(Market.alice, .buy, call, 300, at: mark + 900, .ioc)
    #expect(sweep?.filled == 100 && sweep?.state == .cancelled && state(market) == .open)
    #expect(market.order(Market.alice, .buy, call, 100, at: mark + 900, .fok)?.error == .cannotFill)
    #expect(state(market) == .open)
    let resting = market.order(Market.alice, .buy, call, 300, at: mark + 900)
    #expect(resting?.filled == 0 && resting?.state == .open && state(market) == .auction)
    // Others have time to offer better.
    market.order(Market.carol, .sell, call, 300, at: mark + 100)
    market.price()
    market.price()
    #expect(state(market) == .open && market.position(Market.carol, call) == -300)
    #expect(market.position(Market.alice, call) == 400 && market.position(Market.bob, call) == -100)
  }

  @Test func `B2: without an auction everything stops at the band`() {
    let market = Market(trading: Self.rules { $0.bandOfMark = 100_000 })
    market.order(Market.bob, .sell, call, 100, at: 10_000)
    let order = market.order(Market.alice, .buy, call, 100, at: 10_000)
    #expect(order?.state == .cancelled && order?.filled == 0 && state(market) == .open)
  }

  // MARK: Broken on purpose

  @Test func `INV-19 an auction that never ends, and an order that outlives it`() {
    let market = Market()
    _ = set(market, .auction)
    market.order(Market.alice, .buy, call, 100, at: 2_000, .auctionOnly)
    #expect(market.house.checkInvariants().isEmpty)
    var lost = market.house
    var drop = Tamper { (table: inout Table<InstrumentID, AuctionRecord>) in table.remove(self.call) }
    lost.visitTables(&drop)
    #expect(lost.checkInvariants().map(\.invariant) == [19])
    var open = Tamper { (table: inout Table<InstrumentID, InstrumentRecord>) in
      table.update(self.call) { $0.state = .open }
    }
    lost.visitTables(&open)
    #expect(lost.checkInvariants().map(\.invariant) == [6])
  }

  @Test func `Rules out of range are no genesis`() {
    for rules in [
      Self.rules { $0.limitOfMark = -1 }, Self.rules { $0.bandOfIndex = 20_000_000 },
      Self.rules { $0.openingAuction = 2 * Duration64.hour }, Self.rules { $0.outageAuction = -1 },
    ] { #expect(Market.genesis(trading: rules).fault() != nil) }
  }
}
