// What happened, in a gap-free sequence that is the same on every node.

public import Primitives

/// One event; `sequence` counts from 1 over the life of the chain without gaps.
public struct Event: Hashable, Sendable {
  public var sequence: UInt64
  public var kind: EventKind

  public init(sequence: UInt64, kind: EventKind) {
    self.sequence = sequence
    self.kind = kind
  }
}

/// A trade: two novated contracts, the clearing house between them.
public struct TradeEvent: Hashable, Sendable {
  public var trade: UInt64
  public var instrument: InstrumentID
  public var price: Price
  public var quantity: Quantity
  /// Side of the order that took.
  public var takerSide: Side
  public var taker: AccountID
  public var maker: AccountID
  public var takerOrder: OrderID
  public var makerOrder: OrderID
  public var takerFee: Amount
  public var makerFee: Amount

  public init(
    trade: UInt64, instrument: InstrumentID, price: Price, quantity: Quantity, takerSide: Side, taker: AccountID,
    maker: AccountID, takerOrder: OrderID, makerOrder: OrderID, takerFee: Amount, makerFee: Amount
  ) {
    self.trade = trade
    self.instrument = instrument
    self.price = price
    self.quantity = quantity
    self.takerSide = takerSide
    self.taker = taker
    self.maker = maker
    self.takerOrder = takerOrder
    self.makerOrder = makerOrder
    self.takerFee = takerFee
    self.makerFee = makerFee
  }
}

public enum CancelReason: UInt8, Sendable, WireByte {
  case requested = 0
  /// The time in force ended, or an immediate order found no more.
  case timeInForce = 1
  case selfTrade = 2
  /// The account no longer carries the margin of the order.
  case margin = 3
  /// The instrument expired.
  case expiry = 4
  /// The position that a reduce-only order reduced is gone.
  case reduceOnly = 5
  /// A bound of the book was met.
  case limit = 6
  /// The account is in liquidation (S2).
  case liquidation = 7
  /// The account's protection limits were reached.
  case protection = 8
  /// The account's lease ended.
  case lease = 9
  /// Only trades beyond the price band were left for it.
  case band = 10
  /// What it was linked to fired or filled, or left it nothing to guard.
  case linked = 30
}

/// A price that a liquidation was decided on; its record stands in the state of the event's height.
public struct PriceReference: Hashable, Sendable {
  public var underlying: UnderlyingID
  /// 0 for the index.
  public var expiry: Timestamp
  public var round: Round
  public var time: Timestamp
  public var price: Price
}

/// The house acts on an account below its maintenance margin: why it may, on which certified prices, and at which stage.
public struct LiquidationEvent: Hashable, Sendable {
  public var account: AccountID
  public var stage: LiquidationStage
  public var equity: Amount
  public var maintenance: Amount
  /// What taking over all of its positions pays now.
  public var reward: Amount
  /// Of the state with these prices.
  public var height: Height
  public var prices: [PriceReference]
}

public enum EventKind: Hashable, Sendable {
  case accountOpened(AccountID)
  case deposit(account: AccountID, amount: Amount, reference: Digest)
  case withdrawalRequested(number: UInt64, account: AccountID, amount: Amount)
  case withdrawalClosed(number: UInt64, account: AccountID, amount: Amount, paid: Bool)
  case transfer(from: AccountID, to: AccountID, amount: Amount)
  case listed(InstrumentID)
  case stateChanged(InstrumentID, InstrumentState)
  case trade(TradeEvent)
  /// The open quantity at one price of a book is now `quantity` (0: the level is gone).
  case bookLevel(InstrumentID, Side, price: Price, quantity: Quantity)
  /// An order left the book, or what was left of it was not put there, without being filled.
  case orderCancelled(OrderID, account: AccountID, instrument: InstrumentID, remaining: Quantity, CancelReason)
  /// A round of a feed is complete: the index (`expiry` 0) or the forward of an expiry.
  case price(underlying: UnderlyingID, expiry: Timestamp, round: Round, price: Price)
  /// Every series of one expiry is settled, at once.
  case expirySettled(underlying: UnderlyingID, expiry: Timestamp, price: Price, observations: UInt32, positions: UInt32)
  /// One position paid out; `amount` is what the account received (negative: paid).
  case settled(account: AccountID, instrument: InstrumentID, quantity: Quantity, amount: Amount)
  case marginCall(account: AccountID, equity: Amount, maintenance: Amount)
  case marginRestored(account: AccountID)
  case liquidation(LiquidationEvent)
  case liquidationEnded(account: AccountID)
  /// A position changed hands at the mark, without an order; `quantity` is what the receiver got, signed.
  case positionMoved(from: AccountID, to: AccountID, instrument: InstrumentID, quantity: Quantity, price: Price)
  /// One layer of the waterfall paid for a defaulter.
  case waterfall(debtor: AccountID, layer: UInt8, payer: AccountID, amount: Amount)
  /// A member's share of the default fund is now this.
  case fundShare(account: AccountID, amount: Amount)
  /// Part of a gain that was cut came back.
  case claimPaid(account: AccountID, amount: Amount)
  case quotesProtected(account: AccountID, underlying: UnderlyingID)
  case leaseEnded(account: AccountID)
  /// The instrument is in a call auction that ends from `until` on, real time.
  case auctionCalled(InstrumentID, AuctionReason, until: Timestamp)
  /// A call auction traded `quantity` lots, all of them at `price`; its trades stand before this.
  case auctionEnded(InstrumentID, price: Price, quantity: Quantity)
  case comboCreated(InstrumentID, [ComboLeg])
  case comboRetired(InstrumentID)
  /// Trades of combos stand here and nowhere else.
  case comboTrade(ComboTradeEvent)
  /// Trades on firm quotes, likewise.
  case negotiatedTrade(NegotiatedTradeEvent)
  /// The price reached a trigger's level; its order, under the same number, is what follows.
  case triggerFired(OrderID, account: AccountID, instrument: InstrumentID, price: Price)
  /// The order of a trigger that fired was refused.
  case triggerRejected(OrderID, account: AccountID, instrument: InstrumentID, RejectionCode)
  /// A trigger went without firing.
  case triggerCancelled(OrderID, account: AccountID, instrument: InstrumentID, CancelReason)
  /// A bond was posted or released by its owner (`change`), and is now this; what is slashed stands in `offence`.
  case bond(account: AccountID, change: Amount, amount: Amount)
  /// A validator was punished.
  case offence(OffenceEvent)
  case subAccountOpened(owner: AccountID, number: SubAccountNumber, account: AccountID)
  case positionsTransferred(PositionTransferEvent)
}
