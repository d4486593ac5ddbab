// What two nodes say to each other inside their encrypted session: the messages of the cores, and those of reads and
// catch-up that only a whole node can answer.

public import Consensus
public import Gossip
public import Primitives
public import Threshold
public import Wire

/// One message between nodes. Decoding is bounded; the channel bounds the bytes.
public enum PeerMessage: Sendable {
  case consensus(ConsensusMessage)
  case lane(LaneMessage)
  /// Asks in which view the receiver last voted (linearizable reads). The nonce ties the answer to this question.
  case readProbe(nonce: UInt64)
  /// The highest view in which the sender voted, from durable state, with a certificate that proves the view was
  /// entered when the asker could not know it.
  case readAnswer(nonce: UInt64, view: View, entry: Certificate?)
  /// The sender has executed and stored every block up to this height.
  case tip(Height)
  /// Asks for final blocks from a height on.
  case getBlocks(from: Height)
  /// Consecutive final blocks, oldest first; the certificate of the last one proves them all.
  case blocks([FinalBlock])
  /// The sender's commitments for the signatures of views to come (T2).
  case nonces(NonceBatch)
  /// The newest certificate that the sender holds.
  case certificate(GroupCertificate)
  /// The sender's share for a block whose state Q others had settled before it could vote.
  case share(LateShare)
  /// A client's transaction, from an observer, for the receiver's lane (O5); or a message of a key generation, from
  /// somebody who is to become a validator.
  case transaction([UInt8])
  /// E3: what only the committee of this number may take for its own; committee 0 says it without a number.
  indirect case bound(Epoch, PeerMessage)
}

/// A share that no vote carries.
public struct LateShare: Sendable, WireCodable {
  public var view: View
  public var block: Digest
  public var stateRoot: Digest
  public var share: [UInt8]

  public init(view: View, block: Digest, stateRoot: Digest, share: [UInt8]) {
    self.view = view
    self.block = block
    self.stateRoot = stateRoot
    self.share = share
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(view)
    writer.write(block)
    writer.write(stateRoot)
    writer.write(bytes: share)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    view = try reader.readOrdinal()
    block = try reader.readBytes32()
    stateRoot = try reader.readBytes32()
    share = try reader.readBytes(limit: ConsensusLimits.frostShareBytes)
  }
}

/// A final block as nodes send it to each other: all that is needed to check and execute it.
public struct FinalBlock: Sendable, WireCodable {
  public var proposal: Proposal
  public var batches: [LaneBatch]
  /// That its order is final (C7, C8), by itself or through a descendant.
  public var certificate: Certificate
  /// That Q validators agree on the state after it; not every block has one of its own.
  public var stateCertificate: Certificate?
  /// The group's signature on the state after it, where there is one.
  public var groupCertificate: GroupCertificate?

  public static let batchesMax = 4096

  public init(
    proposal: Proposal, batches: [LaneBatch], certificate: Certificate, stateCertificate: Certificate?,
    groupCertificate: GroupCertificate? = nil
  ) {
    self.proposal = proposal
    self.batches = batches
    self.certificate = certificate
    self.stateCertificate = stateCertificate
    self.groupCertificate = groupCertificate
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(proposal)
    writer.write(batches)
    writer.write(certificate)
    writer.write(stateCertificate)
    writer.write(groupCertificate)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    proposal = try Proposal(from: &reader)
    batches = try reader.readArray(limit: Self.batchesMax)
    certificate = try Certificate(from: &reader)
    stateCertificate = try reader.readOptional()
    groupCertificate = try reader.readOptional()
  }
}

extension PeerMessage {
  /// What a message promises in the sender's name, and so what must be durable before it leaves.
  public enum Promise: Sendable {
    /// Nothing that the sender could contradict after a crash: what others signed, questions, answers from the ledger.
    case none
    /// The sender must not forget it, and others wait for it.
    case binding
    /// The sender must not forget it, but the two-delay path does not wait for it: it may share the next sync.
    case unhurried
  }

  public var promise: Promise {
    switch self {
    case .consensus(.vote(let vote)): vote.kind == .finalize || vote.kind == .attest ? .unhurried : .binding
    case .consensus(.certificate), .consensus(.evidence), .consensus(.getProposal), .consensus(.getCertificates): .none
    case .lane(.getBatches), .lane(.getTip), .lane(.tip), .readProbe, .tip, .getBlocks, .blocks, .nonces, .certificate,
      .share, .transaction:
      .none
    case .bound(_, let message): message.promise
    case .consensus, .lane, .readAnswer: .binding
    }
  }
}

extension PeerMessage: WireCodable {
  public static let blocksMax = 64

  public func encode(to writer: inout WireWriter) {
    switch self {
    case .consensus(let message):
      writer.write(UInt8(1))
      writer.write(message)
    case .lane(let message):
      writer.write(UInt8(2))
      writer.write(message)
    case .readProbe(let nonce):
      writer.write(UInt8(3))
      writer.write(nonce)
    case .readAnswer(let nonce, let view, let entry):
      writer.write(UInt8(4))
      writer.write(nonce)
      writer.write(view)
      writer.write(entry)
    case .tip(let height):
      writer.write(UInt8(5))
      writer.write(height)
    case .getBlocks(let height):
      writer.write(UInt8(6))
      writer.write(height)
    case .blocks(let blocks):
      writer.write(UInt8(7))
      writer.write(blocks)
    case .nonces(let batch):
      writer.write(UInt8(8))
      writer.write(batch)
    case .certificate(let certificate):
      writer.write(UInt8(9))
      writer.write(certificate)
    case .share(let share):
      writer.write(UInt8(10))
      writer.write(share)
    case .transaction(let bytes):
      writer.write(UInt8(11))
      writer.write(bytes: bytes)
    case .bound(let epoch, let message):
      writer.write(UInt8(12))
      writer.write(epoch)
      message.encode(to: &writer)
    }
  }

  /// Whether it means something only to the committee that it was said in: it counts members by their places.
  var isOfCommittee: Bool {
    switch self {
    case .consensus, .lane, .nonces, .share: true
    case .readProbe, .readAnswer, .tip, .getBlocks, .blocks, .certificate, .transaction, .bound: false
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    let kind: UInt8 = try reader.read()
    if let message = try Self.bindable(kind, &reader) {
      self = message
      return
    }
    switch kind {
    case 3: self = .readProbe(nonce: try reader.read())
    case 4:
      self = .readAnswer(nonce: try reader.read(), view: try reader.readOrdinal(), entry: try reader.readOptional())
    case 5: self = .tip(try reader.readOrdinal())
    case 6: self = .getBlocks(from: try reader.readOrdinal())
    case 7: self = .blocks(try reader.readArray(limit: Self.blocksMax))
    case 9: self = .certificate(try GroupCertificate(from: &reader))
    case 11: self = .transaction(try reader.readBytes(limit: TransactionCheck.bytesMax))
    case 12:
      let epoch: Epoch = try reader.readOrdinal()
      // What is bound is bound once.
      let kind: UInt8 = try reader.read()
      guard epoch > 0, let message = try Self.bindable(kind, &reader) else { throw reader.invalid("bound message") }
      self = .bound(epoch, message)
    default: throw reader.invalid("peer message kind")
    }
  }

  /// A message of `isOfCommittee`; nil for another kind.
  private static func bindable(_ kind: UInt8, _ reader: inout WireReader) throws(WireError) -> PeerMessage? {
    switch kind {
    case 1: .consensus(try ConsensusMessage(from: &reader))
    case 2: .lane(try LaneMessage(from: &reader))
    case 8: .nonces(try NonceBatch(from: &reader))
    case 10: .share(try LateShare(from: &reader))
    default: nil
    }
  }
}

/// What proves a stored block: that its order is final, and, for some blocks, the state after it.
public struct Certificates: Sendable, WireCodable {
  public var final: Certificate
  public var state: Certificate?

  public init(final: Certificate, state: Certificate?) {
    self.final = final
    self.state = state
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(final)
    writer.write(state)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    final = try Certificate(from: &reader)
    state = try reader.readOptional()
  }
}

/// What a replica writes to its journal.
public enum JournalRecord: Sendable, WireCodable {
  case consensus(JournalEntry)
  case lane(LaneJournalEntry)
  /// What follows is of this committee; what comes before the first one is of committee 0.
  case epoch(Epoch)

  /// A first or fallback vote: what fast finality is counted from.
  public var isBallot: Bool {
    if case .consensus(.vote(let vote)) = self { vote.kind == .first || vote.kind == .fallback } else { false }
  }

  public func encode(to writer: inout WireWriter) {
    switch self {
    case .consensus(let entry):
      writer.write(UInt8(1))
      writer.write(entry)
    case .lane(let entry):
      writer.write(UInt8(2))
      writer.write(entry)
    case .epoch(let epoch):
      writer.write(UInt8(3))
      writer.write(epoch)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    switch try reader.read(UInt8.self) {
    case 1: self = .consensus(try JournalEntry(from: &reader))
    case 2: self = .lane(try LaneJournalEntry(from: &reader))
    case 3: self = .epoch(try reader.readOrdinal())
    default: throw reader.invalid("journal record kind")
    }
  }
}
