// Sub-accounts: further accounts of one key, each with collateral and margin of its own (rules U1 to U5).

public import Ledger
public import Primitives
public import Wire

/// Which sub-account of an owner, 1 to `Limits.maxSubAccounts`.
public typealias SubAccountNumber = UInt8

extension AccountID {
  /// The identifier of an owner's sub-account: BLAKE2b-256 of 34, "novation/sub-account/v1", the owner's account and the
  /// number. Nobody can hold a key with it, other than by finding a collision of the hash.
  public init(subAccount number: SubAccountNumber, of owner: AccountID) {
    var writer = WireWriter(capacity: 64)
    writer.write(raw: Array("novation/sub-account/v1".utf8))
    writer.write(owner)
    writer.write(number)
    self.init(words: StateTree.path(table: SubAccountRecord.table, key: writer.bytes).words)
  }
}

/// Whose sub-account an account is.
public struct SubAccountRecord: TableRecord {
  static let table = TableID(34)

  /// The main account of the key that commands it.
  public var owner: AccountID
  public var number: SubAccountNumber

  init(owner: AccountID, number: SubAccountNumber) {
    self.owner = owner
    self.number = number
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(owner)
    writer.write(number)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    owner = try reader.readBytes32()
    number = try reader.read()
  }
}

/// What is part of a position that changes hands.
public struct MovedPosition: Hashable, Sendable, WireCodable {
  public var instrument: InstrumentID
  /// Signed lots: negative for a part of a short position.
  public var quantity: Quantity

  public init(instrument: InstrumentID, quantity: Quantity) {
    self.instrument = instrument
    self.quantity = quantity
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(instrument)
    writer.write(quantity)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    instrument = try InstrumentID(from: &reader)
    quantity = try reader.read()
  }
}

/// Positions that go from one account to another at their marks, all of them or none (P1).
public struct PositionTransfer: Hashable, Sendable, WireCodable {
  /// The account on the other side: the receiver for who gives, the giver for who accepts.
  public var account: AccountID
  /// Ascending by instrument, each once.
  public var positions: [MovedPosition]
  /// Goes along with them, from giver to receiver; negative if the receiver pays.
  public var cash: Amount

  public init(account: AccountID, positions: [MovedPosition], cash: Amount = 0) {
    self.account = account
    self.positions = positions
    self.cash = cash
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(account)
    writer.write(positions)
    writer.write(cash)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    account = try reader.readBytes32()
    positions = try reader.readArray(limit: Limits.maxMovedPositions)
    cash = try reader.read()
  }

  /// Whether it says something, and one thing only.
  var isAcceptable: Bool {
    !positions.isEmpty && positions.count <= Limits.maxMovedPositions
      && cash.magnitude <= UInt64(Limits.maxTransfer)
      && positions.allSatisfy {
        $0.quantity != 0 && $0.quantity.magnitude <= UInt64(Limits.maxAccountLots) && !$0.instrument.isCombo
      }
      && zip(positions, positions.dropFirst()).allSatisfy { $0.instrument < $1.instrument }
  }
}

/// What an account will receive from somebody else's, once (P4).
public struct Acceptance: Hashable, Sendable, WireCodable {
  public var transfer: PositionTransfer
  /// Last real block time at which it counts.
  public var until: Timestamp

  public init(transfer: PositionTransfer, until: Timestamp) {
    self.transfer = transfer
    self.until = until
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(transfer)
    writer.write(until)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    transfer = try PositionTransfer(from: &reader)
    until = try reader.read()
  }
}

/// What one account has accepted and not received yet; one from each giver.
public struct AcceptancesRecord: TableRecord {
  public var acceptances: [Acceptance]

  init(acceptances: [Acceptance]) { self.acceptances = acceptances }

  public func encode(to writer: inout WireWriter) { writer.write(acceptances) }

  public init(from reader: inout WireReader) throws(WireError) {
    acceptances = try reader.readArray(limit: Limits.maxAcceptances)
  }
}

/// The end of a transfer of positions; what moved stands right before it, a `positionMoved` for each.
public struct PositionTransferEvent: Hashable, Sendable, WireCodable {
  public var from: AccountID
  public var to: AccountID
  public var positions: UInt32
  /// From `from` to `to`; negative the other way.
  public var cash: Amount
  /// Between two owners; else 0.
  public var fromFee: Amount
  public var toFee: Amount

  public init(from: AccountID, to: AccountID, positions: UInt32, cash: Amount, fromFee: Amount, toFee: Amount) {
    self.from = from
    self.to = to
    self.positions = positions
    self.cash = cash
    self.fromFee = fromFee
    self.toFee = toFee
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(from)
    writer.write(to)
    writer.write(positions)
    writer.write(cash)
    writer.write(fromFee)
    writer.write(toFee)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    from = try reader.readBytes32()
    to = try reader.readBytes32()
    positions = try reader.read()
    cash = try reader.read()
    fromFee = try reader.read()
    toFee = try reader.read()
  }
}
