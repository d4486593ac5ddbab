// BLAKE2b (RFC 7693), unkeyed: the one hash function of the protocol.

import CSodium
public import Primitives

extension Bytes32 {
  /// The value whose 32 bytes `body` writes.
  @inline(__always)
  static func written(by body: (UnsafeMutablePointer<UInt8>) -> Void) -> Self {
    var raw: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    withUnsafeMutableBytes(of: &raw) { buffer in
      body(buffer.pointer)
    }
    return Self(words: (raw.0.bigEndian, raw.1.bigEndian, raw.2.bigEndian, raw.3.bigEndian))
  }

  /// The 32 bytes as the pointer libsodium asks for.
  @inline(__always)
  func withPointer<R>(_ body: (UnsafePointer<UInt8>) -> R) -> R {
    var raw = (words.0.bigEndian, words.1.bigEndian, words.2.bigEndian, words.3.bigEndian)
    return withUnsafePointer(to: &raw) { pointer in
      pointer.withMemoryRebound(to: UInt8.self, capacity: 32) { body($0) }
    }
  }
}

public enum Blake2b {
  /// BLAKE2b-256.
  public static func hash(_ bytes: [UInt8]) -> Digest {
    bytes.withUnsafeBytes { hash($0) }
  }

  /// BLAKE2b-256.
  public static func hash(_ bytes: UnsafeRawBufferPointer) -> Digest {
    Sodium.start()
    return Digest.written { out in
      _ = crypto_generichash_blake2b(out, 32, bytes.pointer, UInt64(bytes.count), nil, 0)
    }
  }

  /// BLAKE2b-256 of what is meant for one purpose only: one byte with the length of `domain`, `domain` in UTF-8, then
  /// each part after its length as a little-endian `UInt32`. No two different lists of parts give the same input.
  /// `domain` is a constant of the protocol of at most 255 bytes.
  public static func hash(domain: String, _ parts: [UInt8]...) -> Digest {
    var stream = Blake2bStream(domain: domain)
    for part in parts { stream.update(prefixed: part) }
    return stream.finish()
  }

  /// BLAKE2b-512: 64 bytes.
  public static func hash64(_ bytes: [UInt8]) -> [UInt8] {
    Sodium.start()
    return [UInt8](unsafeUninitializedCapacity: 64) { out, initialized in
      _ = crypto_generichash_blake2b(UnsafeMutableRawBufferPointer(out).pointer, 64, bytes, UInt64(bytes.count), nil, 0)
      initialized = 64
    }
  }

  /// BLAKE2b-256 of `tag`, `a`, `b`: the node of a Merkle tree. 65 bytes, nothing allocated.
  public static func hashPair(tag: UInt8, _ a: Digest, _ b: Digest) -> Digest {
    Sodium.start()
    return withUnsafeTemporaryAllocation(byteCount: 72, alignment: 8) { input in
      // One word of room in front keeps the digests aligned; the input starts at the tag, byte 7.
      input.storeBytes(of: tag, toByteOffset: 7, as: UInt8.self)
      input.storeBytes(of: a.words.0.bigEndian, toByteOffset: 8, as: UInt64.self)
      input.storeBytes(of: a.words.1.bigEndian, toByteOffset: 16, as: UInt64.self)
      input.storeBytes(of: a.words.2.bigEndian, toByteOffset: 24, as: UInt64.self)
      input.storeBytes(of: a.words.3.bigEndian, toByteOffset: 32, as: UInt64.self)
      input.storeBytes(of: b.words.0.bigEndian, toByteOffset: 40, as: UInt64.self)
      input.storeBytes(of: b.words.1.bigEndian, toByteOffset: 48, as: UInt64.self)
      input.storeBytes(of: b.words.2.bigEndian, toByteOffset: 56, as: UInt64.self)
      input.storeBytes(of: b.words.3.bigEndian, toByteOffset: 64, as: UInt64.self)
      return hash(UnsafeRawBufferPointer(rebasing: input[7...]))
    }
  }
}

/// BLAKE2b-256 of bytes that arrive in pieces. Copying one copies the hash so far, so a common prefix is hashed once.
public struct Blake2bStream {
  /// libsodium's state: 384 bytes that its headers keep opaque and its code reads without regard to alignment. Swift
  /// cannot import the type, whose declared alignment of 64 it does not support.
  private var state = InlineArray<48, UInt64>(repeating: 0)

  public init() { self.init(outputLength: 32) }

  init(outputLength: Int) {
    Sodium.start()
    withState { crypto_generichash_blake2b_init($0, nil, 0, outputLength) }
  }

  /// Begins a domain-separated hash; see `Blake2b.hash(domain:_:)`.
  public init(domain: String) {
    self.init()
    var domain = domain
    domain.withUTF8 { name in
      precondition(name.count <= 255, "a hash domain has at most 255 bytes")
      update(UInt8(name.count))
      update(UnsafeRawBufferPointer(name))
    }
  }

  public mutating func update(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { update($0) }
  }

  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    withState { crypto_generichash_blake2b_update($0, bytes.pointer, UInt64(bytes.count)) }
  }

  public mutating func update<Tag>(_ bytes: Bytes32<Tag>) {
    bytes.withBytes { update($0) }
  }

  public mutating func update(_ byte: UInt8) {
    withUnsafeBytes(of: byte) { update($0) }
  }

  /// The bytes after their length as a little-endian `UInt32`.
  public mutating func update(prefixed bytes: [UInt8]) {
    precondition(bytes.count <= UInt32.max)
    withUnsafeBytes(of: UInt32(bytes.count).littleEndian) { update($0) }
    update(bytes)
  }

  /// The hash of everything given so far. The stream is used up.
  public mutating func finish() -> Digest {
    Digest.written { out in withState { crypto_generichash_blake2b_final($0, out, 32) } }
  }

  /// For a stream begun with `outputLength`.
  mutating func finish(into output: UnsafeMutableRawBufferPointer) {
    withState { crypto_generichash_blake2b_final($0, output.pointer, output.count) }
  }

  /// For a stream that saw secrets.
  mutating func wipe() {
    withUnsafeMutableBytes(of: &state) { sodium_memzero($0.pointer, $0.count) }
  }

  @inline(__always)
  private mutating func withState(_ body: (OpaquePointer) -> Int32) {
    let status = withUnsafeMutablePointer(to: &state) { body(OpaquePointer($0)) }
    precondition(status == 0, "a BLAKE2b stream is used once")
  }
}
