// Margin calls: after new prices every account with positions is looked at. Below the maintenance margin an account
// may only reduce (S1), and liquidation begins to watch it.

import Ledger
import Primitives

extension ClearingHouse {
  mutating func checkMargins() {
    for number in live.accounts.indices
    where !live.accounts[number].holdings.isEmpty || isCalled(number) || isDebtor(number) {
      checkMargin(Int32(truncatingIfNeeded: number))
    }
  }

  private func isCalled(_ number: Int) -> Bool {
    // A number whose account was undone has no record.
    guard tables.accounts.isLive(slot: live.accounts[number].slot) else { return false }
    return tables.accounts.read(slot: live.accounts[number].slot) { $0.marginCall }
  }

  /// An expiry can leave a debt with an account that holds nothing any more.
  private func isDebtor(_ number: Int) -> Bool {
    guard genesis.liquidation.isOn, number >= SystemAccount.allCases.count,
      tables.accounts.isLive(slot: live.accounts[number].slot)
    else { return false }
    return tables.accounts.read(slot: live.accounts[number].slot) { $0.cash < 0 }
  }

  private mutating func checkMargin(_ number: Int32) {
    let called = isCalled(Int(number))
    let requirement = requirement(number)
    let account = live.accounts[Int(number)]
    let limit = Mutant.has(.marginCallTooEarly) ? requirement.initial : requirement.maintenance
    if !called, requirement.equity < limit {
      tables.accounts.update(slot: account.slot) { $0.marginCall = true }
      totals.marginCalls &+= 1
      emit(.marginCall(account: account.id, equity: requirement.equity, maintenance: requirement.maintenance))
    } else if called, requirement.excess >= 0 {
      tables.accounts.update(slot: account.slot) { $0.marginCall = false }
      emit(.marginRestored(account: account.id))
    }
    review(number, requirement)
  }
}
