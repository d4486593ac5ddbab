// What must hold after every block, checked from the tables by other ways than the engine's own (section 3.5). For tests
// and audits: it walks everything.

import Ledger
import Primitives

/// A broken invariant: which one, and where.
public struct Violation: Hashable, Sendable {
  /// The number in "INV-n".
  public var invariant: Int
  public var detail: String
}

extension ClearingHouse {
  /// Every broken invariant of the state; none in a state that this engine made. Mutating because it may bring the risk
  /// arrays up to date.
  public mutating func checkInvariants() -> [Violation] {
    checkMoney() + checkPositions() + checkOrders() + checkBooks() + checkRiskArrays() + checkWithdrawals()
      + checkDefaults() + checkTriggers() + checkBonds() + checkOwners()
  }

  /// INV-1: all cash, the outside included, is zero; what is inside is what came in less what went out.
  private func checkMoney() -> [Violation] {
    var sum: Int128 = 0
    var found: [Violation] = []
    tables.accounts.forEach { _, _, record in sum += Int128(record.cash) }
    if sum != 0 { found.append(Violation(invariant: 1, detail: "all cash sums to \(sum)")) }
    let inside = -Int128(cash(.external))
    let expected = Int128(totals.deposits) - Int128(totals.withdrawals)
    if inside != expected { found.append(Violation(invariant: 1, detail: "\(inside) inside, \(expected) came in")) }
    var entries: Int128 = 0
    tables.positions.forEach { key, _, record in
      if key.instrument.kind == .future { entries += Int128(record.entry) }
    }
    if Int128(cash(.variation)) != -entries {
      found.append(Violation(invariant: 3, detail: "variation \(cash(.variation)) against entries \(entries)"))
    }
    return found
  }

  /// INV-2: positions of an instrument sum to zero, longs are the open interest.
  private func checkPositions() -> [Violation] {
    var sums: [InstrumentID: (net: Int128, long: Int128)] = [:]
    var found: [Violation] = []
    tables.positions.forEach { key, _, record in
      sums[key.instrument, default: (0, 0)].net += Int128(record.quantity)
      sums[key.instrument, default: (0, 0)].long += Int128(max(0, record.quantity))
      if record.quantity == 0 { found.append(Violation(invariant: 2, detail: "an empty position is kept")) }
      if !tables.instruments.contains(key.instrument) {
        found.append(Violation(invariant: 16, detail: "a position in no instrument"))
      }
    }
    tables.instruments.forEach { id, _, record in
      let sum = sums[id] ?? (0, 0)
      if sum.net != 0 { found.append(Violation(invariant: 2, detail: "\(id.raw) nets to \(sum.net)")) }
      if sum.long != Int128(record.openInterest) {
        found.append(Violation(invariant: 2, detail: "\(id.raw) long \(sum.long), interest \(record.openInterest)"))
      }
      if record.state == .settled, sum.long != 0 {
        found.append(Violation(invariant: 16, detail: "\(id.raw) is settled and held"))
      }
    }
    return found
  }

  /// INV-6, INV-7: an open order has something left, stands on tick and lot, and rests where orders may rest.
  private func checkOrders() -> [Violation] {
    var found: [Violation] = []
    tables.orders.forEach { key, _, record in
      guard let instrument = tables.instruments[record.instrument], tables.accounts.contains(AccountKey(record.account))
      else { return found.append(Violation(invariant: 6, detail: "order \(key.id) of nobody or nothing")) }
      if record.remaining <= 0 || record.remaining > record.quantity {
        found.append(Violation(invariant: 6, detail: "order \(key.id) has \(record.remaining) left"))
      }
      if !record.price.isMultiple(of: instrument.tick) || record.price <= 0 && !record.instrument.isCombo {
        found.append(Violation(invariant: 7, detail: "order \(key.id) is off the tick"))
      }
      if instrument.state.hasExpired || record.goodTill <= totals.timestamp
        || record.auctionOnly && !instrument.state.mayCross
      {
        found.append(Violation(invariant: 6, detail: "order \(key.id) outlived its end"))
      }
    }
    return found + checkAuctions()
  }

  /// INV-19: an auction ends, so nothing stays crossed for ever.
  private func checkAuctions() -> [Violation] {
    var found: [Violation] = []
    tables.instruments.forEach { id, _, record in
      if record.state == .auction, !tables.auctions.contains(id) {
        found.append(Violation(invariant: 19, detail: "the auction of \(id.raw) has no end"))
      }
    }
    tables.auctions.forEach { id, _, _ in
      if let state = tables.instruments[id]?.state, state != .auction, state != .pending {
        found.append(Violation(invariant: 19, detail: "an auction of \(id.raw), which is \(state)"))
      }
    }
    return found
  }

  /// INV-6, INV-19: the books hold exactly the orders of the table, each level adds up, and no book is crossed.
  private func checkBooks() -> [Violation] {
    var found: [Violation] = []
    var resting = 0
    for number in live.instrumentNumbers.values {
      let instrument = live.instruments[Int(number)]
      let state = tables.instruments[instrument.id]?.state ?? .settled
      if let bid = instrument.bids.best, let ask = instrument.asks.best, bid >= ask, !state.mayCross {
        found.append(Violation(invariant: 19, detail: "\(instrument.id.raw) is crossed"))
      }
      for side in [instrument.bids, instrument.asks] {
        for level in side.levels {
          resting += level.count
          if let wrong = fault(level, side.side, instrument.id) {
            found.append(Violation(invariant: 6, detail: wrong))
          }
        }
      }
    }
    var (quotes, indexed) = (0, 0)
    tables.orders.forEach { _, _, record in quotes += record.quote ? 1 : 0 }
    for holding in live.holdings where !holding.isEmpty {
      for (id, side) in [(holding.bidQuote, Side.buy), (holding.askQuote, .sell)] where id != 0 {
        guard let record = tables.orders[OrderKey(id)], record.quote, record.side == side else {
          found.append(Violation(invariant: 6, detail: "quote \(id) is not an open order"))
          continue
        }
        indexed += 1
      }
    }
    if quotes != indexed { found.append(Violation(invariant: 6, detail: "\(quotes) quotes, \(indexed) known")) }
    if resting != tables.orders.count {
      found.append(Violation(invariant: 6, detail: "\(resting) orders in books, \(tables.orders.count) in the table"))
    }
    return found
  }

  private func fault(_ level: BookLevel, _ side: Side, _ id: InstrumentID) -> String? {
    var (total, shown): (Quantity, Quantity) = (0, 0)
    var last: UInt64 = 0
    for order in level.orders[level.start...] {
      guard let record = tables.orders[OrderKey(order.id)], record.instrument == id, record.side == side,
        record.price == level.price, record.remaining == order.remaining, record.priority == order.priority,
        order.priority > last, order.shown == shownLots(order.id, of: record.remaining)
      else { return "order \(order.id) differs between book and table" }
      last = order.priority
      total += order.remaining
      shown += order.shown
    }
    return total == level.total && shown == level.shown && total > 0 ? nil : "level \(level.price) does not add up"
  }

  /// INV-12: risk arrays kept up by increments are those built from nothing. INV-9: an account found covered in this
  /// round is covered.
  private mutating func checkRiskArrays() -> [Violation] {
    var found: [Violation] = []
    for number in live.cells.indices where live.cells[number].epoch == live.epoch {
      let account = live.cells[number].account
      let before = riskDigest(number)
      live.cells[number].epoch = 0
      _ = cell(account, live.cells[number].underlying)
      if riskDigest(number) != before {
        found.append(Violation(invariant: 12, detail: "risk of account \(account) differs from its rebuild"))
      }
    }
    for number in live.accounts.indices where live.accounts[number].coveredEpoch == live.epoch {
      let excess = requirement(Int32(truncatingIfNeeded: number)).excess
      if excess < 0 { found.append(Violation(invariant: 9, detail: "account \(number) lacks \(-excess)")) }
    }
    return found
  }

  private func riskDigest(_ number: Int) -> [Int64] {
    let cell = live.cells[number]
    let range = number * LiveState.slots..<(number + 1) * LiveState.slots
    return Array(live.positionRisk[range]) + Array(live.orderRisk[range])
      + [cell.value, cell.short, cell.delta, cell.deltaUp, cell.deltaDown, cell.orderLots]
  }

  /// INV-17: what is requested is set aside.
  private func checkWithdrawals() -> [Violation] {
    var sum: Int128 = 0
    tables.withdrawals.forEach { _, _, record in sum += Int128(record.amount) }
    let held = Int128(cash(.withdrawals))
    return held == sum ? [] : [Violation(invariant: 17, detail: "\(held) set aside for requests of \(sum)")]
  }

  /// INV-4: who owes is in liquidation. INV-15: funds are what their members own and never negative. Claims add up.
  private mutating func checkDefaults() -> [Violation] {
    var found: [Violation] = []
    var (shares, claims) = (Int128(0), Int128(0))
    tables.fundShares.forEach { _, _, record in shares += Int128(record.amount) }
    tables.claims.forEach { _, _, record in claims += Int128(record.amount) }
    if shares != Int128(cash(.defaultFund)) {
      found.append(Violation(invariant: 15, detail: "shares of \(shares) in a fund of \(cash(.defaultFund))"))
    }
    for fund in [SystemAccount.insurance, .houseCapital, .defaultFund] where cash(fund) < 0 {
      found.append(Violation(invariant: 15, detail: "\(fund) is \(cash(fund))"))
    }
    if claims != Int128(totals.claims) {
      found.append(Violation(invariant: 5, detail: "claims of \(claims) booked as \(totals.claims)"))
    }
    guard genesis.liquidation.isOn else { return found }
    for number in live.accounts.indices.dropFirst(SystemAccount.allCases.count) {
      let account = Int32(truncatingIfNeeded: number)
      let id = live.accounts[number].id
      guard accountNumber(id) == account, requirement(account).equity < 0 else { continue }
      if tables.liquidations[AccountKey(id)] == nil {
        found.append(Violation(invariant: 4, detail: "account \(number) owes and is not in liquidation"))
      }
    }
    return found
  }
}
