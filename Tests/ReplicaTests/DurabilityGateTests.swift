// What may leave a node before, during and after a write of its journal.

import Clearing
import Consensus
import Gossip
import Ledger
import Primitives
import Replica
import Testing

private final class Gate {
  var value = DurabilityGate()
}

@Suite struct DurabilityGateTests {
  private let gate = Gate()

  private func vote(_ kind: VoteKind) -> JournalRecord {
    .consensus(.vote(Vote(kind: kind, epoch: 0, view: 1, block: .zero, voter: 0)))
  }
  private func batch(_ sequence: UInt64) -> LaneBatch {
    LaneBatch(lane: 0, sequence: sequence, previousHash: .zero, transactions: [[1]])
  }
  private func record(_ sequence: UInt64) -> JournalRecord { .lane(.batch(batch(sequence))) }
  private func message(_ sequence: UInt64) -> Effect { .broadcast(.lane(.batch(batch(sequence)))) }
  private var unhurried: Effect {
    .broadcast(.consensus(.vote(Vote(kind: .finalize, epoch: 0, view: 1, block: .zero, voter: 0))))
  }
  private func receipt(_ ticket: UInt64, isFast: Bool) -> Effect {
    let outcome = TransactionOutcome(hash: .zero, input: 0)
    return .receipt(
      ticket: ticket, Receipt(transaction: .zero, height: 1, index: 0, stateRoot: .zero, outcome: outcome),
      isFast: isFast)
  }

  /// Tickets of receipts, heights of tips, sequences of batches, "finalize": enough to tell effects apart.
  private func names(_ effects: [Effect]) -> [String] {
    effects.map { effect in
      switch effect {
      case .receipt(let ticket, _, _): "receipt \(ticket)"
      case .broadcast(.lane(.batch(let batch))): "batch \(batch.sequence)"
      case .broadcast(.tip(let height)): "tip \(height)"
      case .broadcast(.consensus): "finalize"
      case .readReady(let ticket): "read \(ticket)"
      case .commit: "commit"
      default: "other"
      }
    }
  }

  private func take(_ effects: [Effect]) -> [String] {
    var ready: [Effect] = []
    gate.value.take(effects, into: &ready)
    return names(ready)
  }

  private func begin() -> JournalWrite? { gate.value.beginWrite() }

  private func complete() -> [String] {
    var ready: [Effect] = []
    gate.value.complete(into: &ready)
    return names(ready)
  }

  /// Else a loss of power could leave a ledger with a vote that the journal knows nothing of.
  @Test func aCommitWaitsForThisNodesFirstVotes() throws {
    #expect(take([.persist(record(1)), .commit(LedgerCommit())]) == ["commit"])
    #expect(take([.persist(vote(.first)), .persist(record(2)), .commit(LedgerCommit())]) == [])
    #expect(begin() == nil)
    gate.value.hurry()
    #expect(try #require(begin()).records.count == 3)
    #expect(complete() == ["commit"])
  }

  @Test func whatPromisesNothingPassesAtOnce() {
    #expect(take([.persist(record(1)), .broadcast(.tip(7))]) == ["tip 7"])
    #expect(begin() == nil)
  }

  @Test func aBindingMessageWaitsForTheRecordsBeforeIt() throws {
    #expect(take([message(1), .persist(record(2)), message(2), .broadcast(.tip(1))]) == ["batch 1", "tip 1"])
    let write = try #require(begin())
    #expect(write.records.count == 1 && write.replacement == nil)
    // During the write: nothing more begins, and what depends on later records waits for the next one.
    #expect(take([.persist(record(3)), message(3)]) == [])
    #expect(begin() == nil)
    #expect(complete() == ["batch 2"])
    #expect(try #require(begin()).records.count == 1)
    #expect(complete() == ["batch 3"])
    #expect(begin() == nil)
  }

  @Test func recordsOfManyTurnsShareAWrite() throws {
    _ = take([.persist(record(1)), message(1)])
    _ = try #require(begin())
    for sequence in 2...9 { #expect(take([.persist(record(UInt64(sequence))), message(UInt64(sequence))]) == []) }
    #expect(complete() == ["batch 1"])
    #expect(try #require(begin()).records.count == 8)
    #expect(complete() == (2...9).map { "batch \($0)" })
  }

  /// C7: a receipt of the two-delay path rests on first votes alone.
  @Test func c7AFastReceiptWaitsForBallotsOnly() throws {
    #expect(take([.persist(record(1)), receipt(1, isFast: true), .readReady(ticket: 2)]) == ["receipt 1", "read 2"])
    #expect(take([receipt(3, isFast: false)]) == [])
    _ = try #require(begin())
    #expect(take([.persist(vote(.first)), receipt(4, isFast: true), .readReady(ticket: 5)]) == [])
    #expect(complete() == ["receipt 3"])
    _ = try #require(begin())
    #expect(complete() == ["receipt 4", "read 5"])
  }

  @Test func anUnhurriedMessageStartsNoWriteBeforeItsTime() throws {
    #expect(take([.persist(vote(.finalize)), unhurried]) == [])
    #expect(gate.value.isPatient)
    #expect(begin() == nil)
    gate.value.hurry()
    #expect(!gate.value.isPatient)
    _ = try #require(begin())
    #expect(complete() == ["finalize"])
    // Or it shares the write of something that hurries.
    #expect(take([.persist(vote(.finalize)), unhurried, .persist(record(1)), message(1)]) == [])
    #expect(try #require(begin()).records.count == 2)
    #expect(complete() == ["finalize", "batch 1"])
  }

  /// A rewrite says what all records before it say; those after it, of the same turn too, must not be lost with it.
  @Test func aRewriteKeepsWhatFollowsIt() throws {
    _ = take([.persist(record(1)), .rewriteJournal([record(10), record(11)]), .persist(vote(.first)), message(3)])
    let write = try #require(begin())
    #expect(write.replacement?.count == 2)
    #expect(write.records.count == 1)
    #expect(write.records.first?.isBallot == true)
    #expect(complete() == ["batch 3"])
  }

  @Test func aRewriteDuringAWriteComesAfterIt() throws {
    _ = take([.persist(record(1)), message(1)])
    _ = try #require(begin())
    #expect(take([.persist(record(2)), message(2), .rewriteJournal([record(2)])]) == [])
    #expect(complete() == ["batch 1"])
    let write = try #require(begin())
    #expect(write.replacement?.count == 1 && write.records.isEmpty)
    #expect(complete() == ["batch 2"])
    #expect(begin() == nil)
  }
}
