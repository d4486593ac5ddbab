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
  world.run(for: faults) { $0.highestView >= 20 }
  if let first = world.violations.first { return first }
  world.healed = true
  let view = world.highestView
  let height = world.highestFinal
  world.run(for: 60 * Duration64.second) { $0.lowestFinal > height }
  if let first = world.violations.first { return first }
  if world.lowestFinal <= height { return "no finality after healing (height \(height), view \(view))" }
  if world.highestView > view + 12 { return "finality after \(world.highestView - view) views" }
  return nil
}

@Suite struct RandomisedTests {
  @Test(arguments: 0..<4)
  func agreesOnABadNetwork(part: UInt64) {
    for seed in 0..<(10 * campaign) {
      let seed = part * 1_000_000 + seed
      let world = World(options(seed: seed))
      let found = violation(of: world, faults: 3 * Duration64.second)
      #expect(found == nil, "seed \(seed): \(found ?? "") \(world.options)")
    }
  }
}
