// The JSON documents of the API: one type a document, shared by the node that writes it and the commands that read it.
// Amounts, prices and quantities are decimal strings; hashes, keys and signatures are lower-case hexadecimal. Keys are
// stable: they may be added to, never renamed.

/// A value that the document always names: null where there is none.
@propertyWrapper public struct Nullable<Value: Codable & Sendable>: Codable, Sendable {
  public var wrappedValue: Value?

  public init(wrappedValue: Value?) { self.wrappedValue = wrappedValue }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    wrappedValue = container.decodeNil() ? nil : try container.decode(Value.self)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if let wrappedValue { try container.encode(wrappedValue) } else { try container.encodeNil() }
  }
}

/// What every read carries: which state it saw.
public struct ReadPoint: Codable, Sendable {
  public var height: UInt64
  public var stateRoot: String
  /// linearizable | causal | local | speculative
  public var consistency: String

  public init(height: UInt64, stateRoot: String, consistency: String) {
    self.height = height
    self.stateRoot = stateRoot
    self.consistency = consistency
  }
}

public struct ErrorDocument: Codable, Sendable {
  public struct Detail: Codable, Sendable {
    public var code: String
    public var message: String
    public var hint: String

    public init(code: String, message: String, hint: String) {
      self.code = code
      self.message = message
      self.hint = hint
    }
  }

  public var error: Detail

  public init(code: String, message: String, hint: String) {
    error = Detail(code: code, message: message, hint: hint)
  }
}

public struct StatusDocument: Codable, Sendable {
  public struct Finality: Codable, Sendable {
    @Nullable public var p50Milliseconds: Double?
    @Nullable public var p99Milliseconds: Double?
    public var samples: UInt64

    public init(p50Milliseconds: Double?, p99Milliseconds: Double?, samples: UInt64) {
      self.p50Milliseconds = p50Milliseconds
      self.p99Milliseconds = p99Milliseconds
      self.samples = samples
    }
  }

  public struct Totals: Codable, Sendable {
    public var transactions: UInt64
    public var actions: UInt64
    public var trades: UInt64
    public var accounts: UInt64
    public var openOrders: UInt64
    public var instruments: UInt64
    public var marginCalls: UInt64
    public var fastFinal: UInt64
    public var slowFinal: UInt64
    public var viewsSkipped: UInt64
    public var rollbacks: UInt64
  }

  /// How a node that is behind comes along.
  public struct Sync: Codable, Sendable {
    /// Height of the network, as far as it is known here.
    public var target: UInt64
    @Nullable public var blocksPerSecond: Double?
    /// Null while there is nothing to estimate it from.
    @Nullable public var secondsLeft: Int64?
  }

  public var chainId: String
  public var name: String
  public var network: String
  public var height: UInt64
  public var view: UInt64
  public var epoch: UInt64
  public var stateRoot: String
  /// Null until the first group key exists.
  @Nullable public var groupKey: String?
  public var role: String
  @Nullable public var index: Int?
  public var syncing: Bool
  /// Null where `syncing` is false.
  @Nullable public var sync: Sync?
  /// Validators connected.
  public var peers: Int
  /// Observers connected; always 0 on an observer.
  public var observers: Int
  public var validators: Int
  public var quorum: Int
  public var finality: Finality
  /// Height whose state a quorum has signed.
  public var certifiedHeight: UInt64
  /// Height up to which the ledger on disk holds everything.
  public var storedHeight: UInt64
  public var totals: Totals
  public var marketTime: String
  public var clockRate: UInt64
  public var uptimeSeconds: Int64
  public var version: String
  public var warnings: [String]
}

public struct OrderDocument: Codable, Sendable {
  public var id: String
  public var instrument: String
  public var side: String
  public var price: String
  public var quantity: String
  public var filled: String
  public var remaining: String
  /// What the book shows of an iceberg.
  @Nullable public var shown: String?
  public var state: String
  public var timeInForce: String
  @Nullable public var clientId: String?
}

public struct PositionDocument: Codable, Sendable {
  public var instrument: String
  public var quantity: String
  public var averagePrice: String
  public var markPrice: String
}

public struct MarginDocument: Codable, Sendable {
  public var mode: String
  public var equity: String
  public var initial: String
  public var maintenance: String
  public var excess: String
}

public struct AccountDocument: Codable, Sendable {
  public var account: String
  public var balances: [String: String]
  public var positions: [PositionDocument]
  public var orders: [OrderDocument]
  /// That have not fired.
  public var triggers: [TriggerDocument]
  public var margin: MarginDocument
  public var delegations: [DelegationDocument]
  /// Of a sub-account: whose, and its number.
  @Nullable public var owner: String?
  @Nullable public var subAccount: UInt8?
  /// Of a main account.
  public var subAccounts: [SubAccountDocument]
  /// Transfers of positions that it waits for.
  public var acceptances: [AcceptanceDocument]
  public var height: UInt64
  public var stateRoot: String
  public var consistency: String
  public var proof: ProofDocument?
}

public struct SubAccountDocument: Codable, Sendable {
  public var number: UInt8
  public var account: String
}

/// What the account will receive from another owner's, once.
public struct AcceptanceDocument: Codable, Sendable {
  public struct Position: Codable, Sendable {
    public var instrument: String
    public var quantity: String
  }

  public var from: String
  public var positions: [Position]
  /// Negative if the receiver pays.
  public var cash: String
  public var until: String
}

/// A key that may sign for the account.
public struct DelegationDocument: Codable, Sendable {
  public var key: String
  /// cancel, trade, transfer, withdraw
  public var scope: [String]
  /// The last height at which it counts.
  public var until: UInt64
  /// Empty for all.
  public var underlyings: [String]
  /// Most that one order may be worth at the index, USD; null for no limit.
  @Nullable public var orderNotional: String?
}

public struct InstrumentDocument: Codable, Sendable {
  public var name: String
  public var kind: String
  public var underlying: String
  @Nullable public var strike: String?
  public var expiry: String
  public var state: String
  public var tick: String
  public var lot: String
  @Nullable public var markPrice: String?
  @Nullable public var index: String?
  public var openInterest: String
  /// Only in the state `auction`.
  @Nullable public var auction: AuctionDocument?
}

/// A call auction, and what it would trade if it ended now.
public struct AuctionDocument: Codable, Sendable {
  /// opening, volatility, outage or called
  public var reason: String
  public var until: String
  @Nullable public var price: String?
  public var quantity: String
}

public struct InstrumentsDocument: Codable, Sendable {
  public var instruments: [InstrumentDocument]
  public var height: UInt64
  public var stateRoot: String
  public var consistency: String
}

public struct InstrumentReadDocument: Codable, Sendable {
  public var instrument: InstrumentDocument
  public var height: UInt64
  public var stateRoot: String
  public var consistency: String
}

public struct BookDocument: Codable, Sendable {
  public struct Level: Codable, Sendable {
    public var price: String
    public var quantity: String
    public var orders: Int
  }

  public var instrument: String
  public var bids: [Level]
  public var asks: [Level]
  public var height: UInt64
  public var stateRoot: String
  public var consistency: String
}

public struct TradeDocument: Codable, Sendable {
  public var sequence: UInt64
  public var instrument: String
  public var price: String
  public var quantity: String
  public var takerSide: String
  public var height: UInt64
  public var time: String
}

public struct TradesDocument: Codable, Sendable {
  public var trades: [TradeDocument]
  public var height: UInt64
  public var stateRoot: String
  public var consistency: String
}

public struct OracleDocument: Codable, Sendable {
  public struct Underlying: Codable, Sendable {
    public var name: String
    public var index: String
    public var round: UInt64
    /// Of the last complete round, in real time.
    public var time: String
    public var expiries: [Expiry]
  }

  public struct Expiry: Codable, Sendable {
    public var expiry: String
    public var forward: String
    public var round: UInt64
    public var volatilities: [String]
  }

  public var round: UInt64
  public var marketTime: String
  public var underlyings: [Underlying]
  public var height: UInt64
  public var stateRoot: String
  public var consistency: String
}

public struct LiquidationDocument: Codable, Sendable {
  public var account: String
  /// warned | book | auction | backstop | insolvent | tearUp | debt
  public var stage: String
  public var equity: String
  public var maintenance: String
  /// What taking over all of its positions pays now.
  public var reward: String
  /// Oracle round in which it fell below its maintenance margin.
  public var found: UInt64
}

public struct FundShareDocument: Codable, Sendable {
  public var account: String
  public var amount: String
}

public struct FundsDocument: Codable, Sendable {
  public var insurance: String
  public var houseCapital: String
  public var defaultFund: String
  public var claims: String
  public var members: [FundShareDocument]
  public var backstops: [FundShareDocument]
}

public struct LiquidationsDocument: Codable, Sendable {
  public var liquidations: [LiquidationDocument]
  public var funds: FundsDocument
  public var height: UInt64
  public var stateRoot: String
  public var consistency: String
}

public struct BlockDocument: Codable, Sendable {
  public var height: UInt64
  public var hash: String
  public var parent: String
  public var stateRoot: String
  public var timestamp: String
  public var view: UInt64
  public var leader: Int
  public var transactions: [String]
  /// Final blocks are read from this node's own ledger: "local".
  public var consistency: String
}

/// A receipt's way to the state root of its height.
public struct ReceiptInclusionDocument: Codable, Sendable {
  /// Canonical bytes of what the transaction did.
  public var outcome: String
  /// Canonical bytes of the state's record that holds the root over the receipts, and its path in the state tree.
  public var record: String
  public var recordPath: String
  /// Siblings from the receipt to that root, lowest first.
  public var path: [String]
}

/// The group's signature on a header and the state after it.
public struct CertificateDocument: Codable, Sendable {
  public struct Vote: Codable, Sendable {
    public var validator: Int
    public var publicKey: String
    /// What this validator signed, so that any Ed25519 library can check it.
    public var message: String
    public var signature: String
  }

  public var height: UInt64
  public var header: String
  public var headerHash: String
  public var stateRoot: String
  public var message: String
  /// The 64-byte group signature on `message`: Ed25519-verify(groupKey, message, signature).
  public var signature: String
  public var groupKey: String
  public var chainId: String
  public var epoch: UInt64
  public var view: UInt64
  /// The validators' own votes with their keys and bytes, where they were asked for (`votes=true`) and kept.
  public var votes: [Vote]
  /// Canonical bytes of that vote list.
  @Nullable public var certificate: String?
  /// Only in the proof of a receipt.
  @Nullable public var receipt: ReceiptInclusionDocument?
}

/// A record with its path in the state tree and the certificate of the root: enough to check it without the node.
public struct ProofDocument: Codable, Sendable {
  public struct Record: Codable, Sendable {
    public var table: Int
    public var key: String
    /// Null where the proof shows that there is no such record.
    @Nullable public var value: String?
    public var path: String
  }

  public var records: [Record]
  public var stateRoot: String
  public var certificate: CertificateDocument
}

public struct FillDocument: Codable, Sendable {
  public var instrument: String
  public var price: String
  public var quantity: String
  /// Account of the resting order that was met.
  public var maker: String
}

public struct ReceiptOrderDocument: Codable, Sendable {
  public var id: String
  public var instrument: String
  public var filled: String
  public var remaining: String
  public var state: String
  /// Why the order was refused, where it was.
  @Nullable public var error: String?
}

/// Where a transaction stands and what it did.
public struct ReceiptDocument: Codable, Sendable {
  public var transaction: String
  @Nullable public var height: UInt64?
  @Nullable public var index: UInt32?
  @Nullable public var stateRoot: String?
  /// final | accepted | rejected | unknown
  public var status: String
  public var orders: [ReceiptOrderDocument]
  public var fills: [FillDocument]
  @Nullable public var proof: CertificateDocument?
  @Nullable public var error: ErrorDocument.Detail?
}

/// Real prices from a validator's feeder, or of a test network's replay.
public struct ObservationDocument: Codable, Sendable {
  public struct Index: Codable, Sendable {
    public var underlying: String
    public var price: String

    public init(underlying: String, price: String) {
      self.underlying = underlying
      self.price = price
    }
  }

  public struct Surface: Codable, Sendable {
    public var underlying: String
    /// ISO 8601, market time.
    public var expiry: String
    public var forward: String
    /// Nine volatilities a year, at -3, -2, -1.2816, -0.6745, 0, 0.6745, 1.2816, 2 and 3 standard deviations.
    public var volatilities: [String]

    public init(underlying: String, expiry: String, forward: String, volatilities: [String]) {
      self.underlying = underlying
      self.expiry = expiry
      self.forward = forward
      self.volatilities = volatilities
    }
  }

  public var prices: [Index]
  public var surfaces: [Surface]

  public init(prices: [Index], surfaces: [Surface]) {
    self.prices = prices
    self.surfaces = surfaces
  }
}
