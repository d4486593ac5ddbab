// Secret integers modulo L: shares of a key, nonces, coefficients of a dealer's polynomial. They live in protected
// memory, cannot be copied, and are wiped when their one owner lets them go. Every operation takes constant time.

import CSodium
public import Primitives

public enum PointTag: Sendable {}

/// A point of Edwards25519 in the 32-byte encoding of RFC 8032. Bytes only: who uses it decides what it must be.
public typealias PointEncoding = Bytes32<PointTag>

public struct SecretScalar: ~Copyable, @unchecked Sendable {  // immutable, one owner
  private let memory: SecretBytes

  /// `body` writes a number below L, little-endian.
  init(_ body: (UnsafeMutablePointer<UInt8>) -> Void) {
    memory = SecretBytes(count: 32) { body($0.pointer) }
  }

  /// Nil unless there are 32 bytes that are a number below L, little-endian.
  public init?(canonical bytes: SecretBytes) {
    guard bytes.count == 32 else { return nil }
    // Reducing leaves a number below L as it is.
    let reduced = SecretScalar { out in
      withUnsafeTemporaryAllocation(byteCount: 64, alignment: 8) { wide in
        sodium_memzero(wide.pointer, 64)
        bytes.withBytes { wide.copyMemory(from: $0) }
        crypto_core_ed25519_scalar_reduce(out, wide.pointer)
        sodium_memzero(wide.pointer, 64)
      }
    }
    guard reduced.memory.isEqual(to: bytes) else { return nil }
    self = reduced
  }

  /// Another handle on the same number.
  public init(copying other: borrowing SecretScalar) { memory = other.memory }

  /// BLAKE2b-512 of a seed for one purpose, modulo L: the same seed and context give the same number.
  public init(seed: SecretBytes, domain: String, context: [UInt8]) {
    self.init { out in
      withUnsafeTemporaryAllocation(byteCount: 64, alignment: 8) { wide in
        seed.withBytes { seed in
          var stream = Blake2bStream(outputLength: 64)
          stream.update(prefixed: Array(domain.utf8))
          stream.update(prefixed: context)
          stream.update(seed)
          stream.finish(into: wide)
          stream.wipe()
        }
        crypto_core_ed25519_scalar_reduce(out, wide.pointer)
        sodium_memzero(wide.pointer, 64)
      }
    }
  }

  /// SHA-512(prefix, random, secret) modulo L: `nonce_generate` of RFC 9591, section 4.1. `random` has 32 bytes, fresh
  /// for every nonce.
  public init(noncePrefix prefix: [UInt8], random: SecretBytes, secret: borrowing SecretScalar) {
    precondition(random.count == 32)
    self.init(noncePrefix: prefix, secret: secret) { out in random.withBytes { out.copyMemory(from: $0) } }
  }

  /// The same with the random value `seed.derived(domain, counter: counter)`, which gets no protected memory of its own:
  /// it is gone when this returns.
  public init(
    noncePrefix prefix: [UInt8], seed: SecretBytes, domain: String, counter: UInt64, secret: borrowing SecretScalar
  ) {
    self.init(noncePrefix: prefix, secret: secret) { seed.derive(domain, counter: counter, into: $0) }
  }

  /// `writeRandom` writes 32 bytes.
  private init(
    noncePrefix prefix: [UInt8], secret: borrowing SecretScalar,
    _ writeRandom: (UnsafeMutableRawBufferPointer) -> Void
  ) {
    let key = secret.memory
    self.init { out in
      let length = prefix.count + 64
      withUnsafeTemporaryAllocation(byteCount: length + 64, alignment: 8) { scratch in
        let wide = UnsafeMutableRawBufferPointer(rebasing: scratch[length...])
        scratch.copyBytes(from: prefix)
        writeRandom(UnsafeMutableRawBufferPointer(rebasing: scratch[prefix.count..<prefix.count + 32]))
        key.withBytes { UnsafeMutableRawBufferPointer(rebasing: scratch[(prefix.count + 32)...]).copyMemory(from: $0) }
        _ = crypto_hash_sha512(wide.pointer, scratch.pointer, UInt64(length))
        crypto_core_ed25519_scalar_reduce(out, wide.pointer)
        sodium_memzero(scratch.pointer, scratch.count)
      }
    }
  }

  /// This times the base point.
  public func timesBase() -> PointEncoding {
    // It reports zero as a failure but writes the neutral point, which is right.
    memory.withBytes { scalar in
      let scalar = scalar.pointer
      return PointEncoding.written { _ = crypto_scalarmult_ed25519_base_noclamp($0, scalar) }
    }
  }

  /// This times a public factor, times the base point.
  public func timesBase(scaledBy factor: Scalar25519) -> PointEncoding {
    withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { product in
      memory.withBytes { secret in
        factor.bytes.withPointer { crypto_core_ed25519_scalar_mul(product.pointer, secret.pointer, $0) }
      }
      let point = PointEncoding.written { _ = crypto_scalarmult_ed25519_base_noclamp($0, product.pointer) }
      sodium_memzero(product.pointer, 32)
      return point
    }
  }

  /// This times a point. Nil unless the point is canonical, of the prime-order group and not neutral; and if the
  /// product is neutral.
  public func times(_ point: PointEncoding) -> PointEncoding? {
    var status: Int32 = -1
    let product = memory.withBytes { scalar in
      let scalar = scalar.pointer
      return PointEncoding.written { out in
        point.withPointer { status = crypto_scalarmult_ed25519_noclamp(out, scalar, $0) }
      }
    }
    return status == 0 ? product : nil
  }

  public func adding(_ other: borrowing SecretScalar) -> SecretScalar {
    let (a, b) = (memory, other.memory)
    return SecretScalar { out in
      a.withBytes { a in b.withBytes { crypto_core_ed25519_scalar_add(out, a.pointer, $0.pointer) } }
    }
  }

  public func times(_ factor: Scalar25519) -> SecretScalar {
    let a = memory
    return SecretScalar { out in
      a.withBytes { a in factor.bytes.withPointer { crypto_core_ed25519_scalar_mul(out, a.pointer, $0) } }
    }
  }

  /// nonce + challenge * this, which is meant to be published: the answer of a Schnorr proof. A nonce answers once.
  public func answer(to challenge: Scalar25519, nonce: consuming SecretScalar) -> Scalar25519 {
    let (secret, nonce) = (memory, nonce.memory)
    return withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { product in
      secret.withBytes { secret in
        challenge.bytes.withPointer { crypto_core_ed25519_scalar_mul(product.pointer, secret.pointer, $0) }
      }
      let sum = Bytes32<ScalarTag>.written { out in
        nonce.withBytes { crypto_core_ed25519_scalar_add(out, $0.pointer, product.pointer) }
      }
      sodium_memzero(product.pointer, 32)
      return Scalar25519(trusted: sum)
    }
  }

  /// hiding + binding * factor + this * challenge: the signature share of RFC 9591, section 5.2, with
  /// `challenge` = c times the signer's Lagrange coefficient.
  public func signatureShare(
    hiding: borrowing SecretScalar, binding: borrowing SecretScalar, factor: Scalar25519, challenge: Scalar25519
  ) -> Scalar25519 {
    let (secret, hiding, binding) = (memory, hiding.memory, binding.memory)
    return withUnsafeTemporaryAllocation(byteCount: 64, alignment: 8) { scratch in
      let (first, second) = (scratch.pointer, scratch.pointer + 32)
      binding.withBytes { binding in
        factor.bytes.withPointer { crypto_core_ed25519_scalar_mul(first, binding.pointer, $0) }
      }
      secret.withBytes { secret in
        challenge.bytes.withPointer { crypto_core_ed25519_scalar_mul(second, secret.pointer, $0) }
      }
      crypto_core_ed25519_scalar_add(first, first, second)
      let sum = Bytes32<ScalarTag>.written { out in
        hiding.withBytes { crypto_core_ed25519_scalar_add(out, $0.pointer, first) }
      }
      sodium_memzero(scratch.pointer, 64)
      return Scalar25519(trusted: sum)
    }
  }

  public func isEqual(to other: borrowing SecretScalar) -> Bool { memory.isEqual(to: other.memory) }

  /// The 32 bytes, to seal and store them.
  public func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
    try memory.withBytes(body)
  }
}

/// The coefficients of a dealer's polynomial, constant term first.
public struct SecretPolynomial: ~Copyable, @unchecked Sendable {  // immutable, one owner
  private let memory: SecretBytes
  /// Coefficients: one more than the degree.
  public let count: Int

  /// Coefficients from a seed for one purpose.
  public init(count: Int, seed: SecretBytes, domain: String, context: [UInt8]) {
    self.init(count: count, first: nil, seed: seed, domain: domain, context: context)
  }

  /// The same, with a given constant term.
  public init(
    constant: borrowing SecretScalar, count: Int, seed: SecretBytes, domain: String, context: [UInt8]
  ) {
    self.init(count: count, first: constant.share, seed: seed, domain: domain, context: context)
  }

  private init(count: Int, first: SecretBytes?, seed: SecretBytes, domain: String, context: [UInt8]) {
    precondition((1...256).contains(count))
    self.count = count
    memory = SecretBytes(count: 32 * count) { out in
      for index in 0..<count {
        let part = UnsafeMutableRawBufferPointer(rebasing: out[(32 * index)..<(32 * index + 32)])
        if index == 0, let first {
          first.withBytes { part.copyMemory(from: $0) }
        } else {
          let place = [UInt8(truncatingIfNeeded: index)]
          let coefficient = SecretScalar(seed: seed, domain: domain, context: context + place)
          coefficient.withBytes { part.copyMemory(from: $0) }
        }
      }
    }
  }

  /// Nil unless there is a multiple of 32 bytes: the coefficients, each below L.
  public init?(coefficients bytes: SecretBytes) {
    guard bytes.count > 0, bytes.count % 32 == 0 else { return nil }
    count = bytes.count / 32
    memory = bytes
  }

  /// The value at `place`, by Horner's rule.
  public func value(at place: Scalar25519) -> SecretScalar {
    let (memory, count) = (memory, count)
    return SecretScalar { out in
      memory.withBytes { coefficients in
        place.bytes.withPointer { place in
          for index in stride(from: count - 1, through: 0, by: -1) {
            crypto_core_ed25519_scalar_mul(out, out, place)
            crypto_core_ed25519_scalar_add(out, out, coefficients.pointer + 32 * index)
          }
        }
      }
    }
  }

  func withCoefficients<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R { memory.withBytes(body) }

  /// Each coefficient times the base point.
  public func commitments() -> [PointEncoding] {
    memory.withBytes { coefficients in
      (0..<count).map { index in
        let scalar = coefficients.pointer + 32 * index
        return PointEncoding.written { _ = crypto_scalarmult_ed25519_base_noclamp($0, scalar) }
      }
    }
  }
}

extension SecretScalar {
  /// The memory itself, inside this module.
  var share: SecretBytes { memory }
}

/// Point arithmetic of libsodium, for secrets' sake and as the yardstick of faster public arithmetic.
public enum Edwards25519 {
  /// Canonical, of the prime-order group, and not neutral.
  public static func isGroupElement(_ point: PointEncoding) -> Bool {
    Sodium.start()
    return point.withPointer { crypto_core_ed25519_is_valid_point($0) } == 1
  }

  /// Nil if one of them is not on the curve.
  public static func add(_ a: PointEncoding, _ b: PointEncoding) -> PointEncoding? {
    Sodium.start()
    var status: Int32 = -1
    let sum = PointEncoding.written { out in
      a.withPointer { a in b.withPointer { status = crypto_core_ed25519_add(out, a, $0) } }
    }
    return status == 0 ? sum : nil
  }

  /// Nil unless the point is an element of the group; and if the product is neutral.
  public static func multiply(_ point: PointEncoding, by scalar: Scalar25519) -> PointEncoding? {
    Sodium.start()
    var status: Int32 = -1
    let product = PointEncoding.written { out in
      scalar.bytes.withPointer { scalar in
        point.withPointer { status = crypto_scalarmult_ed25519_noclamp(out, scalar, $0) }
      }
    }
    return status == 0 ? product : nil
  }

  /// The neutral point for zero.
  public static func base(times scalar: Scalar25519) -> PointEncoding {
    Sodium.start()
    return PointEncoding.written { out in
      scalar.bytes.withPointer { _ = crypto_scalarmult_ed25519_base_noclamp(out, $0) }
    }
  }
}
