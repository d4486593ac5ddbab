// The full mesh of validators over TCP: one encrypted session per pair, dialled by the lower index, re-dialled with
// growing, jittered delays; and the sessions of observers, who dial validators and have places and budgets of their own.
// A peer's number is a validator's index, or from the number of validators on an observer's place. Everything runs on the event loop that carries the replica, so a message goes from the
// socket to the replica without changing threads.

import Channel
import Glibc
import Logging
import NIOCore
import NIOPosix
import Primitives
import Replica
import Sodium

/// What the mesh needs to know of the network and of this node.
struct PeerNetworkConfiguration {
  var chain: Digest
  var identity: SigningKey
  /// Identity keys and addresses of the validators, in committee order.
  var validators: [(key: PublicKey, host: String, port: Int)]
  /// Nil for an observer, which listens to nobody and dials those in `fed`.
  var index: Int?
  var fed: [Int] = []
  /// Places for observers.
  var observersMax = 0
  var listenHost: String
  var listenPort: Int
  /// Largest message and largest unsent backlog of one peer, in bytes.
  var messageBytesMax: Int
  var backlogBytesMax: Int
}

/// Receives what happens on the mesh; on the event loop.
protocol PeerNetworkDelegate: AnyObject {
  func peerConnected(_ peer: ValidatorIndex)
  func peerDisconnected(_ peer: ValidatorIndex)
  func peerMessage(_ message: [UInt8], from peer: ValidatorIndex)
}

/// Confined to `loop`: every method must be called there.
final class PeerNetwork: @unchecked Sendable {
  static let protocolVersion: UInt32 = 1
  /// Unauthenticated connections that may be in their handshake at once.
  static let handshakesMax = 64
  static let handshakeSeconds: Int64 = 5
  /// Largest message that an observer may send, and what may wait to go to one: above a transaction, and above the
  /// answers that may be under way to it.
  static let observerMessageBytesMax = TransactionCheck.bytesMax + 64
  static let observerBacklogBytesMax = 32 << 20
  private static let receiveBuffers = AdaptiveRecvByteBufferAllocator(minimum: 4096, initial: 65536, maximum: 1 << 20)

  let loop: any EventLoop
  let configuration: PeerNetworkConfiguration
  let log: Logger
  private weak var delegate: (any PeerNetworkDelegate)?

  private let agreementKey: AgreementKey
  private let keys: [AgreementPublicKey?]
  private var sessions: [PeerSession?]
  private var dirty: [Int] = []
  private var handshakes = 0
  private var attempts: [Int]
  private var listener: (any NIOCore.Channel)?
  private var stopped = false
  private var jitter: SeededRandom
  /// By validator.
  private(set) var traffic: [PeerTraffic]
  /// Of all observers together.
  private(set) var observerTraffic = PeerTraffic()
  /// By place.
  private var observerKeys: [AgreementPublicKey?]
  private var closings = LogLimit()
  private var failures = LogLimit()

  init(configuration: PeerNetworkConfiguration, loop: any EventLoop, log: Logger) {
    self.configuration = configuration
    self.loop = loop
    self.log = log
    agreementKey = configuration.identity.agreementKey()
    keys = configuration.validators.map { Ed25519.agreementKey(of: $0.key) }
    sessions = Array(repeating: nil, count: configuration.validators.count + configuration.observersMax)
    observerKeys = Array(repeating: nil, count: configuration.observersMax)
    attempts = Array(repeating: 0, count: configuration.validators.count)
    traffic = Array(repeating: PeerTraffic(), count: configuration.validators.count)
    jitter = SeededRandom(seed: SecureRandom.uint64())
  }

  private var validatorCount: Int { configuration.validators.count }
  /// Validators that are connected.
  var connectedCount: Int { sessions.prefix(validatorCount).count { $0 != nil } }
  func isConnected(_ peer: Int) -> Bool { sessions.indices.contains(peer) && sessions[peer] != nil }

  /// Nanoseconds to each validator and back, smoothed by the kernel; nil without a session.
  func roundTrips() -> EventLoopFuture<[Int64?]> {
    let times = sessions.map { session -> EventLoopFuture<Int64?> in
      guard let options = session?.channel as? any SocketOptionProvider else { return loop.makeSucceededFuture(nil) }
      let time = options.getTCPInfo().map { info -> Int64? in Int64(info.tcpi_rtt) * Duration64.microsecond }
      return time.recover { _ in nil }
    }
    return EventLoopFuture.whenAllSucceed(times, on: loop)
  }

  /// Binds the listener and dials every validator of a higher index. The future fails if the address cannot be bound.
  ///
  /// The delegate is given here because it must hear of every session: one that is established before anybody listens
  /// would count as not connected for as long as it lasts.
  func start(reportingTo delegate: any PeerNetworkDelegate) -> EventLoopFuture<Void> {
    self.delegate = delegate
    guard let index = configuration.index else {
      for peer in configuration.fed { dial(peer) }
      return loop.makeSucceededVoidFuture()
    }
    let bootstrap = ServerBootstrap(group: loop)
      .serverChannelOption(.backlog, value: 256)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelOption(.maxMessagesPerRead, value: 16)
      .childChannelOption(.recvAllocator, value: Self.receiveBuffers)
      .childChannelInitializer { [self] channel in accept(channel) }
    return bootstrap.bind(host: configuration.listenHost, port: configuration.listenPort).map { [self] channel in
      listener = channel
      for peer in configuration.validators.indices where peer > index { dial(peer) }
    }
  }

  func stop() {
    stopped = true
    listener?.close(promise: nil)
    for session in sessions { session?.channel.close(promise: nil) }
  }

  // MARK: Sending

  /// Queues a message; it leaves with the next `flush`.
  func send(_ message: [UInt8], to peer: Int) {
    guard sessions.indices.contains(peer), let session = sessions[peer] else { return }
    if session.pending.isEmpty { dirty.append(peer) }
    session.pending.append(message)
    if peer < validatorCount { traffic[peer].send(message) } else { observerTraffic.send(message) }
  }

  /// To every validator.
  func broadcast(_ message: [UInt8]) {
    for peer in 0..<validatorCount { send(message, to: peer) }
  }

  /// Ends the session with an observer.
  func dismiss(_ peer: Int, _ reason: String) {
    guard peer >= validatorCount, sessions.indices.contains(peer) else { return }
    sessions[peer]?.fail(reason)
  }

  /// Encrypts and writes what was queued in this turn, one write a peer.
  func flush() {
    for peer in dirty {
      guard let session = sessions[peer] else { continue }
      session.flush(
        backlogMax: peer < validatorCount ? configuration.backlogBytesMax : Self.observerBacklogBytesMax)
    }
    dirty.removeAll(keepingCapacity: true)
  }

  // MARK: Connections

  private var prologue: [UInt8] {
    SecureChannel.prologue(chain: configuration.chain, version: Self.protocolVersion)
  }

  private var limits: ChannelLimits {
    var limits = ChannelLimits()
    limits.messageBytesMax = configuration.messageBytesMax
    return limits
  }

  private func accept(_ channel: any NIOCore.Channel) -> EventLoopFuture<Void> {
    guard handshakes < Self.handshakesMax, !stopped else { return channel.close() }
    // Anybody may observe, where there are places.
    let allowed = configuration.observersMax > 0 ? nil : Set(keys.compactMap { $0 })
    let secure = SecureChannel.responder(
      identity: agreementKey, ephemeral: AgreementKey.generate(), prologue: prologue, limits: limits, allow: allowed)
    return install(PeerSession(network: self, channel: channel, secure: secure, dialled: nil))
  }

  private func dial(_ peer: Int) {
    guard !stopped, sessions[peer] == nil, let remote = keys[peer] else { return }
    let target = configuration.validators[peer]
    let secure = SecureChannel.initiator(
      identity: agreementKey, remote: remote, ephemeral: AgreementKey.generate(), prologue: prologue, limits: limits)
    ClientBootstrap(group: loop)
      .connectTimeout(.seconds(5))
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .channelOption(.maxMessagesPerRead, value: 16)
      .channelOption(.recvAllocator, value: Self.receiveBuffers)
      .channelInitializer { [self] channel in
        install(PeerSession(network: self, channel: channel, secure: secure, dialled: peer))
      }
      .connect(host: target.host, port: target.port)
      .whenFailure { [self] error in
        if let unsaid = failures.next(at: Clock.monotonic) {
          log.debug(
            "peer not reached", metadata: ["validator": "\(peer)", "reason": "\(error)", "unsaid": "\(unsaid)"])
        }
        redial(peer)
      }
  }

  /// Delays 50 ms, 100 ms, ... up to 500 ms, each with a quarter of chance added so that nodes do not dial in step. A
  /// validator that comes back is waited for: a longer pause would be most of the time until it votes again.
  private func redial(_ peer: Int) {
    guard !stopped else { return }
    attempts[peer] += 1
    let base = Int64(50) << Int64(min(attempts[peer], 6) - 1)
    let delay = min(base, 500)
    let chance = Int64(jitter.below(UInt64(delay / 4 + 1)))
    loop.scheduleTask(in: .milliseconds(delay + chance)) { [self] in dial(peer) }
  }

  private func install(_ session: PeerSession) -> EventLoopFuture<Void> {
    handshakes += 1
    return session.channel.eventLoop.makeCompletedFuture {
      try session.channel.pipeline.syncOperations.addHandler(session)
    }
  }

  // MARK: What sessions report

  fileprivate func handshakeEnded() { handshakes -= 1 }

  fileprivate func established(_ session: PeerSession) {
    guard let remote = session.remoteKey, let peer = keys.firstIndex(of: remote) ?? observerPlace(of: remote),
      peer != configuration.index
    else { return session.fail("no place for another observer") }
    session.peer = peer
    if peer < validatorCount {
      attempts[peer] = 0
    } else {
      session.limitReceived(to: Self.observerMessageBytesMax)
      observerKeys[peer - validatorCount] = remote
    }
    // The newest session wins: the old one of a peer that crashed may look open for minutes.
    let old = sessions[peer]
    sessions[peer] = session
    if let old {
      old.peer = nil
      old.channel.close(promise: nil)
    }
    log.debug("peer connected", metadata: ["peer": "\(name(peer))"])
    delegate?.peerConnected(ValidatorIndex(peer))
  }

  /// The number of a peer that is no validator: the one it has, or a free one. Nil where there is none.
  private func observerPlace(of key: AgreementPublicKey) -> Int? {
    guard configuration.index != nil else { return nil }
    let place = observerKeys.firstIndex(of: key) ?? observerKeys.firstIndex(of: nil)
    return place.map { validatorCount + $0 }
  }

  private func name(_ peer: Int) -> String {
    peer < validatorCount ? "validator \(peer)" : "observer \(peer - validatorCount)"
  }

  fileprivate func received(_ message: [UInt8], from peer: Int) {
    if peer < validatorCount {
      traffic[peer].receive(message, at: Clock.monotonic)
    } else {
      observerTraffic.receive(message, at: Clock.monotonic)
    }
    delegate?.peerMessage(message, from: ValidatorIndex(peer))
  }

  fileprivate func closed(_ session: PeerSession, reason: String?) {
    let peer = session.peer ?? session.dialled
    if let reason, let unsaid = closings.next(at: Clock.monotonic) {
      let name = peer.map(name) ?? "unknown"
      log.info(
        "peer session closed", metadata: ["peer": "\(name)", "reason": "\(reason)", "unsaid": "\(unsaid)"])
    }
    if let peer = session.peer, sessions[peer] === session {
      sessions[peer] = nil
      if peer >= validatorCount { observerKeys[peer - validatorCount] = nil }
      delegate?.peerDisconnected(ValidatorIndex(peer))
    }
    if let peer = session.dialled { redial(peer) }
  }
}

/// One TCP connection and its encrypted session.
private final class PeerSession: ChannelInboundHandler, @unchecked Sendable {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  let network: PeerNetwork
  let channel: any NIOCore.Channel
  /// The validator this side dialled; nil for an accepted connection.
  let dialled: Int?
  var peer: Int?
  var pending: [[UInt8]] = []
  private var secure: SecureChannel
  private var deadline: Scheduled<Void>?
  private var backlog = 0
  private var isOver = false
  private var inHandshake = true
  private var reason: String?

  init(network: PeerNetwork, channel: any NIOCore.Channel, secure: SecureChannel, dialled: Int?) {
    self.network = network
    self.channel = channel
    self.secure = secure
    self.dialled = dialled
  }

  var remoteKey: AgreementPublicKey? { secure.remoteKey }

  func limitReceived(to bytes: Int) { secure.limitReceived(to: bytes) }

  func handlerAdded(context: ChannelHandlerContext) {
    deadline = context.eventLoop.scheduleTask(in: .seconds(PeerNetwork.handshakeSeconds)) { [self] in
      fail("handshake took too long")
    }
    if context.channel.isActive { begin() }
  }

  func channelActive(context: ChannelHandlerContext) { begin() }

  private func begin() {
    guard dialled != nil else { return }
    var output: [UInt8] = []
    do {
      try secure.start(into: &output)
    } catch {
      return fail("\(error)")
    }
    write(output)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isOver else { return }
    let buffer = unwrapInboundIn(data)
    var output: [UInt8] = []
    var messages: [[UInt8]] = []
    do {
      try secure.receive(Array(buffer.readableBytesView), output: &output, messages: &messages)
    } catch {
      return fail("\(error)")
    }
    if !output.isEmpty { write(output) }
    // Only now is it certain that the other side is alive and no replay: an older session may give way.
    if inHandshake, secure.isConfirmed {
      endHandshake()
      network.established(self)
    }
    guard let peer else { return }
    for message in messages { network.received(message, from: peer) }
  }

  func flush(backlogMax: Int) {
    guard secure.isEstablished, !isOver else { return pending.removeAll() }
    guard backlog <= backlogMax else { return fail("peer reads too slowly: \(backlog) bytes unsent") }
    var output: [UInt8] = []
    output.reserveCapacity(pending.reduce(64) { $0 + $1.count + 64 })
    do {
      for message in pending { try secure.send(message, output: &output) }
    } catch {
      return fail("\(error)")
    }
    pending.removeAll(keepingCapacity: true)
    write(output)
  }

  private func write(_ bytes: [UInt8]) {
    guard !bytes.isEmpty else { return }
    backlog += bytes.count
    let count = bytes.count
    channel.writeAndFlush(ByteBuffer(bytes: bytes)).whenComplete { [self] _ in backlog -= count }
  }

  private func endHandshake() {
    guard inHandshake else { return }
    inHandshake = false
    deadline?.cancel()
    network.handshakeEnded()
  }

  func fail(_ reason: String) {
    guard !isOver else { return }
    isOver = true
    self.reason = reason
    channel.close(promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) {
    isOver = true
    endHandshake()
    network.closed(self, reason: reason)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    fail("\(error)")
  }
}
