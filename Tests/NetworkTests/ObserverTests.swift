// Real observers beside real validators: they join with three lines, follow, answer, pass on, and come back.

import Foundation
import Glibc
import Testing

extension NetworkTests {
  @Suite(.serialized) struct ObserverTests {
    private let devnet: Devnet

    init() throws { devnet = try Devnet(["--observers", "2"], nodes: 6) }

    /// The events of a stream up to the block of a height.
    private func events(of node: Int, _ target: String, through height: Int, after id: String? = nil) -> [String] {
      guard let socket = Socket(unix: devnet.socket(node)) else { return [] }
      let last = id.map { "Last-Event-ID: \($0)\r\n" } ?? ""
      socket.send("GET \(target) HTTP/1.1\r\nHost: node\r\n\(last)\r\n")
      let end = "id: \(height)\nevent: block\n"
      let (bytes, _) = socket.receive(seconds: 20) { bytes in
        // Whole once something of a later block came.
        String(decoding: bytes, as: UTF8.self).split(separator: end).dropFirst().last?.contains("event: block") == true
      }
      let all = Answer(bytes).body.components(separatedBy: "\n\n").filter { $0.hasPrefix("id: ") }
      return all.firstIndex { $0.hasPrefix(end) }.map { Array(all[...$0]) } ?? []
    }

    /// A snapshot from the stream of an observer, and differences on top of it, make the book that a read shows.
    private func expectBook(_ instrument: String) {
      guard let socket = Socket(unix: devnet.socket(4)) else { return }
      socket.send("GET /v1/stream?topics=books,blocks&instruments=\(instrument) HTTP/1.1\r\nHost: node\r\n\r\n")
      usleep(300_000)
      let low = (try? devnet.future().low) ?? ""
      for price in [low, String((Int(low) ?? 0) - 100)] {
        #expect(devnet.place("buy", instrument, "0.02", at: price, by: "maker1").code == 0)
      }
      let goal = devnet.api(0).height
      let (bytes, _) = socket.receive(seconds: 10) {
        (String(decoding: $0, as: UTF8.self).matches(of: /id: (\d+)\nevent: block/).last.flatMap { Int($0.1) } ?? 0)
          >= goal + 2
      }
      var bids: [String: String] = [:]
      var names: [String] = []
      for event in Answer(bytes).body.components(separatedBy: "\n\n") {
        guard let match = event.firstMatch(of: /event: (\w+)\ndata: (.*)/), match.1 != "block",
          let data = JSON.parse(String(match.2))
        else { continue }
        names.append(String(match.1))
        if match.1 == "bookSnapshot" { bids = [:] }
        for level in data["bids"].list {
          let isGone = level["quantity"].decimal == 0
          bids[level["price"].text] = isGone ? nil : level["quantity"].text
        }
      }
      #expect(names.first == "bookSnapshot" && names.filter { $0 == "book" }.count >= 2)
      let book = devnet.api(0).get("/v1/books/\(instrument)?depth=1000").json
      let read = book["bids"].list.map { ($0["price"].text, $0["quantity"].text) }
      #expect(bids == Dictionary(uniqueKeysWithValues: read))
    }

    @Test func observersFollowAnswerAndComeBack() throws {
      defer { devnet.tearDown() }
      let status = devnet.run(["devnet", "status", "--dir", devnet.directory, "--json"]).json
      let roles = status["nodes"].list.map { $0["status"]["role"].text }
      #expect(roles == Array(repeating: "validator", count: 4) + ["observer", "observer"])
      #expect(status["nodes"].list.map { $0["name"].text }.suffix(2) == ["observer0", "observer1"])
      #expect(status["agreement"]["rootsEqual"].flag)
      #expect(FileManager.default.fileExists(atPath: devnet.directory + "/observer0/novation.toml"))
      #expect(devnet.api(0).status["observers"].integer == 2)
      let own = devnet.api(4).status
      #expect(own["index"] == .null && own["peers"].integer == 4 && !own["syncing"].flag)

      // A client of an observer trades, reads its own write there, and so does everybody else.
      let future = try devnet.future()
      let order = devnet.place("buy", future.name, "0.01", at: future.low, node: 4)
      #expect(order.code == 0 && order.json["status"].text == "final", order.summary)
      for node in [4, 5, 0] {
        let read = devnet.api(node).get("/v1/accounts/\(devnet.account("alice"))")
        #expect(read.status == 200 && read.json["orders"].list.count == 1, read.summary)
        #expect(read.json["consistency"].text == "linearizable")
      }
      // What an observer proves, anybody verifies.
      #expect(Moment.wait(10) { devnet.api(4).get("/v1/certificates/latest").status == 200 })
      let proven = devnet.ask(["query", "account", devnet.account("alice"), "--proof"], node: 5)
      #expect(proven.code == 0, proven.summary)
      devnet.folder.write("proof.json", proven.output)
      let verified = devnet.run([
        "verify", devnet.folder.path("proof.json"), "--group-key", devnet.groupKey, "--chain", devnet.chain,
      ])
      #expect(verified.code == 0, verified.summary)

      // Streams from one height are the same bytes everywhere, and a reader that was cut off goes on without a gap.
      let start = devnet.api(0).height - 5
      let target = "/v1/stream?topics=blocks,trades,books,marks&from=\(start)"
      #expect(devnet.place("sell", future.name, "0.01", at: future.low, by: "bob", node: 1).code == 0)
      // Prices come once a second, and some ten blocks with them: enough for one at least.
      let end = devnet.api(0).height + 20
      let streams = [0, 3, 4, 5].map { events(of: $0, target, through: end) }
      #expect(streams[0].count > 10 && streams[0].last?.hasPrefix("id: \(end)\nevent: block") == true)
      #expect(streams.allSatisfy { $0 == streams[0] })
      #expect(
        Set(streams[0].compactMap { $0.firstMatch(of: /event: (\w+)/).map { String($0.1) } })
          == ["block", "trade", "book", "price"])
      for place in [0, streams[0].count / 2, streams[0].count - 2] {
        let id = try #require(streams[0][place].firstMatch(of: /id: (.*)/)).1
        let rest = events(of: 4, target, through: end, after: String(id))
        #expect(rest == Array(streams[0][(place + 1)...]), "after \(id)")
      }
      // A book that follows the differences is the book.
      expectBook(future.name)
      #expect(devnet.api(4).get("/v1/stream?from=999999999").status == 503)
      #expect(devnet.api(4).get("/v1/stream?from=x").status == 400)

      // Killed and started again it goes on where it was; away for a while it catches up.
      #expect(devnet.signal(SIGKILL, 5))
      #expect(devnet.advances([0, 1, 2, 3, 4], by: 20, seconds: 60), devnet.logs())
      let back = devnet.run(["devnet", "restart", "--dir", devnet.directory, "--node", "observer1"])
      #expect(back.code == 0, back.summary)
      #expect(devnet.advances([5]), devnet.logs())
      #expect(devnet.agrees([0, 1, 2, 3, 4, 5]), devnet.logs())

      // What became final before it was started again it reads from its ledger: the same bytes, without a gap.
      let whole = "/v1/stream?topics=blocks,trades,books,marks,settlements,margin,liquidations&from=1"
      let reached = devnet.api(5).height
      #expect(events(of: 5, whole, through: reached) == events(of: 1, whole, through: reached))

      // Whoever feeds an observer may die; without a quorum it says so, and answers what it has to those who accept it.
      #expect(devnet.signal(SIGKILL, 0))
      #expect(devnet.advances([1, 2, 3, 4, 5], by: 3, seconds: 30), devnet.logs())
      #expect(devnet.signal(SIGKILL, 1))
      sleep(1)
      let read = devnet.api(4).get("/v1/accounts/\(devnet.account("alice"))")
      #expect(read.status == 503 && read.code == "noQuorum", read.summary)
      let local = devnet.api(4).get("/v1/accounts/\(devnet.account("alice"))?consistency=local")
      #expect(local.status == 200, local.summary)
    }

    /// `init`, and three lines of its configuration.
    @Test func aFreshObserverJoinsARunningNetworkWithThreeLines() throws {
      defer { devnet.tearDown() }
      let home = devnet.folder.path("fresh")
      let made = devnet.run(["init", "--home", home, "--unencrypted"])
      #expect(made.code == 0, made.summary)
      var lines = String(
        decoding: FileManager.default.contents(atPath: home + "/novation.toml") ?? Data(), as: UTF8.self
      )
      .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      let validator = String(
        decoding: FileManager.default.contents(atPath: devnet.home(2) + "/novation.toml") ?? Data(), as: UTF8.self)
      let address = try #require(validator.firstMatch(of: /listen = "(127\.0\.0\.1:\d+)"/)).1
      let edits = [
        "role = ": "role = \"observer\"", "genesis = ": "genesis = \"\(devnet.directory)/genesis.json\"",
        "peers = ": "peers = [\"2@\(address)\"]",
      ]
      for (start, line) in edits {
        let places = lines.indices.filter { lines[$0].hasPrefix(start) }
        try #require(places.count == 1)
        lines[places[0]] = line
      }
      try lines.joined(separator: "\n").write(toFile: home + "/novation.toml", atomically: true, encoding: .utf8)
      let check = devnet.run(["start", "--config", home + "/novation.toml", "--check"])
      #expect(check.code == 0 && check.output.contains("observer"), check.summary)

      let process = Process()
      process.executableURL = URL(fileURLWithPath: try #require(Program.path))
      process.arguments = ["start", "--config", home + "/novation.toml"]
      process.standardError = FileHandle.nullDevice
      process.standardOutput = FileHandle.nullDevice
      try process.run()
      defer {
        process.terminate()
        process.waitUntilExit()
      }
      let fresh = API(socket: home + "/novation.sock")
      #expect(Moment.wait(20) { fresh.get("/readyz").status == 200 }, devnet.logs())
      let goal = devnet.api(0).height + 3
      #expect(Moment.wait(20) { fresh.height >= goal })
      let height = fresh.status["storedHeight"].integer
      let root = fresh.get("/v1/blocks/\(height)").json["stateRoot"].text
      #expect(root == devnet.api(1).get("/v1/blocks/\(height)").json["stateRoot"].text && root.count == 64)
      #expect(fresh.status["peers"].integer == 1, "it knows of one validator")
      #expect(Moment.wait(5) { devnet.api(2).status["observers"].integer == 3 })
    }
  }
}
