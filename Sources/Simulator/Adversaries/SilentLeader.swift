// Says nothing in the views it leads, and is a good validator otherwise.

import Consensus
import Primitives
import Replica
import Wire

final class SilentLeader: Adversary {
  func sends(_ message: PeerMessage, to peer: ValidatorIndex, at now: AdversaryView, into lies: inout [Lie]) {
    if case .consensus(.proposal) = message { return }
    lies.append(Lie(bytes: message.wireBytes, to: peer))
  }
}
