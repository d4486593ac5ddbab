import Clearing
import Ledger
import Primitives
import Testing
import Wire

@Suite struct ComboTests {
  let low = Market.option(100_000)
  let high = Market.option(110_000)
  let combo = InstrumentID(combo: 1, of: 0)

  /// Its buyer buys the 100,000 call and sells the 110,000 one.
  func spread(_ market: Market) {
    create(market, [ComboLeg(instrument: low, ratio: 1), ComboLeg(instrument: high, ratio: -1)])
  }

  @discardableResult func create(_ market: Market, _ legs: [ComboLeg]) -> RejectionCode? {
    market.act(Market.carol, .createCombo(legs)).rejection
  }

  func trades(_ market: Market) -> [ComboTradeEvent] {
    market.result.events.compactMap { if case .comboTrade(let trade) = $0.kind { trade } else { nil } }
  }

  func mark(_ market: Market, _ id: InstrumentID) -> Price { market.house.instrument(id)?.markPrice ?? 0 }

  // MARK: C1

  @Test func `C1: legs of one underlying, ascending, in ratios up to ten without a common divisor`() {
    let market = Market()
    let ether = Market.option(4_000, underlying: 1)
    func leg(_ id: InstrumentID, _ ratio: Int64) -> ComboLeg { ComboLeg(instrument: id, ratio: ratio) }
    for legs in [
      [], [leg(low, 1)], [leg(high, 1), leg(low, -1)], [leg(low, 1), leg(low, 1)], [leg(low, -1), leg(high, 1)],
      [leg(low, 1), leg(high, 0)], [leg(low, 1), leg(high, 11)], [leg(low, 1), leg(high, .min)],
      [leg(low, 2), leg(high, -2)], [leg(low, 2), leg(high, -3)], [leg(low, 1), leg(ether, 1)],
      [leg(low, 1), leg(combo, 1)],
    ] { #expect(create(market, legs) == .badTerms, "\(legs)") }
    #expect(create(market, [leg(Market.option(99_000), 1), leg(low, -1)]) == .unknownInstrument)
    #expect(create(market, [leg(low, 1), leg(high, -2)]) == nil)
    #expect(create(market, [leg(low, 1), leg(high, -2)]) == .alreadyListed)
    let view = market.house.combos().first
    #expect(view?.id == combo && view?.markPrice == mark(market, low) - 2 * mark(market, high))
    let name = InstrumentName.format(combo, underlyings: market.house.genesis.underlyings)
    #expect(name == "BTC-COMBO-1" && market.house.instrumentID(name) == combo)
    #expect(market.act(Market.authority, .setState(combo, .halted)).rejection == .instrumentNotOpen)
  }

  @Test func `C1: a combo that an undone transaction made leaves nothing behind`() {
    let market = Market()
    let legs = [ComboLeg(instrument: low, ratio: 1), ComboLeg(instrument: high, ratio: -1)]
    let before = market.state()
    market.act(
      Market.alice, .createCombo(legs),
      .place(PlaceOrder(instrument: combo, side: .buy, quantity: 100, price: usd(2_000))),
      .place(PlaceOrder(instrument: low, side: .buy, quantity: 1, price: usd(2_000))), mode: .allOrNothing)
    #expect(market.house.combos().isEmpty && market.account(Market.alice)?.orders.isEmpty == true)
    #expect(market.state().count == before.count + 1)
    spread(market)
    #expect(market.house.combos().map(\.id) == [combo])
  }

  // MARK: C2 to C4

  @Test func `C4: two orders for a combo trade every leg in one event, at prices that add up`() {
    let market = Market()
    spread(market)
    let price = (mark(market, low) - mark(market, high)) / 1_000_000 + 200
    #expect(market.order(Market.bob, .sell, combo, 500, at: price)?.state == .open)
    let taken = market.order(Market.alice, .buy, combo, 300, at: price + 50)
    #expect(taken?.state == .filled && taken?.filled == 300)
    #expect(trades(market).count == 1 && trades(market).first?.price == usd(price))
    #expect(market.result.events.allSatisfy { if case .trade = $0.kind { false } else { true } })
    #expect(market.position(Market.alice, low) == 300 && market.position(Market.alice, high) == -300)
    #expect(market.position(Market.bob, low) == -300 && market.position(Market.bob, high) == 300)
    #expect(market.result.outcomes[0].fills.map(\.instrument) == [low, high])
    // The single legs take the difference, the first one first.
    #expect(trades(market).first?.legs.map(\.price) == [mark(market, high) + usd(price), mark(market, high)])
    let fees = market.result.outcomes[0].fills.reduce(0) { $0 + $1.fee }
    #expect(market.account(Market.alice)?.cash == usd(1_000_000) - usd(price) * 300 / 1_000 - fees)
    #expect(market.house.combos().first?.volume == 300)
  }

  @Test func `C2: prices may be negative, quantities count with all legs`() {
    let market = Market()
    create(market, [ComboLeg(instrument: low, ratio: 1), ComboLeg(instrument: high, ratio: -3)])
    #expect(market.order(Market.alice, .buy, combo, 100, at: -500)?.state == .open)
    #expect(market.order(Market.bob, .sell, combo, 100, at: -500)?.state == .filled)
    #expect(trades(market).first?.price == usd(-500))
    #expect(market.position(Market.bob, high) == 300)
    #expect(market.order(Market.alice, .buy, combo, 25_000_100, at: -500)?.error == .badQuantity)
    let order = PlaceOrder(instrument: combo, side: .sell, quantity: 100, price: usd(1), reduceOnly: true)
    #expect(market.act(Market.alice, .place(order)).rejection == .notReducing)
    _ = market.act(Market.authority, .setState(low, .halted))
    #expect(market.order(Market.alice, .buy, combo, 100, at: -500)?.error == .instrumentNotOpen)
  }

  @Test func `C3: the margin of a spread is the spread's, not that of its legs`() {
    let market = Market(funds: 12_000)
    spread(market)
    // Naked it needs more than there is; as a spread it can lose no more than 10,000 less its price.
    #expect(market.order(Market.alice, .sell, low, 1_000, at: 2_000)?.error == .insufficientMargin)
    #expect(market.order(Market.alice, .sell, combo, 1_000, at: 1_500)?.state == .open)
    let resting = market.account(Market.alice)?.margin
    #expect(market.order(Market.bob, .buy, combo, 1_000, at: 1_500)?.state == .filled)
    let filled = market.account(Market.alice)?.margin
    #expect((filled?.excess ?? -1) >= (resting?.excess ?? 0))
    // A second one does not fit any more.
    #expect(market.order(Market.alice, .sell, combo, 1_000, at: 1_500)?.error == .insufficientMargin)
  }

  /// Section 2.6 for combos: largest loss over scenarios and subsets, each subset tried by filling it.
  @Test func `C3: worst case of combo orders covers every subset of fills`() {
    for subset in 0..<4 {
      let market = Market(funds: 100_000)
      spread(market)
      market.order(Market.alice, .buy, combo, 500, at: 1_000)
      market.order(Market.alice, .sell, combo, 800, at: 2_500)
      let excess = market.account(Market.alice)?.margin.excess ?? 0
      if subset & 1 != 0 { market.order(Market.bob, .sell, combo, 500, at: 1_000) }
      if subset & 2 != 0 { market.order(Market.bob, .buy, combo, 800, at: 2_500) }
      #expect((market.account(Market.alice)?.margin.excess ?? 0) >= excess, "subset \(subset)")
    }
  }

  // MARK: C5

  /// The documents' example.
  @Test func `C5: orders for the legs serve a combo`() {
    let market = Market()
    spread(market)
    market.order(Market.bob, .sell, low, 200, at: 2_100)
    market.order(Market.carol, .sell, low, 300, at: 2_100)
    market.order(Market.bob, .buy, high, 400, at: 300)
    let view = market.house.combos().first
    #expect(view?.impliedAsk == usd(1_800) && view?.impliedBid == nil)
    let taken = market.order(Market.alice, .buy, combo, 500, at: 1_850)
    #expect(taken?.filled == 400 && taken?.remaining == 100 && taken?.state == .open)
    #expect(trades(market).map(\.price) == [usd(1_800)])
    #expect(trades(market).first?.legs.map(\.quantity) == [200, 200, 400])
    #expect(market.position(Market.alice, low) == 400 && market.position(Market.alice, high) == -400)
    #expect(market.position(Market.carol, low) == -200)
    #expect(market.house.book(combo, depth: 1)?.bids.map(\.quantity) == [100])
    // A better offer for the other leg comes: the resting rest takes it at the end of the block.
    market.order(Market.bob, .buy, high, 100, at: 290)
    #expect(trades(market).map(\.price) == [usd(1_810)])
    #expect(market.house.book(combo, depth: 1)?.bids.isEmpty == true)
    #expect(market.position(Market.alice, high) == -500)
  }

  @Test func `C5: whole ratios only, and the better of both books`() {
    let market = Market()
    create(market, [ComboLeg(instrument: low, ratio: 1), ComboLeg(instrument: high, ratio: -2)])
    market.order(Market.bob, .sell, low, 1_000, at: 2_000)
    market.order(Market.bob, .buy, high, 500, at: 400)
    market.order(Market.carol, .sell, combo, 100, at: 1_150)
    let taken = market.order(Market.alice, .buy, combo, 1_000, at: 1_250, .ioc)
    #expect(trades(market).map(\.price) == [usd(1_150), usd(1_200)])
    #expect(trades(market).map(\.quantity) == [100, 200])
    #expect(taken?.filled == 300)
    #expect(market.house.book(high, depth: 1)?.bids.map(\.quantity) == [100])
    // Post-only looks at both books, fill-or-kill takes all or nothing.
    market.order(Market.bob, .buy, high, 500, at: 400)
    #expect(market.order(Market.alice, .buy, combo, 100, at: 1_250, postOnly: true)?.error == .wouldCross)
    #expect(market.order(Market.alice, .buy, combo, 400, at: 1_250, .fok)?.error == .cannotFill)
    #expect(market.position(Market.alice, low) == 300)
    #expect(market.order(Market.alice, .buy, combo, 300, at: 1_250, .fok)?.filled == 300)
  }

  @Test func `INV-8: a leg that cannot trade stops all of them`() {
    let market = Market()
    spread(market)
    market.order(Market.bob, .sell, low, 500, at: 2_000)
    market.order(Market.carol, .buy, high, 500, at: 300)
    let free = market.account(Market.carol)?.margin.excess ?? 0
    market.act(Market.carol, .transfer(to: AccountID(Market.bob), amount: free))
    // Carol's order is no longer covered at the new prices.
    market.price(130_000)
    #expect(market.order(Market.alice, .buy, combo, 500, at: 2_000, .ioc)?.filled == 0)
    #expect(market.position(Market.alice, low) == 0 && market.position(Market.alice, high) == 0)
    #expect(trades(market).isEmpty)
  }

  @Test func `C5: own orders for the legs do not serve`() {
    for (rule, left) in [(SelfTradePrevention.cancelMaker, 1), (.cancelTaker, 2), (.cancelBoth, 0)] {
      let market = Market()
      spread(market)
      market.order(Market.alice, .sell, low, 500, at: 2_000)
      market.order(Market.bob, .buy, high, 500, at: 300)
      market.act(
        Market.alice,
        .place(PlaceOrder(instrument: combo, side: .buy, quantity: 500, price: usd(1_900), selfTrade: rule)))
      #expect(trades(market).isEmpty)
      let orders = market.account(Market.alice)?.orders.map(\.instrument) ?? []
      let expected: [InstrumentID] = rule == .cancelMaker ? [combo] : rule == .cancelTaker ? [low] : []
      #expect(orders == expected, "\(rule) \(left)")
    }
  }

  @Test func `C5: reduce-only, protection and the band hold in every leg`() {
    var rules = TradingRules()
    rules.bandOfIndex = 20_000
    let market = Market(trading: rules)
    spread(market)
    market.act(Market.bob, .protect(Protection(underlying: 0, window: 60 * second, quantity: 300)))
    let asks = Quote(instrument: low, bidPrice: 0, bidQuantity: 0, askPrice: usd(2_000), askQuantity: 500)
    let bids = Quote(instrument: high, bidPrice: usd(300), bidQuantity: 500, askPrice: 0, askQuantity: 0)
    market.act(Market.bob, .quote([asks, bids]))
    // 500 of each would be 1,000 lots of quotes.
    #expect(market.order(Market.alice, .buy, combo, 500, at: 2_000, .ioc)?.filled == 0)
    #expect(market.order(Market.alice, .buy, combo, 100, at: 2_000, .ioc)?.filled == 100)
    market.act(Market.bob, .cancel(.all))
    market.order(Market.carol, .sell, low, 100, at: 9_000)
    market.order(Market.carol, .buy, high, 100, at: 300)
    #expect(market.order(Market.alice, .buy, combo, 100, at: 9_000, .ioc)?.filled == 0)
  }

  // MARK: C6

  @Test func `C6: a combo goes with its first leg, and when nobody uses it`() {
    let market = Market()
    spread(market)
    market.order(Market.alice, .buy, combo, 100, at: 1_000)
    market.time = start + 2 * Duration64.hour
    market.block([])
    #expect(market.house.combos().count == 1)
    market.act(Market.alice, .cancel(.instrument(combo)))
    market.block([])
    #expect(market.house.combos().isEmpty)
    market.price()
    spread(market)
    let next = InstrumentID(combo: 2, of: 0)
    market.order(Market.alice, .buy, next, 100, at: 1_000)
    #expect(market.account(Market.alice)?.orders.map(\.instrument) == [next])
    market.time = Market.friday
    market.block([])
    #expect(market.house.combos().isEmpty && market.account(Market.alice)?.orders.isEmpty == true)
    #expect(market.house.tables.combos.count == 0)
  }

  @Test func `A restarted node trades the same combos`() {
    let market = Market()
    spread(market)
    create(market, [ComboLeg(instrument: low, ratio: 1), ComboLeg(instrument: high, ratio: -2)])
    market.order(Market.alice, .buy, combo, 500, at: 1_900)
    market.order(Market.alice, .buy, InstrumentID(combo: 2, of: 0), 500, at: 1_600)
    market.order(Market.bob, .sell, low, 500, at: 2_000)
    var restarted = market.house
    restarted.rebuildIndices()
    market.block(
      [
        market.input(
          market.transaction(
            Market.carol, [.place(PlaceOrder(instrument: high, side: .buy, quantity: 700, price: usd(250)))]))
      ], release: false)
    #expect(!trades(market).isEmpty)
    var result = BlockResult()
    restarted.apply(
      BlockInput(
        height: market.height, timestamp: market.time,
        transactions: [
          TransactionInput(
            hash: Digest(words: (market.hash, 0, 0, 0)),
            transaction: lastTransaction(market), signatureValid: true)
        ]), into: &result)
    #expect(result.events == market.result.events && result.changes == market.result.changes)
  }

  /// The same transaction once more: its nonce is the market's latest.
  func lastTransaction(_ market: Market) -> Transaction {
    market.nonce -= 1
    return market.transaction(
      Market.carol, [.place(PlaceOrder(instrument: high, side: .buy, quantity: 700, price: usd(250)))])
  }

  // MARK: Broken on purpose

  @Test func `INV-8 a leg too few, a wrong ratio, a wrong side, a price that does not add up`() {
    let market = Market()
    spread(market)
    market.order(Market.bob, .sell, combo, 500, at: 1_500)
    market.order(Market.alice, .buy, combo, 500, at: 1_500)
    let place = market.result.events.firstIndex { if case .comboTrade = $0.kind { true } else { false } }
    guard let place, case .comboTrade(let trade) = market.result.events[place].kind else {
      Issue.record("no trade")
      return
    }
    func broken(_ change: (inout ComboTradeEvent) -> Void) -> [Int] {
      var (event, trade) = (market.result.events[place], trade)
      change(&trade)
      event.kind = .comboTrade(trade)
      #expect((try? WireReader.decode(Event.self, from: event.wireBytes)) == event)
      return market.house.checkEvents([event]).map(\.invariant)
    }
    #expect(broken { _ in }.isEmpty)
    #expect(broken { $0.legs.removeLast() } == [8])
    #expect(broken { $0.legs[1].quantity -= 100 } == [8])
    #expect(broken { $0.legs[0].takerSide = .sell } == [8])
    #expect(broken { $0.legs[0].price += 1_000 } == [8])
    #expect(broken { $0.price -= 1_000 } == [8])
    #expect(broken { $0.legs.append($0.legs[0]) } == [8])
    #expect(broken { $0.legs[1].makerFee = -1_000_000_000 } == [18])
  }
}
