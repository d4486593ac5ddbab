// What a node knows of each lane besides its batches, and counters.

import Primitives

/// Why a submission goes nowhere.
public enum LaneRefusal: Hashable, Sendable {
  /// The lane is as far ahead of the final cut as it may be: try again later (D9).
  case backPressure
  /// Submitted here before (D8).
  case duplicate
  case empty
  case tooLarge
  /// An observer has no lane; a validator after amnesia may not use its own yet.
  case noLane
}

/// Counts since start.
public struct LaneStatistics: Sendable, Hashable {
  public var sealed: UInt64 = 0
  public var received: UInt64 = 0
  public var duplicates: UInt64 = 0
  /// Dropped for want of budget (D9).
  public var dropped: UInt64 = 0
  public var fetched: UInt64 = 0
  public var acks: UInt64 = 0
  public var proofs: UInt64 = 0
  public var forks: UInt64 = 0

  public init() {}
}

struct Lane: Sendable {
  var chain: LaneChain
  /// Highest sequence known to be order-final; at least the base's.
  var ordered: UInt64 = 0
  /// D5: below this view, tips need proofs.
  var needsProofUntil: View = 0
  var isForked = false
  var evidence: LaneEvidence?
  /// The highest proof known.
  var proof: LaneProof?
  /// Proofs that were verified, newest last: the same bytes are verified once.
  var verified: [LaneProof] = []
  /// D7: unordered proofs this node sent to all, ascending.
  var sentProofs: [SentProof] = []
  /// D7: a cut below this sequence omits the lane; set on entering a view.
  var omissionFloor: UInt64 = 0
  /// A solicited tip not yet acknowledged.
  var owedAck: LanePoint?
  var ackAllowedAt: Instant = .min

  init(_ index: ValidatorIndex) { chain = LaneChain(lane: index) }

  mutating func noteOrdered(_ sequence: UInt64) {
    ordered = max(ordered, sequence)
    sentProofs.removeAll { $0.sequence <= ordered }
    if let owed = owedAck, owed.sequence <= ordered { owedAck = nil }
  }

  mutating func noteVerified(_ proof: LaneProof) {
    verified.append(proof)
    if verified.count > 4 { verified.removeFirst() }
    if proof.point.sequence > self.proof?.point.sequence ?? 0 { self.proof = proof }
  }
}

struct SentProof: Sendable {
  var sequence: UInt64
  var at: Instant
  var view: View
}

/// What one peer has fetched in the current window.
struct AnswerBudget: Sendable {
  var windowEnd: Instant = .min
  var bytes = 0
}

/// Hashes seen lately, in two generations: at least `limit`, at most twice as many.
struct RecentDigests: Sendable {
  private var young: Set<Digest> = []
  private var old: Set<Digest> = []

  /// False if it is there already.
  @discardableResult mutating func insert(_ digest: Digest, limit: Int) -> Bool {
    guard !old.contains(digest), young.insert(digest).inserted else { return false }
    if young.count >= limit {
      old = young
      young = []
    }
    return true
  }

  mutating func remove(_ digest: Digest) {
    young.remove(digest)
    old.remove(digest)
  }
}

/// What only the owner of a lane has.
struct OwnLane: Sendable {
  /// The batches of a lane take turns to show the pace: one at a time.
  mutating func noteSealed(_ sequence: UInt64, at now: Instant) {
    if paced == nil { paced = (sequence, now) }
  }

  mutating func noteOrdered(_ sequence: UInt64, at now: Instant) {
    guard let first = paced, first.sequence <= sequence else { return }
    paced = nil
    let took = max(0, now.subtracting(first.since) ?? 0)
    pace = pace == 0 ? took : pace - pace / 8 + took / 8
  }

  var memory = LaneMemory.whole
  /// The batch being collected.
  var open: [[UInt8]] = []
  var openBytes = 0
  var openSince: Instant = 0
  var remembered = RecentDigests()
  /// When the tip was sealed that shows the pace of ordering, and its sequence.
  var paced: (sequence: UInt64, since: Instant)?
  /// How long this lane's batches take from sealing to order, smoothed; what the waits below adapt to.
  var pace: Int64 = 0
  /// When to ask for acknowledgements of the tip, while anything is unordered (D3).
  var solicitAt: Instant?
  var solicitPause: Int64 = 0
  /// The tip being proven and who vouched for it, ascending.
  var proving: LanePoint?
  var vouchers: [LaneProof.Voucher] = []
  /// Below this view every new tip is solicited at once: a block lately named one with a proof, so a leader wanted it.
  var eagerUntil: View = 0
}
