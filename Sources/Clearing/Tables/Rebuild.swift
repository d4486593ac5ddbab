// The derived state, from the tables alone: after a restart and after a block was taken back.

import Ledger
import Primitives

extension ClearingHouse {
  public mutating func rebuildIndices() {
    let trades = keptTrades()
    let epoch = live.epoch
    live = LiveState(underlyings: genesis.underlyings.count)
    live.epoch = epoch + 1
    totals = tables.totals[SingletonKey()] ?? TotalsRecord()
    commands = BlockCommands()
    touchedFeeds.removeAll()
    rebuildMembers()
    seats = Seats()
    noteSeats()
    rebuildAccounts()
    indexOwners()
    rebuildInstruments(trades)
    rebuildCombos()
    rebuildPositions()
    rebuildCommands()
    rebuildOrders()
    rebuildTriggers()
    indexLeases()
    live.undo.removeAll()
    refreshMarks()
  }

  /// Trades for display, without those of blocks that were taken back. They are not state: a restart begins empty.
  private func keptTrades() -> [InstrumentID: [TradeView]] {
    let height = tables.totals[SingletonKey()]?.height ?? 0
    var kept: [InstrumentID: [TradeView]] = [:]
    for (id, number) in live.instrumentNumbers {
      let trades = live.instruments[Int(number)].trades.filter { $0.height <= height }
      if !trades.isEmpty { kept[id] = trades }
    }
    return kept
  }

  private mutating func rebuildAccounts() {
    let empty = LiveAccount(id: .zero, slot: -1)
    live.accounts = Array(repeating: empty, count: Int(totals.nextAccount))
    live.cellNumbers = Array(repeating: -1, count: Int(totals.nextAccount) * genesis.underlyings.count)
    tables.accounts.forEach { key, slot, record in
      // In range in every state that this engine wrote; a stored one may be damaged, and is found out by its root.
      guard Int(record.number) < live.accounts.count else { return }
      live.accounts[Int(record.number)] = LiveAccount(id: key.id, slot: slot)
      live.accountNumbers[key.id] = Int32(truncatingIfNeeded: record.number)
    }
  }

  private mutating func rebuildInstruments(_ trades: [InstrumentID: [TradeView]]) {
    var listed: [(InstrumentID, Int32)] = []
    tables.instruments.forEach { id, slot, _ in listed.append((id, slot)) }
    listed.sort { $0.0 < $1.0 }
    for (id, slot) in listed {
      guard let kind = id.kind, Int(id.underlying) < genesis.underlyings.count else { continue }
      indexInstrument(id, kind: kind, slot: slot)
      live.instruments[live.instruments.count - 1].trades = trades[id] ?? []
    }
  }

  private mutating func rebuildCombos() {
    for id in tables.combos.sortedKeys() {
      guard let record = tables.combos[id], let slot = tables.instruments.slot(of: id) else { continue }
      indexCombo(id, record, slot: slot)
    }
  }

  private mutating func rebuildPositions() {
    var held: [(PositionKey, Int32, PositionRecord)] = []
    tables.positions.forEach { key, slot, record in held.append((key, slot, record)) }
    for (key, slot, record) in held {
      guard let account = accountNumber(key.account), let number = live.instrumentNumbers[key.instrument] else {
        continue
      }
      let place = holdingPlace(account, number)
      live.holdings[place].quantity = record.quantity
      live.holdings[place].entry = record.entry
      live.holdings[place].positionSlot = slot
      live.accounts[Int(account)].grossLots &+= abs(record.quantity)
    }
  }

  private mutating func rebuildCommands() {
    var keys: [CommandKey] = []
    tables.commands.forEach { key, _, _ in keys.append(key) }
    keys.sort { ($0.height, $0.account) < ($1.height, $1.account) }
    for key in keys {
      live.commandQueue.append(key)
      guard let record = tables.commands[key], let account = accountNumber(key.account) else { continue }
      for nonce in record.nonces { live.nonces.insert(AccountNumberAndClient(account: account, client: nonce)) }
      for entry in record.orders {
        live.clients[AccountNumberAndClient(account: account, client: entry.clientID)] = entry.order
      }
      for entry in record.transactions {
        live.transactions[AccountNumberAndClient(account: account, client: entry.clientID)] = entry.transaction
      }
    }
  }

  private mutating func rebuildOrders() {
    var open: [(OrderID, OrderRecord)] = []
    tables.orders.forEach { key, _, record in open.append((key.id, record)) }
    open.sort { $0.0 < $1.0 }
    for (id, record) in open {
      indexOrder(id, record, undoing: true)
      guard let client = record.clientID, let account = accountNumber(record.account) else { continue }
      live.clients[AccountNumberAndClient(account: account, client: client)] = id
    }
  }
}
