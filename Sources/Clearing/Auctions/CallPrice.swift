// The one price of a call auction, from the two sides of a book.

import Primitives

/// A2: most lots; then least surplus; then with a surplus of buyers the highest, of sellers the lowest; else nearest to
/// the reference.
struct CallPrice: Equatable {
  var price: Price
  /// What trades at it if nobody falls out.
  var quantity: Quantity

  /// A run of prices with the same demand and supply.
  private struct Run {
    var low: Price
    var high: Price
    var demand: Quantity
    var supply: Quantity
    var volume: Quantity { min(demand, supply) }
    var surplus: Quantity { demand - supply }
  }

  /// Nil if the sides do not cross. Work in proportion to the levels that do.
  static func find(bids: BookSide, asks: BookSide, tick: Price, reference: Price) -> CallPrice? {
    guard let highest = bids.best, let lowest = asks.best, highest >= lowest else { return nil }
    // Levels stand from worst to best, so buyers' prices ascend and sellers' descend.
    let buys = bids.levels[bids.place(of: lowest)...]
    let sells = asks.levels[asks.place(of: highest)...]
    var points = buys.map(\.price) + sells.map(\.price)
    points.sort()
    var demand = buys.reduce(Quantity(0)) { $0 + $1.total }
    var supply: Quantity = 0
    var (buy, sell) = (buys.startIndex, sells.endIndex - 1)
    var best: [Run] = []
    var last: Price?
    for point in points where point != last {
      // Between the last price and this one sellers are those so far, and buyers all that pay this one.
      if let last, last + tick <= point - tick {
        keep(Run(low: last + tick, high: point - tick, demand: demand, supply: supply), &best)
      }
      while sell >= sells.startIndex, sells[sell].price <= point {
        supply += sells[sell].total
        sell -= 1
      }
      keep(Run(low: point, high: point, demand: demand, supply: supply), &best)
      while buy < buys.endIndex, buys[buy].price <= point {
        demand -= buys[buy].total
        buy += 1
      }
      last = point
    }
    guard let first = best.first, let end = best.last, first.volume > 0 else { return nil }
    if end.surplus > 0 { return CallPrice(price: end.high, quantity: first.volume) }
    if first.surplus < 0 { return CallPrice(price: first.low, quantity: first.volume) }
    let near = min(max(reference / tick * tick, first.low), end.high)
    return CallPrice(price: near, quantity: first.volume)
  }

  /// Demand falls and supply rises with the price, so equally good runs are neighbours.
  private static func keep(_ run: Run, _ best: inout [Run]) {
    guard let old = best.last else { return best.append(run) }
    if run.volume != old.volume {
      if run.volume > old.volume { best = [run] }
    } else if abs(run.surplus) != abs(old.surplus) {
      if abs(run.surplus) < abs(old.surplus) { best = [run] }
    } else {
      best.append(run)
    }
  }
}
