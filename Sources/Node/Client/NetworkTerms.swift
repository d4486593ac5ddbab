// What one needs to know of a network to sign for it, and what a signed command looks like.

public import Clearing
import Glibc
public import Primitives
public import Sodium
import Wire

/// Chain and names, as the node's genesis states them.
public struct NetworkTerms: Sendable {
  public let chain: Digest
  /// In the order of the genesis: an instrument's number contains its place.
  public let underlyings: [UnderlyingTerms]

  public init(chain: Digest, underlyings: [UnderlyingTerms]) {
    self.chain = chain
    self.underlyings = underlyings
  }

  public static func load(from api: NodeAPI, timeout: Duration) async throws(CommandFailure) -> NetworkTerms {
    let document = try await api.read(RequestPath("genesis"), timeout: timeout)
    guard let chain = document["chainId"]?.string.flatMap({ Digest(hex: $0) }),
      let symbols = document["underlyings"]?.array?.map({ $0.string ?? "" }),
      symbols.allSatisfy(InstrumentName.isSymbol)
    else { throw NodeAPI.failure(.malformed("/v1/genesis lacks chainId or underlyings")) }
    return NetworkTerms(chain: chain, underlyings: symbols.map { UnderlyingTerms(symbol: $0) })
  }

  /// The instrument of a name such as BTC-27MAR26-100000-C.
  public func instrument(_ name: String) throws(CommandFailure) -> InstrumentID {
    guard let id = InstrumentName.parse(name, underlyings: underlyings) else {
      let known = underlyings.map(\.symbol).joined(separator: ", ")
      throw CommandFailure(
        .failed, "\"\(printable(name))\" names no instrument of this network",
        hint:
          "write it like BTC-27MAR26-100000-C or BTC-27MAR26; the underlyings are \(known); see `novation query instrument`"
      )
    }
    return id
  }

  public func underlying(_ symbol: String) throws(CommandFailure) -> UnderlyingID {
    guard let place = underlyings.firstIndex(where: { $0.symbol == symbol }), let id = UnderlyingID(exactly: place)
    else {
      throw CommandFailure(
        .failed, "\"\(printable(symbol))\" is no underlying of this network",
        hint: "there are \(underlyings.map(\.symbol).joined(separator: ", "))")
    }
    return id
  }

  /// Signs actions of the key's main account, or of one that has delegated to it. The nonce is drawn by time and chance, so that concurrent commands do not
  /// collide; after `lifetime` the transaction can no longer execute.
  public func sign(
    _ actions: [Action], key: SigningKey, account: AccountID? = nil, mode: TransactionMode = .allOrNothing,
    clientID: UInt64? = nil, lifetime: Int64
  ) -> SignedTransaction {
    let now = Clock.wall
    var transaction = Transaction(
      chain: chain, signer: key.publicKey, account: account,
      nonce: Nonce.make(time: now, random: SecureRandom.uint64()),
      expiry: now.saturatingAdding(lifetime), clientID: clientID, mode: mode, actions: actions)
    transaction.signature = key.sign(transaction.signingBytes)
    return SignedTransaction(bytes: transaction.wireBytes)
  }
}

/// Canonical bytes that a node takes, and their name.
public struct SignedTransaction: Sendable {
  public let bytes: [UInt8]
  public let hash: Digest

  public init(bytes: [UInt8]) {
    self.bytes = bytes
    hash = Blake2b.hash(bytes)
  }
}
