// Plans, refusals, aggregation and blame: rules T1 to T6.

import Primitives
import Sodium
import Testing
import Threshold

@Suite struct SigningTests {
  /// A plan for `participants` of the group, with their signers ready to keep to it.
  static func plan(
    _ group: Group, _ participants: [Participant], view: View = 5
  ) throws -> (SigningPlan, [ThresholdSigner]) {
    let signers = try participants.map { try group.signer($0) }
    let entries = try signers.map { signer in
      SigningPlan.Entry(
        participant: signer.participant, bootId: signer.bootId, commitment: try #require(signer.prepare(view)))
    }
    return (SigningPlan(keyEpoch: 0, view: view, entries: entries), signers)
  }

  static func refusal(
    _ signer: ThresholdSigner, _ plan: SigningPlan, isInHeader: Bool = true, headerView: View = 5,
    _ statement: CertificateStatement = statement()
  ) -> SigningRefusal? {
    switch signer.sign(statement, plan: plan, isInHeader: isInHeader, headerView: headerView) {
    case .success: nil
    case .failure(let refusal): refusal
    }
  }

  @Test(arguments: [(1, 1), (4, 3), (7, 5), (10, 7), (31, 21)]) func everybodyAggregatesOneSignature(
    _ n: Int, _ t: Int
  ) throws {
    let group = try Group(n: n, t: t, seed: UInt64(n))
    let (plan, signers) = try Self.plan(group, (1...t).map { Participant($0 + n - t) })
    let message = statement().message
    let shares = try signers.map {
      try $0.sign(statement(), plan: plan, isInHeader: true, headerView: 5).get()
    }
    let session = try SigningSession(plan: plan, groupKey: group.key, message: message)
    let publicShares = plan.entries.map { group.publicShares[Int($0.participant) - 1] }
    let result = try session.aggregate(shares.map(\.share), message: message, publicShares: publicShares)
    guard case .signature(let signature) = result else { throw Missing() }
    #expect(Ed25519.verify(signature, message, by: group.key))
    #expect(!Ed25519.verify(signature, statement(root: 10).message, by: group.key))
    // By the fast way to the same verdict.
    #expect(try session.signature(of: shares.map(\.share), key: try group.multiples()) == signature)
    #expect(try session.signature(of: shares.map(\.share), key: .base) == nil)
    for made in shares { #expect(made.session.challenge == session.challenge) }
  }

  /// T1: any field changes what is signed.
  @Test func t1StatementBindsEveryField() {
    let one = statement()
    var variants = [one]
    for change: (inout CertificateStatement) -> Void in [
      { $0.chain = .zero }, { $0.epoch = 1 }, { $0.view = 6 }, { $0.height = 6 }, { $0.headerHash = .zero },
      { $0.stateRoot = .zero },
    ] {
      var other = one
      change(&other)
      variants.append(other)
    }
    #expect(Set(variants.map(\.message)).count == variants.count)
    #expect(one.message.count == 32)
  }

  @Test func t3PlanMustBeInTheHeader() throws {
    let (plan, signers) = try Self.plan(try Group(n: 4, t: 3, seed: 1), [1, 2, 4])
    #expect(Self.refusal(signers[0], plan, isInHeader: false) == .planNotInHeader)
    #expect(Self.refusal(signers[0], plan) == nil)
  }

  @Test func t3PlanHeaderAndVoteNameOneView() throws {
    let (plan, signers) = try Self.plan(try Group(n: 4, t: 3, seed: 1), [1, 2, 4])
    #expect(Self.refusal(signers[0], plan, headerView: 6) == .wrongView)
    #expect(Self.refusal(signers[0], plan, statement(view: 6)) == .wrongView)
    #expect(Self.refusal(signers[0], plan, headerView: 6, statement(view: 6)) == .wrongView)
  }

  @Test func t3PlanHasExactlyTDifferentSigners() throws {
    let (plan, signers) = try Self.plan(try Group(n: 4, t: 3, seed: 1), [1, 2, 3, 4])
    #expect(Self.refusal(signers[0], plan) == .malformedPlan)
    var other = SigningPlan(keyEpoch: 0, view: plan.view, entries: Array(plan.entries[0..<2]))
    #expect(Self.refusal(signers[0], other) == .malformedPlan)
    other.entries = [plan.entries[0], plan.entries[0], plan.entries[1]]
    #expect(Self.refusal(signers[0], other) == .malformedPlan)
    other.entries = [plan.entries[1], plan.entries[0], plan.entries[2]]
    #expect(Self.refusal(signers[0], other) == .malformedPlan)
    other.entries = Array(plan.entries[0..<3])
    other.entries[2].participant = 5
    #expect(Self.refusal(signers[0], other) == .malformedPlan)
    other.entries = Array(plan.entries[0..<3])
    other.entries[0].participant = 0
    #expect(Self.refusal(signers[0], other) == .malformedPlan)
    other.entries = Array(plan.entries[0..<3])
    #expect(Self.refusal(signers[3], other) == .notASigner)
    #expect(Self.refusal(signers[0], other) == nil)
  }

  @Test func t3CommitmentIsItsOwnBitForBit() throws {
    let (plan, signers) = try Self.plan(try Group(n: 4, t: 3, seed: 1), [1, 2, 4])
    var other = plan
    other.entries[0].commitment.binding = plan.entries[1].commitment.binding
    #expect(Self.refusal(signers[0], other) == .otherCommitment)
    other = plan
    // The same point times eight, of another encoding: still not its own bytes.
    let torsion = try #require(PointEncoding(hex: EdwardsTests.smallOrder[4]))
    other.entries[0].commitment.hiding = try #require(Edwards25519.add(plan.entries[0].commitment.hiding, torsion))
    #expect(Self.refusal(signers[0], other) == .otherCommitment)
    other = plan
    other.entries[0].bootId = 2
    #expect(Self.refusal(signers[0], other) == .otherBoot)
  }

  @Test func t3AllPointsAreValid() throws {
    let (plan, signers) = try Self.plan(try Group(n: 4, t: 3, seed: 1), [1, 2, 4])
    for hex in EdwardsTests.notCanonical + EdwardsTests.smallOrder {
      var other = plan
      other.entries[1].commitment.hiding = try #require(PointEncoding(hex: hex))
      #expect(Self.refusal(signers[0], other) == .invalidPoint)
      other = plan
      other.entries[2].commitment.binding = try #require(PointEncoding(hex: hex))
      #expect(Self.refusal(signers[0], other) == .invalidPoint)
    }
    #expect(Self.refusal(signers[0], plan) == nil)
  }

  /// The heart of it: one pair, one share, whatever a leader makes of it.
  @Test func t3NoncesSignOnce() throws {
    let (plan, signers) = try Self.plan(try Group(n: 4, t: 3, seed: 1), [1, 2, 4])
    #expect(Self.refusal(signers[0], plan) == nil)
    #expect(Self.refusal(signers[0], plan) == .spent)
    #expect(Self.refusal(signers[0], plan, statement(root: 10)) == .spent)
    var other = plan
    other.entries[1].commitment = other.entries[2].commitment
    #expect(Self.refusal(signers[0], other) == .spent)
  }

  @Test func t3NoncesOfAViewAreNeverMadeTwice() throws {
    let signer = try Group(n: 4, t: 3, seed: 1).signer(1)
    let first = signer.prepare(5)
    #expect(first != nil)
    #expect(signer.prepare(5) == nil)
    #expect(signer.prepare(4) == nil)
    #expect(signer.prepare(6) != nil)
    let commitments = signer.prepared.map(\.commitment)
    #expect(commitments.count == 2)
    #expect(Set(commitments).count == 2)
    signer.discard(through: 5)
    #expect(signer.prepared.count == 1)
    #expect(signer.prepare(5) == nil)
  }

  @Test func t4RestartKillsOldCommitments() throws {
    let group = try Group(n: 4, t: 3, seed: 1)
    let (plan, signers) = try Self.plan(group, [1, 2, 4])
    let restarted = try group.signer(1, bootId: 2, seed: 8)
    #expect(Self.refusal(restarted, plan) == .otherBoot)
    // Also if it makes nonces for the same view again.
    let again = try #require(restarted.prepare(5))
    #expect(again != plan.entries[0].commitment)
    #expect(Self.refusal(restarted, plan) == .otherBoot)
    signers[0].discardAll()
    #expect(Self.refusal(signers[0], plan) == .spent)
  }

  @Test func t4WaitingNoncesAreBounded() throws {
    let signer = try Group(n: 1, t: 1, seed: 1).signer(1)
    for view in 1...View(ThresholdSigner.noncesMax + 8) { _ = signer.prepare(view) }
    #expect(signer.prepared.count == ThresholdSigner.noncesMax)
    #expect(signer.prepared.first?.view == 9)
  }

  /// T5: the same two shares under another set of signers have other factors.
  @Test func t5FactorsCoverTheWholeList() throws {
    let group = try Group(n: 4, t: 3, seed: 1)
    let (plan, _) = try Self.plan(group, [1, 2, 3, 4])
    let message = statement().message
    let sessions = try [[0, 1, 2], [0, 1, 3]].map { places in
      try SigningSession(
        plan: SigningPlan(keyEpoch: 0, view: plan.view, entries: places.map { plan.entries[$0] }),
        groupKey: group.key,
        message: message)
    }
    #expect(sessions[0].bindingFactors[0] != sessions[1].bindingFactors[0])
    #expect(sessions[0].bindingFactors[0] != sessions[0].bindingFactors[1])
  }

  @Test(arguments: [[0], [2], [0, 1], [0, 1, 2]]) func t6CulpritsAreNamed(_ bad: [Int]) throws {
    let group = try Group(n: 4, t: 3, seed: 1)
    let (plan, signers) = try Self.plan(group, [1, 2, 4])
    let message = statement().message
    var shares = try signers.map {
      try $0.sign(statement(), plan: plan, isInHeader: true, headerView: 5).get().share
    }
    // Even where the errors cancel in pairs of the sum, the shares are named one by one.
    for place in bad { shares[place] = shares[place] + Scalar25519(UInt64(place + 1)) }
    let session = try SigningSession(plan: plan, groupKey: group.key, message: message)
    let publicShares = plan.entries.map { group.publicShares[Int($0.participant) - 1] }
    let result = try session.aggregate(shares, message: message, publicShares: publicShares)
    #expect(result == .spoiled(by: bad.map { plan.entries[$0].participant }))
    #expect(try session.signature(of: shares, key: try group.multiples()) == nil)
  }

  @Test func sessionsRefuseMalformedSets() throws {
    #expect(throws: FrostError.invalidParticipants) { try LagrangeCoefficients([2, 1]) }
    #expect(throws: FrostError.invalidParticipants) { try LagrangeCoefficients([1, 1]) }
    #expect(throws: FrostError.invalidParticipants) { try LagrangeCoefficients([0, 1]) }
    #expect(throws: FrostError.invalidParticipants) { try LagrangeCoefficients(Array(1...257)) }
    let group = try Group(n: 4, t: 3, seed: 1)
    let (plan, _) = try Self.plan(group, [1, 2, 4])
    let session = try SigningSession(plan: plan, groupKey: group.key, message: [])
    #expect(throws: FrostError.invalidParticipants) { try session.aggregate([.one]) }
    #expect(!session.verify(.one, of: 3, publicShare: .base))
  }

  /// Coefficients interpolate: they recover the secret of any polynomial from any t places.
  @Test func coefficientsInterpolate() throws {
    for (n, t) in [(4, 3), (31, 21), (100, 67), (256, 171)] {
      var random = SeededRandom(seed: UInt64(n))
      let polynomial = (0..<t).map { _ in Make.scalar(&random) }
      var places: [Participant] = (1...n).map { Participant($0) }
      places.shuffle(using: &random)
      let chosen = places.prefix(t).sorted()
      let coefficients = try LagrangeCoefficients(chosen)
      let secret = zip(chosen, coefficients.values).reduce(Scalar25519.zero) { sum, next in
        let value = polynomial.reversed().reduce(.zero) { $0 * Scalar25519(UInt64(next.0)) + $1 }
        return sum + next.1 * value
      }
      #expect(secret == polynomial[0])
    }
  }
}
