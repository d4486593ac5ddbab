// A run is a function of its options.

import Primitives
import Simulator
import Sodium
import Testing

@Suite struct DeterminismTests {
  @Test(arguments: [1, 7, 20] as [UInt64]) func oneSeedGivesOneTrace(seed: UInt64) {
    let options = SimulationOptions.swarm(seed: seed, duration: 60 * Duration64.second)
    let first = Simulation(options).run()
    let second = Simulation(options).run()
    #expect(first.events > 1000)
    #expect(first.traceHash == second.traceHash)
    #expect(first.events == second.events)
    #expect(first.violations == second.violations)
  }

  @Test func anotherSeedGivesAnotherTrace() {
    let first = Simulation(.calm(seed: 1, duration: 5 * Duration64.second)).run()
    let second = Simulation(.calm(seed: 2, duration: 5 * Duration64.second)).run()
    #expect(first.traceHash != second.traceHash)
  }

  @Test func aCalmNetworkOrdersEveryThingFast() {
    let report = Simulation(.calm(seed: 1, duration: 20 * Duration64.second)).run()
    #expect(report.violations.isEmpty, "\(report.violations)")
    #expect(report.receipts > 100)
    #expect(report.nullifiedViews == 0)
    #expect(report.marks[.fastFinal] > 0)
    #expect((report.latency(perMille: 990) ?? .max) < 200 * Duration64.millisecond)
  }

  @Test func realSignaturesGiveTheSameRules() {
    var options = SimulationOptions.calm(seed: 3, duration: 5 * Duration64.second)
    options.signatures = .ed25519
    let report = Simulation(options).run()
    #expect(report.violations.isEmpty, "\(report.violations)")
    #expect(report.receipts > 10)
  }
}
