// Restarting: what the journal says is taken as it is, votes are never made twice, and a node that may have forgotten
// votes casts none until that is provably safe.

import Primitives

/// Whether this node may have forgotten votes of its own.
enum Amnesia: Sendable {
  case none
  /// Collecting, from others that are not amnesiac, certificates of the views they have entered: by validator.
  case asking([ValidatorIndex: View])
  /// The floor is above every view this node can have voted in; waiting for one finalisation above it.
  case waiting

  var isActive: Bool {
    if case .none = self { false } else { true }
  }
}

extension Consensus {
  /// Replays the journal. Own votes re-enter the own tally.
  mutating func restore(_ recovered: Recovered) {
    floor = head.header.view
    var amnesiac = recovered.amnesiac
    for entry in recovered.entries {
      switch entry {
      case .floor(let view): floor = max(floor, view)
      case .amnesiac(let state): amnesiac = amnesiac || state
      case .proposed(let view, let hash):
        if view > head.header.view { views.update(view) { $0.proposed = hash } }
      case .vote(let vote): restore(vote)
      case .certificate(let certificate): restore(certificate)
      case .proposal(let proposal): restore(proposal)
      }
    }
    // The last word counts: a node that recovered once is not amnesiac for ever.
    for entry in recovered.entries.reversed() {
      guard case .amnesiac(let state) = entry else { continue }
      amnesiac = recovered.amnesiac || state
      break
    }
    if amnesiac, index != nil { amnesia = .asking([:]) }
  }

  private mutating func restore(_ vote: Vote) {
    guard vote.voter == index, vote.epoch == committee.epoch else { return }
    highestVotedView = max(highestVotedView, vote.view)
    guard vote.view > head.header.view, !own(in: vote.view).holds(vote) else { return }
    if Mutant.has(.votesForgottenOnRestart) { return }
    record(vote)
  }

  private mutating func restore(_ certificate: Certificate) {
    guard certificate.isWellFormed(committee: committee), isNews(certificate) else { return }
    install(certificate)
    if certificate.view >= view {
      view = certificate.view + 1
      entry = certificate
    }
  }

  private mutating func restore(_ proposal: Proposal) {
    guard proposal.header.view > head.header.view, proposal.cutMatchesHeader else { return }
    let hash = proposal.header.hash(chain: committee.chain)
    store(proposal, hash, Moment(monotonic: 0, wall: proposal.header.timestamp))
    views.update(proposal.header.view, block: hash) { $0.received = nil }
  }

  /// Everything that must survive when the journal is rewritten: blocks a little below the last state-final one are
  /// among it, in case the ledger has not got them yet.
  public func liveJournal() -> [JournalEntry] {
    var entries: [JournalEntry] = [.floor(floor)]
    if amnesia.isActive { entries.append(.amnesiac(true)) }
    for state in views.states {
      for certificate in state.certificates { entries.append(.certificate(certificate)) }
      for block in state.blocks where block.notarization != nil || own(in: state.view).ballot(for: block.hash) != nil {
        if let proposal = block.proposal { entries.append(.proposal(proposal)) }
      }
      if let hash = state.proposed {
        entries.append(.proposed(state.view, hash))
        if let block = state.block(hash), block.notarization == nil, own(in: state.view).ballot(for: hash) == nil,
          let proposal = block.proposal
        {
          entries.append(.proposal(proposal))
        }
      }
      for vote in own(in: state.view).all where !Mutant.has(.votesNotRewritten) { entries.append(.vote(vote)) }
    }
    if let entry, views[entry.view]?.certificates.contains(entry) != true { entries.append(.certificate(entry)) }
    return entries
  }

  mutating func start(_ now: Moment, _ effects: inout [Effect]) {
    guard !started else { return }
    started = true
    enteredAt = now.monotonic
    progressAt = now.monotonic
    statusAt = now.monotonic
    workSince = hasWork ? now.monotonic : nil
    if amnesia.isActive { effects.append(.persist(.amnesiac(true))) }
    _ = views.update(view) { $0.view }
    effects.append(.enteredView(view, by: entry))
    // Votes of before the restart go out again, byte for byte.
    for held in views.views(from: head.header.view + 1).suffix(Int(ConsensusLimits.viewWindow)) {
      resendVotes(of: held, &effects)
      if let hash = views[held]?.proposed, held == view, let proposal = proposal(hash) {
        effects.append(.broadcast(.proposal(proposal)))
      }
    }
    if !own(in: view).isEmpty { resend.arm(at: now.monotonic, delay: currentDelay) }
    markDirty(from: head.header.view)
  }

  // MARK: Amnesia

  /// A peer remembers a vote of ours that we do not: the journal is older than what was sent.
  mutating func checkMemory(against vote: Vote, _ effects: inout [Effect]) {
    guard let index, vote.voter == index, !amnesia.isActive, vote.view > floor, vote.view > head.header.view,
      !own(in: vote.view).holds(vote), vote.verify(committee: committee, scheme: scheme)
    else { return }
    amnesia = .asking([:])
    effects.append(.persist(.amnesiac(true)))
    effects.append(.broadcast(.recoveryQuery(nonce: bootId)))
  }

  mutating func answerRecovery(
    _ nonce: UInt64, to peer: ValidatorIndex, _ now: Moment, _ effects: inout [Effect]
  ) {
    guard index != nil, !amnesia.isActive, peers[Int(peer)].charge(4096, at: now.monotonic) else { return }
    effects.append(.send(to: peer, .recoveryAnswer(nonce: nonce, view: view, entry: entry)))
  }

  /// n - f answers from others, each with proof of its view. Two honest quorums meet: one of those who answered had
  /// entered every view this node can have voted in, or the one before, so its certificate is at most two views below.
  mutating func takeRecovery(
    _ nonce: UInt64, view claimed: View, entry certificate: Certificate?, from peer: ValidatorIndex, _ now: Moment,
    _ effects: inout [Effect]
  ) {
    guard case .asking(let known) = amnesia, nonce == bootId, known[peer] == nil else { return }
    // Nothing proves the first view of a committee but the block that it starts from.
    let certified = certificate?.view ?? (committee.epoch > 0 ? head.header.view : 0)
    guard claimed <= certified + 1 else { return effects.append(.report(peer, .unexpected("view without proof"))) }
    if let certificate {
      guard !isNews(certificate) || verify(certificate) else {
        return effects.append(.report(peer, .badSignature("recovery")))
      }
      guard certificate.isWellFormed(committee: committee) else { return }
      accept(certificate, completed: false, now, &effects)
    }
    var answers = known
    answers[peer] = certified
    amnesia = .asking(answers)
    guard answers.count >= committee.n - committee.f else { return }
    let highest = max(answers.values.max() ?? 0, entry?.view ?? 0)
    floor = max(floor, Mutant.has(.amnesiaFloorForgotten) ? 0 : highest + 2)
    amnesia = .waiting
    effects.append(.persist(.floor(floor)))
  }

  /// The first finalisation above the floor ends amnesia; the floor rises to its view.
  mutating func raiseAmnesicFloor(_ effects: inout [Effect]) {
    guard case .waiting = amnesia, lastFinal.header.view > floor else { return }
    floor = lastFinal.header.view
    amnesia = .none
    effects.append(.persist(.floor(floor)))
    effects.append(.persist(.amnesiac(false)))
  }
}
