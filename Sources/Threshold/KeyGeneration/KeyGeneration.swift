// One key generation as every node sees it: a pure function of the messages in the order of the chain, so all nodes
// reach the same verdicts, the same qualified dealers and the same public shares. It holds no secret.
//
// Phases: recipients publish keys; dealers deal; recipients complain or acknowledge; recipients prove that they hold
// their shares. Each ends when everybody has spoken or its window is over. Whatever fails, the old shares stay.

public import Primitives
public import Sodium

/// Why a message was refused. It changes nothing.
public enum KeyGenerationRefusal: Error, Hashable, Sendable {
  /// Of another chain, epoch, attempt or purpose.
  case wrongCeremony
  case wrongPhase
  case unknownSender
  case badSignature
  /// The sender has said this before.
  case duplicate
  case invalidPoint
  case badProof
  /// Not as many commitments or shares as there must be.
  case wrongSize
  /// A resharing's constant term is not the dealer's public share.
  case notTheDealersShare
  case noSuchDealing
  /// The complaint is true to the shared point, but the share is right.
  case falseComplaint
}

public enum KeyGenerationFailure: Error, Hashable, Sendable {
  /// Fewer than the threshold, or without one that is required.
  case tooFewKeys
  case tooFewDealings
  /// The new shares are not of the old key: cannot happen while dealings are checked.
  case otherKey
  /// Fewer than the threshold proved that they hold their new share, or one that is required did not.
  case tooFewAlive
}

public struct KeyGeneration: Sendable {
  public enum Phase: Hashable, Sendable {
    case keys, dealing, complaints
    /// The result is known, and waits for the proofs of life.
    case life(GroupKeys)
    case done(GroupKeys)
    case failed(KeyGenerationFailure)
  }

  /// A dealing that was accepted, in the order of the chain.
  struct Accepted: Sendable {
    let dealer: Participant
    let dealing: Dealing
    let commitments: [EdwardsPoint]
  }

  public let ceremony: Ceremony
  let scheme: SignatureScheme
  public private(set) var phase: Phase = .keys
  /// Height after which the present phase is over.
  private var deadline: Height
  /// Encryption keys by recipient; the list of those with one is fixed when dealing begins.
  private(set) var keys: [PointEncoding?]
  private(set) var accepted: [Accepted] = []
  /// Dealers with a sustained complaint.
  public private(set) var disqualified: [Participant] = []
  /// Recipients that complained falsely.
  public private(set) var falseComplainers: [Participant] = []
  private var hasAcknowledged: [Bool]
  private var isAlive: [Bool]
  /// The dealers whose dealings make the key, ascending, once complaints are over.
  private(set) var qualified: [Accepted] = []

  /// - Parameter height: of the block that starts it.
  public init(_ ceremony: Ceremony, scheme: SignatureScheme, startingAt height: Height) {
    self.ceremony = ceremony
    self.scheme = scheme
    deadline = height.saturatingAdding(ceremony.windows.keys)
    keys = Array(repeating: nil, count: ceremony.recipients.count)
    hasAcknowledged = Array(repeating: false, count: ceremony.recipients.count)
    isAlive = hasAcknowledged
  }

  /// Of the phase: it only grows.
  public var phaseNumber: Int {
    switch phase {
    case .keys: 0
    case .dealing: 1
    case .complaints: 2
    case .life: 3
    case .done, .failed: 4
    }
  }

  /// What was dealt and accepted, in the order of the chain.
  public var dealings: [(dealer: Participant, dealing: Dealing)] { accepted.map { ($0.dealer, $0.dealing) } }

  /// Recipients with an encryption key, ascending.
  var keyed: [Participant] {
    keys.indices.filter { keys[$0] != nil }.map { Participant(truncatingIfNeeded: $0 + 1) }
  }

  public func hasDealt(_ dealer: Participant) -> Bool { accepted.contains { $0.dealer == dealer } }
  public func hasPublishedKey(_ recipient: Participant) -> Bool { key(of: recipient) != nil }
  public func hasAcknowledged(_ recipient: Participant) -> Bool { flag(hasAcknowledged, recipient) }
  public func isAlive(_ recipient: Participant) -> Bool { flag(isAlive, recipient) }
  /// Dealers whose dealings make the key, once known.
  public var qualifiedDealers: [Participant] { qualified.map(\.dealer) }

  /// Identity keys of the recipients that the present phase waits for; nil while it waits for dealers.
  public var awaited: [PublicKey]? {
    switch phase {
    case .dealing: nil
    case .keys: awaited { hasPublishedKey($0) }
    case .complaints: awaited { !hasPublishedKey($0) || hasAcknowledged($0) }
    case .life(let result): awaited { result.publicShare(of: $0) == nil || isAlive($0) }
    case .done, .failed: []
    }
  }

  private func awaited(_ isDone: (Participant) -> Bool) -> [PublicKey] {
    ceremony.recipients.indices.filter { !isDone(Participant(truncatingIfNeeded: $0 + 1)) }
      .map { ceremony.recipients[$0] }
  }

  private func flag(_ flags: [Bool], _ recipient: Participant) -> Bool {
    let place = Int(recipient) - 1
    return flags.indices.contains(place) && flags[place]
  }

  func key(of recipient: Participant) -> PointEncoding? {
    let place = Int(recipient) - 1
    return keys.indices.contains(place) ? keys[place] : nil
  }

  /// Takes the next message of the chain. Nil if it was accepted.
  public mutating func apply(_ message: KeyGenerationMessage) -> KeyGenerationRefusal? {
    guard message.ceremony == ceremony.id else { return .wrongCeremony }
    let identity: PublicKey?
    if case .dealing = message.body {
      identity = ceremony.dealerKey(message.sender)
    } else {
      identity = ceremony.recipientKey(message.sender)
    }
    guard let identity else { return .unknownSender }
    // What is cheap to refuse is refused before a signature is verified.
    if let refusal = untimely(message) { return refusal }
    guard scheme.verify(message.signature, message.signingBytes, by: identity) else { return .badSignature }
    switch message.body {
    case .recipientKey(let key, let proof): return take(key, proof, of: message.sender)
    case .dealing(let dealing): return take(dealing, of: message.sender)
    case .complaint(let complaint): return take(complaint, of: message.sender)
    case .acknowledgement:
      hasAcknowledged[Int(message.sender) - 1] = true
      return nil
    case .proofOfLife(let proof): return take(proof, of: message.sender)
    }
  }

  /// The phase and what the sender has said before. The sender is known to exist.
  private func untimely(_ message: KeyGenerationMessage) -> KeyGenerationRefusal? {
    switch (message.body, phase) {
    case (.recipientKey, .keys): hasPublishedKey(message.sender) ? .duplicate : nil
    case (.dealing, .dealing): hasDealt(message.sender) ? .duplicate : nil
    case (.complaint(let complaint), .complaints):
      if hasAcknowledged(message.sender) || disqualified.contains(complaint.dealer)
        || falseComplainers.contains(message.sender)
      {
        .duplicate
      } else {
        nil
      }
    case (.acknowledgement, .complaints): hasAcknowledged(message.sender) ? .duplicate : nil
    case (.proofOfLife, .life): isAlive(message.sender) ? .duplicate : nil
    default: .wrongPhase
    }
  }

  private mutating func take(
    _ key: PointEncoding, _ proof: SchnorrProof, of recipient: Participant
  ) -> KeyGenerationRefusal? {
    guard EdwardsPoint(key)?.isGroupElement == true else { return .invalidPoint }
    guard proof.verify(key, context: ceremony.context("key", recipient)) else { return .badProof }
    keys[Int(recipient) - 1] = key
    return nil
  }

  private mutating func take(_ dealing: Dealing, of dealer: Participant) -> KeyGenerationRefusal? {
    guard dealing.commitmentEighths.count == ceremony.threshold, dealing.shares.count == keyed.count else {
      return .wrongSize
    }
    guard EdwardsPoint(dealing.ephemeral)?.isGroupElement == true else { return .invalidPoint }
    var commitments: [EdwardsPoint] = []
    for eighth in dealing.commitmentEighths {
      guard let point = EdwardsPoint(eighth)?.timesEight() else { return .invalidPoint }
      commitments.append(point)
    }
    let hash = Dealing.hash(dealing.commitmentEighths, dealing.ephemeral, dealing.shares)
    guard dealing.ephemeralProof.verify(dealing.ephemeral, context: ceremony.context("ephemeral", dealer, hash)) else {
      return .badProof
    }
    guard let constant = commitments.first, !constant.isNeutral else { return .invalidPoint }
    switch ceremony.source {
    case .fresh:
      let context = ceremony.context("constant", dealer, hash)
      guard dealing.constantProof?.verify(constant.encoding, context: context) == true else { return .badProof }
    case .resharing:
      guard constant.encoding == ceremony.constantTerm(of: dealer), dealing.constantProof == nil else {
        return .notTheDealersShare
      }
    }
    accepted.append(Accepted(dealer: dealer, dealing: dealing, commitments: commitments))
    return nil
  }

  private mutating func take(_ complaint: Complaint, of recipient: Participant) -> KeyGenerationRefusal? {
    guard let dealt = accepted.first(where: { $0.dealer == complaint.dealer }), let key = key(of: recipient),
      let place = keyed.firstIndex(of: recipient)
    else { return .noSuchDealing }
    let context = ceremony.context("complaint", recipient, dealt.dealing.ephemeral.bytes)
    guard
      complaint.proof.verify(key: key, other: dealt.dealing.ephemeral, shared: complaint.shared, context: context)
    else { return .badProof }
    let mask = ceremony.mask(dealer: complaint.dealer, recipient: recipient, shared: complaint.shared)
    // The share is public from here on: the recipient chose to reveal it.
    let share = SecretScalar(unmasking: dealt.dealing.shares[place], with: mask)
    if Ceremony.isRight(share, for: recipient, under: dealt.commitments) {
      falseComplainers.append(recipient)
      return .falseComplaint
    }
    disqualified.append(complaint.dealer)
    return nil
  }

  private mutating func take(_ proof: SchnorrProof, of recipient: Participant) -> KeyGenerationRefusal? {
    guard case .life(let result) = phase, let share = result.publicShare(of: recipient) else { return .unknownSender }
    guard proof.verify(share, context: ceremony.context("life", recipient, result.hash.bytes)) else {
      return .badProof
    }
    isAlive[Int(recipient) - 1] = true
    return nil
  }

  /// After the last message of the block at this height.
  public mutating func endBlock(_ height: Height) {
    let isOver = height >= deadline
    switch phase {
    case .keys:
      guard isOver || keys.allSatisfy({ $0 != nil }) else { return }
      guard keyed.count >= ceremony.threshold, ceremony.required.allSatisfy(hasPublishedKey) else {
        return phase = .failed(.tooFewKeys)
      }
      enter(.dealing, ceremony.windows.dealing, height)
    case .dealing:
      let dealers = (1...ceremony.dealers.count).filter { ceremony.mayDeal(Participant(truncatingIfNeeded: $0)) }
      guard isOver || accepted.count == dealers.count else { return }
      guard accepted.count >= ceremony.dealingsNeeded else { return phase = .failed(.tooFewDealings) }
      enter(.complaints, ceremony.windows.complaints, height)
    case .complaints:
      guard isOver || keyed.allSatisfy({ hasAcknowledged($0) }) else { return }
      conclude(at: height)
    case .life(let result):
      let alive = isAlive.count { $0 }
      let holders = result.publicShares.count { $0 != nil }
      guard isOver || alive == holders else { return }
      let isHeld = alive >= ceremony.threshold && ceremony.required.allSatisfy { self.isAlive($0) }
      phase = isHeld ? .done(result) : .failed(.tooFewAlive)
    case .done, .failed: return
    }
  }

  private mutating func enter(_ next: Phase, _ window: UInt64, _ height: Height) {
    phase = next
    deadline = height.saturatingAdding(window)
  }

  /// The first uncomplained dealings in the order of the chain qualify; the rest follows from them.
  private mutating func conclude(at height: Height) {
    let sound = accepted.filter { !disqualified.contains($0.dealer) }.prefix(ceremony.dealingsNeeded)
    guard sound.count == ceremony.dealingsNeeded else { return phase = .failed(.tooFewDealings) }
    qualified = sound.sorted { $0.dealer < $1.dealer }
    let weights = qualifiedWeights
    let coefficients = (0..<ceremony.threshold).map { degree in
      EdwardsPoint.sum(zip(weights, qualified).map { ($0, $1.commitments[degree]) })
    }
    guard let constant = coefficients.first, !constant.isNeutral else { return phase = .failed(.otherKey) }
    let groupKey = PublicKey(words: constant.encoding.words)
    if case .resharing(let old) = ceremony.source, old.groupKey != groupKey { return phase = .failed(.otherKey) }
    let publicShares = EdwardsPoint.encode(
      keys.indices.map { coefficients.evaluated(at: Participant(truncatingIfNeeded: $0 + 1)) })
    let result = GroupKeys(
      epoch: ceremony.epoch, groupKey: groupKey, threshold: UInt16(truncatingIfNeeded: ceremony.threshold),
      publicShares: keys.indices.map { keys[$0] == nil ? nil : publicShares[$0] })
    enter(.life(result), ceremony.windows.life, height)
  }

  /// How much each qualified dealing counts: one for a fresh key, its Lagrange coefficient for a resharing.
  var qualifiedWeights: [Scalar25519] {
    switch ceremony.source {
    case .fresh: return qualified.map { _ in .one }
    case .resharing:
      guard let coefficients = try? LagrangeCoefficients(qualified.map(\.dealer)) else { return [] }
      return coefficients.values
    }
  }
}

extension [EdwardsPoint] {
  /// The point of a polynomial's value at a place, from those of its coefficients (Horner's rule).
  func evaluated(at place: Participant) -> EdwardsPoint {
    reversed().reduce(EdwardsPoint.neutral) { $0.timesSmall(place) + $1 }
  }
}

extension EdwardsPoint {
  /// The product with a small number, by doubling and adding.
  func timesSmall(_ factor: UInt16) -> EdwardsPoint {
    var result = EdwardsPoint.neutral
    for bit in stride(from: 15 - factor.leadingZeroBitCount, through: 0, by: -1) {
      result = result.doubled()
      if factor >> UInt16(bit) & 1 == 1 { result = result + self }
    }
    return result
  }
}

extension Ceremony {
  /// What masks the share of a dealer for a recipient: from the point they share.
  func mask(dealer: Participant, recipient: Participant, shared: PointEncoding) -> SecretBytes {
    mask(dealer: dealer, recipient: recipient, shared: SecretBytes(copying: shared.bytes))
  }

  func mask(dealer: Participant, recipient: Participant, shared: SecretBytes) -> SecretBytes {
    shared.derived(
      "novation/share-mask/v1/\(id.hex)", counter: UInt64(dealer) << 16 | UInt64(recipient))
  }

  /// Whether a share is the value of the committed polynomial.
  static func isRight(
    _ share: borrowing SecretScalar?, for recipient: Participant, under commitments: [EdwardsPoint]
  ) -> Bool {
    guard let point = share?.timesBase() else { return false }
    return commitments.evaluated(at: recipient).encoding == point
  }
}
