// How somebody may try to have an honest validator punished, or to get away.

import Clearing
import Ledger
import Primitives
import Testing
import Wire

@Suite struct EvidenceAttackTests {
  /// J2: nothing follows from a report that the host has not found to prove anything, and nothing is in a list with others.
  @Test func `J1, J2: without a verdict, not alone, or against somebody else, it proves nothing`() {
    let chamber = Chamber(5)
    let honest = chamber.bonded(4)
    let market = chamber.market
    #expect(market.act(Market.alice, chamber.report()).rejection == .badEvidence)
    for actions in [[chamber.report(), chamber.report()], [.cancel(.all), chamber.report()]] {
      var input = market.input(market.transaction(Market.alice, actions))
      input.evidence = EvidenceVerdict(offender: honest, place: 7)
      market.block([input])
      #expect(market.result.outcomes[0].errors.last?.code == .badEvidence)
    }
    #expect(chamber.accuse(Market.bob) == .badEvidence, "no validator")
    #expect(chamber.accuse(honest, .farPrices) == .badEvidence, "nobody reports what the engine sees")
    // A verdict stays with its transaction.
    market.block([
      chamber.input(chamber.report(), of: chamber.validators[3]),
      market.input(market.transaction(Market.bob, [chamber.report(.doubleProposal)])),
    ])
    #expect(market.result.outcomes.map(\.rejection) == [nil, .badEvidence])
    #expect(chamber.bond(honest) == usd(1_000) && !chamber.house.isJailed(honest))
  }

  /// Keys of one's own choice: whoever holds them can sign anything.
  @Test func `J2: only the keys of that committee count`() {
    let chamber = Chamber(5)
    let honest = chamber.validators[4]
    var keys = chamber.validators
    keys[0] = Market.alice
    let lists = [keys, [honest], [], Array(chamber.validators.reversed()), chamber.validators + [Market.alice]]
    for list in lists {
      chamber.market.block([chamber.input(chamber.report(keys: list), of: honest)])
      #expect(chamber.market.result.outcomes[0].rejection == .badEvidence)
    }
    for number in [1, 2, Epoch.max >> 1] {
      chamber.market.block([chamber.input(chamber.report(committee: number, keys: chamber.validators), of: honest)])
      #expect(chamber.market.result.outcomes[0].rejection == .badEvidence, "there is no such committee")
    }
    #expect(!chamber.house.isJailed(honest))
  }

  @Test func `J4: evidence ages with the committee that it is about`() {
    let chamber = Chamber(5)
    let rogue = chamber.bonded(4)
    chamber.agree(.remove(chamber.validators[0]), 1)
    chamber.block([.schedule])
    chamber.block([.adopt])
    let since = chamber.market.height
    #expect(chamber.accuse(rogue, at: 1) == nil, "a former committee's")
    // With the old number for the new committee's keys, and the other way round, it is nothing.
    chamber.market.block([
      chamber.input(chamber.report(committee: 1, keys: chamber.validators), of: rogue, at: 2)
    ])
    #expect(chamber.market.result.outcomes[0].rejection == .badEvidence)
    chamber.skip(to: since + Limits.evidenceWindow - 1)
    #expect(chamber.accuse(rogue, at: 3) == nil)
    #expect(chamber.accuse(rogue, at: 4) == .lateEvidence)
    #expect(chamber.accuse(rogue, at: 1) == .lateEvidence, "and no second punishment when the first is forgotten")
    // Of the present one it never does.
    #expect(chamber.accuse(rogue, committee: 1, at: 4) == nil)
  }

  @Test func `J4: records are bounded, and forgotten with the window`() {
    let chamber = Chamber(6)
    let rogue = chamber.bonded(5, 1_000_000)
    for view in 1...UInt64(Limits.maxOffences) { #expect(chamber.accuse(rogue, .laneFork, at: view) == nil) }
    #expect(chamber.accuse(rogue, .laneFork, at: 99) == .limitReached)
    #expect(chamber.house.offences.count == Limits.maxOffences)
    chamber.agree(.remove(chamber.validators[0]), 1)
    chamber.block([.schedule])
    chamber.block([.adopt])
    #expect(chamber.house.offences.count == Limits.maxOffences)
    chamber.skip(to: chamber.market.height + Limits.evidenceWindow)
    chamber.agree(.remove(chamber.validators[1]), by: 2, 2)
    chamber.block([.schedule])
    chamber.block([.adopt])
    #expect(chamber.house.offences.isEmpty)
  }

  /// The bond cannot be taken away in the block of the evidence, whatever stands first.
  @Test func `G3, J4: nobody gets its bond out before the evidence`() {
    let chamber = Chamber(5)
    let rogue = chamber.bonded(4)
    let market = chamber.market
    chamber.agree(.remove(rogue), 1)
    chamber.block([.schedule])
    chamber.block([.adopt])
    chamber.skip(to: market.height + Limits.evidenceWindow - 1)
    market.block([
      market.input(market.transaction(rogue, [.releaseBond(amount: usd(1_000))])),
      chamber.input(chamber.report(), of: rogue),
    ])
    #expect(market.result.outcomes.map(\.rejection) == [.bondLocked, nil])
    #expect(chamber.bond(rogue) == usd(750))
  }

  @Test func `G4: dust is taken to the last unit and never more than there is`() {
    let chamber = Chamber(5)
    let rogue = chamber.validators[4]
    chamber.fund(rogue, 1)
    #expect(chamber.market.act(rogue, .postBond(amount: 3)).rejection == nil)
    for view in 1...5 as ClosedRange<UInt64> { #expect(chamber.accuse(rogue, at: view) == nil) }
    #expect(chamber.bond(rogue) == 0 && chamber.house.bonded == 0)
    #expect(chamber.cash(SystemAccount.insurance.id) == 3)
  }

  /// A report in a block that is undone has not happened; a restarted node goes on as the others.
  @Test func `INV-21: undone blocks and restarts leave no trace`() {
    let chamber = Chamber(5)
    let rogue = chamber.bonded(4)
    let market = chamber.market
    let before = market.state()
    market.block([chamber.input(chamber.report(), of: rogue)], release: false)
    #expect(chamber.house.isJailed(rogue) && chamber.house.changes.count == 1)
    var changes: [RecordChange] = []
    market.house.rollbackBlock(into: &changes)
    market.height -= 1
    #expect(market.state() == before)
    #expect(!chamber.house.isJailed(rogue) && chamber.bond(rogue) == usd(1_000))
    #expect(chamber.accuse(rogue) == nil)
    var twin = market.house
    twin.rebuildIndices()
    var result = BlockResult()
    for steps in [[ClearingHouse.MembershipStep.schedule], [.adopt], []] {
      chamber.block(steps)
      twin.apply(
        BlockInput(height: market.height, timestamp: market.time, transactions: [], membership: steps), into: &result)
      twin.releaseBlock()
      #expect(stateBytes(&twin) == market.state())
    }
  }

  @Test func `Reports are canonical and bounded`() throws {
    let report = EvidenceReport(kind: .laneFork, committee: 3, keys: [key(1), key(2)], proof: [1, 2])
    #expect(try WireReader.decode(EvidenceReport.self, from: report.wireBytes) == report)
    for action in [Action.postBond(amount: -1), .releaseBond(amount: .max), .reportEvidence(report)] {
      #expect(try WireReader.decode(Action.self, from: action.wireBytes) == action)
    }
    var large = report
    large.proof = [UInt8](repeating: 0, count: EvidenceReport.proofBytesMax + 1)
    #expect(throws: WireError.self) { try WireReader.decode(EvidenceReport.self, from: large.wireBytes) }
    large = report
    large.keys = [PublicKey](repeating: key(1), count: Limits.maxValidators + 1)
    #expect(throws: WireError.self) { try WireReader.decode(EvidenceReport.self, from: large.wireBytes) }
    let event = OffenceEvent(
      offence: OffenceKey(committee: 1, offender: key(1), kind: .doubleVote, place: 9), slashed: 5, isJailed: true,
      jailedThrough: 77)
    for kind in [EventKind.offence(event), .bond(account: .bonds, change: -4, amount: 2)] {
      let whole = Event(sequence: 1, kind: kind)
      #expect(try WireReader.decode(Event.self, from: whole.wireBytes) == whole)
    }
  }
}
