// Placing and dropping triggers (T1 to T3, T6, T7). What a trigger will place is no order yet: it costs no margin, stands in no
// book and counts for no limit but its own.

import Ledger
import Primitives

extension ClearingHouse {
  // MARK: Place

  mutating func placeTrigger(_ trigger: TriggerOrder, at place: UInt16, account: Int32) throws(Rejection) {
    try checkTrigger(trigger, account, mayBeMet: false)
    addTrigger(TriggerRecord(trigger, account: live.accounts[Int(account)].id, placed: totals.timestamp), at: place)
  }

  /// T6, T7. All parts or none.
  mutating func placeLinked(_ linked: LinkedOrders, at place: UInt16, account: Int32) throws(Rejection) {
    guard linked.isWellFormed else { throw Rejection(.badTrigger) }
    let clients = linked.triggers.compactMap(\.order.clientID) + [linked.order?.clientID].compactMap { $0 }
    guard Set(clients).count == clients.count else { throw Rejection(.duplicateClientId) }
    for trigger in linked.triggers {
      try checkTrigger(trigger, account, mayBeMet: linked.kind == .oneTriggersOther, beside: linked.triggers.count - 1)
    }
    guard let order = linked.order else {
      addPair(linked.triggers, at: place, account: account)
      return
    }
    let taker = try self.place(order, at: place, account: account)
    let filled = order.quantity - taker.remaining - taker.decremented
    let lots = linked.kind == .oneCancelsOther ? taker.remaining : filled
    // What is over before it began leaves nothing to cancel or to guard.
    guard taker.rests || lots > 0 else { return }
    let ids = addPair(linked.triggers, lots: lots, parent: taker.rests ? taker.id : 0, at: place, account: account)
    if taker.rests { tables.links.put(LinkRecord(kind: linked.kind, triggers: ids), for: OrderKey(taker.id)) }
  }

  @discardableResult private mutating func addPair(
    _ triggers: [TriggerOrder], lots: Quantity? = nil, parent: OrderID = 0, at place: UInt16, account: Int32
  ) -> [OrderID] {
    let ids = triggers.indices.map { totals.nextOrder &+ UInt64($0) }
    for (number, trigger) in triggers.enumerated() {
      var record = TriggerRecord(trigger, account: live.accounts[Int(account)].id, placed: totals.timestamp)
      record.order.quantity = lots ?? record.order.quantity
      record.parent = parent
      record.partner = ids.first { $0 != ids[number] } ?? 0
      addTrigger(record, at: place)
    }
    return ids
  }

  /// What the order's state, price and risk do not decide; they are looked at when it is placed.
  private func checkTrigger(
    _ trigger: TriggerOrder, _ account: Int32, mayBeMet: Bool, beside others: Int = 0
  ) throws(Rejection) {
    let order = trigger.order
    guard let number = live.instrumentNumbers[order.instrument], let record = tables.instruments[order.instrument]
    else { throw Rejection(.unknownInstrument) }
    guard !record.state.hasExpired else { throw Rejection(.instrumentNotOpen) }
    guard !order.instrument.isCombo, order.timeInForce != .auctionOnly, (1...Limits.maxPrice).contains(trigger.level)
    else { throw Rejection(.badTrigger) }
    guard order.price > 0, order.price <= Limits.maxPrice, order.price.isMultiple(of: record.tick) else {
      throw Rejection(.badPrice)
    }
    guard order.quantity > 0, order.quantity <= Limits.maxOrderQuantity, order.quantity.isMultiple(of: record.lot)
    else { throw Rejection(.badQuantity) }
    try checkDisplay(order, lot: record.lot)
    guard order.timeInForce != .gtt || order.goodTill > totals.timestamp else { throw Rejection(.badTime) }
    if let client = order.clientID,
      live.clients[AccountNumberAndClient(account: account, client: client)] != nil
    {
      throw Rejection(.duplicateClientId)
    }
    let owned = live.triggers.owned[live.accounts[Int(account)].id]?.count ?? 0
    guard owned + others < Limits.maxTriggersOfAccount, live.triggers.count + others < Limits.maxTriggers else {
      throw Rejection(.limitReached)
    }
    // T2: one that would fire at once is most likely a slip.
    guard let price = triggerPrice(number, trigger.source) else { throw Rejection(.noMark) }
    guard mayBeMet || !trigger.condition.isMet(by: price, level: trigger.level) else { throw Rejection(.wouldTrigger) }
  }

  private mutating func addTrigger(_ record: TriggerRecord, at place: UInt16) {
    let id = totals.nextOrder
    totals.nextOrder &+= 1
    tables.triggers.put(record, for: OrderKey(id))
    indexTrigger(id, record)
    live.undo.append(.triggerAdded(id, record))
    if let client = record.order.clientID, let account = live.accountNumbers[record.account] {
      useClientID(client, order: id, account: account)
    }
    report(record, id, .waiting, at: place)
  }

  mutating func indexTrigger(_ id: OrderID, _ record: TriggerRecord) {
    live.triggers.insert(id, record)
    if record.goodTill != .max { live.timed.insert(id, at: record.goodTill) }
  }

  /// What the trigger watches, per contract; nil before the first price.
  func triggerPrice(_ number: Int32, _ source: TriggerSource) -> Price? {
    let instrument = live.instruments[Int(number)]
    switch source {
    case .mark: return instrument.mark.map { $0 * Limits.pricePerLot }
    case .index: return live.index[instrument.underlying] > 0 ? live.index[instrument.underlying] : nil
    }
  }

  // MARK: Drop

  /// A trigger goes without firing; what it was linked to stays.
  mutating func cancelTrigger(_ id: OrderID, _ record: TriggerRecord, _ reason: CancelReason) {
    removeTrigger(id, record)
    releaseClientID(of: id, record)
    emit(.triggerCancelled(id, account: record.account, instrument: record.order.instrument, reason))
  }

  /// Takes it out of table, queues and links. Its client id stays taken.
  mutating func removeTrigger(_ id: OrderID, _ record: TriggerRecord) {
    tables.triggers.remove(OrderKey(id))
    live.triggers.remove(id, record)
    live.undo.append(.triggerRemoved(id, record))
    tables.triggers.update(OrderKey(record.partner)) { $0.partner = 0 }
    guard record.parent != 0, var link = tables.links[OrderKey(record.parent)] else { return }
    link.triggers.removeAll { $0 == id }
    if link.triggers.isEmpty {
      tables.links.remove(OrderKey(record.parent))
    } else {
      tables.links.put(link, for: OrderKey(record.parent))
    }
  }

  /// One that outlived the memory of its command gives its client id free now.
  mutating func releaseClientID(of id: OrderID, _ record: TriggerRecord) {
    guard let client = record.order.clientID, record.placed + Self.commandLifetime < totals.timestamp,
      let account = live.accountNumbers[record.account]
    else { return }
    forgetClientID(client, of: id, account: account)
  }

  /// All triggers of an account that `matches` picks, ascending.
  func triggers(of account: Int32, where matches: (TriggerRecord) -> Bool) -> [OrderID] {
    guard tables.triggers.count > 0 else { return [] }
    return live.triggers.owned[live.accounts[Int(account)].id, default: []].sorted().filter {
      tables.triggers[OrderKey($0)].map(matches) ?? false
    }
  }

  mutating func cancelTriggers(_ ids: [OrderID], _ reason: CancelReason) {
    for id in ids {
      if let record = tables.triggers[OrderKey(id)] { cancelTrigger(id, record, reason) }
    }
  }

  /// Those that a cancel of many means, beside the orders.
  func triggers(of account: Int32, _ selector: CancelSelector) -> [OrderID] {
    triggers(of: account) { record in
      let id = record.order.instrument
      switch selector {
      case .order, .client, .quotes: return false
      case .instrument(let instrument): return id == instrument
      case .underlying(let underlying): return id.underlying == underlying
      case .expiry(let underlying, let expiry): return id.underlying == underlying && id.expiry == expiry
      case .side(let side): return record.order.side == side
      case .all, .triggers: return true
      }
    }
  }

  mutating func report(_ record: TriggerRecord, _ id: OrderID, _ state: OrderOutcomeState, at place: UInt16) {
    outcome.orders.append(
      OrderOutcome(
        action: place, id: id, clientID: record.order.clientID, instrument: record.order.instrument, filled: 0,
        remaining: record.order.quantity, state: state, error: nil))
  }

  mutating func rebuildTriggers() {
    for key in tables.triggers.sortedKeys() {
      guard let record = tables.triggers[key] else { continue }
      indexTrigger(key.id, record)
      guard let client = record.order.clientID, let account = accountNumber(record.account) else { continue }
      live.clients[AccountNumberAndClient(account: account, client: client)] = key.id
    }
  }
}
