// Who follows this node without being a validator, and what each of them may ask: rules O1 to O3 of docs/PROTOCOL.md.
//
// An observer costs what stands here and not more: a few words of memory, its allowances, and the answers on their way.

import Primitives

/// So many units a second, and `burst` of them saved up.
struct Allowance: Sendable {
  private let perSecond: Int64
  private let burst: Int64
  /// In billionths of a unit, so that no time is lost to rounding.
  private var saved: Int64
  private var countedAt: Instant

  /// Below 1e9 units each.
  init(perSecond: Int64, burst: Int64, at now: Instant) {
    self.perSecond = perSecond
    self.burst = burst * Duration64.second
    saved = self.burst
    countedAt = now
  }

  /// False, and nothing is charged, where nothing is left. The last one granted may be worth more than what was left.
  mutating func take(_ units: Int64, at now: Instant) -> Bool {
    refill(at: now)
    guard saved > 0 else { return false }
    spend(units)
    return true
  }

  /// Charges what was not known when it was granted.
  mutating func spend(_ units: Int64) {
    saved = saved.subtracting(units.multiplied(by: Duration64.second) ?? .max) ?? .min
  }

  private mutating func refill(at now: Instant) {
    let passed = max(0, now.subtracting(countedAt) ?? 0)
    let gained = min(passed, 3600 * Duration64.second).multiplied(by: perSecond) ?? burst
    saved = min(burst, saved.saturatingAdding(gained))
    countedAt = max(countedAt, now)
  }
}

/// The observers that are connected, by number: the committee's size is that of the first.
struct Audience: Sendable {
  /// O3: answers under way to one observer that it has not asked on after.
  static let answersAhead = 4
  /// O3: who has read none of them for this long is dismissed.
  static let patience: Instant = 30 * Duration64.second
  /// O1: messages that no observer may send, or that are beyond its allowance, before it is dismissed.
  static let strikesMax = 64
  /// A message of a kind that no honest observer sends.
  static let strikesOfForbidden = 16
  /// Reads of the ledger under way for all observers together.
  static let loadsMax = 4
  /// Transactions of one observer whose signature is being checked.
  static let checksMax = 64
  /// Bytes a second that leave the ledger for observers that catch up, all together.
  static let historyBytesPerSecond: Int64 = 32 << 20

  struct Listener: Sendable {
    /// Where its next answer starts; nil until it has asked.
    var next: Height?
    var unread = 0
    var unreadSince: Instant = 0
    var isLoading = false
    var strikes = 0
    var checks = 0
    var messages: Allowance
    var transactionBytes: Allowance

    init(at now: Instant) {
      messages = Allowance(perSecond: 256, burst: 512, at: now)
      transactionBytes = Allowance(perSecond: 1 << 20, burst: 4 << 20, at: now)
    }

    var takesMore: Bool { next != nil && !isLoading && unread < Audience.answersAhead }
  }

  /// Number of the first observer.
  let first: Int
  private(set) var listeners: [Listener?]
  private(set) var loads = 0
  private var history: Allowance
  /// Whose turn it is to be read for: nobody is always the first.
  private var turn = 0

  init(after validators: Int, limit: Int) {
    first = validators
    listeners = Array(repeating: nil, count: max(0, limit))
    history = Allowance(perSecond: Self.historyBytesPerSecond, burst: Self.historyBytesPerSecond, at: 0)
  }

  var count: Int { listeners.count { $0 != nil } }
  var numbers: [ValidatorIndex] { listeners.indices.filter { listeners[$0] != nil }.map(number) }

  private func number(_ place: Int) -> ValidatorIndex { ValidatorIndex(truncatingIfNeeded: first + place) }
  private func place(_ number: ValidatorIndex) -> Int? {
    let place = Int(number) - first
    return listeners.indices.contains(place) ? place : nil
  }

  subscript(number: ValidatorIndex) -> Listener? {
    get { place(number).flatMap { listeners[$0] } }
    set { if let place = place(number) { listeners[place] = newValue } }
  }

  mutating func admit(_ number: ValidatorIndex, at now: Instant) {
    leave(number)
    self[number] = Listener(at: now)
  }

  mutating func leave(_ number: ValidatorIndex) {
    if self[number]?.isLoading == true { loads -= 1 }
    self[number] = nil
  }

  /// Notes something that no observer should send; true when it has to go.
  mutating func strike(_ number: ValidatorIndex, _ strikes: Int) -> Bool {
    self[number]?.strikes += strikes
    return (self[number]?.strikes ?? 0) >= Self.strikesMax
  }

  /// It has everything below `height`, and wants what follows.
  mutating func asked(_ number: ValidatorIndex, from height: Height) {
    self[number]?.next = height
    self[number]?.unread = 0
  }

  /// An answer left that ends below `next`.
  mutating func answered(_ number: ValidatorIndex, upTo next: Height, at now: Instant) {
    guard var listener = self[number] else { return }
    if listener.unread == 0 { listener.unreadSince = now }
    listener.unread += 1
    listener.next = next
    self[number] = listener
  }

  /// Those who wait for exactly this height.
  func waiting(for height: Height) -> [ValidatorIndex] {
    listeners.indices.filter { listeners[$0].map { $0.takesMore && $0.next == height } ?? false }.map(number)
  }

  /// Whose question is to be answered from the ledger now, which ends at `committed`.
  mutating func nextLoad(upTo committed: Height, at now: Instant) -> (number: ValidatorIndex, from: Height)? {
    guard loads < Self.loadsMax else { return nil }
    for offset in listeners.indices {
      let place = (turn + offset) % listeners.count
      guard let listener = listeners[place], listener.takesMore, let next = listener.next, next <= committed else {
        continue
      }
      guard history.take(1, at: now) else { return nil }
      turn = place + 1
      listeners[place]?.isLoading = true
      loads += 1
      return (number(place), next)
    }
    return nil
  }

  /// The ledger was read for it: `bytes` of blocks. False where it is gone or wants something else by now.
  mutating func loaded(_ number: ValidatorIndex, from height: Height?, bytes: Int) -> Bool {
    history.spend(Int64(bytes))
    guard self[number]?.isLoading == true else { return false }
    self[number]?.isLoading = false
    loads -= 1
    return self[number]?.next == height
  }

  /// O3: who reads nothing any more.
  func late(at now: Instant) -> [ValidatorIndex] {
    listeners.indices.filter {
      listeners[$0].map { $0.unread >= Self.answersAhead && now - $0.unreadSince >= Self.patience } ?? false
    }.map(number)
  }
}
