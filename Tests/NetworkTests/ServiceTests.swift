// What an operator's machines see of a node: metrics, the read-only listener, signals, notifications of systemd, and no
// secret anywhere.

import Foundation
import Glibc
import Testing

extension NetworkTests {
  @Suite(.serialized, .devnet) struct MetricsTests {
    private let devnet: Devnet
    init() throws { devnet = try Devnet.current() }

    private func metrics(_ node: Int = 0) throws -> Exposition {
      let answer = devnet.api(node).get("/metrics")
      #expect(answer.status == 200, answer.summary)
      #expect(answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
      return try Exposition(answer.body)
    }

    @Test func everyFamilyIsWellFormed() throws {
      let page = try metrics()
      #expect(page.families.count > 60)
      for (name, family) in page.families {
        #expect(!family.kind.isEmpty && family.help.hasSuffix("."), "\(name)")
        #expect(name.hasPrefix("novation_") || name.hasPrefix("process_"))
        #expect((family.kind == "counter") == name.hasSuffix("_total"), "\(name)")
        guard family.kind == "histogram" else { continue }
        let buckets = family.samples.filter { $0.name.hasSuffix("_bucket") && $0.labels["route"] == nil }.map(\.value)
        #expect(buckets == buckets.sorted(), "\(name): buckets count from below")
      }
    }

    @Test func whatHappensIsCounted() throws {
      let before = try metrics()
      let future = try devnet.future()
      #expect(devnet.place("sell", future.name, "0.01", at: String(future.mark), by: "maker1").code == 0)
      #expect(devnet.place("buy", future.name, "0.01", at: String(future.mark), by: "maker2").code == 0)
      #expect(devnet.place("buy", future.name, "0.001", at: future.low, ["--reduce-only"]).code == 1)
      _ = devnet.api(0).get("/nowhere/\(UInt64.random(in: 0...UInt64.max))")
      let after = try metrics()
      func grew(_ name: String, _ labels: [String: String] = [:]) -> Double {
        (after.value(name, labels) ?? -1) - (before.value(name, labels) ?? 0)
      }
      #expect(grew("novation_trades_total") == 1)
      #expect(grew("novation_finality_seconds_count") >= 3)
      #expect(grew("novation_rejections_total", ["reason": "notReducing"]) == 1)
      #expect(
        grew("novation_requests_total", ["route": "NotFound", "status": "404"]) == 1, "no path that a client made up")
      #expect(grew("novation_block_finality_seconds_count") > 0)
      #expect(grew("novation_commit_seconds_count") > 0)
      #expect(grew("novation_journal_write_seconds_count") > 0)
      #expect((after.value("novation_open_interest_contracts") ?? 0) > 0)
      #expect((after.value("process_resident_memory_bytes") ?? 0) > 1e6)
      #expect((after.value("novation_ledger_bytes") ?? 0) > 1e5)
    }

    /// An alert on a metric that does not exist never fires.
    @Test(arguments: ["deploy/prometheus.rules.yml", "deploy/grafana.json"])
    func everyMetricThatIsWatchedExists(_ file: String) throws {
      let text = Package.text(file)
      let page = try metrics()
      let served = Set(page.families.keys).union(page.families.values.flatMap { $0.samples.map(\.name) })
      let watched = Set(text.matches(of: /\b(?:novation|process)_[a-z0-9_]+/).map { String($0.output) })
      #expect(watched.count > 10)
      #expect(watched.subtracting(served).sorted() == [], "watched in \(file), and not served")
    }

    /// One screen where nobody looks at a terminal.
    @Test func topShowsRates() throws {
      let top = devnet.run(["top", "--socket", devnet.socket(0)])
      #expect(top.code == 0, top.summary)
      for part in ["transactions", "skipped views", "node3", "BTC", "in liquidation"] {
        #expect(top.output.contains(part), top.summary)
      }
      #expect(!top.output.contains("\u{1b}"))
    }

    /// The kinds are read from the first two bytes of a message: every message that validators send has a name.
    @Test func everyMessageHasAKind() throws {
      let page = try metrics(1)
      for kind in ["proposal", "vote", "certificate", "batch", "tip", "status"] {
        for direction in ["sent", "received"] {
          let count = page.sum("novation_peer_messages_total") { $0["kind"] == kind && $0["direction"] == direction }
          #expect(count > 0, "\(kind) \(direction)")
        }
      }
      #expect(page.sum("novation_peer_messages_total") { $0["kind"] == "other" } == 0)
      #expect(page.sum("novation_peer_connected") == 3)
    }
  }

  /// One node of a network, stopped and started again in other circumstances.
  @Suite(.serialized) struct ServiceTests {
    private let devnet: Devnet
    init() throws { devnet = try Devnet() }

    @Test func theListenerServesReadsAlone() throws {
      defer { devnet.tearDown() }
      let port = try #require(Port.free())
      #expect(devnet.signal(SIGTERM, 0))
      try devnet.configure(0, "\nlisten = \"\"", "\nlisten = \"127.0.0.1:\(port)\"")
      #expect(devnet.restart(0).code == 0, devnet.logs())
      #expect(devnet.advances([0]), devnet.logs())
      let listener = API(socket: "\(port)")
      for path in ["/healthz", "/readyz", "/v1/status", "/v1/instruments", "/v1/validators", "/metrics"] {
        let answer = listener.get(path)
        #expect(answer.status == 200, answer.summary)
      }
      let page = listener.get("/")
      #expect(page.status == 200 && page.headers["content-type"] == "text/html; charset=utf-8", page.summary)
      let policy = page.headers["content-security-policy"] ?? ""
      let nonce = try #require(policy.firstMatch(of: /script-src 'nonce-([0-9a-f]{16})'/)).1
      #expect(page.body.contains("<script nonce=\(nonce)>") && policy.contains("default-src 'none'"))
      #expect(!page.body.contains(/(?:src|href)=["']?(?:https?:)?\/\//), "no outside assets")
      // The numbers are in the page itself.
      for part in ["Time to finality", "node3", "volatility smile", "<polyline", "Insurance fund", devnet.chain] {
        #expect(page.body.contains(part), "\(part)")
      }
      #expect(devnet.api(0).get("/").status == 404, "the socket is for programs")
      for path in ["/v1/transactions", "/v1/test/observations", "/v1/status"] {
        let answer = listener.post(path, Array("{}".utf8))
        #expect([404, 405].contains(answer.status) && answer.isError, answer.summary)
      }
      #expect(devnet.agrees(), devnet.logs())
    }

    /// A pruned history forgets old blocks, and the node goes on and starts again without them.
    @Test func aPrunedHistoryStaysShort() throws {
      defer { devnet.tearDown() }
      #expect(devnet.signal(SIGTERM, 3))
      try devnet.configure(3, "history = \"full\"", "history = \"pruned\"")
      try devnet.configure(3, "keep_blocks = 1000000", "keep_blocks = 100")
      #expect(devnet.restart(3).code == 0, devnet.logs())
      #expect(Moment.wait(60) { devnet.api(3).status["storedHeight"].integer > 110 }, devnet.logs())
      #expect(devnet.api(3).get("/v1/blocks/3").status == 404)
      #expect(devnet.api(3).get("/v1/blocks/100").status == 200)
      #expect(devnet.api(0).get("/v1/blocks/3").status == 200)
      #expect(devnet.restart(3).code == 0 && devnet.advances([3]) && devnet.agrees(), devnet.logs())
      #expect(devnet.signal(SIGTERM, 3))
      let well = devnet.run(["doctor", "--config", devnet.home(3) + "/novation.toml"])
      #expect(well.code == 0, well.summary)
    }

    @Test func aReloadChangesWhatItCan() throws {
      defer { devnet.tearDown() }
      let pid = try #require(devnet.pid(1))
      #expect(!devnet.log(1).contains(" debug "))
      try devnet.configure(1, "level = \"info\"", "level = \"debug\"")
      try devnet.configure(1, "streams = 256", "streams = 5")
      kill(pid, SIGHUP)
      #expect(Moment.wait(5) { devnet.log(1).contains("needs a restart=limits.streams") }, devnet.logs())
      // A peer that comes back is told at the level debug.
      #expect(devnet.signal(SIGTERM, 0))
      #expect(devnet.restart(0).code == 0)
      #expect(Moment.wait(5) { devnet.log(1).contains(" debug ") }, devnet.logs())
      try devnet.configure(1, "level = \"debug\"", "level = \"loud\"")
      kill(pid, SIGHUP)
      #expect(Moment.wait(5) { devnet.log(1).contains("the configuration is left as it is") }, devnet.logs())
      #expect(devnet.isAlive(1) && devnet.advances([1]), devnet.logs())
    }

    /// What only root may do must not be needed: nodes that run as nobody find each other and agree.
    @Test(.enabled(if: geteuid() != 0 || access("/usr/bin/setpriv", X_OK) == 0, "no setpriv on this machine"))
    func aNetworkNeedsNoPrivilege() throws {
      devnet.tearDown()
      let folder = try #require(TemporaryFolder())
      defer { folder.remove() }
      // Where nobody may not enter, such as a home of root, the program is copied from.
      let program = folder.path("novation")
      try FileManager.default.copyItem(atPath: try #require(Program.path), toPath: program)
      for path in [folder.directory, program] { chown(path, 65534, 65534) }
      func run(_ arguments: [String]) throws -> (code: Int32, output: String) {
        let process = Process()
        let asNobody = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program]
        let words = (geteuid() == 0 ? asNobody : [program]) + arguments
        process.executableURL = URL(fileURLWithPath: words[0])
        process.arguments = Array(words.dropFirst())
        process.environment = ["HOME": folder.directory, "PATH": "/usr/bin:/bin"]
        // Foundation waits for what the child inherited, too: this ends only if the nodes hold nothing of it.
        folder.write("output", "")
        process.standardOutput = FileHandle(forWritingAtPath: folder.path("output"))
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return (process.terminationStatus, folder.read("output"))
      }
      defer { _ = try? run(["devnet", "down", "--dir", folder.path("d")]) }
      let up = try run(["devnet", "up", "--dir", folder.path("d"), "--detach", "--json"])
      #expect(up.code == 0, "\(up.output)")
      let status = try run(["devnet", "status", "--dir", folder.path("d"), "--json"])
      #expect(JSON.parse(status.output)?["agreement"]["rootsEqual"].flag == true, "\(status.output)")
    }

    /// sd_notify(3): READY only when requests are answered, signs of life, and the end.
    @Test func theServiceManagerIsTold() throws {
      defer { devnet.tearDown() }
      #expect(devnet.signal(SIGTERM, 2))
      let manager = try #require(NotifySocket(path: devnet.folder.path("notify")))
      let node = Process()
      node.executableURL = URL(fileURLWithPath: try #require(Program.path))
      node.arguments = ["start", "--config", devnet.home(2) + "/novation.toml", "--synthetic-seed", "1"]
      node.environment = ["NOTIFY_SOCKET": devnet.folder.path("notify"), "WATCHDOG_USEC": "600000"]
      node.standardError = FileHandle.nullDevice
      try node.run()
      var isAnswering = false
      var messages: [String] = []
      let became = Moment.wait(15) {
        guard let message = manager.receive() else { return false }
        messages.append(message)
        guard message.contains("READY=1") else { return false }
        isAnswering = devnet.api(2).get("/healthz").status == 200
        return true
      }
      #expect(became && isAnswering, "\(messages)")
      #expect(messages[0].contains("EXTEND_TIMEOUT_USEC="), "\(messages)")
      var fed = 0
      #expect(
        Moment.wait(5) {
          guard let message = manager.receive() else { return false }
          if message.hasPrefix("WATCHDOG=1\nSTATUS=height ") { fed += 1 }
          return fed >= 5
        })
      node.terminate()
      var isStopping = false
      _ = Moment.wait(10) {
        if manager.receive()?.contains("STOPPING=1") == true { isStopping = true }
        return isStopping
      }
      node.waitUntilExit()
      #expect(isStopping && node.terminationStatus == 0)
    }

    /// Secrets of identity and trading keys, and a password, in no log, answer, backup or ledger.
    @Test func aPlantedSecretIsNowhere() throws {
      defer { devnet.tearDown() }
      let secrets = try [devnet.home(3) + "/identity.key", devnet.keyPath("alice")].map { path -> String in
        let text = String(decoding: try #require(FileManager.default.contents(atPath: path)), as: UTF8.self)
        return String(try #require(text.firstMatch(of: /secret = ([0-9a-f]{64})/)).1)
      }
      let word = "planted-password-5e1f"
      devnet.folder.write("password", word + "\n")
      let made = devnet.run(["key", "new", "planted", "--password-file", devnet.folder.path("password"), "--json"])
      #expect(made.code == 0, made.summary)
      #expect(devnet.signal(SIGTERM, 3))
      try devnet.configure(3, "level = \"info\"", "level = \"trace\"")
      #expect(devnet.restart(3).code == 0)
      let future = try devnet.future()
      let placed = devnet.place("buy", future.name, "0.01", at: future.low, node: 3)
      #expect(placed.code == 0, placed.summary)
      let limits = String(
        decoding: FileManager.default.contents(atPath: "/proc/\(devnet.pid(3) ?? 0)/limits") ?? Data(), as: UTF8.self)
      #expect(limits.contains(#/Max core file size +0 +0 /#), "no core dump may hold them")
      var said = placed.output + placed.error + made.output + made.error
      for path in ["status", "validators", "genesis", "accounts/\(devnet.account("alice"))?proof=true", "oracle"] {
        said += devnet.api(3).get("/v1/" + path).body
      }
      said += devnet.api(3).get("/metrics").body
      let config = devnet.home(3) + "/novation.toml"
      #expect(devnet.signal(SIGTERM, 3))
      for command in [["doctor"], ["backup", "--to", devnet.home(3) + "/backup"], ["start", "--check"]] {
        let result = devnet.run(command + ["--config", config])
        #expect(result.code == 0, result.summary)
        said += result.output + result.error
      }
      let planted = secrets.map { Array($0.utf8) } + secrets.map(Self.bytes) + [Array(word.utf8)]
      #expect(planted.allSatisfy { !Self.contains(Array(said.utf8), $0) })
      let files = FileManager.default.enumerator(atPath: devnet.home(3))?.compactMap { $0 as? String } ?? []
      #expect(files.contains("log") && files.contains("backup/state/ledger.mdb"))
      for file in files where file != "identity.key" {
        guard let data = FileManager.default.contents(atPath: devnet.home(3) + "/" + file) else { continue }
        #expect(planted.allSatisfy { data.range(of: Data($0)) == nil }, "\(file)")
      }
    }

    private static func bytes(_ hex: String) -> [UInt8] {
      var digits = hex[...]
      var bytes: [UInt8] = []
      while !digits.isEmpty {
        bytes.append(UInt8(digits.prefix(2), radix: 16) ?? 0)
        digits = digits.dropFirst(2)
      }
      return bytes
    }

    private static func contains(_ text: [UInt8], _ part: [UInt8]) -> Bool { Data(text).range(of: Data(part)) != nil }
  }
}

/// The socket of a service manager.
private final class NotifySocket {
  private let descriptor: Int32

  init?(path: String) {
    descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    let bound = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard descriptor >= 0, bound == 0 else { return nil }
  }

  deinit { close(descriptor) }

  func receive() -> String? {
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = recv(descriptor, &bytes, bytes.count, 0)
    return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
  }
}

/// A TCP port of the loopback interface that is free now.
enum Port {
  static func free() -> UInt16? {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
      }
    }
    return isBound ? UInt16(bigEndian: address.sin_port) : nil
  }
}
