import Pricing
import Primitives
import Testing

@Suite struct ImpliedVolatilityTests {
  /// The volatility found lies between those at which the price would have been half a unit less or more.
  @Test func findsTheVolatilityOfAPrice() {
    var random = SeededRandom(seed: 1)
    var searched = 0
    for _ in 0..<20_000 {
      let state = State(&random)
      for kind in OptionKind.allCases {
        let price = state.price(kind)
        let timeValue = price - Black76.intrinsic(kind, forward: state.forward, strike: state.strike)
        guard timeValue > 0 else { continue }
        searched += 1
        let found = Black76.impliedTotalVolatility(kind, price: price, forward: state.forward, strike: state.strike)
        guard let found else {
          // Only a price that no longer differs from the bound has none.
          #expect(kind == .call ? price == state.forward : price == state.strike)
          continue
        }
        #expect(abs(again(kind, state, found) - price) <= 1)
        guard timeValue > 1_000, let lower = implied(kind, state, price - 1),
          let upper = implied(kind, state, price + 1)
        else { continue }
        #expect(lower <= state.total && state.total <= upper)
        #expect(lower < found && found < upper)
      }
    }
    #expect(searched > 15_000)
  }

  private func again(_ kind: OptionKind, _ state: State, _ total: Int64) -> Int64 {
    Black76.price(kind, forward: state.forward, strike: state.strike, totalVolatility: total)
  }

  private func implied(_ kind: OptionKind, _ state: State, _ price: Int64) -> Int64? {
    Black76.impliedTotalVolatility(kind, price: price, forward: state.forward, strike: state.strike)
  }

  /// Total volatilities of integer prices by mpmath (bisection at 50 digits), in Q56; within 1e-10.
  @Test(arguments: [
    (100_000_000_000, 100_000_000_000, 1, 1_806_216),
    (100_000_000_000, 100_000_000_000, 99_999_999_999, 980_920_386_591_866_797),
    (100_000_000_000, 200_000_000_000, 1, 8_130_497_976_092_495),
    (100_000_000_000, 300_000_000_000, 12345, 16_967_191_411_319_892),
    (1_000_000, 1_000_000, 5, 903_108_013_093),
    (65_000_000_000, 80_000_000_000, 1_234_560_000, 14_925_950_079_862_345),
    (1_018_762_681, 1_555_579_502, 176_497, 11_107_550_726_227_380),
    (405_285_457, 730_510_090, 114_817_778, 84_289_236_129_258_107),
    (923_121_676, 1_442_431_305, 54_327_880, 35_230_353_523_049_408),
    (1_824_296_038, 2_383_923_806, 978_938_191, 119_286_715_607_860_896),
    (64_582_273, 72_640_683, 41_102_190, 136_616_930_969_871_960),
    (13_504_443, 10_511_451, 5_583_899, 60_822_854_811_942_389),
    (4_801_881_088, 4_374_669_150, 1_349_434_267, 44_955_207_457_180_191),
    (777_213_899, 417_303_508, 406_827_723, 54_120_376_918_855_035),
    (3_059_492_450, 2_155_812_461, 1_617_406_647, 81_647_948_452_584_299),
    (5_180_553_247, 4_142_230_486, 1_749_323_650, 45_767_587_582_037_287),
    (8_262_117_831, 5_120_360_229, 3_845_618_546, 52_569_537_641_359_435),
    (214_239_618, 310_635_929, 251_048, 12_458_145_397_469_332),
    (282_962_724, 621_325_432, 47_471_194, 71_717_594_283_546_349),
    (784_235_912, 409_375_778, 374_860_418, 11_217_174_050_545_176),
    (1_796_823_848, 2_231_157_202, 903_327_635, 109_290_505_924_336_530),
    (126_261_407, 109_648_417, 67_215_886, 96_539_130_369_279_975),
    (79_707_328_442, 80_492_207_839, 45_309_919_896, 113_872_428_599_758_782),
    (366_203_600, 292_024_737, 184_131_088, 83_874_423_578_717_390),
  ])
  func agreesWithTheExactInverse(forward: Int64, strike: Int64, price: Int64, expected: Int64) {
    let found = Black76.impliedTotalVolatility(.call, price: price, forward: forward, strike: strike)
    #expect(abs((found ?? 0) - expected) <= 7_205_759)
    let put = Black76.impliedTotalVolatility(.put, price: price - forward + strike, forward: forward, strike: strike)
    #expect(put == found)
  }

  @Test func boundsOfArbitrage() {
    func implied(_ kind: OptionKind, _ price: Int64) -> Int64? {
      Black76.impliedTotalVolatility(kind, price: price, forward: 5_000_000, strike: 3_000_000)
    }
    #expect(implied(.call, 1_999_999) == nil)
    #expect(implied(.call, 2_000_000) == 0)
    #expect(implied(.call, 5_000_000) == nil)
    #expect(implied(.put, -1) == nil)
    #expect(implied(.put, 0) == 0)
    #expect(implied(.put, 3_000_000) == nil)
    #expect(implied(.put, 1) != nil && implied(.put, 2_999_999) != nil)
    #expect(Black76.impliedTotalVolatility(.call, price: 1, forward: 0, strike: 1) == nil)
  }

  @Test func anyIntegersAreAnswered() {
    var random = SeededRandom(seed: 2)
    for _ in 0..<50_000 {
      let kind: OptionKind = random.next() & 1 == 0 ? .call : .put
      let (price, forward, strike) = (extreme(&random), extreme(&random), extreme(&random))
      let found = Black76.impliedTotalVolatility(kind, price: price, forward: forward, strike: strike)
      #expect(found.map { $0 >= 0 } ?? true)
    }
  }
}
