// The client against a server that answers, stalls, hangs up and talks nonsense.

import Node
import Primitives
import Testing

@Suite struct UnixHTTPClientTests {
  private func error(_ body: () async throws -> Void) async -> ClientError? {
    do {
      try await body()
      return nil
    } catch {
      return error as? ClientError
    }
  }

  @Test func connectionIsUsedAgain() async throws {
    let server = try await TestServer { .reply(status: 200, body: "\($0.connection) \($0.method) \($0.target)") }
    let client = UnixHTTPClient(socket: server.socket)
    for _ in 0..<3 {
      let reply = try await client.send(.get("/v1/x?y=1"))
      #expect(reply.status == 200)
      #expect(String(decoding: reply.body, as: UTF8.self) == "1 GET /v1/x?y=1")
    }
  }

  @Test func bodyArrivesAsSent() async throws {
    let server = try await TestServer { request in
      .reply(status: 202, body: "\(request.method) \(request.contentType ?? "-") \(request.body)")
    }
    let client = UnixHTTPClient(socket: server.socket)
    let reply = try await client.send(.post("/", contentType: "application/octet-stream", body: [0, 255, 10]))
    #expect(String(decoding: reply.body, as: UTF8.self) == "POST application/octet-stream [0, 255, 10]")
  }

  @Test func concurrentRequestsGetTheirOwnAnswers() async throws {
    let server = try await TestServer { .reply(status: 200, body: $0.target) }
    let client = UnixHTTPClient(socket: server.socket)
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for number in 0..<40 {
        group.addTask {
          let reply = try await client.send(.get("/\(number)"))
          return String(decoding: reply.body, as: UTF8.self) == "/\(number)"
        }
      }
      for try await matches in group { #expect(matches) }
    }
  }

  @Test func readIsRepeatedOnAFreshConnection() async throws {
    let server = try await TestServer { request in
      request.connection == 1 && request.target == "/second" ? .hangUp : .reply(status: 200, body: "fine")
    }
    let client = UnixHTTPClient(socket: server.socket)
    _ = try await client.send(.get("/first"))
    #expect(try await client.send(.get("/second")).status == 200)
  }

  /// A write may have been executed: only the caller may decide to send it again.
  @Test func writeIsNotRepeated() async throws {
    let server = try await TestServer { request in
      request.target == "/write" ? .hangUp : .reply(status: 200, body: "fine")
    }
    let client = UnixHTTPClient(socket: server.socket)
    _ = try await client.send(.get("/first"))
    let found = await error { _ = try await client.send(.post("/write", contentType: "text/plain", body: [1])) }
    #expect(found == .connectionLost)
  }

  @Test func silenceTimesOut() async throws {
    let server = try await TestServer { _ in .silence }
    let client = UnixHTTPClient(socket: server.socket)
    let found = await error { _ = try await client.send(.get("/"), timeout: .milliseconds(50)) }
    #expect(found == .timedOut(seconds: 0))
  }

  @Test func missingSocketCannotBeConnected() async throws {
    let client = UnixHTTPClient(socket: "/nonexistent/s")
    let found = await error { _ = try await client.send(.get("/")) }
    #expect(found == .cannotConnect(socket: "/nonexistent/s", reason: "there is no such socket"))
  }

  @Test func truncatedAnswerIsALostConnection() async throws {
    let server = try await TestServer { _ in .garbage }
    let client = UnixHTTPClient(socket: server.socket)
    let found = await error { _ = try await client.send(.get("/")) }
    #expect(found != nil)
  }

  @Test func answersAreBounded() async throws {
    let server = try await TestServer { _ in .reply(status: 200, body: String(repeating: "x", count: 1000)) }
    let client = UnixHTTPClient(socket: server.socket, replyLimit: 999)
    #expect(await error { _ = try await client.send(.get("/")) } == .tooLarge(limit: 999))
  }

  @Test func eventsArriveInOrderUntilTheEnd() async throws {
    let server = try await TestServer { _ in
      .stream(
        ["id: 1\nevent: block\nda", "ta: {\"h\":1}\n\n: ping\n\nid: 2\r\ndata: a\r\ndata: b\r\n\r\n"], ends: true)
    }
    let client = UnixHTTPClient(socket: server.socket)
    guard case .events(let stream) = try await client.events("/v1/stream") else {
      Issue.record("refused")
      return
    }
    var events: [ServerSentEvent] = []
    for try await event in stream { events.append(event) }
    #expect(
      events == [
        ServerSentEvent(id: "1", event: "block", data: "{\"h\":1}"), ServerSentEvent(id: "2", data: "a\nb"),
      ])
  }

  @Test func refusedStreamIsAReply() async throws {
    let server = try await TestServer { _ in .reply(status: 400, body: "{}") }
    let client = UnixHTTPClient(socket: server.socket)
    guard case .refused(let reply) = try await client.events("/v1/stream") else {
      Issue.record("not refused")
      return
    }
    #expect(reply.status == 400 && reply.body == Array("{}".utf8))
  }

  @Test func eventsOfAnyLengthArePutTogether() {
    let text = Array("event: x\ndata: 1\n\ndata:2\n\nignored\n\n".utf8)
    for size in 1...text.count {
      var parser = ServerSentEventParser()
      var events: [ServerSentEvent] = []
      for start in stride(from: 0, to: text.count, by: size) {
        #expect(parser.read(text[start..<min(start + size, text.count)], into: &events))
      }
      #expect(events == [ServerSentEvent(event: "x", data: "1"), ServerSentEvent(data: "2")])
    }
  }

  @Test func endlessEventIsRefused() {
    var parser = ServerSentEventParser(limit: 100)
    var events: [ServerSentEvent] = []
    #expect(!parser.read([UInt8](repeating: 0x61, count: 101), into: &events))
  }

  @Test func pathsAreEncoded() {
    let path = RequestPath("books", "a/../b?c#d", "..").with("x", "1&2").with("none", nil).with("y", "é")
    #expect(path.description == "/v1/books/a%2F..%2Fb%3Fc%23d/%2E%2E?x=1%262&y=%C3%A9")
  }
}
