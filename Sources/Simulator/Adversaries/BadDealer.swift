// Deals shares that are none, with proofs that are right: its recipients complain, everybody sees that they are right, and
// it drops out. In every other epoch its proof does not fit either, and nobody takes the dealing.

import Consensus
import Primitives
import Replica
import Sodium
import Threshold

final class BadDealer: Adversary {
  private var tools: AdversaryTools
  private let lane: ForgedLane

  init(_ tools: AdversaryTools) {
    self.tools = tools
    lane = ForgedLane(tools)
  }

  func sends(_ message: PeerMessage, to peer: ValidatorIndex, at view: AdversaryView, into lies: inout [Lie]) {
    lane.sends(message, to: peer, into: &lies) { own in
      guard case .dealing(let honest) = own.body, let ceremony = view.keys?.ceremony, ceremony.id == own.ceremony else {
        return [own]
      }
      return [lane.message(own.ceremony, .dealing(spoil(honest, ceremony)))]
    }
  }

  func hears(_ bytes: [UInt8], from peer: ValidatorIndex, into lies: inout [Lie]) {
    lane.hears(bytes, from: peer, into: &lies)
  }

  /// Its own commitments and an ephemeral key of its own, which it can prove to know; what it encrypts is noise.
  private func spoil(_ honest: Dealing, _ ceremony: Ceremony) -> Dealing {
    let dealer = Participant(tools.index) + 1
    let secret = SecretBytes(copying: ceremony.id.bytes)
    let ephemeral = SecretScalar(seed: secret, domain: "bad ephemeral", context: [])
    let point = ephemeral.timesBase()
    var (commitments, shares) = (honest.commitmentEighths, honest.shares)
    let constant = SecretScalar(seed: secret, domain: "bad constant", context: [])
    if ceremony.source == .fresh, let eighth = Scalar25519(8).inverted() {
      commitments[0] = constant.timesBase(scaledBy: eighth)
    }
    for place in shares.indices { shares[place] = Bytes32(words: (tools.random.next(), 1, 2, 3)) }
    let hash = Dealing.hash(commitments, point, shares)
    return Dealing(
      commitmentEighths: commitments, ephemeral: point, shares: shares,
      ephemeralProof: ceremony.epoch % 2 == 0
        ? SchnorrProof(of: ephemeral, context: ceremony.context("ephemeral", dealer, hash)) : honest.ephemeralProof,
      constantProof: ceremony.source == .fresh
        ? SchnorrProof(of: constant, context: ceremony.context("constant", dealer, hash)) : nil)
  }
}
