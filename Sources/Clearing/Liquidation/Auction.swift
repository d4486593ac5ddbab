// S4 and S5: positions change hands whole, at the mark, for a reward: by bids, and by the accounts of the backstop.

import Ledger
import Primitives

extension ClearingHouse {
  /// L6: what taking all positions pays now. With equity left a share of the maintenance margin that grows with the
  /// turns, never more than the equity; without, the insurance fund's offer, from nothing to the margin.
  func reward(_ record: LiquidationRecord, _ state: Requirement) -> Amount {
    let rules = genesis.liquidation
    let margin = Int128(max(0, state.maintenance))
    if state.equity < 0 {
      let turn = min(Int128(record.insolventTurns), Int128(rules.lastTurns))
      return Int64(clamping: margin * turn / Int128(rules.lastTurns))
    }
    let turn = min(max(0, Int128(record.turns) - Int128(rules.bookTurns)), Int128(rules.auctionTurns))
    let rise = Int128(rules.discountEnd - rules.discountStart) * turn / Int128(rules.auctionTurns)
    return Int64(clamping: min(Int128(state.equity), margin * (Int128(rules.discountStart) + rise) / Self.million))
  }

  /// The share of the positions, in parts per million, whose sale cures the account: all of them if it has no equity.
  func curingShare(_ state: Requirement, reward: Amount) -> Int64 {
    guard state.equity >= 0 else { return 1_000_000 }
    let goal = Int128(state.maintenance) * Int128(genesis.liquidation.buffer) / Self.million
    let (missing, gained) = (goal - Int128(state.equity), goal - Int128(reward))
    guard gained > 0 else { return 1_000_000 }
    return Int64(clamping: min(Self.million, max(1, (missing * Self.million + gained - 1) / gained)))
  }

  /// L7: a bid takes its share at once if the bidder's margin carries it.
  mutating func bid(_ bid: LiquidationBid, account: Int32) throws(Rejection) {
    guard genesis.liquidation.isOn, let debtor = accountNumber(bid.account), debtor != account,
      let record = tables.liquidations[AccountKey(bid.account)],
      record.stage.rawValue >= LiquidationStage.auction.rawValue, !holdsNothing(debtor)
    else { throw Rejection(.notInLiquidation) }
    guard bid.share > 0, bid.share <= 1_000_000 else { throw Rejection(.badQuantity) }
    guard isFresh(debtor), isFresh(account) else { throw Rejection(.stalePrice) }
    let state = requirement(debtor)
    guard !isCured(state) else { throw Rejection(.notInLiquidation) }
    let whole = reward(record, state)
    let share = min(bid.share, curingShare(state, reward: whole))
    let paid = Int64(clamping: Int128(whole) * Int128(share) / Self.million)
    guard paid >= bid.leastReward else { throw Rejection(.badPrice) }
    try checkBidder(account, state, share)
    guard bids > 0 else { throw Rejection(.limitReached) }
    bids -= 1
    let point = savepoint()
    let before = drawn
    guard takeOver(from: debtor, to: account, share: share, paid: paid) else {
      restore(point)
      drawn = before
      live.accounts[Int(debtor)].coveredEpoch = 0
      throw Rejection(.insufficientMargin)
    }
  }

  /// A bidder has the maintenance margin of what it takes free beforehand.
  private mutating func checkBidder(_ account: Int32, _ state: Requirement, _ share: Int64) throws(Rejection) {
    let slot = live.accounts[Int(account)].slot
    guard !tables.accounts.read(slot: slot, { $0.marginCall }) else { throw Rejection(.marginCall) }
    let needed = Int128(max(0, state.maintenance)) * Int128(share) / Self.million
    guard Int128(requirement(account).excess) >= needed else { throw Rejection(.insufficientMargin) }
  }

  /// Moves a share of every position and pays for it; false if the taker could not carry it: then the caller undoes it.
  private mutating func takeOver(from debtor: Int32, to taker: Int32, share: Int64, paid: Amount) -> Bool {
    let insolvent = requirement(debtor).equity < 0
    for number in tradable(debtor) {
      let held = heldLots(debtor, number)
      let lots = wholeLots((Int128(held.magnitude) * Int128(share) + 999_999) / Self.million, number, held)
      guard live.accounts[Int(taker)].grossLots + lots <= Limits.maxAccountLots,
        live.accounts[Int(taker)].holdings.count < Limits.maxPositionsPerAccount,
        exchange(number, lots: lots, from: debtor, to: taker)
      else { return false }
    }
    pay(paid, to: taker, from: insolvent ? nil : debtor)
    return requirement(taker).excess >= 0
  }

  /// The account itself pays, or the insurance fund within its limit for one block.
  private mutating func pay(_ amount: Amount, to taker: Int32, from debtor: Int32?) {
    if let debtor { return move(amount, from: debtor, to: taker) }
    let fund = cash(.insurance)
    let limit = Int128(fund) * Int128(genesis.liquidation.drawShare) / Self.million
    let paid = min(Int128(amount), max(0, limit - Int128(drawn)), Int128(max(0, fund)))
    guard paid > 0 else { return }
    drawn &+= Int64(clamping: paid)
    move(Int64(clamping: paid), from: SystemAccount.insurance, to: taker)
  }

  /// Instruments whose positions can still change hands, ascending.
  func tradable(_ account: Int32) -> [Int32] {
    var found: [Int32] = []
    for place in live.accounts[Int(account)].holdings where live.holdings[Int(place)].quantity != 0 {
      let number = live.holdings[Int(place)].instrument
      let state = tables.instruments.read(slot: live.instruments[Int(number)].slot) { $0.state }
      guard live.instruments[Int(number)].mark != nil, state.rawValue < InstrumentState.settling.rawValue else {
        continue
      }
      found.append(number)
    }
    return found.sorted { live.instruments[Int($0)].id < live.instruments[Int($1)].id }
  }

  /// `lots` of a position go from one account to another at the mark, without a fee. False if a balance has no room.
  mutating func exchange(_ number: Int32, lots: Quantity, from giver: Int32, to taker: Int32) -> Bool {
    guard lots > 0 else { return true }
    guard hasRoom(giver), hasRoom(taker), hasRoom(self.number(of: .variation)) else { return false }
    let instrument = live.instruments[Int(number)]
    let sign = heldLots(giver, number).signum()
    let mark = instrument.mark ?? 0
    let premium = mark * lots
    if instrument.kind.isOption { move(sign * premium, from: taker, to: giver) }
    let interest =
      changePosition(giver, number, lots: -sign * lots, premium: premium, instrument.kind)
      + changePosition(taker, number, lots: sign * lots, premium: premium, instrument.kind)
    tables.instruments.update(slot: instrument.slot) { $0.openInterest &+= interest }
    live.accounts[Int(giver)].coveredEpoch = 0
    live.accounts[Int(taker)].coveredEpoch = 0
    emit(
      .positionMoved(
        from: live.accounts[Int(giver)].id, to: live.accounts[Int(taker)].id, instrument: instrument.id,
        quantity: sign * lots, price: mark * Limits.pricePerLot))
    return true
  }

  // MARK: Backstop

  /// An account offers to take over positions in liquidation; a limit of zero ends the offer.
  mutating func setBackstop(_ limit: Amount, account: Int32) throws(Rejection) {
    guard limit >= 0, limit <= Limits.maxTransfer else { throw Rejection(.badAmount) }
    let key = AccountKey(live.accounts[Int(account)].id)
    guard limit > 0 else {
      tables.backstops.remove(key)
      return
    }
    guard tables.backstops.contains(key) || tables.backstops.count < Limits.maxBackstops else {
      throw Rejection(.limitReached)
    }
    tables.backstops.put(BackstopRecord(limit: limit), for: key)
  }

  /// L8: each provider takes in proportion to what it can, for the highest reward.
  mutating func callBackstop(_ debtor: Int32) {
    let state = requirement(debtor)
    guard !isCured(state), state.maintenance > 0, !tradable(debtor).isEmpty else { return }
    let providers = self.providers(but: debtor)
    let offered = providers.reduce(Int128(0)) { $0 + Int128($1.capacity) }
    guard offered > 0 else { return }
    let rules = genesis.liquidation
    let most = min(Int128(state.equity), Int128(state.maintenance) * Int128(rules.discountEnd) / Self.million)
    let reward = state.equity < 0 ? state.maintenance : Int64(clamping: most)
    let wanted = Int128(state.maintenance) * Int128(curingShare(state, reward: reward)) / Self.million
    for provider in providers {
      let mine = offered > wanted ? wanted * Int128(provider.capacity) / offered : Int128(provider.capacity)
      let now = requirement(debtor)
      guard now.maintenance > 0, !isCured(now) else { return }
      let share = Int64(clamping: min(Self.million, mine * Self.million / Int128(now.maintenance) + 1))
      let paid = Int64(clamping: Int128(reward) * mine / Int128(state.maintenance))
      let point = savepoint()
      let before = drawn
      actor = provider.account
      if !takeOver(from: debtor, to: provider.account, share: share, paid: paid) {
        restore(point)
        drawn = before
      }
      actor = nil
    }
  }

  private mutating func providers(but debtor: Int32) -> [(account: Int32, capacity: Amount)] {
    var limits: [(account: Int32, limit: Amount)] = []
    tables.backstops.forEach { key, _, record in
      if let number = accountNumber(key.id), number != debtor { limits.append((number, record.limit)) }
    }
    limits.sort { $0.account < $1.account }
    var found: [(account: Int32, capacity: Amount)] = []
    for (account, limit) in limits where isFresh(account) {
      let state = requirement(account)
      let called = tables.accounts.read(slot: live.accounts[Int(account)].slot) { $0.marginCall }
      let share = Int128(state.equity) * Int128(genesis.liquidation.backstopShare) / Self.million
      let capacity = min(Int128(limit), share, Int128(state.excess))
      if !called, capacity > 0 { found.append((account, Int64(clamping: capacity))) }
    }
    return found
  }
}
