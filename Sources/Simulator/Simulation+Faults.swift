// What disturbs a network, within the bounds that the protocol promises to bear, and how it is healed.

import Consensus
import Ledger
import Primitives
import Replica

enum Phase {
  case start
  /// Faults, until then.
  case faults
  /// All is healed; finality must return.
  case liveness(Healing)
}

/// What has to be reached after healing.
struct Healing {
  var since: Instant
  var view: View
  var height: Height
  var deadline: Instant
  /// Honest nodes whose client was answered since.
  var answered: Set<Int> = []
  var askedAt: Instant
  /// Highest view of an honest node when the first new block became final.
  var firstFinalView: View?
}

/// How a fault ends.
enum Mend {
  case uncut([Int], resets: Bool)
  case restore(Int)
}

extension Simulation {
  private static let livenessPatience = 10 * Duration64.minute

  func schedulePhases() {
    if options.faultPhase == 0 {
      phase = .faults
      return
    }
    phase = .faults
    isHealed = false
    schedule(.phase, after: options.faultPhase)
    schedule(.fault, after: faultRandom.exponential(options.faultEvery) + Duration64.millisecond)
  }

  func nextPhase() {
    switch phase {
    case .start, .faults: heal()
    case .liveness(let healing): judge(healing)
    }
  }

  // MARK: Healing

  private func heal() {
    guard options.faultPhase > 0 else { return }
    for fault in open { mend(fault.mend) }
    open.removeAll()
    isHealed = true
    for place in links.indices {
      links[place].cuts = 0
      links[place].cloggedUntil = 0
    }
    for host in hosts {
      host.stalledUntil = 0
      host.failsReads = false
      host.failsNextSync = false
      host.failsNextCommit = false
      host.clock.skew = min(max(host.clock.skew, -options.clock.skew), options.clock.skew)
      if !host.isUp { restart(host) }
    }
    let live = honest.compactMap(\.replica)
    let healing = Healing(
      since: now, view: live.map(\.consensus.view).max() ?? 0, height: live.map(\.finalHeight).max() ?? 0,
      deadline: now + Self.livenessPatience, askedAt: now)
    phase = .liveness(healing)
    note(.healed)
    report.healings += 1
    sendMarkers()
    schedule(.phase, after: 100 * Duration64.millisecond)
  }

  /// Finality is back at every honest node, and clients are answered; or there is still time.
  private func judge(_ healing: Healing) {
    var healing = healing
    guard case .liveness(let current) = phase else { return }
    healing.answered = current.answered
    let live = honest.compactMap { host in host.replica.map { (host, $0) } }
    if healing.firstFinalView == nil, live.contains(where: { $0.1.finalHeight > healing.height }) {
      let view = live.map(\.1.consensus.view).max() ?? 0
      healing.firstFinalView = view
      report.slowestFinality = max(report.slowestFinality, now - healing.since)
      let allowed = options.viewsToFinality + View(options.adversaries.count)
      if view > healing.view + allowed {
        violate("finality within \(allowed) views of healing", "from view \(healing.view) to \(view)")
      }
    }
    let isDone =
      live.allSatisfy { $0.1.finalHeight > healing.height && healing.answered.contains($0.0.number) }
      && !hosts.contains { $0.isHonest && !$0.isUp }
    if isDone {
      report.slowestHealing = max(report.slowestHealing, now - healing.since)
      isHealed = false
      phase = .faults
      schedule(.phase, after: options.faultPhase)
      return schedule(.fault, after: faultRandom.exponential(options.faultEvery) + Duration64.millisecond)
    }
    guard now < healing.deadline else {
      let heights = live.map { "\($0.0.number):\($0.1.finalHeight)/\($0.1.consensus.view)" }.joined(separator: " ")
      return violate(
        "finality returns after healing",
        "height was \(healing.height) in view \(healing.view); now (node:height/view) \(heights); "
          + "answered \(healing.answered.sorted())")
    }
    if now - healing.askedAt >= 5 * Duration64.second {
      healing.askedAt = now
      phase = .liveness(healing)
      sendMarkers()
    } else {
      phase = .liveness(healing)
    }
    schedule(.phase, after: 100 * Duration64.millisecond)
  }

  /// A transfer to every honest node that has not answered one since the network healed.
  private func sendMarkers() {
    guard case .liveness(let healing) = phase else { return }
    for host in honest where host.isUp && !healing.answered.contains(host.number) { submitMarker(to: host) }
  }

  func markerAnswered(by host: SimulatedHost, since: Instant) {
    guard case .liveness(var healing) = phase, since >= healing.since else { return }
    healing.answered.insert(host.number)
    phase = .liveness(healing)
  }

  // MARK: Faults

  func fault() {
    guard !isHealed else { return }
    for host in hosts where host.adversary?.forgetsVotes == true && host.isUp && faultRandom.below(4) == 0 {
      crash(host)
      schedule(.restart(host.number), after: pause(1, 500))
    }
    schedule(.fault, after: faultRandom.exponential(options.faultEvery) + Duration64.millisecond)
    guard !options.faults.isEmpty else { return }
    let kind = options.faults[Int(faultRandom.below(UInt64(options.faults.count)))]
    if inject(kind) { report.faults[kind, default: 0] += 1 }
  }

  private func randomHost() -> SimulatedHost { hosts[Int(faultRandom.below(UInt64(hosts.count)))] }

  private func pause(_ low: Int64, _ high: Int64) -> Instant { faultRandom.between(low, high) * Duration64.millisecond }

  /// False if the fault does not fit the moment.
  private func inject(_ kind: FaultKind) -> Bool {
    let host = randomHost()
    switch kind {
    case .isolateOne: cut(around: [host.number])
    case .isolateLeader: cut(around: machines(of: currentLeader))
    case .halves:
      let side = hosts.indices.filter { _ in faultRandom.below(2) == 0 }
      cut(around: side)
    case .oneWay: cutOneWay(host.number)
    case .clog: clog()
    case .crash:
      guard host.isUp else { return false }
      let isLeader = machines(of: currentLeader).contains(host.number)
      crash(host)
      if isLeader { leaderCrashedIn = highestView }
      schedule(.restart(host.number), after: pause(10, 20_000))
    case .crashAll:
      note(.allCrashed)
      for host in hosts where host.isUp {
        crash(host)
        schedule(.restart(host.number), after: pause(10, 3_000))
      }
    case .stall:
      guard host.isUp else { return false }
      host.stalledUntil = now + pause(50, 5_000)
    case .clockJump: host.clock.skew += pause(-10_000, 10_000)
    case .failedSync: host.failsNextSync = true
    case .diskFull: host.failsNextCommit = true
    case .bitRot, .lostJournal, .olderDisk: return damage(host, kind)
    case .burst: load.burstUntil = now + pause(200, 5_000)
    case .priceCrash: load.crashPrices(&faultRandom)
    }
    return true
  }

  var highestView: View { honest.compactMap { $0.replica?.consensus.view }.max() ?? 0 }
  private var currentLeader: PublicKey {
    let committee = presentCommittee
    return committee.keys[Int(committee.leader(of: highestView))]
  }

  // MARK: Network

  private func cut(around side: [Int]) {
    let inside = Set(side)
    var cuts: [Int] = []
    for a in hosts.indices {
      for b in hosts.indices where inside.contains(a) != inside.contains(b) { cuts.append(link(a, b)) }
    }
    open(cuts)
  }

  private func cutOneWay(_ number: Int) {
    let isOutgoing = faultRandom.below(2) == 0
    var cuts: [Int] = []
    for peer in hosts.indices where peer != number && faultRandom.below(3) != 0 {
      cuts.append(isOutgoing ? link(number, peer) : link(peer, number))
    }
    open(cuts)
  }

  private func open(_ cuts: [Int]) {
    for place in cuts { links[place].cuts += 1 }
    openFault(.uncut(cuts, resets: faultRandom.below(2) == 0), for: pause(20, 15_000))
  }

  private func clog() {
    let until = now + pause(10, 5_000)
    for place in links.indices where faultRandom.below(4) == 0 {
      links[place].cloggedUntil = max(links[place].cloggedUntil, until)
    }
  }

  private func openFault(_ mend: Mend, for span: Instant) {
    faultNumber += 1
    open.append((faultNumber, mend))
    schedule(.mend(faultNumber), after: span)
  }

  func mend(_ number: UInt64) {
    guard let place = open.firstIndex(where: { $0.number == number }) else { return }
    mend(open.remove(at: place).mend)
  }

  private func mend(_ mend: Mend) {
    switch mend {
    case .uncut(let cuts, let resets):
      for place in cuts { links[place].cuts = max(0, links[place].cuts - 1) }
      guard resets else { return }
      for place in cuts {
        let (a, b) = (place / hosts.count, place % hosts.count)
        guard links[place].isConnected else { continue }
        disconnect(a, b)
        connectSoon(a, b)
      }
    case .restore(let number): hosts[number].failsReads = false
    }
  }

  // MARK: Disks

  /// Loss of memory: of at most f nodes at a time, Byzantine ones included.
  private func damage(_ host: SimulatedHost, _ kind: FaultKind) -> Bool {
    guard host.isUp else { return false }
    if kind == .olderDisk, host.snapshot == nil || faultRandom.below(3) == 0 {
      host.snapshot = (host.store.copy(), host.journal, host.secrets)
      return false
    }
    let bearable = options.joiners > 0 ? min(1, options.f) : options.f
    guard !host.isUnsure, hosts.count(where: \.isUnsure) < bearable else {
      guard kind == .bitRot, !host.failsReads else { return false }
      host.failsReads = true
      openFault(.restore(host.number), for: pause(100, 5_000))
      return true
    }
    crash(host)
    host.loseMemory()
    checker.losesMemory(host.identity)
    switch kind {
    case .bitRot: host.rotsAtRestart = true
    case .lostJournal: host.journal.lose()
    default:
      guard let snapshot = host.snapshot else { return false }
      host.snapshot = nil
      host.store = snapshot.store
      host.journal = snapshot.journal
      host.secrets = snapshot.secrets
      note(.olderDisk)
    }
    schedule(.restart(host.number), after: pause(10, 3_000))
    return true
  }
}
