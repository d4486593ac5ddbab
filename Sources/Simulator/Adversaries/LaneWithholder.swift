// Keeps its lane's batches from most, names their tips in its cuts all the same, and answers no fetch.

import Gossip
import Primitives
import Replica
import Wire

final class LaneWithholder: Adversary {
  private var tools: AdversaryTools

  init(_ tools: AdversaryTools) { self.tools = tools }

  func sends(_ message: PeerMessage, to peer: ValidatorIndex, at now: AdversaryView, into lies: inout [Lie]) {
    switch message {
    case .lane(.batch): if tools.random.below(3) != 0 { return }
    case .lane(.batches): if tools.random.below(4) != 0 { return }
    default: break
    }
    lies.append(Lie(bytes: message.wireBytes, to: peer))
  }
}
