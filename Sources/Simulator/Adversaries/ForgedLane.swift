// A validator's own lane as it tells it to the others: its replica's batches with other key generation messages in them,
// chained and signed anew. To everybody the same, so the lane itself is not forked.

import Consensus
import Gossip
import Primitives
import Replica
import Sodium
import Threshold
import Wire

final class ForgedLane {
  private let tools: AdversaryTools
  /// What is told, by the hash of the replica's own batch and by its own.
  private var instead: [Digest: LaneBatch] = [:]
  private var told: [Digest: LaneBatch] = [:]
  private var chain: Digest { tools.committee.chain }

  init(_ tools: AdversaryTools) { self.tools = tools }

  /// Says to a peer what the replica would, but for the key generation messages: `change` says what stands in the place of
  /// each, once for all peers.
  func sends(
    _ message: PeerMessage, to peer: ValidatorIndex, into lies: inout [Lie],
    _ change: (KeyGenerationMessage) -> [KeyGenerationMessage]
  ) {
    guard case .lane(.batch(let own)) = message, own.lane == tools.index else {
      return lies.append(Lie(bytes: message.wireBytes, to: peer))
    }
    lies.append(Lie(bytes: PeerMessage.lane(.batch(forge(own, change))).wireBytes, to: peer))
  }

  private func forge(_ own: LaneBatch, _ change: (KeyGenerationMessage) -> [KeyGenerationMessage]) -> LaneBatch {
    let hash = own.hash(chain: chain)
    if let known = instead[hash] { return known }
    var forged = own
    if let previous = instead[own.previousHash] { forged.previousHash = previous.hash(chain: chain) }
    let changed = own.transactions.flatMap { bytes -> [[UInt8]] in
      KeyMessageEnvelope.decode(bytes).map { change($0).map(KeyMessageEnvelope.encode) } ?? [bytes]
    }
    // A batch has something in it.
    if !changed.isEmpty { forged.transactions = changed }
    let name = forged.hash(chain: chain)
    forged.signature = tools.signer.sign(name.bytes)
    instead[hash] = forged
    told[name] = forged
    return forged
  }

  /// Its replica does not know what is told in its name, so it is asked here.
  func hears(_ bytes: [UInt8], from peer: ValidatorIndex, into lies: inout [Lie]) {
    guard let message = try? WireReader.decode(PeerMessage.self, from: bytes),
      case .lane(.getBatches(let requests)) = message
    else { return }
    for request in requests where request.lane == tools.index {
      var found: [LaneBatch] = []
      var next = told[request.hash]
      while let batch = next, batch.sequence > request.after {
        found.append(batch)
        next = told[batch.previousHash]
      }
      guard !found.isEmpty else { continue }
      lies.append(Lie(bytes: PeerMessage.lane(.batches(found.reversed())).wireBytes, to: peer))
    }
  }

  /// The sender's own message of a ceremony.
  func message(_ ceremony: Digest, _ body: KeyGenerationMessage.Body) -> KeyGenerationMessage {
    KeyGenerationMessage(ceremony: ceremony, sender: Participant(tools.index) + 1, body: body, signedBy: tools.signer)
  }
}
