// Linearizable reads: the questions, the answers and the moment to serve.

import Consensus
import Primitives

extension Replica {
  mutating func read(_ ticket: UInt64, into effects: inout [Effect]) {
    if !reads.add(ticket) { effects.append(.refused(ticket: ticket, .backPressure)) }
  }

  /// Answers from what the journal holds: `highestVotedView` is only raised by a vote whose `persist` comes before this
  /// message leaves. A node that may have forgotten votes does not answer.
  mutating func answerProbe(_ nonce: UInt64, from peer: ValidatorIndex, into effects: inout [Effect]) {
    guard index != nil, !consensus.isAmnesiac else { return }
    let view = consensus.highestVotedView
    let entry = consensus.entryCertificate(of: view)
    effects.append(.send(to: peer, .readAnswer(nonce: nonce, view: view, entry: entry)))
  }

  mutating func takeAnswer(
    _ nonce: UInt64, from peer: ValidatorIndex, view: View, entry: Certificate?, at now: Moment,
    into effects: inout [Effect]
  ) {
    if view > consensus.view {
      // Only a certificate can make this node believe that a later view exists.
      guard let entry, entry.epoch == committee.epoch, entry.view + 1 >= view else { return }
      stepConsensus(.message(from: peer, .certificate(entry)), at: now)
      guard view <= consensus.view else { return }
    }
    _ = reads.answer(nonce, from: Int(peer), view: view, quorum: committee.quorum)
  }

  /// An observer's rounds keep within what validators allow it (O3).
  var readPause: Instant { index == nil ? 10 * Duration64.millisecond : 0 }

  mutating func serveReads(at now: Moment, into effects: inout [Effect]) {
    if let nonce = reads.begin(at: now.monotonic, pause: readPause) {
      effects.append(.broadcast(.readProbe(nonce: nonce)))
      if let index, !consensus.isAmnesiac {
        _ = reads.answer(nonce, from: Int(index), view: consensus.highestVotedView, quorum: committee.quorum)
      }
    }
    var ready: [UInt64] = []
    // E2: what a former committee answers says nothing of what the new one has decided meanwhile.
    if !isCommitteeOver { reads.release(upTo: finalView, into: &ready) }
    for ticket in ready { effects.append(.readReady(ticket: ticket)) }
  }
}
