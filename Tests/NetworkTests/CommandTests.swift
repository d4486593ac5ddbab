// Commands against a running network: what they print, and how they end.

import Foundation
import Testing

extension NetworkTests {
  @Suite(.serialized, .devnet) struct CommandTests {
    private let devnet: Devnet
    private let future: (name: String, mark: Int, low: String)

    init() throws {
      devnet = try Devnet.current()
      future = try devnet.future()
    }

    private func expectKeys(
      _ json: JSON, _ keys: Set<String>, _ what: Comment, location: SourceLocation = #_sourceLocation
    ) {
      #expect(keys.subtracting(json.keys) == [], what, sourceLocation: location)
    }

    private static let receiptKeys: Set = [
      "transaction", "height", "index", "stateRoot", "status", "orders", "fills", "proof", "error",
    ]

    // MARK: devnet and status

    @Test func devnetUpPrintsItsNodesAndKeys() {
      expectKeys(devnet.document, ["directory", "chainId", "nodes", "keys"], "devnet up --json")
      #expect(devnet.chain.count == 64)
      let keys = devnet.document["keys"].list
      #expect(Set(keys.map { $0["name"].text }).isSuperset(of: ["alice", "bob", "maker1", "maker2"]))
      for key in keys {
        expectKeys(key, ["name", "path", "account"], "key")
        #expect(key["account"].text.count == 64)
        #expect(key["path"].text == "\(devnet.directory)/keys/\(key["name"].text).key")
      }
      let pids = (0..<4).compactMap { devnet.pid($0) }
      #expect(Set(pids).count == 4 && pids.allSatisfy(Devnet.isAlive), "four processes")
      for (number, node) in devnet.document["nodes"].list.enumerated() {
        expectKeys(node, ["name", "socket", "pid", "home"], "node")
        #expect(node["name"].text == "node\(number)" && node["pid"].integer == devnet.pid(number).map(Int.init))
        for file in ["novation.toml", "novation.sock", "pid", "log", "ledger"] {
          #expect(FileManager.default.fileExists(atPath: "\(devnet.directory)/node\(number)/\(file)"), "\(file)")
        }
      }
      #expect(devnet.run(["devnet", "up", "--dir", devnet.directory, "--detach", "--json"]).code == 0, "again")
    }

    @Test func statusSaysWhatTheContractNames() {
      let result = devnet.ask(["status"], node: 3)
      #expect(result.code == 0 && result.error == "", result.summary)
      let status = result.json
      expectKeys(
        status,
        ["chainId", "height", "view", "epoch", "stateRoot", "groupKey", "role", "syncing", "peers", "finality"],
        result.summary)
      expectKeys(status["finality"], ["p50Milliseconds", "p99Milliseconds"], result.summary)
      #expect(status["chainId"].text == devnet.chain && status["peers"].integer == 3, result.summary)
      let all = devnet.run(["devnet", "status", "--dir", devnet.directory, "--json"])
      #expect(all.code == 0 && all.json["nodes"].list.count == 4, all.summary)
      #expect(devnet.run(["devnet", "status", "--dir", "/tmp/no-such-network"]).code == 1)
    }

    @Test func validatorsAreListedWithTheirHealth() throws {
      let result = devnet.ask(["query", "validator"], node: 1)
      expectKeys(
        result.json, ["validators", "epoch", "view", "quorum", "fastQuorum", "faulty", "slow", "keys", "window"],
        result.summary)
      #expect(result.json["quorum"].integer == 3 && result.json["faulty"].integer == 1, result.summary)
      let all = result.json["validators"].list
      #expect(all.count == 4 && all[1]["health"].text == "self", result.summary)
      for (index, validator) in all.enumerated() where index != 1 {
        #expect(validator["health"].text == "good" && validator["roundTripMilliseconds"] != .null, result.summary)
      }
      #expect(all.reduce(0) { $0 + $1["proposed"].integer } == result.json["window"].integer, result.summary)
      #expect(all.filter { $0["leader"] == .bool(true) }.count == 1, result.summary)
      let name = all[2]["name"].text
      for (choice, index) in [(name, 2), ("3", 3), (all[0]["publicKey"].text, 0)] {
        let one = devnet.ask(["validator", "status", choice], node: 1)
        #expect(one.json["validators"].list.map { $0["index"].integer } == [index], one.summary)
      }
      let stranger = devnet.ask(["query", "validator", "nobody"])
      #expect(stranger.code == 1 && stranger.error.contains(name), stranger.summary)
      let shown = devnet.run(["validator", "list", "--socket", devnet.socket(0)])
      #expect(shown.code == 0 && shown.output.contains(all[3]["publicKey"].text), shown.summary)
    }

    @Test func reliabilityComesFromMeasuredSamples() throws {
      for _ in 0..<5 {
        #expect(devnet.place("buy", future.name, "0.001", at: future.low, by: "maker2").code == 0)
      }
      usleep(1_100_000)
      let result = devnet.ask(["reliability", "--target", "750"])
      #expect(result.code == 0, result.summary)
      let report = result.json
      #expect(report["window"]["clients"].integer >= 5 && report["window"]["own"].integer >= 1, result.summary)
      let deadlines = report["deadlines"].list
      #expect(deadlines.map { $0["milliseconds"].integer } == [10, 50, 100, 250, 500, 750, 1000], result.summary)
      for kind in ["final", "proven"] {
        let shares = deadlines.compactMap { $0[kind]["share"].decimal }
        #expect(shares.count == deadlines.count && shares.allSatisfy { $0 >= 0 && $0 <= 1 }, result.summary)
        #expect(report[kind]["p99Milliseconds"] != .null, result.summary)
        for deadline in deadlines {
          let low = try #require(deadline[kind]["low"].decimal)
          let high = try #require(deadline[kind]["high"].decimal)
          #expect(low <= high && deadline[kind]["within"].integer <= deadline["samples"].integer, result.summary)
        }
      }
      #expect(report["structure"]["toStop"]["validators"].integer == 2, result.summary)
      #expect(report["structure"]["toStop"]["hosts"].integer == 1, "all of it is on one host")
      let shown = devnet.run(["reliability", "--socket", devnet.socket(2)])
      #expect(shown.code == 0 && shown.output.contains("500 ms"), shown.summary)
      #expect(devnet.run(["reliability", "--target", "0"]).code == 2)
    }

    // MARK: Risk

    @Test func marginIsAnsweredAsItWouldBe() throws {
      let plain = devnet.ask(["query", "margin", "maker2"])
      #expect(plain.code == 0 && plain.json["before"] == plain.json["after"], plain.summary)
      let question = #"""
        {"cash": "1000", "positions": [{"instrument": "\#(future.name)", "quantity": "1"}],
         "moves": [{"underlying": "BTC", "spot": "-0.1"}]}
        """#
      let supposed = devnet.ask(["query", "margin", "maker2", "--what-if", "-"], input: question)
      #expect(supposed.code == 0 && supposed.json["covered"] == .bool(true), supposed.summary)
      let before = try #require(supposed.json["before"]["equity"].decimal)
      let after = try #require(supposed.json["after"]["equity"].decimal)
      let fees = try #require(supposed.json["fees"].decimal)
      // A tenth of the future is lost, but for the thousandths to which marks are rounded.
      let lost = before + 1000 - fees - after
      let position = supposed.json["positions"].list.first { $0["instrument"].text == future.name } ?? .null
      let held = try #require(position["quantity"].decimal, supposed.summary)
      #expect(abs(lost - held * Decimal(future.mark) / 10) < Decimal(future.mark) / 1000, supposed.summary)
      let shown = devnet.run(
        ["query", "margin", "maker2", "--what-if", "-", "--socket", devnet.socket(1)], input: question)
      #expect(shown.code == 0 && shown.output.contains("SUPPOSED"), shown.summary)
      for (input, word) in [("", "JSON"), (#"{"cash": "lots"}"#, "cash"), (#"{"moves": [{"underlying": "X"}]}"#, "X")] {
        let refused = devnet.ask(["query", "margin", "maker2", "--what-if", "-"], input: input)
        #expect(refused.code == 1 && refused.errorLines.count == 1 && refused.error.contains(word), refused.summary)
      }
    }

    @Test func greeksOfInstrumentsAndAccounts() throws {
      let one = devnet.ask(["query", "greeks", future.name])
      #expect(one.json["greeks"]["delta"].text == "1.000000000000", one.summary)
      let options = devnet.api(0).get("/v1/instruments").json["instruments"].list.filter { $0["kind"].text == "call" }
      let call = try #require(options.first { $0["markPrice"].decimal.map { $0 > 0 } ?? false })["name"].text
      let greeks = devnet.ask(["query", "greeks", call])
      let keys = ["price", "delta", "gamma", "vega", "theta", "vegaPerPoint", "thetaPerDay"]
      for key in keys { #expect(greeks.json["greeks"][key].decimal != nil, greeks.summary) }
      #expect(devnet.place("sell", future.name, "0.01", at: String(future.mark), by: "maker1").code == 0)
      #expect(devnet.place("buy", future.name, "0.01", at: String(future.mark), by: "maker2").code == 0)
      let account = devnet.ask(["query", "greeks", "maker2"])
      let total = try #require(account.json["totals"].list.first { $0["underlying"].text == "BTC" }, account.summary)
      let held = account.json["positions"].list.reduce(Decimal(0)) { sum, position in
        sum + (position["quantity"].decimal ?? 0) * (position["delta"].decimal ?? 0)
      }
      #expect(total["delta"].decimal.map { abs($0 - held) < Decimal(string: "0.000001") ?? 0 } == true, account.summary)
      #expect(devnet.ask(["query", "greeks", "BTC-1JAN70"]).code == 1)
    }

    // MARK: Trading

    @Test func twoTradersCross() throws {
      let price = String(future.mark)
      let sold = devnet.place("sell", future.name, "0.1", at: price, by: "alice")
      #expect(sold.code == 0, sold.summary)
      #expect(sold.error.contains("unencrypted"), "a signing command says when a key is unencrypted")
      expectKeys(sold.json, Self.receiptKeys, sold.summary)
      #expect(sold.json["orders"][0]["state"].text == "open" && sold.json["fills"].list == [], sold.summary)

      let bought = devnet.place("buy", future.name, "0.04", at: price, by: "bob", node: 2)
      #expect(bought.code == 0 && bought.json["status"].text == "final", bought.summary)
      expectKeys(bought.json, Self.receiptKeys, bought.summary)
      let order = bought.json["orders"][0]
      expectKeys(order, ["id", "instrument", "filled", "remaining", "state"], bought.summary)
      #expect(order["filled"].decimal == Decimal(string: "0.04") && order["remaining"].decimal == 0, bought.summary)
      let fill = bought.json["fills"][0]
      expectKeys(fill, ["instrument", "price", "quantity", "maker"], bought.summary)
      #expect(fill["price"].decimal == Decimal(future.mark) && fill["quantity"].decimal == Decimal(string: "0.04"))
      #expect(fill["maker"].text == devnet.account("alice") && fill["instrument"].text == future.name)
      #expect(bought.json["stateRoot"].text.count == 64 && bought.json["error"] == .null)

      try expectTheTradeInQueries(bought, alicesOrder: sold.json["orders"][0]["id"].text)
      #expect(devnet.ask(["cancel", "--all", "--key", "alice"]).code == 0)
    }

    private func expectTheTradeInQueries(_ bought: Program.Result, alicesOrder: String) throws {
      let account = devnet.ask(["query", "account", "bob"], node: 1)
      expectKeys(
        account.json, ["account", "balances", "positions", "orders", "margin", "height", "stateRoot", "consistency"],
        account.summary)
      expectKeys(account.json["margin"], ["mode", "equity", "initial", "maintenance", "excess"], account.summary)
      #expect(account.json["balances"]["USD"].decimal != nil && account.json["consistency"].text == "linearizable")
      let position = devnet.ask(["query", "position", devnet.account("bob"), future.name], node: 3)
      #expect(position.code == 0, position.summary)
      let held = position.json["positions"][0]
      expectKeys(held, ["instrument", "quantity", "averagePrice", "markPrice"], position.summary)
      #expect(held["quantity"].decimal == Decimal(string: "0.04"), position.summary)
      #expect(held["averagePrice"].decimal == Decimal(future.mark) && held["markPrice"].decimal != nil)
      let short = devnet.ask(["query", "position", "alice", future.name])
      #expect(short.json["positions"][0]["quantity"].decimal == Decimal(string: "-0.04"), short.summary)

      let book = devnet.ask(["query", "book", future.name, "--depth", "3"], node: 1)
      #expect(book.json["asks"][0]["price"].decimal == Decimal(future.mark), book.summary)
      #expect(book.json["asks"][0]["quantity"].decimal == Decimal(string: "0.06"), book.summary)
      let trade = devnet.ask(["query", "trade", future.name], node: 2)
      let latest = trade.json["trades"].list.max { $0["height"].integer < $1["height"].integer } ?? .null
      #expect(latest["price"].decimal == Decimal(future.mark) && latest["takerSide"].text == "buy", trade.summary)
      let order = devnet.ask(["query", "order", alicesOrder], node: 2)
      #expect(order.json["order"]["remaining"].decimal == Decimal(string: "0.06"), order.summary)

      let hash = bought.json["transaction"].text
      let again = devnet.ask(["query", "transaction", hash], node: 0)
      #expect(again.code == 0 && again.json["fills"] == bought.json["fills"], again.summary)
      let height = bought.json["height"].integer
      let block = devnet.ask(["query", "block", String(height)], node: 3)
      expectKeys(
        block.json, ["height", "hash", "parent", "stateRoot", "timestamp", "view", "transactions"], block.summary)
      #expect(block.json["transactions"][bought.json["index"].integer].text == hash, block.summary)
      #expect(block.json["stateRoot"] == bought.json["stateRoot"])
      let before = devnet.ask(["query", "block", String(height - 1)])
      #expect(before.json["hash"] == block.json["parent"], before.summary)
    }

    @Test func everyReadSaysItsHeightRootAndConsistency() {
      for read in [
        ["account", "alice"], ["position", "alice"], ["book", future.name], ["instrument"], ["trade", future.name],
        ["instrument", future.name], ["validator"], ["oracle"], ["block", "latest"],
      ] {
        for consistency in ["linearizable", "local"] {
          let result = devnet.ask(["query"] + read + ["--consistency", consistency], node: 1)
          #expect(result.code == 0, "\(read): \(result.summary)")
          expectKeys(result.json, ["height", "stateRoot", "consistency"], "query \(read.joined(separator: " "))")
        }
      }
    }

    @Test func instrumentsOracleAndValidatorsAreThere() {
      let instruments = devnet.ask(["query", "instrument"]).json["instruments"].list
      #expect(Set(instruments.map { $0["underlying"].text }) == ["BTC", "ETH"])
      #expect(Set(instruments.map { $0["kind"].text }) == ["future", "call", "put"])
      for instrument in instruments.prefix(50) {
        expectKeys(
          instrument, ["name", "kind", "underlying", "strike", "expiry", "state", "tick", "lot", "markPrice", "index"],
          "instrument \(instrument["name"].text)")
        #expect(instrument["tick"].decimal != nil && instrument["lot"].decimal != nil)
      }
      let oracle = devnet.ask(["query", "oracle"])
      #expect(oracle.json["underlyings"].list.count == 2, oracle.summary)
      #expect(oracle.json["underlyings"][0]["index"].decimal != nil, oracle.summary)
      let validators = devnet.ask(["query", "validator"])
      #expect(validators.json["validators"].list.count == 4, validators.summary)
    }

    @Test func aClientIdCountsOnce() throws {
      let first = devnet.place("buy", future.name, "0.01", at: future.low, by: "maker2", ["--client-id", "4711"])
      #expect(first.code == 0, first.summary)
      let second = devnet.place(
        "buy", future.name, "0.01", at: future.low, by: "maker2", node: 3, ["--client-id", "4711"])
      // Either the answer of the first time or a refusal that says why: never a second order.
      if second.code == 0 {
        #expect(second.json["orders"][0]["id"] == first.json["orders"][0]["id"], second.summary)
      } else {
        #expect(second.code == 1 && second.json["error"]["code"].text == "duplicateClientId", second.summary)
      }
      let orders = devnet.ask(["order", "list", "maker2", "--instrument", future.name]).json["orders"].list
      #expect(orders.count { $0["clientId"].text == "4711" } == 1, "\(orders)")
      #expect(devnet.ask(["order", "cancel", "--client-id", "4711", "--key", "maker2"]).code == 0)
      let left = devnet.ask(["order", "list", "maker2"]).json["orders"].list
      #expect(!left.contains { $0["clientId"].text == "4711" })
    }

    @Test func ordersAreAmendedAndCancelled() throws {
      let placed = devnet.place("buy", future.name, "0.05", at: future.low, by: "bob")
      let id = placed.json["orders"][0]["id"].text
      try #require(!id.isEmpty, placed.summary)
      let amended = devnet.ask(
        ["order", "amend", id, "--quantity", "0.02", "--price", future.low, "--key", "bob"], node: 1)
      #expect(
        amended.code == 0 && amended.json["orders"][0]["remaining"].decimal == Decimal(string: "0.02"), amended.summary)
      let cancelled = devnet.ask(["cancel", id, "--key", "bob"], node: 2)
      #expect(cancelled.code == 0, cancelled.summary)
      let gone = devnet.ask(["query", "order", id], node: 3)
      #expect(gone.code == 1 && gone.errorLines.count == 1, gone.summary)
      let late = devnet.ask(["cancel", id, "--key", "bob"])
      #expect(late.code == 1 && late.json["error"]["code"].text == "unknownOrder", late.summary)
    }

    @Test func aBatchIsExecutedWholeOrNotAtAll() throws {
      let good = """
        {"type": "place", "instrument": "\(future.name)", "side": "buy", "quantity": "0.01", "price": "\(future.low)", \
        "postOnly": true}
        """
      let bad = good.replacing("\"0.01\"", with: "\"0.0001\"").replacing("0.0001", with: "999999")
      func submit(_ mode: String, _ actions: [String]) -> Program.Result {
        let document = #"{"mode": "\#(mode)", "actions": [\#(actions.joined(separator: ","))]}"#
        return devnet.ask(["submit", "-", "--key", "bob"], input: document)
      }
      func open() -> Int { devnet.ask(["order", "list", "bob"]).json["orders"].list.count }
      let before = open()
      let whole = submit("allOrNothing", [good, good, good])
      #expect(whole.code == 0 && whole.json["orders"].list.count == 3 && open() == before + 3, whole.summary)
      let none = submit("allOrNothing", [good, bad])
      #expect(none.code == 1 && none.json["status"].text == "rejected" && open() == before + 3, none.summary)
      let some = submit("bestEffort", [good, bad])
      #expect(some.code == 0 && open() == before + 4, some.summary)
      #expect(devnet.ask(["cancel", "--instrument", future.name, "--key", "bob"]).code == 0)
      #expect(open() == 0)
    }

    @Test func theEnginesRefusalsExitWithOne() {
      for (arguments, code) in [
        (["buy", future.name, "50", "100000"], "insufficientMargin"),
        (["buy", future.name, "0.01", "1000.3"], "badPrice"),
        (["buy", "BTC-1JAN70", "0.01", "1000"], "unknownInstrument"),
      ] {
        let result = devnet.place(arguments[0], arguments[1], arguments[2], at: arguments[3], by: "alice")
        #expect(result.code == 1, result.summary)
        #expect(result.json["error"]["code"].text == code, result.summary)
        #expect(result.errorLines.count == 1, result.summary)
        #expect(["rejected", ""].contains(result.json["status"].text), result.summary)
      }
      let words = devnet.place("buy", "SALT-1JAN70", "1", at: "1")
      #expect(words.code == 1 && words.errorLines.count == 1, words.summary)
    }

    @Test func nobodyWaitsWithoutWaiting() {
      let result = devnet.place("buy", future.name, "0.01", at: future.low, by: "maker1", ["--no-wait"])
      #expect(result.code == 0 && result.json["status"].text == "accepted", result.summary)
      let hash = result.json["transaction"].text
      #expect(Moment.wait(10) { devnet.api(1).get("/v1/transactions/\(hash)").json["status"].text == "final" })
    }

    // MARK: Consistency

    @Test func everyConsistencyNamesItselfWithHeightAndRoot() {
      let height = devnet.api(0).height
      for (consistency, more) in [
        ("linearizable", []), ("causal", ["--at-least", String(height + 2)]), ("local", []), ("speculative", []),
      ] {
        let result = devnet.ask(["query", "account", "alice", "--consistency", consistency] + more, node: 1)
        #expect(result.code == 0 && result.json["consistency"].text == consistency, result.summary)
        #expect(result.json["stateRoot"].text.count == 64, result.summary)
        if consistency == "causal" { #expect(result.json["height"].integer >= height + 2, result.summary) }
      }
      // What will not come in time is refused, and what may be undone is not proven.
      let never = devnet.api(0).get("/v1/instruments?consistency=causal&atLeast=4000000000")
      #expect(never.status == 503, "\(never.status)")
      let proof = devnet.api(0).get("/v1/accounts/\(devnet.account("alice"))?consistency=speculative&proof=true")
      #expect(proof.status == 400, "\(proof.status)")
    }

    // MARK: Proofs

    @Test func certificatesAndAccountsAreProven() throws {
      #expect(devnet.place("buy", future.name, "0.01", at: future.low, by: "maker1").code == 0)
      let key = devnet.groupKey
      func verify(_ document: JSON) -> Program.Result {
        devnet.run(
          ["verify", "-", "--chain", devnet.chain, "--group-key", key, "--json"], input: document.rendered)
      }
      let proven = devnet.place("buy", future.name, "0.01", at: future.low, by: "maker1", ["--proven"])
      for (name, document, fields) in [
        (
          "certificate", devnet.ask(["query", "certificate", "latest"]).json,
          ["height", "stateRoot", "headerHash", "signature"]
        ),
        (
          "account", devnet.ask(["query", "account", "maker1", "--proof"], node: 1).json,
          ["height", "stateRoot", "balances", "account"]
        ),
        ("receipt", proven.json, ["height", "stateRoot", "transaction", "status", "index", "orders"]),
      ] {
        let good = verify(document)
        #expect(good.code == 0, "\(name): \(good.summary)")
        for field in fields {
          guard case .object(var members) = document else { continue }
          members[field] = Self.changed(document[field])
          let bad = verify(.object(members))
          #expect(bad.code == 1 && bad.errorLines.count == 1, "\(name).\(field) was changed: \(bad.summary)")
        }
      }
      let other = devnet.run(
        ["verify", "-", "--chain", String(repeating: "0", count: 64), "--group-key", key],
        input: devnet.ask(["query", "certificate", "latest"]).output)
      #expect(other.code == 1, other.summary)
      for text in ["", "{}", "[]", "{\"certificate\":", String(repeating: "[", count: 100_000)] {
        let result = devnet.run(["verify", "-", "--chain", devnet.chain, "--group-key", key], input: text)
        #expect(result.code == 1 && result.errorLines.count == 1, result.summary)
      }
    }

    private static func changed(_ value: JSON) -> JSON {
      switch value {
      case .number(let number): .number(number + 1)
      case .string(let text): .string((text.hasPrefix("0") ? "1" : "0") + text.dropFirst())
      case .object(let members): .object(members.mapValues(changed))
      default: .string("changed")
      }
    }

    /// T9: besides the group's signature there are the validators' own, for whoever knows their keys.
    @Test func aCertificateNamesItsVotes() {
      let certificate = devnet.ask(["query", "certificate", "latest", "--votes"])
      expectKeys(
        certificate.json, ["height", "header", "stateRoot", "message", "signature", "groupKey"], certificate.summary)
      let votes = certificate.json["votes"].list
      #expect(Set(votes.map { $0["publicKey"].text }).count >= 3, certificate.summary)
      #expect(votes.allSatisfy { $0["signature"].text.count == 128 })
      let strict = devnet.run(
        ["verify", "-", "--chain", devnet.chain, "--genesis", devnet.directory + "/genesis.json"],
        input: certificate.output)
      #expect(strict.code == 0, strict.summary)
    }

    // MARK: Market data

    @Test func marketDataIsShownOnceAndLive() throws {
      let book = devnet.ask(["book", future.name])
      #expect(book.code == 0 && book.json["instrument"].text == future.name, book.summary)
      let watched = devnet.run(
        ["book", "--watch", future.name, "--count", "2", "--json", "--socket", devnet.socket(1)])
      let lines = watched.output.split(separator: "\n")
      #expect(watched.code == 0 && lines.count == 2, watched.summary)
      let heights = lines.compactMap { JSON.parse(String($0))?["height"].integer }
      #expect(heights.count == 2 && heights[1] > heights[0], watched.summary)

      let chain = devnet.ask(["chain", "BTC"])
      let rows = chain.json["expiries"][0]["rows"].list
      #expect(chain.code == 0 && chain.json["expiries"].list.count == 1 && rows.count > 2, chain.summary)
      for side in rows.flatMap({ [$0["call"], $0["put"]] }) where side != .null {
        #expect(side["mark"].decimal != nil && side["instrument"].text.hasPrefix("BTC-"), chain.summary)
      }
      let row = rows[rows.count / 2]
      for key in ["volatility", "delta", "gamma", "vega", "theta"] {
        #expect(row["call"][key].decimal != nil, "\(key) of \(row.rendered)")
      }
      #expect((row["call"]["delta"].decimal ?? 0) > 0 && (row["put"]["delta"].decimal ?? 0) < 0)
      let table = devnet.run(["chain", "BTC", "--expiry", "all", "--socket", devnet.socket(0)])
      #expect(table.code == 0 && table.output.contains("STRIKE"), table.summary)
      #expect(devnet.ask(["chain", "XYZ"]).code == 1)
      #expect(devnet.ask(["chain", "BTC", "--expiry", "1JAN01"]).code == 1)

      #expect(devnet.place("sell", future.name, "0.01", at: String(future.mark), by: "maker1").code == 0)
      #expect(devnet.place("buy", future.name, "0.01", at: String(future.mark), by: "maker2").code == 0)
      let trades = devnet.ask(["trades", future.name])
      #expect(trades.code == 0 && !trades.json["trades"].list.isEmpty, trades.summary)
      #expect(devnet.run(["trades", "--socket", devnet.socket(0)]).code == 2)
      #expect(devnet.run(["trades", "--watch", "NOPE", "--socket", devnet.socket(0)]).code == 1)
    }
  }
}
