// What this node has noticed of others' misbehaviour goes to the engine, in a transaction of its own (rule J8).
//
// Everybody notices, for evidence is gossiped (C4). So that not all of them report, each waits for its turn: the validator
// after the offender goes first, and the others only where the state does not know the offence by then.

import Clearing
import Consensus
import Gossip
import Primitives
import Sodium
import Wire

/// Offences that this node has seen proof of and the state does not know yet.
struct Docket: Sendable {
  struct Case: Sendable {
    var offence: OffenceKey
    var report: EvidenceReport
    /// Reported when the block of this height is final, if it is still unknown.
    var dueAt: Height
    var attempts: UInt64 = 0
  }

  static let casesMax = 64
  /// Of one offender and committee: the state punishes no more (J4).
  static let casesOfOneMax = Limits.maxOffences
  static let attemptsMax: UInt64 = 8
  /// Blocks between the turns of two validators, and between two attempts of one.
  static let turn: UInt64 = 4
  static let pause: UInt64 = 32

  var cases: [Case] = []
  /// J8: those that were entered here, so that none is entered again; of the present committee.
  private(set) var known: Set<OffenceKey> = []
  private(set) var committee: Epoch = 0

  /// False for what is known, or beyond the bounds.
  mutating func enter(_ new: Case) -> Bool {
    if new.offence.committee != committee {
      committee = new.offence.committee
      known = []
    }
    guard cases.count < Self.casesMax, !known.contains(new.offence),
      known.count(where: { $0.offender == new.offence.offender }) < Self.casesOfOneMax
    else { return false }
    known.insert(new.offence)
    cases.append(new)
    return true
  }
}

extension Replica {
  /// J8: never of this node itself.
  mutating func notice(_ evidence: Evidence) {
    notice(
      EvidenceCheck.report(of: evidence, in: committee), of: evidence.culprit, at: evidence.view)
  }

  mutating func noticeFork(of lane: ValidatorIndex) {
    guard let evidence = lanes.evidence(of: lane) else { return }
    notice(EvidenceCheck.report(of: evidence, in: committee), of: lane, at: evidence.first.sequence)
  }

  private mutating func notice(_ report: EvidenceReport, of offender: ValidatorIndex, at place: UInt64) {
    guard settings.reportsEvidence, let index, offender != index, Int(offender) < committee.n else { return }
    let offence = OffenceKey(
      committee: report.committee, offender: report.keys[Int(offender)], kind: report.kind, place: place)
    guard clearing.offence(offence) == nil else { return }
    let rank = (Int(index) - Int(offender) - 1 + 2 * committee.n) % committee.n
    _ = docket.enter(
      Docket.Case(
        offence: offence, report: report, dueAt: finalHeight.saturatingAdding(1 + UInt64(rank) * Docket.turn)))
  }

  /// The block of this height is final.
  mutating func prosecute(at height: Height, _ now: Moment) {
    guard index != nil, !docket.cases.isEmpty, !isLaneSuspended, !isBehind else { return }
    var open: [Docket.Case] = []
    for var entry in docket.cases {
      if let record = clearing.offence(entry.offence) {
        // In a block that may still be undone it is not over yet.
        if record.height > height { open.append(entry) }
        continue
      }
      if entry.dueAt <= height {
        guard entry.attempts < Docket.attemptsMax else { continue }
        file(entry, now)
        entry.attempts += 1
        entry.dueAt = height.saturatingAdding(Docket.pause)
      }
      open.append(entry)
    }
    docket.cases = open
  }

  private mutating func file(_ entry: Docket.Case, _ now: Moment) {
    let random = Blake2b.hash(entry.report.proof).words.0 &+ entry.attempts
    var transaction = Transaction(
      chain: chain, signer: signer.publicKey, nonce: Nonce.make(time: now.wall, random: random),
      expiry: now.wall.saturatingAdding(Duration64.minute), actions: [.reportEvidence(entry.report)])
    transaction.signature = signer.sign(transaction.signingBytes)
    let bytes = transaction.wireBytes
    guard lanes.canAccept(bytes: bytes.count) else { return }
    counters.evidenceReported &+= 1
    stepLanes(.submit(transaction: bytes, isMoreComing: false), at: now)
  }
}
