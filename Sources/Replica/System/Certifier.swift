// What a replica holds for its part in threshold signatures: secrets by reference, and what it knows of the others.

import Consensus
import Primitives
public import Sodium
public import Threshold

/// The secrets that a host gives a replica at its start.
public struct ReplicaSecrets {
  /// 32 random bytes, fresh for this start (T4).
  public var seed: SecretBytes
  /// What was kept by the last `.keepSecrets`; empty at the first start or where it was lost.
  public var kept: ShareKeeper

  public init(seed: SecretBytes, kept: ShareKeeper = ShareKeeper()) {
    self.seed = seed
    self.kept = kept
  }
}

struct Certifier {
  /// Nonces are ready for this many views to come, and made so many at a time.
  static let noncesAhead: View = 12
  static let noncesAtOnce: View = 8
  /// Views after which a share that has not come is missed, and after which nobody waits for it any more.
  static let missedAfter: View = 4
  static let patience: View = 16
  /// Blocks before an epoch at which its signers make their first nonces.
  static let preparationBlocks: Height = 16
  /// Blocks after which a key generation message that is not on the chain is sent again.
  static let resendBlocks: Height = 4
  /// Certificates kept for the ledger: their blocks were not committed yet.
  static let pendingMax = 1024

  private(set) var own: Participant?
  /// Nil between `discardNonces` and the host's new seed.
  private(set) var source: SeedSource?
  let keeper: ShareKeeper
  private(set) var bootId: UInt64
  /// This node's signers, by ascending epoch: of the shares that sign, and of the next ones.
  private(set) var signers: [ThresholdSigner] = []
  /// View up to which each signer has made nonces.
  private var preparedThrough: [View] = []
  /// Public keys of the epochs of late, ascending.
  private(set) var keys: [GroupKeys] = []
  var choice: SignerChoice
  var collector: ShareCollector
  /// For the ledger.
  var pending: [GroupCertificate] = []
  private(set) var newest: GroupCertificate?
  var highestCertified: Height { newest?.height ?? 0 }
  /// Height of the certificate that peers were told of.
  var toldHeight: Height = 0
  var party: (ceremony: Digest, party: KeyGenerationParty)?
  /// The phase for which messages were given to the lane, and when.
  var said: (phase: Int, at: Height)?
  /// The final height and the view that the duties were last done for.
  var attendedTo: (height: Height, view: View)?
  /// Difference of the clocks at the last step: a jump may be a restored machine (T4).
  var clockOffset: Int64?
  var connected: [Bool]

  init(secrets: ReplicaSecrets, index: ValidatorIndex?, validators: Int, bootId: UInt64) {
    own = index.map { Participant($0) + 1 }
    source = SeedSource(secrets.seed)
    keeper = secrets.kept
    self.bootId = bootId
    choice = SignerChoice(validators: validators)
    collector = ShareCollector(validators: validators)
    connected = Array(repeating: false, count: validators)
  }

  /// Another committee, with other places in it: what was prepared and said in the former one is of no use.
  mutating func succeed(index: ValidatorIndex?, validators: Int) {
    for signer in signers { signer.discardAll() }
    (signers, preparedThrough) = ([], [])
    own = index.map { Participant($0) + 1 }
    choice = SignerChoice(validators: validators)
    collector = ShareCollector(validators: validators)
    connected = Array(repeating: false, count: validators)
    (party, said, attendedTo) = (nil, nil, nil)
  }

  /// The key that never changes, once there is one.
  var groupKey: PublicKey? { keys.last?.groupKey }

  func keys(of epoch: Epoch) -> GroupKeys? { keys.last { $0.epoch == epoch } }
  func signer(of epoch: Epoch) -> ThresholdSigner? { signers.last { $0.keyEpoch == epoch } }

  /// Takes note of public keys, and makes a signer of this node's share where it has one.
  mutating func adopt(_ new: GroupKeys) {
    if keys(of: new.epoch) != new {
      keys.removeAll { $0.epoch >= new.epoch }
      keys.append(new)
      if keys.count > 3 { keys.removeFirst() }
      drop { $0 >= new.epoch }
    }
    guard signer(of: new.epoch) == nil, let own, let expected = new.publicShare(of: own),
      let share = keeper.share(of: new.epoch), share.timesBase() == expected, let source
    else { return }
    signers.append(
      ThresholdSigner(
        keyEpoch: new.epoch, participant: own, threshold: Int(new.threshold), participants: new.publicShares.count,
        groupKey: new.groupKey, share: share, seed: source.draw(), bootId: bootId))
    preparedThrough.append(0)
    if signers.count > 2 {
      signers.removeFirst()
      preparedThrough.removeFirst()
    }
  }

  private mutating func drop(_ isDropped: (Epoch) -> Bool) {
    let kept = signers.indices.filter { !isDropped(signers[$0].keyEpoch) }
    preparedThrough = kept.map { preparedThrough[$0] }
    signers = kept.map { signers[$0] }
  }

  /// The shares of an epoch have proven themselves: older ones are let go, and wiped.
  mutating func retire(before epoch: Epoch) { drop { $0 < epoch } }

  /// T4: memory may have been copied or restored. Nothing prepared before is ever used, nor what it came from, which the
  /// copy has as well. True if there was something.
  mutating func discardNonces() -> Bool {
    guard source != nil else { return false }
    for signer in signers { signer.discardAll() }
    signers = []
    preparedThrough = []
    source = nil
    if let own { choice.forget(own) }
    return true
  }

  /// Signs on from new chance.
  mutating func renew(_ seed: SecretBytes) {
    guard source == nil, seed.count == 32 else { return }
    let fresh = SeedSource(seed)
    source = fresh
    bootId = fresh.drawBootId()
    attendedTo = nil
    let known = keys
    for keys in known { adopt(keys) }
  }

  /// Nonces for the views to come, where there are too few: what to announce. `epochs`: those whose shares may sign soon.
  mutating func prepare(after view: View, epochs: [Epoch]) -> [NonceBatch] {
    var batches: [NonceBatch] = []
    for place in signers.indices where epochs.contains(signers[place].keyEpoch) {
      guard preparedThrough[place] < view + Self.noncesAhead else { continue }
      let first = max(preparedThrough[place], view) + 1
      var commitments: [CommitmentEighths] = []
      for view in first..<first + Self.noncesAtOnce {
        guard let commitment = signers[place].prepare(view) else { break }
        commitments.append(commitment)
      }
      preparedThrough[place] = first + Self.noncesAtOnce - 1
      signers[place].discard(through: view.subtracting(Self.patience) ?? 0)
      batches.append(
        NonceBatch(
          keyEpoch: signers[place].keyEpoch, bootId: bootId, firstView: first, commitments: commitments))
    }
    return batches
  }

  /// Everything announced and not past, for a peer that has just come.
  func announcements(after view: View) -> [NonceBatch] {
    signers.compactMap { signer in
      var batch = NonceBatch(keyEpoch: signer.keyEpoch, bootId: bootId, firstView: view + 1, commitments: [])
      for (prepared, commitment) in signer.prepared where prepared > view {
        if batch.commitments.isEmpty { batch.firstView = prepared }
        guard prepared == batch.firstView + View(batch.commitments.count),
          batch.commitments.count < NonceBatch.countMax
        else { continue }
        batch.commitments.append(commitment)
      }
      return batch.commitments.isEmpty ? nil : batch
    }
  }

  /// A certificate to keep; false if it was known.
  mutating func keep(_ certificate: GroupCertificate) -> Bool {
    guard !pending.contains(where: { $0.height == certificate.height }) else { return false }
    if pending.count >= Self.pendingMax { pending.removeFirst() }
    pending.append(certificate)
    if certificate.height > highestCertified { newest = certificate }
    return true
  }
}
