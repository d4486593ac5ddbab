// T2, T6: who signs next, and what a dishonest signer can spoil.

import Primitives
import Sodium
import Testing
import Threshold

@Suite struct SignerChoiceTests {
  private let group: Group

  init() throws { group = try Group(n: 4, t: 3, seed: 5) }

  private var keys: GroupKeys {
    GroupKeys(epoch: 0, groupKey: group.key, threshold: 3, publicShares: group.publicShares.map(\.encoding))
  }

  private func batch(_ participant: Participant, boot: UInt64 = 1, first: View = 1, count: Int = 32) throws
    -> NonceBatch
  {
    let signer = try group.signer(participant, bootId: boot)
    return NonceBatch(
      keyEpoch: 0, bootId: boot, firstView: first,
      commitments: (0..<count).compactMap { signer.prepare(first + View($0)) })
  }

  private func choice() throws -> SignerChoice {
    var choice = SignerChoice(validators: 4)
    for participant in 1...4 { choice.take(try batch(Participant(participant)), of: Participant(participant)) }
    return choice
  }

  private func signers(_ plan: SigningPlan?) -> [Participant] { plan?.entries.map(\.participant) ?? [] }

  @Test func t2TheFastestSignAndOnePlaceGoesRound() throws {
    var choice = try choice()
    for (order, participant) in [2, 4, 1, 3].enumerated() {
      for _ in 0..<50 { choice.voted(Participant(participant), order: order) }
    }
    let (even, odd) = (choice.plan(for: 2, keys: keys), choice.plan(for: 3, keys: keys))
    #expect(signers(even) == [1, 2, 4] && signers(odd) == [2, 3, 4])
  }

  @Test func t2WhoMissesIsTriedLessAndLess() throws {
    var choice = try choice()
    var tries = 0
    for view in 1...32 {
      let plan = choice.plan(for: View(view), keys: keys)
      if signers(plan).contains(4) {
        tries += 1
        choice.missed(4)
      }
      for other in signers(plan) where other != 4 { choice.signed(other) }
    }
    #expect(tries <= 2, "\(tries)")
    // A new start wipes nothing out.
    choice.take(try batch(4, boot: 2, first: 33), of: 4)
    for participant in 1...3 {
      choice.take(try batch(Participant(participant), first: 33), of: Participant(participant))
    }
    for view in View(33)...40 {
      let plan = choice.plan(for: view, keys: keys)
      #expect(!signers(plan).contains(4))
    }
  }

  @Test func t2CommitmentsThatAreNoPointsExcludeTheirOwner() throws {
    var choice = try choice()
    var junk = try batch(1)
    var words = PointEncoding.zero
    for number in 0..<200 {
      words = PointEncoding(words: (UInt64(number), 1, 2, 3))
      if EdwardsPoint(words) == nil { break }
    }
    junk.commitments = junk.commitments.map { _ in CommitmentEighths(hiding: words, binding: words) }
    junk.bootId = 9
    choice.take(junk, of: 1)
    for view in View(1)...20 {
      let plan = choice.plan(for: view, keys: keys)
      #expect(signers(plan) == [2, 3, 4])
    }
    #expect(choice.isExcluded(1, keyEpoch: 0))
    // With two of them nobody can sign, and nobody hangs.
    choice.take(junk, of: 2)
    let none = choice.plan(for: 21, keys: keys)
    #expect(none == nil)
  }

  @Test func t2APlanWithOthersCommitmentsIsNotFair() throws {
    var choice = try choice()
    let drafted = choice.plan(for: 5, keys: keys)
    var plan = try #require(drafted)
    #expect(choice.isFair(plan))
    plan.entries[0].bootId = 7
    #expect(!choice.isFair(plan))
  }

  // MARK: Collecting

  private struct Round {
    let block: Digest
    let statement: CertificateStatement
    let plan: SigningPlan
    var shares: [Participant: [UInt8]] = [:]
  }

  private func round(_ view: View = 5) throws -> Round {
    var choice = SignerChoice(validators: 4)
    var all: [Participant: ThresholdSigner] = [:]
    for participant in Participant(1)...3 {
      let signer = try group.signer(participant)
      let commitments = (1...8).compactMap { signer.prepare($0) }
      choice.take(
        NonceBatch(keyEpoch: 0, bootId: 1, firstView: 1, commitments: commitments), of: participant)
      all[participant] = signer
    }
    let drafted = choice.plan(for: view, keys: keys)
    let plan = try #require(drafted)
    let block = Digest(words: (1, 2, 3, view))
    let statement = CertificateStatement(
      chain: .zero, epoch: 0, view: view, height: view, headerHash: block, stateRoot: Digest(words: (9, 9, 9, 9)))
    var round = Round(block: block, statement: statement, plan: plan)
    for (participant, signer) in all {
      round.shares[participant] = try signer.sign(statement, plan: plan, isInHeader: true, headerView: view).get()
        .share.bytes.bytes
    }
    return round
  }

  private func prepared(_ round: Round) -> ShareCollector {
    var collector = ShareCollector(validators: 4)
    collector.prepare(round.statement, plan: round.plan, isFair: true, keys: keys, session: nil)
    return collector
  }

  @Test func t6ACertificateFromAllShares() throws {
    let round = try round()
    var collector = prepared(round)
    for (participant, share) in round.shares {
      let isTaken = collector.take(share, of: participant, root: round.statement.stateRoot, block: round.block, view: 5)
      #expect(isTaken)
    }
    guard case .certificate(let certificate, _)? = collector.certify(round.block) else {
      Issue.record("no certificate")
      return
    }
    #expect(certificate.verify(chain: .zero, groupKey: group.key))
    let (again, missing) = (collector.certify(round.block), collector.missing(through: 5))
    #expect(again == nil && missing.isEmpty)
  }

  @Test func t6AShareForAnotherStateNamesItsSender() throws {
    let round = try round()
    var collector = prepared(round)
    for (participant, share) in round.shares {
      let root = participant == 2 ? Digest.zero : round.statement.stateRoot
      _ = collector.take(share, of: participant, root: root, block: round.block, view: 5)
    }
    guard case .spoiled(let culprits, _)? = collector.certify(round.block) else {
      Issue.record("nobody is named")
      return
    }
    #expect(culprits == [2])
  }

  @Test func aVoteThatNamesTheBlockInAnotherViewChangesNothing() throws {
    let round = try round()
    var collector = ShareCollector(validators: 4)
    // Before the block is known here, and after.
    let first = collector.note(voter: 4, block: round.block, view: 1)
    _ = collector.take([UInt8](repeating: 0, count: 32), of: 1, root: .zero, block: round.block, view: 1)
    collector.prepare(round.statement, plan: round.plan, isFair: true, keys: keys, session: nil)
    let second = collector.note(voter: 4, block: round.block, view: 1)
    #expect(first == 0 && second == nil)
    collector.forget(through: 4)
    for (participant, share) in round.shares {
      _ = collector.take(share, of: participant, root: round.statement.stateRoot, block: round.block, view: 5)
    }
    guard case .certificate? = collector.certify(round.block) else {
      Issue.record("no certificate")
      return
    }
  }

  @Test func missingSignersAreToldOnceAndOnlyForFairPlans() throws {
    let round = try round()
    var collector = prepared(round)
    _ = collector.take(
      round.shares[1] ?? [], of: 1, root: round.statement.stateRoot, block: round.block, view: 5)
    let told = [collector.missing(through: 4), collector.missing(through: 5), collector.missing(through: 9)]
    #expect(told == [[], [2, 3], []])
    var unfair = ShareCollector(validators: 4)
    unfair.prepare(round.statement, plan: round.plan, isFair: false, keys: keys, session: nil)
    let none = unfair.missing(through: 9)
    #expect(none.isEmpty)
  }

  @Test func keeperNeverLetsGoOfWhatSigns() throws {
    let keeper = ShareKeeper()
    for epoch in 1...9 as ClosedRange<UInt64> {
      keeper.adopt(try Make.secretScalar(group.shares[Int(epoch) % 4]), epoch: epoch, needed: [1])
    }
    let isKept = keeper.share(of: 1) != nil
    #expect(isKept && keeper.epochs.count <= 4)
    let again = try #require(ShareKeeper(contents: keeper.contents))
    #expect(again.epochs == keeper.epochs)
    #expect(ShareKeeper(contents: SecretBytes(copying: [1, 0])) == nil)
    #expect(ShareKeeper(contents: SecretBytes(count: 0)) == nil)
    // Whoever has no share of the new epoch lets the old ones go as well.
    #expect(keeper.certified(epoch: 50) && keeper.epochs.isEmpty)
  }
}
