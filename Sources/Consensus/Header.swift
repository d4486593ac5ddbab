// What a leader proposes: a header that commits to everything, and the bytes it commits to.

public import Primitives
public import Sodium
public import Wire

/// About 256 bytes that name a block. Its hash is the block's name.
public struct Header: WireCodable, Hashable, Sendable {
  public var epoch: Epoch
  public var view: View
  public var height: Height
  public var parentHash: Digest
  public var parentView: View
  public var cutHash: Digest
  /// Height whose state is `executedRoot`: at least height - 16 (C15).
  public var executedHeight: Height
  public var executedRoot: Digest
  public var timestamp: Timestamp
  public var validatorSetHash: Digest
  /// Zero when there is no plan.
  public var frostPlanHash: Digest
  public var nextEpochHash: Digest?
  /// Root of the Merkle mountain range over all ancestors.
  public var historyRoot: Digest
  public var leader: ValidatorIndex

  public init(
    epoch: Epoch, view: View, height: Height, parentHash: Digest, parentView: View, cutHash: Digest,
    executedHeight: Height, executedRoot: Digest, timestamp: Timestamp, validatorSetHash: Digest,
    frostPlanHash: Digest = .zero, nextEpochHash: Digest? = nil, historyRoot: Digest, leader: ValidatorIndex
  ) {
    self.epoch = epoch
    self.view = view
    self.height = height
    self.parentHash = parentHash
    self.parentView = parentView
    self.cutHash = cutHash
    self.executedHeight = executedHeight
    self.executedRoot = executedRoot
    self.timestamp = timestamp
    self.validatorSetHash = validatorSetHash
    self.frostPlanHash = frostPlanHash
    self.nextEpochHash = nextEpochHash
    self.historyRoot = historyRoot
    self.leader = leader
  }

  /// The block's name on this chain.
  public func hash(chain: Digest) -> Digest {
    Blake2b.hash(domain: "novation/header/v1", chain.bytes, wireBytes)
  }

  /// What the leader signs.
  static func signingBytes(of hash: Digest) -> [UInt8] { Array("novation/propose/v1".utf8) + hash.bytes }

  public func encode(to writer: inout WireWriter) {
    writer.write(epoch)
    writer.write(view)
    writer.write(height)
    writer.write(parentHash)
    writer.write(parentView)
    writer.write(cutHash)
    writer.write(executedHeight)
    writer.write(executedRoot)
    writer.write(timestamp)
    writer.write(validatorSetHash)
    writer.write(frostPlanHash)
    writer.write(nextEpochHash)
    writer.write(historyRoot)
    writer.write(leader)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    epoch = try reader.readOrdinal()
    view = try reader.readOrdinal()
    height = try reader.readOrdinal()
    parentHash = try reader.readBytes32()
    parentView = try reader.readOrdinal()
    cutHash = try reader.readBytes32()
    executedHeight = try reader.readOrdinal()
    executedRoot = try reader.readBytes32()
    timestamp = try reader.read()
    guard timestamp >= 0, timestamp < Int64(ordinalLimit) else { throw reader.invalid("timestamp") }
    validatorSetHash = try reader.readBytes32()
    frostPlanHash = try reader.readBytes32()
    nextEpochHash = try reader.readOptional()
    historyRoot = try reader.readBytes32()
    leader = try reader.read()
  }
}

/// A leader-signed header: enough to count votes for it (C4) and to prove equivocation.
public struct SignedHeader: WireCodable, Hashable, Sendable {
  public var header: Header
  public var signature: Signature

  public init(header: Header, signature: Signature) {
    self.header = header
    self.signature = signature
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(header)
    writer.write(signature)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    header = try Header(from: &reader)
    signature = try reader.readSignature()
  }

  public func verify(committee: Committee, scheme: SignatureScheme) -> Bool {
    guard header.leader == committee.leader(of: header.view), let key = committee.key(of: header.leader) else {
      return false
    }
    return scheme.verify(signature, Header.signingBytes(of: header.hash(chain: committee.chain)), by: key)
  }
}

/// What a leader sends, and what is stored and fetched. Only the header is signed: the certificates are hints that prove
/// themselves.
public struct Proposal: WireCodable, Hashable, Sendable {
  public var header: Header
  public var signature: Signature
  /// Opaque here; the header holds its hash.
  public var cut: [UInt8]
  public var parentCertificate: Certificate?
  public var nullifications: [Certificate]
  public var frostPlan: [UInt8]

  public init(
    header: Header, signature: Signature, cut: [UInt8], parentCertificate: Certificate? = nil,
    nullifications: [Certificate] = [], frostPlan: [UInt8] = []
  ) {
    self.header = header
    self.signature = signature
    self.cut = cut
    self.parentCertificate = parentCertificate
    self.nullifications = nullifications
    self.frostPlan = frostPlan
  }

  /// The block of view 0, at height 0 or after the last one of the chain that this goes on from, whose name is the chain's: notarised and final by definition.
  public static func genesis(chain: Digest, height: Height = 0, timestamp: Timestamp = 0) -> Proposal {
    Proposal(
      header: Header(
        epoch: 0, view: 0, height: height, parentHash: .zero, parentView: 0, cutHash: hash(ofCut: []),
        executedHeight: height,
        executedRoot: .zero, timestamp: timestamp, validatorSetHash: .zero, historyRoot: .zero, leader: 0),
      signature: .zero, cut: [])
  }

  public static func hash(ofCut cut: [UInt8]) -> Digest { Blake2b.hash(domain: "novation/cut/v1", cut) }

  static func hash(ofPlan plan: [UInt8]) -> Digest {
    plan.isEmpty ? .zero : Blake2b.hash(domain: "novation/frost-plan/v1", plan)
  }

  /// The bytes are those that the header commits to.
  public var cutMatchesHeader: Bool {
    Self.hash(ofCut: cut) == header.cutHash && Self.hash(ofPlan: frostPlan) == header.frostPlanHash
  }

  /// T3: the plan is the one that the header commits to.
  public var planMatchesHeader: Bool { Self.hash(ofPlan: frostPlan) == header.frostPlanHash }

  public var signedHeader: SignedHeader { SignedHeader(header: header, signature: signature) }

  public func encode(to writer: inout WireWriter) {
    writer.write(header)
    writer.write(signature)
    writer.write(bytes: cut)
    writer.write(parentCertificate)
    writer.write(nullifications)
    writer.write(bytes: frostPlan)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    header = try Header(from: &reader)
    signature = try reader.readSignature()
    cut = try reader.readBytes(limit: ConsensusLimits.cutBytes)
    parentCertificate = try reader.readOptional()
    nullifications = try reader.readArray(limit: ConsensusLimits.nullifications)
    frostPlan = try reader.readBytes(limit: ConsensusLimits.frostPlanBytes)
  }
}
