// Every scenario of two views with one identity run twice. `novation simulate --twins 3` runs those of three.

import Primitives
import Simulator
import Testing

@Suite struct TwinsTests {
  @Test(arguments: 0..<8) func everyScenarioOfTwoViewsAgrees(part: Int) {
    for number in stride(from: part, to: TwinsScenario.count(rounds: 2), by: 8) {
      let scenario = TwinsScenario(number, rounds: 2)
      let report = scenario.run()
      #expect(report.violations.isEmpty, "scenario \(number) (\(scenario)): \(report.violations)")
    }
  }
}
