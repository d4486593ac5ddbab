// C1, C5-C8: certificates, gathered from votes or received, and the views they open.

import Primitives

extension Consensus {
  /// Gathers whatever certificates the tally of a view now supports.
  mutating func formCertificates(in view: View, _ now: Moment, _ effects: inout [Effect]) {
    guard let state = views[view] else { return }
    // C4: votes count for a block only while its leader-signed header is held.
    for block in state.blocks where block.header != nil {
      if block.finality == nil, !block.isFinal {
        formOrder(view, block, state, now, &effects)
      }
      if block.stateProof == nil { formState(view, block, state, now, &effects) }
    }
    // C6: nullified.
    if state.nullification == nil {
      if rules.isQuorum(state.count { $0.ballot(for: nil) != nil }) {
        complete(.nullification, view, nil, state.ballots(for: nil), now, &effects)
      }
    }
  }

  private mutating func formOrder(
    _ view: View, _ block: BlockState, _ state: ViewState, _ now: Moment, _ effects: inout [Effect]
  ) {
    let hash = block.hash
    if rules.isFastQuorum(state.count { $0.first?.block == hash }) {
      // C7: fast final. Its votes are a notarization as well.
      complete(.fastFinal, view, hash, state.firsts(for: hash), now, &effects)
    } else if rules.isQuorum(state.count { $0.finalize?.block == hash }) {
      // C8: final.
      complete(.final, view, hash, state.finalizes(for: hash), now, &effects)
    } else if block.notarization == nil, rules.isQuorum(state.count { $0.ballot(for: hash) != nil }) {
      // C5: notarised.
      complete(.notarization, view, hash, state.ballots(for: hash), now, &effects)
    }
  }

  /// C8: the state is final when Q agree on the root.
  private mutating func formState(
    _ view: View, _ block: BlockState, _ state: ViewState, _ now: Moment, _ effects: inout [Effect]
  ) {
    let hash = block.hash
    guard rules.isQuorum(state.count { $0.finalize?.block == hash || $0.attest?.block == hash }) else { return }
    var roots: [Digest] = []
    for voter in state.voters {
      for vote in [voter.finalize, voter.attest] {
        if let vote, vote.block == block.hash, !roots.contains(vote.stateRoot) { roots.append(vote.stateRoot) }
      }
    }
    for root in roots {
      let votes = state.stateVotes(for: block.hash, root: root)
      guard rules.isQuorum(votes.count) else { continue }
      return complete(.state, view, block.hash, root: root, votes, now, &effects)
    }
  }

  /// C8: whoever completes a certificate broadcasts it.
  private mutating func complete(
    _ kind: CertificateKind, _ view: View, _ block: Digest?, root: Digest = .zero, _ votes: [Vote], _ now: Moment,
    _ effects: inout [Effect]
  ) {
    let certificate = Certificate(
      kind, epoch: committee.epoch, view: view, block: block, stateRoot: root, votes: votes)
    accept(certificate, completed: true, now, &effects)
  }

  /// True if this certificate would tell us anything: asked before its signatures are looked at.
  func isNews(_ certificate: Certificate) -> Bool {
    guard certificate.view > head.header.view else { return false }
    guard let state = views[certificate.view] else { return true }
    guard let hash = certificate.block else { return state.nullification == nil }
    // With at most f faults a handful of blocks of a view can be certified; with more, they must not fill the memory.
    guard let block = state.block(hash) else {
      return state.blocks.count < ConsensusLimits.headersPerView + 8 * committee.n
    }
    switch certificate.kind {
    case .notarization: return block.notarization == nil
    case .nullification: return false
    case .fastFinal, .final: return block.finality == nil && !block.isFinal
    case .state: return block.stateProof == nil
    }
  }

  /// Signatures of votes that are already in the tally are not verified again.
  func verify(_ certificate: Certificate) -> Bool {
    guard certificate.isWellFormed(committee: committee) else { return false }
    if Mutant.has(.certificateUnverified) { return true }
    let state = views[certificate.view]
    return certificate.entries.allSatisfy { entry in
      let vote = certificate.vote(entry)
      return state?.voters[Int(entry.voter)].contains(vote) == true || vote.verify(committee: committee, scheme: scheme)
    }
  }

  /// Takes a certificate that is proven.
  mutating func accept(
    _ certificate: Certificate, completed: Bool, _ now: Moment, _ effects: inout [Effect]
  ) {
    guard isNews(certificate) else { return }
    effects.append(.persist(.certificate(certificate)))
    let opens = certificate.view >= view
    // C5, C6: broadcast once. See READINGS in Consensus.swift for the relay of what opens a view.
    if completed || opens { effects.append(.broadcast(.certificate(certificate))) }
    install(certificate)
    if certificate.kind == .nullification { statistics.viewsNullified += 1 }
    if certificate.kind == .fastFinal { statistics.fastFinals += 1 }
    if certificate.kind == .final { statistics.slowFinals += 1 }
    // C1: a certificate of a view >= v - 1 opens view v, however far it is.
    if opens { enter(certificate.view + 1, by: certificate, now, &effects) }
    markDirty(from: certificate.view)
  }

  /// Notes a proven certificate in its view.
  mutating func install(_ certificate: Certificate) {
    if let hash = certificate.block {
      viewOf[hash] = certificate.view
      views.update(certificate.view, block: hash) { block in
        if block.notarization == nil { block.notarization = certificate }
        if certificate.provesFinality && block.finality == nil { block.finality = certificate }
        if certificate.kind == .state { block.stateProof = certificate }
      }
      if held(hash)?.proposal == nil { want(hash, certificate.view) }
    } else {
      views.update(certificate.view) { $0.nullification = certificate }
    }
    guard certificate.provesFinality else { return }
    if certificate.view > (highestFinal?.view ?? 0)
      || certificate.kind == .state && certificate.view == highestFinal?.view
    {
      highestFinal = certificate
    }
    if certificate.view > lastFinal.header.view, certificate.view > (finalTarget?.view ?? 0) {
      finalTarget = certificate
    }
    if certificate.kind == .state, certificate.view > (stateTarget?.view ?? 0) { stateTarget = certificate }
  }

  /// C1: into a later view.
  mutating func enter(_ next: View, by certificate: Certificate?, _ now: Moment, _ effects: inout [Effect]) {
    guard next > view else { return }
    view = next
    entry = certificate ?? entry
    enteredAt = now.monotonic
    workSince = hasWork ? now.monotonic : nil
    wantProposalSent = nil
    clockWait = nil
    resend = Resend()
    progressAt = now.monotonic
    statistics.viewsEntered += 1
    _ = views.update(next) { $0.view }
    effects.append(.enteredView(next, by: certificate))
    markDirty(next)
    markDirty(next - 1)
  }
}
