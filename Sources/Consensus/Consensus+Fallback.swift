// C9: the votes after the first one, which keep a view from getting stuck without endangering a fast final block.

import Primitives

extension Consensus {
  mutating func castFallbacks(in view: View, _ now: Moment, _ effects: inout [Effect]) {
    guard mayVote(in: view), let state = views[view] else { return }
    let own = own(in: view)
    // C9: after the first vote, with no Finalize sent and no certificate of the view held.
    let isOpen = own.finalize == nil && !state.isCertified || Mutant.has(.fallbackAfterFinalize)
    guard let first = own.first, isOpen, own.attest == nil, view > highestFinalView else { return }
    // Fewer first votes than these allow nothing.
    guard state.count({ $0.first != nil }) >= min(committee.f + committee.p, committee.n - committee.f) || timerMutants
    else { return }
    let (firsts, blocks) = state.choices()
    let place = first.block.flatMap { blocks.firstIndex(of: $0) }
    guard first.block == nil || place != nil else { return }
    let allowed = rules.fallbacks(
      firsts: firsts, blocks: blocks.count, leader: Int(committee.leader(of: view)),
      own: place.map { Choice(truncatingIfNeeded: $0 + 1) } ?? 0)
    if allowed.contains(.nullify) || timerMutant(view, first, now) {
      if own.ballot(for: nil) == nil { cast(.fallback, in: view, for: nil, now, &effects) }
    }
    for (number, hash) in blocks.enumerated() where allowed.contains(.block(number + 1)) {
      guard own.ballot(for: hash) == nil, let block = state.block(hash) else { continue }
      if block.proposal == nil { want(hash, view) }
      // C9: omission and lateness never block a fallback.
      let readiness = readiness(of: block, now)
      guard readiness == .ready || readiness == .objectionable else { continue }
      // C14: a timestamp ahead of the clock delays it. Else a leader alone could get a block notarised that is stamped a
      // year ahead, and nothing could be built on that for a year.
      guard let timestamp = block.header?.header.timestamp else { continue }
      guard timestamp <= now.wall else {
        waitForClock(timestamp, now)
        continue
      }
      cast(.fallback, in: view, for: hash, now, &effects)
    }
  }

  private var timerMutants: Bool { rules.timerNullifiesAfterNotarize }

  /// Never, but in a mutant.
  private func timerMutant(_ view: View, _ first: Vote, _ now: Moment) -> Bool {
    rules.timerNullifiesAfterNotarize && view == self.view && first.block != nil
      && now.monotonic >= proposalDeadline
  }
}
