// Changes of the committee: what each rule allows, and that nothing else is.

import Clearing
import Ledger
import Primitives
import Testing
import Wire

@Suite struct MembershipTests {
  let market = Market(priced: false)
  let joiner = key(200)
  var validators: [PublicKey] { Market.validators }

  init() {
    // As a network has it: names and addresses, beside the keys of the genesis.
    let members = Market.validators.enumerated().map {
      Validator(name: "v\($0)", key: $1, host: "10.0.0.\($0)", port: 7000)
    }
    market.house = ClearingHouse(genesis: Market.genesis(), chain: Market.chain, validators: members)
    var changes: [RecordChange] = []
    market.house.sealGenesis(into: &changes)
    market.price()
  }

  func new(_ number: UInt64 = 200, name: String? = nil, host: String? = nil, port: UInt16 = 7000) -> Validator {
    Validator(name: name ?? "new \(number)", key: key(number), host: host ?? "10.0.1.\(number)", port: port)
  }

  func propose(_ change: ValidatorChange, by place: Int = 0) -> RejectionCode? {
    market.act(validators[place], .proposeChange(change)).rejection
  }

  func approve(_ id: ChangeID, by place: Int) -> RejectionCode? {
    market.act(validators[place], .approveChange(id)).rejection
  }

  /// Proposed and approved by three of four.
  func agree(_ change: ValidatorChange, _ id: ChangeID) {
    #expect(propose(change) == nil)
    #expect(approve(id, by: 1) == nil && approve(id, by: 2) == nil)
    #expect(record(id)?.approvedAt == market.height)
  }

  func record(_ id: ChangeID) -> ChangeRecord? { market.house.changes.first { $0.id == id }?.record }

  func step(_ steps: ClearingHouse.MembershipStep..., release: Bool = true) {
    market.height += 1
    market.house.apply(
      BlockInput(height: market.height, timestamp: market.time, transactions: [], membership: steps),
      into: &market.result)
    #expect(market.house.checkInvariants().isEmpty)
    if release { market.house.releaseBlock() }
  }

  var keys: [PublicKey] { market.house.validators.map(\.key) }

  @Test func `V1: only validators speak, and for themselves`() {
    for stranger in [Market.alice, Market.custodian, Market.authority] {
      #expect(market.act(stranger, .proposeChange(.add(new()))).rejection == .notAuthorized)
    }
    #expect(propose(.add(new())) == nil)
    #expect(market.act(Market.alice, .approveChange(1)).rejection == .notAuthorized)
    #expect(market.act(Market.alice, .withdrawChange(1)).rejection == .notAuthorized)
    // Not by a delegated key, and not for another account.
    let terms = Delegation(key: validators[3], scope: .trade, until: 1_000)
    #expect(market.act(Market.alice, .delegate(terms)).rejection == nil)
    var transaction = market.transaction(validators[3], [.approveChange(1)])
    transaction.account = AccountID(Market.alice)
    market.submit(transaction)
    #expect(market.result.outcomes[0].rejection == .notAuthorized)
    #expect(record(1)?.approvals == [validators[0]])
  }

  @Test func `V2: three of four approve, each once`() {
    #expect(propose(.add(new())) == nil)
    #expect(approve(1, by: 0) == .changeClosed)
    #expect(approve(1, by: 2) == nil && approve(1, by: 2) == .changeClosed)
    #expect(record(1)?.approvedAt == nil && market.house.nextValidators == nil)
    #expect(approve(1, by: 3) == nil)
    #expect(record(1)?.approvedAt == market.height)
    #expect(record(1)?.approvals == [validators[0], validators[2], validators[3]])
    #expect(market.house.nextValidators?.map(\.key) == validators + [joiner])
    #expect(approve(2, by: 1) == .unknownChange)
    #expect(keys == validators, "nothing is in force yet")
  }

  @Test func `V2: approvals of those who left do not count`() {
    for number in 0..<3 as Range<UInt64> { agree(.add(new(200 + number)), 1 + number) }
    step(.schedule)
    step(.adopt)
    #expect(market.house.validators.count == 7)
    // Five of seven are needed now; validator 0 approves and leaves.
    #expect(propose(.remove(validators[3]), by: 1) == nil)
    #expect(approve(4, by: 0) == nil)
    agreeAll(.remove(validators[0]), 5, [1, 2], [key(200), key(201), key(202)])
    step(.schedule)
    step(.adopt)
    #expect(keys == [validators[1], validators[2], validators[3]] + (0..<3).map { key(200 + $0) })
    #expect(record(4)?.approvals == [validators[1], validators[0]] && record(4)?.approvedAt == nil)
    #expect(approve(4, by: 2) == nil)
    #expect(market.act(key(200), .approveChange(4)).rejection == nil)
    #expect(record(4)?.approvedAt == nil, "three of the four that Q of six is")
    #expect(market.act(key(201), .approveChange(4)).rejection == nil)
    #expect(record(4)?.approvedAt == market.height)
  }

  func agreeAll(_ change: ValidatorChange, _ id: ChangeID, _ places: [Int], _ others: [PublicKey]) {
    #expect(propose(change, by: places[0]) == nil)
    for place in places.dropFirst() { #expect(approve(id, by: place) == nil) }
    for other in others { #expect(market.act(other, .approveChange(id)).rejection == nil) }
    #expect(record(id)?.approvedAt != nil)
  }

  @Test func `V3: what contradicts the committee is refused`() {
    #expect(propose(.remove(joiner)) == .unknownValidator)
    #expect(propose(.address(joiner, host: "h", port: 1)) == .unknownValidator)
    #expect(propose(.data(joiner, OperatorData())) == .unknownValidator)
    #expect(propose(.replaceKey(joiner, by: key(201))) == .unknownValidator)
    #expect(propose(.replaceKey(validators[1], by: validators[2])) == .validatorConflict)
    #expect(propose(.replaceKey(validators[1], by: validators[1])) == .validatorConflict)
    #expect(propose(.replaceKey(validators[1], by: Market.custodian)) == .validatorConflict)
    #expect(propose(.remove(validators[1])) == .tooFewValidators)
    var taken = new()
    taken.key = validators[2]
    #expect(propose(.add(taken)) == .validatorConflict)
    taken.key = PublicKey(words: SystemAccount.insurance.id.words)
    #expect(propose(.add(taken)) == .validatorConflict)
    #expect(propose(.add(new(name: "v1"))) == .validatorConflict)
    #expect(propose(.add(new(host: "10.0.0.1"))) == .validatorConflict)
    #expect(propose(.address(validators[0], host: "10.0.0.1", port: 7000)) == .validatorConflict)
    #expect(propose(.address(validators[0], host: "10.0.0.1", port: 7001)) == nil)
    for place in 1...2 { #expect(approve(1, by: place) == nil) }
    #expect(propose(.data(validators[0], OperatorData())) == .validatorConflict, "a second change about it")
    #expect(propose(.add(new(host: "10.0.0.1", port: 7001))) == .validatorConflict, "with what is decided counted")
    #expect(propose(.add(new())) == nil)
    #expect(propose(.add(new()), by: 1) == nil, "what is not decided stands in nobody's way")
    for place in 2...3 { #expect(approve(2, by: place) == nil) }
    #expect(approve(3, by: 0) == .validatorConflict)
    #expect(propose(.replaceKey(validators[3], by: joiner)) == .validatorConflict)
  }

  @Test func `V3: what says too little or too much is refused`() {
    #expect(propose(.add(new(name: ""))) == .badTerms)
    #expect(propose(.add(new(name: String(repeating: "a", count: 65)))) == .badTerms)
    #expect(propose(.add(new(host: ""))) == .badTerms)
    #expect(propose(.add(new(port: 0))) == .badTerms)
    #expect(propose(.address(validators[0], host: "", port: 1)) == .badTerms)
    #expect(propose(.address(validators[0], host: "h", port: 0)) == .badTerms)
    let long = OperatorData(country: String(repeating: "ä", count: 33))
    #expect(propose(.data(validators[0], long)) == .badTerms)
  }

  @Test func `V4: four of one proposer, thirty-two of all`() {
    for number in 0..<4 as Range<UInt64> { #expect(propose(.add(new(200 + number))) == nil) }
    #expect(propose(.add(new(204))) == .limitReached)
    #expect(propose(.add(new(204)), by: 1) == nil)
    #expect(market.act(validators[0], .withdrawChange(2)).rejection == nil)
    #expect(propose(.add(new(205))) == nil)
    #expect(market.house.changes.map(\.id) == [1, 3, 4, 5, 6], "numbers are never used again")
  }

  @Test func `V5: the proposer withdraws what is not scheduled`() {
    agree(.add(new()), 1)
    #expect(market.act(validators[1], .withdrawChange(1)).rejection == .notAuthorized)
    #expect(market.act(validators[0], .withdrawChange(9)).rejection == .unknownChange)
    step(.schedule)
    #expect(market.act(validators[0], .withdrawChange(1)).rejection == .changeClosed)
    #expect(approve(1, by: 3) == .changeClosed)
    step(.fail)
    #expect(record(1)?.failures == 1 && record(1)?.scheduledAt == nil && record(1)?.approvedAt != nil)
    #expect(market.act(validators[0], .withdrawChange(1)).rejection == nil)
    #expect(market.house.changes.isEmpty)
  }

  @Test func `V6: what is approved is scheduled, and the third failure drops it`() {
    agree(.add(new()), 1)
    #expect(propose(.add(new(201)), by: 1) == nil)
    for round in 1...2 as ClosedRange<UInt32> {
      step(.schedule)
      #expect(record(1)?.scheduledAt == market.height && record(2)?.scheduledAt == nil)
      #expect(market.house.nextValidators == nil, "nothing more waits")
      step(.fail)
      #expect(record(1)?.failures == round)
    }
    step(.schedule)
    step(.fail)
    #expect(market.house.changes.map(\.id) == [2])
    #expect(keys == validators && market.house.committeeNumber == 0)
  }

  @Test func `V7: the new committee is in force at once, and remembered`() {
    agree(.add(new()), 1)
    agree(.replaceKey(validators[1], by: key(201)), 2)
    agree(.address(validators[2], host: "elsewhere", port: 9), 3)
    #expect(propose(.data(validators[3], OperatorData(operatorName: "we", country: "FI")), by: 3) == nil)
    #expect(approve(4, by: 0) == nil && approve(4, by: 1) == nil)
    step(.schedule)
    step(.adopt)
    let since = market.height
    #expect(keys == [validators[0], key(201), validators[2], validators[3], joiner])
    #expect(market.house.validators[1].name == "v1" && market.house.validators[1].host == "10.0.0.1")
    #expect(market.house.validators[2].host == "elsewhere" && market.house.validators[2].port == 9)
    #expect(market.house.validators[3].data.country == "FI")
    #expect(market.house.committeeNumber == 1 && market.house.changes.isEmpty)
    #expect(market.house.committeeKeys(0) == validators && market.house.committeeKeys(1) == keys)
    #expect(market.house.committees.map(\.record.since) == [0, since] && market.house.committeeKeys(2) == nil)
    // Its members have accounts and say prices; who left does not.
    market.time += second
    var inputs: [TransactionInput] = []
    for member in keys {
      inputs.append(market.input(market.transaction(member, [.observe(market.observation(105_000, 4_000))])))
    }
    inputs.append(market.input(market.transaction(validators[1], [.observe(market.observation(1, 4_000))])))
    market.block(inputs)
    #expect(market.result.outcomes.map(\.rejection) == [nil, nil, nil, nil, nil, .notAuthorized])
    #expect(market.house.instrument(Market.option(100_000))?.index == usd(105_000))
  }

  @Test func `V7: an address alone makes no other committee`() {
    agree(.address(validators[2], host: "elsewhere", port: 9), 1)
    step(.schedule)
    step(.adopt)
    #expect(market.house.committeeNumber == 0 && market.house.committees.count == 1)
    #expect(market.house.validators[2].host == "elsewhere")
    // The prices of before still count.
    market.time += second
    market.block([market.input(market.transaction(validators[0], [.observe(market.observation(100_000, 4_000))]))])
    #expect(market.result.outcomes[0].rejection == nil)
  }

  @Test func `V7: a committee that shrinks leaves no member behind`() {
    agree(.add(new()), 1)
    step(.schedule)
    step(.adopt)
    agreeAll(.remove(validators[0]), 2, [0, 1, 2], [joiner])
    step(.schedule)
    step(.adopt)
    #expect(keys == Array(validators.dropFirst()) + [joiner])
    #expect(propose(.add(new(201))) == .notAuthorized, "who left")
    #expect(propose(.remove(validators[1]), by: 1) == .tooFewValidators)
    var dump = Dump()
    market.house.visitTables(&dump)
    #expect(dump.pairs.count { $0.table == TableID(22) } == 4)
  }

  @Test func `V8: a network without a group key keeps its validators`() {
    market.house.canChangeValidators = false
    #expect(propose(.add(new())) == .fixedValidators)
  }

  /// Every step undone leaves what was there, derived state too, and a restart derives the same.
  @Test func stepsAreUndoneAndRebuilt() {
    agree(.add(new()), 1)
    agree(.remove(validators[3]), 2)
    for steps in [[.schedule], [.fail], [.schedule, .adopt], [.adopt, .schedule]]
      as [[ClearingHouse.MembershipStep]]
    {
      let before = market.state()
      let (members, number) = (market.house.validators, market.house.committeeNumber)
      market.height += 1
      market.house.apply(
        BlockInput(height: market.height, timestamp: market.time, transactions: [], membership: steps),
        into: &market.result)
      var restored = ClearingHouse(restoring: Market.genesis(), chain: Market.chain)
      load(&restored)
      #expect(restored.validators == market.house.validators)
      #expect(restored.committeeNumber == market.house.committeeNumber)
      #expect(restored.nextValidators == market.house.nextValidators)
      var undone: [RecordChange] = []
      market.house.rollbackBlock(into: &undone)
      market.height -= 1
      #expect(market.state() == before)
      #expect(market.house.validators == members && market.house.committeeNumber == number)
    }
  }

  private func load(_ house: inout ClearingHouse) {
    var dump = Dump()
    market.house.visitTables(&dump)
    for change in dump.pairs {
      var loader = LoadRecord(table: change.table, key: change.key, value: change.value ?? [])
      house.visitTables(&loader)
      #expect(loader.isTaken && loader.error == nil)
    }
    house.rebuildIndices()
  }

  /// All or nothing: a refused action takes a proposal of its transaction back.
  @Test func aRefusedTransactionProposesNothing() {
    let both: [Action] = [.proposeChange(.add(new())), .approveChange(7)]
    market.submit(market.transaction(validators[0], both, mode: .allOrNothing))
    #expect(market.result.outcomes[0].rejection == .unknownChange && market.house.changes.isEmpty)
  }

  @Test func changesRoundTripAndTruncationsAreRefused() throws {
    let data = OperatorData(operatorName: "ä", network: "n", country: "c", version: "1")
    let changes: [ValidatorChange] = [
      .add(Validator(name: "x", key: joiner, host: "h", port: 1, data: data)), .remove(joiner),
      .replaceKey(joiner, by: key(9)), .address(joiner, host: "h", port: 65_535), .data(joiner, data),
    ]
    for action in changes.map(Action.proposeChange) + [.approveChange(.max), .withdrawChange(0)] {
      let bytes = action.wireBytes
      #expect(try WireReader.decode(Action.self, from: bytes) == action)
      for count in 0..<bytes.count {
        #expect(throws: WireError.self) { try WireReader.decode(Action.self, from: Array(bytes.prefix(count))) }
      }
    }
  }
}
