// FROST(Ed25519, SHA-512) of RFC 9591: the hash functions of its ciphersuite and the interpolation that all of it rests
// on. Rules T1 to T9 stand at their code, mostly in this folder.

import Primitives
public import Sodium
import Wire

/// A participant: its place in the committee plus one, never zero (RFC 9591, section 4).
public typealias Participant = UInt16

public enum FrostError: Error, Hashable, Sendable {
  /// Not the encoding of an element of the prime-order group.
  case invalidPoint
  /// Participants that are not in strictly ascending order, contain zero, or are more than `Frost.participantsMax`.
  case invalidParticipants
  /// Neither a signer of this session nor somebody known.
  case unknownParticipant
  /// The shares do not sum to a valid signature.
  case invalidSignature
}

public enum Frost {
  public static let participantsMax = 256
  static let context = Array("FROST-ED25519-SHA512-v1".utf8)
  /// What stands before nonce_generate's input: contextString and "nonce" (H3).
  static let noncePrefix = context + Array("nonce".utf8)

  /// H1, section 6.1.
  static func bindingFactor(_ prefix: [UInt8], _ participant: Participant) -> Scalar25519 {
    Scalar25519(hashing: context, Array("rho".utf8), prefix, scalar(participant).bytes.bytes)
  }

  /// H2: the challenge of RFC 8032.
  static func challenge(_ r: PointEncoding, _ key: PublicKey, _ message: [UInt8]) -> Scalar25519 {
    Scalar25519(hashing: r.bytes, key.bytes, message)
  }

  /// H4.
  static func messageHash(_ message: [UInt8]) -> [UInt8] { SHA512.hash(context + Array("msg".utf8) + message) }

  /// H5.
  static func commitmentsHash(_ list: [UInt8]) -> [UInt8] { SHA512.hash(context + Array("com".utf8) + list) }

  static func scalar(_ participant: Participant) -> Scalar25519 { Scalar25519(UInt64(participant)) }

  /// Strictly ascending, above zero, and not too many.
  static func areOrdered(_ participants: [Participant]) -> Bool {
    guard participants.count <= participantsMax, (participants.first ?? 0) > 0 else { return false }
    return zip(participants, participants.dropFirst()).allSatisfy { $0 < $1 }
  }
}

/// The Lagrange coefficients of a set of participants at zero (RFC 9591, section 4.2). They depend on the set alone, so
/// they can be kept.
public struct LagrangeCoefficients: Sendable {
  public let participants: [Participant]
  public let values: [Scalar25519]

  /// Throws unless the participants ascend strictly from above zero.
  public init(_ participants: [Participant]) throws(FrostError) {
    guard Frost.areOrdered(participants) else { throw .invalidParticipants }
    self.participants = participants
    var numerators: [Scalar25519] = []
    var denominators: [Scalar25519] = []
    for own in participants {
      var (numerator, denominator) = (SmallProduct(), SmallProduct())
      for other in participants where other != own {
        numerator.multiply(by: Int32(other))
        denominator.multiply(by: Int32(other) - Int32(own))
      }
      numerators.append(numerator.value)
      denominators.append(denominator.value)
    }
    values = zip(numerators, Self.inverses(of: denominators)).map { $0 * $1 }
  }

  /// All for one inversion (Montgomery's trick). None of the denominators is zero: the participants differ, and they
  /// are far smaller than L.
  private static func inverses(of values: [Scalar25519]) -> [Scalar25519] {
    var products: [Scalar25519] = []
    var product = Scalar25519.one
    for value in values {
      products.append(product)
      product = product * value
    }
    guard var inverse = product.inverted() else { preconditionFailure("distinct participants have an inverse") }
    var result = values
    for place in values.indices.reversed() {
      result[place] = inverse * products[place]
      inverse = inverse * values[place]
    }
    return result
  }

  /// A product of numbers below 2^16 with a sign, gathered in a machine word as long as they fit.
  private struct SmallProduct {
    private var word: UInt64 = 1
    private var product: Scalar25519?
    private var isNegative = false

    mutating func multiply(by factor: Int32) {
      if factor < 0 { isNegative.toggle() }
      if word >= 1 << 47 { flush() }
      word &*= UInt64(factor.magnitude)
    }

    private mutating func flush() {
      product = product.map { $0 * Scalar25519(word) } ?? Scalar25519(word)
      word = 1
    }

    var value: Scalar25519 {
      let magnitude = product.map { $0 * Scalar25519(word) } ?? Scalar25519(word)
      return isNegative ? -magnitude : magnitude
    }
  }
}

/// The coefficients of the sets of signers of late. Only one place of a set goes round, so there are few of them.
struct CoefficientCache: Sendable {
  private static let setsMax = 64
  private var kept: [LagrangeCoefficients] = []

  mutating func of(_ participants: [Participant]) throws(FrostError) -> LagrangeCoefficients {
    if let known = kept.first(where: { $0.participants == participants }) { return known }
    let made = try LagrangeCoefficients(participants)
    if kept.count >= Self.setsMax { kept.removeFirst() }
    kept.append(made)
    return made
  }
}
