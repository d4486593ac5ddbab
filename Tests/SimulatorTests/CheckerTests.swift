// The checkers bite: what no agreement can bear is noticed, and soon.

import Primitives
import Simulator
import Testing

@Suite struct CheckerTests {
  /// Two Byzantine validators of four, where one is what agreement bears: they equivocate together.
  private static func collusion(seed: UInt64) -> SimulationOptions {
    var options = SimulationOptions.storm(seed: seed, validators: 4, duration: 120 * Duration64.second)
    options.faults = []
    options.adversaries = [
      AdversaryAssignment(validator: 0, kind: .equivocatingLeader),
      AdversaryAssignment(validator: 1, kind: .doubleVoter),
    ]
    return options
  }

  @Test func moreThanFEquivocatorsAreNoticed() {
    var noticed = 0
    for seed in 1...10 as ClosedRange<UInt64> {
      let report = Simulation(Self.collusion(seed: seed)).run()
      if !report.violations.isEmpty { noticed += 1 }
    }
    // One equivocator alone is never noticed (below). Two need a view that one of them leads and a split that holds.
    #expect(noticed >= 3, "noticed in \(noticed) of 10 runs")
  }

  /// The same two kinds, one of them at a time, and nothing is broken.
  @Test(arguments: [0, 1]) func oneOfThemIsBorne(place: Int) {
    for seed in 1...4 as ClosedRange<UInt64> {
      var options = Self.collusion(seed: seed)
      options.adversaries = [options.adversaries[place]]
      let report = Simulation(options).run()
      #expect(report.violations.isEmpty, "\(report.violations)\n\(options)")
    }
  }

  /// The model clears what the network cleared, and says so.
  @Test func theModelJudgesTheClearing() {
    var options = SimulationOptions.calm(seed: 5, duration: 60 * Duration64.second)
    options.hasOracle = true
    let report = Simulation(options).run()
    #expect(report.violations.isEmpty, "\(report.violations)")
    #expect(report.judged > 300)
  }
}
