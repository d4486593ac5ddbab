// L1 to L6: one life for a key.

import Consensus
import Primitives
import Replica
import Sodium
import Testing
import Wire

private let second = Duration64.second

@Suite struct LivesTests {
  private let older = Life(began: 1000, bootId: 7)
  private let younger = Life(began: 2000, bootId: 3)

  private func keys(_ n: Int) -> [PublicKey] { (0..<n).map { PublicKey(words: (UInt64($0 + 1), 0, 0, 0)) } }

  @Test func quorumOfPlacesLetsALifeWork() {
    for n in 1...31 {
      let keys = keys(n)
      let needed = VoteRules(n: n).quorum - 1
      var life = LifeGuard(younger, at: 0)
      for peer in keys.dropFirst().prefix(needed).dropLast() { life.taken(by: peer) }
      if needed > 0 { #expect(life.verdict(among: keys, at: second) == .wait, "n = \(n)") }
      if needed > 0 { life.taken(by: keys[needed]) }
      #expect(life.verdict(among: keys, at: second) == .work, "n = \(n)")
      #expect(life.own.standing == .confirmed, "n = \(n)")
    }
  }

  @Test func placesThatWereLostOrAreNoValidatorsDoNotCount() {
    let keys = keys(4)
    var life = LifeGuard(younger, at: 0)
    for peer in 1...2 { life.taken(by: keys[peer]) }
    life.left(keys[2])
    life.taken(by: PublicKey(words: (99, 0, 0, 0)))
    #expect(life.verdict(among: keys, at: second) == .wait)
    life.taken(by: keys[3])
    #expect(life.verdict(among: keys, at: second) == .work)
  }

  /// L4: as many as may be Byzantine stop nobody, at work or not; one more honest one decides.
  @Test func liarsStopNobody() {
    for n in 4...31 {
      let (keys, rules) = (keys(n), VoteRules(n: n))
      let most = LifeState(Life(began: .max, bootId: .max), .confirmed)
      for atWork in [false, true] {
        var life = LifeGuard(older, at: 0)
        if atWork { for peer in keys.dropFirst() { life.taken(by: peer) } }
        _ = life.verdict(among: keys, at: second)
        for peer in keys.dropFirst().prefix(rules.f) { life.note(most, silence: 0, from: peer, at: second) }
        // Again and again, and in names that are no validators'.
        for peer in keys.dropFirst().prefix(rules.f) { life.note(most, silence: 0, from: peer, at: 2 * second) }
        for stranger in 100..<200 {
          life.note(most, silence: 0, from: PublicKey(words: (UInt64(stranger), 0, 0, 0)), at: 2 * second)
        }
        #expect(life.verdict(among: keys, at: 2 * second) == (atWork ? .work : .wait), "n = \(n)")
        // The honest ones let it work in spite of them (A2).
        for peer in keys.dropFirst(1 + rules.f) { life.taken(by: peer) }
        #expect(life.verdict(among: keys, at: 2 * second) == .work, "n = \(n)")
      }
      var life = LifeGuard(older, at: 0)
      let needed = n - rules.quorum + 1
      #expect(needed > rules.f)
      for peer in keys.dropFirst().prefix(needed) { life.note(most, silence: 0, from: peer, at: second) }
      #expect(life.verdict(among: keys, at: second) == .stop(validators: needed), "n = \(n)")
    }
  }

  /// Words of the life before a restart, whose end a peer has not noticed.
  @Test func predecessorsDoNotCount() {
    let keys = keys(4)
    var life = LifeGuard(younger, at: 10 * second)
    let before = LifeState(older, .confirmed)
    let now = 11 * second
    for peer in keys.dropFirst() {
      let counted = [
        life.note(before, silence: second, from: peer, at: now),
        // Just under way when this life began.
        life.note(before, silence: second / 2, from: peer, at: now),
        life.note(before, silence: .max, from: peer, at: .min),
        life.note(life.own, silence: 0, from: peer, at: now),
      ]
      #expect(counted == [false, false, false, false])
    }
    #expect(life.verdict(among: keys, at: now) == .wait)
    for peer in keys.dropFirst() {
      let isCounted = life.note(before, silence: second / 2 - 1, from: peer, at: now)
      #expect(isCounted)
    }
    #expect(life.verdict(among: keys, at: now) == .stop(validators: 3))
  }

  @Test func reportsAreForgotten() {
    let keys = keys(4)
    var life = LifeGuard(younger, at: 0)
    for (place, at) in [(1, second), (2, 7 * second)] {
      life.note(LifeState(older, .confirmed), silence: 0, from: keys[place], at: at)
    }
    #expect(life.verdict(among: keys, at: 7 * second) == .wait, "not at one time")
    life.taken(by: keys[2])
    #expect(life.verdict(among: keys, at: 9 * second) == .wait)
    #expect(life.verdict(among: keys, at: 10 * second) == .work)
  }

  /// L3: a validator alone works in the end, but yields to a life that a quorum has given the place.
  @Test func patienceEndsButGivesNoStanding() {
    let keys = keys(4)
    var life = LifeGuard(younger, at: 0)
    #expect(life.verdict(among: keys, at: LifeGuard.patience - 1) == .wait)
    #expect(life.verdict(among: keys, at: LifeGuard.patience) == .work)
    #expect(life.own.standing == .unopposed)
    #expect(LifeState(older, .confirmed).outranks(life.own) && !LifeState(older, .waiting).outranks(life.own))
    for peer in keys[1...2] { life.taken(by: peer) }
    #expect(life.verdict(among: keys, at: 11 * second) == .work)
    #expect(life.own.standing == .confirmed)
    var opposed = LifeGuard(younger, at: 0)
    opposed.note(LifeState(older, .confirmed), silence: 0, from: keys[1], at: 8 * second)
    #expect(opposed.verdict(among: keys, at: 12 * second) == .wait)
  }

  @Test func codec() throws {
    let messages: [LifeMessage] = [
      .taken(.waiting), .taken(.confirmed), .other(LifeState(older, .unopposed), silence: 5),
    ]
    for message in messages {
      let bytes = message.wireBytes
      #expect(try WireReader.decode(LifeMessage.self, from: bytes) == message)
      #expect(LifeMessage.kinds.contains(bytes[0]))
      for end in 0..<bytes.count {
        #expect(throws: WireError.self) { try WireReader.decode(LifeMessage.self, from: Array(bytes[..<end])) }
      }
      #expect(throws: WireError.self) { try WireReader.decode(LifeMessage.self, from: bytes + [0]) }
      #expect(throws: WireError.self) { try WireReader.decode(PeerMessage.self, from: bytes) }
    }
    #expect(throws: WireError.self) { try WireReader.decode(LifeMessage.self, from: [14, 3]) }
    let negative = LifeMessage.other(LifeState(older, .waiting), silence: -1).wireBytes
    #expect(throws: WireError.self) { try WireReader.decode(LifeMessage.self, from: negative) }
  }

  /// L5 as a whole: two lives among peers whose links come and go. Never do both stop; never are both confirmed by peers
  /// that hear both; and when all links are there for a while, one is left and works.
  @Test(arguments: [1, 2, 3, 4, 6, 7, 9, 10, 13]) func oneOfTwoGoesOn(_ n: Int) {
    guard n > 1 else { return }
    var worked = [0, 0]
    for seed in 0..<300 {
      var twins = Twins(n: n, keys: keys(n), seed: UInt64(seed))
      for _ in 0..<400 {
        twins.step(isCalm: false)
        #expect(!(twins.hasStopped[0] && twins.hasStopped[1]), "n = \(n), seed \(seed)")
      }
      for _ in 0..<300 { twins.step(isCalm: true) }
      #expect(twins.hasStopped.count { $0 } == 1, "n = \(n), seed \(seed)")
      for place in 0...1 where !twins.hasStopped[place] {
        #expect(twins.lives[place].own.standing == .confirmed, "n = \(n), seed \(seed)")
        worked[place] += 1
      }
    }
    // Among many peers, the second hardly ever finds enough of them free.
    #expect(n > 10 || worked.allSatisfy { $0 > 0 }, "both outcomes are met: \(worked)")
  }
}

/// Two lives of one key and n - 1 peers, in steps of a tenth of a second.
private struct Twins {
  var lives: [LifeGuard]
  var hasStopped = [false, false]
  private let keys: [PublicKey]
  private var chance: SeededRandom
  private var now: Instant = 0
  private let startsAt: [Instant]
  /// By peer: whose place it is, and when that one spoke last.
  private var holder: [Int?]
  private var heardAt: [Instant]
  /// By peer, for each life.
  private var links: [[Bool]]

  init(n: Int, keys: [PublicKey], seed: UInt64) {
    self.keys = keys
    chance = SeededRandom(seed: seed)
    let starts = [0, Int64(chance.below(200)) * second / 10]
    startsAt = starts
    // The clocks may be wrong.
    let began = [Int64(chance.below(100)), Int64(chance.below(100))]
    lives = (0...1).map { LifeGuard(Life(began: began[$0], bootId: UInt64($0)), at: starts[$0]) }
    holder = Array(repeating: nil, count: n - 1)
    heardAt = Array(repeating: 0, count: n - 1)
    links = Array(repeating: [true, true], count: n - 1)
  }

  mutating func step(isCalm: Bool) {
    now += second / 10
    for peer in holder.indices {
      for life in 0...1 {
        if isCalm { links[peer][life] = true } else if chance.below(40) == 0 { links[peer][life].toggle() }
        meet(peer, life)
      }
    }
    for life in 0...1 where isRunning(life) {
      if case .stop = lives[life].verdict(among: keys, at: now) {
        hasStopped[life] = true
        for peer in holder.indices where holder[peer] == life { holder[peer] = nil }
      }
    }
  }

  private func isRunning(_ life: Int) -> Bool { startsAt[life] <= now && !hasStopped[life] }

  private mutating func meet(_ peer: Int, _ life: Int) {
    let key = keys[peer + 1]
    guard isRunning(life), links[peer][life] else {
      // What is cut looks open for a while at either end.
      if holder[peer] == life, chance.below(30) == 0 {
        holder[peer] = nil
        lives[life].left(key)
      }
      return
    }
    guard let held = holder[peer] else { return give(peer, life, key) }
    if held == life { return heardAt[peer] = now }
    let silence = now - heardAt[peer]
    if LifeGuard.givesPlace(to: lives[life].own, from: lives[held].own, silence: silence) {
      lives[held].left(key)
      if links[peer][held] { lives[held].note(lives[life].own, silence: 0, from: key, at: now) }
      give(peer, life, key)
    } else {
      lives[life].note(lives[held].own, silence: silence, from: key, at: now)
      if links[peer][held] { lives[held].note(lives[life].own, silence: 0, from: key, at: now) }
    }
  }

  private mutating func give(_ peer: Int, _ life: Int, _ key: PublicKey) {
    holder[peer] = life
    heardAt[peer] = now
    lives[life].taken(by: key)
  }
}
