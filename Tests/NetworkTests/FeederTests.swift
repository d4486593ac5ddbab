// `novation oracle publish` against a running network: what is taken becomes the market, what is not is counted.

import Foundation
import Testing

extension NetworkTests {
  @Suite(.serialized, .devnet) struct FeederTests {
    private let devnet: Devnet

    init() throws {
      devnet = try Devnet.current()
      _ = try devnet.future()
    }

    private func index() -> Decimal? {
      let oracle = devnet.ask(["query", "oracle", "--consistency", "local"])
      return oracle.json["underlyings"].list.first { $0["name"].text == "BTC" }?["index"].decimal
    }

    private func line(_ price: Decimal, age: TimeInterval = 0) -> String {
      let milliseconds = Int64((Date().timeIntervalSince1970 - age) * 1000)
      return #"{"underlying":"BTC","price":"\#(price)","time":\#(milliseconds)}"# + "\n"
    }

    private func publish(_ lines: String, node: Int) -> Program.Result {
      devnet.ask(["oracle", "publish"], node: node, input: lines)
    }

    @Test func aQuorumOfFeedersMovesTheMarket() throws {
      let before = try #require(index())
      let share = try #require(Decimal(string: "1.05"))
      var moved = Decimal(0)
      NSDecimalRound(&moved, [before * share], 0, .plain)
      let arrived = Moment.wait(20) {
        for node in 0..<3 {
          let result = publish(line(moved), node: node)
          #expect(result.code == 0 && result.json["accepted"].integer == 1, result.summary)
        }
        return index() == moved
      }
      #expect(arrived, "index \(index().map { "\($0)" } ?? "none") instead of \(moved)")
      // Nobody feeds any more: the test network's own prices come back.
      #expect(Moment.wait(20) { index().map { $0 != moved } ?? false })
    }

    @Test func whatIsNoPriceIsRefusedAndCounted() throws {
      let price = try #require(index())
      let lines =
        "\n" + line(price) + "nonsense\n" + #"{"underlying":"DOGE","price":"1","time":1}"# + "\n" + line(price, age: 60)
        + line(price * 100) + line(-1)
      let result = publish(lines, node: 1)
      #expect(result.code == 0, result.summary)
      #expect(result.json["accepted"].integer == 1 && result.json["refused"].integer == 5, result.summary)
      let reasons = result.json["reasons"]
      for (reason, count) in [("malformed", 2), ("unlisted", 1), ("stale", 1), ("wild", 1)] {
        #expect(reasons[reason].integer == count, result.summary)
      }
      for number in [3, 4, 5, 6, 7] { #expect(result.error.contains("line \(number): "), result.summary) }
      let metrics = devnet.api(1).get("/metrics").body
      #expect(metrics.contains(#"novation_oracle_lines_total{verdict="wild"} 1"#))
      #expect(metrics.contains(#"novation_oracle_lines_total{verdict="malformed"} 2"#))
      let none = publish("nonsense\n" + String(repeating: "x", count: 100_000), node: 2)
      #expect(none.code == 1 && none.json["refused"].integer == 2, none.summary)
      #expect(publish("", node: 2).code == 0)
      #expect(devnet.run(["oracle", "publish", "--socket", "/nowhere"], input: line(price)).code == 3)
    }
  }
}
