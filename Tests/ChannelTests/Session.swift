// Two ends of a session and the bytes between them, for the tests.

import Channel
import Primitives
import Sodium
import Testing

struct Session {
  var initiator: SecureChannel
  var responder: SecureChannel
  var toResponder: [UInt8] = []
  var toInitiator: [UInt8] = []

  static let chain = Blake2b.hash(Array("chain".utf8))

  static func key(_ byte: UInt8) -> AgreementKey {
    guard let key = AgreementKey([UInt8](repeating: byte, count: 32)) else { preconditionFailure("32 bytes") }
    return key
  }

  init(
    limits: ChannelLimits = ChannelLimits(), remote: AgreementPublicKey = key(2).publicKey,
    allow: Set<AgreementPublicKey>? = [key(1).publicKey], chains: (Digest, Digest) = (chain, chain),
    versions: (UInt32, UInt32) = (1, 1), ephemeral: UInt8 = 3, payloads: ([UInt8], [UInt8]) = ([], [])
  ) {
    initiator = .initiator(
      identity: Self.key(1), remote: remote, ephemeral: Self.key(ephemeral),
      prologue: SecureChannel.prologue(chain: chains.0, version: versions.0), limits: limits, payload: payloads.0)
    responder = .responder(
      identity: Self.key(2), ephemeral: Self.key(ephemeral + 1),
      prologue: SecureChannel.prologue(chain: chains.1, version: versions.1), limits: limits, allow: allow,
      payload: payloads.1)
  }

  /// A session that is established and confirmed.
  static func established(_ limits: ChannelLimits = ChannelLimits()) throws -> Session {
    var session = Session(limits: limits)
    try session.initiator.start(into: &session.toResponder)
    #expect(try session.deliver() == [])
    #expect(try session.deliverBack() == [])
    #expect(try session.deliver() == [])
    #expect(session.initiator.isConfirmed && session.responder.isConfirmed)
    return session
  }

  /// Hands all bytes under way to the responder.
  mutating func deliver() throws -> [[UInt8]] {
    var messages: [[UInt8]] = []
    let bytes = toResponder
    toResponder = []
    try responder.receive(bytes, output: &toInitiator, messages: &messages)
    return messages
  }

  /// Hands all bytes under way to the initiator.
  mutating func deliverBack() throws -> [[UInt8]] {
    var messages: [[UInt8]] = []
    let bytes = toInitiator
    toInitiator = []
    try initiator.receive(bytes, output: &toResponder, messages: &messages)
    return messages
  }
}

extension SecureChannel {
  /// The error this end meets on the bytes, nil if none; asserts that after an error everything is closed.
  func error(on bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation) -> ChannelError? {
    var copy = self
    var output: [UInt8] = []
    var messages: [[UInt8]] = []
    do throws(ChannelError) {
      try copy.receive(bytes, output: &output, messages: &messages)
      return nil
    } catch {
      #expect(output.isEmpty, "a refused peer learns nothing", sourceLocation: sourceLocation)
      #expect(copy.isClosed && !copy.isEstablished && copy.bufferedBytes == 0, sourceLocation: sourceLocation)
      #expect(throws: ChannelError.closed, sourceLocation: sourceLocation) {
        try copy.receive([0], output: &output, messages: &messages)
      }
      #expect(throws: ChannelError.closed, sourceLocation: sourceLocation) { try copy.send([1], output: &output) }
      #expect(throws: ChannelError.closed, sourceLocation: sourceLocation) { try copy.start(into: &output) }
      #expect(output.isEmpty, sourceLocation: sourceLocation)
      return error
    }
  }
}
