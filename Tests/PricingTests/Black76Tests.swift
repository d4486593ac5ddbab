import Pricing
import Primitives
import Testing

@Suite struct Black76Tests {
  @Test(.enabled(if: BlackVector.path != nil, "the shared vectors are not here"))
  func pricesOfTheReferenceFileAreCorrectlyRounded() throws {
    let vectors = try BlackVector.load()
    #expect(vectors.count == 2_000)
    var worst: Int128 = 0
    for vector in vectors {
      let total = Black76.totalVolatility(volatility: vector.volatility, nanoseconds: vector.nanoseconds)
      let price = Black76.price(
        vector.kind, forward: vector.forward, strike: vector.strike, totalVolatility: total)
      // In 1e-9 USD; half a unit of price is 500, one more for the reference's cut-off.
      worst = max(worst, abs(Int128(price) * 1_000 - scaled(vector.price, 9)))
    }
    #expect(worst <= 501, "worst error \(worst)e-9 USD")
  }

  @Test func parityIsExactAndPricesKeepTheirBounds() {
    var random = SeededRandom(seed: 1)
    for _ in 0..<20_000 {
      let state = State(&random)
      let call = state.price(.call)
      let put = state.price(.put)
      #expect(call - put == state.forward - state.strike)
      #expect(call >= max(state.forward - state.strike, 0) && call <= state.forward)
      #expect(put >= max(state.strike - state.forward, 0) && put <= state.strike)
    }
  }

  @Test func priceRisesWithVolatilityAndForward() {
    var random = SeededRandom(seed: 2)
    for _ in 0..<20_000 {
      let state = State(&random)
      var more = state
      more.total += Int64(1 << 30) + Int64(random.below(1 << 52))
      #expect(more.price(.call) >= state.price(.call))
      var higher = state
      higher.forward += 1 + Int64(random.below(UInt64(state.forward)))
      #expect(higher.price(.call) >= state.price(.call))
      #expect(higher.price(.put) <= state.price(.put))
    }
  }

  /// C(K-h) - 2 C(K) + C(K+h) >= 0, but for the rounding of three prices.
  @Test func priceIsConvexInStrike() {
    var random = SeededRandom(seed: 3)
    for _ in 0..<20_000 {
      let middle = State(&random)
      let step = 1 + Int64(random.below(UInt64(middle.strike - 1)))
      var low = middle
      var high = middle
      low.strike -= step
      high.strike += step
      #expect(low.price(.call) - 2 * middle.price(.call) + high.price(.call) >= -2)
      #expect(low.price(.call) >= middle.price(.call) && high.price(.put) >= middle.price(.put))
    }
  }

  @Test func edges() {
    #expect(Black76.price(.call, forward: 5, strike: 3, totalVolatility: 0) == 2)
    #expect(Black76.price(.put, forward: 5, strike: 3, totalVolatility: 0) == 0)
    #expect(Black76.price(.put, forward: 3, strike: 5, totalVolatility: -7) == 2)
    #expect(Black76.price(.call, forward: 1_000_000, strike: 7, totalVolatility: .max) == 1_000_000)
    #expect(Black76.price(.put, forward: 1_000_000, strike: 7, totalVolatility: .max) == 7)
    #expect(Black76.price(.call, forward: 0, strike: 7, totalVolatility: 1 << 56) == 0)
    #expect(Black76.price(.put, forward: -1, strike: 7, totalVolatility: 1 << 56) == 8)
    #expect(Black76.price(.put, forward: .min, strike: 7, totalVolatility: 1 << 56) == .max)
    #expect(Black76.price(.call, forward: .max, strike: 1, totalVolatility: 1) == .max - 1)
    #expect(Black76.price(.call, forward: 1, strike: .max, totalVolatility: 1) == 0)
    // At the money: F (2 Phi(s/2) - 1) with s = 0.2; 100 USD * 0.0796556745540579...
    let fifth = FixedMath.oneQ56 / 5
    #expect(Black76.price(.call, forward: 100_000_000, strike: 100_000_000, totalVolatility: fifth) == 7_965_567)
  }

  @Test func anyIntegersGiveAPrice() {
    var random = SeededRandom(seed: 4)
    for _ in 0..<200_000 {
      let (forward, strike, total) = (extreme(&random), extreme(&random), extreme(&random))
      let kind: OptionKind = random.next() & 1 == 0 ? .call : .put
      let price = Black76.price(kind, forward: forward, strike: strike, totalVolatility: total)
      #expect(price >= 0)
      let cached = Black76.price(
        kind, forward: forward, strike: strike, lnForward: extreme(&random), lnStrike: extreme(&random),
        totalVolatility: total)
      #expect(cached >= 0)
    }
  }

  @Test func cachedLogarithmsAndStatesGiveTheSamePrice() {
    var random = SeededRandom(seed: 5)
    for _ in 0..<5_000 {
      let state = State(&random)
      let cached = Black76.price(
        .put, forward: state.forward, strike: state.strike, lnForward: FixedMath.lnQ56(state.forward),
        lnStrike: FixedMath.lnQ56(state.strike), volatility: VolatilityState(total: state.total))
      #expect(cached == state.price(.put))
    }
  }

  /// The same number in debug and release, on every machine: a change of any price shows here.
  @Test func hashOfManyPricesIsPinned() {
    var random = SeededRandom(seed: 6)
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for _ in 0..<100_000 {
      let state = State(&random)
      hash = (hash ^ UInt64(bitPattern: state.price(.call))) &* 0x0100_0000_01b3
    }
    #expect(hash == 11_783_972_246_526_389_458)
  }

  @Test func totalVolatilityOfVolatilityAndTime() {
    let year: Int64 = 31_536_000
    #expect(Black76.totalVolatility(volatility: 1_000_000_000, seconds: year) == FixedMath.oneQ56)
    #expect(Black76.totalVolatility(volatility: 500_000_000, seconds: year * 4) == FixedMath.oneQ56)
    #expect(Black76.totalVolatility(volatility: 0, seconds: year) == 0)
    #expect(Black76.totalVolatility(volatility: 1, seconds: -1) == 0)
    #expect(Black76.totalVolatility(volatility: .max, seconds: .max) == .max)
    #expect(Black76.totalVolatility(volatility: .max, nanoseconds: .max) == .max)
    // 0.65 * sqrt(30 days): 0.18635012... * 2^56, computed to 30 digits.
    #expect(Black76.totalVolatility(volatility: 650_000_000, seconds: 2_592_000) == 13_427_875_593_860_292)
    for nanoseconds in [1, 999, 1_000_000_000, 86_400_000_000_000, Int64.max / 4] {
      let total = Black76.totalVolatility(volatility: 777_777_777, nanoseconds: nanoseconds)
      let back = Black76.volatility(totalVolatility: total, nanoseconds: nanoseconds)
      #expect(abs((back ?? 0) - 777_777_777) <= (nanoseconds < 1_000_000 ? 200 : 0))
    }
  }
}

/// A random option in the range of real markets, log-uniform in forward and volatility.
struct State {
  var forward: Int64
  var strike: Int64
  var total: Int64

  init(_ random: inout SeededRandom) {
    forward = 1_000_000 << Int64(random.below(18)) + Int64(random.below(1_000_000))
    strike = forward / 8 + Int64(random.below(UInt64(forward) * 3))
    total = FixedMath.oneQ56 >> Int64(random.below(9)) + Int64(random.below(1 << 48))
  }

  func price(_ kind: OptionKind) -> Int64 {
    Black76.price(kind, forward: forward, strike: strike, totalVolatility: total)
  }
}

/// An integer of any size, often at an end of the range or of a power of two.
func extreme(_ random: inout SeededRandom) -> Int64 {
  switch random.below(8) {
  case 0: [Int64.min, .min + 1, -1, 0, 1, 2, .max - 1, .max][Int(random.below(8))]
  case 1: (Int64(1) << Int64(random.below(63))) &- Int64(random.below(3))
  case 2: Int64(bitPattern: random.next())
  default: Int64(bitPattern: random.next()) >> Int64(random.below(63))
  }
}
