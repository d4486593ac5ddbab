// What owners of several accounts ask for.

import Clearing
import Primitives

extension Generator {
  /// The main account, or one of the sub-accounts.
  mutating func ownAccount(of signer: PublicKey, _ model: Model) -> AccountID {
    let main = AccountID(signer)
    guard chance(350) else { return main }
    let mine = model.state.subAccounts.filter { $0.value.owner == main }.keys.sorted()
    return mine.isEmpty ? main : pick(mine)
  }

  /// What the account holds, or nearly so: to another one of the owner's, to who has accepted it, or to anybody.
  mutating func transferPositions(of signer: PublicKey, _ account: AccountID, _ model: Model) -> Action {
    let accepted = model.state.acceptances.filter { $0.value[account] != nil }.keys.sorted()
    if let receiver = accepted.first, let terms = model.state.acceptances[receiver]?[account], !chance(200) {
      var transfer = terms.transfer
      transfer.account = receiver
      if chance(50) { transfer.cash += 1 }
      return .transferPositions(transfer)
    }
    var to = ownAccount(of: signer, model)
    if to == account { to = AccountID(signer) }
    if chance(100) { to = AccountID(pick(cast.traders)) }
    return .transferPositions(PositionTransfer(account: to, positions: held(account, model), cash: cash()))
  }

  /// Positions of another trader's main account, to come soon.
  mutating func acceptPositions(by account: AccountID, _ model: Model) -> Action {
    let giver = AccountID(pick(cast.traders))
    let positions = chance(100) ? [] : held(giver, model)
    let until = perhaps(time + between(-1, 60) * Model.second)
    return .acceptPositions(
      Acceptance(transfer: PositionTransfer(account: giver, positions: positions, cash: cash()), until: until))
  }

  private mutating func cash() -> Amount { chance(500) ? 0 : perhaps(between(-2_000, 2_000) * 1_000_000) }

  private mutating func held(_ account: AccountID, _ model: Model) -> [MovedPosition] {
    var found: [MovedPosition] = []
    for (id, position) in (model.state.positions[account] ?? [:]).sorted(by: { $0.key < $1.key }) where !chance(500) {
      let lot = model.state.instruments[id]?.lot ?? 1
      var lots = chance(500) ? position.quantity : position.quantity / lot / 2 * lot
      if chance(50) { lots = perhaps(-lots) }
      found.append(MovedPosition(instrument: id, quantity: lots))
    }
    return chance(30) ? found.reversed() : found
  }
}
