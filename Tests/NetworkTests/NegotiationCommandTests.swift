// Firm quotes by the commands of the rulebook: makers sign, the taker checks and trades, nobody trades twice.

import Foundation
import Testing

extension NetworkTests {
  @Suite(.serialized, .devnet) struct NegotiationCommandTests {
    private let devnet: Devnet
    private let future: (name: String, mark: Int, low: String)

    init() throws {
      devnet = try Devnet.current()
      future = try devnet.future()
    }

    /// The document of a maker's quote to Alice, in a file.
    private func quote(
      _ maker: String, _ quantity: String, at price: Int, _ name: String, side: String = "sell", leg: [String]? = nil
    ) throws -> String {
      let legs = (leg ?? [future.name]).flatMap { ["--leg", $0] }
      let result = devnet.run(
        [
          "rfq", "quote", "--taker", "alice", "--side", side, "--quantity", quantity, "--price=\(price)", "--key",
          devnet.keyPath(maker), "--socket", devnet.socket(0),
        ] + legs)
      #expect(result.code == 0 && result.json["maker"].text == devnet.account(maker), result.summary)
      let path = devnet.folder.path(name)
      try result.output.write(toFile: path, atomically: true, encoding: .utf8)
      return path
    }

    private func take(_ files: [String], _ more: [String] = [], by key: String = "alice") -> Program.Result {
      devnet.ask(["rfq", "take"] + files + ["--key", devnet.keyPath(key)] + more, node: 1)
    }

    @Test func theBestQuotesAreUsedFirstAndOnce() throws {
      let dear = try quote("maker1", "0.5", at: future.mark + 20, "dear.json")
      let cheap = try quote("maker2", "0.2", at: future.mark + 10, "cheap.json")
      let shown = devnet.ask(["rfq", "show", dear, cheap])
      #expect(shown.json["quotes"].list.map { $0["maker"].text } == ["maker2", "maker1"].map(devnet.account))
      let taken = take([dear, cheap], ["--quantity", "0.3"])
      #expect(taken.code == 0 && taken.json["status"].text == "final", taken.summary)
      let fills = taken.json["fills"].list
      #expect(fills.map { $0["maker"].text } == ["maker2", "maker1"].map(devnet.account), taken.summary)
      #expect(fills.map { $0["quantity"].decimal } == [Decimal(string: "0.2"), Decimal(string: "0.1")], taken.summary)
      #expect(fills.map { $0["price"].decimal } == [Decimal(future.mark + 10), Decimal(future.mark + 20)])
      let again = take([dear], ["--quantity", "0.1"])
      #expect(again.code == 1 && again.error.contains("nonce"), again.summary)
      let trades = devnet.ask(["query", "trade", future.name], node: 2)
      #expect(trades.json["trades"].list.contains { $0["price"].decimal == Decimal(future.mark + 20) }, trades.summary)
    }

    @Test func packagesTradeInOneEvent() throws {
      let calls = devnet.api(0).get("/v1/instruments?consistency=local").json["instruments"].list
        .filter { $0["kind"].text == "call" && $0["underlying"].text == "BTC" && $0["markPrice"].decimal != nil }
      let expiry = try #require(calls.first?["expiry"].text)
      let mine = calls.filter { $0["expiry"].text == expiry }.prefix(2)
      try #require(mine.count == 2)
      let legs = [mine[0]["name"].text + ":1", mine[1]["name"].text + ":-1"]
      let marks = mine.compactMap { $0["markPrice"].decimal }
      let net = Int(truncating: (marks[0] - marks[1]) as NSDecimalNumber)
      let taken = take([try quote("maker1", "0.1", at: net, "spread.json", leg: legs)])
      #expect(taken.code == 0 && taken.json["fills"].list.count == 2, taken.summary)
      #expect(Set(taken.json["fills"].list.map { $0["instrument"].text }) == Set(mine.map { $0["name"].text }))
    }

    @Test func whatIsNotTheMakersWordIsRefused() throws {
      let good = try quote("maker1", "0.1", at: future.mark, "good.json")
      let text = try String(contentsOfFile: good, encoding: .utf8)
      func refused(_ change: (String) -> String, _ reason: String) throws {
        let path = devnet.folder.path("changed.json")
        try change(text).write(toFile: path, atomically: true, encoding: .utf8)
        let result = devnet.ask(["rfq", "show", path])
        #expect(result.code == 1 && result.error.contains(reason), result.summary)
      }
      try refused({ $0.replacingOccurrences(of: "\"sell\"", with: "\"buy\"") }, "says something else")
      try refused({ _ in "{}" }, "no firm quote")
      try refused({ $0.replacingOccurrences(of: "\"bytes\" : \"", with: "\"bytes\" : \"00") }, "no firm quote")
      #expect(take([good], by: "bob").error.contains("may not"), "a quote is for its taker")
      #expect(take([good], ["--quantity", "0.2"]).error.contains("less than that"))
      #expect(devnet.ask(["rfq", "take", "/no/such", "--key", devnet.keyPath("alice")]).code == 1)
      #expect(take([good]).code == 0)
    }
  }
}
