// Who may take a validator's place: nominated by Q, or put on standby by a rule, and ready by its own word (H7 to H10).

import Ledger
import Primitives

extension ClearingHouse {
  /// Nominated, resting and ready, ascending by key.
  public var standbys: [StandbyRecord] {
    var found: [StandbyRecord] = []
    tables.standbys.forEach { _, _, record in found.append(record) }
    return found.sorted { $0.validator.key < $1.validator.key }
  }

  /// H8, H10: the best first: who failed to come in least often, was put on standby least often, and is ready longest.
  var readyStandbys: [StandbyRecord] {
    standbys.filter { $0.readySince != nil && !isJailed($0.validator.key) }.sorted {
      ($0.failures, $0.removals, $0.readySince ?? 0, $0.validator.key)
        < ($1.failures, $1.removals, $1.readySince ?? 0, $1.validator.key)
    }
  }

  // MARK: Actions

  mutating func standby(_ step: StandbyStep, signer: PublicKey, account: Int32) throws(Rejection) {
    switch step {
    case .nominate(let validator): try nominate(validator, signer: signer, account: account)
    case .dismiss(let key): try dismiss(key, signer: signer, account: account)
    case .rejoin: try rejoin(signer, account: account)
    }
  }

  /// H7
  private mutating func nominate(_ new: Validator, signer: PublicKey, account: Int32) throws(Rejection) {
    _ = try placeOfMember(signer, account)
    guard canChangeValidators else { throw Rejection(.fixedValidators) }
    let key = HealthKey(new.key)
    guard var record = tables.standbys[key] else {
      try judge(nomination: new, of: signer)
      return settleNomination(StandbyRecord(new, nominators: [signer]))
    }
    guard record.approvedAt == nil, record.validator == new, !record.nominators.contains(signer) else {
      throw Rejection(.standbyDecided)
    }
    record.nominators.append(signer)
    settleNomination(record)
  }

  private func judge(nomination new: Validator, of signer: PublicKey) throws(Rejection) {
    guard new.isComplete else { throw Rejection(.badTerms) }
    guard new.key != genesis.custodian, new.key != genesis.listingAuthority,
      !SystemAccount.isReserved(AccountID(new.key)), committee.place(of: new.key) == nil
    else { throw Rejection(.validatorConflict) }
    let known = standbys
    guard !(validators + known.map(\.validator)).contains(where: { $0.name == new.name || $0.isAt(new.host, new.port) })
    else { throw Rejection(.validatorConflict) }
    let open = known.filter { $0.approvedAt == nil }
    let share = max(1, min(HealthRules.maxNominatedOfOne, HealthRules.maxNominated / max(1, validators.count)))
    guard open.count < HealthRules.maxNominated, open.count(where: { $0.nominators.first == signer }) < share else {
      throw Rejection(.limitReached)
    }
  }

  private mutating func settleNomination(_ record: StandbyRecord) {
    var record = record
    if countMembers(record.nominators) >= quorum {
      record.approvedAt = totals.height
      makeRoom()
      // It speaks for itself from now on, and its commands have nonces.
      let id = AccountID(record.validator.key)
      if accountNumber(id) == nil { openAccount(id) }
    }
    tables.standbys.put(record, for: HealthKey(record.validator.key))
  }

  private func countMembers(_ keys: [PublicKey]) -> Int { keys.count { committee.place(of: $0) != nil } }

  private mutating func dismiss(_ key: PublicKey, signer: PublicKey, account: Int32) throws(Rejection) {
    _ = try placeOfMember(signer, account)
    guard var record = tables.standbys[HealthKey(key)] else { throw Rejection(.unknownStandby) }
    if record.approvedAt == nil, record.nominators.first == signer {
      tables.standbys.remove(HealthKey(key))
      return
    }
    guard !record.dismissers.contains(signer) else { throw Rejection(.standbyDecided) }
    record.dismissers.removeAll { committee.place(of: $0) == nil }
    record.dismissers.append(signer)
    if record.dismissers.count >= quorum {
      tables.standbys.remove(HealthKey(key))
    } else {
      tables.standbys.put(record, for: HealthKey(key))
    }
  }

  /// H8, H9
  private mutating func rejoin(_ signer: PublicKey, account: Int32) throws(Rejection) {
    guard live.accounts[Int(account)].id == AccountID(signer) else { throw Rejection(.notAuthorized) }
    guard var record = tables.standbys[HealthKey(signer)], record.approvedAt != nil else {
      throw Rejection(.unknownStandby)
    }
    guard record.restEpochs == 0 else { throw Rejection(.standbyRests) }
    guard !isJailed(signer) else { throw Rejection(.jailed) }
    guard record.readySince == nil else { throw Rejection(.standbyDecided) }
    record.readySince = totals.height
    record.failures = 0
    tables.standbys.put(record, for: HealthKey(signer))
  }

  // MARK: Steps

  /// H9: an epoch ends.
  mutating func restStandbys() {
    for record in standbys where record.restEpochs > 0 {
      var record = record
      record.restEpochs -= 1
      tables.standbys.put(record, for: HealthKey(record.validator.key))
    }
  }

  /// Changes of the committee come into force or fail, and with them those who stand by.
  mutating func stepMembership(_ steps: [MembershipStep]) {
    guard !steps.isEmpty else { return }
    let (former, scheduled) = (validators, changes.filter { $0.record.scheduledAt != nil })
    take(steps)
    let left = former.filter { committee.place(of: $0.key) == nil }
    let joined = validators.filter { new in !former.contains { $0.key == new.key } }
    for validator in left { leave(validator, by: scheduled.map(\.record)) }
    for validator in joined { join(validator, by: scheduled.map(\.record)) }
    if !left.isEmpty { forgetNominations() }
    for (id, record) in scheduled where record.cause == .health { settleEntry(id, record) }
  }

  /// H8, H9: whoever leaves by a rule stands by from then on.
  private mutating func leave(_ validator: Validator, by changes: [ChangeRecord]) {
    let health = tables.health.remove(HealthKey(validator.key))
    guard let change = changes.first(where: { $0.change == .remove(validator.key) }), change.cause != .proposal else {
      return
    }
    makeRoom()
    var record = StandbyRecord(validator, nominators: [])
    record.approvedAt = totals.height
    record.removals = min((health?.removals ?? 0) &+ 1, HealthRules.most)
    record.restEpochs = HealthRules.restEpochs << min(record.removals - 1, HealthRules.restDoublings)
    record.leavesSeat = true
    tables.standbys.put(record, for: HealthKey(validator.key))
  }

  /// H8: whoever comes in by a rule fills the place that was left first.
  private mutating func join(_ validator: Validator, by changes: [ChangeRecord]) {
    var health = HealthRecord()
    let record = tables.standbys.remove(HealthKey(validator.key))
    health.removals = record?.removals ?? 0
    if health != HealthRecord() { tables.health.put(health, for: HealthKey(validator.key)) }
    // Its own empty place is filled with that.
    guard record?.leavesSeat != true,
      changes.contains(where: { $0.change == .add(validator) && $0.cause != .proposal }),
      var first = standbys.filter(\.leavesSeat).min(by: { ($0.approvedAt ?? 0) < ($1.approvedAt ?? 0) })
    else { return }
    first.leavesSeat = false
    tables.standbys.put(first, for: HealthKey(first.validator.key))
  }

  /// H10: shares could not be made. Whoever was to come in goes behind the others; what is being tried again already goes on.
  private mutating func settleEntry(_ id: ChangeID, _ record: ChangeRecord) {
    if let open = tables.changes[ChangeKey(id)] {
      guard open.scheduledAt == nil else { return }
      tables.changes.remove(ChangeKey(id))
    }
    guard case .add(let validator) = record.change, var standby = tables.standbys[HealthKey(validator.key)] else {
      return
    }
    standby.failures = min(standby.failures &+ 1, HealthRules.entryFailures)
    if standby.failures >= HealthRules.entryFailures { standby.readySince = nil }
    tables.standbys.put(standby, for: HealthKey(validator.key))
  }

  /// Nominations that nobody can take back any more.
  private mutating func forgetNominations() {
    for record in standbys where record.approvedAt == nil {
      guard let first = record.nominators.first, committee.place(of: first) == nil else { continue }
      tables.standbys.remove(HealthKey(record.validator.key))
    }
  }

  /// Of too many who stand by, the one goes that is not ready for the longest time; else the one that is ready longest.
  private mutating func makeRoom() {
    let known = standbys.filter { $0.approvedAt != nil }
    guard known.count >= HealthRules.maxStandbys else { return }
    let out = known.min {
      ($0.leavesSeat ? 1 : 0, $0.readySince == nil ? 0 : 1, $0.approvedAt ?? 0, $0.validator.key)
        < ($1.leavesSeat ? 1 : 0, $1.readySince == nil ? 0 : 1, $1.approvedAt ?? 0, $1.validator.key)
    }
    if let out { tables.standbys.remove(HealthKey(out.validator.key)) }
  }
}
