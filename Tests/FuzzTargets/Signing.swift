// What threshold signatures and key generation say to each other: decoders, and the machines right behind them. What they
// start from is one key generation of four and one certificate of three of them.

import Primitives
import Replica
import Sodium
import Threshold
import Wire

struct SigningSample: Sendable {
  private(set) var messages: [KeyGenerationMessage] = []
  /// As everybody saw it at the start of each phase.
  private(set) var states: [KeyGeneration] = []
  let keys: GroupKeys
  private(set) var batches: [NonceBatch] = []
  let plan: SigningPlan
  let statement = CertificateStatement(
    chain: Market.chain, epoch: 0, view: 1, height: 1, headerHash: Digest(words: (1, 2, 3, 4)),
    stateRoot: Digest(words: (5, 6, 7, 8)))
  /// Of the three signers of the plan, in its order.
  private(set) var shares: [[UInt8]] = []
  let certificate: GroupCertificate

  static let made: SigningSample = {
    guard let sample = SigningSample() else { preconditionFailure("three of four sign") }
    return sample
  }()

  private static func secret(_ number: UInt8) -> SecretBytes {
    SecretBytes(copying: [UInt8](repeating: number, count: 32))
  }

  private init?() {
    let people = Market.validators
    guard
      let ceremony = Ceremony(
        chain: Market.chain, epoch: 1, source: .fresh, dealers: people, recipients: people, threshold: 3)
    else { return nil }
    let parties = people.enumerated().map {
      KeyGenerationParty(ceremony, signer: .standIn($0.element), seed: Self.secret(UInt8($0.offset)), oldShare: nil)
    }
    var state = KeyGeneration(ceremony, scheme: .standIn, startingAt: 1)
    for height in 1...4 as ClosedRange<Height> {
      states.append(state)
      for message in parties.flatMap({ $0.messages(state) }) {
        messages.append(message)
        _ = state.apply(message)
      }
      state.endBlock(height)
    }
    guard case .done(let keys) = state.phase, let complaint = Self.complaint(ceremony, people[0]) else { return nil }
    self.keys = keys
    messages.append(complaint)
    var choice = SignerChoice(validators: 4)
    var signers: [ThresholdSigner] = []
    for place in 0..<3 {
      guard let share = parties[place].share(state) else { return nil }
      let signer = ThresholdSigner(
        keyEpoch: 1, participant: Participant(place + 1), threshold: 3, participants: 4, groupKey: keys.groupKey,
        share: share, seed: Self.secret(UInt8(40 + place)), bootId: 7)
      let batch = NonceBatch(
        keyEpoch: 1, bootId: 7, firstView: 1, commitments: (1...8).compactMap { signer.prepare($0) })
      choice.take(batch, of: signer.participant)
      batches.append(batch)
      signers.append(signer)
    }
    guard let plan = choice.plan(for: 1, keys: keys) else { return nil }
    self.plan = plan
    var collector = ShareCollector(validators: 4)
    collector.prepare(statement, plan: plan, isFair: true, keys: keys, session: nil)
    for signer in signers {
      guard case .success(let signed) = signer.sign(statement, plan: plan, isInHeader: true, headerView: 1) else {
        return nil
      }
      shares.append(signed.share.bytes.bytes)
      _ = collector.take(
        signed.share.bytes.bytes, of: signer.participant, root: statement.stateRoot, block: statement.headerHash,
        view: 1)
    }
    guard case .certificate(let certificate, _) = collector.certify(statement.headerHash) else { return nil }
    self.certificate = certificate
  }

  /// One that nobody sustains.
  private static func complaint(_ ceremony: Ceremony, _ identity: PublicKey) -> KeyGenerationMessage? {
    let own = SecretScalar(seed: secret(60), domain: "fuzz", context: [])
    let other = SecretScalar(seed: secret(61), domain: "fuzz", context: []).timesBase()
    guard let shared = own.times(other),
      let proof = EqualityProof(of: own, over: other, shared: shared, context: ceremony.context("complaint", 1))
    else { return nil }
    return KeyGenerationMessage(
      ceremony: ceremony.id, sender: 1, body: .complaint(Complaint(dealer: 2, shared: shared, proof: proof)),
      signedBy: .standIn(identity))
  }

  /// Shares in, and whatever comes out is a certificate or names somebody.
  func certify(_ plan: SigningPlan, _ shares: [[UInt8]], root: Digest? = nil) {
    var collector = ShareCollector(validators: 4)
    var subject = statement
    subject.view = plan.view
    collector.prepare(subject, plan: plan, isFair: true, keys: keys, session: nil)
    for (entry, share) in zip(plan.entries, shares) {
      _ = collector.take(
        share, of: entry.participant, root: root ?? subject.stateRoot, block: subject.headerHash, view: subject.view)
    }
    switch collector.certify(subject.headerHash) {
    case .certificate(let made, _):
      precondition(made.verify(chain: Market.chain, groupKey: keys.groupKey), "a certificate that does not verify")
    case .spoiled(let culprits, _): precondition(!culprits.isEmpty, "spoiled by nobody")
    case nil: break
    }
  }
}

extension FuzzTarget {
  static let signing: [FuzzTarget] = [
    decoder("nonce-batch", { SigningSample.made.batches }) { batch in
      let sample = SigningSample.made
      var choice = SignerChoice(validators: 4)
      for (place, own) in sample.batches.enumerated() { choice.take(own, of: Participant(place + 1)) }
      choice.take(batch, of: 2)
      choice.take(batch, of: 2)
      for view in [1, 9, batch.firstView] {
        guard let plan = choice.plan(for: view, keys: sample.keys) else { continue }
        precondition(plan.isWellFormed(threshold: 3, participants: 4) && choice.isFair(plan), "a plan nobody can sign")
      }
    },
    decoder("signing-plan", { [SigningSample.made.plan] }) { plan in
      let sample = SigningSample.made
      sample.certify(plan, sample.shares)
    },
    decoder("group-certificate", { [SigningSample.made.certificate] }) { certificate in
      let sample = SigningSample.made
      guard certificate.verify(chain: Market.chain, groupKey: sample.keys.groupKey) else { return }
      precondition(certificate == sample.certificate, "a forged certificate")
    },
    decoder(
      "late-share",
      {
        let sample = SigningSample.made
        return sample.shares.map {
          LateShare(view: 1, block: sample.statement.headerHash, stateRoot: sample.statement.stateRoot, share: $0)
        }
      }
    ) { late in
      let sample = SigningSample.made
      sample.certify(sample.plan, [late.share] + sample.shares.dropFirst(), root: late.stateRoot)
    },
    decoder("key-message", { SigningSample.made.messages }) { message in
      let sample = SigningSample.made
      let place = Int(message.sender) - 1
      var signed = message
      if Market.validators.indices.contains(place) {
        signed = KeyGenerationMessage(
          ceremony: message.ceremony, sender: message.sender, body: message.body,
          signedBy: .standIn(Market.validators[place]))
      }
      for var state in sample.states {
        _ = state.apply(message)
        _ = state.apply(signed)
        state.endBlock(100)
      }
    },
    decoder("group-keys", { [SigningSample.made.keys] }) { keys in
      for participant in [0, 1, 4, .max] as [Participant] { _ = keys.publicShare(of: participant) }
      var choice = SignerChoice(validators: 4)
      _ = choice.plan(for: 1, keys: keys)
    },
    decoder(
      "key-schedule",
      {
        [FuzzTarget.schedule.record]
      }
    ) { record in
      var schedule = FuzzTarget.schedule
      schedule.restore(record)
      for height in [1, 200, .max] as [Height] { schedule.endBlock(height) }
      precondition(schedule.active == record.active || schedule.active == record.pending, "keys from nowhere")
    },
  ]

  private static var schedule: KeySchedule {
    KeySchedule(
      chain: Market.chain, committee: KeyCommittee(keys: Market.validators, threshold: 3),
      settings: KeyScheduleSettings(),
      scheme: .standIn)
  }
}
