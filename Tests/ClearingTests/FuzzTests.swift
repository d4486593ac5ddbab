// Random and mutated transactions, extreme numbers, forks and restarts: nothing traps, every invariant holds after every
// block, and the same blocks give the same state whatever was tried in between.

import Clearing
import Ledger
import Primitives
import Testing
import Wire

/// Makes blocks of anything, from a seed.
struct Chaos {
  var random: SeededRandom
  var time = start
  var height: Height = 0
  var index: Int64 = 100_000
  var nonce: UInt64 = 0
  /// Whether accounts let others sign for them.
  var delegates = false
  /// Whether they use triggers, links and icebergs.
  var waits = false
  /// Of the transaction that is being made.
  var signer = Market.alice
  let traders = [Market.alice, Market.bob, Market.carol, key(60), key(61)]

  init(seed: UInt64) { random = SeededRandom(seed: seed) }

  mutating func pick<T>(_ values: [T]) -> T { values[Int(random.below(UInt64(values.count)))] }

  mutating func extreme() -> Int64 {
    pick([0, 1, -1, .max, .min, 1_000, 10_000, usd(100), usd(100_000), Int64(bitPattern: random.next())])
  }

  mutating func instrument() -> InstrumentID {
    switch random.below(24) {
    case 20...23: InstrumentID(combo: UInt32(random.below(6)), of: 0)
    case 0: InstrumentID(raw: random.next())
    case 1...5: Market.future()
    case 6...8: Market.option(4_000, underlying: 1)
    default: Market.option(pick([90_000, 100_000, 110_000]), pick([.call, .put]))
    }
  }

  mutating func order() -> PlaceOrder { order(in: instrument()) }

  mutating func order(in id: InstrumentID) -> PlaceOrder {
    var price = usd(Int64(random.below(200)) * 10 + 500)
    if id.kind == .future { price = usd(index + Int64(random.below(200)) - 100) }
    if id.isCombo { price = usd(Int64(random.below(600)) * 10 - 3_000) }
    if id.underlying == 1 { price = usd(Int64(random.below(50)) + 50) }
    var order = PlaceOrder(
      instrument: id, side: pick([.buy, .sell]), quantity: Int64(random.below(10) + 1) * 100, price: price,
      timeInForce: pick([.gtc, .gtc, .gtc, .ioc, .fok, .gtt, .auctionOnly]),
      goodTill: time + Int64(random.below(6)) * second,
      postOnly: random.below(5) == 0, reduceOnly: random.below(8) == 0,
      selfTrade: pick([.cancelMaker, .cancelTaker, .cancelBoth, .decrement]),
      clientID: random.below(3) == 0 ? random.below(200) : nil)
    if waits, order.timeInForce == .gtc, random.below(3) == 0 { order.display = Int64(random.below(4) + 1) * 100 }
    if random.below(25) == 0 { order.quantity = extreme() }
    if random.below(25) == 0 { order.price = extreme() }
    if random.below(25) == 0 { order.goodTill = extreme() }
    return order
  }

  mutating func delegation() -> Action {
    if random.below(4) == 0 { return .revoke(pick(traders)) }
    return .delegate(
      Delegation(
        key: pick(traders), scope: DelegationScope(rawValue: UInt8(random.below(18))), until: height + random.below(40),
        underlyings: random.below(2) == 0 ? [] : [UInt8(random.below(3))],
        orderNotional: random.below(3) == 0 ? extreme() : usd(Int64(random.below(200_000)))))
  }

  mutating func action(_ orders: UInt64) -> Action {
    if delegates, random.below(6) == 0 { return delegation() }
    if waits, random.below(4) == 0 { return waiting() }
    return switch random.below(44) {
    case 0: .cancel(.all)
    case 1: .cancel(.instrument(instrument()))
    case 2...4: .cancel(.order(random.below(orders + 2)))
    case 5: .cancel(.client(random.below(200)))
    case 6: .cancel(.underlying(UInt8(truncatingIfNeeded: random.next())))
    case 7...9:
      .amend(
        AmendOrder(
          order: random.below(2) == 0 ? .order(random.below(orders + 2)) : .client(random.below(200)),
          quantity: random.below(9) == 0 ? extreme() : Int64(random.below(9)) * 100,
          price: random.below(9) == 0 ? extreme() : order().price))
    case 10: .withdraw(amount: random.below(3) == 0 ? extreme() : Int64(random.below(1_000_000_000)), destination: [1])
    case 11: .transfer(to: AccountID(pick(traders)), amount: random.below(3) == 0 ? extreme() : usd(10))
    case 12:
      .setState(instrument(), pick([.open, .open, .halted, .settled, .auction, .pending, .postOnly, .reduceOnly]))
    case 13: .list([Listing(instrument: instrument(), tick: extreme(), lot: extreme())])
    case 14: .closeWithdrawal(number: random.below(20), paid: random.below(2) == 0)
    case 15:
      .deposit(
        Deposit(
          account: AccountID(pick(traders)), amount: extreme(), reference: Digest(words: (random.below(99), 0, 0, 0))))
    case 16:
      .bid(
        LiquidationBid(
          account: AccountID(pick(traders)), share: random.below(4) == 0 ? extreme() : 400_000, leastReward: 0))
    case 17: .backstop(limit: random.below(4) == 0 ? extreme() : usd(20_000))
    case 18: .fund(amount: random.below(4) == 0 ? extreme() : usd(Int64(random.below(900)) - 300))
    case 19...22: .quote((0...random.below(4)).map { _ in quote() })
    case 23:
      .protect(
        Protection(
          underlying: UInt8(random.below(3)), window: Int64(random.below(5)) * second,
          quantity: Int64(random.below(20)) * 100, delta: Int64(random.below(500)), trades: UInt32(random.below(4)),
          freeze: Int64(random.below(3)) * second))
    case 24: .lease(span: random.below(4) == 0 ? extreme() : Int64(random.below(6)) * second)
    case 26: .createCombo(legs())
    case 27, 28: .negotiate(uses())
    case 25: .cancel(pick([.quotes, .side(.buy), .side(.sell), .expiry(0, Market.friday), .expiry(9, .min)]))
    default: .place(order())
    }
  }

  mutating func waiting() -> Action {
    switch random.below(12) {
    case 0: .cancel(.triggers)
    case 1...5: .linked(linked())
    case 6: .place(order())
    default: .trigger(trigger())
    }
  }

  /// Near the price it watches, so that some fire soon.
  mutating func trigger(_ order: PlaceOrder? = nil) -> TriggerOrder {
    var order = order ?? self.order()
    if random.below(3) == 0 { order.reduceOnly = true }
    let source = pick([TriggerSource.mark, .index])
    let isFuture = order.instrument.kind == .future && !order.instrument.isCombo
    let level = isFuture || source == .index ? index + Int64(random.below(2_001)) - 1_000 : Int64(random.below(6_000))
    return TriggerOrder(
      order: order, source: source, condition: pick([.atOrAbove, .atOrBelow]),
      level: random.below(20) == 0 ? extreme() : usd(level))
  }

  mutating func linked() -> LinkedOrders {
    let kind = pick([LinkKind.oneCancelsOther, .oneTriggersOther])
    var order = self.order()
    if random.below(3) != 0 { order.timeInForce = .gtc }
    var triggers: [TriggerOrder] = []
    for _ in 0...random.below(2) {
      var part = order
      part.clientID = random.below(3) == 0 ? random.below(200) : nil
      if kind == .oneTriggersOther, random.below(9) != 0 { part.side = order.side.opposite }
      if random.below(15) == 0 { part = self.order() }
      triggers.append(trigger(part))
    }
    return LinkedOrders(
      kind: kind, order: triggers.count == 2 && kind == .oneCancelsOther ? nil : order, triggers: triggers)
  }

  mutating func legs() -> [ComboLeg] {
    let all = [
      Market.future(), Market.option(90_000), Market.option(100_000), Market.option(110_000),
      Market.option(100_000, .put),
      Market.option(4_000, underlying: 1),
    ]
    var legs: [ComboLeg] = []
    for id in all.sorted() where random.below(2) == 0 {
      legs.append(ComboLeg(instrument: id, ratio: pick([1, 1, -1, -1, 2, -2, 3, Int64(random.below(13)) - 6])))
    }
    if random.below(30) == 0, !legs.isEmpty { legs[0].ratio = extreme() }
    return legs
  }

  mutating func uses() -> [QuoteUse] {
    var legs = legs()
    if random.below(2) == 0 { legs = [ComboLeg(instrument: instrument(), ratio: 1)] }
    let side = pick([Side.buy, .sell])
    return (0...random.below(2)).map { _ in
      nonce += 1
      let price = legs.count == 1 ? order(in: legs[0].instrument).price : usd(Int64(random.below(6_000)) - 500)
      let quote = FirmQuote(
        chain: Market.chain, maker: pick(traders),
        taker: AccountID(random.below(9) == 0 ? pick(traders) : signer), legs: legs, side: side,
        price: random.below(9) == 0 ? extreme() : price,
        quantity: random.below(20) == 0 ? extreme() : Int64(random.below(9)) * 100,
        number: Nonce.make(time: time, random: random.below(4) == 0 ? random.below(9) : nonce),
        expiry: time + Int64(random.below(4)) * second)
      return QuoteUse(
        quote: quote, quantity: random.below(20) == 0 ? extreme() : min(quote.quantity, Int64(random.below(9)) * 100))
    }
  }

  mutating func quote() -> Quote {
    let (bid, ask) = (order(), order())
    return Quote(
      instrument: bid.instrument, bidPrice: min(bid.price, ask.price), bidQuantity: bid.quantity,
      askPrice: max(bid.price, ask.price), askQuantity: random.below(5) == 0 ? 0 : ask.quantity)
  }

  mutating func observation(_ round: Round) -> [Transaction] {
    index = max(20_000, min(400_000, index + Int64(random.below(1_601)) - 800))
    if random.below(100) == 0 { index = pick([30_000, 100_000, 300_000]) }
    return Market.validators.map { validator in
      let price = index + Int64(random.below(21)) - 10
      let volatility = Int64(300_000 + random.below(600_000))
      var observation = Observation(
        round: round,
        prices: [IndexQuote(underlying: 0, price: usd(price)), IndexQuote(underlying: 1, price: usd(price / 25))],
        surfaces: [
          Market.surface(0, Market.friday, price, volatility), Market.surface(1, Market.friday, price / 25, volatility),
        ])
      if random.below(30) == 0 { observation.prices[0].price = extreme() }
      if random.below(30) == 0 { observation.surfaces[0].forward = extreme() }
      return transaction(validator, [.observe(observation)])
    }
  }

  mutating func transaction(_ signer: PublicKey, _ actions: [Action]) -> Transaction {
    nonce += 1
    return Transaction(
      chain: Market.chain, signer: signer, nonce: Nonce.make(time: time, random: nonce), expiry: time + 9 * second,
      clientID: random.below(10) == 0 ? random.below(500) : nil,
      mode: random.below(3) == 0 ? .allOrNothing : .bestEffort, actions: actions)
  }

  /// The next block on top of `house`.
  mutating func block(_ house: ClearingHouse, count: UInt64 = 12) -> BlockInput {
    height = house.height + 1
    time = max(time, house.timestamp) + Int64(random.below(1_500)) * Duration64.millisecond
    var transactions: [Transaction] = []
    if random.below(8) != 0 { transactions += observation(house.round(at: time)) }
    for _ in 0..<random.below(count) {
      signer = random.below(12) == 0 ? pick([Market.custodian, Market.authority, Market.validators[0]]) : pick(traders)
      var actions: [Action] = []
      for _ in 0...random.below(6) { actions.append(action(house.statistics.nextOrder)) }
      var made = transaction(signer, actions)
      // Sometimes for somebody else, who may have delegated to the signer.
      if delegates, random.below(3) == 0 { made.account = AccountID(pick(traders)) }
      transactions.append(made)
    }
    var inputs: [TransactionInput] = []
    for transaction in transactions {
      let hash = Digest(words: (random.next(), 0, 0, 0))
      inputs.append(
        TransactionInput(hash: hash, transaction: mutated(transaction), signatureValid: random.below(40) != 0))
    }
    return BlockInput(
      height: height, timestamp: random.below(50) == 0 ? pick([0, -1, .min, time - second]) : time, transactions: inputs
    )
  }

  /// Through its bytes, sometimes with some of them changed.
  mutating func mutated(_ transaction: Transaction) -> Transaction? {
    var bytes = transaction.wireBytes
    if random.below(6) == 0 {
      for _ in 0...random.below(4) {
        bytes[Int(random.below(UInt64(bytes.count)))] = UInt8(truncatingIfNeeded: random.next())
      }
    }
    if random.below(40) == 0 { bytes.removeLast(Int(random.below(UInt64(bytes.count)))) }
    return try? WireReader.decode(Transaction.self, from: bytes)
  }
}

@Suite struct FuzzTests {
  /// Quick stages, so that random markets reach all of them.
  static var rules: LiquidationParameters {
    var rules = LiquidationParameters()
    (rules.bookTurns, rules.auctionTurns, rules.lastTurns) = (2, 4, 3)
    (rules.insurance, rules.houseCapital) = (usd(2_000), usd(1_000))
    (rules.grace, rules.fundNotice) = (3 * second, 5 * second)
    return rules
  }

  /// Narrow bands and short auctions, so that all of them happen.
  static var trading: TradingRules {
    var rules = TradingRules()
    (rules.limitOfMark, rules.limitOfIndex) = (900_000, 40_000)
    (rules.bandOfMark, rules.bandOfIndex) = (100_000, 3_000)
    (rules.openingAuction, rules.volatilityAuction, rules.outageAuction) = (second, 2 * second, second)
    return rules
  }

  @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
  func `Any transactions leave every invariant intact`(_ seed: UInt64) {
    var chaos = Chaos(seed: seed)
    let market = Market(
      funds: 400_000, liquidation: seed % 2 == 0 ? .off : Self.rules,
      trading: seed % 3 == 0 ? Self.trading : TradingRules())
    chaos.time = market.time
    var (auctions, combos, negotiated) = (0, 0, 0)
    var sequence = market.house.statistics.nextEvent
    var trades = 0
    for round in 0..<250 {
      if round == 200 { chaos.time = Market.friday - 5 * second }
      let block = chaos.block(market.house)
      market.house.apply(block, into: &market.result)
      market.house.releaseBlock()
      let violations = market.house.checkInvariants() + market.house.checkEvents(market.result.events)
      #expect(violations.isEmpty, "seed \(seed), block \(round): \(violations)")
      if !violations.isEmpty { return }
      for event in market.result.events {
        #expect(event.sequence == sequence)
        sequence += 1
        if case .trade = event.kind { trades += 1 }
        if case .comboTrade = event.kind { combos += 1 }
        if case .negotiatedTrade = event.kind { negotiated += 1 }
        if case .auctionEnded(_, _, let lots) = event.kind, lots > 0 { auctions += 1 }
        if round % 16 == 0 { #expect((try? WireReader.decode(Event.self, from: event.wireBytes)) == event) }
      }
      for outcome in market.result.outcomes where round % 16 == 0 {
        #expect((try? WireReader.decode(TransactionOutcome.self, from: outcome.wireBytes)) == outcome)
      }
    }
    #expect(trades > 10)
    if seed % 3 != 0 { #expect(combos > 0, "seed \(seed)") }
    #expect(negotiated > 0, "seed \(seed)")
    if seed % 3 == 0 { #expect(auctions > 0, "seed \(seed): \(auctions)") }
    // The end of time.
    market.time = .max
    market.block([])
    #expect(market.house.statistics.settledInstruments > 0)
  }

  @Test(arguments: [11, 12] as [UInt64])
  func `Delegated keys in any order leave every invariant intact`(_ seed: UInt64) {
    var chaos = Chaos(seed: seed)
    chaos.delegates = true
    let market = Market(funds: 400_000, liquidation: Self.rules)
    chaos.time = market.time
    var delegated = 0
    for round in 0..<150 {
      let block = chaos.block(market.house)
      market.house.apply(block, into: &market.result)
      market.house.releaseBlock()
      let violations = market.house.checkInvariants() + market.house.checkEvents(market.result.events)
      #expect(violations.isEmpty, "seed \(seed), block \(round): \(violations)")
      if !violations.isEmpty { return }
      for outcome in market.result.outcomes where outcome.status == .executed {
        guard let made = block.transactions[Int(outcome.input)].transaction else { continue }
        if made.account != AccountID(made.signer) { delegated += 1 }
      }
    }
    #expect(delegated > 0)
  }

  @Test(arguments: [21, 22, 24] as [UInt64])
  func `Triggers, links and icebergs in any order leave every invariant intact`(_ seed: UInt64) {
    var chaos = Chaos(seed: seed)
    chaos.waits = true
    let market = Market(
      funds: 400_000, liquidation: seed % 2 == 0 ? .off : Self.rules,
      trading: seed % 3 == 0 ? Self.trading : TradingRules())
    chaos.time = market.time
    var (fired, refused, linked) = (0, 0, 0)
    for round in 0..<200 {
      if round == 180 { chaos.time = Market.friday - 5 * second }
      market.house.apply(chaos.block(market.house), into: &market.result)
      market.house.releaseBlock()
      let violations = market.house.checkInvariants() + market.house.checkEvents(market.result.events)
      #expect(violations.isEmpty, "seed \(seed), block \(round): \(violations)")
      if !violations.isEmpty { return }
      for event in market.result.events {
        if case .triggerFired = event.kind { fired += 1 }
        if case .triggerRejected = event.kind { refused += 1 }
        if case .triggerCancelled(_, _, _, .linked) = event.kind { linked += 1 }
      }
    }
    #expect(fired > refused && refused > 0 && linked > 0, "seed \(seed): \(fired), \(refused), \(linked)")
  }

  @Test(arguments: [11, 12, 13] as [UInt64])
  func `INV-21 abandoned blocks and restarts leave no trace`(_ seed: UInt64) {
    var chaos = Chaos(seed: seed)
    chaos.waits = seed != 13
    let market = Market(
      funds: 400_000, liquidation: seed % 2 == 0 ? .off : Self.rules,
      trading: seed % 3 == 0 ? Self.trading : TradingRules())
    chaos.time = market.time
    var straight = market.house
    var forked = market.house
    var tree = pairs(&forked)
    var (a, b) = (BlockResult(), BlockResult())
    for round in 0..<120 {
      if round == 100 { chaos.time = Market.friday - 3 * second }
      // Up to two speculative blocks that are not to be.
      var fork = chaos
      fork.random = chaos.random.stream(UInt64(round))
      let depth = Int(fork.random.below(3))
      for _ in 0..<depth {
        forked.apply(fork.block(forked), into: &b)
        replay(b.changes, on: &tree)
      }
      for _ in 0..<depth {
        var changes: [RecordChange] = []
        forked.rollbackBlock(into: &changes)
        replay(changes, on: &tree)
      }
      if round % 30 == 29 { forked = restarted(&forked) }
      let block = chaos.block(straight)
      straight.apply(block, into: &a)
      forked.apply(block, into: &b)
      replay(b.changes, on: &tree)
      #expect(a.outcomes == b.outcomes, "seed \(seed), block \(round)")
      #expect(a.events == b.events, "seed \(seed), block \(round)")
      #expect(a.changes == b.changes, "seed \(seed), block \(round)")
      if a.changes != b.changes { return }
      straight.releaseBlock()
      forked.releaseBlock()
    }
    #expect(stateBytes(&straight) == stateBytes(&forked))
    #expect(tree == pairs(&forked))
  }

  func pairs(_ house: inout ClearingHouse) -> [[UInt8]: [UInt8]] {
    var dump = Dump()
    house.visitTables(&dump)
    var tree: [[UInt8]: [UInt8]] = [:]
    replay(dump.pairs, on: &tree)
    return tree
  }

  func replay(_ changes: [RecordChange], on tree: inout [[UInt8]: [UInt8]]) {
    for change in changes { tree[[change.table.rawValue] + change.key] = change.value }
  }

  /// A new engine from the records of another.
  func restarted(_ house: inout ClearingHouse) -> ClearingHouse {
    var dump = Dump()
    house.visitTables(&dump)
    var fresh = ClearingHouse(restoring: house.genesis, chain: house.chain)
    for pair in dump.pairs {
      var load = LoadRecord(table: pair.table, key: pair.key, value: pair.value ?? [])
      fresh.visitTables(&load)
      #expect(load.isTaken && load.error == nil)
    }
    fresh.rebuildIndices()
    return fresh
  }

  @Test func `Random bytes are refused, not trapped on`() {
    var random = SeededRandom(seed: 9)
    for length in 0..<4_000 {
      let bytes = (0..<(length % 400)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      #expect((try? WireReader.decode(Transaction.self, from: bytes)) == nil)
    }
  }
}
