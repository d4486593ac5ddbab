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
  /// The highest view for which nonces were made.
  private var highestView: View?
  private var coefficients = CoefficientCache()

  /// One pair in its place: taken out once, then gone.
  private final class Waiting {
    let view: View
    let commitment: CommitmentEighths
    private var nonces: NoncePair?

    init(_ view: View, _ nonces: consuming NoncePair) {
      self.view = view
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

  /// Makes a nonce pair for a view and says what to publish. Nil if one was made for this view or a later one (T3). About
  /// 60 microseconds.
  public func prepare(_ view: View) -> CommitmentEighths? {
    if let highestView, view <= highestView { return nil }
    highestView = view
    drawn &+= 1
    let made = Waiting(view, NoncePair(seed: seed, number: drawn, share: share))
    waiting.append(made)
    if waiting.count > Self.noncesMax { waiting.removeFirst() }
    return made.commitment
  }

  /// Commitments that wait for their use, oldest first.
  public var prepared: [(view: View, commitment: CommitmentEighths)] {
    waiting.map { ($0.view, $0.commitment) }
  }

  /// Discards nonces of views at or below this one.
  public func discard(through view: View) {
    waiting.removeAll { $0.view <= view }
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
    guard plan.view == headerView, plan.view == statement.view else { return .failure(.wrongView) }
    guard plan.keyEpoch == keyEpoch else { return .failure(.otherKeyEpoch) }
    guard plan.isWellFormed(threshold: threshold, participants: participants) else { return .failure(.malformedPlan) }
    guard let own = plan.entries.first(where: { $0.participant == participant }) else { return .failure(.notASigner) }
    guard own.bootId == bootId else { return .failure(.otherBoot) }
    guard let place = waiting.firstIndex(where: { $0.view == plan.view }) else { return .failure(.spent) }
    guard waiting[place].commitment == own.commitment else { return .failure(.otherCommitment) }
    do throws(FrostError) {
      let session = try SigningSession(
        plan: plan, groupKey: groupKey, message: statement.message, coefficients: &coefficients)
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
    var cache = CoefficientCache()
    try self.init(plan: plan, groupKey: groupKey, message: message, coefficients: &cache)
  }

  init(
    plan: SigningPlan, groupKey: PublicKey, message: [UInt8], coefficients: inout CoefficientCache
  ) throws(FrostError) {
    try self.init(
      groupKey: groupKey, message: message, coefficients: coefficients.of(plan.entries.map(\.participant)),
      commitments: NonceCommitment.expand(plan.entries.map(\.commitment)))
  }
}
