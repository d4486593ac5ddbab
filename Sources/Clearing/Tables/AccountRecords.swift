// Records of accounts: money, positions, and the commands that were executed.

public import Ledger
public import Primitives
public import Wire

public struct AccountRecord: TableRecord {
  /// Order of creation, from 0.
  public var number: UInt32
  /// Balance in 1e-6 USD; negative only for a debtor and for accounts of the clearing house.
  public var cash: Amount
  /// Equity was below the maintenance margin at the last completed round: only reducing orders are accepted.
  public var marginCall: Bool

  public func encode(to writer: inout WireWriter) {
    writer.write(number)
    writer.write(cash)
    writer.write(marginCall)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    number = try reader.read()
    cash = try reader.read()
    marginCall = try reader.readBool()
  }

  init(number: UInt32) {
    self.number = number
    cash = 0
    marginCall = false
  }
}

public struct PositionRecord: TableRecord {
  /// Signed lots.
  public var quantity: Quantity
  /// Sum of price x signed lots of what is open: the average price is entry / quantity. For futures it is also what
  /// has not been paid yet.
  public var entry: Amount

  public init(quantity: Quantity, entry: Amount) {
    self.quantity = quantity
    self.entry = entry
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(quantity)
    writer.write(entry)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    quantity = try reader.read()
    entry = try reader.read()
  }
}

/// Nonces and client ids that one account used in one block; kept until none of them could be accepted again.
public struct CommandRecord: TableRecord {
  public struct ClientOrder: Hashable, Sendable {
    public var clientID: UInt64
    public var order: OrderID
  }
  public struct ClientTransaction: Hashable, Sendable {
    public var clientID: UInt64
    public var transaction: Digest
  }

  /// Real time of the block.
  public var time: Timestamp
  public var nonces: [UInt64] = []
  public var orders: [ClientOrder] = []
  public var transactions: [ClientTransaction] = []

  init(time: Timestamp) { self.time = time }

  public func encode(to writer: inout WireWriter) {
    writer.write(time)
    writer.write(UInt32(truncatingIfNeeded: nonces.count))
    for nonce in nonces { writer.write(nonce) }
    writer.write(UInt32(truncatingIfNeeded: orders.count))
    for entry in orders {
      writer.write(entry.clientID)
      writer.write(entry.order)
    }
    writer.write(UInt32(truncatingIfNeeded: transactions.count))
    for entry in transactions {
      writer.write(entry.clientID)
      writer.write(entry.transaction)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    time = try reader.read()
    for _ in 0..<(try reader.readCount(limit: .max)) { nonces.append(try reader.read()) }
    for _ in 0..<(try reader.readCount(limit: .max)) {
      orders.append(ClientOrder(clientID: try reader.read(), order: try reader.read()))
    }
    for _ in 0..<(try reader.readCount(limit: .max)) {
      transactions.append(ClientTransaction(clientID: try reader.read(), transaction: try reader.readBytes32()))
    }
  }
}

/// A deposit that was executed; its reference never counts again.
public struct DepositRecord: TableRecord {
  public var account: AccountID
  public var amount: Amount
  public var height: Height

  public func encode(to writer: inout WireWriter) {
    writer.write(account)
    writer.write(amount)
    writer.write(height)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    account = try reader.readBytes32()
    amount = try reader.read()
    height = try reader.read()
  }

  init(account: AccountID, amount: Amount, height: Height) {
    self.account = account
    self.amount = amount
    self.height = height
  }
}

/// A withdrawal the custodian has not answered yet.
public struct WithdrawalRecord: TableRecord {
  public var account: AccountID
  public var amount: Amount
  public var destination: [UInt8]
  public var height: Height

  public func encode(to writer: inout WireWriter) {
    writer.write(account)
    writer.write(amount)
    writer.write(bytes: destination)
    writer.write(height)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    account = try reader.readBytes32()
    amount = try reader.read()
    destination = try reader.readBytes(limit: Limits.maxDestination)
    height = try reader.read()
  }

  init(account: AccountID, amount: Amount, destination: [UInt8], height: Height) {
    self.account = account
    self.amount = amount
    self.destination = destination
    self.height = height
  }
}
