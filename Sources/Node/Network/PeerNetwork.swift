// The full mesh of validators over TCP: one encrypted session per pair, dialled by the lower index, re-dialled with
// growing, jittered delays; and the sessions of observers, who dial validators and have places and budgets of their own.
// A peer's number is a validator's index, or from the number of validators on an observer's place. Another committee numbers
// its members anew: sessions belong to keys and stay. Everything runs on the event loop that carries the replica, so a
// message goes from the socket to the replica without changing threads.

import Channel
public import Clearing
import Glibc
public import Logging
public import NIOCore
import NIOPosix
public import Primitives
import Replica
public import Sodium

/// What the mesh needs to know of the network and of this node.
public struct PeerNetworkConfiguration {
  public var chain: Digest
  public var identity: SigningKey
  /// Validators, by identity key, that are to be met at another address than the network says.
  public var addresses: [PublicKey: (host: String, port: Int)]
  /// The validators that an observer dials, as far as they are validators; empty for all.
  public var fed: Set<PublicKey>
  /// Places for observers at a validator.
  public var observersMax: Int
  public var listenHost: String
  public var listenPort: Int
  /// Largest message and largest unsent backlog of one peer, in bytes.
  public var messageBytesMax: Int
  public var backlogBytesMax: Int

  public init(
    chain: Digest, identity: SigningKey, addresses: [PublicKey: (host: String, port: Int)] = [:],
    fed: Set<PublicKey> = [], observersMax: Int = 0, listenHost: String, listenPort: Int, messageBytesMax: Int,
    backlogBytesMax: Int
  ) {
    self.chain = chain
    self.identity = identity
    self.addresses = addresses
    self.fed = fed
    self.observersMax = observersMax
    self.listenHost = listenHost
    self.listenPort = listenPort
    self.messageBytesMax = messageBytesMax
    self.backlogBytesMax = backlogBytesMax
  }
}

/// Receives what happens on the mesh; on the event loop.
public protocol PeerNetworkDelegate: AnyObject {
  func peerConnected(_ peer: ValidatorIndex)
  func peerDisconnected(_ peer: ValidatorIndex)
  func peerMessage(_ message: [UInt8], from peer: ValidatorIndex)
}

/// Confined to `loop`: every method must be called there.
public final class PeerNetwork: @unchecked Sendable {
  static let protocolVersion: UInt32 = 1
  /// Unauthenticated connections from elsewhere that may be in their handshake at once. Those dialled from here are not
  /// counted: where many validators are unreachable they would leave no room for anybody.
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
  /// The committee and this node's place in it; nil for an observer, which listens to nobody.
  private var members: [Validator] = []
  private var index: Int?
  private var keys: [AgreementPublicKey?] = []
  private var sessions: [PeerSession?] = []
  private var dirty: [Int] = []
  private var handshakes = 0
  /// Dialling since the last session, by the key of the one who is dialled.
  private var attempts: [AgreementPublicKey: Int] = [:]
  private var listener: (any NIOCore.Channel)?
  private var isListening = false
  private var overdue: Scheduled<Void>?
  private var isOverdue = false
  /// Whose sessions are on their way.
  private var dialling: Set<AgreementPublicKey> = []
  /// Who is dialled again after a pause.
  private var resting: Set<AgreementPublicKey> = []
  private var stopped = false
  private var jitter: SeededRandom
  /// By validator.
  private(set) var traffic: [PeerTraffic] = []
  /// Of all observers together.
  private(set) var observerTraffic = PeerTraffic()
  /// By place.
  private var observerKeys: [AgreementPublicKey?] = []
  private var closings = LogLimit()
  private var failures = LogLimit()

  /// - Parameters: the committee at the start, and this node's place in it.
  public init(
    configuration: PeerNetworkConfiguration, members: [Validator], index: Int?, loop: any EventLoop, log: Logger
  ) {
    self.configuration = configuration
    self.loop = loop
    self.log = log
    agreementKey = configuration.identity.agreementKey()
    jitter = SeededRandom(seed: SecureRandom.uint64())
    observerKeys = Array(repeating: nil, count: configuration.observersMax)
    number(members, index)
  }

  private func number(_ members: [Validator], _ index: Int?) {
    self.members = members
    self.index = index
    keys = members.map { Ed25519.agreementKey(of: $0.key) }
    sessions = Array(repeating: nil, count: members.count + configuration.observersMax)
    traffic = Array(repeating: PeerTraffic(), count: members.count)
  }

  private var validatorCount: Int { members.count }
  /// Validators that are connected.
  public var connectedCount: Int { sessions.prefix(validatorCount).count { $0 != nil } }
  public func isConnected(_ peer: Int) -> Bool { sessions.indices.contains(peer) && sessions[peer] != nil }

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
  public func start(reportingTo delegate: any PeerNetworkDelegate) -> EventLoopFuture<Void> {
    self.delegate = delegate
    guard index != nil else {
      dialMissing()
      return loop.makeSucceededVoidFuture()
    }
    return listen().map { [self] in
      dialMissing()
      dialOverdue()
    }
  }

  /// Another committee, or other addresses: on the loop. Sessions stay with their keys, and the delegate hears of each
  /// by its new number; those for which there is no place any more end. Where only addresses change, numbers mean the same
  /// as before and nothing is told: the next dial takes the new address.
  public func reconfigure(_ members: [Validator], index: Int?) {
    guard index != self.index || members.map(\.key) != self.members.map(\.key) else { return self.members = members }
    // A session that breaks while it is flushed has a number that will mean somebody else when the delegate looks at it.
    let told = delegate
    delegate = nil
    flush()
    delegate = told
    let open = sessions.compactMap { $0 }
    let known = zip(keys, traffic).map { ($0, $1) }
    number(members, index)
    for (key, counted) in known {
      if let key, let place = keys.firstIndex(of: key) { traffic[place] = counted }
    }
    for (place, key) in observerKeys.enumerated() where key.map({ keys.contains($0) }) ?? false {
      observerKeys[place] = nil
    }
    if index == nil {
      // Who dialled this node as a validator, and is none, follows somebody else.
      observerKeys = Array(repeating: nil, count: configuration.observersMax)
      listener?.close(promise: nil)
      listener = nil
      isListening = false
    }
    for session in open {
      guard let peer = place(of: session), peer != index else {
        session.peer = nil
        session.fail("no place in the present committee")
        continue
      }
      take(session, as: peer)
    }
    if index != nil, !isListening { listenSoon() }
    dialMissing()
    dialOverdue()
    for peer in sessions.indices where sessions[peer] != nil { delegate?.peerConnected(ValidatorIndex(peer)) }
  }

  private func listenSoon() {
    listen().whenFailure { [self] error in
      guard !isListening, !stopped else { return }
      log.error(
        "this validator cannot be reached: its address cannot be bound",
        metadata: [
          "listen": "\(configuration.listenHost):\(configuration.listenPort)", "reason": "\(error)",
        ])
      loop.scheduleTask(in: .seconds(1)) { [self] in
        if index != nil, !isListening, !stopped { listenSoon() }
      }
    }
  }

  private func listen() -> EventLoopFuture<Void> {
    isListening = true
    let bootstrap = ServerBootstrap(group: loop)
      .serverChannelOption(.backlog, value: 256)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelOption(.maxMessagesPerRead, value: 16)
      .childChannelOption(.recvAllocator, value: Self.receiveBuffers)
      .childChannelInitializer { [self] channel in accept(channel) }
    return bootstrap.bind(host: configuration.listenHost, port: configuration.listenPort).map { [self] channel in
      // Meanwhile this node may have ceased to be a validator, or have become one again.
      guard isListening, listener == nil, !stopped else { return channel.close(promise: nil) }
      listener = channel
    }.flatMapErrorThrowing { [self] error in
      isListening = listener != nil
      throw error
    }
  }

  public func stop() {
    stopped = true
    overdue?.cancel()
    listener?.close(promise: nil)
    for session in sessions { session?.channel.close(promise: nil) }
  }

  // MARK: Sending

  /// Queues a message; it leaves with the next `flush`.
  public func send(_ message: [UInt8], to peer: Int) {
    guard sessions.indices.contains(peer), let session = sessions[peer] else { return }
    if session.pending.isEmpty { dirty.append(peer) }
    session.pending.append(message)
    if peer < validatorCount { traffic[peer].send(message) } else { observerTraffic.send(message) }
  }

  /// To every validator.
  public func broadcast(_ message: [UInt8]) {
    for peer in 0..<validatorCount { send(message, to: peer) }
  }

  /// Ends the session with an observer.
  public func dismiss(_ peer: Int, _ reason: String) {
    guard peer >= validatorCount, sessions.indices.contains(peer) else { return }
    sessions[peer]?.fail(reason)
  }

  /// Encrypts and writes what was queued in this turn, one write a peer.
  public func flush() {
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

  /// A validator dials those after it, and whoever has not come for a while: a node that has missed a change of the
  /// committee does not know that nobody dials it any more. An observer dials those who feed it.
  private func isDialled(_ peer: Int) -> Bool {
    guard members.indices.contains(peer) else { return false }
    if let index { return peer > index || (peer < index && isOverdue) }
    let fed = configuration.fed
    return fed.contains(members[peer].key) || !members.contains { fed.contains($0.key) }
  }

  /// Without a session to a peer before this one in the order, it has had this long to dial.
  private static let overdueSeconds: Int64 = 3

  private func dialOverdue() {
    overdue?.cancel()
    isOverdue = false
    guard index != nil, !stopped else { return }
    overdue = loop.scheduleTask(in: .seconds(Self.overdueSeconds)) { [self] in
      isOverdue = true
      dialMissing()
    }
  }

  private func dialMissing() {
    for peer in members.indices where isDialled(peer) {
      if let key = keys[peer] { dial(key) }
    }
  }

  private func dial(_ remote: AgreementPublicKey) {
    guard !stopped, let peer = keys.firstIndex(of: remote), isDialled(peer), sessions[peer] == nil,
      !dialling.contains(remote)
    else { return }
    let member = members[peer]
    let target = configuration.addresses[member.key] ?? (member.host, Int(member.port))
    dialling.insert(remote)
    let secure = SecureChannel.initiator(
      identity: agreementKey, remote: remote, ephemeral: AgreementKey.generate(), prologue: prologue, limits: limits)
    ClientBootstrap(group: loop)
      .connectTimeout(.seconds(5))
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .channelOption(.maxMessagesPerRead, value: 16)
      .channelOption(.recvAllocator, value: Self.receiveBuffers)
      .channelInitializer { [self] channel in
        install(PeerSession(network: self, channel: channel, secure: secure, dialled: remote))
      }
      .connect(host: target.host, port: target.port)
      .whenFailure { [self] error in
        dialling.remove(remote)
        if let unsaid = failures.next(at: Clock.monotonic) {
          log.debug(
            "peer not reached",
            metadata: ["validator": "\(member.name)", "reason": "\(error)", "unsaid": "\(unsaid)"])
        }
        redial(remote)
      }
  }

  /// Delays 50 ms, 100 ms, ... up to 500 ms, each with a quarter of chance added so that nodes do not dial in step. A
  /// validator that comes back is waited for: a longer pause would be most of the time until it votes again.
  ///
  /// One pause at a time for each: whoever replays the first message of somebody's handshake closes connections in his
  /// name, and each would begin a row of dials of its own.
  private func redial(_ key: AgreementPublicKey) {
    guard !stopped, let peer = keys.firstIndex(of: key), isDialled(peer), sessions[peer] == nil,
      !dialling.contains(key), resting.insert(key).inserted
    else { return }
    let attempt = min(attempts[key, default: 0] + 1, 6)
    attempts[key] = attempt
    let base = Int64(50) << Int64(attempt - 1)
    let delay = min(base, 500)
    let chance = Int64(jitter.below(UInt64(delay / 4 + 1)))
    loop.scheduleTask(in: .milliseconds(delay + chance)) { [self] in
      resting.remove(key)
      dial(key)
    }
  }

  private func install(_ session: PeerSession) -> EventLoopFuture<Void> {
    if session.dialled == nil { handshakes += 1 }
    return session.channel.eventLoop.makeCompletedFuture {
      try session.channel.pipeline.syncOperations.addHandler(session)
    }
  }

  // MARK: What sessions report

  fileprivate func handshakeEnded() { handshakes -= 1 }

  fileprivate func established(_ session: PeerSession) {
    if let dialled = session.dialled { dialling.remove(dialled) }
    guard let peer = place(of: session), peer != index else { return session.fail("no place for another observer") }
    // The newest session wins: the old one of a peer that crashed may look open for minutes.
    let old = sessions[peer]
    take(session, as: peer)
    if let old {
      old.peer = nil
      old.channel.close(promise: nil)
    }
    log.debug("peer connected", metadata: ["peer": "\(name(peer))"])
    delegate?.peerConnected(ValidatorIndex(peer))
  }

  private func take(_ session: PeerSession, as peer: Int) {
    session.peer = peer
    sessions[peer] = session
    guard let key = session.remoteKey else { return }
    if peer < validatorCount {
      attempts[key] = nil
      session.limitReceived(to: configuration.messageBytesMax)
    } else {
      observerKeys[peer - validatorCount] = key
      session.limitReceived(to: Self.observerMessageBytesMax)
    }
  }

  private func place(of session: PeerSession) -> Int? {
    session.remoteKey.flatMap { key in keys.firstIndex(of: key) ?? observerPlace(of: key) }
  }

  /// The number of a peer that is no validator: the one it has, or a free one. Nil where there is none.
  private func observerPlace(of key: AgreementPublicKey) -> Int? {
    guard index != nil else { return nil }
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
    if let dialled = session.dialled { dialling.remove(dialled) }
    let peer = session.peer ?? session.dialled.flatMap { keys.firstIndex(of: $0) }
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
    // Whoever of the two dialled: it is for this side now, if the order of the committee says so.
    if let key = session.dialled ?? session.remoteKey { redial(key) }
  }
}

/// One TCP connection and its encrypted session.
private final class PeerSession: ChannelInboundHandler, @unchecked Sendable {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  let network: PeerNetwork
  let channel: any NIOCore.Channel
  /// The key of the validator this side dialled; nil for an accepted connection.
  let dialled: AgreementPublicKey?
  var peer: Int?
  var pending: [[UInt8]] = []
  private var secure: SecureChannel
  private var deadline: Scheduled<Void>?
  private var backlog = 0
  private var isOver = false
  private var inHandshake = true
  private var reason: String?

  init(network: PeerNetwork, channel: any NIOCore.Channel, secure: SecureChannel, dialled: AgreementPublicKey?) {
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
    if dialled == nil { network.handshakeEnded() }
  }

  func fail(_ reason: String) {
    guard !isOver else { return }
    isOver = true
    self.reason = reason
    channel.close(promise: nil)
  }

  /// A dial that fails is never active, so it never becomes inactive either.
  func handlerRemoved(context: ChannelHandlerContext) { endHandshake() }

  func channelInactive(context: ChannelHandlerContext) {
    isOver = true
    endHandshake()
    network.closed(self, reason: reason)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    fail("\(error)")
  }
}
