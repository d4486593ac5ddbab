// Many views on a bad network with Byzantine equivocators: agreement, ancestry, one first vote a view, and finality
// after healing. NOVATION_CAMPAIGN multiplies the number of seeds.

import Consensus
import Foundation
import Primitives
import Testing

let campaign = max(1, ProcessInfo.processInfo.environment["NOVATION_CAMPAIGN"].flatMap { UInt64($0) } ?? 1)

/// A swarm: each seed takes its own size, faults and rates.
func options(seed: UInt64, validators: Int? = nil) -> WorldOptions {
  var random = SeededRandom(seed: seed).stream(1)
  let sizes = [4, 4, 4, 5, 6, 7]
  let n = validators ?? sizes[Int(random.below(6))]
  var options = WorldOptions(validators: n)
  options.seed = seed
  options.byzantine = Int(random.below(UInt64((n - 1) / 3 + 1)))
  options.lossPercent = random.below(4) == 0 ? 0 : random.below(30)
  options.duplicatePercent = random.below(2) == 0 ? 0 : random.below(50)
  options.latencyMax = Instant(1 + random.below(60)) * millisecond
  options.crashes = random.below(2) == 0
  options.omissionPercent = random.below(3) == 0 ? random.below(40) : 0
  return options
}

/// Faults for a while, then a healed network; nil if all is well.
func violation(of world: World, faults: Instant) -> String? {
  world.start()
  world.run(for: faults) { $0.highestView >= 12 }
  if let first = world.violations.first { return first }
  world.healed = true
  let view = world.highestView
  let height = world.highestFinal
  world.run(for: 60 * Duration64.second) { $0.highestFinal > height }
  if world.highestView > view + 10 { return "finality after \(world.highestView - view) views" }
  // Those that were down when the network healed catch up as well.
  world.run(for: 60 * Duration64.second) { $0.lowestFinal > height }
  if let first = world.violations.first { return first }
  if world.lowestFinal <= height { return "no finality after healing (height \(height), view \(view))" }
  return nil
}

@Suite struct RandomisedTests {
  @Test(arguments: 0..<4)
  func agreesOnABadNetwork(part: UInt64) {
    for seed in 0..<(5 * campaign) {
      let seed = part * 1_000_000 + seed
      let world = World(options(seed: seed))
      let found = violation(of: world, faults: 3 * Duration64.second)
      #expect(found == nil, "seed \(seed): \(found ?? "") \(world.options)")
    }
  }

  /// The checkers bite: each one-line bug is found within a bounded number of seeds.
  @Test(arguments: [ProtocolMutation.fastQuorumMinusOne, .quorumMinusOne, .nullifyAfterNotarize])
  func mutantsAreCaught(mutation: ProtocolMutation) {
    var caught: UInt64?
    for seed in 0..<400 {
      var options = WorldOptions()
      options.seed = UInt64(seed)
      options.byzantine = 1
      options.mutation = mutation
      options.lossPercent = UInt64(seed % 3) * 10
      options.latencyMax = Instant(20 + seed % 5 * 40) * millisecond
      let world = World(options) { $0.delayInitial = 10 * millisecond }
      world.start()
      world.run(for: 3 * Duration64.second) { $0.highestView >= 25 }
      if !world.violations.isEmpty {
        caught = UInt64(seed)
        break
      }
    }
    #expect(caught != nil)
  }
}
