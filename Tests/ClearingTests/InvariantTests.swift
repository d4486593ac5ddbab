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

  // MARK: Liquidation and default

  func defaulting() -> Market {
    let market = Market(funds: 30_000, liquidation: LiquidationParameters())
    market.act(Market.carol, .fund(amount: usd(1_000)))
    market.order(Market.alice, .sell, call, 1_000, at: 2_000)
    market.order(Market.bob, .buy, call, 1_000, at: 2_000)
    market.price(160_000)
    return market
  }

  @Test func `INV-4 a debtor whom nobody liquidates`() {
    let found = broken(defaulting()) { (table: inout Table<AccountKey, LiquidationRecord>) in
      table.remove(AccountKey(AccountID(Market.alice)))
    }
    #expect(found == [4])
  }

  @Test func `INV-5 a claim that nobody booked`() {
    let market = defaulting()
    for _ in 0..<40 { market.price(160_000) }
    let found = broken(
      market,
      { (table: inout Table<SingletonKey, TotalsRecord>) in
        table.update(SingletonKey()) { $0.claims += 1 }
      }, rebuild: true)
    #expect(found == [5])
  }

  @Test func `INV-15 a share of the default fund that is not in it`() {
    let found = broken(defaulting()) { (table: inout Table<AccountKey, FundShareRecord>) in
      table.update(AccountKey(AccountID(Market.carol))) { $0.amount += 1 }
    }
    #expect(found == [15])
  }

  @Test func `INV-15 a fund below zero`() {
    let found = broken(defaulting()) { (table: inout Table<AccountKey, AccountRecord>) in
      table.update(AccountKey(SystemAccount.insurance.id)) { $0.cash -= 1 }
      table.update(AccountKey(SystemAccount.fees.id)) { $0.cash += 1 }
    }
    #expect(found == [15])
  }

  @Test func `INV-6 a quote that the book does not know as one`() {
    let market = self.market()
    market.act(
      Market.carol,
      .quote([Quote(instrument: call, bidPrice: usd(1_500), bidQuantity: 100, askPrice: 0, askQuantity: 0)]))
    let id = market.account(Market.carol)?.orders.first?.id ?? 0
    let found = broken(market) { (table: inout Table<OrderKey, OrderRecord>) in
      table.update(OrderKey(id)) { $0.quote = false }
    }
    #expect(found == [6])
  }
}
