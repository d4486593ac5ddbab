// Talks to a changing part of the validators only.

import Primitives
import Replica
import Wire

final class SelectiveSender: Adversary {
  private var tools: AdversaryTools
  private var deaf: UInt64 = 0
  private var until: Instant = 0

  init(_ tools: AdversaryTools) { self.tools = tools }

  func sends(_ message: PeerMessage, to peer: ValidatorIndex, at now: AdversaryView, into lies: inout [Lie]) {
    if now.now >= until {
      until = now.now + tools.random.between(50, 3_000) * Duration64.millisecond
      deaf = tools.random.next() & tools.random.next()
    }
    if deaf >> UInt64(peer & 63) & 1 == 0 { lies.append(Lie(bytes: message.wireBytes, to: peer)) }
  }
}
