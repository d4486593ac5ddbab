// Random cases against mpmath, in a process of their own: NOVATION_PRICING_CASES=100000 swift test --filter
// GeneratedCases. Skipped without the variable; the cases depend on the seed alone (NOVATION_PRICING_SEED, 1).

import Foundation
import Pricing
import Testing

@Suite struct GeneratedCasesTests {
  static let environment = ProcessInfo.processInfo.environment
  static let count = environment["NOVATION_PRICING_CASES"].flatMap { Int($0) } ?? 0
  static let seed = environment["NOVATION_PRICING_SEED"].flatMap { Int($0) } ?? 1

  @Test(.enabled(if: count > 0, "set NOVATION_PRICING_CASES; needs python3 with mpmath"))
  func pricesAreCorrectlyRounded() throws {
    let process = Process()
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let script = root.appendingPathComponent("deploy/black76-cases.py").path
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", script, String(Self.seed), String(Self.count)]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
    var worst: Int128 = 0
    var cases = 0
    var implied = 0
    var worstImplied: Int128 = 0
    for line in String(decoding: data, as: UTF8.self).split(separator: "\n") {
      let field = line.split(separator: ",")
      guard field.count == 4, let forward = Int64(field[0]), let strike = Int64(field[1]), let total = Int64(field[2]),
        let expected = Int128(field[3])
      else {
        Issue.record("not a case: \(line)")
        continue
      }
      let price = Black76.price(.call, forward: forward, strike: strike, totalVolatility: total)
      worst = max(worst, abs(Int128(price) * 1_000_000_000_000 - expected))
      cases += 1
      if let error = impliedError(forward, strike, total, price, Int128(price) * 1_000_000_000_000 - expected) {
        worstImplied = max(worstImplied, error)
        implied += 1
      }
    }
    print("pricing: \(implied) implied volatilities, largest error \(worstImplied) units of 2^-56")
    #expect(implied > cases / 4)
    #expect(worstImplied <= 7_205_759, "more than 1e-10")
    print("pricing: \(cases) cases of seed \(Self.seed), largest error \(worst)e-12 of a unit of 1e-6 USD")
    #expect(cases > Self.count * 9 / 10)
    // Half a unit, and the 1e-9 of a unit that the reference prices allow.
    #expect(worst <= 500_000_000_000 + 1_000)
  }

  /// The implied volatility of the rounded price against s + (rounding error) / vega, which is exact but for the square
  /// of that correction. Nil where the correction is not small (above 2^-26).
  private func impliedError(
    _ forward: Int64, _ strike: Int64, _ total: Int64, _ price: Int64, _ rounding: Int128
  ) -> Int128? {
    let s = Int128(total)
    let k = Int128(FixedMath.lnQ56(forward) - FixedMath.lnQ56(strike))
    guard let d1 = Int64(exactly: (k << 56) / s + s / 2) else { return nil }
    let vega = (Int128(forward) * Int128(FixedMath.normalPDF(d1))) >> 38  // Q24
    guard vega > 0 else { return nil }
    let correction = (rounding << 80) / 1_000_000_000_000 / vega
    guard abs(correction) < 1 << 30,
      let found = Black76.impliedTotalVolatility(.call, price: price, forward: forward, strike: strike)
    else { return nil }
    return abs(Int128(found) - s - correction)
  }
}
