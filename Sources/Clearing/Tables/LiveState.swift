// What the engine derives from its tables to be fast: books, holdings, risk arrays, sets of used nonces. It can be
// rebuilt from the tables at any time, and no outcome depends on how it came about.

import Primitives

/// An account in memory; its place in the array is the account's number.
struct LiveAccount: Sendable {
  var id: AccountID
  /// Slot of its record.
  var slot: Int32
  var openOrders = 0
  /// Lots held and lots in open orders, over all instruments.
  var grossLots: Quantity = 0
  /// Places of its holdings.
  var holdings: [Int32] = []
  /// The risk epoch in which equity was last found to cover the initial margin (0: unknown).
  var coveredEpoch: UInt64 = 0
  /// Number of the account whose sub-account it is; -1 for a main account.
  var owner: Int32 = -1

  init(id: AccountID, slot: Int32) {
    self.id = id
    self.slot = slot
  }
}

/// What an account has in one instrument: position and open orders.
struct Holding: Sendable {
  var account: Int32
  var instrument: Int32
  /// Its place among the account's holdings, and the slot of its position record (-1: none).
  var listPlace: Int32 = 0
  var positionSlot: Int32 = -1
  var quantity: Quantity = 0
  var entry: Amount = 0
  var buyLots: Quantity = 0
  var sellLots: Quantity = 0
  var orders: [OrderID] = []
  /// Its quotes among the orders; 0 for none.
  var bidQuote: OrderID = 0
  var askQuote: OrderID = 0

  /// Lots short if every sell order fills.
  var worstShort: Quantity { max(0, sellLots &- quantity) }
  var isEmpty: Bool { quantity == 0 && orders.isEmpty }
}

struct LiveInstrument: Sendable {
  var id: InstrumentID
  var slot: Int32
  var kind: InstrumentKind
  var underlying: Int
  var bids = BookSide(.buy)
  var asks = BookSide(.sell)
  /// Mark price per lot; nil before the first.
  var mark: Amount?
  /// Change of a contract's value for a change of the underlying, in 1e-6.
  var delta: Int64 = 0
  var trades: [TradeView] = []
  /// Nil for what can be held.
  var combo: LiveCombo?

  init(id: InstrumentID, kind: InstrumentKind, slot: Int32) {
    self.id = id
    self.kind = kind
    self.slot = slot
    underlying = Int(id.underlying)
  }
}

/// All series of one expiry of one underlying.
struct ExpiryGroup: Sendable {
  var key: FeedKey
  var instruments: [Int32] = []
  /// The prices that the marks were computed from.
  var source: FeedRecord?
}

/// Risk of one account in one underlying; the arrays are beside it in `LiveState`.
struct RiskCell: Sendable {
  var account: Int32
  var underlying: Int
  /// The risk epoch it was rebuilt in; another one means that nothing in it is valid.
  var epoch: UInt64 = 0
  /// Marked value of the positions: futures without what they have not paid.
  var value: Amount = 0
  /// Lots of options short if every sell order fills.
  var short: Quantity = 0
  /// Delta of the positions and, by sign, of the open orders: lots times 1e-6.
  var delta: Int64 = 0
  var deltaUp: Int64 = 0
  var deltaDown: Int64 = 0
  /// Lots in open orders, for their fees.
  var orderLots: Quantity = 0
}

struct AccountNumberAndClient: Hashable, Sendable {
  var account: Int32
  var client: UInt64
}

/// A change of the derived state that a transaction made and may have to take back.
enum LiveUndo: Sendable {
  case added(OrderID, OrderRecord)
  case removed(OrderID, OrderRecord)
  case resized(OrderID, OrderRecord, now: Quantity)
  case position(account: Int32, instrument: Int32, quantity: Quantity, entry: Amount)
  case client(AccountNumberAndClient)
  case nonce(AccountNumberAndClient)
  /// The last of an instrument's kept trades.
  case traded(instrument: Int32)
  case listed(InstrumentID)
  case triggerAdded(OrderID, TriggerRecord)
  case triggerRemoved(OrderID, TriggerRecord)
  /// It became a sub-account.
  case owned(account: Int32)
}

struct LiveState: Sendable {
  static let slots = 40

  var accounts: [LiveAccount] = []
  var accountNumbers: [AccountID: Int32] = [:]
  var instruments: [LiveInstrument] = []
  var instrumentNumbers: [InstrumentID: Int32] = [:]
  var holdings: [Holding] = []
  var freeHoldings: [Int32] = []
  /// By account number (high word) and instrument number.
  var holdingNumbers: [UInt64: Int32] = [:]
  /// Scenario changes of value per lot, `slots` for each instrument.
  var scenarios: [Int64] = []
  /// Instrument numbers of the combos, and those that no combo uses any more.
  var combos: [Int32] = []
  var freeCombos: [Int32] = []
  /// Ascending by key.
  var groups: [ExpiryGroup] = []

  var cells: [RiskCell] = []
  /// By account number x underlyings + underlying; -1 for none.
  var cellNumbers: [Int32] = []
  /// `slots` for each cell: change of value of the positions, and worst case of the open orders.
  var positionRisk: [Int64] = []
  var orderRisk: [Int64] = []
  /// Grows whenever prices change; see `RiskCell.epoch`.
  var epoch: UInt64 = 1
  /// Index, and taker fee per lot, by underlying; 0 before the first round.
  var index: [Price]
  var takerFee: [Amount]

  var nonces: Set<AccountNumberAndClient> = []
  var clients: [AccountNumberAndClient: OrderID] = [:]
  var transactions: [AccountNumberAndClient: Digest] = [:]
  /// Heights with commands to forget, oldest first from `commandStart` on.
  var commandQueue: [CommandKey] = []
  var commandStart = 0
  var timed = TimedOrders()
  /// Ends of leases by account number.
  var leases = TimedOrders()
  var triggers = TriggerQueues()
  var undo: [LiveUndo] = []

  init(underlyings: Int) {
    index = Array(repeating: 0, count: underlyings)
    takerFee = Array(repeating: 0, count: underlyings)
  }
}

/// Orders and triggers with an end, earliest first: a binary heap. Orders that ended before stay in it until they come up.
struct TimedOrders: Sendable {
  struct Entry: Sendable {
    var time: Timestamp
    var order: OrderID
    func isBefore(_ other: Entry) -> Bool { time != other.time ? time < other.time : order < other.order }
  }
  var heap: [Entry] = []

  mutating func insert(_ order: OrderID, at time: Timestamp) {
    heap.append(Entry(time: time, order: order))
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard heap[child].isBefore(heap[parent]) else { return }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  /// The next order that ends at or before `time`.
  mutating func next(until time: Timestamp) -> OrderID? {
    guard let first = heap.first, first.time <= time else { return nil }
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].isBefore(heap[least]) {
        least = child
      }
      guard least != parent else { return first.order }
      heap.swapAt(parent, least)
      parent = least
    }
  }
}
