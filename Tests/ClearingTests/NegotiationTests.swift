import Clearing
import Ledger
import Primitives
import Testing
import Wire

@Suite struct NegotiationTests {
  let low = Market.option(100_000)
  let high = Market.option(110_000)

  var spread: [ComboLeg] { [ComboLeg(instrument: low, ratio: 1), ComboLeg(instrument: high, ratio: -1)] }
  func one(_ id: InstrumentID) -> [ComboLeg] { [ComboLeg(instrument: id, ratio: 1)] }

  /// Of one maker for Alice; the tests' engine is told that every signature is good.
  func quote(
    _ market: Market, _ legs: [ComboLeg], _ quantity: Quantity, at dollars: Int64, by maker: PublicKey = Market.bob,
    _ side: Side = .sell, for taker: PublicKey = Market.alice
  ) -> FirmQuote {
    market.nonce += 1
    return FirmQuote(
      chain: Market.chain, maker: maker, taker: AccountID(taker), legs: legs, side: side, price: usd(dollars),
      quantity: quantity, number: Nonce.make(time: market.time, random: market.nonce), expiry: market.time + 30 * second
    )
  }

  func use(_ quote: FirmQuote, _ quantity: Quantity? = nil) -> QuoteUse {
    QuoteUse(quote: quote, quantity: quantity ?? quote.quantity)
  }

  func parts(_ market: Market) -> [NegotiatedTradeEvent] {
    market.result.events.compactMap { if case .negotiatedTrade(let trade) = $0.kind { trade } else { nil } }
  }

  @discardableResult func take(_ market: Market, _ uses: QuoteUse...) -> RejectionCode? {
    market.act(Market.alice, .negotiate(uses)).rejection
  }

  func mark(_ market: Market, _ id: InstrumentID) -> Price { market.house.instrument(id)?.markPrice ?? 0 }

  // MARK: What is traded

  @Test func `R5: one instrument changes hands at the quote's price, in one event`() {
    let market = Market()
    #expect(take(market, use(quote(market, one(low), 500, at: 2_300), 300)) == nil)
    #expect(market.position(Market.alice, low) == 300 && market.position(Market.bob, low) == -300)
    let event = parts(market).first
    #expect(parts(market).count == 1 && event?.takerSide == .buy && event?.trades.map(\.price) == [usd(2_300)])
    #expect(market.result.events.allSatisfy { if case .trade = $0.kind { false } else { true } })
    #expect(market.result.outcomes[0].fills.map(\.quantity) == [300])
    #expect(market.house.trades(low).map(\.price) == [usd(2_300)])
    let fee = market.result.outcomes[0].fills[0].fee
    #expect(fee > 0 && market.account(Market.alice)?.cash == usd(1_000_000) - usd(690) - fee)
  }

  /// The documents' example.
  @Test func `R5: a spread from two makers, all legs with both or nothing`() {
    let market = Market()
    let bob = quote(market, spread, 400, at: 1_800, by: Market.bob, .sell)
    let carol = quote(market, spread, 1_000, at: 1_850, by: Market.carol, .sell)
    #expect(take(market, use(bob), use(carol, 200)) == nil)
    #expect(market.position(Market.alice, low) == 600 && market.position(Market.alice, high) == -600)
    #expect(market.position(Market.bob, low) == -400 && market.position(Market.carol, high) == 200)
    let event = parts(market)[0]
    #expect(event.parts.map(\.price) == [usd(1_800), usd(1_850)] && event.trades.count == 4)
    // Legs trade at their marks, what is missing is on the first one (C4).
    #expect(event.parts[0].trades.map(\.price) == [mark(market, high) + usd(1_800), mark(market, high)])
    // One of them cannot: nobody trades, and the other quote is still good.
    let more = quote(market, spread, 400, at: 1_800, by: Market.bob, .sell)
    let expired = quote(market, spread, 100, at: 1_800, by: Market.carol, .sell)
    let state = market.house.tables.positions.count
    var late = expired
    late.expiry = market.time - 1
    #expect(take(market, use(more), use(late)) == .expired)
    #expect(parts(market).isEmpty && market.house.tables.positions.count == state)
    #expect(market.position(Market.alice, low) == 600 && market.house.trades(low).count == 2)
    #expect(take(market, use(more)) == nil)
  }

  @Test func `R5: the taker may be the seller, prices of packages may be negative`() {
    let market = Market()
    let legs = [ComboLeg(instrument: low, ratio: 1), ComboLeg(instrument: high, ratio: -3)]
    #expect(take(market, use(quote(market, legs, 100, at: -500, by: Market.bob, .buy))) == nil)
    #expect(market.position(Market.bob, high) == -300 && market.position(Market.alice, low) == -100)
    #expect(take(market, use(quote(market, one(low), 100, at: -1, by: Market.bob, .buy))) == .badPrice)
    var fraction = quote(market, one(low), 100, at: 1, by: Market.bob, .buy)
    fraction.price += 1
    #expect(take(market, use(fraction)) == .badPrice)
  }

  @Test func `R5: nothing trades outside the band`() {
    var rules = TradingRules()
    rules.bandOfIndex = 5_000
    let market = Market(trading: rules)
    let fair = mark(market, low) / 1_000_000
    #expect(take(market, use(quote(market, one(low), 100, at: fair + 600))) == .outsideBand)
    #expect(take(market, use(quote(market, one(low), 100, at: fair + 400))) == nil)
  }

  // MARK: What binds whom

  @Test func `R2: a quote is for its taker, its chain and its quantity`() {
    let market = Market()
    let good = quote(market, one(low), 500, at: 2_300)
    func refused(_ change: (inout FirmQuote) -> Void) -> RejectionCode? {
      var other = good
      change(&other)
      return take(market, use(other))
    }
    #expect(refused { $0.taker = AccountID(Market.carol) } == .notAuthorized)
    #expect(refused { $0.chain = .zero } == .wrongChain)
    #expect(refused { $0.maker = Market.alice } == .selfTrade)
    #expect(refused { $0.maker = key(77) } == .unknownAccount)
    #expect(refused { $0.expiry = market.time - 1 } == .expired)
    #expect(take(market, use(good, 600)) == .badQuantity)
    #expect(take(market, use(good, 0)) == .badQuantity)
    #expect(take(market, use(good, 150)) == .badQuantity)
    #expect(take(market, use(good, -100)) == .badQuantity)
    #expect(refused { $0.legs = [] } == .badTerms)
    #expect(refused { $0.legs = [ComboLeg(instrument: self.low, ratio: 2)] } == .badTerms)
    #expect(refused { $0.legs = self.one(Market.option(99_000)) } == .unknownInstrument)
    #expect(take(market, use(good), use(quote(market, spread, 100, at: 1_800))) == .badTerms)
    #expect(take(market) == .badTerms)
    #expect(take(market, use(good)) == nil)
  }

  @Test func `R3: a quote counts once, also after a restart, and its number is nobody's nonce`() {
    let market = Market()
    let good = quote(market, one(low), 500, at: 2_300)
    #expect(take(market, use(good, 100), use(good, 100)) == .nonceUsed)
    #expect(take(market, use(good, 100)) == nil)
    #expect(take(market, use(good, 100)) == .nonceUsed)
    // The maker cannot take it back with a transaction of the same number, nor is he kept from sending one.
    let other = quote(market, one(low), 100, at: 2_300)
    var same = market.transaction(Market.bob, [.cancel(.all)])
    same.nonce = other.number
    market.submit(same)
    #expect(market.result.outcomes[0].status == .executed)
    #expect(take(market, use(other)) == nil)
    var twin = ClearingHouse(restoring: market.house.genesis, chain: Market.chain)
    var dump = Dump()
    market.house.visitTables(&dump)
    for pair in dump.pairs {
      var load = LoadRecord(table: pair.table, key: pair.key, value: pair.value ?? [])
      twin.visitTables(&load)
    }
    twin.rebuildIndices()
    market.house = twin
    #expect(take(market, use(good, 100)) == .nonceUsed)
    market.price(after: 200 * second)
    var old = good
    old.expiry = market.time + second
    #expect(take(market, use(old, 100)) == .nonceOutOfWindow)
    var high = quote(market, one(low), 100, at: 2_300)
    high.number |= 1 << 63
    #expect(take(market, use(high)) == .nonceOutOfWindow)
  }

  @Test func `R3: what an undone transaction used is good again`() {
    let market = Market()
    let good = quote(market, one(low), 500, at: 2_300)
    let before = market.house.tables.positions.count
    let outcome = market.act(
      Market.alice, .negotiate([use(good)]),
      .place(PlaceOrder(instrument: low, side: .buy, quantity: 1, price: usd(2_000))), mode: .allOrNothing)
    #expect(outcome.rejection == .badQuantity && market.house.tables.positions.count == before)
    #expect(market.result.outcomes[0].fills.isEmpty && market.house.trades(low).isEmpty)
    #expect(take(market, use(good)) == nil)
  }

  @Test func `R2: a transaction uses eight quotes at most`() {
    let market = Market()
    let quotes = (0..<9).map { _ in use(quote(market, one(low), 100, at: 2_300)) }
    let transaction = market.transaction(
      Market.alice, [.negotiate(Array(quotes.prefix(5))), .negotiate(Array(quotes.dropFirst(5)))])
    #expect(transaction.firmQuotes.count == 8)
    market.submit(transaction)
    #expect(market.result.outcomes[0].errors.map(\.code) == [.limitReached])
    #expect(market.position(Market.alice, low) == 500)
  }

  // MARK: Risk

  @Test func `R4: every party has its initial margin afterwards, or nothing happens (INV-9)`() {
    let market = Market(funds: 12_000)
    let naked = quote(market, one(low), 1_000, at: 2_000, by: Market.bob, .sell)
    #expect(take(market, use(naked)) == .insufficientMargin)
    #expect(market.position(Market.bob, low) == 0)
    // The taker is looked at as well.
    #expect(take(market, use(quote(market, one(low), 1_000, at: 2_000, by: Market.bob, .buy))) == .insufficientMargin)
    // Long and short together it fits, because it is looked at when all has traded.
    let hedge = quote(market, spread, 1_000, at: 1_500, by: Market.bob, .sell)
    #expect(take(market, use(hedge)) == nil)
    for trader in [Market.alice, Market.bob] { #expect((market.account(trader)?.margin.excess ?? -1) >= 0) }
  }

  /// Else a restarted node, which remembers nothing, would judge the maker otherwise than the others.
  @Test func `R4: a maker that a trade would have covered is not covered when the trade is undone (INV-9)`() {
    let market = Market(funds: 24_000)
    let future = Market.future()
    market.order(Market.bob, .buy, future, 1_000, at: 100_000)
    market.order(Market.carol, .sell, future, 1_000, at: 100_000)
    #expect(market.order(Market.bob, .buy, future, 100, at: 95_900)?.state == .open)
    market.price(96_000)
    #expect((market.account(Market.bob)?.margin.excess ?? 0) < 0 && market.position(Market.bob, future) == 1_000)
    let relief = quote(market, one(future), 500, at: 96_000)
    let outcome = market.act(
      Market.alice, .negotiate([use(relief)]),
      .place(PlaceOrder(instrument: low, side: .buy, quantity: 1, price: usd(2_000))), mode: .allOrNothing)
    #expect(outcome.rejection == .badQuantity && market.position(Market.bob, future) == 1_000)
    #expect(market.order(Market.carol, .sell, future, 100, at: 95_900, .ioc)?.filled == 0)
    #expect(market.position(Market.bob, future) == 1_000 && market.account(Market.bob)?.orders.isEmpty == true)
    #expect(take(market, use(relief)) == nil)
    #expect((market.account(Market.bob)?.margin.excess ?? -1) >= 0)
  }

  @Test func `R1: prices must be fresh and the instruments open`() {
    let market = Market()
    let good = quote(market, one(low), 100, at: 2_300)
    market.time += 4 * second
    #expect(take(market, use(good)) == .stalePrice)
    market.price()
    _ = market.act(Market.authority, .setState(low, .reduceOnly))
    #expect(take(market, use(good)) == .instrumentNotOpen)
    _ = market.act(Market.authority, .setState(low, .open))
    #expect(take(market, use(good)) == nil)
    let unpriced = Market(priced: false)
    #expect(take(unpriced, use(quote(unpriced, one(low), 100, at: 2_300))) == .noMark)
  }

  // MARK: The event

  @Test func `INV-8: a feed's follower sees a leg that is missing, too many or at another price`() {
    let market = Market()
    take(market, use(quote(market, spread, 400, at: 1_800)))
    let place = market.result.events.firstIndex { if case .negotiatedTrade = $0.kind { true } else { false } }
    guard let place, case .negotiatedTrade(let good) = market.result.events[place].kind else {
      Issue.record("no trade")
      return
    }
    func broken(_ change: (inout NegotiatedTradeEvent) -> Void) -> [Int] {
      var (event, trade) = (market.result.events[place], good)
      change(&trade)
      event.kind = .negotiatedTrade(trade)
      return market.house.checkEvents([event]).map(\.invariant)
    }
    #expect(broken { _ in } == [])
    #expect(broken { $0.parts[0].trades.removeLast() }.contains(8))
    #expect(broken { $0.parts[0].trades[0].quantity += 100 }.contains(8))
    #expect(broken { $0.parts[0].price += 1_000 }.contains(8))
    #expect(broken { $0.takerSide = .sell }.contains(8))
  }

  @Test func `quotes, uses and events survive their canonical bytes`() throws {
    let market = Market()
    let good = quote(market, spread, 400, at: 1_800)
    #expect(try WireReader.decode(FirmQuote.self, from: good.wireBytes) == good)
    take(market, use(good))
    let event = try #require(market.result.events.first { if case .negotiatedTrade = $0.kind { true } else { false } })
    #expect(try WireReader.decode(Event.self, from: event.wireBytes) == event)
    let action = Action.negotiate([use(good)])
    #expect(try WireReader.decode(Action.self, from: action.wireBytes) == action)
    #expect(Action.negotiate([]).orderClass == .rest)
  }

  @Test func `R2: the signature covers everything but itself`() {
    let market = Market()
    let good = quote(market, spread, 400, at: 1_800)
    let changes: [(inout FirmQuote) -> Void] = [
      { $0.chain = .zero }, { $0.maker = Market.carol }, { $0.taker = .zero }, { $0.legs.removeLast() },
      { $0.side = .buy }, { $0.price += 1 }, { $0.quantity += 1 }, { $0.number += 1 }, { $0.expiry += 1 },
    ]
    for change in changes {
      var other = good
      change(&other)
      #expect(other.signingBytes != good.signingBytes)
    }
    var signed = good
    signed.signature = Signature(r: .zero, s: Bytes32(words: (1, 2, 3, 4)))
    #expect(signed.signingBytes == good.signingBytes)
  }
}
