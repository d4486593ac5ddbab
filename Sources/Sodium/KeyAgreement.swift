// X25519 key agreement (RFC 7748) of the sessions between nodes.

import CSodium
public import Primitives

public enum AgreementPublicKeyTag: Sendable {}

/// An X25519 public key: a u-coordinate, little-endian.
public typealias AgreementPublicKey = Bytes32<AgreementPublicKeyTag>

/// An X25519 secret key, in protected memory.
public final class AgreementKey: @unchecked Sendable {  // immutable
  public let publicKey: AgreementPublicKey
  private let scalar: SecretBytes

  init(scalar: SecretBytes) {
    self.scalar = scalar
    publicKey = scalar.withBytes { scalar in
      let scalarBytes = scalar.pointer
      return AgreementPublicKey.written { _ = crypto_scalarmult_curve25519_base($0, scalarBytes) }
    }
  }

  /// Nil unless there are 32 bytes. Any 32 bytes are a key: X25519 clamps them.
  public convenience init?(_ bytes: SecretBytes) {
    guard bytes.count == 32 else { return nil }
    self.init(scalar: bytes)
  }

  /// Nil unless there are 32 bytes.
  public convenience init?(_ bytes: [UInt8]) {
    guard bytes.count == 32 else { return nil }
    self.init(scalar: SecretBytes(copying: bytes))
  }

  /// A new random key; only for the shell.
  public static func generate() -> AgreementKey { AgreementKey(scalar: .random(32)) }

  /// The shared secret, 32 bytes; nil if the other key is of small order, which would make the secret known to all.
  public func agree(with other: AgreementPublicKey) -> SecretBytes? {
    var status: Int32 = -1
    let shared = SecretBytes(count: 32) { shared in
      scalar.withBytes { scalar in
        other.withPointer { other in
          status = crypto_scalarmult_curve25519(
            shared.pointer, scalar.pointer, other)
        }
      }
    }
    return status == 0 ? shared : nil
  }
}

extension AgreementKey: CustomStringConvertible, CustomReflectable {
  public var description: String { "agreement key of \(publicKey)" }
  public var customMirror: Mirror { Mirror(self, children: []) }
}
