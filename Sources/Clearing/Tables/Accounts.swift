// Accounts and the one way in which money moves.

import Ledger
import Primitives

extension ClearingHouse {
  /// The number of an account that exists.
  func accountNumber(_ id: AccountID) -> Int32? {
    guard let number = live.accountNumbers[id], Int(number) < live.accounts.count,
      live.accounts[Int(number)].id == id, tables.accounts.contains(AccountKey(id))
    else { return nil }
    return number
  }

  /// Opens an account; the caller has checked that it does not exist.
  @discardableResult mutating func openAccount(_ id: AccountID) -> Int32 {
    let number = Int32(truncatingIfNeeded: totals.nextAccount)
    totals.nextAccount &+= 1
    let slot = tables.accounts.put(AccountRecord(number: UInt32(number)), for: AccountKey(id))
    let account = LiveAccount(id: id, slot: slot)
    // A number is drawn again after a transaction that opened an account was undone.
    if Int(number) < live.accounts.count {
      live.accounts[Int(number)] = account
      invalidateRisk(number)
    } else {
      live.accounts.append(account)
      for _ in genesis.underlyings { live.cellNumbers.append(-1) }
    }
    live.accountNumbers[id] = number
    emit(.accountOpened(id))
    return number
  }

  func cash(_ number: Int32) -> Amount { tables.accounts.read(slot: live.accounts[Int(number)].slot) { $0.cash } }
  func cash(_ account: SystemAccount) -> Amount { tables.accounts[AccountKey(account.id)]?.cash ?? 0 }

  /// INV-3: money moves only here, always out of one account and into another, so every posting sums to zero. The caller
  /// has made sure that both balances stay within `Limits.maxCash` (`hasRoom`).
  mutating func move(_ amount: Amount, from: Int32, to: Int32) {
    guard amount != 0, from != to else { return }
    let (a, b) = (live.accounts[Int(from)].slot, live.accounts[Int(to)].slot)
    tables.accounts.update(slot: a) { $0.cash &-= amount }
    tables.accounts.update(slot: b) { $0.cash &+= amount }
  }

  mutating func move(_ amount: Amount, from: SystemAccount, to: Int32) {
    move(amount, from: number(of: from), to: to)
  }

  mutating func move(_ amount: Amount, from: Int32, to: SystemAccount) {
    move(amount, from: from, to: number(of: to))
  }

  /// Accounts of the house are opened first, in the order of their numbers.
  func number(of account: SystemAccount) -> Int32 { Int32(truncatingIfNeeded: account.rawValue) - 1 }

  /// Whether a balance is so far from the limit that any one fill leaves it within: a fill moves at most 1e17 of premium
  /// and realises at most 2e18 of a future.
  func hasRoom(_ number: Int32) -> Bool { cash(number).magnitude <= UInt64(Limits.maxCash / 4) }

  /// Withdrawals and transfers: free cash that the initial margin does not need, on a fresh price (INV-17).
  func checkFree(_ number: Int32, _ amount: Amount) throws(Rejection) {
    guard amount > 0, amount <= Limits.maxTransfer, amount <= cash(number) else { throw Rejection(.badAmount) }
  }
}
