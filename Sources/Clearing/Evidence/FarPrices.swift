// J7: prices far outside those of all others, for long. No evidence is needed: the observations are in the state.
//
// A validator's index price is far in a round if it is more than `Limits.farPrice` parts per million of the median away from
// it, while Q validators are within `Limits.nearPrice` of it: the market is clear, and this one says something else. One
// price that is not far ends the row, and so does silence never: who says nothing is not judged. `Limits.farRounds` in a
// row are an offence. So no single wrong price, no restart and no market torn apart is punished.

import Ledger
import Primitives

extension ClearingHouse {
  /// A round of an index is complete, with this median.
  mutating func judgePrices(of feed: FeedKey, round: Round, median: Price) {
    guard feed.expiry == 0, median > 0 else { return }
    var said: [(key: PublicKey, price: Price, round: Round)] = []
    for (place, validator) in validators.enumerated() {
      let key = ObservationKey(feed, ValidatorIndex(truncatingIfNeeded: place))
      if let record = tables.observations[key] { said.append((validator.key, record.price, record.round)) }
    }
    let near = said.count { $0.round.saturatingAdding(2) >= round && !isBeyond(Limits.nearPrice, $0.price, median) }
    guard near >= quorum else { return }
    for (key, price, spoken) in said where spoken >= round {
      note(isBeyond(Limits.farPrice, price, median), of: key, feed.underlying, round)
    }
  }

  private func isBeyond(_ partsPerMillion: Int64, _ price: Price, _ median: Price) -> Bool {
    (Int128(price) - Int128(median)).magnitude * 1_000_000 > Int128(median).magnitude
      * Int128(partsPerMillion).magnitude
  }

  private mutating func note(_ isFar: Bool, of key: PublicKey, _ underlying: UnderlyingID, _ round: Round) {
    let id = AccountKey(AccountID(key))
    let place = Int(underlying)
    guard isFar || tables.offenders[id]?.farRounds.indices.contains(place) == true else { return }
    var record = tables.offenders[id] ?? OffenderRecord()
    while record.farRounds.count <= place { record.farRounds.append(0) }
    record.farRounds[place] = isFar ? record.farRounds[place].saturatingAdding(1) : 0
    let isOffence = record.farRounds[place] >= Limits.farRounds
    if isOffence { record.farRounds[place] = 0 }
    while record.farRounds.last == 0 { record.farRounds.removeLast() }
    tables.offenders.put(record, for: id)
    guard isOffence else { return }
    // Refused only where this key was punished for as much as one committee can be (J4).
    try? punish(OffenceKey(committee: committee.number, offender: key, kind: .farPrices, place: round))
  }
}
