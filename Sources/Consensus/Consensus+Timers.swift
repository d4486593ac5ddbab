// C1: when a node stops waiting. D follows the measured delay of votes; no timer ever decides anything but a nullify
// before the first vote.

import Primitives

/// D: 1.5 x the 95th percentile of vote arrival after receipt of the proposal, within bounds.
struct DelayEstimate: Sendable {
  private static let samplesMax = 128
  private static let samplesMin = 8
  private let minimum: Instant
  private let maximum: Instant
  private var samples: [Instant] = []
  private var next = 0
  private var base: Instant

  init(settings: ConsensusSettings) {
    minimum = settings.delayMin
    maximum = settings.delayMax
    base = settings.delayInitial
  }

  mutating func add(_ sample: Instant) {
    let sample = min(max(sample, 0), maximum)
    if samples.count < Self.samplesMax { samples.append(sample) } else { samples[next] = sample }
    next = (next + 1) % Self.samplesMax
    guard samples.count >= Self.samplesMin, next % Self.samplesMin == 0 else { return }
    let sorted = samples.sorted()
    let percentile = sorted[(sorted.count - 1) * 95 / 100]
    base = min(max(percentile * 3 / 2, minimum), maximum)
  }

  /// x 1.5 for each consecutive view that did not become final, up to 8 x.
  func current(nonFinalViews: UInt64) -> Instant {
    var delay = base
    for _ in 0..<min(nonFinalViews, 6) { delay = delay * 3 / 2 }
    return min(delay, base * 8)
  }
}

/// tCert: when to send the own votes of the current view again, at growing intervals.
struct Resend: Sendable {
  var at: Instant?
  private var interval: Instant = 0

  mutating func arm(at now: Instant, delay: Instant) {
    interval = 3 * delay
    at = now + interval
  }

  mutating func fire(at now: Instant) {
    interval = min(interval * 2, 2 * Duration64.second)
    at = now + interval
  }
}

extension Consensus {
  /// tProp of C1: 2 D after there is something to order, or after the heartbeat of an idle network; at once if the leader
  /// will not propose.
  var proposalDeadline: Instant {
    if leaderIsHopeless { return enteredAt }
    let start = min(workSince ?? .max, enteredAt + settings.heartbeat)
    return max(start, enteredAt) + 2 * currentDelay
  }

  /// C1: the leader sent nullify itself, or was silent for `skip` views while Q others were active.
  private var leaderIsHopeless: Bool {
    let leader = Int(committee.leader(of: view))
    if let first = views[view]?.voters[leader].first, first.block == nil { return true }
    guard view > settings.skip, index.map({ Int($0) != leader }) ?? true else { return false }
    let since = view - settings.skip
    guard peers[leader].activeView < since else { return false }
    var active = index == nil ? 0 : 1
    for (place, peer) in peers.enumerated() where place != leader && index.map({ Int($0) != place }) ?? true {
      if peer.activeView >= since { active += 1 }
    }
    return rules.isQuorum(active)
  }

  mutating func fireTimers(_ now: Moment, _ effects: inout [Effect]) {
    let time = now.monotonic
    if time >= proposalDeadline { markDirty(view) }
    if let wait = clockWait, wait <= time {
      clockWait = nil
      markDirty(from: head.header.view)
    }
    if let at = resend.at, at <= time {
      // C1, tCert: changes no vote.
      resend.fire(at: time)
      resendVotes(of: view, &effects)
      wantMissingHeaders(of: view)
    }
    if statusAt <= time { sendStatus(now, &effects) }
    if time - progressAt >= standstillPatience, standstillAt <= time { standstill(now, &effects) }
  }

  private func wants(proposalBy deadline: Instant, after now: Instant) -> Instant? { deadline > now ? deadline : nil }

  /// Asks for the next wake-up.
  mutating func schedule(_ now: Moment, _ effects: inout [Effect]) {
    let time = now.monotonic
    var next = statusAt
    if let index, mayVote(in: view) {
      if own(in: view).isEmpty, proposalDeadline > time { next = min(next, proposalDeadline) }
      let heartbeat = enteredAt + settings.heartbeat
      if committee.leader(of: view) == index, heartbeat > time { next = min(next, heartbeat) }
      if rules.timerNullifiesAfterNotarize, proposalDeadline > time { next = min(next, proposalDeadline) }
    }
    for instant in [resend.at, clockWait, nextFetch] {
      if let instant { next = min(next, instant) }
    }
    next = min(next, max(standstillAt, progressAt + standstillPatience))
    next = max(next, time)
    guard next != timerAt else { return }
    timerAt = next
    effects.append(.timer(at: next))
  }

  /// C14: evaluates the view again when the wall clock has reached this.
  mutating func waitForClock(_ timestamp: Timestamp, _ now: Moment) {
    let wait = min(max(timestamp.subtracting(now.wall) ?? .max, 0), Duration64.minute)
    let at = now.monotonic + wait
    clockWait = min(clockWait ?? at, at)
  }

  func resendVotes(of view: View, _ effects: inout [Effect]) {
    for vote in own(in: view).all { effects.append(.broadcast(.vote(vote))) }
  }

  private mutating func wantMissingHeaders(of view: View) {
    guard let state = views[view] else { return }
    for voter in state.voters {
      for vote in voter.all {
        if let block = vote.block, held(block)?.header == nil {
          want(block, view, content: false, from: vote.voter)
        }
      }
    }
  }
}
