// Two batches of one (lane, sequence): what a Byzantine owner can do, and cannot.

import Gossip
import Primitives
import Sodium
import Testing

private let ms = Duration64.millisecond

@Suite struct LaneForkTests {
  let a = signedChain(lane: 1, count: 4, salt: 1)
  let b = signedChain(lane: 1, count: 4, salt: 2)

  @Test func d1AForkIsProvenReportedAndToldToAll() throws {
    var network = LaneNetwork(n: 4)
    network.step(0, .message(from: 1, .batch(a[0])))
    network.step(0, .message(from: 1, .batch(b[0])))
    try network.run(for: 5 * ms)
    for node in [0, 2, 3] {
      let evidence = try #require(network.nodes[node].evidence(of: 1))
      #expect(evidence.isProof(chain: LaneNetwork.chain, keys: (0..<4).map(LaneNetwork.key), scheme: .standIn))
      #expect(!network.nodes[node].isInGoodStanding(1))
      #expect(network.reports.count { $0.node == node && $0.peer == 1 && $0.fault == .fork } == 1)
    }
    // The first branch is kept, the second is not; and nobody proposes either without proof.
    #expect(network.nodes[0].tip(of: 1) == point(a[0]))
    #expect(network.nodes[0].batch(lane: 1, hash: point(b[0]).hash) == nil)
    #expect(network.nodes[0].cut(over: LaneCut()) == LaneCut())
    network.restart(0)
    #expect(network.nodes[0].evidence(of: 1) != nil)
    #expect(!network.nodes[0].isInGoodStanding(1))
  }

  @Test func d1FalseEvidenceAccusesTheSender() {
    var network = LaneNetwork(n: 4)
    var forged = b[0].header
    forged.signature = .zero
    let cases = [
      LaneEvidence(first: a[0].header, second: a[0].header), LaneEvidence(first: a[0].header, second: a[1].header),
      LaneEvidence(first: a[0].header, second: forged),
    ]
    for evidence in cases { network.step(0, .message(from: 3, .evidence(evidence))) }
    #expect(network.reports.map(\.peer) == [3, 3, 3])
    #expect(network.nodes[0].isInGoodStanding(1))
  }

  @Test func d4TheOtherBranchIsFetchedWhenACutNamesIt() throws {
    var network = LaneNetwork(n: 4)
    for batch in a { network.step(0, .message(from: 1, .batch(batch))) }
    for batch in b { network.step(2, .message(from: 1, .batch(batch))) }
    let cut = try #require(LaneCut(tips: [tip(b[2])]))
    guard case .missing(let missing) = network.nodes[0].verdict(cut, over: LaneCut(), view: 1, leader: 2) else {
      Issue.record("nothing is missing")
      return
    }
    network.fetch(0, missing, from: 2)
    try network.run(for: 10 * ms)
    #expect(network.nodes[0].verdict(cut, over: LaneCut(), view: 1, leader: 2) == .available)
    for node in [0, 2] {
      #expect(network.nodes[node].batches(after: LaneCut(), upTo: cut, view: 0)?.map(\.batch) == Array(b.prefix(3)))
    }
    // Final along b: the main branch follows.
    network.step(0, .final(cut))
    #expect(network.nodes[0].tip(of: 1) == point(b[2]))
    network.step(0, .message(from: 1, .batch(b[3])))
    #expect(network.nodes[0].tip(of: 1) == point(b[3]))
  }

  /// Whatever branch the parent's tip is on, everybody finds the same batches by walking back from the new tip.
  @Test func d4ContentIsTheWalkBackWhateverTheParentNamed() throws {
    var network = LaneNetwork(n: 4)
    for batch in a { network.step(0, .message(from: 1, .batch(batch))) }
    let parent = try #require(LaneCut(tips: [tip(b[1])]))
    let cut = try #require(LaneCut(tips: [tip(a[3], proof: proof(of: a[3], by: [0, 1]))]))
    #expect(network.nodes[0].verdict(cut, over: parent, view: 1, leader: 2) == .available)
    #expect(network.nodes[0].batches(after: parent, upTo: cut, view: 0)?.map(\.batch) == [a[2], a[3]])
  }

  @Test func d3TwoProofsOfOneSequenceShowAFork() {
    var network = LaneNetwork(n: 4)
    network.step(0, .message(from: 2, .proof(proof(of: a[0], by: [1, 2]))))
    #expect(network.nodes[0].isInGoodStanding(1))
    network.step(0, .message(from: 3, .proof(proof(of: b[0], by: [1, 3]))))
    #expect(!network.nodes[0].isInGoodStanding(1))
    #expect(network.reports.map(\.fault) == [.fork])
  }

  @Test func d3OneBranchOnlyIsVouchedFor() {
    var network = LaneNetwork(n: 4)
    network.step(0, .message(from: 1, .batch(a[0])))
    network.step(0, .message(from: 1, .batch(b[0])))
    network.step(0, .message(from: 1, .solicit(point(b[0]))))
    #expect(network.kinds[2] == 0)
    network.step(0, .message(from: 1, .solicit(point(a[0]))))
    #expect(network.kinds[2] == 1)
  }

  @Test func d1BatchesThatDoNotLinkAreRefused() {
    var network = LaneNetwork(n: 4)
    network.step(0, .message(from: 1, .batch(a[0])))
    let skipping = signedBatch(lane: 1, sequence: 3, previous: point(a[0]).hash, transactions: [[1]])
    let rootless = signedBatch(lane: 1, sequence: 2, previous: .zero, transactions: [[1]])
    var unsigned = a[1]
    unsigned.signature = .zero
    let stranger = signedBatch(lane: 8, sequence: 1, transactions: [[1]])
    let huge = signedBatch(
      lane: 1, sequence: 2, previous: point(a[0]).hash,
      transactions: [[UInt8](repeating: 0, count: LaneLimits.batchBytes)])
    for batch in [skipping, rootless, unsigned, stranger, huge] {
      network.step(0, .message(from: 1, .batch(batch)))
    }
    #expect(network.reports.map(\.fault) == [.badLink, .badLink, .badSignature, .unknownLane, .tooLarge])
    #expect(network.nodes[0].tip(of: 1) == point(a[0]))
  }
}
