// Fetching what is missing, and answering those who miss something (D4, D9).

public import Primitives

/// A batch being fetched.
struct Want: Sendable {
  var point: LanePoint
  /// Those of this sequence and below are not needed.
  var after: UInt64
  /// Whom to ask first.
  var first: ValidatorIndex
  var attempts = 0
  var nextAt: Instant
  /// D5: when a cut of this view was found to lack it.
  var missedIn: View?
  var missedAt: Instant
}

extension Lanes {
  /// Wants of one lane at a time; the oldest gives way.
  private static var wantsPerLane: Int { 8 }
  /// After as many questions a want is given up; a host that still needs it calls `fetch` again.
  private static var attemptsLimit: Int { 64 }

  /// Asks for what a cut names and is not held: the leader first, then the lane's owner, then the others in turn, each
  /// after a longer wait. Calling it again for the same batches is harmless. `isVoteWaiting` is false for what only
  /// execution waits for: it makes no view slow (D5).
  public mutating func fetch(
    _ missing: [MissingBatch], from leader: ValidatorIndex, isVoteWaiting: Bool = true, at now: Instant,
    into effects: inout [Effect]
  ) {
    for batch in missing {
      want(batch.point, after: batch.after, from: leader, missedIn: isVoteWaiting ? view : nil, at: now)
    }
    runDue(at: now, into: &effects)
  }

  mutating func want(
    _ point: LanePoint, after: UInt64, from first: ValidatorIndex, missedIn: View?, at now: Instant
  ) {
    guard Int(point.lane) < lanes.count, !lanes[Int(point.lane)].chain.contains(point.hash) else { return }
    if let index = wants.firstIndex(where: { $0.point == point }) {
      wants[index].after = min(wants[index].after, after)
      if wants[index].missedIn == nil, missedIn != nil {
        wants[index].missedIn = missedIn
        wants[index].missedAt = now
        // A leader's proposal is a better source than whoever was asked so far.
        wants[index].first = first
        wants[index].attempts = 0
        wants[index].nextAt = now
      }
      return
    }
    if wants.count(where: { $0.point.lane == point.lane }) >= Self.wantsPerLane,
      let oldest = wants.firstIndex(where: { $0.point.lane == point.lane })
    {
      wants.remove(at: oldest)
    }
    wants.append(
      Want(point: point, after: after, first: first, nextAt: now, missedIn: missedIn, missedAt: now))
  }

  /// Loose batches above the main branch wait for predecessors: asks for the first one missing.
  mutating func wantPredecessors(of lane: Int, from peer: ValidatorIndex, at now: Instant) {
    let chain = lanes[lane].chain
    guard !chain.loose.isEmpty else { return }
    let tip = chain.tip
    for hash in chain.loose {
      guard let held = chain[hash], held.batch.sequence > tip.sequence + 1,
        !chain.contains(held.batch.previousHash)
      else { continue }
      let point = LanePoint(
        lane: ValidatorIndex(lane), sequence: held.batch.sequence - 1, hash: held.batch.previousHash)
      want(point, after: tip.sequence, from: peer, missedIn: nil, at: now)
    }
  }

  /// A wanted batch came: goes on to the one before it, which the rest of the same answer probably brings.
  mutating func continueFetch(_ want: Want, past new: HeldBatch, from: ValidatorIndex, at now: Instant) {
    guard new.batch.sequence > want.after + 1, new.batch.sequence - 1 > 0 else { return }
    var next: LanePoint? = LanePoint(
      lane: new.batch.lane, sequence: new.batch.sequence - 1, hash: new.batch.previousHash)
    while let point = next, point.sequence > want.after {
      guard let held = lanes[Int(point.lane)].chain[point.hash] else { break }
      guard held.batch.sequence == point.sequence, point.sequence > 1 else { return }
      next = LanePoint(lane: point.lane, sequence: point.sequence - 1, hash: held.batch.previousHash)
    }
    guard let point = next, point.sequence > want.after else { return }
    self.want(point, after: want.after, from: from, missedIn: want.missedIn, at: now)
    if let index = wants.firstIndex(where: { $0.point == point }) { wants[index].missedAt = want.missedAt }
  }

  var nextAsk: Instant? { wants.isEmpty ? nil : wants.lazy.map { $0.nextAt }.min() }

  mutating func askForWanted(at now: Instant, into effects: inout [Effect]) {
    guard wants.contains(where: { $0.nextAt <= now }) else { return }
    wants.removeAll { $0.attempts >= Self.attemptsLimit }
    var requests: [[BatchRequest]] = Array(repeating: [], count: keys.count)
    for index in wants.indices where wants[index].nextAt <= now {
      let want = wants[index]
      let wait = settings.fetchAfter << Int64(min(want.attempts, 8))
      wants[index].nextAt = now.saturatingAdding(min(wait, settings.fetchAtMost))
      wants[index].attempts += 1
      guard let peer = peer(toAskFor: want) else { continue }
      requests[Int(peer)].append(
        BatchRequest(lane: want.point.lane, hash: want.point.hash, after: want.after))
    }
    for peer in requests.indices where !requests[peer].isEmpty {
      for start in stride(from: 0, to: requests[peer].count, by: LaneLimits.requests) {
        let some = requests[peer][start..<min(start + LaneLimits.requests, requests[peer].count)]
        effects.append(.send(to: ValidatorIndex(peer), .getBatches(Array(some))))
      }
    }
  }

  private func peer(toAskFor want: Want) -> ValidatorIndex? {
    let n = keys.count
    var peer: Int
    switch want.attempts {
    case 0: peer = Int(want.first)
    case 1: peer = Int(want.point.lane)
    default: peer = (Int(want.first) + want.attempts - 1) % n
    }
    // Never itself, and somebody known.
    for _ in 0..<n {
      if peer < n, index.map({ Int($0) != peer }) ?? true { return ValidatorIndex(peer) }
      peer = (peer + 1) % n
    }
    return nil
  }

  // MARK: - Answers

  mutating func answer(
    _ requests: [BatchRequest], to peer: ValidatorIndex, at now: Instant, into effects: inout [Effect]
  ) {
    var batches: [LaneBatch] = []
    var bytes = 0
    let room = min(answerBudget(of: peer, at: now), LaneLimits.answerBytes)
    guard room > 0 else {
      effects.append(.report(peer, .greedy))
      return
    }
    collecting: for request in requests.prefix(LaneLimits.requests) where Int(request.lane) < lanes.count {
      var hash = request.hash
      while let held = lanes[Int(request.lane)].chain[hash], held.batch.sequence > request.after {
        guard bytes + held.bytes <= room, batches.count < LaneLimits.answerBatches else { break collecting }
        bytes += held.bytes
        batches.append(held.batch)
        hash = held.batch.previousHash
      }
    }
    guard !batches.isEmpty else { return }
    answered[min(Int(peer), keys.count)].bytes += bytes
    effects.append(.send(to: peer, .batches(batches)))
  }

  /// What `peer` may still fetch now; everybody who is not a validator shares one budget.
  private mutating func answerBudget(of peer: ValidatorIndex, at now: Instant) -> Int {
    let slot = min(Int(peer), keys.count)
    if now >= answered[slot].windowEnd {
      answered[slot] = AnswerBudget(windowEnd: now.saturatingAdding(settings.answerWindow))
    }
    return settings.answerBytesPerWindow - answered[slot].bytes
  }
}
