// One order book, derived from the order table: price levels in order of price, in each level orders in order of
// priority. A book is a function of the *set* of resting orders, so putting an order back puts it where it was.

import Primitives

/// A resting order as the matching loop needs it.
struct BookOrder: Sendable {
  var id: OrderID
  var priority: UInt64
  var remaining: Quantity
  /// How much of it the book shows, and trades at its place in the queue.
  var shown: Quantity
  /// Account number.
  var account: Int32
}

/// The orders at one price, ascending by priority from `start` on.
struct BookLevel: Sendable {
  var price: Price
  var total: Quantity = 0
  /// Without what icebergs hide.
  var shown: Quantity = 0
  /// Orders before this place are gone; they are dropped from the array now and then.
  var start = 0
  var orders: [BookOrder] = []

  var isEmpty: Bool { start == orders.count }
  var count: Int { orders.count - start }

  /// Place of the first order with at least this priority.
  func place(of priority: UInt64) -> Int {
    var low = start
    var high = orders.count
    while low < high {
      let middle = (low + high) / 2
      if orders[middle].priority < priority { low = middle + 1 } else { high = middle }
    }
    return low
  }

  mutating func insert(_ order: BookOrder) {
    total &+= order.remaining
    shown &+= order.shown
    let place = place(of: order.priority)
    if place == start, start > 0 {
      start -= 1
      orders[start] = order
    } else {
      orders.insert(order, at: place)
    }
  }

  mutating func remove(priority: UInt64) -> BookOrder? {
    let place = place(of: priority)
    guard place < orders.count, orders[place].priority == priority else { return nil }
    let order = orders[place]
    total &-= order.remaining
    shown &-= order.shown
    if place == start { start += 1 } else { orders.remove(at: place) }
    if start >= 32, start * 2 > orders.count {
      orders.removeFirst(start)
      start = 0
    }
    return order
  }
}

/// One side: levels from worst to best, so that the best is the last.
struct BookSide: Sendable {
  let side: Side
  var levels: [BookLevel] = []
  var orders = 0

  init(_ side: Side) { self.side = side }

  var best: Price? { levels.last?.price }

  /// Place of the first level that is at least as good as `price`.
  func place(of price: Price) -> Int {
    var low = 0
    var high = levels.count
    while low < high {
      let middle = (low + high) / 2
      let worse = side == .buy ? levels[middle].price < price : levels[middle].price > price
      if worse { low = middle + 1 } else { high = middle }
    }
    return low
  }

  func level(at price: Price) -> Int? {
    let place = place(of: price)
    return place < levels.count && levels[place].price == price ? place : nil
  }

  /// What the level shows after it.
  @discardableResult mutating func insert(_ order: BookOrder, at price: Price) -> Quantity {
    orders += 1
    let place = place(of: price)
    if place == levels.count || levels[place].price != price { levels.insert(BookLevel(price: price), at: place) }
    levels[place].insert(order)
    return levels[place].shown
  }

  /// What the level shows after it.
  @discardableResult mutating func remove(priority: UInt64, at price: Price) -> Quantity {
    guard let place = level(at: price), levels[place].remove(priority: priority) != nil else { return 0 }
    orders -= 1
    if levels[place].isEmpty {
      levels.remove(at: place)
      return 0
    }
    return levels[place].shown
  }

  /// What the level shows after it.
  @discardableResult mutating func resize(
    priority: UInt64, at price: Price, to lots: (remaining: Quantity, shown: Quantity)
  ) -> Quantity {
    guard let level = level(at: price) else { return 0 }
    let place = levels[level].place(of: priority)
    guard place < levels[level].orders.count, levels[level].orders[place].priority == priority else { return 0 }
    levels[level].total &+= lots.remaining &- levels[level].orders[place].remaining
    levels[level].shown &+= lots.shown &- levels[level].orders[place].shown
    (levels[level].orders[place].remaining, levels[level].orders[place].shown) = lots
    return levels[level].shown
  }

  /// Whether an order of the other side at `price` would trade here.
  func crosses(_ price: Price) -> Bool {
    guard let best else { return false }
    return side == .buy ? best >= price : best <= price
  }
}
