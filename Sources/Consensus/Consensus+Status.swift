// C11: telling each other where we stand, helping those behind, and breaking a standstill.

import Primitives

extension Consensus {
  /// Without progress for this long, everything that could be lost is sent again.
  var standstillPatience: Instant { max(10 * currentDelay, settings.standstillMin) }

  func status(for peer: ValidatorIndex?) -> Status {
    Status(
      view: view, floor: floor, finalView: lastFinal.header.view, stateFinalView: head.header.view, entry: entry,
      highestFinal: highestFinal == entry ? nil : highestFinal, bootId: bootId,
      latestVote: peer.flatMap { peers[Int($0)].latestVote }, amnesiac: amnesia.isActive)
  }

  mutating func greet(_ peer: ValidatorIndex, _ now: Moment, _ effects: inout [Effect]) {
    guard started, Int(peer) < committee.n, peer != index else { return }
    effects.append(.send(to: peer, .status(status(for: peer))))
    if case .asking = amnesia { effects.append(.send(to: peer, .recoveryQuery(nonce: bootId))) }
  }

  mutating func sendStatus(_ now: Moment, _ effects: inout [Effect]) {
    statusAt = now.monotonic + settings.statusInterval
    for number in 0..<committee.n {
      let peer = ValidatorIndex(number)
      if peer != index { effects.append(.send(to: peer, .status(status(for: peer)))) }
    }
    if case .asking = amnesia { effects.append(.broadcast(.recoveryQuery(nonce: bootId))) }
  }

  mutating func receive(_ status: Status, from peer: ValidatorIndex, _ now: Moment, _ effects: inout [Effect]) {
    let place = Int(peer)
    peers[place].bootId = status.bootId
    // Finality first: what lies below it needs no votes.
    if let final = status.highestFinal { offer(final, from: peer, now, &effects) }
    if let entry = status.entry { offer(entry, from: peer, now, &effects) }
    if let vote = status.latestVote { checkMemory(against: vote, &effects) }
    if let last = peers[place].answeredStatusAt, now.monotonic - last < settings.statusInterval / 4 { return }
    help(peer, standingAt: status, now, &effects)
  }

  /// Sends a peer that is behind what it lacks, within bounds.
  private mutating func help(
    _ peer: ValidatorIndex, standingAt status: Status, _ now: Moment, _ effects: inout [Effect]
  ) {
    var answers: [ConsensusMessage] = []
    if status.finalView < highestFinalView, let highestFinal { answers.append(.certificate(highestFinal)) }
    if status.stateFinalView < head.header.view, let proof = views[head.header.view]?.block(head.hash)?.stateProof,
      proof != highestFinal
    {
      answers.append(.certificate(proof))
    }
    if status.view < view, let entry, entry != highestFinal { answers.append(.certificate(entry)) }
    // Votes of mine that it does not hold.
    let since = status.latestVote?.view ?? 0
    for held in views.views(from: max(since, head.header.view + 1, status.stateFinalView + 1)).suffix(8) {
      for vote in own(in: held).all where status.latestVote.map({ !$0.says(vote) }) ?? true {
        answers.append(.vote(vote))
      }
    }
    guard !answers.isEmpty else { return }
    peers[Int(peer)].answeredStatusAt = now.monotonic
    for answer in answers { effects.append(.send(to: peer, answer)) }
  }

  /// C11: nothing for max(10 D, 2 s).
  mutating func standstill(_ now: Moment, _ effects: inout [Effect]) {
    standstillAt = now.monotonic + standstillPatience
    statistics.standstills += 1
    var votes: [Vote] = []
    for held in views.views(from: head.header.view + 1) { votes += own(in: held).all }
    for vote in votes.suffix(ConsensusLimits.votesResent) { effects.append(.broadcast(.vote(vote))) }
    if let entry { effects.append(.broadcast(.certificate(entry))) }
    if let highestFinal, highestFinal != entry { effects.append(.broadcast(.certificate(highestFinal))) }
    for held in views.views(from: head.header.view + 1).suffix(Int(ConsensusLimits.viewWindow)) {
      if let evidence = views[held]?.evidence { effects.append(.broadcast(.evidence(evidence))) }
    }
    if let index, committee.leader(of: view) == index, let hash = views[view]?.proposed,
      let proposal = proposal(hash)
    {
      effects.append(.broadcast(.proposal(proposal)))
    }
    sendStatus(now, &effects)
  }
}
