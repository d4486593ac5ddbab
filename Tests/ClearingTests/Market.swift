// A small market to test with: named traders, one block after the other, every invariant checked after each.

import Clearing
import Ledger
import Primitives
import Testing
import Wire

let second = Duration64.second
/// 2026-01-05 08:00 UTC.
let start: Timestamp = 1_767_600_000 * second

func key(_ number: UInt64) -> PublicKey { PublicKey(words: (0xabcd, 0, 1, number)) }
func usd(_ dollars: Int64) -> Int64 { dollars * 1_000_000 }

final class Market {
  static let validators = (0..<4).map { key(100 + UInt64($0)) }
  static let custodian = key(1)
  static let authority = key(2)
  static let alice = key(10)
  static let bob = key(11)
  static let carol = key(12)
  static let chain = Digest(words: (1, 2, 3, 4))
  static let friday = start + 4 * Duration64.day

  var house: ClearingHouse
  var time = start
  var nonce: UInt64 = 0
  var hash: UInt64 = 0
  var height: Height = 0
  var result = BlockResult()
  var genesisChanges: [RecordChange] = []
  /// Whether every block ends with the check of all invariants.
  var checks = true

  static func option(
    _ strike: Int64, _ kind: InstrumentKind = .call, underlying: UnderlyingID = 0, expiry: Timestamp = friday
  ) -> InstrumentID {
    InstrumentID(underlying: underlying, kind: kind, expiry: expiry, strike: usd(strike)) ?? InstrumentID(raw: 0)
  }

  static func future(underlying: UnderlyingID = 0, expiry: Timestamp = friday) -> InstrumentID {
    InstrumentID(underlying: underlying, kind: .future, expiry: expiry, strike: 0) ?? InstrumentID(raw: 0)
  }

  static func genesis(
    funds: Int64 = 1_000_000, rate: Int64 = 1, liquidation: LiquidationParameters = .off,
    trading: TradingRules = TradingRules()
  ) -> MarketGenesis {
    var listings: [Listing] = []
    for strike in [90_000, 100_000, 110_000] as [Int64] {
      for kind in [InstrumentKind.call, .put] {
        listings.append(Listing(instrument: option(strike, kind), tick: 10_000, lot: 100))
      }
    }
    listings.append(Listing(instrument: future(), tick: 500_000, lot: 1))
    listings.append(Listing(instrument: option(4_000, underlying: 1), tick: 10_000, lot: 1))
    let traders = [alice, bob, carol].map { FundedAccount(account: AccountID($0), amount: usd(funds)) }
    return MarketGenesis(
      network: "test", time: start, clockRate: rate,
      underlyings: [UnderlyingTerms(symbol: "BTC"), UnderlyingTerms(symbol: "ETH")], listings: listings,
      custodian: custodian, listingAuthority: authority, validators: validators, accounts: traders,
      liquidation: liquidation, trading: trading)
  }

  init(
    funds: Int64 = 1_000_000, rate: Int64 = 1, priced: Bool = true, liquidation: LiquidationParameters = .off,
    trading: TradingRules = TradingRules()
  ) {
    let genesis = Self.genesis(funds: funds, rate: rate, liquidation: liquidation, trading: trading)
    house = ClearingHouse(genesis: genesis, chain: Self.chain)
    house.sealGenesis(into: &genesisChanges)
    if priced { price() }
  }

  // MARK: Transactions

  func transaction(
    _ signer: PublicKey, _ actions: [Action], mode: TransactionMode = .bestEffort, client: UInt64? = nil,
    at time: Timestamp? = nil
  ) -> Transaction {
    nonce += 1
    return Transaction(
      chain: Self.chain, signer: signer, nonce: Nonce.make(time: time ?? self.time, random: nonce),
      expiry: self.time + 30 * second, clientID: client, mode: mode, actions: actions)
  }

  func input(_ transaction: Transaction?) -> TransactionInput {
    hash += 1
    return TransactionInput(hash: Digest(words: (hash, 0, 0, 0)), transaction: transaction, signatureValid: true)
  }

  // MARK: Blocks

  /// Applies a block and checks what must hold after each.
  func block(_ inputs: [TransactionInput], release: Bool = true) {
    height += 1
    house.apply(BlockInput(height: height, timestamp: time, transactions: inputs), into: &result)
    if checks {
      let violations = house.checkInvariants() + house.checkEvents(result.events)
      #expect(violations.isEmpty, "\(violations)")
    }
    if release { house.releaseBlock() }
  }

  func submit(_ transactions: Transaction...) {
    var inputs: [TransactionInput] = []
    for transaction in transactions { inputs.append(input(transaction)) }
    block(inputs)
  }

  /// One transaction of one signer; its outcome.
  @discardableResult func act(
    _ signer: PublicKey, _ actions: Action..., mode: TransactionMode = .bestEffort
  ) -> TransactionOutcome {
    submit(transaction(signer, actions, mode: mode))
    return result.outcomes.first ?? TransactionOutcome(hash: .zero, input: 0, status: .rejected)
  }

  @discardableResult func order(
    _ signer: PublicKey, _ side: Side, _ instrument: InstrumentID, _ quantity: Quantity, at dollars: Int64,
    _ force: TimeInForce = .gtc, postOnly: Bool = false, client: UInt64? = nil
  ) -> OrderOutcome? {
    let order = PlaceOrder(
      instrument: instrument, side: side, quantity: quantity, price: usd(dollars), timeInForce: force,
      goodTill: force == .gtt ? time + 5 * second : 0, postOnly: postOnly, clientID: client)
    return act(signer, .place(order)).orders.first
  }

  // MARK: Prices

  static func surface(_ underlying: UnderlyingID, _ expiry: Timestamp, _ forward: Int64, _ volatility: Int64 = 600_000)
    -> SurfaceQuote
  {
    let smile: [Int64] = [300_000, 180_000, 90_000, 30_000, 0, 20_000, 60_000, 120_000, 200_000]
    return SurfaceQuote(
      underlying: underlying, expiry: expiry, forward: usd(forward), volatilities: smile.map { volatility + $0 })
  }

  func observation(_ btc: Int64, _ eth: Int64, expiry: Timestamp = friday) -> Observation {
    Observation(
      round: house.round(at: time),
      prices: [IndexQuote(underlying: 0, price: usd(btc)), IndexQuote(underlying: 1, price: usd(eth))],
      surfaces: [Self.surface(0, expiry, btc), Self.surface(1, expiry, eth)])
  }

  /// One second later, a round that all validators agree on.
  func price(_ btc: Int64 = 100_000, _ eth: Int64 = 4_000, after: Timestamp = second) {
    time += after
    let observation = observation(btc, eth)
    var inputs: [TransactionInput] = []
    for validator in Self.validators { inputs.append(input(transaction(validator, [.observe(observation)]))) }
    block(inputs)
  }

  func account(_ signer: PublicKey) -> AccountView? { house.account(AccountID(signer)) }

  func position(_ signer: PublicKey, _ instrument: InstrumentID) -> Quantity {
    account(signer)?.positions.first { $0.instrument == instrument }?.quantity ?? 0
  }

  /// The whole state as bytes: equal states have equal bytes.
  func state() -> [[UInt8]] { stateBytes(&house) }
}

func stateBytes(_ house: inout ClearingHouse) -> [[UInt8]] {
  var visitor = Dump()
  house.visitTables(&visitor)
  return visitor.records
}

struct Dump: TableVisitor {
  var records: [[UInt8]] = []
  var pairs: [RecordChange] = []
  mutating func visit<Key, Record>(_ table: inout Table<Key, Record>) {
    for key in table.sortedKeys() {
      guard let record = table[key] else { continue }
      records.append([table.id.rawValue] + key.wireBytes + record.wireBytes)
      pairs.append(RecordChange(table: table.id, key: key.wireBytes, value: record.wireBytes))
    }
  }
}

/// Changes one table behind the engine's back.
struct Tamper<K: TableKey, R: TableRecord>: TableVisitor {
  let body: (inout Table<K, R>) -> Void
  mutating func visit<Key, Record>(_ table: inout Table<Key, Record>) {
    guard var mine = table as? Table<K, R> else { return }
    body(&mine)
    if let back = mine as? Table<Key, Record> { table = back }
  }
}
