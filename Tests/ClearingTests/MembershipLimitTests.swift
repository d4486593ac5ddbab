// Changes of the committee at their bounds: what is judged again, what a full table holds, what a block undone leaves, and
// what a validator may try to stay one.

import Clearing
import Ledger
import Primitives
import Testing
import Wire

/// A network whose validators have names and addresses, as many as wanted.
struct Chamber {
  let market = Market(priced: false)
  let validators: [PublicKey]
  var house: ClearingHouse { market.house }

  init(_ count: Int = 4) {
    validators = (0..<count).map { $0 < 4 ? Market.validators[$0] : key(1_000 + UInt64($0)) }
    var genesis = Market.genesis()
    genesis.validators = validators
    let members = validators.enumerated().map {
      Validator(name: "v\($0)", key: $1, host: "10.0.0.\($0)", port: 7000)
    }
    market.house = ClearingHouse(genesis: genesis, chain: Market.chain, validators: members)
    market.genesisChanges.removeAll()
    market.house.sealGenesis(into: &market.genesisChanges)
  }

  static func new(_ number: UInt64, name: String? = nil, host: String? = nil) -> Validator {
    Validator(name: name ?? "new \(number)", key: key(number), host: host ?? "10.0.1.\(number)", port: 7000)
  }

  func propose(_ change: ValidatorChange, by place: Int = 0) -> RejectionCode? {
    market.act(validators[place], .proposeChange(change)).rejection
  }

  func approve(_ id: ChangeID, by places: [Int]) -> [RejectionCode?] {
    places.map { market.act(validators[$0], .approveChange(id)).rejection }
  }

  /// By as many as are needed, the proposer first.
  func agree(_ change: ValidatorChange, by place: Int = 0, _ id: ChangeID) {
    #expect(propose(change, by: place) == nil)
    approveAll(id)
  }

  func approveAll(_ id: ChangeID) {
    for signer in house.validators.map(\.key) where record(id)?.approvedAt == nil {
      if record(id)?.approvals.contains(signer) == false {
        #expect(market.act(signer, .approveChange(id)).rejection == nil)
      }
    }
    #expect(record(id)?.approvedAt != nil)
  }

  func record(_ id: ChangeID) -> ChangeRecord? { house.changes.first { $0.id == id }?.record }

  func block(_ steps: [ClearingHouse.MembershipStep], _ transactions: [Transaction] = [], release: Bool = true) {
    let inputs = transactions.map { market.input($0) }
    market.height += 1
    market.house.apply(
      BlockInput(height: market.height, timestamp: market.time, transactions: inputs, membership: steps),
      into: &market.result)
    #expect(market.house.checkInvariants().isEmpty)
    if release { market.house.releaseBlock() }
  }

  var outcomes: [RejectionCode?] { market.result.outcomes.map(\.rejection) }
  var keys: [PublicKey] { house.validators.map(\.key) }

  func prices(_ signers: [PublicKey], _ dollars: Int64) {
    block([], signers.map { market.transaction($0, [.observe(market.observation(dollars, 4_000))]) })
  }

  var index: Price? { market.house.instrument(Market.option(100_000))?.index }
}

@Suite struct MembershipLimitTests {
  let joiner = key(200)

  // MARK: Who and how many

  @Test func `V1: whoever came speaks at once, and whoever left or changed keys does not`() {
    let chamber = Chamber(5)
    let (left, old) = (chamber.validators[4], chamber.validators[1])
    chamber.agree(.replaceKey(old, by: key(300)), 1)
    chamber.agree(.remove(left), 2)
    chamber.agree(.add(Chamber.new(200)), 3)
    chamber.block([.schedule])
    // In the very block of the adoption, for it comes before the first transaction.
    let names: [ValidatorChange] = [200, 300, 400, 500].map { .add(Chamber.new($0 + 1)) }
    chamber.block(
      [.adopt],
      zip([joiner, key(300), left, old], names).map { chamber.market.transaction($0, [.proposeChange($1)]) })
    #expect(chamber.outcomes == [nil, nil, .notAuthorized, .notAuthorized])
    #expect(chamber.keys == [chamber.validators[0], key(300)] + chamber.validators[2...3] + [joiner])
    #expect(chamber.house.changes.map(\.record.proposer) == [joiner, key(300)])
  }

  @Test(arguments: [(4, 3), (5, 4), (6, 4), (7, 5), (10, 7)])
  func `V2: Q of the present validators`(n: Int, quorum: Int) {
    let chamber = Chamber(n)
    #expect(chamber.propose(.add(Chamber.new(200)), by: n - 1) == nil)
    for place in 0..<quorum - 1 {
      #expect(chamber.record(1)?.approvedAt == nil && chamber.house.nextValidators == nil)
      #expect(chamber.approve(1, by: [place]) == [nil])
    }
    #expect(chamber.record(1)?.approvedAt == chamber.market.height)
    // Later approvals are noted, and change nothing about when it was approved.
    let approved = chamber.record(1)?.approvedAt
    if quorum < n {
      #expect(chamber.approve(1, by: [quorum - 1]) == [nil])
      #expect(chamber.record(1)?.approvedAt == approved && chamber.record(1)?.approvals.count == quorum + 1)
    }
  }

  @Test func `V2: an approval by a key that was replaced is made again with the new one`() {
    let chamber = Chamber()
    #expect(chamber.propose(.add(Chamber.new(200))) == nil)
    #expect(chamber.approve(1, by: [1]) == [nil])
    chamber.agree(.replaceKey(chamber.validators[1], by: key(300)), 2)
    chamber.block([.schedule])
    chamber.block([.adopt])
    #expect(chamber.approve(1, by: [1]) == [.notAuthorized])
    #expect(chamber.approve(1, by: [2]) == [nil])
    #expect(chamber.record(1)?.approvals == [chamber.validators[0], chamber.validators[2]])
    #expect(chamber.record(1)?.approvedAt == nil)
    #expect(chamber.market.act(key(300), .approveChange(1)).rejection == nil)
    #expect(chamber.record(1)?.approvedAt == chamber.market.height)
  }

  // MARK: V3

  @Test func `V3: what was proposed with others is judged again without them`() {
    let chamber = Chamber()
    #expect(chamber.propose(.address(chamber.validators[0], host: "10.0.2.1", port: 7000)) == nil)
    #expect(chamber.propose(.add(Chamber.new(200, host: "10.0.2.1")), by: 1) == nil)
    chamber.approveAll(1)
    #expect(chamber.approve(2, by: [0]) == [.validatorConflict])
    #expect(chamber.record(2)?.approvals == [chamber.validators[1]])
    #expect(chamber.approve(0, by: [0]) == [.unknownChange] && chamber.approve(.max, by: [0]) == [.unknownChange])
  }

  @Test func `V3: a hundred and twenty-eight at most`() {
    let chamber = Chamber(Limits.maxValidators - 1)
    #expect(chamber.propose(.add(Chamber.new(200))) == nil)
    chamber.approveAll(1)
    #expect(chamber.propose(.add(Chamber.new(201)), by: 1) == .limitReached)
    #expect(chamber.propose(.remove(chamber.validators[9]), by: 1) == nil)
    chamber.approveAll(2)
    #expect(chamber.propose(.add(Chamber.new(201)), by: 1) == nil)
    chamber.approveAll(3)
    chamber.block([.schedule])
    chamber.block([.adopt])
    #expect(chamber.keys.count == Limits.maxValidators && chamber.keys.suffix(2) == [key(200), key(201)])
    #expect(chamber.propose(.add(Chamber.new(202))) == .limitReached)
    // All of them may approve: the record still decodes.
    #expect(chamber.propose(.data(chamber.validators[0], OperatorData())) == nil)
    for signer in chamber.keys where signer != chamber.validators[0] {
      #expect(chamber.market.act(signer, .approveChange(4)).rejection == nil)
    }
    guard let record = chamber.record(4) else { return #expect(Bool(false), "there is the change") }
    #expect(record.approvals.count == Limits.maxValidators)
    #expect((try? WireReader.decode(ChangeRecord.self, from: record.wireBytes)) == record)
  }

  @Test func `V3: names, hosts and data at their longest are taken`() {
    let chamber = Chamber()
    let data = OperatorData(
      operatorName: String(repeating: "a", count: 64), network: String(repeating: "ä", count: 32), country: "",
      version: String(repeating: "b", count: 64))
    var longest = Chamber.new(
      200, name: String(repeating: "n", count: 64), host: String(repeating: "h", count: 253))
    longest.data = data
    longest.port = .max
    chamber.agree(.add(longest), 1)
    chamber.agree(.data(chamber.validators[0], data), by: 1, 2)
    var longer = longest
    longer.host += "h"
    longer.name = "other"
    longer.key = key(201)
    #expect(chamber.propose(.add(longer)) == .badTerms)
    #expect(chamber.propose(.address(chamber.validators[1], host: longer.host, port: 1)) == .badTerms)
    longer.host = "fits"
    longer.data.version += "b"
    #expect(chamber.propose(.add(longer)) == .badTerms)
    chamber.block([.schedule])
    chamber.block([.adopt])
    #expect(chamber.house.validators.last == longest && chamber.house.validators[0].data == data)
  }

  @Test func `V3: an address may be said again by its own validator, and swapped by none`() {
    let chamber = Chamber()
    #expect(chamber.propose(.address(chamber.validators[0], host: "10.0.0.0", port: 7000)) == nil)
    #expect(chamber.propose(.address(chamber.validators[1], host: "10.0.0.0", port: 7000)) == .validatorConflict)
    #expect(chamber.propose(.address(chamber.validators[1], host: "10.0.0.0", port: 7001)) == nil)
  }

  // MARK: V4, V5, V8

  @Test func `V4: a fair share of thirty-two, and room again when one is decided`() {
    let chamber = Chamber(9)
    for number in 0..<27 as Range<UInt64> {
      #expect(chamber.propose(.add(Chamber.new(200 + number)), by: Int(number) / 3) == nil)
    }
    for place in 0..<9 { #expect(chamber.propose(.add(Chamber.new(240)), by: place) == .limitReached) }
    #expect(chamber.market.act(chamber.validators[7], .withdrawChange(24)).rejection == nil)
    #expect(chamber.propose(.add(Chamber.new(240)), by: 7) == nil)
    chamber.approveAll(1)
    for number in 0..<5 as Range<UInt64> {
      #expect(chamber.propose(.add(Chamber.new(241 + number)), by: 0) == nil)
      chamber.approveAll(29 + number)
    }
    // All at once, in the order of proposing.
    for (id, record) in chamber.house.changes where record.approvedAt == nil { chamber.approveAll(id) }
    #expect(chamber.house.changes.count == Limits.maxChanges)
    #expect(chamber.propose(.add(Chamber.new(250))) == .limitReached, "as many are decided as may be")
    chamber.block([.schedule])
    chamber.block([.adopt])
    let first = (0..<27 as Range<UInt64>).filter { $0 != 23 }.map { key(200 + $0) }
    #expect(Array(chamber.keys.dropFirst(9)) == first + (240..<246 as Range<UInt64>).map { key($0) })
    #expect(chamber.house.committeeNumber == 1 && chamber.house.changes.isEmpty)
  }

  @Test func `V5: too late in the block that schedules it`() {
    let chamber = Chamber()
    chamber.agree(.add(Chamber.new(200)), 1)
    chamber.block([.schedule], [chamber.market.transaction(chamber.validators[0], [.withdrawChange(1)])])
    #expect(chamber.outcomes == [.changeClosed])
    chamber.block([.fail], [chamber.market.transaction(chamber.validators[0], [.withdrawChange(1)])])
    #expect(chamber.outcomes == [nil] && chamber.house.changes.isEmpty)
    chamber.block([.fail, .adopt, .schedule])
    #expect(chamber.keys == chamber.validators && chamber.house.committeeNumber == 0)
  }

  @Test func `V8: a network without a group key takes part of none of it`() {
    let chamber = Chamber()
    chamber.market.house.canChangeValidators = false
    let data = OperatorData(country: "FI")
    for change in [
      .add(Chamber.new(200)), .remove(chamber.validators[0]), .replaceKey(chamber.validators[0], by: joiner),
      .address(chamber.validators[0], host: "h", port: 1), .data(chamber.validators[0], data),
    ] as [ValidatorChange] { #expect(chamber.propose(change) == .fixedValidators) }
    #expect(chamber.approve(1, by: [0]) == [.unknownChange])
    #expect(chamber.market.act(chamber.validators[0], .withdrawChange(1)).rejection == .unknownChange)
  }

  // MARK: V6, V7

  @Test func `V6: one block adopts what was scheduled and schedules what is approved`() {
    let chamber = Chamber()
    chamber.agree(.add(Chamber.new(200)), 1)
    chamber.block([.schedule])
    chamber.agree(.replaceKey(chamber.validators[0], by: key(300)), by: 1, 2)
    #expect(chamber.propose(.add(Chamber.new(201)), by: 2) == nil)
    // Those whose shares are to be made: with what is still on its way.
    let next = chamber.house.nextValidators?.map(\.key)
    #expect(next == [key(300)] + chamber.validators[1...] + [joiner])
    chamber.block([.adopt, .schedule])
    #expect(chamber.keys == chamber.validators + [joiner])
    #expect(chamber.record(2)?.scheduledAt == chamber.market.height && chamber.record(3)?.scheduledAt == nil)
    #expect(chamber.house.nextValidators == nil)
    chamber.block([.adopt])
    #expect(chamber.keys == next && chamber.house.committees.map(\.number) == [0, 1, 2])
    #expect(chamber.house.committeeKeys(1) == chamber.validators + [joiner])
  }

  @Test func `V6: a failure takes only what was scheduled back`() {
    let chamber = Chamber()
    chamber.agree(.add(Chamber.new(200)), 1)
    chamber.block([.schedule])
    chamber.agree(.add(Chamber.new(201)), by: 1, 2)
    chamber.block([.fail])
    #expect(chamber.record(1)?.failures == 1 && chamber.record(2)?.failures == 0)
    #expect(chamber.house.nextValidators?.map(\.key) == chamber.validators + [joiner, key(201)])
    for _ in 0..<2 {
      chamber.block([.schedule])
      chamber.block([.fail])
    }
    // The third failure of the one is the second of the other, which has another attempt.
    #expect(chamber.record(1) == nil && chamber.record(2)?.failures == 2)
    chamber.block([.schedule])
    chamber.block([.fail])
    #expect(chamber.house.changes.isEmpty && chamber.house.nextValidators == nil)
  }

  /// Q of the new committee complete a round, not Q of the old one.
  @Test func `V7: rounds of prices go by the new committee`() {
    let chamber = Chamber()
    chamber.market.time += second
    chamber.prices(Array(chamber.keys.prefix(3)), 100_000)
    #expect(chamber.index == usd(100_000))
    for number in 0..<3 as Range<UInt64> { chamber.agree(.add(Chamber.new(200 + number)), 1 + number) }
    chamber.block([.schedule])
    chamber.market.time += second
    // Two of the old ones have spoken of a round: that is nothing any more.
    chamber.prices(Array(chamber.keys.prefix(2)), 101_000)
    chamber.block([.adopt])
    chamber.prices([chamber.keys[2]], 101_000)
    #expect(chamber.index == usd(100_000))
    chamber.prices(Array(chamber.keys[3...5]), 101_000)
    #expect(chamber.index == usd(100_000), "four of seven")
    chamber.prices([chamber.keys[0]], 101_000)
    #expect(chamber.index == usd(101_000), "five of seven")
    // Two of seven lie: the median is an honest one's.
    chamber.market.time += second
    chamber.prices(Array(chamber.keys[5...6]), 900_000)
    chamber.prices(Array(chamber.keys[0...4]), 102_000)
    #expect(chamber.index == usd(102_000))
    // And by a smaller one again: Q of six is four.
    chamber.agree(.remove(chamber.validators[0]), by: 1, 4)
    chamber.block([.schedule])
    chamber.block([.adopt])
    chamber.market.time += second
    chamber.prices(Array(chamber.keys[0...2]), 103_000)
    #expect(chamber.index == usd(102_000))
    chamber.prices([chamber.keys[5], chamber.validators[0]], 103_000)
    #expect(chamber.outcomes == [nil, .notAuthorized] && chamber.index == usd(103_000))
  }

  // MARK: Undone, restarted, written down

  /// Through a whole life of changes each block is applied, undone and applied again: records and root are as before, what
  /// is derived answers the same, and a restart from the records as well.
  @Test func everyBlockUndoneLeavesTheSameRecordsAndRoot() {
    let chamber = Chamber(5)
    var tree = StateTree()
    tree.update(chamber.market.genesisChanges)
    #expect(tree.root == fullRoot(chamber))
    let keys = chamber.validators
    let blocks: [(steps: [ClearingHouse.MembershipStep], said: [(PublicKey, Action)])] = [
      ([], [(keys[0], .proposeChange(.add(Chamber.new(200)))), (keys[1], .proposeChange(.remove(keys[4])))]),
      ([], [(keys[1], .approveChange(1)), (keys[2], .approveChange(1)), (keys[3], .approveChange(1))]),
      ([.schedule], [(keys[0], .approveChange(2)), (keys[2], .approveChange(2)), (keys[3], .approveChange(2))]),
      ([.fail], [(keys[2], .proposeChange(.replaceKey(keys[2], by: key(300))))]),
      ([.schedule], [(keys[0], .approveChange(3)), (keys[1], .approveChange(3)), (keys[3], .approveChange(3))]),
      ([.adopt, .schedule], [(key(200), .proposeChange(.address(keys[0], host: "h", port: 1)))]),
      ([.adopt], [(key(200), .withdrawChange(4)), (key(300), .proposeChange(.data(key(300), OperatorData())))]),
      ([], [(keys[0], .approveChange(5)), (keys[1], .approveChange(5)), (keys[3], .approveChange(5))]),
      ([.schedule], []), ([.fail, .schedule], []), ([.fail, .schedule], []), ([.fail], []),
    ]
    for (steps, said) in blocks {
      let before = answers(chamber.house)
      let records = chamber.market.state()
      let root = tree.root
      chamber.market.time += second
      let transactions = said.map { chamber.market.transaction($0, [$1]) }
      chamber.block(steps, transactions, release: false)
      #expect(chamber.outcomes.allSatisfy { $0 == nil }, "\(steps): \(chamber.outcomes)")
      tree.update(chamber.market.result.changes)
      let (after, later) = (answers(chamber.house), chamber.market.state())
      #expect(tree.root == fullRoot(chamber))
      #expect(restarted(chamber) == after)
      var undone: [RecordChange] = []
      chamber.market.house.rollbackBlock(into: &undone)
      chamber.market.height -= 1
      tree.update(undone)
      #expect(tree.root == root && chamber.market.state() == records && answers(chamber.house) == before)
      chamber.block(steps, transactions)
      tree.update(chamber.market.result.changes)
      #expect(chamber.market.state() == later && answers(chamber.house) == after && tree.root == fullRoot(chamber))
    }
    #expect(chamber.keys == [keys[0], keys[1], key(300), keys[3], joiner])
    #expect(chamber.house.committeeNumber == 2 && chamber.house.changes.isEmpty)
  }

  /// Everything that the engine tells about validators.
  private struct Answers: Equatable {
    var validators: [Validator]
    var next: [Validator]?
    var number: Epoch
    var committees: [CommitteeRecord]
    var changes: [ChangeRecord]
    var ids: [ChangeID]
  }

  private func answers(_ house: ClearingHouse) -> Answers {
    Answers(
      validators: house.validators, next: house.nextValidators, number: house.committeeNumber,
      committees: house.committees.map(\.record), changes: house.changes.map(\.record), ids: house.changes.map(\.id))
  }

  private func restarted(_ chamber: Chamber) -> Answers {
    var genesis = Market.genesis()
    genesis.validators = chamber.validators
    var house = ClearingHouse(restoring: genesis, chain: Market.chain)
    for pair in pairs(chamber) {
      var loader = LoadRecord(table: pair.table, key: pair.key, value: pair.value ?? [])
      house.visitTables(&loader)
      #expect(loader.isTaken && loader.error == nil)
    }
    house.rebuildIndices()
    // Not only told, but lived by: the first committee is not the one that has a say.
    #expect(house.checkInvariants().isEmpty)
    return answers(house)
  }

  private func pairs(_ chamber: Chamber) -> [RecordChange] {
    var dump = Dump()
    chamber.market.house.visitTables(&dump)
    return dump.pairs
  }

  private func fullRoot(_ chamber: Chamber) -> Digest {
    var tree = StateTree()
    tree.update(pairs(chamber))
    return tree.root
  }

  @Test func recordsRoundTripAndTruncationsAreRefused() throws {
    let chamber = Chamber()
    #expect(chamber.propose(.add(Chamber.new(200))) == nil)
    try roundTrip(#require(chamber.record(1)))
    chamber.approveAll(1)
    try roundTrip(#require(chamber.record(1)))
    chamber.block([.schedule])
    try roundTrip(#require(chamber.record(1)))
    chamber.block([.fail, .schedule])
    try roundTrip(#require(chamber.record(1)))
    chamber.block([.adopt])
    for (_, record) in chamber.house.committees { try roundTrip(record) }
    for validator in chamber.house.validators { try roundTrip(validator) }
  }

  private func roundTrip<Record: TableRecord & Equatable>(_ record: Record) throws {
    let bytes = record.wireBytes
    #expect(try WireReader.decode(Record.self, from: bytes) == record)
    for count in 0..<bytes.count {
      #expect(throws: WireError.self) { try WireReader.decode(Record.self, from: Array(bytes.prefix(count))) }
    }
    #expect(throws: WireError.self) { try WireReader.decode(Record.self, from: bytes + [0]) }
  }

  /// What no command can say is not decoded either.
  @Test func whatIsTooLongIsNotDecoded() throws {
    let long = String(repeating: "x", count: 65)
    var validator = Chamber.new(200)
    validator.name = long
    var written = [ValidatorChange.add(validator).wireBytes]
    written.append(ValidatorChange.data(joiner, OperatorData(network: long)).wireBytes)
    let host = String(repeating: "h", count: 254)
    written.append(ValidatorChange.address(joiner, host: host, port: 1).wireBytes)
    written.append([5] + joiner.wireBytes)
    for bytes in written {
      #expect(throws: WireError.self) { try WireReader.decode(ValidatorChange.self, from: bytes) }
    }
    // Not text: a lone continuation byte where the name begins.
    var bytes = ValidatorChange.add(Chamber.new(200)).wireBytes
    bytes[5] = 0x80
    #expect(throws: WireError.self) { try WireReader.decode(ValidatorChange.self, from: bytes) }
  }
}
