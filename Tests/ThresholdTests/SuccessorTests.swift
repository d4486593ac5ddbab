// Shares for the committee that succeeds the present one: they are made in one epoch and sign from the next on, and
// whoever does not take part leaves everything as it was.

import Primitives
import Sodium
import Testing
import Threshold
import Wire

/// People of whom some hold the key, on one chain of blocks.
struct SuccessionChain {
  /// From which phase of a key generation on somebody says nothing; 0 for one who is not there at all.
  typealias Silence = [Int: Int]

  let people: Ceremonial
  var schedule: KeySchedule
  var keepers: [ShareKeeper]
  var height: Height = 0
  /// What the chain holds, by height, and the committee that was named at the end of each block.
  var said: [Height: [KeyGenerationMessage]] = [:]
  var named: [Height: KeyCommittee] = [:]
  var steps: [Height: [KeySchedule.Step]] = [:]
  let settings: KeyScheduleSettings
  let first: KeyCommittee

  /// `members`: the first committee, of `count` people.
  init(_ count: Int, members: Int = 4, settings: KeyScheduleSettings = KeyScheduleSettings(epochBlocks: 40)) throws {
    people = try Ceremonial(count)
    self.settings = settings
    first = Self.committee(people, Array(0..<members))
    schedule = KeySchedule(chain: people.chain, committee: first, settings: settings, scheme: .ed25519)
    keepers = (0..<count).map { _ in ShareKeeper() }
  }

  static func committee(_ people: Ceremonial, _ places: [Int]) -> KeyCommittee {
    let n = places.count
    return KeyCommittee(keys: places.map { people.keys[$0] }, threshold: (n + (n - 1) / 3) / 2 + 1)
  }

  func committee(_ places: [Int]) -> KeyCommittee { Self.committee(people, places) }

  private func party(_ place: Int, _ state: KeyGeneration) -> KeyGenerationParty {
    var old: SecretScalar?
    if case .resharing(let keys) = state.ceremony.source { old = keepers[place].share(of: keys.epoch) }
    let seed = people.seed(place, state.ceremony.epoch &* 8 &+ UInt64(state.ceremony.attempt))
    return KeyGenerationParty(state.ceremony, signer: people.signers[place], seed: seed, oldShare: old.take())
  }

  /// One block, after which `next` is to succeed.
  mutating func block(silent: Silence = [:], next: [Int]? = nil) {
    height += 1
    if let state = schedule.running {
      let involved = people.keys.indices.filter {
        state.ceremony.dealers.contains(people.keys[$0]) || state.ceremony.recipients.contains(people.keys[$0])
      }
      for place in involved where state.phaseNumber < silent[place] ?? .max {
        for message in party(place, state).messages(state) where schedule.apply(message) == nil {
          said[height, default: []].append(message)
        }
      }
    }
    var ended = schedule.running
    ended?.endBlock(height)
    if let ended, case .done(let keys) = ended.phase {
      for place in people.signers.indices {
        if let share = party(place, ended).share(ended) { keepers[place].adopt(share, epoch: keys.epoch) }
      }
    }
    named[height] = next.map { committee($0) }
    steps[height] = schedule.endBlock(height, next: next.map { committee($0) })
  }

  mutating func run(through last: Height, silent: Silence = [:], next: [Int]? = nil) {
    while height < last { block(silent: silent, next: next) }
  }

  /// Heights at which something happened.
  var story: [Height: [KeySchedule.Step]] { steps.filter { !$0.value.isEmpty } }

  /// The key behind the shares that the holders have.
  func heldKey() throws -> PublicKey {
    let keys = try #require(schedule.active)
    var shares: [Scalar25519?] = []
    for holder in schedule.holders.keys {
      let place = try #require(people.keys.firstIndex(of: holder))
      guard let share = keepers[place].share(of: keys.epoch) else {
        shares.append(nil)
        continue
      }
      let zero = try Make.secretScalar(.zero)
      shares.append(share.answer(to: .one, nonce: zero))
    }
    #expect(shares.count == keys.publicShares.count)
    for (share, expected) in zip(shares, keys.publicShares) {
      if let share { #expect(Edwards25519.base(times: share) == expected) }
    }
    return try interpolate(shares, threshold: Int(keys.threshold))
  }

  /// A schedule made from what a node would have kept after `height`.
  func restored(_ record: KeySchedule.Record, through height: Height) throws -> KeySchedule {
    let kept = try WireReader.decode(KeySchedule.Record.self, from: record.wireBytes)
    #expect(kept == record)
    var fresh = KeySchedule(chain: people.chain, committee: first, settings: settings, scheme: .ed25519)
    fresh.restore(kept)
    guard let since = kept.running?.since, since < height else { return fresh }
    for height in since + 1...height {
      for message in said[height] ?? [] { #expect(fresh.apply(message) == nil) }
      #expect(fresh.endBlock(height) == [])
    }
    return fresh
  }
}

@Suite struct SuccessorTests {
  @Test func aJoinerHoldsAShareTwoBoundariesLater() throws {
    var chain = try SuccessionChain(5)
    chain.run(through: 39)
    let first = try #require(chain.schedule.active)
    chain.block(next: [0, 1, 2, 3, 4])
    #expect(chain.story == [40: [.scheduled]])
    #expect(chain.schedule.successors == chain.committee([0, 1, 2, 3, 4]) && chain.schedule.holders == chain.first)
    // Whatever is named between two boundaries waits for the next.
    chain.run(through: 79, next: [0, 1])
    #expect(chain.schedule.active == first, "the old shares sign until the epoch ends")
    #expect(chain.schedule.pending?.publicShares.count == 5 && chain.schedule.pending?.threshold == 4)
    #expect(!chain.schedule.hasWork)
    chain.block()
    #expect(chain.story == [40: [.scheduled], 80: [.adopted]])
    #expect(chain.schedule.holders.keys == chain.people.keys && chain.schedule.successors == nil)
    #expect(chain.schedule.active?.groupKey == first.groupKey && chain.schedule.active?.publicShares.count == 5)
    #expect(try chain.heldKey() == first.groupKey)
    // The new ones reshare among themselves, one of the old ones away.
    chain.run(through: 200, silent: [0: 0])
    #expect(try chain.heldKey() == first.groupKey)
  }

  /// One block ends one change and begins the next.
  @Test func theKeyStaysThroughAddReplaceAndRemove() throws {
    var chain = try SuccessionChain(7)
    chain.run(through: 39)
    let key = try #require(chain.schedule.active).groupKey
    let committees = [[0, 1, 2, 3, 4], [0, 5, 2, 3, 4], [5, 2, 3, 4], [6, 1, 0, 4, 3], [6, 1, 0, 4]]
    for (number, committee) in committees.enumerated() {
      let boundary = Height(40 * (number + 1))
      chain.run(through: boundary - 1)
      chain.block(next: committee)
      #expect(chain.steps[boundary] == (number == 0 ? [.scheduled] : [.adopted, .scheduled]))
      let holders = number == 0 ? [0, 1, 2, 3] : committees[number - 1]
      #expect(chain.schedule.holders == chain.committee(holders))
      #expect(chain.schedule.active?.groupKey == key)
      #expect(try chain.heldKey() == key)
      // Proven: what was before is wiped.
      for keeper in chain.keepers { _ = keeper.certified(epoch: chain.schedule.active?.epoch ?? 0) }
    }
    chain.run(through: 240)
    #expect(chain.schedule.holders == chain.committee([6, 1, 0, 4]) && chain.steps[240] == [.adopted])
    #expect(try chain.heldKey() == key)
    chain.run(through: 320)
    #expect(try chain.heldKey() == key)
  }

  /// A joiner that falls silent in each of the phases in which it has something to say.
  @Test(arguments: [0, 2, 3]) func aSilentJoinerIsGivenUpAfterThreeAttempts(phase: Int) throws {
    var chain = try SuccessionChain(5)
    chain.run(through: 39)
    let first = try #require(chain.schedule.active)
    let failures: [[KeySchedule.Step]] = [
      [.failed], [.failed], [.failed],
    ]
    for attempt in 0..<3 {
      chain.run(through: Height(40 * (attempt + 1)) - 1, silent: [4: phase])
      chain.block(silent: [4: phase], next: [0, 1, 2, 3, 4])
      #expect(chain.steps[chain.height] == [.scheduled])
      chain.run(through: Height(40 * (attempt + 2)) - 1, silent: [4: phase])
      let ended = chain.story.filter { $0.key > Height(40 * (attempt + 1)) }
      #expect(ended.map(\.value) == [failures[attempt]])
      #expect(chain.schedule.successors == nil && chain.schedule.pending == nil)
      #expect(chain.schedule.active == first && chain.schedule.holders == chain.first)
      #expect(chain.schedule.lastFailure == (phase == 0 ? .tooFewKeys : .tooFewAlive))
      #expect(chain.schedule.failuresInARow == (attempt == 2 ? 0 : UInt32(attempt) + 1))
      #expect(try chain.heldKey() == first.groupKey)
    }
    // The holders go on, all of them, though none has a new share yet; and another change has its three attempts.
    chain.run(through: 200)
    let later = try #require(chain.schedule.active)
    #expect(later.epoch > first.epoch && later.groupKey == first.groupKey)
    #expect(later.publicShares.allSatisfy { $0 != nil })
    #expect(try chain.heldKey() == first.groupKey)
    chain.run(through: 239)
    chain.block(silent: [4: 0], next: [0, 1, 2, 3, 4])
    chain.run(through: 279, silent: [4: 0])
    #expect(chain.story.filter { $0.key > 240 }.map(\.value) == [[.failed]])
    #expect(chain.schedule.failuresInARow == 1)
  }

  /// Late is not silent: the windows grow from attempt to attempt, and the third may do.
  @Test func aJoinerThatComesForTheThirdAttemptIsIn() throws {
    var chain = try SuccessionChain(5)
    chain.run(through: 39)
    let key = try #require(chain.schedule.active).groupKey
    chain.run(through: 119, silent: [4: 0], next: [0, 1, 2, 3, 4])
    #expect(chain.story.values.filter { $0 == [.failed] }.count == 2)
    chain.run(through: 160, next: [0, 1, 2, 3, 4])
    #expect(chain.steps[120] == [.scheduled] && chain.steps[160] == [.adopted, .scheduled])
    #expect(chain.schedule.holders.keys.count == 5 && chain.schedule.failuresInARow == 0)
    #expect(try chain.heldKey() == key)
  }

  /// A holder that is down while somebody joins is waited for twice, then left out of signing; it stays a validator.
  @Test func aHolderThatIsAwayDoesNotStopAChangeForEver() throws {
    var chain = try SuccessionChain(5)
    chain.run(through: 39)
    let key = try #require(chain.schedule.active).groupKey
    chain.run(through: 160, silent: [0: 0], next: [0, 1, 2, 3, 4])
    #expect(chain.schedule.holders == chain.committee([0, 1, 2, 3, 4]))
    #expect(chain.schedule.active?.publicShares[0] == nil && chain.schedule.active?.publicShares[4] != nil)
    #expect(try chain.heldKey() == key)
    chain.run(through: 280)
    #expect(chain.schedule.active?.publicShares[0] != nil, "it has a share again")
    #expect(try chain.heldKey() == key)
  }

  /// What was named for the block in which it was given up is not scheduled by it.
  @Test func aFailureAtTheBoundarySchedulesNothing() throws {
    let settings = KeyScheduleSettings(
      epochBlocks: 40, windows: CeremonyWindows(keys: 40, dealing: 8, complaints: 8, life: 8))
    var chain = try SuccessionChain(5, settings: settings)
    chain.run(through: 39)
    chain.run(through: 120, silent: [4: 0], next: [0, 1, 2, 3, 4])
    #expect(chain.story == [40: [.scheduled], 80: [.failed], 120: [.scheduled]])
    #expect(chain.schedule.successors != nil && chain.schedule.running != nil)
  }

  /// Shares that are not ready at the boundary are waited for, and sign from the one after it on.
  @Test func aSlowJoinerIsAdoptedABoundaryLater() throws {
    let settings = KeyScheduleSettings(
      epochBlocks: 40, windows: CeremonyWindows(keys: 60, dealing: 8, complaints: 8, life: 8))
    var chain = try SuccessionChain(6, settings: settings)
    chain.run(through: 39)
    let key = try #require(chain.schedule.active).groupKey
    chain.block(next: [0, 1, 2, 3, 4])
    // Another change meanwhile is for later.
    chain.run(through: 90, silent: [4: 0], next: [0, 1, 2, 3, 4, 5])
    #expect(chain.story == [40: [.scheduled]] && chain.schedule.holders == chain.first)
    chain.run(through: 120, next: [0, 1, 2, 3, 4, 5])
    #expect(chain.story == [40: [.scheduled], 120: [.adopted, .scheduled]])
    #expect(chain.schedule.holders == chain.committee([0, 1, 2, 3, 4]))
    #expect(chain.schedule.successors == chain.committee([0, 1, 2, 3, 4, 5]))
    #expect(try chain.heldKey() == key)
  }

  /// No blocks for their own sake while only somebody new is missing, but for whatever the holders have to say.
  @Test func blocksAreNeededOnlyForTheHolders() throws {
    var chain = try SuccessionChain(5)
    chain.run(through: 39)
    chain.block(next: [0, 1, 2, 3, 4])
    #expect(chain.schedule.hasWork)
    chain.block(silent: [4: 0, 3: 0])
    #expect(chain.schedule.hasWork, "a holder is missing")
    chain.block(silent: [4: 0])
    #expect(!chain.schedule.hasWork && chain.schedule.running != nil)
    chain.block()
    #expect(chain.schedule.running?.phaseNumber == 1 && chain.schedule.hasWork)
  }

  /// A node that restarts after any block goes on as if it had not.
  @Test func aScheduleIsRestoredInTheMiddle() throws {
    var chain = try SuccessionChain(6)
    chain.run(through: 36)
    while chain.height < 210 {
      // A change that fails, one that succeeds, and one right after it.
      let silent: SuccessionChain.Silence = chain.height < 85 ? [4: 2] : [:]
      let next: [Int]? =
        switch chain.height + 1 {
        case ...80: [0, 1, 2, 3, 4]
        case ...120: [5, 1, 2, 3, 4]
        default: [5, 1, 2, 3]
        }
      chain.block(silent: silent, next: chain.height + 1 < 170 ? next : nil)
      let record = chain.schedule.record
      let other = try chain.restored(record, through: chain.height)
      #expect(other.record == record, "height \(chain.height)")
      #expect(other.running?.ceremony.id == chain.schedule.running?.ceremony.id)
      #expect(other.running?.phase == chain.schedule.running?.phase)
      #expect(other.hasWork == chain.schedule.hasWork)
    }
    #expect(
      Set(chain.story.values) == [[.scheduled], [.failed], [.adopted, .scheduled], [.adopted]])
    // And from one of them on to the end, block by block.
    var replayed = KeySchedule(
      chain: chain.people.chain, committee: chain.first, settings: chain.settings, scheme: .ed25519)
    for height in 1...chain.height {
      for message in chain.said[height] ?? [] { #expect(replayed.apply(message) == nil) }
      #expect(replayed.endBlock(height, next: chain.named[height]) == chain.steps[height])
      if height % 7 == 0 { replayed = try chain.restored(replayed.record, through: height) }
    }
    #expect(replayed.record == chain.schedule.record)
  }

  @Test func recordsAreRefusedWhenCutShort() throws {
    var chain = try SuccessionChain(5)
    chain.run(through: 39)
    chain.block(next: [0, 1, 2, 3, 4])
    let bytes = chain.schedule.record.wireBytes
    for count in 0..<bytes.count {
      #expect(throws: WireError.self) {
        try WireReader.decode(KeySchedule.Record.self, from: Array(bytes.prefix(count)))
      }
    }
  }
}
