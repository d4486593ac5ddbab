// How fast the engine is, in processor time, printed and not judged:
// NOVATION_MEASURE=1 swift test -c release --filter ClearingTests.SpeedTests

import Clearing
import Foundation
import Ledger
import Primitives
import Testing
import Wire

@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["NOVATION_MEASURE"] == "1"))
struct SpeedTests {
  @Test(arguments: [100, 1_000]) func `Order actions with margin, undo and the state tree`(accounts: Int) {
    let market = MeasuredMarket(accounts: accounts, strikes: 45, expiries: 3)
    var tree = StateTree()
    tree.update(market.genesisChanges)
    var (applying, hashing) = (Stopwatch(), Stopwatch())
    var (actions, fills, changes, refused) = (0, 0, 0, 0)
    for block in 0..<160 {
      if block % 20 == 0 { market.price() }
      let inputs = market.orders(count: 1_024)
      let counts = block >= 20
      if counts { applying.start() }
      market.apply(inputs)
      if counts { applying.stop() }
      if counts { hashing.start() }
      tree.update(market.result.changes)
      if counts { hashing.stop() }
      guard counts else { continue }
      for input in inputs { actions += input.transaction?.actions.count ?? 0 }
      for outcome in market.result.outcomes { fills += outcome.fills.count }
      for outcome in market.result.outcomes { refused += outcome.errors.count }
      changes += market.result.changes.count
    }
    let count = UInt64(actions)
    print(
      "clearing, \(accounts) accounts: \(applying.nanoseconds / count) ns an action, state tree"
        + " \(hashing.nanoseconds / count) ns; \(actions) actions, \(fills) fills, \(refused) refused,"
        + " \(changes) changes, \(market.house.sizes.openOrders) orders open")
    #expect(fills > 1_000)
    #expect(market.house.checkInvariants().isEmpty)
  }

  @Test func `Marks of 1,400 instruments and the margins of their holders`() {
    let market = MeasuredMarket(accounts: 1_000, strikes: 100, expiries: 7)
    for _ in 0..<20 { market.apply(market.orders(count: 1_024)) }
    var watch = Stopwatch()
    for _ in 0..<20 {
      let inputs = market.observations()
      watch.start()
      market.apply(inputs)
      watch.stop()
    }
    print(
      "oracle round: \(market.house.instruments().count) instruments, 1,000 accounts:"
        + " \(watch.nanoseconds / 20_000) us; of these observations and sealing of 28 surfaces")
    #expect(market.house.instruments().count == 1_400)
  }

  @Test func `Questions about margin, of an account with six options`() throws {
    let market = Market()
    let options = [90_000, 100_000, 110_000].flatMap { [Market.option($0), Market.option($0, .put)] }
    for option in options {
      market.order(Market.alice, .sell, option, 300, at: 2_000)
      market.order(Market.bob, .buy, option, 300, at: 2_000)
    }
    var (asking, greeks) = (Stopwatch(), Stopwatch())
    var question = WhatIf()
    question.trades = options.prefix(1).map { .init(instrument: $0, lots: 100) }
    asking.start()
    for _ in 0..<5_000 { _ = try market.house.whatIf(AccountID(Market.bob), question) }
    asking.stop()
    greeks.start()
    for _ in 0..<5_000 { _ = market.house.greeks(of: AccountID(Market.bob)) }
    greeks.stop()
    print("what-if: \(asking.nanoseconds / 5_000) ns; Greeks of the account: \(greeks.nanoseconds / 5_000) ns")
    #expect(market.account(Market.bob)?.positions.count == 6)
  }
}

/// Processor time of the thread.
struct Stopwatch {
  private(set) var nanoseconds: UInt64 = 0
  private var begin: UInt64 = 0

  static var now: UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  mutating func start() { begin = Self.now }
  mutating func stop() { nanoseconds += Self.now - begin }
}

/// Many accounts that post, cancel and take at random, in transactions of 64 actions.
final class MeasuredMarket {
  var house: ClearingHouse
  var result = BlockResult()
  var genesisChanges: [RecordChange] = []
  private var time = start
  private var height: Height = 0
  private var nonce: UInt64 = 0
  private var random = SeededRandom(seed: 7)
  private let traders: [PublicKey]
  private let options: [InstrumentID]
  private let expiries: [Timestamp]

  init(accounts: Int, strikes: Int64, expiries: Int64) {
    let traders = (0..<accounts).map { key(1_000 + UInt64($0)) }
    self.traders = traders
    let dates = (0..<expiries).map { Market.friday + $0 * 7 * Duration64.day }
    self.expiries = dates
    var listings: [Listing] = []
    for expiry in dates {
      for strike in 0..<strikes {
        for kind in [InstrumentKind.call, .put] {
          let option = Market.option(100_000 + (strike - strikes / 2) * 1_000, kind, expiry: expiry)
          listings.append(Listing(instrument: option, tick: 10_000, lot: 100))
        }
      }
    }
    options = listings.map(\.instrument)
    let genesis = MarketGenesis(
      network: "test", time: start, underlyings: [UnderlyingTerms(symbol: "BTC")], listings: listings,
      custodian: Market.custodian, listingAuthority: Market.authority, validators: Market.validators,
      accounts: traders.map { FundedAccount(account: AccountID($0), amount: usd(100_000_000)) })
    house = ClearingHouse(genesis: genesis, chain: Market.chain)
    house.sealGenesis(into: &genesisChanges)
    price()
  }

  func apply(_ inputs: [TransactionInput]) {
    height += 1
    house.apply(BlockInput(height: height, timestamp: time, transactions: inputs), into: &result)
    house.releaseBlock()
  }

  func price() { apply(observations()) }

  func observations() -> [TransactionInput] {
    time += second
    let forward = 100_000 + Int64(random.below(200))
    let observation = Observation(
      round: house.round(at: time), prices: [IndexQuote(underlying: 0, price: usd(forward))],
      surfaces: expiries.map { Market.surface(0, $0, forward) })
    return Market.validators.map { input($0, [.observe(observation)]) }
  }

  func orders(count: Int) -> [TransactionInput] {
    (0..<count / 64).map { _ in
      let trader = traders[Int(random.below(UInt64(traders.count)))]
      var actions: [Action] = []
      // Half of the actions post away from the mark, a quarter cancel, a quarter cross.
      for place in 0..<64 {
        nonce += 1
        if place % 4 == 3, actions.count >= 3 {
          actions.append(.cancel(.client(nonce - 3)))
        } else {
          actions.append(.place(order(crossing: place % 4 == 2)))
        }
      }
      return input(trader, actions)
    }
  }

  private func order(crossing: Bool) -> PlaceOrder {
    let instrument = options[Int(random.below(UInt64(options.count)))]
    let mark = house.instrument(instrument)?.markPrice ?? usd(100)
    let buys = random.below(2) == 0
    let away = Int64(random.below(10) + 1) * 10_000 * (buys != crossing ? -1 : 1)
    let price = max(10_000, mark / 10_000 * 10_000 + away)
    return PlaceOrder(
      instrument: instrument, side: buys ? .buy : .sell, quantity: Int64(random.below(10) + 1) * 100, price: price,
      timeInForce: crossing ? .ioc : .gtc, clientID: nonce)
  }

  private func input(_ signer: PublicKey, _ actions: [Action]) -> TransactionInput {
    nonce += 1
    let transaction = Transaction(
      chain: Market.chain, signer: signer, nonce: Nonce.make(time: time, random: nonce), expiry: time + 30 * second,
      actions: actions)
    return TransactionInput(
      hash: Digest(words: (nonce, 0, 0, 0)), transaction: transaction, signatureValid: true)
  }
}
