// Signs for some leaders and not for others, and for some peers only: the certificate comes to be at one node and not at
// the next.

import Consensus
import Primitives
import Replica
import Wire

final class SelectiveSigner: Adversary {
  private let tools: AdversaryTools
  init(_ tools: AdversaryTools) { self.tools = tools }

  func sends(_ message: PeerMessage, to peer: ValidatorIndex, at view: AdversaryView, into lies: inout [Lie]) {
    guard case .consensus(.vote(var vote)) = message else {
      return lies.append(Lie(bytes: message.wireBytes, to: peer))
    }
    if tools.committee.leader(of: vote.view) % 2 == 0 || peer % 2 == 1 { vote.frostShare = [] }
    lies.append(Lie(bytes: PeerMessage.consensus(.vote(vote)).wireBytes, to: peer))
  }
}
