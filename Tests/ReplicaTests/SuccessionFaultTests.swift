// The moment at which one committee hands over to the next, with everything that can go wrong in it: crashes between two
// writes, lost messages, slow disks, and what is still on its way.

import Clearing
import Consensus
import Gossip
import Ledger
import Primitives
import Replica
import Sodium
import Testing
import Threshold
import Wire

@Suite struct SuccessionFaultTests {
  static let second = Duration64.second

  /// Four validators and whoever is to come, with the changes approved and their key generation done: the next boundary
  /// brings the new committee.
  static func readied(
    _ changes: [(Cluster) -> ValidatorChange], joiners: Int = 1, seed: UInt64 = 1
  ) throws -> Cluster {
    let cluster = SuccessionTests.network(joiners: joiners, seed: seed)
    _ = try #require(cluster.groupKey())
    for (place, change) in changes.enumerated() {
      #expect(SuccessionTests.propose(change(cluster), ChangeID(place) + 1, in: cluster))
    }
    let isReady = cluster.run(for: 600 * second) {
      cluster.nodes.allSatisfy { node in
        node.replica.map { $0.keySchedule.successors != nil && $0.keySchedule.pending != nil } ?? true
      }
    }
    #expect(isReady)
    return cluster
  }

  static func adding(_ node: Int) -> (Cluster) -> ValidatorChange { { .add(SuccessionTests.validator($0, node)) } }

  /// The last block of the committee is final and executed here, and nothing more.
  static func isAtTheEnd(_ node: Cluster.Node) -> Bool {
    guard let replica = node.replica, replica.committee.epoch == 0, !replica.hasSpeculation else { return false }
    return replica.clearing.committeeNumber == 1
  }

  /// E5: every vote in a journal stands behind the number of its committee.
  static func isInOrder(_ journal: [JournalRecord]) -> Bool {
    var epoch: Epoch = 0
    for record in journal {
      switch record {
      case .epoch(let next): epoch = next
      case .consensus(.vote(let vote)): if vote.epoch != epoch { return false }
      default: break
      }
    }
    return true
  }

  /// What is on its way to a node is lost as well.
  static func isolate(_ node: Int, in cluster: Cluster) {
    cluster.isCut = { $0 == node || $1 == node }
    cluster.queue.removeAll { event in
      guard event.node == node, case .message = event.input else { return false }
      return true
    }
  }

  // MARK: Memory

  /// E5: the last block is in the ledger, and the node stops before the journal of the new committee begins. What it then
  /// promises in the new one it must not forget by another restart.
  @Test func votesAfterACrashBeforeTheNewJournalAreRemembered() throws {
    let cluster = try Self.readied([Self.adding(4)])
    let node = cluster.nodes[1]
    let isBetween = cluster.run(for: 300 * Self.second) {
      Self.isAtTheEnd(node) && (try? node.store.head())?.height == node.replica?.finalHeight
        && node.replica.map { $0.committedHeight < $0.finalHeight } == true
    }
    try #require(isBetween)
    cluster.crash(1)
    cluster.start(1)
    #expect(node.replica?.committee.epoch == 1 && node.replica?.index == 1)
    let hasVoted = cluster.run(for: 60 * Self.second) {
      node.journal.contains { if case .consensus(.vote(let vote)) = $0 { vote.epoch == 1 } else { false } }
    }
    #expect(hasVoted)
    let before = try #require(node.replica?.consensus.highestVotedView)
    #expect(Self.isInOrder(node.journal))
    cluster.crash(1)
    cluster.start(1)
    #expect(node.replica?.consensus.highestVotedView == before || node.replica?.consensus.isAmnesiac == true)
    SuccessionTests.check(cluster)
  }

  /// What a node may have said and forgotten lies above everything that the former committee ordered: it goes over as one
  /// that may forget, though a block that nobody executes ended its amnesia.
  @Test(arguments: [false, true]) func whatMayBeForgottenGoesOver(restartsBetween: Bool) throws {
    let cluster = try Self.readied([Self.adding(4)])
    let node = cluster.nodes[1]
    if restartsBetween {
      let isBetween = cluster.run(for: 300 * Self.second) {
        Self.isAtTheEnd(node) && (try? node.store.head())?.height == node.replica?.finalHeight
      }
      try #require(isBetween)
    }
    let view = try #require(node.replica?.consensus.view)
    cluster.crash(1)
    node.journal += [.consensus(.amnesiac(true)), .consensus(.floor(view + 500)), .consensus(.amnesiac(false))]
    cluster.start(1)
    #expect(cluster.run(for: 300 * Self.second) { node.replica?.committee.epoch == 1 })
    #expect(node.replica?.consensus.isAmnesiac == true)
    // And votes again when that is safe.
    let height = try #require(cluster.heights.max())
    #expect(cluster.run(for: 120 * Self.second) { cluster.heights.allSatisfy { $0 > height + 5 } })
    #expect(node.replica?.consensus.isAmnesiac == false)
    SuccessionTests.check(cluster)
  }

  /// Journals are in order whenever nobody stops in between.
  @Test func journalsNameTheirCommittee() throws {
    let cluster = try Self.readied([Self.adding(4)])
    #expect(cluster.run(for: 300 * Self.second) { SuccessionTests.everybodyIs(at: 1, cluster) })
    cluster.run(for: 20 * Self.second)
    for node in cluster.nodes {
      #expect(Self.isInOrder(node.journal) && node.journal.contains { if case .epoch(1) = $0 { true } else { false } })
    }
  }

  // MARK: Standstill

  /// A validator that has the last block, but not the votes on its state, when all others have gone over.
  @Test(arguments: [1, 2, 3, 4] as [UInt64]) func whoMissedTheLastVotesComesOver(seed: UInt64) throws {
    let cluster = try Self.readied([Self.adding(4)], seed: seed)
    let node = cluster.nodes[3]
    let isUncertified = cluster.run(for: 300 * Self.second) {
      Self.isAtTheEnd(node) && node.proven < node.replica?.finalHeight ?? 0
    }
    guard isUncertified else { return }
    Self.isolate(3, in: cluster)
    let haveGone = cluster.run(for: 60 * Self.second) {
      [0, 1, 2].allSatisfy { cluster.nodes[$0].replica?.committee.epoch == 1 }
    }
    // Some of them may have needed a vote that was lost as well.
    guard haveGone else { return }
    cluster.run(for: Self.second)
    cluster.isCut = { _, _ in false }
    for peer in [0, 1, 2, 4] {
      cluster.push(3, .disconnected(cluster.number(of: peer, at: 3)), after: 0)
      cluster.push(3, .connected(cluster.number(of: peer, at: 3)), after: 1_000_000)
    }
    #expect(cluster.run(for: 60 * Self.second) { node.replica?.committee.epoch == 1 })
    SuccessionTests.check(cluster)
  }

  /// What it asks for meanwhile: not thousands of blocks a second that it cannot take.
  @Test func whoCannotComeOverYetDoesNotFloodTheOthers() throws {
    let cluster = try Self.readied([Self.adding(4)])
    let node = cluster.nodes[3]
    let isUncertified = cluster.run(for: 300 * Self.second) {
      Self.isAtTheEnd(node) && node.proven < node.replica?.finalHeight ?? 0
    }
    guard isUncertified else { return }
    Self.isolate(3, in: cluster)
    cluster.run(for: 20 * Self.second)
    cluster.isCut = { _, _ in false }
    let events = cluster.order
    cluster.run(for: 5 * Self.second)
    #expect(cluster.order - events < 4000)
  }

  // MARK: Reads

  /// Three old validators whose disks are slow are the old committee's quorum; the new one goes on without them. A read
  /// that begins now shows what the new one has decided, or waits.
  @Test func aReadDoesNotEndInTheFormerCommittee() throws {
    let swaps = (0..<3).map { old in
      { (cluster: Cluster) -> ValidatorChange in .replaceKey(cluster.key(old), by: cluster.key(4 + old)) }
    }
    let cluster = try Self.readied(swaps, joiners: 3)
    let isNear = cluster.run(for: 300 * Self.second) { cluster.heights.max().map { $0 % 80 >= 78 } == true }
    #expect(isNear)
    for old in 0..<3 { cluster.nodes[old].isDiskStuck = true }
    let hasGone = cluster.run(for: 300 * Self.second) {
      [3, 4, 5, 6].allSatisfy { cluster.nodes[$0].replica?.committee.epoch == 1 }
    }
    try #require(hasGone)
    try #require((0..<3).allSatisfy { cluster.nodes[$0].replica?.committee.epoch == 0 })
    let ticket = cluster.submit(
      cluster.transaction(100, [.transfer(to: AccountID(Cluster.key(101)), amount: 7)]), to: 3)
    try #require(cluster.run(for: 60 * Self.second) { cluster.nodes[3].receipts[ticket] != nil })
    let decided = try #require(cluster.nodes[3].receipts[ticket]).height
    let read = cluster.read(at: 0)
    let isServed = cluster.run(for: 10 * Self.second) { cluster.nodes[0].ready.contains(read) }
    #expect(!isServed || cluster.nodes[0].replica.map { $0.finalHeight >= decided } == true)
  }

  // MARK: Who comes and who goes

  /// The new validator is there before an old one whose disk is slow has heard of the change: no reason to send it away.
  @Test func aJoinerIsNoOffenderToWhoIsLate() throws {
    let cluster = try Self.readied([Self.adding(4)])
    let isNear = cluster.run(for: 300 * Self.second) { cluster.heights.max().map { $0 % 80 >= 78 } == true }
    #expect(isNear)
    cluster.nodes[3].isDiskStuck = true
    #expect(cluster.run(for: 300 * Self.second) { cluster.nodes[4].replica?.index == 4 })
    #expect(cluster.nodes[3].replica?.committee.epoch == 0)
    cluster.nodes[4].dismissals.removeAll()
    cluster.run(for: 10 * Self.second)
    #expect(cluster.nodes[4].dismissals.isEmpty, "\(cluster.nodes[4].dismissals)")
    // The disk is well again.
    cluster.nodes[3].isDiskStuck = false
    if let done = cluster.nodes[3].stuckCommit { cluster.push(3, done, after: 0) }
    #expect(cluster.run(for: 60 * Self.second) { cluster.nodes[3].replica?.committee.epoch == 1 })
    let height = try #require(cluster.heights.max())
    #expect(cluster.run(for: 60 * Self.second) { cluster.heights.allSatisfy { $0 > height + 2 } })
    SuccessionTests.check(cluster)
  }

  /// Nobody is greeted again for each message that says another committee's number.
  @Test func oneWhoGoesToAndFroIsGreetedOnce() throws {
    let cluster = try Self.readied([Self.adding(4)])
    #expect(cluster.run(for: 300 * Self.second) { SuccessionTests.everybodyIs(at: 1, cluster) })
    cluster.run(for: Self.second)
    let before = cluster.sent(by: 0).count
    let (peer, idle) = (cluster.number(of: 1, at: 0), PeerMessage.readAnswer(nonce: 0, view: 0, entry: nil))
    for turn in 0..<400 as Range<Epoch> {
      cluster.push(0, .message(from: peer, PeerMessage.bound(turn % 2, idle).wireBytes), after: 0)
    }
    cluster.run(for: Duration64.millisecond)
    #expect(cluster.sent(by: 0).count < before + 200)
  }

  /// E4: what the clients of an observer handed in, and nobody has heard of, when it becomes a validator.
  @Test func whatAnObserverHoldsGoesIntoItsLane() throws {
    let cluster = try Self.readied([Self.adding(4)])
    // Nothing of what it says arrives; it has asked for the next blocks before, and asks again as a validator.
    let isNear = cluster.run(for: 300 * Self.second) { cluster.heights.max().map { $0 % 80 >= 79 } == true }
    #expect(isNear)
    cluster.isCut = { from, _ in from == 4 }
    let ticket = cluster.submit(
      cluster.transaction(100, [.transfer(to: AccountID(Cluster.key(101)), amount: 7)]), to: 4)
    cluster.run(for: Self.second / 100)
    cluster.isCut = { _, _ in false }
    let isOver = cluster.run(for: 300 * Self.second) { cluster.nodes[4].replica?.index == 4 }
    #expect(isOver)
    #expect(cluster.run(for: 60 * Self.second) { cluster.nodes[4].receipts[ticket] != nil })
  }

  /// Shares of those who left could sign together for ever: they go when the new ones have proven themselves.
  @Test func whoLeftKeepsNoShare() throws {
    let cluster = try Self.readied([{ .replaceKey($0.key(1), by: $0.key(4)) }])
    #expect(cluster.run(for: 300 * Self.second) { SuccessionTests.everybodyIs(at: 1, cluster) })
    let height = try #require(cluster.heights.max())
    #expect(cluster.run(for: 60 * Self.second) { cluster.nodes.allSatisfy { $0.certified > height + 2 } })
    func epochs(_ node: Int) -> [Epoch] {
      cluster.nodes[node].secrets.flatMap { ShareKeeper(contents: $0) }?.epochs ?? []
    }
    let epoch = try #require(cluster.nodes[0].replica?.keyEpoch)
    for node in [0, 2, 3, 4] { #expect(epochs(node) == [epoch]) }
    #expect(epochs(1) == [])
  }

  /// Nobody who is honest is said to break rules, and nothing of the former committee stays in memory.
  @Test func nobodyIsReportedAndNothingIsHeld() throws {
    let cluster = try Self.readied([Self.adding(4)])
    for node in cluster.nodes { node.reports.removeAll() }
    for step in 0..<2000 where !SuccessionTests.everybodyIs(at: 1, cluster) {
      _ = cluster.read(at: step % 5)
      cluster.run(for: 100 * Duration64.millisecond)
    }
    #expect(SuccessionTests.everybodyIs(at: 1, cluster))
    cluster.run(for: 10 * Self.second)
    for node in cluster.nodes {
      #expect(node.reports.isEmpty, "\(node.reports.prefix(5))")
      #expect((node.replica?.heldBlocks ?? 0) <= 64)
    }
    SuccessionTests.check(cluster)
  }
}
