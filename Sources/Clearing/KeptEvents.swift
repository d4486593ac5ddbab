// What a ledger keeps of the events of a block: what moved money or positions. From it statements and exports are made; all
// else is in the feed.

public import Primitives
public import Wire

extension EventKind {
  /// Whether an account's money, position or share changed, or an order of it traded.
  public var isKept: Bool {
    switch self {
    case .deposit, .withdrawalRequested, .withdrawalClosed, .transfer, .trade, .comboTrade, .negotiatedTrade,
      .expirySettled, .settled, .positionMoved, .waterfall, .fundShare, .claimPaid, .bond, .offence,
      .positionsTransferred:
      true
    case .accountOpened, .listed, .stateChanged, .bookLevel, .orderCancelled, .price, .marginCall, .marginRestored,
      .liquidation, .liquidationEnded, .quotesProtected, .leaseEnded, .auctionCalled, .auctionEnded, .comboCreated,
      .comboRetired, .triggerFired, .triggerRejected, .triggerCancelled, .subAccountOpened:
      false
    }
  }
}

/// The kept events of one block, with its time.
public struct KeptEvents: WireCodable, Hashable, Sendable {
  public var timestamp: Timestamp
  /// In their order; what was not kept is a gap in the sequence.
  public var events: [Event]

  /// Far above what one block can do.
  public static let countMax = 1 << 22

  public init(timestamp: Timestamp, of events: [Event]) {
    self.timestamp = timestamp
    self.events = events.filter(\.kind.isKept)
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(timestamp)
    writer.write(events)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    timestamp = try reader.read()
    events = try reader.readArray(limit: Self.countMax)
  }
}
