// Cuts: proposing one, judging one, and turning one into batches (D4, D6, D7).

public import Primitives

extension Lanes {
  // MARK: - Proposing (D4)

  /// What this node would propose on a block whose cut is `parent`: equal to it if there is nothing to order.
  public func cut(over parent: LaneCut) -> LaneCut {
    var cut = LaneCut()
    for lane in lanes.indices {
      let before = parent.tip(of: ValidatorIndex(lane))
      if let tip = nextTip(of: lane, after: before) {
        cut.append(tip)
      } else if let before {
        cut.append(LaneTip(point: before.point))
      }
    }
    return cut
  }

  /// Whether `cut(over:)` would name anything new.
  public func hasWork(beyond cut: LaneCut) -> Bool {
    lanes.indices.contains { nextTip(of: $0, after: cut.tip(of: ValidatorIndex($0))) != nil }
  }

  /// The lane's tip for a cut, or nil if it cannot advance.
  private func nextTip(of lane: Int, after before: LaneTip?) -> LaneTip? {
    let sequence = before?.sequence ?? 0
    let optimistic = optimisticTip(of: lane, after: before)
    guard let proof = lanes[lane].proof, proof.point.sequence > max(sequence, optimistic?.sequence ?? 0),
      proof.point.sequence - sequence <= LaneLimits.batchesPerCut,
      // A held tip that is further than this lane's share of the cut can wait.
      optimistic == nil || !lanes[lane].chain.isMain(proof.point)
    else { return optimistic.map { LaneTip(point: $0) } }
    return LaneTip(point: proof.point, proof: proof)
  }

  private func optimisticTip(of lane: Int, after before: LaneTip?) -> LanePoint? {
    guard isInGoodStanding(ValidatorIndex(lane)) else { return nil }
    let start = before?.point ?? LanePoint(lane: ValidatorIndex(lane), sequence: 0, hash: .zero)
    // Asked in every step, and mostly there is nothing.
    guard lanes[lane].chain.tip.sequence > start.sequence else { return nil }
    let chain = lanes[lane].chain
    // On another branch than the parent's, only a proof helps.
    guard chain.isMain(start) else { return nil }
    let furthest = min(chain.tip.sequence, start.sequence + LaneLimits.batchesPerCut)
    let share = settings.cutBytes / lanes.count
    var bytes = 0
    var best: LanePoint?
    for sequence in (start.sequence + 1)...furthest {
      guard let point = chain.point(at: sequence), let held = chain[point.hash] else { break }
      bytes += held.bytes
      if best != nil && bytes > share { break }
      best = point
    }
    return best
  }

  // MARK: - Judging (D4, D7)

  /// What a voter may say of `cut`, proposed in `view` by `leader` on a block whose cut is `parent`. Omission is told only
  /// in the view that was entered last. Verifies proofs not seen before, each once.
  public mutating func verdict(
    _ cut: LaneCut, over parent: LaneCut, view: View, leader: ValidatorIndex
  ) -> LaneVerdict {
    if let fault = fault(of: cut, over: parent) { return .invalid(fault) }
    var missing: [MissingBatch] = []
    for tip in cut.tips where tip.proof == nil {
      let after = parent.sequence(of: tip.lane)
      switch lanes[Int(tip.lane)].chain.walk(to: tip.point, after: after) {
      case .complete: break
      case .missing(let point): missing.append(MissingBatch(point: point, after: after))
      case .broken: return .invalid(.badChain(tip.lane))
      }
    }
    if !missing.isEmpty { return .missing(missing) }
    if let lane = omission(in: cut, view: view, leader: leader) { return .omission(lane) }
    return .available
  }

  /// What is wrong with a cut for everybody.
  private mutating func fault(of cut: LaneCut, over parent: LaneCut) -> LaneCutFault? {
    for before in parent.tips where cut.sequence(of: before.lane) < before.sequence {
      return .behindParent(before.lane)
    }
    for tip in cut.tips {
      guard Int(tip.lane) < lanes.count else { return .unknownLane(tip.lane) }
      let before = parent.tip(of: tip.lane)
      if let before, before.sequence == tip.sequence {
        if before.hash != tip.hash { return .behindParent(tip.lane) }
        if tip.proof != nil { return .idleProof(tip.lane) }
        continue
      }
      let advance = tip.sequence - (before?.sequence ?? 0)
      guard tip.sequence > 0, advance <= LaneLimits.batchesPerCut else { return .tooFar(tip.lane) }
      if let proof = tip.proof, proof.point != tip.point || !isGood(proof) { return .badProof(tip.lane) }
    }
    return nil
  }

  private func omission(in cut: LaneCut, view: View, leader: ValidatorIndex) -> ValidatorIndex? {
    guard view == self.view, leader != index else { return nil }
    for lane in lanes.indices where !lanes[lane].isForked {
      if lanes[lane].omissionFloor > cut.sequence(of: ValidatorIndex(lane)) { return ValidatorIndex(lane) }
    }
    return nil
  }

  // MARK: - Executing (D6)

  /// What a block orders: lanes from (view mod n) on, in each the batches after the parent's tip, ascending. Nil if one is
  /// missing (see `missing(after:upTo:)`).
  public func batches(after parent: LaneCut, upTo cut: LaneCut, view: View) -> [HeldBatch]? {
    var batches: [HeldBatch] = []
    let n = lanes.count
    let first = Mutant.has(.lanesOrderedByHolder) ? Int(index ?? 0) : Int(view % UInt64(n))
    for offset in 0..<n {
      let lane = ValidatorIndex((first + offset) % n)
      guard let tip = cut.tip(of: lane), tip.sequence > parent.sequence(of: lane) else { continue }
      guard case .complete(let path) = lanes[Int(lane)].chain.walk(to: tip.point, after: parent.sequence(of: lane))
      else { return nil }
      batches.append(contentsOf: path)
    }
    return batches
  }

  /// What `batches(after:upTo:view:)` lacks: at most one batch of each lane, the rest shows when it came.
  public func missing(after parent: LaneCut, upTo cut: LaneCut) -> [MissingBatch] {
    var missing: [MissingBatch] = []
    for tip in cut.tips where Int(tip.lane) < lanes.count {
      let after = parent.sequence(of: tip.lane)
      guard tip.sequence > after else { continue }
      if case .missing(let point) = lanes[Int(tip.lane)].chain.walk(to: tip.point, after: after) {
        missing.append(MissingBatch(point: point, after: after))
      }
    }
    return missing
  }

  // MARK: - What is held

  /// The end of the lane's chain that this node holds.
  public func tip(of lane: ValidatorIndex) -> LanePoint? {
    guard Int(lane) < lanes.count else { return nil }
    let tip = lanes[Int(lane)].chain.tip
    return tip.sequence > 0 ? tip : nil
  }

  public func batch(lane: ValidatorIndex, hash: Digest) -> LaneBatch? {
    Int(lane) < lanes.count ? lanes[Int(lane)].chain[hash]?.batch : nil
  }
}
