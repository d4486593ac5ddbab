// Pulling what is missing, and answering those who pull. Bounded on both sides.

import Primitives

/// A proposal that is being asked for.
struct Fetch: Sendable {
  let hash: Digest
  let view: View
  /// The cut is needed too, not only the header.
  var content: Bool
  /// Who certainly has it.
  let source: ValidatorIndex?
  var attempts = 0
  var next: Instant = .min
}

/// Certificates of views that were jumped over.
struct CertificateGap: Sendable {
  var from: View
  var through: View
  var attempts = 0
  var next: Instant = .min
}

/// What this node knows of and spends on a peer.
struct PeerState: Sendable {
  /// Highest view in which it was heard.
  var activeView: View = 0
  /// Its latest vote held.
  @Boxed private(set) var latestVote: Vote?
  var bootId: UInt64?
  var answeredStatusAt: Instant?
  private var budget: Int64
  private let budgetMax: Int64
  private var refilledAt: Instant?

  init(budget: Int64) {
    self.budget = budget
    budgetMax = budget
  }

  mutating func note(_ vote: Vote) {
    if vote.view >= (latestVote?.view ?? 0) { latestVote = vote }
  }

  /// False if the peer has pulled more than its share.
  mutating func charge(_ bytes: Int, at now: Instant) -> Bool {
    let elapsed = min(max(now - (refilledAt ?? now), 0), Duration64.second)
    refilledAt = now
    budget = min(budgetMax, budget + elapsed / 1000 * (budgetMax / 1_000_000))
    guard budget > 0 else { return false }
    budget -= Int64(bytes)
    return true
  }
}

extension Consensus {
  /// Begins to ask for a block, unless it is held or asked for.
  mutating func want(_ hash: Digest, _ view: View, content: Bool = true, from source: ValidatorIndex? = nil) {
    guard view > head.header.view, hash != head.hash else { return }
    let block = held(hash)
    guard content ? block?.proposal == nil : block?.header == nil else { return }
    if let place = fetches.firstIndex(where: { $0.hash == hash }) {
      if content && !fetches[place].content { fetches[place].content = true }
      return
    }
    if fetches.count >= ConsensusLimits.fetches {
      // What a quorum vouches for goes before what somebody claims.
      guard block?.notarization != nil, let place = fetches.firstIndex(where: { !isNotarized($0.hash) }) else { return }
      fetches.remove(at: place)
    }
    fetches.append(Fetch(hash: hash, view: view, content: content, source: source))
  }

  /// Certificates of these views are needed to judge or to make a proposal.
  mutating func noteGap(from: View, through: View, _ now: Moment) {
    guard from <= through else { return }
    if let gap = certificateGap, gap.through == through { return }
    certificateGap = CertificateGap(from: from, through: through)
  }

  var nextFetch: Instant? {
    var next: Instant?
    for fetch in fetches { next = min(next ?? .max, fetch.next) }
    if let gap = certificateGap { next = min(next ?? .max, gap.next) }
    return next
  }

  mutating func fetchMissing(_ now: Moment, _ effects: inout [Effect]) {
    let time = now.monotonic
    let pause = max(3 * currentDelay, 50 * Duration64.millisecond)
    if !fetches.isEmpty { fetches = fetches.filter(isOpen) }
    for place in fetches.indices where fetches[place].next <= time {
      let fetch = fetches[place]
      if fetch.attempts == 0 { effects.append(.needProposal(block: fetch.hash)) }
      let first = fetch.source ?? committee.leader(of: fetch.view)
      if let peer = peer(Int(first) + fetch.attempts) {
        effects.append(.send(to: peer, .getProposal(fetch.hash)))
      }
      fetches[place].attempts += 1
      fetches[place].next = time + pause
    }
    guard var gap = certificateGap, gap.next <= time else { return }
    guard gap.through + 1 >= view || gap.through >= highestFinalView, gap.attempts < 2 * committee.n else {
      certificateGap = nil
      return
    }
    if let peer = peer(Int(truncatingIfNeeded: gap.through % 256) + gap.attempts) {
      effects.append(.send(to: peer, .getCertificates(from: gap.from, through: gap.through)))
    }
    gap.attempts += 1
    gap.next = time + pause
    certificateGap = gap
  }

  /// Still missing, and either vouched for by a quorum or not yet asked for too often.
  private func isOpen(_ fetch: Fetch) -> Bool {
    guard fetch.view > head.header.view else { return false }
    let block = held(fetch.hash)
    if fetch.content ? block?.proposal != nil : block?.header != nil { return false }
    return fetch.attempts <= 3 * committee.n || block?.notarization != nil
  }

  /// Another validator, by any number.
  private func peer(_ number: Int) -> ValidatorIndex? {
    for step in 0..<committee.n {
      let candidate = ValidatorIndex((number + step) % committee.n)
      if candidate != index { return candidate }
    }
    return nil
  }

  mutating func answer(_ hash: Digest, to peer: ValidatorIndex, _ now: Moment, _ effects: inout [Effect]) {
    guard let proposal = proposal(hash), proposal.header.view > 0,
      peers[Int(peer)].charge(proposal.cut.count + proposal.frostPlan.count + 1024, at: now.monotonic)
    else { return }
    effects.append(.send(to: peer, .proposal(proposal)))
  }

  mutating func answer(
    from: View, through: View, to peer: ValidatorIndex, _ now: Moment, _ effects: inout [Effect]
  ) {
    guard from <= through else { return }
    var sent = 0
    for state in views.states[views.lowerBound(from)...] {
      guard state.view <= through, sent < ConsensusLimits.nullifications else { return }
      // Finality says the most, then what lets a view be built upon or passed over.
      let final = state.blocks.compactMap(\.finality).first
      let notarization = state.blocks.compactMap(\.notarization).first
      for certificate in [final ?? notarization, state.nullification] {
        guard let certificate else { continue }
        guard peers[Int(peer)].charge(certificate.entries.count * 100 + 128, at: now.monotonic) else { return }
        effects.append(.send(to: peer, .certificate(certificate)))
        sent += 1
      }
    }
  }
}
