// Whether a block may be voted for: what is objective (all honest nodes agree sooner or later) apart from what is not.

import Primitives

/// Whether a vote for a block is possible now.
enum Readiness: Equatable {
  case ready
  /// Something is missing that may still come.
  case waiting
  /// Late, or it leaves somebody out: no first vote, but no obstacle to a fallback (C9).
  case objectionable
  /// Objectively wrong.
  case invalid
}

extension Consensus {
  /// What stands between `block` and a vote for it.
  mutating func readiness(of block: BlockState, _ now: Moment) -> Readiness {
    guard let signed = block.header else { return .waiting }
    let header = signed.header
    guard let parent = self.header(header.parentHash) else {
      want(header.parentHash, header.parentView)
      return .waiting
    }
    guard isObjectivelyValid(header, parent: parent) else { return .invalid }
    guard block.proposal != nil else { return .waiting }
    if block.verdict == .invalid { return .invalid }
    // C15: a vote for a root that others can refute could leave a view without any quorum, so an unknown one is waited
    // for like data: by own execution or by the certificate of that state.
    if let root = root(at: header.executedHeight, below: header.parentHash) {
      guard root == header.executedRoot || Mutant.has(.executedRootUnchecked) else { return .invalid }
    } else if header.executedHeight > rootsKnownFrom {
      return .waiting
    }
    // C3: the parent is notarised, and every view between is nullified.
    let isLinked = Mutant.has(.viewsBetweenUnchecked) || nullifications(from: header.parentView, to: header.view) != nil
    guard isNotarized(header.parentHash), isLinked else {
      noteGap(from: header.parentView, through: header.view - 1, now)
      return .waiting
    }
    guard case .available(let omission)? = block.verdict else { return .waiting }
    return omission || isLate(block) ? .objectionable : .ready
  }

  private func isObjectivelyValid(_ header: Header, parent: Header) -> Bool {
    guard header.epoch == committee.epoch, header.validatorSetHash == committee.setHash,
      header.leader == committee.leader(of: header.view), header.parentView < header.view,
      header.parentView == parent.view, header.height == parent.height + 1
    else { return false }
    // C14: time never runs backwards.
    guard header.timestamp > parent.timestamp || Mutant.has(.timestampUnchecked) else { return false }
    // C15: state at most 16 heights behind.
    return header.executedHeight < header.height
      && header.executedHeight + ConsensusLimits.executionLag >= header.height
  }

  /// C14: more than 2 s behind the clock when it came.
  private func isLate(_ block: BlockState) -> Bool {
    guard let timestamp = block.header?.header.timestamp, let received = block.received?.wall else { return false }
    return (received.subtracting(timestamp) ?? .max) > settings.latenessMax
  }

  /// The root after `height` on the chain that ends in `hash`, computed here or certified; nil if neither.
  private func root(at height: Height, below hash: Digest) -> Digest? {
    var current = hash
    for _ in 0...ConsensusLimits.executionLag {
      if current == head.hash || current == lastFinal.hash { break }
      guard let block = held(current), let header = block.header?.header else { return nil }
      if header.height == height, let root = block.root ?? block.stateProof?.stateRoot { return root }
      if header.height <= height || block.isFinal { break }
      current = header.parentHash
    }
    return finalRoots.last { $0.height == height }?.root
  }
}
