// The engine against the model on random commands (see docs/TESTING.md).

import Clearing
import Primitives
import Reference
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// Commands of a campaign: NOVATION_CAMPAIGN=10000000.
private let campaign = getenv("NOVATION_CAMPAIGN").flatMap { Int(String(cString: $0)) }

@Suite struct DifferentialTests {
  private static let perSeed = 2_500

  @Test func `The engine does what the rulebook says`() {
    let commands = campaign ?? 100_000
    let first = getenv("NOVATION_SEED").flatMap { UInt64(String(cString: $0)) } ?? 1
    var report = Differential.Report()
    var seed = first
    while report.commands < commands {
      var run = Differential(seed: seed)
      if let difference = run.run(commands: Self.perSeed) {
        Issue.record("seed \(seed), \(difference)")
        return
      }
      report.add(run.report)
      seed += 1
    }
    print("\(seed - first) seeds: \(report)")
    guard campaign == nil else { return }
    // What must have been seen on the way.
    #expect(report.trades > 2_000 && report.marginCalls > 10 && report.settled > 200 && report.rollbacks > 200)
    for reason in [CancelReason.requested, .timeInForce, .selfTrade, .margin, .expiry, .reduceOnly] {
      #expect(report.cancels[reason] ?? 0 > 0, "\(reason)")
    }
    for code in RejectionCode.allCases where !Self.unreachable.contains(code) {
      #expect(report.refusals[code] ?? 0 > 0, "\(code)")
    }
  }

  /// Not by commands of this size, or not by those that the model knows.
  private static let unreachable: Set<RejectionCode> = [
    .protected, .limitReached, .tooLarge, .selfTrade, .notInLiquidation, .fundLocked,
    .outsideBand, .unknownKey, .unknownValidator, .validatorConflict, .tooFewValidators, .unknownChange, .changeClosed,
    .fixedValidators, .unknownStandby, .standbyRests, .standbyDecided, .badReport, .badTrigger, .wouldTrigger,
    .linkedOrder, .badDisplay,
    .badEvidence, .lateEvidence, .punishedBefore, .jailed, .bondLocked,
  ]
}
