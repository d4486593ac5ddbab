// Where all secrets of one start of a node come from that are not kept: T4.

public import Sodium

/// A reference, so that a copy of a node's state never draws a seed twice.
public final class SeedSource {
  private let seed: SecretBytes
  private var drawn: UInt64 = 0

  /// - Parameter seed: 32 random bytes, fresh for this start.
  public init(_ seed: SecretBytes) {
    precondition(seed.count == 32)
    self.seed = seed
  }

  /// 32 bytes that nothing else gets.
  public func draw() -> SecretBytes {
    drawn &+= 1
    return seed.derived("novation/seed/v1", counter: drawn)
  }

  /// A number for a start of signing, not secret and not zero.
  public func drawBootId() -> UInt64 {
    draw().withBytes { $0.loadUnaligned(as: UInt64.self) } >> 2 | 1
  }
}
