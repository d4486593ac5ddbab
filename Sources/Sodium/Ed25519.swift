// Ed25519 signatures (RFC 8032) of validators and traders.

import CSodium
public import Primitives

/// An Ed25519 secret key. The secret lives in `SecretBytes` and never has a textual form.
public final class SigningKey: @unchecked Sendable {  // immutable
  public let publicKey: PublicKey
  /// libsodium's form: seed, then public key.
  private let secret: SecretBytes

  private init(checked seed: SecretBytes) {
    var publicKey = PublicKey.zero
    secret = SecretBytes(count: 64) { secret in
      seed.withBytes { seed in
        publicKey = PublicKey.written { _ = crypto_sign_ed25519_seed_keypair($0, secret.pointer, seed.pointer) }
      }
    }
    self.publicKey = publicKey
  }

  /// Nil unless the seed has 32 bytes.
  public convenience init?(seed: SecretBytes) {
    guard seed.count == 32 else { return nil }
    self.init(checked: seed)
  }

  /// Nil unless the seed has 32 bytes. Prefer `SecretBytes` for seeds that matter: an array is not wiped.
  public convenience init?(seed: [UInt8]) {
    guard seed.count == 32 else { return nil }
    self.init(checked: SecretBytes(copying: seed))
  }

  /// A new random key; only for the shell.
  public static func generate() -> SigningKey { SigningKey(checked: .random(32)) }

  public func sign(_ message: [UInt8]) -> Signature {
    var raw: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0)
    withUnsafeMutableBytes(of: &raw) { out in
      secret.withBytes { secret in
        _ = crypto_sign_ed25519_detached(
          out.pointer, nil, message, UInt64(message.count),
          secret.pointer)
      }
    }
    return Signature(
      r: .init(words: (raw.0.bigEndian, raw.1.bigEndian, raw.2.bigEndian, raw.3.bigEndian)),
      s: .init(words: (raw.4.bigEndian, raw.5.bigEndian, raw.6.bigEndian, raw.7.bigEndian)))
  }

  /// The 32-byte seed, to store it encrypted. The pointer is valid only inside `body`.
  public func withSeed<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try secret.withBytes { try body(UnsafeRawBufferPointer(rebasing: $0.prefix(32))) }
  }

  /// The X25519 key of the same identity, by the birational map of RFC 7748.
  public func agreementKey() -> AgreementKey {
    let scalar = SecretBytes(count: 32) { scalar in
      secret.withBytes { secret in
        _ = crypto_sign_ed25519_sk_to_curve25519(
          scalar.pointer, secret.pointer)
      }
    }
    return AgreementKey(scalar: scalar)
  }
}

extension SigningKey: CustomStringConvertible, CustomReflectable {
  public var description: String { "signing key of \(publicKey)" }
  public var customMirror: Mirror { Mirror(self, children: []) }
}

public enum Ed25519 {
  /// False also for keys of small order, keys that are no point and signatures that are not canonical, so that nobody
  /// can make a second valid signature out of a first. About 60 microseconds.
  public static func verify(_ signature: Signature, _ message: [UInt8], by key: PublicKey) -> Bool {
    message.withUnsafeBytes { verify(signature, $0, by: key) }
  }

  public static func verify(_ signature: Signature, _ message: UnsafeRawBufferPointer, by key: PublicKey) -> Bool {
    Sodium.start()
    let (r, s) = (signature.r.words, signature.s.words)
    var raw = (
      r.0.bigEndian, r.1.bigEndian, r.2.bigEndian, r.3.bigEndian,
      s.0.bigEndian, s.1.bigEndian, s.2.bigEndian, s.3.bigEndian
    )
    return withUnsafeBytes(of: &raw) { signature in
      key.withPointer { key in
        crypto_sign_ed25519_verify_detached(
          signature.pointer, message.pointer,
          UInt64(message.count), key) == 0
      }
    }
  }

  /// The X25519 key of the identity behind a signing key. Nil if it is not a point of the prime-order group.
  public static func agreementKey(of key: PublicKey) -> AgreementPublicKey? {
    Sodium.start()
    var status: Int32 = -1
    let result = AgreementPublicKey.written { out in
      status = key.withPointer { crypto_sign_ed25519_pk_to_curve25519(out, $0) }
    }
    return status == 0 ? result : nil
  }
}
