// Announces commitments and never sends a share: plans that name it bring no certificate, until they name it no more (T2).

import Consensus
import Primitives
import Replica
import Wire

final class SilentSigner: Adversary {
  func sends(_ message: PeerMessage, to peer: ValidatorIndex, at view: AdversaryView, into lies: inout [Lie]) {
    guard case .consensus(.vote(var vote)) = message else {
      return lies.append(Lie(bytes: message.wireBytes, to: peer))
    }
    vote.frostShare = []
    lies.append(Lie(bytes: PeerMessage.consensus(.vote(vote)).wireBytes, to: peer))
  }
}
