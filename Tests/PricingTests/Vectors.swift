// The reference file of 2,000 prices and exact decimal arithmetic to compare with it.

import Foundation
import Pricing

/// One row of black76.csv: inputs at the chain's scales, results as text of up to 18 digits.
struct BlackVector {
  let kind: OptionKind
  let forward: Int64
  let strike: Int64
  let nanoseconds: Int64
  let volatility: Int64
  let price: Substring
  let delta: Substring
  let gamma: Substring
  let vega: Substring
  let theta: Substring

  /// Nil where the shared vectors are not beside this package.
  static let path: String? = {
    let environment = ProcessInfo.processInfo.environment["NOVATION_SHARED"]
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let shared = environment ?? root.deletingLastPathComponent().appendingPathComponent("shared").path
    let file = shared + "/vectors/black76.csv"
    return FileManager.default.fileExists(atPath: file) ? file : nil
  }()

  static func load() throws -> [BlackVector] {
    guard let path else { return [] }
    let text = try String(contentsOfFile: path, encoding: .utf8)
    return text.split(whereSeparator: \.isNewline).dropFirst().compactMap { BlackVector(line: $0) }
  }

  /// Every input is exact: forward and strike have 4 decimals, volatility 6, and 1e-8 years are 315,360,000 ns.
  init?(line: Substring) {
    let field = line.split(separator: ",")
    guard field.count == 10, let forward = Int64(exactly: scaled(field[1], 6)),
      let strike = Int64(exactly: scaled(field[2], 6)), let years = Int64(exactly: scaled(field[3], 8)),
      let volatility = Int64(exactly: scaled(field[4], 9))
    else { return nil }
    kind = field[0] == "C" ? .call : .put
    (self.forward, self.strike, nanoseconds, self.volatility) = (forward, strike, years * 315_360_000, volatility)
    (price, delta, gamma, vega, theta) = (field[5], field[6], field[7], field[8], field[9])
  }
}

/// A decimal text, with or without exponent, times 10^`decimals`, cut off.
func scaled(_ text: Substring, _ decimals: Int) -> Int128 {
  let parts = text.split(whereSeparator: { $0 == "e" || $0 == "E" })
  let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
  let halves = parts[0].split(separator: ".", omittingEmptySubsequences: false)
  let fraction = halves.count > 1 ? String(halves[1]) : ""
  let digits = (String(halves[0]) + fraction).filter(\.isNumber)
  var places = decimals + exponent - fraction.count
  var value = Int128(digits) ?? 0
  while places > 0 {
    value *= 10
    places -= 1
  }
  while places < 0 {
    value /= 10
    places += 1
  }
  return text.hasPrefix("-") ? -value : value
}
