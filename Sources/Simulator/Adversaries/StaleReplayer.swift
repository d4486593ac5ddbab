// Repeats what it said and what it heard before: messages of past views, to everybody, at any time.

import Primitives
import Replica
import Wire

final class StaleReplayer: Adversary {
  private var tools: AdversaryTools
  private var kept: [[UInt8]] = []

  init(_ tools: AdversaryTools) { self.tools = tools }

  func sends(_ message: PeerMessage, to peer: ValidatorIndex, at now: AdversaryView, into lies: inout [Lie]) {
    let bytes = message.wireBytes
    lies.append(Lie(bytes: bytes, to: peer))
    keep(bytes)
    guard tools.random.below(4) == 0 else { return }
    lies.append(Lie(bytes: kept[Int(tools.random.below(UInt64(kept.count)))], to: peer))
  }

  func hears(_ bytes: [UInt8], from peer: ValidatorIndex, into lies: inout [Lie]) {
    if tools.random.below(4) == 0 { keep(bytes) }
  }

  private func keep(_ bytes: [UInt8]) {
    if kept.count < 512 { kept.append(bytes) } else { kept[Int(tools.random.below(512))] = bytes }
  }
}
