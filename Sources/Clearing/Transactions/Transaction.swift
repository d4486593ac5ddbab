// What a trader signs: one or many actions, executed as one.

public import Primitives
public import Wire

public enum TransactionMode: UInt8, Sendable, WireByte {
  /// One refused action undoes the others.
  case allOrNothing = 0
  /// Each action stands for itself.
  case bestEffort = 1
}

/// A signed list of actions.
public struct Transaction: Hashable, Sendable {
  /// Of the network, so that nothing signed for another chain counts here.
  public var chain: Digest
  public var signer: PublicKey
  /// Whose money and positions: the signer's main account, or one that has delegated to it (K1).
  public var account: AccountID
  /// See `Nonce`.
  public var nonce: UInt64
  /// Real block time after which the transaction is refused.
  public var expiry: Timestamp
  /// Makes a command idempotent: a second transaction of the account with the same id is refused.
  public var clientID: UInt64?
  public var mode: TransactionMode
  public var actions: [Action]
  public var signature: Signature

  public init(
    chain: Digest, signer: PublicKey, account: AccountID? = nil, nonce: UInt64, expiry: Timestamp,
    clientID: UInt64? = nil, mode: TransactionMode = .bestEffort, actions: [Action], signature: Signature = .zero
  ) {
    self.chain = chain
    self.signer = signer
    self.account = account ?? AccountID(signer)
    self.nonce = nonce
    self.expiry = expiry
    self.clientID = clientID
    self.mode = mode
    self.actions = actions
    self.signature = signature
  }

  /// What the signature covers.
  public var signingBytes: [UInt8] {
    var writer = WireWriter(capacity: 256)
    writer.write(raw: Array("novation/transaction/v1".utf8))
    encodeBody(to: &writer)
    return writer.bytes
  }

  /// Where the transaction goes inside a block: with its most aggressive action.
  public var orderClass: OrderClass {
    var result = OrderClass.cancels
    for action in actions where action.orderClass.rawValue > result.rawValue { result = action.orderClass }
    return result
  }

  private func encodeBody(to writer: inout WireWriter) {
    writer.write(UInt8(1))
    writer.write(chain)
    writer.write(signer)
    writer.write(account)
    writer.write(nonce)
    writer.write(expiry)
    writer.write(clientID != nil)
    if let clientID { writer.write(clientID) }
    writer.write(mode)
    writer.write(actions)
  }
}

extension Transaction: WireCodable {
  public func encode(to writer: inout WireWriter) {
    encodeBody(to: &writer)
    writer.write(signature)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    guard try reader.read(UInt8.self) == 1 else { throw reader.invalid("transaction version") }
    chain = try reader.readBytes32()
    signer = try reader.readBytes32()
    account = try reader.readBytes32()
    nonce = try reader.read()
    expiry = try reader.read()
    clientID = try reader.readBool() ? reader.read() : nil
    mode = try TransactionMode(from: &reader)
    actions = try reader.readArray(limit: Limits.maxActions)
    guard !actions.isEmpty else { throw reader.invalid("empty list of actions") }
    signature = try reader.readSignature()
  }
}

/// D6: transactions of a block run in this order, each class in lane order; a transaction is never split. What only
/// takes risk away, or brings prices and money in, goes first.
public enum OrderClass: UInt8, Sendable, CaseIterable {
  case cancels = 0
  case postOnly = 1
  case rest = 2
}

/// A nonce is drawn by time and chance: milliseconds since 1970 in the high 44 bits, random bits below. It is valid
/// while its time is near the block's time and no transaction of the account has used it, so concurrent commands of
/// one account do not collide and none can be repeated.
public enum Nonce {
  public static func make(time: Timestamp, random: UInt64) -> UInt64 {
    UInt64(max(0, time) / Duration64.millisecond) << 20 | random & 0xf_ffff
  }

  /// The time it was drawn at.
  public static func time(of nonce: UInt64) -> Timestamp {
    Int64(nonce >> 20).multiplied(by: Duration64.millisecond) ?? .max
  }
}
