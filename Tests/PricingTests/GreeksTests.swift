import Pricing
import Primitives
import Testing

@Suite struct GreeksTests {
  @Test(.enabled(if: BlackVector.path != nil, "the shared vectors are not here"))
  func decimalsAgreeWithTheReferenceFile() throws {
    for vector in try BlackVector.load() {
      let value = TheoreticalPrice.evaluate(
        vector.kind, forward: vector.forward, strike: vector.strike, nanoseconds: vector.nanoseconds,
        volatility: vector.volatility)
      #expect(abs(Int128(value.price) * 1_000 - scaled(vector.price, 9)) <= 501)
      #expect(abs(Int128(value.delta) - scaled(vector.delta, 12)) <= 1)
      expectClose(value.gamma, scaled(vector.gamma, 15))
      expectClose(value.vega, scaled(vector.vega, 9))
      expectClose(value.vegaPerPoint, scaled(vector.vega, 7))
      expectClose(value.thetaPerYear, scaled(vector.theta, 9))
    }
  }

  /// Within two units or 1e-12 of the value.
  private func expectClose(_ value: Int64, _ expected: Int128, _ location: SourceLocation = #_sourceLocation) {
    let difference = abs(Int128(value) - expected)
    #expect(difference <= 2 + abs(expected) / 1_000_000_000_000, sourceLocation: location)
  }

  @Test func chainUnitsAreTheDecimalsInOtherUnits() {
    var random = SeededRandom(seed: 1)
    for _ in 0..<5_000 {
      let state = State(&random)
      let seconds = 3_600 + Int64(random.below(100_000_000))
      let volatility = 50_000_000 + Int64(random.below(3_000_000_000))
      for kind in OptionKind.allCases {
        let chain = Black76.greeks(
          kind, forward: state.forward, strike: state.strike, volatility: volatility, seconds: seconds)
        let value = TheoreticalPrice.evaluate(
          kind, forward: state.forward, strike: state.strike, seconds: seconds, volatility: volatility)
        #expect(abs((Int128(chain.delta) * 1_000_000_000_000) >> 32 - Int128(value.delta)) <= 300)
        // Per 1 % of the forward: gamma per USD times F / 100.
        let perPercent = Int128(value.gamma) * Int128(state.forward) / 100_000_000
        let gamma = (perPercent << 32) / 1_000_000_000_000_000
        let resolution = (Int128(state.forward) << 32) / Int128(100_000_000_000_000_000_000_000)
        #expect(abs(Int128(chain.gamma) - gamma) <= 2 + resolution)
        #expect(abs(chain.vega * 1_000 - value.vegaPerPoint) <= 501)
        #expect(chain.theta == value.thetaPerDay)
      }
    }
  }

  /// (V(F+h) - V(F-h)) / 2h against delta, and the same over volatility against vega: an independent path to both.
  @Test func greeksAreTheSlopesOfThePrice() {
    var random = SeededRandom(seed: 2)
    for _ in 0..<5_000 {
      var state = State(&random)
      state.forward = max(state.forward, 1_000_000_000)
      state.strike = state.forward / 2 + Int64(random.below(UInt64(state.forward)))
      let nanoseconds = Duration64.day * (2 + Int64(random.below(700)))
      let volatility = 200_000_000 + Int64(random.below(1_500_000_000))
      func value(_ kind: OptionKind, _ forward: Int64, _ volatility: Int64) -> Int64 {
        let total = Black76.totalVolatility(volatility: volatility, nanoseconds: nanoseconds)
        return Black76.price(kind, forward: forward, strike: state.strike, totalVolatility: total)
      }
      let total = Black76.totalVolatility(volatility: volatility, nanoseconds: nanoseconds)
      for kind in OptionKind.allCases {
        let greeks = Black76.greeks(
          kind, forward: state.forward, strike: state.strike, totalVolatility: total, nanoseconds: nanoseconds)
        let h = state.forward / 1_000
        let up = value(kind, state.forward + h, volatility)
        let down = value(kind, state.forward - h, volatility)
        let slope = (Int128(up - down) << 32) / Int128(2 * h)
        #expect(abs(slope - Int128(greeks.delta)) < 1 << 32 / 5_000 + (1 << 32) / Int128(h))
        let bend = (Int128(up - 2 * value(kind, state.forward, volatility) + down) << 32) / Int128(h)
        #expect(abs(bend * 10 - Int128(greeks.gamma)) < 1 << 20 + Int128(greeks.gamma) / 200 + (40 << 32) / Int128(h))
        let richer = value(kind, state.forward, volatility + 1_000_000)
        let poorer = value(kind, state.forward, volatility - 1_000_000)
        #expect(abs((richer - poorer) * 5 - greeks.vega) <= 10 + greeks.vega / 1_000)
      }
    }
  }

  @Test func thetaTakesTheWholeTimeValueOnTheLastDay() {
    let value = TheoreticalPrice.evaluate(
      .call, forward: 100_000_000, strike: 100_000_000, seconds: 3_600, volatility: 500_000_000)
    #expect(value.thetaPerDay == -value.price && value.price > 0)
  }

  @Test func greeksOfIntrinsicValue() {
    let call = Black76.greeks(.call, forward: 5, strike: 3, totalVolatility: 0, nanoseconds: 1)
    #expect(call == Greeks(delta: 1 << 32, gamma: 0, vega: 0, theta: 0))
    let put = TheoreticalPrice.evaluate(.put, forward: 3, strike: 5, seconds: 0, volatility: 1)
    #expect(put.delta == -1_000_000_000_000 && put.price == 2 && put.vega == 0)
  }

  @Test func anyIntegersGiveGreeks() {
    var random = SeededRandom(seed: 3)
    for _ in 0..<50_000 {
      let kind: OptionKind = random.next() & 1 == 0 ? .call : .put
      let greeks = Black76.greeks(
        kind, forward: extreme(&random), strike: extreme(&random), lnForward: extreme(&random),
        lnStrike: extreme(&random), totalVolatility: extreme(&random), nanoseconds: extreme(&random))
      #expect(greeks.vega >= 0 && greeks.gamma >= 0 && greeks.theta <= 0 && abs(greeks.delta) <= 1 << 32)
      let value = TheoreticalPrice.evaluate(
        kind, forward: extreme(&random), strike: extreme(&random), seconds: extreme(&random),
        volatility: extreme(&random))
      #expect(value.price >= 0 && value.vega >= 0 && value.thetaPerYear <= 0 && value.thetaPerDay <= 0)
      let fine = TheoreticalPrice.evaluate(
        kind, forward: extreme(&random), strike: extreme(&random), nanoseconds: extreme(&random),
        volatility: extreme(&random))
      #expect(fine.gamma >= 0 && abs(fine.delta) <= 1_000_000_000_000)
    }
  }
}
