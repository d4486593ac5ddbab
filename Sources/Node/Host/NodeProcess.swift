// One node from start to stop: opens what it keeps, restores the state, joins the network and serves the API.

import Consensus
import UnixSignals
import Clearing
import Glibc
import Ledger
import Logging
import NIOCore
import NIOPosix
import Primitives
import Replica
import ServiceLifecycle
import Sodium
import Storage
import Wire

/// Why a node cannot start or go on; the text is for the operator.
public struct NodeError: Error, CustomStringConvertible {
  public var description: String
  public init(_ text: String) { description = text }
}

public struct NodeProcess: Sendable {
  public static let version = "0.1.0"
  /// Time that running requests get to end after SIGTERM.
  private static let longestStop = Duration.seconds(2)

  let configurationPath: String
  let configuration: NodeConfiguration
  let genesis: Genesis
  /// Seed of the synthetic market that a test network's validators publish; nil for none.
  let syntheticSeed: UInt64?

  /// Loads and checks everything that needs no running network; what `start --check` does.
  public init(configurationPath: String, syntheticSeed: UInt64? = nil) throws {
    self.configurationPath = configurationPath
    configuration = try NodeConfiguration.load(from: configurationPath)
    genesis = try GenesisFile.load(configuration.node.genesis).genesis()
    self.syntheticSeed = syntheticSeed
    if syntheticSeed != nil, genesis.market.network != "test" {
      throw NodeError(
        "a synthetic market is for test networks only; this genesis says network \"\(genesis.market.network)\"")
    }
  }

  /// The key file, its secret still sealed.
  func loadIdentityFile() throws -> LoadedKeyFile {
    guard let source = SecretSource(configuration.identity.key) else {
      throw NodeError("identity.key \"\(configuration.identity.key)\" is neither a path nor credential:NAME")
    }
    return try LoadedKeyFile(source)
  }

  func loadIdentity() throws -> SigningKey {
    let loaded = try loadIdentityFile()
    let passwordFile = configuration.identity.passwordFile
    return try loaded.file.open { () throws(KeyError) in
      guard let source = SecretSource(passwordFile) else { return try Password.prompt("Password of \(loaded.path): ") }
      return try Password.read(from: source)
    }
  }

  /// Reading and checking a ledger takes the service manager's patience: this many nanoseconds, and one for each byte at
  /// some 10 MB a second.
  private static func longestOpening(_ ledger: String) -> Int64 {
    let bytes = FileAccess.size(of: NodeHome.databasePath(ledger: ledger) + "/" + LMDBStore.fileName)
    return 5 * Duration64.minute + min(bytes, Duration64.day / 100) * 100
  }

  /// A node that stopped because its disk was full starts again when there is room.
  private func waitForRoom(_ notifier: SystemdNotifier, _ log: Logger) async throws {
    var turns = 0
    while let free = DiskSpace.free(at: configuration.node.home), free < DiskSpace.least {
      if turns % 30 == 0 {
        log.warning(
          "waiting for room on the disk",
          metadata: [
            "home": "\(configuration.node.home)", "free": "\(DiskSpace.text(free))",
            "needed": "\(DiskSpace.text(DiskSpace.least))",
          ])
      }
      turns += 1
      notifier.send("STATUS=waiting for room on the disk\nEXTEND_TIMEOUT_USEC=30000000")
      try await Task.sleep(for: .seconds(2))
    }
  }

  /// Runs until SIGTERM or SIGINT, or until the node must not go on.
  public func run() async throws {
    let format = configuration.log.format
    let level = LogLevelSetting(configuration.log.level)
    let log = Logger(label: "novation") { _ in LineLogHandler(format: format, level: level) }
    let notifier = SystemdNotifier()
    let metrics = NodeMetrics()
    let identity = try loadIdentity()
    let ledger = configuration.node.home + "/ledger"
    try FileAccess.makeDirectory(ledger, mode: 0o700)
    try await waitForRoom(notifier, log)
    notifier.send("STATUS=reading the ledger\nEXTEND_TIMEOUT_USEC=\(Self.longestOpening(ledger) / 1000)")
    let opened = try LedgerOpening.open(
      ledger: ledger, genesis: genesis, identity: identity.publicKey, mapSizeMax: Int(configuration.ledger.mapSize),
      onDamage: configuration.ledger.onDamage, log: log
    ) { state in
      let known = KnownValidators(state, genesis)
      _ = try validatorIndex(of: identity.publicKey, known)
      // An observer that was never a validator has promised nothing that a lost journal could make it forget.
      return configuration.node.role == .observer && !known.keys.contains(identity.publicKey)
    }

    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let loop = group.next()
    let apiGroup = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let workers = NIOThreadPool(numberOfThreads: 2)
    let writer = NIOThreadPool(numberOfThreads: 1)
    let journal = JournalWriter(opened.journal)
    for pool in [workers, writer] { pool.start() }

    var settings = ReplicaSettings()
    settings.consensus.heartbeat = configuration.consensus.heartbeat
    settings.consensus.delayMin = configuration.consensus.minimumDelay
    settings.consensus.delayMax = configuration.consensus.maximumDelay
    settings.observersMax = Int(configuration.network.maxPeers)
    let life = Life(began: Clock.wall, bootId: SecureRandom.uint64() >> 2)
    let secrets = SecretsFile(home: configuration.node.home, identity: identity, chain: genesis.chain)
    let replica = Replica(
      chain: genesis.chain, signer: .ed25519(identity), scheme: .ed25519, settings: settings,
      clearing: opened.state.clearing,
      system: opened.state.system, tree: opened.state.tree, recovery: opened.recovery,
      secrets: ReplicaSecrets(seed: .random(32), kept: try secrets.load()),
      bootId: life.bootId)
    if configuration.node.role == .validator, replica.index == nil {
      log.info(
        "not a validator yet (or not any more): follows the chain as an observer",
        metadata: ["key": "\(identity.publicKey.hex)", "chain": "\(genesis.chain)"])
    }
    let host = ReplicaHost(
      replica: replica, store: opened.store, journal: journal, loop: loop, workers: workers, writer: writer,
      secrets: secrets, metrics: metrics,
      keptBlocks: configuration.ledger.history == .pruned ? UInt64(configuration.ledger.keepBlocks) : nil,
      mayVote: configuration.node.role == .validator, log: log)
    let network = PeerNetwork(
      configuration: try networkConfiguration(identity: identity, KnownValidators(opened.state, genesis), life: life),
      members: replica.members, index: replica.index.map(Int.init), loop: loop, log: log)
    let halted = HaltSignal()
    host.onHalt = { halted.raise($0) }
    let info = NodeInfo(
      genesis: genesis, chain: genesis.chain, configuration: configuration, publicKey: identity.publicKey,
      startedAt: Clock.monotonic)
    let publisher = PricePublisher(
      host: host, identity: identity, genesis: genesis, syntheticSeed: syntheticSeed,
      metrics: metrics, log: log)

    try await loop.flatSubmit { host.start(network: network) }.get()
    publisher.start()
    log.info(
      "node serves",
      metadata: [
        "chain": "\(genesis.chain)", "height": "\(opened.recovery.head?.proposal.header.height ?? 0)",
        "listen": "\(configuration.network.listen)", "socket": "\(configuration.api.socket)",
      ])
    do {
      let api = APIServer(host: host, info: info, publisher: publisher, metrics: metrics, log: log)
      try await serve(
        api, group: apiGroup, halted: halted, notifier: notifier,
        reloader: Reloader(path: configurationPath, running: configuration, level: level, log: log))
    } catch {
      await stop(host, network, group, apiGroup, journal, [workers, writer])
      throw error
    }
    await stop(host, network, group, apiGroup, journal, [workers, writer])
    log.info("node stopped")
    if let reason = halted.reason { throw NodeError("stopped to protect the ledger: \(reason)") }
  }

  private func serve(
    _ api: APIServer, group: MultiThreadedEventLoopGroup, halted: HaltSignal, notifier: SystemdNotifier,
    reloader: Reloader
  ) async throws {
    let log = api.log
    let serving = ServingSignal(servers: configuration.api.listen.isEmpty ? 1 : 2)
    let servers = [api.service(group: group, serving: serving), api.listener(group: group, serving: serving)]
    let heartbeat = Heartbeat(host: api.host, notifier: notifier, serving: serving, log: log)
    var settings = ServiceGroupConfiguration(
      services: servers.compactMap { $0 }.map {
        .init(service: $0, failureTerminationBehavior: .gracefullyShutdownGroup)
      } + [
        .init(service: halted, successTerminationBehavior: .gracefullyShutdownGroup),
        .init(service: heartbeat, successTerminationBehavior: .gracefullyShutdownGroup),
        .init(service: reloader, successTerminationBehavior: .gracefullyShutdownGroup),
      ],
      gracefulShutdownSignals: [.sigterm, .sigint],
      logger: log)
    // An open event stream or a request that never ends must not hold up the stop.
    settings.maximumGracefulShutdownDuration = Self.longestStop
    do {
      try await ServiceGroup(configuration: settings).run()
    } catch is CancellationError {
      log.info("connections that were still open are cut")
    }
  }

  private func stop(
    _ host: ReplicaHost, _ network: PeerNetwork, _ group: MultiThreadedEventLoopGroup,
    _ apiGroup: MultiThreadedEventLoopGroup, _ journal: JournalWriter, _ pools: [NIOThreadPool]
  ) async {
    try? await host.loop.submit {
      network.stop()
      host.stop()
    }.get()
    try? await apiGroup.shutdownGracefully()
    // Each ends after the write that is under way.
    await journal.stop()
    for pool in pools { try? await pool.shutdownGracefully() }
    try? await group.shutdownGracefully()
    unlink(configuration.api.socket)
  }

  /// As far as the ledger of a stopped node tells.
  func knownValidators() -> KnownValidators {
    KnownValidators.read(ledger: configuration.node.home + "/ledger", genesis)
  }

  /// The place of this node among the present validators. Refuses an observer with the key of one; whoever is to be a
  /// validator and is not one, yet or any more, follows the chain.
  func validatorIndex(of key: PublicKey, _ known: KnownValidators) throws -> Int? {
    let index = known.index(of: key)
    guard index == nil || configuration.node.role == .validator else {
      throw NodeError(
        "the identity key \(key.hex) is a validator's; an observer needs a key of its own, which `novation init` makes")
    }
    return index
  }

  /// Whoever is told of in `network.peers` is a validator of the genesis or of any committee since: one that has left must
  /// not keep a node from starting.
  func networkConfiguration(
    identity: SigningKey, _ known: KnownValidators, life: Life? = nil
  ) throws -> PeerNetworkConfiguration {
    guard let listen = SocketAddressText(configuration.network.listen) else {
      throw NodeError("network.listen \"\(configuration.network.listen)\" is not host:port")
    }
    var addresses: [PublicKey: (host: String, port: Int)] = [:]
    for peer in configuration.network.peers {
      let key: PublicKey? =
        switch peer.identity {
        case .index(let index): Int(index) < genesis.validators.count ? genesis.validators[Int(index)].key : nil
        case .key(let key): known.isPartial || known.keys.contains(key) ? key : nil
        }
      guard let key else { throw NodeError("network.peers: \(peer) is no validator that this node knows of") }
      addresses[key] = (peer.address.host, Int(peer.address.port))
    }
    return PeerNetworkConfiguration(
      chain: genesis.chain, identity: identity, addresses: addresses, fed: Set(addresses.keys),
      observersMax: Int(configuration.network.maxPeers), listenHost: listen.host,
      listenPort: Int(listen.port), messageBytesMax: Int(configuration.limits.peerMessage),
      backlogBytesMax: Int(configuration.limits.peerQueue), life: life)
  }
}

/// What the API tells of a node besides its replica.
struct NodeInfo: Sendable {
  let genesis: Genesis
  /// Hash of the genesis, kept since every transaction is held against it.
  let chain: Digest
  let configuration: NodeConfiguration
  let publicKey: PublicKey
  let startedAt: Instant
}

/// Ends the services when the replica must not go on.
final class HaltSignal: Service, @unchecked Sendable {
  private let stream: AsyncStream<String>
  private let continuation: AsyncStream<String>.Continuation
  private let kept = LockedText()

  init() { (stream, continuation) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingOldest(1)) }

  var reason: String? { kept.text }

  func raise(_ reason: String) {
    kept.set(reason)
    continuation.yield(reason)
    continuation.finish()
  }

  func run() async throws {
    await withGracefulShutdownHandler {
      for await _ in stream { break }
    } onGracefulShutdown: {
      self.continuation.finish()
    }
  }
}
