// What key generation does with secret scalars: agreement, masking, and nonces of proofs.

import CSodium
public import Primitives

public enum MaskedShareTag: Sendable {}

extension SecretScalar {
  /// The point shared with `point`, in protected memory. Nil unless the point is an element of the group.
  public func agree(with point: PointEncoding) -> SecretBytes? {
    var status: Int32 = -1
    let own = share
    let shared = SecretBytes(count: 32) { out in
      own.withBytes { scalar in
        point.withPointer { status = crypto_scalarmult_ed25519_noclamp(out.pointer, scalar.pointer, $0) }
      }
    }
    return status == 0 ? shared : nil
  }

  /// The nonce of a proof about this secret, by the secret itself: the same for the same context, as in RFC 8032.
  public func proofNonce(context: [UInt8]) -> SecretScalar {
    SecretScalar(seed: share, domain: "novation/proof-nonce/v1", context: context)
  }

  /// The 32 bytes combined with a mask of 32 bytes that is used for nothing else.
  public func masked(with mask: SecretBytes) -> Bytes32<MaskedShareTag> {
    precondition(mask.count == 32)
    let own = share
    return .written { out in
      own.withBytes { secret in
        mask.withBytes { mask in for place in 0..<32 { out[place] = secret[place] ^ mask[place] } }
      }
    }
  }

  /// What was masked. Nil if it is not below L.
  public init?(unmasking masked: Bytes32<MaskedShareTag>, with mask: SecretBytes) {
    precondition(mask.count == 32)
    let secret = SecretBytes(count: 32) { out in
      masked.withPointer { masked in
        mask.withBytes { mask in for place in 0..<32 { out[place] = masked[place] ^ mask[place] } }
      }
    }
    self.init(canonical: secret)
  }
}

extension SecretPolynomial {
  /// One eighth of each coefficient, times the base point.
  public func commitmentEighths() -> [PointEncoding] {
    guard let eighth = Scalar25519(8).inverted() else { preconditionFailure("8 has an inverse") }
    return withCoefficients { coefficients in
      (0..<count).map { index in
        SecretScalar { out in
          eighth.bytes.withPointer { crypto_core_ed25519_scalar_mul(out, coefficients.pointer + 32 * index, $0) }
        }.timesBase()
      }
    }
  }
}
