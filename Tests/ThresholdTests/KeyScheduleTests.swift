// Epoch after epoch on one chain: the group key is made once and stays, whatever fails; old shares are wiped when the
// new ones have proven themselves.

import Primitives
import Sodium
import Testing
import Threshold

/// Nodes that follow one chain; some may be down.
struct EpochNetwork {
  let people: Ceremonial
  var schedule: KeySchedule
  var keepers: [ShareKeeper]
  var height: Height = 0

  /// Who is to succeed the present committee, as long as the schedule does not know it.
  var next: KeyCommittee?
  var steps: [KeySchedule.Step] = []

  /// `committee`: how many of the `n` hold the first key.
  init(_ n: Int, threshold: Int, committee: Int? = nil, epochBlocks: UInt64 = 40) throws {
    people = try Ceremonial(n)
    let keys = Array(people.keys.prefix(committee ?? n))
    schedule = KeySchedule(
      chain: people.chain, committee: KeyCommittee(keys: keys, threshold: threshold),
      settings: KeyScheduleSettings(epochBlocks: epochBlocks), scheme: .ed25519)
    keepers = (0..<n).map { _ in ShareKeeper() }
  }

  func party(_ place: Int, _ state: KeyGeneration) -> KeyGenerationParty {
    var old: SecretScalar?
    if case .resharing(let keys) = state.ceremony.source { old = keepers[place].share(of: keys.epoch) }
    let seed = people.seed(place, state.ceremony.epoch &* 8 &+ UInt64(state.ceremony.attempt))
    return KeyGenerationParty(state.ceremony, signer: people.signers[place], seed: seed, oldShare: old.take())
  }

  /// One block; `down` have nothing to say in it.
  mutating func block(down: Set<Int> = []) {
    height += 1
    if let state = schedule.running {
      // A node that comes back starts from its seed and the chain alone.
      for place in people.signers.indices where !down.contains(place) {
        for message in party(place, state).messages(state) { _ = schedule.apply(message) }
      }
    }
    var ended = schedule.running
    ended?.endBlock(height)
    if let ended, case .done(let keys) = ended.phase {
      for place in people.signers.indices {
        if let share = party(place, ended).share(ended) { keepers[place].adopt(share, epoch: keys.epoch) }
      }
    }
    let taken = schedule.endBlock(height, next: next)
    if taken.contains(.scheduled) { next = nil }
    steps += taken
  }

  func committee(_ places: [Int], threshold: Int) -> KeyCommittee {
    KeyCommittee(keys: places.map { people.keys[$0] }, threshold: threshold)
  }

  /// What the holders' shares of the active epoch give together.
  func heldKey() throws -> PublicKey {
    let keys = try #require(schedule.active)
    let holders = schedule.holders.keys.compactMap { people.keys.firstIndex(of: $0) }
    let shares = try holders.map { keepers[$0] }.map { keeper -> Scalar25519? in
      guard let share = keeper.share(of: keys.epoch) else { return nil }
      let zero = try Make.secretScalar(.zero)
      return share.answer(to: .one, nonce: zero)
    }
    return try interpolate(shares, threshold: Int(keys.threshold))
  }
}

@Suite struct KeyScheduleTests {
  @Test func firstKeyIsThereAfterFourBlocks() throws {
    var network = try EpochNetwork(4, threshold: 3)
    for _ in 1...4 {
      #expect(network.schedule.active == nil && network.schedule.hasWork)
      network.block()
    }
    #expect(network.schedule.active?.groupKey == (try network.heldKey()))
    #expect(!network.schedule.hasWork)
  }

  @Test func keyStaysOverEpochsAndAKilledValidator() throws {
    var network = try EpochNetwork(4, threshold: 3)
    while network.height < 10 { network.block() }
    let groupKey = try #require(network.schedule.active).groupKey
    var epochs = Set<Epoch>()
    while network.height < 280 {
      network.block(down: network.height > 100 ? [2] : [])
      let active = try #require(network.schedule.active)
      #expect(active.groupKey == groupKey)
      if epochs.insert(active.epoch).inserted {
        #expect(try network.heldKey() == groupKey)
        // The first certificate of the new epoch wipes what was before.
        for keeper in network.keepers { _ = keeper.certified(epoch: active.epoch) }
        #expect(network.keepers[0].epochs == [active.epoch])
      }
    }
    #expect(epochs.count >= 5)
    #expect(network.schedule.active?.publicShares[2] == nil)
    #expect(network.schedule.active?.publicShares[3] != nil)
  }

  /// Half of the nodes down for two epochs: the old shares go on, and the next epoch reshares.
  @Test func failureLeavesTheOldShares() throws {
    var network = try EpochNetwork(4, threshold: 3)
    while network.height < 10 { network.block() }
    let first = try #require(network.schedule.active)
    while network.height < 100 { network.block(down: [0, 1]) }
    #expect(network.schedule.active == first)
    #expect(network.schedule.failuresInARow == 2)
    #expect(network.schedule.lastFailure == .tooFewKeys)
    #expect(try network.heldKey() == first.groupKey)
    while network.height < 170 { network.block() }
    let later = try #require(network.schedule.active)
    #expect(later.groupKey == first.groupKey && later.epoch > first.epoch)
    #expect(network.schedule.failuresInARow == 0)
    #expect(try network.heldKey() == first.groupKey)
  }

  /// A holder that is slow while keys are published, and a liar that takes part, sees the old shares wiped and is never
  /// heard of again: two of four are left who could deal, if the slow one had lost its share.
  @Test func aSlowHolderAndASilentLiarDoNotTakeTheKey() throws {
    var network = try EpochNetwork(4, threshold: 3)
    while network.height < 40 { network.block() }
    let first = try #require(network.schedule.active)
    while network.height < 52 { network.block(down: [2]) }
    while network.height < 80 { network.block() }
    while network.height < 320 {
      network.block(down: [3])
      if let active = network.schedule.active {
        for keeper in network.keepers { _ = keeper.certified(epoch: active.epoch) }
      }
    }
    let last = try #require(network.schedule.active)
    #expect(last.groupKey == first.groupKey)
    #expect(last.epoch >= 5, "no new shares after epoch \(last.epoch)")
    #expect(last.publicShares[2] != nil && last.publicShares[3] == nil)
    #expect(try network.heldKey() == first.groupKey)
  }

  /// Without any key it is tried again after a pause.
  @Test func firstKeyIsTriedUntilItIsThere() throws {
    var network = try EpochNetwork(4, threshold: 3)
    while network.height < 30 { network.block(down: [0, 1]) }
    #expect(network.schedule.active == nil)
    #expect(network.schedule.failuresInARow >= 1)
    while network.height < 45 { network.block() }
    #expect(network.schedule.active?.groupKey == (try network.heldKey()))
  }

  /// Nodes go up and down at random through every phase; the key never changes and the active shares always give it.
  @Test(arguments: 0..<4) func randomOutages(_ seed: Int) throws {
    var random = SeededRandom(seed: UInt64(seed))
    var network = try EpochNetwork(4, threshold: 3, epochBlocks: 36)
    var groupKey: PublicKey?
    while network.height < 180 {
      network.block(down: random.below(3) == 0 ? [Int(random.below(4)), Int(random.below(4))] : [])
      guard let active = network.schedule.active else { continue }
      #expect(active.groupKey == groupKey ?? active.groupKey)
      groupKey = active.groupKey
      if network.height % 36 == 0 { #expect(try network.heldKey() == active.groupKey) }
    }
    #expect(groupKey != nil)
  }

  /// Four become five, one of them signs with another key, and the first leaves: one key, with the threshold of each.
  @Test func successorsTakeOverAtTheNextEpoch() throws {
    var network = try EpochNetwork(6, threshold: 3, committee: 4)
    while network.height < 30 { network.block() }
    let groupKey = try #require(network.schedule.active).groupKey
    for (members, threshold) in [([0, 1, 2, 3, 4], 4), ([0, 5, 2, 3, 4], 4), ([5, 2, 3, 4], 3)] {
      let next = network.committee(members, threshold: threshold)
      let before = network.schedule.holders
      network.next = next
      network.steps = []
      while network.height % 40 != 0 { network.block() }
      #expect(network.steps == [.scheduled] && network.schedule.successors == next)
      #expect(network.schedule.holders == before, "the old shares sign on")
      while network.schedule.pending == nil { network.block() }
      #expect(network.schedule.holders == before && network.schedule.pending?.groupKey == groupKey)
      repeat { network.block() } while network.height % 40 != 0
      #expect(network.steps == [.scheduled, .adopted] && network.schedule.holders == next)
      #expect(network.schedule.successors == nil && network.schedule.active?.threshold == UInt16(threshold))
      #expect(network.schedule.active?.groupKey == groupKey)
      #expect(try network.heldKey() == groupKey)
      // The next one is made among them.
      network.block()
    }
    while network.height % 40 != 30 { network.block() }
    #expect(network.schedule.pending?.publicShares.count == 4)
  }

  /// Somebody new who says nothing: the old shares go on, nobody loses his, and the third failure gives the change up.
  @Test func whoDoesNotTakePartIsGivenUp() throws {
    var network = try EpochNetwork(5, threshold: 3, committee: 4, epochBlocks: 160)
    let next = network.committee([0, 1, 2, 3, 4], threshold: 4)
    while network.height < 150 { network.block(down: [4]) }
    let groupKey = try #require(network.schedule.active).groupKey
    var failures: [KeySchedule.Step] = []
    for _ in 0..<3 {
      network.next = next
      network.steps = []
      repeat { network.block(down: [4]) } while network.height % 160 != 150
      failures += network.steps.dropFirst()
      #expect(network.steps.first == .scheduled && network.schedule.successors == nil)
    }
    #expect(failures == [.failed, .failed, .failed])
    #expect(network.schedule.failuresInARow == 0, "the holders keep all patience")
    while network.height < 5 * 160 + 10 { network.block(down: [4]) }
    #expect(network.schedule.active?.groupKey == groupKey)
    #expect(try network.heldKey() == groupKey)
    #expect(network.schedule.active?.publicShares.allSatisfy { $0 != nil } == true)
  }

  /// What a node keeps brings the same schedule back, in the middle of a change too.
  @Test func aRecordBringsAChangeBack() throws {
    var network = try EpochNetwork(5, threshold: 3, committee: 4)
    while network.height < 40 {
      network.next = network.committee([0, 1, 2, 3, 4], threshold: 4)
      network.block()
    }
    var fresh = try EpochNetwork(5, threshold: 3, committee: 4)
    fresh.schedule.restore(network.schedule.record)
    #expect(fresh.schedule.record == network.schedule.record)
    #expect(fresh.schedule.running?.ceremony.id == network.schedule.running?.ceremony.id)
    #expect(fresh.schedule.successors?.keys.count == 5)
  }

  /// C13: blocks are not hurried while somebody new alone is waited for.
  @Test func somebodyNewIsWaitedForAtLeisure() throws {
    var network = try EpochNetwork(5, threshold: 3, committee: 4, epochBlocks: 160)
    while network.height < 160 {
      network.next = network.committee([0, 1, 2, 3, 4], threshold: 4)
      network.block()
    }
    #expect(network.schedule.running != nil && network.schedule.hasWork)
    network.block(down: [4])
    #expect(network.schedule.running?.phaseNumber == 0 && !network.schedule.hasWork)
    network.block()
    #expect(network.schedule.running?.phaseNumber == 1 && network.schedule.hasWork)
  }

  @Test func keeperErasesOnlyWhatIsProven() throws {
    let keeper = ShareKeeper()
    keeper.adopt(try Make.secretScalar(Scalar25519(5)), epoch: 0)
    keeper.adopt(try Make.secretScalar(Scalar25519(6)), epoch: 1)
    #expect(!keeper.certified(epoch: 0))
    #expect(keeper.epochs == [0, 1])
    #expect(keeper.certified(epoch: 1))
    #expect(keeper.epochs == [1])
    let isGone = keeper.share(of: 0) == nil
    #expect(isGone)
  }
}
