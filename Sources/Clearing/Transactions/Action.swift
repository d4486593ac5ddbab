// The commands of the engine.

public import Primitives

public enum TimeInForce: UInt8, Sendable, WireByte {
  /// Good till cancelled.
  case gtc = 0
  /// Immediate or cancel.
  case ioc = 1
  /// Fill or kill.
  case fok = 2
  /// Good till `goodTill`, real block time.
  case gtt = 3
  /// Only into an auction; what it leaves is cancelled.
  case auctionOnly = 4
}

/// What happens when an account's own orders would meet.
public enum SelfTradePrevention: UInt8, Sendable, WireByte {
  case cancelMaker = 0
  case cancelTaker = 1
  case cancelBoth = 2
  /// Both lose what would have traded; the smaller one is gone.
  case decrement = 3
}

/// A limit order.
public struct PlaceOrder: Hashable, Sendable {
  public var instrument: InstrumentID
  public var side: Side
  /// Lots (1e-3 contract).
  public var quantity: Quantity
  /// 1e-6 USD per contract, a multiple of the tick.
  public var price: Price
  public var timeInForce: TimeInForce
  /// Only for `gtt`: real block time.
  public var goodTill: Timestamp
  public var postOnly: Bool
  public var reduceOnly: Bool
  public var selfTrade: SelfTradePrevention
  /// The trader's own number; at most one order of the account ever has it within the remembered window.
  public var clientID: UInt64?
  /// I1: lots that the book shows at a time; 0 for all of them.
  public var display: Quantity
  /// A side of a mass quote; only the engine makes them.
  var isQuote = false

  public init(
    instrument: InstrumentID, side: Side, quantity: Quantity, price: Price, timeInForce: TimeInForce = .gtc,
    goodTill: Timestamp = 0, postOnly: Bool = false, reduceOnly: Bool = false,
    selfTrade: SelfTradePrevention = .cancelMaker, clientID: UInt64? = nil, display: Quantity = 0
  ) {
    self.instrument = instrument
    self.side = side
    self.quantity = quantity
    self.price = price
    self.timeInForce = timeInForce
    self.goodTill = goodTill
    self.postOnly = postOnly
    self.reduceOnly = reduceOnly
    self.selfTrade = selfTrade
    self.clientID = clientID
    self.display = display
  }
}

/// Which open orders and triggers of the account to cancel.
public enum CancelSelector: Hashable, Sendable {
  case order(OrderID)
  case client(UInt64)
  case instrument(InstrumentID)
  case underlying(UnderlyingID)
  case all
  /// All series of one expiry (market time).
  case expiry(UnderlyingID, Timestamp)
  case side(Side)
  /// Those of mass quotes.
  case quotes
  /// Triggers that have not fired.
  case triggers
}

/// Which single order.
public enum OrderReference: Hashable, Sendable {
  case order(OrderID)
  case client(UInt64)
}

/// A new price and total remaining quantity. A smaller quantity at the same price keeps its priority.
public struct AmendOrder: Hashable, Sendable {
  public var order: OrderReference
  /// Lots that shall remain open.
  public var quantity: Quantity
  public var price: Price

  public init(order: OrderReference, quantity: Quantity, price: Price) {
    self.order = order
    self.quantity = quantity
    self.price = price
  }
}

/// Money that arrived elsewhere; from the custodian. A reference is executed once.
public struct Deposit: Hashable, Sendable {
  public var account: AccountID
  public var amount: Amount
  public var reference: Digest

  public init(account: AccountID, amount: Amount, reference: Digest) {
    self.account = account
    self.amount = amount
    self.reference = reference
  }
}

/// An instrument to list.
public struct Listing: Hashable, Sendable {
  public var instrument: InstrumentID
  /// Price step, a multiple of 1,000 (0.001 USD).
  public var tick: Price
  /// Quantity step in lots.
  public var lot: Quantity

  public init(instrument: InstrumentID, tick: Price, lot: Quantity) {
    self.instrument = instrument
    self.tick = tick
    self.lot = lot
  }

  /// Whether the terms are within what the engine can clear.
  public var isAcceptable: Bool {
    instrument.isCanonical && tick > 0 && tick.isMultiple(of: Limits.pricePerLot) && tick <= Limits.maxPrice && lot > 0
      && lot <= Limits.maxOrderQuantity
  }
}

public struct IndexQuote: Hashable, Sendable {
  public var underlying: UnderlyingID
  public var price: Price

  public init(underlying: UnderlyingID, price: Price) {
    self.underlying = underlying
    self.price = price
  }
}

/// Forward and volatilities of one expiry as one validator sees them.
public struct SurfaceQuote: Hashable, Sendable {
  /// Places of the volatilities, in standard deviations of log-moneyness, times 1e4.
  public static let pillars: [Int64] = [-30_000, -20_000, -12_816, -6_745, 0, 6_745, 12_816, 20_000, 30_000]

  public var underlying: UnderlyingID
  /// Market time.
  public var expiry: Timestamp
  public var forward: Price
  /// Nine volatilities a year in 1e-6, at ln(K/F) = pillar x (middle volatility) x sqrt(years to expiry).
  public var volatilities: [Int64]

  public init(underlying: UnderlyingID, expiry: Timestamp, forward: Price, volatilities: [Int64]) {
    self.underlying = underlying
    self.expiry = expiry
    self.forward = forward
    self.volatilities = volatilities
  }
}

/// One validator's prices for one round.
public struct Observation: Hashable, Sendable {
  public var round: Round
  public var prices: [IndexQuote]
  public var surfaces: [SurfaceQuote]

  public init(round: Round, prices: [IndexQuote], surfaces: [SurfaceQuote]) {
    self.round = round
    self.prices = prices
    self.surfaces = surfaces
  }
}

/// A bid for positions in liquidation: they come at their marks, with a reward.
public struct LiquidationBid: Hashable, Sendable {
  /// Whose positions.
  public var account: AccountID
  /// Of every position, in parts per million; less is taken if less cures the account.
  public var share: Int64
  /// The bid is refused if the reward has become smaller than this.
  public var leastReward: Amount

  public init(account: AccountID, share: Int64, leastReward: Amount) {
    self.account = account
    self.share = share
    self.leastReward = leastReward
  }
}

/// One command.
public enum Action: Hashable, Sendable {
  case place(PlaceOrder)
  case cancel(CancelSelector)
  case amend(AmendOrder)
  /// Custodian only.
  case deposit(Deposit)
  /// Asks the custodian to pay `amount` to `destination` (an opaque address elsewhere).
  case withdraw(amount: Amount, destination: [UInt8])
  /// Custodian only: a requested withdrawal was paid, or is refused and goes back.
  case closeWithdrawal(number: UInt64, paid: Bool)
  case transfer(to: AccountID, amount: Amount)
  /// Validators only; stands in transactions of its own kind.
  case observe(Observation)
  /// Listing authority only.
  case list([Listing])
  /// Listing authority only: any state but those of an expiry.
  case setState(InstrumentID, InstrumentState)
  case bid(LiquidationBid)
  /// Takes over positions in liquidation up to this much maintenance margin in one turn; 0 ends it.
  case backstop(limit: Amount)
  /// Into the mutual default fund, or out of it if negative.
  case fund(amount: Amount)
  /// Up to `Limits.maxQuotes` in a transaction.
  case quote([Quote])
  case protect(Protection)
  /// All orders end when the account has sent nothing for `span`, real time; 0 ends the lease.
  case lease(span: Timestamp)
  /// Makes a book for several contracts at once; orders then name the combo as their instrument.
  case createCombo([ComboLeg])
  /// Trades on firm quotes, on all of them or on none; up to `Limits.maxFirmQuotes` in a transaction.
  case negotiate([QuoteUse])
  /// Lets a key sign for the account, or changes what it may do.
  case delegate(Delegation)
  case revoke(PublicKey)
  /// Validators only, for themselves (V1).
  case proposeChange(ValidatorChange)
  case approveChange(ChangeID)
  case withdrawChange(ChangeID)
  /// Who may take a validator's place (H7, H8).
  case standby(StandbyStep)
  /// Validators only, for themselves (H4).
  case report(LatenessReport)
  case trigger(TriggerOrder)
  case linked(LinkedOrders)
  /// Collateral of the signer's key, from its own account (G1), and back (G3).
  case postBond(amount: Amount)
  case releaseBond(amount: Amount)
  /// Proof that a validator broke a rule; alone in its transaction (J1).
  case reportEvidence(EvidenceReport)
  /// Opens the key's sub-account with this number (U1).
  case openSubAccount(SubAccountNumber)
  /// Positions of the account go to another one, at their marks (P1).
  case transferPositions(PositionTransfer)
  /// Lets such a transfer of somebody else's come in (P4).
  case acceptPositions(Acceptance)

  /// D6.
  public var orderClass: OrderClass {
    switch self {
    case .place(let order): order.postOnly ? .postOnly : .rest
    case .quote: .postOnly
    case .amend, .withdraw, .transfer, .bid, .backstop, .fund, .createCombo, .negotiate, .delegate,
      .proposeChange, .approveChange, .withdrawChange, .standby, .report, .trigger, .linked, .postBond, .releaseBond,
      .reportEvidence, .openSubAccount, .transferPositions, .acceptPositions:
      .rest
    case .cancel, .deposit, .closeWithdrawal, .observe, .list, .setState, .protect, .lease, .revoke: .cancels
    }
  }
}
