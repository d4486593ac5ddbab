// One signing session of RFC 9591, section 5: everything that follows from group key, message and commitments, and is
// the same for every signer and for everybody who aggregates.

public import Primitives
public import Sodium

public struct SigningSession: Sendable {
  public let groupKey: PublicKey
  public let participants: [Participant]
  /// T5: over the full sorted list with identifiers.
  public let bindingFactors: [Scalar25519]
  /// R of the signature.
  public let groupCommitment: PointEncoding
  private let commitmentPoint: EdwardsPoint
  /// c of the signature.
  public let challenge: Scalar25519
  private let coefficients: LagrangeCoefficients
  private let commitments: [NonceCommitment]

  /// - Parameters:
  ///   - coefficients: of the signers, strictly ascending.
  ///   - commitments: in the same order.
  public init(
    groupKey: PublicKey, message: [UInt8], coefficients: LagrangeCoefficients, commitments: [NonceCommitment]
  ) throws(FrostError) {
    guard commitments.count == coefficients.participants.count else { throw .invalidParticipants }
    self.groupKey = groupKey
    self.coefficients = coefficients
    self.commitments = commitments
    participants = coefficients.participants
    let prefix = Self.bindingPrefix(groupKey, message, participants, commitments)
    bindingFactors = participants.map { Frost.bindingFactor(prefix, $0) }
    var sum = EdwardsPoint.sum(zip(bindingFactors, commitments).map { ($0, $1.bindingPoint) })
    for commitment in commitments { sum = sum + commitment.hidingPoint }
    commitmentPoint = sum
    groupCommitment = sum.encoding
    challenge = Frost.challenge(groupCommitment, groupKey, message)
  }

  /// The input of H1 but for the identifier: section 4.4.
  static func bindingPrefix(
    _ groupKey: PublicKey, _ message: [UInt8], _ participants: [Participant], _ commitments: [NonceCommitment]
  ) -> [UInt8] {
    var list: [UInt8] = []
    list.reserveCapacity(96 * commitments.count)
    for (participant, commitment) in zip(participants, commitments) {
      list += Frost.scalar(participant).bytes.bytes
      list += commitment.hiding.bytes
      list += commitment.binding.bytes
    }
    return groupKey.bytes + Frost.messageHash(message) + Frost.commitmentsHash(list)
  }

  /// For tests against published vectors: the whole input of H1 for one signer.
  public func bindingFactorInput(of participant: Participant, message: [UInt8]) -> [UInt8] {
    Self.bindingPrefix(groupKey, message, participants, commitments) + Frost.scalar(participant).bytes.bytes
  }

  private func place(of participant: Participant) -> Int? { participants.firstIndex(of: participant) }

  /// A signer's share: section 5.2. Consumes the nonces, which are wiped before this returns.
  public func sign(
    as participant: Participant, share: borrowing SecretScalar, nonces: consuming NoncePair
  ) throws(FrostError) -> Scalar25519 {
    guard let place = place(of: participant) else { throw .unknownParticipant }
    return share.signatureShare(
      hiding: nonces.hiding, binding: nonces.binding, factor: bindingFactors[place],
      challenge: coefficients.values[place] * challenge)
  }

  /// T6: whether a share is right for its sender's public share: section 5.3. About 100 microseconds.
  public func verify(_ share: Scalar25519, of participant: Participant, publicShare: EdwardsPoint) -> Bool {
    guard let place = place(of: participant) else { return false }
    // zB = D + rho E + c lambda Y, as one sum that must vanish.
    let terms = [
      (-bindingFactors[place], commitments[place].bindingPoint),
      (-(coefficients.values[place] * challenge), publicShare),
    ]
    return (EdwardsPoint.sum(terms, base: share) - commitments[place].hidingPoint).isNeutral
  }

  /// The signature of all the shares, in the order of the participants: section 5.3. It is not verified here.
  public func aggregate(_ shares: [Scalar25519]) throws(FrostError) -> Signature {
    guard shares.count == participants.count else { throw .invalidParticipants }
    let sum = shares.reduce(.zero) { $0 + $1 }
    return Signature(r: Bytes32(words: groupCommitment.words), s: Bytes32(words: sum.bytes.words))
  }

  /// T6: the signature of all the shares, or nil if one of them is wrong. The same verdict as an Ed25519 library's on the
  /// result, for less work: R is at hand as a point, and the multiples of the group key are in `key`.
  public func signature(of shares: [Scalar25519], key: FixedBase) throws(FrostError) -> Signature? {
    let signature = try aggregate(shares)
    guard let sum = Scalar25519(canonical: Bytes32(words: signature.s.words)), !commitmentPoint.isNeutral else {
      return nil
    }
    let left = key.adding(-challenge, to: FixedBase.base.times(sum))
    return left == commitmentPoint ? signature : nil
  }

  /// T6: the signature, or who spoiled it. Verifies the aggregate first, and shares one by one only if it fails.
  public func aggregate(
    _ shares: [Scalar25519], message: [UInt8], publicShares: [EdwardsPoint]
  ) throws(FrostError) -> Aggregation {
    guard publicShares.count == participants.count else { throw .invalidParticipants }
    let signature = try aggregate(shares)
    if Ed25519.verify(signature, message, by: groupKey) { return .signature(signature) }
    var culprits: [Participant] = []
    for (place, participant) in participants.enumerated()
    where !verify(shares[place], of: participant, publicShare: publicShares[place]) {
      culprits.append(participant)
    }
    // Right shares sum to a valid signature; if none is wrong, the public shares are not those of the group key.
    if culprits.isEmpty { throw .invalidSignature }
    return .spoiled(by: culprits)
  }
}

/// What became of a full set of shares.
public enum Aggregation: Hashable, Sendable {
  case signature(Signature)
  /// T6: each of these signed a share that is wrong for its own statement; its signed vote is the proof.
  case spoiled(by: [Participant])
}
