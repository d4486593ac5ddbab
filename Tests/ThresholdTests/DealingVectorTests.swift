// The published transcript of a key generation among three: polynomials, commitments, proofs of knowledge, shares.

import Primitives
import Sodium
import Testing
import Threshold

@Suite struct DealingVectorTests {
  static let file = "frost-ed25519-dkg.json"

  @Test(.enabled(if: Published.isPresent(file))) func everyValueOfTheTranscript() throws {
    let inputs = try #require(try Published.json(Self.file)["inputs"] as? [String: Any])
    let people = try (1...3).map { try #require(inputs["\($0)"] as? [String: Any]) }
    let scalar = { (value: Any?) in try FrostVectorTests.scalar(value as? String ?? "") }
    var groupKey = EdwardsPoint.neutral
    for (place, person) in people.enumerated() {
      let hex = try #require(person["signing_key"] as? String) + (try #require(person["coefficient"] as? String))
      guard let polynomial = SecretPolynomial(coefficients: try FrostVectorTests.secret(hex)) else { throw Missing() }
      let published = try #require(person["vss_commitments"] as? [String])
      let commitments = polynomial.commitments()
      #expect(commitments.map(\.hex) == published)
      // What travels here is an eighth of each.
      let eighths = polynomial.commitmentEighths()
      for (eighth, hex) in zip(eighths, published) {
        #expect(EdwardsPoint(eighth)?.timesEight().encoding.hex == hex)
      }
      let constant = try #require(EdwardsPoint(commitments[0]))
      groupKey = groupKey + constant

      let proofBytes = try #require(Hex.decode(person["proof_of_knowledge"] as? String ?? ""))
      let proof = SchnorrProof(
        commitment: try #require(PointEncoding(proofBytes.prefix(32))),
        answer: try FrostVectorTests.scalar(Hex.encode(proofBytes.suffix(32))))
      let participant = Scalar25519(UInt64(place + 1)).bytes.bytes
      let context = Array("FROST-ED25519-SHA512-v1dkg".utf8)
      let challenge = Scalar25519(hashing: context, participant, commitments[0].bytes, proof.commitment.bytes)
      #expect(proof.verify(constant, challenge: challenge))
      #expect(!proof.verify(constant, challenge: challenge + .one))

      // Every share the others hold of this polynomial.
      for other in people.indices where other != place {
        let received = try #require(people[other]["signing_shares"] as? [String: String])
        let share = try Make.secretScalar(try scalar(received["\(place + 1)"]))
        let isRight = polynomial.value(at: Scalar25519(UInt64(other + 1))).isEqual(to: share)
        #expect(isRight)
      }
    }
    #expect(groupKey.encoding.hex == inputs["verifying_key"] as? String)

    var signingShares: [Scalar25519?] = []
    for (place, person) in people.enumerated() {
      let received = try #require(person["signing_shares"] as? [String: String])
      let hex = try #require(person["signing_key"] as? String) + (try #require(person["coefficient"] as? String))
      guard let polynomial = SecretPolynomial(coefficients: try FrostVectorTests.secret(hex)) else { throw Missing() }
      var sum = polynomial.value(at: Scalar25519(UInt64(place + 1)))
      for (_, share) in received { sum = sum.adding(try Make.secretScalar(try scalar(share))) }
      let share = try Make.secretScalar(try scalar(person["signing_share"]))
      let isSum = sum.isEqual(to: share)
      #expect(isSum)
      let publicShare = share.timesBase()
      #expect(publicShare.hex == person["verifying_share"] as? String)
      signingShares.append(try scalar(person["signing_share"]))
    }
    #expect(try interpolate(signingShares, threshold: 2).hex == inputs["verifying_key"] as? String)
  }
}
