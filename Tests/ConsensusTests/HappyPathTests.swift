// A healthy network.

import Consensus
import Primitives
import Sodium
import Testing

@Suite struct HappyPathTests {
  @Test(arguments: [1, 2, 3, 4, 7])
  func finalisesBlocks(validators: Int) {
    let world = World(WorldOptions(validators: validators))
    world.start()
    world.run(for: 2 * Duration64.second) { $0.lowestFinal >= 20 }
    #expect(world.violations.isEmpty)
    #expect(world.lowestFinal >= 20)
    for number in world.honest {
      #expect(world.hosts[number].consensus.lastStateFinalHeight >= 15)
      #expect(world.hosts[number].consensus.statistics.viewsNullified == 0)
    }
  }

  @Test func finalisesWithEd25519() {
    let world = World(WorldOptions(scheme: .ed25519))
    world.start()
    world.run(for: 2 * Duration64.second) { $0.lowestFinal >= 5 }
    #expect(world.violations.isEmpty)
    #expect(world.lowestFinal >= 5)
  }

  @Test func c13AnIdleNetworkOrdersOnlyHeartbeats() {
    let world = World(WorldOptions(working: false))
    world.start()
    world.run(for: 10 * Duration64.second)
    #expect(world.violations.isEmpty)
    #expect((8...11).contains(world.lowestFinal))
    #expect(world.hosts[0].consensus.statistics.viewsNullified == 0)
  }
}
