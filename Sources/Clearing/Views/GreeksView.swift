// Sensitivities of instruments and accounts, by the arithmetic of `Pricing` on the prices in final state.

import Ledger
public import Pricing
public import Primitives

/// Of 1.0 contract, bought.
public struct InstrumentGreeks: Hashable, Sendable {
  public var instrument: InstrumentID
  /// Index or forward that it is valued on.
  public var forward: Price
  /// A year, in 1e-9, at its strike; 0 for a future.
  public var volatility: Int64
  /// Left to the expiry, nanoseconds of market time.
  public var remaining: Int64
  public var values: TheoreticalPrice
}

/// Of all positions of an account in one underlying: sums of position x sensitivity, cut towards zero.
public struct PortfolioGreeks: Hashable, Sendable {
  public var underlying: UnderlyingID
  /// In the scales of `TheoreticalPrice`.
  public var delta: Int64
  public var gamma: Int64
  public var vegaPerPoint: Int64
  public var thetaPerDay: Int64
  /// What a rise of the forwards by one USD each gains is `delta`; this is `delta` x index, in 1e-6 USD.
  public var deltaValue: Amount
}

public struct AccountGreeks: Hashable, Sendable {
  public struct Position: Hashable, Sendable {
    public var quantity: Quantity
    public var greeks: InstrumentGreeks
  }

  /// Ascending by instrument; what has no price yet is left out.
  public var positions: [Position]
  /// Ascending by underlying, of those with a position.
  public var totals: [PortfolioGreeks]
}

extension ClearingHouse {
  /// Nil if there is no such option or future, or no price of it. A combo has none of its own: see its legs.
  public func greeks(_ id: InstrumentID) -> InstrumentGreeks? {
    guard !id.isCombo, let kind = id.kind, let record = tables.instruments[id], !record.state.hasExpired,
      let feed = tables.feeds[FeedKey(id.underlying, id.expiry)] ?? tables.feeds[FeedKey(id.underlying)]
    else { return nil }
    let market = ExpiryMarket(feed, expiry: id.expiry, risk: genesis.risk)
    guard kind.isOption else {
      return InstrumentGreeks(
        instrument: id, forward: feed.price, volatility: 0, remaining: market.remaining, values: .forward(feed.price))
    }
    guard !market.pillars.isEmpty else { return nil }
    let volatility = market.volatility(lnStrike: FixedMath.lnQ56(id.strike))
    return InstrumentGreeks(
      instrument: id, forward: feed.price, volatility: volatility, remaining: market.remaining,
      values: TheoreticalPrice.evaluate(
        kind == .call ? .call : .put, forward: feed.price, strike: id.strike, nanoseconds: market.remaining,
        volatility: volatility))
  }

  /// Nil if there is no such account.
  public func greeks(of account: AccountID) -> AccountGreeks? {
    guard let number = accountNumber(account) else { return nil }
    var positions: [AccountGreeks.Position] = []
    for place in live.accounts[Int(number)].holdings {
      let holding = live.holdings[Int(place)]
      guard holding.quantity != 0, let greeks = greeks(live.instruments[Int(holding.instrument)].id) else { continue }
      positions.append(.init(quantity: holding.quantity, greeks: greeks))
    }
    positions.sort { $0.greeks.instrument < $1.greeks.instrument }
    let underlyings = Set(positions.map(\.greeks.instrument.underlying)).sorted()
    return AccountGreeks(positions: positions, totals: underlyings.map { total(of: $0, positions) })
  }

  private func total(of underlying: UnderlyingID, _ positions: [AccountGreeks.Position]) -> PortfolioGreeks {
    let mine = positions.filter { $0.greeks.instrument.underlying == underlying }
    func sum(_ value: (TheoreticalPrice) -> Int64) -> Int64 {
      let lots = mine.reduce(Int128(0)) { $0 + Int128($1.quantity) * Int128(value($1.greeks.values)) }
      return Int64(clamping: lots / Int128(Limits.lotsPerContract))
    }
    let delta = sum(\.delta)
    let index = Int(underlying) < live.index.count ? live.index[Int(underlying)] : 0
    return PortfolioGreeks(
      underlying: underlying, delta: delta, gamma: sum(\.gamma), vegaPerPoint: sum(\.vegaPerPoint),
      thetaPerDay: sum(\.thetaPerDay),
      deltaValue: Int64(clamping: Int128(delta) * Int128(index) / 1_000_000_000_000))
  }
}
