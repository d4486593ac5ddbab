// Sends shares that are wrong or for a wrong state, some of the time: the signature of the plan fails, everybody finds out who it was (T6), and
// plans leave it out.

import Consensus
import Primitives
import Replica
import Wire

final class BadShareSigner: Adversary {
  private var tools: AdversaryTools
  init(_ tools: AdversaryTools) { self.tools = tools }

  func sends(_ message: PeerMessage, to peer: ValidatorIndex, at view: AdversaryView, into lies: inout [Lie]) {
    guard case .consensus(.vote(var vote)) = message, !vote.frostShare.isEmpty, vote.view % 3 == 0 else {
      return lies.append(Lie(bytes: message.wireBytes, to: peer))
    }
    // Still a number below the group's order, or one that is none, or too short.
    switch tools.random.below(4) {
    case 0: vote.frostShare = [UInt8](repeating: 0xff, count: 32)
    case 1: vote.frostShare.removeLast()
    case 2:
      // For a state that nobody else has.
      vote.stateRoot = Digest(words: (0xbad, 0, 0, vote.view))
      vote = tools.signed(vote)
    default: vote.frostShare[0] ^= 1
    }
    lies.append(Lie(bytes: PeerMessage.consensus(.vote(vote)).wireBytes, to: peer))
  }
}
