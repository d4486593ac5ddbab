// How the committee changes: proposed and approved by validators, in force when its shares are made (rules V1 to V8).
//
// V1  Only a validator of the present committee proposes, approves and withdraws, with its identity key and in its own name.
// V2  A change is approved when Q of the present validators have approved it; to propose is to approve.
// V3  What contradicts the committee as it will be, with every open change before it, is refused: an unknown validator, a
//     key, name or address that another has, a second change about one validator, fewer than four left, too many.
// V4  At most `Limits.maxChanges` are open, and `Limits.maxChangesOfOne` of one proposer.
// V5  Its proposer may withdraw a change until shares are being made for it.
// V6  What is approved when an epoch begins is scheduled: new shares are made for the committee with all of it. Where that
//     fails, it is approved as before; the third failure drops it.
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
    case fail(dropped: Bool)
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
    let changes = changes
    guard changes.contains(where: { $0.record.isApprovedOnly }) else { return nil }
    let ready = changes.filter { $0.record.scheduledAt != nil } + changes.filter { $0.record.isApprovedOnly }
    return validators.applying(ready.map(\.record.change))
  }

  // MARK: Actions

  /// V1 to V4, V8.
  mutating func propose(_ change: ValidatorChange, signer: PublicKey, account: Int32) throws(Rejection) {
    try requireMember(signer, account)
    guard canChangeValidators else { throw Rejection(.fixedValidators) }
    let open = changes
    guard open.count < Limits.maxChanges, open.count(where: { $0.record.proposer == signer }) < Limits.maxChangesOfOne
    else { throw Rejection(.limitReached) }
    try check(change, after: open.map(\.record.change))
    let id = totals.nextChange
    totals.nextChange &+= 1
    tables.changes.put(ChangeRecord(change, by: signer, at: totals.height), for: ChangeKey(id))
    noteApproval(of: id)
  }

  /// V2. Judged again: what was proposed may have been overtaken.
  mutating func approve(_ id: ChangeID, signer: PublicKey, account: Int32) throws(Rejection) {
    try requireMember(signer, account)
    guard var record = tables.changes[ChangeKey(id)] else { throw Rejection(.unknownChange) }
    guard record.scheduledAt == nil, !record.approvals.contains(signer) else { throw Rejection(.changeClosed) }
    try check(record.change, after: changes.prefix { $0.id < id }.map(\.record.change))
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
    guard record.proposer == signer else { throw Rejection(.notAuthorized) }
    guard record.scheduledAt == nil else { throw Rejection(.changeClosed) }
    tables.changes.remove(ChangeKey(id))
  }

  /// V1
  private func requireMember(_ signer: PublicKey, _ account: Int32) throws(Rejection) {
    guard committee.place(of: signer) != nil, live.accounts[Int(account)].id == AccountID(signer) else {
      throw Rejection(.notAuthorized)
    }
  }

  private mutating func noteApproval(of id: ChangeID) {
    guard var record = tables.changes[ChangeKey(id)], record.approvedAt == nil,
      record.approvals.count(where: { committee.place(of: $0) != nil }) >= committee.quorum
    else { return }
    record.approvedAt = totals.height
    tables.changes.put(record, for: ChangeKey(id))
  }

  /// V3
  private func check(_ change: ValidatorChange, after earlier: [ValidatorChange]) throws(Rejection) {
    let before = validators.applying(earlier)
    if let subject = change.subject {
      guard committee.place(of: subject) != nil, before.contains(where: { $0.key == subject }) else {
        throw Rejection(.unknownValidator)
      }
      guard !earlier.contains(where: { $0.subject == subject }) else { throw Rejection(.validatorConflict) }
    }
    switch change {
    case .add(let new):
      guard new.isComplete else { throw Rejection(.badTerms) }
      guard isFree(new.key), !before.contains(where: { $0.name == new.name || $0.isAt(new.host, new.port) }) else {
        throw Rejection(.validatorConflict)
      }
      guard before.count < Limits.maxValidators else { throw Rejection(.limitReached) }
    case .remove:
      guard before.count > Limits.minValidators else { throw Rejection(.tooFewValidators) }
    case .replaceKey(_, let key):
      guard isFree(key) else { throw Rejection(.validatorConflict) }
    case .address(let key, let host, let port):
      guard port > 0, Validator.isHost(host) else { throw Rejection(.badTerms) }
      guard !before.contains(where: { $0.key != key && $0.isAt(host, port) }) else {
        throw Rejection(.validatorConflict)
      }
    case .data(_, let data):
      guard data.isWithinBounds else { throw Rejection(.badTerms) }
    }

    func isFree(_ key: PublicKey) -> Bool {
      !before.contains { $0.key == key } && committee.place(of: key) == nil && key != genesis.custodian
        && key != genesis.listingAuthority && !SystemAccount.isReserved(AccountID(key))
    }
  }

  // MARK: Steps

  mutating func take(_ steps: [MembershipStep]) {
    for step in steps {
      switch step {
      case .adopt: adopt()
      case .schedule:
        for (id, record) in changes where record.isApprovedOnly {
          var record = record
          record.scheduledAt = totals.height
          tables.changes.put(record, for: ChangeKey(id))
        }
      case .fail(let dropped):
        for (id, record) in changes where record.scheduledAt != nil {
          guard !dropped else {
            tables.changes.remove(ChangeKey(id))
            continue
          }
          var record = record
          record.scheduledAt = nil
          record.failures &+= 1
          tables.changes.put(record, for: ChangeKey(id))
        }
      }
    }
  }

  /// V7
  private mutating func adopt() {
    let scheduled = changes.filter { $0.record.scheduledAt != nil }
    let former = validators
    let new = former.applying(scheduled.map(\.record.change))
    for (id, _) in scheduled { tables.changes.remove(ChangeKey(id)) }
    for place in former.indices.dropFirst(new.count) { tables.members.remove(MemberKey(place)) }
    for (place, validator) in new.enumerated() where !former.indices.contains(place) || former[place] != validator {
      tables.members.put(validator, for: MemberKey(place))
    }
    committee.validators = new
    guard new.map(\.key) != former.map(\.key) else { return }
    committee.number &+= 1
    tables.committees.put(
      CommitteeRecord(since: totals.height, keys: new.map(\.key)), for: CommitteeKey(committee.number))
    var spoken: [ObservationKey] = []
    tables.observations.forEach { key, _, _ in spoken.append(key) }
    for key in spoken { tables.observations.remove(key) }
    openMemberAccounts()
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
  /// The committee after these changes; what does not fit it any more changes nothing.
  func applying(_ changes: [ValidatorChange]) -> [Validator] {
    var result = self
    for change in changes {
      switch change {
      case .add(let new):
        if result.count < Limits.maxValidators, !result.contains(where: { $0.key == new.key }) { result.append(new) }
      case .remove(let key):
        if result.count > Limits.minValidators { result.removeAll { $0.key == key } }
      case .replaceKey(let key, let new):
        guard !result.contains(where: { $0.key == new }) else { continue }
        result.update(key) { $0.key = new }
      case .address(let key, let host, let port):
        result.update(key) { validator in
          validator.host = host
          validator.port = port
        }
      case .data(let key, let data): result.update(key) { $0.data = data }
      }
    }
    return result
  }

  private mutating func update(_ key: PublicKey, _ change: (inout Validator) -> Void) {
    guard let place = firstIndex(where: { $0.key == key }) else { return }
    change(&self[place])
  }
}
