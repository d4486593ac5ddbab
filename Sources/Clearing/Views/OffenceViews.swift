// What the API may ask about bonds and offences.

import Ledger
public import Primitives

/// What stands for a validator, and against it.
public struct StandingView: Hashable, Sendable {
  public var bond: Amount
  /// G3
  public var isBondLocked: Bool
  public var isJailed: Bool
  /// The last block in which it is barred; nil: not at all, or for ever.
  public var jailedThrough: Height?
  /// Remembered ones, with lane forks.
  public var offences: Int
}

extension ClearingHouse {
  /// Of any key, whether a validator's or not.
  public func standing(of key: PublicKey) -> StandingView {
    StandingView(
      bond: tables.bonds[AccountKey(AccountID(key))]?.amount ?? 0, isBondLocked: isBondLocked(of: key),
      isJailed: isJailed(key),
      jailedThrough: isJailed(key) ? tables.offenders[AccountKey(AccountID(key))]?.jailedThrough : nil,
      offences: offences.count { $0.key.offender == key })
  }

  /// Nil where it was not punished, or is forgotten (J4).
  public func offence(_ key: OffenceKey) -> OffenceRecord? { tables.offences[key] }

  /// Those that are remembered, by committee and key.
  public var offences: [(key: OffenceKey, record: OffenceRecord)] {
    tables.offences.sortedKeys().compactMap { key in tables.offences[key].map { (key, $0) } }
  }

  /// Everything that is posted.
  public var bonded: Amount { tables.accounts[AccountKey(.bonds)]?.cash ?? 0 }
}
