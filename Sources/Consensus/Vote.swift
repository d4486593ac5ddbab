// One validator's signed statement about one view.

public import Primitives
public import Sodium
public import Wire

public enum VoteKind: UInt8, Sendable, Hashable {
  /// First vote of the view: notarize(block) or nullify. At most one a view.
  case first = 1
  /// After the first vote, by C9: each choice at most once.
  case fallback = 2
  /// The order is final and this is the state after the block (C5).
  case finalize = 3
  /// The block is known to be final and this is the state after it (C8).
  case attest = 4

  var carriesRoot: Bool { self == .finalize || self == .attest }
}

public struct Vote: WireCodable, Hashable, Sendable {
  public var kind: VoteKind
  public var epoch: Epoch
  public var view: View
  /// Nil is nullify.
  public var block: Digest?
  /// Root after `block`; zero in first and fallback votes.
  public var stateRoot: Digest
  /// Proves itself, so it is not under the signature.
  public var frostShare: [UInt8]
  public var voter: ValidatorIndex
  public var signature: Signature

  public init(
    kind: VoteKind, epoch: Epoch, view: View, block: Digest?, stateRoot: Digest = .zero, frostShare: [UInt8] = [],
    voter: ValidatorIndex, signature: Signature = .zero
  ) {
    self.kind = kind
    self.epoch = epoch
    self.view = view
    self.block = block
    self.stateRoot = stateRoot
    self.frostShare = frostShare
    self.voter = voter
    self.signature = signature
  }

  /// The statement alone: who makes it is in the key.
  public func signingBytes(committee: Committee) -> [UInt8] {
    var writer = WireWriter(capacity: 160)
    writer.write("novation/vote/v1")
    writer.write(committee.chain)
    writer.write(committee.setHash)
    writer.write(epoch)
    writer.write(view)
    writer.write(kind.rawValue)
    writer.write(block)
    writer.write(stateRoot)
    return writer.bytes
  }

  public func signed(by signer: Signer, committee: Committee) -> Vote {
    var vote = self
    vote.signature = signer.sign(signingBytes(committee: committee))
    return vote
  }

  /// False also for a voter or an epoch that is not the committee's.
  public func verify(committee: Committee, scheme: SignatureScheme) -> Bool {
    guard epoch == committee.epoch, isWellFormed, let key = committee.key(of: voter) else { return false }
    return scheme.verify(signature, signingBytes(committee: committee), by: key)
  }

  /// Nullify is a first or fallback vote, and only Finalize and Attest carry a root.
  var isWellFormed: Bool { kind.carriesRoot ? block != nil : stateRoot == .zero }

  /// The same statement by the same voter, whatever the signature.
  func says(_ other: Vote) -> Bool {
    voter == other.voter && view == other.view && kind == other.kind && block == other.block
      && stateRoot == other.stateRoot
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(kind.rawValue)
    writer.write(epoch)
    writer.write(view)
    writer.write(block)
    writer.write(stateRoot)
    writer.write(bytes: frostShare)
    writer.write(voter)
    writer.write(signature)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    guard let kind = VoteKind(rawValue: try reader.read()) else { throw reader.invalid("vote kind") }
    self.kind = kind
    epoch = try reader.readOrdinal()
    view = try reader.readOrdinal()
    block = try reader.readOptional()
    stateRoot = try reader.readBytes32()
    frostShare = try reader.readBytes(limit: ConsensusLimits.frostShareBytes)
    voter = try reader.read()
    signature = try reader.readSignature()
    guard isWellFormed else { throw reader.invalid("vote") }
  }
}
