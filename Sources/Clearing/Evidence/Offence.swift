// What a validator can be punished for, how it is reported, and what the state remembers of it (rules J1 to J9).

public import Ledger
public import Primitives
public import Wire

/// J3: what was done.
public enum OffenceKind: UInt8, Sendable, CaseIterable, WireByte {
  /// Two votes of one view that no honest validator signs both.
  case doubleVote = 0
  /// Two headers of one view, signed by its leader.
  case doubleProposal = 1
  /// Two batches of one place in a lane, signed by its owner. Recorded and not punished (J6).
  case laneFork = 2
  /// Prices far outside those of all others, for long. The engine finds it by itself (J7).
  case farPrices = 3

  /// Somebody has to show it; the others follow from the state.
  public var isReported: Bool { self != .farPrices }

  /// Of the bond as it is then, in parts per million.
  public var slash: Int64 {
    switch self {
    case .doubleVote, .doubleProposal: 250_000
    case .laneFork: 0
    case .farPrices: 10_000
    }
  }

  /// How long the key is barred from the validators.
  var jail: JailTerm? {
    switch self {
    case .doubleVote, .doubleProposal: .forEver
    case .laneFork: nil
    case .farPrices: .blocks(Limits.farJail)
    }
  }
}

enum JailTerm: Sendable {
  case forEver
  case blocks(UInt64)
}

/// J1: two signed messages that prove an offence, with what it takes to check them without the state.
///
/// The engine knows no votes, headers or batches. Whoever hands it a block has judged the proof beforehand, from these
/// bytes and the chain alone, and says what it proves (`EvidenceVerdict`). What needs the state is judged here: that
/// the keys are those of that committee, that it is not too long ago, and that it was not punished before.
public struct EvidenceReport: Hashable, Sendable, WireCodable {
  public var kind: OffenceKind
  /// The committee whose validator did it, and all of its keys in their order.
  public var committee: Epoch
  public var keys: [PublicKey]
  /// Canonical bytes of the two messages.
  public var proof: [UInt8]

  /// Two votes, headers or batch headers are some 700 bytes.
  public static let proofBytesMax = 4_096

  public init(kind: OffenceKind, committee: Epoch, keys: [PublicKey], proof: [UInt8]) {
    self.kind = kind
    self.committee = committee
    self.keys = keys
    self.proof = proof
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(kind)
    writer.write(committee)
    writer.write(keys)
    writer.write(bytes: proof)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    kind = try OffenceKind(from: &reader)
    committee = try reader.readOrdinal()
    keys = try reader.readArray(limit: Limits.maxValidators)
    proof = try reader.readBytes(limit: Self.proofBytesMax)
  }
}

/// What a report proves: the same on every node, for it follows from the transaction's bytes and the chain.
public struct EvidenceVerdict: Hashable, Sendable {
  public var offender: PublicKey
  /// The view, or the place in the lane.
  public var place: UInt64

  public init(offender: PublicKey, place: UInt64) {
    self.offender = offender
    self.place = place
  }
}

/// J4: an offence is punished once.
public struct OffenceKey: TableKey {
  public var committee: Epoch
  public var offender: PublicKey
  public var kind: OffenceKind
  /// View, place in the lane, or round.
  public var place: UInt64

  public init(committee: Epoch, offender: PublicKey, kind: OffenceKind, place: UInt64) {
    self.committee = committee
    self.offender = offender
    self.kind = kind
    self.place = place
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(committee)
    writer.write(offender)
    writer.write(kind)
    writer.write(place)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    committee = try reader.readOrdinal()
    offender = try reader.readBytes32()
    kind = try OffenceKind(from: &reader)
    place = try reader.read()
  }
}

public struct OffenceRecord: TableRecord, Hashable {
  /// Block in which it was punished.
  public var height: Height
  /// Taken from the bond.
  public var slashed: Amount

  public func encode(to writer: inout WireWriter) {
    writer.write(height)
    writer.write(slashed)
  }

  init(height: Height, slashed: Amount) {
    self.height = height
    self.slashed = slashed
  }

  public init(from reader: inout WireReader) throws(WireError) {
    height = try reader.readOrdinal()
    slashed = try reader.read()
  }
}

/// What the state holds against a key.
public struct OffenderRecord: TableRecord, Hashable {
  /// J5: barred from then on; nil where it is not.
  public var jailedAt: Height?
  /// The last block in which it is barred; nil: for ever.
  public var jailedThrough: Height?
  /// J5: it is to leave the validators, or to be kept from becoming one after all.
  public var isLeaving = false
  /// J7: rounds in a row in which its price was far outside, by underlying; short where the last ones are 0.
  public var farRounds: [UInt32] = []

  init() {}

  public func encode(to writer: inout WireWriter) {
    for height in [jailedAt, jailedThrough] {
      writer.write(height != nil)
      if let height { writer.write(height) }
    }
    writer.write(isLeaving)
    writer.write(UInt32(truncatingIfNeeded: farRounds.count))
    for rounds in farRounds { writer.write(rounds) }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    jailedAt = try reader.readBool() ? try reader.readOrdinal() : nil
    jailedThrough = try reader.readBool() ? try reader.readOrdinal() : nil
    isLeaving = try reader.readBool()
    for _ in 0..<(try reader.readCount(limit: Limits.maxUnderlyings)) { farRounds.append(try reader.read()) }
  }
}

/// J4, as the feed tells it.
public struct OffenceEvent: Hashable, Sendable, WireCodable {
  public var offence: OffenceKey
  public var slashed: Amount
  /// Whether the key is barred now, and the last block in which it is; without one for ever.
  public var isJailed: Bool
  public var jailedThrough: Height?

  public init(offence: OffenceKey, slashed: Amount, isJailed: Bool, jailedThrough: Height?) {
    self.offence = offence
    self.slashed = slashed
    self.isJailed = isJailed
    self.jailedThrough = jailedThrough
  }

  public func encode(to writer: inout WireWriter) {
    offence.encode(to: &writer)
    writer.write(slashed)
    writer.write(isJailed)
    writer.write(jailedThrough != nil)
    if let jailedThrough { writer.write(jailedThrough) }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    offence = try OffenceKey(from: &reader)
    slashed = try reader.read()
    isJailed = try reader.readBool()
    jailedThrough = try reader.readBool() ? try reader.readOrdinal() : nil
  }
}
