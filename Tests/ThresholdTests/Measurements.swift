// What threshold signatures cost; printed with NOVATION_MEASURE=1, nothing is asserted about time.

import Foundation
import Primitives
import Sodium
import Testing
import Threshold
import Wire

@Suite struct Measurements {
  static let isWanted = ProcessInfo.processInfo.environment["NOVATION_MEASURE"] == "1"

  /// Milliseconds of one call: the median of several.
  static func time(_ rounds: Int = 15, _ body: () throws -> Void) rethrows -> Double {
    let clock = ContinuousClock()
    let times = try (0..<rounds).map { _ in try clock.measure { try body() } }.sorted()
    let (seconds, attoseconds) = times[rounds / 2].components
    return Double(seconds) * 1000 + Double(attoseconds) / 1e15
  }

  /// Milliseconds of one call of many: the median.
  static func median<Each: Sequence>(_ each: Each, _ body: (Each.Element) throws -> Void) rethrows -> Double {
    let clock = ContinuousClock()
    let times = try each.map { one in try clock.measure { try body(one) } }.sorted()
    let (seconds, attoseconds) = times[times.count / 2].components
    return Double(seconds) * 1000 + Double(attoseconds) / 1e15
  }

  static func text(_ milliseconds: Double) -> String { String(format: "%.3f ms", milliseconds) }

  /// What one validator does for the certificate of one block, by the machines that a replica uses.
  @Test(.enabled(if: isWanted), arguments: [(4, 3), (7, 5), (31, 21), (100, 67)])
  func signing(_ n: Int, _ t: Int) throws {
    let group = try Group(n: n, t: t, seed: 1)
    let keys = group.keys
    let signers = try (1...t).map { try group.signer(Participant($0)) }
    let views = 1...View(31)
    var choice = SignerChoice(validators: n)
    let prepare = Self.median(views) { view in _ = signers[0].prepare(view) }
    for signer in signers.dropFirst() { for view in views { _ = signer.prepare(view) } }
    for signer in signers {
      let batch = NonceBatch(
        keyEpoch: 0, bootId: signer.bootId, firstView: 1, commitments: signer.prepared.map(\.commitment))
      choice.take(batch, of: signer.participant)
    }
    var plans: [SigningPlan] = []
    let plan = Self.median(views) { view in
      if let made = choice.plan(for: view, keys: keys) { plans.append(made) }
    }
    #expect(plans.count == views.count)
    var own: [SignedShare] = []
    let sign = try Self.median(views) { view in
      own.append(
        try signers[0].sign(statement(view: view), plan: plans[own.count], isInHeader: true, headerView: view).get())
    }
    let others = try plans.map { plan in
      try signers.dropFirst().map {
        try $0.sign(statement(view: plan.view), plan: plan, isInHeader: true, headerView: plan.view).get().share
      }
    }
    /// Plan, votes and shares in, a certificate out.
    func collect(_ collector: inout ShareCollector, _ view: View, _ session: SigningSession?) throws {
      let (subject, place) = (statement(view: view), Int(view) - 1)
      collector.prepare(subject, plan: plans[place], isFair: true, keys: keys, session: session)
      for (participant, share) in zip(signers.map(\.participant), [own[place].share] + others[place]) {
        let block = subject.headerHash
        _ = collector.note(voter: participant, block: block, view: view)
        _ = collector.take(share.bytes.bytes, of: participant, root: subject.stateRoot, block: block, view: view)
      }
      guard case .certificate = collector.certify(subject.headerHash) else { throw Missing() }
      collector.forget(through: view)
    }
    var collector = ShareCollector(validators: n)
    let aggregate = try Self.median(views) { view in try collect(&collector, view, own[Int(view) - 1].session) }
    let witness = try Self.median(views) { view in try collect(&collector, view, nil) }
    let message = statement(view: 1).message
    let signature = try own[0].session.aggregate([own[0].share] + others[0])
    let verify = Self.median(views) { _ in #expect(Ed25519.verify(signature, message, by: group.key)) }
    var spoiled = [own[0].share] + others[0]
    spoiled[t / 2] = .one
    let publicShares = Array(group.publicShares.prefix(t))
    let blame = try Self.median(1...3) { _ in
      _ = try own[0].session.aggregate(spoiled, message: message, publicShares: publicShares)
    }
    let whole = prepare + sign + aggregate + plan / Double(n)
    print(
      "FROST n=\(n) t=\(t): nonces \(Self.text(prepare)), share \(Self.text(sign)), certificate \(Self.text(aggregate)),",
      "plan of a leader \(Self.text(plan)); a block and signer \(Self.text(whole)),",
      String(format: "%.1f", whole / verify), "times an Ed25519 verification of \(Self.text(verify));",
      "who does not sign \(Self.text(witness)); blame \(Self.text(blame)); plan \(plans[0].wireBytes.count) bytes")
  }

  @Test(.enabled(if: isWanted)) func arithmetic() throws {
    var random = SeededRandom(seed: 1)
    let encodings = (0..<67).map { _ in Edwards25519.base(times: Make.scalar(&random)) }
    let points = encodings.compactMap { EdwardsPoint($0) }
    let scalars = points.map { _ in Make.scalar(&random) }
    let terms = Array(zip(scalars, points))
    print("decode a point: ours \(Self.text(Self.time { _ = EdwardsPoint(encodings[0]) })),")
    print("check its order: ours \(Self.text(Self.time { _ = points[0].isGroupElement })),")
    print("libsodium \(Self.text(Self.time { _ = Edwards25519.isGroupElement(encodings[0]) }))")
    for count in [1, 21, 67] {
      print("sum of \(count): \(Self.text(Self.time { _ = EdwardsPoint.sum(Array(terms.prefix(count))) }))")
    }
    let sodium = Self.time { _ = Edwards25519.multiply(encodings[0], by: scalars[0]) }
    print("one product by libsodium: \(Self.text(sodium))")
  }

  @Test(.enabled(if: isWanted), arguments: [(4, 3), (31, 21)]) func keyGeneration(_ n: Int, _ t: Int) throws {
    let people = try Ceremonial(n)
    let ceremony = try people.fresh(t)
    let parties = try people.parties(ceremony)
    var dealingBytes = 0
    let all = try Self.time(1) {
      let state = run(ceremony, parties) { message, _ in
        if case .dealing = message.body { dealingBytes = message.wireBytes.count }
        return [message]
      }
      _ = try state.result()
    }
    print("key generation n=\(n): all nodes' work and two observers \(Self.text(all)); dealing \(dealingBytes) bytes")
  }
}
