// Trades agreed outside the books: a taker uses the firm quotes of one or several makers, all of them or none.

import Ledger
import Primitives

/// What a negotiated trade trades, looked up.
private struct Package {
  var legs: [LiveCombo.Leg]
  var lot: Quantity
  /// Contracts in one of it.
  var weight: Int64
}

extension ClearingHouse {
  /// R1 to R5. Nothing has changed when this throws.
  mutating func negotiate(_ uses: [QuoteUse], account: Int32) throws(Rejection) {
    guard let first = uses.first?.quote,
      uses.allSatisfy({ $0.quote.legs == first.legs && $0.quote.side == first.side })
    else { throw Rejection(.badTerms) }
    guard uses.count <= firmQuotesLeft else { throw Rejection(.limitReached) }
    firmQuotesLeft -= uses.count
    let package = try package(first.legs)
    let point = savepoint()
    var parties = [account]
    do throws(Rejection) {
      var parts: [NegotiatedPart] = []
      for use in uses {
        let maker = try admit(use, package, taker: account)
        parties.append(maker)
        parts.append(try trade(use, package, taker: account, maker: maker))
      }
      // R4, INV-9: after all of it, so that a maker may balance one quote with another.
      for party in parties { live.accounts[Int(party)].coveredEpoch = 0 }
      for party in parties where !isCovered(party) { throw Rejection(.insufficientMargin) }
      let event = NegotiatedTradeEvent(
        taker: live.accounts[Int(account)].id, takerSide: first.side.opposite, legs: first.legs, parts: parts)
      emit(.negotiatedTrade(event))
      report(event)
    } catch {
      restore(point)
      throw error
    }
  }

  /// R1: what is traded must be open, on prices that are fresh.
  private func package(_ legs: [ComboLeg]) throws(Rejection) -> Package {
    let lot = try packageLot(legs)
    var package = Package(legs: [], lot: lot, weight: 0)
    for leg in legs {
      guard let number = live.instrumentNumbers[leg.instrument] else { throw Rejection(.unknownInstrument) }
      let instrument = live.instruments[Int(number)]
      guard tables.instruments.read(slot: instrument.slot, { $0.state == .open }) else {
        throw Rejection(.instrumentNotOpen)
      }
      guard instrument.mark != nil, let age = priceAge(leg.instrument) else { throw Rejection(.noMark) }
      guard age <= Limits.freshFor else { throw Rejection(.stalePrice) }
      package.legs.append(LiveCombo.Leg(number: number, ratio: leg.ratio))
      package.weight += Int64(leg.ratio.magnitude)
    }
    return package
  }

  private func packageLot(_ legs: [ComboLeg]) throws(Rejection) -> Quantity {
    guard legs.count == 1, let leg = legs.first else { return try lot(of: legs) }
    guard leg.ratio == 1, !leg.instrument.isCombo else { throw Rejection(.badTerms) }
    guard let record = tables.instruments[leg.instrument] else { throw Rejection(.unknownInstrument) }
    return record.lot
  }

  /// R2, R3: whether the quote binds its maker to this now. Its number is used up from here on.
  private mutating func admit(_ use: QuoteUse, _ package: Package, taker: Int32) throws(Rejection) -> Int32 {
    let quote = use.quote
    guard quote.chain == chain else { throw Rejection(.wrongChain) }
    guard quote.taker == live.accounts[Int(taker)].id, !SystemAccount.isReserved(AccountID(quote.maker)) else {
      throw Rejection(.notAuthorized)
    }
    guard let maker = accountNumber(AccountID(quote.maker)) else { throw Rejection(.unknownAccount) }
    guard !isSameOwner(maker, taker) else { throw Rejection(.selfTrade) }
    guard quote.expiry >= totals.timestamp else { throw Rejection(.expired) }
    guard use.quantity > 0, use.quantity <= quote.quantity, use.quantity.isMultiple(of: package.lot),
      use.quantity <= Limits.maxOrderQuantity / package.weight
    else { throw Rejection(.badQuantity) }
    for party in [taker, maker] { try checkParty(party, adding: use.quantity, package) }
    try useQuoteNumber(quote.number, of: maker)
    return maker
  }

  private func checkParty(_ account: Int32, adding lots: Quantity, _ package: Package) throws(Rejection) {
    let party = live.accounts[Int(account)]
    guard !tables.accounts.read(slot: party.slot, { $0.marginCall }) else { throw Rejection(.marginCall) }
    guard party.grossLots + lots * package.weight <= Limits.maxAccountLots, hasRoom(account), houseHasRoom() else {
      throw Rejection(.tooLarge)
    }
    guard party.holdings.count + package.legs.count <= Limits.maxPositionsPerAccount else {
      throw Rejection(.limitReached)
    }
  }

  /// R5: legs trade at their marks but for what is missing to the price, as those of combos do (C4), inside the band.
  private mutating func trade(
    _ use: QuoteUse, _ package: Package, taker: Int32, maker: Int32
  ) throws(Rejection) -> NegotiatedPart {
    let quote = use.quote
    guard quote.price.isMultiple(of: Limits.pricePerLot), quote.price.magnitude <= UInt64(Limits.maxPrice),
      quote.price > 0 || package.legs.count > 1, let prices = legPrices(package.legs, quote.price)
    else { throw Rejection(.badPrice) }
    guard areInBand(package.legs, prices) else { throw Rejection(.outsideBand) }
    var trades: [TradeEvent] = []
    for (leg, price) in zip(package.legs, prices) {
      trades.append(
        novate(
          Deal(
            instrument: leg.number, price: price, lots: use.quantity * Int64(leg.ratio.magnitude),
            takerSide: quote.side.opposite.ofLeg(leg.ratio), taker: taker, takerOrder: 0, maker: maker, makerOrder: 0,
            isAuction: false)))
    }
    return NegotiatedPart(
      maker: live.accounts[Int(maker)].id, number: quote.number, price: quote.price, quantity: use.quantity,
      trades: trades)
  }

  private mutating func report(_ event: NegotiatedTradeEvent) {
    for trade in event.trades {
      outcome.fills.append(
        FillOutcome(
          order: 0, trade: trade.trade, instrument: trade.instrument, side: trade.takerSide, price: trade.price,
          quantity: trade.quantity, fee: trade.takerFee, makerOrder: 0, maker: trade.maker))
    }
  }
}
