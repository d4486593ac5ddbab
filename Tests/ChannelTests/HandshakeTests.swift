// Who gets a session, and what interference with its beginning leads to.

import Channel
import Primitives
import Sodium
import Testing

@Suite struct HandshakeTests {
  @Test func bothSidesAgree() throws {
    let session = try Session.established()
    #expect(session.initiator.remoteKey == Session.key(2).publicKey)
    #expect(session.responder.remoteKey == Session.key(1).publicKey)
    #expect(session.initiator.handshakeHash.count == 64)
    #expect(session.initiator.handshakeHash == session.responder.handshakeHash)
    let other = Session(ephemeral: 5)
    #expect(other.initiator.handshakeHash.isEmpty && !other.initiator.isEstablished)
  }

  @Test func payloadsArrive() throws {
    var session = Session(payloads: ([1, 2], [3, 4, 5]))
    try session.initiator.start(into: &session.toResponder)
    _ = try session.deliver()
    _ = try session.deliverBack()
    #expect(session.responder.remotePayload == [1, 2])
    #expect(session.initiator.remotePayload == [3, 4, 5])
  }

  @Test func aResponderIsConfirmedByTheFirstTransportMessage() throws {
    var session = Session()
    try session.initiator.start(into: &session.toResponder)
    let replay = session.toResponder
    _ = try session.deliver()
    #expect(session.responder.isEstablished && !session.responder.isConfirmed)
    _ = try session.deliverBack()
    #expect(session.initiator.isConfirmed)
    let proof = session.toResponder
    _ = try session.deliver()
    #expect(session.responder.isConfirmed)
    // A replay of everything to a responder with another ephemeral key is answered, and then fails.
    var later = Session(ephemeral: 7)
    later.toResponder = replay
    _ = try later.deliver()
    #expect(later.responder.isEstablished && !later.responder.isConfirmed)
    #expect(later.responder.error(on: proof) == .authenticationFailed)
  }

  @Test func everyByteOfTheHandshakeMatters() throws {
    var session = Session(payloads: ([1, 2], [3]))
    try session.initiator.start(into: &session.toResponder)
    #expect(session.toResponder.count == 2 + 96 + 2)
    for index in session.toResponder.indices.dropFirst(2) {
      var tampered = session.toResponder
      tampered[index] ^= 1
      let expected: Set<ChannelError?> = [.authenticationFailed, .weakKey]
      // The top bit of the ephemeral key is ignored by X25519 but bound by the hash.
      #expect(expected.contains(session.responder.error(on: tampered)), "byte \(index)")
      tampered = session.toResponder
      tampered[index] ^= 0x80
      #expect(session.responder.error(on: tampered) == .authenticationFailed, "byte \(index)")
    }
    _ = try session.deliver()
    #expect(session.toInitiator.count == 2 + 48 + 1)
    for index in session.toInitiator.indices.dropFirst(2) {
      var tampered = session.toInitiator
      tampered[index] ^= 0x80
      #expect(session.initiator.error(on: tampered) == .authenticationFailed, "byte \(index)")
    }
  }

  @Test func truncatedHandshakesWaitOrFail() throws {
    var session = Session()
    try session.initiator.start(into: &session.toResponder)
    let first = session.toResponder
    for length in first.indices {
      var copy = session.responder
      var output: [UInt8] = []
      var messages: [[UInt8]] = []
      try copy.receive(Array(first.prefix(length)), output: &output, messages: &messages)
      #expect(!copy.isEstablished && output.isEmpty && copy.bufferedBytes == length)
      try copy.receive(Array(first.dropFirst(length)), output: &output, messages: &messages)
      #expect(copy.isEstablished)
    }
    // With the length made to fit the truncation.
    for length in 0..<first.count - 2 {
      let frame = [UInt8(length >> 8), UInt8(length & 0xff)] + first[2..<2 + length]
      #expect(session.responder.error(on: frame) == .frameLength(length))
    }
  }

  @Test func lengthsAreRefusedBeforeTheirBytesCome() throws {
    var limits = ChannelLimits()
    limits.handshakeBytesMax = 200
    var session = Session(limits: limits)
    #expect(session.responder.error(on: [0, 201]) == .frameLength(201))
    #expect(session.responder.error(on: [0xff, 0xff]) == .frameLength(65_535))
    #expect(session.responder.error(on: [0, 95]) == .frameLength(95))
    #expect(session.responder.error(on: [0, 200]) == nil)
    try session.initiator.start(into: &session.toResponder)
    #expect(session.initiator.error(on: [0, 47]) == .frameLength(47))
    let open = try Session.established(limits)
    #expect(open.initiator.error(on: [0, 15]) == .frameLength(15))
    #expect(open.responder.error(on: [0xff, 0xff]) == nil)
  }

  @Test func aKeyThatIsNotAllowedLearnsNothing() throws {
    var session = Session(allow: [Session.key(9).publicKey])
    try session.initiator.start(into: &session.toResponder)
    #expect(session.responder.error(on: session.toResponder) == .notAllowed(Session.key(1).publicKey))
    var none = Session(allow: [])
    try none.initiator.start(into: &none.toResponder)
    #expect(none.responder.error(on: none.toResponder) == .notAllowed(Session.key(1).publicKey))
    var anyone = Session(allow: nil)
    try anyone.initiator.start(into: &anyone.toResponder)
    _ = try anyone.deliver()
    #expect(anyone.responder.remoteKey == Session.key(1).publicKey)
  }

  @Test func otherKeysChainsAndVersionsFail() throws {
    let otherChain = Blake2b.hash(Array("other".utf8))
    for var session in [
      Session(remote: Session.key(8).publicKey),
      Session(chains: (Session.chain, otherChain)),
      Session(versions: (1, 2)),
    ] {
      try session.initiator.start(into: &session.toResponder)
      #expect(session.responder.error(on: session.toResponder) == .authenticationFailed)
    }
  }

  /// The points of small order on Curve25519 and non-canonical forms of them (RFC 7748, section 6.1; every one of them
  /// leads to the all-zero secret).
  static let smallOrder = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  ]

  @Test(arguments: smallOrder) func keysOfSmallOrderAreRefused(_ hex: String) throws {
    let weak = try #require(AgreementPublicKey(hex: hex))
    var dialling = Session(remote: weak)
    #expect(throws: ChannelError.weakKey) { try dialling.initiator.start(into: &dialling.toResponder) }
    #expect(dialling.initiator.isClosed && dialling.toResponder.isEmpty)
    var session = Session()
    try session.initiator.start(into: &session.toResponder)
    var first = session.toResponder
    first.replaceSubrange(2..<34, with: weak.bytes)
    #expect(session.responder.error(on: first) == .weakKey)
    _ = try session.deliver()
    var second = session.toInitiator
    second.replaceSubrange(2..<34, with: weak.bytes)
    #expect(session.initiator.error(on: second) == .weakKey)
  }

  @Test func bytesBeforeTheirTimeAreRefused() throws {
    let session = Session()
    #expect(session.initiator.error(on: [0, 48] + [UInt8](repeating: 1, count: 48)) == .outOfTurn)
    var early = session
    #expect(throws: ChannelError.notEstablished) { try early.initiator.send([1], output: &early.toResponder) }
    #expect(!early.initiator.isClosed)
    try early.initiator.start(into: &early.toResponder)
    let once = early.toResponder
    try early.initiator.start(into: &early.toResponder)
    try early.responder.start(into: &early.toResponder)
    #expect(early.toResponder == once)
    // A message that comes back to its author is no answer.
    #expect(early.initiator.error(on: once) == .authenticationFailed)
  }
}
