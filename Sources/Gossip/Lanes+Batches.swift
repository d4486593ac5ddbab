// Messages of peers: batches, forks, and answers to fetches (D1, D4, D9).

public import Primitives

extension Lanes {
  mutating func receive(
    _ message: LaneMessage, from: ValidatorIndex, at now: Instant, into effects: inout [Effect]
  ) {
    switch message {
    case .batch(let batch):
      receive(batch, header: batch.header, isVerified: false, from: from, at: now, into: &effects)
    case .batches(let batches):
      for batch in batches.prefix(LaneLimits.answerBatches) {
        receive(batch, header: batch.header, isVerified: false, from: from, at: now, into: &effects)
      }
    case .solicit(let point): receiveSolicitation(of: point, from: from, at: now, into: &effects)
    case .ack(let ack): receive(ack, from: from, at: now, into: &effects)
    case .proof(let proof): receive(proof, from: from, at: now, into: &effects)
    case .getBatches(let requests): answer(requests, to: from, at: now, into: &effects)
    case .evidence(let evidence): receive(evidence, from: from, into: &effects)
    case .getTip: answerRecall(of: from, into: &effects)
    case .tip(let ordered, let newest):
      takeRecall(ordered: ordered, newest: newest, from: from, at: now, into: &effects)
    }
  }

  mutating func receive(
    _ batch: LaneBatch, header: LaneHeader, isVerified: Bool, from: ValidatorIndex, at now: Instant,
    into effects: inout [Effect]
  ) {
    let lane = Int(batch.lane)
    guard lane < lanes.count else {
      effects.append(.report(from, .unknownLane))
      return
    }
    guard batch.sequence > 0, batch.sequence < ordinalLimit, !batch.transactions.isEmpty,
      batch.transactions.count <= LaneLimits.batchTransactions, batch.encodedBytes <= LaneLimits.batchBytes
    else {
      effects.append(.report(from, .tooLarge))
      return
    }
    let hash = header.hash(chain: chain)
    let want = wants.firstIndex { $0.point.hash == hash && $0.point.lane == batch.lane }
    guard !lanes[lane].chain.contains(hash), want != nil || batch.sequence > lanes[lane].chain.base.sequence else {
      statistics.duplicates &+= 1
      return
    }
    let new = HeldBatch(batch, header: header, hash: hash)
    // D9, before the costly check of the signature.
    guard hasRoom(for: new, isWanted: want != nil) else {
      statistics.dropped &+= 1
      return
    }
    guard isVerified || header.isSigned(chain: chain, by: keys[lane], scheme: scheme) else {
      effects.append(.report(from, .badSignature))
      return
    }
    guard lanes[lane].chain.mayFollow(batch) else {
      effects.append(.report(batch.lane, .badLink))
      return
    }
    if let rival = lanes[lane].chain.rival(of: hash, at: batch.sequence) {
      noteFork(LaneEvidence(first: rival, second: header), into: &effects)
      // One branch is kept, the one that is ordered; another only if some cut names it.
      guard want != nil || batch.previousHash == lanes[lane].chain.tip.hash else { return }
    }
    statistics.received &+= 1
    keep(new, from: from, at: now, into: &effects)
  }

  /// D9: unsolicited batches have a budget ahead of the final tip; what a cut names may use twice as much, at the cost of
  /// older loose ones.
  private mutating func hasRoom(for new: HeldBatch, isWanted: Bool) -> Bool {
    let lane = lanes[Int(new.batch.lane)].chain
    let factor = isWanted ? 2 : 1
    let count = settings.foreignBatchesAhead * factor
    let bytes = settings.foreignBytesAhead * factor
    guard new.batch.sequence <= lane.base.sequence + UInt64(count), lane.mainBytes + new.bytes <= bytes else {
      return false
    }
    if new.batch.previousHash == lane.tip.hash { return true }
    if isWanted {
      lanes[Int(new.batch.lane)].chain.evictLoose(toFit: new.bytes, count: count, limit: bytes)
      return true
    }
    return lane.loose.count < settings.foreignBatchesAhead
      && lane.mainBytes + lane.looseBytes + new.bytes <= settings.foreignBytesAhead
  }

  private mutating func keep(
    _ new: HeldBatch, from: ValidatorIndex, at now: Instant, into effects: inout [Effect]
  ) {
    let lane = Int(new.batch.lane)
    lanes[lane].chain.insert(new)
    effects.append(.persist(.batch(new.batch)))
    effects.append(.held(new.batch, new.hash))
    if let index = wants.firstIndex(where: { $0.point.hash == new.hash && $0.point.lane == new.batch.lane }) {
      let want = wants.remove(at: index)
      statistics.fetched &+= 1
      blameIfSlow(want, at: now, into: &effects)
      continueFetch(want, past: new, from: from, at: now)
    }
    wantPredecessors(of: lane, from: from, at: now)
  }

  // MARK: - Forks

  private mutating func receive(_ evidence: LaneEvidence, from: ValidatorIndex, into effects: inout [Effect]) {
    guard Int(evidence.first.lane) < lanes.count else {
      effects.append(.report(from, .unknownLane))
      return
    }
    guard lanes[Int(evidence.first.lane)].evidence == nil else { return }
    guard evidence.isProof(chain: chain, keys: keys, scheme: scheme) else {
      effects.append(.report(from, .badSignature))
      return
    }
    noteFork(evidence, into: &effects)
  }

  /// Keeps both headers, tells everybody once, and asks for proofs of that lane from now on. `evidence` is verified.
  private mutating func noteFork(_ evidence: LaneEvidence, into effects: inout [Effect]) {
    let lane = Int(evidence.first.lane)
    guard lanes[lane].evidence == nil else { return }
    lanes[lane].evidence = evidence
    effects.append(.persist(.evidence(evidence)))
    effects.append(.broadcast(.evidence(evidence)))
    markForked(evidence.first.lane, into: &effects)
  }

  mutating func markForked(_ lane: ValidatorIndex, into effects: inout [Effect]) {
    guard !lanes[Int(lane)].isForked else { return }
    lanes[Int(lane)].isForked = true
    statistics.forks &+= 1
    effects.append(.report(lane, .fork))
    effects.append(.standingLost(lane: lane, until: .max))
  }

  /// The lane's fork, if two headers of it are known.
  public func evidence(of lane: ValidatorIndex) -> LaneEvidence? {
    Int(lane) < lanes.count ? lanes[Int(lane)].evidence : nil
  }
}
