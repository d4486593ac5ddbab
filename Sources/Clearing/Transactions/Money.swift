// Deposits, withdrawals and transfers.

import Ledger
import Primitives

extension ClearingHouse {
  /// Money that the custodian received elsewhere. The first deposit opens an account.
  mutating func deposit(_ deposit: Deposit) throws(Rejection) {
    guard deposit.amount > 0, deposit.amount <= Limits.maxTransfer, !SystemAccount.isReserved(deposit.account),
      let total = totals.deposits.adding(deposit.amount), total <= Limits.maxDeposits
    else { throw Rejection(.badAmount) }
    guard !tables.deposits.contains(DepositKey(deposit.reference)) else { throw Rejection(.duplicateReference) }
    if let existing = accountNumber(deposit.account), !hasRoom(existing) { throw Rejection(.badAmount) }
    guard accountNumber(deposit.account) != nil || Int(totals.nextAccount) < Limits.maxAccounts else {
      throw Rejection(.limitReached)
    }
    let account = accountNumber(deposit.account) ?? openAccount(deposit.account)
    let record = DepositRecord(account: deposit.account, amount: deposit.amount, height: totals.height)
    tables.deposits.put(record, for: DepositKey(deposit.reference))
    move(deposit.amount, from: SystemAccount.external, to: account)
    totals.deposits = total
    emit(.deposit(account: deposit.account, amount: deposit.amount, reference: deposit.reference))
  }

  /// INV-17: takes free cash above the initial margin, on fresh prices, and holds it until the custodian answers.
  mutating func withdraw(_ amount: Amount, to destination: [UInt8], account: Int32) throws(Rejection) {
    guard destination.count <= Limits.maxDestination else { throw Rejection(.malformed) }
    try requireFree(amount, account)
    guard tables.withdrawals.count < Limits.maxPendingWithdrawals else { throw Rejection(.limitReached) }
    let number = totals.nextWithdrawal
    totals.nextWithdrawal &+= 1
    let id = live.accounts[Int(account)].id
    let record = WithdrawalRecord(account: id, amount: amount, destination: destination, height: totals.height)
    tables.withdrawals.put(record, for: WithdrawalKey(number))
    move(amount, from: account, to: Mutant.has(.withdrawalNotSetAside) ? SystemAccount.fees : .withdrawals)
    emit(.withdrawalRequested(number: number, account: id, amount: amount))
  }

  /// The custodian paid (the money is gone) or refuses (it comes back).
  mutating func closeWithdrawal(_ number: UInt64, paid: Bool) throws(Rejection) {
    guard let record = tables.withdrawals[WithdrawalKey(number)], let account = accountNumber(record.account) else {
      throw Rejection(.unknownWithdrawal)
    }
    tables.withdrawals.remove(WithdrawalKey(number))
    if paid {
      move(record.amount, from: self.number(of: .withdrawals), to: SystemAccount.external)
      totals.withdrawals &+= record.amount
    } else {
      move(record.amount, from: SystemAccount.withdrawals, to: account)
    }
    emit(.withdrawalClosed(number: number, account: record.account, amount: record.amount, paid: paid))
  }

  mutating func transfer(_ amount: Amount, to: AccountID, account: Int32) throws(Rejection) {
    try requireFree(amount, account)
    guard !SystemAccount.isReserved(to), let receiver = accountNumber(to), receiver != account else {
      throw Rejection(.unknownAccount)
    }
    guard hasRoom(receiver) else { throw Rejection(.badAmount) }
    move(amount, from: account, to: receiver)
    emit(.transfer(from: live.accounts[Int(account)].id, to: to, amount: amount))
  }

  mutating func requireFree(_ amount: Amount, _ account: Int32) throws(Rejection) {
    try checkFree(account, amount)
    for place in live.accounts[Int(account)].holdings {
      let id = live.instruments[Int(live.holdings[Int(place)].instrument)].id
      guard let age = priceAge(id), age <= Limits.freshFor else { throw Rejection(.stalePrice) }
    }
    guard requirement(account).excess >= amount else { throw Rejection(.insufficientMargin) }
  }
}
