// Dead-man leases: an account that is silent for too long loses its open orders.

import Ledger
import Primitives

extension ClearingHouse {
  /// Q3: every executed transaction of the account renews it; a span of 0 ends it.
  mutating func setLease(_ span: Timestamp, account: Int32) throws(Rejection) {
    guard span >= 0, span <= Limits.maxLease else { throw Rejection(.badTime) }
    let key = AccountKey(live.accounts[Int(account)].id)
    guard span > 0 else {
      tables.leases.remove(key)
      return
    }
    let until = totals.timestamp.saturatingAdding(span)
    // The queue knows a time of every lease that is not later than its end.
    if (tables.leases[key]?.until ?? .max) > until { live.leases.insert(OrderID(account), at: until) }
    tables.leases.put(LeaseRecord(span: span, until: until), for: key)
  }

  mutating func renewLease(_ account: Int32) {
    guard tables.leases.count > 0 else { return }
    let now = totals.timestamp
    tables.leases.update(AccountKey(live.accounts[Int(account)].id)) { $0.until = now.saturatingAdding($0.span) }
  }

  /// At the beginning of a block, in order of accounts: the queue may know older times of renewed leases.
  mutating func endLeases() {
    if live.leases.heap.count > 2 * tables.leases.count + 1_024 { indexLeases() }
    var ended: [Int32] = []
    var renewed: [(account: Int32, until: Timestamp)] = []
    while let entry = live.leases.next(until: totals.timestamp) {
      let account = Int32(truncatingIfNeeded: entry)
      guard Int(account) < live.accounts.count,
        let record = tables.leases[AccountKey(live.accounts[Int(account)].id)]
      else { continue }
      if record.until <= totals.timestamp { ended.append(account) } else { renewed.append((account, record.until)) }
    }
    renewed.sort { $0 < $1 }
    for (place, entry) in renewed.enumerated() where place == 0 || renewed[place - 1].account != entry.account {
      live.leases.insert(OrderID(entry.account), at: entry.until)
    }
    ended.sort()
    for account in ended where tables.leases.remove(AccountKey(live.accounts[Int(account)].id)) != nil {
      emit(.leaseEnded(account: live.accounts[Int(account)].id))
      for id in openOrders(account, where: { _ in true }).sorted() {
        if let record = tables.orders[OrderKey(id)] { cancelOrder(id, record, .lease) }
      }
      // T3: a stop that can only close is there for an owner who is silent.
      cancelTriggers(triggers(of: account) { !$0.order.reduceOnly }, .lease)
    }
  }

  /// Makes the queue from the table; also when it holds many entries of leases that were set again and again.
  mutating func indexLeases() {
    live.leases = TimedOrders()
    tables.leases.forEach { key, _, record in
      if let account = accountNumber(key.id) { live.leases.insert(OrderID(account), at: record.until) }
    }
  }
}
