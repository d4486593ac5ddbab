// Commands that need no node: prices, keys, genesis, a node's home, usage.

import Foundation
import Glibc
import Testing

extension NetworkTests {
  @Suite(.serialized) struct OfflineTests {
    private let folder: TemporaryFolder

    init() throws { folder = try #require(TemporaryFolder()) }

    private func run(_ arguments: String..., input: String? = nil) -> Program.Result {
      Program.run(arguments, home: folder.directory, input: input)
    }

    /// Exit code 1 with one line that says what.
    private func expectRefusal(
      _ result: Program.Result, naming words: String..., location: SourceLocation = #_sourceLocation
    ) {
      #expect(result.code == 1, result.summary, sourceLocation: location)
      #expect(result.errorLines.count == 1, result.summary, sourceLocation: location)
      for word in words { #expect(result.error.contains(word), result.summary, sourceLocation: location) }
    }

    // MARK: Usage

    @Test func helpOnEveryLevelExitsWithZero() {
      defer { folder.remove() }
      for arguments in [
        ["--help"], ["help"], ["devnet", "--help"], ["order", "place", "--help"], ["query", "account", "--help"],
        ["key", "new", "--help"], ["genesis", "check", "--help"], ["verify", "--help"], ["replay", "--help"],
        ["bench", "--help"],
      ] {
        let result = Program.run(arguments)
        #expect(
          result.code == 0 && result.output.contains("USAGE") || result.output.contains("OVERVIEW"), result.summary)
        #expect(result.error == "")
      }
    }

    @Test func wrongUsageExitsWithTwo() {
      defer { folder.remove() }
      for arguments in [
        ["nonsense"], ["price"], ["price", "--kind", "swap"], ["order", "place", "--side", "hold"], ["devnet", "up"],
        ["query", "weather"], ["start"], ["query", "block", "x"], ["genesis", "check"], ["key", "new"],
        ["price", "--kind", "call", "--forward", "1e5", "--strike", "1", "--days", "1", "--volatility", "1"],
        ["devnet", "up", "--dir", "/tmp/x", "--validators", "0"], ["status", "--surprise"],
        ["query", "account", "alice", "--consistency", "sometimes"],
      ] {
        let result = Program.run(arguments, home: folder.directory)
        #expect(result.code == 2, "\(arguments): \(result.summary)")
        #expect(!result.error.isEmpty && result.output.isEmpty, result.summary)
      }
    }

    @Test func aMissingNodeExitsWithThree() {
      defer { folder.remove() }
      let socket = folder.path("none.sock")
      for arguments in [
        ["status"], ["query", "account", String(repeating: "0", count: 64)], ["query", "block", "latest"],
      ] {
        let result = Program.run(arguments + ["--socket", socket], home: folder.directory)
        #expect(result.code == 3, result.summary)
        #expect(result.errorLines.count == 1 && result.error.contains(socket), result.summary)
      }
      #expect(run("key", "new", "k", "--unencrypted").code == 0)
      let order = run(
        "order", "place", "--side", "buy", "--instrument", "BTC-27MAR26", "--quantity", "1", "--price", "1", "--key",
        "k",
        "--socket", socket)
      #expect(order.code == 3, order.summary)
      folder.write("plain.sock", "a file, and no socket")
      #expect(run("status", "--socket", folder.path("plain.sock")).code == 3)
    }

    // MARK: price

    /// With forward and strike of 100, a year, a volatility of 0.2: 100 (2 N(0.1) - 1), N(0.1), and so on.
    @Test func priceGivesKnownValues() throws {
      defer { folder.remove() }
      let result = run(
        "price", "--kind", "call", "--forward", "100", "--strike", "100", "--days", "365", "--volatility", "0.2",
        "--json")
      #expect(result.code == 0, result.summary)
      #expect(result.json.keys.isSuperset(of: ["price", "delta", "gamma", "vega", "theta"]))
      for (name, expected, tolerance) in [
        ("price", 7.965567455, 2e-6), ("delta", 0.539827837, 1e-6), ("gamma", 0.01984762737, 1e-7),
        ("vega", 39.6952547, 1e-4), ("theta", -3.96952547, 1e-4),
      ] {
        let value = try #require(result.json[name].decimal, "\(name): \(result.summary)")
        #expect(abs(NSDecimalNumber(decimal: value).doubleValue - expected) <= tolerance, "\(name) is \(value)")
      }
    }

    @Test func callsAndPutsDifferByForwardLessStrike() throws {
      defer { folder.remove() }
      var prices: [Decimal] = []
      for kind in ["call", "put"] {
        let result = run(
          "price", "--kind", kind, "--forward", "90000", "--strike", "100000", "--days", "30.5", "--volatility", "0.65",
          "--json")
        prices.append(try #require(result.json["price"].decimal, result.summary))
      }
      #expect(abs(prices[0] - prices[1] + 10_000) <= Decimal(string: "0.000002") ?? 0, "\(prices)")
    }

    // MARK: key

    @Test func keysAreMadeListedAndShown() throws {
      defer { folder.remove() }
      folder.write("password", "correct horse\n")
      let sealed = run("key", "new", "vault", "--password-file", folder.path("password"), "--json")
      #expect(sealed.code == 0, sealed.summary)
      let clear = run("key", "new", "pocket", "--unencrypted", "--json")
      #expect(clear.code == 0, clear.summary)
      #expect(sealed.json["publicKey"].text.count == 64 && sealed.json["publicKey"] != clear.json["publicKey"])
      let listed = run("key", "list", "--json")
      #expect(listed.json["keys"].list.map { $0["name"].text }.sorted() == ["pocket", "vault"], listed.summary)
      let shown = run("key", "show", "vault", "--json")
      #expect(shown.json["publicKey"] == sealed.json["publicKey"], shown.summary)
      #expect(shown.json["encrypted"] == .bool(true))
      let file = FileManager.default.contents(atPath: sealed.json["path"].text) ?? Data()
      #expect(!String(decoding: file, as: UTF8.self).contains("secret ="))
      var status = stat()
      #expect(stat(sealed.json["path"].text, &status) == 0 && status.st_mode & 0o777 == 0o600)
    }

    @Test func badKeysAreRefused() throws {
      defer { folder.remove() }
      folder.write("password", "correct horse\n")
      folder.write("wrong", "battery staple\n")
      let made = run("key", "new", "vault", "--password-file", folder.path("password"), "--json")
      try #require(made.code == 0, made.summary)
      expectRefusal(run("key", "new", "vault", "--unencrypted"), naming: "vault", "exists")
      expectRefusal(
        run("key", "export", "vault", "--unencrypted", "--password-file", folder.path("wrong")), naming: "password")
      expectRefusal(
        run("key", "export", "vault", "--unencrypted", "--password-file", folder.path("absent")), naming: "absent")
      expectRefusal(run("key", "show", "nobody"), naming: "nobody")
      let path = made.json["path"].text
      let text = String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
      folder.write("cut.key", String(text.prefix(text.count / 2)))
      expectRefusal(run("key", "show", folder.path("cut.key")), naming: "cut.key")
      folder.write("odd.key", text.replacing("public = ", with: "public = zz"))
      expectRefusal(run("key", "show", folder.path("odd.key")), naming: "odd.key", "public")
      folder.write("noise.key", (0..<2000).map { UInt8(truncatingIfNeeded: $0 &* 167) })
      expectRefusal(run("key", "show", folder.path("noise.key")), naming: "noise.key")
      folder.write("large.key", String(repeating: "# comment\n", count: 1 << 17))
      expectRefusal(run("key", "show", folder.path("large.key")), naming: "large.key")
      // One hexadecimal digit of what is sealed.
      let place = try #require(text.range(of: "ciphertext = "))
      let digit = text[place.upperBound] == "0" ? "1" : "0"
      folder.write("bent.key", text.replacingCharacters(in: place.upperBound...place.upperBound, with: digit))
      #expect(run("key", "show", folder.path("bent.key")).code == 0)
      let opened = run(
        "key", "import", "again", folder.path("bent.key"), "--unencrypted", "--from-password-file",
        folder.path("password"))
      expectRefusal(opened)
    }

    // MARK: genesis, init, start --check

    /// A home with a genesis of one validator that names its key.
    private func makeHome() throws -> String {
      let home = folder.path("n")
      let made = run("init", "--home", home, "--unencrypted", "--json")
      try #require(made.code == 0, made.summary)
      #expect(made.json.keys.isSuperset(of: ["home", "configuration", "publicKey"]))
      let key = made.json["publicKey"].text
      let genesis = home + "/genesis.json"
      let created = run(
        "genesis", "create", genesis, "--name", "one", "--network", "test", "--custodian", key, "--listing-authority",
        key)
      try #require(created.code == 0, created.summary)
      let added = run("genesis", "add", genesis, "--validator", "v", "--key", key, "--address", "127.0.0.1:7470")
      try #require(added.code == 0, added.summary)
      return home
    }

    @Test func aHomeIsMadeAndChecked() throws {
      defer { folder.remove() }
      let home = try makeHome()
      let funded = run(
        "genesis", "add", home + "/genesis.json", "--account", String(repeating: "7", count: 64), "--amount", "12.5")
      #expect(funded.code == 0, funded.summary)
      let shown = run("genesis", "show", home + "/genesis.json", "--json")
      #expect(shown.json["validators"].list.count == 1 && shown.json["accounts"].list.count == 1, shown.summary)
      let checked = run("genesis", "check", home + "/genesis.json", "--json")
      #expect(checked.code == 0 && checked.json["chainId"].text.count == 64, checked.summary)
      let node = run("start", "--config", home + "/novation.toml", "--check")
      #expect(node.code == 0 && node.output.contains(checked.json["chainId"].text), node.summary)
      expectRefusal(run("init", "--home", home, "--unencrypted"), naming: "exists")
      expectRefusal(run("genesis", "check", home + "/genesis.json", "--chain", String(repeating: "0", count: 64)))
    }

    @Test func badConfigurationsAreRefusedWithFileLineAndKey() throws {
      defer { folder.remove() }
      let home = try makeHome()
      let good = try #require(FileManager.default.contents(atPath: home + "/novation.toml"))
      let text = String(decoding: good, as: UTF8.self)
      func refusal(_ from: String, _ to: String, _ words: String..., location: SourceLocation = #_sourceLocation) {
        #expect(text.contains(from), "\(from)", sourceLocation: location)
        let changed = text.replacing(from, with: to, maxReplacements: 1)
        folder.write("n/bad.toml", changed)
        let lines = changed.components(separatedBy: "\n")
        let line = (lines.firstIndex { $0.hasPrefix(to.components(separatedBy: "\n").last ?? to) } ?? -9) + 1
        let result = run("start", "--config", home + "/bad.toml", "--check")
        #expect(result.code == 1, result.summary, sourceLocation: location)
        for word in words + ["bad.toml:\(line)"] {
          #expect(result.error.contains(word), "\(word) in \(result.summary)", sourceLocation: location)
        }
      }
      refusal("role = \"validator\"", "role = \"emperor\"", "node.role", "observer")
      refusal("max_peers = 64", "max_peers = \"many\"", "network.max_peers", "1024")
      refusal("max_peers = 64", "max_peers = 0", "network.max_peers", "1 to 1024")
      refusal("max_peers = 64", "max_peers = 64\nmax_pears = 64", "network.max_pears", "unknown")
      refusal("[consensus]", "[consesnus]", "consesnus", "unknown")
      refusal("heartbeat = \"1s\"", "heartbeat = \"1 fortnight\"", "consensus.heartbeat")
      refusal("map_size = ", "map_size = = ", "bad.toml")
      refusal("level = \"info\"", "level = \"info", "bad.toml")
      folder.write("n/noise.toml", (0..<4000).map { UInt8(truncatingIfNeeded: $0 &* 131 &+ 7) })
      expectRefusal(run("start", "--config", home + "/noise.toml", "--check"), naming: "noise.toml")
      expectRefusal(run("start", "--config", home + "/absent.toml", "--check"), naming: "absent.toml")
      expectRefusal(run("start", "--config", home, "--check"))
    }

    @Test func badGenesisFilesAreRefused() throws {
      defer { folder.remove() }
      let home = try makeHome()
      let good = try #require(FileManager.default.contents(atPath: home + "/genesis.json"))
      let document = try #require(JSON.parse(String(decoding: good, as: UTF8.self)))
      func refusal(_ key: String, _ value: JSON, _ words: String..., location: SourceLocation = #_sourceLocation) {
        guard case .object(var members) = document else { return }
        members[key] = value
        folder.write("n/bad.json", JSON.object(members).rendered)
        let result = run("genesis", "check", home + "/bad.json")
        #expect(result.code == 1 && result.errorLines.count == 1, result.summary, sourceLocation: location)
        for word in words { #expect(result.error.contains(word), result.summary, sourceLocation: location) }
      }
      let key = JSON.string(String(repeating: "5", count: 64))
      refusal("validators", [], "validator")
      refusal("validators", .null, "validators")
      refusal("custodian", "xyz", "custodian")
      refusal("time", "yesterday", "time")
      refusal("underlyings", ["BTC", "BTC"], "BTC")
      refusal("accounts", [["account": key, "amount": "lots"]], "amount")
      refusal("accounts", [["account": key, "amount": "-1"]])
      refusal("accounts", [["account": key, "amount": "1"], ["account": key, "amount": "1"]])
      refusal("instruments", [["name": "BTC-99XXX26", "tick": "1", "lot": "1"]], "BTC-99XXX26")
      refusal("instruments", [["name": "BTC-27MAR27", "tick": "0", "lot": "1"]])
      refusal("clockRate", 0)
      refusal("clockRate", 100_001)
      refusal("surprise", true, "surprise")
      for (name, text) in [("cut.json", String(decoding: good.dropLast(20), as: UTF8.self)), ("empty.json", "")] {
        folder.write("n/" + name, text)
        expectRefusal(run("genesis", "check", home + "/" + name), naming: name)
      }
      expectRefusal(run("genesis", "check", home + "/absent.json"), naming: "absent.json")
    }
  }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral,
  ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral
{
  init(stringLiteral value: String) { self = .string(value) }
  init(arrayLiteral elements: JSON...) { self = .array(elements) }
  init(dictionaryLiteral elements: (String, JSON)...) { self = .object(Dictionary(elements) { $1 }) }
  init(integerLiteral value: Int) { self = .number(Double(value)) }
  init(booleanLiteral value: Bool) { self = .bool(value) }
}
