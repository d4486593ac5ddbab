// Links between machines. Sessions carry messages while both ends are up; what a partition or a loss takes is gone.

import Consensus
import Primitives
import Replica
import Threshold
import Wire

/// One direction between two hosts.
struct Link {
  var latencyMin: Instant
  var latencyMean: Instant
  /// Open partitions and one-way cuts over this link.
  var cuts = 0
  /// Nothing arrives before this.
  var cloggedUntil: Instant = 0
  var lastArrival: Instant = 0
  var isConnected = false

  /// Of all ordered pairs, row by row.
  static func all(between validators: [Int], _ options: SimulationOptions, random: SeededRandom) -> [Link] {
    var random = random.stream(Purpose.links.rawValue)
    let network = options.network
    var links: [Link] = []
    for from in validators {
      for to in validators {
        var least = network.latencyMin
        var mean = network.latencyMean
        if network.isUneven {
          least = least / 4 + Instant(random.below(UInt64(2 * least + 1)))
          mean = mean / 4 + Instant(random.below(UInt64(2 * mean + 1)))
        }
        if from < network.latencies.count, to < network.latencies[from].count { least = network.latencies[from][to] }
        links.append(Link(latencyMin: least, latencyMean: mean))
      }
    }
    return links
  }
}

extension Simulation {
  func link(_ from: Int, _ to: Int) -> Int { from * hosts.count + to }

  func broadcast(_ message: PeerMessage, from host: SimulatedHost) {
    if let adversary = host.adversary {
      for peer in 0..<committee.n where peer != Int(host.identity) {
        betray(message, from: host, adversary, to: peer)
      }
      return
    }
    checker.sees(message, from: host, self)
    thresholdChecker.sees(message, from: host, self)
    let bytes = message.wireBytes
    for peer in hosts where peer.identity != host.identity && isMember(peer, of: host) {
      carry(bytes, message, from: host.number, to: peer.number)
    }
  }

  func send(_ message: PeerMessage, from host: SimulatedHost, to peer: Int) {
    if let adversary = host.adversary { return betray(message, from: host, adversary, to: peer) }
    checker.sees(message, from: host, self)
    thresholdChecker.sees(message, from: host, self)
    deliver(message, from: host, to: peer)
  }

  private func deliver(_ message: PeerMessage, from host: SimulatedHost, to peer: Int) {
    let bytes = message.wireBytes
    for target in machines(numbered: peer, at: host) { carry(bytes, message, from: host.number, to: target) }
  }

  /// To an observer.
  func send(_ bytes: [UInt8], from host: SimulatedHost, toNumbered number: ValidatorIndex) {
    for target in machines(numbered: Int(number), at: host) {
      carry(bytes, .tip(0), from: host.number, to: target)
    }
  }

  /// What a Byzantine node sends instead.
  private func betray(_ message: PeerMessage, from host: SimulatedHost, _ adversary: any Adversary, to peer: Int) {
    var lies: [Lie] = []
    adversary.sends(message, to: ValidatorIndex(peer), at: view(of: host), into: &lies)
    spread(lies, instead: message, from: host)
  }

  /// It hears a message, and may say something at once.
  func tell(_ adversary: any Adversary, of host: SimulatedHost, _ event: QueuedEvent) {
    var lies: [Lie] = []
    adversary.hears(event.bytes, from: event.from, into: &lies)
    if host.isUp { spread(lies, instead: .tip(0), from: host) }
  }

  private func spread(_ lies: [Lie], instead message: PeerMessage, from host: SimulatedHost) {
    for lie in lies {
      for target in hostsOf[Int(lie.to)] {
        carry(lie.bytes, message, from: host.number, to: target, after: lie.delay)
      }
    }
  }

  private func view(of host: SimulatedHost) -> AdversaryView {
    let victim = hosts.first { $0.isHonest && $0.isUp }
    return AdversaryView(
      now: now, wall: host.clock.wall(at: now), view: host.replica?.consensus.view ?? 0,
      delay: victim?.replica?.consensus.currentDelay ?? Duration64.second,
      keys: host.replica?.system.finalKeys.running)
  }

  /// `message` is what `bytes` encode, for scripts.
  private func carry(_ bytes: [UInt8], _ message: PeerMessage, from: Int, to: Int, after delay: Instant = 0) {
    let place = link(from, to)
    guard links[place].isConnected, links[place].cuts == 0 else { return }
    if let isBlocked, isBlocked(from, to, message) { return }
    var copies = 1
    if !isHealed {
      if options.network.loss > 0, networkRandom.chance(perMille: options.network.loss) { return }
      if options.network.duplication > 0, networkRandom.chance(perMille: options.network.duplication) { copies = 2 }
    }
    for _ in 0..<copies {
      let latency = links[place].latencyMin + networkRandom.exponential(links[place].latencyMean)
      var at = max(now + delay + latency, links[place].cloggedUntil)
      if options.network.isOrdered {
        at = max(at, links[place].lastArrival)
        links[place].lastArrival = at
      }
      let event = QueuedEvent(
        kind: .deliver, host: UInt16(to), from: hosts[from].identity, life: hosts[to].life, bytes: bytes)
      queue.push(event, at: at)
    }
  }

  // MARK: Sessions

  func connectSoon(_ a: Int, _ b: Int) {
    schedule(.connect(a, b), after: 2 * links[link(a, b)].latencyMin + Duration64.millisecond)
  }

  func connect(_ a: Int, _ b: Int) {
    guard hosts[a].isUp, hosts[b].isUp, !links[link(a, b)].isConnected, isSession(a, b) else { return }
    guard links[link(a, b)].cuts == 0, links[link(b, a)].cuts == 0 else {
      return schedule(.connect(a, b), after: 300 * Duration64.millisecond)
    }
    links[link(a, b)].isConnected = true
    links[link(b, a)].isConnected = true
    schedule(.connected(number(of: hosts[b].identity, at: hosts[a])), for: hosts[a], after: 0)
    schedule(.connected(number(of: hosts[a].identity, at: hosts[b])), for: hosts[b], after: 0)
  }

  func disconnect(_ a: Int, _ b: Int) {
    guard links[link(a, b)].isConnected else { return }
    links[link(a, b)].isConnected = false
    links[link(b, a)].isConnected = false
    for (end, peer) in [(a, b), (b, a)] where hosts[end].isUp {
      let number = number(of: hosts[peer].identity, at: hosts[end])
      schedule(.disconnected(number), for: hosts[end], after: Duration64.millisecond)
    }
  }
}
