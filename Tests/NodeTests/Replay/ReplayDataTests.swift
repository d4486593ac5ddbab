// The recorded chains beside the repository, where they are.

import Clearing
import Glibc
import Node
import Pricing
import Primitives
import Testing

enum SharedData {
  /// NOVATION_SHARED, or `shared` beside the package.
  static let optionChains: String? = {
    var candidates: [String] = []
    if let root = getenv("NOVATION_SHARED") { candidates.append(String(cString: root)) }
    var directory = FilePaths.directory(of: #filePath)
    while directory.count > 1 {
      if FileAccess.exists(directory + "/Package.swift") {
        candidates.append(FilePaths.resolve("../shared", in: directory))
        break
      }
      directory = FilePaths.directory(of: directory)
    }
    return candidates.map { $0 + "/data/deribit-chain" }.first { FileAccess.exists($0) }
  }()
}

@Suite(.enabled(if: SharedData.optionChains != nil)) struct ReplayDataTests {
  /// A mark in coin times the future's price is Black's price at the recorded volatility.
  @Test func recordedMarksAreBlackPrices() throws {
    let directory = try #require(SharedData.optionChains)
    let name = try #require(FileAccess.names(in: directory).first { $0.hasPrefix("deribit_options") })
    let recording = try OptionChainReader.read(["\(directory)/\(name)"])
    #expect(recording.symbols.sorted() == ["BTC", "ETH"])
    let snapshot = try #require(recording.snapshots.first)
    #expect(snapshot.optionCount > 1_000)
    var errors: [Double] = []
    for expiry in snapshot.expiries {
      for option in expiry.options {
        guard let mark = option.mark, let volatility = option.volatility else { continue }
        let total = Black76.totalVolatility(
          volatility: Int64((volatility * 1e9).rounded()), nanoseconds: expiry.expiry - snapshot.time)
        let price = Black76.price(
          option.kind == .call ? .call : .put, forward: Int64(expiry.forward * 1e6), strike: option.strike,
          totalVolatility: total)
        errors.append(abs(Double(price) / 1e6 - mark) / expiry.forward)
      }
    }
    errors.sort()
    // The rows of a snapshot were collected over seconds and volatilities have four digits: half of the marks are
    // within 0.01 % of the forward, nearly all within 0.1 %.
    #expect(errors[errors.count / 2] < 1e-4)
    #expect(errors[errors.count * 99 / 100] < 1e-3)
  }
}
