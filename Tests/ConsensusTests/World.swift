// A small network of real Consensus values: virtual time, lossy links, crashes, Byzantine members, and checkers that
// restate the rules on their own. One seed is one run.

import Consensus
import Primitives
import Sodium
import Wire

let millisecond = Duration64.millisecond

struct WorldOptions {
  var validators = 4
  var byzantine = 0
  var seed: UInt64 = 1
  var lossPercent: UInt64 = 0
  var duplicatePercent: UInt64 = 0
  var latencyMax: Instant = 10 * millisecond
  var crashes = false
  var mutation: ProtocolMutation = .none
  var scheme: SignatureScheme = .standIn
  var working = true
  var omissionPercent: UInt64 = 0
}

struct TestHost {
  var consensus: Consensus
  var journal: [JournalEntry] = []
  var head: RecoveredHead?
  var headRoot: Digest
  var proposals: [Digest: Proposal] = [:]
  var roots: [Digest: Digest] = [:]
  var waiting: [Digest] = []
  var finals: [Digest] = []
  var lastFinal: Digest
  var finalHeight: Height = 0
  var boots: UInt64 = 1
  var up = true
}

final class World {
  enum Event {
    case deliver(to: Int, from: Int, ConsensusMessage)
    case tick(Int)
    case restart(Int)
  }

  let options: WorldOptions
  let chain = Digest(words: (1, 2, 3, 4))
  let genesisRoot = Digest(words: (9, 9, 9, 9))
  let signers: [Signer]
  let committee: Committee
  var settings = ConsensusSettings()
  var hosts: [TestHost] = []
  var adversaries: [Int: Adversary] = [:]
  var random: SeededRandom
  var now: Instant = 1_000_000_000
  var healed = false
  private var heap: [(at: Instant, order: UInt64, event: Event)] = []
  private var order: UInt64 = 0

  private var inputs: [(Int, Consensus.Input)] = []
  private var stepping = false

  // Checkers.
  var violations: [String] = []
  var chainByHeight: [Height: Digest] = [:]
  var headers: [Digest: Header] = [:]
  var votes: [String: Vote] = [:]
  var finalizedIn: [String: Bool] = [:]
  /// Certificates of final blocks, for catch-up.
  var proofs: [Digest: Certificate] = [:]
  var evidence = 0
  var caughtUp = 0
  var steps = 0
  /// More events than any run needs: a storm is a bug too.
  var stepsMax = 60_000
  var reports = 0
  var blocked: (Int, Int) -> Bool = { _, _ in false }
  /// Sees every message an honest node sends.
  var observe: (Int, ConsensusMessage) -> Void = { _, _ in }

  init(_ options: WorldOptions, configure: (inout ConsensusSettings) -> Void = { _ in }) {
    self.options = options
    random = SeededRandom(seed: options.seed)
    signers = (0..<options.validators).map { number in
      if options.scheme == .ed25519, let key = SigningKey(seed: [UInt8](repeating: UInt8(number + 1), count: 32)) {
        return .ed25519(key)
      }
      return .standIn(PublicKey(words: (7, 7, 7, UInt64(number))))
    }
    let keys = signers.map(\.publicKey)
    committee = Committee(chain: chain, epoch: 0, keys: keys, mutation: options.mutation)
    settings.delayInitial = 50 * millisecond
    configure(&settings)
    for number in 0..<options.validators {
      hosts.append(makeHost(number, journal: [], head: nil, root: genesisRoot, boots: 1, amnesiac: false))
      if number < options.byzantine { adversaries[number] = Adversary(number: number, world: self) }
    }
  }

  private func makeHost(
    _ number: Int, journal: [JournalEntry], head: RecoveredHead?, root: Digest, boots: UInt64, amnesiac: Bool
  ) -> TestHost {
    let isByzantine = number < options.byzantine
    let consensus = Consensus(
      committee: committee, index: isByzantine ? nil : ValidatorIndex(number), signer: signers[number],
      scheme: options.scheme, settings: settings,
      recovered: Recovered(entries: journal, amnesiac: amnesiac, head: head, genesisRoot: root),
      bootId: boots &* 1000 &+ UInt64(number))
    let headHash = head?.proposal.header.hash(chain: chain) ?? chain
    var host = TestHost(consensus: consensus, journal: journal, head: head, headRoot: root, lastFinal: headHash)
    host.roots[headHash] = root
    host.finalHeight = head?.proposal.header.height ?? 0
    host.boots = boots
    if let head { host.proposals[headHash] = head.proposal }
    return host
  }

  var honest: [Int] { Array(options.byzantine..<options.validators) }
  var moment: Moment { Moment(monotonic: now, wall: now + 1_700_000_000_000_000_000) }

  // MARK: Events

  func schedule(_ event: Event, at instant: Instant) {
    order += 1
    heap.append((max(instant, now), order, event))
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard precedes(child, parent) else { break }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  private func precedes(_ a: Int, _ b: Int) -> Bool { (heap[a].at, heap[a].order) < (heap[b].at, heap[b].order) }

  private func pop() -> (at: Instant, order: UInt64, event: Event)? {
    guard let first = heap.first, let last = heap.popLast() else { return nil }
    guard !heap.isEmpty else { return first }
    heap[0] = last
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && precedes(child, least) { least = child }
      if least == parent { break }
      heap.swapAt(parent, least)
      parent = least
    }
    return first
  }

  func start() {
    for number in hosts.indices {
      step(number, .start)
      if options.working { step(number, .work(true)) }
    }
  }

  func run(for duration: Instant, until done: (World) -> Bool = { _ in false }) {
    let end = now + duration
    while violations.isEmpty, let next = heap.first, next.at <= end, !done(self) {
      guard let (at, _, event) = pop() else { break }
      now = at
      steps += 1
      if steps > stepsMax {
        violations.append("a storm of messages at \(now), views \(hosts.map { $0.consensus.view }), last \(event)")
      }
      switch event {
      case .deliver(let to, let from, let message):
        guard hosts[to].up else { continue }
        step(to, .message(from: ValidatorIndex(from), message))
        catchUp(to, from: from)
        if adversaries[from] == nil { adversaries[to]?.hear(message) }
      case .tick(let number): if hosts[number].up { step(number, .tick) }
      case .restart(let number): restart(number, amnesiac: false)
      }
      if options.crashes, !healed, random.below(400) == 0 { crashOne() }
    }
    if now < end, !done(self) { now = end }
  }

  private func crashOne() {
    let victim = Int(random.below(UInt64(options.validators)))
    guard hosts[victim].up, adversaries[victim] == nil else { return }
    hosts[victim].up = false
    schedule(.restart(victim), at: now + Instant(random.below(1000)) * millisecond)
  }

  func restart(_ number: Int, amnesiac: Bool, journal: [JournalEntry]? = nil) {
    let old = hosts[number]
    let entries = journal ?? (random.below(2) == 0 ? old.journal : old.up ? old.consensus.liveJournal() : old.journal)
    hosts[number] = makeHost(
      number, journal: entries, head: old.head, root: old.headRoot, boots: old.boots + 1, amnesiac: amnesiac)
    step(number, .start)
    if options.working { step(number, .work(true)) }
    for peer in hosts.indices where peer != number { step(number, .connected(ValidatorIndex(peer))) }
  }

  // MARK: The host's side

  /// Answers to effects are given after all effects of a step were performed.
  func step(_ number: Int, _ input: Consensus.Input) {
    inputs.append((number, input))
    guard !stepping else { return }
    stepping = true
    var next = 0
    while next < inputs.count {
      let (number, input) = inputs[next]
      next += 1
      var effects: [Consensus.Effect] = []
      hosts[number].consensus.step(input, at: moment, into: &effects)
      for effect in effects { perform(effect, of: number) }
      advance(number)
    }
    inputs.removeAll(keepingCapacity: true)
    stepping = false
  }

  private func perform(_ effect: Consensus.Effect, of number: Int) {
    switch effect {
    case .persist(let entry): hosts[number].journal.append(entry)
    case .send(let peer, let message): send(message, from: number, to: Int(peer))
    case .broadcast(let message):
      for peer in hosts.indices where peer != number { send(message, from: number, to: peer) }
    case .wantProposal(let view, _, let parent): propose(view, parent, by: number)
    case .validate(let hash, let proposal):
      hold(hash, proposal, by: number)
      let omission = random.below(100) < options.omissionPercent && !healed
      step(number, .verdict(block: hash, .available(omission: omission)))
    case .notarized(let hash, let proposal): hold(hash, proposal, by: number)
    case .final(let hash, let certificate): noteFinal(hash, certificate, by: number)
    case .stateFinal(let height, let hash, let root, let certificate):
      noteState(height, hash, root, certificate, by: number)
    case .timer(let at): schedule(.tick(number), at: at)
    case .stateVote: break
    case .evidence: evidence += 1
    case .report: reports += 1
    case .diverged(let height, _, _): violations.append("node \(number) diverged at \(height)")
    case .needProposal, .enteredView: break
    }
    if case .enteredView(let view, _) = effect { adversaries[number]?.entered(view) }
  }

  private func propose(_ view: View, _ parent: Digest, by number: Int) {
    var executed = parent
    while hosts[number].roots[executed] == nil, let proposal = hosts[number].proposals[executed] {
      executed = proposal.header.parentHash
    }
    guard let root = hosts[number].roots[executed] else { return }
    let height = executed == chain ? 0 : hosts[number].proposals[executed]?.header.height ?? 0
    let cut = Array("\(number)/\(view)/\(hosts[number].boots)".utf8)
    step(
      number,
      .proposalContent(
        view: view, parent: parent, cut: cut, executedHeight: height, executedRoot: root, historyRoot: .zero))
  }

  /// The state after a block, as everybody computes it.
  func rootAfter(_ hash: Digest, over parent: Digest) -> Digest { Blake2b.hash(parent.bytes + hash.bytes) }

  /// Executes what can be executed.
  private func advance(_ number: Int) {
    guard adversaries[number] == nil else { return }
    while let place = hosts[number].waiting.firstIndex(where: { isExecutable($0, by: number) }) {
      let hash = hosts[number].waiting.remove(at: place)
      guard let proposal = hosts[number].proposals[hash], let parent = hosts[number].roots[proposal.header.parentHash]
      else { continue }
      let root = rootAfter(hash, over: parent)
      hosts[number].roots[hash] = root
      step(number, .executed(block: hash, stateRoot: root))
    }
  }

  private func isExecutable(_ hash: Digest, by number: Int) -> Bool {
    guard let proposal = hosts[number].proposals[hash] else { return false }
    return hosts[number].roots[proposal.header.parentHash] != nil
  }

  private func hold(_ hash: Digest, _ proposal: Proposal, by number: Int) {
    hosts[number].proposals[hash] = proposal
    if hosts[number].roots[hash] == nil, !hosts[number].waiting.contains(hash) { hosts[number].waiting.append(hash) }
  }

  /// What a host does for a node that is far behind: fetches final blocks from a peer and executes them.
  private func catchUp(_ number: Int, from source: Int) {
    guard adversaries[number] == nil, adversaries[source] == nil,
      hosts[source].finalHeight > hosts[number].finalHeight + 16,
      let top = hosts[source].finals.last(where: { proofs[$0] != nil }), let certificate = proofs[top],
      let last = hosts[source].proposals[top], last.header.height > hosts[number].finalHeight
    else { return }
    for height in hosts[number].finalHeight + 1...last.header.height {
      guard let hash = chainByHeight[height], let proposal = hosts[source].proposals[hash] else { return }
      hold(hash, proposal, by: number)
      hosts[number].finals.append(hash)
      hosts[number].lastFinal = hash
      hosts[number].finalHeight = height
    }
    step(number, .caughtUp(last, certificate))
    advance(number)
    caughtUp += 1
  }

  func send(_ message: ConsensusMessage, from: Int, to: Int) {
    if adversaries[from] == nil { check(message, from: from) }
    if adversaries[from] == nil { observe(from, message) }
    guard from != to, !blocked(from, to) else { return }
    if !healed, random.below(100) < options.lossPercent { return }
    var copies = 1
    if !healed, random.below(100) < options.duplicatePercent { copies = 2 }
    for _ in 0..<copies {
      let latency = millisecond + Instant(random.below(UInt64(options.latencyMax)))
      schedule(.deliver(to: to, from: from, message), at: now + latency)
    }
  }

  // MARK: Checkers, restated independently of the product

  private func check(_ message: ConsensusMessage, from: Int) {
    if case .proposal(let proposal) = message { headers[proposal.header.hash(chain: chain)] = proposal.header }
    guard case .vote(let vote) = message, Int(vote.voter) == from else { return }
    let view = "\(from)/\(vote.view)"
    if vote.kind == .first {
      if let old = votes[view], old != vote { violations.append("two first votes by \(from) in view \(vote.view)") }
      votes[view] = vote
    }
    if vote.kind == .finalize {
      finalizedIn[view] = true
      if votes[view]?.block != vote.block { violations.append("finalize of another block by \(from)") }
      if votes[view + "f"] != nil { violations.append("finalize after fallback by \(from) in view \(vote.view)") }
    }
    if vote.kind == .fallback {
      votes[view + "f"] = vote
      if finalizedIn[view] == true { violations.append("fallback after finalize by \(from) in view \(vote.view)") }
      if votes[view] == nil { violations.append("fallback before first by \(from) in view \(vote.view)") }
    }
  }

  private func noteFinal(_ hash: Digest, _ certificate: Certificate, by number: Int) {
    guard adversaries[number] == nil,
      let proposal = hosts[number].proposals[hash] ?? hosts[number].consensus.proposal(hash)
    else { return }
    hold(hash, proposal, by: number)
    if certificate.block == hash { proofs[hash] = certificate }
    let header = proposal.header
    if let old = chainByHeight[header.height], old != hash {
      violations.append("two final blocks at height \(header.height)")
    }
    chainByHeight[header.height] = hash
    if header.height != hosts[number].finalHeight + 1 || header.parentHash != hosts[number].lastFinal {
      violations.append("node \(number): final block \(header.height) does not extend \(hosts[number].finalHeight)")
    }
    if !certificate.provesFinality || !certificate.verify(committee: committee, scheme: options.scheme) {
      violations.append("node \(number): no proof of finality")
    }
    hosts[number].finals.append(hash)
    hosts[number].lastFinal = hash
    hosts[number].finalHeight = header.height
  }

  private func noteState(
    _ height: Height, _ hash: Digest, _ root: Digest, _ certificate: Certificate, by number: Int
  ) {
    guard adversaries[number] == nil else { return }
    if chainByHeight[height] != hash { violations.append("state of a block that is not final") }
    if let ours = hosts[number].roots[hash], ours != root { violations.append("wrong root certified at \(height)") }
    if let proposal = hosts[number].proposals[hash], hosts[number].roots[hash] != nil {
      hosts[number].head = RecoveredHead(proposal: proposal, certificate: certificate)
      hosts[number].headRoot = root
    }
  }

  var highestFinal: Height { honest.map { hosts[$0].finalHeight }.max() ?? 0 }
  var lowestFinal: Height { honest.map { hosts[$0].finalHeight }.min() ?? 0 }
  var highestView: View { honest.map { hosts[$0].consensus.view }.max() ?? 0 }
}
