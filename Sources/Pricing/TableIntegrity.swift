// The tables' digest: recomputed by a test and by the node when it starts.

/// Whether the constants compiled into this program are those that the generator wrote.
public enum PricingTables {
  /// FNV-1a, 64 bits, over the little-endian bytes of every table. It notices damage and edits, not an adversary: who
  /// can change the table can change the digest, and the executable's own signature is what speaks against that.
  public static func digest() -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for table in [Tables.upperTail, Tables.density, Tables.logarithm] {
      for word in table {
        var rest = UInt64(bitPattern: word)
        for _ in 0..<8 {
          hash = (hash ^ (rest & 0xff)) &* 0x0100_0000_01b3
          rest >>= 8
        }
      }
    }
    return hash
  }

  /// The start-up check.
  public static func areIntact() -> Bool {
    digest() == Tables.expectedDigest && Tables.upperTail.count == Tables.intervals * Tables.rowWords
      && Tables.density.count == Tables.intervals * Tables.rowWords && Tables.logarithm.count == 256
  }
}
