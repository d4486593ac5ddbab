// The genesis as a file that people can read and edit: JSON, with every amount a decimal string.

import Clearing
import FoundationEssentials
import Glibc
import Primitives
public import Replica
import Threshold

/// Why a genesis file was refused.
public struct GenesisError: Error, CustomStringConvertible {
  public var description: String
  init(_ text: String) { description = text }
}

/// The document; see `docs/OPERATIONS.md`.
public struct GenesisFile: Codable, Sendable {
  public struct Validator: Codable, Sendable {
    public var name: String
    public var key: String
    /// host:port
    public var address: String

    public init(name: String, key: String, address: String) {
      self.name = name
      self.key = key
      self.address = address
    }
  }

  public struct Funded: Codable, Sendable {
    public var account: String
    public var amount: String

    public init(account: String, amount: String) {
      self.account = account
      self.amount = amount
    }
  }

  public struct Instrument: Codable, Sendable {
    public var name: String
    public var tick: String
    public var lot: String
  }

  public struct Risk: Codable, Sendable {
    public var priceRangePpm: Int64?
    public var shortOptionPpm: Int64?
    public var deltaPpm: Int64?
    public var maintenancePpm: Int64?
    public var maintenanceShortOptionPpm: Int64?
  }

  public struct Fees: Codable, Sendable {
    public var takerPpm: Int64
    public var makerPpm: Int64
    public var premiumCapPpm: Int64
  }

  /// Liquidation and default; what is left out has the engine's value (see `docs/CLEARING.md`).
  public struct Liquidation: Codable, Sendable {
    public var enabled: Bool?
    /// What the insurance fund and the house's own capital begin with, USD.
    public var insurance: String?
    public var houseCapital: String?
    public var graceSeconds: Int64?
    public var fundNoticeSeconds: Int64?
    public var bookTurns: Int64?
    public var auctionTurns: Int64?
    public var lastTurns: Int64?
  }

  /// Key generation, in blocks; what is left out has its default (see `docs/THRESHOLD.md`).
  public struct Keys: Codable, Sendable {
    public var epochBlocks: UInt64?
    public var windowBlocks: UInt64?
  }

  /// Price bands and call auctions; what is left out does not take place.
  public struct Trading: Codable, Sendable {
    public var limitOfMarkPpm: Int64?
    public var limitOfIndexPpm: Int64?
    public var bandOfMarkPpm: Int64?
    public var bandOfIndexPpm: Int64?
    public var openingAuctionSeconds: Int64?
    public var volatilityAuctionSeconds: Int64?
    public var outageAuctionSeconds: Int64?
  }

  /// The chain whose state this one begins with (R3).
  public struct Resume: Codable, Sendable {
    public var chain: String
    public var height: UInt64
    public var block: String
    /// Nanoseconds since 1970 of the last block.
    public var timestamp: Int64
    public var stateRoot: String
    public var groupKey: String?
    public var committee: UInt64
  }

  public var name: String
  /// "test" allows a market clock of its own.
  public var network: String
  /// ISO 8601.
  public var time: String
  public var clockStart: String?
  public var clockRate: Int64?
  public var underlyings: [String]
  public var validators: [Validator]
  public var custodian: String
  public var listingAuthority: String
  public var accounts: [Funded]
  public var instruments: [Instrument]
  public var risk: Risk?
  public var fees: Fees?
  public var liquidation: Liquidation?
  public var keys: Keys?
  public var trading: Trading?
  public var resume: Resume?

  /// The genesis that it describes; throws with a sentence that names the entry at fault.
  public func genesis() throws(GenesisError) -> Genesis {
    var nodes: [GenesisValidator] = []
    for entry in validators {
      guard let key = PublicKey(hex: entry.key) else {
        throw fault("validator \(entry.name)", "key is not 64 hex digits")
      }
      guard let address = SocketAddressText(entry.address) else {
        throw fault("validator \(entry.name)", "address \"\(entry.address)\" is not host:port")
      }
      nodes.append(GenesisValidator(name: entry.name, key: key, host: address.host, port: address.port))
    }
    guard let time = ISO8601.parse(time) else { throw fault("time", "\"\(time)\" is not ISO 8601") }
    var start = time
    if let clockStart {
      guard let parsed = ISO8601.parse(clockStart) else {
        throw fault("clockStart", "\"\(clockStart)\" is not ISO 8601")
      }
      start = parsed
    }
    guard let custodian = PublicKey(hex: custodian) else { throw fault("custodian", "key is not 64 hex digits") }
    guard let authority = PublicKey(hex: listingAuthority) else {
      throw fault("listingAuthority", "key is not 64 hex digits")
    }
    let terms = underlyings.map { UnderlyingTerms(symbol: $0) }
    var market = MarketGenesis(
      network: network, time: time, clockStart: start, clockRate: clockRate ?? 1, underlyings: terms,
      custodian: custodian, listingAuthority: authority, validators: nodes.map(\.key))
    market.listings = try listings(terms)
    market.accounts = try funds()
    if let risk {
      market.risk.priceRange = risk.priceRangePpm ?? market.risk.priceRange
      market.risk.shortOption = risk.shortOptionPpm ?? market.risk.shortOption
      market.risk.delta = risk.deltaPpm ?? market.risk.delta
      market.risk.maintenance = risk.maintenancePpm ?? market.risk.maintenance
      market.risk.maintenanceShortOption = risk.maintenanceShortOptionPpm ?? market.risk.maintenanceShortOption
    }
    if let fees {
      market.fees = FeeSchedule(taker: fees.takerPpm, maker: fees.makerPpm, premiumCap: fees.premiumCapPpm)
    }
    if let liquidation { market.liquidation = try parameters(liquidation) }
    if let trading { market.trading = rules(trading) }
    let window = keys?.windowBlocks ?? 8
    let schedule = KeyScheduleSettings(
      epochBlocks: keys?.epochBlocks ?? 200,
      windows: CeremonyWindows(keys: window, dealing: window, complaints: window, life: window))
    let genesis = Genesis(
      name: name, validators: nodes, market: market, keys: schedule, resume: try resume.map(resumePoint))
    if let text = genesis.fault() { throw GenesisError("genesis: \(text)") }
    return genesis
  }

  private func resumePoint(_ given: Resume) throws(GenesisError) -> ResumePoint {
    guard let chain = Digest(hex: given.chain), let block = Digest(hex: given.block),
      let root = Digest(hex: given.stateRoot), let key = PublicKey(hex: given.groupKey ?? PublicKey.zero.hex)
    else { throw fault("resume", "chain, block, stateRoot or groupKey is not 64 hex digits") }
    guard given.height < ordinalLimit - 1, given.committee < ordinalLimit else {
      throw fault("resume", "height or committee is too large")
    }
    return ResumePoint(
      chain: chain, height: given.height, block: block, timestamp: given.timestamp, stateRoot: root, groupKey: key,
      committee: given.committee)
  }

  private func parameters(_ given: Liquidation) throws(GenesisError) -> LiquidationParameters {
    var result = LiquidationParameters()
    result.isOn = given.enabled ?? result.isOn
    result.insurance = try money(given.insurance, "liquidation.insurance")
    result.houseCapital = try money(given.houseCapital, "liquidation.houseCapital")
    let year = 365 * Duration64.day / Duration64.second
    if let seconds = given.graceSeconds { result.grace = min(max(-1, seconds), year + 1) * Duration64.second }
    if let seconds = given.fundNoticeSeconds { result.fundNotice = min(max(-1, seconds), year + 1) * Duration64.second }
    result.bookTurns = given.bookTurns ?? result.bookTurns
    result.auctionTurns = given.auctionTurns ?? result.auctionTurns
    result.lastTurns = given.lastTurns ?? result.lastTurns
    return result
  }

  private func rules(_ given: Trading) -> TradingRules {
    // Anything longer than an hour is refused by the engine; cut here so that the product fits.
    func span(_ seconds: Int64?) -> Timestamp { min(max(-1, seconds ?? 0), 3_601) * Duration64.second }
    var result = TradingRules()
    result.limitOfMark = given.limitOfMarkPpm ?? 0
    result.limitOfIndex = given.limitOfIndexPpm ?? 0
    result.bandOfMark = given.bandOfMarkPpm ?? 0
    result.bandOfIndex = given.bandOfIndexPpm ?? 0
    result.openingAuction = span(given.openingAuctionSeconds)
    result.volatilityAuction = span(given.volatilityAuctionSeconds)
    result.outageAuction = span(given.outageAuctionSeconds)
    return result
  }

  private func money(_ text: String?, _ place: String) throws(GenesisError) -> Amount {
    guard let text else { return 0 }
    guard let amount = Decimal.parse(text, scale: Decimal.moneyScale) else {
      throw fault(place, "\"\(text)\" is not a decimal number")
    }
    return amount
  }

  private func listings(_ terms: [UnderlyingTerms]) throws(GenesisError) -> [Listing] {
    var result: [Listing] = []
    for entry in instruments {
      guard let id = InstrumentName.parse(entry.name, underlyings: terms) else {
        throw fault("instrument \(entry.name)", "not a name such as BTC-27MAR26-100000-C of a listed underlying")
      }
      guard let tick = Decimal.parse(entry.tick, scale: Decimal.moneyScale),
        let lot = Decimal.parse(entry.lot, scale: Decimal.quantityScale)
      else { throw fault("instrument \(entry.name)", "tick or lot is not a decimal number") }
      result.append(Listing(instrument: id, tick: tick, lot: lot))
    }
    return result
  }

  private func funds() throws(GenesisError) -> [FundedAccount] {
    var result: [FundedAccount] = []
    var seen: Set<AccountID> = []
    for entry in accounts {
      guard let account = AccountID(hex: entry.account) else {
        throw fault("account \(entry.account)", "not 64 hex digits")
      }
      guard seen.insert(account).inserted else { throw fault("account \(entry.account)", "funded twice") }
      guard let amount = Decimal.parse(entry.amount, scale: Decimal.moneyScale) else {
        throw fault("account \(entry.account)", "amount \"\(entry.amount)\" is not a decimal number")
      }
      result.append(FundedAccount(account: account, amount: amount))
    }
    return result
  }

  private func fault(_ entry: String, _ what: String) -> GenesisError { GenesisError("genesis: \(entry): \(what)") }

  /// Largest file read.
  public static let bytesMax = 64 << 20

  public static func load(_ path: String) throws(GenesisError) -> GenesisFile {
    let bytes: [UInt8]
    do {
      bytes = try FileAccess.read(path, limit: bytesMax)
    } catch {
      throw GenesisError("\(path): \(error)")
    }
    do {
      let file = try JSONDecoder().decode(GenesisFile.self, from: Data(bytes))
      // A misspelt key would silently mean something else than was written.
      if let given = JSONText.parse(JSONValue.self, bytes),
        let known = JSONText.parse(JSONValue.self, Array(file.render().utf8)),
        let key = unknownKey(given, known)
      {
        throw GenesisError("\(path): \(printable(key)): unknown key")
      }
      return file
    } catch let error as GenesisError {
      throw error
    } catch let error as DecodingError {
      throw GenesisError("\(path): \(Self.explain(error))")
    } catch {
      throw GenesisError("\(path): \(error)")
    }
  }

  public func render() -> String { JSONText.render(self) }

  /// The path of a key that `given` has and `known` lacks; null counts as absent.
  private static func unknownKey(_ given: JSONValue, _ known: JSONValue) -> String? {
    switch (given, known) {
    case (.object(let given), .object(let known)):
      for (key, value) in given.sorted(by: { $0.key < $1.key }) where value != .null {
        guard let match = known[key] else { return key }
        if let inner = unknownKey(value, match) { return "\(key).\(inner)" }
      }
      return nil
    case (.array(let given), .array(let known)):
      for (index, (value, match)) in zip(given, known).enumerated() {
        if let inner = unknownKey(value, match) { return "\(index).\(inner)" }
      }
      return nil
    default: return nil
    }
  }

  private static func explain(_ error: DecodingError) -> String {
    func place(_ path: [any CodingKey]) -> String { path.map(\.stringValue).joined(separator: ".") }
    switch error {
    case .keyNotFound(let key, let context): return "\(place(context.codingPath + [key])) is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      return "\(place(context.codingPath)): \(context.debugDescription)"
    case .dataCorrupted(let context): return "not JSON: \(context.debugDescription)"
    @unknown default: return "\(error)"
    }
  }
}
