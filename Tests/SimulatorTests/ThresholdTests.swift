// Threshold signatures on whole networks in virtual time: the group key comes to be, blocks are certified, shares change,
// and no nonce is used twice whatever restarts.

import Foundation
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

  @Test(arguments: [1, 2, 3, 7]) func groupKeyForNetworksOfAnySize(validators: Int) {
    let report = Simulation(calm(2, validators: validators, seconds: 20)).run()
    #expect(report.violations.isEmpty, "\(report.violations.prefix(3))")
    #expect(report.certified > 0)
    #expect(report.keyEpochs >= 1)
    #expect(report.firstKeyHeight > 0 && report.firstKeyHeight <= 20, "\(report.firstKeyHeight)")
    show(
      "n=\(validators): key at \(report.firstKeyHeight), height \(report.height), certified \(report.certified), epochs \(report.keyEpochs)"
    )
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

  /// One of four spoils key generation: nobody takes what it says for more than it is, the others get their shares, and
  /// blocks are certified.
  @Test(arguments: [AdversaryKind.badDealer, .falseComplainer, .staleDealer])
  func keysComeToBeWithADishonestDealer(_ kind: AdversaryKind) {
    var options = calm(5, seconds: 60)
    options.adversaries = [AdversaryAssignment(validator: 1, kind: kind)]
    let report = Simulation(options).run()
    #expect(report.violations.isEmpty, "\(kind): \(report.violations.prefix(3))")
    let possible = Int(report.height - report.firstKeyHeight)
    #expect(report.firstKeyHeight > 0 && report.firstKeyHeight < 64, "\(kind): \(report.firstKeyHeight)")
    #expect(report.certified * 2 >= possible, "\(kind): \(report.certified) of \(possible)")
    #expect(report.keyEpochs >= 2, "\(kind): \(report.keyEpochs) epochs in \(report.height) blocks")
    show("\(kind): key at \(report.firstKeyHeight), \(report.certified) of \(possible), \(report.keyEpochs) epochs")
  }

  /// Under a loss of one message in a hundred. `NOVATION_CAMPAIGN` also runs n = 31.
  @Test(arguments: campaign > 0 ? [7, 31] : [7]) func keysComeToBeUnderLoss(validators: Int) {
    for loss in [0, 10] as [UInt64] {
      var options = calm(6, validators: validators, epochBlocks: 80, seconds: 120)
      // Loss is a fault: there has to be a phase for it.
      options.faultPhase = options.duration + 1
      options.network.loss = loss
      options.load.rate = 500
      options.load.oracleEvery = 10 * Duration64.second
      if validators > 7 { options.duration = 40 * Duration64.second }
      let report = Simulation(options).run()
      #expect(report.violations.isEmpty, "\(report.violations.prefix(3))")
      #expect(report.firstKeyHeight > 0 && report.firstKeyHeight <= 3 * options.epochBlocks)
      show(
        "keys of n=\(validators) under loss \(loss) per mille: height \(report.firstKeyHeight), then",
        "\(report.keyEpochs) epochs, \(report.certified) certificates in \(report.height) blocks,",
        "\(report.nullifiedViews) views nullified")
    }
  }

  private static let campaign = ProcessInfo.processInfo.environment["NOVATION_CAMPAIGN"].flatMap { Int($0) } ?? 0

  private func show(_ parts: String...) { if Self.campaign > 0 { print(parts.joined(separator: " ")) } }

  private func restless(_ seed: UInt64, _ faults: [FaultKind]) -> SimulationOptions {
    var options = calm(seed, seconds: 90)
    options.faultPhase = 20 * Duration64.second
    options.faults = faults
    options.faultEvery = 700 * Duration64.millisecond
    return options
  }

  /// T4: restarts at any moment, older disks among them; the checker holds every share against every other. As many seeds
  /// as `NOVATION_CAMPAIGN` says, 1,000 restarts with 20 of them.
  @Test(arguments: 1...UInt64(max(4, campaign))) func t3t4NoNonceIsUsedTwiceWhateverRestarts(seed: UInt64) {
    let report = Simulation(
      restless(seed, [.crash, .crashAll, .olderDisk, .lostJournal, .clockJump, .isolateOne, .stall])
    ).run()
    #expect(report.violations.isEmpty, "\(report.violations.prefix(3))")
    #expect(report.restarts > 20 && report.certified > 0 && report.keyEpochs >= 2, "\(report.restarts) restarts")
    show(
      "seed \(seed), disks too: \(report.restarts) restarts, \(report.shares) shares, \(report.keyEpochs) epochs,",
      "\(report.certified) certificates in \(report.height) blocks, without a share at most \(report.longestLockout)")
  }

  /// Who keeps its disk keeps its share, however often it restarts; who missed the first key gets one of the next epochs',
  /// of which two may wait in vain for another.
  @Test(arguments: 1...UInt64(max(2, campaign))) func restartsLockNobodyOut(seed: UInt64) {
    let options = restless(100 + seed, [.crash, .crashAll, .clockJump, .isolateOne, .stall])
    let report = Simulation(options).run()
    #expect(report.violations.isEmpty, "\(report.violations.prefix(3))")
    #expect(report.restarts > 20 && report.keyEpochs >= 1, "\(report.restarts) restarts")
    #expect(report.longestLockout <= 3 * options.epochBlocks)
    // Who was away checks the group's signatures in the place of vote lists; hardly any are signed in some campaigns' runs.
    if seed <= 2 { #expect(report.marks[.voteListsSpared] > 0) }
    show(
      "seed \(seed), disks kept: \(report.restarts) restarts, \(report.shares) shares, \(report.keyEpochs) epochs,",
      "\(report.certified) certificates in \(report.height) blocks, without a share at most \(report.longestLockout)")
  }
}
