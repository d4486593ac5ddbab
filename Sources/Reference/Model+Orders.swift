// Placing, amending, cancelling and ending orders: rules 7 and 11 to 14.

import Clearing
import Primitives

extension Model {
  mutating func place(_ order: PlaceOrder, _ place: UInt16, _ account: AccountID) throws(Rejection) {
    if let client = order.clientID, isTaken(client, account) { throw Rejection(.duplicateClientId) }
    let id = state.nextOrder
    let (remaining, rests) = try submit(order, id: id, account, placed: state.timestamp)
    if order.timeInForce == .fok, remaining > 0 { throw Rejection(.cannotFill) }
    if let client = order.clientID {
      state.clientOrders[OwnNumber(account: account, number: client)] = (id, state.timestamp)
    }
    report(order, id, remaining, rests, place)
  }

  /// Remembered for its time, and as long as the order is open.
  private func isTaken(_ client: UInt64, _ account: AccountID) -> Bool {
    guard let used = state.clientOrders[OwnNumber(account: account, number: client)] else { return false }
    return state.orders[used.order] != nil || used.time + Self.memory >= state.timestamp
  }

  /// What is left of an order, and whether that rests.
  private mutating func submit(
    _ order: PlaceOrder, id: OrderID, _ account: AccountID, placed: Timestamp
  ) throws(Rejection) -> (remaining: Quantity, rests: Bool) {
    try checkTerms(order, account)
    var entry = Order(
      id: id, account: account, instrument: order.instrument, side: order.side, price: order.price,
      quantity: order.quantity, remaining: order.quantity, priority: state.nextOrder,
      goodTill: order.timeInForce == .gtt && order.goodTill < .max ? order.goodTill : nil, placed: placed,
      reduceOnly: order.reduceOnly,
      postOnly: order.postOnly, selfTrade: order.selfTrade, clientID: order.clientID)
    try checkRisk(entry)
    state.nextOrder += 1
    let stop = match(&entry)
    guard entry.remaining > 0 else { return (0, false) }
    let mayRest = order.timeInForce == .gtc || order.timeInForce == .gtt
    if mayRest, stop == nil, hasPlace(entry) {
      state.orders[id] = entry
      emitLevel(entry)
      return (entry.remaining, true)
    }
    let reason = stop ?? (order.timeInForce == .ioc ? .timeInForce : .limit)
    state.emit(
      .orderCancelled(id, account: account, instrument: order.instrument, remaining: entry.remaining, reason))
    return (entry.remaining, false)
  }

  private mutating func report(
    _ order: PlaceOrder, _ id: OrderID, _ remaining: Quantity, _ rests: Bool, _ place: UInt16
  ) {
    state.outcome.orders.append(
      OrderOutcome(
        action: place, id: id, clientID: order.clientID, instrument: order.instrument,
        filled: order.quantity - remaining, remaining: remaining,
        state: remaining == 0 ? .filled : rests ? .open : .cancelled, error: nil))
  }

  /// At most 10,000 orders in a book and 2,000 prices on a side.
  private func hasPlace(_ order: Order) -> Bool {
    let side = state.orders.values.filter { $0.instrument == order.instrument && $0.side == order.side }
    let prices = Set(side.map(\.price))
    return side.count < 10_000 && (prices.contains(order.price) || prices.count < 2_000)
  }

  private func checkTerms(_ order: PlaceOrder, _ account: AccountID) throws(Rejection) {
    guard let instrument = state.instruments[order.instrument] else { throw Rejection(.unknownInstrument) }
    guard instrument.state == .open else { throw Rejection(.instrumentNotOpen) }
    guard order.price > 0, order.price <= 1_000_000_000_000, order.price % instrument.tick == 0 else {
      throw Rejection(.badPrice)
    }
    guard order.quantity > 0, order.quantity <= 100_000_000, order.quantity % instrument.lot == 0 else {
      throw Rejection(.badQuantity)
    }
    let immediate = order.timeInForce == .ioc || order.timeInForce == .fok
    if order.postOnly, immediate { throw Rejection(.wouldCross) }
    if order.timeInForce == .gtt, order.goodTill <= state.timestamp { throw Rejection(.badTime) }
    if order.postOnly, let best = state.best(order.instrument, against: order.side),
      order.side == .buy ? best.price <= order.price : best.price >= order.price
    {
      throw Rejection(.wouldCross)
    }
    let mine = portfolio(account)
    guard mine.orders.count < 20_000 else { throw Rejection(.limitReached) }
    let used = Set(mine.positions.keys).union(mine.orders.map(\.instrument))
    guard used.count < 4_096 || used.contains(order.instrument) else { throw Rejection(.limitReached) }
  }

  // MARK: Amend

  mutating func amend(_ amend: AmendOrder, _ place: UInt16, _ account: AccountID) throws(Rejection) {
    var old: Order
    switch amend.order {
    case .order(let id): old = try find(account) { $0.id == id }
    case .client(let client): old = try find(account) { $0.clientID == client }
    }
    guard let instrument = state.instruments[old.instrument] else { throw Rejection(.unknownInstrument) }
    guard instrument.state == .open else { throw Rejection(.instrumentNotOpen) }
    guard amend.quantity > 0, amend.quantity <= 100_000_000, amend.quantity % instrument.lot == 0 else {
      throw Rejection(.badQuantity)
    }
    if amend.price == old.price, amend.quantity <= old.remaining {
      let filled = old.quantity - old.remaining
      (old.remaining, old.quantity) = (amend.quantity, filled + amend.quantity)
      state.orders[old.id] = old
      emitLevel(old)
      state.outcome.orders.append(
        OrderOutcome(
          action: place, id: old.id, clientID: old.clientID, instrument: old.instrument, filled: filled,
          remaining: amend.quantity, state: .open, error: nil))
      return
    }
    state.orders[old.id] = nil
    emitLevel(old)
    let order = PlaceOrder(
      instrument: old.instrument, side: old.side, quantity: amend.quantity, price: amend.price,
      timeInForce: old.goodTill == nil ? .gtc : .gtt, goodTill: old.goodTill ?? 0, postOnly: old.postOnly,
      reduceOnly: old.reduceOnly, selfTrade: old.selfTrade, clientID: old.clientID)
    let (remaining, rests) = try submit(order, id: old.id, account, placed: old.placed)
    report(order, old.id, remaining, rests, place)
  }

  private func find(_ account: AccountID, _ matches: (Order) -> Bool) throws(Rejection) -> Order {
    for order in state.ordersOf(account) where matches(order) { return order }
    throw Rejection(.unknownOrder)
  }

  // MARK: Cancel

  mutating func cancel(_ selector: CancelSelector, _ place: UInt16, _ account: AccountID) throws(Rejection) {
    let mine = state.ordersOf(account)
    let chosen: [Order]
    switch selector {
    case .order(let id): chosen = [try find(account) { $0.id == id }]
    case .client(let client): chosen = [try find(account) { $0.clientID == client }]
    case .instrument(let id):
      guard state.instruments[id] != nil else { throw Rejection(.unknownInstrument) }
      chosen = mine.filter { $0.instrument == id }
    case .underlying(let underlying): chosen = mine.filter { Terms($0.instrument)?.underlying == underlying }
    case .expiry(let underlying, let time):
      chosen = mine.filter { Terms($0.instrument).map { $0.underlying == underlying && $0.expiry == time } ?? false }
    case .side(let side): chosen = mine.filter { $0.side == side }
    // The model makes no quotes.
    case .quotes, .triggers: chosen = []
    case .all: chosen = mine
    }
    for order in chosen {
      remove(order, .requested)
      state.outcome.orders.append(
        OrderOutcome(
          action: place, id: order.id, clientID: order.clientID, instrument: order.instrument,
          filled: order.quantity - order.remaining, remaining: order.remaining, state: .cancelled, error: nil))
    }
  }

  mutating func remove(_ order: Order, _ reason: CancelReason) {
    state.orders[order.id] = nil
    emitLevel(order)
    state.emit(
      .orderCancelled(
        order.id, account: order.account, instrument: order.instrument, remaining: order.remaining, reason))
  }

  /// Tells what is open at the order's price now.
  mutating func emitLevel(_ order: Order) {
    let quantity = state.level(order.instrument, order.side, order.price)
    state.emit(.bookLevel(order.instrument, order.side, price: order.price, quantity: quantity))
  }

  mutating func endTimedOrders() {
    let ended = state.orders.values.filter { ($0.goodTill ?? .max) <= state.timestamp }
    let sorted = ended.sorted { ($0.goodTill ?? .max, $0.id) < ($1.goodTill ?? .max, $1.id) }
    for order in sorted { remove(order, .timeInForce) }
  }
}
