import Clearing
import Ledger
import Primitives
import Testing
import Wire

/// Alice is short one call of Bob's on 30,000 USD; a rise of the index brings her below her maintenance margin.
@Suite struct LiquidationTests {
  let call = Market.option(100_000)
  let alice = AccountID(Market.alice)

  func rules(insurance: Int64 = 0, capital: Int64 = 0) -> LiquidationParameters {
    var rules = LiquidationParameters()
    rules.insurance = usd(insurance)
    rules.houseCapital = usd(capital)
    return rules
  }

  func short(_ rules: LiquidationParameters, lots: Quantity = 1_000, funds: Int64 = 30_000) -> Market {
    let market = Market(funds: funds, liquidation: rules)
    market.order(Market.alice, .sell, call, lots, at: 2_000)
    market.order(Market.bob, .buy, call, lots, at: 2_000)
    #expect(market.position(Market.alice, call) == -lots)
    return market
  }

  func enrich(_ market: Market, _ key: PublicKey, _ dollars: Int64) {
    market.act(
      Market.custodian,
      .deposit(
        Deposit(
          account: AccountID(key), amount: usd(dollars), reference: Digest(words: (key.words.3, UInt64(dollars), 1, 0)))
      ))
  }

  func stages(_ market: Market) -> [LiquidationStage] {
    market.result.events.compactMap { if case .liquidation(let event) = $0.kind { event.stage } else { nil } }
  }

  func layers(_ market: Market) -> [UInt8: Amount] {
    var layers: [UInt8: Amount] = [:]
    for event in market.result.events {
      if case .waterfall(_, let layer, _, let amount) = event.kind { layers[layer, default: 0] += amount }
    }
    return layers
  }

  func cash(_ market: Market, _ account: SystemAccount) -> Amount {
    market.house.tables.accounts[AccountKey(account.id)]?.cash ?? 0
  }

  func record(_ market: Market) -> LiquidationRecord? { market.house.tables.liquidations[AccountKey(alice)] }

  /// The lowest index, in steps of 500, at which Alice is below her maintenance margin but not below half of it.
  func callLevel(_ market: Market) -> Int64 {
    var level: Int64 = 100_000
    repeat {
      level += 500
      market.price(level)
    } while market.house.statistics.marginCalls == 0 && level < 200_000
    #expect(market.house.statistics.marginCalls > 0)
    return level
  }

  // MARK: Beginning

  @Test func `L1: one round below maintenance only warns, the next confirms`() {
    let market = short(rules())
    let level = callLevel(market)
    #expect(record(market)?.stage == .warned)
    market.price(100_000)
    #expect(record(market) == nil)
    market.price(level)
    market.price(level)
    #expect(record(market)?.stage == .book)
    market.price(level)
    #expect(stages(market) == [.book])
  }

  @Test func `L1: switched off, a margin call stops at reducing orders`() {
    let market = short(.off)
    for _ in 0..<9 { market.price(125_000) }
    #expect(market.account(Market.alice)?.margin.mode == .marginCall)
    #expect(record(market) == nil)
    #expect(market.position(Market.alice, call) == -1_000)
  }

  @Test func `L2: no liquidation on a stale price, nor in the grace after an outage`() {
    let market = short(rules())
    let level = callLevel(market)
    market.price(level)
    market.time += 4 * second
    market.submit()
    #expect(stages(market).isEmpty)
    // Prices come back after an outage: for a minute nothing happens to her.
    market.price(level, after: 11 * second)
    for _ in 0..<59 {
      market.price(level)
      #expect(stages(market).isEmpty)
    }
    market.price(level)
    market.price(level)
    #expect(stages(market) == [.book])
  }

  @Test func `L3: the evidence names prices that stand in the state of its height`() throws {
    let market = short(rules())
    let level = callLevel(market)
    market.price(level)
    let before = market.house
    market.price(level + 10)
    let events = market.result.events
    let found = events.compactMap { if case .liquidation(let event) = $0.kind { event } else { nil } }
    let event = try #require(found.first)
    #expect(event.height == before.height)
    #expect(event.prices.map(\.expiry) == [0, Market.friday])
    for price in event.prices {
      let feed = try #require(before.tables.feeds[FeedKey(price.underlying, price.expiry)])
      #expect(feed.round == price.round && feed.price == price.price && feed.time == price.time)
      #expect(market.time - price.time <= Limits.freshFor)
    }
    var earlier = before
    let margin = try #require(earlier.account(alice)?.margin)
    #expect(event.equity == margin.equity && event.maintenance == margin.maintenance)
    #expect(event.equity < event.maintenance)
  }

  // MARK: Book

  @Test func `L4: orders go, then slices trade within the band until the buffer is there`() throws {
    let market = short(rules())
    let level = callLevel(market)
    let mark = try #require(market.house.instrument(call)?.markPrice) / 1_000_000
    market.order(Market.alice, .buy, call, 100, at: 10)
    enrich(market, Market.carol, 1_000_000)
    market.order(Market.carol, .sell, call, 1_000, at: mark + 50)
    market.order(Market.carol, .sell, call, 1_000, at: mark + 5_000)
    market.price(level)
    let fund = cash(market, .insurance)
    market.price(level)
    // A fifth of the position is less than 100,000 USD of the index.
    #expect(market.account(Market.alice)?.orders.isEmpty == true)
    #expect(market.position(Market.alice, call) > -1_000)
    #expect(cash(market, .insurance) > fund)
    let margin = try #require(market.account(Market.alice)?.margin)
    #expect(margin.equity >= 0)
    for _ in 0..<6 { market.price(level) }
    #expect(record(market) == nil)
    #expect(market.house.book(call, depth: 5)?.asks.contains { $0.price == usd(mark + 5_000) } == true)
  }

  @Test func `L4: the hedge of a spread is not sold before what it hedges`() throws {
    let market = Market(funds: 30_000, liquidation: rules())
    let wing = Market.option(110_000)
    enrich(market, Market.carol, 5_000_000)
    market.order(Market.carol, .sell, wing, 500, at: 400)
    market.order(Market.alice, .buy, wing, 500, at: 400)
    market.order(Market.carol, .buy, call, 1_000, at: 2_000)
    market.order(Market.alice, .sell, call, 1_000, at: 2_000)
    #expect(market.position(Market.alice, wing) == 500 && market.position(Market.alice, call) == -1_000)
    let level = callLevel(market)
    market.order(Market.carol, .buy, wing, 500, at: 100)
    let mark = try #require(market.house.instrument(wing)?.markPrice)
    market.order(Market.carol, .buy, wing, 500, at: mark / 1_000_000 - 1)
    for _ in 0..<5 { market.price(level) }
    #expect(market.position(Market.alice, wing) == 500)
  }

  // MARK: Auction and backstop

  @Test func `L6, L7: a bidder with margin takes a share at the mark for the reward`() throws {
    let market = short(rules())
    let level = callLevel(market)
    let bid = LiquidationBid(account: alice, share: 1_000_000, leastReward: 0)
    enrich(market, Market.carol, 1_000_000)
    #expect(market.act(Market.carol, .bid(bid)).rejection == .notInLiquidation)
    for _ in 0..<5 { market.price(level) }
    #expect(record(market)?.stage == .auction)
    let poor = key(77)
    enrich(market, poor, 100)
    #expect(market.act(poor, .bid(bid)).rejection == .insufficientMargin)
    var greedy = bid
    greedy.leastReward = usd(1_000_000)
    #expect(market.act(Market.carol, .bid(greedy)).rejection == .badPrice)
    let (before, owner) = (market.account(Market.carol)?.margin.equity ?? 0, market.account(Market.alice)?.margin)
    #expect(market.act(Market.carol, .bid(bid)).status == .executed)
    let gained = (market.account(Market.carol)?.margin.equity ?? 0) - before
    #expect(gained > 0)
    #expect(market.account(Market.alice)?.margin.equity == (owner?.equity ?? 0) - gained)
    // As much as cures her and no more.
    let lots = market.position(Market.alice, call)
    #expect(lots < 0 && lots > -1_000 && market.position(Market.carol, call) == -1_000 - lots)
    market.price(level)
    #expect(record(market) == nil)
  }

  @Test func `L8: the backstop takes over below a third of the margin`() throws {
    let market = short(rules())
    enrich(market, Market.carol, 5_000_000)
    #expect(market.act(Market.carol, .backstop(limit: usd(100_000))).status == .executed)
    var level: Int64 = 110_000
    repeat {
      level += 250
      market.price(level)
    } while (market.account(Market.alice)?.margin.equity ?? 0) * 3
      > (market.account(Market.alice)?.margin.maintenance ?? 0)
    #expect((market.account(Market.alice)?.margin.equity ?? 0) > 0)
    market.price(level)
    #expect(market.position(Market.carol, call) < 0)
    #expect((market.account(Market.alice)?.margin.equity ?? -1) >= 0)
  }

  // MARK: Waterfall

  /// A gap from 100,000 to 160,000: Alice's 30,000 do not cover a loss of about 58,000.
  func gap(_ market: Market, rounds: Int = 40) -> [UInt8: Amount] {
    var layers: [UInt8: Amount] = [:]
    for _ in 0..<rounds {
      market.price(160_000)
      layers.merge(self.layers(market)) { $0 + $1 }
    }
    return layers
  }

  @Test func `L9: layers pay in order and only as much as is missing`() throws {
    let market = short(rules(insurance: 10_000, capital: 3_000))
    enrich(market, Market.carol, 1_000_000)
    market.act(Market.carol, .fund(amount: usd(5_000)))
    market.act(Market.alice, .fund(amount: usd(1_000)))
    let carol = try #require(market.account(Market.carol)?.cash)
    let layers = gap(market)
    #expect(layers[2] == usd(1_000))
    #expect(layers[3] == usd(3_000))
    #expect(layers[4] == usd(10_000))
    #expect(layers[5] == usd(5_000))
    #expect(layers[6] == usd(5_000))
    #expect((layers[7] ?? 0) > 0)
    #expect(layers[8] == nil)
    #expect(market.account(Market.carol)?.cash == carol - usd(5_000))
    #expect(market.position(Market.alice, call) == 0 && market.position(Market.bob, call) == 0)
    #expect(market.account(Market.alice)?.cash == 0)
    #expect(record(market) == nil)
    #expect(cash(market, .insurance) == 0 && cash(market, .defaultFund) == 0)
  }

  @Test func `L9: a large fund leaves the later layers alone`() throws {
    let market = short(rules(insurance: 100_000, capital: 100_000))
    let bob = try #require(market.account(Market.bob)?.cash)
    let layers = gap(market)
    #expect(Set(layers.keys) == [3])
    // Bob is closed at the mark: about 60,000.
    #expect((market.account(Market.bob)?.cash ?? 0) - bob > usd(59_000))
    #expect(market.account(Market.alice)?.cash == 0)
  }

  @Test func `L10: deleveraging is pro rata among gains, never beyond flat, never into a loss (INV-13)`() throws {
    let market = Market(funds: 60_000, liquidation: rules())
    market.order(Market.alice, .sell, call, 2_000, at: 2_000)
    market.order(Market.bob, .buy, call, 1_500, at: 2_000)
    market.order(Market.carol, .buy, call, 500, at: 2_000)
    let before = [Market.bob, Market.carol].map { market.account($0)?.cash ?? 0 }
    let layers = gap(market)
    let after = [Market.bob, Market.carol].map { market.account($0)?.cash ?? 0 }
    #expect(layers[7] ?? 0 > 0 && layers[8] == nil)
    for trader in [Market.alice, Market.bob, Market.carol] { #expect(market.position(trader, call) == 0) }
    #expect(market.account(Market.alice)?.cash == 0)
    let (bob, carol) = (after[0] - before[0], after[1] - before[1])
    #expect(carol > 0 && abs(bob - 3 * carol) <= 3)
    #expect(market.house.instrument(call)?.openInterest == 0)
  }

  /// Has money and no positions.
  private let stranger = key(78)

  /// An expiry that settles 60,000 away while nobody could act, because prices were stale: the debt is of a flat account.
  func expired(_ rules: LiquidationParameters) -> Market {
    let later = Market.future(expiry: Market.friday + 7 * Duration64.day)
    let market = Market(funds: 30_000, liquidation: rules)
    market.checks = false
    for trader in [Market.bob, Market.carol] { enrich(market, trader, 1_000_000) }
    enrich(market, stranger, 50_000)
    market.act(Market.authority, .list([Listing(instrument: later, tick: 500_000, lot: 1)]))
    market.time = Market.friday - 1_802 * second
    market.price(100_000)
    market.order(Market.alice, .sell, call, 1_000, at: 2_000)
    market.order(Market.bob, .buy, call, 1_000, at: 2_000)
    market.order(Market.carol, .sell, later, 1_000, at: 100_000)
    market.order(Market.bob, .buy, later, 1_000, at: 100_000)
    market.price(160_000)
    #expect(market.position(Market.alice, call) == -1_000)
    market.checks = true
    market.time = Market.friday
    market.price(160_000, after: 0)
    return market
  }

  @Test func `L11: gains are cut last and to the unit, who holds nothing is untouched, claims are paid first`() throws {
    let market = expired(rules(insurance: 5_000, capital: 1_000))
    #expect(market.house.instrument(call)?.state == .settled)
    let debt = -(market.account(Market.alice)?.cash ?? 0)
    #expect(debt > usd(20_000))
    let (bob, carol) = (market.account(Market.bob)?.cash ?? 0, market.account(Market.carol)?.cash ?? 0)
    var layers: [UInt8: Amount] = [:]
    for _ in 0..<70 {
      market.price(160_000)
      layers.merge(self.layers(market)) { $0 + $1 }
    }
    #expect(layers == [3: usd(1_000), 4: usd(5_000), 8: debt - usd(6_000)])
    #expect(market.account(Market.bob)?.cash == bob - debt + usd(6_000))
    #expect(market.account(Market.carol)?.cash == carol)
    #expect(market.account(stranger)?.cash == usd(50_000))
    #expect(market.account(Market.alice)?.cash == 0 && record(market) == nil)
    #expect(market.house.funds().claims == debt - usd(6_000))
    // The first income of the insurance fund is Bob's.
    var paid: Amount = 0
    let later = Market.future(expiry: Market.friday + 7 * Duration64.day)
    market.order(stranger, .sell, later, 1_500, at: 160_000)
    market.order(Market.bob, .buy, later, 1_500, at: 160_000)
    let before = market.account(Market.bob)?.cash ?? 0
    market.order(Market.carol, .sell, later, 1_000, at: 169_500)
    var fees: Amount = 0
    for _ in 0..<4 {
      market.price(169_000)
      fees += cash(market, .insurance)
      for event in market.result.events {
        if case .claimPaid(let account, let amount) = event.kind {
          #expect(account == AccountID(Market.bob))
          paid += amount
        }
      }
    }
    #expect(paid > 0 && paid <= fees)
    #expect(market.account(Market.bob)?.cash == before + paid)
  }

  @Test func `INV-22: whatever the dust, an account is cured or flat within a bounded number of rounds`() {
    for lots in [100, 300] as [Quantity] {
      let market = short(rules(), lots: lots, funds: 30_000)
      // All but a little of her money leaves.
      let excess = market.account(Market.alice)?.margin.excess ?? 0
      market.act(Market.alice, .withdraw(amount: excess, destination: [1]))
      var rounds = 0
      market.price(104_000)
      market.price(104_000)
      while record(market) != nil, rounds < 200 {
        market.price(104_000)
        rounds += 1
      }
      #expect(record(market) == nil && rounds < 130)
      #expect((market.account(Market.alice)?.margin.equity ?? -1) >= 0)
    }
  }

  // MARK: Fund

  @Test func `A contribution stays for the notice, and while anybody is in liquidation`() {
    let market = short(rules())
    enrich(market, Market.carol, 10_000)
    #expect(market.act(Market.carol, .fund(amount: usd(1_000))).status == .executed)
    #expect(market.act(Market.carol, .fund(amount: -usd(1))).rejection == .fundLocked)
    market.time += 3 * Duration64.day
    #expect(market.act(Market.carol, .fund(amount: -usd(1_001))).rejection == .badAmount)
    #expect(market.act(Market.bob, .fund(amount: -1)).rejection == .badAmount)
    #expect(market.act(Market.carol, .fund(amount: .min)).rejection == .badAmount)
  }

  @Test func `Events of a default and the parameters can be read back`() throws {
    let market = short(rules(insurance: 1_000))
    for _ in 0..<40 {
      market.price(160_000)
      for event in market.result.events {
        #expect(try WireReader.decode(Event.self, from: event.wireBytes) == event)
      }
    }
    let genesis = market.house.genesis
    #expect(try WireReader.decode(MarketGenesis.self, from: genesis.wireBytes) == genesis)
  }
}
