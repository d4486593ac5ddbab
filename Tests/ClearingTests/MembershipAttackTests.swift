// What a validator may try with changes of the committee: to stay one, to stand in the way, to take another's place.

import Clearing
import Ledger
import Primitives
import Testing

@Suite struct MembershipAttackTests {
  /// A change about itself that nobody approves does not protect a validator.
  @Test(arguments: [0, 1, 2]) func noValidatorPreventsItsOwnRemoval(kind: Int) {
    let chamber = Chamber(5)
    let rogue = chamber.validators[4]
    let shield: ValidatorChange =
      [
        .data(rogue, OperatorData(version: "1")), .address(rogue, host: "h", port: 1), .replaceKey(rogue, by: key(300)),
      ][kind]
    #expect(chamber.propose(shield, by: 4) == nil)
    #expect(chamber.propose(.remove(rogue)) == nil)
    chamber.approveAll(2)
    chamber.block([.schedule])
    chamber.block([.adopt])
    #expect(chamber.keys == Array(chamber.validators.prefix(4)))
    #expect(chamber.house.changes.isEmpty, "nor does it stay behind")
  }

  /// Nor does one that a quorum approved before it knew better.
  @Test func aRemovalTakesApprovedChangesBack() {
    let chamber = Chamber(5)
    let rogue = chamber.validators[4]
    chamber.agree(.replaceKey(rogue, by: key(300)), by: 4, 1)
    chamber.agree(.remove(rogue), 2)
    #expect(chamber.record(1) == nil)
    #expect(chamber.propose(.data(rogue, OperatorData()), by: 4) == .validatorConflict)
    chamber.block([.schedule])
    chamber.block([.adopt])
    #expect(chamber.keys == Array(chamber.validators.prefix(4)))
  }

  /// What the folded committee frees is not free before it is folded: another order of adoption gives two one address.
  @Test func anAddressThatIsNotFreeYetIsNotGivenAway() {
    let chamber = Chamber()
    #expect(chamber.propose(.address(chamber.validators[0], host: "moved", port: 1)) == nil)
    let usurper = Chamber.new(200, host: "10.0.0.0")
    if chamber.propose(.add(usurper), by: 1) == nil {
      chamber.approveAll(2)
      chamber.block([.schedule])
      chamber.block([.adopt])
    }
    #expect(Set(chamber.house.validators.map { "\($0.host):\($0.port)" }).count == chamber.house.validators.count)
  }

  @Test func aNameThatIsNotFreeYetIsNotGivenAway() {
    let chamber = Chamber(5)
    #expect(chamber.propose(.remove(chamber.validators[4])) == nil)
    if chamber.propose(.add(Chamber.new(200, name: "v4")), by: 1) == nil {
      chamber.approveAll(2)
      chamber.block([.schedule])
      chamber.block([.adopt])
    }
    #expect(Set(chamber.house.validators.map(\.name)).count == chamber.house.validators.count)
  }

  /// A removal that an addition makes possible waits for it, whatever fails on the way: never fewer than four, nothing lost.
  @Test func aRemovalThatWaitsForAnAdditionIsNotLost() {
    let chamber = Chamber()
    #expect(chamber.propose(.add(Chamber.new(200))) == nil)
    #expect(chamber.propose(.remove(chamber.validators[3]), by: 1) == .tooFewValidators, "an open addition is no fifth")
    chamber.approveAll(1)
    chamber.block([.schedule])
    chamber.agree(.remove(chamber.validators[3]), by: 1, 2)
    chamber.block([.fail])
    chamber.block([.schedule])
    chamber.block([.adopt, .schedule])
    chamber.block([.adopt])
    #expect(chamber.keys == Array(chamber.validators.prefix(3)) + [key(200)])
    #expect(chamber.house.changes.isEmpty)
  }

  /// What failed goes back to its place before what was approved meanwhile: each is in force in the end, none twice.
  @Test func whatDoesNotFitInItsTurnWaits() {
    let chamber = Chamber()
    #expect(chamber.propose(.data(chamber.validators[0], OperatorData(version: "2"))) == nil)
    chamber.agree(.add(Chamber.new(200)), by: 1, 2)
    chamber.block([.schedule])
    #expect(chamber.propose(.remove(chamber.validators[3]), by: 2) == nil)
    chamber.approveAll(3)
    chamber.approveAll(1)
    chamber.block([.fail])
    #expect(chamber.house.nextValidators?.map(\.key) == Array(chamber.validators.prefix(3)) + [key(200)])
    chamber.block([.schedule])
    #expect(chamber.house.changes.allSatisfy { $0.record.scheduledAt != nil })
    chamber.block([.adopt])
    #expect(chamber.keys == Array(chamber.validators.prefix(3)) + [key(200)])
  }

  /// Whoever left leaves nothing behind that nobody can take back.
  @Test func changesOfWhoLeftAreNotOpenForEver() {
    let chamber = Chamber(5)
    let left = chamber.validators[4]
    #expect(chamber.propose(.data(chamber.validators[0], OperatorData(country: "XX")), by: 4) == nil)
    chamber.agree(.remove(left), 2)
    chamber.block([.schedule])
    chamber.block([.adopt])
    #expect(chamber.market.act(left, .withdrawChange(1)).rejection == .notAuthorized)
    #expect(chamber.record(1) == nil)
  }

  /// f Byzantine validators leave room for the others.
  @Test func aMinorityDoesNotTakeEveryPlace() {
    let chamber = Chamber(25)
    for number in 0..<32 as Range<UInt64> {
      _ = chamber.propose(.add(Chamber.new(200 + number)), by: Int(number) / 4)
    }
    #expect(chamber.propose(.add(Chamber.new(300)), by: 8) == nil)
  }

  /// Byzantine approvals, refused ones and those of strangers, in any order: only Q present validators approve.
  @Test(arguments: 0..<4 as Range<UInt64>) func noOrderOfCommandsGetsPastQ(seed: UInt64) {
    var random = SeededRandom(seed: 50 + seed)
    let chamber = Chamber(5)
    var pool = (0..<8).map { key(400 + UInt64($0)) }
    pool += chamber.validators + [Market.alice, Market.custodian]
    for _ in 0..<300 {
      let signer = pool[Int(random.below(UInt64(pool.count)))]
      let other = pool[Int(random.below(UInt64(pool.count)))]
      let id = 1 + random.below(20)
      let action: Action =
        switch random.below(6) {
        case 0: .proposeChange(.add(Chamber.new(400 + random.below(8))))
        case 1: .proposeChange(.remove(other))
        case 2: .proposeChange(.replaceKey(other, by: pool[Int(random.below(8))]))
        case 3: .withdrawChange(id)
        default: .approveChange(id)
        }
      let steps: [ClearingHouse.MembershipStep] =
        [[], [], [.schedule], [.adopt], [.fail], [.adopt, .schedule]][Int(random.below(6))]
      chamber.market.time += second / 10
      let before = (keys: chamber.keys, number: chamber.house.committeeNumber)
      chamber.block(steps, [chamber.market.transaction(signer, [action])])
      let (keys, changes) = (chamber.keys, chamber.house.changes)
      #expect(keys.count >= 4 && Set(keys).count == keys.count && keys.count <= 16)
      #expect((keys != before.keys) == (chamber.house.committeeNumber != before.number))
      #expect(chamber.house.committeeKeys(chamber.house.committeeNumber) == keys)
      #expect(changes.count <= 2 * Limits.maxChanges && changes.allSatisfy { $0.record.approvals.count <= 16 })
      #expect(Set(chamber.house.committees.map(\.record.since)).count == chamber.house.committees.count)
      if let next = chamber.house.nextValidators {
        #expect(next.count >= 4 && Set(next.map(\.key)).count == next.count)
      }
    }
  }
}
