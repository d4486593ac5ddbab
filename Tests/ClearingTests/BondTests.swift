// Collateral of validators: posted, locked, released, and always exactly where it is said to be (rules G1 to G5).

import Clearing
import Ledger
import Primitives
import Testing
import Wire

extension Chamber {
  func fund(_ signer: PublicKey, _ dollars: Int64) {
    let reference = Digest(words: (signer.words.3, UInt64(market.height), 7, 7))
    let deposit = Deposit(account: AccountID(signer), amount: usd(dollars), reference: reference)
    #expect(market.act(Market.custodian, .deposit(deposit)).rejection == nil)
  }

  func post(_ signer: PublicKey, _ dollars: Int64) -> RejectionCode? {
    market.act(signer, .postBond(amount: usd(dollars))).rejection
  }

  func release(_ signer: PublicKey, _ dollars: Int64) -> RejectionCode? {
    market.act(signer, .releaseBond(amount: usd(dollars))).rejection
  }

  func cash(_ id: AccountID) -> Amount { market.house.account(id)?.cash ?? 0 }
  func bond(_ signer: PublicKey) -> Amount { house.standing(of: signer).bond }

  /// Goes on at this height: blocks in between say nothing.
  func skip(to height: Height) {
    market.height = height - 1
    block([])
  }
}

@Suite struct BondTests {
  @Test func `G1: a bond comes out of the signer's own free money`() {
    let chamber = Chamber()
    let validator = chamber.validators[0]
    #expect(chamber.post(validator, 100) == .badAmount, "it has nothing")
    chamber.fund(validator, 1_000)
    #expect(chamber.post(validator, 1_001) == .badAmount)
    #expect(chamber.post(validator, 0) == .badAmount)
    #expect(chamber.post(validator, -5) == .badAmount)
    #expect(chamber.market.act(validator, .postBond(amount: .max)).rejection == .badAmount)
    #expect(chamber.post(validator, 400) == nil && chamber.post(validator, 100) == nil)
    #expect(chamber.bond(validator) == usd(500) && chamber.cash(AccountID(validator)) == usd(500))
    #expect(chamber.house.bonded == usd(500))
    // Not by a delegated key, whatever it may do.
    let terms = Delegation(key: validator, scope: [.trade, .cancel, .transfer, .withdraw], until: 10_000)
    #expect(chamber.market.act(Market.alice, .delegate(terms)).rejection == nil)
    for action in [Action.postBond(amount: usd(1)), .releaseBond(amount: usd(1))] {
      var transaction = chamber.market.transaction(validator, [action])
      transaction.account = AccountID(Market.alice)
      chamber.market.submit(transaction)
      #expect(chamber.market.result.outcomes[0].rejection == .notAuthorized)
    }
  }

  @Test func `G2: what is bonded is out of reach, and the account is nobody's`() {
    let chamber = Chamber()
    let validator = chamber.validators[0]
    chamber.fund(validator, 1_000)
    #expect(chamber.post(validator, 900) == nil)
    let transfer = Action.transfer(to: AccountID(Market.alice), amount: usd(101))
    #expect(chamber.market.act(validator, transfer).rejection == .badAmount)
    let gift = Action.transfer(to: .bonds, amount: usd(1))
    #expect(chamber.market.act(Market.alice, gift).rejection == .unknownAccount)
    let deposit = Deposit(account: .bonds, amount: usd(1), reference: Digest(words: (9, 9, 9, 9)))
    #expect(chamber.market.act(Market.custodian, .deposit(deposit)).rejection == .badAmount)
    #expect(chamber.house.bonded == usd(900))
  }

  @Test func `G3: locked while it serves, and for the evidence window after`() {
    let chamber = Chamber(5)
    let leaver = chamber.validators[4]
    chamber.fund(leaver, 1_000)
    #expect(chamber.post(leaver, 1_000) == nil)
    #expect(chamber.release(leaver, 1) == .bondLocked)
    chamber.agree(.remove(leaver), 1)
    chamber.block([.schedule])
    chamber.block([.adopt])
    let left = chamber.market.height
    #expect(chamber.release(leaver, 1) == .bondLocked)
    // The last block in which evidence counts is the last one in which it is locked.
    chamber.skip(to: left + Limits.evidenceWindow - 1)
    #expect(chamber.release(leaver, 1) == .bondLocked)
    #expect(chamber.release(leaver, 1) == nil)
    #expect(chamber.release(leaver, 1_000) == .badAmount)
    #expect(chamber.release(leaver, 999) == nil)
    #expect(chamber.bond(leaver) == 0 && chamber.house.bonded == 0 && chamber.cash(AccountID(leaver)) == usd(1_000))
    #expect(chamber.release(leaver, 1) == .badAmount, "there is none any more")
  }

  @Test func `G3: locked as soon as it is decided that its key becomes a validator's`() {
    let chamber = Chamber()
    let joiner = key(200)
    chamber.fund(joiner, 100)
    #expect(chamber.post(joiner, 100) == nil)
    #expect(chamber.propose(.add(Chamber.new(200))) == nil)
    #expect(chamber.release(joiner, 10) == nil, "only proposed")
    chamber.approveAll(1)
    #expect(chamber.release(joiner, 10) == .bondLocked)
    chamber.block([.schedule])
    #expect(chamber.release(joiner, 10) == .bondLocked)
    for _ in 0..<3 { chamber.block([.fail, .schedule]) }
    #expect(chamber.house.changes.isEmpty)
    #expect(chamber.release(joiner, 90) == nil, "it never was one")
  }

  @Test func `INV-23: a block taken back, a refused transaction and a restart leave no trace`() {
    let chamber = Chamber()
    let market = chamber.market
    let validator = chamber.validators[0]
    chamber.fund(validator, 1_000)
    market.submit(
      market.transaction(
        validator, [.postBond(amount: usd(10)), .postBond(amount: usd(5_000))], mode: .allOrNothing))
    #expect(market.result.outcomes[0].status == .rejected && chamber.house.bonded == 0)
    #expect(market.house.account(.bonds) == nil, "its account was not opened either")
    let before = market.state()
    market.block([market.input(market.transaction(validator, [.postBond(amount: usd(10))]))], release: false)
    #expect(chamber.house.bonded == usd(10))
    var changes: [RecordChange] = []
    market.house.rollbackBlock(into: &changes)
    market.height -= 1
    #expect(chamber.house.bonded == 0 && market.state() == before)
    #expect(chamber.post(validator, 10) == nil)
    // What a restarted node has loaded says the same, and goes on the same way.
    var twin = ClearingHouse(restoring: market.house.genesis, chain: Market.chain)
    var dump = Dump()
    market.house.visitTables(&dump)
    for pair in dump.pairs {
      var load = LoadRecord(table: pair.table, key: pair.key, value: pair.value ?? [])
      twin.visitTables(&load)
    }
    twin.rebuildIndices()
    let next = market.input(market.transaction(validator, [.postBond(amount: usd(1)), .releaseBond(amount: usd(2))]))
    market.block([next])
    var result = BlockResult()
    twin.apply(BlockInput(height: market.height, timestamp: market.time, transactions: [next]), into: &result)
    #expect(stateBytes(&twin) == market.state())
    #expect(twin.checkInvariants().isEmpty)
  }

  @Test func `INV-23 notices a bond that is not there`() {
    let chamber = Chamber()
    chamber.fund(chamber.validators[0], 1_000)
    #expect(chamber.post(chamber.validators[0], 10) == nil)
    var tamper = Tamper<AccountKey, BondRecord> { table in
      table.update(AccountKey(AccountID(chamber.validators[0]))) { $0.amount += 1 }
    }
    chamber.market.house.visitTables(&tamper)
    #expect(chamber.market.house.checkInvariants().contains { $0.invariant == 23 })
  }
}
