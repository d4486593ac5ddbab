// From proof to punishment: once, in time, and never for what an honest validator can do (rules J1 to J7).
//
// J1  Any account reports, with two signed messages. A report stands in a transaction of its own.
// J2  It counts if both are signed with a key of the committee that it names, and those are that committee's keys.
// J3  What is an offence, what it costs and how long it bars: `OffenceKind`.
// J4  An offence is punished once: by committee, key, kind and view (or place, or round); at most `Limits.maxOffences` of
//     one key and committee; and while the committee decides or was replaced at most `Limits.evidenceWindow` blocks ago.
// J5  Who is jailed leaves the validators by rule, as soon as that fits the set (V3), and no change brings its key in.
// J6  A lane fork is recorded, and costs nothing: an honest validator whose disk was lost can be brought to one (D1).
// J7  Prices: FarPrices.swift.

import Ledger
public import Primitives

extension ClearingHouse {
  /// J1, J2, J4. `openVerdict` is what the host found about the proof.
  mutating func reportEvidence(_ report: EvidenceReport) throws(Rejection) {
    guard report.kind.isReported, let verdict = openVerdict, report.keys.contains(verdict.offender),
      committeeKeys(report.committee) == report.keys
    else { throw Rejection(.badEvidence) }
    guard isAccountable(report.committee) else { throw Rejection(.lateEvidence) }
    try punish(
      OffenceKey(
        committee: report.committee, offender: verdict.offender, kind: report.kind, place: verdict.place))
  }

  /// J3, J4
  mutating func punish(_ offence: OffenceKey) throws(Rejection) {
    guard !tables.offences.contains(offence) else { throw Rejection(.punishedBefore) }
    guard offenceCount(offence.committee, offence.offender) < Limits.maxOffences else { throw Rejection(.limitReached) }
    let slashed = slash(offence.offender, offence.kind.slash)
    tables.offences.put(OffenceRecord(height: totals.height, slashed: slashed), for: offence)
    if let term = offence.kind.jail { jail(offence.offender, for: term) }
    let record = tables.offenders[AccountKey(AccountID(offence.offender))]
    emit(
      .offence(
        OffenceEvent(
          offence: offence, slashed: slashed, isJailed: isJailed(offence.offender),
          jailedThrough: record?.jailedThrough)))
  }

  private func offenceCount(_ committee: Epoch, _ offender: PublicKey) -> Int {
    var count = 0
    tables.offences.forEach { key, _, _ in
      if key.committee == committee, key.offender == offender { count += 1 }
    }
    return count
  }

  // MARK: Jail

  /// J5: no change may bring this key among the validators.
  public func isJailed(_ key: PublicKey) -> Bool {
    guard let record = tables.offenders[AccountKey(AccountID(key))], record.jailedAt != nil else { return false }
    return record.jailedThrough.map { totals.height <= $0 } ?? true
  }

  private mutating func jail(_ key: PublicKey, for term: JailTerm) {
    let id = AccountKey(AccountID(key))
    var record = tables.offenders[id] ?? OffenderRecord()
    let isForEver = isJailed(key) && record.jailedThrough == nil
    if !isJailed(key) { record.jailedAt = totals.height }
    switch term {
    case .forEver: record.jailedThrough = nil
    case .blocks(let blocks):
      if !isForEver {
        record.jailedThrough = max(record.jailedThrough ?? 0, totals.height.saturatingAdding(blocks))
      }
    }
    record.isLeaving = true
    tables.offenders.put(record, for: id)
  }

  /// J5, last of a block: who is jailed leaves as soon as the set allows it.
  mutating func enforceJail() {
    guard tables.offenders.count > 0 else { return }
    for id in tables.offenders.sortedKeys() {
      guard var record = tables.offenders[id] else { continue }
      let before = record
      let key = PublicKey(words: id.id.words)
      if record.isLeaving { record.isLeaving = !hasLeft(key) }
      // Who has served its time may be proposed again; who could not be let go in that time stays.
      if record.jailedAt != nil, !isJailed(key) {
        record.jailedAt = nil
        record.jailedThrough = nil
        record.isLeaving = false
      }
      guard record != before else { continue }
      if record == OffenderRecord() {
        tables.offenders.remove(id)
      } else {
        tables.offenders.put(record, for: id)
      }
    }
  }

  /// Enters the removal where it is missing: what was decided before may have stood in its way, and a key generation
  /// that failed three times may have dropped it.
  private mutating func hasLeft(_ key: PublicKey) -> Bool {
    let about = changes.filter { $0.record.change.subject == key || $0.record.change.newKey == key }
    for (id, record) in about where record.scheduledAt == nil && record.change.newKey == key {
      tables.changes.remove(ChangeKey(id))
    }
    // Who signs in its place from the next committee on is barred as it is.
    for (_, record) in about where record.scheduledAt != nil {
      if case .replaceKey(let former, let next) = record.change, former == key { inherit(key, next) }
    }
    guard committee.place(of: key) != nil else {
      return !about.contains { $0.record.scheduledAt != nil && $0.record.change.newKey == key }
    }
    if !about.contains(where: { $0.record.approvedAt != nil && $0.record.change == .remove(key) }) {
      _ = changeByRule(.remove(key), cause: .evidence)
    }
    return false
  }

  private mutating func inherit(_ key: PublicKey, _ next: PublicKey) {
    guard !isJailed(next), var record = tables.offenders[AccountKey(AccountID(key))] else { return }
    record.farRounds = []
    tables.offenders.put(record, for: AccountKey(AccountID(next)))
  }

  /// J4: what no evidence can be about any more is forgotten, in the block in which another committee begins to decide.
  mutating func forgetOffences() {
    guard tables.committees[CommitteeKey(committee.number)]?.since == totals.height else { return }
    for key in tables.offences.sortedKeys() where !isAccountable(key.committee) { tables.offences.remove(key) }
  }
}
