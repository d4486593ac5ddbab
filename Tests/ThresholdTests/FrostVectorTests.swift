// RFC 9591, appendix E.1, FROST(Ed25519, SHA-512): every value in between. The vector stands here; where the published
// file lies beside the package it is read as well, and must be the same.

import Primitives
import Sodium
import Testing
import Threshold

@Suite struct FrostVectorTests {
  struct Signer: Sendable {
    let participant: Participant
    let share, hidingRandom, bindingRandom, hidingNonce, bindingNonce, hidingPoint, bindingPoint: String
    let factor, signatureShare: String
  }

  struct Vector: Sendable {
    let groupKey, message, secret, coefficient, signature: String
    let signers: [Signer]
  }

  static let rfc = Vector(
    groupKey: "15d21ccd7ee42959562fc8aa63224c8851fb3ec85a3faf66040d380fb9738673",
    message: "74657374",
    secret: "7b1c33d3f5291d85de664833beb1ad469f7fb6025a0ec78b3a790c6e13a98304",
    coefficient: "178199860edd8c62f5212ee91eff1295d0d670ab4ed4506866bae57e7030b204",
    signature: "154fb694ee7fcb37bf2381d94488c2a84b03b3352ad085feca81ad26d45852b7"
      + "ecfe971ce4da95c4a95db93ac376b053897fca212ef85f99cf696bffeb178f07",
    signers: [
      Signer(
        participant: 1, share: "929dcc590407aae7d388761cddb0c0db6f5627aea8e217f4a033f2ec83d93509",
        hidingRandom: "06894e04ee4aceec8619d5f6a0a180e2f47194d2ac306cba586b555e7c48d765",
        bindingRandom: "40d6f879ff22e22409f7d808fed81f37118e7d3e4af71c0f44c60207553bcbce",
        hidingNonce: "ef6599dea4010581a72b3018c37c29a4341d7cab0773e8687ca74dcf14009701",
        bindingNonce: "2baadfa0c69aa60d517ad4751de372a73f9d89cfc39026601f18458cdec12605",
        hidingPoint: "9b116f12589591a7e23fe8048059ab10ab48e67739e7a2fb3890f61a7999478c",
        bindingPoint: "c39b66b7dfccb122da24f13587f9a08c4347cae70046ca15169adf90ba65854d",
        factor: "ff960a65374e216a0918729b153466016664fa980d409bc3f308daa7acb30d0d",
        signatureShare: "60997f0142e43e8005027fe5ab7447dac00d22c2d7ddd9571a02613ba7d81c08"),
      Signer(
        participant: 3, share: "d3cb090a075eb154e82fdb4b3cb507f110040905468bb9c46da8bdea643a9a02",
        hidingRandom: "fa5d950626782aade9e33fa781376d4888c2d1de7c37518bc248eb818ed0cdde",
        bindingRandom: "7459a4d14ded0e365b085271be8dc6600d5b88f3978a2174297ffa32001a5afc",
        hidingNonce: "80f8d9a4b8f9366e1a0b618107c907cd3ee29fa9bb40b4691cc1bde696240005",
        bindingNonce: "2610b664a5a187b4855e87d2ff485bebdf043dc2f161fcd4854cd01dc0276404",
        hidingPoint: "e679a2a971748ccfaabead4dbe8ac1def61275c186c79d471e1e45091ad1e687",
        bindingPoint: "b2a942478453fabb6bd3181c56ba657413447b4136e1daea2484d396d1a516b3",
        factor: "279d48ec56f16d234c09ea62f3d02ab776ee38e03f66b20f939f1316e13df10f",
        signatureShare: "79390e78bc59699c7af831f8f5fb478ec871a85f561a8641b5670ac4443f720f"),
    ]
  )

  static let file = "frost-ed25519-rfc9591.json"

  static func published() throws -> Vector {
    let json = try Published.json(file)
    let inputs = json["inputs"] as? [String: Any] ?? [:]
    let shares = inputs["participant_shares"] as? [[String: Any]] ?? []
    let first = (json["round_one_outputs"] as? [String: Any])?["outputs"] as? [[String: Any]] ?? []
    let second = (json["round_two_outputs"] as? [String: Any])?["outputs"] as? [[String: Any]] ?? []
    let text = { (value: Any?) in value as? String ?? "" }
    return Vector(
      groupKey: text(inputs["verifying_key_key"]), message: text(inputs["message"]),
      secret: text(inputs["group_secret_key"]),
      coefficient: (inputs["share_polynomial_coefficients"] as? [String])?.first ?? "",
      signature: text((json["final_output"] as? [String: Any])?["sig"]),
      signers: zip(first, second).map { first, second in
        let participant = first["identifier"] as? Int ?? 0
        return Signer(
          participant: Participant(participant),
          share: text(shares.first { $0["identifier"] as? Int == participant }?["participant_share"]),
          hidingRandom: text(first["hiding_nonce_randomness"]), bindingRandom: text(first["binding_nonce_randomness"]),
          hidingNonce: text(first["hiding_nonce"]), bindingNonce: text(first["binding_nonce"]),
          hidingPoint: text(first["hiding_nonce_commitment"]), bindingPoint: text(first["binding_nonce_commitment"]),
          factor: text(first["binding_factor"]), signatureShare: text(second["sig_share"]))
      })
  }

  static func secret(_ hex: String) throws -> SecretBytes { SecretBytes(copying: try #require(Hex.decode(hex))) }
  static func scalar(_ hex: String) throws -> Scalar25519 {
    let bytes = try #require(Bytes32<ScalarTag>(hex: hex))
    return try #require(Scalar25519(canonical: bytes))
  }

  static func check(_ vector: Vector) throws {
    let key = try #require(PublicKey(hex: vector.groupKey))
    let message = try #require(Hex.decode(vector.message))
    guard let polynomial = SecretPolynomial(coefficients: try secret(vector.secret + vector.coefficient)) else {
      throw Missing()
    }
    let constant = polynomial.commitments()[0]
    #expect(constant.hex == vector.groupKey)
    var commitments: [NonceCommitment] = []
    for signer in vector.signers {
      let share = try Make.secretScalar(try scalar(signer.share))
      let isShare = polynomial.value(at: Scalar25519(UInt64(signer.participant))).isEqual(to: share)
      #expect(isShare)
      let nonces = NoncePair(
        hidingRandom: try secret(signer.hidingRandom), bindingRandom: try secret(signer.bindingRandom), share: share)
      let points = nonces.points()
      #expect(points.hiding.hex == signer.hidingPoint)
      #expect(points.binding.hex == signer.bindingPoint)
      #expect(Edwards25519.base(times: try scalar(signer.hidingNonce)) == points.hiding)
      #expect(Edwards25519.base(times: try scalar(signer.bindingNonce)) == points.binding)
      let commitment = try NonceCommitment(hiding: points.hiding, binding: points.binding)
      let eighths = nonces.eighths()
      let travelled = try NonceCommitment(eighths)
      #expect(travelled.hiding == points.hiding && travelled.binding == points.binding)
      commitments.append(commitment)
    }
    let session = try SigningSession(
      groupKey: key, message: message, coefficients: LagrangeCoefficients(vector.signers.map(\.participant)),
      commitments: commitments)
    var shares: [Scalar25519] = []
    for (place, signer) in vector.signers.enumerated() {
      #expect(session.bindingFactors[place].bytes.hex == signer.factor)
      let share = try Make.secretScalar(try scalar(signer.share))
      let made = try session.sign(
        as: signer.participant, share: share,
        nonces: NoncePair(
          hidingRandom: try secret(signer.hidingRandom), bindingRandom: try secret(signer.bindingRandom), share: share))
      #expect(made.bytes.hex == signer.signatureShare)
      let encoding = share.timesBase()
      let publicShare = try #require(EdwardsPoint(encoding))
      #expect(session.verify(made, of: signer.participant, publicShare: publicShare))
      #expect(!session.verify(made + .one, of: signer.participant, publicShare: publicShare))
      shares.append(made)
    }
    let signature = try session.aggregate(shares)
    #expect(signature.hex == vector.signature)
    #expect(Ed25519.verify(signature, message, by: key))
  }

  @Test func everyValueOfRFC9591() throws { try Self.check(Self.rfc) }

  @Test(.enabled(if: Published.isPresent(file))) func everyValueOfThePublishedFile() throws {
    let published = try Self.published()
    #expect(published.signature == Self.rfc.signature)
    #expect(published.signers.count == 2)
    try Self.check(published)
  }

  /// The published inputs of H1, byte for byte.
  @Test(.enabled(if: Published.isPresent(file))) func bindingFactorInputs() throws {
    let vector = try Self.published()
    let message = try #require(Hex.decode(vector.message))
    let commitments = try vector.signers.map { signer in
      let hiding = try #require(PointEncoding(hex: signer.hidingPoint))
      let binding = try #require(PointEncoding(hex: signer.bindingPoint))
      return try NonceCommitment(hiding: hiding, binding: binding)
    }
    let session = try SigningSession(
      groupKey: try #require(PublicKey(hex: vector.groupKey)), message: message,
      coefficients: LagrangeCoefficients(vector.signers.map(\.participant)), commitments: commitments)
    let outputs = (try Published.json(Self.file)["round_one_outputs"] as? [String: Any])?["outputs"] as? [[String: Any]]
    for (signer, output) in zip(vector.signers, try #require(outputs)) {
      let input = session.bindingFactorInput(of: signer.participant, message: message)
      #expect(Hex.encode(input) == output["binding_factor_input"] as? String)
    }
  }
}
