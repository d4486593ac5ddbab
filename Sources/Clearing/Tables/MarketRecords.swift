// Records of the market: instruments, orders, prices, totals.

public import Ledger
public import Primitives
public import Wire

/// Life of an instrument; what each state takes is rule A1.
public enum InstrumentState: UInt8, Sendable, WireByte {
  case open = 0
  case cancelOnly = 1
  case halted = 2
  /// Expired; the settlement price is not known yet.
  case settling = 3
  case settled = 4
  /// Listed and not open yet.
  case pending = 5
  /// Orders gather and do not trade until it ends.
  case auction = 6
  case postOnly = 7
  case reduceOnly = 8

  /// Nothing trades any more.
  public var hasExpired: Bool { self == .settling || self == .settled }
  /// Orders may be placed and amended, as far as the state takes them.
  var takesOrders: Bool { self == .open || self == .auction || self == .postOnly || self == .reduceOnly }
  /// Bids and offers may cross while nothing trades.
  var mayCross: Bool { self == .auction || self == .halted || self == .cancelOnly || self == .pending }

  /// Whether an order may be placed, its risk aside.
  func takes(_ order: PlaceOrder) -> Bool {
    switch self {
    case .open, .reduceOnly: order.timeInForce != .auctionOnly
    case .postOnly: order.timeInForce != .auctionOnly && order.postOnly
    case .auction: order.timeInForce != .ioc && order.timeInForce != .fok
    case .pending, .cancelOnly, .halted, .settling, .settled: false
    }
  }
}

public struct InstrumentRecord: TableRecord {
  public var tick: Price
  public var lot: Quantity
  public var state: InstrumentState
  /// Lots held long, which is lots held short (INV-2).
  public var openInterest: Quantity
  /// Lots traded since listing.
  public var volume: Int64
  public var lastPrice: Price
  /// Of the underlying, once settled.
  public var settlementPrice: Price

  init(tick: Price, lot: Quantity) {
    self.tick = tick
    self.lot = lot
    state = .open
    (openInterest, volume, lastPrice, settlementPrice) = (0, 0, 0, 0)
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(tick)
    writer.write(lot)
    writer.write(state)
    writer.write(openInterest)
    writer.write(volume)
    writer.write(lastPrice)
    writer.write(settlementPrice)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    tick = try reader.read()
    lot = try reader.read()
    state = try InstrumentState(from: &reader)
    openInterest = try reader.read()
    volume = try reader.read()
    lastPrice = try reader.read()
    settlementPrice = try reader.read()
  }
}

/// A resting order.
public struct OrderRecord: TableRecord {
  public var account: AccountID
  public var instrument: InstrumentID
  public var side: Side
  public var price: Price
  /// Lots as submitted (or as last amended, plus what was filled before).
  public var quantity: Quantity
  public var remaining: Quantity
  /// Time priority among equal prices: smaller goes first.
  public var priority: UInt64
  /// Real block time from which it no longer trades; `Int64.max` for never.
  public var goodTill: Timestamp
  /// Real time of the block that took it.
  public var placed: Timestamp
  public var reduceOnly: Bool
  /// Also an amended one takes nothing.
  public var postOnly: Bool
  public var selfTrade: SelfTradePrevention
  public var clientID: UInt64?
  /// One side of a mass quote: the account's protection limits it.
  public var quote: Bool
  /// What an auction leaves of it is cancelled.
  public var auctionOnly: Bool

  public func encode(to writer: inout WireWriter) {
    writer.write(account)
    writer.write(instrument)
    writer.write(side)
    writer.write(price)
    writer.write(quantity)
    writer.write(remaining)
    writer.write(priority)
    writer.write(goodTill)
    writer.write(placed)
    writer.write(reduceOnly)
    writer.write(postOnly)
    writer.write(selfTrade)
    writer.write(clientID != nil)
    if let clientID { writer.write(clientID) }
    writer.write(quote)
    writer.write(auctionOnly)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    account = try reader.readBytes32()
    instrument = try InstrumentID(from: &reader)
    side = try Side(from: &reader)
    price = try reader.read()
    quantity = try reader.read()
    remaining = try reader.read()
    priority = try reader.read()
    goodTill = try reader.read()
    placed = try reader.read()
    reduceOnly = try reader.readBool()
    postOnly = try reader.readBool()
    selfTrade = try SelfTradePrevention(from: &reader)
    clientID = try reader.readBool() ? reader.read() : nil
    quote = try reader.readBool()
    auctionOnly = try reader.readBool()
  }

  init(_ order: PlaceOrder, account: AccountID, priority: UInt64, placed: Timestamp) {
    self.account = account
    instrument = order.instrument
    side = order.side
    price = order.price
    quantity = order.quantity
    remaining = order.quantity
    self.priority = priority
    goodTill = order.timeInForce == .gtt ? order.goodTill : .max
    self.placed = placed
    reduceOnly = order.reduceOnly
    postOnly = order.postOnly
    selfTrade = order.selfTrade
    clientID = order.clientID
    quote = order.isQuote
    auctionOnly = order.timeInForce == .auctionOnly
  }
}

extension OrderRecord {
  /// As far as it still matters.
  public var timeInForce: TimeInForce { auctionOnly ? .auctionOnly : goodTill == .max ? .gtc : .gtt }
}

/// Prices of one feed: the index, or forward and volatilities of an expiry.
public struct FeedRecord: TableRecord {
  public var round: Round
  /// Real time that the freshness is counted from.
  public var time: Timestamp
  /// Market time of the prices.
  public var marketTime: Timestamp
  /// Index or forward.
  public var price: Price
  /// Empty for the index, else one for each pillar, in 1e-6.
  public var volatilities: [Int64]

  public func encode(to writer: inout WireWriter) {
    writer.write(round)
    writer.write(time)
    writer.write(marketTime)
    writer.write(price)
    writer.write(UInt8(truncatingIfNeeded: volatilities.count))
    for value in volatilities { writer.write(value) }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    round = try reader.readOrdinal()
    time = try reader.read()
    marketTime = try reader.read()
    price = try reader.read()
    volatilities = []
    for _ in 0..<(try reader.read(UInt8.self)) { volatilities.append(try reader.read()) }
  }

  init(round: Round, time: Timestamp, marketTime: Timestamp, price: Price, volatilities: [Int64]) {
    self.round = round
    self.time = time
    self.marketTime = marketTime
    self.price = price
    self.volatilities = volatilities
  }
}

/// What one validator last said of a feed.
public struct ObservationRecord: TableRecord {
  public var round: Round
  public var price: Price
  public var volatilities: [Int64]

  public func encode(to writer: inout WireWriter) {
    writer.write(round)
    writer.write(price)
    writer.write(UInt8(truncatingIfNeeded: volatilities.count))
    for value in volatilities { writer.write(value) }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    round = try reader.readOrdinal()
    price = try reader.read()
    volatilities = []
    for _ in 0..<(try reader.read(UInt8.self)) { volatilities.append(try reader.read()) }
  }

  init(round: Round, price: Price, volatilities: [Int64]) {
    self.round = round
    self.price = price
    self.volatilities = volatilities
  }
}

/// The index of a past round.
public struct HistoryRecord: TableRecord {
  public var marketTime: Timestamp
  public var price: Price

  public func encode(to writer: inout WireWriter) {
    writer.write(marketTime)
    writer.write(price)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    marketTime = try reader.read()
    price = try reader.read()
  }

  init(marketTime: Timestamp, price: Price) {
    self.marketTime = marketTime
    self.price = price
  }
}

/// Counters and totals of the whole house.
public struct TotalsRecord: TableRecord {
  public var height: Height = 0
  public var timestamp: Timestamp = 0
  public var nextOrder: OrderID = 1
  public var nextEvent: UInt64 = 1
  public var nextTrade: UInt64 = 1
  public var nextWithdrawal: UInt64 = 1
  public var nextAccount: UInt32 = 0
  /// Sum of all deposits, and of all paid withdrawals (INV-1).
  public var deposits: Amount = 0
  public var withdrawals: Amount = 0
  /// Lots traded.
  public var volume: UInt64 = 0
  /// Premium turnover in whole USD.
  public var turnover: UInt64 = 0
  public var marginCalls: UInt64 = 0
  public var settledInstruments: UInt64 = 0
  public var rounds: UInt64 = 0
  public var transactions: UInt64 = 0
  public var actions: UInt64 = 0
  /// Accounts that were liquidated, in whole or in part.
  public var liquidations: UInt64 = 0
  /// The next claim, and the oldest one that is not paid yet.
  public var nextClaim: UInt64 = 1
  public var oldestClaim: UInt64 = 1
  /// Sum of all open claims.
  public var claims: Amount = 0
  public var nextCombo: UInt32 = 1
  public var nextChange: ChangeID = 1

  init() {}

  public func encode(to writer: inout WireWriter) {
    writer.write(height)
    writer.write(timestamp)
    writer.write(nextOrder)
    writer.write(nextEvent)
    writer.write(nextTrade)
    writer.write(nextWithdrawal)
    writer.write(nextAccount)
    writer.write(deposits)
    writer.write(withdrawals)
    for value in [volume, turnover, marginCalls, settledInstruments, rounds, transactions, actions] {
      writer.write(value)
    }
    for value in [liquidations, nextClaim, oldestClaim] { writer.write(value) }
    writer.write(claims)
    writer.write(nextCombo)
    writer.write(nextChange)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    height = try reader.read()
    timestamp = try reader.read()
    nextOrder = try reader.readOrdinal()
    nextEvent = try reader.readOrdinal()
    nextTrade = try reader.readOrdinal()
    nextWithdrawal = try reader.readOrdinal()
    nextAccount = try reader.read()
    deposits = try reader.read()
    withdrawals = try reader.read()
    volume = try reader.read()
    turnover = try reader.read()
    marginCalls = try reader.read()
    settledInstruments = try reader.read()
    rounds = try reader.read()
    transactions = try reader.read()
    actions = try reader.read()
    liquidations = try reader.read()
    nextClaim = try reader.readOrdinal()
    oldestClaim = try reader.readOrdinal()
    claims = try reader.read()
    nextCombo = try reader.read()
    nextChange = try reader.readOrdinal()
  }
}
