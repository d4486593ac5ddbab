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

  static func text(_ milliseconds: Double) -> String { String(format: "%.3f ms", milliseconds) }

  @Test(.enabled(if: isWanted), arguments: [(4, 3), (7, 5), (31, 21), (100, 67)])
  func signing(_ n: Int, _ t: Int) throws {
    let group = try Group(n: n, t: t, seed: 1)
    let signers = try (1...t).map { try group.signer(Participant($0)) }
    let rounds = 15
    var view: View = 0
    let prepare = try Self.time(rounds) {
      view += 1
      _ = try #require(signers[0].prepare(.view(view)))
    }
    for signer in signers.dropFirst() { for view in 1...View(rounds) { _ = signer.prepare(.view(view)) } }
    let plans = (0..<rounds).map { round in
      SigningPlan(
        keyEpoch: 0,
        purpose: .view(View(round + 1)),
        entries: signers.map {
          SigningPlan.Entry(participant: $0.participant, bootId: $0.bootId, commitment: $0.prepared[round].commitment)
        })
    }
    var made: [SignedShare] = []
    let sign = try Self.time(rounds) {
      let round = made.count
      let view = View(round + 1)
      made.append(
        try signers[0].sign(statement(view: view), plan: plans[round], isInHeader: true, headerView: view).get())
    }
    // Whoever aggregates has the session from signing.
    let message = statement(view: 1).message
    let shares = try signers.dropFirst().map {
      try $0.sign(statement(view: 1), plan: plans[0], isInHeader: true, headerView: 1).get().share
    }
    let all = [made[0].share] + shares
    let publicShares = Array(group.publicShares.prefix(t))
    let aggregate = try Self.time {
      _ = try made[0].session.aggregate(all, message: message, publicShares: publicShares)
    }
    var spoiled = all
    spoiled[t / 2] = .one
    let blame = try Self.time(3) {
      _ = try made[0].session.aggregate(spoiled, message: message, publicShares: publicShares)
    }
    let signature = try made[0].session.aggregate(all)
    let verify = Self.time { _ = Ed25519.verify(signature, message, by: group.key) }
    let total = Self.text(prepare + sign + aggregate)
    print(
      "FROST n=\(n) t=\(t): prepare \(Self.text(prepare)), sign \(Self.text(sign)),",
      "aggregate \(Self.text(aggregate)), per block \(total); blame \(Self.text(blame)),",
      "verify \(Self.text(verify)); plan \(plans[0].wireBytes.count) bytes")
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
