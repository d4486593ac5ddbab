// The leader's plan for the certificate of one block (T2), and the signer that keeps to it (T3, T4).

public import Primitives
import Sodium
public import Wire

/// T2: who signs the certificate of a block, with which commitments.
public struct SigningPlan: Hashable, Sendable, WireCodable {
  public struct Entry: Hashable, Sendable, WireCodable {
    public var participant: Participant
    /// The start of the signer at which it made the commitment.
    public var bootId: UInt64
    public var commitment: CommitmentEighths

    public init(participant: Participant, bootId: UInt64, commitment: CommitmentEighths) {
      self.participant = participant
      self.bootId = bootId
      self.commitment = commitment
    }

    public func encode(to writer: inout WireWriter) {
      writer.write(participant)
      writer.write(bootId)
      writer.write(commitment)
    }

    public init(from reader: inout WireReader) throws(WireError) {
      participant = try reader.read()
      bootId = try reader.read()
      commitment = try CommitmentEighths(from: &reader)
    }
  }

  /// Whose shares sign: those that became active in this epoch. Shares of two epochs never meet in one signature.
  public var keyEpoch: Epoch
  /// Of the block, and of the nonces: each pair is made for one view (T3).
  public var view: View
  public var entries: [Entry]

  public init(keyEpoch: Epoch, view: View, entries: [Entry]) {
    self.keyEpoch = keyEpoch
    self.view = view
    self.entries = entries
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(keyEpoch)
    writer.write(view)
    writer.write(entries)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    keyEpoch = try reader.readOrdinal()
    view = try reader.readOrdinal()
    entries = try reader.readArray(limit: Frost.participantsMax)
  }

  /// Whether the signers are `threshold` different participants among `participants`, in ascending order.
  public func isWellFormed(threshold: Int, participants: Int) -> Bool {
    entries.count == threshold && Frost.areOrdered(entries.map(\.participant))
      && (entries.last.map { Int($0.participant) <= participants } ?? false)
  }
}

/// T1: what a certificate signs. One byte string for each (chain, epoch, view, height, header, root).
public struct CertificateStatement: Hashable, Sendable {
  public static let domain = "novation/final64/v1"

  public var chain: Digest
  public var epoch: Epoch
  public var view: View
  public var height: Height
  public var headerHash: Digest
  public var stateRoot: Digest

  public init(chain: Digest, epoch: Epoch, view: View, height: Height, headerHash: Digest, stateRoot: Digest) {
    self.chain = chain
    self.epoch = epoch
    self.view = view
    self.height = height
    self.headerHash = headerHash
    self.stateRoot = stateRoot
  }

  /// The BLAKE2b-256 of the domain and the fields; 32 bytes.
  public var message: [UInt8] {
    var writer = WireWriter(capacity: 128)
    writer.write(chain)
    writer.write(epoch)
    writer.write(view)
    writer.write(height)
    writer.write(headerHash)
    writer.write(stateRoot)
    return Blake2b.hash(domain: Self.domain, writer.bytes).bytes
  }
}

/// T3: why a signer sends its vote without a share. Each costs the proof of one view, never finality.
public enum SigningRefusal: Error, Hashable, Sendable {
  /// The header does not commit to this plan.
  case planNotInHeader
  /// Plan, header and statement do not name one view.
  case wrongView
  /// The number of signers is not the threshold, or they do not ascend strictly among the committee's places.
  case malformedPlan
  /// The plan is for shares of another epoch.
  case otherKeyEpoch
  case notASigner
  /// The commitment is of another start of this node (T4).
  case otherBoot
  /// The commitment is not the one this node made for the view.
  case otherCommitment
  /// The nonces of this view were never made, were used, or were discarded.
  case spent
  /// A commitment of the plan is not a point of the group.
  case invalidPoint
}
