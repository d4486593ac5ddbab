// What arrives: cheap checks first, then signatures, and only then is anything stored. Nothing a peer sends traps.

import Primitives

extension Consensus {
  mutating func receive(
    _ message: ConsensusMessage, from peer: ValidatorIndex, _ now: Moment, _ effects: inout [Effect]
  ) {
    guard Int(peer) < committee.n, peer != index else { return }
    switch message {
    case .proposal(let proposal): receive(proposal, from: peer, now, &effects)
    case .vote(let vote): receive(vote, from: peer, now, &effects)
    case .certificate(let certificate): offer(certificate, from: peer, now, &effects)
    case .evidence(let evidence): receive(evidence, from: peer, now, &effects)
    case .status(let status): receive(status, from: peer, now, &effects)
    case .getProposal(let hash): answer(hash, to: peer, now, &effects)
    case .getCertificates(let from, let through): answer(from: from, through: through, to: peer, now, &effects)
    case .recoveryQuery(let nonce): answerRecovery(nonce, to: peer, now, &effects)
    case .recoveryAnswer(let nonce, let view, let entry):
      takeRecovery(nonce, view: view, entry: entry, from: peer, now, &effects)
    }
  }

  mutating func offer(
    _ certificate: Certificate, from peer: ValidatorIndex, _ now: Moment, _ effects: inout [Effect]
  ) {
    guard isNews(certificate) else { return }
    guard verify(certificate) else { return effects.append(.report(peer, .badSignature("certificate"))) }
    accept(certificate, completed: false, now, &effects)
  }

  // MARK: Proposals

  private mutating func receive(
    _ proposal: Proposal, from peer: ValidatorIndex, _ now: Moment, _ effects: inout [Effect]
  ) {
    let header = proposal.header
    guard header.epoch == committee.epoch, header.view > head.header.view,
      header.leader == committee.leader(of: header.view)
    else { return }
    let hash = header.hash(chain: committee.chain)
    let fetch = fetches.first { $0.hash == hash }
    guard fetch != nil || (peer == header.leader && header.view <= view + ConsensusLimits.viewWindow) else { return }
    let known = held(hash)
    guard known?.proposal == nil else { return }
    let headers = views[header.view]?.headers ?? 0
    guard fetch != nil || known?.header != nil || headers < ConsensusLimits.headersPerView else { return }
    let isVerified = known?.header != nil || Mutant.has(.headerUnverified)
    guard isVerified || proposal.signedHeader.verify(committee: committee, scheme: scheme) else {
      return effects.append(.report(peer, .badSignature("proposal")))
    }
    guard proposal.cutMatchesHeader else { return effects.append(.report(peer, .malformed("cut"))) }
    if let certificate = proposal.parentCertificate { offer(certificate, from: peer, now, &effects) }
    for certificate in proposal.nullifications { offer(certificate, from: peer, now, &effects) }
    guard header.view > head.header.view else { return }
    noteActivity(header.leader, header.view)
    if headers < ConsensusLimits.proposalsPerView || fetch?.content == true || known?.notarization != nil {
      store(proposal, hash, now)
    } else {
      store(proposal.signedHeader, hash, now)
    }
    fetches.removeAll { $0.hash == hash }
    noteEvidence(in: header.view, &effects)
  }

  /// Keeps a proposal whose leader's signature and cut were checked.
  mutating func store(_ proposal: Proposal, _ hash: Digest, _ now: Moment) {
    store(proposal.signedHeader, hash, now)
    views.update(proposal.header.view, block: hash) { $0.proposal = proposal }
  }

  private mutating func store(_ header: SignedHeader, _ hash: Digest, _ now: Moment?) {
    let view = header.header.view
    viewOf[hash] = view
    views.update(view, block: hash) { block in
      if block.header == nil { block.header = header }
      if block.received == nil { block.received = now }
    }
    if let now { punctuality.began(view, at: now.monotonic) }
    markDirty(from: view)
  }

  // MARK: Evidence

  /// C4: two headers in one view prove that its leader is Byzantine; everybody must know both.
  private mutating func noteEvidence(in view: View, _ effects: inout [Effect]) {
    guard let state = views[view], state.evidence == nil else { return }
    let headers = state.blocks.compactMap(\.header).prefix(2)
    guard headers.count == 2, let a = headers.first, let b = headers.last else { return }
    publish(.headers(a, b), &effects)
  }

  private mutating func publish(_ evidence: Evidence, _ effects: inout [Effect]) {
    views.update(evidence.view) { state in
      switch evidence {
      case .headers: state.evidence = evidence
      case .votes(let vote, _):
        if evidence.isOfFirstVotes {
          state.voters[Int(vote.voter)].equivocated = true
        } else {
          state.voters[Int(vote.voter)].contradicted = true
        }
      }
    }
    effects.append(.broadcast(.evidence(evidence)))
    effects.append(.evidence(evidence))
    effects.append(.report(evidence.culprit, .equivocation))
    markDirty(evidence.view)
  }

  private mutating func receive(
    _ evidence: Evidence, from peer: ValidatorIndex, _ now: Moment, _ effects: inout [Effect]
  ) {
    guard evidence.view > head.header.view, evidence.view <= view + ConsensusLimits.viewWindow,
      Int(evidence.culprit) < committee.n
    else { return }
    let state = views[evidence.view]
    switch evidence {
    case .headers(let a, let b):
      guard state?.evidence == nil else { return }
      guard evidence.verify(committee: committee, scheme: scheme) else {
        return effects.append(.report(peer, .badSignature("evidence")))
      }
      store(a, a.header.hash(chain: committee.chain), nil)
      store(b, b.header.hash(chain: committee.chain), nil)
    case .votes(let vote, _):
      let voter = state?.voters[Int(vote.voter)]
      guard (evidence.isOfFirstVotes ? voter?.equivocated : voter?.contradicted) != true else { return }
      guard evidence.verify(committee: committee, scheme: scheme) else {
        return effects.append(.report(peer, .badSignature("evidence")))
      }
    }
    publish(evidence, &effects)
  }

  // MARK: Votes

  private mutating func receive(
    _ vote: Vote, from peer: ValidatorIndex, _ now: Moment, _ effects: inout [Effect]
  ) {
    guard vote.epoch == committee.epoch, Int(vote.voter) < committee.n, vote.voter != index, vote.isWellFormed,
      vote.view <= view + ConsensusLimits.viewWindow
    else { return }
    // The channel proves who sent it: a slow voter is not a silent one (C1).
    if peer == vote.voter {
      noteActivity(peer, vote.view)
      punctuality.heard(peer, in: vote.view, at: now.monotonic)
    }
    guard vote.view > head.header.view else {
      // The state is settled without it, but its share may be the one that the signature on it lacks.
      if vote.kind.carriesRoot, peer == vote.voter, !vote.frostShare.isEmpty {
        effects.append(.stateVote(vote, isCounted: false))
      }
      return
    }
    let state = views[vote.view]
    let record = state?.voters[Int(vote.voter)] ?? VoterRecord()
    guard !record.holds(vote), isUseful(vote, record, state) else { return }
    guard Mutant.has(.voteUnverified) || vote.verify(committee: committee, scheme: scheme) else {
      return effects.append(.report(peer, .badSignature("vote")))
    }
    if vote.kind == .first, let first = record.first {
      return publish(.votes(first, vote), &effects)
    }
    if !record.contradicted, let rival = record.all.first(where: { $0.contradicts(vote) }) {
      publish(.votes(rival, vote), &effects)
    }
    if vote.kind == .finalize, record.finalize != nil { return }
    self.record(vote)
    if vote.kind.carriesRoot, peer == vote.voter { effects.append(.stateVote(vote, isCounted: true)) }
    peers[Int(vote.voter)].note(vote)
    if vote.kind == .first { measure(vote, now) }
    // C4: the voter must have the header.
    if let block = vote.block, held(block)?.header == nil {
      want(block, vote.view, content: false, from: peer)
    }
  }

  /// Whether a vote could change anything, before its signature is looked at.
  private func isUseful(_ vote: Vote, _ record: VoterRecord, _ state: ViewState?) -> Bool {
    switch vote.kind {
    case .first: !record.equivocated && (record.first != nil || state?.isFinal != true)
    case .fallback: record.fallbacks.count < ConsensusLimits.fallbacksPerVoter && state?.isFinal != true
    case .finalize: record.finalize == nil || !record.contradicted
    case .attest: record.attest == nil
    }
  }

  mutating func take(_ verdict: DataVerdict, on hash: Digest) {
    guard let view = viewOf[hash] else { return }
    views.update(view, block: hash) { $0.verdict = verdict }
    markDirty(view)
  }

  private mutating func noteActivity(_ peer: ValidatorIndex, _ view: View) {
    let place = Int(peer)
    peers[place].activeView = max(peers[place].activeView, min(view, self.view + 1))
  }

  /// D: how long after the proposal this vote came.
  private mutating func measure(_ vote: Vote, _ now: Moment) {
    guard vote.view + 1 >= view, let block = vote.block, let received = held(block)?.received else { return }
    delay.add(now.monotonic - received.monotonic)
  }
}
