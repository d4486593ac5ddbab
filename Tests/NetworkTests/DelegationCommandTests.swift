// A key that trades for somebody else, by the commands: within its terms, and until it is taken back.

import Foundation
import Testing

extension NetworkTests {
  @Suite(.serialized, .devnet) struct DelegationCommandTests {
    private let devnet: Devnet
    private let future: (name: String, mark: Int, low: String)

    init() throws {
      devnet = try Devnet.current()
      future = try devnet.future()
    }

    private func delegate(_ more: [String]) -> Program.Result {
      devnet.ask(["key", "delegate", devnet.account("bob"), "--key", devnet.keyPath("alice")] + more)
    }

    /// Bob's key, Alice's account.
    private func buy(_ quantity: String, node: Int = 1) -> Program.Result {
      devnet.place(
        "buy", future.name, quantity, at: future.low, by: "bob", node: node,
        ["--on-behalf-of", devnet.account("alice")])
    }

    private func delegations() -> [JSON] {
      devnet.ask(["query", "account", devnet.account("alice")], node: 2).json["delegations"].list
    }

    @Test func aKeyTradesForAnAccountAndIsTakenBack() throws {
      let refused = buy("0.001")
      #expect(refused.code == 1 && refused.json["error"]["code"].text == "notAuthorized", refused.summary)
      let worth = String(future.mark / 100)
      let given = delegate([
        "--scope", "trade", "--underlying", "BTC", "ETH", "--order-notional", worth, "--blocks", "100000",
      ])
      #expect(given.code == 0 && given.json["status"].text == "final", given.summary)
      let terms = try #require(delegations().first)
      #expect(terms["key"].text == devnet.account("bob") && terms["scope"].list.map(\.text) == ["trade"])
      #expect(terms["underlyings"].list.map(\.text) == ["BTC", "ETH"] && terms["until"].integer > 100_000)
      #expect(terms["orderNotional"].decimal == Decimal(string: worth))

      let placed = buy("0.001")
      #expect(placed.code == 0, placed.summary)
      let order = placed.json["orders"][0]["id"].text
      let mine = devnet.ask(["order", "list", devnet.account("alice")])
      #expect(mine.output.contains(order), mine.summary)
      let large = buy("0.1")
      #expect(large.code == 1 && large.json["error"]["code"].text == "tooLarge", large.summary)
      let theft = devnet.ask([
        "withdraw", "--amount", "1", "--destination", "me", "--key", devnet.keyPath("bob"), "--on-behalf-of",
        devnet.account("alice"),
      ])
      #expect(theft.code == 1 && theft.json["error"]["code"].text == "notAuthorized", theft.summary)
      let shown = devnet.run(["query", "account", devnet.account("alice"), "--socket", devnet.socket(0)])
      #expect(shown.output.contains("DELEGATED TO") && shown.output.contains("BTC, ETH"), shown.summary)

      let revoked = devnet.ask(["key", "revoke", devnet.account("bob"), "--key", devnet.keyPath("alice")])
      #expect(revoked.code == 0, revoked.summary)
      #expect(delegations().isEmpty && buy("0.001").code == 1)
      let again = devnet.ask(["key", "revoke", devnet.account("bob"), "--key", devnet.keyPath("alice")])
      #expect(again.code == 1 && again.json["error"]["code"].text == "unknownKey", again.summary)
    }

    @Test func termsWithoutAnEndAreRefused() {
      #expect(delegate([]).code == 2)
      #expect(delegate(["--blocks", "0"]).code == 2)
      #expect(delegate(["--blocks", "5", "--until-height", "9"]).code == 2)
      #expect(delegate(["--blocks", "5", "--scope", "everything"]).code == 2)
      let past = delegate(["--until-height", "1"])
      #expect(past.code == 1 && past.json["error"]["code"].text == "badTime", past.summary)
      let nowhere = delegate(["--blocks", "5", "--underlying", "DOGE"])
      #expect(nowhere.code == 1 && nowhere.error.contains("DOGE"), nowhere.summary)
    }
  }
}
