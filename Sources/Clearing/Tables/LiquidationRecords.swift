// Records of liquidation and default: who is in it, who backs the market, who is owed.

public import Ledger
public import Primitives
public import Wire

/// Where an account stands (S-numbers of the rulebook).
public enum LiquidationStage: UInt8, Sendable, WireByte {
  /// Below the maintenance margin in one round; the next has to confirm it.
  case warned = 0
  /// S3: slices on the book.
  case book = 3
  /// S4: its positions are auctioned, the book goes on.
  case auction = 4
  /// S5: the backstop takes what it can.
  case backstop = 5
  /// S6: no equity left; the insurance fund pays bidders.
  case insolvent = 6
  /// S8: positions are torn up against their other sides.
  case tearUp = 8
  /// S9: no positions, a debt that the waterfall has not covered yet.
  case debt = 9

  /// The stable name in answers of the API.
  public var name: String { String(describing: self) }
}

/// An account below its maintenance margin.
public struct LiquidationRecord: TableRecord {
  public var stage: LiquidationStage
  /// Round in which it was found, and in which the house acted last.
  public var found: Round
  public var acted: Round
  /// Turns so far: with equity, and without.
  public var turns: UInt32 = 0
  public var insolventTurns: UInt32 = 0
  /// Paid by the waterfall for it; goes back first if something is left in the end.
  public var covered: Amount = 0
  /// Members of the default fund were assessed for it: that happens once.
  public var assessed = false

  init(found: Round) {
    stage = .warned
    self.found = found
    acted = found
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(stage)
    writer.write(found)
    writer.write(acted)
    writer.write(turns)
    writer.write(insolventTurns)
    writer.write(covered)
    writer.write(assessed)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    stage = try LiquidationStage(from: &reader)
    found = try reader.readOrdinal()
    acted = try reader.readOrdinal()
    turns = try reader.read()
    insolventTurns = try reader.read()
    covered = try reader.read()
    assessed = try reader.readBool()
  }
}

/// A member's part of the mutual default fund.
public struct FundShareRecord: TableRecord {
  public var amount: Amount
  /// When it was last added to, real time.
  public var since: Timestamp

  init(amount: Amount, since: Timestamp) {
    self.amount = amount
    self.since = since
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(amount)
    writer.write(since)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    amount = try reader.read()
    since = try reader.read()
  }
}

/// An account that takes over positions in liquidation.
public struct BackstopRecord: TableRecord {
  /// Most maintenance margin that it takes from one account in one turn, 1e-6 USD.
  public var limit: Amount

  init(limit: Amount) { self.limit = limit }
  public func encode(to writer: inout WireWriter) { writer.write(limit) }
  public init(from reader: inout WireReader) throws(WireError) { limit = try reader.read() }
}

/// What the house owes an account whose gains it had to cut (S9).
public struct ClaimRecord: TableRecord {
  public var account: AccountID
  public var amount: Amount

  init(account: AccountID, amount: Amount) {
    self.account = account
    self.amount = amount
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(account)
    writer.write(amount)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    account = try reader.readBytes32()
    amount = try reader.read()
  }
}

/// An underlying whose prices came back after an outage.
public struct GraceRecord: TableRecord {
  /// No liquidation before this real time.
  public var until: Timestamp

  init(until: Timestamp) { self.until = until }
  public func encode(to writer: inout WireWriter) { writer.write(until) }
  public init(from reader: inout WireReader) throws(WireError) { until = try reader.read() }
}

/// Claims are paid in the order of their numbers.
@frozen public struct ClaimKey: TableKey {
  public var number: UInt64
  @inlinable public init(_ number: UInt64) { self.number = number }
  public func encode(to writer: inout WireWriter) { writer.write(number) }
  public init(from reader: inout WireReader) throws(WireError) { number = try reader.read() }
}
