// The running network as the replay talks to it: every node's socket, signed transactions, reads.

import Clearing
import FoundationEssentials
import Primitives
import Sodium
import Wire

/// Some account with the key that signs for it.
struct ReplayAccount: Sendable {
  var name: String
  var key: SigningKey
  var account: AccountID { AccountID(key.publicKey) }
}

struct ReplayNetwork: Sendable {
  let clients: [UnixHTTPClient]
  let nodes: [String]
  let genesis: GenesisDocument
  let chain: Digest
  let clock: MarketClock
  let terms: [UnderlyingTerms]
  let tally = ReplayTally()

  /// Reads the genesis from the first node.
  init(_ document: DevnetDocument) async throws(ReplayError) {
    clients = document.nodes.prefix(document.validatorCount).map { UnixHTTPClient(socket: $0.socket) }
    nodes = document.nodes.prefix(document.validatorCount).map(\.name)
    guard let first = clients.first else { throw ReplayError("the devnet in \(document.directory) has no nodes") }
    let reply: HTTPReply
    do {
      reply = try await first.send(.get("/v1/genesis"), timeout: .seconds(5))
    } catch {
      var failure = ReplayError("\(error); start it with `novation devnet up --dir \(document.directory) --detach`")
      failure.isUnreachable = true
      throw failure
    }
    guard reply.status == 200, let genesis = JSONText.parse(GenesisDocument.self, reply.body),
      let chain = Digest(hex: genesis.chainId), let time = ISO8601.parse(genesis.time),
      let start = ISO8601.parse(genesis.clockStart)
    else { throw ReplayError("the node at \(first.socket) does not tell its genesis (status \(reply.status))") }
    self.genesis = genesis
    self.chain = chain
    clock = MarketClock(genesis: time, start: start, rate: genesis.clockRate)
    terms = genesis.underlyings.map { UnderlyingTerms(symbol: $0) }
  }

  // MARK: Reads

  /// A document of a node's state as that node has it.
  func read<Value: Decodable>(_ type: Value.Type, _ path: String, node: Int) async -> Value? {
    guard let reply = try? await clients[node % clients.count].send(.get(path), timeout: .seconds(10)),
      reply.status == 200
    else { return nil }
    return JSONText.parse(type, reply.body)
  }

  // MARK: Writes

  static let attempts = 20

  /// Signs and sends; waits until it is final, and counts what came of it. Nil if nothing final was heard.
  @discardableResult func submit(_ actions: [Action], as account: ReplayAccount, node: Int) async -> ReplayReceipt? {
    let now = Clock.wall
    var transaction = Transaction(
      chain: chain, signer: account.key.publicKey, nonce: Nonce.make(time: now, random: SecureRandom.uint64()),
      expiry: now + 30 * Duration64.second, mode: .bestEffort, actions: actions)
    transaction.signature = account.key.sign(transaction.signingBytes)
    let request = HTTPRequest.post(
      "/v1/transactions?wait=final", contentType: "application/octet-stream", body: transaction.wireBytes)
    tally.sent(actions: actions.count)
    for attempt in 0..<Self.attempts {
      let started = Clock.monotonic
      // Another attempt goes to another node: the same bytes execute at most once.
      let client = clients[(node + attempt) % clients.count]
      guard let reply = try? await client.send(request, timeout: .seconds(35)) else {
        guard await pause() else { break }
        continue
      }
      switch reply.status {
      case 200, 422:
        guard let receipt = JSONText.parse(ReplayReceipt.self, reply.body) else { break }
        tally.take(receipt, actions: actions.count, latency: Clock.monotonic - started)
        return receipt
      case 429, 503:
        tally.retry()
        guard await pause() else { return nil }
      default:
        let code = JSONText.parse(ErrorDocument.self, reply.body)?.error.code
        tally.refused(code ?? "status\(reply.status)", actions: actions.count)
        return nil
      }
    }
    tally.unknown()
    return nil
  }

  private func pause() async -> Bool { (try? await Task.sleep(for: .milliseconds(100))) != nil }

  /// Sends all of them, some at a time, spread over the nodes.
  func submitAll(_ batches: [(actions: [Action], account: ReplayAccount)], width: Int = 16) async {
    await withTaskGroup(of: Void.self) { group in
      for (place, batch) in batches.enumerated() {
        if place >= width { await group.next() }
        group.addTask { await submit(batch.actions, as: batch.account, node: place) }
      }
    }
  }

  /// Gives one validator the prices to publish from its next round on. False if it did not take them.
  func observe(_ observation: ObservationDocument, node: Int) async -> Bool {
    let body = Array(JSONText.render(observation, pretty: false).utf8)
    let request = HTTPRequest.post("/v1/test/observations", contentType: "application/json", body: body)
    return (try? await clients[node].send(request, timeout: .seconds(2)))?.status == 200
  }

  func close() { for client in clients { client.close() } }
}
