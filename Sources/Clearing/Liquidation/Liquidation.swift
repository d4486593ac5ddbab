// Liquidation (S0-S9): who is in it, when the house may act, and which stage it is at.
//
// The house acts at the beginning of a block, on the prices that the block before ended with: they stand in a certified
// state, so everybody can check the decision afterwards. Work in one block is bounded by `Limits.maxLiquidation...`.

import Ledger
import Primitives

/// What liquidation may still do in the open block.
struct LiquidationWork {
  var turns = Limits.maxLiquidationTurns
  var cancels = Limits.maxLiquidationCancels
  var tearUps = Limits.maxTearUps
}

extension ClearingHouse {
  static let million: Int128 = 1_000_000

  /// L1: below the maintenance margin in two rounds, or far below in one, an account is liquidated.
  mutating func review(_ number: Int32, _ state: Requirement) {
    guard genesis.liquidation.isOn else { return }
    let key = AccountKey(live.accounts[Int(number)].id)
    let now = round(at: totals.timestamp)
    let record = tables.liquidations[key]
    guard state.equity < state.maintenance else {
      if record?.stage == .warned { tables.liquidations.remove(key) }
      return
    }
    let certain = isBelow(state, genesis.liquidation.certainBelow)
    guard let record else {
      var record = LiquidationRecord(found: now)
      if certain { record.stage = .book }
      tables.liquidations.put(record, for: key)
      return
    }
    guard record.stage == .warned, certain || now > record.found else { return }
    tables.liquidations.update(key) { $0.stage = .book }
  }

  func isBelow(_ state: Requirement, _ share: Int64) -> Bool {
    Int128(state.equity) * Self.million < Int128(state.maintenance) * Int128(share)
  }

  func isCured(_ state: Requirement) -> Bool { state.equity >= 0 && !isBelow(state, genesis.liquidation.buffer) }

  /// One turn for each account in liquidation whose prices are fresh, those that waited longest first.
  mutating func liquidate() {
    drawn = 0
    bids = Limits.maxBids
    guard genesis.liquidation.isOn else { return }
    payClaims()
    guard tables.liquidations.count > 0 else { return }
    actor = nil
    outcome = TransactionOutcome(hash: .zero, input: 0)
    let now = round(at: totals.timestamp)
    var work = LiquidationWork()
    for account in due(now) where work.turns > 0 { turn(account, now, &work) }
    live.undo.removeAll(keepingCapacity: true)
    outcome = TransactionOutcome(hash: .zero, input: 0)
  }

  private func due(_ now: Round) -> [Int32] {
    var waiting: [(acted: Round, account: Int32)] = []
    tables.liquidations.forEach { key, _, record in
      guard record.stage != .warned, record.acted < now, let number = accountNumber(key.id) else { return }
      waiting.append((record.acted, number))
    }
    waiting.sort { $0 < $1 }
    return waiting.map(\.account)
  }

  /// L2: at most 3 s old, and not within the grace after an outage.
  func isFresh(_ account: Int32) -> Bool {
    for place in live.accounts[Int(account)].holdings where live.holdings[Int(place)].quantity != 0 {
      let id = live.instruments[Int(live.holdings[Int(place)].instrument)].id
      guard let age = priceAge(id), age <= Limits.freshFor else { return false }
      if let grace = tables.graces[FeedKey(id.underlying)], grace.until > totals.timestamp { return false }
    }
    return true
  }

  func holdsNothing(_ account: Int32) -> Bool {
    !live.accounts[Int(account)].holdings.contains { live.holdings[Int($0)].quantity != 0 }
  }

  private mutating func turn(_ account: Int32, _ now: Round, _ work: inout LiquidationWork) {
    let key = AccountKey(live.accounts[Int(account)].id)
    guard let record = tables.liquidations[key], isFresh(account), strip(account, &work) else { return }
    work.turns -= 1
    let state = requirement(account)
    guard !isCured(state) else { return end(account, key, state) }
    let stage = stage(record, state, flat: holdsNothing(account))
    tables.liquidations.update(key) {
      $0.stage = stage
      $0.acted = now
      if state.equity < 0 { $0.insolventTurns &+= 1 } else { $0.turns &+= 1 }
    }
    if record.turns == 0, record.insolventTurns == 0 { totals.liquidations &+= 1 }
    emit(.liquidation(evidence(account, stage, state)))
    act(account, stage, state, &work)
    let after = requirement(account)
    if isCured(after) { end(account, key, after) }
  }

  private func stage(_ record: LiquidationRecord, _ state: Requirement, flat: Bool) -> LiquidationStage {
    let rules = genesis.liquidation
    if flat { return .debt }
    if state.equity < 0 { return Int64(record.insolventTurns) >= rules.lastTurns ? .tearUp : .insolvent }
    let turns = Int64(record.turns)
    if turns >= rules.bookTurns + rules.auctionTurns + rules.lastTurns { return .tearUp }
    if turns >= rules.bookTurns + rules.auctionTurns || isBelow(state, rules.backstopBelow) { return .backstop }
    return turns >= rules.bookTurns || isBelow(state, rules.auctionBelow) ? .auction : .book
  }

  private mutating func act(
    _ account: Int32, _ stage: LiquidationStage, _ state: Requirement, _ work: inout LiquidationWork
  ) {
    switch stage {
    case .warned: break
    case .book, .auction: tradeSlices(account)
    case .backstop, .insolvent:
      tradeSlices(account)
      callBackstop(account)
    case .tearUp: tearUp(account, &work)
    case .debt: break
    }
    if holdsNothing(account), cash(account) < 0 { settleDebt(account, &work) }
  }

  /// S2: open orders go first. False if the block has no room left for as many.
  private mutating func strip(_ account: Int32, _ work: inout LiquidationWork) -> Bool {
    let orders = openOrders(account) { _ in true }.sorted()
    let triggers = triggers(of: account) { _ in true }
    guard orders.count + triggers.count <= work.cancels else { return false }
    work.cancels -= orders.count + triggers.count
    for id in orders {
      if let record = tables.orders[OrderKey(id)] { cancelOrder(id, record, .liquidation) }
    }
    cancelTriggers(triggers, .liquidation)
    return true
  }

  /// What the waterfall paid comes back as far as there is equity above the buffer.
  private mutating func end(_ account: Int32, _ key: AccountKey, _ state: Requirement) {
    let spare = Int128(state.equity) - Int128(state.maintenance) * Int128(genesis.liquidation.buffer) / Self.million
    if let record = tables.liquidations[key], record.covered > 0 {
      let back = min(Int128(record.covered), spare, Int128(max(0, cash(account))))
      if back > 0 { move(Int64(clamping: back), from: account, to: SystemAccount.insurance) }
    }
    live.accounts[Int(account)].coveredEpoch = 0
    tables.liquidations.remove(key)
    emit(.liquidationEnded(account: key.id))
  }

  /// INV-11: the decision with everything that is needed to check it.
  func evidence(_ account: Int32, _ stage: LiquidationStage, _ state: Requirement) -> LiquidationEvent {
    var keys: [FeedKey] = []
    for place in live.accounts[Int(account)].holdings where live.holdings[Int(place)].quantity != 0 {
      let id = live.instruments[Int(live.holdings[Int(place)].instrument)].id
      for key in [FeedKey(id.underlying), FeedKey(id.underlying, id.expiry)] where !keys.contains(key) {
        keys.append(key)
      }
    }
    keys.sort { ($0.underlying, $0.expiry) < ($1.underlying, $1.expiry) }
    let prices = keys.compactMap { key in
      tables.feeds[key].map {
        PriceReference(underlying: key.underlying, expiry: key.expiry, round: $0.round, time: $0.time, price: $0.price)
      }
    }
    let reward = tables.liquidations[AccountKey(live.accounts[Int(account)].id)].map { self.reward($0, state) } ?? 0
    return LiquidationEvent(
      account: live.accounts[Int(account)].id, stage: stage, equity: state.equity, maintenance: state.maintenance,
      reward: reward, height: parent, prices: prices)
  }
}
