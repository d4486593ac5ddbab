// The journal's file, and the bytes of a session between two nodes.

import Channel
import Primitives
import Sodium
import Storage
import Wire

extension FuzzTarget {
  static let files: [FuzzTarget] = [journalImage, journalDamage, session]

  /// Any file at all.
  private static let journalImage = FuzzTarget(
    "journal-image", seeds: { [Array(JournalSample.image.prefix(8192))] },
    run: { bytes in
      // The rest of a file is empty space.
      var image = bytes
      let length = 512 + (1 << 20)
      if image.count < length { image.append(contentsOf: repeatElement(0, count: length - image.count)) }
      if let found = try? Journal.examine(image: image, owner: JournalSample.owner) { JournalSample.check(found) }
    })

  /// Changes to a valid file: whatever is still read of it are its first records.
  private static let journalDamage = FuzzTarget(
    "journal-damage", seeds: { [[0, 0, 5, 1], [1, 0, 2], [2, 0, 3, 0, 1], [3, 0, 9, 0, 7]] },
    run: { bytes in
      var script = Script(bytes)
      var image = JournalSample.image
      let sectors = image.count / 512
      while !script.isAtEnd {
        let kind = script.byte()
        let sector = script.number() % sectors * 512
        switch kind % 5 {
        case 0: image[min(sector + script.number() % 512, image.count - 1)] ^= script.byte()
        case 1: for place in sector..<sector + 512 { image[place] = 0 }
        case 2:
          let other = script.number() % sectors * 512
          image.replaceSubrange(sector..<sector + 512, with: Array(image[other..<other + 512]))
        case 3: for place in sector + script.number() % 512..<sector + 512 { image[place] = 0 }
        default: image.removeLast(min(image.count - 512, script.number()))
        }
        guard image.count >= sectors * 512 else { break }
      }
      if let found = try? Journal.examine(image: image, owner: JournalSample.owner) { JournalSample.check(found) }
    })

  /// What a stranger, or a peer inside its session, sends.
  private static let session = FuzzTarget(
    "session",
    seeds: {
      var (initiator, _) = sessionEnds()
      var opening: [UInt8] = []
      try? initiator.start(into: &opening)
      return [[0] + opening, [1, 0, 48], [0, 0, 4, 1, 2, 3, 4]]
    },
    run: { bytes in
      guard let first = bytes.first else { return }
      var (initiator, responder) = sessionEnds()
      var opening: [UInt8] = []
      try? initiator.start(into: &opening)
      var (output, messages): ([UInt8], [[UInt8]]) = ([], [])
      // In pieces, as a socket would bring them.
      for start in stride(from: 1, to: bytes.count, by: 100) {
        let piece = Array(bytes[start..<min(start + 100, bytes.count)])
        if first & 1 == 0 {
          try? responder.receive(piece, output: &output, messages: &messages)
        } else {
          try? initiator.receive(piece, output: &output, messages: &messages)
        }
      }
      precondition(messages.isEmpty || first & 1 == 0, "a message that nobody sent")
    })

  private static func sessionEnds() -> (SecureChannel, SecureChannel) {
    func key(_ byte: UInt8) -> AgreementKey {
      guard let key = AgreementKey([UInt8](repeating: byte, count: 32)) else { preconditionFailure("32 bytes") }
      return key
    }
    let prologue = SecureChannel.prologue(chain: Market.chain, version: 1)
    return (
      .initiator(
        identity: key(1), remote: key(2).publicKey, ephemeral: key(3), prologue: prologue, limits: ChannelLimits(),
        payload: []),
      .responder(
        identity: key(2), ephemeral: key(4), prologue: prologue, limits: ChannelLimits(), allow: [key(1).publicKey],
        payload: [])
    )
  }
}
