// What blocks show of the validators, and what follows from it at the end of an epoch (H1 to H6, H8).

import Ledger
public import Primitives

extension ClearingHouse {
  /// Of a validator of the present committee; nil for anybody else.
  public func health(of key: PublicKey) -> HealthRecord? {
    committee.place(of: key).map { _ in tables.health[HealthKey(key)] ?? HealthRecord() }
  }

  /// The faults of a present validator that count (H7).
  public func faults(of key: PublicKey) -> HealthFaults { health(of: key).map(counted) ?? [] }

  /// H7: of some faults, those that Q validators do not have.
  private func counted(_ record: HealthRecord) -> HealthFaults {
    var counted: HealthFaults = []
    for (fault, _) in HealthFaults.all where record.faults.intersection(HealthRules.counting).contains(fault) {
      let free = validators.count { tables.health[HealthKey($0.key)]?.faults.contains(fault) != true }
      if free >= quorum { counted.insert(fault) }
    }
    return counted
  }

  // MARK: Measuring

  /// H1: before anything else of a block, while the committee is the one that ordered it.
  mutating func watch(_ conduct: BlockConduct?) {
    isWatched = conduct != nil && canChangeValidators
    guard let conduct, isWatched else { return }
    updateHealth(conduct.leader) { $0.count(\.led) }
    for leader in conduct.skipped { updateHealth(leader) { $0.count(\.missed) } }
    for lane in conduct.spoke {
      guard validators.indices.contains(Int(lane)) else { continue }
      if tables.health[HealthKey(validators[Int(lane)].key)]?.spoke != true { updateHealth(lane) { $0.spoke = true } }
    }
  }

  private mutating func updateHealth(_ place: ValidatorIndex, _ change: (inout HealthRecord) -> Void) {
    guard validators.indices.contains(Int(place)) else { return }
    let key = HealthKey(validators[Int(place)].key)
    var record = tables.health[key] ?? HealthRecord()
    change(&record)
    tables.health.put(record, for: key)
  }

  /// H6: a round of an index is complete; `price` is its median.
  mutating func judgeObservations(of feed: FeedKey, round: Round, price: Price) {
    guard isWatched, feed.expiry == 0 else { return }
    let room = Int128(price) * Int128(HealthRules.farPerMillion)
    for place in validators.indices {
      let place = ValidatorIndex(truncatingIfNeeded: place)
      let said = tables.observations[ObservationKey(feed, place)]
      updateHealth(place) { record in
        record.count(\.rounds)
        guard let said, said.round.saturatingAdding(2) >= round else { return record.count(\.absent) }
        let distance = Int128(said.price) - Int128(price)
        if (distance < 0 ? -distance : distance) * 1_000_000 > room { record.count(\.far) }
      }
    }
  }

  /// H4: adds to what the signer has said in this epoch.
  mutating func report(_ report: LatenessReport, signer: PublicKey, account: Int32) throws(Rejection) {
    let place = try placeOfMember(signer, account)
    guard report.committee == committee.number, !report.late.isEmpty, report.late.count <= validators.count,
      !report.late.contains(place), zip(report.late, report.late.dropFirst()).allSatisfy({ $0 < $1 }),
      report.late.allSatisfy({ validators.indices.contains(Int($0)) })
    else { throw Rejection(.badReport) }
    for late in report.late {
      updateHealth(late) { record in
        guard !record.reporters.contains(place) else { return }
        record.reporters.append(place)
        record.reporters.sort()
      }
    }
  }

  /// A validator that speaks for itself.
  func placeOfMember(_ signer: PublicKey, _ account: Int32) throws(Rejection) -> ValidatorIndex {
    guard let place = committee.place(of: signer), live.accounts[Int(account)].id == AccountID(signer) else {
      throw Rejection(.notAuthorized)
    }
    return ValidatorIndex(truncatingIfNeeded: place)
  }

  // MARK: Judging

  /// H2, H8: last of a block that ends an epoch.
  mutating func endHealthEpoch(_ conduct: BlockConduct?) {
    guard isWatched, conduct?.endsEpoch == true else { return }
    for validator in validators {
      let before = tables.health[HealthKey(validator.key)] ?? HealthRecord()
      var record = before
      record.endEpoch(f: committee.f, quorum: quorum)
      if record != before { tables.health.put(record, for: HealthKey(validator.key)) }
    }
    restStandbys()
    replaceWorst()
  }

  /// H8
  private mutating func replaceWorst() {
    // One at a time, and what operators have decided comes first.
    guard changes.allSatisfy({ $0.record.approvedAt == nil }) else { return }
    let isVacant = standbys.contains(where: \.leavesSeat)
    let worst = isVacant ? nil : worstValidator
    guard isVacant || worst != nil else { return }
    for standby in readyStandbys {
      let id = totals.nextChange
      guard changeByRule(.add(standby.validator), cause: .health) else { continue }
      if let worst, !changeByRule(.remove(worst), cause: .health) { tables.changes.remove(ChangeKey(id)) }
      return
    }
  }

  /// With the most faults that count; then who missed more views, then who comes first in the committee.
  private var worstValidator: PublicKey? {
    var worst: (key: PublicKey, faults: Int, missed: UInt32)?
    for validator in validators {
      guard let record = tables.health[HealthKey(validator.key)] else { continue }
      let faults = counted(record).rawValue.nonzeroBitCount
      guard faults > 0 else { continue }
      if let found = worst, (found.faults, found.missed) >= (faults, record.missed) { continue }
      worst = (validator.key, faults, record.missed)
    }
    return worst?.key
  }
}
