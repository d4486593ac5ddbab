// Canonical bytes of the commands.

import Primitives
public import Wire

extension PlaceOrder: WireCodable {
  public func encode(to writer: inout WireWriter) {
    writer.write(instrument)
    writer.write(side)
    writer.write(quantity)
    writer.write(price)
    writer.write(timeInForce)
    if timeInForce == .gtt { writer.write(goodTill) }
    writer.write(UInt8((postOnly ? 1 : 0) | (reduceOnly ? 2 : 0) | (display != 0 ? 4 : 0)))
    writer.write(selfTrade)
    writer.write(clientID != nil)
    if let clientID { writer.write(clientID) }
    if display != 0 { writer.write(display) }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    instrument = try InstrumentID(from: &reader)
    side = try Side(from: &reader)
    quantity = try reader.read()
    price = try reader.read()
    timeInForce = try TimeInForce(from: &reader)
    goodTill = timeInForce == .gtt ? try reader.read() : 0
    let flags: UInt8 = try reader.read()
    guard flags < 8 else { throw reader.invalid("order flags") }
    postOnly = flags & 1 != 0
    reduceOnly = flags & 2 != 0
    selfTrade = try SelfTradePrevention(from: &reader)
    clientID = try reader.readBool() ? reader.read() : nil
    display = flags & 4 != 0 ? try reader.read() : 0
    guard display != 0 || flags & 4 == 0 else { throw reader.invalid("display of nothing") }
  }
}

extension CancelSelector: WireCodable {
  public func encode(to writer: inout WireWriter) {
    switch self {
    case .order(let id):
      writer.write(UInt8(0))
      writer.write(id)
    case .client(let id):
      writer.write(UInt8(1))
      writer.write(id)
    case .instrument(let id):
      writer.write(UInt8(2))
      writer.write(id)
    case .underlying(let id):
      writer.write(UInt8(3))
      writer.write(id)
    case .all: writer.write(UInt8(4))
    case .expiry(let underlying, let expiry):
      writer.write(UInt8(5))
      writer.write(underlying)
      writer.write(expiry)
    case .side(let side):
      writer.write(UInt8(6))
      writer.write(side)
    case .quotes: writer.write(UInt8(7))
    case .triggers: writer.write(UInt8(30))
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    switch try reader.read(UInt8.self) {
    case 0: self = .order(try reader.read())
    case 1: self = .client(try reader.read())
    case 2: self = .instrument(try InstrumentID(from: &reader))
    case 3: self = .underlying(try reader.read())
    case 4: self = .all
    case 5: self = .expiry(try reader.read(), try reader.read())
    case 6: self = .side(try Side(from: &reader))
    case 7: self = .quotes
    case 30: self = .triggers
    default: throw reader.invalid("cancel selector")
    }
  }
}

extension AmendOrder: WireCodable {
  public func encode(to writer: inout WireWriter) {
    switch order {
    case .order(let id):
      writer.write(UInt8(0))
      writer.write(id)
    case .client(let id):
      writer.write(UInt8(1))
      writer.write(id)
    }
    writer.write(quantity)
    writer.write(price)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    switch try reader.read(UInt8.self) {
    case 0: order = .order(try reader.read())
    case 1: order = .client(try reader.read())
    default: throw reader.invalid("order reference")
    }
    quantity = try reader.read()
    price = try reader.read()
  }
}

extension Deposit: WireCodable {
  public func encode(to writer: inout WireWriter) {
    writer.write(account)
    writer.write(amount)
    writer.write(reference)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    account = try reader.readBytes32()
    amount = try reader.read()
    reference = try reader.readBytes32()
  }
}

extension Listing: WireCodable {
  public func encode(to writer: inout WireWriter) {
    writer.write(instrument)
    writer.write(tick)
    writer.write(lot)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    instrument = try InstrumentID(from: &reader)
    tick = try reader.read()
    lot = try reader.read()
  }
}

extension IndexQuote: WireCodable {
  public func encode(to writer: inout WireWriter) {
    writer.write(underlying)
    writer.write(price)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    underlying = try reader.read()
    price = try reader.read()
  }
}

extension SurfaceQuote: WireCodable {
  public func encode(to writer: inout WireWriter) {
    writer.write(underlying)
    writer.write(expiry)
    writer.write(forward)
    writer.write(UInt32(volatilities.count))
    for value in volatilities { writer.write(value) }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    underlying = try reader.read()
    expiry = try reader.read()
    forward = try reader.read()
    guard try reader.readCount(limit: Self.pillars.count) == Self.pillars.count else {
      throw reader.invalid("number of pillars")
    }
    volatilities = []
    volatilities.reserveCapacity(Self.pillars.count)
    for _ in Self.pillars { volatilities.append(try reader.read()) }
  }
}

extension Observation: WireCodable {
  public func encode(to writer: inout WireWriter) {
    writer.write(round)
    writer.write(prices)
    writer.write(surfaces)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    round = try reader.readOrdinal()
    prices = try reader.readArray(limit: Limits.maxUnderlyings)
    surfaces = try reader.readArray(limit: Limits.maxSurfacesPerObservation)
  }
}

extension LiquidationBid: WireCodable {
  public func encode(to writer: inout WireWriter) {
    writer.write(account)
    writer.write(share)
    writer.write(leastReward)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    account = try reader.readBytes32()
    share = try reader.read()
    leastReward = try reader.read()
  }
}

extension Action: WireCodable {
  public func encode(to writer: inout WireWriter) {
    switch self {
    case .place(let order):
      writer.write(UInt8(0))
      writer.write(order)
    case .cancel(let selector):
      writer.write(UInt8(1))
      writer.write(selector)
    case .amend(let amend):
      writer.write(UInt8(2))
      writer.write(amend)
    case .deposit(let deposit):
      writer.write(UInt8(3))
      writer.write(deposit)
    case .withdraw(let amount, let destination):
      writer.write(UInt8(4))
      writer.write(amount)
      writer.write(bytes: destination)
    case .closeWithdrawal(let number, let paid):
      writer.write(UInt8(5))
      writer.write(number)
      writer.write(paid)
    case .transfer(let to, let amount):
      writer.write(UInt8(6))
      writer.write(to)
      writer.write(amount)
    case .observe(let observation):
      writer.write(UInt8(7))
      writer.write(observation)
    case .list(let listings):
      writer.write(UInt8(8))
      writer.write(listings)
    case .setState(let instrument, let state):
      writer.write(UInt8(9))
      writer.write(instrument)
      writer.write(state)
    case .bid(let bid):
      writer.write(UInt8(10))
      writer.write(bid)
    case .backstop(let limit):
      writer.write(UInt8(11))
      writer.write(limit)
    case .fund(let amount):
      writer.write(UInt8(12))
      writer.write(amount)
    case .quote(let quotes):
      writer.write(UInt8(13))
      writer.write(quotes)
    case .protect(let limits):
      writer.write(UInt8(14))
      writer.write(limits)
    case .lease(let span):
      writer.write(UInt8(15))
      writer.write(span)
    case .createCombo(let legs):
      writer.write(UInt8(16))
      writer.write(legs)
    case .negotiate(let uses):
      writer.write(UInt8(17))
      writer.write(uses)
    case .delegate(let terms):
      writer.write(UInt8(18))
      writer.write(terms)
    case .revoke(let key):
      writer.write(UInt8(19))
      writer.write(key)
    case .proposeChange(let change):
      writer.write(UInt8(20))
      writer.write(change)
    case .approveChange(let id):
      writer.write(UInt8(21))
      writer.write(id)
    case .withdrawChange(let id):
      writer.write(UInt8(22))
      writer.write(id)
    case .standby(let step):
      writer.write(UInt8(27))
      writer.write(step)
    case .report(let word):
      writer.write(UInt8(28))
      writer.write(word)
    case .trigger(let trigger):
      writer.write(UInt8(30))
      writer.write(trigger)
    case .linked(let linked):
      writer.write(UInt8(31))
      writer.write(linked)
    case .postBond(let amount):
      writer.write(UInt8(23))
      writer.write(amount)
    case .releaseBond(let amount):
      writer.write(UInt8(24))
      writer.write(amount)
    case .reportEvidence(let report):
      writer.write(UInt8(25))
      writer.write(report)
    case .openSubAccount(let number):
      writer.write(UInt8(34))
      writer.write(number)
    case .transferPositions(let transfer):
      writer.write(UInt8(35))
      writer.write(transfer)
    case .acceptPositions(let acceptance):
      writer.write(UInt8(36))
      writer.write(acceptance)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    switch try reader.read(UInt8.self) {
    case 0: self = .place(try PlaceOrder(from: &reader))
    case 1: self = .cancel(try CancelSelector(from: &reader))
    case 2: self = .amend(try AmendOrder(from: &reader))
    case 3: self = .deposit(try Deposit(from: &reader))
    case 4: self = .withdraw(amount: try reader.read(), destination: try reader.readBytes(limit: Limits.maxDestination))
    case 5: self = .closeWithdrawal(number: try reader.read(), paid: try reader.readBool())
    case 6: self = .transfer(to: try reader.readBytes32(), amount: try reader.read())
    case 7: self = .observe(try Observation(from: &reader))
    case 8: self = .list(try reader.readArray(limit: Limits.maxListingsPerAction))
    case 9: self = .setState(try InstrumentID(from: &reader), try InstrumentState(from: &reader))
    case 10: self = .bid(try LiquidationBid(from: &reader))
    case 11: self = .backstop(limit: try reader.read())
    case 12: self = .fund(amount: try reader.read())
    case 13: self = .quote(try reader.readArray(limit: Limits.maxQuotes))
    case 14: self = .protect(try Protection(from: &reader))
    case 15: self = .lease(span: try reader.read())
    case 16: self = .createCombo(try reader.readArray(limit: Limits.maxComboLegs))
    case 17: self = .negotiate(try reader.readArray(limit: Limits.maxFirmQuotes))
    case 18: self = .delegate(try Delegation(from: &reader))
    case 19: self = .revoke(try reader.readBytes32())
    case 20: self = .proposeChange(try ValidatorChange(from: &reader))
    case 21: self = .approveChange(try reader.read())
    case 22: self = .withdrawChange(try reader.read())
    case 27: self = .standby(try StandbyStep(from: &reader))
    case 28: self = .report(try LatenessReport(from: &reader))
    case 30: self = .trigger(try TriggerOrder(from: &reader))
    case 31: self = .linked(try LinkedOrders(from: &reader))
    case 23: self = .postBond(amount: try reader.read())
    case 24: self = .releaseBond(amount: try reader.read())
    case 25: self = .reportEvidence(try EvidenceReport(from: &reader))
    case 34: self = .openSubAccount(try reader.read())
    case 35: self = .transferPositions(try PositionTransfer(from: &reader))
    case 36: self = .acceptPositions(try Acceptance(from: &reader))
    default: throw reader.invalid("action")
    }
  }
}
