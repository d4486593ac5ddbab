// Public integers modulo the order of the prime-order group of Edwards25519: challenges, binding factors, signature
// shares. Secret ones are `SecretScalar`.

import CSodium
public import Primitives

public enum ScalarTag: Sendable {}

/// An integer modulo L = 2^252 + 27742317777372353535851937790883648493, in its 32-byte little-endian form.
@frozen public struct Scalar25519: Hashable, Sendable {
  public let bytes: Bytes32<ScalarTag>

  @usableFromInline init(trusted bytes: Bytes32<ScalarTag>) { self.bytes = bytes }

  public static var zero: Self { Self(trusted: .zero) }
  public static var one: Self { Self(1) }

  public init(_ value: UInt64) {
    bytes = Bytes32(words: (value.byteSwapped, 0, 0, 0))
  }

  /// Nil unless the value is below L: there is one encoding of each scalar (RFC 9591, section 6.1).
  public init?(canonical bytes: Bytes32<ScalarTag>) {
    // From the most significant word down; the words of `Bytes32` are big-endian, the number is little-endian.
    let value = [bytes.words.3, bytes.words.2, bytes.words.1, bytes.words.0].map(\.byteSwapped)
    let order: [UInt64] = [0x1000_0000_0000_0000, 0, 0x14de_f9de_a2f7_9cd6, 0x5812_631a_5cf5_d3ed]
    guard value.lexicographicallyPrecedes(order) else { return nil }
    self.bytes = bytes
  }

  /// 64 bytes as a little-endian number, modulo L.
  public init(reducing wide: [UInt8]) {
    precondition(wide.count == 64)
    Sodium.start()
    bytes = .written { crypto_core_ed25519_scalar_reduce($0, wide) }
  }

  /// SHA-512 of the parts one after the other, modulo L.
  public init(hashing parts: [UInt8]...) {
    var input: [UInt8] = []
    input.reserveCapacity(parts.reduce(0) { $0 + $1.count })
    for part in parts { input += part }
    self.init(reducing: SHA512.hash(input))
  }

  public static func + (a: Self, b: Self) -> Self { combine(a, b) { crypto_core_ed25519_scalar_add($0, $1, $2) } }
  public static func - (a: Self, b: Self) -> Self { combine(a, b) { crypto_core_ed25519_scalar_sub($0, $1, $2) } }
  public static func * (a: Self, b: Self) -> Self { combine(a, b) { crypto_core_ed25519_scalar_mul($0, $1, $2) } }
  public static prefix func - (a: Self) -> Self { .zero - a }

  /// Nil for zero. About 20 microseconds.
  public func inverted() -> Self? {
    var status: Int32 = -1
    let result = Bytes32<ScalarTag>.written { out in
      bytes.withPointer { status = crypto_core_ed25519_scalar_invert(out, $0) }
    }
    return status == 0 ? Self(trusted: result) : nil
  }

  @inline(__always)
  private static func combine(
    _ a: Self, _ b: Self,
    _ body: (UnsafeMutablePointer<UInt8>, UnsafePointer<UInt8>, UnsafePointer<UInt8>) -> Void
  ) -> Self {
    Self(trusted: .written { out in a.bytes.withPointer { a in b.bytes.withPointer { body(out, a, $0) } } })
  }
}

/// SHA-512 (FIPS 180-4), where RFC 8032 and RFC 9591 ask for it; the protocol's own hash is `Blake2b`.
public enum SHA512 {
  /// 64 bytes.
  public static func hash(_ bytes: [UInt8]) -> [UInt8] {
    Sodium.start()
    return [UInt8](unsafeUninitializedCapacity: 64) { out, initialized in
      _ = crypto_hash_sha512(UnsafeMutableRawBufferPointer(out).pointer, bytes, UInt64(bytes.count))
      initialized = 64
    }
  }
}
