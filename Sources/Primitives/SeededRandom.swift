/// Reproducible pseudo-random numbers (SplitMix64; Steele, Lea and Flood, OOPSLA 2014) for simulation, synthetic data
/// and jitter. Never for keys or nonces.
@frozen public struct SeededRandom: RandomNumberGenerator, Sendable {
  @usableFromInline var state: UInt64

  @inlinable public init(seed: UInt64) { state = seed }

  @inlinable public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// Uniform below `bound`, by the high word of a 128-bit product: one call to `next`, so that the stream does not
  /// depend on chance or on the standard library's choice of method. `bound` of 0 gives 0.
  @inlinable public mutating func below(_ bound: UInt64) -> UInt64 { next().multipliedFullWidth(by: bound).high }

  /// An independent stream for a named purpose: drawing from one never shifts another.
  @inlinable public func stream(_ purpose: UInt64) -> SeededRandom {
    var mixer = SeededRandom(seed: state ^ (purpose &* 0xd6e8_feb8_6659_fd93))
    return SeededRandom(seed: mixer.next())
  }
}
