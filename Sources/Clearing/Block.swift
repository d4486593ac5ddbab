// What goes into a block of the clearing engine, and what comes out of it.

public import Ledger
public import Primitives
public import Wire

/// One transaction as the lanes delivered it.
public struct TransactionInput: Sendable {
  public var hash: Digest
  /// Nil if the bytes are not a transaction.
  public var transaction: Transaction?
  public var signatureValid: Bool
  /// J2: what a report of misbehaviour proves; nil where it proves nothing, and for everything else.
  public var evidence: EvidenceVerdict?

  public init(
    hash: Digest, transaction: Transaction?, signatureValid: Bool, evidence: EvidenceVerdict? = nil
  ) {
    self.evidence = evidence
    self.hash = hash
    self.transaction = transaction
    self.signatureValid = signatureValid
  }
}

/// A block's transactions in lane order.
public struct BlockInput: Sendable {
  public var height: Height
  /// Time that the consensus agreed on; never before that of the parent.
  public var timestamp: Timestamp
  public var transactions: [TransactionInput]
  /// What happens to the committee before the first of them.
  public var membership: [ClearingHouse.MembershipStep]
  /// What the block shows of the validators that ordered it (H1); nil where nobody measures.
  public var conduct: BlockConduct?

  public init(
    height: Height, timestamp: Timestamp, transactions: [TransactionInput],
    membership: [ClearingHouse.MembershipStep] = [], conduct: BlockConduct? = nil
  ) {
    self.conduct = conduct
    self.membership = membership
    self.height = height
    self.timestamp = timestamp
    self.transactions = transactions
  }
}

public enum TransactionStatus: UInt8, Sendable, WireByte {
  /// At least one action was executed (in all-or-nothing mode: all).
  case executed = 0
  /// Nothing was.
  case rejected = 1
}

public enum OrderOutcomeState: UInt8, Sendable, WireByte {
  /// Rests in the book, perhaps partly filled.
  case open = 0
  case filled = 1
  case cancelled = 2
  case rejected = 3
  /// A trigger that has not fired.
  case waiting = 4
}

/// What became of one order that an action of the transaction placed, amended or cancelled.
public struct OrderOutcome: Hashable, Sendable {
  /// Place of the action in the transaction.
  public var action: UInt16
  /// 0 if the order was refused before it had a number.
  public var id: OrderID
  public var clientID: UInt64?
  public var instrument: InstrumentID
  public var filled: Quantity
  public var remaining: Quantity
  public var state: OrderOutcomeState
  public var error: RejectionCode?

  public init(
    action: UInt16, id: OrderID, clientID: UInt64?, instrument: InstrumentID, filled: Quantity, remaining: Quantity,
    state: OrderOutcomeState, error: RejectionCode?
  ) {
    self.action = action
    self.id = id
    self.clientID = clientID
    self.instrument = instrument
    self.filled = filled
    self.remaining = remaining
    self.state = state
    self.error = error
  }
}

/// One fill of an order of the transaction.
public struct FillOutcome: Hashable, Sendable {
  public var order: OrderID
  public var trade: UInt64
  public var instrument: InstrumentID
  public var side: Side
  public var price: Price
  public var quantity: Quantity
  public var fee: Amount
  /// The resting order that was met.
  public var makerOrder: OrderID
  public var maker: AccountID

  public init(
    order: OrderID, trade: UInt64, instrument: InstrumentID, side: Side, price: Price, quantity: Quantity, fee: Amount,
    makerOrder: OrderID, maker: AccountID
  ) {
    self.order = order
    self.trade = trade
    self.instrument = instrument
    self.side = side
    self.price = price
    self.quantity = quantity
    self.fee = fee
    self.makerOrder = makerOrder
    self.maker = maker
  }
}

/// The refusal of an action; orders also carry it in their outcome.
public struct ActionError: Hashable, Sendable {
  public var action: UInt16
  public var code: RejectionCode

  public init(
    action: UInt16, code: RejectionCode
  ) {
    self.action = action
    self.code = code
  }
}

/// The receipt of one transaction, without its place in the chain.
public struct TransactionOutcome: Hashable, Sendable {
  public var hash: Digest
  /// Place in the block's input.
  public var input: UInt32
  public var status: TransactionStatus
  /// Why the transaction as a whole was refused (or, for all-or-nothing, its first refused action).
  public var rejection: RejectionCode?
  /// For `duplicateClientId`: the transaction that used the id first.
  public var duplicateOf: Digest?
  public var orders: [OrderOutcome] = []
  public var fills: [FillOutcome] = []
  public var errors: [ActionError] = []

  public init(hash: Digest, input: UInt32, status: TransactionStatus = .executed, rejection: RejectionCode? = nil) {
    self.hash = hash
    self.input = input
    self.status = status
    self.rejection = rejection
  }
}

/// Everything a block did. Reuse one value: `apply` empties it and keeps its memory.
public struct BlockResult: Sendable {
  /// In execution order (D6).
  public var outcomes: [TransactionOutcome] = []
  public var events: [Event] = []
  /// For the state tree and the store.
  public var changes: [RecordChange] = []

  public init() {}

  mutating func removeAll() {
    outcomes.removeAll(keepingCapacity: true)
    events.removeAll(keepingCapacity: true)
    changes.removeAll(keepingCapacity: true)
  }
}

extension OrderOutcome: WireCodable {
  public func encode(to writer: inout WireWriter) {
    writer.write(action)
    writer.write(id)
    writer.write(clientID != nil)
    if let clientID { writer.write(clientID) }
    writer.write(instrument)
    writer.write(filled)
    writer.write(remaining)
    writer.write(state)
    writer.write(error)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    action = try reader.read()
    id = try reader.read()
    clientID = try reader.readBool() ? reader.read() : nil
    instrument = try InstrumentID(from: &reader)
    filled = try reader.read()
    remaining = try reader.read()
    state = try OrderOutcomeState(from: &reader)
    error = try reader.readOptional()
  }
}

extension FillOutcome: WireCodable {
  public func encode(to writer: inout WireWriter) {
    writer.write(order)
    writer.write(trade)
    writer.write(instrument)
    writer.write(side)
    writer.write(price)
    writer.write(quantity)
    writer.write(fee)
    writer.write(makerOrder)
    writer.write(maker)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    order = try reader.read()
    trade = try reader.read()
    instrument = try InstrumentID(from: &reader)
    side = try Side(from: &reader)
    price = try reader.read()
    quantity = try reader.read()
    fee = try reader.read()
    makerOrder = try reader.read()
    maker = try reader.readBytes32()
  }
}

extension ActionError: WireCodable {
  public func encode(to writer: inout WireWriter) {
    writer.write(action)
    writer.write(code)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    action = try reader.read()
    code = try RejectionCode(from: &reader)
  }
}

extension TransactionOutcome: WireCodable {
  public func encode(to writer: inout WireWriter) {
    writer.write(hash)
    writer.write(input)
    writer.write(status)
    writer.write(rejection)
    writer.write(duplicateOf)
    writer.write(orders)
    writer.write(fills)
    writer.write(errors)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    hash = try reader.readBytes32()
    input = try reader.read()
    status = try TransactionStatus(from: &reader)
    rejection = try reader.readOptional()
    duplicateOf = try reader.readOptional()
    // A cancel of everything names each order, a sweep each fill: bounded by what the engine itself allows a transaction.
    // What the transaction placed may be named a second time.
    orders = try reader.readArray(
      limit: 6 * Limits.maxActions + 2 * Limits.maxQuotes + Limits.maxOpenOrders + Limits.maxTriggersOfAccount)
    fills = try reader.readArray(limit: Limits.maxActions * Limits.maxFillsPerOrder)
    errors = try reader.readArray(limit: Limits.maxActions)
  }
}
