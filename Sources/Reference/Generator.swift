// Random commands from a seed, made to reach the states where engines go wrong: crossing orders, partial fills, own
// orders that meet, margins at the last unit, crashes, expiries, stale prices, numbers at the limits, repeated commands.

public import Clearing
public import Primitives

/// Who acts in a generated market.
public struct Cast: Sendable {
  public var custodian: PublicKey
  public var authority: PublicKey
  public var validators: [PublicKey]
  public var traders: [PublicKey]

  public init(custodian: PublicKey, authority: PublicKey, validators: [PublicKey], traders: [PublicKey]) {
    self.custodian = custodian
    self.authority = authority
    self.validators = validators
    self.traders = traders
  }
}

/// What one member of the cast wants done.
public struct Wish: Sendable {
  public var signer: PublicKey
  public var actions: [Action]
  public var mode: TransactionMode
  public var clientID: UInt64?
  /// One of the signer's; its main account if nil.
  public var account: AccountID?
}

public struct Generator: Sendable {
  public var random: SeededRandom
  let cast: Cast
  /// Real time of the next block.
  public var time: Timestamp
  /// Price of each underlying in 1e-6 USD.
  var prices: [Price] = [100_000_000_000, 4_000_000_000]
  var nextNonce: UInt64 = 0
  var nextHash: UInt64 = 0
  var nextReference: UInt64 = 0
  /// Sent before, to be sent again.
  var sent: [Transaction] = []
  /// Character of this seed: in thousandths, how often numbers are extreme, envelopes wrong, prices crash and stay away.
  let extremes: UInt64
  let wrongs: UInt64
  let crashes: UInt64
  let silences: UInt64
  /// Largest order in lots.
  let size: Int64

  /// 2026-01-05 08:00 UTC.
  public static let start: Timestamp = 1_767_600_000 * Model.second

  public init(seed: UInt64, cast: Cast, start: Timestamp = Generator.start) {
    random = SeededRandom(seed: seed)
    self.cast = cast
    time = start
    extremes = [0, 5, 40][Int(random.below(3))]
    wrongs = [0, 10, 60][Int(random.below(3))]
    crashes = [2, 10, 50][Int(random.below(3))]
    silences = [5, 30, 150][Int(random.below(3))]
    size = [100, 3_000, 100_000][Int(random.below(3))]
  }

  /// A cast that nobody has keys of, and a market for it, from a seed.
  public static func market(seed: UInt64) -> (genesis: MarketGenesis, chain: Digest, cast: Cast) {
    var random = SeededRandom(seed: seed).stream(1)
    func key(_ number: UInt64) -> PublicKey { PublicKey(words: (0xabcd, 0, 1, number)) }
    let validators = (0..<[1, 4, 4, 5, 7][Int(random.below(5))]).map { key(100 + UInt64($0)) }
    let cast = Cast(
      custodian: key(1), authority: key(2), validators: validators,
      traders: (0..<3 + random.below(6)).map { key(10 + $0) })
    var risk = RiskParameters()
    var fees = FeeSchedule()
    if random.below(3) == 0 {
      risk.priceRange = 10_000 + Int64(random.below(890_001))
      risk.shortOption = Int64(random.below(30_000))
      risk.delta = Int64(random.below(30_000))
      risk.maintenance = Int64(random.below(1_000_001))
      fees.taker = Int64(random.below(10_001))
      fees.maker = Int64(random.below(UInt64(fees.taker) + 1))
      fees.premiumCap = Int64(random.below(1_000_001))
    }
    let funds: [Int64] = [50_000, 1_000_000, 1_000_000_000]
    let accounts = cast.traders.dropLast().map { trader in
      FundedAccount(account: AccountID(trader), amount: funds[Int(random.below(3))] * 1_000_000)
    }
    let genesis = MarketGenesis(
      network: "test", time: start, clockRate: [1, 60, 600, 3_600][Int(random.below(4))],
      underlyings: [UnderlyingTerms(symbol: "BTC"), UnderlyingTerms(symbol: "ETH")], custodian: cast.custodian,
      listingAuthority: cast.authority, validators: validators, accounts: Array(accounts), risk: risk, fees: fees,
      liquidation: .off)
    return (genesis, Digest(words: (1, 2, 3, seed)), cast)
  }

  // MARK: Blocks

  /// The next block on top of the model's state.
  public mutating func block(on model: Model) -> BlockInput {
    time = max(time, model.state.timestamp)
    switch random.below(1_000) {
    case 0..<20: time += Int64(random.below(12_000)) * Duration64.millisecond
    case 20..<24: time += Int64(random.below(80)) * Model.second
    case 24: time += Int64(random.below(300)) * Model.second
    default: time += Int64(random.below(800)) * Duration64.millisecond
    }
    var wishes = oracle(model)
    wishes += listings(model)
    for _ in 0..<random.below(24) { wishes.append(wish(on: model)) }
    var inputs: [TransactionInput] = []
    for wish in wishes { inputs.append(input(wish, model)) }
    if chance(20), !inputs.isEmpty { inputs.append(inputs[Int(random.below(UInt64(inputs.count)))]) }
    return BlockInput(
      height: model.state.height + 1, timestamp: chance(10) ? pick([0, .min, time - Model.second]) : time,
      transactions: inputs)
  }

  /// Puts a wish into an envelope, now and then a wrong one.
  private mutating func input(_ wish: Wish, _ model: Model) -> TransactionInput {
    nextNonce += 1
    nextHash += 1
    var transaction = Transaction(
      chain: model.chain, signer: wish.signer, account: wish.account, nonce: Nonce.make(time: time, random: nextNonce),
      expiry: time + Int64(random.below(9)) * Model.second, clientID: wish.clientID, mode: wish.mode,
      actions: wish.actions)
    var input = TransactionInput(
      hash: Digest(words: (random.next(), 0, 0, nextHash)), transaction: transaction, signatureValid: true)
    if chance(wrongs) {
      switch random.below(10) {
      case 0: input.signatureValid = false
      case 1: input.transaction = nil
      case 2: transaction.chain = .zero
      case 3: transaction.account = AccountID(pick(cast.traders))
      case 4: transaction.expiry = pick([time - 1, time, .min, .max])
      case 5: transaction.nonce = pick([0, .max, random.next()])
      case 6:
        let edges = [-180_000, -180_001, -179_999, 30_000, 30_001, 29_999] as [Int64]
        transaction.nonce = Nonce.make(time: time + pick(edges) * Duration64.millisecond, random: nextNonce)
      case 7: if let old = sent.last { transaction = old }
      case 8: transaction.actions = []
      default: transaction.actions.append(.observe(Observation(round: 0, prices: [], surfaces: [])))
      }
      if input.transaction != nil { input.transaction = transaction }
    }
    if random.below(8) == 0 { sent = [transaction] }
    return input
  }

  mutating func chance(_ thousandths: UInt64) -> Bool { random.below(1_000) < thousandths }
  mutating func pick<T>(_ values: [T]) -> T { values[Int(random.below(UInt64(values.count)))] }
  mutating func between(_ low: Int64, _ high: Int64) -> Int64 {
    low + Int64(random.below(UInt64(max(1, high - low + 1))))
  }

  mutating func extreme() -> Int64 {
    pick([
      0, 1, -1, .max, .min, .max - 1, 1_000, 10_000, 1_000_000_000_000, 1_000_000_001_000, 100_000_000,
      1_000_000_000_000_000_000, 4_000_000_000_000_000_000, Int64(bitPattern: random.next()),
      Int64(bitPattern: random.next() >> random.below(60)),
    ])
  }

  /// Mostly `value`, sometimes an extreme one.
  mutating func perhaps(_ value: Int64) -> Int64 { chance(extremes) ? extreme() : value }

  // MARK: Prices and listings

  /// What the validators say.
  private mutating func oracle(_ model: Model) -> [Wish] {
    for place in prices.indices {
      prices[place] += prices[place] / 10_000 * between(-15, 15)
      if chance(crashes) { prices[place] = prices[place] / 100 * pick([40, 60, 75, 90, 110, 130, 170]) }
      prices[place] = min(max(prices[place], 1_000_000_000), 500_000_000_000)
    }
    if chance(silences) { return [] }
    let market = model.marketTime(time)
    let open = Set(model.state.instruments.keys.compactMap { Terms($0)?.series }).filter { $0.expiry > market }
    let round = UInt64(max(0, time - model.genesis.time) / Model.second)
    let volatility = between(150, 1_200) * 1_000
    var wishes: [Wish] = []
    for validator in cast.validators where !chance(100) {
      var observation = Observation(round: round, prices: [], surfaces: [])
      if chance(30) { observation.round = pick([0, round + 1, round + 2, .max, round &- 1, round &- 3, round &- 4]) }
      for place in prices.indices where !chance(20) {
        observation.prices.append(
          IndexQuote(underlying: UInt8(place), price: perhaps(prices[place] / 10_000 * between(9_990, 10_010))))
      }
      for series in open.sorted() where !chance(20) {
        let smile: [Int64] = [300, 180, 90, 30, 0, 20, 60, 120, 200]
        let spread = between(-20, 20) * 1_000
        let place = Int(series.underlying) % prices.count
        observation.surfaces.append(
          SurfaceQuote(
            underlying: series.underlying, expiry: series.expiry,
            forward: perhaps(prices[place] / 10_000 * between(9_980, 10_040)),
            volatilities: smile.map { perhaps(volatility + spread + $0 * 1_000) }))
      }
      wishes.append(
        Wish(signer: validator, actions: [.observe(observation)], mode: pick([.bestEffort, .allOrNothing])))
    }
    return wishes
  }

  /// The authority keeps some expiries listed.
  private mutating func listings(_ model: Model) -> [Wish] {
    let market = model.marketTime(time)
    let open = model.state.instruments.keys.filter { ($0.expiry) > market }
    guard open.count < 14 || chance(5) else { return [] }
    let underlying = UInt8(random.below(2))
    let hour = market / Duration64.hour + 1
    let expiry = (hour + Int64(random.below(chance(300) ? 2_000 : 6))) * Duration64.hour
    let step: Int64 = underlying == 0 ? 1_000_000_000 : 50_000_000
    let around = prices[Int(underlying)] / step
    var list: [Listing] = []
    let tick: Price = pick([1_000, 10_000, 500_000])
    for offset in [-10, -3, 0, 2, 9] as [Int64] {
      for kind in [InstrumentKind.call, .put] {
        let strike = max(1, around + offset) * step
        if let id = InstrumentID(underlying: underlying, kind: kind, expiry: expiry, strike: strike), !chance(300) {
          list.append(Listing(instrument: id, tick: perhaps(tick), lot: perhaps(pick([1, 1, 10]))))
        }
      }
    }
    if let id = InstrumentID(underlying: underlying, kind: .future, expiry: expiry, strike: 0) {
      list.append(Listing(instrument: id, tick: 500_000, lot: 1))
    }
    if chance(extremes) { list.append(Listing(instrument: InstrumentID(raw: random.next()), tick: 1_000, lot: 1)) }
    return [Wish(signer: cast.authority, actions: [.list(list)], mode: .bestEffort)]
  }
}
