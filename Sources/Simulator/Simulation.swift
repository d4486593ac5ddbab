// Another host for `Replica`: virtual time, network and disks around many of them. A run is a function of its options.
//
// It performs the duties that the door of `Replica` lists, as the node's own host does: effects in order; messages,
// receipts and reads held until the records they depend on are durable, while the loop goes on with other inputs; one
// sync at a time, of everything appended before it began. What it adds is control: when each sync ends, what a crash
// leaves of it, when each message arrives, and what the clocks say.
//
// Parts: +Hosts starts, steps and crashes; +Effects performs; +Network carries; +Faults disturbs and heals; +Load is the
// clients; `Checker` holds the rules against what is seen from outside.

import Clearing
import Consensus
import Ledger
public import Primitives
import Replica
import Sodium

public final class Simulation {
  public let options: SimulationOptions
  let genesis: Genesis
  let chain: Digest
  let committee: Committee
  let settings: ReplicaSettings
  let identities: Identities

  var hosts: [SimulatedHost] = []
  /// Hosts by identity: two for a twin.
  var hostsOf: [[Int]] = []
  var links: [Link] = []
  var queue = EventQueue()
  public internal(set) var now: Instant = 0
  var trace = TraceHash()
  var report: SimulationReport
  var checker: Checker
  var thresholdChecker: ThresholdChecker
  var oracle: Oracle?
  var load: Workload
  var phase = Phase.start
  /// Open faults by number, to be mended.
  var open: [(number: UInt64, mend: Mend)] = []
  var faultNumber: UInt64 = 0
  var isHealed = true
  /// View in which a leader crashed, until another one's block is final.
  var leaderCrashedIn: View?
  /// Effects of the step under way; kept for its memory.
  var effects: [Effect] = []
  /// What the pure check of a batch gives, which is the same on every node.
  var verified: [Digest: [TransactionInput]] = [:]

  var networkRandom: SeededRandom
  var diskRandom: SeededRandom
  var seedRandom: SeededRandom
  var faultRandom: SeededRandom

  /// Whether a message from one host to another is lost: the scripts of Twins. Nil is never.
  var isBlocked: ((_ from: Int, _ to: Int, _ message: PeerMessage) -> Bool)?

  public convenience init(_ options: SimulationOptions) { self.init(options, twins: []) }

  /// `twins`: validators whose identity runs on two machines.
  init(_ options: SimulationOptions, twins: [Int]) {
    self.options = options
    precondition(options.joiners == 0 || (options.adversaries.isEmpty && twins.isEmpty), "all honest where sets change")
    let random = SeededRandom(seed: options.seed)
    networkRandom = random.stream(Purpose.network.rawValue)
    diskRandom = random.stream(Purpose.disks.rawValue)
    seedRandom = random.stream(Purpose.seeds.rawValue)
    faultRandom = random.stream(Purpose.faults.rawValue)
    identities = Identities(options)
    genesis = identities.genesis
    chain = genesis.chain
    committee = Committee(chain: chain, epoch: 0, keys: genesis.validators.map(\.key))
    var settings = ReplicaSettings()
    settings.journalBytesMax = options.journalBytesMax
    settings.consensus.heartbeat = options.heartbeat
    settings.consensus.delayInitial = options.delayInitial
    // The judge of what the network clears does not know the word of validators on each other.
    settings.reportsLate = false
    settings.reportsEvidence = false
    self.settings = settings
    report = SimulationReport(options: options)
    thresholdChecker = ThresholdChecker(chain: chain)
    checker = Checker(
      committee: committee, people: identities.validators.map(\.publicKey), scheme: options.signatures, chain: chain)
    oracle = options.hasOracle ? Oracle(genesis, scheme: options.signatures) : nil
    load = Workload(options, random: random)
    var clocks = random.stream(Purpose.keys.rawValue)
    for validator in Array(0..<options.validators + options.joiners) + twins {
      addHost(of: validator, isTwin: twins.contains(validator), &clocks)
    }
    links = Link.all(between: hosts.map { Int($0.identity) }, options, random: random)
  }

  private func addHost(of validator: Int, isTwin: Bool, _ clocks: inout SeededRandom) {
    let identity = ValidatorIndex(validator)
    let kind = options.adversaries.first { $0.validator == validator }?.kind
    let seed = SeededRandom(seed: options.seed).stream(Purpose.adversaries.rawValue &+ UInt64(hosts.count) << 8)
    let tools = AdversaryTools(
      index: identity, committee: committee, signer: identities.validators[validator], random: seed)
    let clock = HostClock(
      skew: clocks.between(-options.clock.skew, options.clock.skew),
      drift: clocks.between(-options.clock.drift, options.clock.drift),
      base: clocks.between(0, Duration64.hour), epoch: genesis.market.time)
    let adversary: (any Adversary)? = kind?.make(tools) ?? (isTwin ? Twin() : nil)
    hosts.append(
      SimulatedHost(
        number: hosts.count, identity: identity, signer: identities.validators[validator], adversary: adversary,
        clock: clock, chain: chain))
    while hostsOf.count <= validator { hostsOf.append([]) }
    hostsOf[validator].append(hosts.count - 1)
  }

  /// Runs to the end, or to the first violation.
  public func run() -> SimulationReport {
    begin()
    advance(until: options.duration)
    return finish()
  }

  func begin() {
    for host in hosts where !options.absent.contains(Int(host.identity)) { boot(host, journal: [], amnesiac: false) }
    schedulePhases()
    scheduleLoad()
    if options.joiners > 0 { schedule(.change, after: options.changeEvery) }
    schedule(.audit, after: Duration64.second)
  }

  /// Goes on to `end`, a violation, or until `done`, which is asked after each event.
  func advance(until end: Instant, done: () -> Bool = { false }) {
    while report.violations.isEmpty, let next = queue.nextAt, next <= end, let (at, event) = queue.pop() {
      now = at
      report.events &+= 1
      handle(event)
      if done() { return }
    }
    if report.violations.isEmpty { now = max(now, end) }
  }

  func finish() -> SimulationReport {
    if report.violations.isEmpty { auditState() }
    report.traceHash = trace.value
    report.elapsed = now
    report.height = checker.height
    report.certified = thresholdChecker.certified.count
    report.shares = thresholdChecker.sharesSeen
    report.successions = checker.committees.keys.max() ?? 0
    report.keyEpochs = thresholdChecker.keyEpochs.count
    report.firstKeyHeight = thresholdChecker.firstKeyHeight
    report.longestLockout = thresholdChecker.longestLockout
    report.judged = oracle?.transactions ?? 0
    for host in hosts {
      let views = host.pastViews + (host.replica?.consensus.statistics.viewsEntered ?? 0)
      report.views = max(report.views, views)
    }
    report.latencies.sort()
    report.slowLatencies.sort()
    for host in honest {
      report.overdue += UInt64(host.submissions.values.count { now - $0.at > SimulationReport.patience })
    }
    return report
  }

  private func handle(_ event: QueuedEvent) {
    guard event.kind != .world else { return happen(event.box?.happening) }
    let host = hosts[Int(event.host)]
    guard event.life == host.life else { return }
    if now < host.stalledUntil { return queue.push(event, at: host.stalledUntil) }
    trace.mix(UInt64(bitPattern: now) ^ UInt64(event.kind.rawValue) << 56 ^ UInt64(event.host) << 40)
    switch event.kind {
    case .deliver:
      trace.mix(event.bytes)
      report.messages &+= 1
      if let adversary = host.adversary { tell(adversary, of: host, event) }
      step(host, .message(from: number(of: event.from, at: host), event.bytes))
    case .wake:
      guard event.number == host.wakeNumber else { return }
      host.wakeAt = nil
      step(host, .tick)
    case .input:
      if let input = event.box?.input, event.number == host.numbering || !input.namesPeer { step(host, input) }
    case .synced: if event.number == host.syncNumber { synced(host) }
    case .unhurried: hurry(host)
    case .committed: committed(host)
    case .world: break
    }
  }

  private func happen(_ happening: Happening?) {
    switch happening {
    case .connect(let a, let b): connect(a, b)
    case .restart(let number): restart(hosts[number])
    case .fault: fault()
    case .mend(let number): mend(number)
    case .phase: nextPhase()
    case .submit: submitNext()
    case .read: readNext()
    case .observe(let number): observe(number)
    case .audit: audit()
    case .change: change()
    case nil: break
    }
  }

  func schedule(_ happening: Happening, after delay: Instant) {
    var event = QueuedEvent(kind: .world)
    event.box = QueuedEvent.Box(happening)
    queue.push(event, at: now + delay)
  }

  func schedule(_ input: Input, for host: SimulatedHost, after delay: Instant) {
    queue.push(
      QueuedEvent(
        kind: .input, host: UInt16(host.number), life: host.life, number: host.numbering, box: QueuedEvent.Box(input)),
      at: now + delay)
  }

  func schedule(_ kind: QueuedEvent.Kind, for host: SimulatedHost, number: UInt64 = 0, after delay: Instant) {
    queue.push(QueuedEvent(kind: kind, host: UInt16(host.number), life: host.life, number: number), at: now + delay)
  }

  func violate(_ rule: String, _ detail: @autoclosure () -> String) {
    guard report.violations.count < 16 else { return }
    report.violations.append(SimulationViolation(at: now, rule: rule, detail: detail()))
  }

  func note(_ mark: Mark, times: UInt64 = 1) { report.marks.note(mark, times: times) }

  var honest: [SimulatedHost] { hosts.filter(\.isHonest) }
}
