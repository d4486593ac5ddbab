// The derived view of who holds and orders what, and the one set of functions that changes it. Each change is noted so
// that a transaction can be undone: first the tables go back, then these.

import Ledger
import Primitives

extension ClearingHouse {
  func holding(_ account: Int32, _ instrument: Int32) -> Holding? {
    live.holdingNumbers[Self.holdingKey(account, instrument)].map { live.holdings[Int($0)] }
  }

  /// Signed lots held.
  func heldLots(_ account: Int32, _ instrument: Int32) -> Quantity {
    live.holdingNumbers[Self.holdingKey(account, instrument)].map { live.holdings[Int($0)].quantity } ?? 0
  }

  static func holdingKey(_ account: Int32, _ instrument: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: account)) << 32 | UInt64(UInt32(bitPattern: instrument))
  }

  /// The place of a holding, made if absent.
  mutating func holdingPlace(_ account: Int32, _ instrument: Int32) -> Int {
    let key = Self.holdingKey(account, instrument)
    if let place = live.holdingNumbers[key] { return Int(place) }
    var holding = Holding(account: account, instrument: instrument)
    holding.listPlace = Int32(truncatingIfNeeded: live.accounts[Int(account)].holdings.count)
    let place: Int32
    if let free = live.freeHoldings.popLast() {
      live.holdings[Int(free)] = holding
      place = free
    } else {
      place = Int32(truncatingIfNeeded: live.holdings.count)
      live.holdings.append(holding)
    }
    live.holdingNumbers[key] = place
    ensureCell(account, live.instruments[Int(instrument)].underlying)
    live.accounts[Int(account)].holdings.append(place)
    return Int(place)
  }

  /// Frees a holding of nothing.
  private mutating func dropIfEmpty(_ place: Int) {
    guard live.holdings[place].isEmpty else { return }
    let account = Int(live.holdings[place].account)
    live.holdingNumbers[Self.holdingKey(live.holdings[place].account, live.holdings[place].instrument)] = nil
    live.freeHoldings.append(Int32(truncatingIfNeeded: place))
    // The last one of the account's list takes its place.
    let at = live.holdings[place].listPlace
    guard let last = live.accounts[account].holdings.popLast(), Int(last) != place else { return }
    live.accounts[account].holdings[Int(at)] = last
    live.holdings[Int(last)].listPlace = at
  }

  // MARK: Orders

  /// Numbers of the account and the instrument of an order.
  typealias OrderPlace = (account: Int32, instrument: Int32)

  private func numbers(of order: OrderRecord) -> OrderPlace? {
    guard let account = live.accountNumbers[order.account], let number = live.instrumentNumbers[order.instrument] else {
      return nil
    }
    return (account, number)
  }

  /// Puts an order into book, holding and risk. Returns what the level shows.
  @discardableResult mutating func indexOrder(
    _ id: OrderID, _ order: OrderRecord, at numbers: OrderPlace? = nil, undoing: Bool = false
  ) -> Quantity {
    guard let (account, number) = numbers ?? self.numbers(of: order) else { return 0 }
    let place = holdingPlace(account, number)
    live.holdings[place].orders.append(id)
    if order.quote { setQuoteIndex(place, order.side, id) }
    live.accounts[Int(account)].openOrders += 1
    changeOpenLots(place, order, from: 0, to: order.remaining, undoing)
    let entry = BookOrder(
      id: id, priority: order.priority, remaining: order.remaining, shown: shownLots(id, of: order.remaining),
      account: account)
    if order.goodTill != .max { live.timed.insert(id, at: order.goodTill) }
    if !undoing { live.undo.append(.added(id, order)) }
    return order.side == .buy
      ? live.instruments[Int(number)].bids.insert(entry, at: order.price)
      : live.instruments[Int(number)].asks.insert(entry, at: order.price)
  }

  private mutating func setQuoteIndex(_ place: Int, _ side: Side, _ id: OrderID) {
    if side == .buy { live.holdings[place].bidQuote = id } else { live.holdings[place].askQuote = id }
  }

  /// Takes an order out. `order` is its record as it stands. Returns what the level shows.
  @discardableResult mutating func unindexOrder(
    _ id: OrderID, _ order: OrderRecord, at numbers: OrderPlace? = nil, undoing: Bool = false
  ) -> Quantity {
    guard let (account, number) = numbers ?? self.numbers(of: order) else { return 0 }
    let place = holdingPlace(account, number)
    // Most are cancelled young.
    if let at = live.holdings[place].orders.lastIndex(of: id) {
      let last = live.holdings[place].orders.count - 1
      live.holdings[place].orders.swapAt(at, last)
      live.holdings[place].orders.removeLast()
    }
    if order.quote { setQuoteIndex(place, order.side, 0) }
    live.accounts[Int(account)].openOrders -= 1
    changeOpenLots(place, order, from: order.remaining, to: 0, undoing)
    dropIfEmpty(place)
    if !undoing { live.undo.append(.removed(id, order)) }
    return order.side == .buy
      ? live.instruments[Int(number)].bids.remove(priority: order.priority, at: order.price)
      : live.instruments[Int(number)].asks.remove(priority: order.priority, at: order.price)
  }

  /// An order has `remaining` lots from now on; `order` is its record before. Returns what the level shows.
  @discardableResult mutating func resizeOrder(
    _ id: OrderID, _ order: OrderRecord, to remaining: Quantity, at numbers: OrderPlace? = nil, undoing: Bool = false
  ) -> Quantity {
    guard let (account, number) = numbers ?? self.numbers(of: order) else { return 0 }
    changeOpenLots(holdingPlace(account, number), order, from: order.remaining, to: remaining, undoing)
    if !undoing { live.undo.append(.resized(id, order, now: remaining)) }
    let lots = (remaining: remaining, shown: shownLots(id, of: remaining))
    return order.side == .buy
      ? live.instruments[Int(number)].bids.resize(priority: order.priority, at: order.price, to: lots)
      : live.instruments[Int(number)].asks.resize(priority: order.priority, at: order.price, to: lots)
  }

  private mutating func changeOpenLots(
    _ place: Int, _ order: OrderRecord, from: Quantity, to: Quantity, _ undoing: Bool
  ) {
    let (account, instrument) = (live.holdings[place].account, Int(live.holdings[place].instrument))
    let before = live.holdings[place].worstShort
    if order.side == .buy {
      live.holdings[place].buyLots &+= to &- from
    } else {
      live.holdings[place].sellLots &+= to &- from
    }
    live.accounts[Int(account)].grossLots &+= (to &- from) &* (live.instruments[instrument].combo?.weight ?? 1)
    if undoing { return invalidateRisk(account) }
    let shortChange = live.holdings[place].worstShort &- before
    guard let cell = currentCell(account, live.instruments[instrument].underlying) else { return }
    if live.instruments[instrument].kind.isOption { live.cells[cell].short &+= shortChange }
    live.cells[cell].short &+= (to &- from) &* optionsSold(instrument, order.side)
    // The worst case of an order is linear in its lots.
    let lots = order.side.sign &* (to &- from)
    if to > from {
      addOrder(cell, instrument: instrument, lots: lots, price: order.price, sign: 1)
    } else if to < from {
      addOrder(cell, instrument: instrument, lots: 0 &- lots, price: order.price, sign: -1)
    }
  }

  /// C3: options that one lot of a combo sells; 0 for an instrument.
  func optionsSold(_ instrument: Int, _ side: Side) -> Int64 {
    guard let combo = live.instruments[instrument].combo else { return 0 }
    return side == .buy ? combo.soldByBuyer : combo.soldBySeller
  }

  /// The cell if it is up to date: only then does it take changes; another one is rebuilt when it is needed.
  private func currentCell(_ account: Int32, _ underlying: Int) -> Int? {
    let number = live.cellNumbers[Int(account) * genesis.underlyings.count + underlying]
    guard number >= 0, live.cells[Int(number)].epoch == live.epoch else { return nil }
    return Int(number)
  }

  mutating func invalidateRisk(_ account: Int32) {
    let count = genesis.underlyings.count
    for underlying in 0..<count {
      let number = live.cellNumbers[Int(account) * count + underlying]
      if number >= 0 { live.cells[Int(number)].epoch = 0 }
    }
    live.accounts[Int(account)].coveredEpoch = 0
  }

  // MARK: Positions

  /// A position is `quantity` with entry value `entry` from now on.
  mutating func setPosition(
    _ account: Int32, _ instrument: Int32, quantity: Quantity, entry: Amount, undoing: Bool = false
  ) {
    setPosition(at: holdingPlace(account, instrument), quantity: quantity, entry: entry, undoing: undoing)
  }

  /// The same for a holding that exists; it does not afterwards if nothing is left in it.
  mutating func setPosition(at place: Int, quantity: Quantity, entry: Amount, undoing: Bool = false) {
    let (account, instrument) = (live.holdings[place].account, live.holdings[place].instrument)
    let (oldQuantity, oldEntry) = (live.holdings[place].quantity, live.holdings[place].entry)
    let oldShort = live.holdings[place].worstShort
    live.holdings[place].quantity = quantity
    live.holdings[place].entry = entry
    live.accounts[Int(account)].grossLots &+= abs(quantity) &- abs(oldQuantity)
    if undoing {
      // The tables went back before.
      live.holdings[place].positionSlot = tables.positions.slot(of: positionKey(place)) ?? -1
      invalidateRisk(account)
      return dropIfEmpty(place)
    }
    live.undo.append(.position(account: account, instrument: instrument, quantity: oldQuantity, entry: oldEntry))
    if let cell = currentCell(account, live.instruments[Int(instrument)].underlying) {
      addPosition(cell, instrument: Int(instrument), lots: quantity &- oldQuantity, paid: entry &- oldEntry)
      if live.instruments[Int(instrument)].kind.isOption {
        live.cells[cell].short &+= live.holdings[place].worstShort &- oldShort
      }
    }
    storePosition(place, PositionRecord(quantity: quantity, entry: entry))
    dropIfEmpty(place)
  }

  private func positionKey(_ place: Int) -> PositionKey {
    PositionKey(
      live.accounts[Int(live.holdings[place].account)].id, live.instruments[Int(live.holdings[place].instrument)].id)
  }

  private mutating func storePosition(_ place: Int, _ record: PositionRecord) {
    let slot = live.holdings[place].positionSlot
    if slot < 0 {
      guard record.quantity != 0 else { return }
      live.holdings[place].positionSlot = tables.positions.put(record, for: positionKey(place))
    } else if record.quantity == 0 {
      tables.positions.remove(slot: slot)
      live.holdings[place].positionSlot = -1
    } else {
      tables.positions.update(slot: slot) { $0 = record }
    }
  }

  /// Takes the derived state back to where the log had `count` entries.
  mutating func undoLive(to count: Int) {
    while live.undo.count > count {
      switch live.undo.removeLast() {
      case .added(let id, let order): unindexOrder(id, order, undoing: true)
      case .removed(let id, let order):
        indexOrder(id, order, undoing: true)
        if let client = order.clientID, let account = live.accountNumbers[order.account] {
          live.clients[AccountNumberAndClient(account: account, client: client)] = id
        }
      case .resized(let id, var order, let now):
        let before = order.remaining
        order.remaining = now
        resizeOrder(id, order, to: before, undoing: true)
      case .position(let account, let instrument, let quantity, let entry):
        setPosition(account, instrument, quantity: quantity, entry: entry, undoing: true)
      case .client(let key): live.clients[key] = nil
      case .nonce(let key): live.nonces.remove(key)
      case .traded(let instrument): _ = live.instruments[Int(instrument)].trades.popLast()
      case .listed(let id): dropInstrument(id)
      case .triggerAdded(let id, let record): live.triggers.remove(id, record)
      case .triggerRemoved(let id, let record):
        indexTrigger(id, record)
        if let client = record.order.clientID, let account = live.accountNumbers[record.account] {
          live.clients[AccountNumberAndClient(account: account, client: client)] = id
        }
      case .owned(let account): live.accounts[Int(account)].owner = -1
      }
    }
  }
}
