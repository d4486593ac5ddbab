// Linearizable reads (consensus.md, 'Linearizable reads'): one round of questions serves every read that waited for
// it, so their cost does not grow with the number of readers.

import Primitives

/// Reads on their way. A read joins the next round; a round ends when Q validators, this one included, have said in
/// which view they last voted; the read is ready when a block of that view or a later one is final and executed here.
struct ReadIndex {
  static let waitingMax = 65_536
  /// A round without enough answers is asked again after this.
  static let askAgain: Instant = 300 * Duration64.millisecond

  private(set) var nonce: UInt64
  private var answered: [Bool]
  private var view: View = 0
  private var current: [UInt64] = []
  private var next: [UInt64] = []
  private var waiting: [(view: View, ticket: UInt64)] = []
  private(set) var askedAt: Instant = 0

  /// `bootId` makes the nonces of two lives of a node differ.
  init(validators: Int, bootId: UInt64) {
    nonce = bootId
    answered = [Bool](repeating: false, count: validators)
  }

  /// Another committee is asked from now on, in a new round, for every read that still waits.
  mutating func succeed(validators: Int) {
    next = waiting.map(\.ticket) + current + next
    (waiting, current, view, askedAt) = ([], [], 0, 0)
    answered = [Bool](repeating: false, count: validators)
  }

  /// When a round may begin that reads wait for.
  func dueAt(pause: Instant) -> Instant? { current.isEmpty && !next.isEmpty ? askedAt + pause : nil }
  var isAsking: Bool { !current.isEmpty }
  /// The view that the most demanding waiting read needs to see final; nil when none waits.
  var viewWanted: View? { waiting.last.map { $0.view } }

  /// False when too many wait already.
  mutating func add(_ ticket: UInt64) -> Bool {
    guard current.count + next.count + waiting.count < Self.waitingMax else { return false }
    next.append(ticket)
    return true
  }

  /// Starts a round if reads wait for one, none is under way and the last one began `pause` ago; returns its nonce.
  mutating func begin(at now: Instant, pause: Instant = 0) -> UInt64? {
    guard current.isEmpty, !next.isEmpty, askedAt == 0 || now - askedAt >= pause else { return nil }
    swap(&current, &next)
    nonce &+= 1
    view = 0
    for index in answered.indices { answered[index] = false }
    askedAt = now
    return nonce
  }

  /// The nonce to ask again with, when a round has waited too long.
  mutating func retry(at now: Instant) -> UInt64? {
    guard isAsking, now - askedAt >= Self.askAgain else { return nil }
    askedAt = now
    return nonce
  }

  /// Takes an answer; true when it completed the round.
  mutating func answer(_ nonce: UInt64, from validator: Int, view: View, quorum: Int) -> Bool {
    guard isAsking, nonce == self.nonce, answered.indices.contains(validator), !answered[validator] else {
      return false
    }
    answered[validator] = true
    self.view = max(self.view, view)
    guard answered.count(where: { $0 }) >= (Mutant.has(.readAsksOnlyItself) ? 1 : quorum) else { return false }
    // Views only grow from round to round, so `waiting` stays ascending.
    let wanted = max(self.view, waiting.last?.view ?? 0)
    for ticket in current { waiting.append((wanted, ticket)) }
    current.removeAll(keepingCapacity: true)
    return true
  }

  /// Moves the reads that a final, executed block of `view` satisfies to `ready`.
  mutating func release(upTo view: View, into ready: inout [UInt64]) {
    var count = 0
    while count < waiting.count, waiting[count].view <= view + (Mutant.has(.readBeforeExecution) ? 1 : 0) {
      ready.append(waiting[count].ticket)
      count += 1
    }
    if count > 0 { waiting.removeFirst(count) }
  }
}
