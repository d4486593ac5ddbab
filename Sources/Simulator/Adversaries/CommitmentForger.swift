// Announces commitments that are no points, or others to each peer, or under a new start each time, and sends no shares:
// plans that name it cannot be signed, and nobody honest may be blamed for it (T2).

import Consensus
import Primitives
import Replica
import Sodium
import Threshold
import Wire

final class CommitmentForger: Adversary {
  private var tools: AdversaryTools
  init(_ tools: AdversaryTools) { self.tools = tools }

  func sends(_ message: PeerMessage, to peer: ValidatorIndex, at view: AdversaryView, into lies: inout [Lie]) {
    switch message {
    case .nonces(let own):
      var batch = own
      switch tools.random.below(3) {
      case 0: batch.bootId = tools.random.next()
      case 1:
        let junk = PointEncoding(words: (tools.random.next(), 1, 2, 3))
        batch.commitments = batch.commitments.map { _ in CommitmentEighths(hiding: junk, binding: junk) }
      default: batch.commitments.reverse()
      }
      lies.append(Lie(bytes: PeerMessage.nonces(batch).wireBytes, to: peer))
    case .consensus(.vote(let own)):
      var vote = own
      if !vote.frostShare.isEmpty, tools.random.below(2) == 0 { vote.frostShare = [] }
      lies.append(Lie(bytes: PeerMessage.consensus(.vote(vote)).wireBytes, to: peer))
    default: lies.append(Lie(bytes: message.wireBytes, to: peer))
    }
  }
}
