// A validator's share of the group key with its unspent nonces: the only thing that makes signature shares.

public import Primitives
public import Sodium

/// A reference, so that copying a node's state never copies a nonce. Used from one thread at a time.
///
/// T4: nonces live here only, in protected memory. A new start makes a new `bootId` and a new seed, so all commitments
/// of the last one are dead, whatever backup or older disk the node starts from.
public final class ThresholdSigner {
  /// Nonce pairs that wait at most; preparing more discards the oldest.
  public static let noncesMax = 256

  /// The epoch in which the share became active.
  public let keyEpoch: Epoch
  public let participant: Participant
  public let threshold: Int
  public let participants: Int
  public let groupKey: PublicKey
  public let bootId: UInt64
  private let share: SecretScalar
  private let seed: SecretBytes
  /// How many pairs the seed has given: no two are derived alike.
  private var drawn: UInt64 = 0
  private var waiting: [Waiting] = []

  /// One pair in its place: taken out once, then gone.
  private final class Waiting {
    let purpose: NoncePurpose
    let commitment: CommitmentEighths
    private var nonces: NoncePair?

    init(_ purpose: NoncePurpose, _ nonces: consuming NoncePair) {
      self.purpose = purpose
      commitment = nonces.eighths()
      self.nonces = consume nonces
    }

    func take() -> NoncePair? { nonces.take() }
  }

  /// - Parameters:
  ///   - seed: 32 random bytes, fresh for this value: a second signer from one seed would use nonces again.
  ///   - bootId: fresh for this start.
  public init(
    keyEpoch: Epoch, participant: Participant, threshold: Int, participants: Int, groupKey: PublicKey,
    share: consuming SecretScalar, seed: SecretBytes, bootId: UInt64
  ) {
    precondition(seed.count == 32 && participant > 0 && Int(participant) <= participants)
    self.keyEpoch = keyEpoch
    self.participant = participant
    self.threshold = threshold
    self.participants = participants
    self.groupKey = groupKey
    self.share = share
    self.seed = seed
    self.bootId = bootId
  }

  /// Makes a nonce pair for a purpose and says what to publish. Nil if there is one already: the purpose keeps its
  /// first commitment, used or not. About 100 microseconds.
  public func prepare(_ purpose: NoncePurpose) -> CommitmentEighths? {
    guard isNew(purpose) else { return nil }
    drawn &+= 1
    let hidingRandom = seed.derived("novation/frost-hiding/v1", counter: drawn)
    let bindingRandom = seed.derived("novation/frost-binding/v1", counter: drawn)
    let made = Waiting(
      purpose, NoncePair(hidingRandom: hidingRandom, bindingRandom: bindingRandom, share: share))
    waiting.append(made)
    if waiting.count > Self.noncesMax { waiting.removeFirst() }
    return made.commitment
  }

  /// The highest view and session for which nonces were made: at or below them, none is made again (T3).
  private var highestView: View?
  private var highestSession: UInt64?

  private func isNew(_ purpose: NoncePurpose) -> Bool {
    switch purpose {
    case .view(let view):
      if let highestView, view <= highestView { return false }
      highestView = view
    case .repair(let session):
      if let highestSession, session <= highestSession { return false }
      highestSession = session
    }
    return true
  }

  /// Commitments that wait for their use, oldest first.
  public var prepared: [(purpose: NoncePurpose, commitment: CommitmentEighths)] {
    waiting.map { ($0.purpose, $0.commitment) }
  }

  /// Discards nonces of views at or below this one.
  public func discard(through view: View) {
    waiting.removeAll { waiting in
      if case .view(let own) = waiting.purpose { own <= view } else { false }
    }
  }

  /// T4: after a sign that memory may have been copied or restored, nothing prepared before is used.
  public func discardAll() { waiting = [] }

  /// T3: this node's share of the signature on the statement of its own vote, or why there is none.
  ///
  /// - Parameters:
  ///   - statement: of the block for which this node votes, with its own root.
  ///   - plan: decoded from the bytes whose hash the header holds; `isInHeader` says that they are.
  ///   - headerView: the view of the header.
  public func sign(
    _ statement: CertificateStatement, plan: SigningPlan, isInHeader: Bool, headerView: View
  ) -> Result<SignedShare, SigningRefusal> {
    guard isInHeader else { return .failure(.planNotInHeader) }
    if case .view(let view) = plan.purpose {
      guard view == headerView, view == statement.view else { return .failure(.wrongView) }
    }
    guard plan.keyEpoch == keyEpoch else { return .failure(.otherKeyEpoch) }
    guard plan.isWellFormed(threshold: threshold, participants: participants) else { return .failure(.malformedPlan) }
    guard let own = plan.entries.first(where: { $0.participant == participant }) else { return .failure(.notASigner) }
    guard own.bootId == bootId else { return .failure(.otherBoot) }
    guard let place = waiting.firstIndex(where: { $0.purpose == plan.purpose }) else { return .failure(.spent) }
    guard waiting[place].commitment == own.commitment else { return .failure(.otherCommitment) }
    do throws(FrostError) {
      let session = try SigningSession(plan: plan, groupKey: groupKey, message: statement.message)
      // T3: out of its place before the share is computed.
      guard let nonces = waiting.remove(at: place).take() else { return .failure(.spent) }
      let share = try session.sign(as: participant, share: share, nonces: nonces)
      return .success(SignedShare(share: share, session: session))
    } catch {
      return .failure(.invalidPoint)
    }
  }
}

/// A share, and the session it belongs to, which whoever aggregates needs as well.
public struct SignedShare: Sendable {
  public let share: Scalar25519
  public let session: SigningSession
}

extension SigningSession {
  /// The session of a plan.
  public init(plan: SigningPlan, groupKey: PublicKey, message: [UInt8]) throws(FrostError) {
    try self.init(
      groupKey: groupKey, message: message, coefficients: LagrangeCoefficients(plan.entries.map(\.participant)),
      commitments: NonceCommitment.expand(plan.entries.map(\.commitment)))
  }
}
