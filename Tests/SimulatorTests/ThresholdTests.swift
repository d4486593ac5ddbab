// Threshold signatures on whole networks in virtual time: the group key comes to be, blocks are certified, shares change,
// and no nonce is used twice whatever restarts.

import Primitives
import Simulator
import Testing

@Suite struct ThresholdNetworkTests {
  private func calm(_ seed: UInt64, validators: Int = 4, epochBlocks: UInt64 = 64, seconds: Int64 = 60)
    -> SimulationOptions
  {
    var options = SimulationOptions.calm(seed: seed, validators: validators, duration: seconds * Duration64.second)
    options.epochBlocks = epochBlocks
    return options
  }

  @Test func t1t2EveryBlockIsCertifiedOnceThereIsAGroupKey() {
    let report = Simulation(calm(1)).run()
    #expect(report.violations.isEmpty, "\(report.violations.prefix(3))")
    #expect(report.firstKeyHeight > 0 && report.firstKeyHeight <= 20, "\(report.firstKeyHeight)")
    #expect(report.keyEpochs >= 3, "\(report.keyEpochs) epochs in \(report.height) blocks")
    let possible = Int(report.height - report.firstKeyHeight)
    #expect(report.certified * 100 >= possible * 97, "\(report.certified) of \(possible)")
  }

  @Test(arguments: [2, 3, 7]) func groupKeyForNetworksOfAnySize(validators: Int) {
    let report = Simulation(calm(2, validators: validators, seconds: 20)).run()
    #expect(report.violations.isEmpty, "\(report.violations.prefix(3))")
    #expect(report.certified > 0)
    #expect(report.keyEpochs >= 1)
  }

  /// One of four signs badly: the others find out, and certificates come without it.
  @Test(arguments: [AdversaryKind.badShareSigner, .silentSigner, .selectiveSigner, .commitmentForger])
  func t2t6ADishonestSignerCostsSomeProofsOnly(_ kind: AdversaryKind) {
    var options = calm(3, seconds: 40)
    options.adversaries = [AdversaryAssignment(validator: 2, kind: kind)]
    let report = Simulation(options).run()
    #expect(report.violations.isEmpty, "\(kind): \(report.violations.prefix(3))")
    let possible = Int(report.height - report.firstKeyHeight)
    #expect(report.certified * 2 >= possible, "\(kind): \(report.certified) of \(possible)")
    #expect(report.keyEpochs >= 2, "\(kind)")
    if kind == .badShareSigner { #expect(report.marks[.signerCaughtWrong] > 0) }
  }

  /// T4: restarts at any moment, older disks among them; the checker holds every share against every other.
  @Test(arguments: 1...4) func t3t4NoNonceIsUsedTwiceWhateverRestarts(seed: UInt64) {
    var options = calm(seed, seconds: 90)
    options.faultPhase = 20 * Duration64.second
    options.faults = [.crash, .crashAll, .olderDisk, .lostJournal, .clockJump, .isolateOne, .stall]
    options.faultEvery = 700 * Duration64.millisecond
    let report = Simulation(options).run()
    #expect(report.violations.isEmpty, "\(report.violations.prefix(3))")
    #expect(report.restarts > 20 && report.certified > 0 && report.keyEpochs >= 2, "\(report.restarts) restarts")
  }
}
