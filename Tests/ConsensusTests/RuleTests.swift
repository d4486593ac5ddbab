// Each rule as a short transcript: what one validator hears, and what it does.

import Consensus
import Primitives
import Sodium
import Testing

private let second = Duration64.second

@Suite struct RuleTests {
  @Test func c1TimeRunsFromWorkAndFromTheHeartbeat() {
    var busy = Bench()
    busy.step(.work(true))
    busy.wait(399 * millisecond)
    #expect(busy.votes.isEmpty)
    busy.wait(millisecond)
    #expect(busy.votes.map(\.block) == [nil])
    var idle = Bench()
    idle.wait(1399 * millisecond)
    #expect(idle.votes.isEmpty)
    idle.wait(millisecond)
    #expect(idle.votes.map(\.block) == [nil])
  }

  @Test func c1ALeaderThatNullifiesIsNotWaitedFor() {
    var bench = Bench()
    bench.step(.work(true))
    bench.hear(.first, bench.committee.leader(of: 1), 1, nil)
    #expect(bench.votes.map(\.kind) == [.first] && bench.votes.first?.block == nil)
  }

  @Test func c1AnyLaterCertificateOpensItsView() {
    var maker = Bench(leading: true)
    for voter in maker.others { maker.hear(.first, voter, 1, nil) }
    let early = maker.certificates(.nullification)
    #expect(early.count == 1)
    var bench = Bench()
    for certificate in early { bench.step(.message(from: bench.others[0], .certificate(certificate))) }
    #expect(bench.node.view == 2)
    #expect(bench.certificates(.nullification).count == 1)
    bench.log = []
    for certificate in early { bench.step(.message(from: bench.others[1], .certificate(certificate))) }
    #expect(bench.certificates(.nullification).isEmpty)
  }

  @Test func c2ALeaderProposesOncePerViewAlsoAfterARestart() {
    var bench = Bench(leading: true)
    bench.step(.work(true))
    let content = Consensus.Input.proposalContent(
      view: 1, parent: bench.chain, cut: [1], executedHeight: 0, executedRoot: bench.genesisRoot, historyRoot: .zero)
    bench.step(content)
    #expect(bench.node.statistics.proposalsMade == 1)
    let order = bench.journal.prefix(2).map { if case .proposed = $0 { 1 } else { 2 } }
    #expect(order == [1, 2])
    bench.step(content)
    bench.restart()
    bench.step(.work(true))
    bench.step(content)
    #expect(bench.node.statistics.proposalsMade == 0)
  }

  @Test func c3AfterAFirstNotarizeNoTimerNullifies() {
    var bench = Bench()
    let proposal = bench.proposal(view: 1)
    bench.deliver(proposal)
    #expect(bench.votes.map(\.block) == [bench.hash(proposal)])
    for _ in 0..<40 { bench.wait(second) }
    #expect(bench.votes.allSatisfy { $0.block == bench.hash(proposal) })
  }

  @Test func c3WaitsForDataThenVotes() {
    var bench = Bench()
    let proposal = bench.proposal(view: 1)
    bench.deliver(proposal, available: false)
    #expect(bench.votes.isEmpty)
    bench.step(.verdict(block: bench.hash(proposal), .available(omission: false)))
    #expect(bench.votes.map(\.block) == [bench.hash(proposal)])
  }

  @Test func c3VotesLateForANotarisedBlockThenFinalizes() {
    var bench = Bench(n: 7)
    let proposal = bench.proposal(view: 1)
    bench.deliver(proposal, available: false)
    for voter in bench.others.prefix(5) { bench.hear(.first, voter, 1, bench.hash(proposal)) }
    #expect(bench.node.view == 2)
    #expect(bench.votes.isEmpty)
    bench.step(.verdict(block: bench.hash(proposal), .available(omission: false)))
    #expect(bench.votes.map(\.kind) == [.first])
    bench.step(.executed(block: bench.hash(proposal), stateRoot: .zero))
    #expect(bench.votes.map(\.kind) == [.first, .finalize])
  }

  @Test func c3OmissionAndInvalidityNullifyAtOnce() {
    for verdict in [DataVerdict.available(omission: true), .invalid] {
      var bench = Bench()
      let proposal = bench.proposal(view: 1)
      bench.deliver(proposal, available: false)
      bench.step(.verdict(block: bench.hash(proposal), verdict))
      #expect(bench.votes.map(\.block) == [nil])
    }
  }

  @Test func c4AVoteForAnUnknownHeaderCountsOnceItIsHeld() {
    var bench = Bench()
    let proposal = bench.proposal(view: 1)
    for voter in bench.others { bench.hear(.first, voter, 1, bench.hash(proposal)) }
    #expect(bench.node.view == 1)
    let asked = bench.log.contains { effect in
      if case .send(let peer, .getProposal(let hash)) = effect {
        peer == bench.others[0] && hash == bench.hash(proposal)
      } else {
        false
      }
    }
    #expect(asked)
    bench.step(.message(from: bench.others[0], .proposal(proposal)))
    #expect(bench.finals == [bench.hash(proposal)])
  }

  @Test func c4TwoHeadersAreProclaimedOnce() {
    var bench = Bench()
    for cut in ["a", "b", "c"] { bench.deliver(bench.proposal(view: 1, cut: cut)) }
    let proclaimed = bench.log.filter { if case .broadcast(.evidence) = $0 { true } else { false } }
    #expect(proclaimed.count == 1)
  }

  /// C10: whatever pair of votes no honest validator casts is proclaimed once, in whatever order it comes.
  @Test(arguments: [false, true]) func c10ContradictoryVotesAreProclaimedOnce(finalizeFirst: Bool) {
    let block = Digest(words: (1, 2, 3, 4))
    let rivals: [(VoteKind, Digest?, Digest)] = [
      (.first, nil, .zero), (.fallback, nil, .zero), (.finalize, block, Digest(words: (9, 9, 9, 9))),
      (.finalize, Digest(words: (5, 5, 5, 5)), .zero),
    ]
    for (kind, target, root) in rivals {
      var bench = Bench()
      let liar = bench.others[0]
      if finalizeFirst { bench.hear(.finalize, liar, 1, block) }
      bench.hear(kind, liar, 1, target, root: root)
      if !finalizeFirst { bench.hear(.finalize, liar, 1, block) }
      // Again, and others like it: once is enough.
      bench.hear(kind, liar, 1, target, root: root)
      bench.hear(.finalize, liar, 1, Digest(words: (6, 6, 6, 6)))
      let proclaimed = bench.log.filter { if case .broadcast(.evidence) = $0 { true } else { false } }
      #expect(proclaimed.count == 1, "\(kind)")
    }
  }

  /// C5, C8, C9: what an honest validator may cast in one view is no evidence.
  @Test func c10HonestVotesProclaimNothing() {
    var bench = Bench()
    let block = Digest(words: (1, 2, 3, 4))
    bench.hear(.first, bench.others[0], 1, block)
    bench.hear(.finalize, bench.others[0], 1, block)
    bench.hear(.finalize, bench.others[0], 1, block)
    bench.hear(.first, bench.others[1], 1, nil)
    bench.hear(.fallback, bench.others[1], 1, block)
    bench.hear(.attest, bench.others[1], 1, block)
    bench.hear(.first, bench.others[2], 1, block)
    bench.hear(.fallback, bench.others[2], 1, nil)
    #expect(!bench.log.contains { if case .broadcast(.evidence) = $0 { true } else { false } })
  }

  @Test func c5FinalizeWaitsForExecution() {
    var bench = Bench(n: 7)
    let proposal = bench.proposal(view: 1)
    bench.deliver(proposal)
    for voter in bench.others.prefix(4) { bench.hear(.first, voter, 1, bench.hash(proposal)) }
    #expect(bench.certificates(.notarization).count == 1 && bench.node.view == 2)
    #expect(bench.votes.map(\.kind) == [.first])
    bench.step(.executed(block: bench.hash(proposal), stateRoot: .zero))
    #expect(bench.votes.map(\.kind) == [.first, .finalize])
  }

  @Test func c6C7C8CertificatesAtTheirThresholds() {
    var bench = Bench(n: 7)
    let proposal = bench.proposal(view: 1)
    let hash = bench.hash(proposal)
    bench.deliver(proposal)
    for voter in bench.others.prefix(4) { bench.hear(.first, voter, 1, hash) }
    #expect(bench.finals.isEmpty)
    for voter in bench.others.prefix(4) { bench.hear(.finalize, voter, 1, hash, root: Digest(words: (5, 5, 5, 5))) }
    #expect(bench.finals.isEmpty)
    // C7: the sixth first vote.
    bench.hear(.first, bench.others[4], 1, hash)
    #expect(bench.finals == [hash])
    // C8: the fifth vote for one root, by Attest.
    bench.hear(.attest, bench.others[4], 1, hash, root: Digest(words: (5, 5, 5, 5)))
    #expect(bench.node.lastStateFinalHeight == 1)
    // A root that differs from Q others' stops this node.
    bench.step(.executed(block: hash, stateRoot: .zero))
    #expect(bench.log.contains { if case .diverged = $0 { true } else { false } })
  }

  @Test func c9Thresholds() {
    let rules = VoteRules(n: 7)  // f = 2, p = 1
    // Without equivocation: f + p + 1 = 4 nullify.
    #expect(rules.fallbacks(firsts: [0, 0, 0, 1, 1, -1, -1], blocks: 1, leader: 6, own: 1) == [])
    #expect(rules.fallbacks(firsts: [0, 0, 0, 0, 1, -1, -1], blocks: 1, leader: 6, own: 1) == .nullify)
    // n - f = 5 first votes let a nullifier notarize the only block.
    #expect(rules.fallbacks(firsts: [0, 0, 0, 1, -1, -1, -1], blocks: 1, leader: 6, own: 0) == [])
    #expect(rules.fallbacks(firsts: [0, 0, 0, 1, 1, -1, -1], blocks: 1, leader: 6, own: 0) == .block(1))
    // With two headers the leader's vote is dropped and f + p = 3 is enough.
    #expect(rules.fallbacks(firsts: [1, 2, 2, -1, -1, -1, 2], blocks: 2, leader: 6, own: 1) == [])
    #expect(rules.fallbacks(firsts: [1, 2, 2, 2, -1, -1, -1], blocks: 2, leader: 6, own: 1) == .block(2))
    #expect(rules.fallbacks(firsts: [1, 1, 2, 2, 0, -1, -1], blocks: 2, leader: 6, own: 1) == .nullify)
  }

  @Test func c9FallbackInTheStateMachine() {
    var bench = Bench(n: 7)
    let proposal = bench.proposal(view: 1)
    bench.deliver(proposal)
    for voter in bench.others.prefix(3) { bench.hear(.first, voter, 1, nil) }
    #expect(bench.votes.map(\.kind) == [.first])
    bench.hear(.first, bench.others[3], 1, nil)
    #expect(bench.votes.map(\.kind) == [.first, .fallback])
    // C10: never Finalize after a fallback, though the block is notarised.
    for voter in bench.others.suffix(4) { bench.hear(.fallback, voter, 1, bench.hash(proposal)) }
    bench.step(.executed(block: bench.hash(proposal), stateRoot: .zero))
    #expect(!bench.votes.contains { $0.kind == .finalize })
  }

  @Test func c10ARestartedNodeRepeatsItsVotesByteForByte() {
    var bench = Bench()
    let proposal = bench.proposal(view: 1)
    bench.deliver(proposal)
    let before = bench.votes
    bench.restart()
    #expect(bench.votes == before)
    bench.deliver(bench.proposal(view: 1, cut: "other"))
    bench.wait(10 * second)
    #expect(Set(bench.votes) == Set(before))
  }

  @Test func c11AtAStandstillEverythingIsSentAgain() {
    var bench = Bench()
    bench.step(.work(true))
    bench.wait(400 * millisecond)
    bench.log = []
    for _ in 0..<30 { bench.wait(100 * millisecond) }
    #expect(bench.node.statistics.standstills > 0)
    #expect(!bench.votes.isEmpty && Set(bench.votes).count == 1)
  }

  @Test func c12LeadersRotateAlike() {
    let keys = (0..<7).map { PublicKey(words: (0, 0, 0, $0)) }
    let committee = Committee(chain: .zero, epoch: 3, keys: keys)
    #expect(Set((1...7).map { committee.leader(of: $0) }).count == 7)
    for view in 1...100 as ClosedRange<View> {
      #expect(committee.leader(of: view) == committee.leader(of: view + 7))
    }
  }

  @Test func c13AnIdleLeaderWaitsForTheHeartbeat() {
    var bench = Bench(leading: true)
    func asked() -> Bool { bench.log.contains { if case .wantProposal = $0 { true } else { false } } }
    bench.wait(999 * millisecond)
    #expect(!asked())
    bench.wait(millisecond)
    #expect(asked())
  }

  @Test func c14AheadWaitsAndLateIsRefused() {
    var ahead = Bench()
    let early = ahead.proposal(view: 1, timestamp: ahead.now.wall + 50 * millisecond)
    ahead.deliver(early)
    #expect(ahead.votes.isEmpty)
    ahead.wait(50 * millisecond)
    #expect(ahead.votes.map(\.block) == [ahead.hash(early)])
    var late = Bench()
    late.deliver(late.proposal(view: 1, timestamp: late.now.wall - 2 * second - 1))
    #expect(late.votes.map(\.block) == [nil])
  }

  @Test func c15AWrongRootIsNullified() {
    var bench = Bench()
    bench.deliver(bench.proposal(view: 1, executed: Digest(words: (1, 1, 1, 1))))
    #expect(bench.votes.map(\.block) == [nil])
  }

  @Test func persistComesBeforeTheVote() {
    var bench = Bench(scheme: .ed25519)
    bench.deliver(bench.proposal(view: 1))
    let kinds = bench.log.compactMap { effect -> Int? in
      switch effect {
      case .persist(.proposal): 1
      case .persist(.vote): 2
      case .broadcast(.vote): 3
      default: nil
      }
    }
    #expect(kinds == [1, 2, 3])
  }

  @Test func anAmnesiacIsSilentUntilOneFinalisationAboveTheFloor() {
    var bench = Bench(amnesiac: true)
    bench.deliver(bench.proposal(view: 1))
    bench.wait(10 * second)
    #expect(bench.votes.isEmpty && bench.node.isAmnesiac)
    // A wrong nonce does not count.
    for peer in bench.others { bench.step(.message(from: peer, .recoveryAnswer(nonce: 1, view: 1, entry: nil))) }
    #expect(bench.node.voteFloor == 0)
    for peer in bench.others { bench.step(.message(from: peer, .recoveryAnswer(nonce: 77, view: 1, entry: nil))) }
    #expect(bench.node.voteFloor == 2)
    var parent: Proposal?
    for view in 1...3 as ClosedRange<View> {
      let proposal = bench.proposal(view: view, over: parent)
      bench.deliver(proposal)
      for voter in bench.others { bench.hear(.first, voter, view, bench.hash(proposal)) }
      parent = proposal
      #expect(bench.node.isAmnesiac == (view < 3))
    }
    #expect(bench.votes.isEmpty && bench.node.voteFloor == 3)
    let next = bench.proposal(view: 4, over: parent)
    bench.step(.work(true))
    bench.wait(3 * second)
    #expect(next.header.leader == bench.index || bench.votes.allSatisfy { $0.view > 3 })
  }

  @Test func aPeerThatRemembersMoreMakesANodeAmnesiac() {
    var bench = Bench()
    let forgotten = bench.vote(.first, bench.index, 1, nil)
    let status = Status(
      view: 1, floor: 0, finalView: 0, stateFinalView: 0, entry: nil, highestFinal: nil, bootId: 1,
      latestVote: forgotten, amnesiac: false)
    bench.step(.message(from: bench.others[0], .status(status)))
    #expect(bench.node.isAmnesiac)
  }
}
