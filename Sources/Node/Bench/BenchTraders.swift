// Who trades in a benchmark, and what they sign: seeded accounts with money from the custodian, and orders around the
// present marks.

import Clearing
import NIOCore
import Primitives
import Sodium
import Wire

/// An instrument as the generator quotes it.
struct BenchMarket: Sendable {
  var id: InstrumentID
  var mark: Price
  var tick: Price
  var lot: Quantity

  /// A price so many thousandths away from the mark, on the grid.
  func price(_ perMille: Int64) -> Price { max(tick, (mark + mark / 1000 * perMille) / tick * tick) }
}

/// One account, with the next number of everything that must not repeat.
struct BenchTrader: Sendable {
  let key: SigningKey
  private var random: SeededRandom
  private var counter: UInt64 = 0
  private var clientID: UInt64
  /// Orders placed and not yet cancelled.
  private var open: [UInt64] = []

  var account: AccountID { AccountID(key.publicKey) }

  init(seed: UInt64, number: Int, run: UInt64) {
    var random = SeededRandom(seed: seed).stream(UInt64(1_000 + number))
    var bytes: [UInt8] = []
    for _ in 0..<4 { withUnsafeBytes(of: random.next().littleEndian) { bytes += $0 } }
    // Thirty-two bytes are always a seed.
    key = SigningKey(seed: bytes) ?? .generate()
    self.random = random.stream(run)
    clientID = run << 20
  }

  /// A signed transaction. Nonces of one millisecond count up, so that none repeats.
  mutating func sign(_ actions: [Action], chain: Digest, mode: TransactionMode = .bestEffort) -> PreparedRequest {
    counter &+= 1
    let now = Clock.wall
    var transaction = Transaction(
      chain: chain, signer: key.publicKey, nonce: Nonce.make(time: now, random: counter),
      expiry: now + Limits.nonceLifetime, mode: mode, actions: actions)
    transaction.signature = key.sign(transaction.signingBytes)
    let bytes = transaction.wireBytes
    return PreparedRequest(transaction: bytes, hash: Blake2b.hash(bytes), actions: actions.count)
  }

  /// Forgets what is open and cancels it: prepared orders of an earlier load may never have been sent.
  mutating func startAfresh() -> Action {
    open.removeAll()
    return .cancel(.all)
  }

  /// Quote, quote, trade, cancel, cancel: the book neither grows nor empties.
  mutating func single(_ step: Int, _ markets: [BenchMarket]) -> Action {
    switch step % 5 {
    case 0, 1: quote(markets)
    case 2: cross(markets)
    default: cancel()
    }
  }

  /// So many actions: quotes, a few trades, and the cancellation of the last batch's quotes.
  mutating func batch(_ count: Int, _ markets: [BenchMarket]) -> [Action] {
    let cancels = min(open.count, count * 7 / 16)
    var actions = (0..<cancels).map { _ in cancel() }
    let crossing = count / 8
    for _ in 0..<(count - cancels - crossing) { actions.append(quote(markets)) }
    for _ in 0..<crossing { actions.append(cross(markets)) }
    return actions
  }

  private mutating func quote(_ markets: [BenchMarket]) -> Action {
    clientID &+= 1
    open.append(clientID)
    let market = markets[Int(random.below(UInt64(markets.count)))]
    let side: Side = random.below(2) == 0 ? .buy : .sell
    let away = 10 + Int64(random.below(40))
    return .place(
      PlaceOrder(
        instrument: market.id, side: side, quantity: market.lot * 20, price: market.price(side == .buy ? -away : away),
        clientID: clientID))
  }

  private mutating func cross(_ markets: [BenchMarket]) -> Action {
    let market = markets[Int(random.below(UInt64(markets.count)))]
    let side: Side = random.below(2) == 0 ? .buy : .sell
    return .place(
      PlaceOrder(
        instrument: market.id, side: side, quantity: market.lot, price: market.price(side == .buy ? 60 : -60),
        timeInForce: .ioc))
  }

  private mutating func cancel() -> Action {
    guard !open.isEmpty else { return .cancel(.all) }
    return .cancel(.client(open.removeFirst()))
  }
}

/// What the benchmark signs for, read from the network.
struct BenchNetwork: Sendable {
  let sockets: [String]
  let chain: Digest
  let markets: [BenchMarket]
  private static let marketsMax = 12

  init(sockets: [String]) async throws(CommandFailure) {
    self.sockets = sockets
    guard let first = sockets.first else { throw CommandFailure(.usage, "there is no node to load") }
    let api = NodeAPI(socket: first)
    let terms = try await NetworkTerms.load(from: api, timeout: .seconds(5))
    chain = terms.chain
    let document = try await api.read(RequestPath("instruments"), timeout: .seconds(5))
    guard let list = JSONText.parse(InstrumentsDocument.self, Array(JSONText.render(document).utf8)) else {
      throw NodeAPI.failure(.malformed("/v1/instruments"))
    }
    markets = Self.choose(list.instruments, terms.underlyings)
    guard !markets.isEmpty else {
      throw CommandFailure(
        .failed, "no open instrument has a mark price", hint: "let the network publish prices, or list instruments")
    }
  }

  /// The instruments with the highest marks in ticks: prices around them differ.
  private static func choose(_ list: [InstrumentDocument], _ underlyings: [UnderlyingTerms]) -> [BenchMarket] {
    let markets = list.compactMap { entry -> BenchMarket? in
      guard entry.state == "open", let id = InstrumentName.parse(entry.name, underlyings: underlyings),
        let mark = entry.markPrice.flatMap({ Decimal.parse($0, scale: Decimal.moneyScale) }),
        let tick = Decimal.parse(entry.tick, scale: Decimal.moneyScale), tick > 0, mark / 1000 > tick / 10,
        let lot = Decimal.parse(entry.lot, scale: Decimal.quantityScale)
      else { return nil }
      return BenchMarket(id: id, mark: mark, tick: tick, lot: lot)
    }
    return Array(markets.sorted { ($0.mark / $0.tick, $0.id) > ($1.mark / $1.tick, $1.id) }.prefix(marketsMax))
  }
}
