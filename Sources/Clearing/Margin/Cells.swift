// Risk arrays of accounts: built from holdings and orders when prices changed, kept up to date by every fill and order
// in between (section 2.7 of the design; INV-12 says both ways agree).
//
// All of it is exact in 64 bits because of `Limits`: lots of an account x value of a lot stays below 4e18. Wrapping
// operators are used so that even a defect elsewhere could not stop the network.

import Ledger
import Primitives

extension ClearingHouse {
  /// The cell of an account and underlying, up to date.
  mutating func cell(_ account: Int32, _ underlying: Int) -> Int {
    let number = ensureCell(account, underlying)
    if live.cells[number].epoch != live.epoch { rebuildCell(number) }
    return number
  }

  /// The number of the cell, up to date or not. Every holding has one.
  @discardableResult mutating func ensureCell(_ account: Int32, _ underlying: Int) -> Int {
    let place = Int(account) * genesis.underlyings.count + underlying
    if live.cellNumbers[place] >= 0 { return Int(live.cellNumbers[place]) }
    let number = live.cells.count
    live.cellNumbers[place] = Int32(truncatingIfNeeded: number)
    live.cells.append(RiskCell(account: account, underlying: underlying))
    live.positionRisk.append(contentsOf: repeatElement(0, count: LiveState.slots))
    live.orderRisk.append(contentsOf: repeatElement(0, count: LiveState.slots))
    return number
  }

  private mutating func rebuildCell(_ number: Int) {
    let old = live.cells[number]
    live.cells[number] = RiskCell(account: old.account, underlying: old.underlying)
    live.cells[number].epoch = live.epoch
    for slot in number * LiveState.slots..<(number + 1) * LiveState.slots {
      live.positionRisk[slot] = 0
      live.orderRisk[slot] = 0
    }
    for entry in live.accounts[Int(old.account)].holdings {
      let place = Int(entry)
      let instrument = Int(live.holdings[place].instrument)
      guard live.instruments[instrument].underlying == old.underlying else { continue }
      addPosition(
        number, instrument: instrument, lots: live.holdings[place].quantity, paid: live.holdings[place].entry)
      if live.instruments[instrument].kind.isOption { live.cells[number].short &+= live.holdings[place].worstShort }
      for index in 0..<live.holdings[place].orders.count {
        guard let slot = tables.orders.slot(of: OrderKey(live.holdings[place].orders[index])) else { continue }
        let (lots, price) = tables.orders.read(slot: slot) { ($0.side.sign &* $0.remaining, $0.price) }
        addOrder(number, instrument: instrument, lots: lots, price: price, sign: 1)
        live.cells[number].short &+= abs(lots) &* optionsSold(instrument, lots > 0 ? .buy : .sell)
      }
    }
  }

  /// Adds `lots` (signed) of an instrument to the positions of a cell; `paid` is the change of the entry value.
  mutating func addPosition(_ cell: Int, instrument: Int, lots: Quantity, paid: Amount) {
    let value = lots &* (live.instruments[instrument].mark ?? 0)
    let isOption = live.instruments[instrument].kind.isOption
    live.cells[cell].value &+= isOption ? value : value &- paid
    live.cells[cell].delta &+= lots &* live.instruments[instrument].delta
    guard lots != 0 else { return }
    let (to, from) = (cell * LiveState.slots, instrument * LiveState.slots)
    live.positionRisk.withUnsafeMutableBufferPointer { risk in
      live.scenarios.withUnsafeBufferPointer { changes in
        for slot in 0..<LiveState.slots { risk[to + slot] &+= lots &* changes[from + slot] }
      }
    }
  }

  /// Adds (`sign` 1) or takes away (-1) the worst case of an open order of `lots` (signed) at `price` (section 2.6).
  mutating func addOrder(_ cell: Int, instrument: Int, lots: Quantity, price: Price, sign: Int64) {
    let delta = sign &* lots &* live.instruments[instrument].delta
    if (lots > 0) == (live.instruments[instrument].delta > 0) {
      live.cells[cell].deltaUp &+= delta
    } else {
      live.cells[cell].deltaDown &+= delta
    }
    live.cells[cell].orderLots &+= sign &* abs(lots) &* (live.instruments[instrument].combo?.weight ?? 1)
    let edge = (live.instruments[instrument].mark ?? 0) &- price / Limits.pricePerLot
    let (to, from) = (cell * LiveState.slots, instrument * LiveState.slots)
    live.orderRisk.withUnsafeMutableBufferPointer { risk in
      live.scenarios.withUnsafeBufferPointer { changes in
        for slot in 0..<LiveState.slots {
          risk[to + slot] &+= sign &* min(0, lots &* (changes[from + slot] &+ edge))
        }
      }
    }
  }
}
