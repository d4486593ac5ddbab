// The orders of a replay: two makers who quote around the recorded markets, and takers who trade with them. Everything is
// drawn from the seed.

import Clearing
import Primitives

struct OrderFlow: Sendable {
  /// Actions of one transaction.
  static let batch = 64
  /// Largest time to expiry that takers trade, and how far from the money.
  static let takerHorizon = 120 * Duration64.day
  static let takerRange = 0.75...1.35
  static let ordersPerTransaction = 8
  static let transactionsPerTaker = 3

  let instruments: ReplayInstruments
  let snapshot: MarketSnapshot
  /// Market time now: nothing is sent for what expires before it.
  let now: Timestamp
  let seed: UInt64

  /// A market in one instrument on the network's price grid.
  struct Market: Sendable {
    var id: InstrumentID
    var underlying: Int
    var bid: Price?
    var ask: Price?
    var tick: Price
    var lot: Quantity
    /// Strike over forward; 1 for a future.
    var moneyness: Double
  }

  // MARK: Markets

  /// All markets of the snapshot, options as recorded, futures a little around their price.
  func markets() -> [Market] {
    var markets: [Market] = []
    for expiry in snapshot.expiries where expiry.expiry > now {
      if let id = instruments.future(expiry) {
        let half = expiry.forward * 0.000_2
        add(id, expiry, bid: expiry.forward - half, ask: expiry.forward + half, moneyness: 1, to: &markets)
      }
      for option in expiry.options {
        guard let id = instruments.option(expiry, option) else { continue }
        let moneyness = Double(option.strike) / 1e6 / expiry.forward
        add(id, expiry, bid: option.bid, ask: option.ask, moneyness: moneyness, to: &markets)
      }
    }
    return markets
  }

  private func add(
    _ id: InstrumentID, _ expiry: RecordedExpiry, bid: Double?, ask: Double?, moneyness: Double,
    to markets: inout [Market]
  ) {
    guard let (tick, lot) = instruments.steps[id] else { return }
    let low = bid.map { SyntheticMarket.micro($0) / tick * tick }.flatMap { $0 > 0 ? $0 : nil }
    let high = ask.map { (SyntheticMarket.micro($0) + tick - 1) / tick * tick }
      .flatMap { $0 > (low ?? 0) && $0 <= Limits.maxPrice ? $0 : nil }
    guard low != nil || high != nil else { return }
    markets.append(
      Market(
        id: id, underlying: expiry.underlying, bid: low, ask: high, tick: tick, lot: lot, moneyness: moneyness))
  }

  // MARK: Makers

  /// Post-only quotes of one maker, in transactions: the first quotes the recorded prices, the others further out.
  func quotes(maker: Int) -> [[Action]] {
    var random = SeededRandom(seed: seed).stream(UInt64(10 + maker))
    var actions: [Action] = []
    for market in markets() {
      let quantity = makerQuantity(market, &random)
      let away = market.tick * Price(maker)
      if let bid = market.bid, bid > away {
        actions.append(post(market, .buy, quantity, bid - away))
      }
      if let ask = market.ask, ask + away <= Limits.maxPrice {
        actions.append(post(market, .sell, quantity, ask + away))
      }
    }
    return Self.chunks(actions, of: Self.batch)
  }

  private func post(_ market: Market, _ side: Side, _ quantity: Quantity, _ price: Price) -> Action {
    .place(PlaceOrder(instrument: market.id, side: side, quantity: quantity, price: price, postOnly: true))
  }

  /// Contracts worth about 50,000 to 200,000 USD of the underlying; of futures ten times as many.
  private func makerQuantity(_ market: Market, _ random: inout SeededRandom) -> Quantity {
    let dollars = Double(50_000 + random.below(150_000)) * (market.id.kind == .future ? 10 : 1)
    return quantity(dollars, market)
  }

  /// Lots that are worth so much of the underlying, at least one step.
  func quantity(_ dollars: Double, _ market: Market) -> Quantity {
    let index = snapshot.index[market.underlying] ?? 1
    let lots = Int64(min(1e8, dollars / index * Double(Limits.lotsPerContract)))
    return min(Limits.maxOrderQuantity, max(market.lot, lots)) / market.lot * market.lot
  }

  static func chunks(_ actions: [Action], of size: Int) -> [[Action]] {
    stride(from: 0, to: actions.count, by: size).map { Array(actions[$0..<min(actions.count, $0 + size)]) }
  }

  // MARK: Takers

  /// Immediate orders of one taker around the money, small against its means.
  func takes(taker: Int, means: Double) -> [[Action]] {
    var random = SeededRandom(seed: seed).stream(UInt64(100 + taker))
    let candidates = markets().filter { market in
      market.bid != nil && market.ask != nil && Self.takerRange.contains(market.moneyness)
        && market.id.expiry < snapshot.time + Self.takerHorizon
    }
    guard !candidates.isEmpty else { return [] }
    var actions: [Action] = []
    for _ in 0..<(Self.transactionsPerTaker * Self.ordersPerTransaction) {
      let market = candidates[Int(random.below(UInt64(candidates.count)))]
      let side: Side = random.below(2) == 0 ? .buy : .sell
      let dollars = means * (0.002 + Double(random.below(1_000)) / 1_000 * 0.02)
      if let action = take(market, side, quantity(dollars, market)) { actions.append(action) }
    }
    return Self.chunks(actions, of: Self.ordersPerTransaction)
  }

  /// A speculator: the nearest future of an underlying (with a week to go), as large as its leverage allows, or puts
  /// sold at the money.
  func speculation(_ style: Speculation, means: Double) -> [Action] {
    let wanted = markets().filter { market in
      market.underlying == style.underlying % max(1, snapshot.index.count)
        && market.id.expiry > snapshot.time + 4 * Duration64.day
        && (style.sellsPuts ? market.id.kind == .put && market.moneyness <= 1 : market.id.kind == .future)
    }
    let nearest = wanted.sorted { a, b in
      (a.id.expiry, abs(1 - a.moneyness), a.id.raw) < (b.id.expiry, abs(1 - b.moneyness), b.id.raw)
    }
    let parts = 4
    return (0..<parts).compactMap { part in
      // Puts of neighbouring strikes, or one future in parts.
      guard let market = style.sellsPuts ? nearest.dropFirst(part).first : nearest.first else { return nil }
      let lots = quantity(means * style.leverage / Double(parts), market)
      return take(market, style.sellsPuts ? .sell : .buy, lots)
    }
  }

  private func take(_ market: Market, _ side: Side, _ quantity: Quantity) -> Action? {
    guard let price = side == .buy ? market.ask : market.bid else { return nil }
    // A few steps beyond the quote, so that the second maker's is met too.
    let limit = side == .buy ? price + 2 * market.tick : max(market.tick, price - 2 * market.tick)
    return .place(
      PlaceOrder(instrument: market.id, side: side, quantity: quantity, price: limit, timeInForce: .ioc))
  }
}

/// How a taker speculates besides its small trades.
struct Speculation: Sendable {
  /// Place in `Recording.symbols`.
  var underlying: Int
  /// Underlying value over means.
  var leverage: Double
  var sellsPuts = false

  /// Of the first extra takers: near what the margin allows, so that a fall calls some of them.
  static let styles = [
    Speculation(underlying: 0, leverage: 4.6), Speculation(underlying: 1, leverage: 4.6),
    Speculation(underlying: 0, leverage: 4.2, sellsPuts: true), Speculation(underlying: 1, leverage: 3.0),
  ]
}
