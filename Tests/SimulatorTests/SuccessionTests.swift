// Committees that come and go in the simulator: V1 to V8 and E1 to E5 under its faults, judged by its checkers.

import Foundation
import Primitives
import Simulator
import Testing

@Suite struct SuccessionTests {
  /// How many times the usual number of seeds a campaign takes.
  private static let campaign = max(
    1, ProcessInfo.processInfo.environment["NOVATION_CAMPAIGN"].flatMap { UInt64($0) } ?? 1)

  @Test(arguments: 1...4 * SuccessionTests.campaign) func committeesChangeUnderFaults(seed: UInt64) {
    let report = Simulation(.succession(seed: seed)).run()
    #expect(report.violations.isEmpty, "\(report.violations)\n\(report.command)\n\(report.options)")
    if Self.campaign > 1 {
      print("seed \(seed): \(report.changes) proposed, \(report.successions) took over, height \(report.height)")
    }
  }

  /// Without faults every decision that fits is in force in the end, and the run is a function of its seed.
  @Test func calmChangesAllHappen() {
    var options = SimulationOptions.succession(seed: 5, validators: 4, duration: 160 * Duration64.second)
    options.faultPhase = 0
    options.faults = []
    options.network.loss = 0
    let first = Simulation(options).run()
    #expect(first.violations.isEmpty, "\(first.violations)")
    #expect(first.successions >= 2, "\(first.successions) of \(first.changes)")
    #expect(first.marks[.committeeTookOver] >= 8 && first.marks[.joinerVoted] > 0 && first.marks[.leaverFollowed] > 0)
    #expect(first.overdue == 0)
    let second = Simulation(options).run()
    #expect(first.traceHash == second.traceHash)
  }
}
