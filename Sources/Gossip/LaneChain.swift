// The batches of one lane that a node holds (D1, D9). The main branch continues the final tip link by link; loose
// batches wait for their predecessors or belong to another branch of a forked lane; retained ones are final and kept for
// peers a little behind. It checks links, not signatures.

public import Primitives

/// A batch with what hashing it gave.
public struct HeldBatch: Sendable {
  public let batch: LaneBatch
  let header: LaneHeader
  public let hash: Digest
  let bytes: Int

  init(_ batch: LaneBatch, header: LaneHeader, hash: Digest) {
    self.batch = batch
    self.header = header
    self.hash = hash
    bytes = batch.encodedBytes
  }

  public init(_ batch: LaneBatch, chain: Digest) {
    let header = batch.header
    self.init(batch, header: header, hash: header.hash(chain: chain))
  }
}

struct LaneChain: Sendable {
  /// Up to where the lane is final; (0, zero) at genesis.
  private(set) var base: LanePoint
  /// Hashes of the main branch: `main[i]` has sequence `base.sequence + 1 + i`.
  private(set) var main: [Digest] = []
  private(set) var mainBytes = 0
  /// In order of arrival.
  private(set) var loose: [Digest] = []
  private(set) var looseBytes = 0
  private var retained: [Digest] = []
  private var retainedBytes = 0
  private var held: [Digest: HeldBatch] = [:]

  init(lane: ValidatorIndex) { base = LanePoint(lane: lane, sequence: 0, hash: .zero) }

  /// Where the main branch ends.
  var tip: LanePoint {
    guard let last = main.last else { return base }
    return LanePoint(lane: base.lane, sequence: base.sequence + UInt64(main.count), hash: last)
  }

  subscript(hash: Digest) -> HeldBatch? { held[hash] }

  func contains(_ hash: Digest) -> Bool { held[hash] != nil }

  /// The main branch's point at `sequence`; nil below the final tip and above the tip.
  func point(at sequence: UInt64) -> LanePoint? {
    if sequence == base.sequence { return base }
    guard sequence > base.sequence, sequence - base.sequence <= UInt64(main.count) else { return nil }
    return LanePoint(lane: base.lane, sequence: sequence, hash: main[Int(sequence - base.sequence) - 1])
  }

  func isMain(_ point: LanePoint) -> Bool { self.point(at: point.sequence) == point }

  /// A held header of `sequence` that is not `hash`: with the one of `hash`, proof of a fork.
  func rival(of hash: Digest, at sequence: UInt64) -> LaneHeader? {
    if let point = point(at: sequence), point.hash != hash, let rival = held[point.hash] { return rival.header }
    for other in loose where other != hash {
      if let rival = held[other], rival.batch.sequence == sequence { return rival.header }
    }
    return nil
  }

  /// False if the batch contradicts the sequence of the one it names as its predecessor.
  func mayFollow(_ batch: LaneBatch) -> Bool {
    if batch.sequence == 1 { return batch.previousHash == .zero }
    if batch.previousHash == .zero { return false }
    if batch.previousHash == base.hash { return batch.sequence - 1 == base.sequence }
    guard let previous = held[batch.previousHash] else { return true }
    return previous.batch.sequence + 1 == batch.sequence
  }

  /// Appends to the main branch where it fits, with the loose batches that then follow; else keeps it loose.
  mutating func insert(_ new: HeldBatch) {
    held[new.hash] = new
    if new.batch.sequence == tip.sequence + 1, new.batch.previousHash == tip.hash {
      append(new)
      relink()
    } else {
      loose.append(new.hash)
      looseBytes += new.bytes
    }
  }

  private mutating func append(_ new: HeldBatch) {
    main.append(new.hash)
    mainBytes += new.bytes
  }

  /// Moves to the main branch the loose batches that continue it.
  private mutating func relink() {
    while let index = loose.firstIndex(where: { continuesTip($0) }) {
      let hash = loose.remove(at: index)
      guard let next = held[hash] else { continue }
      looseBytes -= next.bytes
      append(next)
    }
  }

  private func continuesTip(_ hash: Digest) -> Bool {
    guard let next = held[hash] else { return false }
    return next.batch.sequence == tip.sequence + 1 && next.batch.previousHash == tip.hash
  }

  /// Forgets the oldest loose batches until there is room for `bytes` more.
  mutating func evictLoose(toFit bytes: Int, count: Int, limit: Int) {
    while let oldest = loose.first, loose.count >= count || looseBytes + bytes > limit {
      loose.removeFirst()
      looseBytes -= held.removeValue(forKey: oldest)?.bytes ?? 0
    }
  }

  enum Walk {
    /// Oldest first.
    case complete([HeldBatch])
    case missing(LanePoint)
    /// A batch on the way has another sequence than its successor implies: the owner signed nonsense.
    case broken
  }

  /// The batches after sequence `after` up to `end`, found by walking back by hash. What `end` follows from is not
  /// compared with the block's parent: the walk gives everybody the same batches, and that is all that is asked of it.
  func walk(to end: LanePoint, after: UInt64) -> Walk {
    var path: [HeldBatch] = []
    var point = end
    while point.sequence > after {
      guard let step = held[point.hash] else { return .missing(point) }
      guard step.batch.sequence == point.sequence else { return .broken }
      path.append(step)
      point = LanePoint(lane: point.lane, sequence: point.sequence - 1, hash: step.batch.previousHash)
    }
    path.reverse()
    return .complete(path)
  }

  /// Makes everything up to `point` final: it becomes retained, the rest stays. False if that is no progress.
  @discardableResult mutating func advance(to point: LanePoint, retaining count: Int, bytes: Int) -> Bool {
    guard point.sequence > base.sequence else { return false }
    if isMain(point) {
      for hash in main.prefix(Int(point.sequence - base.sequence)) { retain(hash) }
      main.removeFirst(Int(point.sequence - base.sequence))
      base = point
    } else {
      switchBranch(to: point)
    }
    mainBytes = main.reduce(0) { $0 + (held[$1]?.bytes ?? 0) }
    dropLooseBelowBase()
    relink()
    while let oldest = retained.first, retained.count > count || retainedBytes > bytes {
      retained.removeFirst()
      retainedBytes -= held.removeValue(forKey: oldest)?.bytes ?? 0
    }
    return true
  }

  private mutating func retain(_ hash: Digest) {
    retained.append(hash)
    retainedBytes += held[hash]?.bytes ?? 0
  }

  /// The lane was ordered along another branch than the main one, or without this node's holding it.
  private mutating func switchBranch(to point: LanePoint) {
    var path: [Digest] = []
    var hash = point.hash
    while let step = held[hash], step.batch.sequence > base.sequence, !retained.contains(hash) {
      path.append(hash)
      hash = step.batch.previousHash
    }
    for hash in main where !path.contains(hash) {
      loose.append(hash)
      looseBytes += held[hash]?.bytes ?? 0
    }
    main = []
    loose.removeAll { path.contains($0) }
    looseBytes = loose.reduce(0) { $0 + (held[$1]?.bytes ?? 0) }
    for hash in path.reversed() { retain(hash) }
    base = point
  }

  private mutating func dropLooseBelowBase() {
    guard !loose.isEmpty else { return }
    let kept = loose.filter { (held[$0]?.batch.sequence ?? 0) > base.sequence }
    for hash in loose where !kept.contains(hash) { held[hash] = nil }
    loose = kept
    looseBytes = loose.reduce(0) { $0 + (held[$1]?.bytes ?? 0) }
  }

  /// What must survive a restart, besides the final tip: main branch first, then the loose ones.
  var unfinal: [LaneBatch] { (main + loose).compactMap { held[$0]?.batch } }
}
