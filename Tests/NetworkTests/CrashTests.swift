// What is acknowledged stays, whoever is killed; without a quorum nothing is acknowledged; and what is read is current.

import Foundation
import Glibc
import Testing

extension NetworkTests {
  @Suite(.serialized) struct CrashTests {
    private let devnet: Devnet
    private let future: (name: String, mark: Int, low: String)

    init() throws {
      devnet = try Devnet()
      future = try devnet.future()
    }

    private func load(_ clients: [(key: String, node: Int)]) -> Load {
      Load(devnet, clients: clients, instrument: future.name, price: future.low)
    }

    /// Every acknowledged transaction is final on `node`, at the height that was acknowledged.
    private func expectAll(
      _ acknowledged: [Load.Acknowledgement], on node: Int, location: SourceLocation = #_sourceLocation
    ) {
      let api = devnet.api(node)
      let highest = acknowledged.map(\.height).max() ?? 0
      #expect(Moment.wait(10) { api.status["storedHeight"].integer >= highest }, sourceLocation: location)
      let lost = acknowledged.filter { one in
        let receipt = api.get("/v1/transactions/\(one.transaction)").json
        return receipt["status"].text != "final" || receipt["height"].integer != one.height
      }
      #expect(lost.isEmpty, "of \(acknowledged.count) acknowledged transactions \(lost)", sourceLocation: location)
    }

    /// The longest time between two consecutive blocks from `height` on, by their own timestamps, in seconds.
    private func longestGap(from height: Int, on node: Int) -> Double {
      let api = devnet.api(node)
      let last = api.status["storedHeight"].integer
      let times = (max(1, height)...max(1, height, last)).compactMap { height -> Double? in
        Self.seconds(api.get("/v1/blocks/\(height)").json["timestamp"].text)
      }
      return zip(times, times.dropFirst()).map { $1 - $0 }.max() ?? .infinity
    }

    /// Seconds since midnight of an ISO 8601 time, with its fraction.
    private static func seconds(_ text: String) -> Double? {
      guard let match = text.firstMatch(of: /T(\d\d):(\d\d):(\d\d(?:\.\d+)?)Z/) else { return nil }
      return (Double(match.1) ?? 0) * 3600 + (Double(match.2) ?? 0) * 60 + (Double(match.3) ?? 0)
    }

    /// `devnet up --detach` has returned just now.
    @Test func aNewNetworkTradesAtOnce() throws {
      let fresh = try Devnet()
      defer {
        fresh.tearDown()
        devnet.tearDown()
      }
      let order = fresh.place("buy", future.name, "0.01", at: future.low)
      #expect(order.code == 0, order.summary)
    }

    @Test func aKilledValidatorLosesNothingAndComesBack() throws {
      defer { devnet.tearDown() }
      let load = load([("maker1", 0), ("maker2", 1), ("bob", 2)])
      #expect(Moment.wait(20) { load.count >= 20 }, devnet.logs())
      let before = devnet.api(0).height
      #expect(devnet.signal(SIGKILL, 3))
      let killed = Moment.now
      let atKill = load.count
      #expect(Moment.wait(20) { load.count >= atKill + 30 && Moment.now > killed + 3 }, devnet.logs())
      #expect(longestGap(from: before, on: 0) <= 2, "the others go on within 2 s")

      let back = devnet.restart(3)
      #expect(back.code == 0, back.summary)
      #expect(devnet.advances([3]), devnet.logs())
      let (acknowledged, refusals) = load.stop()
      #expect(refusals.isEmpty, "clients of the other nodes saw nothing of it: \(refusals.prefix(5))")
      expectAll(acknowledged, on: 1)
      expectAll(acknowledged, on: 3)
      #expect(devnet.agrees(), devnet.logs())
      // Without another one the chain needs the vote of the one that came back.
      #expect(devnet.signal(SIGKILL, 0))
      #expect(devnet.advances([1, 2, 3]), devnet.logs())
      let order = devnet.place("buy", future.name, "0.01", at: future.low, node: 3)
      #expect(order.code == 0, order.summary)
    }

    @Test func allKilledUnderLoadLoseNothing() throws {
      defer { devnet.tearDown() }
      let load = load([("maker1", 0), ("maker2", 1), ("bob", 2), ("alice", 3)])
      #expect(Moment.wait(20) { load.count >= 40 }, devnet.logs())
      #expect(devnet.signal(SIGKILL, 0, 1, 2, 3))
      let (acknowledged, _) = load.stop()
      // All at once: one alone has nobody to catch up with.
      let up = devnet.run(["devnet", "up", "--dir", devnet.directory, "--detach", "--json"])
      #expect(up.code == 0, up.summary)
      #expect(devnet.advances([0, 1, 2, 3]), devnet.logs())
      for node in 0..<4 { expectAll(acknowledged, on: node) }
      #expect(devnet.agrees(), devnet.logs())
      let order = devnet.place("buy", future.name, "0.01", at: future.low, node: 2)
      #expect(order.code == 0, order.summary)
    }

    @Test func withoutAQuorumNothingIsAcknowledged() throws {
      defer { devnet.tearDown() }
      let load = load([("maker1", 0), ("maker2", 1)])
      #expect(Moment.wait(20) { load.count >= 10 }, devnet.logs())
      #expect(devnet.signal(SIGKILL, 2, 3))
      // What was under way may still have become final with the votes of the dead.
      sleep(1)
      let heights = [devnet.api(0).height, devnet.api(1).height]
      let count = load.count
      let placed = devnet.place("buy", future.name, "0.01", at: future.low, ["--timeout", "3"])
      #expect(placed.code == 4 && placed.json["status"].text == "unknown", placed.summary)
      #expect(placed.errorLines.count == 1, placed.summary)

      let read = devnet.api(0).get("/v1/accounts/\(devnet.account("alice"))")
      #expect(read.status == 503 && read.isError && read.code == "noQuorum", read.summary)
      let local = devnet.api(0).get("/v1/accounts/\(devnet.account("alice"))?consistency=local")
      #expect(local.status == 200, local.summary)
      #expect(devnet.api(0).get("/healthz").status == 200)
      let ready = devnet.api(0).get("/readyz")
      #expect(ready.status == 503 && ready.isError, ready.summary)
      let query = devnet.ask(["query", "account", "alice"], node: 1)
      #expect(query.code == 1 && query.error.contains("quorum") && query.errorLines.count == 1, query.summary)
      #expect(devnet.ask(["query", "account", "alice", "--consistency", "local"], node: 1).code == 0)
      let status = devnet.ask(["status"], node: 0)
      #expect(!status.json["warnings"].list.isEmpty, "status warns of the missing quorum")

      #expect(load.count == count, "acknowledged without a quorum")
      #expect([devnet.api(0).height, devnet.api(1).height] == heights)
      for node in [2, 3] {
        let back = devnet.restart(node)
        #expect(back.code == 0, back.summary)
      }
      #expect(Moment.wait(20) { load.count >= count + 10 }, devnet.logs())
      let (acknowledged, _) = load.stop()
      expectAll(acknowledged, on: 2)
      #expect(devnet.advances([0, 1, 2, 3]) && devnet.agrees(), devnet.logs())
    }

    /// A write that was acknowledged at one node is seen by every later read at any other, and so is its end.
    @Test func readsSeeEveryAcknowledgedWrite() throws {
      defer { devnet.tearDown() }
      let key = devnet.account("maker1")
      for round in 0..<12 {
        let (writer, reader) = (round % 4, (round + 1 + round / 4) % 4)
        let placed = devnet.place("buy", future.name, "0.01", at: future.low, by: "maker1", node: writer)
        let id = placed.json["orders"][0]["id"].text
        try #require(placed.code == 0, placed.summary)
        let seen = devnet.api(reader).get("/v1/orders/\(id)")
        #expect(seen.status == 200 && seen.json["height"].integer >= placed.json["height"].integer, seen.summary)
        let account = devnet.api(reader).get("/v1/accounts/\(key)").json
        #expect(account["orders"].list.contains { $0["id"].text == id }, "round \(round)")
        let cancelled = devnet.ask(["cancel", id, "--key", "maker1"], node: reader)
        #expect(cancelled.code == 0, cancelled.summary)
        #expect(devnet.api(writer).get("/v1/orders/\(id)").status == 404, "round \(round)")
      }
      expectReadsDuringACrash(key)
    }

    /// Reads never go back in time, whichever node answers, while one of them is killed and returns.
    private func expectReadsDuringACrash(_ account: String) {
      var highest = 0
      var answered = 0
      func read(_ nodes: [Int]) {
        for node in nodes {
          let answer = devnet.api(node).get("/v1/accounts/\(account)")
          guard answer.status == 200 else { continue }
          answered += 1
          let height = answer.json["height"].integer
          #expect(height >= highest, "node\(node) answered with height \(height) after \(highest)")
          highest = max(highest, height)
        }
      }
      for _ in 0..<15 { read([0, 1, 2, 3]) }
      #expect(devnet.signal(SIGKILL, 1))
      for _ in 0..<15 { read([0, 2, 3]) }
      #expect(devnet.restart(1).code == 0)
      for _ in 0..<15 { read([1, 0, 1, 2, 1, 3]) }
      #expect(answered >= 150, "\(answered) reads were answered")
    }

    @Test func aSignalToStopEndsGracefully() throws {
      defer { devnet.tearDown() }
      let home = devnet.home(0)
      let pid = try #require(devnet.pid(0))
      #expect(devnet.signal(SIGTERM, 0))
      #expect(!Devnet.isAlive(pid) && !FileManager.default.fileExists(atPath: devnet.socket(0)))
      // In the foreground, so that the exit code can be seen.
      let running = Thread.detached { [devnet] in
        devnet.run(["start", "--config", home + "/novation.toml"], seconds: 30)
      }
      #expect(Moment.wait(15) { devnet.api(0).get("/readyz", seconds: 1).status == 200 }, devnet.logs())
      let stream = try #require(Socket(unix: devnet.socket(0)))
      stream.send("GET /v1/stream HTTP/1.1\r\nHost: x\r\n\r\n")
      #expect(stream.receive(seconds: 5) { $0.count > 0 }.bytes.count > 0)
      let foreground = Self.process(of: home)
      #expect(foreground != nil)
      if let foreground { kill(foreground, SIGTERM) }
      let result = running()
      #expect(result.code == 0, result.summary)
      #expect(!FileManager.default.fileExists(atPath: devnet.socket(0)), "the socket is removed")
      #expect(devnet.advances([1, 2, 3]), devnet.logs())
      let down = devnet.run(["devnet", "down", "--dir", devnet.directory])
      #expect(down.code == 0, down.summary)
      #expect((0..<4).allSatisfy { !devnet.isAlive($0) })
    }

    /// The process that was started with the configuration of a home.
    private static func process(of home: String) -> pid_t? {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
      return names.compactMap { pid_t($0) }.first { pid in
        let line = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data()
        return Devnet.isAlive(pid) && String(decoding: line, as: UTF8.self).contains("start\0--config\0\(home)/")
      }
    }
  }
}
