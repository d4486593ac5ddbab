// One life for a key (L1 to L6): two processes with one identity key, by a restored machine or a standby that was started too
// early, must not both speak for the validator. Each start of a node is a life. A validator gives the place of another's key
// to one life, as long as that speaks; to the others it says whom it hears.

import Consensus
public import Primitives
public import Wire

/// One start of a node. Which of two began later decides between equals; the clocks that say so may be wrong, but both
/// sides see the same order.
public struct Life: Hashable, Comparable, Sendable, WireCodable {
  /// Wall clock at the start.
  public var began: Timestamp
  /// Drawn at the start.
  public var bootId: UInt64

  public init(began: Timestamp, bootId: UInt64) {
    self.began = began
    self.bootId = bootId
  }

  public static func < (a: Self, b: Self) -> Bool { (a.began, a.bootId) < (b.began, b.bootId) }

  public func encode(to writer: inout WireWriter) {
    writer.write(began)
    writer.write(bootId)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    began = try reader.read()
    bootId = try reader.read()
  }
}

/// A life and how far it has come; what each side of a session says in its handshake message.
public struct LifeState: Hashable, Sendable, WireCodable {
  /// How sure a life is that it is the only one; it only ever rises.
  public enum Standing: UInt8, Comparable, Sendable {
    /// Signs nothing.
    case waiting
    /// Works, since nobody has heard of another one for long enough; too few were there to be sure.
    case unopposed
    /// Works, with the place of its key at a quorum.
    case confirmed

    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
  }

  public var life: Life
  public var standing: Standing
  public var isWorking: Bool { standing != .waiting }

  public init(_ life: Life, _ standing: Standing) {
    self.life = life
    self.standing = standing
  }

  /// L5: of two lives of one key, the one that goes on: the one of higher standing, or else the one that began later.
  public func outranks(_ other: LifeState) -> Bool {
    standing == other.standing ? life > other.life : standing > other.standing
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(life)
    writer.write(standing.rawValue)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    life = try Life(from: &reader)
    standing = try LifeMessage.standing(from: &reader)
  }
}

/// What the two sides of a session say to each other about lives. The kinds go on where those of `PeerMessage` end.
public enum LifeMessage: Hashable, Sendable, WireCodable {
  /// L1: the sender gives the receiver the place of its key. Said first in a session, and again when the sender's own
  /// standing rises.
  case taken(LifeState.Standing)
  /// The sender hears, or has just met, another life of the receiver's key, `silence` nanoseconds ago.
  case other(LifeState, silence: Int64)

  public static let kinds: ClosedRange<UInt8> = 14...15

  public func encode(to writer: inout WireWriter) {
    switch self {
    case .taken(let standing):
      writer.write(UInt8(14))
      writer.write(standing.rawValue)
    case .other(let state, let silence):
      writer.write(UInt8(15))
      writer.write(state)
      writer.write(silence)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    switch try reader.read(UInt8.self) {
    case 14: self = .taken(try Self.standing(from: &reader))
    case 15:
      let state = try LifeState(from: &reader)
      let silence: Int64 = try reader.read()
      guard silence >= 0 else { throw reader.invalid("silence") }
      self = .other(state, silence: silence)
    default: throw reader.invalid("life message kind")
    }
  }

  static func standing(from reader: inout WireReader) throws(WireError) -> LifeState.Standing {
    guard let standing = LifeState.Standing(rawValue: try reader.read()) else { throw reader.invalid("standing") }
    return standing
  }
}

/// Decides whether this life may work for its key. The peers are the other validators, by their keys.
public struct LifeGuard: Sendable {
  public enum Verdict: Hashable, Sendable {
    case wait
    case work
    /// L4: so many validators hear another life, which goes on.
    case stop(validators: Int)
  }

  /// L1: a life that has said nothing for so long has lost its place. A validator speaks four times a second.
  public static let lease: Instant = 2500 * Duration64.millisecond
  /// L3: nobody hears of another life, and too few validators are there to give the place.
  public static let patience: Instant = 10 * Duration64.second
  /// L4: what was said longer ago counts no more.
  static let memory: Instant = 5 * Duration64.second
  /// L4: words that were under way when this life began may be those of its predecessor.
  static let margin: Instant = 500 * Duration64.millisecond

  public private(set) var own: LifeState
  private let beganAt: Instant
  private var takers: Set<PublicKey> = []
  private var reports: [PublicKey: (state: LifeState, at: Instant)] = [:]

  public init(_ life: Life, at now: Instant) {
    own = LifeState(life, .waiting)
    beganAt = now
  }

  /// L1: whether a new session with a key takes the place of the one that is there.
  public static func givesPlace(to new: LifeState, from old: LifeState, silence: Int64) -> Bool {
    old.life == new.life || silence >= lease || new.standing > old.standing
  }

  /// A validator gave this life the place of its key.
  public mutating func taken(by peer: PublicKey) {
    takers.insert(peer)
    reports[peer] = nil
  }

  /// The session with a validator ended.
  public mutating func left(_ peer: PublicKey) { takers.remove(peer) }

  /// A validator says that it hears another life. True when that one is to be worried about.
  @discardableResult
  public mutating func note(_ state: LifeState, silence: Int64, from peer: PublicKey, at now: Instant) -> Bool {
    guard state.life != own.life, let heard = now.subtracting(silence), heard > beganAt + Self.margin else {
      return false
    }
    reports[peer] = (state, now)
    return true
  }

  /// Among these validators, this one included.
  public mutating func verdict(among validators: [PublicKey], at now: Instant) -> Verdict {
    let members = Set(validators)
    takers.formIntersection(members)
    reports = reports.filter { members.contains($0.key) && now - $0.value.at <= Self.memory }
    let rules = VoteRules(n: members.count)
    let against = reports.values.count { $0.state.outranks(own) }
    // Without these there is no quorum, and an honest one is among them.
    if against > members.count - rules.quorum { return .stop(validators: against) }
    if takers.count + 1 >= rules.quorum {
      own.standing = .confirmed
    } else if own.standing == .waiting, reports.isEmpty, now - beganAt >= Self.patience {
      own.standing = .unopposed
    }
    return own.isWorking ? .work : .wait
  }

  /// L6: who is no validator has nothing to wait for.
  public mutating func workAtOnce() { own.standing = .confirmed }
}
