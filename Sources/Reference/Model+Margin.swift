// Margin: rules 19 to 25, from positions and orders each time anew.

import Clearing
import Primitives

/// What an account has, or would have.
struct Portfolio {
  var cash: Int128
  var positions: [InstrumentID: Position]
  var orders: [Order]
}

struct Requirement {
  var equity: Int128 = 0
  var initial: Int128 = 0
  var maintenance: Int128 = 0
  var excess: Int128 { equity - initial }
}

extension Model {
  func portfolio(_ account: AccountID) -> Portfolio {
    Portfolio(
      cash: Int128(state.cash(account)), positions: state.positions[account] ?? [:], orders: state.ordersOf(account))
  }

  /// 0 before the first round.
  func index(_ underlying: UnderlyingID) -> Price { state.feeds[Series(underlying: underlying)]?.price ?? 0 }

  /// Fee of one lot at the taker's rate, rounded up: what each open lot and each supposed fill is charged.
  private func feePerLot(_ underlying: UnderlyingID) -> Int128 {
    (Int128(index(underlying)) * Int128(genesis.fees.taker) + 999_999_999) / 1_000_000_000
  }

  func requirement(_ portfolio: Portfolio) -> Requirement {
    var sum = Requirement(equity: portfolio.cash)
    for underlying in genesis.underlyings.indices {
      let part = requirement(portfolio, UInt8(underlying))
      sum.equity += part.equity
      sum.initial += part.initial
      sum.maintenance += part.maintenance
    }
    return sum
  }

  private func requirement(_ portfolio: Portfolio, _ underlying: UnderlyingID) -> Requirement {
    let risk = genesis.risk
    let zero = Valuation(mark: 0, delta: 0, changes: Array(repeating: 0, count: 40))
    let orders = portfolio.orders.filter { Terms($0.instrument)?.underlying == underlying }
    var result = Requirement()
    var scenarios = Array(repeating: Int128(0), count: 40)
    var (delta, up, down, openLots, short) = (Int128(0), Int128(0), Int128(0), Int128(0), Int128(0))
    for (id, position) in portfolio.positions where Terms(id)?.underlying == underlying {
      let value = state.values[id] ?? zero
      let lots = Int128(position.quantity)
      result.equity += lots * Int128(value.mark) - (Terms(id)?.kind == .future ? Int128(position.entry) : 0)
      delta += lots * Int128(value.delta)
      for slot in 0..<40 { scenarios[slot] += lots * Int128(value.changes[slot]) }
    }
    let worstHeld = -min(0, scenarios.min() ?? 0)
    for order in orders {
      let value = state.values[order.instrument] ?? zero
      let lots = Int128(order.lots)
      openLots += abs(lots)
      up += max(0, lots * Int128(value.delta))
      down += min(0, lots * Int128(value.delta))
      let edge = value.mark - order.price / 1_000
      for slot in 0..<40 { scenarios[slot] += min(0, lots * Int128(value.changes[slot] + edge)) }
    }
    let worst = -min(0, scenarios.min() ?? 0)
    for id in Set(portfolio.positions.keys).union(orders.map(\.instrument)) {
      guard let terms = Terms(id), terms.underlying == underlying, terms.kind != .future else { continue }
      let sells = orders.filter { $0.instrument == id && $0.side == .sell }.reduce(0) { $0 + $1.remaining }
      short += Int128(max(0, sells - (portfolio.positions[id]?.quantity ?? 0)))
    }
    let index = Int128(index(underlying) / 1_000)
    let shortCharge = up6(short * index * Int128(risk.shortOption))
    let charge = deltaCharge(max(abs(delta + up), abs(delta + down)), index)
    result.initial = worst + shortCharge + charge + openLots * feePerLot(underlying)
    result.maintenance =
      up6(worstHeld * Int128(risk.maintenance)) + up6(shortCharge * Int128(risk.maintenanceShortOption))
      + (charge + 1) / 2
    return result
  }

  /// A millionth, rounded up.
  private func up6(_ value: Int128) -> Int128 { (value + 999_999) / 1_000_000 }

  private func deltaCharge(_ delta: Int128, _ index: Int128) -> Int128 {
    let dollars = up6(delta * index)
    // A tenth of the share of 20 million USD, at most a tenth.
    let full: Int128 = 20_000_000_000_000
    let slope = dollars < full ? (dollars * dollars + 10 * full - 1) / (10 * full) : dollars / 10
    return up6(dollars * Int128(genesis.risk.delta)) + slope
  }

  // MARK: Orders

  /// Rules 19 and 24, for an order that is not in the book.
  func checkRisk(_ order: Order) throws(Rejection) {
    guard state.values[order.instrument] != nil, let age = priceAge(order.instrument) else { throw Rejection(.noMark) }
    let before = portfolio(order.account)
    let held = before.positions[order.instrument]?.quantity ?? 0
    let resting = before.orders.filter { $0.instrument == order.instrument && $0.side == order.side }
      .reduce(0) { $0 + $1.remaining }
    let isReducing = (order.side == .buy ? -held : held) - resting >= order.quantity
    guard age <= (isReducing ? 10 : 3) * Self.second else { throw Rejection(.stalePrice) }
    if order.reduceOnly, !isReducing { throw Rejection(.notReducing) }
    guard hasRoom(order.account) else { throw Rejection(.tooLarge) }
    if !isReducing {
      let lots =
        before.positions.values.reduce(0) { $0 + abs($1.quantity) } + before.orders.reduce(0) { $0 + $1.remaining }
      guard lots + order.quantity <= 1_000_000_000 else { throw Rejection(.tooLarge) }
      if state.accounts[order.account]?.isCalled == true { throw Rejection(.marginCall) }
    }
    var with = before
    with.orders.append(order)
    if requirement(with).excess >= 0 { return }
    guard isReducing, mayReduce(before, before, order, order.quantity) else { throw Rejection(.insufficientMargin) }
  }

  /// Rule 24: from `before` to `after` with `lots` of the order filled, is the account no worse? At a price worse than
  /// the mark the maintenance margin must be covered in full, or in no smaller part.
  func mayReduce(_ before: Portfolio, _ after: Portfolio, _ order: Order, _ lots: Quantity) -> Bool {
    guard let terms = Terms(order.instrument), let value = state.values[order.instrument] else { return false }
    var after = after
    let signed = order.side == .buy ? lots : -lots
    let paid = Int128(order.price / 1_000) * Int128(signed)
    after.cash -= Int128(lots) * feePerLot(terms.underlying)
    var position = after.positions[order.instrument] ?? Position()
    position.quantity += signed
    if terms.kind == .future { position.entry += Int64(paid) } else { after.cash -= paid }
    after.positions[order.instrument] = position
    let (old, new) = (requirement(before), requirement(after))
    guard new.excess >= old.excess else { return false }
    let gain = (Int128(value.mark) - Int128(order.price / 1_000)) * Int128(signed)
    if gain >= 0 || new.equity >= new.maintenance { return true }
    return old.equity >= 0 && new.equity * old.maintenance >= old.equity * new.maintenance
  }

  // MARK: Margin calls

  /// Rule 25.
  mutating func checkMargins() {
    for (id, account) in state.accounts.sorted(by: { $0.value.number < $1.value.number }) {
      let portfolio = portfolio(id)
      guard account.isCalled || !portfolio.positions.isEmpty || !portfolio.orders.isEmpty else { continue }
      let requirement = requirement(portfolio)
      if !account.isCalled, requirement.equity < requirement.maintenance {
        state.accounts[id]?.isCalled = true
        state.marginCalls += 1
        state.emit(
          .marginCall(
            account: id, equity: Int64(clamping: requirement.equity),
            maintenance: Int64(clamping: requirement.maintenance)))
      } else if account.isCalled, requirement.excess >= 0 {
        state.accounts[id]?.isCalled = false
        state.emit(.marginRestored(account: id))
      }
    }
  }
}
