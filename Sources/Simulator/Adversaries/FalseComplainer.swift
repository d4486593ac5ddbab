// Publishes a key that it can open, is dealt right shares and complains all the same: with a true proof, which shows that
// the share is right, or with a false one. No dealer drops out for it.

import Consensus
import Primitives
import Replica
import Sodium
import Threshold

final class FalseComplainer: Adversary {
  private let tools: AdversaryTools
  private let lane: ForgedLane
  private var own: Participant { Participant(tools.index) + 1 }

  init(_ tools: AdversaryTools) {
    self.tools = tools
    lane = ForgedLane(tools)
  }

  func sends(_ message: PeerMessage, to peer: ValidatorIndex, at view: AdversaryView, into lies: inout [Lie]) {
    lane.sends(message, to: peer, into: &lies) { honest in
      guard let state = view.keys, state.ceremony.id == honest.ceremony else { return [honest] }
      let ceremony = state.ceremony
      let secret = SecretScalar(
        seed: SecretBytes(copying: ceremony.id.bytes), domain: "false complainer", context: tools.signer.publicKey.bytes
      )
      switch honest.body {
      case .recipientKey:
        let proof = SchnorrProof(of: secret, context: ceremony.context("key", own))
        return [lane.message(ceremony.id, .recipientKey(secret.timesBase(), proof))]
      case .complaint: return []
      case .acknowledgement:
        var said: [KeyGenerationMessage] = []
        for (dealer, dealing) in state.dealings where dealer != own {
          guard let complaint = complaint(against: dealer, dealing, secret, ceremony) else { continue }
          said.append(lane.message(ceremony.id, .complaint(complaint)))
        }
        return said + [honest]
      default: return [honest]
      }
    }
  }

  private func complaint(
    against dealer: Participant, _ dealing: Dealing, _ secret: borrowing SecretScalar, _ ceremony: Ceremony
  ) -> Complaint? {
    guard let shared = secret.times(dealing.ephemeral) else { return nil }
    let context = ceremony.context("complaint", own, dealing.ephemeral.bytes)
    let proof = EqualityProof(of: secret, over: dealing.ephemeral, shared: shared, context: context)
    // Another point opens to noise, but nothing proves it.
    let other = ceremony.epoch % 2 == 0 ? shared : secret.timesBase()
    return proof.map { Complaint(dealer: dealer, shared: other, proof: $0) }
  }

  func hears(_ bytes: [UInt8], from peer: ValidatorIndex, into lies: inout [Lie]) {
    lane.hears(bytes, from: peer, into: &lies)
  }
}
