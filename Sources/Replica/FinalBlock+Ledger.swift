// Final blocks as the ledger keeps them.

import Consensus
import Gossip
public import Ledger
public import Primitives
public import Wire

/// Names of the values that a replica keeps in the ledger besides blocks and records.
public enum LedgerMeta {
  /// The range over all blocks up to the head.
  public static let history = "history"
  /// An `OwnBallot`.
  public static let ballot = "ballot"
}

/// The highest view in which the ledger's certificates hold a vote of the node whose ledger it is, but for an Attest: what
/// its journal must remember.
public struct OwnBallot: Hashable, Sendable, WireCodable {
  public var voter: ValidatorIndex
  public var view: View
  /// The committee in which it is a validator.
  public var epoch: Epoch

  public init(voter: ValidatorIndex, view: View, epoch: Epoch = 0) {
    self.voter = voter
    self.view = view
    self.epoch = epoch
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(voter)
    writer.write(view)
    writer.write(epoch)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    voter = try reader.read()
    view = try reader.readOrdinal()
    epoch = try reader.readOrdinal()
  }

  /// Takes note of a certificate that goes into the ledger.
  mutating func note(_ certificate: Certificate?) {
    guard let certificate, certificate.epoch == epoch, certificate.view > view,
      certificate.entries.contains(where: { $0.voter == voter && $0.kind != .attest })
    else { return }
    view = certificate.view
  }
}

extension FinalBlock {
  /// Nil if what is stored does not decode: a damage that the store's checksums did not see.
  public init?(_ stored: StoredBlock) {
    guard let proposal = try? WireReader.decode(Proposal.self, from: stored.proposal),
      let certificates = try? WireReader.decode(Certificates.self, from: stored.certificates)
    else { return nil }
    var batches: [LaneBatch] = []
    batches.reserveCapacity(stored.batches.count)
    for bytes in stored.batches {
      guard let batch = try? WireReader.decode(LaneBatch.self, from: bytes) else { return nil }
      batches.append(batch)
    }
    self.init(
      proposal: proposal, batches: batches, certificate: certificates.final, stateCertificate: certificates.state)
  }
}

extension LaneCut {
  /// Nil unless the bytes are the one encoding of a cut.
  init?(canonical bytes: [UInt8]) {
    guard let cut = try? WireReader.decode(LaneCut.self, from: bytes) else { return nil }
    self = cut
  }

  /// Whether exactly these batches, in the order of execution (D6), are what the chains of this cut's tips hold above the
  /// parent's sequences. As in the lanes, the link into the parent's tip is not asked for: a forked lane may change
  /// branches with a proof.
  func isExtended(from parent: LaneCut, by batches: [LaneBatch], chain: Digest, view: View, lanes: Int) -> Bool {
    var rest = batches[...]
    for offset in 0..<lanes {
      let lane = ValidatorIndex(truncatingIfNeeded: (Int(view % UInt64(lanes)) + offset) % lanes)
      guard let tip = tip(of: lane) else {
        if parent.tip(of: lane) != nil { return false }
        continue
      }
      var sequence = parent.sequence(of: lane)
      var hash = parent.tip(of: lane)?.hash ?? .zero
      var isFirst = true
      guard tip.sequence >= sequence else { return false }
      while sequence < tip.sequence {
        guard let batch = rest.popFirst(), batch.lane == lane, batch.sequence == sequence + 1,
          isFirst || batch.previousHash == hash
        else { return false }
        isFirst = false
        sequence = batch.sequence
        hash = batch.hash(chain: chain)
      }
      guard hash == tip.hash else { return false }
    }
    return rest.isEmpty
  }
}
