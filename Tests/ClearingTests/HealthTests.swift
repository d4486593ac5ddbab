// The health of validators as the engine computes it, and who takes whose place: rules H1 to H10, one by one.

import Clearing
import Ledger
import Primitives
import Testing
import Wire

/// A committee whose blocks say who ordered them.
final class Ward {
  let chamber: Chamber
  /// Blocks of an epoch.
  let epoch: Height = 40
  var market: Market { chamber.market }
  var house: ClearingHouse { market.house }
  var keys: [PublicKey] { chamber.keys }
  var view: UInt64 = 0
  /// As key generation goes: what was scheduled comes into force an epoch later, or fails.
  var isScheduled = false
  var failsEntry = false

  init(_ count: Int = 4) { chamber = Chamber(count) }

  /// One block; the leaders of views rotate, and those in `down` neither lead nor speak. `report`: who finds whom late.
  func block(
    down: Set<Int> = [], mute: Set<Int> = [], _ transactions: [Transaction] = [], release: Bool = true
  ) {
    let n = house.validators.count
    var skipped: [ValidatorIndex] = []
    view += 1
    while down.contains(Int(view % UInt64(n))) {
      skipped.append(ValidatorIndex(view % UInt64(n)))
      view += 1
    }
    let height = market.height + 1
    let spoke = (0..<n).filter { !down.contains($0) && !mute.contains($0) }.map { ValidatorIndex($0) }
    let conduct = BlockConduct(
      leader: ValidatorIndex(view % UInt64(n)), skipped: skipped, spoke: spoke, endsEpoch: (height + 1) % epoch == 0)
    apply(conduct, transactions, release: release)
  }

  func apply(_ conduct: BlockConduct?, _ transactions: [Transaction] = [], release: Bool = true) {
    market.height += 1
    var steps: [ClearingHouse.MembershipStep] = []
    if market.height % epoch == 0 {
      if isScheduled { steps.append(failsEntry ? .fail : .adopt) }
      isScheduled = false
      if house.nextValidators != nil {
        steps.append(.schedule)
        isScheduled = true
      }
    }
    market.time += 10 * Duration64.millisecond
    market.house.apply(
      BlockInput(
        height: market.height, timestamp: market.time, transactions: transactions.map { market.input($0) },
        membership: steps, conduct: conduct), into: &market.result)
    let violations = market.house.checkInvariants()
    #expect(violations.isEmpty, "\(violations)")
    #expect(house.validators.count >= 4)
    if release { market.house.releaseBlock() }
  }

  /// To the last block of the epoch; `reporters` say in the middle that everybody in `late` is.
  func epoch(down: Set<Int> = [], mute: Set<Int> = [], reporters: [Int] = [], late: [Int] = []) {
    repeat {
      var words: [Transaction] = []
      if market.height % epoch == epoch / 2 {
        words = reporters.map { word(of: $0, on: late.filter { [reporter = $0] in $0 != reporter }) }
      }
      block(down: down, mute: mute, words)
    } while !isEnd
  }

  /// The next block begins an epoch.
  var isEnd: Bool { (market.height + 1) % epoch == 0 }
  func align() { while !isEnd { block() } }
  /// All that stand, also those that do not count.
  func shown(_ place: Int) -> HealthFaults { house.health(of: keys[place])?.faults ?? [] }

  func word(of place: Int, on late: [Int], committee: Epoch? = nil) -> Transaction {
    let report = LatenessReport(
      committee: committee ?? house.committeeNumber, late: late.sorted().map { ValidatorIndex($0) })
    return market.transaction(keys[place], [.report(report)])
  }

  func act(_ signer: PublicKey, _ action: Action, down: Set<Int> = []) -> RejectionCode? {
    block(down: down, [market.transaction(signer, [action])])
    let outcome = market.result.outcomes[0]
    return outcome.rejection ?? outcome.errors.first?.code
  }

  func nominate(_ number: UInt64, by places: [Int]) {
    for place in places { #expect(act(keys[place], .standby(.nominate(Chamber.new(number)))) == nil) }
  }

  /// Nominated by a quorum, and ready.
  func standBy(_ number: UInt64) {
    let n = keys.count
    nominate(number, by: Array(0..<((n + (n - 1) / 3) / 2 + 1)))
    #expect(act(key(number), .standby(.rejoin)) == nil)
  }

  func standby(_ key: PublicKey) -> StandbyRecord? { house.standbys.first { $0.validator.key == key } }
  func faults(_ place: Int) -> HealthFaults { house.faults(of: keys[place]) }
}

@Suite struct HealthTests {
  @Test func `H1: views led and skipped, lanes and words are counted`() {
    let ward = Ward()
    for _ in 0..<6 { ward.block(down: [2]) }
    ward.block([ward.word(of: 0, on: [2]), ward.word(of: 3, on: [1, 2])])
    let health = ward.keys.map { ward.house.health(of: $0) }
    #expect(health.map { $0?.led } == [2, 3, 0, 2] && health.map { $0?.missed } == [0, 0, 2, 0])
    #expect(health[2]?.reporters == [0, 3] && health[1]?.reporters == [3])
    #expect(health[2]?.spoke == true && health[0]?.spoke == true && ward.house.health(of: key(1)) == nil)
  }

  @Test func `H2, H3: half of eight views skipped and a word of f+1 begin a fault, an eighth ends it`() {
    let ward = Ward()
    ward.epoch(down: [1], reporters: [0], late: [1])
    #expect(!ward.shown(1).contains(.leader), "one word is not f+1")
    ward.epoch(down: [1], reporters: [0, 2], late: [1])
    #expect(ward.shown(1).contains(.leader) && !ward.faults(1).contains(.leader), "shown, and does not count")
    // Between the marks it stays: a quarter of its views.
    stay(ward, skippedOf: 4)
    #expect(ward.shown(1).contains(.leader))
    ward.epoch()
    #expect(ward.shown(1).isEmpty)
  }

  /// An epoch in which validator 1 misses one of so many of its views, and nobody complains.
  private func stay(_ ward: Ward, skippedOf turns: Int) {
    var turn = 0
    repeat {
      let isItsTurn = (ward.view + 1) % 4 == 1
      turn += isItsTurn ? 1 : 0
      ward.block(down: isItsTurn && turn % turns == 0 ? [1] : [])
    } while !ward.isEnd
  }

  @Test func `H3: fewer than eight views tell nothing yet, and count on`() {
    let ward = Ward(7)
    func epoch() {
      repeat {
        // The others order twenty blocks while view numbers stand still.
        let isEnd = (ward.market.height + 2) % ward.epoch == 0
        let skipped: [ValidatorIndex] = isEnd ? [3, 3, 3] : []
        let words = isEnd ? [0, 1, 2].map { ward.word(of: $0, on: [3]) } : []
        ward.apply(
          BlockConduct(leader: 0, skipped: skipped, spoke: (0..<7).map { ValidatorIndex($0) }, endsEpoch: isEnd), words)
      } while !ward.isEnd
    }
    epoch()
    epoch()
    #expect(ward.house.health(of: ward.keys[3])?.missed == 6 && ward.shown(3).isEmpty)
    epoch()
    #expect(ward.shown(3) == .leader && ward.house.health(of: ward.keys[3])?.missed == 0)
  }

  @Test func `H4: late is whom a quorum finds late, and until at most f do`() {
    let ward = Ward()
    ward.epoch(reporters: [0, 1], late: [2])
    #expect(ward.shown(2).isEmpty)
    ward.epoch(reporters: [0, 1, 3], late: [2])
    #expect(ward.shown(2) == .late)
    ward.epoch(reporters: [0, 1], late: [2])
    #expect(ward.shown(2) == .late, "between the marks")
    ward.epoch(reporters: [0], late: [2])
    #expect(ward.shown(2).isEmpty)
  }

  @Test func `H5: silent is whose lane stands still for an epoch`() {
    let ward = Ward()
    ward.block()
    ward.epoch(mute: [3])
    #expect(ward.faults(3).isEmpty)
    ward.epoch(mute: [3])
    #expect(ward.faults(3) == .silent)
    ward.epoch()
    #expect(ward.faults(3).isEmpty)
  }

  /// One round of both indices a second; `prices` by place, nil for whoever says nothing.
  private func rounds(_ ward: Ward, _ count: Int, _ prices: [Int64?]) {
    for _ in 0..<count {
      ward.market.time += second
      let words = prices.enumerated().compactMap { place, price in
        price.map { ward.market.transaction(ward.keys[place], [.observe(ward.market.observation($0, 4_000))]) }
      }
      ward.block(words)
    }
  }

  @Test func `H6: absent is who observes nothing in three of four rounds`() {
    let ward = Ward()
    rounds(ward, 24, [100_000, 100_000, 100_000, nil])
    ward.align()
    // Two indices make two rounds each; it has spoken in none.
    #expect(ward.faults(3) == .absent && ward.faults(0).isEmpty)
    rounds(ward, 24, [100_000, 100_000, 100_000, 100_000])
    ward.align()
    #expect(ward.faults(3).isEmpty)
  }

  @Test func `H6: far is who is more than two percent off in half of its prices`() {
    for (price, isFar) in [(101_900, false), (102_100, true), (97_900, true), (98_100, false)] as [(Int64, Bool)] {
      let ward = Ward()
      rounds(ward, 36, [100_000, 100_000, 100_000, price])
      ward.align()
      // The other index was right: half of its prices are far off.
      #expect(ward.faults(3) == (isFar ? .far : []), "\(price)")
    }
  }

  @Test func `H7: whoever nominates is a validator, and with three of four it stands by`() {
    let ward = Ward()
    let new = Chamber.new(200)
    #expect(ward.act(Market.alice, .standby(.nominate(new))) == .notAuthorized)
    ward.nominate(200, by: [0])
    #expect(ward.act(ward.keys[0], .standby(.nominate(new))) == .standbyDecided)
    #expect(ward.act(ward.keys[1], .standby(.nominate(Chamber.new(200, host: "elsewhere")))) == .standbyDecided)
    ward.nominate(200, by: [1])
    #expect(ward.standby(new.key)?.approvedAt == nil)
    #expect(ward.act(new.key, .standby(.rejoin)) == .unknownAccount)
    ward.nominate(200, by: [2])
    #expect(ward.standby(new.key)?.approvedAt == ward.market.height && ward.standby(new.key)?.readySince == nil)
    #expect(ward.act(ward.keys[3], .standby(.nominate(new))) == .standbyDecided)
    #expect(ward.act(new.key, .standby(.rejoin)) == nil)
    #expect(ward.act(new.key, .standby(.rejoin)) == .standbyDecided)
    #expect(ward.act(Market.alice, .standby(.rejoin)) == .unknownStandby)
    #expect(ward.act(ward.keys[0], .standby(.rejoin)) == .unknownStandby)
  }

  @Test func `H7: what does not fit is not nominated`() {
    let ward = Ward()
    func nominate(_ validator: Validator, by place: Int = 0) -> RejectionCode? {
      ward.act(ward.keys[place], .standby(.nominate(validator)))
    }
    #expect(nominate(Chamber.new(200, name: "")) == .badTerms)
    #expect(nominate(Chamber.new(200, name: "v1")) == .validatorConflict)
    #expect(nominate(Chamber.new(200, host: "10.0.0.1")) == .validatorConflict)
    for taken in [ward.keys[1], Market.custodian, PublicKey(words: SystemAccount.insurance.id.words)] {
      var validator = Chamber.new(200)
      validator.key = taken
      #expect(nominate(validator) == .validatorConflict)
    }
    for number in 0..<4 as Range<UInt64> { #expect(nominate(Chamber.new(200 + number)) == nil) }
    #expect(nominate(Chamber.new(204)) == .limitReached)
    #expect(nominate(Chamber.new(204, name: "new 200"), by: 1) == .validatorConflict)
    #expect(nominate(Chamber.new(204), by: 1) == nil)
    // Its first nominator takes it back; else a quorum does.
    #expect(ward.act(ward.keys[0], .standby(.dismiss(key(204)))) == nil && ward.standby(key(204)) != nil)
    #expect(ward.act(ward.keys[0], .standby(.dismiss(key(204)))) == .standbyDecided)
    #expect(ward.act(ward.keys[1], .standby(.dismiss(key(204)))) == nil && ward.standby(key(204)) == nil)
    #expect(ward.act(ward.keys[0], .standby(.dismiss(key(204)))) == .unknownStandby)
    #expect(ward.act(Market.alice, .standby(.dismiss(key(200)))) == .notAuthorized)
  }

  @Test func `H8: a ready standby takes the place of the one that fails, an epoch after`() {
    let ward = Ward()
    ward.standBy(200)
    ward.epoch()
    let failing = ward.keys[1]
    ward.epoch(down: [1], reporters: [0, 2, 3], late: [1])
    #expect(ward.house.changes.count == 2)
    #expect(ward.house.changes.allSatisfy { $0.record.cause == .health })
    ward.epoch(down: [1])
    ward.block(down: [1])
    #expect(ward.keys == [0, 2, 3].map { ward.chamber.validators[$0] } + [key(200)])
    #expect(ward.house.changes.isEmpty && ward.house.standbys.count == 1)
    #expect(ward.standby(failing)?.leavesSeat == false && ward.standby(failing)?.readySince == nil)
    #expect(ward.house.health(of: failing) == nil)
    // Nothing more happens by itself.
    for _ in 0..<4 { ward.epoch() }
    #expect(ward.keys.last == key(200) && ward.keys.count == 4)
  }

  @Test func `H8: without anybody ready nobody leaves, and the present faults stay known`() {
    let ward = Ward()
    ward.nominate(200, by: [0, 1, 2])
    for _ in 0..<3 { ward.epoch(down: [1], reporters: [0, 2, 3], late: [1]) }
    #expect(ward.keys == ward.chamber.validators && ward.house.changes.isEmpty)
    #expect(ward.shown(1) == [.leader, .late, .silent] && ward.faults(1) == .silent)
    #expect(ward.act(key(200), .standby(.rejoin), down: [1]) == nil)
    ward.epoch(down: [1])
    #expect(ward.house.changes.count == 2)
  }

  @Test func `H9: who was put on standby rests, longer each time, and comes back by its own word`() {
    let ward = Ward()
    ward.standBy(200)
    ward.align()
    for (round, rest) in [2, 4, 8].enumerated() {
      let victim = ward.chamber.validators[1]
      let place = ward.keys.firstIndex(of: victim) ?? 0
      ward.epoch(down: [place], reporters: (0..<4).filter { $0 != place }, late: [place])
      ward.epoch(down: [place])
      ward.block(down: [place])
      #expect(!ward.keys.contains(victim))
      #expect(ward.standby(victim)?.removals == UInt32(round + 1) && ward.standby(victim)?.restEpochs == UInt32(rest))
      for left in (1...rest).reversed() {
        #expect(ward.act(victim, .standby(.rejoin)) == .standbyRests, "\(left)")
        ward.align()
      }
      #expect(ward.act(victim, .standby(.rejoin)) == nil)
      ward.align()
      // Somebody else fails, so that it comes back.
      let other = ward.keys.firstIndex { $0 != victim } ?? 0
      let gone = ward.keys[other]
      ward.epoch(down: [other], reporters: (0..<4).filter { $0 != other }, late: [other])
      ward.epoch(down: [other])
      ward.block(down: [other])
      #expect(ward.keys.contains(victim) && !ward.keys.contains(gone))
      // And so that somebody is ready for the next round.
      let rested = Int(ward.standby(gone)?.restEpochs ?? 0)
      for _ in 0..<rested { ward.epoch() }
      #expect(ward.act(gone, .standby(.rejoin)) == nil)
      ward.align()
    }
  }

  @Test func `H10: with whom no shares can be made, that one goes behind the others, and out after three times`() {
    let ward = Ward()
    ward.standBy(200)
    ward.standBy(201)
    ward.align()
    ward.failsEntry = true
    for attempt in 0..<6 {
      ward.epoch(down: [1], reporters: [0, 2, 3], late: [1])
      let joining = ward.house.changes.compactMap { $0.record.change.joining }
      #expect(joining == [key(200 + UInt64(attempt % 2))], "\(attempt)")
      ward.epoch(down: [1], reporters: [0, 2, 3], late: [1])
      ward.block(down: [1])
      // Dropped, both of it, and judged anew at the end of the next epoch.
      #expect(ward.house.changes.isEmpty && ward.keys == ward.chamber.validators)
      #expect(ward.standby(key(200 + UInt64(attempt % 2)))?.failures == UInt32(attempt / 2 + 1))
    }
    ward.epoch(down: [1], reporters: [0, 2, 3], late: [1])
    #expect(ward.house.changes.isEmpty && ward.house.standbys.allSatisfy { $0.readySince == nil })
    // Its word counts anew.
    ward.failsEntry = false
    #expect(ward.act(key(201), .standby(.rejoin), down: [1]) == nil)
    ward.epoch(down: [1], reporters: [0, 2, 3], late: [1])
    ward.epoch(down: [1])
    ward.block(down: [1])
    #expect(ward.keys.contains(key(201)) && ward.keys.count == 4)
  }
}

extension ValidatorChange {
  var joining: PublicKey? { if case .add(let validator) = self { validator.key } else { nil } }
}
