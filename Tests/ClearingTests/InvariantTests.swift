// Each invariant is broken on purpose behind the engine's back, and the check sees it.

import Clearing
import Ledger
import Primitives
import Testing

@Suite struct InvariantTests {
  let call = Market.option(100_000)

  func market() -> Market {
    let market = Market()
    market.order(Market.alice, .sell, call, 500, at: 2_000)
    market.order(Market.bob, .buy, call, 300, at: 2_000)
    market.order(Market.bob, .buy, call, 300, at: 1_900)
    market.order(Market.alice, .sell, Market.future(), 100, at: 100_000)
    market.order(Market.bob, .buy, Market.future(), 100, at: 100_000)
    market.act(Market.carol, .withdraw(amount: usd(5), destination: [7]))
    return market
  }

  func broken<K: TableKey, R: TableRecord>(
    _ market: Market, _ body: @escaping (inout Table<K, R>) -> Void, rebuild: Bool = false
  ) -> Set<Int> {
    var tamper = Tamper(body: body)
    market.house.visitTables(&tamper)
    if rebuild { market.house.rebuildIndices() }
    return Set(market.house.checkInvariants().map(\.invariant))
  }

  @Test func `INV-1 money out of nothing`() {
    let found = broken(market()) { (table: inout Table<AccountKey, AccountRecord>) in
      table.update(AccountKey(AccountID(Market.bob))) { $0.cash += 1 }
    }
    #expect(found.contains(1))
  }

  @Test func `INV-1 deposits that were not booked`() {
    let found = broken(
      market(),
      { (table: inout Table<SingletonKey, TotalsRecord>) in
        table.update(SingletonKey()) { $0.deposits += 1 }
      }, rebuild: true)
    #expect(found.contains(1))
  }

  @Test func `INV-2 a position without its counterpart`() {
    let found = broken(market()) { (table: inout Table<PositionKey, PositionRecord>) in
      table.update(PositionKey(AccountID(Market.bob), Market.option(100_000))) { $0.quantity += 1 }
    }
    #expect(found.contains(2))
  }

  @Test func `INV-2 open interest that is not held`() {
    let found = broken(market()) { (table: inout Table<InstrumentID, InstrumentRecord>) in
      table.update(Market.option(100_000)) { $0.openInterest += 1 }
    }
    #expect(found.contains(2))
  }

  @Test func `INV-3 an entry value that nobody owes`() {
    let found = broken(market()) { (table: inout Table<PositionKey, PositionRecord>) in
      table.update(PositionKey(AccountID(Market.bob), Market.future())) { $0.entry += 1 }
    }
    #expect(found.contains(3))
  }

  @Test func `INV-6 an order in the table and not in the book`() {
    let market = self.market()
    let id = market.account(Market.alice)?.orders.first?.id ?? 0
    let found = broken(market) { (table: inout Table<OrderKey, OrderRecord>) in table.remove(OrderKey(id)) }
    #expect(found.contains(6))
  }

  @Test func `INV-7 an order off the tick`() {
    let market = self.market()
    let id = market.account(Market.alice)?.orders.first?.id ?? 0
    let found = broken(
      market,
      { (table: inout Table<OrderKey, OrderRecord>) in
        table.update(OrderKey(id)) { $0.price += 1 }
      }, rebuild: true)
    #expect(found == [7])
  }

  @Test func `INV-9 a covered account that is not`() {
    let found = broken(market()) { (table: inout Table<AccountKey, AccountRecord>) in
      table.update(AccountKey(AccountID(Market.alice))) { $0.cash -= usd(1_000_000) }
      table.update(AccountKey(AccountID(Market.carol))) { $0.cash += usd(1_000_000) }
    }
    #expect(found == [9])
  }

  @Test func `INV-12 risk that differs from its rebuild`() {
    let market = self.market()
    let id = market.account(Market.alice)?.orders.first?.id ?? 0
    let found = broken(market) { (table: inout Table<OrderKey, OrderRecord>) in
      table.update(OrderKey(id)) { $0.price -= usd(1_500) }
    }
    #expect(found.contains(12))
  }

  @Test func `INV-16 an instrument settled and still held`() {
    let found = broken(market()) { (table: inout Table<InstrumentID, InstrumentRecord>) in
      table.update(Market.option(100_000)) { $0.state = .settled }
    }
    #expect(found.contains(16))
  }

  @Test func `INV-17 a request that is not set aside`() {
    let found = broken(market()) { (table: inout Table<WithdrawalKey, WithdrawalRecord>) in
      table.update(WithdrawalKey(1)) { $0.amount += 1 }
    }
    #expect(found == [17])
  }

  @Test func `INV-19 a crossed book`() {
    let market = self.market()
    let id = market.account(Market.alice)?.orders.first?.id ?? 0
    let found = broken(
      market,
      { (table: inout Table<OrderKey, OrderRecord>) in
        table.update(OrderKey(id)) { $0.price = usd(1_800) }
      }, rebuild: true)
    #expect(found == [19])
  }
}
