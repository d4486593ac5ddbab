// Memory for secrets, from `sodium_malloc`: between guard pages, kept out of swap and core dumps where the system
// allows it, read-only once written, wiped when freed.

import CSodium

/// Bytes that must not leak. Immutable after creation, shared by reference; the last owner's release wipes them. It has
/// no textual form beyond its length, and no ordinary equality: compare with `isEqual`, which takes constant time.
///
/// Each one costs some system calls and at least three pages, so it is for keys, not for bulk data.
public final class SecretBytes: @unchecked Sendable {  // immutable after init, so sharing is safe
  private let base: UnsafeMutableRawPointer
  public let count: Int

  /// `body` writes all the bytes, which are zero before; afterwards they are read-only. `count` is our own choice of
  /// length, never one that came from outside.
  public init(count: Int, _ body: (UnsafeMutableRawBufferPointer) -> Void) {
    Sodium.start()
    precondition(count >= 0)
    guard let base = sodium_malloc(max(count, 1)) else {
      preconditionFailure("out of protected memory for secrets")
    }
    self.base = base
    self.count = count
    sodium_memzero(base, count)
    body(UnsafeMutableRawBufferPointer(start: base, count: count))
    sodium_mprotect_readonly(base)
  }

  /// That many zero bytes.
  public convenience init(count: Int) { self.init(count: count) { _ in } }

  public convenience init(copying bytes: UnsafeRawBufferPointer) {
    self.init(count: bytes.count) { $0.copyMemory(from: bytes) }
  }

  public convenience init(copying bytes: [UInt8]) {
    self.init(count: bytes.count) { $0.copyBytes(from: bytes) }
  }

  /// The first bytes as a secret of their own; `count` is at most this secret's.
  public func prefix(_ count: Int) -> SecretBytes {
    precondition(count <= self.count)
    return SecretBytes(copying: UnsafeRawBufferPointer(start: base, count: count))
  }

  /// Fresh random bytes; only for the shell.
  public static func random(_ count: Int) -> SecretBytes {
    SecretBytes(count: count) { buffer in
      if let base = buffer.baseAddress { randombytes_buf(base, buffer.count) }
    }
  }

  /// The pointer is valid only inside `body`.
  public func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
    try body(UnsafeRawBufferPointer(start: base, count: count))
  }

  /// In time that depends on the lengths alone.
  public func isEqual(to other: SecretBytes) -> Bool {
    count == other.count && sodium_memcmp(base, other.base, count) == 0
  }

  deinit { sodium_free(base) }
}

extension SecretBytes: CustomStringConvertible, CustomReflectable {
  public var description: String { "secret(\(count) bytes)" }
  public var customMirror: Mirror { Mirror(self, children: []) }
}

extension SecretBytes {
  /// 32 bytes for one purpose and number: BLAKE2b-256 of domain, counter and this secret.
  public func derived(_ domain: String, counter: UInt64) -> SecretBytes {
    SecretBytes(count: 32) { derive(domain, counter: counter, into: $0) }
  }

  /// The same into memory that the caller wipes.
  func derive(_ domain: String, counter: UInt64, into out: UnsafeMutableRawBufferPointer) {
    var stream = Blake2bStream(outputLength: 32)
    stream.update(prefixed: Array(domain.utf8))
    withUnsafeBytes(of: counter.littleEndian) { stream.update($0) }
    withBytes { stream.update($0) }
    stream.finish(into: out)
    stream.wipe()
  }
}
