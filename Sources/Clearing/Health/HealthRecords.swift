// What the state remembers of the health of validators and of those who stand by (rules H1 to H10, docs/VALIDATORS.md).

public import Ledger
public import Primitives
public import Wire

/// In what a validator fails at present.
public struct HealthFaults: OptionSet, Hashable, Sendable {
  public var rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// H3: views that it leads end without a block.
  public static let leader = HealthFaults(rawValue: 1)
  /// H4: its votes are late, as a quorum finds.
  public static let late = HealthFaults(rawValue: 2)
  /// H5: nothing of its lane is ordered.
  public static let silent = HealthFaults(rawValue: 4)
  /// H6: it observes no prices.
  public static let absent = HealthFaults(rawValue: 8)
  /// H6: it observes prices far from the median.
  public static let far = HealthFaults(rawValue: 16)

  public static let all: [(fault: HealthFaults, name: String)] = [
    (.leader, "leader"), (.late, "late"), (.silent, "silent"), (.absent, "absent"), (.far, "far"),
  ]

  /// Names of those that are set, for people and programs.
  public var names: [String] { Self.all.filter { contains($0.fault) }.map(\.name) }
}

/// What final blocks showed of one validator since its windows began (H1).
public struct HealthRecord: TableRecord, Hashable {
  /// Views of its own that became final blocks, and those that were skipped.
  public var led: UInt32 = 0
  public var missed: UInt32 = 0
  /// Completed rounds of an index, those without an observation of its own, and those in which that was far off.
  public var rounds: UInt32 = 0
  public var absent: UInt32 = 0
  public var far: UInt32 = 0
  /// Something of its lane was ordered in this epoch.
  public var spoke = false
  /// Epochs in a row in which nothing was.
  public var silentEpochs: UInt32 = 0
  /// Places of the validators that found it late in this epoch, ascending.
  public var reporters: [ValidatorIndex] = []
  /// As the last epochs that told enough left it (H2).
  public var faults: HealthFaults = []
  /// How often it was put on standby before it came back (H9).
  public var removals: UInt32 = 0

  public init() {}

  public func encode(to writer: inout WireWriter) {
    for count in [led, missed, rounds, absent, far] { writer.write(count) }
    writer.write(spoke)
    writer.write(silentEpochs)
    writer.write(UInt32(truncatingIfNeeded: reporters.count))
    for place in reporters { writer.write(place) }
    writer.write(faults.rawValue)
    writer.write(removals)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    led = try reader.read()
    missed = try reader.read()
    rounds = try reader.read()
    absent = try reader.read()
    far = try reader.read()
    spoke = try reader.readBool()
    silentEpochs = try reader.read()
    for _ in 0..<(try reader.readCount(limit: Limits.maxValidators)) { reporters.append(try reader.read()) }
    faults = HealthFaults(rawValue: try reader.read())
    removals = try reader.read()
  }
}

/// Somebody who may take a validator's place.
public struct StandbyRecord: TableRecord, Hashable {
  public var validator: Validator
  /// Identity keys of validators, in the order in which they nominated it; none for a former validator.
  public var nominators: [PublicKey]
  /// Validators that want it struck off.
  public var dismissers: [PublicKey] = []
  /// Q had nominated it, or it was put on standby; nil while it is only nominated.
  public var approvedAt: Height?
  /// H8: it has said that it is ready.
  public var readySince: Height?
  /// H9: epochs before it may say so.
  public var restEpochs: UInt32 = 0
  public var removals: UInt32 = 0
  /// Times that shares could not be made with it, since it said that it is ready.
  public var failures: UInt32 = 0
  /// H8: the place that it left is empty.
  public var leavesSeat = false

  init(_ validator: Validator, nominators: [PublicKey]) {
    self.validator = validator
    self.nominators = nominators
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(validator)
    writer.write(nominators)
    writer.write(dismissers)
    for height in [approvedAt, readySince] {
      writer.write(height != nil)
      if let height { writer.write(height) }
    }
    for count in [restEpochs, removals, failures] { writer.write(count) }
    writer.write(leavesSeat)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    validator = try Validator(from: &reader)
    nominators = try reader.readArray(limit: Limits.maxValidators)
    dismissers = try reader.readArray(limit: Limits.maxValidators)
    approvedAt = try reader.readBool() ? try reader.readOrdinal() : nil
    readySince = try reader.readBool() ? try reader.readOrdinal() : nil
    restEpochs = try reader.read()
    removals = try reader.read()
    failures = try reader.read()
    leavesSeat = try reader.readBool()
  }
}

/// A validator's identity key.
public struct HealthKey: TableKey {
  public var key: PublicKey
  public init(_ key: PublicKey) { self.key = key }
  public func encode(to writer: inout WireWriter) { writer.write(key) }
  public init(from reader: inout WireReader) throws(WireError) { key = try reader.readBytes32() }
}

/// What validators say about those who stand by, and what those say for themselves.
public enum StandbyStep: Hashable, Sendable, WireCodable {
  /// Validators only: this one may take a place. With Q of them it may (H7).
  case nominate(Validator)
  /// Validators only: strike it off; with Q of them, or by its first nominator while it is only nominated.
  case dismiss(PublicKey)
  /// The signer stands by, and is ready to take a place (H8).
  case rejoin

  public func encode(to writer: inout WireWriter) {
    switch self {
    case .nominate(let validator):
      writer.write(UInt8(0))
      writer.write(validator)
    case .dismiss(let key):
      writer.write(UInt8(1))
      writer.write(key)
    case .rejoin: writer.write(UInt8(2))
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    switch try reader.read(UInt8.self) {
    case 0: self = .nominate(try Validator(from: &reader))
    case 1: self = .dismiss(try reader.readBytes32())
    case 2: self = .rejoin
    default: throw reader.invalid("step of a standby")
    }
  }
}

/// One validator's word on whom it found late since its last word (H4).
public struct LatenessReport: Hashable, Sendable, WireCodable {
  /// Number of the committee whose places these are.
  public var committee: Epoch
  /// Ascending.
  public var late: [ValidatorIndex]

  public init(committee: Epoch, late: [ValidatorIndex]) {
    self.committee = committee
    self.late = late
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(committee)
    writer.write(UInt32(truncatingIfNeeded: late.count))
    for place in late { writer.write(place) }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    committee = try reader.readOrdinal()
    late = []
    for _ in 0..<(try reader.readCount(limit: Limits.maxValidators)) { late.append(try reader.read()) }
  }
}

/// What a block shows of the validators that agreed on it, from its header, its parent's and their cuts alone. Places are
/// those of the committee that ordered it.
public struct BlockConduct: Hashable, Sendable {
  public var leader: ValidatorIndex
  /// Leaders of the views between the parent's and the block's own: Q validators gave each of those up. The latest
  /// `viewsMax`, in order.
  public var skipped: [ValidatorIndex]
  /// Lanes of which the block orders something.
  public var spoke: [ValidatorIndex]
  /// The next block begins an epoch.
  public var endsEpoch: Bool

  /// Of a longer gap more would say nothing new.
  public static let viewsMax: UInt64 = 1_024

  public init(leader: ValidatorIndex, skipped: [ValidatorIndex], spoke: [ValidatorIndex], endsEpoch: Bool) {
    self.leader = leader
    self.skipped = skipped
    self.spoke = spoke
    self.endsEpoch = endsEpoch
  }
}
