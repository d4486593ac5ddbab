// Chance, split by purpose: drawing more in one place never shifts what another place draws.

import Primitives

enum Purpose: UInt64 {
  case options = 1, links, network, faults, disks, load, adversaries, keys, prices, checks, seeds, storm, succession
}

extension SeededRandom {
  /// Uniform in low...high.
  mutating func between(_ low: Int64, _ high: Int64) -> Int64 { low + Int64(below(UInt64(high - low + 1))) }

  mutating func chance(perMille: UInt64) -> Bool { below(1000) < perMille }

  /// Exponential with this mean, at most 7.6 times the mean.
  mutating func exponential(_ mean: Instant) -> Instant {
    guard mean > 0 else { return 0 }
    return mean * Self.logarithms[Int(next() & 1023)] >> 16
  }

  /// -ln((i + 0.5) / 1024) in 1 / 65536. By a series of plain arithmetic, which IEEE 754 makes alike everywhere.
  private static let logarithms: [Int64] = (0..<1024).map { index in
    var rest = (Double(index) + 0.5) / 1024
    var result = 0.0
    while rest < 0.5 {
      rest *= 2
      result += 0.693147180559945309
    }
    let ratio = (rest - 1) / (rest + 1)
    var power = ratio
    var sum = 0.0
    for term in 0..<12 {
      sum += power / Double(2 * term + 1)
      power *= ratio * ratio
    }
    return Int64((result - 2 * sum) * 65_536)
  }
}

/// A running hash of everything that happens: two runs of one seed have the same, or the simulator is not deterministic.
struct TraceHash {
  private(set) var value: UInt64 = 0x9e37_79b9_7f4a_7c15

  @inline(__always)
  mutating func mix(_ word: UInt64) {
    let product = (value ^ word).multipliedFullWidth(by: 0xd6e8_feb8_6659_fd93)
    value = product.high ^ product.low &+ word
  }

  @inline(__always)
  mutating func mix(_ bytes: [UInt8]) {
    mix(UInt64(bytes.count))
    bytes.withUnsafeBytes { buffer in
      var offset = 0
      while offset + 8 <= buffer.count {
        mix(buffer.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        offset += 8
      }
      while offset < buffer.count {
        mix(UInt64(buffer[offset]))
        offset += 1
      }
    }
  }
}
