// Margin calls: after new prices every account with positions is looked at. Below the maintenance margin an account
// may only reduce (S1 and the count); liquidation, stages S2 to S9, is not part of this engine yet.

import Ledger
import Primitives

extension ClearingHouse {
  mutating func checkMargins() {
    for number in live.accounts.indices where !live.accounts[number].holdings.isEmpty || isCalled(number) {
      checkMargin(Int32(truncatingIfNeeded: number))
    }
  }

  private func isCalled(_ number: Int) -> Bool {
    // A number whose account was undone has no record.
    guard tables.accounts.isLive(slot: live.accounts[number].slot) else { return false }
    return tables.accounts.read(slot: live.accounts[number].slot) { $0.marginCall }
  }

  private mutating func checkMargin(_ number: Int32) {
    let called = isCalled(Int(number))
    let requirement = requirement(number)
    let account = live.accounts[Int(number)]
    if !called, requirement.equity < requirement.maintenance {
      tables.accounts.update(slot: account.slot) { $0.marginCall = true }
      totals.marginCalls &+= 1
      emit(.marginCall(account: account.id, equity: requirement.equity, maintenance: requirement.maintenance))
    } else if called, requirement.excess >= 0 {
      tables.accounts.update(slot: account.slot) { $0.marginCall = false }
      emit(.marginRestored(account: account.id))
    }
  }
}
