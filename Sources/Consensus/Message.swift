// What validators say to each other about agreement, and what each writes into its journal. Decoding is bounded.

public import Primitives
public import Sodium
public import Wire

/// Proof that a validator broke a rule that no honest one can break.
public enum Evidence: WireCodable, Hashable, Sendable {
  /// Two headers of one view, signed by its leader (C4).
  case headers(SignedHeader, SignedHeader)
  /// Two votes of one view that no honest validator casts both (C10).
  case votes(Vote, Vote)

  public var view: View {
    switch self {
    case .headers(let a, _): a.header.view
    case .votes(let a, _): a.view
    }
  }

  /// Who broke the rule.
  public var culprit: ValidatorIndex {
    switch self {
    case .headers(let a, _): a.header.leader
    case .votes(let a, _): a.voter
    }
  }

  /// Two first votes: the pair that C4 and C9 know of.
  var isOfFirstVotes: Bool {
    if case .votes(let a, let b) = self { a.kind == .first && b.kind == .first } else { false }
  }

  public func verify(committee: Committee, scheme: SignatureScheme) -> Bool {
    switch self {
    case .headers(let a, let b):
      a.header != b.header && a.header.view == b.header.view && a.header.epoch == committee.epoch
        && b.header.epoch == committee.epoch && a.verify(committee: committee, scheme: scheme)
        && b.verify(committee: committee, scheme: scheme)
    case .votes(let a, let b):
      a.contradicts(b) && a.verify(committee: committee, scheme: scheme)
        && b.verify(committee: committee, scheme: scheme)
    }
  }

  public func encode(to writer: inout WireWriter) {
    switch self {
    case .headers(let a, let b):
      writer.write(UInt8(1))
      writer.write(a)
      writer.write(b)
    case .votes(let a, let b):
      writer.write(UInt8(2))
      writer.write(a)
      writer.write(b)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    switch try reader.read(UInt8.self) {
    case 1: self = .headers(try SignedHeader(from: &reader), try SignedHeader(from: &reader))
    case 2: self = .votes(try Vote(from: &reader), try Vote(from: &reader))
    default: throw reader.invalid("evidence")
    }
  }
}

/// Where a validator stands: sent every second, on connect and on standstill.
public struct Status: WireCodable, Hashable, Sendable {
  public var view: View
  /// No vote was or will be cast at or below this view but those already sent.
  public var floor: View
  /// View of the last final block known, and of the last one whose state is.
  public var finalView: View
  public var stateFinalView: View
  /// Highest certificate held: the proof of `view`.
  public var entry: Certificate?
  /// Highest proof of finality held.
  public var highestFinal: Certificate?
  public var bootId: UInt64
  /// The receiver's latest vote held: it reminds a restarted node of what it signed.
  public var latestVote: Vote?
  public var amnesiac: Bool

  public func encode(to writer: inout WireWriter) {
    writer.write(view)
    writer.write(floor)
    writer.write(finalView)
    writer.write(stateFinalView)
    writer.write(entry)
    writer.write(highestFinal)
    writer.write(bootId)
    writer.write(latestVote)
    writer.write(amnesiac)
  }

  public init(
    view: View, floor: View, finalView: View, stateFinalView: View, entry: Certificate?, highestFinal: Certificate?,
    bootId: UInt64, latestVote: Vote?, amnesiac: Bool
  ) {
    self.view = view
    self.floor = floor
    self.finalView = finalView
    self.stateFinalView = stateFinalView
    self.entry = entry
    self.highestFinal = highestFinal
    self.bootId = bootId
    self.latestVote = latestVote
    self.amnesiac = amnesiac
  }

  public init(from reader: inout WireReader) throws(WireError) {
    view = try reader.readOrdinal()
    floor = try reader.readOrdinal()
    finalView = try reader.readOrdinal()
    stateFinalView = try reader.readOrdinal()
    entry = try reader.readOptional()
    highestFinal = try reader.readOptional()
    bootId = try reader.read()
    latestVote = try reader.readOptional()
    amnesiac = try reader.readBool()
  }
}

public enum ConsensusMessage: WireCodable, Hashable, Sendable {
  indirect case proposal(Proposal)
  case vote(Vote)
  case certificate(Certificate)
  indirect case evidence(Evidence)
  indirect case status(Status)
  /// Asks for the proposal with this header hash.
  case getProposal(Digest)
  /// Asks for certificates of the views from...through.
  case getCertificates(from: View, through: View)
  /// An amnesiac asks where everybody is. The nonce ties answers to this question.
  case recoveryQuery(nonce: UInt64)
  /// From durable state, by a validator that is not amnesiac: its view and the certificate that proves it.
  case recoveryAnswer(nonce: UInt64, view: View, entry: Certificate?)

  public func encode(to writer: inout WireWriter) {
    switch self {
    case .proposal(let proposal):
      writer.write(UInt8(1))
      writer.write(proposal)
    case .vote(let vote):
      writer.write(UInt8(2))
      writer.write(vote)
    case .certificate(let certificate):
      writer.write(UInt8(3))
      writer.write(certificate)
    case .evidence(let evidence):
      writer.write(UInt8(4))
      writer.write(evidence)
    case .status(let status):
      writer.write(UInt8(5))
      writer.write(status)
    case .getProposal(let hash):
      writer.write(UInt8(6))
      writer.write(hash)
    case .getCertificates(let from, let through):
      writer.write(UInt8(7))
      writer.write(from)
      writer.write(through)
    case .recoveryQuery(let nonce):
      writer.write(UInt8(8))
      writer.write(nonce)
    case .recoveryAnswer(let nonce, let view, let entry):
      writer.write(UInt8(9))
      writer.write(nonce)
      writer.write(view)
      writer.write(entry)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    switch try reader.read(UInt8.self) {
    case 1: self = .proposal(try Proposal(from: &reader))
    case 2: self = .vote(try Vote(from: &reader))
    case 3: self = .certificate(try Certificate(from: &reader))
    case 4: self = .evidence(try Evidence(from: &reader))
    case 5: self = .status(try Status(from: &reader))
    case 6: self = .getProposal(try reader.readBytes32())
    case 7: self = .getCertificates(from: try reader.readOrdinal(), through: try reader.readOrdinal())
    case 8: self = .recoveryQuery(nonce: try reader.read())
    case 9:
      self = .recoveryAnswer(
        nonce: try reader.read(), view: try reader.readOrdinal(), entry: try reader.readOptional())
    default: throw reader.invalid("consensus message")
    }
  }
}

/// What must survive a crash.
public enum JournalEntry: WireCodable, Hashable, Sendable {
  /// The header this leader proposed in the view (C2): it never proposes another there.
  case proposed(View, Digest)
  case vote(Vote)
  case certificate(Certificate)
  /// Header and cut of a block this node voted for or proposed.
  indirect case proposal(Proposal)
  /// No vote at or below this view (C10).
  case floor(View)
  /// Votes may have been forgotten (true), or it is safe again to vote above the floor (false).
  case amnesiac(Bool)

  public func encode(to writer: inout WireWriter) {
    switch self {
    case .proposed(let view, let hash):
      writer.write(UInt8(1))
      writer.write(view)
      writer.write(hash)
    case .vote(let vote):
      writer.write(UInt8(2))
      writer.write(vote)
    case .certificate(let certificate):
      writer.write(UInt8(3))
      writer.write(certificate)
    case .proposal(let proposal):
      writer.write(UInt8(4))
      writer.write(proposal)
    case .floor(let view):
      writer.write(UInt8(5))
      writer.write(view)
    case .amnesiac(let amnesiac):
      writer.write(UInt8(6))
      writer.write(amnesiac)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    switch try reader.read(UInt8.self) {
    case 1: self = .proposed(try reader.readOrdinal(), try reader.readBytes32())
    case 2: self = .vote(try Vote(from: &reader))
    case 3: self = .certificate(try Certificate(from: &reader))
    case 4: self = .proposal(try Proposal(from: &reader))
    case 5: self = .floor(try reader.readOrdinal())
    case 6: self = .amnesiac(try reader.readBool())
    default: throw reader.invalid("journal entry")
    }
  }
}
