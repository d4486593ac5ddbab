// What a Byzantine validator is: a whole replica with the validator's own key, and somebody who decides what of it
// leaves the machine. It never signs with another's key.

import Consensus
import Primitives
import Replica
import Sodium
import Threshold
import Wire

/// The named adversaries, one file each.
public enum AdversaryKind: String, CaseIterable, Sendable {
  case equivocatingLeader, doubleVoter, silentLeader, lateLeader, amnesiac, staleReplayer, laneWithholder
  case selectiveSender, syncLiar, malformedSender, fieldMutator, priceLiar, rewindingLeader
  case badShareSigner, silentSigner, selectiveSigner, commitmentForger
  case badDealer, falseComplainer, staleDealer

  static let ofSigning: [AdversaryKind] = [
    .badShareSigner, .silentSigner, .selectiveSigner, .commitmentForger, .badDealer, .falseComplainer, .staleDealer,
  ]
  /// Those that need no group key.
  static let ofAgreement = allCases.filter { !ofSigning.contains($0) }

  func make(_ tools: AdversaryTools) -> any Adversary {
    switch self {
    case .equivocatingLeader: EquivocatingLeader(tools)
    case .doubleVoter: DoubleVoter(tools)
    case .silentLeader: SilentLeader()
    case .lateLeader: LateLeader()
    case .amnesiac: Amnesiac()
    case .staleReplayer: StaleReplayer(tools)
    case .laneWithholder: LaneWithholder(tools)
    case .selectiveSender: SelectiveSender(tools)
    case .syncLiar: SyncLiar()
    case .malformedSender: MalformedSender(tools)
    case .fieldMutator: FieldMutator(tools)
    case .priceLiar: PriceLiar()
    case .badShareSigner: BadShareSigner(tools)
    case .silentSigner: SilentSigner()
    case .selectiveSigner: SelectiveSigner(tools)
    case .commitmentForger: CommitmentForger(tools)
    case .badDealer: BadDealer(tools)
    case .falseComplainer: FalseComplainer(tools)
    case .staleDealer: StaleDealer(tools)
    case .rewindingLeader: RewindingLeader(tools)
    }
  }
}

/// Its own key and chance.
struct AdversaryTools {
  let index: ValidatorIndex
  let committee: Committee
  let signer: Signer
  var random: SeededRandom

  func signed(_ vote: Vote) -> Vote { vote.signed(by: signer, committee: committee) }

  /// The proposal with another header, signed.
  func signed(_ proposal: Proposal, header: Header) -> Proposal {
    let hash = header.hash(chain: committee.chain)
    var other = proposal
    other.header = header
    other.signature = signer.sign(Array("novation/propose/v1".utf8) + hash.bytes)
    return other
  }
}

/// What it sees of the world when it speaks.
struct AdversaryView {
  let now: Instant
  let wall: Timestamp
  /// The view its own replica is in.
  let view: View
  /// D of an honest node.
  let delay: Instant
  /// The key generation under way in its own replica's final state.
  let keys: KeyGeneration?
}

/// What it says to one peer, after a delay.
struct Lie {
  let bytes: [UInt8]
  let to: ValidatorIndex
  var delay: Instant = 0
}

protocol Adversary: AnyObject {
  /// Its replica would say this to one peer; what is appended is said instead.
  func sends(_ message: PeerMessage, to peer: ValidatorIndex, at view: AdversaryView, into lies: inout [Lie])
  /// Somebody says this to it; what is appended is said at once.
  func hears(_ bytes: [UInt8], from peer: ValidatorIndex, into lies: inout [Lie])
  /// Messages leave before what they promise is durable.
  var liesAboutSync: Bool { get }
  /// Every restart finds an empty journal and says nothing about it.
  var forgetsVotes: Bool { get }
  /// Its prices, in hundredths of the true ones.
  var priceFactor: Int64 { get }
}

extension Adversary {
  func sends(_ message: PeerMessage, to peer: ValidatorIndex, at view: AdversaryView, into lies: inout [Lie]) {
    lies.append(Lie(bytes: message.wireBytes, to: peer))
  }
  func hears(_ bytes: [UInt8], from peer: ValidatorIndex, into lies: inout [Lie]) {}
  var liesAboutSync: Bool { false }
  var forgetsVotes: Bool { false }
  var priceFactor: Int64 { 100 }
}
