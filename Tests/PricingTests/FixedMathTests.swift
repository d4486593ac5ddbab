import Pricing
import Primitives
import Testing

@Suite struct FixedMathTests {
  @Test func tablesAreThoseOfTheGenerator() {
    #expect(PricingTables.areIntact())
  }

  /// Values of mpmath at 40 digits, rounded to the scale.
  @Test(arguments: [
    (1, 0),
    (2, 49_946_518_145_322_874),
    (3, 79_163_358_301_925_545),
    (10, 165_918_741_868_749_488),
    (1_000_000, 995_512_451_212_496_930),
    (123_456_789, 1_342_533_984_824_068_593),
    (1_099_511_627_775, 1_997_860_725_812_849_411),
    (1_099_511_627_776, 1_997_860_725_812_914_947),
    (72_057_594_037_927_937, 2_797_005_016_138_080_927),
    (4_611_686_018_427_387_903, 3_096_684_125_010_018_168),
    (9_223_372_036_854_775_807, 3_146_630_643_155_341_041),
    (427_611_085_435_361_338, 2_925_321_460_502_833_952),
    (3_039_957_208_632, 2_071_141_665_601_405_685),
    (1_222_188_696_713_657_761, 3_000_995_224_582_268_440),
    (1_762_338, 1_036_343_262_609_336_875),
    (531_063_153_965_176, 2_443_177_726_426_061_760),
    (2_787_324_502, 1_567_133_632_103_856_442),
    (121_553_982, 1_341_414_732_389_003_060),
    (7_638_466_488_483, 2_137_532_176_479_405_391),
    (18_815_211_983, 1_704_733_625_795_090_707),
  ])
  func logarithm(value: Int64, expected: Int64) {
    #expect(abs(FixedMath.lnQ56(value) - expected) <= 1)
  }

  @Test(arguments: [
    (0, 72_057_594_037_927_936),
    (1, 72_057_594_037_927_937),
    (-1, 72_057_594_037_927_935),
    (72_057_594_037_927_936, 195_872_848_475_778_346),
    (-72_057_594_037_927_936, 26_508_507_426_831_583),
    (349_625_627_017_260_112, 9_223_372_036_854_775_335),
    (-1_441_151_880_758_558_720, 148_521_771),
    (-2_810_246_167_479_189_504, 1),
    (36_028_797_018_976_313, 118_802_888_005_826_878),
    (-4_503_599_627_371_495, 67_691_845_114_138_996),
    (170_496_767_431_474_823, 767_841_765_011_737_873),
    (-1_122_682_240_827_645_095, 12_337_339_069),
    (-653_176_613_190_575_328, 8_335_925_572_620),
    (-508_479_033_231_763_860, 62_094_465_806_175),
    (-784_899_245_832_263_183, 1_339_847_513_048),
    (-832_945_628_997_083_576, 687_824_404_777),
    (270_827_072_538_044_700, 3_090_061_775_430_969_633),
    (-860_772_965_319_393_154, 467_477_729_894),
  ])
  func exponential(x: Int64, expected: Int64) {
    #expect(abs(FixedMath.expQ56(x) - expected) <= max(1, expected >> 58))
  }

  @Test(arguments: [
    (0, 2_305_843_009_213_693_952, 1_839_796_536_686_825_613),
    (1, 2_305_843_009_213_693_978, 1_839_796_536_686_825_613),
    (9_007_199_254_740_992, 2_535_220_085_244_123_522, 1_825_479_126_449_738_574),
    (9_007_199_254_740_991, 2_535_220_085_244_123_496, 1_825_479_126_449_738_577),
    (72_057_594_037_927_936, 3_880_017_802_121_640_553, 1_115_893_007_133_678_520),
    (144_115_188_075_855_872, 4_506_769_553_004_591_622, 248_989_385_390_250_638),
    (432_345_564_227_567_693, 4_611_686_013_877_555_455, 28_020_063_988),
    (576_460_752_303_423_488, 4_611_686_018_427_385_035, 23299),
    (684_675_999_999_999_999, 4_611_686_018_427_387_904, 0),
    (2_046_273_311_639_928, 2_358_082_064_152_836_561, 1_839_054_850_804_078_481),
    (241_486_765_328_446_386, 4_609_831_371_047_792_809, 6_697_922_645_069_694),
    (248_432_873_207_119_019, 4_610_382_330_839_149_847, 4_826_381_946_483_051),
    (333_546_151_605_090_828, 4_611_677_541_136_157_794, 40_931_009_159_083),
    (621_682_330_673_244_456, 4_611_686_018_427_387_890, 126),
    (236_094_707_135_928_993, 4_609_262_285_916_353_548, 8_582_927_622_583_650),
    (344_480_151_429_115_735, 4_611_681_988_891_029_018, 20_045_206_787_342),
    (416_423_639_517_601_820, 4_611_686_001_103_923_055, 102_953_299_041),
    (191_334_300_828_259_217, 4_593_414_829_676_372_512, 54_169_046_428_234_349),
    (167_982_866_524_806_035, 4_566_165_899_718_183_978, 121_521_629_204_192_201),
  ])
  func normal(d: Int64, cdf: Int64, pdf: Int64) {
    #expect(abs(FixedMath.normalCDF(d) - cdf) <= 1)
    #expect(abs(FixedMath.normalPDF(d) - pdf) <= 1)
    #expect(abs(FixedMath.normalCDF(-d) - (FixedMath.oneQ62 - cdf)) <= 1)
    #expect(FixedMath.normalPDF(-d) == FixedMath.normalPDF(d))
  }

  @Test func logarithmAndExponentialAreInverse() {
    var random = SeededRandom(seed: 1)
    for _ in 0..<10_000 {
      // A value below 128 in Q56, so that its logarithm is a difference of two integers' logarithms.
      let value = Int64(random.below(1 << 63)) >> Int64(random.below(20)) | 1 << 40
      let logarithm = FixedMath.lnQ56(value) - FixedMath.lnQ56(FixedMath.oneQ56)
      let back = FixedMath.expQ56(logarithm)
      #expect((back - value).magnitude <= UInt64(value >> 54) + 1)
    }
  }

  @Test func squareRootIsTheFloor() {
    var random = SeededRandom(seed: 2)
    let ends: [UInt128] = [
      0, 1, 2, 3, 4, .max, .max - 1, 1 << 127, 1 << 126, UInt128(UInt64.max) * UInt128(UInt64.max),
    ]
    for value in ends { expectFloor(value) }
    for _ in 0..<50_000 {
      let wide = UInt128(_low: random.next(), _high: random.next()) >> UInt128(random.below(128))
      expectFloor(wide)
      let root = UInt128(random.next() >> random.below(64))
      expectFloor(root * root)
      if root > 0 { expectFloor(root * root - 1) }
    }
  }

  private func expectFloor(_ value: UInt128) {
    let root = UInt128(FixedMath.isqrt(value))
    #expect(root * root <= value)
    let next = root + 1
    let (square, overflow) = next.multipliedReportingOverflow(by: next)
    #expect(overflow || square > value)
  }

  @Test func distributionNeverDecreases() {
    var random = SeededRandom(seed: 3)
    for _ in 0..<50_000 {
      let d = Int64(bitPattern: random.next()) >> Int64(random.below(8))
      let step = Int64(random.below(1 << 50))
      #expect(FixedMath.normalCDF(d) <= FixedMath.normalCDF(d.saturatingAdding(step)))
    }
    #expect(FixedMath.normalCDF(.min) == 0 && FixedMath.normalCDF(.max) == FixedMath.oneQ62)
    #expect(FixedMath.normalPDF(.min) == 0 && FixedMath.normalPDF(.max) == 0)
  }

  @Test func anyIntegerHasAResult() {
    var random = SeededRandom(seed: 4)
    for _ in 0..<100_000 {
      let x = extreme(&random)
      #expect(FixedMath.lnQ56(x) >= 0)
      #expect(FixedMath.expQ56(x) >= 0)
      #expect((0...FixedMath.oneQ62).contains(FixedMath.normalCDF(x)))
      #expect((0..<FixedMath.oneQ62 / 2).contains(FixedMath.normalPDF(x)))
    }
  }
}
