// Votes of a quorum, gathered: proof of one fact about a view that anybody with the committee can check.

public import Primitives
public import Sodium
public import Wire

public enum CertificateKind: UInt8, Sendable, Hashable {
  /// Q votes notarize(block), first or fallback (C5).
  case notarization = 1
  /// Q votes nullify, first or fallback (C6).
  case nullification = 2
  /// QF first votes notarize(block) (C7). Proves the notarization as well.
  case fastFinal = 3
  /// Q Finalize votes for the block, whatever their roots (C8).
  case final = 4
  /// Q Finalize or Attest votes for the block with one root (C8). Proves finality as well: one of its honest voters knew
  /// the block to be final, or Q - f honest validators sent Finalize.
  case state = 5
}

public struct Certificate: WireCodable, Hashable, Sendable {
  /// One vote without what it shares with the others.
  public struct Entry: Hashable, Sendable {
    public var voter: ValidatorIndex
    public var kind: VoteKind
    /// Zero unless the certificate is `final`, where roots may differ.
    public var stateRoot: Digest
    public var signature: Signature
  }

  public var kind: CertificateKind
  public var epoch: Epoch
  public var view: View
  /// Nil for a nullification.
  public var block: Digest?
  /// The common root of a `state` certificate, else zero.
  public var stateRoot: Digest
  /// By ascending voter.
  public var entries: [Entry]

  /// Gathers votes that the caller has verified and found to say this.
  init(_ kind: CertificateKind, epoch: Epoch, view: View, block: Digest?, stateRoot: Digest = .zero, votes: [Vote]) {
    self.kind = kind
    self.epoch = epoch
    self.view = view
    self.block = block
    self.stateRoot = stateRoot
    entries = votes.sorted { $0.voter < $1.voter }.map { vote in
      Entry(
        voter: vote.voter, kind: vote.kind, stateRoot: kind == .final ? vote.stateRoot : .zero,
        signature: vote.signature)
    }
  }

  /// The order up to `block` is final.
  public var provesFinality: Bool { kind == .fastFinal || kind == .final || kind == .state }

  /// `block` may be built upon: notarised, or more.
  public var provesNotarization: Bool { kind != .nullification }

  /// The vote behind an entry.
  public func vote(_ entry: Entry) -> Vote {
    let root = kind == .final ? entry.stateRoot : stateRoot
    return Vote(
      kind: entry.kind, epoch: epoch, view: view, block: block, stateRoot: root, voter: entry.voter,
      signature: entry.signature)
  }

  /// Everything but the signatures.
  public func isWellFormed(committee: Committee) -> Bool {
    guard epoch == committee.epoch, view > 0, (block == nil) == (kind == .nullification) else { return false }
    guard kind == .state || stateRoot == .zero else { return false }
    let needed = kind == .fastFinal ? committee.fastQuorum : committee.quorum
    guard entries.count >= needed, entries.count <= committee.n else { return false }
    var previous = -1
    for entry in entries {
      guard Int(entry.voter) > previous, Int(entry.voter) < committee.n, kind.counts(entry.kind) else { return false }
      previous = Int(entry.voter)
    }
    return true
  }

  /// True if a quorum signed this. About 60 microseconds a voter.
  public func verify(committee: Committee, scheme: SignatureScheme) -> Bool {
    isWellFormed(committee: committee) && entries.allSatisfy { vote($0).verify(committee: committee, scheme: scheme) }
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(kind.rawValue)
    writer.write(epoch)
    writer.write(view)
    writer.write(block)
    writer.write(stateRoot)
    writer.write(UInt32(truncatingIfNeeded: entries.count))
    for entry in entries {
      writer.write(entry.voter)
      writer.write(entry.kind.rawValue)
      if kind == .final { writer.write(entry.stateRoot) }
      writer.write(entry.signature)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    guard let kind = CertificateKind(rawValue: try reader.read()) else { throw reader.invalid("certificate kind") }
    self.kind = kind
    epoch = try reader.readOrdinal()
    view = try reader.readOrdinal()
    block = try reader.readOptional()
    guard (block == nil) == (kind == .nullification) else { throw reader.invalid("certificate") }
    stateRoot = try reader.readBytes32()
    guard kind == .state || stateRoot == .zero else { throw reader.invalid("root of a certificate") }
    let count = try reader.readCount(limit: ConsensusLimits.validators)
    entries = []
    entries.reserveCapacity(min(count, reader.remaining / 67))
    for _ in 0..<count {
      let voter: ValidatorIndex = try reader.read()
      if let last = entries.last, voter <= last.voter { throw reader.invalid("order of voters") }
      guard let vote = VoteKind(rawValue: try reader.read()), kind.counts(vote) else {
        throw reader.invalid("vote kind")
      }
      let root: Digest = kind == .final ? try reader.readBytes32() : .zero
      entries.append(Entry(voter: voter, kind: vote, stateRoot: root, signature: try reader.readSignature()))
    }
  }
}

extension CertificateKind {
  func counts(_ vote: VoteKind) -> Bool {
    switch self {
    case .notarization, .nullification: vote == .first || vote == .fallback
    case .fastFinal: vote == .first
    case .final: vote == .finalize
    case .state: vote == .finalize || vote == .attest
    }
  }
}
