// What the host may ask between steps.

public import Primitives

extension Consensus {
  /// Q validators have signed the state of this view's block, or of a later one's: no vote of the view matters any more.
  public func isStateSettled(in view: View) -> Bool { view <= head.header.view }

  /// This node's Finalize or Attest of the view, as far as it is remembered.
  public func hasVotedOnState(in view: View) -> Bool {
    let own = own(in: view)
    return own.finalize != nil || own.attest != nil
  }

  public var isAmnesiac: Bool { amnesia.isActive }
  /// No vote at or below this view but those already cast (C10).
  public var voteFloor: View { floor }
  public var lastFinalHeight: Height { lastFinal.header.height }
  public var lastFinalView: View { lastFinal.header.view }
  public var lastFinalHash: Digest { lastFinal.hash }
  public var lastStateFinalHeight: Height { head.header.height }
  public var lastStateFinalView: View { head.header.view }
  /// D of the timers, in nanoseconds.
  public var currentDelay: Instant { delay.current(nonFinalViews: nonFinalViews) }
  public var leader: ValidatorIndex { committee.leader(of: view) }

  /// The block with this header hash, while it is held.
  public func proposal(_ hash: Digest) -> Proposal? {
    if hash == head.hash { return head.proposal }
    return held(hash)?.proposal
  }

  /// The block a leader of the current view would build on; nil while a nullification between is missing (C2).
  public var parentCandidate: Digest? { parent(for: view)?.hash }

  /// A certificate of a view >= `view` - 1: proof that `view` was entered. The highest one held.
  public func entryCertificate(of view: View) -> Certificate? {
    guard let entry, entry.view + 1 >= view else { return nil }
    return entry
  }

  func held(_ hash: Digest) -> BlockState? { viewOf[hash].flatMap { views[$0]?.block(hash) } }

  /// The header of any block held.
  func header(_ hash: Digest) -> Header? {
    if hash == head.hash { return head.header }
    if hash == lastFinal.hash { return lastFinal.header }
    return held(hash)?.header?.header
  }

  /// Notarised or final.
  func isNotarized(_ hash: Digest) -> Bool {
    hash == head.hash || hash == lastFinal.hash || held(hash)?.notarization != nil
  }

  /// Highest view that is known to have a final block.
  var highestFinalView: View { max(lastFinal.header.view, highestFinal?.view ?? 0) }

  /// Consecutive views without a final block, the one in flight left out.
  var nonFinalViews: UInt64 {
    let reached = view.subtracting(2) ?? 0
    return reached > highestFinalView ? reached - highestFinalView : 0
  }

  /// Roots of the last final blocks, for the committee that succeeds this one (C15).
  public var recentRoots: [(height: Height, root: Digest)] { finalRoots }

  /// The number of this start of the node.
  public var bootNumber: UInt64 { bootId }
}
