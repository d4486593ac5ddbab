// Values that the API reads. All amounts are integers in the units of `Primitives`; prices are per contract.

public import Primitives

public struct PositionView: Hashable, Sendable {
  public var instrument: InstrumentID
  public var quantity: Quantity
  public var averagePrice: Price
  /// Nil before the first mark.
  public var markPrice: Price?
}

public struct OrderView: Hashable, Sendable {
  public var id: OrderID
  public var account: AccountID
  public var instrument: InstrumentID
  public var side: Side
  public var price: Price
  public var quantity: Quantity
  public var filled: Quantity
  public var remaining: Quantity
  /// What the book shows of it, where that is not all.
  public var shown: Quantity?
  public var clientID: UInt64?
  public var timeInForce: TimeInForce
  /// `Int64.max`: until cancelled.
  public var goodTill: Timestamp
  public var reduceOnly: Bool
}

public enum MarginMode: String, Sendable {
  case standard
  /// Below the maintenance margin: reducing orders only.
  case marginCall
}

public struct MarginView: Hashable, Sendable {
  public var mode: MarginMode
  /// Cash and the marked value of all positions.
  public var equity: Amount
  public var initial: Amount
  public var maintenance: Amount
  /// Equity minus initial margin.
  public var excess: Amount
}

public struct AccountView: Hashable, Sendable {
  public var account: AccountID
  public var cash: Amount
  /// Ascending by instrument.
  public var positions: [PositionView]
  /// Ascending by number.
  public var orders: [OrderView]
  /// Ascending by number.
  public var triggers: [TriggerView]
  public var margin: MarginView
  /// Keys that may sign for it, ascending; those that have ended are not among them.
  public var delegations: [Delegation]
  /// Of a sub-account: whose, and its number.
  public var owner: AccountID?
  public var subAccount: SubAccountNumber?
  /// Of a main account: the numbers of its sub-accounts, ascending.
  public var subAccounts: [SubAccountNumber]
  /// Transfers of positions that it waits for.
  public var acceptances: [Acceptance]
}

public struct BookLevelView: Hashable, Sendable {
  public var price: Price
  public var quantity: Quantity
  public var orders: Int
}

public struct BookView: Hashable, Sendable {
  public var instrument: InstrumentID
  /// Best first.
  public var bids: [BookLevelView]
  public var asks: [BookLevelView]
}

public struct InstrumentView: Hashable, Sendable {
  public var id: InstrumentID
  public var name: String
  public var kind: InstrumentKind
  public var underlying: String
  public var strike: Price
  public var expiry: Timestamp
  /// With the state that stale prices force upon it.
  public var state: InstrumentState
  public var tick: Price
  public var lot: Quantity
  public var markPrice: Price?
  public var index: Price?
  public var openInterest: Quantity
  public var volume: Int64
  public var lastPrice: Price?
  public var bestBid: Price?
  public var bestAsk: Price?
  public var settlementPrice: Price?
  /// Of an instrument in an auction.
  public var auction: AuctionView?
}

/// A call auction, and what it would trade if it ended now.
public struct AuctionView: Hashable, Sendable {
  public var reason: AuctionReason
  /// Real time.
  public var until: Timestamp
  /// Nil if the book does not cross.
  public var price: Price?
  public var quantity: Quantity
}

public struct TradeView: Hashable, Sendable {
  public var trade: UInt64
  public var height: Height
  public var timestamp: Timestamp
  public var instrument: InstrumentID
  public var price: Price
  public var quantity: Quantity
  public var takerSide: Side
}

/// An account in liquidation, at the prices of now.
public struct LiquidationView: Hashable, Sendable {
  public var account: AccountID
  public var stage: LiquidationStage
  /// Round in which it fell below its maintenance margin.
  public var found: Round
  public var equity: Amount
  public var maintenance: Amount
  /// What taking over all of its positions pays now.
  public var reward: Amount
}

/// What stands behind the market.
public struct FundsView: Hashable, Sendable {
  public struct Share: Hashable, Sendable {
    public var account: AccountID
    public var amount: Amount
  }

  public var insurance: Amount
  public var houseCapital: Amount
  public var defaultFund: Amount
  /// What the house owes for gains that were cut.
  public var claims: Amount
  /// Members of the default fund, and offers of the backstop; ascending by account.
  public var members: [Share]
  public var backstops: [Share]
}

public struct FeedView: Hashable, Sendable {
  public var underlying: String
  /// 0 for the index.
  public var expiry: Timestamp
  public var round: Round
  public var time: Timestamp
  public var price: Price
  /// In 1e-6; empty for the index.
  public var volatilities: [Int64]
}

public struct OracleView: Hashable, Sendable {
  public var round: Round
  public var marketTime: Timestamp
  public var feeds: [FeedView]
}
