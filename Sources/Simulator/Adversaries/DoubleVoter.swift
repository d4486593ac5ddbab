// Votes for the block and for nullify in one view, first and fallback, and finalizes whatever it voted, each to some; and
// tells everybody that it agrees: the vote of the listener, whatever it is, in its own name. In half of the views that is
// the first they hear of it: who has voted aloud before can no longer agree with two sides.

import Consensus
import Primitives
import Replica
import Wire

final class DoubleVoter: Adversary {
  private var tools: AdversaryTools
  private var seen: [View: Digest] = [:]

  init(_ tools: AdversaryTools) { self.tools = tools }

  func sends(_ message: PeerMessage, to peer: ValidatorIndex, at now: AdversaryView, into lies: inout [Lie]) {
    guard case .consensus(.vote(let vote)) = message, vote.voter == tools.index else {
      return lies.append(Lie(bytes: message.wireBytes, to: peer))
    }
    if let block = vote.block {
      if seen.count > 64 { seen.removeAll() }
      seen[vote.view] = block
    }
    if vote.kind == .first, isAgreeable(in: vote.view) { return }
    say(vote, to: peer, &lies)
    let block = vote.block ?? seen[vote.view]
    switch tools.random.below(5) {
    case 0: say(other(vote, .first, nil), to: peer, &lies)
    case 1: say(other(vote, .fallback, nil), to: peer, &lies)
    case 2: if let block { say(other(vote, .fallback, block), to: peer, &lies) }
    case 3:
      guard let block else { return }
      var lie = other(vote, .finalize, block)
      lie.stateRoot = Digest(words: (6, 6, 6, vote.view))
      say(lie, to: peer, &lies)
    default: break
    }
  }

  func hears(_ bytes: [UInt8], from peer: ValidatorIndex, into lies: inout [Lie]) {
    guard case .consensus(.vote(var vote))? = try? WireReader.decode(PeerMessage.self, from: bytes), vote.voter == peer
    else { return }
    vote.voter = tools.index
    say(vote, to: peer, &lies)
  }

  private func isAgreeable(in view: View) -> Bool {
    var chance = SeededRandom(seed: view << 16 | UInt64(tools.index))
    return chance.below(2) == 0
  }

  private func other(_ vote: Vote, _ kind: VoteKind, _ block: Digest?) -> Vote {
    Vote(kind: kind, epoch: vote.epoch, view: vote.view, block: block, voter: vote.voter)
  }

  private func say(_ vote: Vote, to peer: ValidatorIndex, _ lies: inout [Lie]) {
    lies.append(Lie(bytes: PeerMessage.consensus(.vote(tools.signed(vote))).wireBytes, to: peer))
  }
}
