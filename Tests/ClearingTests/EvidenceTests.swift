// Reports of misbehaviour and what follows from them (rules J1 to J7). The proof itself is judged outside the engine, by
// `EvidenceCheckTests`; here the verdict is given.

import Clearing
import Ledger
import Primitives
import Testing
import Wire

extension Chamber {
  func report(_ kind: OffenceKind = .doubleVote, committee: Epoch = 0, keys: [PublicKey]? = nil) -> Action {
    .reportEvidence(
      EvidenceReport(
        kind: kind, committee: committee, keys: keys ?? house.committeeKeys(committee) ?? [], proof: [1, 2, 3]))
  }

  /// What a host that has found `offender` guilty hands in.
  func input(_ action: Action, of offender: PublicKey, at place: UInt64 = 7, by signer: PublicKey = Market.alice)
    -> TransactionInput
  {
    var input = market.input(market.transaction(signer, [action]))
    input.evidence = EvidenceVerdict(offender: offender, place: place)
    return input
  }

  @discardableResult func accuse(
    _ offender: PublicKey, _ kind: OffenceKind = .doubleVote, committee: Epoch = 0, at place: UInt64 = 7,
    by signer: PublicKey = Market.alice
  ) -> RejectionCode? {
    market.block([input(report(kind, committee: committee), of: offender, at: place, by: signer)])
    return market.result.outcomes.first?.rejection
  }

  var offences: [OffenceEvent] {
    market.result.events.compactMap { if case .offence(let event) = $0.kind { event } else { nil } }
  }

  /// A validator with this much at stake.
  func bonded(_ place: Int, _ dollars: Int64 = 1_000) -> PublicKey {
    fund(validators[place], dollars)
    #expect(post(validators[place], dollars) == nil)
    return validators[place]
  }
}

@Suite struct EvidenceTests {
  @Test func `J3, J4: a quarter of the bond goes to the insurance fund, the key for ever, once`() {
    let chamber = Chamber(5)
    let rogue = chamber.bonded(4)
    #expect(chamber.accuse(rogue) == nil)
    let event = OffenceEvent(
      offence: OffenceKey(committee: 0, offender: rogue, kind: .doubleVote, place: 7), slashed: usd(250),
      isJailed: true,
      jailedThrough: nil)
    #expect(chamber.offences == [event])
    #expect(chamber.bond(rogue) == usd(750) && chamber.cash(SystemAccount.insurance.id) == usd(250))
    #expect(chamber.house.isJailed(rogue) && !chamber.house.isJailed(chamber.validators[0]))
    #expect(chamber.accuse(rogue, by: Market.bob) == .punishedBefore)
    #expect(chamber.bond(rogue) == usd(750))
    // Another view is another offence, and so is another kind in the same view.
    #expect(chamber.accuse(rogue, at: 8) == nil)
    #expect(chamber.accuse(rogue, .doubleProposal) == nil)
    #expect(chamber.bond(rogue) == 421_875_000, "three quarters of three quarters of three quarters")
    #expect(chamber.house.standing(of: rogue).offences == 3)
  }

  @Test func `J4: two reports in one block count once`() {
    let chamber = Chamber(5)
    let rogue = chamber.bonded(4)
    chamber.market.block([
      chamber.input(chamber.report(), of: rogue), chamber.input(chamber.report(), of: rogue, by: Market.bob),
    ])
    #expect(chamber.market.result.outcomes.map(\.rejection) == [nil, .punishedBefore])
    #expect(chamber.bond(rogue) == usd(750))
  }

  @Test func `J5: it leaves with the next committee, and nobody brings the key back`() {
    let chamber = Chamber(5)
    let rogue = chamber.validators[4]
    #expect(chamber.accuse(rogue) == nil)
    let change = chamber.house.changes.first
    #expect(change?.record.change == .remove(rogue) && change?.record.cause == .evidence)
    #expect(chamber.market.act(rogue, .withdrawChange(change?.id ?? 0)).rejection == .notAuthorized)
    chamber.block([.schedule])
    chamber.block([.adopt])
    #expect(chamber.keys == Array(chamber.validators.prefix(4)) && chamber.house.changes.isEmpty)
    #expect(chamber.propose(.add(Validator(name: "back", key: rogue, host: "back", port: 1))) == .jailed)
    #expect(chamber.propose(.replaceKey(chamber.validators[0], by: rogue)) == .jailed)
    chamber.skip(to: chamber.market.height + 2 * Limits.evidenceWindow)
    #expect(chamber.propose(.add(Validator(name: "back", key: rogue, host: "back", port: 1))) == .jailed)
  }

  @Test func `J5: four stay four, until a fifth is there`() {
    let chamber = Chamber()
    let rogue = chamber.validators[3]
    #expect(chamber.accuse(rogue) == nil)
    #expect(chamber.house.changes.isEmpty && chamber.keys == chamber.validators)
    chamber.agree(.add(Chamber.new(200)), 1)
    #expect(chamber.house.changes.map(\.record.change) == [.add(Chamber.new(200)), .remove(rogue)])
    chamber.block([.schedule])
    chamber.block([.adopt])
    #expect(chamber.keys == Array(chamber.validators.prefix(3)) + [key(200)])
  }

  @Test func `J5: a key generation that fails for the third time does not save it`() {
    let chamber = Chamber(5)
    let rogue = chamber.validators[4]
    #expect(chamber.accuse(rogue) == nil)
    for _ in 0..<4 { chamber.block([.schedule, .fail]) }
    chamber.block([.schedule])
    chamber.block([.adopt])
    #expect(!chamber.keys.contains(rogue))
  }

  @Test func `J5: another key does not save it`() {
    // Approved: the removal takes it back. Scheduled: the new key goes as well.
    for isScheduled in [false, true] {
      let chamber = Chamber(5)
      let rogue = chamber.validators[4]
      chamber.agree(.replaceKey(rogue, by: key(300)), 1)
      if isScheduled { chamber.block([.schedule]) }
      #expect(chamber.accuse(rogue) == nil)
      if isScheduled {
        chamber.block([.adopt])
        #expect(chamber.keys.last == key(300) && chamber.house.isJailed(key(300)))
      }
      chamber.block([.schedule])
      chamber.block([.adopt])
      #expect(chamber.keys == Array(chamber.validators.prefix(4)))
    }
  }

  @Test func `J5: who left and was to come back does not`() {
    let chamber = Chamber(5)
    let rogue = chamber.validators[4]
    chamber.agree(.remove(rogue), 1)
    chamber.block([.schedule])
    chamber.block([.adopt])
    chamber.agree(.add(Validator(name: "back", key: rogue, host: "back", port: 1)), 2)
    #expect(chamber.accuse(rogue) == nil)
    #expect(chamber.house.changes.isEmpty)
  }

  @Test func `J6: a lane fork is recorded and costs nothing`() {
    let chamber = Chamber(5)
    let owner = chamber.bonded(4)
    #expect(chamber.accuse(owner, .laneFork) == nil)
    #expect(chamber.offences.map(\.slashed) == [0] && chamber.bond(owner) == usd(1_000))
    #expect(!chamber.house.isJailed(owner) && chamber.house.changes.isEmpty)
    #expect(chamber.house.standing(of: owner).offences == 1)
    #expect(chamber.accuse(owner, .laneFork) == .punishedBefore)
  }

  func prices(_ chamber: Chamber, _ dollars: [Int64], rounds: Int = 1) {
    // The invariants of a thousand blocks that only price things would take minutes.
    chamber.market.checks = rounds == 1
    defer { chamber.market.checks = true }
    for _ in 0..<rounds {
      chamber.market.time += second
      var inputs: [TransactionInput] = []
      for (signer, price) in zip(chamber.validators, dollars) where price > 0 {
        inputs.append(
          chamber.market.input(chamber.market.transaction(signer, [.observe(chamber.market.observation(price, 4_000))]))
        )
      }
      chamber.market.block(inputs)
    }
  }

  @Test func `J7: three hundred rounds a quarter beside the market cost a hundredth and a rest`() {
    let chamber = Chamber(5)
    let rogue = chamber.bonded(4)
    prices(chamber, [100_000, 100_000, 100_000, 100_000, 125_000], rounds: 299)
    #expect(chamber.offences.isEmpty && chamber.bond(rogue) == usd(1_000))
    prices(chamber, [100_000, 100_000, 100_000, 100_000, 125_000])
    #expect(chamber.offences.map(\.offence.kind) == [.farPrices])
    #expect(chamber.bond(rogue) == usd(990))
    let through = chamber.offences.first?.jailedThrough ?? 0
    #expect(through > chamber.market.height && chamber.house.changes.map(\.record.change) == [.remove(rogue)])
    chamber.block([.schedule])
    chamber.block([.adopt])
    let back = Validator(name: "back", key: rogue, host: "back", port: 1)
    chamber.skip(to: through - 1)
    #expect(chamber.propose(.add(back)) == .jailed)
    #expect(!chamber.house.isJailed(rogue) || chamber.market.height <= through)
    chamber.block([])
    #expect(chamber.propose(.add(back)) == nil)
  }

  @Test func `J7: one good price ends the row; silence, a torn market and what is near do not count`() {
    let chamber = Chamber(5)
    let some = chamber.bonded(4)
    for _ in 0..<2 {
      prices(chamber, [100_000, 100_000, 100_000, 100_000, 125_000], rounds: 299)
      prices(chamber, [100_000, 100_000, 100_000, 100_000, 100_000])
    }
    prices(chamber, [100_000, 100_000, 100_000, 100_000, 119_000], rounds: 320)
    prices(chamber, [100_000, 100_000, 100_000, 125_000, 125_000], rounds: 320)
    prices(chamber, [100_000, 100_000, 100_000, 100_000, 0], rounds: 320)
    #expect(chamber.house.offences.isEmpty && chamber.bond(some) == usd(1_000) && chamber.house.changes.isEmpty)
  }
}
