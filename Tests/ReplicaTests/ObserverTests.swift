// Nodes that follow without a vote, beside honest and lying validators; rules O1 to O5.

import Clearing
import Consensus
import Gossip
import Ledger
import Primitives
import Replica
import Sodium
import Testing
import Wire

@Suite struct ObserverTests {
  private static let second = Duration64.second

  private func transfer(_ cluster: Cluster, amount: Amount = 1_000_000) -> [UInt8] {
    cluster.transaction(100, [.transfer(to: AccountID(Cluster.key(101)), amount: amount)])
  }

  /// Makes `count` final blocks with a transaction each.
  private func trade(_ cluster: Cluster, _ count: Int, at node: Int = 0) {
    for round in 0..<count {
      let ticket = cluster.submit(transfer(cluster, amount: Int64(round + 1)), to: node)
      cluster.run(for: 5 * Self.second) { cluster.nodes[node].receipts[ticket] != nil }
    }
    cluster.run(for: Self.second)
  }

  private func say(_ cluster: Cluster, _ message: PeerMessage, from: Int, to: Int, after: Instant = 1_000_000) {
    cluster.push(to, .message(from: ValidatorIndex(from), message.wireBytes), after: after)
  }

  private func block(_ cluster: Cluster, _ height: Height) -> FinalBlock? {
    (try? cluster.nodes[0].store.block(at: height)).flatMap { $0 }.flatMap { FinalBlock($0) }
  }

  /// Same blocks, same states, nobody stopped.
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

  private func counters(_ cluster: Cluster, _ node: Int) -> Replica.Counters? { cluster.nodes[node].replica?.counters }

  @Test func o2_anObserverThatComesLateHasEveryBlockAndState() {
    let cluster = Cluster(seed: 41)
    trade(cluster, 20)
    let observer = cluster.addObserver()
    #expect(cluster.nodes[observer].replica?.isBehind == true, "it has heard nobody yet")
    let height = cluster.heights[0]
    #expect(cluster.run(for: 10 * Self.second) { cluster.heights[observer] >= height })
    trade(cluster, 10)
    let goal = cluster.heights[0] - 2
    #expect(cluster.run(for: 5 * Self.second) { cluster.heights[observer] >= goal })
    #expect(cluster.nodes[observer].finalized.map(\.header.height) == Array(1...cluster.heights[observer]))
    #expect(cluster.nodes[observer].replica?.isBehind == false)
    #expect(cluster.nodes[observer].journal.isEmpty, "an observer promises nothing")
    expectAgreement(cluster)
  }

  @Test func o4_anObserverGoesOnWithAnotherValidatorWhenItsOwnDies() {
    let cluster = Cluster(seed: 42)
    let observer = cluster.addObserver()
    for dead in [0, 1, 2, 3] {
      cluster.crash(dead)
      let alive = (dead + 1) % 4
      trade(cluster, 5, at: alive)
      let height = cluster.heights[alive] - 2
      #expect(cluster.run(for: 10 * Self.second) { cluster.heights[observer] >= height })
      cluster.start(dead)
      cluster.run(for: 3 * Self.second)
    }
    expectAgreement(cluster)
  }

  @Test func anObserverGoesOnFromItsLedgerAfterACrash() {
    let cluster = Cluster(seed: 43)
    let observer = cluster.addObserver()
    trade(cluster, 10)
    cluster.crash(observer)
    trade(cluster, 80)
    cluster.start(observer)
    let height = cluster.heights[0]
    #expect(cluster.run(for: 20 * Self.second) { cluster.heights[observer] >= height })
    expectAgreement(cluster)
  }

  /// A node of a network with blocks, which has none of them and hears nobody but the liar.
  private func beginner(seed: UInt64, observes: Bool) -> (Cluster, Int) {
    let cluster = Cluster(seed: seed)
    if !observes { cluster.crash(1) }
    trade(cluster, 12)
    cluster.run(for: 2 * Self.second)
    let node = observes ? 4 : 1
    cluster.isCut = { _, to in to == node }
    if observes { cluster.addObserver() } else { cluster.start(1) }
    cluster.run(for: 100_000_000)
    return (cluster, node)
  }

  /// O2, for observers and for validators that were away: nothing that a peer sends as final is taken but for the
  /// signatures of a quorum on the hash of its last block. Each forgery differs in one respect from what is taken.
  @Test(arguments: [true, false]) func o2_blocksWithoutAValidCertificateAreRefused(observes: Bool) throws {
    let (cluster, node) = beginner(seed: 44, observes: observes)
    let sound = (1...6).compactMap { block(cluster, Height($0)) }
    try #require(sound.count == 6)
    let chain = cluster.genesis.chain
    let end = try #require(
      sound.lastIndex {
        $0.certificate.block == $0.proposal.header.hash(chain: chain) && $0.certificate.kind != .state
          && !$0.batches.isEmpty
      })
    try #require(end > 0)
    // Only the last one proves itself, else what lies below a forgery would rightly be taken by its own certificate.
    let blocks = sound[...end].map { block in
      var block = block
      block.certificate = sound[end].certificate
      block.stateCertificate = nil
      return block
    }
    let committee = Committee(chain: chain, epoch: 0, keys: cluster.genesis.validators.map(\.key))

    func forge(_ change: (inout FinalBlock) -> Void) -> [FinalBlock] {
      var forged = blocks
      change(&forged[end])
      return forged
    }
    /// Signed by the liar alone, in everybody's name.
    func signedByOne(_ kind: VoteKind, _ block: FinalBlock) -> [Certificate.Entry] {
      block.certificate.entries.map { entry in
        var vote = Vote(
          kind: kind, epoch: 0, view: block.proposal.header.view, block: block.proposal.header.hash(chain: chain),
          voter: entry.voter)
        vote = vote.signed(by: cluster.identities[3], committee: committee)
        var forged = entry
        forged.signature = vote.signature
        return forged
      }
    }
    var other = blocks[end]
    other.proposal.header.timestamp += 1
    let forgeries: [(String, [FinalBlock])] = [
      (
        "no signatures",
        forge { for place in $0.certificate.entries.indices { $0.certificate.entries[place].signature = .zero } }
      ),
      ("one signature wrong", forge { $0.certificate.entries[0].signature = .zero }),
      ("too few signatures", forge { $0.certificate.entries = Array($0.certificate.entries.prefix(2)) }),
      ("one voter twice", forge { $0.certificate.entries = Array(repeating: $0.certificate.entries[0], count: 3) }),
      ("signed by the liar alone", forge { $0.certificate.entries = signedByOne(.first, $0) }),
      ("a certificate that proves less", forge { $0.certificate.kind = .notarization }),
      ("the certificate of another block", forge { $0.certificate = sound[end - 1].certificate }),
      ("the certificate of another view", forge { $0.certificate.view += 1 }),
      ("another block under the certificate", forge { $0 = other }),
      (
        "another block, named in the certificate",
        forge {
          $0 = other
          $0.certificate.block = other.proposal.header.hash(chain: chain)
        }
      ),
      ("batches left out", forge { $0.batches = [] }),
      ("a block left out", blocks.enumerated().filter { $0.offset != end - 1 }.map(\.element)),
    ]
    for (name, forged) in forgeries {
      say(cluster, .blocks(forged), from: 3, to: node)
      cluster.run(for: 200_000_000)
      #expect(cluster.heights[node] == 0, "\(name) was believed")
    }
    // What they were made of is taken, so each was refused for its one fault.
    say(cluster, .blocks(blocks), from: 3, to: node)
    cluster.run(for: Self.second)
    #expect(cluster.heights[node] == Height(end + 1))
    cluster.isCut = { _, _ in false }
    let height = cluster.heights[0]
    #expect(cluster.run(for: 30 * Self.second) { cluster.heights[node] >= height })
    expectAgreement(cluster)
  }

  /// O2, C8: what a validator pushes may end in a block whose finality came with a descendant; the certificate of its
  /// state proves it as well, and only that.
  @Test func o2_aCertificateOfStateProvesABlockToAnObserver() throws {
    let (cluster, node) = beginner(seed: 53, observes: true)
    let sound = (1...6).compactMap { block(cluster, Height($0)) }
    let end = try #require(sound.lastIndex { $0.stateCertificate != nil })
    try #require(end > 0)
    var blocks = sound[...end].map { block in
      var block = block
      block.certificate = sound[0].certificate
      return block
    }
    blocks[0].certificate = sound[1].certificate
    for place in 0..<end { blocks[place].stateCertificate = nil }
    var forged = blocks
    forged[end].stateCertificate?.entries[0].signature = .zero
    say(cluster, .blocks(forged), from: 3, to: node)
    forged = blocks
    forged[end].stateCertificate?.stateRoot = .zero
    say(cluster, .blocks(forged), from: 3, to: node)
    cluster.run(for: 200_000_000)
    #expect(cluster.heights[node] == 0)
    say(cluster, .blocks(blocks), from: 3, to: node)
    cluster.run(for: Self.second)
    #expect(cluster.heights[node] == Height(end + 1))
    #expect(cluster.nodes[node].halted == nil)
  }

  /// Blocks that become final through descendants, as where a validator is dead: nobody honest is accused.
  @Test func o4_anObserverAccusesNoHonestValidator() {
    let cluster = Cluster(seed: 54)
    cluster.loss = 50
    let observer = cluster.addObserver()
    cluster.crash(3)
    trade(cluster, 60)
    cluster.loss = 0
    let height = cluster.heights[0]
    #expect(cluster.run(for: 20 * Self.second) { cluster.heights[observer] >= height })
    #expect(cluster.nodes[observer].reports.isEmpty, "\(cluster.nodes[observer].reports.prefix(3))")
    #expect(cluster.nodes[observer].dismissals.isEmpty)
    expectAgreement(cluster)
  }

  /// O4: a validator that lies to the observer whenever it asks costs it a moment.
  @Test func o4_aLiarAmongFourDoesNotKeepAnObserverBehind() {
    let cluster = Cluster(seed: 45)
    trade(cluster, 30)
    cluster.isCut = { from, to in from == 0 && to == 4 }
    let observer = cluster.addObserver()
    let height = cluster.heights[1]
    for instant in stride(from: Instant(0), to: 20 * Self.second, by: 50_000_000) {
      say(cluster, .tip(1 << 40), from: 0, to: observer, after: instant)
      say(cluster, .blocks([]), from: 0, to: observer, after: instant + 1)
    }
    #expect(cluster.run(for: 20 * Self.second) { cluster.heights[observer] >= height })
    expectAgreement(cluster)
  }

  @Test func o1_whatOnlyValidatorsMaySayIsRefusedAndCounted() throws {
    let cluster = Cluster(seed: 46)
    let observer = cluster.addObserver()
    trade(cluster, 5)
    let before = try #require(counters(cluster, 0))
    let view = cluster.nodes[0].replica?.consensus.view ?? 0
    let committee = Committee(chain: cluster.genesis.chain, epoch: 0, keys: cluster.genesis.validators.map(\.key))
    // A genuine vote of a validator that is silent otherwise: even that is not heard from an observer.
    let vote = Vote(kind: .first, epoch: 0, view: view, block: nil, voter: 3)
      .signed(by: cluster.identities[3], committee: committee)
    var batch = LaneBatch(lane: 3, sequence: 1, previousHash: .zero, transactions: [[1]])
    batch.signature = cluster.identities[3].sign(batch.hash(chain: cluster.genesis.chain).bytes)
    say(cluster, .consensus(.vote(vote)), from: observer, to: 0)
    say(cluster, .lane(.batch(batch)), from: observer, to: 0)
    say(cluster, .tip(1 << 50), from: observer, to: 0)
    cluster.run(for: 100_000_000)
    let after = try #require(counters(cluster, 0))
    #expect(after.observerMessagesRefused == before.observerMessagesRefused + 3)
    #expect(cluster.nodes[0].replica?.lanes.statistics.received == 0 || cluster.nodes[observer].dismissals.isEmpty)
    // The fourth is the last.
    say(cluster, .blocks([]), from: observer, to: 0)
    cluster.run(for: 100_000_000)
    #expect(cluster.nodes[observer].dismissals == ["sends what only validators may"])
    #expect(cluster.nodes[0].replica?.observers == 0)
    trade(cluster, 3)
    let goal = cluster.heights[0] - 2
    #expect(cluster.run(for: 5 * Self.second) { cluster.heights[observer] >= goal }, "the others serve it on")
    expectAgreement(cluster)
  }

  @Test func o1_malformedMessagesAndFloodsEndTheSession() {
    let cluster = Cluster(seed: 47)
    let (noisy, flooding) = (cluster.addObserver(), cluster.addObserver())
    cluster.run(for: Self.second)
    for bytes in [[6], [3, 1], [11, 255, 255, 255, 255], [6, 1, 2]] as [[UInt8]] {
      cluster.push(0, .message(from: ValidatorIndex(noisy), bytes), after: 1_000_000)
    }
    for number in 0..<2000 { say(cluster, .readProbe(nonce: UInt64(number)), from: flooding, to: 1) }
    cluster.run(for: Self.second)
    #expect(cluster.nodes[noisy].dismissals == ["sends malformed messages"])
    #expect(cluster.nodes[flooding].dismissals == ["sends too much"])
    let height = cluster.heights[0]
    #expect(cluster.run(for: 10 * Self.second) { cluster.heights.allSatisfy { $0 > height } })
  }

  @Test func o3_whoNeverReadsGetsAFewAnswersAndIsDismissed() {
    let cluster = Cluster(seed: 48)
    let observer = cluster.addObserver()
    cluster.run(for: Self.second)
    cluster.crash(observer)
    // It asked once, by hand, and never again.
    say(cluster, .getBlocks(from: 1), from: observer, to: 2)
    trade(cluster, 30)
    cluster.run(for: 40 * Self.second)
    #expect(cluster.nodes[observer].dismissals.contains("reads too slowly"))
  }

  @Test func o5_aReadAtAnObserverSeesWhatWasAcknowledgedAnywhere() throws {
    let cluster = Cluster(seed: 49)
    let observer = cluster.addObserver()
    cluster.run(for: 2 * Self.second)
    for round in 0..<10 {
      let ticket = cluster.submit(transfer(cluster, amount: Int64(round + 1)), to: round % 4)
      #expect(cluster.run(for: 5 * Self.second) { cluster.nodes[round % 4].receipts[ticket] != nil })
      let height = try #require(cluster.nodes[round % 4].receipts[ticket]?.height)
      let read = cluster.read(at: observer)
      #expect(cluster.run(for: 5 * Self.second) { cluster.nodes[observer].ready.contains(read) })
      #expect(cluster.heights[observer] >= height)
    }
  }

  @Test func o5_aReadAtAnObserverWaitsForAQuorum() {
    let cluster = Cluster(seed: 50)
    let observer = cluster.addObserver()
    cluster.run(for: 2 * Self.second)
    cluster.crash(0)
    cluster.crash(1)
    let read = cluster.read(at: observer)
    cluster.run(for: 5 * Self.second)
    #expect(!cluster.nodes[observer].ready.contains(read))
    cluster.start(0)
    #expect(cluster.run(for: 10 * Self.second) { cluster.nodes[observer].ready.contains(read) })
  }

  @Test func o5_aTransactionOfAnObserversClientIsExecutedOnceAndGetsItsReceipt() {
    let cluster = Cluster(seed: 51)
    cluster.loss = 100
    let observer = cluster.addObserver()
    cluster.run(for: 2 * Self.second)
    for round in 0..<10 {
      let bytes = transfer(cluster, amount: Int64(round + 1))
      let hash = TransactionCheck.hash(of: bytes)
      let ticket = cluster.submit(bytes, to: observer)
      #expect(cluster.run(for: 20 * Self.second) { cluster.nodes[observer].receipts[ticket] != nil })
      cluster.run(for: 3 * Self.second)
      let executed = cluster.nodes[0].finalized.flatMap(\.executed.result.outcomes).filter {
        $0.hash == hash && $0.status == .executed
      }
      #expect(executed.count == 1)
    }
    expectAgreement(cluster)
  }

  @Test func o5_forgedTransactionsOfAnObserverEndTheSession() {
    let cluster = Cluster(seed: 52)
    let observer = cluster.addObserver()
    cluster.run(for: 2 * Self.second)
    var forged = transfer(cluster)
    forged[forged.count - 1] ^= 1
    for _ in 0..<4 { say(cluster, .transaction(forged), from: observer, to: 1) }
    cluster.run(for: Self.second)
    #expect(cluster.nodes[observer].dismissals == ["hands in forged transactions"])
    #expect(counters(cluster, 1)?.observerTransactions == 0)
  }
}
