// `novation export` against a running network: what was traded is in the file, once, on every node alike.

import Foundation
import Testing

extension NetworkTests {
  @Suite(.serialized, .devnet) struct ExportTests {
    private let devnet: Devnet
    private let future: (name: String, mark: Int, low: String)

    init() throws {
      devnet = try Devnet.current()
      future = try devnet.future()
    }

    private func export(_ what: String, _ more: [String] = [], node: Int = 0) -> Program.Result {
      devnet.run(["export", what, "--socket", devnet.socket(node)] + more)
    }

    private func rows(_ result: Program.Result) -> [[String: String]] {
      let lines = result.output.split(separator: "\n").map {
        $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      }
      guard let heading = lines.first else { return [] }
      return lines.dropFirst().map { Dictionary(uniqueKeysWithValues: zip(heading, $0)) }
    }

    /// Until node 0 has stored what is final now.
    private func settle() {
      let height = devnet.api(0).height
      for node in 0..<4 {
        #expect(Moment.wait(10) { devnet.api(node).status["storedHeight"].integer >= height })
      }
    }

    @Test func tradesFeesAndStatementsSayWhatHappened() throws {
      let price = String(future.mark)
      let sold = devnet.place("sell", future.name, "0.03", at: price, by: "alice")
      let bought = devnet.place("buy", future.name, "0.02", at: price, by: "bob", node: 1)
      #expect(sold.code == 0 && bought.json["orders"][0]["state"].text == "filled", bought.summary)
      let height = bought.json["height"].integer
      let transfer = devnet.ask(
        ["transfer", "--to", devnet.account("bob"), "--amount", "12.5", "--key", devnet.keyPath("alice")])
      #expect(transfer.code == 0, transfer.summary)
      settle()

      let trades = export("trades", ["--account", devnet.account("bob")])
      let trade = try #require(rows(trades).last { $0["height"] == String(height) }, trades.summary)
      #expect(trade["instrument"] == future.name && trade["takerSide"] == "buy" && trade["quantity"] == "0.020")
      #expect(trade["taker"] == devnet.account("bob") && trade["maker"] == devnet.account("alice"))
      #expect(trade["price"].flatMap { Decimal(string: $0) } == Decimal(future.mark), trades.summary)
      #expect(rows(export("trades", ["--account", devnet.account("maker1")])).isEmpty)
      #expect(export("trades", node: 3).output == export("trades").output, "every node says the same")

      let fees = rows(export("fees")).filter { $0["trade"] == trade["trade"] }
      #expect(fees.map { $0["role"] } == ["taker", "maker"])
      #expect(fees.map { $0["fee"] } == [trade["takerFee"], trade["makerFee"]])

      let statement = rows(export("statement", ["--account", devnet.account("alice")]))
      #expect(statement.contains { $0["type"] == "transfer" && $0["amount"] == "-12.500000" })
      #expect(statement.contains { $0["type"] == "trade" && $0["quantity"] == "-0.020" && $0["amount"] == "" })
      let sequences = statement.compactMap { $0["sequence"].flatMap { Int($0) } }
      #expect(sequences == sequences.sorted())
      #expect(devnet.run(["export", "statement", "--socket", devnet.socket(0)]).code == 2)
      #expect(devnet.ask(["cancel", "--all", "--key", devnet.keyPath("alice")]).code == 0)
    }

    @Test func pagesAddUpToTheWhole() throws {
      for _ in 0..<3 {
        #expect(devnet.place("sell", future.name, "0.01", at: String(future.mark), by: "maker1").code == 0)
        #expect(devnet.place("buy", future.name, "0.01", at: String(future.mark), by: "maker2").code == 0)
      }
      settle()
      let whole = export("trades", ["--to", String(devnet.api(0).status["storedHeight"].integer)])
      let last = try #require(whole.error.split(separator: " ").last.flatMap { Int($0.filter(\.isNumber)) })
      let middle = last / 2
      let first = export("trades", ["--to", String(middle)])
      #expect(first.error.contains("--from \(middle + 1)"), first.summary)
      let second = export("trades", ["--from", String(middle + 1), "--to", String(last - 1)])
      let parts = first.output + second.output.drop { $0 != "\n" }.dropFirst()
      #expect(parts == whole.output && rows(whole).count >= 3)
      #expect(export("trades", ["--from", "9", "--to", "8"]).code == 2)
      let page = devnet.api(0).get("/v1/events?from=1&to=4000000")
      #expect(page.json["to"].integer <= page.json["head"].integer, page.summary)
    }
  }
}
