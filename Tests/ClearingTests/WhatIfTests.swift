// What-if answers against what then happens: a prediction that is not exact is a second rulebook.

import Clearing
import Pricing
import Primitives
import Testing

@Suite struct WhatIfTests {
  private let call = Market.option(100_000)
  private let put = Market.option(90_000, .put)
  private let future = Market.future()

  private func ask(_ market: Market, _ signer: PublicKey, _ change: (inout WhatIf) -> Void) throws -> WhatIfView {
    var question = WhatIf()
    change(&question)
    let state = market.state()
    let view = try market.house.whatIf(AccountID(signer), question)
    #expect(market.state() == state, "asking changes nothing")
    #expect(view.before == market.account(signer))
    return view
  }

  @Test func `Without a question the answer is the account itself`() throws {
    let market = Market()
    market.order(Market.alice, .sell, call, 300, at: 2_500)
    market.order(Market.bob, .buy, call, 200, at: 2_500)
    let view = try ask(market, Market.alice) { _ in }
    #expect(view.after == view.before && view.fees == 0)
  }

  @Test func `A supposed trade is the trade, fees and margin to the unit`() throws {
    let market = Market()
    var random = SeededRandom(seed: 7)
    for _ in 0..<30 {
      let instrument = [call, put, future, Market.option(110_000)][Int(random.below(4))]
      let mark = try #require(market.house.instrument(instrument)?.markPrice)
      let price = max(usd(1), mark / usd(1) * usd(1))
      let lots = 100 * (1 + Int64(random.below(5)))
      let side: Side = random.below(2) == 0 ? .buy : .sell
      let view = try ask(market, Market.bob) {
        $0.trades = [.init(instrument: instrument, lots: side.sign * lots, price: price)]
      }
      market.order(Market.alice, side == .buy ? .sell : .buy, instrument, lots, at: price / 1_000_000)
      #expect(market.order(Market.bob, side, instrument, lots, at: price / usd(1))?.state == .filled)
      #expect(market.account(Market.bob) == view.after)
    }
  }

  @Test func `A supposed order is the order`() throws {
    let market = Market()
    market.order(Market.alice, .sell, future, 1_000, at: 100_000)
    market.order(Market.bob, .buy, future, 1_000, at: 100_000)
    let view = try ask(market, Market.bob) {
      $0.orders = [.init(instrument: call, side: .sell, lots: 700, price: usd(2_800))]
    }
    #expect(market.order(Market.bob, .sell, call, 700, at: 2_800)?.state == .open)
    #expect(market.account(Market.bob)?.margin == view.after.margin)
    #expect(view.after.margin.initial > view.before.margin.initial)
  }

  @Test func `A supposed move is the move`() throws {
    let market = Market()
    for instrument in [future, call, put] {
      market.order(Market.alice, .sell, instrument, 500, at: instrument == future ? 100_000 : 2_000)
      market.order(Market.bob, .buy, instrument, 500, at: instrument == future ? 100_000 : 2_000)
    }
    let moves = [WhatIf.Move(underlying: 0, spot: -100_000, time: second)]
    let predicted = try [Market.alice, Market.bob].map { signer in try ask(market, signer) { $0.moves = moves }.after }
    market.price(90_000)
    #expect(market.account(Market.alice)?.margin.equity == predicted[0].margin.equity)
    #expect(market.account(Market.alice)?.margin.initial == predicted[0].margin.initial)
    #expect(market.account(Market.bob)?.positions == predicted[1].positions)
    #expect(market.account(Market.bob)?.margin.maintenance == predicted[1].margin.maintenance)
  }

  @Test func `Cash, trades and moves together`() throws {
    let market = Market(funds: 10_000)
    let view = try ask(market, Market.carol) {
      $0.cash = usd(90_000)
      $0.trades = [.init(instrument: future, lots: 1_000)]
      $0.moves = [.init(underlying: 0, spot: 50_000, volatility: 100_000)]
    }
    #expect(view.after.cash == usd(100_000) - view.fees)
    #expect(view.after.margin.equity == usd(105_000) - view.fees)
    #expect(view.fees > 0)
  }

  @Test func `What cannot be is refused with its reason`() throws {
    let market = Market()
    func fault(_ signer: PublicKey = Market.alice, _ change: (inout WhatIf) -> Void) -> WhatIfFault? {
      var question = WhatIf()
      change(&question)
      do throws(WhatIfFault) {
        _ = try market.house.whatIf(AccountID(signer), question)
        return nil
      } catch { return error }
    }
    let unlisted = Market.option(55_000)
    #expect(fault(key(77)) { _ in } == .noAccount)
    #expect(fault { $0.trades = [.init(instrument: unlisted, lots: 1)] } == .noInstrument(unlisted))
    #expect(fault { $0.trades = [.init(instrument: call, lots: 0)] } == .badQuantity(call))
    #expect(fault { $0.trades = [.init(instrument: call, lots: .min)] } == .badQuantity(call))
    #expect(fault { $0.trades = [.init(instrument: call, lots: 1, price: 1)] } == .badPrice(call))
    #expect(fault { $0.trades = [.init(instrument: call, lots: 1, price: .max)] } == .badPrice(call))
    #expect(fault { $0.orders = [.init(instrument: call, side: .buy, lots: -1, price: 1_000)] } == .badQuantity(call))
    #expect(fault { $0.orders = [.init(instrument: call, side: .buy, lots: 1, price: .min)] } == .badPrice(call))
    #expect(fault { $0.cash = .max } == .badCash)
    #expect(fault { $0.moves = [.init(underlying: 9)] } == .badMove(9))
    #expect(fault { $0.moves = [.init(underlying: 0, spot: -1_000_000)] } == .badMove(0))
    #expect(fault { $0.moves = [.init(underlying: 0, time: .max)] } == .badMove(0))
    #expect(
      fault { $0.trades = Array(repeating: .init(instrument: call, lots: 1), count: 513) } == .tooManyItems)
    let large = WhatIf.Trade(instrument: future, lots: Limits.maxOrderQuantity, price: Limits.maxPrice)
    #expect(fault { $0.trades = Array(repeating: large, count: 20) } == .badQuantity(future))
    let unpriced = Market(priced: false)
    #expect(throws: WhatIfFault.noPrice(call)) {
      var question = WhatIf()
      question.trades = [.init(instrument: call, lots: 1)]
      _ = try unpriced.house.whatIf(AccountID(Market.alice), question)
    }
  }

  @Test func `Extremes of every input end in an answer or a refusal`() {
    let market = Market()
    var random = SeededRandom(seed: 3)
    let extremes: [Int64] = [.min, .min + 1, -1, 0, 1, 1_000, Limits.maxPrice, Limits.maxTransfer, .max - 1, .max]
    for _ in 0..<2_000 {
      func pick() -> Int64 { extremes[Int(random.below(UInt64(extremes.count)))] }
      var question = WhatIf()
      question.cash = pick()
      question.trades = [.init(instrument: [call, future, put][Int(random.below(3))], lots: pick(), price: pick())]
      question.orders = [.init(instrument: call, side: .sell, lots: pick(), price: pick())]
      question.moves = [.init(underlying: 0, spot: pick(), volatility: pick(), time: pick())]
      _ = try? market.house.whatIf(AccountID(Market.alice), question)
    }
    #expect(market.house.checkInvariants().isEmpty)
  }
}

@Suite struct GreeksViewTests {
  @Test func `Greeks are those of Black-76 on the surface, and add up over an account`() throws {
    let market = Market()
    let call = Market.option(100_000)
    let put = Market.option(100_000, .put)
    let greeks = try #require(market.house.greeks(call))
    let mark = try #require(market.house.instrument(call)?.markPrice)
    // The mark is in steps of 0.001 USD.
    #expect(abs(greeks.values.price - mark) <= 1_000)
    #expect(greeks.values.delta > 480_000_000_000 && greeks.values.delta < 560_000_000_000)
    #expect(greeks.values.thetaPerDay < 0 && greeks.values.gamma > 0 && greeks.values.vega > 0)
    #expect(greeks.forward == usd(100_000) && greeks.volatility == 600_000_000)
    // Put and call parity: deltas differ by one, gammas and vegas not at all.
    let other = try #require(market.house.greeks(put))
    #expect(greeks.values.delta - other.values.delta == 1_000_000_000_000)
    #expect(greeks.values.gamma == other.values.gamma && greeks.values.vega == other.values.vega)

    market.order(Market.alice, .sell, call, 500, at: 2_000)
    market.order(Market.bob, .buy, call, 500, at: 2_000)
    market.order(Market.alice, .sell, Market.future(), 250, at: 100_000)
    market.order(Market.bob, .buy, Market.future(), 250, at: 100_000)
    let account = try #require(market.house.greeks(of: AccountID(Market.bob)))
    #expect(account.positions.map(\.quantity).sorted() == [250, 500] && account.totals.count == 1)
    #expect(account.totals[0].delta == greeks.values.delta / 2 + 250_000_000_000)
    #expect(market.house.greeks(of: AccountID(Market.carol))?.totals == [])
    #expect(market.house.greeks(of: AccountID(key(77))) == nil)
    #expect(market.house.greeks(Market.option(55_000)) == nil)
    #expect(Market(priced: false).house.greeks(call) == nil)
  }
}
