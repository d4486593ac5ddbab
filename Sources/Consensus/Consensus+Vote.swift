// C3: the first vote. C5, C8: Finalize and Attest. C10: what is never cast.

import Primitives

extension Consensus {
  /// No vote without a place in the committee, at or below the floor, or while one could contradict a forgotten one.
  func mayVote(in view: View) -> Bool {
    index != nil && !halted && (!amnesia.isActive || Mutant.has(.amnesiacVotes)) && view > floor
  }

  /// This node's own votes of a view.
  func own(in view: View) -> VoterRecord {
    guard let index, let state = views[view] else { return VoterRecord() }
    return state.voters[Int(index)]
  }

  mutating func castFirst(in view: View, _ now: Moment, _ effects: inout [Effect]) {
    guard mayVote(in: view), own(in: view).isEmpty, let state = views[view] else { return }
    if view == self.view && !state.isCertified {
      castOnTime(state, now, &effects)
    } else if view < self.view, view > highestFinalView {
      // C3: late, for a notarised block: without this, early Byzantine votes starve finality.
      for block in state.blocks where block.notarization != nil {
        guard block.proposal != nil, case .available? = block.verdict else { continue }
        guard readiness(of: block, now) != .invalid else { continue }
        return cast(.first, in: view, for: block.hash, now, &effects)
      }
    }
  }

  /// C3: the first valid header of the current view; nullify for an invalid one or when time is up.
  private mutating func castOnTime(_ state: ViewState, _ now: Moment, _ effects: inout [Effect]) {
    for block in state.blocks where block.header != nil {
      switch readiness(of: block, now) {
      case .ready:
        guard let timestamp = block.header?.header.timestamp else { continue }
        // C14: one ahead of the clock waits.
        guard timestamp <= now.wall else {
          waitForClock(timestamp, now)
          continue
        }
        return cast(.first, in: state.view, for: block.hash, now, &effects)
      case .waiting: continue
      case .objectionable, .invalid: return cast(.first, in: state.view, for: nil, now, &effects)
      }
    }
    if now.monotonic >= proposalDeadline { cast(.first, in: state.view, for: nil, now, &effects) }
  }

  /// C5: Finalize after a first notarize and nothing else. C8: Attest for a block known to be final otherwise.
  mutating func castState(in view: View, _ now: Moment, _ effects: inout [Effect]) {
    guard mayVote(in: view), let state = views[view] else { return }
    for block in state.blocks where block.notarization != nil || block.isFinal {
      guard let root = block.root else { continue }
      let own = own(in: view)
      guard own.finalize == nil, own.attest == nil else { return }
      let isPure = own.fallbacks.isEmpty || Mutant.has(.finalizeAfterFallback)
      if own.first?.block == block.hash, isPure, block.notarization != nil {
        cast(.finalize, in: view, for: block.hash, root: root, share: block.frostShare, now, &effects)
      } else if block.isFinal {
        cast(.attest, in: view, for: block.hash, root: root, share: block.frostShare, now, &effects)
      }
    }
  }

  /// Signs, journals, counts and sends one vote. The data behind a notarize vote is journaled first.
  mutating func cast(
    _ kind: VoteKind, in view: View, for block: Digest?, root: Digest = .zero, share: [UInt8] = [],
    _ now: Moment, _ effects: inout [Effect]
  ) {
    guard let index, mayVote(in: view) else { return }
    let own = own(in: view)
    // C10: the callers have checked; a vote that gets here against the rule is a bug of ours, and is not cast.
    let allowed =
      switch kind {
      case .first: own.isEmpty
      case .fallback:
        own.first != nil && (own.finalize == nil || Mutant.has(.fallbackAfterFinalize)) && own.attest == nil
          && own.ballot(for: block) == nil
      case .finalize:
        own.first?.block == block && (own.fallbacks.isEmpty || Mutant.has(.finalizeAfterFallback))
          && own.finalize == nil && own.attest == nil
      case .attest: own.finalize == nil && own.attest == nil
      }
    assert(allowed, "C10: \(kind) in view \(view)")
    guard allowed else { return }
    let vote = Vote(
      kind: kind, epoch: committee.epoch, view: view, block: block, stateRoot: root, frostShare: share, voter: index
    ).signed(by: signer, committee: committee)
    if !kind.carriesRoot, let block, let proposal = proposal(block), views[view]?.proposed != block {
      effects.append(.persist(.proposal(proposal)))
    }
    effects.append(.persist(.vote(vote)))
    effects.append(.broadcast(.vote(vote)))
    if kind.carriesRoot { effects.append(.stateVote(vote, isCounted: true)) }
    if kind == .first && view == self.view {
      resend.arm(at: now.monotonic, delay: currentDelay)
      punctuality.voted(
        in: view, leader: committee.leader(of: view), hasHeader: (views[view]?.headers ?? 0) > 0,
        isNullify: block == nil)
    }
    record(vote)
  }

  /// Enters a vote into its view's tally.
  mutating func record(_ vote: Vote) {
    guard Int(vote.voter) < committee.n else { return }
    views.update(vote.view) { state in
      let voter = Int(vote.voter)
      switch vote.kind {
      case .first: state.voters[voter].first = vote
      case .fallback: state.voters[voter].fallbacks.append(vote)
      case .finalize: state.voters[voter].finalize = vote
      case .attest: state.voters[voter].attest = vote
      }
    }
    if vote.voter == index { highestVotedView = max(highestVotedView, vote.view) }
    markDirty(vote.view)
  }
}
