// The only door to libsodium: hashes, signatures, key agreement, authenticated encryption, password hashing and memory
// for secrets. Nothing here traps on what came from outside: wrong lengths and bad keys are nil or false. What it
// leaves out: every decision about protocols.

import CSodium

public enum Sodium {
  private static let ready: Bool = sodium_init() >= 0

  /// Readies the library and chooses its fastest code for this processor. Every entry point of the module calls it, so
  /// callers never need to; after the first time it costs about a nanosecond.
  @inline(__always) public static func start() {
    precondition(ready, "libsodium could not start: the system offers no source of randomness")
  }
}

/// Randomness of the operating system. Only the shell may call it: the cores take randomness as an input.
public enum SecureRandom {
  public static func bytes(_ count: Int) -> [UInt8] {
    Sodium.start()
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      if let base = buffer.baseAddress { randombytes_buf(base, count) }
      initialized = count
    }
  }

  public static func uint64() -> UInt64 {
    Sodium.start()
    var value: UInt64 = 0
    randombytes_buf(&value, 8)
    return value
  }
}
