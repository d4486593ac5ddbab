// S3: slices of positions traded on the book, those first that free most margin for their cost.

import Ledger
import Primitives

extension ClearingHouse {
  private struct Slice {
    var instrument: Int32
    /// Signed, as traded.
    var lots: Quantity
    var limit: Price
    /// Maintenance margin that it frees, and what it costs against the mark.
    var freed: Int128
    var cost: Int128
  }

  /// L4: a slice lowers the maintenance margin and leaves equity no smaller a part of it than before, so it never makes
  /// a hedged account riskier nor a solvent one insolvent.
  mutating func tradeSlices(_ account: Int32) {
    var slices: [Slice] = []
    for instrument in worstInstruments(account) {
      if let slice = slice(account, instrument) { slices.append(slice) }
    }
    slices.sort {
      let (a, b) = ($0.freed * $1.cost, $1.freed * $0.cost)
      return a != b ? a > b : live.instruments[Int($0.instrument)].id < live.instruments[Int($1.instrument)].id
    }
    for slice in slices.prefix(Limits.maxSlices) {
      guard !isCured(requirement(account)) else { return }
      trade(slice, account)
    }
  }

  /// The positions that lose most in the worst scenario of their underlying.
  private mutating func worstInstruments(_ account: Int32) -> [Int32] {
    var losses: [(loss: Int64, id: InstrumentID, number: Int32)] = []
    for underlying in genesis.underlyings.indices {
      guard live.cellNumbers[Int(account) * genesis.underlyings.count + underlying] >= 0 else { continue }
      let start = cell(account, underlying) * LiveState.slots
      let worst = (0..<LiveState.slots).min { live.positionRisk[start + $0] < live.positionRisk[start + $1] } ?? 0
      for place in live.accounts[Int(account)].holdings {
        let (number, lots) = (live.holdings[Int(place)].instrument, live.holdings[Int(place)].quantity)
        guard lots != 0, live.instruments[Int(number)].underlying == underlying, isOpen(number) else { continue }
        let change = live.scenarios[Int(number) * LiveState.slots + worst]
        losses.append((lots &* change, live.instruments[Int(number)].id, number))
      }
    }
    losses.sort { $0.loss != $1.loss ? $0.loss < $1.loss : $0.id < $1.id }
    return losses.prefix(Limits.maxSliceCandidates).map(\.number)
  }

  private func isOpen(_ number: Int32) -> Bool {
    live.instruments[Int(number)].mark != nil
      && tables.instruments.read(slot: live.instruments[Int(number)].slot) { $0.state == .open }
  }

  /// Nil if the book has nothing within the band, or closing does not help.
  private mutating func slice(_ account: Int32, _ number: Int32) -> Slice? {
    let held = heldLots(account, number)
    let side: Side = held > 0 ? .sell : .buy
    let lots = side.sign * sliceLots(number, held)
    let best = side == .buy ? live.instruments[Int(number)].asks.best : live.instruments[Int(number)].bids.best
    guard let best else { return nil }
    for band in [self.band(number), 0] {
      let limit = self.limit(number, side, band)
      guard side == .buy ? best <= limit : best >= limit else { continue }
      let hypothesis = Hypothesis(instrument: Int(number), lots: lots, price: limit, fills: true)
      let before = requirement(account).maintenance
      let after = requirement(account, with: hypothesis).maintenance
      guard after < before, mayReduce(account, hypothesis) else { continue }
      let mark = (live.instruments[Int(number)].mark ?? 0) * Limits.pricePerLot
      let away = max(0, side == .buy ? best - mark : mark - best)
      let cost = Int128(away / Limits.pricePerLot) * Int128(lots.magnitude)
      return Slice(
        instrument: number, lots: lots, limit: limit, freed: Int128(before) - Int128(after), cost: max(1, cost))
    }
    return nil
  }

  /// A fifth of the position, or 100,000 USD of the index, or what is there. In whole lots of the instrument.
  private func sliceLots(_ number: Int32, _ held: Quantity) -> Quantity {
    let rules = genesis.liquidation
    let index = max(1, live.index[live.instruments[Int(number)].underlying] / Limits.lotsPerContract)
    let share = Int128(held.magnitude) * Int128(rules.sliceShare) / Self.million
    let amount = Int128(rules.sliceAmount / index)
    return wholeLots(min(Int128(held.magnitude), max(1, share, amount)), number, held)
  }

  /// Rounded up to the instrument's lot, at most what is held.
  func wholeLots(_ lots: Int128, _ number: Int32, _ held: Quantity) -> Quantity {
    let lot = Int128(tables.instruments.read(slot: live.instruments[Int(number)].slot) { max(1, $0.lot) })
    return Int64(clamping: min(Int128(held.magnitude), (lots + lot - 1) / lot * lot))
  }

  private func band(_ number: Int32) -> Price {
    let rules = genesis.liquidation
    let mark = Int128((live.instruments[Int(number)].mark ?? 0) * Limits.pricePerLot)
    let index = Int128(live.index[live.instruments[Int(number)].underlying])
    let band = min(mark * Int128(rules.bandOfMark), index * Int128(rules.bandOfIndex)) / Self.million
    return Int64(clamping: band)
  }

  /// The mark moved by the band against the account, on the tick.
  private func limit(_ number: Int32, _ side: Side, _ band: Price) -> Price {
    let tick = tables.instruments.read(slot: live.instruments[Int(number)].slot) { max(1, $0.tick) }
    let mark = (live.instruments[Int(number)].mark ?? 0) * Limits.pricePerLot
    if side == .buy { return min(Limits.maxPrice, mark + band) / tick * tick }
    return max(tick, (mark - band + tick - 1) / tick * tick)
  }

  private mutating func trade(_ slice: Slice, _ account: Int32) {
    let hypothesis = Hypothesis(instrument: Int(slice.instrument), lots: slice.lots, price: slice.limit, fills: true)
    guard requirement(account, with: hypothesis).maintenance < requirement(account).maintenance,
      mayReduce(account, hypothesis)
    else { return }
    let order = PlaceOrder(
      instrument: live.instruments[Int(slice.instrument)].id, side: slice.lots > 0 ? .buy : .sell,
      quantity: abs(slice.lots), price: slice.limit, timeInForce: .ioc)
    var taker = Taker(
      order, id: totals.nextOrder, account: account, instrument: slice.instrument, priority: totals.nextOrder)
    totals.nextOrder &+= 1
    let first = outcome.fills.count
    match(&taker)
    let premium = outcome.fills[first...].reduce(Int128(0)) {
      $0 + Int128($1.price / Limits.pricePerLot) * Int128($1.quantity)
    }
    chargeFee(account, slice.instrument, lots: order.quantity - taker.remaining, premium: premium)
  }

  /// L5: for the insurance fund; never more than the equity that there is.
  private mutating func chargeFee(_ account: Int32, _ number: Int32, lots: Quantity, premium: Int128) {
    let rules = genesis.liquidation
    let index = Int128(live.index[live.instruments[Int(number)].underlying])
    var fee = index * Int128(lots) * Int128(rules.fee) / (Self.million * Int128(Limits.lotsPerContract))
    if live.instruments[Int(number)].kind.isOption { fee = min(fee, premium * Int128(rules.feeCap) / Self.million) }
    fee = min(fee, Int128(max(0, requirement(account).equity)))
    guard fee > 0, hasRoom(number: .insurance) else { return }
    move(Int64(clamping: fee), from: account, to: SystemAccount.insurance)
    live.accounts[Int(account)].coveredEpoch = 0
  }

  private func hasRoom(number account: SystemAccount) -> Bool { hasRoom(number(of: account)) }
}
