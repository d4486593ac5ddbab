// A local network of real processes: made, started, looked at and stopped.

import Clearing
import FoundationEssentials
import Glibc
public import Primitives
import Replica
import Sodium
import Storage

public struct DevnetError: Error, CustomStringConvertible {
  public var description: String
  init(_ text: String) { description = text }
}

/// What may be chosen about a devnet.
public struct DevnetOptions: Sendable {
  public var validators = 4
  public var observers = 0
  public var seed: UInt64 = 1
  /// Market time at genesis; nil for the present.
  public var clockStart: Timestamp?
  public var clockRate: Int64 = 1
  /// Blocks after which the shares of the group key are renewed; nil for the default.
  public var epochBlocks: UInt64?
  /// List options and futures of the synthetic market at genesis.
  public var listInstruments = true
  /// Each node serves its reads and the dashboard on a free port of the loopback interface.
  public var hasDashboard = false
  public var logLevel = NodeConfiguration.LogLevel.info

  public init() {}
}

public struct Devnet: Sendable {
  public let layout: DevnetLayout
  public private(set) var document: DevnetDocument

  /// Longest path of a Unix socket.
  private static let socketPathMax = 107

  /// The network that lies in a directory.
  public init(at directory: String) throws {
    let place = DevnetLayout(directory: directory)
    guard let document = DevnetDocument.load(place) else {
      throw DevnetError("there is no devnet in \(place.directory); `novation devnet up --dir \(directory)` makes one")
    }
    layout = DevnetLayout(directory: directory, validators: document.validatorCount)
    self.document = document
  }

  public static func exists(at directory: String) -> Bool {
    FileAccess.exists(DevnetLayout(directory: directory).document)
  }

  /// Makes keys, genesis and a home for every node; nothing is started.
  public static func create(at directory: String, options: DevnetOptions) throws -> Devnet {
    let layout = DevnetLayout(directory: directory, validators: options.validators)
    guard (1...31).contains(options.validators) else { throw DevnetError("a devnet has 1 to 31 validators") }
    guard (0...observersMax).contains(options.observers) else {
      throw DevnetError("a devnet has 0 to \(observersMax) observers")
    }
    let nodes = 0..<options.validators + options.observers
    guard layout.socket(nodes.upperBound - 1).utf8.count <= socketPathMax else {
      throw DevnetError(
        "\(layout.directory) is too long for a Unix socket (at most \(socketPathMax) bytes with the node's directory and /novation.sock); choose a shorter one"
      )
    }
    guard FileAccess.names(in: layout.directory).isEmpty else {
      throw DevnetError(
        "\(layout.directory) is not empty and holds no devnet; choose another directory, or remove it if an earlier attempt left it"
      )
    }
    try FileAccess.makeDirectory(layout.directory, mode: 0o700)
    var names = DevnetLayout.traders
    names += [DevnetLayout.custodian, DevnetLayout.authority]
    var keys: [String: PublicKey] = [:]
    for name in names {
      let key = SigningKey.generate()
      try layout.keys.add(.clear(key, name: name))
      keys[name] = key.publicKey
    }
    var validators: [GenesisFile.Validator] = []
    var ports: [UInt16] = []
    var identities: [PublicKey] = []
    for node in nodes {
      let key = SigningKey.generate()
      identities.append(key.publicKey)
      try FileAccess.makeDirectory(layout.home(node), mode: 0o700)
      let file = KeyFile.clear(key, name: layout.name(node))
      try FileAccess.write(Array(file.text().utf8), to: layout.identity(node), mode: 0o600, isNew: true)
      guard node < options.validators else { continue }
      guard let port = freePort(besides: ports) else { throw DevnetError("no free TCP port on 127.0.0.1") }
      ports.append(port)
      validators.append(.init(name: "node\(node)", key: key.publicKey.hex, address: "127.0.0.1:\(port)"))
    }
    let now = Clock.wall / Duration64.second * Duration64.second
    let start = options.clockStart ?? now
    let funded = DevnetLayout.traders.compactMap { name in
      keys[name].map {
        GenesisFile.Funded(account: $0.hex, amount: name.hasPrefix("maker") ? "100000000.000000" : "1000000.000000")
      }
    }
    var file = GenesisFile(
      name: "devnet", network: "test", time: ISO8601.format(now), clockStart: ISO8601.format(start),
      clockRate: options.clockRate, underlyings: SyntheticUnderlying.standard.map(\.symbol), validators: validators,
      custodian: keys[DevnetLayout.custodian]?.hex ?? "", listingAuthority: keys[DevnetLayout.authority]?.hex ?? "",
      accounts: funded, instruments: [], risk: nil, fees: nil, liquidation: nil,
      keys: options.epochBlocks.map { .init(epochBlocks: $0) })
    if options.listInstruments {
      file.instruments = SyntheticListing.instruments(from: start).map {
        GenesisFile.Instrument(name: $0.name, tick: $0.tick, lot: $0.lot)
      }
    }
    let genesis = try file.genesis()
    try FileAccess.write(Array(file.render().utf8), to: layout.genesis, mode: 0o600, isNew: true)
    var listeners: [String?] = []
    for node in nodes {
      var listener: String?
      if options.hasDashboard {
        guard let port = freePort(besides: ports) else { throw DevnetError("no free TCP port on 127.0.0.1") }
        ports.append(port)
        listener = "127.0.0.1:\(port)"
      }
      listeners.append(listener)
      let port = node < options.validators ? ports[node] : nil
      try writeConfiguration(of: node, layout, options, port: port, listener: listener)
      try NodeHome.initialize(ledger: layout.ledger(node), identity: identities[node])
    }
    let document = DevnetDocument(
      directory: layout.directory, chainId: genesis.chain.hex,
      nodes: nodes.map {
        .init(name: layout.name($0), socket: layout.socket($0), pid: 0, home: layout.home($0), listener: listeners[$0])
      },
      keys: names.map { .init(name: $0, path: layout.keys.path(of: $0), account: keys[$0]?.hex ?? "") },
      seed: options.seed)
    try FileAccess.write(Array(JSONText.render(document).utf8), to: layout.document, mode: 0o600)
    return try Devnet(at: directory)
  }

  /// A validator serves this many observers by default.
  private static let observersMax = 64

  private static func freePort(besides taken: [UInt16]) -> UInt16? {
    for _ in 0..<100 {
      if let port = ChildProcess.freePort(), !taken.contains(port) { return port }
    }
    return nil
  }

  private static func writeConfiguration(
    of node: Int, _ layout: DevnetLayout, _ options: DevnetOptions, port: UInt16?, listener: String?
  ) throws {
    var configuration = NodeConfiguration()
    configuration.node.home = layout.home(node)
    configuration.node.genesis = layout.genesis
    configuration.identity.key = layout.identity(node)
    if let port {
      configuration.network.listen = "127.0.0.1:\(port)"
    } else {
      configuration.node.role = .observer
    }
    configuration.api.socket = layout.socket(node)
    configuration.api.listen = listener ?? ""
    configuration.ledger.mapSize = 8 << 30
    configuration.log.level = options.logLevel
    let text = configuration.documentedText()
    try FileAccess.write(Array(text.utf8), to: layout.configuration(node), mode: 0o600)
  }

  // MARK: Processes

  public func pid(of node: Int) -> Int32? {
    guard let bytes = try? FileAccess.read(layout.pidFile(node), limit: 64),
      let pid = Int32(String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace })
    else { return nil }
    return pid
  }

  public func isRunning(_ node: Int) -> Bool { runningPid(of: node) != nil }

  /// Nil also where the process id has passed to another program since.
  private func runningPid(of node: Int) -> Int32? {
    let configuration = layout.configuration(node)
    return pid(of: node).flatMap { ChildProcess.isRunning($0, argument: configuration) ? $0 : nil }
  }

  public var nodeCount: Int { document.nodes.count }
  public var validatorCount: Int { document.validatorCount }

  /// The node of a number or a name such as "observer0".
  public func node(_ text: String) -> Int? {
    Int(text).flatMap { document.nodes.indices.contains($0) ? $0 : nil }
      ?? document.nodes.firstIndex { $0.name == text }
  }
  public var runningCount: Int { document.nodes.indices.count { isRunning($0) } }

  /// What the node said last, for errors.
  func lastLogLine(of node: Int) -> String? {
    guard let bytes = try? FileAccess.readTail(layout.log(node), limit: 4096) else { return nil }
    return bytes.split(separator: 0x0a).last.map { String(decoding: $0, as: UTF8.self) }
  }

  private func stopped(_ node: Int) -> DevnetError {
    let said = lastLogLine(of: node).map { ": \(printable($0))" } ?? ""
    return DevnetError("\(layout.name(node)) stopped while starting\(said) (log: \(layout.log(node)))")
  }

  /// Starts a node that is not running; nothing to do for one that is.
  public mutating func start(_ node: Int) throws {
    guard document.nodes.indices.contains(node) else {
      throw DevnetError("there is no node \(node); the nodes are 0 to \(document.nodes.count - 1)")
    }
    guard !isRunning(node) else { return }
    unlink(layout.socket(node))
    let pid = try ChildProcess.start(
      ChildProcess.ownProgram(),
      ["start", "--config", layout.configuration(node), "--synthetic-seed", String(document.seed)],
      log: layout.log(node))
    try FileAccess.write(Array("\(pid)\n".utf8), to: layout.pidFile(node), mode: 0o600)
    document.nodes[node].pid = pid
    try FileAccess.write(Array(JSONText.render(document).utf8), to: layout.document, mode: 0o600)
  }

  public mutating func startAll() throws { for node in document.nodes.indices { try start(node) } }

  /// Stops a node if it runs, and starts it.
  public mutating func restart(_ node: Int) async throws {
    guard document.nodes.indices.contains(node) else {
      throw DevnetError("there is no node \(node); the nodes are 0 to \(document.nodes.count - 1)")
    }
    await stop([node])
    try start(node)
  }

  /// Waits until a node answers and is not behind.
  public func waitServing(_ node: Int, timeoutSeconds: Int, progress: (String) -> Void) async throws {
    let deadline = Clock.monotonic + Int64(timeoutSeconds) * Duration64.second
    while true {
      guard isRunning(node) else { throw stopped(node) }
      let status = await status(of: node)
      if let status, !status.syncing { return }
      progress(status.map { "at height \($0.height), catching up" } ?? "waiting for its socket")
      guard Clock.monotonic < deadline else {
        throw DevnetError("\(layout.name(node)) was not ready in \(timeoutSeconds) s; see \(layout.log(node))")
      }
      try await Task.sleep(for: .milliseconds(50))
    }
  }

  /// Asks every node to stop and waits; one that does not within ten seconds is killed. Returns how many were stopped.
  @discardableResult public func stopAll(progress: (String) -> Void = { _ in }) async -> Int {
    await stop(Array(document.nodes.indices), progress: progress)
  }

  @discardableResult private func stop(_ nodes: [Int], progress: (String) -> Void = { _ in }) async -> Int {
    let running = nodes.compactMap { runningPid(of: $0) }
    for pid in running { kill(pid, SIGTERM) }
    for attempt in 0..<200 {
      let left = running.filter(ChildProcess.isRunning)
      if left.isEmpty { break }
      if attempt % 20 == 10 { progress("waiting for \(left.count) of \(running.count) nodes to stop") }
      try? await Task.sleep(for: .milliseconds(50))
    }
    for pid in running where ChildProcess.isRunning(pid) { kill(pid, SIGKILL) }
    for node in nodes {
      unlink(layout.pidFile(node))
      unlink(layout.socket(node))
    }
    return running.count
  }

  public func status(of node: Int) async -> StatusDocument? {
    let client = UnixHTTPClient(socket: layout.socket(node))
    defer { client.close() }
    guard let reply = try? await client.send(.get("/v1/status"), timeout: .seconds(2)), reply.status == 200 else {
      return nil
    }
    return JSONText.parse(StatusDocument.self, reply.body)
  }

  /// The first prices are there: whatever is listed can be traded. True too where nothing is listed.
  private func hasMarks() async -> Bool {
    let client = UnixHTTPClient(socket: layout.socket(0))
    defer { client.close() }
    guard let reply = try? await client.send(.get("/v1/instruments?consistency=local"), timeout: .seconds(2)),
      let document = JSONText.parse(InstrumentsDocument.self, reply.body)
    else { return false }
    return document.instruments.allSatisfy { $0.markPrice != nil || $0.state == "settled" }
  }

  /// Waits until every node serves and has seen the chain advance, the group key is made, and the first prices are there.
  public func waitReady(timeoutSeconds: Int, progress: (String) -> Void) async throws {
    var first: [Int: UInt64] = [:]
    var ready: Set<Int> = []
    let deadline = Clock.monotonic + Int64(timeoutSeconds) * Duration64.second
    while true {
      for node in document.nodes.indices where !ready.contains(node) {
        guard isRunning(node) else {
          throw stopped(node)
        }
        guard let status = await status(of: node) else { continue }
        if let seen = first[node], status.height > seen, !status.syncing, status.groupKey != nil {
          ready.insert(node)
        }
        if first[node] == nil { first[node] = status.height }
      }
      progress("\(ready.count) of \(nodeCount) nodes serve and advance")
      if ready.count == nodeCount, await hasMarks() { return }
      guard Clock.monotonic < deadline else {
        throw DevnetError(
          "only \(ready.count) of \(nodeCount) nodes were ready in \(timeoutSeconds) s; see \(layout.log(0))")
      }
      try await Task.sleep(for: .milliseconds(50))
    }
  }
}
