// What a signer publishes before it signs: the two points of a nonce pair (RFC 9591, section 5.1).

public import Primitives
public import Sodium
public import Wire

/// A signer's nonce commitment. Both points are elements of the prime-order group and not neutral, by construction.
public struct NonceCommitment: Sendable {
  public let hiding: PointEncoding
  public let binding: PointEncoding
  let hidingPoint: EdwardsPoint
  let bindingPoint: EdwardsPoint

  /// From the points themselves, with the full check of RFC 9591, section 6.1. About 90 microseconds.
  public init(hiding: PointEncoding, binding: PointEncoding) throws(FrostError) {
    guard let hidingPoint = EdwardsPoint(hiding), let bindingPoint = EdwardsPoint(binding),
      hidingPoint.isGroupElement, bindingPoint.isGroupElement
    else { throw .invalidPoint }
    self.hiding = hiding
    self.binding = binding
    self.hidingPoint = hidingPoint
    self.bindingPoint = bindingPoint
  }

  private init(hiding: (PointEncoding, EdwardsPoint), binding: (PointEncoding, EdwardsPoint)) {
    (self.hiding, hidingPoint) = hiding
    (self.binding, bindingPoint) = binding
  }

  /// From what travels. A point of the curve times eight is in the prime-order group, so nothing else is left to check
  /// but that it is not neutral: a ninth of the price of the check above, with the same result.
  public init(_ eighths: CommitmentEighths) throws(FrostError) {
    self = try Self.expand([eighths])[0]
  }

  /// Many at once: the encodings share one inversion.
  public static func expand(_ list: [CommitmentEighths]) throws(FrostError) -> [NonceCommitment] {
    var points: [EdwardsPoint] = []
    points.reserveCapacity(2 * list.count)
    for eighths in list {
      guard let hiding = EdwardsPoint(eighths.hiding), let binding = EdwardsPoint(eighths.binding) else {
        throw .invalidPoint
      }
      let (eightHidings, eightBindings) = (hiding.timesEight(), binding.timesEight())
      guard !eightHidings.isNeutral, !eightBindings.isNeutral else { throw .invalidPoint }
      points.append(eightHidings)
      points.append(eightBindings)
    }
    let encodings = EdwardsPoint.encode(points)
    return list.indices.map { place in
      NonceCommitment(
        hiding: (encodings[2 * place], points[2 * place]),
        binding: (encodings[2 * place + 1], points[2 * place + 1]))
    }
  }
}

/// How commitments travel: one eighth of each point, so that whoever multiplies by eight holds elements of the
/// prime-order group, whatever was sent.
public struct CommitmentEighths: Hashable, Sendable, WireCodable {
  public var hiding: PointEncoding
  public var binding: PointEncoding

  public init(hiding: PointEncoding, binding: PointEncoding) {
    self.hiding = hiding
    self.binding = binding
  }

  /// Whether both are points and neither of small order: all that `NonceCommitment` asks, without its encodings.
  var isValid: Bool {
    [hiding, binding].allSatisfy { encoding in EdwardsPoint(encoding).map { !$0.timesEight().isNeutral } ?? false }
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(hiding)
    writer.write(binding)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    hiding = try reader.readBytes32()
    binding = try reader.readBytes32()
  }
}

/// T4: the two nonces of one signature. Cannot be copied; signing consumes it, and its memory is wiped.
public struct NoncePair: ~Copyable, Sendable {
  let hiding: SecretScalar
  let binding: SecretScalar

  /// `nonce_generate` of RFC 9591, section 4.1, twice. Each random value has 32 bytes and is used nowhere else.
  public init(hidingRandom: SecretBytes, bindingRandom: SecretBytes, share: borrowing SecretScalar) {
    hiding = SecretScalar(noncePrefix: Frost.noncePrefix, random: hidingRandom, secret: share)
    binding = SecretScalar(noncePrefix: Frost.noncePrefix, random: bindingRandom, secret: share)
  }

  /// The pair of this number that a seed gives. No number is used twice with one seed.
  init(seed: SecretBytes, number: UInt64, share: borrowing SecretScalar) {
    hiding = SecretScalar(
      noncePrefix: Frost.noncePrefix, seed: seed, domain: "novation/frost-hiding/v1", counter: number, secret: share)
    binding = SecretScalar(
      noncePrefix: Frost.noncePrefix, seed: seed, domain: "novation/frost-binding/v1", counter: number, secret: share)
  }

  /// The points of RFC 9591: what `NonceCommitment` of the other form takes.
  public func points() -> (hiding: PointEncoding, binding: PointEncoding) {
    (hiding.timesBase(), binding.timesBase())
  }

  /// What travels.
  public func eighths() -> CommitmentEighths {
    CommitmentEighths(
      hiding: hiding.timesBase(scaledBy: Self.eighth), binding: binding.timesBase(scaledBy: Self.eighth))
  }

  /// 1/8 modulo L.
  private static let eighth: Scalar25519 = {
    guard let inverse = Scalar25519(8).inverted() else { preconditionFailure("8 has an inverse") }
    return inverse
  }()
}
