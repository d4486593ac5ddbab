// The HTTP API on the Unix socket, and its reads on the TCP listener: routes, their limits and where they go. What a route answers stands in the files
// beside this one.

import Clearing
import Consensus
import Replica
import Glibc
import Hummingbird
import HTTPTypes
import Logging
import NIOCore
import NIOPosix
import Primitives
import ServiceLifecycle

struct APIServer: Sendable {
  let host: ReplicaHost
  let info: NodeInfo
  let publisher: PricePublisher
  let metrics: NodeMetrics
  let log: Logger

  /// Longest wait of a write that asks for finality, in nanoseconds.
  static let submitTimeout: Int64 = 30 * Duration64.second
  /// Longest wait of a linearizable read.
  static let readTimeout: Int64 = 5 * Duration64.second

  var limits: NodeConfiguration.Limits { info.configuration.limits }

  /// The whole interface, on the Unix socket. `serving` is told when it answers.
  func service(group: MultiThreadedEventLoopGroup, serving: ServingSignal) -> some Service {
    let socket = info.configuration.api.socket
    unlink(socket)
    let mode = UInt32(info.configuration.api.socketMode, radix: 8) ?? 0o660
    let groupName = info.configuration.api.socketGroup
    return Application(
      router: router(),
      configuration: ApplicationConfiguration(address: .unixDomainSocket(path: socket), serverName: "novation"),
      onServerRunning: { _ in
        Self.restrict(socket, mode: mode, group: groupName)
        serving.note()
      },
      eventLoopGroupProvider: .shared(group),
      logger: quiet)
  }

  /// The reads alone, on TCP; nil where the configuration asks for none.
  func listener(group: MultiThreadedEventLoopGroup, serving: ServingSignal) -> (any Service)? {
    guard let address = SocketAddressText(info.configuration.api.listen) else { return nil }
    return Application(
      router: listenerRouter(),
      configuration: ApplicationConfiguration(
        address: .hostname(address.host, port: Int(address.port)), serverName: "novation"),
      onServerRunning: { [log] channel in
        log.info("read-only listener", metadata: ["address": "\(channel.localAddress?.description ?? "")"])
        serving.note()
      },
      eventLoopGroupProvider: .shared(group),
      logger: quiet)
  }

  private var quiet: Logger {
    var quiet = log
    quiet.logLevel = .warning
    return quiet
  }

  /// Permissions and group of the socket: who may trade through this node.
  private static func restrict(_ path: String, mode: UInt32, group: String) {
    if !group.isEmpty, let entry = getgrnam(group) { _ = chown(path, uid_t.max, entry.pointee.gr_gid) }
    chmod(path, mode)
  }

  /// What the socket serves.
  func router() -> Router<BasicRequestContext> {
    let router = gatedRouter(share: 1)
    addReads(to: router, streams: Int(limits.streams))
    router.post("/v1/transactions") { request, _ in try await submit(request) }
    router.post("/v1/margin/what-if") { request, _ in try await whatIf(request) }
    router.post("/v1/oracle/lines") { request, _ in try await feed(request) }
    if info.genesis.market.network == "test" {
      router.post("/v1/test/observations") { request, _ in try await observe(request) }
    }
    refuseOtherMethods(on: router)
    return router
  }

  /// What the TCP listener serves: nothing that writes. Strangers get a part of the limits, so that they cannot starve
  /// those at the socket.
  func listenerRouter() -> Router<BasicRequestContext> {
    let router = gatedRouter(share: 4)
    addReads(to: router, streams: Int(limits.streams) / 2)
    let cache = DashboardCache()
    router.get("/") { _, _ in try await dashboard(cache) }
    refuseOtherMethods(on: router)
    return router
  }

  private func gatedRouter(share: Int64) -> Router<BasicRequestContext> {
    let router = Router()
    router.middlewares.add(RequestMetrics(metrics: metrics))
    router.middlewares.add(ErrorMiddleware())
    router.middlewares.add(
      RequestGate(
        concurrentMax: max(1, limits.concurrentRequests / share), perSecond: max(1, limits.requestsPerSecond / share)))
    return router
  }

  private func addReads(to router: Router<BasicRequestContext>, streams: Int) {
    router.get("/healthz") { _, _ in APIResponse.text("{\"healthy\":true}\n") }
    router.get("/readyz") { _, _ in try await ready() }
    router.get("/metrics") { _, _ in try await metrics() }
    router.get("/v1/status") { _, _ in APIResponse.json(try await status()) }
    router.get("/v1/accounts/{id}") { request, context in try await account(request, context) }
    router.get("/v1/accounts/{id}/greeks") { request, context in try await accountGreeks(request, context) }
    router.get("/v1/instruments") { request, _ in try await instruments(request) }
    router.get("/v1/instruments/{name}") { request, context in try await instrument(request, context) }
    router.get("/v1/instruments/{name}/greeks") { request, context in try await instrumentGreeks(request, context) }
    router.get("/v1/combos") { request, _ in try await combos(request) }
    router.get("/v1/books/{name}") { request, context in try await book(request, context) }
    router.get("/v1/trades/{name}") { request, context in try await trades(request, context) }
    router.get("/v1/orders/{id}") { request, context in try await order(request, context) }
    router.get("/v1/oracle") { request, _ in try await oracle(request) }
    router.get("/v1/liquidations") { request, _ in try await liquidations(request) }
    router.get("/v1/validators") { request, _ in try await validators(request) }
    router.get("/v1/reliability") { request, _ in try await reliability(request) }
    router.get("/v1/blocks/{height}") { _, context in try await block(context) }
    router.get("/v1/transactions/{hash}") { request, context in try await transaction(request, context) }
    router.get("/v1/certificates/{height}") { request, context in try await certificate(request, context) }
    router.get("/v1/events") { request, _ in try await events(request) }
    router.get("/v1/stream") { request, _ in try await stream(request, max: streams) }
    router.get("/v1/genesis") { _, _ in APIResponse.json(GenesisDocument(genesis: info.genesis)) }
  }

  /// Known paths answer 405 with the methods they do have, not 404 (RFC 9110, section 15.5.6).
  private func refuseOtherMethods(on router: Router<BasicRequestContext>) {
    let methods: [HTTPTypes.HTTPRequest.Method] = [.get, .head, .post, .put, .patch, .delete]
    let paths = Dictionary(grouping: router.routes, by: { "\($0.path)" })
    for known in paths.values {
      guard let path = known.first?.path else { continue }
      let allowed = known.map(\.method)
      let list = allowed.map(\.rawValue).sorted().joined(separator: ", ")
      for method in methods where !allowed.contains(method) {
        router.on(path, method: method) { request, _ -> Response in
          var refusal = APIResponse.error(
            APIError(
              .methodNotAllowed, "methodNotAllowed", "\(request.uri.path.prefix(200)) takes \(list), not \(method)",
              hint: "The paths are described in docs/openapi.yaml."))
          refusal.headers[.allow] = list
          return refusal
        }
      }
    }
  }

  private func ready() async throws -> Response {
    let lag = try await host.readLocal { [host] replica in
      let isConnected =
        replica.index == nil ? host.connectedPeers > 0 : host.connectedPeers + 1 >= replica.committee.quorum
      return (isConnected && host.isStarted, replica.isBehind)
    }
    guard lag.0, !lag.1 else {
      throw APIError(
        .serviceUnavailable, "notReady", lag.1 ? "this node is catching up" : "too few validators are connected",
        hint: "See /v1/status.")
    }
    return APIResponse.text("{\"ready\":true}\n")
  }
}

/// `consistency`, `atLeast` and `proof` of a read.
struct ReadOptions {
  enum Consistency: String { case linearizable, causal, local, speculative }

  var consistency = Consistency.linearizable
  var atLeast: Height = 0
  var wantsProof = false

  init(_ request: Request) throws(APIError) {
    let query = request.uri.queryParameters
    if let text = query["consistency"] {
      guard let value = Consistency(rawValue: String(text)) else {
        throw .malformed(
          "consistency \"\(text.prefix(40))\" is unknown",
          hint: "Use linearizable, causal, local or speculative.")
      }
      consistency = value
    }
    if let text = query["atLeast"] {
      guard let value = Height(text), value < ordinalLimit else {
        throw .malformed("atLeast \"\(text.prefix(40))\" is not a height", hint: "Use a whole number.")
      }
      atLeast = value
    }
    wantsProof = try request.flag("proof")
    guard !wantsProof || consistency != .speculative else {
      throw .malformed("a speculative read has no proof", hint: "What is not final is not certified; leave proof out.")
    }
  }
}

extension Request {
  /// Whether a parameter of the query says so; false where it is missing.
  func flag(_ name: String) throws(APIError) -> Bool {
    guard let text = uri.queryParameters[name[...]] else { return false }
    guard text == "true" || text == "false" || text == "1" || text == "0" else {
      throw .malformed("\(name) \"\(text.prefix(40))\" is not true or false", hint: "Use \(name)=true.")
    }
    return text == "true" || text == "1"
  }
}

extension BasicRequestContext {
  /// A parameter of the path, percent-decoded (RFC 3986, section 2.1); what does not decode stays as it is.
  func text(_ name: String) -> String {
    let text = parameters.get(name) ?? ""
    guard text.utf8.contains(UInt8(ascii: "%")) else { return text }
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
        return text
      }
      bytes.append(value)
      rest = rest.dropFirst(2)
    }
    return String(validating: bytes, as: UTF8.self) ?? text
  }
}
