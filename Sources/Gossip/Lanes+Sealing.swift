// The own lane: submissions, sealing (D1, D2), back-pressure (D9).

import Primitives
import Sodium

extension Lanes {
  /// Whether a transaction of `bytes` would find room (D9).
  public func canAccept(bytes: Int = 0) -> Bool {
    guard let index, own.memory.isWhole else { return false }
    let lane = lanes[Int(index)].chain
    // The open batch is below the sealing limit or waits for something else: then it must not grow either.
    return lane.main.count < settings.batchesAhead && own.openBytes < LaneLimits.sealBytes
      && own.open.count < LaneLimits.batchTransactions
      && lane.mainBytes + own.openBytes + bytes <= settings.bytesAhead
  }

  /// What the own lane holds beyond a cut, sealed or not, oldest first: for the lanes that come after these.
  public func unordered(after cut: LaneCut) -> [[UInt8]] {
    guard let index else { return [] }
    let ordered = cut.sequence(of: index)
    let sealed = lanes[Int(index)].chain.unfinal.filter { $0.sequence > ordered }.flatMap(\.transactions)
    return sealed + own.open
  }

  mutating func submit(_ transaction: [UInt8], at now: Instant, into effects: inout [Effect]) {
    let digest = Blake2b.hash(transaction)
    if let refusal = refusal(of: transaction) {
      effects.append(.refused(transaction: digest, refusal))
      return
    }
    guard own.remembered.insert(digest, limit: settings.rememberedTransactions) else {  // D8
      effects.append(.refused(transaction: digest, .duplicate))
      return
    }
    if own.open.isEmpty { own.openSince = now }
    own.open.append(transaction)
    own.openBytes += transaction.count
  }

  private func refusal(of transaction: [UInt8]) -> LaneRefusal? {
    if index == nil || !own.memory.isWhole { return .noLane }
    if transaction.isEmpty { return .empty }
    if transaction.count > LaneLimits.transactionBytes { return .tooLarge }
    return canAccept(bytes: transaction.count) ? nil : .backPressure
  }

  /// Something of the lane is sealed and not yet ordered.
  var isInFlight: Bool {
    guard let index else { return false }
    return lanes[Int(index)].chain.tip.sequence > lanes[Int(index)].ordered
  }

  /// The lane's end is known: no batch of its own that this node does not hold is out there. It would be after a journal
  /// that lost its end, and sealing at a used sequence would fork the lane.
  private func ownLaneIsWhole(_ index: ValidatorIndex) -> Bool {
    own.memory.isWhole && lanes[Int(index)].chain.loose.isEmpty
      && lanes[Int(index)].chain.tip.sequence >= lanes[Int(index)].ordered
  }

  /// D2: when the open batch is to be sealed; nil if there is none, or no room for it.
  func sealDue(at now: Instant) -> Instant? {
    guard let index, !own.open.isEmpty, ownLaneIsWhole(index),
      lanes[Int(index)].chain.main.count < settings.batchesAhead
    else { return nil }
    return isOpenBatchFull || !isInFlight ? now : own.openSince.saturatingAdding(sealDelay)
  }

  /// D2: a quarter of the time that ordering takes at present. A leader takes what there is once a view, so that more
  /// batches than a few a view would cost signatures and gain nothing.
  private var sealDelay: Int64 { min(max(settings.sealDelay, own.pace / 4), settings.sealDelayMax) }

  var isOpenBatchFull: Bool {
    own.openBytes >= LaneLimits.sealBytes || own.open.count >= LaneLimits.batchTransactions
  }

  mutating func sealIfDue(at now: Instant, into effects: inout [Effect]) {
    guard let index, let due = sealDue(at: now), due <= now else { return }
    let wasInFlight = isInFlight
    let tip = lanes[Int(index)].chain.tip
    var batch = LaneBatch(
      lane: index, sequence: tip.sequence + 1, previousHash: tip.hash, transactions: own.open)
    var header = batch.header
    let hash = header.hash(chain: chain)
    batch.signature = signer.sign(hash.bytes)
    header.signature = batch.signature
    own.open = []
    own.openBytes = 0
    lanes[Int(index)].chain.insert(HeldBatch(batch, header: header, hash: hash))
    own.noteSealed(batch.sequence, at: now)
    statistics.sealed &+= 1
    effects.append(.persist(.batch(batch)))  // D1: no other batch of this sequence, ever
    effects.append(.broadcast(.batch(batch)))
    effects.append(.held(batch, hash))
    if !wasInFlight { restartSolicitation(at: now) }
    if view < own.eagerUntil, own.proving == nil { own.solicitAt = now }
  }
}
