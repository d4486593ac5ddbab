// Changes bytes of what it sends: a bit, a cut, a repetition, or another message altogether.

import Primitives
import Replica
import Wire

final class MalformedSender: Adversary {
  private var tools: AdversaryTools

  init(_ tools: AdversaryTools) { self.tools = tools }

  func sends(_ message: PeerMessage, to peer: ValidatorIndex, at now: AdversaryView, into lies: inout [Lie]) {
    var bytes = message.wireBytes
    lies.append(Lie(bytes: bytes, to: peer))
    guard !bytes.isEmpty, tools.random.below(3) == 0 else { return }
    switch tools.random.below(4) {
    case 0: bytes[place(bytes)] ^= 1 << UInt8(tools.random.below(8))
    case 1: bytes.removeLast(place(bytes) + 1)
    case 2: bytes += bytes.suffix(place(bytes) + 1)
    default: for _ in 0..<8 { bytes[place(bytes)] = UInt8(truncatingIfNeeded: tools.random.next()) }
    }
    lies.append(Lie(bytes: bytes, to: peer))
  }

  private func place(_ bytes: [UInt8]) -> Int { Int(tools.random.below(UInt64(bytes.count))) }
}
