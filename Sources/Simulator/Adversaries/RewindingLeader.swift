// Proposes, in the views it leads, a brother of a block that is there already: in everything the block that somebody else
// proposed a little ago, but of its own view and time. Only the rule that every view between is nullified (C3) is broken.

import Consensus
import Primitives
import Replica
import Wire

final class RewindingLeader: Adversary {
  private var tools: AdversaryTools
  private var heard: [Proposal] = []
  private var lie: Proposal?

  init(_ tools: AdversaryTools) { self.tools = tools }

  func hears(_ bytes: [UInt8], from peer: ValidatorIndex, into lies: inout [Lie]) {
    guard case .consensus(.proposal(let proposal))? = try? WireReader.decode(PeerMessage.self, from: bytes),
      proposal.header.view > heard.last?.header.view ?? 0
    else { return }
    if heard.count == 3 { heard.removeFirst() }
    heard.append(proposal)
  }

  func sends(_ message: PeerMessage, to peer: ValidatorIndex, at now: AdversaryView, into lies: inout [Lie]) {
    guard case .consensus(.proposal(let own)) = message, own.header.leader == tools.index, !heard.isEmpty else {
      return lies.append(Lie(bytes: message.wireBytes, to: peer))
    }
    if lie?.header.view != own.header.view {
      let brother = heard[Int(tools.random.below(UInt64(heard.count)))]
      var header = brother.header
      header.view = own.header.view
      header.leader = tools.index
      header.timestamp = max(own.header.timestamp, header.timestamp + 1)
      lie = tools.signed(brother, header: header)
    }
    guard let lie else { return }
    lies.append(Lie(bytes: PeerMessage.consensus(.proposal(lie)).wireBytes, to: peer))
  }
}
