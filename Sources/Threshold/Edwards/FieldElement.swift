// Integers modulo 2^255 - 19 for public data only: its running time depends on the values.
//
// Five limbs of 51 bits. A product takes limbs below 2^54 and gives limbs below 2^52: each of its columns is below
// 5 * 19 * 2^108 < 2^115, so the 128-bit sums cannot wrap. A sum of two products stays below 2^53; a difference adds
// 16 p first and is brought below 2^52 again. Wrapping operators therefore never wrap here; they only cannot trap.

struct FieldElement: Sendable {
  var l0, l1, l2, l3, l4: UInt64

  static let mask: UInt64 = (1 << 51) - 1
  static let zero = FieldElement(0, 0, 0, 0, 0)
  static let one = FieldElement(1, 0, 0, 0, 0)
  /// d of the curve -x^2 + y^2 = 1 + d x^2 y^2 (RFC 8032, section 5.1).
  static let d = FieldElement(0x34dca135978a3, 0x1a8283b156ebd, 0x5e7a26001c029, 0x739c663a03cbb, 0x52036cee2b6ff)
  static let twiceD = FieldElement(
    0x69b9426b2f159, 0x35050762add7a, 0x3cf44c0038052, 0x6738cc7407977, 0x2406d9dc56dff)
  /// A square root of -1.
  static let rootOfMinusOne = FieldElement(
    0x61b274a0ea0b0, 0xd5a5fc8f189d, 0x7ef5e9cbd0c60, 0x78595a6804c9e, 0x2b8324804fc1d)

  @inline(__always)
  init(_ l0: UInt64, _ l1: UInt64, _ l2: UInt64, _ l3: UInt64, _ l4: UInt64) {
    self.l0 = l0
    self.l1 = l1
    self.l2 = l2
    self.l3 = l3
    self.l4 = l4
  }

  /// The low 255 bits of four little-endian words.
  init(words w: (UInt64, UInt64, UInt64, UInt64)) {
    self.init(
      w.0 & Self.mask, (w.0 >> 51 | w.1 << 13) & Self.mask, (w.1 >> 38 | w.2 << 26) & Self.mask,
      (w.2 >> 25 | w.3 << 39) & Self.mask, (w.3 >> 12) & Self.mask)
  }

  /// The number below p, as four little-endian words.
  var words: (UInt64, UInt64, UInt64, UInt64) {
    var h = carried()
    // h < 2p now: q is 1 if h >= p.
    var q = (h.l0 &+ 19) >> 51
    q = (h.l1 &+ q) >> 51
    q = (h.l2 &+ q) >> 51
    q = (h.l3 &+ q) >> 51
    q = (h.l4 &+ q) >> 51
    h.l0 &+= 19 &* q
    h.l1 &+= h.l0 >> 51
    h.l0 &= Self.mask
    h.l2 &+= h.l1 >> 51
    h.l1 &= Self.mask
    h.l3 &+= h.l2 >> 51
    h.l2 &= Self.mask
    h.l4 &+= h.l3 >> 51
    h.l3 &= Self.mask
    h.l4 &= Self.mask
    return (
      h.l0 | h.l1 << 51, h.l1 >> 13 | h.l2 << 38, h.l2 >> 26 | h.l3 << 25, h.l3 >> 39 | h.l4 << 12
    )
  }

  var isZero: Bool {
    let w = words
    return w.0 | w.1 | w.2 | w.3 == 0
  }

  /// The lowest bit of the number below p: the "sign" of an x-coordinate.
  var isOdd: Bool { words.0 & 1 == 1 }

  /// Limbs below 2^51, but for the lowest, which may exceed it by a little.
  @inline(__always)
  private func carried() -> Self {
    let c0 = l0 >> 51
    let c1 = l1 >> 51
    let c2 = l2 >> 51
    let c3 = l3 >> 51
    let c4 = l4 >> 51
    return Self(
      (l0 & Self.mask) &+ 19 &* c4, (l1 & Self.mask) &+ c0, (l2 & Self.mask) &+ c1, (l3 & Self.mask) &+ c2,
      (l4 & Self.mask) &+ c3)
  }

  @inline(__always)
  static func + (a: Self, b: Self) -> Self {
    Self(a.l0 &+ b.l0, a.l1 &+ b.l1, a.l2 &+ b.l2, a.l3 &+ b.l3, a.l4 &+ b.l4)
  }

  /// `b` has limbs below 2^54.
  @inline(__always)
  static func - (a: Self, b: Self) -> Self {
    Self(
      (a.l0 &+ 0x7f_ffff_ffff_fed0) &- b.l0, (a.l1 &+ 0x7f_ffff_ffff_fff0) &- b.l1,
      (a.l2 &+ 0x7f_ffff_ffff_fff0) &- b.l2, (a.l3 &+ 0x7f_ffff_ffff_fff0) &- b.l3,
      (a.l4 &+ 0x7f_ffff_ffff_fff0) &- b.l4
    ).carried()
  }

  @inline(__always) static prefix func - (a: Self) -> Self { .zero - a }

  @inline(__always)
  static func * (a: Self, b: Self) -> Self {
    let b1 = b.l1 &* 19
    let b2 = b.l2 &* 19
    let b3 = b.l3 &* 19
    let b4 = b.l4 &* 19
    let c0 = wide(a.l0, b.l0) &+ wide(a.l4, b1) &+ wide(a.l3, b2) &+ wide(a.l2, b3) &+ wide(a.l1, b4)
    let c1 = wide(a.l1, b.l0) &+ wide(a.l0, b.l1) &+ wide(a.l4, b2) &+ wide(a.l3, b3) &+ wide(a.l2, b4)
    let c2 = wide(a.l2, b.l0) &+ wide(a.l1, b.l1) &+ wide(a.l0, b.l2) &+ wide(a.l4, b3) &+ wide(a.l3, b4)
    let c3 = wide(a.l3, b.l0) &+ wide(a.l2, b.l1) &+ wide(a.l1, b.l2) &+ wide(a.l0, b.l3) &+ wide(a.l4, b4)
    let c4 = wide(a.l4, b.l0) &+ wide(a.l3, b.l1) &+ wide(a.l2, b.l2) &+ wide(a.l1, b.l3) &+ wide(a.l0, b.l4)
    return folded(c0, c1, c2, c3, c4)
  }

  @inline(__always)
  func squared() -> Self {
    let d0 = l0 &* 2
    let d1 = l1 &* 2
    let d2 = l2 &* 2
    let t3 = l3 &* 19
    let t4 = l4 &* 19
    let c0 = Self.wide(l0, l0) &+ Self.wide(d1, t4) &+ Self.wide(d2, t3)
    let c1 = Self.wide(d0, l1) &+ Self.wide(d2, t4) &+ Self.wide(l3, t3)
    let c2 = Self.wide(d0, l2) &+ Self.wide(l1, l1) &+ Self.wide(l3 &* 2, t4)
    let c3 = Self.wide(d0, l3) &+ Self.wide(d1, l2) &+ Self.wide(l4, t4)
    let c4 = Self.wide(d0, l4) &+ Self.wide(d1, l3) &+ Self.wide(l2, l2)
    return Self.folded(c0, c1, c2, c3, c4)
  }

  @inline(__always)
  private static func wide(_ a: UInt64, _ b: UInt64) -> UInt128 {
    UInt128(truncatingIfNeeded: a) &* UInt128(truncatingIfNeeded: b)
  }

  @inline(__always)
  private static func folded(
    _ c0: UInt128, _ c1: UInt128, _ c2: UInt128, _ c3: UInt128, _ c4: UInt128
  ) -> Self {
    let c1 = c1 &+ (c0 &>> 51)
    let c2 = c2 &+ (c1 &>> 51)
    let c3 = c3 &+ (c2 &>> 51)
    let c4 = c4 &+ (c3 &>> 51)
    // The carry out of the top is below 2^64: c4 < 2^113 + 2^62.
    let top = UInt64(truncatingIfNeeded: c4 &>> 51)
    let low = (UInt64(truncatingIfNeeded: c0) & mask) &+ 19 &* top
    return Self(
      low & mask, (UInt64(truncatingIfNeeded: c1) & mask) &+ (low >> 51), UInt64(truncatingIfNeeded: c2) & mask,
      UInt64(truncatingIfNeeded: c3) & mask, UInt64(truncatingIfNeeded: c4) & mask)
  }

  func squared(times: Int) -> Self {
    var x = self
    for _ in 0..<times { x = x.squared() }
    return x
  }

  /// x^(2^250 - 1) and x^11, from which both exponents below follow.
  private var ladder: (high: Self, eleventh: Self) {
    let x2 = squared()
    let x9 = x2.squared(times: 2) * self
    let x11 = x9 * x2
    let x5 = x11.squared() * x9
    let x10 = x5.squared(times: 5) * x5
    let x20 = x10.squared(times: 10) * x10
    let x40 = x20.squared(times: 20) * x20
    let x50 = x40.squared(times: 10) * x10
    let x100 = x50.squared(times: 50) * x50
    let x200 = x100.squared(times: 100) * x100
    return (x200.squared(times: 50) * x50, x11)
  }

  /// x^(p-2): the inverse; zero for zero.
  func inverted() -> Self {
    let (high, eleventh) = ladder
    return high.squared(times: 5) * eleventh
  }

  /// x^((p-5)/8).
  var powerForRoot: Self { ladder.high.squared(times: 2) * self }

  static func == (a: Self, b: Self) -> Bool { (a - b).isZero }
}
