// T6: shares of votes gathered into certificates by everybody, without a coordinator.

public import Primitives
import Sodium

public struct ShareCollector: Sendable {
  /// Blocks whose shares are kept, for each validator: more than one can vote for within the views that votes are kept of.
  static let blocksMaxPerValidator = 128
  private let blocksMax: Int

  public enum Outcome: Sendable {
    case certificate(GroupCertificate, SigningPlan)
    /// Each sent a share that is wrong for its own statement, or a right one for another state than this node's.
    case spoiled(by: [Participant], keyEpoch: Epoch)
  }

  private struct Share: Sendable {
    let participant: Participant
    let view: View
    let root: Digest
    let value: Scalar25519
  }

  /// What is signed, by whom: known once the block is executed.
  private struct Subject: Sendable {
    let statement: CertificateStatement
    let plan: SigningPlan
    let keys: GroupKeys
    /// The plan names what its signers announced, so a share that does not come is theirs to answer for.
    let isFair: Bool
  }

  private struct Gathered: Sendable {
    /// The block's own once it is known; until then the highest that a vote for it names.
    var view: View
    @Boxed var subject: Subject?
    var voters: [(participant: Participant, view: View)] = []
    var shares: [Share] = []
    /// What this node computed when it signed itself, for its own root.
    var session: SigningSession?
    var isDone = false
    var isCounted = false
  }

  private var blocks: [Digest: Gathered] = [:]
  private var coefficients = CoefficientCache()
  /// The group key never changes, so its multiples are made once.
  private var groupKey: (encoded: PublicKey, multiples: FixedBase)?

  public init(validators: Int) { blocksMax = validators * Self.blocksMaxPerValidator }

  /// Whether the block was executed here and its shares are still wanted.
  public func isPrepared(_ block: Digest) -> Bool { blocks[block]?.subject != nil }

  /// A vote with the state after a block came: its place among those of the block, from zero; nil if it was there.
  public mutating func note(voter: Participant, block: Digest, view: View) -> Int? {
    guard open(block, view), let voters = blocks[block]?.voters, !voters.contains(where: { $0.participant == voter })
    else { return nil }
    blocks[block]?.voters.append((voter, view))
    return voters.count
  }

  /// Keeps a share; one a participant and block. False if it is not one.
  public mutating func take(
    _ bytes: [UInt8], of participant: Participant, root: Digest, block: Digest, view: View
  ) -> Bool {
    guard let encoded = Bytes32<ScalarTag>(bytes), let value = Scalar25519(canonical: encoded) else { return false }
    guard open(block, view), blocks[block]?.shares.contains(where: { $0.participant == participant }) == false else {
      return true
    }
    blocks[block]?.shares.append(Share(participant: participant, view: view, root: root, value: value))
    return true
  }

  /// The block was executed here: `statement` is about it (its root is this node's), `plan` is the one its header commits
  /// to, `keys` are those of the plan's epoch. `session`: what this node's own signing computed, not to be computed again.
  public mutating func prepare(
    _ statement: CertificateStatement, plan: SigningPlan, isFair: Bool, keys: GroupKeys, session: SigningSession?
  ) {
    let block = statement.headerHash
    guard plan.keyEpoch == keys.epoch,
      plan.isWellFormed(threshold: Int(keys.threshold), participants: keys.publicShares.count),
      open(block, statement.view), var gathered = blocks[block]
    else { return }
    gathered.subject = Subject(statement: statement, plan: plan, keys: keys, isFair: isFair)
    gathered.session = session
    // A vote that names the block in another view is about nothing.
    gathered.view = statement.view
    gathered.shares.removeAll { $0.view != statement.view }
    gathered.voters.removeAll { $0.view != statement.view }
    blocks[block] = gathered
  }

  /// Whether there is place for what a vote says about the block.
  private mutating func open(_ block: Digest, _ view: View) -> Bool {
    if let known = blocks[block] {
      if known.subject != nil { return known.view == view }
      if known.view < view { blocks[block]?.view = view }
      return true
    }
    guard blocks.count < blocksMax else { return false }
    blocks[block] = Gathered(view: view)
    return true
  }

  /// The certificate of a block, once the shares of all signers of its plan are there; or who spoiled it.
  public mutating func certify(_ block: Digest) -> Outcome? {
    guard let gathered = blocks[block], !gathered.isDone, let subject = gathered.subject,
      gathered.shares.count >= subject.plan.entries.count
    else { return nil }
    let (plan, keys, root) = (subject.plan, subject.keys, subject.statement.stateRoot)
    var values: [Scalar25519] = []
    var strangers: [Participant] = []
    for entry in plan.entries {
      guard let share = gathered.shares.first(where: { $0.participant == entry.participant }) else { return nil }
      if share.root != root { strangers.append(entry.participant) }
      values.append(share.value)
    }
    blocks[block]?.isDone = true
    // Right or wrong, a share for another state can be part of no certificate that this node could use.
    guard strangers.isEmpty else { return .spoiled(by: strangers, keyEpoch: plan.keyEpoch) }
    let message = subject.statement.message
    do throws(FrostError) {
      let session: SigningSession
      if let known = gathered.session {
        session = known
      } else {
        session = try SigningSession(
          plan: plan, groupKey: keys.groupKey, message: message, coefficients: &coefficients)
      }
      if let key = multiples(of: keys.groupKey), let signature = try session.signature(of: values, key: key) {
        return .certificate(GroupCertificate(subject.statement, signature: signature), plan)
      }
      var publicShares: [EdwardsPoint] = []
      for entry in plan.entries {
        guard let encoded = keys.publicShare(of: entry.participant), let point = EdwardsPoint(encoded) else {
          return nil
        }
        publicShares.append(point)
      }
      switch try session.aggregate(values, message: message, publicShares: publicShares) {
      case .signature(let signature):
        return .certificate(GroupCertificate(subject.statement, signature: signature), plan)
      case .spoiled(let culprits): return .spoiled(by: culprits, keyEpoch: plan.keyEpoch)
      }
    } catch {
      // A plan with points that are none: nobody signed it, so nobody is to blame but its leader.
      return nil
    }
  }

  private mutating func multiples(of key: PublicKey) -> FixedBase? {
    if let groupKey, groupKey.encoded == key { return groupKey.multiples }
    guard let point = EdwardsPoint(PointEncoding(words: key.words)) else { return nil }
    let made = FixedBase(point)
    groupKey = (key, made)
    return made
  }

  /// Signers of fair plans at or below a view who sent no share; each told once.
  public mutating func missing(through view: View) -> [Participant] {
    var open: [(view: View, block: Digest, missing: [Participant])] = []
    for (block, gathered) in blocks where gathered.view <= view && !gathered.isDone && !gathered.isCounted {
      guard let subject = gathered.subject else { continue }
      blocks[block]?.isCounted = true
      guard subject.isFair else { continue }
      let missing = subject.plan.entries.map(\.participant).filter { one in
        !gathered.shares.contains { $0.participant == one }
      }
      open.append((gathered.view, block, missing))
    }
    open.sort { ($0.view, $0.block) < ($1.view, $1.block) }
    return open.flatMap(\.missing)
  }

  /// Forgets views at or below this one.
  public mutating func forget(through view: View) {
    guard blocks.contains(where: { $0.value.view <= view }) else { return }
    blocks = blocks.filter { $0.value.view > view }
  }
}
