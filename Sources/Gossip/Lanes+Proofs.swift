// Acknowledgements and proofs on demand (D3), lane standing (D5), and the conditions of omission (D7).

public import Primitives
import Sodium

extension Lanes {
  // MARK: - The owner's part (D3)

  /// Something came into flight or out of it: the next solicitation is `solicitAfter` away, or off.
  mutating func restartSolicitation(at now: Instant) {
    guard isInFlight else {
      own.solicitAt = nil
      own.proving = nil
      own.vouchers = []
      return
    }
    own.solicitPause = min(max(settings.solicitAfter, 3 * own.pace), settings.solicitAtMost)
    own.solicitAt = view < own.eagerUntil && own.proving == nil ? now : now.saturatingAdding(own.solicitPause)
  }

  mutating func solicitIfDue(at now: Instant, into effects: inout [Effect]) {
    guard let index, let due = own.solicitAt, due <= now else { return }
    let lane = lanes[Int(index)]
    own.solicitAt = now.saturatingAdding(own.solicitPause)
    own.solicitPause = min(own.solicitPause * 2, settings.solicitAtMost)
    let tip = lane.chain.tip
    if let proof = lane.proof, proof.point == tip {
      effects.append(.broadcast(.proof(proof)))  // Some peer did not get it, or the leaders ignore it.
      return
    }
    if own.proving != tip {
      own.proving = tip
      own.vouchers = [.init(voter: index, signature: signer.sign(tip.ackBytes(chain: chain)))]
    }
    effects.append(.broadcast(.solicit(tip)))
    proveIfComplete(at: now, into: &effects)
  }

  mutating func receive(_ ack: LaneAck, from: ValidatorIndex, at now: Instant, into effects: inout [Effect]) {
    guard ack.voter == from, Int(from) < keys.count, ack.point.lane == index else {
      effects.append(.report(from, .unsolicited))
      return
    }
    // An acknowledgement of an earlier tip is late, not wrong.
    guard ack.point == own.proving, !own.vouchers.contains(where: { $0.voter == from }) else { return }
    guard scheme.verify(ack.signature, ack.point.ackBytes(chain: chain), by: keys[Int(from)]) else {
      effects.append(.report(from, .badSignature))
      return
    }
    let place = own.vouchers.firstIndex { $0.voter > from } ?? own.vouchers.endIndex
    own.vouchers.insert(.init(voter: from, signature: ack.signature), at: place)
    proveIfComplete(at: now, into: &effects)
  }

  private mutating func proveIfComplete(at now: Instant, into effects: inout [Effect]) {
    guard let point = own.proving, own.vouchers.count > f else { return }
    let proof = LaneProof(point: point, vouchers: own.vouchers)
    own.proving = nil
    own.vouchers = []
    learn(proof, at: now, into: &effects)
    if lanes[Int(point.lane)].chain.tip != point { own.solicitAt = now }
  }

  // MARK: - The others' part (D3)

  mutating func receiveSolicitation(
    of point: LanePoint, from: ValidatorIndex, at now: Instant, into effects: inout [Effect]
  ) {
    guard point.lane == from, Int(from) < lanes.count, from != index else {
      effects.append(.report(from, .unsolicited))
      return
    }
    let lane = Int(from)
    guard point.sequence > lanes[lane].ordered,
      point.sequence <= lanes[lane].chain.base.sequence + UInt64(settings.foreignBatchesAhead)
    else { return }
    if !lanes[lane].chain.contains(point.hash) {
      want(point, after: lanes[lane].chain.tip.sequence, from: from, missedIn: nil, at: now)
    }
    if index != nil { lanes[lane].owedAck = point }
  }

  /// When to look again at the solicited tips that are held; those that are not wait for their batches.
  var nextOwedAck: Instant? {
    var next: Instant?
    for lane in lanes {
      guard let owed = lane.owedAck, lane.chain.isMain(owed) else { continue }
      next = min(next ?? lane.ackAllowedAt, lane.ackAllowedAt)
    }
    return next
  }

  mutating func sendOwedAcks(at now: Instant, into effects: inout [Effect]) {
    guard let index else { return }
    for lane in lanes.indices {
      guard let owed = lanes[lane].owedAck, lanes[lane].ackAllowedAt <= now, lanes[lane].chain.isMain(owed) else {
        continue
      }
      lanes[lane].owedAck = nil
      lanes[lane].ackAllowedAt = now.saturatingAdding(settings.ackPause)
      statistics.acks &+= 1
      let ack = LaneAck(point: owed, voter: index, signature: signer.sign(owed.ackBytes(chain: chain)))
      effects.append(.send(to: owed.lane, .ack(ack)))
    }
  }

  // MARK: - Proofs go to everybody (D7)

  mutating func receive(_ proof: LaneProof, from: ValidatorIndex, at now: Instant, into effects: inout [Effect]) {
    let lane = Int(proof.point.lane)
    guard lane < lanes.count else {
      effects.append(.report(from, .unknownLane))
      return
    }
    guard proof.point.sequence > lanes[lane].ordered else { return }
    if let known = lanes[lane].proof, known.point.sequence >= proof.point.sequence {
      guard known.point.sequence == proof.point.sequence, known.point.hash != proof.point.hash,
        !lanes[lane].isForked, isGood(proof)
      else { return }
      markForked(proof.point.lane, into: &effects)
      return
    }
    guard isGood(proof) else {
      effects.append(.report(from, .badSignature))
      return
    }
    learn(proof, at: now, into: &effects)
    // A leader may order it now: whoever lacks the data will need it to execute.
    if proof.point.sequence <= lanes[lane].chain.tip.sequence + LaneLimits.batchesPerCut {
      want(proof.point, after: lanes[lane].chain.tip.sequence, from: from, missedIn: nil, at: now)
    }
  }

  /// Verifies each proof once.
  mutating func isGood(_ proof: LaneProof) -> Bool {
    let lane = Int(proof.point.lane)
    if lanes[lane].verified.contains(proof) { return true }
    guard proof.verify(chain: chain, keys: keys, f: f, scheme: scheme) else { return false }
    lanes[lane].noteVerified(proof)
    return true
  }

  private mutating func learn(_ proof: LaneProof, at now: Instant, into effects: inout [Effect]) {
    let lane = Int(proof.point.lane)
    if !lanes[lane].verified.contains(proof) { lanes[lane].noteVerified(proof) }
    statistics.proofs &+= 1
    effects.append(.broadcast(.proof(proof)))
    // When there are many the oldest count: they have waited longest.
    guard lanes[lane].sentProofs.count < 16 else { return }
    lanes[lane].sentProofs.append(SentProof(sequence: proof.point.sequence, at: now, view: view))
  }

  // MARK: - Views (D5, D7)

  /// Fixes which sequences this view's leader has had the time to order.
  mutating func enterView(
    _ view: View, leader: ValidatorIndex, nullifiedInARow: Int, delay: Int64, at now: Instant
  ) {
    guard view >= self.view else { return }
    self.view = view
    self.nullifiedInARow = max(0, nullifiedInARow)
    let doubling = min(self.nullifiedInARow, 20)
    let views = View(2) << View(doubling)
    let time = (max(0, delay).multiplied(by: 4) ?? .max).multiplied(by: 1 << Int64(doubling)) ?? .max
    for lane in lanes.indices {
      lanes[lane].omissionFloor = 0
      guard leader != index else { continue }
      for sent in lanes[lane].sentProofs {
        let waited = now.subtracting(sent.at) ?? .max
        guard view >= sent.view, view - sent.view >= views, waited >= time else { continue }
        lanes[lane].omissionFloor = max(lanes[lane].omissionFloor, sent.sequence)
      }
    }
  }

  /// D5: the batch came, so its owner had signed it, but came too late for the view whose block named it.
  mutating func blameIfSlow(_ want: Want, at now: Instant, into effects: inout [Effect]) {
    guard let missedIn = want.missedIn else { return }
    let isLate = now.subtracting(want.missedAt) ?? .max > settings.slowAfter
    let wasNullified = view > missedIn && nullifiedInARow > 0
    if isLate || wasNullified { loseStanding(want.point.lane, in: max(view, missedIn), into: &effects) }
  }

  mutating func loseStanding(_ lane: ValidatorIndex, in view: View, into effects: inout [Effect]) {
    guard Int(lane) < lanes.count, !lanes[Int(lane)].isForked else { return }
    let until = min(view, ordinalLimit) + LaneLimits.standingViews
    guard f > 0, until > lanes[Int(lane)].needsProofUntil else { return }
    lanes[Int(lane)].needsProofUntil = until
    // More than f late lanes cannot all be faulty: the oldest offence is forgiven.
    let late = lanes.indices.filter { lanes[$0].needsProofUntil > self.view && !lanes[$0].isForked }
    if late.count > f, let oldest = late.filter({ $0 != Int(lane) }).min(by: { isOlderOffence($0, $1) }) {
      lanes[oldest].needsProofUntil = 0
    }
    effects.append(.standingLost(lane: lane, until: until))
  }

  private func isOlderOffence(_ a: Int, _ b: Int) -> Bool {
    (lanes[a].needsProofUntil, a) < (lanes[b].needsProofUntil, b)
  }

  /// Whether this node would name an unproven tip of the lane in the current view (D4, D5).
  public func isInGoodStanding(_ lane: ValidatorIndex) -> Bool {
    guard Int(lane) < lanes.count else { return false }
    return !lanes[Int(lane)].isForked && view >= lanes[Int(lane)].needsProofUntil
  }
}
