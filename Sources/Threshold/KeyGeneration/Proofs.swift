// Proofs about discrete logarithms that key generation rests on, made non-interactive by hashing (Fiat and Shamir).

public import Primitives
public import Sodium
public import Wire

extension WireReader {
  mutating func readScalar() throws(WireError) -> Scalar25519 {
    guard let scalar = Scalar25519(canonical: try readBytes32()) else { throw invalid("scalar") }
    return scalar
  }
}

/// That somebody knows the secret behind a point (Schnorr), for one context.
public struct SchnorrProof: Hashable, Sendable, WireCodable {
  public var commitment: PointEncoding
  public var answer: Scalar25519

  public init(commitment: PointEncoding, answer: Scalar25519) {
    self.commitment = commitment
    self.answer = answer
  }

  /// Proves that the caller knows `secret`. The nonce follows from secret and context, so a restart proves the same.
  public init(of secret: borrowing SecretScalar, context: [UInt8]) {
    let nonce = secret.proofNonce(context: context)
    commitment = nonce.timesBase()
    let challenge = Self.challenge(secret.timesBase(), commitment, context)
    answer = secret.answer(to: challenge, nonce: nonce)
  }

  static func challenge(_ point: PointEncoding, _ commitment: PointEncoding, _ context: [UInt8]) -> Scalar25519 {
    Scalar25519(hashing: Array("novation/schnorr/v1".utf8), point.bytes, commitment.bytes, context)
  }

  /// `point` is an element of the group.
  public func verify(_ point: PointEncoding, context: [UInt8]) -> Bool {
    guard let decoded = EdwardsPoint(point) else { return false }
    return verify(decoded, challenge: Self.challenge(point, commitment, context))
  }

  /// For a challenge that was computed elsewhere.
  public func verify(_ point: EdwardsPoint, challenge: Scalar25519) -> Bool {
    guard let commitment = EdwardsPoint(commitment) else { return false }
    return (EdwardsPoint.sum([(-challenge, point)], base: answer) - commitment).isNeutral
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(commitment)
    writer.write(answer.bytes)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    commitment = try reader.readBytes32()
    answer = try reader.readScalar()
  }
}

/// That one secret stands behind two points, over the base point and over another (Chaum and Pedersen): what a
/// complaint reveals is the true shared point.
public struct EqualityProof: Hashable, Sendable, WireCodable {
  public var challenge: Scalar25519
  public var answer: Scalar25519

  /// Proves that `shared` = secret * `other`. Nil unless `other` is an element of the group.
  public init?(of secret: borrowing SecretScalar, over other: PointEncoding, shared: PointEncoding, context: [UInt8]) {
    let nonce = secret.proofNonce(context: context + other.bytes)
    guard let second = nonce.times(other) else { return nil }
    challenge = Self.challenge([secret.timesBase(), other, shared, nonce.timesBase(), second], context)
    answer = secret.answer(to: challenge, nonce: nonce)
  }

  private static func challenge(_ points: [PointEncoding], _ context: [UInt8]) -> Scalar25519 {
    Scalar25519(hashing: Array("novation/equality/v1".utf8), points.flatMap(\.bytes), context)
  }

  /// `key` and `other` are elements of the group; `shared` is checked to be one: a part of small order would let a false
  /// point pass with one chance in eight.
  public func verify(key: PointEncoding, other: PointEncoding, shared: PointEncoding, context: [UInt8]) -> Bool {
    guard let keyPoint = EdwardsPoint(key), let otherPoint = EdwardsPoint(other),
      let sharedPoint = EdwardsPoint(shared), sharedPoint.isGroupElement
    else { return false }
    let first = EdwardsPoint.sum([(-challenge, keyPoint)], base: answer)
    let second = EdwardsPoint.sum([(answer, otherPoint), (-challenge, sharedPoint)])
    let commitments = EdwardsPoint.encode([first, second])
    return challenge == Self.challenge([key, other, shared] + commitments, context)
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(challenge.bytes)
    writer.write(answer.bytes)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    challenge = try reader.readScalar()
    answer = try reader.readScalar()
  }
}
