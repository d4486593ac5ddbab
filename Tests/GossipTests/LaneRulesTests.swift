// Rules D1 to D9, one by one.

import Gossip
import Primitives
import Sodium
import Testing
import Wire

private let ms = Duration64.millisecond

@Suite struct LaneRulesTests {
  @Test func happyPathFromSubmissionToOrderedBatches() throws {
    var network = LaneNetwork(n: 4)
    network.step(1, .submit(transaction: number(1)))
    network.step(2, .submit(transaction: number(2)))
    try network.run(for: 2 * ms)
    let genesis = LaneCut()
    let cut = network.nodes[0].cut(over: genesis)
    #expect(cut.tips.map(\.lane) == [1, 2])
    for node in network.nodes.indices {
      #expect(network.nodes[node].hasWork(beyond: genesis))
      #expect(!network.nodes[node].hasWork(beyond: cut))
      #expect(network.nodes[node].verdict(cut, over: genesis, view: 1, leader: 0) == .available)
      let batches = try #require(network.nodes[node].batches(after: genesis, upTo: cut, view: 1))
      #expect(batches.map(\.batch.transactions) == [[number(1)], [number(2)]])
    }
    // D3: nobody signed an acknowledgement.
    #expect(network.kinds == [6, 0, 0, 0, 0, 0, 0, 0, 0])
  }

  // MARK: - D1

  @Test func d1LanesAreHashChains() throws {
    var network = LaneNetwork(n: 4)
    for value in 0..<5 {
      network.step(0, .submit(transaction: number(value)))
      try network.run(for: 10 * ms)
    }
    let cut = network.nodes[3].cut(over: LaneCut())
    let batches = try #require(network.nodes[3].batches(after: LaneCut(), upTo: cut, view: 0))
    #expect(batches.map(\.batch.sequence) == [1, 2, 3, 4, 5])
    #expect(batches[0].batch.previousHash == .zero)
    for index in 1..<5 { #expect(batches[index].batch.previousHash == batches[index - 1].hash) }
  }

  @Test func d1OwnBatchesAreDurableBeforeTheyLeave() {
    let network = LaneNetwork(n: 4)
    var node = network.nodes[0]
    var effects: [Lanes.Effect] = []
    node.step(.submit(transaction: [1]), at: 0, into: &effects)
    let persisted = effects.firstIndex { if case .persist(.batch) = $0 { true } else { false } }
    let sent = effects.firstIndex { if case .broadcast(.batch) = $0 { true } else { false } }
    #expect(persisted == 0 && sent == 1)
  }

  @Test func d1ARestartedLaneContinuesAndSendsAgain() throws {
    var network = LaneNetwork(n: 4)
    network.isCut = { _, _, _ in true }
    network.step(0, .submit(transaction: [1]))
    let before = try #require(network.nodes[0].tip(of: 0))
    network.isCut = { _, _, _ in false }
    network.restart(0)
    try network.run(for: 2 * ms)
    #expect(network.nodes[1].tip(of: 0) == before)
    network.step(0, .submit(transaction: [2]))
    try network.run(for: 10 * ms)
    #expect(network.nodes[1].tip(of: 0)?.sequence == 2)
    #expect(network.reports.isEmpty)
    // D8: the restarted lane remembers what it has in flight.
    network.step(0, .submit(transaction: [1]))
    #expect(network.refusals.map(\.refusal) == [.duplicate])
  }

  @Test func d1ASuspendedLaneSealsNothing() {
    let network = LaneNetwork(n: 4)
    var node = Lanes(
      chain: LaneNetwork.chain, keys: (0..<4).map(LaneNetwork.key), f: 1, index: 0, signer: LaneNetwork.signer(0),
      scheme: .standIn, suspended: true)
    var effects: [Lanes.Effect] = []
    node.step(.submit(transaction: [1]), at: network.now, into: &effects)
    #expect(effects.contains { if case .refused(_, .noLane) = $0 { true } else { false } })
    // Before n-f others have told what they hold of it, nothing either.
    node.step(.resumeOwnLane, at: 0, into: &effects)
    for peer in 1...3 as ClosedRange<ValidatorIndex> {
      node.step(.submit(transaction: [1]), at: 0, into: &effects)
      #expect(node.tip(of: 0)?.sequence ?? 0 == 0)
      node.step(.message(from: peer, .tip(ordered: 0, newest: nil)), at: 0, into: &effects)
    }
    node.step(.submit(transaction: [1]), at: 0, into: &effects)
    #expect(node.tip(of: 0)?.sequence == 1)
  }

  /// Node 0 has sealed three batches that nobody has ordered, and has forgotten them.
  private func amnesiacOwner() throws -> LaneNetwork {
    var network = LaneNetwork(n: 4)
    for value in 0..<3 {
      network.step(0, .submit(transaction: number(value)))
      try network.run(for: 10 * ms)
    }
    #expect(network.nodes[1].tip(of: 0)?.sequence == 3)
    network.journals[0] = [.remembers(false)]
    return network
  }

  @Test func d1AfterAmnesiaTheLaneGoesOnWhereTheOthersSawItEnd() throws {
    var network = try amnesiacOwner()
    network.restart(0)
    network.step(0, .submit(transaction: number(7)))
    #expect(network.refusals.map(\.refusal) == [.noLane])
    try network.run(for: 100 * ms)
    #expect(network.nodes[0].remembersOwnLane)
    network.step(0, .submit(transaction: number(8)))
    try network.run(for: 100 * ms)
    for node in network.nodes { #expect(node.tip(of: 0)?.sequence == 4) }
    #expect(network.reports.isEmpty)
    // Once its end was known, a restart has nothing to ask.
    network.restart(0)
    #expect(network.nodes[0].remembersOwnLane)
  }

  @Test func d1LiarsNeitherHideTheEndOfALaneNorInventOne() throws {
    for invented in [LaneMessage.tip(ordered: 0, newest: nil), .tip(ordered: 1 << 40, newest: nil)] {
      var network = try amnesiacOwner()
      network.isCut = { _, to, message in
        // What node 3 says is replaced below.
        if case .tip = message { to == 0 && message != invented } else { false }
      }
      network.restart(0)
      network.step(0, .message(from: 3, invented))
      try network.run(for: 300 * ms)
      #expect(!network.nodes[0].remembersOwnLane)
      network.isCut = { _, _, _ in false }
      try network.run(for: 600 * ms)
      #expect(network.nodes[0].remembersOwnLane)
      network.step(0, .submit(transaction: number(8)))
      try network.run(for: 10 * ms)
      #expect(network.nodes[1].tip(of: 0)?.sequence == 4)
    }
    // The header of a batch that the owner did not sign.
    var network = try amnesiacOwner()
    network.restart(0)
    var forged = signedBatch(lane: 0, sequence: 9, previous: LaneNetwork.chain, transactions: [[1]]).header
    forged.signature = .zero
    network.step(0, .message(from: 3, .tip(ordered: 0, newest: forged)))
    #expect(network.reports.map(\.fault) == [.badSignature])
  }

  @Test func d1AmnesiaWhileRunningStopsTheLaneAndRefusesWhatItCollects() throws {
    var network = LaneNetwork(n: 4)
    network.step(0, .submit(transaction: number(0)))
    network.step(0, .submit(transaction: number(1)))
    network.step(0, .suspendOwnLane)
    #expect(network.refusals.map(\.refusal) == [.noLane])
    try network.run(for: 100 * ms)
    #expect(network.nodes[1].tip(of: 0)?.sequence == 1)
    // A restart does not forget that.
    network.restart(0)
    #expect(!network.nodes[0].remembersOwnLane)
    try network.run(for: 100 * ms)
    network.step(0, .submit(transaction: number(1)))
    try network.run(for: 10 * ms)
    #expect(network.nodes[1].tip(of: 0)?.sequence == 2)
    #expect(network.reports.isEmpty)
  }

  // MARK: - D2

  @Test func d2SealsAtOnceWhenNothingIsInFlightElseAfterTheDelayOrWhenFull() throws {
    var network = LaneNetwork(n: 4)
    network.step(0, .submit(transaction: number(0)))
    #expect(network.nodes[0].tip(of: 0)?.sequence == 1)
    network.step(0, .submit(transaction: number(1)))
    network.step(0, .submit(transaction: number(2)))
    #expect(network.nodes[0].tip(of: 0)?.sequence == 1)
    try network.run(for: network.settings.sealDelay - 1)
    #expect(network.nodes[0].tip(of: 0)?.sequence == 1)
    try network.run(for: 1)
    #expect(network.nodes[0].tip(of: 0)?.sequence == 2)
    network.step(0, .submit(transaction: [UInt8](repeating: 9, count: LaneLimits.sealBytes)))
    #expect(network.nodes[0].tip(of: 0)?.sequence == 3)
    network.step(0, .submit(transaction: number(4)))
    #expect(network.nodes[0].tip(of: 0)?.sequence == 3)
    let cut = network.nodes[0].cut(over: LaneCut())
    network.step(0, .ordered(cut))
    #expect(network.nodes[0].tip(of: 0)?.sequence == 4)
  }

  @Test func d2EachBatchCrossesEachLinkOnce() throws {
    var network = LaneNetwork(n: 7)
    for round in 0..<10 {
      for node in 0..<7 { network.step(node, .submit(transaction: number(round * 10 + node))) }
      try network.run(for: 5 * ms)
      network.finalize(network.nodes[round % 7].cut(over: LaneCut()))
    }
    let sealed = network.nodes.reduce(0) { $0 + Int($1.statistics.sealed) }
    #expect(sealed >= 70)
    #expect(network.kinds[0] == sealed * 6)
    #expect(network.kinds[5] == 0)
  }

  // MARK: - D3

  @Test func d3AnUnorderedTipIsProvenOnDemandByFPlusOne() throws {
    var network = LaneNetwork(n: 4)
    network.step(0, .submit(transaction: [1]))
    try network.run(for: 49 * ms)
    #expect(network.kinds[1] == 0)
    try network.run(for: 10 * ms)
    #expect(network.kinds[1] == 3 && network.kinds[2] == 3)
    // The owner's broadcast, and everybody's forward of it.
    #expect(network.kinds[3] == 12)
    for node in network.nodes.indices {
      for lane in 0..<4 where lane == 0 { network.step(node, .viewSlow(1, lanes: [ValidatorIndex(lane)])) }
      let cut = network.nodes[node].cut(over: LaneCut())
      let proof = try #require(cut.tips.first?.proof)
      #expect(
        proof.verify(chain: LaneNetwork.chain, keys: (0..<4).map(LaneNetwork.key), f: 1, scheme: .standIn))
      #expect(network.nodes[(node + 1) % 4].verdict(cut, over: LaneCut(), view: 1, leader: 0) == .available)
    }
  }

  @Test func d3AProvenTipNeedsNoDataToVoteOn() {
    let batch = signedChain(lane: 1, count: 1)[0]
    var network = LaneNetwork(n: 4)
    let proven = LaneCut(tips: [tip(batch, proof: proof(of: batch, by: [1, 3]))]) ?? LaneCut()
    let optimistic = LaneCut(tips: [tip(batch)]) ?? LaneCut()
    let lacks = MissingBatch(point: point(batch), after: 0)
    #expect(network.nodes[0].verdict(proven, over: LaneCut(), view: 1, leader: 2) == .available)
    #expect(network.nodes[0].verdict(optimistic, over: LaneCut(), view: 1, leader: 2) == .missing([lacks]))
    #expect(network.nodes[0].batches(after: LaneCut(), upTo: proven, view: 1) == nil)
    #expect(network.nodes[0].missing(after: LaneCut(), upTo: proven) == [lacks])
  }

  @Test func d3ProofsOfOtherSizesOrderOrSignersAreInvalid() throws {
    let batch = signedChain(lane: 1, count: 1)[0]
    var network = LaneNetwork(n: 4)
    var forged = proof(of: batch, by: [1, 3])
    forged.vouchers[0].signature = .zero
    let bad = [
      proof(of: batch, by: [1]), proof(of: batch, by: [1, 2, 3]), proof(of: batch, by: [3, 1]),
      proof(of: batch, by: [1, 1]), proof(of: batch, by: [1, 9]), forged,
    ]
    for proof in bad {
      let cut = try #require(LaneCut(tips: [tip(batch, proof: proof)]))
      #expect(network.nodes[0].verdict(cut, over: LaneCut(), view: 1, leader: 2) == .invalid(.badProof(1)))
    }
    network.step(0, .message(from: 2, .proof(forged)))
    #expect(network.reports.map(\.fault) == [.badSignature])
  }

  @Test func d3OnlyHeldChainsAreVouchedFor() throws {
    var network = LaneNetwork(n: 4)
    let chain = signedChain(lane: 1, count: 3)
    network.isCut = { _, to, message in
      if case .getBatches = message { true } else { to != 1 }
    }
    network.step(0, .message(from: 1, .batch(chain[0])))
    network.step(0, .message(from: 1, .batch(chain[2])))
    network.step(0, .message(from: 1, .solicit(point(chain[2]))))
    #expect(network.kinds[2] == 0)
    network.step(0, .message(from: 1, .batch(chain[1])))
    #expect(network.kinds[2] == 1)
    // Solicited again at once: not before the pause is over.
    network.step(0, .message(from: 1, .solicit(point(chain[2]))))
    #expect(network.kinds[2] == 1)
    network.packets = []
    try network.run(for: network.settings.ackPause)
    #expect(network.kinds[2] == 2)
  }

  @Test func d3SolicitationRevealsALostBatch() throws {
    var network = LaneNetwork(n: 4)
    network.isCut = { _, to, message in
      if case .batch = message { to == 3 } else { false }
    }
    network.step(0, .submit(transaction: [1]))
    try network.run(for: 40 * ms)
    #expect(network.nodes[3].tip(of: 0) == nil)
    try network.run(for: 40 * ms)
    #expect(network.nodes[3].tip(of: 0) == network.nodes[0].tip(of: 0))
  }

  // MARK: - D4

  @Test func d4CutsNeverGoBackAndAreBounded() throws {
    var network = LaneNetwork(n: 4)
    let chain = signedChain(lane: 1, count: 70)
    for batch in chain { network.step(0, .message(from: 1, .batch(batch))) }
    let first = network.nodes[0].cut(over: LaneCut())
    #expect(first.sequence(of: 1) == LaneLimits.batchesPerCut)
    let second = network.nodes[0].cut(over: first)
    #expect(second.sequence(of: 1) == 70)
    let verdicts = [(second, LaneCut()), (first, second), (LaneCut(), first)].map {
      network.nodes[0].verdict($0.0, over: $0.1, view: 1, leader: 2)
    }
    #expect(verdicts == [.invalid(.tooFar(1)), .invalid(.behindParent(1)), .invalid(.behindParent(1))])
    let other = signedChain(lane: 1, count: 64, salt: 5)[63]
    let rival = try #require(LaneCut(tips: [tip(other)]))
    #expect(network.nodes[0].verdict(rival, over: first, view: 1, leader: 2) == .invalid(.behindParent(1)))
    let idle = try #require(LaneCut(tips: [tip(chain[63], proof: proof(of: chain[63], by: [1, 2]))]))
    #expect(network.nodes[0].verdict(idle, over: first, view: 1, leader: 2) == .invalid(.idleProof(1)))
    let stranger = LaneTip(point: LanePoint(lane: 9, sequence: 1, hash: .zero))
    let strange = try #require(LaneCut(tips: [stranger]))
    #expect(network.nodes[0].verdict(strange, over: LaneCut(), view: 1, leader: 2) == .invalid(.unknownLane(9)))
  }

  @Test func d4ATipWithAnotherSequenceThanItsBatchIsInvalid() throws {
    var network = LaneNetwork(n: 4)
    let chain = signedChain(lane: 1, count: 2)
    for batch in chain { network.step(0, .message(from: 1, .batch(batch))) }
    let wrong = LanePoint(lane: 1, sequence: 1, hash: point(chain[1]).hash)
    let cut = try #require(LaneCut(tips: [LaneTip(point: wrong)]))
    #expect(network.nodes[0].verdict(cut, over: LaneCut(), view: 1, leader: 2) == .invalid(.badChain(1)))
  }

  @Test func d4AWithheldChainIsFetchedFromTheLeader() throws {
    var network = LaneNetwork(n: 4)
    // Lane 1 talks to the leader alone, and never answers.
    network.isCut = { from, to, _ in from == 1 && to != 2 }
    for value in 0..<20 {
      network.step(1, .submit(transaction: number(value)))
      try network.run(for: 4 * ms)
    }
    let cut = network.nodes[2].cut(over: LaneCut())
    #expect(cut.sequence(of: 1) == 20)
    guard case .missing(let missing) = network.nodes[0].verdict(cut, over: LaneCut(), view: 1, leader: 2) else {
      Issue.record("nothing is missing")
      return
    }
    network.fetch(0, missing, from: 2)
    try network.run(for: 3 * ms)
    #expect(network.nodes[0].verdict(cut, over: LaneCut(), view: 1, leader: 2) == .available)
    #expect(network.nodes[0].statistics.fetched == 20)
  }

  @Test func d2WhatComesInOneTurnSharesABatch() {
    var network = LaneNetwork(n: 4)
    for value in 0..<10 { network.step(0, .submit(transaction: number(value), isMoreComing: true)) }
    #expect(network.nodes[0].tip(of: 0) == nil)
    network.step(0, .tick)
    #expect(network.nodes[0].tip(of: 0)?.sequence == 1)
    let full = [UInt8](repeating: 1, count: LaneLimits.sealBytes)
    network.step(0, .submit(transaction: full, isMoreComing: true))
    #expect(network.nodes[0].tip(of: 0)?.sequence == 2)
  }

  /// The lane may be late, but no more: in a timer that fires early nothing is lost.
  @Test func d2ATickTooEarlyAsksForTheTimerAgain() {
    var node = LaneNetwork(n: 4).nodes[0]
    var effects: [Lanes.Effect] = []
    node.step(.submit(transaction: [1]), at: 0, into: &effects)
    node.step(.submit(transaction: [2]), at: 0, into: &effects)
    effects = []
    node.step(.tick, at: 1, into: &effects)
    let timers = effects.compactMap { if case .timer(let at) = $0 { at } else { nil } }
    #expect(timers == [LaneSettings().sealDelay])
  }

  @Test func d3ALaneWhoseTipWasOrderedByItsProofSolicitsAtOnceForAWhile() throws {
    var network = LaneNetwork(n: 4)
    network.step(0, .submit(transaction: [1]))
    try network.run(for: 60 * ms)
    for node in 0..<4 { network.step(node, .viewSlow(1, lanes: [0])) }
    let cut = network.nodes[1].cut(over: LaneCut())
    #expect(cut.tips.first?.proof != nil)
    network.finalize(cut)
    let before = network.kinds[3]
    network.step(0, .submit(transaction: [2]))
    try network.run(for: 4 * ms)
    #expect(network.kinds[3] > before)
    network.finalize(network.nodes[1].cut(over: cut))
    network.enter(33, leader: 1)
    let after = network.kinds[1]
    network.step(0, .submit(transaction: [3]))
    try network.run(for: 4 * ms)
    #expect(network.kinds[1] == after)
  }

  /// A proof that nobody needed is no reason to ask for the next: else one slow moment would cost every batch after it
  /// acknowledgements and two delays.
  @Test func d3AProofThatNoBlockNamedMakesTheLaneNoMoreEager() throws {
    var network = LaneNetwork(n: 4)
    network.step(0, .submit(transaction: [1]))
    try network.run(for: 60 * ms)
    #expect(network.kinds[3] > 0)
    let cut = network.nodes[1].cut(over: LaneCut())
    #expect(cut.tips.map(\.sequence) == [1] && cut.tips.first?.proof == nil)
    network.finalize(cut)
    let before = network.kinds
    network.step(0, .submit(transaction: [2]))
    try network.run(for: 4 * ms)
    #expect(network.kinds[1] == before[1] && network.kinds[3] == before[3])
  }

  @Test func d2d3WaitsFollowThePaceOfOrdering() throws {
    var network = LaneNetwork(n: 4)
    var cut = LaneCut()
    // Ordering takes 40 ms each time: a quarter of it to collect, three times it before anybody is asked.
    for round in 0..<10 {
      network.step(0, .submit(transaction: number(round)))
      try network.run(for: 40 * ms)
      cut = network.nodes[0].cut(over: cut)
      network.finalize(cut)
    }
    let solicited = network.kinds[1]
    network.step(0, .submit(transaction: number(100)))
    network.step(0, .submit(transaction: number(101)))
    #expect(network.nodes[0].tip(of: 0)?.sequence == 11)
    try network.run(for: 9 * ms)
    #expect(network.nodes[0].tip(of: 0)?.sequence == 11)
    try network.run(for: 2 * ms)
    #expect(network.nodes[0].tip(of: 0)?.sequence == 12)
    try network.run(for: 100 * ms)
    #expect(network.kinds[1] == solicited)
    try network.run(for: 40 * ms)
    #expect(network.kinds[1] > solicited)
  }

  @Test func d4FetchingGoesOnUntilSomebodyAnswersEvenInPieces() throws {
    var network = LaneNetwork(n: 4)
    let chain = signedChain(lane: 1, count: 30, bytes: 100_000)
    for batch in chain { network.step(3, .message(from: 1, .batch(batch))) }
    // Neither the leader nor the owner answers.
    network.isCut = { _, to, _ in to == 1 || to == 2 }
    let cut = try #require(LaneCut(tips: [tip(chain[29])]))
    guard case .missing(let missing) = network.nodes[0].verdict(cut, over: LaneCut(), view: 1, leader: 2) else {
      Issue.record("nothing is missing")
      return
    }
    network.fetch(0, missing, from: 2)
    network.fetch(0, missing, from: 2)
    try network.run(for: 200 * ms)
    #expect(network.nodes[0].verdict(cut, over: LaneCut(), view: 1, leader: 2) == .available)
    #expect(network.nodes[0].tip(of: 1)?.sequence == 30)
    // At most 1 MiB an answer: ten batches of 100 kB.
    #expect(network.kinds[5] == 3)
  }

  // MARK: - D5

  @Test func d5ALateBatchCostsItsLaneStandingFor256Views() throws {
    var network = LaneNetwork(n: 4)
    let chain = signedChain(lane: 1, count: 2)
    network.enter(10, leader: 2)
    network.isCut = { _, _, _ in true }
    network.fetch(0, [MissingBatch(point: point(chain[0]), after: 0)], from: 2)
    network.now += network.settings.slowAfter + 1
    #expect(network.nodes[0].isInGoodStanding(1))
    network.step(0, .message(from: 1, .batch(chain[0])))
    #expect(!network.nodes[0].isInGoodStanding(1))
    #expect(network.standingLost.map(\.until) == [10 + 256])
    // It holds the tip and does not name it; proven it would.
    #expect(network.nodes[0].cut(over: LaneCut()) == LaneCut())
    #expect(!network.nodes[0].hasWork(beyond: LaneCut()))
    network.step(0, .message(from: 1, .proof(proof(of: chain[0], by: [1, 3]))))
    #expect(network.nodes[0].cut(over: LaneCut()).tips.first?.proof != nil)
    network.enter(265, leader: 2)
    #expect(!network.nodes[0].isInGoodStanding(1))
    network.enter(266, leader: 2)
    #expect(network.nodes[0].isInGoodStanding(1))
  }

  @Test func d5ATipThatNobodySignedAccusesNobody() throws {
    var network = LaneNetwork(n: 4)
    network.enter(10, leader: 2)
    let invented = LanePoint(lane: 1, sequence: 1, hash: Blake2b.hash([9]))
    network.fetch(0, [MissingBatch(point: invented, after: 0)], from: 2)
    try network.run(for: 3000 * ms)
    network.enter(11, leader: 3, nullified: 1)
    #expect(network.nodes[0].isInGoodStanding(1))
    #expect(network.standingLost.isEmpty)
  }

  @Test func d5IfMoreThanFLanesSeemLateTheOldestOffenceIsForgiven() throws {
    var network = LaneNetwork(n: 7)
    network.enter(10, leader: 2)
    network.step(0, .viewSlow(10, lanes: [1]))
    network.enter(11, leader: 3)
    network.step(0, .viewSlow(11, lanes: [2]))
    #expect((0..<7).filter { !network.nodes[0].isInGoodStanding(ValidatorIndex($0)) } == [1, 2])
    network.enter(12, leader: 4)
    network.step(0, .viewSlow(12, lanes: [3, 99]))
    #expect((0..<7).filter { !network.nodes[0].isInGoodStanding(ValidatorIndex($0)) } == [2, 3])
  }

  @Test func d5WhatOnlyExecutionWaitsForAccusesNobody() throws {
    var network = LaneNetwork(n: 4)
    let batch = signedChain(lane: 1, count: 1)[0]
    var effects: [Lanes.Effect] = []
    let missing = MissingBatch(point: point(batch), after: 0)
    network.nodes[0].fetch([missing], from: 2, isVoteWaiting: false, at: 0, into: &effects)
    network.now = Duration64.second
    network.step(0, .message(from: 2, .batches([batch])))
    #expect(network.nodes[0].tip(of: 1)?.sequence == 1)
    #expect(network.nodes[0].isInGoodStanding(1))
  }

  @Test func d5APromptFetchCostsNothing() throws {
    var network = LaneNetwork(n: 4)
    let batch = signedChain(lane: 1, count: 1)[0]
    network.step(2, .message(from: 1, .batch(batch)))
    network.fetch(0, [MissingBatch(point: point(batch), after: 0)], from: 2)
    try network.run(for: 5 * ms)
    #expect(network.nodes[0].tip(of: 1)?.sequence == 1)
    #expect(network.nodes[0].isInGoodStanding(1))
  }

  // MARK: - D6

  @Test func d6LanesAreRotatedByView() throws {
    var network = LaneNetwork(n: 4)
    for node in 0..<4 { network.step(node, .submit(transaction: number(node))) }
    try network.run(for: 2 * ms)
    let cut = network.nodes[0].cut(over: LaneCut())
    for view in 0..<8 {
      let batches = try #require(
        network.nodes[0].batches(after: LaneCut(), upTo: cut, view: View(view)))
      #expect(batches.map { Int($0.batch.lane) } == (0..<4).map { ($0 + view) % 4 })
    }
  }

  // MARK: - D8, D9

  @Test func d8RepetitionsEmptyAndOversizedTransactionsAreRefused() {
    var network = LaneNetwork(n: 4, observers: 1)
    network.step(0, .submit(transaction: [1]))
    network.step(0, .submit(transaction: [1]))
    network.step(0, .submit(transaction: []))
    network.step(0, .submit(transaction: [UInt8](repeating: 1, count: LaneLimits.transactionBytes + 1)))
    network.step(4, .submit(transaction: [1]))
    #expect(network.refusals.map(\.refusal) == [.duplicate, .empty, .tooLarge, .noLane])
  }

  @Test func d9OwnSubmissionsMeetBackPressureAndGoOnAfterFinality() throws {
    var network = LaneNetwork(n: 4)
    var value = 0
    while network.nodes[0].canAccept(bytes: 100_000), value < 1000 {
      network.step(0, .submit(transaction: number(value) + [UInt8](repeating: 0, count: 100_000)))
      value += 1
    }
    #expect(network.refusals.isEmpty)
    #expect(value == 64)
    network.step(0, .submit(transaction: number(value)))
    #expect(network.refusals.map(\.refusal) == [.backPressure])
    #expect(network.nodes[0].tip(of: 0)?.sequence == 64)
    try network.run(for: 5 * ms)
    network.finalize(network.nodes[1].cut(over: LaneCut()))
    #expect(network.nodes[0].canAccept(bytes: 100_000))
    // A refused transaction is not a repetition when it comes again.
    network.step(0, .submit(transaction: number(value)))
    #expect(network.refusals.count == 1)
  }

  @Test func d9APeersBatchesBeyondTheBudgetAreDroppedAndFetchedLater() throws {
    var settings = LaneSettings()
    settings.foreignBatchesAhead = 8
    var network = LaneNetwork(n: 4, settings: settings)
    let chain = signedChain(lane: 1, count: 20)
    for batch in chain.prefix(12) { network.step(0, .message(from: 1, .batch(batch))) }
    #expect(network.nodes[0].tip(of: 1)?.sequence == 8)
    #expect(network.nodes[0].statistics.dropped == 4)
    for batch in chain.prefix(8) { network.step(2, .message(from: 1, .batch(batch))) }
    let cut = try #require(LaneCut(tips: [tip(chain[7])]))
    network.finalize(cut)
    for batch in chain.prefix(13).dropFirst(8) { network.step(2, .message(from: 1, .batch(batch))) }
    network.isCut = { _, to, _ in to == 1 }
    network.step(0, .message(from: 1, .batch(chain[12])))
    try network.run(for: 500 * ms)
    #expect(network.nodes[0].tip(of: 1)?.sequence == 13)
  }

  @Test func d9OnePeerCannotFetchWithoutEnd() throws {
    var settings = LaneSettings()
    settings.answerBytesPerWindow = 250_000
    var network = LaneNetwork(n: 4, settings: settings)
    let chain = signedChain(lane: 1, count: 2, bytes: 100_000)
    for batch in chain { network.step(0, .message(from: 1, .batch(batch))) }
    let ask = LaneMessage.getBatches([BatchRequest(lane: 1, hash: point(chain[1]).hash, after: 0)])
    for _ in 0..<4 { network.step(0, .message(from: 3, ask)) }
    #expect(network.reports.map(\.fault).allSatisfy { $0 == .greedy })
    #expect(network.kinds[5] <= 2)
    network.step(0, .message(from: 2, ask))
    network.step(0, .message(from: 77, ask))
    #expect(network.kinds[5] >= 2)
    let answers = network.kinds[5]
    network.now += settings.answerWindow
    network.step(0, .message(from: 3, ask))
    #expect(network.kinds[5] == answers + 1)
  }

  @Test func d9UnlinkedBatchesAreBounded() {
    var settings = LaneSettings()
    settings.foreignBatchesAhead = 16
    var network = LaneNetwork(n: 4, settings: settings)
    network.isCut = { _, _, _ in true }
    for batch in signedChain(lane: 1, count: 200).dropFirst() {
      network.step(0, .message(from: 1, .batch(batch)))
    }
    #expect(network.held[0].count == 15)
    #expect(network.nodes[0].tip(of: 1) == nil)
  }

  /// A node that jumps ahead by catch-up goes on with what it had beyond the new final tip, on the branch that is final.
  @Test func d9LooseBatchesLinkWhenFinalityPassesTheGap() throws {
    var network = LaneNetwork(n: 4)
    network.isCut = { _, _, _ in true }
    let chain = signedChain(lane: 1, count: 5)
    for index in [0, 3, 4] { network.step(0, .message(from: 1, .batch(chain[index]))) }
    #expect(network.nodes[0].tip(of: 1) == point(chain[0]))
    network.step(0, .final(try #require(LaneCut(tips: [tip(chain[2])]))))
    #expect(network.nodes[0].tip(of: 1) == point(chain[4]))
    let snapshot = network.nodes[0].journalSnapshot()
    network.journals[0] = snapshot
    network.restart(0)
    #expect(network.nodes[0].tip(of: 1) == point(chain[4]))
    #expect(network.nodes[0].journalSnapshot() == snapshot)
  }

  @Test func d9ObserversHoldBatchesAndVouchForNothing() throws {
    var network = LaneNetwork(n: 4, observers: 1)
    network.step(0, .submit(transaction: [1]))
    try network.run(for: 100 * ms)
    #expect(network.nodes[4].tip(of: 0)?.sequence == 1)
    #expect(network.nodes[4].statistics.acks == 0)
    #expect(network.nodes[1].statistics.acks == 1)
  }
}
