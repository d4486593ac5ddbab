// Price bands around the mark: B1 for what an order may say, B2 for what the book may trade.

import Primitives

extension ClearingHouse {
  /// B2: prices at which the book may trade.
  func tradeBand(_ number: Int32) -> ClosedRange<Price> {
    let (mark, width) = self.width(number, genesis.trading.bandOfMark, genesis.trading.bandOfIndex)
    return max(0, mark - width)...(mark + width)
  }

  /// B1: an order may not pay, or take, worse than this.
  func isWithinLimit(_ order: PlaceOrder, _ number: Int32) -> Bool {
    guard genesis.trading.hasLimit, live.instruments[Int(number)].mark != nil else { return true }
    let (mark, width) = self.width(number, genesis.trading.limitOfMark, genesis.trading.limitOfIndex)
    return order.side == .buy ? order.price <= mark + width : order.price >= mark - width
  }

  /// The mark of a contract, and the larger of the two shares; both far below the limits of Int64.
  private func width(_ number: Int32, _ ofMark: Int64, _ ofIndex: Int64) -> (mark: Price, width: Price) {
    let mark = (live.instruments[Int(number)].mark ?? 0) * Limits.pricePerLot
    let index = live.index[live.instruments[Int(number)].underlying]
    let width = max(Int128(mark) * Int128(ofMark), Int128(index) * Int128(ofIndex)) / Self.million
    return (mark, Int64(clamping: min(width, Int128(Limits.maxPrice))))
  }
}
