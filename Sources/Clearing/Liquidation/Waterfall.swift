// The waterfall: who pays a debt that positions left behind, in which order, to the last unit.
//
// Layers: 1 the defaulter's own money (its equity, spent before this begins), 2 its share of the default fund, 3 the
// house's own capital, 4 the insurance fund, 5 the other members' shares, 6 one assessment of the members, 7 the gains of
// those whose positions are torn up against the defaulter's, 8 a cut of everybody's unrealised gains.

import Ledger
import Primitives

extension ClearingHouse {
  /// The account of a flat debtor is brought to zero by whatever layers are left.
  mutating func settleDebt(_ debtor: Int32, _ work: inout LiquidationWork) {
    cover(debtor, through: 6)
    guard cash(debtor) < 0, work.tearUps > 0 else { return }
    work.tearUps -= 1
    cutGains(for: debtor)
  }

  /// L9: layers 2 to 6, in order, pay what the account's equity is below zero.
  mutating func cover(_ debtor: Int32, through last: Int) {
    var need = -min(0, requirement(debtor).equity)
    guard need > 0 else { return }
    let members = self.members()
    take(&need, 2, debtor, members.filter { $0.account == debtor })
    takeFrom(.houseCapital, &need, 3, debtor)
    takeFrom(.insurance, &need, 4, debtor)
    let others = members.filter { $0.account != debtor }
    take(&need, 5, debtor, others)
    if last >= 6, need > 0 { assess(&need, debtor, others) }
  }

  private struct Member {
    var account: Int32
    var share: Amount
  }

  private func members() -> [Member] {
    var members: [Member] = []
    tables.fundShares.forEach { key, _, record in
      if let number = accountNumber(key.id) { members.append(Member(account: number, share: record.amount)) }
    }
    return members.sorted { $0.account < $1.account }
  }

  /// A payment of one layer into the debtor's account.
  private mutating func pay(_ amount: Amount, from source: Int32, layer: UInt8, debtor: Int32) {
    guard amount > 0 else { return }
    move(amount, from: source, to: debtor)
    let key = AccountKey(live.accounts[Int(debtor)].id)
    if layer != 2 { tables.liquidations.update(key) { $0.covered = $0.covered.saturatingAdding(amount) } }
    live.accounts[Int(source)].coveredEpoch = 0
    emit(.waterfall(debtor: key.id, layer: layer, payer: live.accounts[Int(source)].id, amount: amount))
  }

  private mutating func takeFrom(_ fund: SystemAccount, _ need: inout Amount, _ layer: UInt8, _ debtor: Int32) {
    let paid = min(need, max(0, cash(fund)))
    pay(paid, from: number(of: fund), layer: layer, debtor: debtor)
    need -= paid
  }

  /// Shares of the default fund, each in proportion.
  private mutating func take(_ need: inout Amount, _ layer: UInt8, _ debtor: Int32, _ members: [Member]) {
    let parts = Self.split(need, over: members.map(\.share))
    for (member, part) in zip(members, parts) where part > 0 {
      let key = AccountKey(live.accounts[Int(member.account)].id)
      pay(part, from: number(of: .defaultFund), layer: layer, debtor: debtor)
      need -= part
      changeShare(key, by: -part, since: nil)
    }
  }

  /// Layer 6: each member pays once more up to its share, from what it has free.
  private mutating func assess(_ need: inout Amount, _ debtor: Int32, _ members: [Member]) {
    let key = AccountKey(live.accounts[Int(debtor)].id)
    guard tables.liquidations[key]?.assessed == false else { return }
    tables.liquidations.update(key) { $0.assessed = true }
    let limits = members.map { member in
      max(0, min(member.share, requirement(member.account).excess, cash(member.account)))
    }
    for (member, part) in zip(members, Self.split(need, over: limits)) {
      pay(part, from: member.account, layer: 6, debtor: debtor)
      need -= part
    }
  }

  /// `amount`, or as much as there is, in proportion to the weights, none above its own. The parts sum exactly: each is
  /// the difference of two rounded sums, so none is a unit off its due.
  static func split(_ amount: Amount, over weights: [Amount]) -> [Amount] {
    let total = weights.reduce(Int128(0)) { $0 + Int128(max(0, $1)) }
    guard total > 0, amount > 0 else { return weights.map { _ in 0 } }
    let wanted = min(Int128(amount), total)
    var sum: Int128 = 0
    var given: Int128 = 0
    return weights.map { weight in
      sum += Int128(max(0, weight))
      let due = product(wanted, sum, over: total)
      defer { given = due }
      return Int64(clamping: due - given)
    }
  }

  /// a x b / c, rounded down, for 0 <= a, b <= c without overflow: the factors can each be near 2^96.
  private static func product(_ a: Int128, _ b: Int128, over c: Int128) -> Int128 {
    if a == c { return b }
    let wide = UInt128(a).multipliedFullWidth(by: UInt128(b))
    return Int128(UInt128(c).dividingFullWidth(wide).quotient)
  }

  // MARK: Members

  /// Puts money into the default fund, or takes it out (`amount` below zero) after the notice and while nobody is in
  /// liquidation.
  mutating func changeFund(_ amount: Amount, account: Int32) throws(Rejection) {
    guard genesis.liquidation.isOn else { throw Rejection(.fundLocked) }
    let key = AccountKey(live.accounts[Int(account)].id)
    guard amount < 0 else {
      try requireFree(amount, account)
      guard hasRoom(number(of: .defaultFund)) else { throw Rejection(.badAmount) }
      guard tables.fundShares.contains(key) || tables.fundShares.count < Limits.maxFundMembers else {
        throw Rejection(.limitReached)
      }
      move(amount, from: account, to: SystemAccount.defaultFund)
      return changeShare(key, by: amount, since: totals.timestamp)
    }
    guard let share = tables.fundShares[key], amount >= -Limits.maxTransfer, share.amount >= -amount,
      hasRoom(account)
    else { throw Rejection(.badAmount) }
    guard totals.timestamp - share.since >= genesis.liquidation.fundNotice, tables.liquidations.count == 0 else {
      throw Rejection(.fundLocked)
    }
    move(-amount, from: SystemAccount.defaultFund, to: account)
    changeShare(key, by: amount, since: nil)
  }

  private mutating func changeShare(_ key: AccountKey, by amount: Amount, since: Timestamp?) {
    let before = tables.fundShares[key]
    let after = (before?.amount ?? 0) &+ amount
    if after > 0 {
      let record = FundShareRecord(amount: after, since: since ?? before?.since ?? totals.timestamp)
      tables.fundShares.put(record, for: key)
    } else {
      tables.fundShares.remove(key)
    }
    emit(.fundShare(account: key.id, amount: max(0, after)))
  }

  // MARK: Claims

  /// What the house owes for gains it cut has to be paid before the insurance fund keeps anything.
  mutating func payClaims() {
    for _ in 0..<Limits.maxClaimsPaid {
      let fund = cash(.insurance)
      guard fund > 0, totals.oldestClaim < totals.nextClaim else { return }
      let key = ClaimKey(totals.oldestClaim)
      guard let claim = tables.claims[key], let account = accountNumber(claim.account), hasRoom(account) else {
        totals.oldestClaim &+= 1
        continue
      }
      let paid = min(fund, claim.amount)
      move(paid, from: SystemAccount.insurance, to: account)
      totals.claims &-= paid
      emit(.claimPaid(account: claim.account, amount: paid))
      guard paid == claim.amount else {
        tables.claims.update(key) { $0.amount &-= paid }
        return
      }
      tables.claims.remove(key)
      totals.oldestClaim &+= 1
    }
  }
}
