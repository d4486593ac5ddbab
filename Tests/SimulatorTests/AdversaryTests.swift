// Each named adversary, alone among three honest validators and twice among five, on a network with faults.

import Primitives
import Simulator
import Sodium
import Testing

@Suite struct AdversaryTests {
  @Test(arguments: AdversaryKind.allCases) func isBorne(kind: AdversaryKind) {
    for (seed, validators) in [(901, 4), (902, 4), (903, 7)] as [(UInt64, Int)] {
      var options = SimulationOptions.swarm(seed: seed, validators: validators, duration: 60 * Duration64.second)
      options.signatures = .standIn
      options.duration = 60 * Duration64.second
      options.faultPhase = 20 * Duration64.second
      options.adversaries = (0..<options.f).map { AdversaryAssignment(validator: 2 * $0 + 1, kind: kind) }
      let report = Simulation(options).run()
      #expect(report.violations.isEmpty, "\(report.violations)\n\(options)")
      #expect(report.healings > 0)
      #expect(report.height > 0)
    }
  }
}
