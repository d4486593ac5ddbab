// What a validator keeps secret between its starts: its shares by epoch, and the seeds of key generations under way.

public import Primitives
public import Sodium

/// A reference, so that nothing copies a secret. Used from one thread at a time.
public final class ShareKeeper {
  private final class Held {
    let epoch: Epoch
    let share: SecretScalar
    init(_ share: consuming SecretScalar, _ epoch: Epoch) {
      self.epoch = epoch
      self.share = share
    }
  }

  /// More are never needed: the share that signs, the one before, the next one, and one being made.
  private static let sharesMax = 4
  private static let seedsMax = 4
  private var held: [Held] = []
  private var seeds: [(ceremony: Digest, seed: SecretBytes)] = []

  public init() {}

  public var epochs: [Epoch] { held.map(\.epoch) }

  /// Takes a new share; the older ones stay until the new epoch has proven itself. `needed`: the epochs of the shares that
  /// sign and that will; what belongs to no epoch that came or comes is let go. False if it was there already.
  @discardableResult public func adopt(_ share: consuming SecretScalar, epoch: Epoch, needed: [Epoch] = []) -> Bool {
    for held in held where held.epoch == epoch && held.share.isEqual(to: share) { return false }
    held.removeAll { $0.epoch == epoch }
    if held.count >= Self.sharesMax { held.removeAll { !needed.contains($0.epoch) } }
    held.append(Held(share, epoch))
    return true
  }

  public func share(of epoch: Epoch) -> SecretScalar? {
    for held in held where held.epoch == epoch { return SecretScalar(copying: held.share) }
    return nil
  }

  /// The first certificate of an epoch is there: older shares are wiped, and what made them can go as well. True if
  /// something was: the caller then erases it from disk.
  public func certified(epoch: Epoch) -> Bool {
    let count = held.count
    held.removeAll { $0.epoch < epoch }
    return held.count < count
  }

  /// The seed of this node's part in a key generation.
  public func seed(of ceremony: Digest) -> SecretBytes? { seeds.first { $0.ceremony == ceremony }?.seed }

  /// Has to be durable before the first message that follows from it leaves.
  public func keep(seed: SecretBytes, of ceremony: Digest) {
    seeds.removeAll { $0.ceremony == ceremony }
    seeds.append((ceremony, seed))
    if seeds.count > Self.seedsMax { seeds.removeFirst() }
  }

  /// Key generations that are over need no seed: what became of them is a share, or nothing. True if one went.
  public func forgetSeeds(except ceremony: Digest?) -> Bool {
    let count = seeds.count
    seeds.removeAll { $0.ceremony != ceremony }
    return seeds.count < count
  }

  // MARK: On disk

  /// Everything, for one sealed file: a version byte; the number of seeds, each with its ceremony; the number of shares,
  /// each with its epoch.
  public var contents: SecretBytes {
    let (seeds, held) = (seeds, held)
    return SecretBytes(count: 3 + 64 * seeds.count + 40 * held.count) { out in
      var place = 0
      func put(_ byte: UInt8) {
        out[place] = byte
        place += 1
      }
      func put(_ bytes: UnsafeRawBufferPointer) {
        UnsafeMutableRawBufferPointer(rebasing: out[place..<place + bytes.count]).copyMemory(from: bytes)
        place += bytes.count
      }
      put(1)
      put(UInt8(truncatingIfNeeded: seeds.count))
      for (ceremony, seed) in seeds {
        ceremony.bytes.withUnsafeBytes { put($0) }
        seed.withBytes { put($0) }
      }
      put(UInt8(truncatingIfNeeded: held.count))
      for one in held {
        withUnsafeBytes(of: one.epoch.littleEndian) { put($0) }
        one.share.withBytes { put($0) }
      }
    }
  }

  /// From `contents`; nil if they are not that.
  public init?(contents: SecretBytes) {
    let isRight = contents.withBytes { (bytes: UnsafeRawBufferPointer) -> Bool in
      var rest = bytes[...]
      func take(_ count: Int) -> UnsafeRawBufferPointer? {
        guard rest.count >= count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return UnsafeRawBufferPointer(rebasing: rest.prefix(count))
      }
      guard take(1)?.first == 1, let seedCount = take(1)?.first, seedCount <= Self.seedsMax else { return false }
      for _ in 0..<seedCount {
        guard let name = take(32), let ceremony = Digest(Array(name)), let seed = take(32) else { return false }
        seeds.append((ceremony, SecretBytes(copying: seed)))
      }
      guard let shareCount = take(1)?.first, shareCount <= Self.sharesMax else { return false }
      for _ in 0..<shareCount {
        guard let epoch = take(8), let bytes = take(32),
          let share = SecretScalar(canonical: SecretBytes(copying: bytes))
        else { return false }
        held.append(Held(share, Epoch(littleEndian: epoch.loadUnaligned(as: Epoch.self))))
      }
      return rest.isEmpty
    }
    guard isRight else { return nil }
  }
}
