// What may leave a node, and when: effects wait here until the journal records that they depend on are durable, while
// the replica goes on with its next inputs. Records of all turns that end during one write share the next one.
//
// - A message that promises nothing, and whatever stays inside the node, passes at once.
// - A binding message waits for every record before it; so does a receipt, or only for this node's first votes where
//   finality rests on them (C7). Both start a write as soon as the journal is free.
// - A commit to the ledger waits for this node's first votes, so that the journal is never the older of the two.
// - An unhurried message waits for its records but starts no write by itself before `hurry`.

import Primitives

/// What the journal has to do next, as one durable write.
public struct JournalWrite: Sendable {
  /// Replace the journal by these first; what was in it is in the ledger.
  public var replacement: [JournalRecord]?
  public var records: [JournalRecord] = []
}

public struct DurabilityGate: Sendable {
  private struct Held: Sendable {
    var needs: UInt64
    var effect: Effect
  }

  /// Records taken, given to a write, and durable, counted from the start.
  private var taken: UInt64 = 0
  private var writing: UInt64 = 0
  private var durable: UInt64 = 0
  /// The last first or fallback vote.
  private var lastBallot: UInt64 = 0
  /// The highest record that something hurried waits for.
  private var hurried: UInt64 = 0
  private var next = JournalWrite()
  private var held: [Held] = []

  public init() {}

  /// Takes a turn's effects: what may be performed at once goes to `ready`, in order.
  public mutating func take(_ effects: [Effect], into ready: inout [Effect]) {
    for effect in effects {
      switch effect {
      case .persist(let record):
        taken += 1
        if record.isBallot { lastBallot = taken }
        next.records.append(record)
      case .rewriteJournal(let records):
        // The replacement says what all records so far say.
        next = JournalWrite(replacement: records)
        taken += 1
        hurried = taken
      case .send(_, let message), .broadcast(let message):
        switch message.promise {
        case .none: ready.append(effect)
        case .binding: hold(effect, until: Mutant.has(.voteBeforeSync) ? 0 : taken, into: &ready)
        case .unhurried: hold(effect, until: taken, isHurried: false, into: &ready)
        }
      case .receipt(_, _, let isFast): hold(effect, until: isFast ? lastBallot : taken, into: &ready)
      case .readReady: hold(effect, until: lastBallot, into: &ready)
      // A ledger with a vote of this node that the journal lacks would show, after a loss of power, a journal that is
      // older: amnesia for nothing.
      case .commit: hold(effect, until: lastBallot, isHurried: false, into: &ready)
      // E3: what waits for a peer of the former committee would go to whoever has its number now.
      case .committee:
        held.removeAll { if case .send = $0.effect { true } else { false } }
        ready.append(effect)
      default: ready.append(effect)
      }
    }
  }

  private mutating func hold(
    _ effect: Effect, until needs: UInt64, isHurried: Bool = true, into ready: inout [Effect]
  ) {
    guard needs > durable else { return ready.append(effect) }
    held.append(Held(needs: needs, effect: effect))
    if isHurried { hurried = max(hurried, needs) }
  }

  /// Something waits that only `hurry` or the next write would let out.
  public var isPatient: Bool { !held.isEmpty && hurried <= writing && writing == durable }

  /// Effects that are held back.
  public var waiting: Int { held.count }

  /// Lets what waits without hurry start a write.
  public mutating func hurry() { if !held.isEmpty { hurried = taken } }

  /// The next write, if one is called for and none is under way. `complete` must follow when it is durable.
  public mutating func beginWrite() -> JournalWrite? {
    guard writing == durable, hurried > writing else { return nil }
    writing = taken
    defer { next = JournalWrite() }
    return next
  }

  /// The write is durable: what waited for it goes to `ready`, in order.
  public mutating func complete(into ready: inout [Effect]) {
    durable = writing
    var rest: [Held] = []
    for item in held {
      if item.needs <= durable { ready.append(item.effect) } else { rest.append(item) }
    }
    held = rest
  }
}
