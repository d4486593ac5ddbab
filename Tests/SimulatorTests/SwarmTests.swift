// Mixed faults on whole networks: no rule broken, and finality after each healing.

import Primitives
import Simulator
import Testing

@Suite struct SwarmTests {
  @Test(arguments: 0..<8) func nothingBreaksARule(part: UInt64) {
    for seed in (part * 5 + 1)...(part * 5 + 5) {
      let report = Simulation(.swarm(seed: seed, duration: 90 * Duration64.second)).run()
      #expect(report.violations.isEmpty, "\(report.violations)\n\(report.command)\n\(report.options)")
    }
  }
}
