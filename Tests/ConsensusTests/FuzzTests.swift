// No bytes and no message make a validator trap.

import Consensus
import Primitives
import Sodium
import Testing
import Wire

@Suite struct FuzzTests {
  /// Real messages of every kind.
  private func samples() -> [ConsensusMessage] {
    var bench = Bench(n: 7)
    let proposal = bench.proposal(view: 1)
    bench.deliver(proposal)
    for voter in bench.others { bench.hear(.first, voter, 1, bench.hash(proposal)) }
    bench.step(.executed(block: bench.hash(proposal), stateRoot: .zero))
    bench.step(.connected(bench.others[0]))
    bench.deliver(bench.proposal(view: 2, over: proposal, cut: "a"))
    bench.deliver(bench.proposal(view: 2, over: proposal, cut: "b"))
    var messages: [ConsensusMessage] = [
      .proposal(proposal), .getProposal(.zero), .getCertificates(from: 0, through: 1 << 61),
      .recoveryQuery(nonce: 1), .recoveryAnswer(nonce: 77, view: (1 << 62) - 1, entry: nil),
    ]
    for effect in bench.log {
      switch effect {
      case .broadcast(let message), .send(_, let message): messages.append(message)
      default: break
      }
    }
    return messages
  }

  @Test func everyMessageSurvivesTheWire() throws {
    for message in samples() {
      #expect(try WireReader.decode(ConsensusMessage.self, from: message.wireBytes) == message)
    }
    #expect(samples().count > 8)
  }

  /// With more than f Byzantine validators any number of blocks of one view can be certified: that costs them their
  /// network, and this node no memory.
  @Test func certificatesOfOneViewAreBounded() throws {
    var bench = Bench()
    for number in 0..<500 as Range<UInt64> {
      let block = Digest(words: (number, 5, 5, 5))
      var writer = WireWriter()
      writer.write(CertificateKind.notarization.rawValue)
      writer.write(UInt64(0))
      writer.write(View(1))
      writer.write(Optional(block))
      writer.write(Digest.zero)
      writer.write(UInt32(3))
      for voter in bench.others {
        writer.write(voter)
        writer.write(VoteKind.first.rawValue)
        writer.write(bench.vote(.first, voter, 1, block).signature)
      }
      let certificate = try WireReader.decode(Certificate.self, from: writer.bytes)
      #expect(certificate.verify(committee: bench.committee, scheme: .standIn))
      bench.step(.message(from: bench.others[0], .certificate(certificate)))
    }
    #expect(bench.node.view == 2)
    #expect(bench.node.liveJournal().count < 80)
  }

  @Test func mutatedAndRandomBytesNeverTrap() {
    var random = SeededRandom(seed: 4711)
    let valid = samples().map(\.wireBytes)
    var bench = Bench(n: 7)
    var decoded = 0
    for round in 0..<Int(20_000 * campaign) {
      var bytes = valid[Int(random.below(UInt64(valid.count)))]
      if round % 10 == 0 {
        bytes = (0..<Int(random.below(300))).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      } else {
        for _ in 0...random.below(4) {
          let place = Int(random.below(UInt64(bytes.count)))
          bytes[place] =
            random.below(2) == 0 ? UInt8(truncatingIfNeeded: random.next()) : [0, 0xff, 0x3f, 1][round % 4]
        }
      }
      guard let message = try? WireReader.decode(ConsensusMessage.self, from: bytes) else { continue }
      decoded += 1
      bench.step(.message(from: ValidatorIndex(random.below(8)), message))
      if round % 50 == 0 { bench.wait(millisecond) }
      if round % 500 == 0 { bench.log = [] }
    }
    #expect(decoded > 1000)
  }
}
