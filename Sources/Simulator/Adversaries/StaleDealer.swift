// Says in each key generation what it said in the one before, as it was and under the present name, and nothing of its
// own: messages of another epoch or attempt count for nothing, and the others do not wait for it longer than the windows.

import Consensus
import Primitives
import Replica
import Threshold

final class StaleDealer: Adversary {
  private let lane: ForgedLane
  /// What its replica said, by ceremony, oldest first.
  private var said: [(ceremony: Digest, messages: [KeyGenerationMessage])] = []

  init(_ tools: AdversaryTools) { lane = ForgedLane(tools) }

  func sends(_ message: PeerMessage, to peer: ValidatorIndex, at view: AdversaryView, into lies: inout [Lie]) {
    lane.sends(message, to: peer, into: &lies) { own in
      if said.last?.ceremony != own.ceremony { said.append((own.ceremony, [])) }
      said[said.count - 1].messages.append(own)
      guard said.count > 1 else { return [lane.message(Digest(words: (1, 2, 3, 4)), own.body)] }
      let old = said[said.count - 2].messages
      return old + old.map { lane.message(own.ceremony, $0.body) }
    }
  }

  func hears(_ bytes: [UInt8], from peer: ValidatorIndex, into lies: inout [Lie]) {
    lane.hears(bytes, from: peer, into: &lies)
  }
}
