// Nonces and client ids: that no signed command is executed twice.

import Ledger
import Primitives

/// What the transactions of the open block used up, in execution order.
struct BlockCommands: Sendable {
  struct Order: Sendable {
    var account: Int32
    var entry: CommandRecord.ClientOrder
  }
  struct Used: Sendable {
    var account: Int32
    var nonce: UInt64
    var client: CommandRecord.ClientTransaction?
  }
  var used: [Used] = []
  var orders: [Order] = []
}

extension ClearingHouse {
  /// After this long nothing that a record remembers could be accepted again.
  static let commandLifetime = Limits.nonceLifetime + Limits.nonceAhead + Duration64.second

  func checkNonce(_ transaction: Transaction, account: Int32) throws(Rejection) {
    let time = Nonce.time(of: transaction.nonce)
    guard time >= totals.timestamp - Limits.nonceLifetime, time <= totals.timestamp + Limits.nonceAhead else {
      throw Rejection(.nonceOutOfWindow)
    }
    let isUsed = live.nonces.contains(AccountNumberAndClient(account: account, client: transaction.nonce))
    guard !isUsed || Mutant.has(.nonceReusable) else {
      throw Rejection(.nonceUsed)
    }
  }

  mutating func useNonce(_ transaction: Transaction, hash: Digest, account: Int32) {
    let client = transaction.clientID.map { CommandRecord.ClientTransaction(clientID: $0, transaction: hash) }
    commands.used.append(BlockCommands.Used(account: account, nonce: transaction.nonce, client: client))
    live.nonces.insert(AccountNumberAndClient(account: account, client: transaction.nonce))
    guard let client else { return }
    live.transactions[AccountNumberAndClient(account: account, client: client.clientID)] = hash
  }

  /// R3: numbers of firm quotes count once, beside the nonces and with their window; nonces do not reach the highest bit.
  mutating func useQuoteNumber(_ number: UInt64, of maker: Int32) throws(Rejection) {
    let time = Nonce.time(of: number)
    guard number < Self.ofQuote, time >= totals.timestamp - Limits.nonceLifetime,
      time <= totals.timestamp + Limits.nonceAhead
    else { throw Rejection(.nonceOutOfWindow) }
    let key = AccountNumberAndClient(account: maker, client: number | Self.ofQuote)
    guard live.nonces.insert(key).inserted else { throw Rejection(.nonceUsed) }
    live.undo.append(.nonce(key))
    commands.used.append(BlockCommands.Used(account: maker, nonce: key.client, client: nil))
  }

  private static let ofQuote: UInt64 = 1 << 63

  mutating func useClientID(_ client: UInt64, order: OrderID, account: Int32) {
    let key = AccountNumberAndClient(account: account, client: client)
    live.clients[key] = order
    live.undo.append(.client(key))
    let entry = CommandRecord.ClientOrder(clientID: client, order: order)
    commands.orders.append(BlockCommands.Order(account: account, entry: entry))
  }

  /// Writes the block's commands, one record for each account.
  mutating func storeCommands() {
    var order: [Int32] = []
    var records: [Int32: CommandRecord] = [:]
    let empty = CommandRecord(time: totals.timestamp)
    for used in commands.used {
      if records[used.account] == nil { order.append(used.account) }
      records[used.account, default: empty].nonces.append(used.nonce)
      if let client = used.client { records[used.account, default: empty].transactions.append(client) }
    }
    for entry in commands.orders {
      if records[entry.account] == nil { order.append(entry.account) }
      records[entry.account, default: empty].orders.append(entry.entry)
    }
    for account in order {
      guard let record = records[account] else { continue }
      let key = CommandKey(height: totals.height, account: live.accounts[Int(account)].id)
      tables.commands.put(record, for: key)
      live.commandQueue.append(key)
    }
    commands.used.removeAll(keepingCapacity: true)
    commands.orders.removeAll(keepingCapacity: true)
  }

  /// Forgets what is too old to come again.
  mutating func forgetCommands() {
    while live.commandStart < live.commandQueue.count {
      let key = live.commandQueue[live.commandStart]
      if let record = tables.commands[key] {
        guard record.time + Self.commandLifetime < totals.timestamp else { break }
        forget(record, of: key)
      }
      live.commandStart += 1
    }
    if live.commandStart > 1_024, live.commandStart * 2 > live.commandQueue.count {
      live.commandQueue.removeFirst(live.commandStart)
      live.commandStart = 0
    }
  }

  private mutating func forget(_ record: CommandRecord, of key: CommandKey) {
    tables.commands.remove(key)
    guard let account = accountNumber(key.account) else { return }
    for nonce in record.nonces { live.nonces.remove(AccountNumberAndClient(account: account, client: nonce)) }
    for entry in record.transactions {
      live.transactions[AccountNumberAndClient(account: account, client: entry.clientID)] = nil
    }
    // The id of an order that is still open stays taken.
    for entry in record.orders
    where !tables.orders.contains(OrderKey(entry.order)) && !tables.triggers.contains(OrderKey(entry.order)) {
      forgetClientID(entry.clientID, of: entry.order, account: account)
    }
  }

  mutating func forgetClientID(_ client: UInt64, of order: OrderID, account: Int32) {
    let key = AccountNumberAndClient(account: account, client: client)
    if live.clients[key] == order { live.clients[key] = nil }
  }
}
