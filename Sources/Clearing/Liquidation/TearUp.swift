// S8 and S9: positions that nobody wants are closed against their other sides, and the last of a debt is taken from
// unrealised gains.

import Ledger
import Primitives

extension ClearingHouse {
  /// L10: auto-deleveraging. At the mark while equity or the layers before can pay for it; worse than the mark, by the
  /// same amount of the index everywhere, for what they cannot.
  mutating func tearUp(_ debtor: Int32, _ work: inout LiquidationWork) {
    guard work.tearUps > 0 else { return }
    work.tearUps -= 1
    cover(debtor, through: 6)
    let state = requirement(debtor)
    let share = curingShare(state, reward: 0)
    let instruments = Array(tradable(debtor).prefix(Limits.maxTornInstruments))
    var lots: [Quantity] = []
    var weight: Int128 = 0
    for number in instruments {
      let held = heldLots(debtor, number)
      let torn = wholeLots((Int128(held.magnitude) * Int128(share) + 999_999) / Self.million, number, held)
      lots.append(torn)
      weight += Int128(torn) * indexPerLot(number)
    }
    var left = Int128(-min(0, state.equity))
    let debt = left
    let sides = otherSides(of: debtor, instruments)
    for (place, number) in instruments.enumerated() {
      let worse = weight > 0 ? (debt * indexPerLot(number) + weight - 1) / weight : 0
      let range = indexPerLot(number) * Int128(genesis.risk.priceRange) / Self.million
      close(debtor, number, lots[place], against: sides[place], worse: min(worse, range), &left)
    }
  }

  private func indexPerLot(_ number: Int32) -> Int128 {
    Int128(live.index[live.instruments[Int(number)].underlying] / Limits.pricePerLot)
  }

  private struct OtherSide {
    var account: Int32
    var lots: Quantity
    /// What it has gained on one lot, at the mark.
    var gain: Int128
  }

  /// Everybody who holds the opposite of the debtor's positions, in order of accounts: one pass over all holdings.
  private func otherSides(of debtor: Int32, _ instruments: [Int32]) -> [[OtherSide]] {
    var sides: [[OtherSide]] = instruments.map { _ in [] }
    var places = Array(repeating: Int32(-1), count: live.instruments.count)
    for (place, number) in instruments.enumerated() { places[Int(number)] = Int32(truncatingIfNeeded: place) }
    for holding in live.holdings where holding.quantity != 0 && places[Int(holding.instrument)] >= 0 {
      guard holding.account != debtor,
        holding.quantity.signum() != heldLots(debtor, holding.instrument).signum()
      else { continue }
      let mark = live.instruments[Int(holding.instrument)].mark ?? 0
      let gain = Int128(holding.quantity) * Int128(mark) - Int128(holding.entry)
      sides[Int(places[Int(holding.instrument)])].append(
        OtherSide(
          account: holding.account, lots: abs(holding.quantity), gain: gain / Int128(holding.quantity.magnitude)))
    }
    return sides.map { $0.sorted { $0.account < $1.account } }
  }

  /// Those with gains first, in proportion to their lots; then the rest. Nobody is closed beyond flat (INV-13).
  private mutating func close(
    _ debtor: Int32, _ number: Int32, _ lots: Quantity, against sides: [OtherSide], worse: Int128, _ left: inout Int128
  ) {
    var need = lots
    let lot = tables.instruments.read(slot: live.instruments[Int(number)].slot) { max(1, $0.lot) }
    for profitable in [true, false] {
      let chosen = sides.filter { ($0.gain > 0) == profitable }
      let parts = Self.split(need / lot, over: chosen.map { $0.lots / lot })
      for (side, part) in zip(chosen, parts) where part > 0 {
        guard exchange(number, lots: part * lot, from: debtor, to: side.account) else { continue }
        need -= part * lot
        if profitable { charge(side, part * lot, worse, debtor, &left) }
      }
    }
  }

  /// Layer 7: no more than it gained on what was closed, and no more than its equity.
  private mutating func charge(
    _ side: OtherSide, _ lots: Quantity, _ worse: Int128, _ debtor: Int32, _ left: inout Int128
  ) {
    guard left > 0, worse > 0 else { return }
    let equity = Int128(max(0, requirement(side.account).equity))
    let due = min(left, min(worse, side.gain) * Int128(lots), equity)
    guard due > 0, hasRoom(side.account) else { return }
    let amount = Int64(clamping: due)
    move(amount, from: side.account, to: debtor)
    left -= Int128(amount)
    emit(
      .waterfall(
        debtor: live.accounts[Int(debtor)].id, layer: 7, payer: live.accounts[Int(side.account)].id, amount: amount))
  }

  // MARK: Gains

  /// L11, layer 8: unrealised gains are cut in proportion; a claim on the insurance fund's income stands for each cut.
  /// Who holds nothing is not touched (INV-14).
  mutating func cutGains(for debtor: Int32) {
    let gains = self.gains(but: debtor)
    let parts = Self.split(-min(0, cash(debtor)), over: gains.map(\.gain))
    for (entry, part) in zip(gains, parts) where part > 0 {
      move(part, from: entry.account, to: debtor)
      live.accounts[Int(entry.account)].coveredEpoch = 0
      let id = live.accounts[Int(entry.account)].id
      tables.claims.put(ClaimRecord(account: id, amount: part), for: ClaimKey(totals.nextClaim))
      totals.nextClaim &+= 1
      totals.claims &+= part
      emit(.waterfall(debtor: live.accounts[Int(debtor)].id, layer: 8, payer: id, amount: part))
    }
  }

  /// Unrealised gains of each account, never more than its equity, in order of accounts.
  private mutating func gains(but debtor: Int32) -> [(account: Int32, gain: Amount)] {
    var sums: [Int128] = Array(repeating: 0, count: live.accounts.count)
    for holding in live.holdings where holding.quantity != 0 {
      let mark = live.instruments[Int(holding.instrument)].mark ?? 0
      sums[Int(holding.account)] += Int128(holding.quantity) * Int128(mark) - Int128(holding.entry)
    }
    var found: [(account: Int32, gain: Amount)] = []
    for (place, sum) in sums.enumerated() where sum > 0 && place != Int(debtor) {
      let number = Int32(truncatingIfNeeded: place)
      let gain = Int64(clamping: min(sum, Int128(max(0, requirement(number).equity))))
      if gain > 0, hasRoom(number) { found.append((number, gain)) }
    }
    return found
  }
}
