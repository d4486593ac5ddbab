// Following the chain as an observer: one validator at a time feeds this node with final blocks, which it takes for what
// their certificates prove (O2) and executes itself; who feeds nothing, or what is not proven, is left for the next (O4).

import Clearing
import Consensus
import Gossip
import Primitives
import Threshold

/// Who feeds an observer.
struct Feed: Sendable {
  /// O4: without an answer for this long, while somebody claims to have more, another validator is asked.
  static let patience: Instant = Duration64.second
  /// Between two changes, so that a question nobody answers well does not become a flood.
  static let pause: Instant = 50 * Duration64.millisecond
  /// Blocks that may wait for execution before more is asked for.
  static let unexecutedMax: Height = 64

  private(set) var peer: ValidatorIndex?
  private var last = -1
  private(set) var askedFrom: Height = 0
  private(set) var movedAt: Instant = 0

  /// The next connected validator after the last one; nil where there is none.
  mutating func change(among connected: [Bool], at now: Instant) -> ValidatorIndex? {
    peer = nil
    movedAt = now
    for step in 1...max(1, connected.count) {
      let place = (last + step) % max(1, connected.count)
      guard connected.indices.contains(place), connected[place] else { continue }
      last = place
      peer = ValidatorIndex(truncatingIfNeeded: place)
      return peer
    }
    return nil
  }

  mutating func asked(from height: Height) { askedFrom = height }
  mutating func moved(at now: Instant) { movedAt = now }
  mutating func leave() { peer = nil }
}

/// Transactions of this node's clients that validators are to put in their lanes.
struct Outbox: Sendable {
  static let entriesMax = 4096
  static let bytesMax = 16 << 20
  /// Without a receipt for this long another validator gets it as well; at most one executes it (D8).
  static let patience: Instant = Duration64.second
  static let attemptsMax = 16

  struct Entry: Sendable {
    var hash: Digest
    var bytes: [UInt8]
    var next: Instant
    var attempts = 0
  }

  private(set) var entries: [Entry] = []
  private var bytes = 0

  mutating func add(_ hash: Digest, _ transaction: [UInt8], at now: Instant) -> Bool {
    guard entries.count < Self.entriesMax, bytes + transaction.count <= Self.bytesMax else { return false }
    entries.append(Entry(hash: hash, bytes: transaction, next: now))
    bytes += transaction.count
    return true
  }

  /// Everything that is not over, for a lane of this node's own.
  mutating func takeAll(isOver: (Digest) -> Bool) -> [[UInt8]] {
    let waiting = entries.filter { !isOver($0.hash) }.map(\.bytes)
    (entries, bytes) = ([], 0)
    return waiting
  }

  /// Those that are due, counted as attempted. What is over, by `isOver` or by too many attempts, is forgotten; `given`
  /// is told of the latter.
  mutating func due(at now: Instant, isOver: (Digest) -> Bool, given: inout [Digest]) -> [[UInt8]] {
    var due: [[UInt8]] = []
    var kept: [Entry] = []
    for var entry in entries {
      if isOver(entry.hash) {
        bytes -= entry.bytes.count
        continue
      }
      if entry.next <= now {
        guard entry.attempts < Self.attemptsMax else {
          bytes -= entry.bytes.count
          given.append(entry.hash)
          continue
        }
        entry.attempts += 1
        entry.next = now + Self.patience
        due.append(entry.bytes)
      }
      kept.append(entry)
    }
    entries = kept
    return due
  }
}

extension Replica {
  /// The highest height known here to be final.
  var orderedHeight: Height { finalChain.last.flatMap { blocks[$0]?.header.height } ?? max(committed, finalHeight) }

  /// O4: asks for what follows, of whoever feeds this node.
  mutating func follow(at now: Instant, into effects: inout [Effect]) {
    guard index == nil else { return }
    let ordered = orderedHeight
    if let peer = feed.peer, certifier.connected.indices.contains(Int(peer)), certifier.connected[Int(peer)] {
      // Only now may more come: memory is bounded by what is not executed and not in the ledger.
      guard ordered < finalHeight + Feed.unexecutedMax, ordered < committed + Height(settings.uncommittedMax) else {
        return feed.moved(at: now)
      }
      if ordered >= feed.askedFrom { return ask(peer, from: ordered + 1, at: now, into: &effects) }
      guard catchUp.highest > ordered, now - feed.movedAt >= Feed.patience else { return }
    } else if feed.movedAt != 0, now - feed.movedAt < Feed.pause {
      return
    }
    guard let peer = feed.change(among: certifier.connected, at: now) else { return }
    ask(peer, from: ordered + 1, at: now, into: &effects)
  }

  private mutating func ask(
    _ peer: ValidatorIndex, from height: Height, at now: Instant, into effects: inout [Effect]
  ) {
    feed.asked(from: height)
    feed.moved(at: now)
    effects.append(.send(to: peer, .getBlocks(from: height)))
  }

  /// O5: a client's transaction, to the validators.
  mutating func forward(
    _ bytes: [UInt8], _ hash: Digest, ticket: UInt64, at now: Moment, into effects: inout [Effect]
  ) {
    guard certifier.connected.contains(true) else { return effects.append(.refused(ticket: ticket, .noLane)) }
    guard tickets.count < Self.waitingTransactionsMax, outbox.add(hash, bytes, at: now.monotonic) else {
      return effects.append(.refused(ticket: ticket, .backPressure))
    }
    tickets[hash] = [ticket]
    sendOut(at: now.monotonic, into: &effects)
  }

  mutating func sendOut(at now: Instant, into effects: inout [Effect]) {
    guard !outbox.entries.isEmpty else { return }
    let waiting = tickets
    var given: [Digest] = []
    let due = outbox.due(at: now, isOver: { waiting[$0] == nil }, given: &given)
    // Nobody put it in a lane: what its clients are told is that the outcome is unknown.
    for hash in given { tickets[hash] = nil }
    let validators = certifier.connected.indices.filter { certifier.connected[$0] }
    guard !validators.isEmpty else { return }
    for transaction in due {
      forwarded &+= 1
      let peer = ValidatorIndex(truncatingIfNeeded: validators[Int(forwarded % UInt64(validators.count))])
      effects.append(.send(to: peer, .transaction(transaction)))
    }
  }
}
