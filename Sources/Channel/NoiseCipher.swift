// The cipher of the Noise framework, revision 34, section 5.1, for ChaChaPoly.

import Sodium

/// Why a handshake or a message was refused.
public enum NoiseError: Error, Hashable, Sendable {
  /// The message is shorter than its pattern demands.
  case truncated
  /// The bytes were changed, replayed or reordered, or sealed with other keys, another prologue or another pre-shared key.
  case authenticationFailed
  /// A public key of small order: the secret it leads to is known to all.
  case weakKey
  /// A read in place of a write or the reverse, or a call after the end or after a failure: a bug of the caller.
  case outOfTurn
  /// The key has sealed 2^64 - 1 messages.
  case exhausted
}

/// A key and the count of messages sealed with it. Without a key, as in the first bytes of a handshake, text passes
/// unchanged. Copies must not both seal: that would use a nonce twice.
public struct NoiseCipher: Sendable {
  /// Bytes that a sealed text is longer than its plain text.
  public static let tagBytes = AEAD.tagBytes

  private var key: SecretBytes?
  /// The nonce of the next message: the number of messages so far, as `rekey` leaves it alone.
  public private(set) var nonce: UInt64 = 0

  public init() {}

  init(key: SecretBytes) { self.key = key }

  public var hasKey: Bool { key != nil }

  /// Appends the sealed text.
  public mutating func encrypt(
    _ plaintext: UnsafeRawBufferPointer, authenticating associated: UnsafeRawBufferPointer,
    appendingTo output: inout [UInt8]
  ) throws(NoiseError) {
    guard let key else { return output.append(contentsOf: plaintext) }
    guard nonce < UInt64.max else { throw .exhausted }
    AEAD.seal(
      plaintext, key: key, nonce: Nonce96(counter: nonce), authenticating: associated, appendingTo: &output)
    nonce += 1
  }

  /// Appends the plain text; on an error nothing changes.
  public mutating func decrypt(
    _ sealed: UnsafeRawBufferPointer, authenticating associated: UnsafeRawBufferPointer,
    appendingTo output: inout [UInt8]
  ) throws(NoiseError) {
    guard let key else { return output.append(contentsOf: sealed) }
    guard sealed.count >= Self.tagBytes else { throw .truncated }
    guard nonce < UInt64.max else { throw .exhausted }
    let opened = AEAD.open(
      sealed, key: key, nonce: Nonce96(counter: nonce), authenticating: associated, appendingTo: &output)
    guard opened else { throw .authenticationFailed }
    nonce += 1
  }

  /// Replaces the key by its successor, from which it cannot be computed: what leaks later does not open what was
  /// sealed before. Section 11.3.
  public mutating func rekey() {
    if let key { self.key = AEAD.successor(of: key) }
  }
}
