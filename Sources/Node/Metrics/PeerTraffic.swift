// Messages and bytes exchanged with one validator, by kind.

import Primitives

/// What a message between nodes is, from its first two bytes (`PeerMessage`'s encoding), so that counting needs no
/// decoding.
enum MessageKind: Int, CaseIterable, Sendable {
  case proposal, vote, certificate, evidence, status, getProposal, getCertificates, recoveryQuery, recoveryAnswer
  case batch, solicit, ack, proof, getBatches, batches, laneEvidence, getTip, laneTip
  case readProbe, readAnswer, tip, getBlocks, blocks, nonces, groupCertificate, share
  case transaction
  case other

  private static let consensus: [MessageKind] = [
    .other, .proposal, .vote, .certificate, .evidence, .status, .getProposal, .getCertificates, .recoveryQuery,
    .recoveryAnswer,
  ]
  private static let lane: [MessageKind] = [
    .batch, .solicit, .ack, .proof, .getBatches, .batches, .laneEvidence, .getTip, .laneTip,
  ]
  private static let node: [MessageKind] = [
    .readProbe, .readAnswer, .tip, .getBlocks, .blocks, .nonces, .groupCertificate, .share,
    .transaction,
  ]

  /// Of `PeerMessage.bound`, and the bytes of it before the message that it holds: its own and a committee's number.
  private static let bound: UInt8 = 12
  private static let boundBytes = 9

  init(of message: [UInt8]) {
    func pick(_ kinds: [MessageKind], _ place: Int) -> MessageKind {
      kinds.indices.contains(place) ? kinds[place] : .other
    }
    let said = message.first == Self.bound ? message.dropFirst(Self.boundBytes) : message[...]
    let second = said.dropFirst().first.map { Int($0) } ?? .max
    self =
      switch said.first {
      case 1: pick(Self.consensus, second)
      case 2: pick(Self.lane, second)
      case let first?: pick(Self.node, Int(first) - 3)
      case nil: .other
      }
  }

  var name: String { String(describing: self) }
}

struct PeerTraffic: Sendable {
  struct Count: Sendable {
    var messages: UInt64 = 0
    var bytes: UInt64 = 0

    fileprivate mutating func add(_ message: [UInt8]) {
      messages &+= 1
      bytes &+= UInt64(message.count)
    }
  }

  /// By the raw value of the kind.
  private(set) var sent = Array(repeating: Count(), count: MessageKind.allCases.count)
  private(set) var received = Array(repeating: Count(), count: MessageKind.allCases.count)

  /// When the last message came.
  private(set) var heardAt: Instant?

  mutating func send(_ message: [UInt8]) { sent[MessageKind(of: message).rawValue].add(message) }

  mutating func receive(_ message: [UInt8], at now: Instant) {
    received[MessageKind(of: message).rawValue].add(message)
    heardAt = now
  }
}
