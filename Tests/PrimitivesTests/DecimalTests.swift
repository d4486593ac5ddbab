import Primitives
import Testing

@Suite struct DecimalTests {
  @Test(arguments: [
    ("0", 0), ("1.5", 1_500_000), ("-12.000001", -12_000_001), ("0.1000000", 100_000),
    ("9223372036854.775807", Int64.max),
  ])
  func parses(text: String, value: Int64) { #expect(Decimal.parse(text, scale: 6) == value) }

  @Test(arguments: ["", "-", ".5", "1.", "1e3", "+1", " 1", "1.0000001", "9223372036854.775808", "1.2.3", "0x1", "١"])
  func refuses(text: String) { #expect(Decimal.parse(text, scale: 6) == nil) }

  @Test func formatsWhatItParses() {
    var random = SeededRandom(seed: 7)
    for _ in 0..<10_000 {
      let value = Int64(bitPattern: random.next() >> random.below(64))
      for scale in [0, 3, 6] where value != .min {
        #expect(Decimal.parse(Decimal.format(value, scale: scale), scale: scale) == value)
      }
    }
    #expect(Decimal.format(.min, scale: 6) == "-9223372036854.775808")
  }
}
