// The session of two nodes: mutual authentication and encryption by Noise_IK_25519_ChaChaPoly_BLAKE2b (revision 34),
// as a pure state machine over bytes. It opens no sockets and draws no randomness; the ephemeral keys are inputs.
//
// On the stream, both ways: frames of two bytes of length (big-endian) and a Noise message.
//   1. initiator -> responder: handshake message 1 (e, es, s, ss, payload)
//   2. responder -> initiator: handshake message 2 (e, ee, se, payload), only to a key that is allowed
//   3. initiator -> responder: an empty transport message, which proves to the responder that message 1 was no replay
//   4. both ways: transport messages, whose plain texts in a row are the messages, each after its length in four bytes
//      (little-endian); each direction changes its key after every `rekeyInterval` transport messages.
// The prologue binds the chain and the protocol version: nodes of different ones fail to authenticate.

public import Primitives
public import Sodium

/// Copies must not both go on: they would seal different texts with the same nonce.
public struct SecureChannel: Sendable {
  public typealias Role = NoiseHandshake.Role

  /// Message 1 of IK without payload: e, sealed s, tag.
  static let firstBytesMin = 32 + 48 + 16
  /// Message 2 of IK without payload: e, tag.
  static let secondBytesMin = 32 + 16

  private let role: Role
  private let limits: ChannelLimits
  private var receivedBytesMax: Int
  private let payload: [UInt8]
  /// Whom a responder answers; nil is everyone.
  private let allowed: Set<AgreementPublicKey>?
  /// Nil once it is over, and with it the ephemeral key: what leaks later does not open this session.
  private var handshake: NoiseHandshake?
  private var sender = NoiseCipher()
  private var receiver = NoiseCipher()
  private var frames = FrameReader()
  private var records = RecordReader()
  /// Plain text of one frame, kept for its memory.
  private var text: [UInt8] = []
  private var started = false

  /// An error or `close` ended the session; every call throws `.closed`.
  public private(set) var isClosed = false
  /// Messages can be sent.
  public private(set) var isEstablished = false
  /// The other side has proven that it is there now. A responder is established on a first message that may be a
  /// replay, and confirmed a round trip later: only then may the session displace an older one with the same key.
  public private(set) var isConfirmed = false
  /// The other side's key: the initiator's choice, or what the initiator of an accepted handshake proved.
  public private(set) var remoteKey: AgreementPublicKey?
  /// What the other side said in its handshake message; empty until it came.
  public private(set) var remotePayload: [UInt8] = []
  /// The same 64 bytes on both sides and in no other session; empty until established.
  public private(set) var handshakeHash: [UInt8] = []

  /// What both sides of a session must agree on, in Noise's prologue: "novation/noise/v1", the chain's identity, the
  /// protocol version in four bytes, little-endian.
  public static func prologue(chain: Digest, version: UInt32) -> [UInt8] {
    Array("novation/noise/v1".utf8) + chain.bytes + withUnsafeBytes(of: version.littleEndian) { Array($0) }
  }

  /// The side that dials the node whose key is `remote`. `ephemeral` is fresh. `payload` goes with the first message,
  /// without forward secrecy, and must fit `limits.handshakeBytesMax` with 96 bytes.
  public static func initiator(
    identity: AgreementKey, remote: AgreementPublicKey, ephemeral: AgreementKey, prologue: [UInt8],
    limits: ChannelLimits = ChannelLimits(), payload: [UInt8] = []
  ) -> SecureChannel {
    let handshake = NoiseHandshake(
      .ik, as: .initiator, identity: identity, ephemeral: ephemeral, remoteStatic: remote, prologue: prologue)
    var channel = SecureChannel(handshake, .initiator, limits, payload, allowed: nil)
    channel.remoteKey = remote
    return channel
  }

  /// The side that was dialled. It answers only the keys in `allow`, or everyone if that is nil. `ephemeral` is fresh.
  public static func responder(
    identity: AgreementKey, ephemeral: AgreementKey, prologue: [UInt8], limits: ChannelLimits = ChannelLimits(),
    allow: Set<AgreementPublicKey>?, payload: [UInt8] = []
  ) -> SecureChannel {
    let handshake = NoiseHandshake(
      .ik, as: .responder, identity: identity, ephemeral: ephemeral, prologue: prologue)
    return SecureChannel(handshake, .responder, limits, payload, allowed: allow)
  }

  private init(
    _ handshake: NoiseHandshake, _ role: Role, _ limits: ChannelLimits, _ payload: [UInt8],
    allowed: Set<AgreementPublicKey>?
  ) {
    precondition(Self.firstBytesMin + payload.count <= limits.handshakeBytesMax)
    precondition(limits.handshakeBytesMax <= ChannelLimits.frameBytesMax)
    precondition(limits.rekeyInterval > 0 && (0...Int(UInt32.max)).contains(limits.messageBytesMax))
    self.handshake = handshake
    self.role = role
    self.limits = limits
    receivedBytesMax = limits.messageBytesMax
    self.payload = payload
    self.allowed = allowed
  }

  /// From now on, messages of the other side may have at most so many bytes, within the limit of the channel: it turned
  /// out to be one that has less to say, or more. Those sent are bounded as before.
  public mutating func limitReceived(to bytes: Int) { receivedBytesMax = min(limits.messageBytesMax, max(0, bytes)) }

  /// Bytes kept of what has come but is not whole.
  public var bufferedBytes: Int { frames.bufferedBytes + records.bufferedBytes }

  /// Appends the initiator's first bytes; for a responder, or called again, does nothing.
  public mutating func start(into output: inout [UInt8]) throws(ChannelError) {
    guard !isClosed else { throw .closed }
    guard role == .initiator, !started else { return }
    started = true
    do throws(NoiseError) {
      try writeHandshake(into: &output)
    } catch {
      throw end(ChannelError(error, frameBytes: 0))
    }
  }

  /// Takes bytes of the stream, cut anywhere. Appends what is to be sent to `output`, and whole messages to `messages`.
  /// Any error is the end of the session; messages appended before it were authentic.
  public mutating func receive(
    _ bytes: [UInt8], output: inout [UInt8], messages: inout [[UInt8]]
  ) throws(ChannelError) {
    let result = bytes.withUnsafeBytes { bytes in
      Result { () throws(ChannelError) in
        try receive(bytes, output: &output, messages: &messages)
      }
    }
    try result.get()
  }

  /// As above; the bytes are read in place.
  public mutating func receive(
    _ bytes: UnsafeRawBufferPointer, output: inout [UInt8], messages: inout [[UInt8]]
  ) throws(ChannelError) {
    guard !isClosed else { throw .closed }
    var rest = bytes
    while rest.count > 0 {
      // The reader steps out of `self` so that a frame may lie in its memory while the session changes.
      var reader = FrameReader()
      swap(&reader, &frames)
      let result = reader.advance(&rest, lengths: frameLengths) { step in
        Result { () throws(ChannelError) in
          try take(step, output: &output, messages: &messages)
        }
      }
      swap(&reader, &frames)
      do throws(ChannelError) {
        try result.get()
      } catch {
        throw end(error)
      }
    }
  }

  /// Appends the frames of one message. Throws `.notEstablished` and `.messageTooLong` without harm to the session.
  public mutating func send(_ message: [UInt8], output: inout [UInt8]) throws(ChannelError) {
    try send(contentsOf: CollectionOfOne(message), output: &output)
  }

  /// Appends the frames of several messages, packed: small ones share a frame. Refuses all if one is too long.
  public mutating func send(
    contentsOf messages: some Collection<[UInt8]>, output: inout [UInt8]
  ) throws(ChannelError) {
    guard !isClosed else { throw .closed }
    guard isEstablished else { throw .notEstablished }
    for message in messages where message.count > limits.messageBytesMax {
      throw .messageTooLong(count: message.count, limit: limits.messageBytesMax)
    }
    text.removeAll(keepingCapacity: true)
    for message in messages {
      try append(UInt32(truncatingIfNeeded: message.count), output: &output)
      try append(message, output: &output)
    }
    if !text.isEmpty { try seal(output: &output) }
  }

  /// Ends the session and forgets its keys.
  public mutating func close() { _ = end(.closed) }

  // MARK: Receiving

  /// Lengths that a frame may have now.
  private var frameLengths: ClosedRange<Int> {
    guard !isEstablished else { return NoiseCipher.tagBytes...ChannelLimits.frameBytesMax }
    return (role == .initiator ? Self.secondBytesMin : Self.firstBytesMin)...limits.handshakeBytesMax
  }

  private mutating func take(
    _ step: FrameReader.Step, output: inout [UInt8], messages: inout [[UInt8]]
  ) throws(ChannelError) {
    switch step {
    case .starved: return
    case .refused(let length): throw .frameLength(length)
    case .frame(let frame):
      do throws(NoiseError) {
        try isEstablished ? open(frame) : readHandshake(frame)
      } catch {
        throw ChannelError(error, frameBytes: frame.count)
      }
    }
    if isEstablished { try deliver(into: &messages) } else { try establish(output: &output) }
  }

  /// Decrypts a transport message into `text`.
  private mutating func open(_ frame: UnsafeRawBufferPointer) throws(NoiseError) {
    text.removeAll(keepingCapacity: true)
    try receiver.decrypt(frame, authenticating: Self.nothing, appendingTo: &text)
    if receiver.nonce.isMultiple(of: limits.rekeyInterval) { receiver.rekey() }
    isConfirmed = true
  }

  /// Takes the messages out of `text`.
  private mutating func deliver(into messages: inout [[UInt8]]) throws(ChannelError) {
    var text: [UInt8] = []
    swap(&text, &self.text)
    let result = text.withUnsafeBytes { text in
      Result { () throws(ChannelError) in
        try records.consume(text, limit: receivedBytesMax, into: &messages)
      }
    }
    swap(&text, &self.text)
    try result.get()
  }

  // MARK: Handshake

  private mutating func readHandshake(_ frame: UnsafeRawBufferPointer) throws(NoiseError) {
    try handshake?.read(frame, into: &remotePayload)
  }

  /// The other side's handshake message was authentic: answers it, or says that the session is there.
  private mutating func establish(output: inout [UInt8]) throws(ChannelError) {
    if role == .responder {
      guard let key = handshake?.remoteStatic else { throw .outOfTurn }
      guard allowed?.contains(key) ?? true else { throw .notAllowed(key) }
      remoteKey = key
    }
    do throws(NoiseError) {
      if role == .responder { try writeHandshake(into: &output) }
      guard let handshake else { throw .outOfTurn }
      (sender, receiver) = try handshake.transport()
      handshakeHash = handshake.hash
    } catch {
      throw ChannelError(error, frameBytes: 0)
    }
    handshake = nil
    isEstablished = true
    if role == .initiator {
      isConfirmed = true
      text.removeAll(keepingCapacity: true)
      try seal(output: &output)
    }
  }

  private mutating func writeHandshake(into output: inout [UInt8]) throws(NoiseError) {
    var message: [UInt8] = []
    try handshake?.write(payload: payload, into: &message)
    Self.appendFrameLength(message.count, to: &output)
    output.append(contentsOf: message)
  }

  // MARK: Sending

  private static var nothing: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }

  private static func appendFrameLength(_ count: Int, to output: inout [UInt8]) {
    let length = UInt16(truncatingIfNeeded: count)
    output.append(UInt8(length >> 8))
    output.append(UInt8(length & 0xff))
  }

  private mutating func append(_ length: UInt32, output: inout [UInt8]) throws(ChannelError) {
    if text.count + RecordReader.headerBytes > ChannelLimits.chunkBytesMax { try seal(output: &output) }
    withUnsafeBytes(of: length.littleEndian) { text.append(contentsOf: $0) }
  }

  private mutating func append(_ message: [UInt8], output: inout [UInt8]) throws(ChannelError) {
    var position = 0
    while position < message.count {
      if text.count == ChannelLimits.chunkBytesMax { try seal(output: &output) }
      let taken = min(ChannelLimits.chunkBytesMax - text.count, message.count - position)
      text.append(contentsOf: message[position..<position + taken])
      position += taken
    }
  }

  /// Appends `text` as one frame and empties it.
  private mutating func seal(output: inout [UInt8]) throws(ChannelError) {
    Self.appendFrameLength(text.count + NoiseCipher.tagBytes, to: &output)
    let result = text.withUnsafeBytes { text in
      Result { () throws(NoiseError) in
        try sender.encrypt(text, authenticating: Self.nothing, appendingTo: &output)
      }
    }
    text.removeAll(keepingCapacity: true)
    do throws(NoiseError) {
      try result.get()
    } catch {
      throw end(ChannelError(error, frameBytes: 0))
    }
    if sender.nonce.isMultiple(of: limits.rekeyInterval) { sender.rekey() }
  }

  /// Forgets keys and buffers; returns `error` to be thrown.
  private mutating func end(_ error: ChannelError) -> ChannelError {
    isClosed = true
    isEstablished = false
    handshake = nil
    sender = NoiseCipher()
    receiver = NoiseCipher()
    frames = FrameReader()
    records = RecordReader()
    text = []
    return error
  }
}
