// Which shares sign, and when new ones are made: the first key at genesis, then new shares of the same key each epoch.
// Pure, like one key generation: a function of the chain's messages.

public import Primitives
public import Sodium

public struct KeyScheduleSettings: Hashable, Sendable {
  /// Blocks of an epoch. At least twice all the windows.
  public var epochBlocks: UInt64
  public var windows: CeremonyWindows

  public init(epochBlocks: UInt64 = 200, windows: CeremonyWindows = CeremonyWindows()) {
    self.epochBlocks = max(epochBlocks, 1)
    self.windows = windows
  }
}

public struct KeySchedule: Sendable {
  public let chain: Digest
  public let settings: KeyScheduleSettings
  public let threshold: Int
  private let identities: [PublicKey]
  private let scheme: SignatureScheme
  /// Whose shares sign now; nil until the first key is there.
  public private(set) var active: GroupKeys?
  /// Made in this epoch, active from the next one on.
  public private(set) var pending: GroupKeys?
  public private(set) var running: KeyGeneration?
  /// Key generations in a row that failed. The old shares go on signing meanwhile.
  public private(set) var failuresInARow: UInt32 = 0
  public private(set) var lastFailure: KeyGenerationFailure?

  /// - Parameter identities: of the validators, in the order of the committee.
  public init(
    chain: Digest, identities: [PublicKey], threshold: Int, settings: KeyScheduleSettings, scheme: SignatureScheme
  ) {
    self.chain = chain
    self.identities = identities
    self.threshold = threshold
    self.settings = settings
    self.scheme = scheme
    start(epoch: 0, at: 0)
  }

  private mutating func start(epoch: Epoch, at height: Height) {
    let source = active.map { Ceremony.Source.resharing($0) } ?? .fresh
    running = Ceremony(
      chain: chain, epoch: epoch, attempt: failuresInARow, source: source, dealers: identities,
      recipients: identities, threshold: threshold, windows: settings.windows
    ).map { KeyGeneration($0, scheme: scheme, startingAt: height) }
  }

  /// The next message of the chain. Nil if it was accepted.
  public mutating func apply(_ message: KeyGenerationMessage) -> KeyGenerationRefusal? {
    running == nil ? .wrongPhase : running?.apply(message)
  }

  /// After the last message of the block at this height.
  public mutating func endBlock(_ height: Height) {
    running?.endBlock(height)
    switch running?.phase {
    case .done(let keys):
      running = nil
      failuresInARow = 0
      lastFailure = nil
      // The first key signs from its own block on; there is nobody to hand over to it.
      if active == nil { active = keys } else { pending = keys }
    case .failed(let failure):
      running = nil
      failuresInARow = failuresInARow.saturatingAdding(1)
      lastFailure = failure
      // Without any key there is nothing to wait for.
      if active == nil { start(epoch: height / settings.epochBlocks, at: height) }
    case .keys, .dealing, .complaints, .life, nil: break
    }
    guard height % settings.epochBlocks == 0 else { return }
    if let next = pending {
      active = next
      pending = nil
    }
    // A key generation that is still under way is let finish.
    if running == nil { start(epoch: height / settings.epochBlocks + 1, at: height) }
  }

  /// Whether blocks are needed for it to get on (C13).
  public var hasWork: Bool { running != nil }
}

/// A validator's shares by epoch, with the rule of their erasure. A reference, so that nothing copies a secret.
public final class ShareKeeper {
  private final class Held {
    let epoch: Epoch
    let share: SecretScalar
    init(_ share: consuming SecretScalar, _ epoch: Epoch) {
      self.epoch = epoch
      self.share = share
    }
  }

  private var held: [Held] = []

  public init() {}

  public var epochs: [Epoch] { held.map(\.epoch) }

  /// Takes a new share; the older ones stay until the new epoch has proven itself.
  public func adopt(_ share: consuming SecretScalar, epoch: Epoch) {
    held.removeAll { $0.epoch == epoch }
    held.append(Held(share, epoch))
  }

  public func share(of epoch: Epoch) -> SecretScalar? {
    for held in held where held.epoch == epoch { return SecretScalar(copying: held.share) }
    return nil
  }

  /// The first certificate of an epoch is there: older shares are wiped, and what made them can go as well. True if
  /// something was: the caller then erases it from disk.
  public func certified(epoch: Epoch) -> Bool {
    guard held.contains(where: { $0.epoch == epoch }) else { return false }
    let count = held.count
    held.removeAll { $0.epoch < epoch }
    return held.count < count
  }
}
