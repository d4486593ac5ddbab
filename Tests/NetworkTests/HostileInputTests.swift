// A tour of bad input through the real socket, the real peer port and real files: every one is refused in words, and
// the node serves and the chain advances after all of them.

import Foundation
import Testing

extension NetworkTests {
  @Suite(.serialized, .devnet) struct HostileInputTests {
    private let devnet: Devnet

    init() throws { devnet = try Devnet.current() }

    /// After each part of the tour.
    private func expectUnharmed(location: SourceLocation = #_sourceLocation) {
      let node = devnet.api(0)
      #expect(node.get("/healthz").status == 200, sourceLocation: location)
      #expect((0..<4).allSatisfy(devnet.isAlive), "all processes live", sourceLocation: location)
      #expect(devnet.advances([0, 1, 2, 3]), devnet.logs(), sourceLocation: location)
      let read = node.get("/v1/instruments")
      #expect(read.status == 200, read.summary, sourceLocation: location)
    }

    private func expectRefused(
      _ answer: Answer, _ statuses: Int..., location: SourceLocation = #_sourceLocation
    ) {
      #expect(statuses.contains(answer.status), answer.summary, sourceLocation: location)
      #expect(answer.isError, answer.summary, sourceLocation: location)
    }

    // MARK: HTTP

    @Test func unknownPathsMethodsAndParametersAreRefused() {
      let node = devnet.api(0)
      let long = "/v1/accounts/" + String(repeating: "a", count: 8000)
      for path in [
        "/", "/v1", "/v2/status", "/v1/status/x", "/v1/accounts", "/v1/%2e%2e/%2e%2e/etc/passwd", "//", long,
      ] {
        expectRefused(node.get(path), 400, 404, 414)
      }
      for method in ["DELETE", "PUT", "PATCH", "POST"] {
        expectRefused(node.exchange("\(method) /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), 405)
      }
      expectRefused(node.get("/v1/transactions"), 405)
      for method in ["OPTIONS", "TRACE"] {
        expectRefused(
          node.exchange("\(method) /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), 400, 404, 405, 501)
      }
      for target in [
        "/v1/instruments?consistency=", "/v1/instruments?consistency=eventual", "/v1/instruments?atLeast=x",
        "/v1/instruments?atLeast=-1", "/v1/instruments?atLeast=99999999999999999999", "/v1/books/BTC?depth=0",
        "/v1/books/BTC?depth=100000", "/v1/blocks/-1", "/v1/blocks/0x10", "/v1/blocks/%00",
        "/v1/transactions/" + String(repeating: "g", count: 64), "/v1/stream?topics=", "/v1/stream?topics=all,none",
      ] { expectRefused(node.get(target), 400, 404) }
      expectUnharmed()
    }

    @Test func pathsMayBePercentEncoded() throws {
      let name = try devnet.future().name
      let encoded = name.replacing("-", with: "%2D")
      #expect(encoded != name)
      let answer = devnet.api(0).get("/v1/instruments/\(encoded)")
      #expect(answer.status == 200 && answer.json["instrument"]["name"].text == name, answer.summary)
    }

    @Test func brokenHTTPDoesNotHarm() throws {
      for text in [
        "\r\n\r\n", "GET\r\n\r\n", "GET /v1/status\r\n\r\n", "GET /v1/status HTTP/9.9\r\n\r\n", "hello\n",
        "GET /v1/status HTTP/1.1\r\nContent-Length: -5\r\n\r\n", "BREW /v1/status HTTP/1.1\r\n\r\n",
        "POST /v1/transactions HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nContent-Length: 11\r\n\r\n",
        "POST /v1/transactions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "POST /v1/transactions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
        "GET /v1/status HTTP/1.1\r\nX: " + String(repeating: "y", count: 200_000) + "\r\n\r\n",
        "GET /v1/status HTTP/1.1\r\n" + String(repeating: "A: b\r\n", count: 50_000),
        "GET /" + String(repeating: "x", count: 200_000) + " HTTP/1.1\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}",
      ] {
        let socket = try #require(Socket(unix: devnet.socket(0)))
        socket.send(text)
        socket.finishSending()
        let answer = Answer(socket.receive(seconds: 2).bytes)
        #expect(answer.status == 0 || answer.status >= 400, answer.summary)
      }
      for seed in UInt64(1)...20 {
        let socket = try #require(Socket(unix: devnet.socket(0)))
        socket.send(Noise.bytes(4096, seed: seed))
      }
      expectUnharmed()
    }

    @Test func requestsThatNeverEndHoldNothingUp() throws {
      var held: [Socket] = []
      for _ in 0..<40 {
        let socket = try #require(Socket(unix: devnet.socket(0)))
        socket.send("POST /v1/transactions HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
        held.append(socket)
      }
      let slow = try #require(Socket(unix: devnet.socket(0)))
      for byte in "GET /v1/status HTTP/1.1\r\n".utf8.prefix(12) {
        slow.send([byte])
        usleep(50_000)
      }
      let answer = devnet.api(0).get("/v1/status", seconds: 5)
      #expect(answer.status == 200, answer.summary)
      expectUnharmed()
      withExtendedLifetime(held) {}
    }

    @Test func aReaderThatNeverReadsHoldsNothingUp() throws {
      var deaf: [Socket] = []
      for _ in 0..<5 {
        let socket = try #require(Socket(unix: devnet.socket(0)))
        socket.send("GET /v1/stream?topics=blocks,trades HTTP/1.1\r\nHost: x\r\n\r\n")
        for _ in 0..<200 { socket.send("GET /v1/instruments?consistency=local HTTP/1.1\r\nHost: x\r\n\r\n") }
        deaf.append(socket)
      }
      expectUnharmed()
      withExtendedLifetime(deaf) {}
    }

    // MARK: Transactions

    @Test func transactionsThatAreNoneAreRefused() throws {
      let node = devnet.api(0)
      for body in [
        "", "{", "[]", "null", "{}", #"{"transaction": 5}"#, #"{"transaction": "0"}"#, #"{"transaction": "zz"}"#,
        #"{"transaction": ""}"#, String(repeating: "[", count: 50_000),
      ] { expectRefused(node.post("/v1/transactions", Array(body.utf8)), 400) }
      expectRefused(node.post("/v1/transactions", type: "text/plain", Array("x".utf8)), 400, 415)
      let binary = "application/octet-stream"
      for size in [0, 1, 7, 64, 500, 5000, 100_000] {
        expectRefused(node.post("/v1/transactions", type: binary, Noise.bytes(size, seed: UInt64(size))), 400)
      }
      expectRefused(node.post("/v1/transactions", type: binary, Noise.bytes(200_000, seed: 1)), 413)
      expectRefused(node.post("/v1/transactions", type: binary, [UInt8](repeating: 1, count: 4 << 20)), 413)
      let digits = #"{"transaction": "\#(String(repeating: "01", count: 300_000))"}"#
      expectRefused(node.post("/v1/transactions", Array(digits.utf8)), 413)
      expectUnharmed()
    }

    @Test func filesThatHoldNoTransactionAreRefused() throws {
      let folder = devnet.folder
      let future = try devnet.future()
      func expectRefusal(_ name: String, key: Bool, _ words: String..., location: SourceLocation = #_sourceLocation) {
        let result = devnet.ask(["submit", folder.path(name)] + (key ? ["--key", "alice"] : []))
        #expect(result.code == 1 && result.errorLines.count == 1, result.summary, sourceLocation: location)
        for word in words { #expect(result.error.contains(word), result.summary, sourceLocation: location) }
      }
      folder.write("noise.bin", Noise.bytes(300, seed: 9))
      expectRefusal("noise.bin", key: false, "noise.bin")
      folder.write("empty", "")
      expectRefusal("empty", key: false, "empty")
      expectRefusal("absent", key: false, "absent")
      let place = #"{"type":"place","instrument":"\#(future.name)","side":"buy","quantity":"1","price":"5"}"#
      for (text, word) in [
        ("{\"actions\": [", "JSON"), ("{}", "actions"), (#"{"actions": []}"#, "actions"),
        (#"{"actions": [{"type": "steal"}]}"#, "actions[0].type"),
        (#"{"actions": [\#(place.replacing("\"1\"", with: "1"))]}"#, "actions[0].quantity"),
        (#"{"actions": [\#(place.replacing("\"1\"", with: "\"1e3\""))]}"#, "actions[0].quantity"),
        (#"{"actions": [\#(place), \#(place.replacing("side", with: "sides"))]}"#, "actions[1].sides"),
        (#"{"actions": [\#(place)], "mode": "maybe"}"#, "mode"), (#"{"actions": [\#(place)], "hurry": true}"#, "hurry"),
      ] {
        folder.write("bad.json", text)
        expectRefusal("bad.json", key: true, word)
      }
      expectUnharmed()
    }

    /// A signed transaction is taken once; cut short, prolonged or with any byte changed it is refused.
    @Test func damagedTransactionsAreRefused() throws {
      let future = try devnet.future()
      let placed = devnet.place("buy", future.name, "0.01", at: future.low, by: "bob")
      let height = placed.json["height"].integer
      try #require(height > 0, placed.summary)
      // The bytes of a transaction of another network: right in form, wrong in chain.
      let foreign = Self.foreignTransaction(devnet)
      try #require(!foreign.isEmpty)
      let node = devnet.api(0)
      let binary = "application/octet-stream"
      expectRefused(node.post("/v1/transactions", type: binary, foreign), 400)
      expectRefused(node.post("/v1/transactions", type: binary, foreign + [0]), 400)
      for cut in stride(from: 1, to: foreign.count, by: 5) {
        expectRefused(node.post("/v1/transactions", type: binary, Array(foreign.dropLast(cut))), 400)
      }
      for place in stride(from: 0, to: foreign.count, by: 7) {
        var changed = foreign
        changed[place] ^= 0x55
        expectRefused(node.post("/v1/transactions", type: binary, changed), 400, 409)
      }
      expectUnharmed()
    }

    /// What a client sends to a node, caught by a socket of ours that answers as a node of another chain would.
    private static func foreignTransaction(_ devnet: Devnet) -> [UInt8] {
      let path = devnet.folder.path("trap.sock")
      guard let trap = Trap(path: path) else { return [] }
      let caught = Thread.detached {
        let terms = #"{"chainId":"\#(String(repeating: "7", count: 64))","underlyings":["BTC","ETH"]}"#
        return trap.serve(terms)
      }
      devnet.run([
        "order", "place", "--side", "buy", "--instrument", "BTC-27MAR27", "--quantity", "1", "--price", "1", "--key",
        devnet.keyPath("alice"), "--socket", path, "--timeout", "5s",
      ])
      return caught()
    }

    // MARK: Peers

    private func peerPort(_ node: Int) throws -> UInt16 {
      let validators = devnet.api(0).get("/v1/validators").json["validators"]
      let port = validators[node]["address"].text.split(separator: ":").last.flatMap { UInt16($0) }
      return try #require(port)
    }

    @Test func strangersAtThePeerPortAreDropped() throws {
      let port = try peerPort(0)
      var shapes: [[UInt8]] = [[], [0], Array("GET / HTTP/1.1\r\n\r\n".utf8), [UInt8](repeating: 0xff, count: 1 << 20)]
      for size in [2, 48, 96, 98, 200, 4096, 70_000] { shapes.append(Noise.bytes(size, seed: UInt64(size))) }
      // A length before what follows: none, one that lies, the largest.
      for length in [0, 96, 0xffff] {
        shapes.append([UInt8(length >> 8), UInt8(length & 0xff)] + Noise.bytes(96, seed: 3))
        shapes.append([0, 0, UInt8(length >> 8), UInt8(length & 0xff)] + Noise.bytes(min(length, 300), seed: 4))
      }
      for shape in shapes {
        let socket = try #require(Socket(loopbackPort: port))
        socket.send(shape)
        socket.finishSending()
        let answer = socket.receive(seconds: 3)
        #expect(answer.bytes.isEmpty, "nobody is told anything before the handshake")
        #expect(answer.isClosed, "a stranger's connection is closed: \(shape.count) bytes")
      }
      expectUnharmed()
      #expect(devnet.api(0).status["peers"].integer == 3)
    }

    @Test func halfHandshakesHoldNothingUp() throws {
      let port = try peerPort(1)
      var held: [Socket] = []
      for number in 0..<100 {
        guard let socket = Socket(loopbackPort: port) else { continue }
        socket.send([0, 96] + Noise.bytes(number % 60, seed: UInt64(number)))
        held.append(socket)
      }
      expectUnharmed()
      // A validator that was gone finds its way back in while they are open.
      #expect(devnet.signal(SIGKILL, 0))
      let back = devnet.restart(0)
      #expect(back.code == 0, back.summary)
      #expect(Moment.wait(15) { devnet.api(0).status["peers"].integer == 3 }, devnet.logs())
      withExtendedLifetime(held) {}
      expectUnharmed()
    }
  }
}

/// Bytes without any meaning, always the same for a seed.
enum Noise {
  static func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
    var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
    return (0..<count).map { _ in
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return UInt8(truncatingIfNeeded: state >> 24)
    }
  }
}
