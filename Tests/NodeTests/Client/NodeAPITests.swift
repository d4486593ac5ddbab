// Answers of a node as exit codes and receipts.

import Clearing
import Node
import Primitives
import Sodium
import Testing
import Wire

@Suite struct NodeAPITests {
  private static let hash = Digest(words: (1, 2, 3, 4))

  private func submit(_ answer: TestAnswer, timeout: Int64 = 5) async throws -> NodeAPI.Submission {
    let server = try await TestServer { _ in answer }
    return await NodeAPI(socket: server.socket).submit([1], hash: Self.hash, wait: .final, timeoutSeconds: timeout)
  }

  private func read(_ answer: TestAnswer) async throws -> CommandFailure? {
    let server = try await TestServer { _ in answer }
    do {
      _ = try await NodeAPI(socket: server.socket).read(RequestPath("status"), timeout: .seconds(5))
      return nil
    } catch {
      return error
    }
  }

  @Test func finalReceiptSucceedsAndHasEveryKey() async throws {
    let result = try await submit(.reply(status: 200, body: #"{"transaction":"ab","status":"final","height":3}"#))
    #expect(result.failure == nil)
    let keys = try #require(result.receipt.object).keys.sorted()
    #expect(keys == ["error", "fills", "height", "index", "orders", "proof", "stateRoot", "status", "transaction"])
  }

  @Test func rejectionIsExitCodeOneWithItsReason() async throws {
    let body = #"{"transaction":"ab","status":"rejected","error":{"code":"margin","message":"too\nlittle","hint":""}}"#
    let result = try await submit(.reply(status: 422, body: body))
    #expect(result.failure == CommandFailure(.failed, "rejected: too\u{fffd}little"))
    #expect(result.receipt["status"] == "rejected")
  }

  @Test(arguments: [400, 409, 413, 429, 503]) func refusalIsExitCodeOne(status: Int) async throws {
    let body = #"{"error":{"code":"busy","message":"slow down","hint":"wait"}}"#
    let result = try await submit(.reply(status: status, body: body))
    #expect(result.failure == CommandFailure(.failed, "slow down", hint: "wait"))
    #expect(result.receipt["status"] == "rejected" && result.receipt["error"]?["code"] == "busy")
  }

  @Test func whatMayHaveHappenedIsUnknown() async throws {
    let outcomes: [TestAnswer] = [
      .hangUp, .garbage, .reply(status: 500, body: "{}"), .reply(status: 504, body: ""),
      .reply(status: 200, body: "surprise"),
      .reply(status: 503, body: #"{"error":{"code":"unknown","message":"not final in time","hint":""}}"#),
    ]
    for answer in outcomes {
      let result = try await submit(answer)
      #expect(result.failure?.code == .unknown, "\(answer)")
      #expect(result.receipt["status"] == "unknown" && result.receipt["transaction"] == .string(Self.hash.hex))
    }
  }

  @Test func unreachableNodeIsExitCodeThree() async throws {
    let result = await NodeAPI(socket: "/nonexistent/s").submit(
      [1], hash: Self.hash, wait: .final, timeoutSeconds: 1)
    #expect(result.failure?.code == .unreachable)
    #expect(try await read(.hangUp)?.code == .unreachable)
  }

  @Test func readsSayWhatTheNodeSays() async throws {
    let refused = try await read(
      .reply(status: 404, body: #"{"error":{"code":"x","message":"no such","hint":"look"}}"#))
    #expect(refused == CommandFailure(.failed, "no such", hint: "look"))
    #expect(try await read(.reply(status: 502, body: "<html>"))?.message == "the node answered with status 502")
    #expect(try await read(.reply(status: 200, body: "<html>"))?.code == .failed)
    #expect(try await read(.reply(status: 200, body: "{}")) == nil)
  }
}

@Suite struct ActionDocumentTests {
  private let terms = NetworkTerms(chain: Digest(words: (9, 9, 9, 9)), underlyings: [UnderlyingTerms(symbol: "BTC")])

  private func actions(_ text: String) throws -> ActionDocument {
    try ActionDocument(try #require(JSONText.parse(JSONValue.self, Array(text.utf8))), terms: terms)
  }

  private func refusal(_ entry: String) throws -> String? {
    do {
      _ = try actions(#"{"actions":[\#(entry)]}"#)
      return nil
    } catch let failure as CommandFailure {
      return failure.message
    }
  }

  @Test func everyTypeIsRead() throws {
    let to = String(repeating: "01", count: 32)
    let document = try actions(
      """
      {"mode":"bestEffort","clientId":"7","actions":[
        {"type":"place","instrument":"BTC-27MAR26-100000-C","side":"sell","quantity":"0.5","price":"1250.25",
         "timeInForce":"gtt","goodTill":"2026-03-01T00:00:00Z","postOnly":true,"clientId":8},
        {"type":"cancel","order":"17"}, {"type":"cancel","all":true}, {"type":"cancel","instrument":"BTC-27MAR26"},
        {"type":"cancel","underlying":"BTC"}, {"type":"cancel","clientId":3},
        {"type":"amend","clientId":3,"quantity":"1","price":"2"},
        {"type":"transfer","to":"\(to)","amount":"0.000001"}, {"type":"withdraw","amount":"5","destination":"x"}]}
      """)
    #expect(document.mode == .bestEffort && document.clientID == 7)
    let option = try terms.instrument("BTC-27MAR26-100000-C")
    #expect(
      document.actions == [
        .place(
          PlaceOrder(
            instrument: option, side: .sell, quantity: 500, price: 1_250_250_000, timeInForce: .gtt,
            goodTill: 1_772_323_200_000_000_000, postOnly: true, clientID: 8)),
        .cancel(.order(17)), .cancel(.all), .cancel(.instrument(try terms.instrument("BTC-27MAR26"))),
        .cancel(.underlying(0)), .cancel(.client(3)),
        .amend(AmendOrder(order: .client(3), quantity: 1_000, price: 2_000_000)),
        .transfer(to: try #require(AccountID(hex: to)), amount: 1),
        .withdraw(amount: 5_000_000, destination: Array("x".utf8)),
      ])
  }

  @Test func delegationsAreRead() throws {
    let text = String(repeating: "01", count: 32)
    let key = try #require(PublicKey(hex: text))
    let document = try actions(
      """
      {"actions":[{"type":"delegate","key":"\(text)","scope":["trade","cancel"],"until":"12","underlyings":["BTC"],
        "orderNotional":"5000"}, {"type":"delegate","key":"\(text)","scope":["cancel"],"until":1},
        {"type":"revoke","key":"\(text)"}]}
      """)
    #expect(
      document.actions == [
        .delegate(
          Delegation(key: key, scope: [.trade, .cancel], until: 12, underlyings: [0], orderNotional: 5_000_000_000)),
        .delegate(Delegation(key: key, scope: .cancel, until: 1)), .revoke(key),
      ])
    #expect(try refusal(#"{"type":"revoke","key":"7"}"#)?.contains("64 hexadecimal") == true)
    let start = #"{"type":"delegate","key":""# + text + #"","#
    #expect(try refusal(start + #""scope":"trade","until":1}"#) == "actions[0].scope: expected a list of strings")
    #expect(try refusal(start + #""scope":["all"],"until":1}"#)?.contains("cancel, trade, transfer") == true)
    #expect(try refusal(start + #""scope":["trade"]}"#) == "actions[0].until: missing: a height")
    #expect(try refusal(start + #""scope":["trade"],"until":1,"underlyings":["X"]}"#)?.contains("X") == true)
  }

  @Test func triggersAreRead() throws {
    let order = #""instrument":"BTC-27MAR26","side":"sell","quantity":"0.5","price":"90000""#
    let stop = #"{"type":"trigger",\#(order),"timeInForce":"ioc","reduceOnly":true,"#
    let document = try actions(
      """
      {"actions":[\(stop)"trigger":{"when":"atOrBelow","level":"95000"}},
        {"type":"place",\(order),"display":"0.1"}, {"type":"cancel","triggers":true},
        {"type":"link","kind":"oneCancelsOther","order":{\(order)},"triggers":[
          {\(order),"trigger":{"source":"index","when":"atOrAbove","level":"1"}}]}]}
      """)
    let sell = PlaceOrder(
      instrument: try terms.instrument("BTC-27MAR26"), side: .sell, quantity: 500, price: 90_000_000_000)
    var (exit, slices) = (sell, sell)
    (exit.timeInForce, exit.reduceOnly, slices.display) = (.ioc, true, 100)
    #expect(
      document.actions == [
        .trigger(TriggerOrder(order: exit, source: .mark, condition: .atOrBelow, level: 95_000_000_000)),
        .place(slices), .cancel(.triggers),
        .linked(
          LinkedOrders(
            kind: .oneCancelsOther, order: sell,
            triggers: [TriggerOrder(order: sell, source: .index, condition: .atOrAbove, level: 1_000_000)])),
      ])
    #expect(try refusal(stop + #""a":1}"#) == "actions[0].trigger: missing")
    #expect(try refusal(stop + #""trigger":{"when":"below","level":"1"}}"#)?.contains("atOrBelow") == true)
    #expect(
      try refusal(stop + #""trigger":{"when":"atOrBelow","level":"1","on":"mark"}}"#)?.contains("unknown") == true)
    #expect(try refusal(#"{"type":"link","kind":"oco","triggers":[]}"#)?.contains("oneTriggersOther") == true)
  }

  private static let types =
    "actions[0].type: expected place, cancel, amend, quote, protect, lease, transfer, withdraw, bid, backstop, fund, createCombo, negotiate, delegate, revoke, setState, trigger, link, openSubAccount, transferPositions or acceptPositions"

  @Test(arguments: [
    (#"{"type":"dance"}"#, Self.types),
    (#"7"#, Self.types),
    (
      #"{"type":"cancel"}"#,
      "actions[0]: expected one of order, clientId, instrument, underlying, expiry, side, quotes, triggers, all"
    ),
    (#"{"type":"cancel","order":-1}"#, "actions[0].order: expected a whole number that is not negative"),
    (#"{"type":"cancel","all":false}"#, "actions[0].order: missing; give order or clientId"),
    (#"{"type":"transfer","to":"x","amount":"1"}"#, "actions[0].to: expected an account of 64 hexadecimal digits"),
    (#"{"type":"withdraw","amount":1.5,"destination":"x"}"#, "actions[0].amount: expected a string"),
    (
      #"{"type":"withdraw","amount":"1.0000001","destination":"x"}"#,
      "actions[0].amount: expected a decimal string with at most 6 decimals"
    ),
    (#"{"type":"withdraw","amount":"1","destination":""}"#, "actions[0].destination: expected 1 to 128 bytes"),
    (#"{"type":"amend","order":1,"quantity":"1","price":"1","pirce":"1"}"#, "actions[0].pirce: unknown key"),
    (
      #"{"type":"place","instrument":"BTC-1","side":"buy","quantity":"1","price":"1"}"#,
      "\"BTC-1\" names no instrument of this network"
    ),
  ])
  func refusalsSayWhere(entry: String, message: String) throws {
    #expect(try refusal(entry) == message)
  }

  @Test func signedTransactionIsCanonicalAndValid() throws {
    let key = try #require(SigningKey(seed: [UInt8](repeating: 5, count: 32)))
    let first = terms.sign([.cancel(.all)], key: key, clientID: 3, lifetime: 30 * Duration64.second)
    let second = terms.sign([.cancel(.all)], key: key, clientID: 3, lifetime: 30 * Duration64.second)
    let transaction = try WireReader.decode(Transaction.self, from: first.bytes)
    #expect(transaction.chain == terms.chain && transaction.signer == key.publicKey && transaction.clientID == 3)
    #expect(Ed25519.verify(transaction.signature, transaction.signingBytes, by: key.publicKey))
    #expect(transaction.expiry > Nonce.time(of: transaction.nonce))
    #expect(first.hash == Blake2b.hash(first.bytes) && first.hash != second.hash)
  }
}
