// A session of the mesh on its event loop.

import Channel
import NIOCore
import Primitives
import Replica
import Sodium
import Wire

/// One TCP connection and its encrypted session.
final class PeerSession: ChannelInboundHandler, @unchecked Sendable {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  let network: PeerNetwork
  let channel: any NIOCore.Channel
  /// The key of the validator this side dialled; nil for an accepted connection.
  let dialled: AgreementPublicKey?
  var peer: Int?
  var pending: [[UInt8]] = []
  /// Whose session it is on the other side, and what was heard of it last; set when the handshake is over.
  var other = LifeState(Life(began: 0, bootId: 0), .confirmed)
  private(set) var heardAt: Instant = 0
  /// L1: the other side gave this node the place of its key.
  var isTaken = false
  /// The delegate knows of it, and may be sent what comes.
  var isUp = false
  /// The delegate knows of the session that this one took the place of.
  var isKnown = false
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
  var remotePayload: [UInt8] { secure.remotePayload }

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
    if secure.isConfirmed { heardAt = Clock.monotonic }
    if !output.isEmpty { write(output) }
    // Only now is it certain that the other side is alive and no replay: an older session may give way.
    if inHandshake, secure.isConfirmed {
      endHandshake()
      network.established(self)
    }
    for message in messages {
      guard let peer else { return }
      if let kind = message.first, LifeMessage.kinds.contains(kind) {
        network.heard(message, in: self)
      } else if isUp {
        network.received(message, from: peer)
      }
    }
  }

  /// Writes one message at once.
  func say(_ message: LifeMessage) {
    guard secure.isEstablished, !isOver else { return }
    var output: [UInt8] = []
    do {
      try secure.send(message.wireBytes, output: &output)
    } catch {
      return fail("\(error)")
    }
    write(output)
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
