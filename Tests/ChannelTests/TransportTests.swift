// Messages of an established session: chunking, limits, keys, interference.

import Channel
import Primitives
import Sodium
import Testing

@Suite struct TransportTests {
  static func bytes(_ count: Int, _ random: inout SeededRandom) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
  }

  static func filled(_ count: Int) -> [UInt8] { [UInt8](repeating: 0xa5, count: count) }

  @Test(arguments: [0, 1, 65_514, 65_515, 65_516, 65_519, 65_520, 131_033, 131_034, 131_035, 1 << 20])
  func messagesOfEverySizePass(_ count: Int) throws {
    var session = try Session.established()
    let message = Self.filled(count)
    try session.initiator.send(message, output: &session.toResponder)
    #expect(session.toResponder.count == count + 4 + 18 * ((count + 4 + 65_518) / 65_519))
    #expect(try session.deliver() == [message])
    try session.responder.send(message, output: &session.toInitiator)
    #expect(try session.deliverBack() == [message])
    #expect(session.initiator.bufferedBytes == 0 && session.responder.bufferedBytes == 0)
  }

  @Test func smallMessagesShareAFrame() throws {
    var session = try Session.established()
    let messages = (0..<100).map { Self.filled($0) }
    try session.initiator.send(contentsOf: messages, output: &session.toResponder)
    #expect(session.toResponder.count == 18 + 100 * 4 + 4_950)
    #expect(try session.deliver() == messages)
    try session.initiator.send(contentsOf: [], output: &session.toResponder)
    #expect(session.toResponder.isEmpty)
  }

  @Test func theWholeSessionByteByByte() throws {
    var session = Session()
    try session.initiator.start(into: &session.toResponder)
    var received: [[UInt8]] = []
    var returned: [[UInt8]] = []
    var sent = false
    while !session.toResponder.isEmpty || !session.toInitiator.isEmpty {
      let (forth, back) = (session.toResponder, session.toInitiator)
      (session.toResponder, session.toInitiator) = ([], [])
      for byte in forth {
        try session.responder.receive([byte], output: &session.toInitiator, messages: &received)
      }
      for byte in back {
        try session.initiator.receive([byte], output: &session.toResponder, messages: &returned)
      }
      if session.responder.isConfirmed, !sent {
        sent = true
        try session.initiator.send(contentsOf: [[1, 2, 3], [], Self.filled(70_000)], output: &session.toResponder)
        try session.responder.send([4], output: &session.toInitiator)
      }
    }
    #expect(received == [[1, 2, 3], [], Self.filled(70_000)])
    #expect(returned == [[4]])
  }

  /// Any messages, any cut of the stream: the same messages in the same order.
  @Test(arguments: UInt64(1)...20) func anyCutOfTheStreamGivesTheSameMessages(_ seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    var limits = ChannelLimits()
    limits.rekeyInterval = 1 + random.below(5)
    var session = try Session.established(limits)
    var sent: [[UInt8]] = []
    var received: [[UInt8]] = []
    for _ in 0..<10 {
      let batch = (0..<random.below(6)).map { _ in
        Self.bytes(Int(random.below(random.below(8) == 0 ? 200_000 : 300)), &random)
      }
      try session.initiator.send(contentsOf: batch, output: &session.toResponder)
      sent += batch
      var rest = session.toResponder[...]
      session.toResponder = []
      while !rest.isEmpty {
        let piece = rest.prefix(1 + Int(random.below(random.below(2) == 0 ? 10 : 100_000)))
        rest = rest.dropFirst(piece.count)
        try session.responder.receive(Array(piece), output: &session.toInitiator, messages: &received)
        #expect(session.responder.bufferedBytes <= 65_537 + 200_004)
      }
    }
    #expect(received == sent)
    #expect(session.toInitiator.isEmpty)
  }

  @Test func everyByteOfAMessageMatters() throws {
    var session = try Session.established()
    try session.initiator.send([1, 2, 3], output: &session.toResponder)
    for index in session.toResponder.indices {
      for mask: UInt8 in [1, 0x80] {
        var tampered = session.toResponder
        tampered[index] ^= mask
        let error = session.responder.error(on: tampered)
        switch index {
        case 0: #expect(error == nil, "a longer frame waits for its bytes")
        case 1: #expect(error == .authenticationFailed || error == nil)
        default: #expect(error == .authenticationFailed, "byte \(index)")
        }
      }
    }
    // What waited for bytes that belong to other frames fails when they come.
    var tampered = session.toResponder
    tampered[0] = 1
    #expect(session.responder.error(on: tampered + Self.filled(300)) == .authenticationFailed)
    for length in session.toResponder.indices {
      #expect(session.responder.error(on: Array(session.toResponder.prefix(length))) == nil)
    }
    #expect(try session.deliver() == [[1, 2, 3]])
  }

  @Test func replayedReorderedDroppedAndReflectedFramesFail() throws {
    var session = try Session.established()
    var (first, second): ([UInt8], [UInt8]) = ([], [])
    try session.initiator.send([1], output: &first)
    try session.initiator.send([2], output: &second)
    #expect(session.responder.error(on: second) == .authenticationFailed)
    #expect(session.responder.error(on: second + first) == .authenticationFailed)
    #expect(session.initiator.error(on: first) == .authenticationFailed)
    session.toResponder = first
    #expect(try session.deliver() == [[1]])
    #expect(session.responder.error(on: first) == .authenticationFailed)
    session.toResponder = second
    #expect(try session.deliver() == [[2]])
  }

  @Test func authenticMessagesBeforeAnErrorAreDelivered() throws {
    var session = try Session.established()
    try session.initiator.send([1], output: &session.toResponder)
    session.toResponder += [0, 3]
    var messages: [[UInt8]] = []
    #expect(throws: ChannelError.frameLength(3)) {
      try session.responder.receive(session.toResponder, output: &session.toInitiator, messages: &messages)
    }
    #expect(messages == [[1]])
  }

  /// Both ends cross many changes of key, in step; an end that does not change its key is left behind.
  @Test(arguments: [UInt64(1), 2, 3, 7]) func keysChangeInStep(_ interval: UInt64) throws {
    var limits = ChannelLimits()
    limits.rekeyInterval = interval
    var session = try Session.established(limits)
    for index in UInt8(0)..<30 {
      try session.initiator.send([index], output: &session.toResponder)
      if index.isMultiple(of: 3) { try session.responder.send([index], output: &session.toInitiator) }
      #expect(try session.deliver() == [[index]])
      #expect(try session.deliverBack() == (index.isMultiple(of: 3) ? [[index]] : []))
    }
    // The same keys with another interval part at the first change of the shorter one: the empty proof is message 0.
    var longer = ChannelLimits()
    longer.rekeyInterval = interval + 1
    var (short, long) = (try Session.established(limits), try Session.established(longer))
    var delivered: UInt64 = 1
    var error: ChannelError?
    while error == nil {
      try short.initiator.send([1], output: &short.toResponder)
      error = long.responder.error(on: short.toResponder)
      if error == nil {
        long.toResponder = short.toResponder
        _ = try long.deliver()
        delivered += 1
      }
      short.toResponder = []
    }
    #expect(error == .authenticationFailed)
    #expect(delivered == (interval == 1 ? 1 : interval))
  }

  @Test func messagesAboveTheLimitAreRefused() throws {
    var limits = ChannelLimits()
    limits.messageBytesMax = 1_000
    var session = try Session.established(limits)
    #expect(throws: ChannelError.messageTooLong(count: 1_001, limit: 1_000)) {
      try session.initiator.send(contentsOf: [[1], Self.filled(1_001)], output: &session.toResponder)
    }
    #expect(session.toResponder.isEmpty && !session.initiator.isClosed)
    try session.initiator.send(Self.filled(1_000), output: &session.toResponder)
    #expect(try session.deliver() == [Self.filled(1_000)])
    // A peer with a higher limit of its own; the same keys, so the same session.
    var generous = try Session.established()
    try generous.initiator.send(Self.filled(1_000), output: &generous.toResponder)
    generous.toResponder = []
    try generous.initiator.send(Self.filled(100_000), output: &generous.toResponder)
    #expect(session.responder.error(on: generous.toResponder) == .messageTooLong(count: 100_000, limit: 1_000))
  }

  @Test func aClosedSessionRefusesEverything() throws {
    var session = try Session.established()
    session.initiator.close()
    #expect(session.initiator.isClosed && !session.initiator.isEstablished)
    #expect(session.initiator.error(on: [1]) == .closed)
  }

  /// Random bytes instead of frames, at every stage: typed errors, no answers, nothing kept beyond a frame.
  @Test(arguments: UInt64(1)...50) func noiseIsRefused(_ seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    var dialling = Session()
    try dialling.initiator.start(into: &dialling.toResponder)
    let open = try Session.established()
    for end in [dialling.initiator, dialling.responder, open.initiator, open.responder] {
      let error = end.error(on: Self.bytes(65_600, &random))
      #expect(error != nil && error != .closed)
    }
  }
}
