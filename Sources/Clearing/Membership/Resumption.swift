// The state of a chain that stands still goes on under another genesis, with another committee.

public import Ledger
public import Primitives

extension ClearingHouse {
  /// V9: after all records of the former chain were loaded and the indices rebuilt: as after its last block, but with these
  /// validators, numbered as the next committee. What the former ones had begun about the committee, and what they said of
  /// prices in the round under way, is void; everything else stays as it is. Appends what changed.
  ///
  /// `height`: of the block that stands for the new genesis.
  public mutating func resume(with validators: [Validator], at height: Height, into changes: inout [RecordChange]) {
    let former = self.validators
    for place in former.indices { tables.members.remove(MemberKey(place)) }
    for (place, validator) in validators.enumerated() { tables.members.put(validator, for: MemberKey(place)) }
    for (id, _) in self.changes { tables.changes.remove(ChangeKey(id)) }
    var spoken: [ObservationKey] = []
    tables.observations.forEach { key, _, _ in spoken.append(key) }
    for key in spoken { tables.observations.remove(key) }
    committee = Members(validators: validators, number: committee.number &+ 1)
    tables.committees.put(
      CommitteeRecord(since: height, keys: validators.map(\.key)), for: CommitteeKey(committee.number))
    let nextEvent = totals.nextEvent
    openMemberAccounts()
    events.removeAll()
    totals.nextEvent = nextEvent
    totals.height = height
    parent = height
    seal(into: &changes)
    releaseBlock()
    rebuildIndices()
  }
}
