// Combos meet each other and the books of their legs; all legs trade in one event or none (INV-8).

import Ledger
import Primitives

/// A resting order of a leg's book, and what is to be taken of it.
private struct Pick {
  var leg: Int
  var order: BookOrder
  var record: OrderRecord
  var lots: Quantity
}

/// What the books of the legs said.
private enum LegsAnswer {
  case traded
  /// An order that may not trade left its book: ask again.
  case changed
  case nothing
}

extension ClearingHouse {
  /// C4: the better of the combo's own book and the legs' books; at the same price its own.
  mutating func matchCombo(_ taker: inout Taker) {
    while taker.remaining > 0, !taker.stopped {
      guard taker.fills < Limits.maxFillsPerOrder, hasRoom(taker.account), houseHasRoom() else {
        return taker.stopReason = .limit
      }
      let direct = bestOpposite(taker).flatMap { reaches(taker, $0.0) ? $0 : nil }
      let implied = impliedPrice(taker.instrument, taker.side).flatMap { reaches(taker, $0) ? $0 : nil }
      if let (price, maker) = direct, implied.map({ taker.side == .buy ? price <= $0 : price >= $0 }) ?? true {
        meetCombo(&taker, maker)
      } else if implied != nil, takeLegs(&taker, reporting: true) != .nothing {
        continue
      } else if let (_, maker) = direct {
        // The legs' books cannot serve it after all.
        meetCombo(&taker, maker)
      } else {
        return
      }
    }
  }

  private func reaches(_ taker: Taker, _ price: Price) -> Bool {
    taker.side == .buy ? price <= taker.price : price >= taker.price
  }

  // MARK: The combo's own book

  private mutating func meetCombo(_ taker: inout Taker, _ maker: BookOrder) {
    guard let record = tables.orders[OrderKey(maker.id)] else { return taker.stopReason = .limit }
    if isSameOwner(maker.account, taker.account) { return preventSelfTrade(&taker, maker.id, record) }
    let most = min(taker.remaining, maker.remaining)
    let lots = tradable(maker, record, taker.instrument, lots: most, price: record.price)
    guard lots > 0, let combo = live.instruments[Int(taker.instrument)].combo else { return }
    guard let prices = legPrices(taker.instrument, record.price) else { return taker.stopReason = .limit }
    guard areInBand(combo.legs, prices) else { return taker.stopReason = .band }
    takeFromBook(maker, record, lots, instrument: taker.instrument)
    var trades: [TradeEvent] = []
    for (leg, price) in zip(combo.legs, prices) {
      trades.append(
        novate(
          Deal(
            instrument: leg.number, price: price, lots: lots * Int64(leg.ratio.magnitude),
            takerSide: taker.side.ofLeg(leg.ratio), taker: taker.account, takerOrder: taker.id, maker: maker.account,
            makerOrder: maker.id, isAuction: false)))
    }
    finish(&taker, lots, price: record.price, trades, reporting: true)
    if record.quote { countQuoteFill(record, maker.account, instrument: taker.instrument, lots: lots) }
  }

  /// Prices of the legs that add up to the combo's: the marks, and what is missing on the single legs first. Nil if no
  /// prices between zero and the highest do.
  func legPrices(_ number: Int32, _ price: Price) -> [Price]? {
    live.instruments[Int(number)].combo.flatMap { legPrices($0.legs, price) }
  }

  func legPrices(_ legs: [LiveCombo.Leg], _ price: Price) -> [Price]? {
    let highest = Limits.maxPrice / Limits.pricePerLot
    var prices = legs.map { live.instruments[Int($0.number)].mark ?? 0 }
    var missing = price / Limits.pricePerLot
    for (leg, mark) in zip(legs, prices) { missing -= leg.ratio * mark }
    let single = legs.indices.filter { legs[$0].ratio.magnitude == 1 }
    for place in single + Array(legs.indices) + single where missing != 0 {
      let ratio = legs[place].ratio
      let moved = min(max(prices[place] + missing / ratio, 0), highest)
      missing -= ratio * (moved - prices[place])
      prices[place] = moved
    }
    return missing == 0 ? prices.map { $0 * Limits.pricePerLot } : nil
  }

  func areInBand(_ legs: [LiveCombo.Leg], _ prices: [Price]) -> Bool {
    guard genesis.trading.hasBand else { return true }
    return zip(legs, prices).allSatisfy { tradeBand($0.number).contains($1) }
  }

  // MARK: The legs' books

  /// What a combo costs (`buy`) or brings (`sell`) on the best prices of its legs' books; nil if one has none.
  func impliedPrice(_ number: Int32, _ side: Side) -> Price? {
    guard let combo = live.instruments[Int(number)].combo, areLegsOpen(number) else { return nil }
    var sum: Price = 0
    for leg in combo.legs {
      let best =
        side.ofLeg(leg.ratio) == .buy
        ? live.instruments[Int(leg.number)].asks.best : live.instruments[Int(leg.number)].bids.best
      guard let best else { return nil }
      sum += leg.ratio * best
    }
    return sum
  }

  func areLegsOpen(_ number: Int32) -> Bool {
    (live.instruments[Int(number)].combo?.legs ?? []).allSatisfy {
      tables.instruments.read(slot: live.instruments[Int($0.number)].slot) { $0.state == .open }
    }
  }

  private func bestLevel(_ leg: LiveCombo.Leg, _ side: Side) -> BookLevel? {
    side.ofLeg(leg.ratio) == .buy
      ? live.instruments[Int(leg.number)].asks.levels.last : live.instruments[Int(leg.number)].bids.levels.last
  }

  /// C5: as many as the best prices of all legs give, in whole ratios.
  private mutating func takeLegs(_ taker: inout Taker, reporting: Bool) -> LegsAnswer {
    let place = Int(taker.instrument)
    guard let combo = live.instruments[place].combo else { return .nothing }
    var levels: [BookLevel] = []
    var lots = taker.remaining
    for leg in combo.legs {
      guard let level = bestLevel(leg, taker.side) else { return .nothing }
      levels.append(level)
      let room = level.orders[level.start...].prefix(Limits.maxComboMakers).reduce(0) { $0 + $1.shown }
      lots = min(lots, room / Int64(leg.ratio.magnitude))
    }
    let lot = tables.instruments.read(slot: live.instruments[place].slot) { max(1, $0.lot) }
    lots -= lots % lot
    guard lots > 0, areInBand(combo.legs, levels.map(\.price)) else { return .nothing }
    var picks: [Pick] = []
    for (index, leg) in combo.legs.enumerated() {
      var wanted = lots * Int64(leg.ratio.magnitude)
      for order in levels[index].orders[levels[index].start...] where wanted > 0 {
        guard let record = tables.orders[OrderKey(order.id)] else { return .nothing }
        let pick = Pick(leg: index, order: order, record: record, lots: min(wanted, order.shown))
        if let answer = fault(pick, &taker, leg.number, picks) { return answer }
        picks.append(pick)
        wanted -= pick.lots
      }
    }
    execute(picks, combo, &taker, lots, reporting)
    return .traded
  }

  /// Nil if the order may serve; else it left its book, or the legs cannot be had.
  private mutating func fault(
    _ pick: Pick, _ taker: inout Taker, _ number: Int32, _ before: [Pick]
  ) -> LegsAnswer? {
    let (order, record) = (pick.order, pick.record)
    if isSameOwner(order.account, taker.account) {
      guard taker.selfTrade == .cancelMaker || taker.selfTrade == .cancelBoth else {
        taker.stopReason = .selfTrade
        return .nothing
      }
      cancelOrder(order.id, record, .selfTrade)
      if taker.selfTrade == .cancelBoth { taker.stopReason = .selfTrade }
      return .changed
    }
    let mine = before.filter { $0.order.account == order.account }
    let held = reducible(record, order.account, number)
    if record.reduceOnly {
      if held == 0 {
        cancelOrder(order.id, record, .reduceOnly)
        return .changed
      }
      let sameLeg = mine.filter { $0.leg == pick.leg }.reduce(0) { $0 + $1.lots }
      guard held >= sameLeg + pick.lots else { return .nothing }
    }
    if record.quote, let limit = protectedLots(record) {
      if limit == 0 {
        withdrawQuotes(ProtectionKey(record.account, record.instrument.underlying), order.account)
        return .changed
      }
      guard limit >= mine.filter(\.record.quote).reduce(pick.lots, { $0 + $1.lots }) else { return .nothing }
    }
    guard hasRoom(order.account) else { return .nothing }
    // INV-9. An owner without margin may only reduce, which is looked at one fill at a time: not here.
    guard !isCovered(order.account) else { return nil }
    guard held == 0 else { return .nothing }
    cancelOrder(order.id, record, .margin)
    return .changed
  }

  private mutating func execute(
    _ picks: [Pick], _ combo: LiveCombo, _ taker: inout Taker, _ lots: Quantity, _ reporting: Bool
  ) {
    var trades: [TradeEvent] = []
    var price: Price = 0
    var last = -1
    for pick in picks {
      let leg = combo.legs[pick.leg]
      if pick.leg != last { price += leg.ratio * pick.record.price }
      last = pick.leg
      takeFromBook(pick.order, pick.record, pick.lots, instrument: leg.number)
      trades.append(
        novate(
          Deal(
            instrument: leg.number, price: pick.record.price, lots: pick.lots,
            takerSide: taker.side.ofLeg(leg.ratio), taker: taker.account, takerOrder: taker.id,
            maker: pick.order.account, makerOrder: pick.order.id, isAuction: false)))
    }
    finish(&taker, lots, price: price, trades, reporting: reporting)
    for pick in picks where pick.record.quote {
      countQuoteFill(pick.record, pick.order.account, instrument: combo.legs[pick.leg].number, lots: pick.lots)
    }
  }

  /// The one event of all legs, and the taker's receipt.
  private mutating func finish(
    _ taker: inout Taker, _ lots: Quantity, price: Price, _ trades: [TradeEvent], reporting: Bool
  ) {
    let id = live.instruments[Int(taker.instrument)].id
    tables.instruments.update(slot: live.instruments[Int(taker.instrument)].slot) {
      $0.volume &+= lots
      $0.lastPrice = price
    }
    emit(
      .comboTrade(
        ComboTradeEvent(combo: id, price: price, quantity: lots, takerSide: taker.side, legs: trades)))
    taker.remaining -= lots
    taker.fills += trades.count
    guard reporting else { return }
    for trade in trades {
      outcome.fills.append(
        FillOutcome(
          order: taker.id, trade: trade.trade, instrument: trade.instrument, side: trade.takerSide, price: trade.price,
          quantity: trade.quantity, fee: trade.takerFee, makerOrder: trade.makerOrder, maker: trade.maker))
    }
  }

  // MARK: Resting combos

  /// C5: at the end of a block resting combos take what orders for their legs offer by then.
  mutating func sweepCombos() {
    guard !live.combos.isEmpty else { return }
    var work = Limits.maxComboSweeps
    for number in combosInOrder() {
      guard let age = priceAge(live.instruments[Int(number)].id), age <= Limits.freshFor else { continue }
      for side in [Side.buy, .sell] {
        while work > 0, sweep(number, side) { work -= 1 }
      }
    }
  }

  /// One step with the best resting order of a side; false if there is nothing for it.
  private mutating func sweep(_ number: Int32, _ side: Side) -> Bool {
    let levels = side == .buy ? live.instruments[Int(number)].bids.levels : live.instruments[Int(number)].asks.levels
    guard let level = levels.last, let implied = impliedPrice(number, side) else { return false }
    let order = level.orders[level.start]
    guard side == .buy ? implied <= level.price : implied >= level.price, hasRoom(order.account), houseHasRoom(),
      let record = tables.orders[OrderKey(order.id)]
    else { return false }
    guard isCovered(order.account) else {
      cancelOrder(order.id, record, .margin)
      return true
    }
    let place = PlaceOrder(
      instrument: record.instrument, side: side, quantity: record.remaining, price: record.price,
      selfTrade: record.selfTrade)
    var taker = Taker(place, id: order.id, account: order.account, instrument: number, priority: record.priority)
    let answer = takeLegs(&taker, reporting: false)
    let lots = record.remaining - taker.remaining
    if lots > 0 { takeFromBook(order, record, lots, instrument: number) }
    if taker.stopped, let rest = tables.orders[OrderKey(order.id)] {
      cancelOrder(order.id, rest, .selfTrade)
      return true
    }
    return answer != .nothing
  }
}
