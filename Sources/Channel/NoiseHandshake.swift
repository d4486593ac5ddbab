// The handshake of the Noise framework, revision 34, section 5.3, as a pure state machine: the ephemeral key is an
// input, so a handshake is a function of its inputs.

public import Primitives
public import Sodium

/// One side of a handshake. After an error it refuses every further call; throw it away then.
public struct NoiseHandshake: Sendable {
  public enum Role: Sendable, Hashable { case initiator, responder }

  /// Handshake messages are far smaller than a Noise message's limit of 65,535 bytes.
  public static let messageBytesMax = 65_535

  private let role: Role
  private let identity: AgreementKey
  private let ephemeral: AgreementKey
  private let presharedKey: SecretBytes?
  private let messages: [[NoiseToken]]
  private var symmetric: NoiseSymmetric
  private var index = 0
  private var failed = false
  private var remoteEphemeral: AgreementPublicKey?
  /// The other side's static key: given, or told by it. What it told is proven only once its message was read whole.
  public private(set) var remoteStatic: AgreementPublicKey?

  /// `ephemeral` is fresh and used for no other handshake. `remoteStatic` is given exactly by the initiator of a pattern
  /// that knows it, `presharedKey` (32 bytes) exactly for a pattern that has one; otherwise the caller has a bug.
  public init(
    _ pattern: NoisePattern, as role: Role, identity: AgreementKey, ephemeral: AgreementKey,
    remoteStatic: AgreementPublicKey? = nil, presharedKey: SecretBytes? = nil, prologue: [UInt8]
  ) {
    precondition((remoteStatic != nil) == (role == .initiator && pattern.knowsResponder))
    precondition(pattern.hasPresharedKey ? presharedKey?.count == 32 : presharedKey == nil)
    self.role = role
    self.identity = identity
    self.ephemeral = ephemeral
    self.remoteStatic = remoteStatic
    self.presharedKey = presharedKey
    messages = pattern.messages
    symmetric = NoiseSymmetric(protocolName: pattern.protocolName)
    symmetric.mixHash(prologue)
    if pattern.knowsResponder {
      symmetric.mixHash((remoteStatic ?? identity.publicKey).bytes)
    }
  }

  /// Both sides have written and read all messages.
  public var isFinished: Bool { !failed && index == messages.count }

  /// The next message is this side's to write.
  public var writesNext: Bool {
    !failed && index < messages.count && index.isMultiple(of: 2) == (role == .initiator)
  }

  /// The next message is this side's to read.
  public var readsNext: Bool { !failed && index < messages.count && !writesNext }

  /// Binds everything both sides have said so far: 64 bytes, final when finished (section 11.2).
  public var hash: [UInt8] { symmetric.hash }

  /// Appends the next message.
  public mutating func write(payload: [UInt8], into output: inout [UInt8]) throws(NoiseError) {
    guard writesNext else { throw .outOfTurn }
    failed = true
    for token in messages[index] {
      switch token {
      case .e:
        let key = ephemeral.publicKey
        output.append(contentsOf: key.bytes)
        mixEphemeral(key)
      case .s: try symmetric.encryptAndHash(identity.publicKey.bytes, appendingTo: &output)
      default: try mix(token)
      }
    }
    try symmetric.encryptAndHash(payload, appendingTo: &output)
    failed = false
    index += 1
  }

  /// Reads the next message and appends its payload.
  public mutating func read(_ message: UnsafeRawBufferPointer, into payload: inout [UInt8]) throws(NoiseError) {
    guard readsNext else { throw .outOfTurn }
    failed = true
    var rest = message
    for token in messages[index] {
      switch token {
      case .e:
        guard let key = AgreementPublicKey(try Self.take(32, from: &rest)) else { throw .truncated }
        remoteEphemeral = key
        mixEphemeral(key)
      case .s:
        var bytes: [UInt8] = []
        let sealed = try Self.take(32 + symmetric.sealedOverhead, from: &rest)
        try symmetric.decryptAndHash(sealed, appendingTo: &bytes)
        remoteStatic = AgreementPublicKey(bytes)
      default: try mix(token)
      }
    }
    try symmetric.decryptAndHash(Array(rest), appendingTo: &payload)
    failed = false
    index += 1
  }

  /// The ciphers of the session, once finished.
  public func transport() throws(NoiseError) -> (send: NoiseCipher, receive: NoiseCipher) {
    guard isFinished else { throw .outOfTurn }
    let (first, second) = symmetric.split()
    return role == .initiator ? (first, second) : (second, first)
  }

  private mutating func mixEphemeral(_ key: AgreementPublicKey) {
    symmetric.mixHash(key.bytes)
    // Section 9.2: with a pre-shared key the ephemeral also enters the chaining key.
    if presharedKey != nil { symmetric.mixKey(key.withBytes { SecretBytes(copying: $0) }) }
  }

  /// Mixes in the secret that `token` names.
  private mutating func mix(_ token: NoiseToken) throws(NoiseError) {
    if token == .psk, let presharedKey { return symmetric.mixKeyAndHash(presharedKey) }
    let initiates = role == .initiator
    let secret: SecretBytes?
    switch token {
    case .ee: secret = agree(ephemeral, remoteEphemeral)
    case .es: secret = initiates ? agree(ephemeral, remoteStatic) : agree(identity, remoteEphemeral)
    case .se: secret = initiates ? agree(identity, remoteEphemeral) : agree(ephemeral, remoteStatic)
    case .ss: secret = agree(identity, remoteStatic)
    case .e, .s, .psk: preconditionFailure("the token carries a key, not a secret of two")
    }
    guard let secret else { throw .weakKey }
    symmetric.mixKey(secret)
  }

  private func agree(_ own: AgreementKey, _ other: AgreementPublicKey?) -> SecretBytes? {
    guard let other else { preconditionFailure("the pattern names a key before it was told") }
    return own.agree(with: other)
  }

  private static func take(_ count: Int, from rest: inout UnsafeRawBufferPointer) throws(NoiseError) -> [UInt8] {
    guard rest.count >= count else { throw .truncated }
    let taken = Array(rest.prefix(count))
    rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
    return taken
  }
}
