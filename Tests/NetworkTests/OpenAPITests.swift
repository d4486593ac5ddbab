// docs/openapi.yaml against the routes in the source and against what a node answers.

import Foundation
import Testing

@Suite struct OpenAPIDocumentTests {
  private let api: OpenAPI
  init() throws { api = try OpenAPI() }

  @Test func everyReferenceLeadsSomewhere() {
    #expect(!api.references.isEmpty)
    for reference in Set(api.references) {
      #expect(api.resolve(.object(["$ref": .string(reference)])) != .null, "\(reference)")
    }
  }

  @Test func everyRequiredPropertyIsDescribed() {
    let schemas = api.document["components"]["schemas"]
    #expect(schemas.keys.count > 30)
    for name in schemas.keys {
      for property in schemas[name]["required"].list.map(\.text) {
        #expect(schemas[name]["properties"].keys.contains(property), "\(name).\(property)")
      }
    }
  }

  /// The routes stand in one file, one a line.
  @Test func describesExactlyTheRoutesOfTheServer() throws {
    let source = Package.text("Sources/Node/API/APIServer.swift")
    try #require(!source.isEmpty)
    let routes = Set(source.matches(of: /router\.(get|post)\("([^"]+)"\)/).map { "\($0.1) \($0.2)" })
    let paths = api.document["paths"]
    let described = Set(paths.keys.flatMap { path in paths[path].keys.map { "\($0) \(path)" } })
    #expect(described.subtracting(routes) == [], "described, and not served")
    #expect(routes.subtracting(described) == [], "served, and not described")
  }

  @Test func theReaderRefusesWhatItDoesNotKnow() {
    for text in [
      "a: |\n  b", "a: b: c", "a: 'b'", "a:\n", "a: {b: c}", "a: 1\na: 2", "a: \"b", "a: 1\n   b: 2",
    ] {
      #expect(throws: PlainYAML.Fault.self, "\(text)") { try PlainYAML.parse(text) }
    }
  }
}

extension NetworkTests {
  /// Real answers, structurally: path and status are described, every key is known and every required one is there.
  @Suite(.serialized, .devnet) struct OpenAPITests {
    private let devnet: Devnet
    private let api: OpenAPI

    init() throws {
      devnet = try Devnet.current()
      api = try OpenAPI()
    }

    private func expect(
      _ path: String, _ target: String, is status: Int, location: SourceLocation = #_sourceLocation
    ) -> Answer {
      let answer = devnet.api(0).get(target)
      #expect(answer.status == status, answer.summary, sourceLocation: location)
      #expect(api.problems("get", path, answer) == [], "\(target)", sourceLocation: location)
      return answer
    }

    @Test func readsAnswerAsDescribed() throws {
      let future = try devnet.future()
      #expect(devnet.place("buy", future.name, "0.01", at: future.low, by: "bob").code == 0)
      let taken = String(future.mark)
      let order = devnet.place("sell", future.name, "0.02", at: taken, ["--client-id", "77"])
      #expect(order.code == 0, order.summary)
      #expect(devnet.place("buy", future.name, "0.01", at: taken, by: "bob").code == 0)
      let receipt = order.json
      for (path, target) in [
        ("/v1/status", "/v1/status"), ("/v1/genesis", "/v1/genesis"), ("/v1/oracle", "/v1/oracle"),
        ("/v1/validators", "/v1/validators?consistency=local"), ("/v1/instruments", "/v1/instruments"),
        ("/v1/events", "/v1/events"), ("/v1/events", "/v1/events?types=trade&from=1"),
        ("/v1/reliability", "/v1/reliability"), ("/v1/reliability", "/v1/reliability?target=750"),
        ("/v1/instruments/{name}", "/v1/instruments/\(future.name)"),
        ("/v1/books/{name}", "/v1/books/\(future.name)?depth=5"), ("/v1/trades/{name}", "/v1/trades/\(future.name)"),
        ("/v1/accounts/{id}", "/v1/accounts/\(devnet.account("alice"))"),
        ("/v1/accounts/{id}", "/v1/accounts/\(devnet.account("bob"))?proof=true"),
        ("/v1/accounts/{id}/greeks", "/v1/accounts/\(devnet.account("bob"))/greeks"),
        ("/v1/instruments/{name}/greeks", "/v1/instruments/\(future.name)/greeks"),
        ("/v1/orders/{id}", "/v1/orders/\(receipt["orders"][0]["id"].text)?atLeast=1"),
        ("/v1/blocks/{height}", "/v1/blocks/latest"), ("/v1/blocks/{height}", "/v1/blocks/0"),
        ("/v1/transactions/{hash}", "/v1/transactions/\(receipt["transaction"].text)"),
        ("/v1/certificates/{height}", "/v1/certificates/latest"),
        ("/v1/certificates/{height}", "/v1/certificates/1"), ("/metrics", "/metrics"), ("/healthz", "/healthz"),
        ("/readyz", "/readyz"),
      ] { _ = expect(path, target, is: 200) }
    }

    @Test func refusalsAnswerAsDescribed() {
      let zero = String(repeating: "0", count: 64)
      for (path, target, status) in [
        ("/v1/accounts/{id}", "/v1/accounts/alice", 400), ("/v1/accounts/{id}", "/v1/accounts/\(zero)", 404),
        ("/v1/accounts/{id}", "/v1/accounts/\(zero)?consistency=sometimes", 400),
        ("/v1/accounts/{id}", "/v1/accounts/\(devnet.account("alice"))?proof=maybe", 400),
        ("/v1/instruments", "/v1/instruments?atLeast=-1", 400), ("/v1/oracle", "/v1/oracle?atLeast=1e9", 400),
        ("/v1/validators", "/v1/validators?atLeast=4611686018427387903", 503),
        ("/v1/instruments/{name}", "/v1/instruments/BTC-1JAN70", 404),
        ("/v1/instruments/{name}/greeks", "/v1/instruments/BTC-1JAN70/greeks", 404),
        ("/v1/accounts/{id}/greeks", "/v1/accounts/\(zero)/greeks", 404),
        ("/v1/accounts/{id}/greeks", "/v1/accounts/alice/greeks", 400),
        ("/v1/books/{name}", "/v1/books/NONE", 404), ("/v1/books/{name}", "/v1/books/NONE?depth=0", 404),
        ("/v1/trades/{name}", "/v1/trades/%00%ff", 404), ("/v1/orders/{id}", "/v1/orders/x", 400),
        ("/v1/orders/{id}", "/v1/orders/4000000000", 404), ("/v1/blocks/{height}", "/v1/blocks/earliest", 400),
        ("/v1/blocks/{height}", "/v1/blocks/4611686018427387903", 404),
        ("/v1/transactions/{hash}", "/v1/transactions/abc", 400),
        ("/v1/transactions/{hash}", "/v1/transactions/\(zero)", 404),
        ("/v1/certificates/{height}", "/v1/certificates/18446744073709551616", 400),
        ("/v1/certificates/{height}", "/v1/certificates/4611686018427387903", 404),
        ("/v1/stream", "/v1/stream?topics=weather", 400), ("/v1/reliability", "/v1/reliability?target=0", 400),
        ("/v1/events", "/v1/events?types=weather", 400), ("/v1/events", "/v1/events?from=0", 410),
        ("/v1/events", "/v1/events?account=alice", 400),
      ] { #expect(expect(path, target, is: status).isError) }
    }

    @Test func writesAnswerAsDescribed() throws {
      let node = devnet.api(1)
      for (answer, status) in [
        (node.post("/v1/transactions", [0x7b]), 400), (node.post("/v1/transactions", type: "text/html", []), 400),
        (node.post("/v1/transactions", type: "application/octet-stream", [1, 2, 3]), 400),
        (node.post("/v1/transactions?wait=forever", Array("{}".utf8)), 400),
        (node.post("/v1/transactions", [UInt8](repeating: 0x20, count: 2 << 20)), 413),
      ] {
        #expect(answer.status == status, answer.summary)
        #expect(api.problems("post", "/v1/transactions", answer) == [])
      }
      let observations = #"{"prices":[{"underlying":"BTC","price":"x"}],"surfaces":[]}"#
      for (body, status) in [("{}", 400), (observations, 400), (#"{"prices":[],"surfaces":[]}"#, 200)] {
        let answer = node.post("/v1/test/observations", Array(body.utf8))
        #expect(answer.status == status, answer.summary)
        #expect(api.problems("post", "/v1/test/observations", answer) == [])
      }
    }

    @Test func questionsAboutMarginAnswerAsDescribed() throws {
      let future = try devnet.future()
      let account = devnet.account("bob")
      let zero = String(repeating: "0", count: 64)
      let trade = #"{"instrument":"\#(future.name)","quantity":"0.1"}"#
      for (body, status) in [
        (#"{"account":"\#(account)"}"#, 200),
        (#"{"account":"\#(account)","positions":[\#(trade)],"moves":[{"underlying":"BTC","spot":"0.1"}]}"#, 200),
        ("", 400), ("[]", 400), (#"{"account":"alice"}"#, 400), (#"{"account":"\#(zero)"}"#, 404),
        (#"{"account":"\#(account)","cash":"1e9"}"#, 400), (#"{"account":"\#(account)","cash":7}"#, 400),
        (#"{"account":"\#(account)","positions":[{"instrument":"BTC-1JAN70","quantity":"1"}]}"#, 400),
        (#"{"account":"\#(account)","moves":[{"underlying":"BTC","spot":"-1"}]}"#, 400),
        (
          #"{"account":"\#(account)","orders":[{"instrument":"\#(future.name)","side":"hold","quantity":"1","price":"1"}]}"#,
          400
        ),
      ] {
        let answer = devnet.api(1).post("/v1/margin/what-if", Array(body.utf8))
        #expect(answer.status == status, answer.summary)
        #expect(api.problems("post", "/v1/margin/what-if", answer) == [], "\(body)")
      }
    }

    @Test func linesOfAFeederAnswerAsDescribed() {
      for (body, status) in [("", 200), ("nonsense\n\n{}", 200), (String(repeating: "x\n", count: 1025), 413)] {
        let answer = devnet.api(3).post("/v1/oracle/lines", type: "application/x-ndjson", Array(body.utf8))
        #expect(answer.status == status, answer.summary)
        #expect(api.problems("post", "/v1/oracle/lines", answer) == [])
      }
    }

    /// What commands print of a transaction is the receipt of the API, whatever became of it.
    @Test func receiptsAreAsDescribed() throws {
      let future = try devnet.future()
      let schema = JSON.object(["$ref": .string("#/components/schemas/Receipt")])
      for (more, code, status) in [
        ([], 0, "final"), (["--proven"], 0, "final"), (["--no-wait"], 0, "accepted"),
        (["--reduce-only"], 1, "rejected"),
      ] as [([String], Int32, String)] {
        let result = devnet.place("buy", future.name, "0.001", at: future.low, by: "maker1", more)
        #expect(result.code == code, result.summary)
        #expect(result.json["status"].text == status, result.summary)
        #expect(api.problems(result.json, schema, "\(more)") == [])
      }
    }

    @Test func eventsAreAsDescribed() throws {
      let future = try devnet.future()
      #expect(devnet.place("buy", future.name, "0.001", at: future.low, by: "bob").code == 0)
      let socket = try #require(Socket(unix: devnet.socket(2)))
      socket.send(
        "GET /v1/stream?topics=blocks,trades,books,marks,certificates HTTP/1.1\r\nHost: node\r\n\r\n")
      #expect(devnet.place("sell", future.name, "0.01", at: String(future.mark), by: "maker1").code == 0)
      #expect(devnet.place("buy", future.name, "0.01", at: String(future.mark), by: "maker2").code == 0)
      var names: Set<String> = []
      let (bytes, _) = socket.receive(seconds: 10) { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        names = Set(text.matches(of: /event: (\w+)\n/).map { String($0.1) })
        return names.isSuperset(of: ["block", "trade", "book", "bookSnapshot", "price", "certificate"])
      }
      #expect(names == ["block", "trade", "book", "bookSnapshot", "price", "certificate"])
      let text = String(decoding: bytes, as: UTF8.self)
      let schemas = [
        "block": "BlockEvent", "trade": "Trade", "book": "BookEvent", "bookSnapshot": "BookEvent",
        "price": "PriceEvent", "certificate": "CertificateEvent",
      ]
      let events = text.matches(of: /event: (\w+)\ndata: (.*)\n/)
      #expect(!events.isEmpty)
      for event in events {
        let data = try #require(JSON.parse(String(event.2)))
        let name = try #require(schemas[String(event.1)])
        let schema = JSON.object(["$ref": .string("#/components/schemas/\(name)")])
        #expect(api.problems(data, schema, name) == [])
      }
    }
  }
}
