// What became of the latest transactions that this node took: the samples behind its report on reliability.

public import Primitives

/// A ring of the last 8,192 transactions that entered this node's lane. It is only about this node: confined to its loop.
public struct ReliabilityWindow: Sendable {
  public struct Sample: Sendable {
    fileprivate var number: Int
    /// When the node took it, monotonic.
    public fileprivate(set) var accepted: Instant
    /// The validator's own observation, sent once a round, not a client's transaction.
    public fileprivate(set) var isOwn: Bool
    /// Nanoseconds until it was final and executed here, and until a certificate covered its height; nil: not yet.
    public fileprivate(set) var final: Int64?
    public fileprivate(set) var proven: Int64?
  }

  /// How many were done within a time, of those that have had that time.
  public struct Count: Sendable, Equatable {
    public var within = 0
    public var of = 0

    public init(within: Int = 0, of: Int = 0) {
      self.within = within
      self.of = of
    }
  }

  public static let capacity = 8192
  private var samples: [Sample] = []
  private var next = 0
  /// Samples by the ticket of what is not final yet.
  private var open: [UInt64: Int] = [:]
  /// Final and not proven yet, by ascending height.
  private var unproven: [(height: Height, number: Int)] = []
  private var provenHeight: Height = 0
  /// Taken back by the node before it promised anything: no sample.
  public private(set) var refused: UInt64 = 0

  public init() {}

  public mutating func accept(_ ticket: UInt64, isOwn: Bool, at now: Instant) {
    let sample = Sample(number: next, accepted: now, isOwn: isOwn)
    if samples.count < Self.capacity { samples.append(sample) } else { samples[next % Self.capacity] = sample }
    open[ticket] = next
    next += 1
    guard open.count > 2 * Self.capacity else { return }
    open = open.filter { $0.value >= next - Self.capacity }
  }

  public mutating func refuse(_ ticket: UInt64) {
    guard let number = open.removeValue(forKey: ticket) else { return }
    refused &+= 1
    // A sample that says nothing: older than every deadline's window and counted nowhere.
    update(number) { $0.accepted = .max }
  }

  public mutating func finalize(_ ticket: UInt64, height: Height, at now: Instant) {
    guard let number = open.removeValue(forKey: ticket) else { return }
    update(number) { $0.final = now - $0.accepted }
    // The certificate can come before this node has executed its block.
    guard height > provenHeight else { return update(number) { $0.proven = now - $0.accepted } }
    unproven.append((height, number))
    if unproven.count > Self.capacity { unproven.removeFirst(unproven.count - Self.capacity) }
  }

  /// A certificate proves its height and every one below.
  public mutating func certify(through height: Height, at now: Instant) {
    provenHeight = max(provenHeight, height)
    let covered = unproven.prefix { $0.height <= height }
    for (_, number) in covered { update(number) { $0.proven = now - $0.accepted } }
    unproven.removeFirst(covered.count)
  }

  private mutating func update(_ number: Int, _ body: (inout Sample) -> Void) {
    guard samples.indices.contains(number % Self.capacity), samples[number % Self.capacity].number == number else {
      return
    }
    body(&samples[number % Self.capacity])
  }

  /// All that were accepted.
  public var accepted: [Sample] { samples.filter { $0.accepted != .max } }
}

extension [ReliabilityWindow.Sample] {
  /// One that is not done counts against the node from the deadline on, and not before: what came within `deadline` of
  /// `now` has not had its time and is left out, done or not, so that the quick ones are not counted first.
  public func count(within deadline: Int64, at now: Instant, _ taken: (Element) -> Int64?) -> ReliabilityWindow.Count {
    var count = ReliabilityWindow.Count()
    for sample in self where now - sample.accepted >= deadline {
      count.of += 1
      if let taken = taken(sample), taken <= deadline { count.within += 1 }
    }
    return count
  }
}
