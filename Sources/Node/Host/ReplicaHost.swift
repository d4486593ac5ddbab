// Carries one replica: feeds it its inputs on one event loop and performs its effects. One turn takes all inputs that are
// waiting; messages and answers leave when the journal records they depend on are durable (`DurabilityGate`), which
// another thread sees to while the loop goes on.

import Sodium
import Clearing
import Consensus
import CoreMetrics
import Ledger
import Logging
import NIOCore
import NIOPosix
public import Primitives
public import Replica
import Storage
import Threshold
import Wire

/// What became of a submitted transaction.
public enum SubmitOutcome: Sendable {
  case final(Receipt)
  case refused(Refusal)
  /// Not final within the time the client gave; it may still become final.
  case unknown
}

public enum ReadFailure: Error, Sendable {
  /// No quorum answered in time: the node may be cut off, so it cannot promise that its state is current.
  case noQuorum
  case overloaded
}

/// Confined to `loop` except for the `async` methods, which hop there.
public final class ReplicaHost: PeerNetworkDelegate, @unchecked Sendable {
  let loop: any EventLoop
  let store: LMDBStore
  private let journal: JournalWriter
  private let workers: NIOThreadPool
  private let writer: NIOThreadPool
  private let log: Logger
  private let secrets: SecretsFile
  private let metrics: NodeMetrics
  /// Newest blocks that the ledger keeps; nil for all.
  private let keptBlocks: UInt64?
  /// An observer's journal is made anew when it is missing, so it must never vote.
  private let mayVote: Bool
  private var network: PeerNetwork?
  private(set) var replica: Replica
  /// The committee by whose order peers are numbered here: the replica's, as soon as its effects are performed.
  private(set) var numbering: Epoch

  private var inbox: [Input] = []
  private var isTurnScheduled = false
  private var effects: [Effect] = []
  private var wake: (at: Instant, task: Scheduled<Void>)?
  private var nextTicket: UInt64 = 0
  private var submissions: [UInt64: Submission] = [:]
  private var reads: [UInt64: EventLoopPromise<Bool>] = [:]
  private var provenWaiters: [(height: Height, promise: EventLoopPromise<Void>)] = []
  /// Highest height with a certificate.
  private(set) var provenHeight: Height
  /// The latest ones, by height modulo their number: the ledger has them a little later.
  private var certificates: [Height: GroupCertificate] = [:]
  private static let certificatesKept: Height = 256
  private(set) var finality = LatencyWindow()
  private(set) var reliability = ReliabilityWindow()
  private var subscribers: [UInt64: @Sendable (StreamItem) -> Bool] = [:]
  /// Streams that are still reading the ledger.
  private var readers = 0
  private var window = EventWindow()
  private(set) var recent = RecentEvents()
  private(set) var progress = SyncProgress()
  /// How far this machine's clock was ahead of the newest block's time when that became final here.
  private(set) var clockLead: Int64?
  private var faultLines = LogLimit()
  /// When the durable write that is under way began; nil for none.
  private var writeBegan: Instant?
  private var commitsBegan: [Instant] = []
  /// Called once when the replica must not go on: the text says why.
  var onHalt: (@Sendable (String) -> Void)?
  private var isHalted = false
  /// L3: before this the replica is not stepped, so nothing is signed.
  private(set) var isStarted = false
  private var gate = DurabilityGate()
  private(set) var journalBytes: Int
  private var isHurryScheduled = false
  /// How long an unhurried message waits for another to share its write.
  private static let unhurriedWait = 2 * Duration64.millisecond

  private struct Submission {
    let answer: EventLoopPromise<SubmitOutcome>
    let since: Instant
  }

  init(
    replica: Replica, store: LMDBStore, journal: JournalWriter, loop: any EventLoop, workers: NIOThreadPool,
    writer: NIOThreadPool, secrets: SecretsFile, metrics: NodeMetrics, keptBlocks: UInt64?, mayVote: Bool, log: Logger
  ) {
    self.replica = replica
    self.mayVote = mayVote
    numbering = replica.committee.epoch
    self.store = store
    self.journal = journal
    self.loop = loop
    self.workers = workers
    self.writer = writer
    self.secrets = secrets
    self.metrics = metrics
    self.keptBlocks = keptBlocks
    self.log = log
    provenHeight = ((try? store.latestCertificate()) ?? nil)?.height ?? 0
    journalBytes = journal.sizeAtStart
  }

  /// Starts the network, which starts the replica when this node may speak for its key; on the loop. The future fails if
  /// the address cannot be bound.
  func start(network: PeerNetwork) -> EventLoopFuture<Void> {
    self.network = network
    return network.start(reportingTo: self)
  }

  var connectedPeers: Int { network?.connectedCount ?? 0 }
  func isConnected(_ peer: Int) -> Bool { network?.isConnected(peer) ?? false }
  var traffic: [PeerTraffic] { network?.traffic ?? [] }
  var observerTraffic: PeerTraffic { network?.observerTraffic ?? PeerTraffic() }
  var streams: Int { subscribers.count + readers }

  /// To each validator of a committee, as the kernel measures it; nil where there is no session.
  func roundTrips() async -> (numbering: Epoch, times: [Int64?]) {
    let measured = loop.flatSubmit { [self] () -> EventLoopFuture<(numbering: Epoch, times: [Int64?])> in
      let present = self.numbering
      let times = network?.roundTrips() ?? loop.makeSucceededFuture([])
      return times.map { (numbering: present, times: $0) }
    }
    return (try? await measured.get()) ?? (numbering: 0, times: [])
  }

  // MARK: Turns

  public func mayWork() {
    isStarted = true
    feed(.start)
  }

  public func mustStop(_ reason: String) { halt(reason) }

  public func peerConnected(_ peer: ValidatorIndex) { feed(.connected(peer)) }
  public func peerDisconnected(_ peer: ValidatorIndex) { feed(.disconnected(peer)) }
  public func peerMessage(_ message: [UInt8], from peer: ValidatorIndex) { feed(.message(from: peer, message)) }

  /// Queues an input for the next turn; on the loop.
  func feed(_ input: Input) {
    guard isStarted else { return }
    inbox.append(input)
    guard !isTurnScheduled else { return }
    isTurnScheduled = true
    loop.execute { [self] in turn() }
  }

  private func turn() {
    isTurnScheduled = false
    guard !isHalted else { return inbox.removeAll() }
    let now = Clock.now
    replica.noteJournal(bytes: journalBytes)
    var inputs: [Input] = []
    swap(&inputs, &inbox)
    let committee = replica.committee.epoch
    let lastSubmission = inputs.lastIndex { if case .submit = $0 { true } else { false } }
    for (place, input) in inputs.enumerated() {
      // The numbers are those of the former committee.
      if replica.committee.epoch != committee, input.namesPeer { continue }
      if case .submit(let bytes, let checked, let ticket, _) = input, place != lastSubmission {
        replica.step(.submit(bytes: bytes, checked, ticket: ticket, isMoreComing: true), at: now, into: &effects)
      } else {
        replica.step(input, at: now, into: &effects)
      }
    }
    perform()
    effects.removeAll(keepingCapacity: true)
    network?.flush()
    metrics.turn.recordNanoseconds(Clock.monotonic - now.monotonic)
  }

  /// Lets out what needs no durable record, and starts the write that the rest waits for.
  private func perform() {
    var ready: [Effect] = []
    gate.take(effects, into: &ready)
    for effect in ready where !isHalted { perform(effect) }
    write()
  }

  /// One write at a time, on its own thread, so that a slow disk does not stop the loop.
  private func write() {
    guard let write = gate.beginWrite() else { return waitForCompany() }
    let began = Clock.monotonic
    writeBegan = began
    journal.perform(write, on: loop).whenComplete { [self] result in
      writeBegan = nil
      metrics.journalWrite.recordNanoseconds(Clock.monotonic - began)
      switch result {
      case .success(let size): written(size)
      case .failure(let error): halt("\(error)")
      }
    }
  }

  private func written(_ size: Int) {
    journalBytes = size
    guard !isHalted else { return }
    var ready: [Effect] = []
    gate.complete(into: &ready)
    for effect in ready where !isHalted { perform(effect) }
    write()
    network?.flush()
  }

  /// On a quiet network no other message brings the write that unhurried ones wait for.
  private func waitForCompany() {
    guard gate.isPatient, !isHurryScheduled else { return }
    isHurryScheduled = true
    loop.scheduleTask(in: .nanoseconds(Self.unhurriedWait)) { [self] in
      isHurryScheduled = false
      guard !isHalted else { return }
      gate.hurry()
      write()
    }
  }

  private func perform(_ effect: Effect) {
    switch effect {
    case .persist, .rewriteJournal: break
    case .send(let peer, let message): network?.send(message.wireBytes, to: Int(peer))
    case .broadcast(let message): network?.broadcast(message.wireBytes)
    case .publish(let observers, let message): for peer in observers { network?.send(message, to: Int(peer)) }
    case .dismiss(let peer, let reason): network?.dismiss(Int(peer), reason)
    case .check(let bytes, let peer): check(bytes, from: peer)
    case .verify(let batch, let transactions): verify(batch, transactions)
    case .commit(let commit): self.commit(commit)
    case .loadBlocks(let peer, let height): load(from: height, for: peer)
    case .receipt(let ticket, let receipt, _):
      reliability.finalize(ticket, height: receipt.height, at: Clock.monotonic)
      answer(ticket, .final(receipt))
    case .refused(let ticket, let refusal):
      reliability.refuse(ticket)
      if let read = reads.removeValue(forKey: ticket) { read.fail(ReadFailure.overloaded) }
      answer(ticket, .refused(refusal))
    case .readReady(let ticket): reads.removeValue(forKey: ticket)?.succeed(true)
    case .finalized(let block): finalized(block)
    case .proven: break
    case .certified(let certificate): certified(certificate)
    case .committee(let index, let members): succeed(index, members)
    case .keepSecrets(let contents): keep(contents)
    case .needSeed: feed(.seed(.random(32)))
    case .wake(let at): schedule(at)
    case .report(let peer, let reason):
      metrics.peerFaults.increment()
      guard let unsaid = faultLines.next(at: Clock.monotonic) else { break }
      log.warning(
        "peer broke a rule", metadata: ["validator": "\(peer)", "reason": "\(reason)", "unsaid": "\(unsaid)"])
    case .halt(let reason): halt(reason)
    }
  }

  private func succeed(_ index: ValidatorIndex?, _ members: [Validator]) {
    log.notice(
      "the validators have changed",
      metadata: [
        "committee": "\(replica.committee.epoch)", "validators": "\(members.count)",
        "role": "\(index.map { "validator \($0)" } ?? "observer")", "height": "\(replica.finalHeight)",
      ])
    guard mayVote || index == nil else {
      return halt(
        "node.role is \"observer\", but this node's key has become a validator's: make it \"validator\" and start again"
      )
    }
    if numbering != replica.committee.epoch {
      numbering = replica.committee.epoch
      // What came while this turn's effects were performed is of the former numbers as well.
      inbox.removeAll(where: \.namesPeer)
      recent.succeed()
    }
    network?.reconfigure(members, index: index.map(Int.init))
  }

  private func schedule(_ at: Instant) {
    if let wake, wake.at <= at, wake.at > Clock.monotonic { return }
    wake?.task.cancel()
    let delay = max(0, at - Clock.monotonic)
    wake = (
      at,
      loop.scheduleTask(in: .nanoseconds(delay)) { [self] in
        wake = nil
        feed(.tick)
      }
    )
  }

  private func halt(_ reason: String) {
    guard !isHalted else { return }
    isHalted = true
    log.critical("stopped to protect the ledger", metadata: ["reason": "\(reason)"])
    onHalt?(reason)
  }

  /// After this nothing is stepped any more and the journal is closed; on the loop.
  func stop() {
    isHalted = true
    wake?.task.cancel()
    for ticket in submissions.keys.sorted() { answer(ticket, .unknown) }
    for promise in reads.values { promise.fail(ReadFailure.noQuorum) }
    reads.removeAll()
  }

  // MARK: Work that leaves the loop

  private func verify(_ batch: Digest, _ transactions: [[UInt8]]) {
    let chain = replica.chain
    workers.runIfActive(eventLoop: loop) {
      return transactions.map { TransactionCheck.run($0, chain: chain, scheme: .ed25519) }
    }.whenSuccess { [self] inputs in feed(.verified(batch: batch, inputs)) }
  }

  /// What an observer handed in: whether it is worth a place in the lane.
  private func check(_ bytes: [UInt8], from peer: ValidatorIndex) {
    let chain = replica.chain
    let (store, numbering) = (self.store, self.numbering)
    workers.runIfActive(eventLoop: loop) { () -> TransactionInput? in
      let input = TransactionCheck.run(bytes, chain: chain, scheme: .ed25519)
      guard input.signatureValid, let transaction = input.transaction else { return input }
      // A stranger may send again what anybody can read on the chain.
      let isKnown = (try? store.place(of: input.hash)).flatMap { $0 } != nil
      return isKnown || transaction.expiry <= Clock.wall ? nil : input
    }.whenSuccess { [self] input in
      // Another committee gives the number to somebody else.
      if numbering == self.numbering { feed(.checked(bytes, input, from: peer)) }
    }
  }

  private func commit(_ commit: LedgerCommit) {
    let store = store
    let began = Clock.monotonic
    commitsBegan.append(began)
    let keptBlocks = keptBlocks
    writer.runIfActive(eventLoop: loop) {
      try store.commit(commit)
      if let keptBlocks, let end = commit.blocks.last?.height.subtracting(keptBlocks) {
        // More than came, so that a history that was full becomes short in time.
        try store.prune(below: end, limit: 2 * commit.blocks.count + 16)
      }
    }.whenComplete { [self] result in
      commitsBegan.removeFirst()
      metrics.commit.recordNanoseconds(Clock.monotonic - began)
      metrics.committedBlocks.increment(by: commit.blocks.count)
      switch result {
      case .success: feed(.committed(commit.blocks.last?.height ?? 0))
      case .failure(let error): halt("\(error)")
      }
    }
  }

  private func load(from height: Height, for peer: ValidatorIndex) {
    let (store, numbering) = (self.store, self.numbering)
    workers.runIfActive(eventLoop: loop) { FinalBlock.answer(from: height, store: store) }.whenSuccess {
      [self] blocks in
      if numbering == self.numbering { feed(.loaded(for: peer, blocks)) }
    }
  }

  // MARK: Answers

  private func answer(_ ticket: UInt64, _ outcome: SubmitOutcome) {
    guard let submission = submissions.removeValue(forKey: ticket) else { return }
    if case .final = outcome {
      let taken = Clock.monotonic - submission.since
      finality.add(taken)
      metrics.finality.recordNanoseconds(taken)
    }
    submission.answer.succeed(outcome)
  }

  private func finalized(_ block: FinalizedBlock) {
    progress.note(block.header.height, at: Clock.monotonic)
    clockLead = Clock.wall.subtracting(block.header.timestamp)
    metrics.finalized(block, at: Clock.wall)
    recent.add(block)
    let streamed = StreamBlock(block)
    window.add(streamed)
    tell(.block(streamed))
  }

  private func tell(_ item: StreamItem) {
    for (id, deliver) in subscribers where !deliver(item) { subscribers[id] = nil }
  }

  /// On the loop, so that nothing that follows from a secret leaves before it is durable; a few times an epoch.
  private func keep(_ contents: SecretBytes) {
    do { try secrets.save(contents) } catch { halt("\(error)") }
  }

  private func certified(_ certificate: GroupCertificate) {
    certificates[certificate.height % Self.certificatesKept] = certificate
    provenHeight = max(provenHeight, certificate.height)
    reliability.certify(through: provenHeight, at: Clock.monotonic)
    tell(.certificate(certificate))
    while let first = provenWaiters.first, first.height <= provenHeight {
      provenWaiters.removeFirst()
      first.promise.succeed(())
    }
  }

  /// Hands a checked transaction to the replica and waits for finality at most `timeout` nanoseconds.
  func submit(_ bytes: [UInt8], _ input: TransactionInput, timeout: Int64) async -> SubmitOutcome {
    let promise = loop.makePromise(of: SubmitOutcome.self)
    loop.execute { [self] in
      guard isStarted else { return promise.succeed(.refused(.noLane)) }
      nextTicket += 1
      let ticket = nextTicket
      let now = Clock.monotonic
      submissions[ticket] = Submission(answer: promise, since: now)
      reliability.accept(ticket, isOwn: false, at: now)
      let deadline = loop.scheduleTask(in: .nanoseconds(timeout)) { [self] in answer(ticket, .unknown) }
      promise.futureResult.whenComplete { _ in deadline.cancel() }
      feed(.submit(bytes: bytes, input, ticket: ticket))
    }
    return (try? await promise.futureResult.get()) ?? .unknown
  }

  /// A transaction of this validator itself, for which nobody waits; on the loop.
  func submitOwn(_ bytes: [UInt8], _ input: TransactionInput) {
    guard isStarted else { return }
    nextTicket += 1
    reliability.accept(nextTicket, isOwn: true, at: Clock.monotonic)
    feed(.submit(bytes: bytes, input, ticket: nextTicket))
  }

  /// Runs `body` on the state that a linearizable read may see.
  func readLinearizable<R: Sendable>(
    timeout: Int64, _ body: @escaping @Sendable (inout Replica) throws -> R
  ) async throws -> R {
    let promise = loop.makePromise(of: Bool.self)
    loop.execute { [self] in
      guard isStarted else { return promise.fail(ReadFailure.noQuorum) }
      nextTicket += 1
      let ticket = nextTicket
      reads[ticket] = promise
      let deadline = loop.scheduleTask(in: .nanoseconds(timeout)) { [self] in
        reads.removeValue(forKey: ticket)?.fail(ReadFailure.noQuorum)
      }
      promise.futureResult.whenComplete { _ in deadline.cancel() }
      feed(.read(ticket: ticket))
    }
    return try await promise.futureResult.flatMapThrowing { [self] _ in try readNow(body) }.get()
  }

  /// Runs `body` on this node's own final state.
  func readLocal<R: Sendable>(_ body: @escaping @Sendable (inout Replica) throws -> R) async throws -> R {
    try await loop.submit { [self] in try readNow(body) }.get()
  }

  /// Runs `body` on what is executed, final or not: it may be undone.
  func readSpeculative<R: Sendable>(_ body: @escaping @Sendable (inout Replica) throws -> R) async throws -> R {
    try await loop.submit { [self] in try body(&replica) }.get()
  }

  /// Whether this node gets anywhere: for the service manager. The answer comes through the loop, so a stuck loop gives
  /// none.
  func vitality() async throws -> Vitality {
    try await loop.submit { [self] in
      let oldest = [writeBegan, commitsBegan.first].compactMap { $0 }.min()
      return Vitality(
        height: replica.finalHeight, view: replica.consensus.view, peers: connectedPeers,
        others: replica.committee.n - (replica.index == nil ? 0 : 1),
        isBehind: replica.isBehind, isAmnesiac: replica.consensus.isAmnesiac, isWaiting: !isStarted,
        isHalted: isHalted,
        oldestWrite: oldest.map { Clock.monotonic - $0 } ?? 0)
    }.get()
  }

  /// On the loop: speculation is undone first, so that nothing is read that may never be final.
  private func readNow<R>(_ body: (inout Replica) throws -> R) throws -> R {
    if replica.hasSpeculation {
      replica.discardSpeculation()
      feed(.tick)
    }
    return try body(&replica)
  }

  /// A certificate that has just been made.
  func recentCertificate(at height: Height) async -> GroupCertificate? {
    let found = try? await loop.submit { [self] in certificates[height % Self.certificatesKept] }.get()
    return found.flatMap { $0.height == height ? $0 : nil }
  }

  /// Waits until `height` or a later one has a certificate; false after `timeout` nanoseconds.
  func waitProven(_ height: Height, timeout: Int64) async -> Bool {
    let promise = loop.makePromise(of: Void.self)
    loop.execute { [self] in
      guard height > provenHeight else { return promise.succeed(()) }
      let place = provenWaiters.firstIndex { $0.height > height } ?? provenWaiters.count
      provenWaiters.insert((height, promise), at: place)
      loop.scheduleTask(in: .nanoseconds(timeout)) { promise.fail(ReadFailure.noQuorum) }
    }
    do {
      try await promise.futureResult.get()
      return true
    } catch {
      return false
    }
  }

  /// Calls `deliver` on the loop with everything that becomes final, until it returns false: after the blocks from `from`
  /// on, or after the books as `books` finds them now. Nothing is ever called unless the stream is accepted.
  func subscribe(
    limit: Int, from: Height?, books: (@Sendable (Replica) -> [BookView])?,
    deliver: @escaping @Sendable (StreamItem) -> Bool
  ) async -> StreamStart {
    let start = try? await loop.submit { [self] in
      guard subscribers.count + readers < limit else { return StreamStart.full }
      let height = replica.finalHeight
      var backlog: [StreamBlock] = []
      if let from {
        guard from <= height + 1 else { return .ahead(last: height) }
        let first = window.last == 0 ? height + 1 : window.first
        guard from >= first, let kept = window.blocks(from: from) else { return .gone(first: first) }
        backlog = kept
      }
      var found: [BookView] = []
      if from == nil, let books { found = try readNow { books($0) } }
      nextTicket += 1
      subscribers[nextTicket] = deliver
      return .accepted(backlog: backlog, books: found, height: height)
    }.get()
    return start ?? .full
  }

  /// Counts a stream that reads the ledger before it subscribes; false if too many are open.
  func beginReading(limit: Int) async -> Bool {
    let isAccepted = try? await loop.submit { [self] in
      guard subscribers.count + readers < limit else { return false }
      readers += 1
      return true
    }.get()
    return isAccepted ?? false
  }

  func endReading() async { _ = try? await loop.submit { [self] in readers -= 1 }.get() }
}

extension Input {
  /// Whether it says a peer's number, which another committee gives to somebody else.
  fileprivate var namesPeer: Bool {
    switch self {
    case .connected, .disconnected, .message, .loaded, .checked: true
    case .start, .tick, .submit, .read, .verified, .committed, .seed: false
    }
  }
}
