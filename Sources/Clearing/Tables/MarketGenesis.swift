// What a market is born with.

public import Primitives
public import Wire

public struct UnderlyingTerms: Hashable, Sendable, WireCodable {
  /// Upper-case letters and digits, at most 8: "BTC".
  public var symbol: String

  public init(symbol: String) { self.symbol = symbol }
  public func encode(to writer: inout WireWriter) { writer.write(symbol) }
  public init(from reader: inout WireReader) throws(WireError) { symbol = try reader.readString(limit: 8) }
}

public struct FundedAccount: Hashable, Sendable, WireCodable {
  public var account: AccountID
  public var amount: Amount

  public init(account: AccountID, amount: Amount) {
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

/// Parameters of the margin, in parts per million; the volatility shocks are those of `VolatilityShock`.
public struct RiskParameters: Hashable, Sendable {
  /// Spot range R of the scenario grid.
  public var priceRange: Int64 = 180_000
  /// Of the index for every net short option contract.
  public var shortOption: Int64 = 5_000
  /// Of the index for every unit of net delta.
  public var delta: Int64 = 10_000
  /// Share of the scan that is maintenance margin.
  public var maintenance: Int64 = 800_000
  /// Share of the short-option charge that is maintenance margin.
  public var maintenanceShortOption: Int64 = 600_000

  public init() {}

  var all: [Int64] {
    [priceRange, shortOption, delta, maintenance, maintenanceShortOption]
  }
}

extension RiskParameters: WireCodable {
  public func encode(to writer: inout WireWriter) { for value in all { writer.write(value) } }
  public init(from reader: inout WireReader) throws(WireError) {
    priceRange = try reader.read()
    shortOption = try reader.read()
    delta = try reader.read()
    maintenance = try reader.read()
    maintenanceShortOption = try reader.read()
  }
}

/// Fees in parts per million of the index for each contract; of an option never above `premiumCap` of its premium.
public struct FeeSchedule: Hashable, Sendable, WireCodable {
  public var taker: Int64
  public var maker: Int64
  public var premiumCap: Int64

  public init(taker: Int64 = 300, maker: Int64 = 100, premiumCap: Int64 = 125_000) {
    self.taker = taker
    self.maker = maker
    self.premiumCap = premiumCap
  }
  public func encode(to writer: inout WireWriter) {
    writer.write(taker)
    writer.write(maker)
    writer.write(premiumCap)
  }
  public init(from reader: inout WireReader) throws(WireError) {
    taker = try reader.read()
    maker = try reader.read()
    premiumCap = try reader.read()
  }
}

public struct MarketGenesis: Hashable, Sendable {
  /// "test" networks may have a market clock of their own.
  public var network: String
  /// Real time of the genesis block; rounds count from here.
  public var time: Timestamp
  /// Market time at `time`, and how many market seconds pass in a real one.
  public var clockStart: Timestamp
  public var clockRate: Int64
  public var underlyings: [UnderlyingTerms]
  public var listings: [Listing]
  public var custodian: PublicKey
  public var listingAuthority: PublicKey
  /// Identity keys, in committee order: they publish prices.
  public var validators: [PublicKey]
  public var accounts: [FundedAccount]
  public var risk: RiskParameters
  public var fees: FeeSchedule
  public var liquidation: LiquidationParameters
  public var trading: TradingRules

  public init(
    network: String, time: Timestamp, clockStart: Timestamp? = nil, clockRate: Int64 = 1,
    underlyings: [UnderlyingTerms], listings: [Listing] = [], custodian: PublicKey, listingAuthority: PublicKey,
    validators: [PublicKey], accounts: [FundedAccount] = [], risk: RiskParameters = RiskParameters(),
    fees: FeeSchedule = FeeSchedule(), liquidation: LiquidationParameters = LiquidationParameters(),
    trading: TradingRules = TradingRules()
  ) {
    self.network = network
    self.time = time
    self.clockStart = clockStart ?? time
    self.clockRate = clockRate
    self.underlyings = underlyings
    self.listings = listings
    self.custodian = custodian
    self.listingAuthority = listingAuthority
    self.validators = validators
    self.accounts = accounts
    self.risk = risk
    self.fees = fees
    self.liquidation = liquidation
    self.trading = trading
  }
}

extension MarketGenesis: WireCodable {
  public func encode(to writer: inout WireWriter) {
    writer.write(network)
    writer.write(time)
    writer.write(clockStart)
    writer.write(clockRate)
    writer.write(underlyings)
    writer.write(listings)
    writer.write(custodian)
    writer.write(listingAuthority)
    writer.write(validators)
    writer.write(accounts)
    writer.write(risk)
    writer.write(fees)
    writer.write(liquidation)
    writer.write(trading)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    network = try reader.readString(limit: 64)
    time = try reader.read()
    clockStart = try reader.read()
    clockRate = try reader.read()
    underlyings = try reader.readArray(limit: Limits.maxUnderlyings)
    listings = try reader.readArray(limit: Limits.maxInstruments)
    custodian = try reader.readBytes32()
    listingAuthority = try reader.readBytes32()
    validators = try reader.readArray(limit: Limits.maxValidators)
    accounts = try reader.readArray(limit: Limits.maxAccounts)
    risk = try RiskParameters(from: &reader)
    fees = try FeeSchedule(from: &reader)
    liquidation = try LiquidationParameters(from: &reader)
    trading = try TradingRules(from: &reader)
  }

  /// What is wrong with it, as a sentence; nil if nothing is. The engine starts only from a genesis without fault.
  public func fault() -> String? {
    // Until the year 2110, so that times and their differences stay far from the limits of Int64.
    let latest: Timestamp = 4_400_000_000 * Duration64.second
    if network.isEmpty { return "the network has no name" }
    if !(0...latest).contains(time) || !(0...latest).contains(clockStart) { return "a start time is out of range" }
    if !(1...100_000).contains(clockRate) { return "the clock rate must be 1 to 100000" }
    if network != "test", clockRate != 1 || clockStart != time {
      return "only a network named \"test\" may have a market clock of its own"
    }
    if !(1...Limits.maxUnderlyings).contains(underlyings.count) { return "there must be 1 to 16 underlyings" }
    for (index, terms) in underlyings.enumerated() {
      if !InstrumentName.isSymbol(terms.symbol) { return "underlying \"\(terms.symbol)\" is not a symbol" }
      if underlyings[..<index].contains(terms) { return "underlying \(terms.symbol) appears twice" }
    }
    if !(1...Limits.maxValidators).contains(validators.count) { return "there must be 1 to 128 validators" }
    for (index, key) in validators.enumerated() where validators[..<index].contains(key) {
      return "validator \(key) appears twice"
    }
    return faultInListings() ?? faultInParameters() ?? liquidation.fault() ?? trading.fault() ?? faultInMoney()
  }

  private func faultInListings() -> String? {
    if listings.count > Limits.maxInstruments { return "too many instruments" }
    var seen: Set<InstrumentID> = []
    for listing in listings {
      guard Int(listing.instrument.underlying) < underlyings.count else { return "a listing has no underlying" }
      let name = InstrumentName.format(listing.instrument, underlyings: underlyings)
      if !listing.isAcceptable || listing.instrument.expiry <= clockStart { return "instrument \(name) has bad terms" }
      if !seen.insert(listing.instrument).inserted { return "instrument \(name) is listed twice" }
    }
    return nil
  }

  private func faultInMoney() -> String? {
    if accounts.count > Limits.maxAccounts { return "too many accounts" }
    var sum = liquidation.insurance + liquidation.houseCapital
    for funded in accounts {
      guard !SystemAccount.isReserved(funded.account) else { return "an account is reserved" }
      guard (0...Limits.maxTransfer).contains(funded.amount), let next = sum.adding(funded.amount),
        next <= Limits.maxDeposits
      else { return "the funds of account \(funded.account) are out of range" }
      sum = next
    }
    return nil
  }

  private func faultInParameters() -> String? {
    if !risk.all.allSatisfy({ (0...1_000_000).contains($0) }) || risk.priceRange < 10_000 || risk.priceRange > 900_000 {
      return "a risk parameter is out of range"
    }
    if !(0...10_000).contains(fees.taker) || !(0...fees.taker).contains(fees.maker)
      || !(0...1_000_000).contains(fees.premiumCap)
    {
      return "a fee is out of range"
    }
    return nil
  }
}
