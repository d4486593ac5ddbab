// One node's secrets in a key generation: what it puts on the chain next, and the share it ends up with.

import Primitives
public import Sodium

/// Everything secret follows from one seed and the ceremony, so a node that restarts in the middle says the same again
/// and can still open what it was dealt. The host keeps the seed durable before the first message leaves and erases it,
/// with the old share, after the first certificate of the new epoch.
public final class KeyGenerationParty {
  private let ceremony: Ceremony
  private let signer: Signer
  private let dealer: Participant?
  /// This node's number among those who get shares; nil where it gets none.
  public let recipient: Participant?
  private let seed: SecretBytes
  private let polynomial: SecretPolynomial
  private let decryption: SecretScalar

  /// - Parameters:
  ///   - seed: 32 random bytes for this ceremony alone.
  ///   - oldShare: for a dealer of a resharing.
  public init(_ ceremony: Ceremony, signer: Signer, seed: SecretBytes, oldShare: consuming SecretScalar?) {
    precondition(seed.count == 32)
    self.ceremony = ceremony
    self.signer = signer
    self.seed = seed
    let key = signer.publicKey
    recipient = ceremony.recipients.firstIndex(of: key).map { Participant(truncatingIfNeeded: $0 + 1) }
    let dealer = ceremony.dealers.firstIndex(of: key).map { Participant(truncatingIfNeeded: $0 + 1) }
    let domain = "novation/dealing-polynomial/v1"
    let isFresh = ceremony.source == .fresh
    if !isFresh, let share = oldShare {
      // A share that is not the one behind the public share cannot be dealt from.
      let isOwn = dealer.map { ceremony.constantTerm(of: $0) == share.timesBase() } ?? false
      self.dealer = isOwn ? dealer : nil
      polynomial = SecretPolynomial(
        constant: share, count: ceremony.threshold, seed: seed, domain: domain, context: ceremony.id.bytes)
    } else {
      self.dealer = isFresh ? dealer : nil
      polynomial = SecretPolynomial(
        count: ceremony.threshold, seed: seed, domain: domain, context: ceremony.id.bytes)
    }
    decryption = SecretScalar(seed: seed, domain: "novation/decryption-key/v1", context: ceremony.id.bytes)
  }

  /// What this node has to say in the present phase and has not said on the chain yet.
  public func messages(_ state: KeyGeneration) -> [KeyGenerationMessage] {
    switch state.phase {
    case .keys:
      guard let recipient, !state.hasPublishedKey(recipient) else { return [] }
      let proof = SchnorrProof(of: decryption, context: ceremony.context("key", recipient))
      return [message(recipient, .recipientKey(decryption.timesBase(), proof))]
    case .dealing:
      guard let dealer, !state.hasDealt(dealer), let dealing = deal(as: dealer, state) else { return [] }
      return [message(dealer, .dealing(dealing))]
    case .complaints:
      guard let recipient, state.hasPublishedKey(recipient), !state.hasAcknowledged(recipient) else { return [] }
      let complaints = state.accepted.compactMap { complaint(against: $0, as: recipient, state) }
      return complaints.map { message(recipient, .complaint($0)) } + [message(recipient, .acknowledgement)]
    case .life(let result):
      guard let recipient, !state.isAlive(recipient), let share = share(state) else { return [] }
      let context = ceremony.context("life", recipient, result.hash.bytes)
      return [message(recipient, .proofOfLife(SchnorrProof(of: share, context: context)))]
    case .done, .failed: return []
    }
  }

  private func message(_ sender: Participant, _ body: KeyGenerationMessage.Body) -> KeyGenerationMessage {
    KeyGenerationMessage(ceremony: ceremony.id, sender: sender, body: body, signedBy: signer)
  }

  private func deal(as dealer: Participant, _ state: KeyGeneration) -> Dealing? {
    let ephemeral = SecretScalar(seed: seed, domain: "novation/ephemeral/v1", context: ceremony.id.bytes)
    let eighths = polynomial.commitmentEighths()
    var shares: [Bytes32<MaskedShareTag>] = []
    for recipient in state.keyed {
      guard let key = state.key(of: recipient), let shared = ephemeral.agree(with: key) else { return nil }
      let mask = ceremony.mask(dealer: dealer, recipient: recipient, shared: shared)
      shares.append(polynomial.value(at: Frost.scalar(recipient)).masked(with: mask))
    }
    let point = ephemeral.timesBase()
    let hash = Dealing.hash(eighths, point, shares)
    var constantProof: SchnorrProof?
    if case .fresh = ceremony.source {
      let constant = polynomial.value(at: .zero)
      constantProof = SchnorrProof(of: constant, context: ceremony.context("constant", dealer, hash))
    }
    return Dealing(
      commitmentEighths: eighths, ephemeral: point, shares: shares,
      ephemeralProof: SchnorrProof(of: ephemeral, context: ceremony.context("ephemeral", dealer, hash)),
      constantProof: constantProof)
  }

  /// This node's share of one dealing, checked or not; nil if it does not open to a scalar.
  private func open(_ dealt: KeyGeneration.Accepted, as recipient: Participant, _ state: KeyGeneration) -> SecretScalar?
  {
    guard let place = state.keyed.firstIndex(of: recipient), dealt.dealing.shares.indices.contains(place),
      let shared = decryption.agree(with: dealt.dealing.ephemeral)
    else { return nil }
    let mask = ceremony.mask(dealer: dealt.dealer, recipient: recipient, shared: shared)
    return SecretScalar(unmasking: dealt.dealing.shares[place], with: mask)
  }

  private func complaint(
    against dealt: KeyGeneration.Accepted, as recipient: Participant, _ state: KeyGeneration
  ) -> Complaint? {
    let share = open(dealt, as: recipient, state)
    guard !Ceremony.isRight(share, for: recipient, under: dealt.commitments),
      !state.disqualified.contains(dealt.dealer), let shared = decryption.times(dealt.dealing.ephemeral)
    else { return nil }
    let context = ceremony.context("complaint", recipient, dealt.dealing.ephemeral.bytes)
    return EqualityProof(of: decryption, over: dealt.dealing.ephemeral, shared: shared, context: context)
      .map { Complaint(dealer: dealt.dealer, shared: shared, proof: $0) }
  }

  /// This node's new share, once the qualified dealers are known. Nil if it has none: then it votes as always and is
  /// left out of signing until the next resharing.
  public func share(_ state: KeyGeneration) -> SecretScalar? {
    let result: GroupKeys
    switch state.phase {
    case .life(let keys), .done(let keys): result = keys
    case .keys, .dealing, .complaints, .failed: return nil
    }
    guard let recipient, let expected = result.publicShare(of: recipient) else { return nil }
    var sum: SecretScalar?
    for (weight, dealt) in zip(state.qualifiedWeights, state.qualified) {
      guard let part = open(dealt, as: recipient, state) else { return nil }
      let weighted = part.times(weight)
      if let earlier = sum.take() { sum = earlier.adding(weighted) } else { sum = consume weighted }
    }
    guard let share = sum.take(), share.timesBase() == expected else { return nil }
    return share
  }
}
