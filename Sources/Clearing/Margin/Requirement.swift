// Initial and maintenance margin of an account (section 2.5, first cut: scan, short-option charge, delta charge and
// the worst case of open orders with their fees; no basis, vega or liquidity charge yet).

import Primitives

/// An order or fill that has not happened, to see what the margin would be.
struct Hypothesis {
  var instrument: Int
  /// Signed.
  var lots: Quantity
  var price: Price
  /// It fills completely, instead of resting.
  var fills: Bool
  /// What fills rests in the book, and does so no longer.
  var wasResting = false
}

struct Requirement {
  var equity: Amount
  var initial: Amount
  var maintenance: Amount
  var excess: Amount { Int64(clamping: Int128(equity) - Int128(initial)) }
}

extension ClearingHouse {
  /// Equity and margins of an account, as it is or as it would be.
  mutating func requirement(_ account: Int32, with hypothesis: Hypothesis? = nil) -> Requirement {
    var equity = Int128(cash(account))
    var initial: Int128 = 0
    var maintenance: Int128 = 0
    let underlyings = genesis.underlyings.count
    for underlying in 0..<underlyings {
      let mine = hypothesis.map { live.instruments[$0.instrument].underlying == underlying } ?? false
      guard mine || live.cellNumbers[Int(account) * underlyings + underlying] >= 0 else { continue }
      let cell = cell(account, underlying)
      let part = mine ? charge(cell, hypothesis) : charge(cell, nil)
      equity += part.value
      initial += part.initial
      maintenance += part.maintenance
    }
    return Requirement(
      equity: Int64(clamping: equity), initial: Int64(clamping: initial), maintenance: Int64(clamping: maintenance))
  }

  /// Whether an account that its equity does not cover may make a fill that only reduces: its excess gets no worse, and a
  /// price worse than the mark leaves the maintenance margin covered, or as well covered in proportion as it was.
  /// Otherwise the margin that closing frees could be given away to an accomplice, down to a debt.
  mutating func mayReduce(_ account: Int32, _ fill: Hypothesis) -> Bool {
    let before = requirement(account)
    let after = requirement(account, with: fill)
    guard after.excess >= before.excess else { return false }
    if fill.lots.signum() * edge(fill) >= 0 || after.equity >= after.maintenance { return true }
    let (old, new) = (Int128(before.equity), Int128(after.equity))
    return old >= 0 && new * Int128(before.maintenance) >= old * Int128(after.maintenance)
  }

  private struct Charge {
    var value: Int128
    var initial: Int128
    var maintenance: Int128
  }

  private func charge(_ number: Int, _ hypothesis: Hypothesis?) -> Charge {
    let cell = live.cells[number]
    var value = Int128(cell.value)
    var short = cell.short
    var (delta, up, down) = (cell.delta, cell.deltaUp, cell.deltaDown)
    var orderLots = cell.orderLots
    var feeDue: Int128 = 0
    let fee = Int128(live.takerFee[cell.underlying])
    if let hypothesis {
      let change = hypothesis.lots &* live.instruments[hypothesis.instrument].delta
      short &+= shortChange(cell.account, hypothesis)
      if hypothesis.fills {
        value += Int128(hypothesis.lots) * Int128(edge(hypothesis))
        delta &+= change
        feeDue = Int128(hypothesis.lots.magnitude) * fee
        if hypothesis.wasResting {
          if change > 0 { up &-= change } else { down &-= change }
          orderLots &-= abs(hypothesis.lots)
        }
      } else {
        if change > 0 { up &+= change } else { down &+= change }
        orderLots &+= abs(hypothesis.lots) &* (live.instruments[hypothesis.instrument].combo?.weight ?? 1)
      }
    }
    let worst = worstLoss(number, hypothesis)
    let index = Int128(live.index[cell.underlying]) / 1_000
    let shortCharge = ceiling(Int128(max(0, short)) * index * Int128(genesis.risk.shortOption), 1_000_000)
    let deltaCharge = self.deltaCharge(delta, up, down, index)
    let risk = genesis.risk
    let maintenance =
      ceiling(worst.positions * Int128(risk.maintenance), 1_000_000)
      + ceiling(shortCharge * Int128(risk.maintenanceShortOption), 1_000_000) + (deltaCharge + 1) / 2
    let initial = worst.withOrders + shortCharge + deltaCharge + Int128(orderLots) * fee
    return Charge(value: value - feeDue, initial: initial, maintenance: maintenance)
  }

  /// One per cent of the largest net delta that the open orders can bring about, and up to ten per cent more for its
  /// size: 10 % at 20 million USD. Monotone, so that a fill never raises it.
  private func deltaCharge(_ delta: Int64, _ up: Int64, _ down: Int64, _ index: Int128) -> Int128 {
    let worst = max((delta &+ up).magnitude, (delta &+ down).magnitude)
    let dollars = ceiling(Int128(worst) * index, 1_000_000)
    let base = ceiling(dollars * Int128(genesis.risk.delta), 1_000_000)
    let limit: Int128 = 20_000_000_000_000
    let slope = dollars >= limit ? dollars / 10 : ceiling(dollars * dollars, limit * 10)
    return base + slope
  }

  private func ceiling(_ value: Int128, _ divisor: Int128) -> Int128 { (value + divisor - 1) / divisor }

  /// Change of the lots short if every sell order fills.
  private func shortChange(_ account: Int32, _ hypothesis: Hypothesis) -> Quantity {
    guard live.instruments[hypothesis.instrument].kind.isOption else {
      return abs(hypothesis.lots) &* optionsSold(hypothesis.instrument, hypothesis.lots > 0 ? .buy : .sell)
    }
    let key = Self.holdingKey(account, Int32(truncatingIfNeeded: hypothesis.instrument))
    var (quantity, sells) = (Quantity(0), Quantity(0))
    if let place = live.holdingNumbers[key] {
      (quantity, sells) = (live.holdings[Int(place)].quantity, live.holdings[Int(place)].sellLots)
    }
    let before = max(0, sells &- quantity)
    if hypothesis.fills {
      quantity &+= hypothesis.lots
      if hypothesis.wasResting, hypothesis.lots < 0 { sells &+= hypothesis.lots }
    } else if hypothesis.lots < 0 {
      sells &-= hypothesis.lots
    }
    return max(0, sells &- quantity) &- before
  }

  /// What a lot is worth above the price of the order.
  private func edge(_ hypothesis: Hypothesis) -> Amount {
    (live.instruments[hypothesis.instrument].mark ?? 0) &- hypothesis.price / Limits.pricePerLot
  }

  /// Largest loss over the scenarios: of the positions alone, and with every subset of the open orders filled (exact:
  /// the maxima over subsets and scenarios commute).
  private func worstLoss(_ cell: Int, _ hypothesis: Hypothesis?) -> (positions: Int128, withOrders: Int128) {
    let start = cell * LiveState.slots
    var worstPositions: Int64 = 0
    var worstOrders: Int64 = 0
    let from = (hypothesis?.instrument ?? 0) * LiveState.slots
    let lots = hypothesis?.lots ?? 0
    let fills = hypothesis?.fills ?? false
    // How often the lots' worst case as an open order is added.
    let openings: Int64 = fills ? (hypothesis?.wasResting == true ? -1 : 0) : 1
    var edge: Amount = 0
    if let hypothesis { edge = self.edge(hypothesis) }
    live.positionRisk.withUnsafeBufferPointer { positions in
      live.orderRisk.withUnsafeBufferPointer { orders in
        live.scenarios.withUnsafeBufferPointer { changes in
          for slot in 0..<LiveState.slots {
            var position = positions[start + slot]
            var order = orders[start + slot]
            if lots != 0 {
              let change = changes[from + slot]
              if fills { position &+= lots &* change }
              order &+= openings &* min(0, lots &* (change &+ edge))
            }
            worstPositions = min(worstPositions, position)
            worstOrders = min(worstOrders, position &+ order)
          }
        }
      }
    }
    return (-Int128(worstPositions), -Int128(worstOrders))
  }

  /// Whether equity covers the initial margin now; remembered until prices change, because every later command of the
  /// account is checked and no fill of a checked order can break it.
  mutating func isCovered(_ account: Int32) -> Bool {
    if live.accounts[Int(account)].coveredEpoch == live.epoch { return true }
    guard requirement(account).excess >= 0 else { return false }
    live.accounts[Int(account)].coveredEpoch = live.epoch
    return true
  }
}
