import Pricing
import Primitives
import Testing

@Suite struct SVITests {
  /// A slice like those of a liquid index: 30 days, about 50 %.
  static let typical = SVISlice(decimal: 10_000, 40_000, -300_000, 20_000, 150_000)

  /// w at six places by mpmath, in Q56.
  @Test(arguments: [
    (0, 1_174_041_468_646_322),
    (4_503_599_627_370_496, 1_133_191_035_065_586),
    (-18_014_398_509_481_984, 1_844_296_549_485_336),
    (18_014_398_509_481_984, 1_313_150_512_594_338),
    (-9_007_199_254_753_337, 1_447_280_985_660_642),
    (9_876_543_210, 1_174_041_297_915_151),
  ])
  func variance(k: Int64, expected: Int64) {
    #expect(abs(Self.typical.totalVariance(logMoneyness: k) - expected) <= 4)
    let s = Int128(Self.typical.totalVolatility(logMoneyness: k))
    #expect(abs((s * s) >> 56 - Int128(expected)) <= 8)
  }

  @Test func typicalSliceIsAccepted() {
    #expect(Self.typical.rejection() == nil)
    #expect(SVISlice(flatTotalVolatility: FixedMath.oneQ56 / 5).rejection() == nil)
  }

  @Test func eachReasonIsFound() {
    var slice = Self.typical
    slice.b = -1
    #expect(slice.rejection() == .parameterOutOfRange)
    slice = Self.typical
    slice.rho = SVISlice.one
    #expect(slice.rejection() == .parameterOutOfRange)
    slice = Self.typical
    slice.sigma = 0
    #expect(slice.rejection() == .parameterOutOfRange)
    slice = Self.typical
    slice.a = -SVISlice.one / 100
    #expect(slice.rejection() == .negativeVariance)
    slice = Self.typical
    slice.b = SVISlice.one * 8 / 5
    #expect(slice.rejection() == .wingTooSteep)
  }

  /// A sharp corner right of the money: g is negative from k = 0.15 to 0.4 (by the formula in double precision).
  @Test func butterflyIsRefused() {
    let slice = SVISlice(decimal: 40_000, 400_000, 500_000, 100_000, 20_000)
    guard case .butterfly(let k)? = slice.rejection() else {
      Issue.record("accepted, or refused for another reason: \(String(describing: slice.rejection()))")
      return
    }
    #expect(k > FixedMath.oneQ56 / 8 && k < FixedMath.oneQ56 / 5)
  }

  @Test func calendarOrderIsChecked() {
    var later = Self.typical
    later.a *= 2
    #expect(later.rejection(earlier: Self.typical) == nil)
    #expect(Self.typical.rejection(later: later) == nil)
    guard case .calendar? = Self.typical.rejection(earlier: later) else {
      Issue.record("less variance later was accepted")
      return
    }
    guard case .calendar? = later.rejection(later: Self.typical) else {
      Issue.record("less variance later was accepted")
      return
    }
  }

  @Test func varianceIsProportionalToTime() {
    let whole = Self.typical.totalVolatility(logMoneyness: 0)
    let quarter = Self.typical.totalVolatility(
      logMoneyness: 0, nanoseconds: Duration64.day, reference: Duration64.day * 4)
    #expect(abs(whole - 2 * quarter) <= 4)
    #expect(Self.typical.totalVolatility(logMoneyness: 0, nanoseconds: 0, reference: 1) == 0)
  }

  @Test func wingsAreFlatBeyondFourDeviations() {
    let limit = Self.typical.wingLimit
    #expect(
      Self.typical.totalVariance(logMoneyness: limit) == Self.typical.totalVariance(logMoneyness: .max))
    #expect(
      Self.typical.totalVariance(logMoneyness: -limit) == Self.typical.totalVariance(logMoneyness: .min))
  }

  @Test func anyParametersGiveAVariance() {
    var random = SeededRandom(seed: 3)
    var accepted = 0
    for _ in 0..<20_000 {
      let slice = SVISlice(
        a: extreme(&random), b: extreme(&random), rho: extreme(&random), m: extreme(&random), sigma: extreme(&random))
      let k = extreme(&random)
      #expect(slice.totalVariance(logMoneyness: k) >= 0)
      #expect(slice.totalVolatility(logMoneyness: k) >= 0)
      #expect(slice.totalVolatility(logMoneyness: k, nanoseconds: extreme(&random), reference: extreme(&random)) >= 0)
      accepted += slice.rejection(earlier: Self.typical, later: slice) == nil ? 1 : 0
    }
    #expect(accepted < 20_000)
  }

  /// Accepted slices give call prices that fall and are convex in strike: what the checks promise.
  @Test func acceptedSlicesHaveNoButterflies() {
    var random = SeededRandom(seed: 4)
    var accepted = 0
    for _ in 0..<400 {
      let slice = SVISlice(
        decimal: Int64(random.below(50_000)), Int64(random.below(400_000)), Int64(random.below(1_800_000)) - 900_000,
        Int64(random.below(200_000)) - 100_000, 20_000 + Int64(random.below(400_000)))
      guard slice.rejection() == nil else { continue }
      accepted += 1
      let forward: Int64 = 100_000_000_000
      let prices = stride(from: forward * 7 / 10, through: forward * 14 / 10, by: Int(forward / 100)).map { strike in
        let k = FixedMath.lnQ56(strike) - FixedMath.lnQ56(forward)
        guard abs(k) < slice.wingLimit else { return Int64(-1) }
        return Black76.price(
          .call, forward: forward, strike: strike, totalVolatility: slice.totalVolatility(logMoneyness: k))
      }
      for (low, (middle, high)) in zip(prices, zip(prices.dropFirst(), prices.dropFirst(2)))
      where low >= 0 && middle >= 0 && high >= 0 {
        #expect(low >= middle && middle >= high && low - 2 * middle + high >= -2)
      }
    }
    #expect(accepted > 50 && accepted < 400)
  }
}

@Suite struct VolatilityShockTests {
  /// g by mpmath, in Q32.
  @Test(arguments: [
    (0, 11_915_060_110),
    (1, 11_915_060_110),
    (24, 11_915_060_110),
    (25, 11_770_031_024),
    (100, 7_765_324_523),
    (719, 4_296_758_483),
    (720, 4_294_967_296),
    (721, 4_294_192_424),
    (2000, 3_760_790_892),
    (8760, 3_103_755_856),
    (20000, 2_787_912_803),
  ])
  func termFactor(hours: Int64, expected: Int64) {
    #expect(abs(VolatilityShock.termFactor(hours: hours) - expected) <= 1)
  }

  @Test func shocks() {
    let month = 30 * Duration64.day
    let s = Black76.totalVolatility(volatility: 800_000_000, nanoseconds: month)
    #expect(VolatilityShock.up(s, nanoseconds: month) == s + s / 2)
    #expect(abs(VolatilityShock.down(s, nanoseconds: month) - s * 29 / 40) <= s >> 30)
    // The floor of 45 % on the way up.
    let calm = Black76.totalVolatility(volatility: 100_000_000, nanoseconds: month)
    #expect(
      VolatilityShock.up(calm, nanoseconds: month)
        == Black76.totalVolatility(volatility: 450_000_000, nanoseconds: month))
    var random = SeededRandom(seed: 1)
    for _ in 0..<20_000 {
      let (total, nanoseconds) = (extreme(&random), extreme(&random))
      #expect(VolatilityShock.up(total, nanoseconds: nanoseconds) >= max(total, 0))
      #expect((0...max(total, 0)).contains(VolatilityShock.down(total, nanoseconds: nanoseconds)))
    }
  }
}

extension SVISlice {
  /// From parameters in 1e-6.
  init(decimal a: Int64, _ b: Int64, _ rho: Int64, _ m: Int64, _ sigma: Int64) {
    func q40(_ value: Int64) -> Int64 { Int64((Int128(value) << 40) / 1_000_000) }
    self.init(a: q40(a), b: q40(b), rho: q40(rho), m: q40(m), sigma: q40(sigma))
  }
}
