// The just-in-time leader: its proposals arrive when the others' patience of 2 D ends, so that some vote for the block
// and some to nullify.

import Consensus
import Primitives
import Replica
import Wire

final class LateLeader: Adversary {
  func sends(_ message: PeerMessage, to peer: ValidatorIndex, at now: AdversaryView, into lies: inout [Lie]) {
    guard case .consensus(.proposal) = message else { return lies.append(Lie(bytes: message.wireBytes, to: peer)) }
    let spread = Instant(peer) % 4 * now.delay / 20
    lies.append(Lie(bytes: message.wireBytes, to: peer, delay: max(0, 2 * now.delay - now.delay / 10 + spread)))
  }
}
