/// From hash to slot: an open-addressing index with linear probing and backward-shift deletion. It knows no keys; the
/// table compares them. A bucket holds the low half of the hash beside the slot, so that almost every wrong key is passed
/// over without touching the table, and growing needs no rehashing.
@frozen @usableFromInline struct SlotIndex: Sendable {
  /// Low 32 bits: slot + 1, or 0 for an empty bucket. High 32 bits: the low half of the key's hash.
  @usableFromInline var buckets: ContiguousArray<UInt64>
  @usableFromInline var mask: Int

  @inlinable init() {
    buckets = ContiguousArray(repeating: 0, count: 16)
    mask = 15
  }

  @inlinable static func fragment(_ hash: Int) -> UInt64 { UInt64(UInt32(truncatingIfNeeded: hash)) }
  @inlinable static func slot(_ bucket: UInt64) -> Int32 { Int32(truncatingIfNeeded: bucket & 0xffff_ffff) &- 1 }
  @inlinable func home(_ bucket: UInt64) -> Int { Int(truncatingIfNeeded: bucket >> 32) & mask }

  /// The slot with this hash for which `matches` holds.
  @inlinable func find(hash: Int, _ matches: (Int32) -> Bool) -> Int32? {
    let fragment = Self.fragment(hash)
    return buckets.withUnsafeBufferPointer { buckets in
      var position = Int(truncatingIfNeeded: fragment) & mask
      while true {
        let bucket = buckets[position]
        if bucket == 0 { return nil }
        if bucket >> 32 == fragment, matches(Self.slot(bucket)) { return Self.slot(bucket) }
        position = (position &+ 1) & mask
      }
    }
  }

  /// Adds a slot that is not in the index; `count` is the number of slots in it afterwards.
  @inlinable mutating func insert(_ slot: Int32, hash: Int, count: Int) {
    if count &* 8 > buckets.count &* 5 { grow() }
    place(Self.fragment(hash) << 32 | UInt64(UInt32(bitPattern: slot &+ 1)))
  }

  @inlinable mutating func place(_ bucket: UInt64) {
    var position = home(bucket)
    while buckets[position] != 0 { position = (position &+ 1) & mask }
    buckets[position] = bucket
  }

  @usableFromInline mutating func grow() {
    let old = buckets
    buckets = ContiguousArray(repeating: 0, count: old.count * 2)
    mask = buckets.count - 1
    for bucket in old where bucket != 0 { place(bucket) }
  }

  /// Removes a slot that is in the index, closing the gap so that no probe ends too early.
  @inlinable mutating func remove(_ slot: Int32, hash: Int) {
    let sought = Self.fragment(hash) << 32 | UInt64(UInt32(bitPattern: slot &+ 1))
    var gap = home(sought)
    while buckets[gap] != sought {
      precondition(buckets[gap] != 0, "slot not in the index")
      gap = (gap &+ 1) & mask
    }
    var position = gap
    while true {
      position = (position &+ 1) & mask
      let bucket = buckets[position]
      if bucket == 0 { break }
      // A bucket may move back to the gap if its home is not between the gap and itself.
      if (position &- home(bucket)) & mask >= (position &- gap) & mask {
        buckets[gap] = bucket
        gap = position
      }
    }
    buckets[gap] = 0
  }
}
