// How the committee changes: proposed and approved by validators, in force when its shares are made (rules V1 to V8).
//
// V1  Only a validator of the present committee proposes, approves and withdraws, with its identity key and in its own name.
// V2  A change is approved when Q of the present validators have approved it; to propose is to approve.
// V3  It must fit the committee with everything before it that is decided, that is, approved or scheduled: an unknown
//     validator, a key, name or address that another has, a second change about one validator, fewer than four left and
//     too many are refused, when it is proposed and at each approval. What is not approved stands in nobody's way.
// V4  The validators share `Limits.maxChanges` undecided changes, each at least one and at most `Limits.maxChangesOfOne`.
// V5  Its proposer may withdraw a change until shares are being made for it. An approved removal of a validator takes the
//     approved changes about it back; what its proposer left behind undecided lapses when that is no validator any more.
// V6  What is approved when an epoch begins is scheduled, in the order of proposing and as far as each fits: new shares are
//     made for the committee with all of it. Where that fails, it is approved as before; its third failure drops it.
// V7  When the new shares sign, the new committee is in force: it is numbered, and remembered for ever. Observations of
//     prices are made anew.
// V8  A network without a group key has the committee of its genesis.

import Ledger
public import Primitives

/// The committee and what follows from it; derived from the tables.
struct Members: Sendable {
  var validators: [Validator] = []
  var number: Epoch = 0

  /// Q of the agreement.
  var quorum: Int { (validators.count + max(0, validators.count - 1) / 3) / 2 + 1 }
  var f: Int { max(0, validators.count - 1) / 3 }

  func place(of key: PublicKey) -> Int? { validators.firstIndex { $0.key == key } }
}

extension ClearingHouse {
  /// What key generation has decided about the committee, before the first transaction of a block.
  public enum MembershipStep: Hashable, Sendable {
    /// The scheduled changes are in force.
    case adopt
    /// Shares are being made for everything that is approved.
    case schedule
    /// They could not be made.
    case fail
  }

  /// The present committee, in its order.
  public var validators: [Validator] { committee.validators }
  /// Counts committees from 0.
  public var committeeNumber: Epoch { committee.number }

  /// Identity keys of a committee, present or past.
  public func committeeKeys(_ number: Epoch) -> [PublicKey]? { tables.committees[CommitteeKey(number)]?.keys }

  /// Every committee that there was, in order.
  public var committees: [(number: Epoch, record: CommitteeRecord)] {
    var found: [(number: Epoch, record: CommitteeRecord)] = []
    tables.committees.forEach { key, _, record in found.append((key.number, record)) }
    return found.sorted { $0.number < $1.number }
  }

  /// What is not in force yet, in the order of proposing.
  public var changes: [(id: ChangeID, record: ChangeRecord)] {
    var found: [(id: ChangeID, record: ChangeRecord)] = []
    tables.changes.forEach { key, _, record in found.append((key.id, record)) }
    return found.sorted { $0.id < $1.id }
  }

  /// V6: the committee with everything that is scheduled or approved; nil where nothing waits to be scheduled.
  public var nextValidators: [Validator]? {
    let fold = folded
    return fold.waiting.isEmpty ? nil : fold.validators
  }

  /// The committee after what is decided, and which approved changes take part in it.
  private var folded: (validators: [Validator], waiting: [ChangeID]) {
    var result: (validators: [Validator], waiting: [ChangeID]) = (validators, [])
    for (id, record) in decided where result.validators.take(record.change) == nil && record.scheduledAt == nil {
      result.waiting.append(id)
    }
    return result
  }

  /// In the order in which they come into force: those that shares are being made for, then those that wait.
  private var decided: [(id: ChangeID, record: ChangeRecord)] {
    let changes = changes
    return changes.filter { $0.record.scheduledAt != nil } + changes.filter(\.record.isApprovedOnly)
  }

  // MARK: Actions

  /// V1 to V4, V8.
  mutating func propose(_ change: ValidatorChange, signer: PublicKey, account: Int32) throws(Rejection) {
    try requireMember(signer, account)
    guard canChangeValidators else { throw Rejection(.fixedValidators) }
    let share = max(1, min(Limits.maxChangesOfOne, Limits.maxChanges / max(1, validators.count)))
    let own = changes.count { $0.record.approvedAt == nil && $0.record.proposer == signer }
    guard own < share else { throw Rejection(.limitReached) }
    try judge(change, as: totals.nextChange)
    let id = enter(ChangeRecord(change, by: signer, at: totals.height))
    noteApproval(of: id)
  }

  /// V2. Judged again: what was proposed may have been overtaken.
  mutating func approve(_ id: ChangeID, signer: PublicKey, account: Int32) throws(Rejection) {
    try requireMember(signer, account)
    guard var record = tables.changes[ChangeKey(id)] else { throw Rejection(.unknownChange) }
    guard record.scheduledAt == nil, !record.approvals.contains(signer) else { throw Rejection(.changeClosed) }
    try judge(record.change, as: id)
    // Whoever is no validator any more makes room.
    record.approvals.removeAll { committee.place(of: $0) == nil }
    record.approvals.append(signer)
    tables.changes.put(record, for: ChangeKey(id))
    noteApproval(of: id)
  }

  /// V5
  mutating func withdraw(_ id: ChangeID, signer: PublicKey, account: Int32) throws(Rejection) {
    try requireMember(signer, account)
    guard let record = tables.changes[ChangeKey(id)] else { throw Rejection(.unknownChange) }
    guard record.cause == .proposal, record.proposer == signer else { throw Rejection(.notAuthorized) }
    guard record.scheduledAt == nil else { throw Rejection(.changeClosed) }
    tables.changes.remove(ChangeKey(id))
  }

  /// A removal or addition that a rule of the book asks for, not a validator: approved from the start. False where it does
  /// not fit, or the validator is in a change that shares are being made for; then it may be tried in a later block.
  mutating func changeByRule(_ change: ValidatorChange, cause: ChangeCause) -> Bool {
    guard canChangeValidators, (try? judge(change, as: totals.nextChange)) != nil else { return false }
    var record = ChangeRecord(change, by: change.subject ?? .zero, at: totals.height)
    record.cause = cause
    record.approvals = []
    decide(enter(record), record)
    return true
  }

  private mutating func enter(_ record: ChangeRecord) -> ChangeID {
    let id = totals.nextChange
    totals.nextChange &+= 1
    tables.changes.put(record, for: ChangeKey(id))
    return id
  }

  /// V1
  private func requireMember(_ signer: PublicKey, _ account: Int32) throws(Rejection) {
    guard committee.place(of: signer) != nil, live.accounts[Int(account)].id == AccountID(signer) else {
      throw Rejection(.notAuthorized)
    }
  }

  private mutating func noteApproval(of id: ChangeID) {
    guard let record = tables.changes[ChangeKey(id)], record.approvedAt == nil,
      record.approvals.count(where: { committee.place(of: $0) != nil }) >= committee.quorum
    else { return }
    decide(id, record)
  }

  private mutating func decide(_ id: ChangeID, _ record: ChangeRecord) {
    var record = record
    record.approvedAt = totals.height
    tables.changes.put(record, for: ChangeKey(id))
    // V5
    guard case .remove(let leaver) = record.change else { return }
    for (other, record) in changes where other != id && record.isApprovedOnly && record.change.subject == leaver {
      tables.changes.remove(ChangeKey(other))
    }
  }

  /// V3: as the change `id`, with what is decided before and after it.
  private func judge(_ change: ValidatorChange, as id: ChangeID) throws(Rejection) {
    var others = decided.filter { $0.id != id }
    guard others.count < Limits.maxChanges else { throw Rejection(.limitReached) }
    if let subject = change.subject {
      guard committee.place(of: subject) != nil else { throw Rejection(.unknownValidator) }
      if case .remove = change {
        others.removeAll { $0.record.isApprovedOnly && $0.record.change.subject == subject }
      }
      guard !others.contains(where: { $0.record.change.subject == subject }) else {
        throw Rejection(.validatorConflict)
      }
    }
    if let key = change.newKey {
      guard !isJailed(key) else { throw Rejection(.jailed) }
      guard committee.place(of: key) == nil, key != genesis.custodian, key != genesis.listingAuthority,
        !SystemAccount.isReserved(AccountID(key))
      else { throw Rejection(.validatorConflict) }
    }
    var before = validators
    var isJudged = false
    for (other, record) in others {
      if !isJudged, record.scheduledAt == nil, other > id {
        if let code = before.take(change) { throw Rejection(code) }
        isJudged = true
      }
      // What is decided keeps its place.
      if before.take(record.change) != nil, isJudged { throw Rejection(.validatorConflict) }
    }
    if !isJudged, let code = before.take(change) { throw Rejection(code) }
  }

  // MARK: Steps

  mutating func take(_ steps: [MembershipStep]) {
    for step in steps {
      switch step {
      case .adopt: adopt()
      case .schedule:
        for id in folded.waiting {
          guard var record = tables.changes[ChangeKey(id)] else { continue }
          record.scheduledAt = totals.height
          tables.changes.put(record, for: ChangeKey(id))
        }
      case .fail:
        for (id, record) in changes where record.scheduledAt != nil {
          var record = record
          record.scheduledAt = nil
          record.failures &+= 1
          if record.failures < Limits.changeAttempts {
            tables.changes.put(record, for: ChangeKey(id))
          } else {
            tables.changes.remove(ChangeKey(id))
          }
        }
      }
    }
  }

  /// V7
  private mutating func adopt() {
    let former = validators
    var new = former
    for (id, record) in decided where record.scheduledAt != nil {
      _ = new.take(record.change)
      tables.changes.remove(ChangeKey(id))
    }
    for place in former.indices.dropFirst(new.count) { tables.members.remove(MemberKey(place)) }
    for (place, validator) in new.enumerated() where !former.indices.contains(place) || former[place] != validator {
      tables.members.put(validator, for: MemberKey(place))
    }
    committee.validators = new
    dropStale()
    guard new.map(\.key) != former.map(\.key) else { return }
    committee.number &+= 1
    tables.committees.put(
      CommitteeRecord(since: totals.height, keys: new.map(\.key)), for: CommitteeKey(committee.number))
    var spoken: [ObservationKey] = []
    tables.observations.forEach { key, _, _ in spoken.append(key) }
    for key in spoken { tables.observations.remove(key) }
    openMemberAccounts()
  }

  /// V5: what nobody can take back any more, and what can never fit again.
  private mutating func dropStale() {
    for (id, record) in changes where record.scheduledAt == nil {
      let isOrphan = record.approvedAt == nil && committee.place(of: record.proposer) == nil
      let isVoid =
        record.change.subject.map { committee.place(of: $0) == nil }
        ?? record.change.newKey.map { committee.place(of: $0) != nil } ?? false
      if isOrphan || isVoid { tables.changes.remove(ChangeKey(id)) }
    }
  }

  /// Those who act for the market have accounts, so that their commands have nonces.
  mutating func openMemberAccounts() {
    for validator in validators {
      let id = AccountID(validator.key)
      if accountNumber(id) == nil, !SystemAccount.isReserved(id) { openAccount(id) }
    }
  }

  /// Of genesis.
  mutating func foundCommittee(_ validators: [Validator]) {
    committee = Members(validators: validators)
    for (place, validator) in validators.enumerated() { tables.members.put(validator, for: MemberKey(place)) }
    tables.committees.put(CommitteeRecord(since: 0, keys: validators.map(\.key)), for: CommitteeKey(0))
  }

  mutating func rebuildMembers() {
    var found: [(place: UInt16, validator: Validator)] = []
    tables.members.forEach { key, _, record in found.append((key.place, record)) }
    var number: Epoch = 0
    tables.committees.forEach { key, _, _ in number = max(number, key.number) }
    committee = Members(validators: found.sorted { $0.place < $1.place }.map(\.validator), number: number)
  }
}

extension ChangeRecord {
  /// Waits for the next epoch to begin.
  var isApprovedOnly: Bool { approvedAt != nil && scheduledAt == nil }
}

extension Validator {
  var isComplete: Bool {
    (1...Self.nameBytesMax).contains(name.utf8.count) && port > 0 && Self.isHost(host) && data.isWithinBounds
  }

  static func isHost(_ host: String) -> Bool { (1...hostBytesMax).contains(host.utf8.count) }

  func isAt(_ host: String, _ port: UInt16) -> Bool { self.host == host && self.port == port }
}

extension OperatorData {
  var isWithinBounds: Bool {
    [operatorName, network, country, version].allSatisfy { $0.utf8.count <= Self.bytesMax }
  }
}

extension [Validator] {
  /// V3: these validators after the change; as they are, and why, where it does not fit.
  mutating func take(_ change: ValidatorChange) -> RejectionCode? {
    let place = change.subject.flatMap { key in firstIndex { $0.key == key } }
    if change.subject != nil, place == nil { return .unknownValidator }
    if let key = change.newKey, contains(where: { $0.key == key }) { return .validatorConflict }
    switch (change, place) {
    case (.add(let new), _):
      guard new.isComplete else { return .badTerms }
      guard !contains(where: { $0.name == new.name || $0.isAt(new.host, new.port) }) else { return .validatorConflict }
      guard count < Limits.maxValidators else { return .limitReached }
      append(new)
    case (.remove, let place?):
      guard count > Limits.minValidators else { return .tooFewValidators }
      remove(at: place)
    case (.replaceKey(_, let key), let place?): self[place].key = key
    case (.address(let key, let host, let port), let place?):
      guard port > 0, Validator.isHost(host) else { return .badTerms }
      guard !contains(where: { $0.key != key && $0.isAt(host, port) }) else { return .validatorConflict }
      self[place].host = host
      self[place].port = port
    case (.data(_, let data), let place?):
      guard data.isWithinBounds else { return .badTerms }
      self[place].data = data
    case (_, nil): return .unknownValidator
    }
    return nil
  }
}
