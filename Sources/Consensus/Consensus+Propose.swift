// C2, C13: leading a view.

import Primitives
import Sodium

extension Consensus {
  /// C2: the notarised block of the highest view such that every view between it and `view` is nullified.
  func parent(for view: View) -> (hash: Digest, header: Header)? {
    var candidate = view
    while candidate > head.header.view + 1 {
      candidate -= 1
      guard let state = views[candidate] else { return nil }
      if let block = state.blocks.first(where: { $0.notarization != nil && $0.header != nil }),
        let header = block.header?.header
      {
        return (block.hash, header)
      }
      // A caught-up block is final without a certificate of its own.
      if candidate == lastFinal.header.view { return (lastFinal.hash, lastFinal.header) }
      guard state.nullification != nil else { return nil }
    }
    return view > head.header.view ? (head.hash, head.header) : nil
  }

  /// Nullifications of the views between, or nil if one is missing.
  func nullifications(from parentView: View, to view: View) -> [Certificate]? {
    var found: [Certificate] = []
    guard parentView < view else { return nil }
    var between = parentView + 1
    while between < view {
      guard let certificate = views[between]?.nullification else { return nil }
      found.append(certificate)
      between += 1
    }
    return found
  }

  mutating func proposeIfDue(_ now: Moment, _ effects: inout [Effect]) {
    guard let index, mayVote(in: view), committee.leader(of: view) == index else { return }
    let state = views[view]
    guard state?.proposed == nil, !(state?.isCertified ?? false), state?.voters[Int(index)].first == nil else { return }
    // C13: nothing to order is worth a heartbeat only.
    guard hasWork || now.monotonic >= enteredAt + settings.heartbeat else { return }
    guard let parent = parent(for: view) else {
      // C2 needs certificates this node jumped over.
      noteGap(from: head.header.view + 1, through: view - 1, now)
      return
    }
    guard parent.hash == head.hash || proposal(parent.hash) != nil else { return want(parent.hash, parent.header.view) }
    // C14: the timestamp must not lie ahead of the clock.
    guard now.wall > parent.header.timestamp else { return waitForClock(parent.header.timestamp + 1, now) }
    if let asked = wantProposalSent, asked == (view, parent.hash) { return }
    wantProposalSent = (view, parent.hash)
    effects.append(.wantProposal(view: view, parent: parent.header, parentHash: parent.hash))
  }

  /// C2: once per view; the header's hash is journaled first.
  mutating func propose(
    view: View, parent: Digest, cut: [UInt8], executedHeight: Height, executedRoot: Digest, historyRoot: Digest,
    frostPlan: [UInt8], _ now: Moment, _ effects: inout [Effect]
  ) {
    guard let index, view == self.view, mayVote(in: view), committee.leader(of: view) == index,
      cut.count <= ConsensusLimits.cutBytes, frostPlan.count <= ConsensusLimits.frostPlanBytes,
      let parentHeader = header(parent), isNotarized(parent),
      let between = nullifications(from: parentHeader.view, to: view)
    else { return }
    let state = views[view]
    guard state?.proposed == nil, !(state?.isCertified ?? false), state?.voters[Int(index)].first == nil else { return }
    let height = parentHeader.height + 1
    // C15: leaders stop while executed state lags order; asked again when more is executed.
    guard executedHeight < height, executedHeight + ConsensusLimits.executionLag >= height else { return }
    let header = Header(
      epoch: committee.epoch, view: view, height: height, parentHash: parent, parentView: parentHeader.view,
      cutHash: Proposal.hash(ofCut: cut), executedHeight: executedHeight, executedRoot: executedRoot,
      timestamp: max(now.wall, parentHeader.timestamp + 1), validatorSetHash: committee.setHash,
      frostPlanHash: Proposal.hash(ofPlan: frostPlan), historyRoot: historyRoot, leader: index)
    let hash = header.hash(chain: committee.chain)
    let certificate = held(parent)?.notarization ?? held(parent)?.finality ?? highestFinal(for: parent)
    let proposal = Proposal(
      header: header, signature: signer.sign(Header.signingBytes(of: hash)), cut: cut,
      parentCertificate: certificate, nullifications: Array(between.suffix(ConsensusLimits.nullifications)),
      frostPlan: frostPlan)
    effects.append(.persist(.proposed(view, hash)))
    effects.append(.persist(.proposal(proposal)))
    effects.append(.broadcast(.proposal(proposal)))
    statistics.proposalsMade += 1
    views.update(view) { $0.proposed = hash }
    store(proposal, hash, now)
    views.update(view, block: hash) { block in
      block.verdict = .available(omission: false)
      block.validateAsked = true
    }
  }

  private func highestFinal(for block: Digest) -> Certificate? {
    highestFinal.flatMap { $0.block == block ? $0 : nil }
  }

  /// C1: time to order starts when there is something to order.
  mutating func setWork(_ work: Bool, _ now: Moment) {
    hasWork = work
    workSince = work ? (workSince ?? now.monotonic) : nil
  }
}
