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
public import Replica
public import Sodium
import Wire

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
  /// Which start of the node this is (L1); nil for one that need not wait for its place.
  public var life: Life?

  public init(
    chain: Digest, identity: SigningKey, addresses: [PublicKey: (host: String, port: Int)] = [:],
    fed: Set<PublicKey> = [], observersMax: Int = 0, listenHost: String, listenPort: Int, messageBytesMax: Int,
    backlogBytesMax: Int, life: Life? = nil
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
    self.life = life
  }
}

/// Receives what happens on the mesh; on the event loop.
public protocol PeerNetworkDelegate: AnyObject {
  func peerConnected(_ peer: ValidatorIndex)
  func peerDisconnected(_ peer: ValidatorIndex)
  func peerMessage(_ message: [UInt8], from peer: ValidatorIndex)
  /// L3: this node may speak for its key; once, and before it hears of any peer.
  func mayWork()
  /// L4: another life of this node's key goes on, and this one must not. A sentence for the operator.
  func mustStop(_ reason: String)
}

extension PeerNetworkDelegate {
  public func mayWork() {}
  public func mustStop(_ reason: String) {}
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
  weak var delegate: (any PeerNetworkDelegate)?

  private let agreementKey: AgreementKey
  /// The committee and this node's place in it; nil for an observer, which listens to nobody.
  var members: [Validator] = []
  var index: Int?
  var keys: [AgreementPublicKey?] = []
  var sessions: [PeerSession?] = []
  private var dirty: [Int] = []
  private var handshakes = 0
  /// Dialling since the last session, by the key of the one who is dialled.
  var attempts: [AgreementPublicKey: Int] = [:]
  private var listener: (any NIOCore.Channel)?
  private var isListening = false
  private var overdue: Scheduled<Void>?
  private var isOverdue = false
  /// Whose sessions are on their way.
  private var dialling: Set<AgreementPublicKey> = []
  /// Who is dialled again after a pause.
  private var resting: Set<AgreementPublicKey> = []
  var stopped = false
  private var jitter: SeededRandom
  /// By validator.
  private(set) var traffic: [PeerTraffic] = []
  /// Of all observers together.
  private(set) var observerTraffic = PeerTraffic()
  /// By place.
  private var observerKeys: [AgreementPublicKey?] = []
  var closings = LogLimit()
  private var failures = LogLimit()
  /// L3, L4.
  var lives: LifeGuard
  var strangers = LogLimit()
  /// Sessions that were refused and are left open for a moment, so that what they were told arrives.
  var leaving: [AgreementPublicKey: PeerSession] = [:]
  /// When a peer was last told of another life of its key.
  var toldAt: [AgreementPublicKey: Instant] = [:]

  /// - Parameters: the committee at the start, and this node's place in it.
  public init(
    configuration: PeerNetworkConfiguration, members: [Validator], index: Int?, loop: any EventLoop, log: Logger
  ) {
    self.configuration = configuration
    self.loop = loop
    self.log = log
    agreementKey = configuration.identity.agreementKey()
    jitter = SeededRandom(seed: SecureRandom.uint64())
    lives = LifeGuard(configuration.life ?? Life(began: 0, bootId: 0), at: Clock.monotonic)
    observerKeys = Array(repeating: nil, count: configuration.observersMax)
    number(members, index)
  }

  private func number(_ members: [Validator], _ index: Int?) {
    self.members = members
    self.index = index
    keys = members.map { Ed25519.agreementKey(of: $0.key) }
    sessions = Array(repeating: nil, count: members.count + configuration.observersMax)
    traffic = Array(repeating: PeerTraffic(), count: members.count)
    toldAt = [:]
  }

  var validatorCount: Int { members.count }
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
      beginLife()
      dialMissing()
      return loop.makeSucceededVoidFuture()
    }
    return listen().map { [self] in
      beginLife()
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
    for (peer, session) in sessions.enumerated() {
      if let session, session.isUp { delegate?.peerConnected(ValidatorIndex(peer)) }
    }
    judge()
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
    guard sessions.indices.contains(peer), let session = sessions[peer], session.isUp else { return }
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

  private var greeting: [UInt8] { configuration.life == nil ? [] : lives.own.wireBytes }

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
      identity: agreementKey, ephemeral: AgreementKey.generate(), prologue: prologue, limits: limits, allow: allowed,
      payload: greeting)
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
  private static let overdueMilliseconds: Int64 = 3000
  /// A life that waits for its place dials sooner: those before it look for the key elsewhere, where another life is.
  private static let overdueAtStartMilliseconds: Int64 = 1000

  private func dialOverdue() {
    overdue?.cancel()
    isOverdue = false
    guard index != nil, !stopped else { return }
    let wait = lives.own.isWorking ? Self.overdueMilliseconds : Self.overdueAtStartMilliseconds
    overdue = loop.scheduleTask(in: .milliseconds(wait)) { [self] in
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
      identity: agreementKey, remote: remote, ephemeral: AgreementKey.generate(), prologue: prologue, limits: limits,
      payload: greeting)
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

  func handshakeEnded() { handshakes -= 1 }

  func established(_ session: PeerSession) {
    if let dialled = session.dialled { dialling.remove(dialled) }
    if let said = try? WireReader.decode(LifeState.self, from: session.remotePayload) { session.other = said }
    guard let peer = place(of: session), peer != index else { return session.fail("no place for another observer") }
    let old = sessions[peer]
    if let old, peer < validatorCount, keepsPlace(old, against: session) { return }
    // The newest session of a life wins: the old one of a peer that crashed may look open for minutes.
    take(session, as: peer)
    if let old {
      session.isKnown = old.isUp || old.isKnown
      old.peer = nil
      old.isUp = false
      old.channel.close(promise: nil)
    }
    log.debug("peer connected", metadata: ["peer": "\(name(peer))"])
    session.say(.taken(lives.own.standing))
  }

  func take(_ session: PeerSession, as peer: Int) {
    session.peer = peer
    sessions[peer] = session
    guard let key = session.remoteKey else { return }
    if peer < validatorCount {
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

  func name(_ peer: Int) -> String {
    peer < validatorCount ? "validator \(peer)" : "observer \(peer - validatorCount)"
  }

  func received(_ message: [UInt8], from peer: Int) {
    if peer < validatorCount {
      traffic[peer].receive(message, at: Clock.monotonic)
    } else {
      observerTraffic.receive(message, at: Clock.monotonic)
    }
    delegate?.peerMessage(message, from: ValidatorIndex(peer))
  }

  func closed(_ session: PeerSession, reason: String?) {
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
      if session.isUp || session.isKnown { delegate?.peerDisconnected(ValidatorIndex(peer)) }
      if members.indices.contains(peer) { lives.left(members[peer].key) }
    }
    if let key = session.remoteKey, leaving[key] === session { leaving[key] = nil }
    // Whoever of the two dialled: it is for this side now, if the order of the committee says so.
    if let key = session.dialled ?? session.remoteKey { redial(key) }
  }
}
