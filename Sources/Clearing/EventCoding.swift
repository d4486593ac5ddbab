// Canonical bytes of events.

import Primitives
public import Wire

extension Event: WireCodable {
  public func encode(to writer: inout WireWriter) {
    writer.write(sequence)
    writer.write(kind)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    sequence = try reader.readOrdinal()
    kind = try EventKind(from: &reader)
  }
}

extension TradeEvent: WireCodable {
  public func encode(to writer: inout WireWriter) {
    writer.write(trade)
    writer.write(instrument)
    writer.write(price)
    writer.write(quantity)
    writer.write(takerSide)
    writer.write(taker)
    writer.write(maker)
    writer.write(takerOrder)
    writer.write(makerOrder)
    writer.write(takerFee)
    writer.write(makerFee)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    trade = try reader.read()
    instrument = try InstrumentID(from: &reader)
    price = try reader.read()
    quantity = try reader.read()
    takerSide = try Side(from: &reader)
    taker = try reader.readBytes32()
    maker = try reader.readBytes32()
    takerOrder = try reader.read()
    makerOrder = try reader.read()
    takerFee = try reader.read()
    makerFee = try reader.read()
  }
}

extension PriceReference: WireCodable {
  public func encode(to writer: inout WireWriter) {
    writer.write(underlying)
    writer.write(expiry)
    writer.write(round)
    writer.write(time)
    writer.write(price)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    underlying = try reader.read()
    expiry = try reader.read()
    round = try reader.readOrdinal()
    time = try reader.read()
    price = try reader.read()
  }
}

extension LiquidationEvent: WireCodable {
  public func encode(to writer: inout WireWriter) {
    writer.write(account)
    writer.write(stage)
    writer.write(equity)
    writer.write(maintenance)
    writer.write(reward)
    writer.write(height)
    writer.write(prices)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    account = try reader.readBytes32()
    stage = try LiquidationStage(from: &reader)
    equity = try reader.read()
    maintenance = try reader.read()
    reward = try reader.read()
    height = try reader.read()
    prices = try reader.readArray(limit: Limits.maxUnderlyings * (Limits.maxExpiriesPerUnderlying + 1))
  }
}

extension EventKind: WireCodable {
  public func encode(to writer: inout WireWriter) {
    switch self {
    case .accountOpened(let account):
      writer.write(UInt8(0))
      writer.write(account)
    case .deposit(let account, let amount, let reference):
      writer.write(UInt8(1))
      writer.write(account)
      writer.write(amount)
      writer.write(reference)
    case .withdrawalRequested(let number, let account, let amount):
      writer.write(UInt8(2))
      writer.write(number)
      writer.write(account)
      writer.write(amount)
    case .withdrawalClosed(let number, let account, let amount, let paid):
      writer.write(UInt8(3))
      writer.write(number)
      writer.write(account)
      writer.write(amount)
      writer.write(paid)
    case .transfer(let from, let to, let amount):
      writer.write(UInt8(4))
      writer.write(from)
      writer.write(to)
      writer.write(amount)
    case .listed(let instrument):
      writer.write(UInt8(5))
      writer.write(instrument)
    case .stateChanged(let instrument, let state):
      writer.write(UInt8(6))
      writer.write(instrument)
      writer.write(state)
    case .trade(let trade):
      writer.write(UInt8(7))
      writer.write(trade)
    case .bookLevel(let instrument, let side, let price, let quantity):
      writer.write(UInt8(8))
      writer.write(instrument)
      writer.write(side)
      writer.write(price)
      writer.write(quantity)
    case .orderCancelled(let order, let account, let instrument, let remaining, let reason):
      writer.write(UInt8(9))
      writer.write(order)
      writer.write(account)
      writer.write(instrument)
      writer.write(remaining)
      writer.write(reason)
    default: encodeRisk(to: &writer)
    }
  }

  private func encodeRisk(to writer: inout WireWriter) {
    switch self {
    case .price(let underlying, let expiry, let round, let price):
      writer.write(UInt8(10))
      writer.write(underlying)
      writer.write(expiry)
      writer.write(round)
      writer.write(price)
    case .expirySettled(let underlying, let expiry, let price, let observations, let positions):
      writer.write(UInt8(11))
      writer.write(underlying)
      writer.write(expiry)
      writer.write(price)
      writer.write(observations)
      writer.write(positions)
    case .settled(let account, let instrument, let quantity, let amount):
      writer.write(UInt8(12))
      writer.write(account)
      writer.write(instrument)
      writer.write(quantity)
      writer.write(amount)
    case .marginCall(let account, let equity, let maintenance):
      writer.write(UInt8(13))
      writer.write(account)
      writer.write(equity)
      writer.write(maintenance)
    case .marginRestored(let account):
      writer.write(UInt8(14))
      writer.write(account)
    default: encodeDefault(to: &writer)
    }
  }

  private func encodeDefault(to writer: inout WireWriter) {
    switch self {
    case .liquidation(let event):
      writer.write(UInt8(15))
      writer.write(event)
    case .liquidationEnded(let account):
      writer.write(UInt8(16))
      writer.write(account)
    case .positionMoved(let from, let to, let instrument, let quantity, let price):
      writer.write(UInt8(17))
      writer.write(from)
      writer.write(to)
      writer.write(instrument)
      writer.write(quantity)
      writer.write(price)
    case .waterfall(let debtor, let layer, let payer, let amount):
      writer.write(UInt8(18))
      writer.write(debtor)
      writer.write(layer)
      writer.write(payer)
      writer.write(amount)
    case .fundShare(let account, let amount):
      writer.write(UInt8(19))
      writer.write(account)
      writer.write(amount)
    case .claimPaid(let account, let amount):
      writer.write(UInt8(20))
      writer.write(account)
      writer.write(amount)
    case .quotesProtected(let account, let underlying):
      writer.write(UInt8(21))
      writer.write(account)
      writer.write(underlying)
    case .leaseEnded(let account):
      writer.write(UInt8(22))
      writer.write(account)
    default: encodeTrading(to: &writer)
    }
  }

  private func encodeTrading(to writer: inout WireWriter) {
    switch self {
    case .auctionCalled(let instrument, let reason, let until):
      writer.write(UInt8(23))
      writer.write(instrument)
      writer.write(reason)
      writer.write(until)
    case .auctionEnded(let instrument, let price, let quantity):
      writer.write(UInt8(24))
      writer.write(instrument)
      writer.write(price)
      writer.write(quantity)
    case .comboCreated(let combo, let legs):
      writer.write(UInt8(25))
      writer.write(combo)
      writer.write(legs)
    case .comboRetired(let combo):
      writer.write(UInt8(26))
      writer.write(combo)
    case .comboTrade(let trade):
      writer.write(UInt8(27))
      writer.write(trade)
    case .negotiatedTrade(let trade):
      writer.write(UInt8(28))
      writer.write(trade)
    default: encodeTriggers(to: &writer)
    }
  }

  private func encodeTriggers(to writer: inout WireWriter) {
    switch self {
    case .triggerFired(let id, let account, let instrument, let price):
      writer.write(UInt8(30))
      writer.write(id)
      writer.write(account)
      writer.write(instrument)
      writer.write(price)
    case .triggerRejected(let id, let account, let instrument, let code):
      writer.write(UInt8(31))
      writer.write(id)
      writer.write(account)
      writer.write(instrument)
      writer.write(code)
    case .triggerCancelled(let id, let account, let instrument, let reason):
      writer.write(UInt8(32))
      writer.write(id)
      writer.write(account)
      writer.write(instrument)
      writer.write(reason)
    case .bond(let account, let change, let amount):
      writer.write(UInt8(44))
      writer.write(account)
      writer.write(change)
      writer.write(amount)
    case .offence(let offence):
      writer.write(UInt8(45))
      writer.write(offence)
    default: encodeAccounts(to: &writer)
    }
  }

  private func encodeAccounts(to writer: inout WireWriter) {
    switch self {
    case .subAccountOpened(let owner, let number, let account):
      writer.write(UInt8(37))
      writer.write(owner)
      writer.write(number)
      writer.write(account)
    case .positionsTransferred(let transfer):
      writer.write(UInt8(38))
      writer.write(transfer)
    default: break
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    switch try reader.read(UInt8.self) {
    case 0: self = .accountOpened(try reader.readBytes32())
    case 1:
      self = .deposit(
        account: try reader.readBytes32(), amount: try reader.read(), reference: try reader.readBytes32())
    case 2:
      self = .withdrawalRequested(
        number: try reader.read(), account: try reader.readBytes32(), amount: try reader.read())
    case 3:
      self = .withdrawalClosed(
        number: try reader.read(), account: try reader.readBytes32(), amount: try reader.read(),
        paid: try reader.readBool())
    case 4:
      self = .transfer(from: try reader.readBytes32(), to: try reader.readBytes32(), amount: try reader.read())
    case 5: self = .listed(try InstrumentID(from: &reader))
    case 6: self = .stateChanged(try InstrumentID(from: &reader), try InstrumentState(from: &reader))
    case 7: self = .trade(try TradeEvent(from: &reader))
    case 8:
      self = .bookLevel(
        try InstrumentID(from: &reader), try Side(from: &reader), price: try reader.read(),
        quantity: try reader.read())
    case 9:
      self = .orderCancelled(
        try reader.read(), account: try reader.readBytes32(), instrument: try InstrumentID(from: &reader),
        remaining: try reader.read(), try CancelReason(from: &reader))
    case 10:
      self = .price(
        underlying: try reader.read(), expiry: try reader.read(), round: try reader.read(), price: try reader.read())
    case 11:
      self = .expirySettled(
        underlying: try reader.read(), expiry: try reader.read(), price: try reader.read(),
        observations: try reader.read(), positions: try reader.read())
    case 12:
      self = .settled(
        account: try reader.readBytes32(), instrument: try InstrumentID(from: &reader), quantity: try reader.read(),
        amount: try reader.read())
    case 13:
      self = .marginCall(
        account: try reader.readBytes32(), equity: try reader.read(), maintenance: try reader.read())
    case 14: self = .marginRestored(account: try reader.readBytes32())
    case 15: self = .liquidation(try LiquidationEvent(from: &reader))
    case 16: self = .liquidationEnded(account: try reader.readBytes32())
    case 17:
      self = .positionMoved(
        from: try reader.readBytes32(), to: try reader.readBytes32(), instrument: try InstrumentID(from: &reader),
        quantity: try reader.read(), price: try reader.read())
    case 18:
      self = .waterfall(
        debtor: try reader.readBytes32(), layer: try reader.read(), payer: try reader.readBytes32(),
        amount: try reader.read())
    case 19: self = .fundShare(account: try reader.readBytes32(), amount: try reader.read())
    case 20: self = .claimPaid(account: try reader.readBytes32(), amount: try reader.read())
    case 21: self = .quotesProtected(account: try reader.readBytes32(), underlying: try reader.read())
    case 22: self = .leaseEnded(account: try reader.readBytes32())
    case 23:
      self = .auctionCalled(
        try InstrumentID(from: &reader), try AuctionReason(from: &reader), until: try reader.read())
    case 24:
      self = .auctionEnded(try InstrumentID(from: &reader), price: try reader.read(), quantity: try reader.read())
    case 25: self = .comboCreated(try InstrumentID(from: &reader), try reader.readArray(limit: Limits.maxComboLegs))
    case 26: self = .comboRetired(try InstrumentID(from: &reader))
    case 27: self = .comboTrade(try ComboTradeEvent(from: &reader))
    case 28: self = .negotiatedTrade(try NegotiatedTradeEvent(from: &reader))
    case 30:
      self = .triggerFired(
        try reader.read(), account: try reader.readBytes32(), instrument: try InstrumentID(from: &reader),
        price: try reader.read())
    case 31:
      self = .triggerRejected(
        try reader.read(), account: try reader.readBytes32(), instrument: try InstrumentID(from: &reader),
        try RejectionCode(from: &reader))
    case 32:
      self = .triggerCancelled(
        try reader.read(), account: try reader.readBytes32(), instrument: try InstrumentID(from: &reader),
        try CancelReason(from: &reader))
    case 44: self = .bond(account: try reader.readBytes32(), change: try reader.read(), amount: try reader.read())
    case 45: self = .offence(try OffenceEvent(from: &reader))
    case 37:
      self = .subAccountOpened(
        owner: try reader.readBytes32(), number: try reader.read(), account: try reader.readBytes32())
    case 38: self = .positionsTransferred(try PositionTransferEvent(from: &reader))
    default: throw reader.invalid("event")
    }
  }
}
