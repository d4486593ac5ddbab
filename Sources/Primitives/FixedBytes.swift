/// Thirty-two bytes with a meaning. The tag keeps a digest from being passed for a key; storage is four words, so
/// comparison and hashing cost a few instructions and nothing is allocated.
///
/// Order is the lexicographic order of the bytes.
@frozen public struct Bytes32<Tag>: Hashable, Comparable, Sendable {
  /// Big-endian words: word order is byte order.
  public var words: (UInt64, UInt64, UInt64, UInt64)

  @inlinable public init(words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

  /// All zero: "none" where the protocol says so.
  @inlinable public static var zero: Self { Self(words: (0, 0, 0, 0)) }

  /// Nil unless there are exactly 32 bytes.
  @inlinable public init?(_ bytes: some Collection<UInt8>) {
    guard bytes.count == 32 else { return nil }
    var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    withUnsafeMutableBytes(of: &words) { $0.copyBytes(from: bytes) }
    self.words = (
      UInt64(bigEndian: words.0), UInt64(bigEndian: words.1), UInt64(bigEndian: words.2), UInt64(bigEndian: words.3)
    )
  }

  /// From lower- or upper-case hexadecimal digits; nil unless there are exactly 64.
  public init?(hex: String) {
    guard let bytes = Hex.decode(hex) else { return nil }
    self.init(bytes)
  }

  @inlinable public var bytes: [UInt8] { withBytes { Array($0) } }

  public var hex: String { Hex.encode(bytes) }

  /// Bit `index` from the most significant bit of the first byte; `index` is taken modulo 256.
  @inlinable public func bit(_ index: Int) -> Bool {
    let word =
      switch (index >> 6) & 3 {
      case 0: words.0
      case 1: words.1
      case 2: words.2
      default: words.3
      }
    return (word >> UInt64(63 - (index & 63))) & 1 == 1
  }

  @inlinable public func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
    let copy = (words.0.bigEndian, words.1.bigEndian, words.2.bigEndian, words.3.bigEndian)
    return try withUnsafeBytes(of: copy, body)
  }

  @inlinable public static func == (a: Self, b: Self) -> Bool {
    (a.words.0 ^ b.words.0) | (a.words.1 ^ b.words.1) | (a.words.2 ^ b.words.2) | (a.words.3 ^ b.words.3) == 0
  }

  @inlinable public static func < (a: Self, b: Self) -> Bool { a.words < b.words }

  @inlinable public func hash(into hasher: inout Hasher) {
    hasher.combine(words.0)
    hasher.combine(words.1)
    hasher.combine(words.2)
    hasher.combine(words.3)
  }
}

extension Bytes32: CustomStringConvertible {
  /// The first eight digits, for logs.
  public var description: String { String(hex.prefix(8)) }
}

public enum DigestTag: Sendable {}
public enum PublicKeyTag: Sendable {}
public enum AccountTag: Sendable {}

/// A BLAKE2b-256 hash.
public typealias Digest = Bytes32<DigestTag>
/// An Ed25519 public key (validators, traders) in its 32-byte encoding of RFC 8032.
public typealias PublicKey = Bytes32<PublicKeyTag>
/// Who owns money: a trader's public key, as the name of its main account.
public typealias AccountID = Bytes32<AccountTag>

/// An Ed25519 signature of RFC 8032: R, then S.
@frozen public struct Signature: Hashable, Sendable {
  public var r: Bytes32<SignatureTag>
  public var s: Bytes32<SignatureTag>

  @inlinable public init(r: Bytes32<SignatureTag>, s: Bytes32<SignatureTag>) {
    self.r = r
    self.s = s
  }

  /// Nil unless there are exactly 64 bytes.
  @inlinable public init?(_ bytes: some Collection<UInt8>) {
    guard bytes.count == 64, let r = Bytes32<SignatureTag>(bytes.prefix(32)),
      let s = Bytes32<SignatureTag>(bytes.dropFirst(32))
    else { return nil }
    self.init(r: r, s: s)
  }

  @inlinable public static var zero: Self { Self(r: .zero, s: .zero) }
  @inlinable public var bytes: [UInt8] { r.bytes + s.bytes }
  public var hex: String { Hex.encode(bytes) }
}

public enum SignatureTag: Sendable {}
