// D7: when a voter may call a leader's cut an omission.

import Gossip
import Primitives
import Testing

private let ms = Duration64.millisecond

@Suite struct LaneOmissionTests {
  let batch = signedChain(lane: 1, count: 1)[0]

  /// Node 0 learned and forwarded a proof at 0 in view 10, then enters `view` at `instant`.
  private func verdict(
    entering view: View, at instant: Instant, nullified: Int = 0, leader: Int = 2, cut: LaneCut = LaneCut(),
    after prepare: (inout LaneNetwork) -> Void = { _ in }
  ) -> LaneVerdict {
    var network = LaneNetwork(n: 4)
    network.isCut = { _, _, _ in true }
    network.enter(10, leader: 1)
    network.step(0, .message(from: 3, .proof(proof(of: batch, by: [1, 3]))))
    prepare(&network)
    network.now = instant
    network.enter(view, leader: leader, nullified: nullified, delay: 10 * ms)
    return network.nodes[0].verdict(cut, over: LaneCut(), view: view, leader: ValidatorIndex(leader))
  }

  @Test func d7LearnersForwardEachProofOnce() throws {
    var network = LaneNetwork(n: 4)
    let good = proof(of: batch, by: [1, 3])
    for _ in 0..<3 { network.step(0, .message(from: 3, .proof(good))) }
    try network.run(for: 5 * ms)
    #expect(network.kinds[3] == 12)
    #expect((0..<4).allSatisfy { network.nodes[$0].cut(over: LaneCut()).tips.first?.proof == good })
  }

  @Test func d7WaitsTwoViewsAndFourDelays() {
    #expect(verdict(entering: 12, at: 40 * ms) == .omission(1))
    #expect(verdict(entering: 11, at: 400 * ms) == .available)
    #expect(verdict(entering: 20, at: 40 * ms - 1) == .available)
  }

  @Test func d7TheWaitDoublesWithEachNullifiedView() {
    #expect(verdict(entering: 13, at: 80 * ms, nullified: 1) == .available)
    #expect(verdict(entering: 14, at: 80 * ms - 1, nullified: 1) == .available)
    #expect(verdict(entering: 14, at: 80 * ms, nullified: 1) == .omission(1))
    #expect(verdict(entering: 26, at: 320 * ms, nullified: 3) == .omission(1))
    #expect(verdict(entering: 25, at: 320 * ms, nullified: 3) == .available)
    #expect(verdict(entering: 1000, at: 10_000 * ms, nullified: .max) == .available)
  }

  @Test func d7NoOmissionWhereTheCutHasItOrALaneIsForkedOrThisNodeLeads() throws {
    let named = try #require(LaneCut(tips: [tip(batch, proof: proof(of: batch, by: [1, 3]))]))
    #expect(verdict(entering: 20, at: 400 * ms, cut: named) == .available)
    #expect(verdict(entering: 20, at: 400 * ms, leader: 0) == .available)
    let rival = signedChain(lane: 1, count: 1, salt: 9)[0]
    let forked = verdict(entering: 20, at: 400 * ms) { network in
      network.step(
        0, .message(from: 3, .evidence(LaneEvidence(first: batch.header, second: rival.header))))
    }
    #expect(forked == .available)
    let ordered = verdict(entering: 20, at: 400 * ms, cut: named) { network in
      network.step(0, .ordered(named))
    }
    #expect(ordered == .available)
  }

  @Test func d7MissingDataComesBeforeOmission() throws {
    let other = signedChain(lane: 3, count: 1)[0]
    let cut = try #require(LaneCut(tips: [tip(other)]))
    let missing = LaneVerdict.missing([MissingBatch(point: point(other), after: 0)])
    #expect(verdict(entering: 20, at: 400 * ms, cut: cut) == missing)
  }

  /// A leader that leaves a lane out is found out by all others; the next one orders it.
  @Test func d7ACensoringLeaderIsFoundOutByAll() throws {
    var network = LaneNetwork(n: 4)
    network.enter(1, leader: 1)
    network.step(0, .submit(transaction: [1]))
    try network.run(for: 60 * ms)
    network.enter(2, leader: 2)
    try network.run(for: 60 * ms)
    network.enter(3, leader: 3)
    for node in 0..<3 {
      #expect(network.nodes[node].verdict(LaneCut(), over: LaneCut(), view: 3, leader: 3) == .omission(0))
    }
    network.finalize(network.nodes[2].cut(over: LaneCut()))
    network.enter(4, leader: 0)
    #expect(network.nodes[1].verdict(LaneCut(), over: LaneCut(), view: 4, leader: 0) == .available)
  }
}
