// Opening sub-accounts, and who commands which account.

import Ledger
public import Primitives

extension ClearingHouse {
  /// The number of the account whose key commands this one: itself, or a sub-account's owner.
  func owner(_ account: Int32) -> Int32 {
    let owner = live.accounts[Int(account)].owner
    return owner < 0 ? account : owner
  }

  /// U4: whether two accounts obey the same key.
  func isSameOwner(_ a: Int32, _ b: Int32) -> Bool { a == b || owner(a) == owner(b) }

  /// The key that commands an account by itself, as its main account.
  func ownerID(of id: AccountID) -> AccountID { tables.subAccounts[AccountKey(id)]?.owner ?? id }

  /// U2: by which account nonces and client ids of a transaction count: the owner's own commands by the owner, those of
  /// delegated keys by the account that they are for.
  func numbering(_ transaction: Transaction, account: Int32) -> Int32 {
    let owner = owner(account)
    return live.accounts[Int(owner)].id == AccountID(transaction.signer) ? owner : account
  }

  /// U1: opens a sub-account. Money that came before, to nobody's account, is in it.
  mutating func openSubAccount(_ number: SubAccountNumber, account: Int32) throws(Rejection) {
    guard live.accounts[Int(account)].owner < 0 else { throw Rejection(.notAuthorized) }
    guard number > 0, number <= Limits.maxSubAccounts else { throw Rejection(.badTerms) }
    let owner = live.accounts[Int(account)].id
    let id = AccountID(subAccount: number, of: owner)
    guard !tables.subAccounts.contains(AccountKey(id)) else { throw Rejection(.alreadyOpen) }
    guard !SystemAccount.isReserved(id) else { throw Rejection(.badTerms) }
    guard accountNumber(id) != nil || Int(totals.nextAccount) < Limits.maxAccounts else {
      throw Rejection(.limitReached)
    }
    let place = accountNumber(id) ?? openAccount(id)
    tables.subAccounts.put(SubAccountRecord(owner: owner, number: number), for: AccountKey(id))
    live.accounts[Int(place)].owner = account
    live.undo.append(.owned(account: place))
    emit(.subAccountOpened(owner: owner, number: number, account: id))
  }

  /// The owners, from their records.
  mutating func indexOwners() {
    var found: [(AccountID, AccountID)] = []
    tables.subAccounts.forEach { key, _, record in found.append((key.id, record.owner)) }
    for (id, owner) in found {
      guard let account = accountNumber(id), let number = accountNumber(owner) else { continue }
      live.accounts[Int(account)].owner = number
    }
  }

  /// Which sub-account of whom this is; nil for a main account.
  public func subAccount(_ id: AccountID) -> SubAccountRecord? { tables.subAccounts[AccountKey(id)] }

  /// The numbers of an owner's sub-accounts, ascending.
  public func subAccounts(of owner: AccountID) -> [SubAccountNumber] {
    (1...Limits.maxSubAccounts).filter {
      tables.subAccounts.contains(AccountKey(AccountID(subAccount: $0, of: owner)))
    }
  }

  /// INV-23: a sub-account has the identifier of its owner and number, its owner is a main account, and who may command
  /// what is known as it is stored.
  func checkOwners() -> [Violation] {
    var found: [Violation] = []
    tables.subAccounts.forEach { key, _, record in
      guard let account = accountNumber(key.id), let owner = accountNumber(record.owner) else {
        return found.append(Violation(invariant: 23, detail: "sub-account \(key.id) of nobody"))
      }
      if key.id != AccountID(subAccount: record.number, of: record.owner) {
        found.append(Violation(invariant: 23, detail: "\(key.id) is not number \(record.number) of \(record.owner)"))
      }
      if tables.subAccounts.contains(AccountKey(record.owner)) || live.accounts[Int(account)].owner != owner {
        found.append(Violation(invariant: 23, detail: "the owner of \(key.id) is not \(owner)"))
      }
    }
    for (number, account) in live.accounts.enumerated() where account.owner >= 0 {
      if accountNumber(account.id) == Int32(truncatingIfNeeded: number), subAccount(account.id) == nil {
        found.append(Violation(invariant: 23, detail: "\(account.id) has an owner and is no sub-account"))
      }
    }
    return found
  }
}
