// Threshold signatures on final states: plans, shares, certificates, and this node's part in key generation.

import Clearing
import Consensus
import Gossip
import Ledger
public import Primitives
import Sodium
public import Threshold
import Wire

extension Replica {
  /// The group key, once key generation has made it; the same for ever after.
  public var groupKey: PublicKey? { certifier.groupKey }
  /// The epoch of the shares that sign.
  public var keyEpoch: Epoch? { system.finalKeys.active?.epoch }
  /// Public shares and threshold of the shares that sign.
  public var groupKeys: GroupKeys? { system.finalKeys.active }
  public var isGeneratingKeys: Bool { system.finalKeys.hasWork }
  /// Shares and certificates made since the start.
  public var certification: (shares: UInt64, certificates: UInt64) {
    (certifier.sharesMade, certifier.certificatesMade)
  }

  /// A new step: T4 asks for new nonces where the machine may have been restored from a snapshot of its memory.
  mutating func watchClock(_ now: Moment) {
    let offset = now.wall.subtracting(now.monotonic) ?? 0
    if let last = certifier.clockOffset, (offset.subtracting(last) ?? .max).magnitude > UInt64(Self.clockJump) {
      certifier.discardNonces()
    }
    certifier.clockOffset = offset
  }

  /// A jump of the clocks against each other that is no correction of a drift.
  private static let clockJump: Int64 = 2 * Duration64.second

  mutating func greet(_ peer: ValidatorIndex, into effects: inout [Effect]) {
    if certifier.connected.indices.contains(Int(peer)) { certifier.connected[Int(peer)] = true }
    for batch in certifier.announcements(after: consensus.view) { effects.append(.send(to: peer, .nonces(batch))) }
  }

  mutating func dismiss(_ peer: ValidatorIndex) {
    guard certifier.connected.indices.contains(Int(peer)) else { return }
    certifier.connected[Int(peer)] = false
    certifier.choice.forget(Participant(peer) + 1)
    // T4: a machine that comes back from a snapshot finds all its sessions dead.
    if committee.n > 1, !certifier.connected.contains(true) { certifier.discardNonces() }
  }

  mutating func take(_ batch: NonceBatch, from peer: ValidatorIndex) {
    certifier.choice.take(batch, of: Participant(peer) + 1)
  }

  // MARK: Plans and shares

  /// T2: the plan for a block that this node proposes.
  func signingPlan(for view: View) -> [UInt8] {
    guard let active = system.finalKeys.active else { return [] }
    return certifier.choice.plan(for: view, keys: active)?.wireBytes ?? []
  }

  /// T1, T3: this node's share for the block it has executed, if its plan names the node. Empty otherwise.
  mutating func share(for block: Block, root: Digest) -> [UInt8] {
    let header = block.header
    guard !block.proposal.frostPlan.isEmpty, header.view.saturatingAdding(Certifier.patience) > consensus.view,
      block.proposal.planMatchesHeader,
      let plan = try? WireReader.decode(SigningPlan.self, from: block.proposal.frostPlan),
      let keys = certifier.keys(of: plan.keyEpoch)
    else { return [] }
    let statement = CertificateStatement(
      chain: chain, epoch: header.epoch, view: header.view, height: header.height, headerHash: block.hash,
      stateRoot: root)
    var share: [UInt8] = []
    var session: SigningSession?
    if !consensus.isAmnesiac, let signer = certifier.signer(of: plan.keyEpoch),
      case .success(let signed) = signer.sign(statement, plan: plan, isInHeader: true, headerView: header.view)
    {
      share = signed.share.bytes.bytes
      session = signed.session
      certifier.sharesMade &+= 1
    }
    certifier.collector.prepare(statement, plan: plan, keys: keys, session: session)
    return share
  }

  /// A Finalize or Attest: its place among the others of its block says how fast its voter is, its share counts.
  mutating func take(stateVote vote: Vote, into effects: inout [Effect]) {
    guard let block = vote.block, vote.view.saturatingAdding(Certifier.patience) > finalView else { return }
    let participant = Participant(vote.voter) + 1
    if let order = certifier.collector.note(voter: participant, block: block, view: vote.view) {
      certifier.choice.voted(participant, order: order)
    }
    guard !vote.frostShare.isEmpty else { return }
    guard
      certifier.collector.take(vote.frostShare, of: participant, root: vote.stateRoot, block: block, view: vote.view)
    else { return effects.append(.report(vote.voter, "a signature share that is no number")) }
    certify(block, into: &effects)
  }

  /// T6: the certificate of a block whose shares are all there, or who spoiled it.
  mutating func certify(_ block: Digest, into effects: inout [Effect]) {
    switch certifier.collector.certify(block) {
    case .certificate(let certificate, let plan):
      certifier.certificatesMade &+= 1
      for entry in plan.entries { certifier.choice.signed(entry.participant) }
      certifier.retire(before: plan.keyEpoch)
      if certifier.keeper.certified(epoch: plan.keyEpoch) {
        effects.append(.keepSecrets(certifier.keeper.contents))
      }
      if certifier.keep(certificate) { effects.append(.certified(certificate)) }
    case .spoiled(let culprits, let keyEpoch):
      for culprit in culprits {
        certifier.choice.exclude(culprit, keyEpoch: keyEpoch)
        effects.append(.report(ValidatorIndex(culprit - 1), "a wrong signature share"))
      }
    case nil: return
    }
  }

  /// A certificate that came with a block.
  mutating func take(_ certificate: GroupCertificate, into effects: inout [Effect]) {
    guard let groupKey = certifier.groupKey, certificate.verify(chain: chain, groupKey: groupKey),
      certifier.keep(certificate)
    else { return }
    effects.append(.certified(certificate))
  }

  // MARK: Duties

  /// What follows from the last final block: which shares sign, what key generation waits for, which nonces are missing.
  mutating func attendToKeys(at now: Moment, into effects: inout [Effect]) {
    guard system.keys.settings.isOn else { return }
    let height = finalHeight
    if certifier.attendedTo != height {
      certifier.attendedTo = height
      let schedule = system.finalKeys
      takePart(in: schedule, height, at: now, into: &effects)
      for keys in [schedule.active, schedule.pending].compactMap({ $0 }) { certifier.adopt(keys) }
      let due = finalView.subtracting(Certifier.patience) ?? 0
      for late in certifier.collector.forget(through: due) { certifier.choice.missed(late) }
    }
    prepareNonces(height, into: &effects)
  }

  private mutating func prepareNonces(_ height: Height, into effects: inout [Effect]) {
    guard let own = certifier.own, let active = certifier.keys.isEmpty ? nil : system.finalKeys.active else { return }
    var epochs = [active.epoch]
    let epochBlocks = system.keys.settings.epochBlocks
    if let pending = system.finalKeys.pending, height % epochBlocks + Certifier.preparationBlocks >= epochBlocks {
      epochs.append(pending.epoch)
    }
    for batch in certifier.prepare(after: consensus.view, epochs: epochs) {
      certifier.choice.take(batch, of: own)
      effects.append(.broadcast(.nonces(batch)))
    }
  }

  /// This node's part in the key generation under way: seeds and shares are durable before anything that follows from
  /// them leaves.
  private mutating func takePart(
    in schedule: KeySchedule, _ height: Height, at now: Moment, into effects: inout [Effect]
  ) {
    guard let running = schedule.running else {
      certifier.party = nil
      certifier.sent = []
      if certifier.keeper.forgetSeeds(except: nil) { effects.append(.keepSecrets(certifier.keeper.contents)) }
      return
    }
    guard index != nil, !isLaneSuspended else { return }
    let ceremony = running.ceremony
    if certifier.party?.ceremony != ceremony.id {
      if certifier.keeper.seed(of: ceremony.id) == nil {
        _ = certifier.keeper.forgetSeeds(except: nil)
        certifier.keeper.keep(seed: certifier.source.draw(), of: ceremony.id)
        effects.append(.keepSecrets(certifier.keeper.contents))
      }
      guard let seed = certifier.keeper.seed(of: ceremony.id) else { return }
      let oldShare = schedule.active.flatMap { certifier.keeper.share(of: $0.epoch) }
      certifier.party = (
        ceremony.id, KeyGenerationParty(ceremony, signer: signer, seed: seed, oldShare: oldShare)
      )
      certifier.sent = []
    }
    guard let party = certifier.party?.party else { return }
    if case .life = running.phase, let share = party.share(running),
      certifier.keeper.adopt(share, epoch: ceremony.epoch)
    {
      effects.append(.keepSecrets(certifier.keeper.contents))
    }
    for message in party.messages(running) {
      let bytes = KeyMessageEnvelope.encode(message)
      let hash = TransactionCheck.hash(of: bytes)
      certifier.sent.removeAll { $0.at + Certifier.resendBlocks <= height }
      guard !certifier.sent.contains(where: { $0.hash == hash }), lanes.canAccept(bytes: bytes.count) else { continue }
      certifier.sent.append((hash, height))
      stepLanes(.submit(transaction: bytes, isMoreComing: false), at: now)
    }
  }

  /// Certificates of blocks that the ledger holds, or will hold with this commit.
  mutating func certificates(through height: Height) -> [StoredCertificate] {
    let ready = certifier.pending.filter { $0.height <= height }
    certifier.pending.removeAll { $0.height <= height }
    return ready.map { StoredCertificate(height: $0.height, bytes: $0.wireBytes) }
  }
}

/// Key generation messages among the transactions of a lane.
enum KeyMessageEnvelope {
  /// No transaction begins with it.
  private static let tag: UInt8 = 0xf0
  /// One validator's in one block at most: complaints about everybody, and what else there is to say.
  static func perBlockMax(validators: Int) -> Int { validators + 4 }

  static func encode(_ message: KeyGenerationMessage) -> [UInt8] { [tag] + message.wireBytes }

  static func isOne(_ bytes: [UInt8]) -> Bool { bytes.first == tag }

  /// The messages of a batch, in order; only those that the owner of the lane says in its own name.
  static func messages(in batch: LaneBatch, validators: Int) -> [KeyGenerationMessage] {
    var found: [KeyGenerationMessage] = []
    for bytes in batch.transactions where isOne(bytes) && found.count < perBlockMax(validators: validators) {
      guard let message = try? WireReader.decode(KeyGenerationMessage.self, from: Array(bytes.dropFirst())),
        message.sender == Participant(batch.lane) + 1
      else { continue }
      found.append(message)
    }
    return found
  }
}
