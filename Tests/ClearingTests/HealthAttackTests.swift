// What f validators may try with the health of others, and what anybody may try with what it is made of.

import Clearing
import Ledger
import Primitives
import Testing
import Wire

@Suite struct HealthAttackTests {
  /// Their words alone are worth nothing, however often they say them, and even where every view of the victim is skipped.
  @Test(arguments: [4, 5, 7, 10, 13]) func fWordsPushNobodyOut(count: Int) {
    let ward = Ward(count)
    let f = (count - 1) / 3
    ward.standBy(500)
    let victim = count - 1
    for round in 0..<5 {
      repeat {
        var words: [Transaction] = []
        if ward.market.height % 3 == 0 { for rogue in 0..<f { words.append(ward.word(of: rogue, on: [victim])) } }
        // In turn: the victim leads badly, or well.
        ward.block(down: round % 2 == 0 && (Int(ward.view) + 1) % count == victim ? [victim] : [], words)
        #expect(ward.market.result.outcomes.allSatisfy { $0.rejection == nil })
      } while !ward.isEnd
      #expect(ward.shown(victim).isEmpty && ward.house.changes.isEmpty, "epoch \(round)")
    }
    #expect(ward.keys == ward.chamber.validators)
  }

  /// One more, an honest one, makes the difference: the test above can fail.
  @Test(arguments: [4, 7, 10]) func oneMoreWordCounts(count: Int) {
    let ward = Ward(count)
    let f = (count - 1) / 3
    for _ in 0..<4 { ward.epoch(down: [count - 1], reporters: Array(0...f), late: [count - 1]) }
    #expect(ward.shown(count - 1).contains(.leader))
  }

  /// f rogues at random, against victims of their choice: words, prices, views given away. No honest validator loses its
  /// place, while somebody ready waits all the time; a rogue may lose its own.
  @Test(arguments: 0..<12 as Range<UInt64>) func aCoalitionAtRandomPushesNoHonestOneOut(seed: UInt64) {
    var random = SeededRandom(seed: 70 + seed)
    let count = [4, 5, 7, 10][Int(seed % 4)]
    let f = (count - 1) / 3
    let ward = Ward(count)
    for number in 0..<3 as Range<UInt64> { ward.standBy(500 + number) }
    ward.align()
    let rogues = Set(ward.keys.suffix(f))
    let honest = ward.keys.filter { !rogues.contains($0) }
    let victim = honest[Int(random.below(UInt64(honest.count)))]
    for _ in 0..<8 {
      let isLazy = random.below(2) == 0
      let isLiar = random.below(2) == 0
      repeat {
        let present = ward.keys
        let places = present.indices.filter { rogues.contains(present[$0]) }
        guard let target = present.firstIndex(of: victim) else { break }
        var words: [Transaction] = []
        if ward.market.height % 4 == 0 {
          for rogue in places {
            let late = random.below(2) == 0 ? [target] : present.indices.filter { $0 != rogue }
            words.append(ward.word(of: rogue, on: late))
          }
        }
        ward.market.time += second
        for place in present.indices {
          var price = 100_000 + Int64(random.below(1_000))
          if isLiar, rogues.contains(present[place]) { price = [1_000, 900_000][Int(random.below(2))] }
          words.append(
            ward.market.transaction(present[place], [.observe(ward.market.observation(price, 4_000))]))
        }
        // The network may skip any view now and then; never half of the victim's.
        let isSkipped = random.below(8) == 0
        ward.block(down: isLazy ? Set(places) : isSkipped ? [target] : [], words)
      } while !ward.isEnd
      #expect(honest.allSatisfy { ward.keys.contains($0) }, "seed \(seed)")
    }
    #expect(ward.house.standbys.allSatisfy { $0.removals == 0 || rogues.contains($0.validator.key) })
  }

  /// What ails more than n - Q is nobody's fault: nobody is replaced for it.
  @Test func whatManyHaveIsNobodysFault() {
    let ward = Ward()
    ward.standBy(500)
    ward.align()
    ward.epoch(mute: [0, 1])
    #expect(ward.house.health(of: ward.keys[0])?.faults == .silent && ward.faults(0).isEmpty)
    #expect(ward.house.changes.isEmpty)
    ward.epoch(mute: [0])
    #expect(ward.faults(0) == .silent && ward.house.changes.count == 2, "now it is one alone")
  }

  @Test func aWordThatDoesNotFitIsRefused() {
    let ward = Ward()
    func say(_ late: [ValidatorIndex], committee: Epoch = 0, by signer: PublicKey? = nil) -> RejectionCode? {
      ward.act(signer ?? ward.keys[0], .report(LatenessReport(committee: committee, late: late)))
    }
    #expect(say([1], by: Market.alice) == .notAuthorized)
    for late in [[], [0], [4], [65_535], [2, 1], [1, 1], [1, 2, 3, 4]] as [[ValidatorIndex]] {
      #expect(say(late) == .badReport, "\(late)")
    }
    #expect(say([1], committee: 1) == .badReport)
    #expect(say([1, 2, 3]) == nil && say([1]) == nil)
    #expect(ward.house.health(of: ward.keys[1])?.reporters == [0], "said twice, counted once")
    // Not by a delegated key, and not for another account.
    var transaction = ward.market.transaction(
      ward.keys[0], [.report(LatenessReport(committee: 0, late: [1]))])
    transaction.account = AccountID(Market.alice)
    ward.block([transaction])
    #expect(ward.market.result.outcomes[0].rejection == .notAuthorized)
  }

  /// An operators' decision is not overtaken, and what a rule wants waits for it.
  @Test func whatOperatorsDecideComesFirst() {
    let ward = Ward()
    ward.standBy(500)
    ward.align()
    #expect(ward.act(ward.keys[0], .proposeChange(.data(ward.keys[3], OperatorData(country: "FI")))) == nil)
    for place in [1, 2] { #expect(ward.act(ward.keys[place], .approveChange(1)) == nil) }
    ward.epoch(down: [1], reporters: [0, 2, 3], late: [1])
    #expect(ward.house.changes.map(\.record.cause) == [.proposal])
    ward.epoch(down: [1], reporters: [0, 2, 3], late: [1])
    ward.block(down: [1])
    #expect(ward.house.changes.isEmpty && ward.house.validators[3].data.country == "FI")
    ward.epoch(down: [1], reporters: [0, 2, 3], late: [1])
    #expect(ward.house.changes.map(\.record.cause) == [.health, .health])
  }

  /// The quorum that nominates is one of present validators, and f of them keep nobody off the list.
  @Test func fRoguesNominateNobodyAndTakeNoRoom() {
    let ward = Ward(7)
    for rogue in [5, 6] {
      for number in 0..<4 as Range<UInt64> {
        #expect(
          ward.act(ward.keys[rogue], .standby(.nominate(Chamber.new(600 + UInt64(rogue) * 10 + number)))) == nil)
      }
      #expect(
        ward.act(ward.keys[rogue], .standby(.nominate(Chamber.new(690 + UInt64(rogue))))) == .limitReached)
    }
    ward.standBy(500)
    #expect(ward.standby(key(500))?.readySince != nil)
    #expect(ward.act(ward.keys[5], .standby(.dismiss(key(500)))) == nil)
    #expect(ward.act(ward.keys[6], .standby(.dismiss(key(500)))) == nil)
    #expect(ward.standby(key(500)) != nil)
    #expect(ward.house.standbys.count(where: { $0.approvedAt != nil }) == 1)
  }

  /// Places that a rule has emptied are filled, each once, one an epoch, by whom they belonged to or by others.
  @Test func emptyPlacesAreFilledOnce() {
    let ward = Ward()
    for number in [500, 501, 502] as [UInt64] { ward.standBy(number) }
    // As removals for evidence leave it: two places are empty, one of them the first one's own.
    var tamper = Tamper<HealthKey, StandbyRecord> { table in
      for number in [500, 502] as [UInt64] { table.update(HealthKey(key(number))) { $0.leavesSeat = true } }
    }
    ward.market.house.visitTables(&tamper)
    for _ in 0..<8 { ward.epoch() }
    #expect(ward.keys == ward.chamber.validators + [key(500), key(501)])
    #expect(ward.house.standbys.map(\.leavesSeat) == [false])
    // Nobody fails and no place is empty: the third one waits.
    #expect(ward.house.changes.isEmpty && ward.standby(key(502))?.readySince != nil)
  }

  /// A transaction that is undone leaves nothing: no nomination, no account, no word.
  @Test func whatIsUndoneLeavesNothing() {
    let ward = Ward()
    ward.nominate(500, by: [0, 1])
    let before = (ward.house.standbys, ward.house.health(of: ward.keys[1]))
    let transaction = ward.market.transaction(
      ward.keys[2],
      [
        .standby(.nominate(Chamber.new(500))), .report(LatenessReport(committee: 0, late: [1])),
        .standby(.dismiss(key(999))),
      ], mode: .allOrNothing)
    ward.apply(nil, [transaction])
    #expect(ward.market.result.outcomes[0].rejection == .unknownStandby)
    #expect(ward.house.standbys == before.0 && ward.house.health(of: ward.keys[1]) == before.1)
    #expect(ward.act(key(500), .standby(.rejoin)) == .unknownAccount)
  }

  /// A block that is taken back leaves nothing, and a restarted node goes on alike.
  @Test func blocksAreTakenBackAndNodesRestart() {
    let ward = Ward()
    ward.standBy(500)
    ward.align()
    while ward.market.height % ward.epoch != ward.epoch - 2 {
      let words = ward.market.height % ward.epoch == 20 ? [0, 2, 3].map { ward.word(of: $0, on: [1]) } : []
      ward.block(down: [1], words)
    }
    // The end of the epoch, its first block and one more are taken back and come again.
    let before = ward.market.state()
    let (height, time, view) = (ward.market.height, ward.market.time, ward.view)
    for _ in 0..<3 { ward.block(down: [1], release: false) }
    let after = ward.market.state()
    #expect(ward.house.changes.count == 2)
    for _ in 0..<3 {
      var changes: [RecordChange] = []
      ward.market.house.rollbackBlock(into: &changes)
    }
    #expect(ward.market.state() == before && ward.house.changes.isEmpty)
    (ward.market.height, ward.market.time, ward.view, ward.isScheduled) = (height, time, view, false)
    var restarted = ClearingHouse(restoring: ward.house.genesis, chain: Market.chain)
    var dump = Dump()
    ward.market.house.visitTables(&dump)
    for pair in dump.pairs {
      guard let value = pair.value else { continue }
      var loader = LoadRecord(table: pair.table, key: pair.key, value: value)
      restarted.visitTables(&loader)
    }
    restarted.rebuildIndices()
    ward.market.house = restarted
    for _ in 0..<3 { ward.block(down: [1]) }
    #expect(ward.market.state() == after)
  }

  /// Whatever a block claims about its own order, nothing traps and nothing grows.
  @Test func conductOfNobodyIsPassedOver() {
    let ward = Ward()
    let far = [ValidatorIndex](repeating: 65_535, count: 1_024) + [4, 200, 1]
    ward.apply(BlockConduct(leader: 9, skipped: far, spoke: far, endsEpoch: true))
    #expect(ward.house.health(of: ward.keys[1])?.missed == 1)
    #expect(ward.house.health(of: ward.keys[0])?.led == 0 && ward.house.health(of: ward.keys[0])?.missed == 0)
    // A network without a group key measures nothing.
    ward.market.house.canChangeValidators = false
    ward.apply(BlockConduct(leader: 0, skipped: [1], spoke: [0], endsEpoch: false))
    #expect(ward.house.health(of: ward.keys[0])?.led == 0)
  }

  @Test func recordsAndWordsSurviveTheirBytes() throws {
    var record = HealthRecord()
    (record.led, record.missed, record.reporters, record.faults) = (7, .max, [0, 3], [.late, .far])
    #expect(try WireReader.decode(HealthRecord.self, from: record.wireBytes) == record)
    for step in [.nominate(Chamber.new(5)), .dismiss(key(1)), .rejoin] as [StandbyStep] {
      #expect(try WireReader.decode(Action.self, from: Action.standby(step).wireBytes) == .standby(step))
    }
    let word = LatenessReport(committee: 3, late: [1, 2])
    #expect(try WireReader.decode(Action.self, from: Action.report(word).wireBytes) == .report(word))
    #expect(Action.standby(.rejoin).wireBytes.first == 27 && Action.report(word).wireBytes.first == 28)
    var long = word
    long.late = (0..<129).map { ValidatorIndex($0) }
    #expect(throws: WireError.self) { try WireReader.decode(LatenessReport.self, from: long.wireBytes) }
  }
}
