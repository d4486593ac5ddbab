// Proposes up to three blocks in each view it leads, shows different ones to different peers, and votes for each where
// it was shown.

import Consensus
import Primitives
import Replica
import Wire

final class EquivocatingLeader: Adversary {
  private var tools: AdversaryTools
  private var view: View = 0
  private var variants: [Proposal] = []

  init(_ tools: AdversaryTools) { self.tools = tools }

  func sends(_ message: PeerMessage, to peer: ValidatorIndex, at now: AdversaryView, into lies: inout [Lie]) {
    switch message {
    case .consensus(.proposal(let proposal)) where proposal.header.leader == tools.index:
      if proposal.header.view != view { make(from: proposal) }
      guard let shown = variant(for: peer) else { return }
      lies.append(Lie(bytes: PeerMessage.consensus(.proposal(shown)).wireBytes, to: peer))
    case .consensus(.vote(let vote)) where vote.view == view && vote.block != nil:
      guard let shown = variant(for: peer) else { return }
      var other = vote
      other.block = shown.header.hash(chain: tools.committee.chain)
      lies.append(Lie(bytes: PeerMessage.consensus(.vote(tools.signed(other))).wireBytes, to: peer))
    default: lies.append(Lie(bytes: message.wireBytes, to: peer))
    }
  }

  private func make(from proposal: Proposal) {
    view = proposal.header.view
    variants = [proposal]
    for step in 0..<tools.random.below(3) {
      var header = proposal.header
      header.timestamp += Timestamp(step + 1)
      variants.append(tools.signed(proposal, header: header))
    }
  }

  /// Always the same one for one peer and view; none for one in eight.
  private func variant(for peer: ValidatorIndex) -> Proposal? {
    var chance = SeededRandom(seed: view << 16 | UInt64(peer))
    if chance.below(8) == 0 { return nil }
    return variants.isEmpty ? nil : variants[Int(chance.below(UInt64(variants.count)))]
  }
}
