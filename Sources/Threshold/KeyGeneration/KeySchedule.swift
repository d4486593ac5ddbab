// Which shares sign, and when new ones are made: the first key at genesis, then new shares of the same key each epoch, for
// the committee as it is or for the one that succeeds it. Pure, like one key generation: a function of the chain's messages.

public import Primitives
public import Sodium
public import Wire

public struct KeyScheduleSettings: Hashable, Sendable, WireCodable {
  /// Blocks of an epoch; 0 for a network without a group key. At least twice all the windows.
  public var epochBlocks: UInt64
  public var windows: CeremonyWindows

  public init(epochBlocks: UInt64 = 200, windows: CeremonyWindows = CeremonyWindows()) {
    self.epochBlocks = epochBlocks
    self.windows = windows
  }

  public var isOn: Bool { epochBlocks > 0 }

  public func encode(to writer: inout WireWriter) {
    writer.write(epochBlocks)
    for window in [windows.keys, windows.dealing, windows.complaints, windows.life] { writer.write(window) }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    epochBlocks = try reader.readOrdinal()
    windows = CeremonyWindows(
      keys: try reader.readOrdinal(), dealing: try reader.readOrdinal(), complaints: try reader.readOrdinal(),
      life: try reader.readOrdinal())
  }

  /// What is wrong with it, as a sentence; nil if key generation can run by it.
  public func fault() -> String? {
    guard isOn else { return nil }
    let all = [windows.keys, windows.dealing, windows.complaints, windows.life]
    guard all.allSatisfy({ (2...10_000).contains($0) }) else {
      return "the windows of key generation must be 2 to 10000 blocks each"
    }
    guard epochBlocks <= 10_000_000, epochBlocks >= 2 * all.reduce(0, +) else {
      return "an epoch must have at least twice the blocks of all windows of key generation, and at most 10000000"
    }
    return nil
  }
}

/// A committee as key generation sees it.
public struct KeyCommittee: Hashable, Sendable, WireCodable {
  /// Identity keys, in the order of the committee.
  public var keys: [PublicKey]
  /// Shares that make a signature.
  public var threshold: UInt16

  public init(keys: [PublicKey], threshold: Int) {
    self.keys = keys
    self.threshold = UInt16(truncatingIfNeeded: threshold)
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(keys)
    writer.write(threshold)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    keys = try reader.readArray(limit: Frost.participantsMax)
    threshold = try reader.read()
  }
}

public struct KeySchedule: Sendable {
  /// What a block means for changes of the committee.
  public enum Step: Hashable, Sendable {
    /// New shares are being made for the successors that were named.
    case scheduled
    /// Their shares sign from now on: they are the committee.
    case adopted
    /// They have not got their shares.
    case failed
  }

  /// Key generations for one set of successors after which the holders have their patience back.
  static let changeAttempts: UInt32 = 3

  public let chain: Digest
  public let settings: KeyScheduleSettings
  private let scheme: SignatureScheme
  /// Whose shares sign, or who makes the first key.
  public private(set) var holders: KeyCommittee
  /// Who gets the shares that are being made, or that wait for the next epoch; nil for the holders themselves.
  public private(set) var successors: KeyCommittee?
  /// Key generations for these successors that failed.
  private var changeFailures: UInt32 = 0
  /// Whose shares sign now; nil until the first key is there.
  public private(set) var active: GroupKeys?
  /// Made in this epoch, active from the next one on.
  public private(set) var pending: GroupKeys?
  public private(set) var running: KeyGeneration?
  /// Height of the block that started `running`.
  public private(set) var runningSince: Height = 0
  /// Key generations in a row that failed. The old shares go on signing meanwhile.
  public private(set) var failuresInARow: UInt32 = 0
  public private(set) var lastFailure: KeyGenerationFailure?
  /// Height at which the first key is tried again.
  public private(set) var retryAt: Height?

  /// - Parameters:
  ///   - committee: the first one.
  ///   - height: of the genesis.
  public init(
    chain: Digest, committee: KeyCommittee, settings: KeyScheduleSettings, scheme: SignatureScheme,
    from height: Height = 0
  ) {
    self.chain = chain
    holders = committee
    self.settings = settings
    self.scheme = scheme
    if settings.isOn { start(epoch: height / settings.epochBlocks, at: height) }
  }

  private mutating func start(epoch: Epoch, at height: Height) {
    let source = active.map { Ceremony.Source.resharing($0) } ?? .fresh
    runningSince = height
    retryAt = nil
    // Whoever was too slow gets twice the time; a resharing still has to fit into its epoch.
    // Whoever is not yet a validator hears of a block later, and speaks through others.
    let doublings = failuresInARow.saturatingAdding(successors == nil ? 0 : 2)
    let windows = settings.windows.doubled(
      doublings, atMost: active == nil ? Self.longestWindow : settings.epochBlocks / 8)
    let recipients = successors ?? holders
    running = Ceremony(
      chain: chain, epoch: epoch, attempt: failuresInARow, source: source, dealers: holders.keys,
      recipients: recipients.keys, threshold: Int(recipients.threshold), windows: windows
    ).map { KeyGeneration($0, scheme: scheme, startingAt: height) }
  }

  /// The next message of the chain. Nil if it was accepted.
  public mutating func apply(_ message: KeyGenerationMessage) -> KeyGenerationRefusal? {
    running == nil ? .wrongPhase : running?.apply(message)
  }

  /// After the last message of the block at this height. `next`: the committee that is to succeed this one.
  @discardableResult public mutating func endBlock(_ height: Height, next: KeyCommittee? = nil) -> [Step] {
    var steps: [Step] = []
    var next = next
    running?.endBlock(height)
    switch running?.phase {
    case .done(let keys):
      running = nil
      failuresInARow = 0
      changeFailures = 0
      lastFailure = nil
      // The first key signs from its own block on; there is nobody to hand over to it.
      if active == nil { active = keys } else { pending = keys }
    case .failed(let failure):
      running = nil
      failuresInARow = failuresInARow.saturatingAdding(1)
      lastFailure = failure
      if successors != nil {
        successors = nil
        steps.append(.failed)
        // What failed in this block was named before it, with what may be given up now.
        next = nil
        changeFailures = changeFailures.saturatingAdding(1)
        // The holders did nothing to lose the patience that a resharing has with them.
        if changeFailures >= Self.changeAttempts { (changeFailures, failuresInARow) = (0, 0) }
      }
      // Without any key there is no epoch to wait for, but whoever is missing needs time to come back.
      if active == nil {
        retryAt = height.saturatingAdding(min(Self.pause << UInt64(min(failuresInARow, 10)), settings.epochBlocks))
      }
    case .keys, .dealing, .complaints, .life, nil: break
    }
    if let due = retryAt, height >= due { start(epoch: height / settings.epochBlocks, at: height) }
    guard settings.isOn, active != nil, height % settings.epochBlocks == 0 else { return steps }
    if let keys = pending {
      active = keys
      pending = nil
      if let committee = successors {
        holders = committee
        successors = nil
        steps.append(.adopted)
      }
    }
    // A key generation that is still under way is let finish.
    if running == nil {
      successors = next
      if next != nil { steps.append(.scheduled) }
      start(epoch: height / settings.epochBlocks + 1, at: height)
    }
    return steps
  }

  private static let longestWindow: UInt64 = 1024
  /// Blocks from the first failure of the first key to the next try.
  private static let pause: UInt64 = 16

  /// Whether blocks are needed for it to get on (C13). Not while it waits for somebody new alone, who hears of each block
  /// later than validators do: blocks without need would only use the window up.
  public var hasWork: Bool {
    guard let running else { return false }
    guard successors != nil, let awaited = running.awaited else { return true }
    return awaited.contains { holders.keys.contains($0) }
  }

  /// What a node keeps of it, besides the messages since `runningSince`.
  public struct Record: Hashable, Sendable, WireCodable {
    public var holders: KeyCommittee
    public var successors: KeyCommittee?
    public var active: GroupKeys?
    public var pending: GroupKeys?
    public var failuresInARow: UInt32
    public var changeFailures: UInt32
    public var lastFailure: KeyGenerationFailure?
    public var retryAt: Height?
    /// Epoch of the key generation under way, and the height that started it.
    public var running: Running?

    public struct Running: Hashable, Sendable, WireCodable {
      public var epoch: Epoch
      public var since: Height

      public init(epoch: Epoch, since: Height) {
        self.epoch = epoch
        self.since = since
      }

      public func encode(to writer: inout WireWriter) {
        writer.write(epoch)
        writer.write(since)
      }

      public init(from reader: inout WireReader) throws(WireError) {
        epoch = try reader.readOrdinal()
        since = try reader.readOrdinal()
      }
    }

    public func encode(to writer: inout WireWriter) {
      writer.write(holders)
      writer.write(successors)
      writer.write(active)
      writer.write(pending)
      writer.write(failuresInARow)
      writer.write(changeFailures)
      writer.write(lastFailure)
      writer.write(retryAt != nil)
      if let retryAt { writer.write(retryAt) }
      writer.write(running)
    }

    init(_ schedule: KeySchedule) {
      holders = schedule.holders
      successors = schedule.successors
      active = schedule.active
      pending = schedule.pending
      failuresInARow = schedule.failuresInARow
      changeFailures = schedule.changeFailures
      lastFailure = schedule.lastFailure
      retryAt = schedule.retryAt
      running = schedule.running.map { Running(epoch: $0.ceremony.epoch, since: schedule.runningSince) }
    }

    public init(from reader: inout WireReader) throws(WireError) {
      holders = try KeyCommittee(from: &reader)
      successors = try reader.readOptional()
      active = try reader.readOptional()
      pending = try reader.readOptional()
      failuresInARow = try reader.read()
      changeFailures = try reader.read()
      lastFailure = try reader.readOptional()
      retryAt = try reader.readBool() ? try reader.readOrdinal() : nil
      running = try reader.readOptional()
    }
  }

  public var record: Record { Record(self) }

  /// As it was when `record` was taken, but for a key generation under way, which is at its start: then come the
  /// messages and the ends of all blocks after `runningSince`.
  public mutating func restore(_ record: Record) {
    holders = record.holders
    successors = record.successors
    active = record.active
    pending = record.pending
    failuresInARow = record.failuresInARow
    changeFailures = record.changeFailures
    lastFailure = record.lastFailure
    running = nil
    if let kept = record.running { start(epoch: kept.epoch, at: kept.since) }
    retryAt = record.retryAt
  }
}

extension KeyGenerationFailure: WireCodable {
  private static let all: [KeyGenerationFailure] = [.tooFewKeys, .tooFewDealings, .otherKey, .tooFewAlive]

  public func encode(to writer: inout WireWriter) {
    writer.write(UInt8(truncatingIfNeeded: Self.all.firstIndex(of: self) ?? 0))
  }

  public init(from reader: inout WireReader) throws(WireError) {
    let place: UInt8 = try reader.read()
    guard Self.all.indices.contains(Int(place)) else { throw reader.invalid("failure of a key generation") }
    self = Self.all[Int(place)]
  }
}
