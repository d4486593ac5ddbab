// Collateral of validators, apart from the money that they trade with (rules G1 to G5).
//
// G1  A bond is posted from the main account of the validator's identity key, out of money that its margin does not need.
// G2  Bonds lie in an account of the house that holds nothing else. They carry no margin and earn nothing.
// G3  A bond is locked while its key is a validator's, while a decided change makes it one, and until the evidence window
//     after the last committee that it was in is over: as long as there can be evidence against it.
// G4  What is slashed goes to the insurance fund, and never more than there is.
// G5  A bond is its key's: whoever replaces its key posts one for the new key.

public import Ledger
public import Primitives
public import Wire

/// The collateral of one key.
public struct BondRecord: TableRecord, Hashable {
  /// More than 0.
  public var amount: Amount

  init(amount: Amount) { self.amount = amount }
  public func encode(to writer: inout WireWriter) { writer.write(amount) }
  public init(from reader: inout WireReader) throws(WireError) { amount = try reader.read() }
}

extension AccountID {
  /// G2. Opened by the first bond, so that it takes no number from the accounts of a ledger that has none.
  public static var bonds: AccountID { AccountID(words: (0, 0, 0, 9)) }
}

/// The last committee that each key was in; derived from the committees.
struct Seats: Sendable {
  private(set) var through: Epoch?
  private var numbers: [PublicKey: Epoch] = [:]

  mutating func note(_ number: Epoch, _ keys: [PublicKey]) {
    for key in keys { numbers[key] = number }
    through = number
  }

  func last(of key: PublicKey) -> Epoch? { numbers[key] }
}

extension ClearingHouse {
  /// G1
  mutating func postBond(_ amount: Amount, signer: PublicKey, account: Int32) throws(Rejection) {
    let id = live.accounts[Int(account)].id
    guard id == AccountID(signer) else { throw Rejection(.notAuthorized) }
    try requireFree(amount, account)
    if let bonds = accountNumber(.bonds), !hasRoom(bonds) { throw Rejection(.badAmount) }
    guard let total = (tables.bonds[AccountKey(id)]?.amount ?? 0).adding(amount) else { throw Rejection(.badAmount) }
    guard accountNumber(.bonds) != nil || Int(totals.nextAccount) < Limits.maxAccounts else {
      throw Rejection(.limitReached)
    }
    let bonds = accountNumber(.bonds) ?? openAccount(.bonds)
    move(amount, from: account, to: bonds)
    tables.bonds.put(BondRecord(amount: total), for: AccountKey(id))
    emit(.bond(account: id, change: amount, amount: total))
  }

  /// G3
  mutating func releaseBond(_ amount: Amount, signer: PublicKey, account: Int32) throws(Rejection) {
    let id = live.accounts[Int(account)].id
    guard id == AccountID(signer) else { throw Rejection(.notAuthorized) }
    guard let record = tables.bonds[AccountKey(id)], let bonds = accountNumber(.bonds), amount > 0,
      amount <= record.amount, hasRoom(account)
    else { throw Rejection(.badAmount) }
    guard !isBondLocked(of: signer) else { throw Rejection(.bondLocked) }
    move(amount, from: bonds, to: account)
    setBond(record.amount - amount, of: id)
    emit(.bond(account: id, change: -amount, amount: record.amount - amount))
  }

  /// G4: what was taken.
  mutating func slash(_ key: PublicKey, _ partsPerMillion: Int64) -> Amount {
    let id = AccountID(key)
    guard partsPerMillion > 0, let record = tables.bonds[AccountKey(id)], let bonds = accountNumber(.bonds),
      hasRoom(number(of: .insurance))
    else { return 0 }
    let part = (Int128(record.amount) * Int128(partsPerMillion) + 999_999) / 1_000_000
    let taken = min(record.amount, Int64(clamping: part))
    move(taken, from: bonds, to: SystemAccount.insurance)
    setBond(record.amount - taken, of: id)
    return taken
  }

  private mutating func setBond(_ amount: Amount, of id: AccountID) {
    if amount > 0 {
      tables.bonds.put(BondRecord(amount: amount), for: AccountKey(id))
    } else {
      tables.bonds.remove(AccountKey(id))
    }
  }

  /// G3
  func isBondLocked(of key: PublicKey) -> Bool {
    if committee.place(of: key) != nil { return true }
    if changes.contains(where: { $0.record.approvedAt != nil && $0.record.change.newKey == key }) { return true }
    return seats.last(of: key).map(isAccountable) ?? false
  }

  /// J4: evidence about this committee still counts.
  func isAccountable(_ number: Epoch) -> Bool {
    if number >= committee.number { return number == committee.number }
    guard let next = tables.committees[CommitteeKey(number + 1)] else { return false }
    return totals.height <= next.since.saturatingAdding(Limits.evidenceWindow)
  }

  /// After the committee may have changed.
  mutating func noteSeats() {
    let next = seats.through.map { $0 + 1 } ?? 0
    guard next <= committee.number else { return }
    for number in next...committee.number {
      seats.note(number, tables.committees[CommitteeKey(number)]?.keys ?? [])
    }
  }

  /// INV-23: the account of the bonds holds exactly what was posted and not taken or released.
  func checkBonds() -> [Violation] {
    var found: [Violation] = []
    var sum: Int128 = 0
    tables.bonds.forEach { key, _, record in
      sum += Int128(record.amount)
      if record.amount <= 0 { found.append(Violation(invariant: 23, detail: "a bond of \(record.amount)")) }
      if !tables.accounts.contains(key) { found.append(Violation(invariant: 23, detail: "a bond of nobody")) }
    }
    let held = Int128(tables.accounts[AccountKey(.bonds)]?.cash ?? 0)
    if held != sum { found.append(Violation(invariant: 23, detail: "\(held) held for bonds of \(sum)")) }
    return found
  }
}
