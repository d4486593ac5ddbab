// What bounds a session, and why one ends.

public import Sodium

/// Memory of a session stays in proportion to the bytes received and below `messageBytesMax` and two frames.
public struct ChannelLimits: Sendable, Hashable {
  /// Bytes of a Noise message, by the framework.
  public static let frameBytesMax = 65_535
  /// Bytes of plain text in one Noise message.
  public static let chunkBytesMax = frameBytesMax - NoiseCipher.tagBytes

  /// Bytes of one handshake message; what is longer is refused by its length, before it is kept.
  public var handshakeBytesMax = 512
  /// Bytes of one message, sent or received.
  public var messageBytesMax = 16 << 20
  /// Noise messages of one direction between two changes of its key. Part of the protocol: both sides have the same.
  public var rekeyInterval: UInt64 = 1 << 16

  public init() {}
}

/// Why a session refused something. Every error of `receive` is its end; those of `send` say whether they are.
public enum ChannelError: Error, Hashable, Sendable {
  /// An error came before, or the session was closed.
  case closed
  /// A message was to be sent before the handshake was over. The session goes on.
  case notEstablished
  /// A frame of a length that no frame has at this point.
  case frameLength(Int)
  /// Bytes were changed, replayed or reordered, or the other side has another key, chain or protocol version.
  case authenticationFailed
  /// A public key of small order.
  case weakKey
  /// The key that proved itself is not among those allowed. It gets no answer.
  case notAllowed(AgreementPublicKey)
  /// A message above the limit. When sending, the session goes on.
  case messageTooLong(count: Int, limit: Int)
  /// Bytes came before the session was started.
  case outOfTurn
  /// A direction has carried 2^64 - 1 Noise messages.
  case exhausted

  init(_ error: NoiseError, frameBytes: Int) {
    switch error {
    case .truncated: self = .frameLength(frameBytes)
    case .authenticationFailed: self = .authenticationFailed
    case .weakKey: self = .weakKey
    case .outOfTurn: self = .outOfTurn
    case .exhausted: self = .exhausted
    }
  }
}
