// The public arithmetic of this module against libsodium: random points, the edges, small orders, bad encodings.

import Primitives
import Sodium
import Testing
import Threshold

@Suite struct EdwardsTests {
  static func encoding(_ hex: String) throws -> PointEncoding { try #require(PointEncoding(hex: hex)) }

  /// All points of order 1, 2, 4 and 8, canonical.
  static let smallOrder = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
  ]

  /// Encodings that RFC 8032 refuses: y not below p, or x = 0 with the sign set.
  static let notCanonical = [
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  ]

  static let edgeScalars: [Scalar25519] = [
    .one, Scalar25519(2), Scalar25519(8), Scalar25519(15), Scalar25519(16), Scalar25519(17), Scalar25519(127),
    Scalar25519(128), Scalar25519(255), Scalar25519(.max), -Scalar25519.one, -Scalar25519(2), -Scalar25519(16),
  ]

  @Test func generatorAndNeutral() throws {
    #expect(EdwardsPoint.base.encoding == Edwards25519.base(times: .one))
    #expect(EdwardsPoint.neutral.encoding.hex == Self.smallOrder[0])
    #expect((EdwardsPoint.base - EdwardsPoint.base).isNeutral)
    #expect((EdwardsPoint.base + -EdwardsPoint.base).isNeutral)
    #expect(EdwardsPoint.base.multiplied(by: .zero).isNeutral)
    #expect((EdwardsPoint.base.multiplied(by: -Scalar25519.one) + EdwardsPoint.base).isNeutral)
  }

  @Test func fixedBasesAgreeWithLibsodium() throws {
    var random = SeededRandom(seed: 5)
    let encoding = Edwards25519.base(times: Make.scalar(&random))
    let key = FixedBase(try #require(EdwardsPoint(encoding)))
    #expect(key.times(.zero).isNeutral)
    for round in 0..<80 {
      let scalar = round < Self.edgeScalars.count ? Self.edgeScalars[round] : Make.scalar(&random)
      #expect(FixedBase.base.times(scalar).encoding == Edwards25519.base(times: scalar))
      #expect(key.times(scalar).encoding == Edwards25519.multiply(encoding, by: scalar))
      #expect((key.adding(-scalar, to: key.times(scalar))).isNeutral)
    }
  }

  @Test func multiplesAgreeWithLibsodium() throws {
    var random = SeededRandom(seed: 1)
    for round in 0..<60 {
      let scalar = round < Self.edgeScalars.count ? Self.edgeScalars[round] : Make.scalar(&random)
      let factor = Make.scalar(&random)
      let encoding = Edwards25519.base(times: factor)
      let point = try #require(EdwardsPoint(encoding))
      #expect(point.encoding == encoding)
      #expect(point.isGroupElement)
      #expect(EdwardsPoint.sum([], base: scalar).encoding == Edwards25519.base(times: scalar))
      #expect(point.multiplied(by: scalar).encoding == Edwards25519.multiply(encoding, by: scalar))
    }
  }

  @Test func sumsAgreeWithLibsodium() throws {
    var random = SeededRandom(seed: 2)
    for count in [0, 1, 2, 3, 7, 21, 67] {
      let scalars = (0..<count).map { $0 == 3 ? Scalar25519.zero : Make.scalar(&random) }
      let points = (0..<count).map { _ in Edwards25519.base(times: Make.scalar(&random)) }
      let base = Make.scalar(&random)
      var expected = Edwards25519.base(times: base)
      var terms: [(Scalar25519, EdwardsPoint)] = []
      for (scalar, point) in zip(scalars, points) {
        terms.append((scalar, try #require(EdwardsPoint(point))))
        guard let product = Edwards25519.multiply(point, by: scalar) else { continue }
        expected = try #require(Edwards25519.add(expected, product))
      }
      #expect(EdwardsPoint.sum(terms, base: base).encoding == expected)
    }
  }

  @Test func additionsAgreeOnEveryPairOfEdges() throws {
    var encodings = try Self.smallOrder.map { try Self.encoding($0) }
    var random = SeededRandom(seed: 3)
    for _ in 0..<4 { encodings.append(Edwards25519.base(times: Make.scalar(&random))) }
    // Points of mixed order as well.
    for place in 0..<4 { encodings.append(try #require(Edwards25519.add(encodings[place + 4], encodings[place + 8]))) }
    for a in encodings {
      let pointA = try #require(EdwardsPoint(a))
      #expect(pointA.doubled().encoding == Edwards25519.add(a, a))
      for b in encodings {
        let pointB = try #require(EdwardsPoint(b))
        #expect((pointA + pointB).encoding == Edwards25519.add(a, b))
        #expect((pointA - pointB + pointB) == pointA)
      }
    }
    let points = try encodings.map { try #require(EdwardsPoint($0)) }
    #expect(EdwardsPoint.encode(points.map { $0 + .base - .base }) == encodings)
  }

  @Test func smallAndMixedOrdersAreNotInTheGroup() throws {
    for hex in Self.smallOrder {
      let encoding = try Self.encoding(hex)
      let point = try #require(EdwardsPoint(encoding))
      #expect(point.encoding == encoding)
      #expect(point.timesEight().isNeutral)
      #expect(!point.isGroupElement)
      #expect(!Edwards25519.isGroupElement(encoding))
      let mixed = point + .base
      #expect(mixed.isGroupElement == point.isNeutral)
      #expect(mixed.isGroupElement == Edwards25519.isGroupElement(mixed.encoding))
      #expect(mixed.timesEight() == EdwardsPoint.base.timesEight())
    }
  }

  @Test(arguments: notCanonical) func refusesWhatIsNotCanonical(_ hex: String) throws {
    let encoding = try Self.encoding(hex)
    #expect(EdwardsPoint(encoding) == nil)
    #expect(!Edwards25519.isGroupElement(encoding))
  }

  /// Half of all encodings are no points; for each, both libraries must say the same.
  @Test func randomBytesAreJudgedAsByLibsodium() throws {
    var random = SeededRandom(seed: 4)
    var points = 0
    for _ in 0..<400 {
      let encoding = try #require(PointEncoding(Make.bytes(32, &random)))
      let neutral = try Self.encoding(Self.smallOrder[0])
      let point = EdwardsPoint(encoding)
      #expect((point != nil) == (Edwards25519.add(encoding, neutral) != nil))
      guard let point else { continue }
      points += 1
      #expect(point.encoding == encoding)
      #expect(point.isGroupElement == Edwards25519.isGroupElement(encoding))
    }
    #expect(points > 100)
  }

  @Test func scalarsAreCanonical() throws {
    let order = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010"
    #expect(Scalar25519(canonical: try #require(Bytes32(hex: order))) == nil)
    #expect(Scalar25519(canonical: Bytes32(words: (.max, .max, .max, .max))) == nil)
    let below = try #require(Bytes32<ScalarTag>(hex: "ec" + order.dropFirst(2)))
    #expect(Scalar25519(canonical: below) == -Scalar25519.one)
    #expect(throws: Missing.self) { try Make.secretScalar(bytes: try #require(Hex.decode(order))) }
    #expect(Scalar25519(7).inverted().map { $0 * Scalar25519(7) } == .one)
    #expect(Scalar25519.zero.inverted() == nil)
  }
}
