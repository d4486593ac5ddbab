// One Byzantine validator of four, played by hand: what it sends is signed with its own key and otherwise arbitrary.

import Clearing
import Consensus
import Gossip
import Ledger
import Primitives
import Replica
import Sodium
import Testing
import Wire

@Suite struct AdversaryTests {
  private static let second = Duration64.second

  private func transfer(_ cluster: Cluster, amount: Amount = 1_000_000) -> [UInt8] {
    cluster.transaction(100, [.transfer(to: AccountID(Cluster.key(101)), amount: amount)])
  }

  private func committee(_ cluster: Cluster) -> Committee {
    Committee(chain: cluster.genesis.chain, epoch: 0, keys: cluster.genesis.validators.map(\.key))
  }

  private func say(_ cluster: Cluster, _ message: PeerMessage, from liar: Int, to node: Int, after: Instant = 1_000_000)
  {
    cluster.push(node, .message(from: ValidatorIndex(liar), message.wireBytes), after: after)
  }

  /// A proposal of `leader` for `view`, signed.
  private func proposal(
    _ cluster: Cluster, view: View, height: Height = 1, parent: Digest? = nil, parentView: View = 0, cut: [UInt8],
    executedHeight: Height = 0, executedRoot: Digest, timestamp: Timestamp, history: [Digest],
    certificate: Certificate? = nil
  ) -> Proposal {
    let committee = committee(cluster)
    let leader = committee.leader(of: view)
    var tree = HistoryTree()
    for hash in history { tree.append(hash) }
    let header = Header(
      epoch: 0, view: view, height: height, parentHash: parent ?? cluster.genesis.chain, parentView: parentView,
      cutHash: Proposal.hash(ofCut: cut), executedHeight: executedHeight, executedRoot: executedRoot,
      timestamp: timestamp, validatorSetHash: committee.setHash, historyRoot: tree.root, leader: leader)
    let hash = header.hash(chain: cluster.genesis.chain)
    let bytes = Array("novation/propose/v1".utf8) + hash.bytes
    return Proposal(
      header: header, signature: cluster.identities[Int(leader)].sign(bytes), cut: cut, parentCertificate: certificate)
  }

  private func firstVote(_ cluster: Cluster, _ voter: Int, _ view: View, _ block: Digest) -> Vote {
    Vote(kind: .first, epoch: 0, view: view, block: block, voter: ValidatorIndex(voter))
      .signed(by: cluster.identities[voter], committee: committee(cluster))
  }

  private func genesisRoot(_ cluster: Cluster) -> Digest {
    ((try? cluster.nodes[0].store.block(at: 0)).flatMap { $0 })?.stateRoot ?? .zero
  }

  private func block(_ cluster: Cluster, of node: Int, at height: Height) -> FinalBlock? {
    (try? cluster.nodes[node].store.block(at: height)).flatMap { $0 }.flatMap { FinalBlock($0) }
  }

  private func expectAgreement(_ cluster: Cluster, _ location: SourceLocation = #_sourceLocation) {
    var blocks: [Height: Set<String>] = [:]
    for node in cluster.nodes {
      #expect(node.halted == nil, sourceLocation: location)
      for block in node.finalized {
        blocks[block.header.height, default: []].insert("\(block.hash.hex)/\(block.executed.stateRoot.hex)")
      }
    }
    #expect(blocks.values.allSatisfy { $0.count == 1 }, sourceLocation: location)
  }

  /// C14: the leader votes for a header stamped a year ahead; with its vote and the nullifications a fallback is open.
  @Test func c14_aHeaderFromTheFutureIsNotNotarisedByFallbacks() {
    let cluster = Cluster(seed: 21)
    let liar = Int(committee(cluster).leader(of: 1))
    cluster.crash(liar)
    let year = 365 * 86_400 * Self.second
    let bad = proposal(
      cluster, view: 1, cut: LaneCut().wireBytes, executedRoot: genesisRoot(cluster),
      timestamp: cluster.moment.wall + year, history: [cluster.genesis.chain])
    let hash = bad.header.hash(chain: cluster.genesis.chain)
    for node in 0..<4 where node != liar {
      say(cluster, .consensus(.proposal(bad)), from: liar, to: node)
      say(cluster, .consensus(.vote(firstVote(cluster, liar, 1, hash))), from: liar, to: node)
    }
    let honest = (liar + 1) % 4
    let ticket = cluster.submit(transfer(cluster), to: honest)
    #expect(cluster.run(for: 60 * Self.second) { cluster.nodes[honest].receipts[ticket] != nil })
    expectAgreement(cluster)
  }

  /// C15: a lie about the root reaches one validator before it has executed that height, the others after.
  @Test func c15_aWrongRootDoesNotSplitTheVotersForGood() {
    let cluster = Cluster(seed: 22)
    let committee = committee(cluster)
    let liar = Int(committee.leader(of: 2))
    let leader = Int(committee.leader(of: 1))
    cluster.crash(liar)
    let others = (0..<4).filter { $0 != liar && $0 != leader }
    let (late, early) = (others[0], others[1])
    cluster.isCut = { _, to in to == late }
    // The first block: with the liar's vote it is final without the late one.
    var first: Proposal?
    cluster.run(for: 10 * Self.second) {
      first =
        cluster.sent(by: leader).lazy.compactMap { if case .consensus(.proposal(let p)) = $0 { p } else { nil } }
        .first
      return first != nil
    }
    guard let first else { return #expect(Bool(false), "no proposal in view 1") }
    let parent = first.header.hash(chain: cluster.genesis.chain)
    for node in [leader, early] {
      say(cluster, .consensus(.vote(firstVote(cluster, liar, 1, parent))), from: liar, to: node)
    }
    #expect(cluster.run(for: Self.second) { (cluster.nodes[early].replica?.consensus.view ?? 0) == 2 })
    let bad = proposal(
      cluster, view: 2, height: 2, parent: parent, parentView: 1, cut: first.cut, executedHeight: 1,
      executedRoot: Digest(words: (6, 6, 6, 6)), timestamp: first.header.timestamp + 1,
      history: [cluster.genesis.chain, parent],
      certificate: cluster.nodes[early].replica?.consensus.entryCertificate(of: 2))
    #expect(bad.parentCertificate != nil)
    say(cluster, .consensus(.proposal(first)), from: leader, to: late)
    say(cluster, .consensus(.proposal(bad)), from: liar, to: late, after: 2_000_000)
    for node in [leader, early] { say(cluster, .consensus(.proposal(bad)), from: liar, to: node) }
    cluster.run(for: 100_000_000)
    cluster.isCut = { _, _ in false }
    let ticket = cluster.submit(transfer(cluster), to: early)
    #expect(cluster.run(for: 60 * Self.second) { cluster.nodes[early].receipts[ticket] != nil })
    expectAgreement(cluster)
  }

  /// D4: a proven tip is voted on without its data; two of three must get it from the one that holds it.
  @Test func d4_dataBehindAProofIsFetchedForExecution() {
    let cluster = Cluster(seed: 23)
    let chain = cluster.genesis.chain
    let liar = Int(committee(cluster).leader(of: 1))
    cluster.crash(liar)
    let holder = (liar + 1) % 4
    let client = (liar + 2) % 4
    var batch = LaneBatch(
      lane: ValidatorIndex(liar), sequence: 1, previousHash: .zero, transactions: [transfer(cluster, amount: 7)])
    batch.signature = cluster.identities[liar].sign(batch.hash(chain: chain).bytes)
    let point = LanePoint(lane: ValidatorIndex(liar), sequence: 1, hash: batch.hash(chain: chain))
    let vouchers = [liar, holder].sorted().map {
      LaneProof.Voucher(
        voter: ValidatorIndex($0), signature: cluster.identities[$0].sign(point.ackBytes(chain: chain)))
    }
    var cut = WireWriter()
    cut.write([LaneTip(point: point, proof: LaneProof(point: point, vouchers: vouchers))])
    let named = proposal(
      cluster, view: 1, cut: cut.bytes, executedRoot: genesisRoot(cluster), timestamp: cluster.moment.wall,
      history: [chain])
    say(cluster, .lane(.batch(batch)), from: liar, to: holder)
    for node in 0..<4 where node != liar {
      say(cluster, .consensus(.proposal(named)), from: liar, to: node, after: 2_000_000)
    }
    cluster.run(for: Self.second)
    let ticket = cluster.submit(transfer(cluster), to: client)
    #expect(cluster.run(for: 60 * Self.second) { cluster.nodes[client].receipts[ticket] != nil })
    #expect(cluster.nodes[client].finalized.contains { $0.header.cutHash == named.header.cutHash })
    expectAgreement(cluster)
  }

  /// Blocks 1... of a running network, and a node that has none of them and hears nobody.
  private func clusterWithABeginner(seed: UInt64) -> Cluster {
    let cluster = Cluster(seed: seed)
    cluster.crash(1)
    for round in 0..<12 {
      let ticket = cluster.submit(transfer(cluster, amount: Int64(round + 1)), to: 0)
      cluster.run(for: 5 * Self.second) { cluster.nodes[0].receipts[ticket] != nil }
    }
    cluster.run(for: 3 * Self.second)
    cluster.isCut = { _, to in to == 1 }
    cluster.start(1)
    cluster.run(for: 100_000_000)
    return cluster
  }

  @Test func aCertificateOfOrderIsNotTakenForOneOfState() {
    let cluster = clusterWithABeginner(seed: 24)
    guard var forged = block(cluster, of: 0, at: 1) else { return #expect(Bool(false), "no block 1") }
    guard forged.certificate.block == forged.proposal.header.hash(chain: cluster.genesis.chain) else {
      return #expect(Bool(false), "block 1 has no certificate of its own")
    }
    forged.stateCertificate = forged.certificate
    say(cluster, .blocks([forged]), from: 3, to: 1)
    cluster.run(for: Self.second)
    #expect(cluster.nodes[1].halted == nil)
    #expect(cluster.heights[1] == 1)
    cluster.isCut = { _, _ in false }
    let height = cluster.heights[0]
    #expect(cluster.run(for: 30 * Self.second) { cluster.heights[1] >= height })
    expectAgreement(cluster)
  }

  @Test func anAnswerThatEndsBelowItsProofIsTakenAsFarAsItIsProven() {
    let cluster = clusterWithABeginner(seed: 25)
    var blocks = (1...5).compactMap { block(cluster, of: 0, at: Height($0)) }
    guard blocks.count == 5, let next = block(cluster, of: 0, at: 6) else {
      return #expect(Bool(false), "too few blocks")
    }
    // As if block 5 had become final through block 6.
    blocks[4].certificate = next.certificate
    say(cluster, .blocks(blocks), from: 0, to: 1)
    cluster.run(for: Self.second)
    #expect(cluster.heights[1] == 4)
    // And a forged one is not taken at all.
    blocks = (5...6).compactMap { block(cluster, of: 0, at: Height($0)) }
    blocks[1].certificate.entries.removeLast()
    blocks[0].certificate.entries[0].signature = .zero
    say(cluster, .blocks(blocks), from: 3, to: 1)
    cluster.run(for: Self.second)
    #expect(cluster.heights[1] == 4)
  }

  @Test func nobodyKeepsANodeBehindByEmptyAnswers() {
    let cluster = clusterWithABeginner(seed: 26)
    let height = cluster.heights[2]
    cluster.crash(0)
    cluster.isCut = { _, _ in false }
    for instant in stride(from: Instant(0), to: 20 * Self.second, by: 20_000_000) {
      say(cluster, .tip(1 << 40), from: 0, to: 1, after: instant)
      say(cluster, .blocks([]), from: 0, to: 1, after: instant + 1)
    }
    #expect(cluster.run(for: 20 * Self.second) { cluster.heights[1] >= height })
  }

  /// D1: a node that crashes before it is whole again still knows that its lane may go further than it remembers.
  @Test func aRestartDoesNotEndAmnesia() {
    let cluster = Cluster(seed: 27)
    cluster.run(for: Self.second)
    cluster.crash(0)
    cluster.nodes[0].journal = []
    cluster.isCut = { from, to in from == 0 || to == 0 }
    cluster.start(0, amnesiac: true)
    cluster.run(for: Self.second)
    cluster.crash(0)
    cluster.start(0)
    let ticket = cluster.submit(transfer(cluster), to: 0)
    cluster.run(for: Self.second)
    #expect(cluster.nodes[0].refusals[ticket] != nil)
    #expect(cluster.nodes[0].replica?.consensus.isAmnesiac == true)
  }
}
