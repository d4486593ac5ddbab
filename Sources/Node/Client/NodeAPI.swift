// The node's API as commands use it: documents in and out, and every way to fail turned into an exit code and a
// sentence.

public import Primitives

public struct NodeAPI: Sendable {
  /// How long a write waits: for finality, for its certificate, or not at all.
  public enum Wait: String, Sendable { case final, proven, accepted }

  /// A receipt, and why the command does not succeed if it does not.
  public struct Submission: Sendable {
    public var receipt: JSONValue
    public var failure: CommandFailure?
  }

  public let client: UnixHTTPClient

  public init(socket: String) { client = UnixHTTPClient(socket: socket) }
  public init(client: UnixHTTPClient) { self.client = client }

  /// The document at `path`.
  public func read(_ path: RequestPath, timeout: Duration) async throws(CommandFailure) -> JSONValue {
    try await document(.get(path.description), timeout)
  }

  /// What the node answers to a document.
  public func ask(
    _ path: RequestPath, _ question: JSONValue, timeout: Duration
  ) async throws(CommandFailure) -> JSONValue {
    let body = Array(JSONText.render(question, pretty: false).utf8)
    return try await document(.post(path.description, contentType: "application/json", body: body), timeout)
  }

  /// What the node makes of a feeder's lines.
  public func publish(_ lines: [[UInt8]], timeout: Duration) async throws(CommandFailure) -> JSONValue {
    let path = RequestPath("oracle", "lines").description
    let body = Array(lines.joined(separator: [0x0a]))
    return try await document(.post(path, contentType: "application/x-ndjson", body: body), timeout)
  }

  private func document(_ request: HTTPRequest, _ timeout: Duration) async throws(CommandFailure) -> JSONValue {
    let reply: HTTPReply
    do {
      reply = try await client.send(request, timeout: timeout)
    } catch {
      throw Self.failure(error)
    }
    let document = JSONText.parse(JSONValue.self, reply.body)
    guard reply.status == 200 else { throw Self.refusal(status: reply.status, document).failure }
    guard let document else { throw Self.failure(.malformed("not JSON")) }
    return document
  }

  /// Sends canonical bytes of a signed transaction and waits. Never throws what happened away: where the outcome is not
  /// known, the receipt says "unknown" and the failure has exit code 4.
  public func submit(_ bytes: [UInt8], hash: Digest, wait: Wait, timeoutSeconds: Int64) async -> Submission {
    let path = RequestPath("transactions").with("wait", wait.rawValue).with("timeout", String(timeoutSeconds))
    let request = HTTPRequest.post(path.description, contentType: "application/octet-stream", body: bytes)
    do {
      // The node should be the one to say that time is up: it knows more than a closed connection does.
      let reply = try await client.send(request, timeout: .seconds(timeoutSeconds + 2))
      return Self.judge(reply, hash: hash)
    } catch ClientError.cannotConnect(let socket, let reason) {
      let failure = Self.failure(.cannotConnect(socket: socket, reason: reason))
      return Submission(receipt: Self.receipt(hash, "rejected", code: "unreachable", failure), failure: failure)
    } catch {
      return Self.unknown(hash, error.description)
    }
  }

  private static func judge(_ reply: HTTPReply, hash: Digest) -> Submission {
    let document = JSONText.parse(JSONValue.self, reply.body)
    if let receipt = document?.completedReceipt, let status = receipt["status"]?.string {
      guard status == "rejected" else { return Submission(receipt: receipt, failure: nil) }
      let reason = receipt["error"]?["message"]?.string ?? receipt["error"]?["code"]?.string ?? "no reason given"
      return Submission(
        receipt: receipt, failure: CommandFailure(.failed, "rejected: \(printable(reason))", hint: hint(receipt)))
    }
    let refusal = refusal(status: reply.status, document)
    // Anything but a clear refusal may have been passed on to the validators.
    if refusal.code == "unknown" || reply.status == 500 || reply.status == 504 || reply.status < 400 {
      return unknown(hash, refusal.failure.message)
    }
    return Submission(receipt: receipt(hash, "rejected", code: refusal.code, refusal.failure), failure: refusal.failure)
  }

  private static func hint(_ document: JSONValue) -> String? {
    guard let hint = document["error"]?["hint"]?.string, !hint.isEmpty else { return nil }
    return printable(hint)
  }

  private static func unknown(_ hash: Digest, _ reason: String) -> Submission {
    let failure = CommandFailure(
      .unknown, "outcome unknown: \(reason)",
      hint: "ask with `novation query transaction \(hash.hex)`; repeating with the same client id is safe")
    return Submission(receipt: receipt(hash, "unknown", code: "unknown", failure), failure: failure)
  }

  /// A receipt for what no node has written one for.
  private static func receipt(
    _ hash: Digest, _ status: String, code: String, _ failure: CommandFailure
  ) -> JSONValue {
    [
      "transaction": .string(hash.hex), "height": .null, "index": .null, "stateRoot": .null, "status": .string(status),
      "orders": [], "fills": [], "proof": .null,
      "error": ["code": .string(code), "message": .string(failure.message), "hint": .string(failure.hint ?? "")],
    ]
  }

  /// What an error document says.
  private static func refusal(status: Int, _ document: JSONValue?) -> (code: String, failure: CommandFailure) {
    let error = document?["error"]
    let code = printable(error?["code"]?.string ?? "http\(status)")
    let message = printable(error?["message"]?.string ?? "the node answered with status \(status)")
    return (code, CommandFailure(.failed, message, hint: document.flatMap(hint)))
  }

  /// The exit code and sentence for a request that got no answer.
  public static func failure(_ error: ClientError) -> CommandFailure {
    switch error {
    case .cannotConnect:
      CommandFailure(
        .unreachable, error.description,
        hint: "start a node (`novation devnet up` for a local network) or give --socket")
    case .timedOut, .connectionLost:
      CommandFailure(.unreachable, error.description, hint: "look at the node's log, or ask another node")
    case .tooLarge, .malformed:
      CommandFailure(.failed, error.description, hint: "is this the socket of a Novation node?")
    }
  }
}

extension JSONValue {
  /// A receipt with every key that receipts have, null where the node left one out; nil if it is no receipt.
  public var completedReceipt: JSONValue? {
    guard var members = object, members["status"]?.string != nil, members["transaction"] != nil else { return nil }
    for key in ["height", "index", "stateRoot", "proof", "error"] where members[key] == nil { members[key] = .null }
    for key in ["orders", "fills"] where members[key] == nil { members[key] = [] }
    return .object(members)
  }
}
