// The model's whole state: plain dictionaries, copied where something may have to be undone.

import Clearing
import Primitives

struct Account: Equatable {
  /// Order of creation.
  var number: UInt32
  var cash: Amount = 0
  var isCalled = false
}

struct Position: Equatable {
  var quantity: Quantity = 0
  /// Sum of price per lot times signed lots of what is open.
  var entry: Amount = 0
}

struct Instrument: Equatable {
  var tick: Price
  var lot: Quantity
  var state = InstrumentState.open
  var volume: Int64 = 0
  var lastPrice: Price = 0
  var settlementPrice: Price = 0
}

struct Order: Equatable {
  var id: OrderID
  var account: AccountID
  var instrument: InstrumentID
  var side: Side
  var price: Price
  var quantity: Quantity
  var remaining: Quantity
  var priority: UInt64
  /// Nil: until cancelled.
  var goodTill: Timestamp?
  var placed: Timestamp
  var reduceOnly: Bool
  var postOnly: Bool
  var selfTrade: SelfTradePrevention
  var clientID: UInt64?

  /// Signed lots still open.
  var lots: Quantity { side == .buy ? remaining : -remaining }
}

struct DepositDone: Equatable {
  var account: AccountID
  var amount: Amount
  var height: Height
}

struct PendingWithdrawal: Equatable {
  var account: AccountID
  var amount: Amount
  var destination: [UInt8]
  var height: Height
}

struct PastIndex {
  var round: Round
  var marketTime: Timestamp
  var price: Price
}

struct Spoken: Equatable {
  var round: Round
  var price: Price
  var volatilities: [Int64]
}

/// A number of an account's own choice.
struct OwnNumber: Hashable {
  var account: AccountID
  var number: UInt64
}

struct State: Sendable {
  var height: Height = 0
  var timestamp: Timestamp = 0
  var nextOrder: OrderID = 1
  var nextEvent: UInt64 = 1
  var nextTrade: UInt64 = 1
  var nextWithdrawal: UInt64 = 1
  var deposited: Int128 = 0
  var withdrawn: Int128 = 0
  var volume: UInt64 = 0
  var turnover: UInt64 = 0
  var marginCalls: UInt64 = 0
  var settledInstruments: UInt64 = 0
  var rounds: UInt64 = 0
  var transactions: UInt64 = 0
  var actions: UInt64 = 0

  var accounts: [AccountID: Account] = [:]
  var positions: [AccountID: [InstrumentID: Position]] = [:]
  var instruments: [InstrumentID: Instrument] = [:]
  var orders: [OrderID: Order] = [:]
  var deposits: [Digest: DepositDone] = [:]
  var withdrawals: [UInt64: PendingWithdrawal] = [:]
  var feeds: [Series: Feed] = [:]
  var spoken: [Series: [PublicKey: Spoken]] = [:]
  var history: [UnderlyingID: [PastIndex]] = [:]
  /// Marks and scenario values: a function of `feeds`.
  var values: [InstrumentID: Valuation] = [:]
  /// The prices that they were made from.
  var sources: [InstrumentID: Feed] = [:]
  /// A nonce counts once, for ever.
  var nonces: Set<OwnNumber> = []
  var subAccounts: [AccountID: SubAccount] = [:]
  /// By receiver and giver.
  var acceptances: [AccountID: [AccountID: Acceptance]] = [:]
  var clientTransactions: [OwnNumber: (hash: Digest, time: Timestamp)] = [:]
  var clientOrders: [OwnNumber: (order: OrderID, time: Timestamp)] = [:]

  var events: [Event] = []
  var outcome = TransactionOutcome(hash: .zero, input: 0)

  func ordersOf(_ account: AccountID) -> [Order] {
    orders.values.filter { $0.account == account }.sorted { $0.id < $1.id }
  }

  func position(_ account: AccountID, _ instrument: InstrumentID) -> Position {
    positions[account]?[instrument] ?? Position()
  }

  func cash(_ account: AccountID) -> Amount { accounts[account]?.cash ?? 0 }

  /// Lots held long.
  func openInterest(_ instrument: InstrumentID) -> Quantity {
    positions.values.reduce(0) { $0 + max(0, $1[instrument]?.quantity ?? 0) }
  }

  /// A book's open lots at one price.
  func level(_ instrument: InstrumentID, _ side: Side, _ price: Price) -> Quantity {
    var sum: Quantity = 0
    for order in orders.values
    where order.instrument == instrument && order.side == side && order.price == price { sum += order.remaining }
    return sum
  }

  /// The order that an arriving one of this side meets first: best price, then first in time.
  func best(_ instrument: InstrumentID, against side: Side) -> Order? {
    orders.values.filter { $0.instrument == instrument && $0.side != side }.min { a, b in
      if a.price != b.price { return side == .buy ? a.price < b.price : a.price > b.price }
      return a.priority < b.priority
    }
  }

  mutating func emit(_ kind: EventKind) {
    events.append(Event(sequence: nextEvent, kind: kind))
    nextEvent += 1
  }

  /// Rule 4: money moves only from one account to another.
  mutating func move(_ amount: Amount, from: AccountID, to: AccountID) {
    accounts[from]?.cash -= amount
    accounts[to]?.cash += amount
  }

  mutating func open(_ account: AccountID) {
    accounts[account] = Account(number: UInt32(accounts.count))
    emit(.accountOpened(account))
  }
}
