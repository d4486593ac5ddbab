// Keys that may sign for an account that is not theirs (rules K1 to K5).

public import Ledger
public import Primitives
public import Wire

/// What a delegated key may do; several together.
public struct DelegationScope: OptionSet, Hashable, Sendable, WireCodable {
  public let rawValue: UInt8

  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Cancel orders, and set the lease and protection that do so by themselves.
  public static let cancel = DelegationScope(rawValue: 1)
  /// Place and amend orders, quote, make combos and use firm quotes; and all of `cancel`.
  public static let trade = DelegationScope(rawValue: 2)
  /// Move cash to other accounts of the clearing house.
  public static let transfer = DelegationScope(rawValue: 4)
  public static let withdraw = DelegationScope(rawValue: 8)

  /// By their names in documents and commands, in the order of their bits.
  public static let names: [(name: String, scope: DelegationScope)] = [
    ("cancel", .cancel), ("trade", .trade), ("transfer", .transfer), ("withdraw", .withdraw),
  ]

  static let all: DelegationScope = [.cancel, .trade, .transfer, .withdraw]

  public func encode(to writer: inout WireWriter) { writer.write(rawValue) }
  public init(from reader: inout WireReader) throws(WireError) { rawValue = try reader.read() }
}

/// What an account lets a key do in its name.
public struct Delegation: Hashable, Sendable, WireCodable {
  public var key: PublicKey
  public var scope: DelegationScope
  /// The last block in which it counts.
  public var until: Height
  /// What it may trade, ascending; empty for everything.
  public var underlyings: [UnderlyingID]
  /// Most that one order may be worth at the index, in 1e-6 USD; 0 for no limit.
  public var orderNotional: Amount

  public init(
    key: PublicKey, scope: DelegationScope, until: Height, underlyings: [UnderlyingID] = [], orderNotional: Amount = 0
  ) {
    self.key = key
    self.scope = scope
    self.until = until
    self.underlyings = underlyings
    self.orderNotional = orderNotional
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(key)
    writer.write(scope)
    writer.write(until)
    writer.write(UInt8(truncatingIfNeeded: underlyings.count))
    for underlying in underlyings { writer.write(underlying) }
    writer.write(orderNotional)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    key = try reader.readBytes32()
    scope = try DelegationScope(from: &reader)
    until = try reader.read()
    underlyings = []
    for _ in 0..<(try reader.read(UInt8.self)) { underlyings.append(try reader.read()) }
    orderNotional = try reader.read()
  }

  /// Whether these terms say something, and one thing only.
  func isAcceptable(underlyings count: Int) -> Bool {
    !scope.isEmpty && scope.isSubset(of: .all) && orderNotional >= 0
      && underlyings.allSatisfy { Int($0) < count }
      && zip(underlyings, underlyings.dropFirst()).allSatisfy { $0 < $1 }
  }
}

/// The keys of one account, ascending.
public struct DelegationsRecord: TableRecord {
  public var delegations: [Delegation]

  init(delegations: [Delegation]) { self.delegations = delegations }

  public func encode(to writer: inout WireWriter) { writer.write(delegations) }

  public init(from reader: inout WireReader) throws(WireError) {
    delegations = try reader.readArray(limit: Limits.maxDelegations)
  }
}
