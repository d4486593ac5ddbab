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
  /// Whose shares sign, and how the making of the next ones stands.
  public var keySchedule: KeySchedule { system.finalKeys }

  /// Whether this node holds a share that signs.
  public var holdsShare: Bool { keyEpoch.map { certifier.signer(of: $0) != nil } ?? false }

  /// A new step: T4 asks for new nonces where the machine may have been restored from a snapshot of its memory.
  mutating func watchClock(_ now: Moment, into effects: inout [Effect]) {
    let offset = now.wall.subtracting(now.monotonic) ?? 0
    if let last = certifier.clockOffset, (offset.subtracting(last) ?? .max).magnitude > UInt64(Self.clockJump) {
      discardNonces(into: &effects)
    }
    certifier.clockOffset = offset
  }

  private mutating func discardNonces(into effects: inout [Effect]) {
    guard system.keys.settings.isOn, certifier.discardNonces() else { return }
    effects.append(.needSeed)
  }

  /// A jump of the clocks against each other that is no correction of a drift.
  private static let clockJump: Int64 = 2 * Duration64.second

  mutating func greet(_ peer: ValidatorIndex, into effects: inout [Effect]) {
    if certifier.connected.indices.contains(Int(peer)) { certifier.connected[Int(peer)] = true }
    for batch in certifier.announcements(after: consensus.view) {
      effects.append(.send(to: peer, bound(.nonces(batch))))
    }
  }

  mutating func dismiss(_ peer: ValidatorIndex, into effects: inout [Effect]) {
    guard certifier.connected.indices.contains(Int(peer)) else { return }
    certifier.connected[Int(peer)] = false
    certifier.choice.forget(Participant(peer) + 1)
    // T4: a machine that comes back from a snapshot finds all its sessions dead.
    if committee.n > 1, !certifier.connected.contains(true) { discardNonces(into: &effects) }
  }

  mutating func take(_ batch: NonceBatch, from peer: ValidatorIndex) {
    certifier.choice.take(batch, of: Participant(peer) + 1)
  }

  // MARK: Plans and shares

  /// T2: the plan for a block that this node proposes.
  mutating func signingPlan(for view: View) -> [UInt8] {
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
    }
    certifier.collector.prepare(
      statement, plan: plan, isFair: certifier.choice.isFair(plan), keys: keys, session: session)
    return share
  }

  /// Q others settled the state before this node had executed the block, so it casts no vote (C10): its share goes alone.
  mutating func sendLateShare(of block: Block, into effects: inout [Effect]) {
    guard let (root, bytes) = block.share, !bytes.isEmpty, let index, consensus.isStateSettled(in: block.header.view),
      !consensus.hasVotedOnState(in: block.header.view)
    else { return }
    let late = LateShare(view: block.header.view, block: block.hash, stateRoot: root, share: bytes)
    effects.append(.broadcast(bound(.share(late))))
    take(late, from: index, into: &effects)
  }

  mutating func take(_ late: LateShare, from peer: ValidatorIndex, into effects: inout [Effect]) {
    // Nothing but the share proves itself, so it is taken only for what was executed here.
    guard certifier.collector.isPrepared(late.block) else { return }
    take(
      share: late.share, of: peer, root: late.stateRoot, block: late.block, view: late.view, into: &effects)
  }

  /// A Finalize or Attest: its place among the others of its block says how fast its voter is, its share counts.
  mutating func take(stateVote vote: Vote, isCounted: Bool, into effects: inout [Effect]) {
    guard let block = vote.block, vote.view.saturatingAdding(Certifier.patience) > finalView,
      isCounted || certifier.collector.isPrepared(block)
    else { return }
    let participant = Participant(vote.voter) + 1
    if let order = certifier.collector.note(voter: participant, block: block, view: vote.view) {
      certifier.choice.voted(participant, order: order)
    }
    guard !vote.frostShare.isEmpty else { return }
    take(share: vote.frostShare, of: vote.voter, root: vote.stateRoot, block: block, view: vote.view, into: &effects)
  }

  private mutating func take(
    share: [UInt8], of voter: ValidatorIndex, root: Digest, block: Digest, view: View, into effects: inout [Effect]
  ) {
    guard certifier.collector.take(share, of: Participant(voter) + 1, root: root, block: block, view: view) else {
      return effects.append(.report(voter, "a signature share that is no number"))
    }
    certify(block, into: &effects)
  }

  /// T6: the certificate of a block whose shares are all there, or who spoiled it.
  mutating func certify(_ block: Digest, into effects: inout [Effect]) {
    switch certifier.collector.certify(block) {
    case .certificate(let certificate, let plan):
      for entry in plan.entries { certifier.choice.signed(entry.participant) }
      certifier.retire(before: plan.keyEpoch)
      if certifier.keeper.certified(epoch: plan.keyEpoch) {
        effects.append(.keepSecrets(certifier.keeper.contents))
      }
      keep(certificate, into: &effects)
    case .spoiled(let culprits, let keyEpoch):
      for culprit in culprits {
        certifier.choice.exclude(culprit, keyEpoch: keyEpoch)
        effects.append(.report(ValidatorIndex(culprit - 1), "a wrong signature share"))
      }
    case nil: return
    }
  }

  /// The newest certificate to everybody now and then: whoever was left out by a signer still has proofs.
  mutating func tellCertificate(into effects: inout [Effect]) {
    guard let newest = certifier.newest, newest.height > certifier.toldHeight else { return }
    certifier.toldHeight = newest.height
    effects.append(.broadcast(.certificate(newest)))
  }

  /// A certificate that a peer sent.
  mutating func take(_ certificate: GroupCertificate, into effects: inout [Effect]) {
    guard let groupKey = certifier.groupKey, certificate.verify(chain: chain, groupKey: groupKey) else { return }
    keep(certificate, into: &effects)
  }

  private mutating func keep(_ certificate: GroupCertificate, into effects: inout [Effect]) {
    guard certifier.keep(certificate) else { return }
    // Of a committee without this node: the shares that it had in a former one are of no more use, to anybody.
    if index == nil, committee.epoch > 0, certificate.epoch == committee.epoch, let active = system.finalKeys.active,
      certifier.keeper.certified(epoch: active.epoch)
    {
      effects.append(.keepSecrets(certifier.keeper.contents))
    }
    effects.append(.certified(certificate))
    tellObservers(certificate, into: &effects)
  }

  // MARK: Duties

  /// What follows from the last final block: whose shares stayed away, and which nonces are missing.
  mutating func attendToKeys(at now: Moment, into effects: inout [Effect]) {
    guard system.keys.settings.isOn else { return }
    let (height, view) = (finalHeight, consensus.view)
    // Asked after every step, and mostly nothing has moved.
    if let last = certifier.attendedTo, last == (height, view) { return }
    if certifier.attendedTo?.height != height {
      adoptKeys()
      for late in certifier.collector.missing(through: finalView.subtracting(Certifier.missedAfter) ?? 0) {
        certifier.choice.missed(late)
      }
      certifier.collector.forget(through: finalView.subtracting(Certifier.patience) ?? 0)
    }
    certifier.attendedTo = (height, view)
    prepareNonces(height, into: &effects)
  }

  private mutating func adoptKeys() {
    let schedule = system.finalKeys
    // Those of another committee count its places: it adopts them itself.
    let next = schedule.successors == nil ? schedule.pending : nil
    for keys in [isCommitteeOver ? nil : schedule.active, next].compactMap({ $0 }) { certifier.adopt(keys) }
  }

  private mutating func prepareNonces(_ height: Height, into effects: inout [Effect]) {
    let schedule = system.finalKeys
    guard let own = certifier.own, let active = schedule.active else { return }
    var epochs = [active.epoch]
    let epochBlocks = schedule.settings.epochBlocks
    if let pending = schedule.pending, schedule.successors == nil,
      height % epochBlocks + Certifier.preparationBlocks >= epochBlocks
    {
      epochs.append(pending.epoch)
    }
    for batch in certifier.prepare(after: consensus.view, epochs: epochs) {
      certifier.choice.take(batch, of: own)
      effects.append(.broadcast(bound(.nonces(batch))))
    }
  }

  /// This node's part in the key generation under way, after each final block, for a phase may last only one: seeds and
  /// shares are durable before anything that follows from them leaves.
  mutating func takePart(at height: Height, _ now: Moment, into effects: inout [Effect]) {
    let schedule = system.finalKeys
    guard schedule.settings.isOn else { return }
    guard let running = schedule.running else {
      certifier.party = nil
      certifier.said = nil
      if certifier.keeper.forgetSeeds(except: nil) { effects.append(.keepSecrets(certifier.keeper.contents)) }
      return
    }
    // What a node says to old blocks, catching up, nobody hears; and its seed for the one under way must stay.
    guard !isBehind else { return }
    let identity = signer.publicKey
    guard running.ceremony.dealers.contains(identity) || running.ceremony.recipients.contains(identity),
      let party = party(in: running, schedule, into: &effects)
    else { return }
    if case .life = running.phase, !running.isAlive(party.recipient ?? 0), let share = party.share(running) {
      let needed = [schedule.active?.epoch, schedule.pending?.epoch].compactMap { $0 }
      if certifier.keeper.adopt(share, epoch: running.ceremony.epoch, needed: needed) {
        effects.append(.keepSecrets(certifier.keeper.contents))
      }
    }
    guard !isLaneSuspended else { return }
    // What was said is not worked out again while it is on its way.
    if let said = certifier.said, said.phase == running.phaseNumber, height < said.at + Certifier.resendBlocks {
      return
    }
    for message in party.messages(running) {
      let bytes = KeyMessageEnvelope.encode(message)
      guard index != nil else {
        // E4: who is to become a validator speaks through those who are.
        certifier.said = (running.phaseNumber, height)
        sendThroughValidators(bytes, into: &effects)
        continue
      }
      guard lanes.canAccept(bytes: bytes.count) else { break }
      certifier.said = (running.phaseNumber, height)
      stepLanes(.submit(transaction: bytes, isMoreComing: false), at: now)
    }
  }

  /// To two validators, others each time: one may be Byzantine.
  private mutating func sendThroughValidators(_ bytes: [UInt8], into effects: inout [Effect]) {
    let validators = certifier.connected.indices.filter { certifier.connected[$0] }
    guard !validators.isEmpty else { return }
    for _ in 0..<min(2, validators.count) {
      forwarded &+= 1
      let peer = ValidatorIndex(truncatingIfNeeded: validators[Int(forwarded % UInt64(validators.count))])
      effects.append(.send(to: peer, .transaction(bytes)))
    }
  }

  /// A key generation message of somebody who is to become a validator; nil for what has no place in a lane.
  func isOfSuccessor(_ bytes: [UInt8]) -> Bool {
    guard let message = KeyMessageEnvelope.decode(bytes), let running = system.finalKeys.running,
      message.ceremony == running.ceremony.id, case .resharing = running.ceremony.source,
      running.ceremony.recipients.indices.contains(Int(message.sender) - 1)
    else { return false }
    if case .dealing = message.body { return false }
    let identity = running.ceremony.recipients[Int(message.sender) - 1]
    return !running.ceremony.dealers.contains(identity)
      && scheme.verify(message.signature, message.signingBytes, by: identity)
  }

  private mutating func party(
    in running: KeyGeneration, _ schedule: KeySchedule, into effects: inout [Effect]
  ) -> KeyGenerationParty? {
    let ceremony = running.ceremony
    if let known = certifier.party, known.ceremony == ceremony.id { return known.party }
    if certifier.keeper.seed(of: ceremony.id) == nil {
      guard let seed = certifier.source?.draw() else { return nil }
      _ = certifier.keeper.forgetSeeds(except: nil)
      certifier.keeper.keep(seed: seed, of: ceremony.id)
      effects.append(.keepSecrets(certifier.keeper.contents))
    }
    guard let seed = certifier.keeper.seed(of: ceremony.id) else { return nil }
    let oldShare = schedule.active.flatMap { certifier.keeper.share(of: $0.epoch) }
    let party = KeyGenerationParty(ceremony, signer: signer, seed: seed, oldShare: oldShare)
    certifier.party = (ceremony.id, party)
    certifier.said = nil
    return party
  }

  /// Blocks of a peer without the vote lists on states that need no checking: the group has signed the same, which takes one
  /// verification where a list takes Q. The last list stays, for the ledger goes as far as a list goes; a node that was
  /// away has no others of that time.
  mutating func sparingVoteLists(_ sent: [FinalBlock]) -> [FinalBlock] {
    let hashes = sent.map { $0.proposal.header.hash(chain: chain) }
    let proven = sent.indices.last { sent[$0].certificate.block == hashes[$0] } ?? sent.endIndex - 1
    guard certifier.groupKey != nil, let last = sent.prefix(proven + 1).lastIndex(where: { $0.stateCertificate != nil })
    else { return sent }
    var spared = sent
    for place in 0..<last
    where sent[place].stateCertificate != nil && sent[place].groupCertificate?.headerHash == hashes[place] {
      spared[place].stateCertificate = nil
      counters.voteListsSpared &+= 1
    }
    return spared
  }

  /// Why the state after a block that goes into the ledger is not what others have signed; nil if nobody has signed another.
  func divergence(at block: Block, _ executed: ExecutedBlock) -> String? {
    var signed = [block.stateCertificate?.stateRoot]
    signed.append(certifier.pending.first { $0.headerHash == block.hash }?.stateRoot)
    guard let other = signed.compactMap({ $0 }).first(where: { $0 != executed.stateRoot }) else { return nil }
    return "state at height \(block.header.height) is \(executed.stateRoot.hex), certified \(other.hex)"
  }

  /// Certificates of blocks that the ledger holds, or will hold with this commit.
  mutating func certificates(through height: Height) -> [StoredCertificate] {
    let ready = certifier.pending.filter { $0.height <= height }
    certifier.pending.removeAll { $0.height <= height }
    return ready.map { StoredCertificate(height: $0.height, bytes: $0.wireBytes) }
  }
}

/// Key generation messages among the transactions of a lane.
public enum KeyMessageEnvelope {
  /// No transaction begins with it.
  private static let tag: UInt8 = 0xf0
  /// In one batch at most: complaints about everybody, what else there is to say, and what others say through this lane.
  /// `SystemState` bounds those of a block.
  static func perBatchMax(validators: Int) -> Int { 2 * validators + 8 }

  public static func encode(_ message: KeyGenerationMessage) -> [UInt8] { [tag] + message.wireBytes }

  public static func decode(_ bytes: [UInt8]) -> KeyGenerationMessage? {
    isOne(bytes) ? try? WireReader.decode(KeyGenerationMessage.self, from: Array(bytes.dropFirst())) : nil
  }

  /// Whether the engine never sees this entry of a lane.
  public static func isOne(_ bytes: [UInt8]) -> Bool { bytes.first == tag }

  /// The messages of a batch, in order: what the owner of the lane says, and what it passes on.
  static func messages(in batch: LaneBatch, validators: Int) -> [LaneKeyMessage] {
    var found: [LaneKeyMessage] = []
    for bytes in batch.transactions where isOne(bytes) && found.count < perBatchMax(validators: validators) {
      guard let message = decode(bytes) else { continue }
      found.append(LaneKeyMessage(lane: batch.lane, message: message))
    }
    return found
  }
}
