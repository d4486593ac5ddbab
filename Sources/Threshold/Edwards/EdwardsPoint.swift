// Points of Edwards25519 for public data only: its running time depends on the values. Secrets go through libsodium.
//
// Extended coordinates x = X/Z, y = Y/Z, xy = T/Z; formulas of Hisil, Wong, Carter and Dawson (2008), complete on this
// curve, so no case is special.

public import Primitives
public import Sodium

public struct EdwardsPoint: Sendable {
  var x, y, z, t: FieldElement

  public static let neutral = EdwardsPoint(x: .zero, y: .one, z: .one, t: .zero)
  public static let base: EdwardsPoint = {
    let x = FieldElement(0x62d608f25d51a, 0x412a4b4f6592a, 0x75b7171a4b31d, 0x1ff60527118fe, 0x216936d3cd6e5)
    let y = FieldElement(0x6666666666658, 0x4cccccccccccc, 0x1999999999999, 0x3333333333333, 0x6666666666666)
    return EdwardsPoint(x: x, y: y, z: .one, t: x * y)
  }()

  init(x: FieldElement, y: FieldElement, z: FieldElement, t: FieldElement) {
    self.x = x
    self.y = y
    self.z = z
    self.t = t
  }

  /// Nil unless the encoding is canonical and on the curve (RFC 8032, section 5.1.3). The point may be of any order:
  /// see `isGroupElement`, or clear its cofactor with `timesEight`. About 6 microseconds.
  public init?(_ encoding: PointEncoding) {
    let words = (
      encoding.words.0.byteSwapped, encoding.words.1.byteSwapped, encoding.words.2.byteSwapped,
      encoding.words.3.byteSwapped
    )
    let isOdd = words.3 >> 63 == 1
    let y = FieldElement(words: words)
    let canonical = y.words
    guard
      canonical.0 == words.0, canonical.1 == words.1, canonical.2 == words.2,
      canonical.3 == words.3 & 0x7fff_ffff_ffff_ffff
    else { return nil }
    let ySquared = y.squared()
    let u = ySquared - .one
    let v = FieldElement.d * ySquared + .one
    let v3 = v.squared() * v
    var x = u * v3 * (u * v3.squared() * v).powerForRoot
    let check = v * x.squared()
    if !(check == u) {
      guard check == -u else { return nil }
      x = x * .rootOfMinusOne
    }
    if x.isZero && isOdd { return nil }
    if x.isOdd != isOdd { x = -x }
    self.init(x: x, y: y, z: .one, t: x * y)
  }

  public var encoding: PointEncoding { encoding(inverseOfZ: z.inverted()) }

  private func encoding(inverseOfZ inverse: FieldElement) -> PointEncoding {
    var words = (y * inverse).words
    if (x * inverse).isOdd { words.3 |= 1 << 63 }
    return PointEncoding(
      words: (words.0.byteSwapped, words.1.byteSwapped, words.2.byteSwapped, words.3.byteSwapped))
  }

  /// The encodings of many points for the price of one inversion (Montgomery's trick).
  public static func encode(_ points: [EdwardsPoint]) -> [PointEncoding] {
    var products: [FieldElement] = []
    products.reserveCapacity(points.count)
    var product = FieldElement.one
    for point in points {
      products.append(product)
      product = product * point.z
    }
    var inverse = product.inverted()
    var encodings = [PointEncoding](repeating: .zero, count: points.count)
    for place in points.indices.reversed() {
      encodings[place] = points[place].encoding(inverseOfZ: inverse * products[place])
      inverse = inverse * points[place].z
    }
    return encodings
  }

  public var isNeutral: Bool { x.isZero && y == z }

  public static func == (a: Self, b: Self) -> Bool { a.x * b.z == b.x * a.z && a.y * b.z == b.y * a.z }

  public static func + (a: Self, b: Self) -> Self { a + Cached(b) }
  public static func - (a: Self, b: Self) -> Self { a - Cached(b) }
  public static prefix func - (a: Self) -> Self { Self(x: -a.x, y: a.y, z: a.z, t: -a.t) }

  public func doubled() -> Self {
    let xx = x.squared()
    let yy = y.squared()
    let zz = z.squared()
    let sum = xx + yy
    let e = (x + y).squared() - sum
    let g = yy - xx
    let f = zz + zz - g
    return Self(x: e * f, y: g * sum, z: f * g, t: e * sum)
  }

  /// Of prime order or neutral, whatever the point was.
  public func timesEight() -> Self { doubled().doubled().doubled() }

  /// Of the prime-order group and not neutral: `DeserializeElement` of RFC 9591, section 6.1.
  public var isGroupElement: Bool {
    guard !isNeutral else { return false }
    return (multiplied(by: Self.orderMinusOne) + self).isNeutral
  }

  private static let orderMinusOne = -Scalar25519.one

  public func multiplied(by scalar: Scalar25519) -> Self { Self.sum([(scalar, self)]) }

  /// A point prepared for additions.
  struct Cached: Sendable {
    var sum, difference, z2, t2d: FieldElement

    init(_ point: EdwardsPoint) {
      sum = point.y + point.x
      difference = point.y - point.x
      z2 = point.z + point.z
      t2d = point.t * .twiceD
    }
  }

  static func + (p: Self, q: Cached) -> Self {
    let a = (p.y - p.x) * q.difference
    let b = (p.y + p.x) * q.sum
    let c = p.t * q.t2d
    let d = p.z * q.z2
    return combine(e: b - a, f: d - c, g: d + c, h: b + a)
  }

  static func - (p: Self, q: Cached) -> Self {
    let a = (p.y - p.x) * q.sum
    let b = (p.y + p.x) * q.difference
    let c = p.t * q.t2d
    let d = p.z * q.z2
    return combine(e: b - a, f: d + c, g: d - c, h: b + a)
  }

  @inline(__always)
  private static func combine(e: FieldElement, f: FieldElement, g: FieldElement, h: FieldElement) -> Self {
    Self(x: e * f, y: g * h, z: f * g, t: e * h)
  }
}
