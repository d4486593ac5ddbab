// C7, C8: what is final, told to the host once a block and oldest first.

import Primitives

extension Consensus {
  /// Follows the highest known finality as far as blocks are held.
  mutating func advanceFinality(_ now: Moment, _ effects: inout [Effect]) {
    if let target = finalTarget { finalise(target, now, &effects) }
    guard let proof = stateTarget, let hash = proof.block else { return }
    guard proof.view > head.header.view else {
      stateTarget = nil
      return
    }
    guard hash == lastFinal.hash || held(hash)?.isFinal == true else { return }
    stateTarget = nil
    settleState(proof, hash, now, &effects)
  }

  private mutating func finalise(_ target: Certificate, _ now: Moment, _ effects: inout [Effect]) {
    guard let hash = target.block, target.view > lastFinal.header.view else {
      finalTarget = nil
      return
    }
    var path: [Digest] = []
    var current = hash
    var currentView = target.view
    while current != lastFinal.hash {
      guard let block = held(current), let header = block.header?.header, block.proposal != nil else {
        return want(current, currentView)
      }
      // A final block that does not descend from the last one: more than f validators are Byzantine.
      guard header.height > lastFinal.header.height, header.parentView < header.view else {
        finalTarget = nil
        return haltVoting(&effects)
      }
      path.append(current)
      current = header.parentHash
      currentView = header.parentView
    }
    finalTarget = nil
    for hash in path.reversed() { emitFinal(hash, target, &effects) }
    progressAt = now.monotonic
    raiseAmnesicFloor(&effects)
    markDirty(from: head.header.view)
  }

  private mutating func emitFinal(_ hash: Digest, _ target: Certificate, _ effects: inout [Effect]) {
    guard let block = held(hash), let proposal = block.proposal else { return }
    if !block.notarizedTold { effects.append(.notarized(block: hash, proposal)) }
    views.update(proposal.header.view, block: hash) { block in
      block.notarizedTold = true
      block.validateAsked = true
      block.isFinal = true
    }
    lastFinal = Anchor(hash: hash, header: proposal.header, proposal: proposal, root: block.root)
    if let root = block.root { note(root: root, at: proposal.header.height) }
    statistics.blocksFinal += 1
    effects.append(.final(block: hash, block.finality ?? target))
  }

  /// C8: Q signed the state after this block; everything below is the host's from now on.
  private mutating func settleState(
    _ proof: Certificate, _ hash: Digest, _ now: Moment, _ effects: inout [Effect]
  ) {
    guard let header = header(hash) else { return }
    checkRoot(held(hash)?.root, against: proof, header.height, &effects)
    effects.append(.stateFinal(height: header.height, block: hash, stateRoot: proof.stateRoot, proof))
    note(root: proof.stateRoot, at: header.height)
    head = Anchor(hash: hash, header: header, proposal: proposal(hash), root: proof.stateRoot)
    floor = max(floor, header.view)
    progressAt = now.monotonic
    let keep = header.view.subtracting(ConsensusLimits.viewsRetained) ?? 0
    for old in views.prune(below: keep) { viewOf[old] = nil }
    fetches.removeAll { $0.view <= header.view }
  }

  /// The host executed a block.
  mutating func executed(_ hash: Digest, _ root: Digest, _ share: [UInt8], _ effects: inout [Effect]) {
    // C15: a leader that lagged behind is asked again.
    wantProposalSent = nil
    if hash == lastFinal.hash { lastFinal.root = root }
    guard let view = viewOf[hash], let block = held(hash) else { return }
    views.update(view, block: hash) { block in
      block.root = root
      block.frostShare = share
    }
    if let height = block.header?.header.height {
      if block.isFinal { note(root: root, at: height) }
      if let proof = block.stateProof { checkRoot(root, against: proof, height, &effects) }
    }
    markDirty(from: view)
  }

  /// A validator whose root differs from Q others' stops voting and says so.
  private mutating func checkRoot(
    _ ours: Digest?, against proof: Certificate, _ height: Height, _ effects: inout [Effect]
  ) {
    guard let ours, ours != proof.stateRoot, !halted else { return }
    halted = true
    effects.append(.diverged(height: height, ours: ours, theirs: proof.stateRoot))
  }

  private mutating func haltVoting(_ effects: inout [Effect]) {
    guard !halted else { return }
    halted = true
    effects.append(.report(index ?? 0, .conflictingFinality))
  }

  mutating func note(root: Digest, at height: Height) {
    if let known = finalRoots.firstIndex(where: { $0.height == height }) {
      finalRoots[known].root = root
      return
    }
    finalRoots.append((height, root))
    guard finalRoots.count > 2 * Int(ConsensusLimits.executionLag),
      let lowest = finalRoots.indices.min(by: { finalRoots[$0].height < finalRoots[$1].height })
    else { return }
    finalRoots.remove(at: lowest)
  }

  /// The host has verified and holds final blocks up to this one.
  mutating func caughtUp(_ proposal: Proposal, _ certificate: Certificate, _ now: Moment, _ effects: inout [Effect]) {
    let header = proposal.header
    let hash = header.hash(chain: committee.chain)
    guard certificate.provesFinality, certificate.block == hash, header.view > lastFinal.header.view else { return }
    accept(certificate, completed: false, now, &effects)
    store(proposal, hash, now)
    views.update(header.view, block: hash) { block in
      block.isFinal = true
      block.validateAsked = true
      block.notarizedTold = true
      block.verdict = .available(omission: false)
    }
    lastFinal = Anchor(hash: hash, header: header, proposal: proposal, root: held(hash)?.root)
    if (finalTarget?.view ?? 0) <= header.view { finalTarget = nil }
    raiseAmnesicFloor(&effects)
    markDirty(from: header.view)
  }

  /// Asks the host to validate and to execute, parents first.
  mutating func tellHost(of view: View, _ effects: inout [Effect]) {
    guard let state = views[view] else { return }
    for block in state.blocks {
      guard let proposal = block.proposal else { continue }
      let parent = proposal.header.parentHash
      guard parent == head.hash || parent == lastFinal.hash || held(parent)?.validateAsked == true else { continue }
      let notarized = block.notarization != nil && !block.notarizedTold
      if !block.validateAsked {
        effects.append(.validate(block: block.hash, proposal))
        markDirty(from: view)
      }
      if notarized { effects.append(.notarized(block: block.hash, proposal)) }
      views.update(view, block: block.hash) { block in
        block.validateAsked = true
        if notarized { block.notarizedTold = true }
      }
    }
  }
}
