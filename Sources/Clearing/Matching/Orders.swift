// Placing, amending and cancelling orders.

import Ledger
import Primitives

extension ClearingHouse {
  // MARK: Place

  @discardableResult mutating func place(
    _ order: PlaceOrder, at place: UInt16, account: Int32
  ) throws(Rejection) -> Taker {
    if let client = order.clientID {
      guard live.clients[AccountNumberAndClient(account: account, client: client)] == nil else {
        throw Rejection(.duplicateClientId)
      }
    }
    let id = totals.nextOrder
    let point = order.timeInForce == .fok ? savepoint() : nil
    let taker = try submit(order, id: id, account: account)
    if let point, taker.remaining > 0 || taker.decremented > 0 {
      restore(point)
      throw Rejection(.cannotFill)
    }
    if let client = order.clientID { useClientID(client, order: id, account: account) }
    report(order, taker, at: place)
    return taker
  }

  /// Checks an order, matches it, and rests what is left if it may. Nothing has changed when this throws.
  mutating func submit(
    _ order: PlaceOrder, id: OrderID, account: Int32, placed: Timestamp? = nil
  ) throws(Rejection) -> Taker {
    let (number, state) = try check(order, account)
    try checkRisk(order, account, number, reducingOnly: state == .reduceOnly)
    // A new order's number is its priority; an amended order keeps its number and goes to the end of the queue.
    var taker = Taker(order, id: id, account: account, instrument: number, priority: totals.nextOrder)
    totals.nextOrder &+= 1
    taker.placed = placed ?? totals.timestamp
    if order.instrument.isCombo { matchCombo(&taker) } else if state != .auction { match(&taker) }
    guard taker.remaining > 0 else { return taker }
    let mayStay = order.timeInForce != .ioc && order.timeInForce != .fok
    if taker.isBarred { bar(&taker, mayStay: mayStay) }
    if !mayStay || taker.stopped || !rest(order, taker) {
      let reason = taker.stopReason ?? (order.timeInForce == .ioc ? .timeInForce : .limit)
      emit(
        .orderCancelled(
          id, account: live.accounts[Int(account)].id, instrument: order.instrument, remaining: taker.remaining, reason)
      )
    } else {
      taker.rests = true
    }
    return taker
  }

  /// B2: the rest of the order would trade beyond the band. If it stays in the book it does so in an auction.
  private mutating func bar(_ taker: inout Taker, mayStay: Bool) {
    guard mayStay, genesis.trading.volatilityAuction > 0 else { return taker.stopReason = .band }
    callAuction(taker.instrument, .volatility)
  }

  private mutating func report(_ order: PlaceOrder, _ taker: Taker, at place: UInt16) {
    let isFilled = taker.remaining == 0 && taker.decremented == 0
    let state: OrderOutcomeState = isFilled ? .filled : taker.rests ? .open : .cancelled
    outcome.orders.append(
      OrderOutcome(
        action: place, id: taker.id, clientID: order.clientID, instrument: order.instrument,
        filled: order.quantity - taker.remaining - taker.decremented, remaining: taker.remaining, state: state,
        error: nil))
  }

  /// What does not depend on the risk. Returns the instrument's number and state.
  private func check(_ order: PlaceOrder, _ account: Int32) throws(Rejection) -> (Int32, InstrumentState) {
    guard let number = live.instrumentNumbers[order.instrument] else { throw Rejection(.unknownInstrument) }
    let record = tables.instruments[slot: live.instruments[Int(number)].slot]
    guard record.state.takes(order) else { throw Rejection(.instrumentNotOpen) }
    guard order.price.isMultiple(of: record.tick), order.price.magnitude <= UInt64(Limits.maxPrice),
      order.price > 0 || order.instrument.isCombo
    else { throw Rejection(.badPrice) }
    if order.instrument.isCombo { try checkCombo(order, number) }
    guard order.quantity > 0, order.quantity <= Limits.maxOrderQuantity, order.quantity.isMultiple(of: record.lot)
    else { throw Rejection(.badQuantity) }
    try checkDisplay(order, lot: record.lot)
    let immediate = order.timeInForce == .ioc || order.timeInForce == .fok
    guard !order.postOnly || !immediate else { throw Rejection(.wouldCross) }
    guard order.timeInForce != .gtt || order.goodTill > totals.timestamp else { throw Rejection(.badTime) }
    guard !order.postOnly || record.state == .auction || !crosses(order, number) else { throw Rejection(.wouldCross) }
    guard isWithinLimit(order, number) else { throw Rejection(.outsideBand) }
    guard live.accounts[Int(account)].openOrders < Limits.maxOpenOrders else { throw Rejection(.limitReached) }
    // At the limit what is held can still be traded.
    let more = live.instruments[Int(number)].combo?.legs.count ?? 0
    guard
      live.accounts[Int(account)].holdings.count + more < Limits.maxPositionsPerAccount
        || live.holdingNumbers[Self.holdingKey(account, number)] != nil
    else { throw Rejection(.limitReached) }
    return (number, record.state)
  }

  /// C2: what else holds for a combo's order.
  private func checkCombo(_ order: PlaceOrder, _ number: Int32) throws(Rejection) {
    guard areLegsOpen(number), let combo = live.instruments[Int(number)].combo else {
      throw Rejection(.instrumentNotOpen)
    }
    guard (1...Limits.maxOrderQuantity / combo.weight).contains(order.quantity) else { throw Rejection(.badQuantity) }
    guard live.instruments[Int(number)].mark == nil || legPrices(number, order.price) != nil else {
      throw Rejection(.badPrice)
    }
  }

  private func crosses(_ order: PlaceOrder, _ number: Int32) -> Bool {
    if order.instrument.isCombo, let implied = impliedPrice(number, order.side),
      order.side == .buy ? implied <= order.price : implied >= order.price
    {
      return true
    }
    return crossesBook(order, number)
  }

  private func crossesBook(_ order: PlaceOrder, _ number: Int32) -> Bool {
    order.side == .buy
      ? live.instruments[Int(number)].asks.crosses(order.price)
      : live.instruments[Int(number)].bids.crosses(order.price)
  }

  /// Staleness ladder, margin call, and the margin with the whole order resting (which covers every fill of it, 2.6).
  private mutating func checkRisk(
    _ order: PlaceOrder, _ account: Int32, _ number: Int32, reducingOnly: Bool
  ) throws(Rejection) {
    guard live.instruments[Int(number)].mark != nil, let age = priceAge(order.instrument) else {
      throw Rejection(.noMark)
    }
    let reducing = isReducing(order, account, number)
    guard age <= (reducing ? Limits.cancelOnlyAfter : Limits.freshFor) else { throw Rejection(.stalePrice) }
    guard reducing || !order.reduceOnly && !reducingOnly else { throw Rejection(.notReducing) }
    guard hasRoom(account) else { throw Rejection(.tooLarge) }
    if !reducing {
      let weight = live.instruments[Int(number)].combo?.weight ?? 1
      guard live.accounts[Int(account)].grossLots + order.quantity * weight <= Limits.maxAccountLots else {
        throw Rejection(.tooLarge)
      }
      let slot = live.accounts[Int(account)].slot
      guard !tables.accounts.read(slot: slot, { $0.marginCall }) else { throw Rejection(.marginCall) }
    }
    var hypothesis = Hypothesis(
      instrument: Int(number), lots: order.side.sign * order.quantity, price: order.price, fills: false)
    if requirement(account, with: hypothesis).excess >= 0 {
      live.accounts[Int(account)].coveredEpoch = live.epoch
      return
    }
    if Mutant.has(.marginUnchecked) { return }
    guard reducing else { throw Rejection(.insufficientMargin) }
    // While such an order rests its worst case may be above the equity: every fill is looked at by itself.
    live.accounts[Int(account)].coveredEpoch = 0
    hypothesis.fills = true
    guard mayReduce(account, hypothesis) else { throw Rejection(.insufficientMargin) }
  }

  /// Whether the order, with those resting before it, can only make the position smaller.
  private func isReducing(_ order: PlaceOrder, _ account: Int32, _ number: Int32) -> Bool {
    closable(order.side, account, number) >= order.quantity
  }

  /// Lots of a position that orders of this side could still close, beside those that rest; negative if these are more.
  func closable(_ side: Side, _ account: Int32, _ number: Int32) -> Quantity {
    guard let number = live.holdingNumbers[Self.holdingKey(account, number)] else { return 0 }
    let place = Int(number)
    return side == .buy
      ? -live.holdings[place].quantity - live.holdings[place].buyLots
      : live.holdings[place].quantity - live.holdings[place].sellLots
  }

  /// Puts what is left of an order into the book; false if the book is full.
  private mutating func rest(_ order: PlaceOrder, _ taker: Taker) -> Bool {
    let number = Int(taker.instrument)
    let (orders, levels, isNew) = bookSize(number, order.side, order.price)
    guard orders < Limits.maxBookOrders, levels < Limits.maxBookLevels || !isNew else { return false }
    let id = live.accounts[Int(taker.account)].id
    var record = OrderRecord(order, account: id, priority: taker.priority, placed: taker.placed)
    record.remaining = taker.remaining
    record.quantity &-= taker.decremented
    tables.orders.put(record, for: OrderKey(taker.id))
    if order.display > 0, order.display < taker.remaining {
      tables.icebergs.put(IcebergRecord(display: order.display, shown: order.display), for: OrderKey(taker.id))
    }
    if order.instrument.isCombo { tables.combos.update(order.instrument) { $0.used = totals.timestamp } }
    let level = indexOrder(taker.id, record, at: (taker.account, taker.instrument))
    emit(.bookLevel(order.instrument, order.side, price: order.price, quantity: level))
    return true
  }

  private func bookSize(_ number: Int, _ side: Side, _ price: Price) -> (orders: Int, levels: Int, isNew: Bool) {
    if side == .buy {
      (
        live.instruments[number].bids.orders, live.instruments[number].bids.levels.count,
        live.instruments[number].bids.level(at: price) == nil
      )
    } else {
      (
        live.instruments[number].asks.orders, live.instruments[number].asks.levels.count,
        live.instruments[number].asks.level(at: price) == nil
      )
    }
  }

  // MARK: Amend

  /// A smaller quantity at the same price keeps its place; anything else is a cancel and a new order under the same
  /// number, both or neither.
  mutating func amend(_ amend: AmendOrder, at place: UInt16, account: Int32) throws(Rejection) {
    let id = try find(amend.order, account)
    guard let record = tables.orders[OrderKey(id)] else { throw Rejection(.unknownOrder) }
    guard let instrument = tables.instruments[record.instrument] else { throw Rejection(.unknownInstrument) }
    guard instrument.state.takesOrders else { throw Rejection(.instrumentNotOpen) }
    guard amend.quantity > 0, amend.quantity <= Limits.maxOrderQuantity, amend.quantity.isMultiple(of: instrument.lot)
    else { throw Rejection(.badQuantity) }
    if amend.price == record.price, amend.quantity <= record.remaining {
      shrink(id, record, to: amend.quantity)
      return report(record, id, remaining: amend.quantity, .open, at: place)
    }
    guard !tables.links.contains(OrderKey(id)) else { throw Rejection(.linkedOrder) }
    let point = savepoint()
    let display = tables.icebergs[OrderKey(id)]?.display ?? 0
    takeOut(id, record)
    var order = PlaceOrder(
      instrument: record.instrument, side: record.side, quantity: amend.quantity, price: amend.price,
      timeInForce: record.timeInForce, goodTill: record.goodTill == .max ? 0 : record.goodTill,
      reduceOnly: record.reduceOnly, selfTrade: record.selfTrade, display: min(display, amend.quantity))
    order.clientID = record.clientID
    order.postOnly = record.postOnly
    order.isQuote = record.quote
    do throws(Rejection) {
      let taker = try submit(order, id: id, account: account, placed: record.placed)
      if let client = record.clientID, taker.rests {
        live.clients[AccountNumberAndClient(account: account, client: client)] = id
      }
      report(order, taker, at: place)
    } catch {
      restore(point)
      throw error
    }
  }

  /// Takes lots away from a resting order, all of them or some.
  mutating func reduce(_ id: OrderID, _ record: OrderRecord, by lots: Quantity) {
    if lots >= record.remaining {
      cancelOrder(id, record, .selfTrade)
    } else {
      shrink(id, record, to: record.remaining - lots)
    }
  }

  mutating func shrink(_ id: OrderID, _ record: OrderRecord, to quantity: Quantity) {
    shrinkIceberg(id, to: quantity)
    let level = resizeOrder(id, record, to: quantity)
    tables.orders.update(OrderKey(id)) {
      $0.quantity &-= record.remaining &- quantity
      $0.remaining = quantity
    }
    emit(.bookLevel(record.instrument, record.side, price: record.price, quantity: level))
    followShrink(id, to: quantity)
  }

  /// An open order, or a trigger that has not fired.
  func find(_ reference: OrderReference, _ account: Int32) throws(Rejection) -> OrderID {
    var id: OrderID?
    switch reference {
    case .order(let number): id = number
    case .client(let client): id = live.clients[AccountNumberAndClient(account: account, client: client)]
    }
    guard let id, owner(of: id) == live.accounts[Int(account)].id else {
      throw Rejection(.unknownOrder)
    }
    return id
  }

  private func owner(of id: OrderID) -> AccountID? {
    tables.orders[OrderKey(id)]?.account ?? tables.triggers[OrderKey(id)]?.account
  }

  // MARK: Cancel

  /// Cancels are never charged and never refused for the state of the market; several go in the order of their numbers.
  mutating func cancel(_ selector: CancelSelector, at place: UInt16, account: Int32) throws(Rejection) {
    var ids: [OrderID] = []
    switch selector {
    case .order(let id): ids = [try find(.order(id), account)]
    case .client(let id): ids = [try find(.client(id), account)]
    case .instrument(let id):
      guard let number = live.instrumentNumbers[id] else { throw Rejection(.unknownInstrument) }
      ids = holding(account, number)?.orders ?? []
    case .underlying(let underlying): ids = openOrders(account) { $0.underlying == Int(underlying) }
    case .all: ids = openOrders(account) { _ in true }
    case .expiry(let underlying, let expiry):
      ids = openOrders(account) { $0.id.underlying == underlying && $0.id.expiry == expiry }
    case .side(let side): ids = openOrders(account) { _ in true }.filter { tables.orders[OrderKey($0)]?.side == side }
    case .quotes: ids = openOrders(account) { _ in true }.filter { tables.orders[OrderKey($0)]?.quote == true }
    case .triggers: break
    }
    ids.append(contentsOf: triggers(of: account, selector))
    ids.sort()
    for id in ids {
      if let record = tables.orders[OrderKey(id)] {
        cancelOrder(id, record, .requested)
        report(record, id, remaining: record.remaining, .cancelled, at: place)
      } else if let record = tables.triggers[OrderKey(id)] {
        cancelTrigger(id, record, .requested)
        report(record, id, .cancelled, at: place)
      }
    }
  }

  /// Orders of an account in the instruments that `matches` picks, in no particular order.
  func openOrders(_ account: Int32, where matches: (LiveInstrument) -> Bool) -> [OrderID] {
    var ids: [OrderID] = []
    for place in live.accounts[Int(account)].holdings {
      let holding = live.holdings[Int(place)]
      if !holding.orders.isEmpty, matches(live.instruments[Int(holding.instrument)]) {
        ids.append(contentsOf: holding.orders)
      }
    }
    return ids
  }

  mutating func cancelOrder(_ id: OrderID, _ record: OrderRecord, _ reason: CancelReason) {
    takeOut(id, record)
    emit(
      .orderCancelled(
        id, account: record.account, instrument: record.instrument, remaining: record.remaining, reason))
  }

  /// Removes an order from table and book. `record` is it as it stands.
  mutating func takeOut(_ id: OrderID, _ record: OrderRecord) {
    let level = unindexOrder(id, record)
    removeOrder(id)
    emit(.bookLevel(record.instrument, record.side, price: record.price, quantity: level))
    releaseClientID(id, record)
    unlink(id)
  }

  mutating func removeOrder(_ id: OrderID) {
    tables.orders.remove(OrderKey(id))
    if tables.icebergs.count > 0 { tables.icebergs.remove(OrderKey(id)) }
  }

  /// An order that outlived the memory of its command gives its client id free now.
  mutating func releaseClientID(_ id: OrderID, _ record: OrderRecord) {
    guard let client = record.clientID, record.placed + Self.commandLifetime < totals.timestamp,
      let account = live.accountNumbers[record.account]
    else { return }
    forgetClientID(client, of: id, account: account)
  }

  private mutating func report(
    _ record: OrderRecord, _ id: OrderID, remaining: Quantity, _ state: OrderOutcomeState, at place: UInt16
  ) {
    outcome.orders.append(
      OrderOutcome(
        action: place, id: id, clientID: record.clientID, instrument: record.instrument,
        filled: record.quantity - record.remaining, remaining: remaining, state: state, error: nil))
  }

  /// Orders whose time in force is over leave the book at the beginning of a block.
  mutating func endTimedOrders() {
    while let id = live.timed.next(until: totals.timestamp) {
      if let record = tables.orders[OrderKey(id)], record.goodTill <= totals.timestamp {
        cancelOrder(id, record, .timeInForce)
      } else if let record = tables.triggers[OrderKey(id)], record.goodTill <= totals.timestamp {
        cancelTrigger(id, record, .timeInForce)
      }
    }
    compactTimedOrders()
  }

  /// Keeps the queue of ends within a multiple of the orders that exist.
  private mutating func compactTimedOrders() {
    guard live.timed.heap.count > 2 * (tables.orders.count + tables.triggers.count) + 1_024 else { return }
    // An order that was amended is there more than once. What is sorted is a heap.
    live.timed.heap.sort { $0.isBefore($1) }
    var kept: [TimedOrders.Entry] = []
    for entry in live.timed.heap where entry.order != kept.last?.order {
      let key = OrderKey(entry.order)
      guard (tables.orders[key]?.goodTill ?? tables.triggers[key]?.goodTill) == entry.time else { continue }
      kept.append(entry)
    }
    live.timed.heap = kept
  }
}
