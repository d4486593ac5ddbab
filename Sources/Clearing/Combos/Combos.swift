// The life of combos: made by anybody from listed legs, valued as the sum of them, gone with the first leg.

import Ledger
public import Primitives

/// A combo in memory.
struct LiveCombo: Sendable {
  struct Leg: Sendable {
    /// Instrument number.
    var number: Int32
    var ratio: Int64
  }
  var legs: [Leg] = []
  /// Contracts in one contract of it.
  var weight: Int64 = 0
  /// Options that its buyer sells, and its seller.
  var soldByBuyer: Int64 = 0
  var soldBySeller: Int64 = 0
}

extension ClearingHouse {
  // MARK: Create

  /// C1. Nothing has changed when this throws.
  mutating func createCombo(_ legs: [ComboLeg]) throws(Rejection) {
    let lot = try self.lot(of: legs)
    guard let first = legs.first, let tick = legs.compactMap({ tables.instruments[$0.instrument]?.tick }).min() else {
      throw Rejection(.badTerms)
    }
    guard tables.combos.count < Limits.maxCombos, tables.instruments.count < Limits.maxInstruments else {
      throw Rejection(.limitReached)
    }
    var isKnown = false
    tables.combos.forEach { _, _, record in isKnown = isKnown || record.legs == legs }
    guard !isKnown else { throw Rejection(.alreadyListed) }
    let id = InstrumentID(combo: totals.nextCombo, of: first.instrument.underlying)
    totals.nextCombo &+= 1
    let record = ComboRecord(legs: legs, used: totals.timestamp)
    tables.combos.put(record, for: id)
    let slot = tables.instruments.put(InstrumentRecord(tick: tick, lot: lot), for: id)
    indexCombo(id, record, slot: slot)
    live.undo.append(.listed(id))
    emit(.comboCreated(id, legs))
  }

  /// Two to eight open legs of one underlying, ascending, in ratios up to ten without a common divisor, the first one
  /// bought, one of them single. The combo's lot is the smallest that is whole in every leg.
  func lot(of legs: [ComboLeg]) throws(Rejection) -> Quantity {
    guard (2...Limits.maxComboLegs).contains(legs.count), let first = legs.first, first.ratio > 0,
      zip(legs, legs.dropFirst()).allSatisfy({ $0.instrument < $1.instrument }),
      legs.allSatisfy({ $0.ratio != 0 && $0.ratio.magnitude <= UInt64(Limits.maxComboRatio) }),
      legs.contains(where: { $0.ratio.magnitude == 1 }),
      legs.allSatisfy({ $0.instrument.underlying == first.instrument.underlying && !$0.instrument.isCombo })
    else { throw Rejection(.badTerms) }
    var lot: Quantity = 1
    for leg in legs {
      guard let record = tables.instruments[leg.instrument], !record.state.hasExpired else {
        throw Rejection(.unknownInstrument)
      }
      // Lots are at most `maxOrderQuantity`, so the product fits.
      let part = record.lot / Self.divisor(record.lot, Int64(leg.ratio.magnitude))
      lot = lot / Self.divisor(lot, part) * part
      guard lot <= Limits.maxOrderQuantity else { throw Rejection(.badTerms) }
    }
    return lot
  }

  private static func divisor(_ a: Int64, _ b: Int64) -> Int64 {
    var (a, b) = (a, b)
    while b != 0 { (a, b) = (b, a % b) }
    return max(1, a)
  }

  /// Makes the derived state of a combo. Unlike those of instruments its number is used again.
  mutating func indexCombo(_ id: InstrumentID, _ record: ComboRecord, slot: Int32) {
    var combo = LiveCombo()
    for leg in record.legs {
      guard let number = live.instrumentNumbers[leg.instrument] else { return }
      combo.legs.append(LiveCombo.Leg(number: number, ratio: leg.ratio))
      let lots = Int64(leg.ratio.magnitude)
      combo.weight += lots
      guard live.instruments[Int(number)].kind.isOption else { continue }
      if leg.ratio < 0 { combo.soldByBuyer += lots } else { combo.soldBySeller += lots }
    }
    var instrument = LiveInstrument(id: id, kind: .future, slot: slot)
    instrument.combo = combo
    let number: Int32
    if let free = live.freeCombos.popLast() {
      live.instruments[Int(free)] = instrument
      number = free
    } else {
      number = Int32(truncatingIfNeeded: live.instruments.count)
      live.instruments.append(instrument)
      live.scenarios.append(contentsOf: repeatElement(0, count: LiveState.slots))
    }
    live.instrumentNumbers[id] = number
    live.combos.append(number)
    value(combo: number)
  }

  /// C3: mark, delta and every scenario are the sums of the legs'.
  mutating func valueCombos() { for number in live.combos { value(combo: number) } }

  private mutating func value(combo number: Int32) {
    let place = Int(number)
    guard let combo = live.instruments[place].combo else { return }
    var (mark, delta): (Amount?, Int64) = (0, 0)
    for slot in 0..<LiveState.slots { live.scenarios[place * LiveState.slots + slot] = 0 }
    for leg in combo.legs {
      let from = Int(leg.number)
      mark = mark.flatMap { sum in live.instruments[from].mark.map { sum + leg.ratio * $0 } }
      delta += leg.ratio * live.instruments[from].delta
      for slot in 0..<LiveState.slots {
        live.scenarios[place * LiveState.slots + slot] += leg.ratio * live.scenarios[from * LiveState.slots + slot]
      }
    }
    live.instruments[place].mark = mark
    live.instruments[place].delta = delta
  }

  // MARK: End

  /// C6: combos go with their first leg, and when nobody has used them for an hour. At the beginning of a block.
  mutating func retireCombos() {
    guard !live.combos.isEmpty else { return }
    for number in combosInOrder() where isOver(number) { retire(number) }
  }

  func combosInOrder() -> [Int32] {
    live.combos.sorted { live.instruments[Int($0)].id < live.instruments[Int($1)].id }
  }

  private func isOver(_ number: Int32) -> Bool {
    let instrument = live.instruments[Int(number)]
    for leg in instrument.combo?.legs ?? [] {
      let slot = live.instruments[Int(leg.number)].slot
      if tables.instruments.read(slot: slot, { $0.state.hasExpired }) { return true }
    }
    guard instrument.bids.orders == 0, instrument.asks.orders == 0, let record = tables.combos[instrument.id] else {
      return false
    }
    return totals.timestamp - record.used > Limits.comboLifetime
  }

  private mutating func retire(_ number: Int32) {
    let (id, slot) = (live.instruments[Int(number)].id, live.instruments[Int(number)].slot)
    for order in bookOrders(number).sorted() {
      if let record = tables.orders[OrderKey(order)] { cancelOrder(order, record, .expiry) }
    }
    tables.combos.remove(id)
    tables.instruments.remove(slot: slot)
    dropInstrument(id)
    emit(.comboRetired(id))
  }

  // MARK: Views

  /// Every combo, ascending.
  public func combos() -> [ComboView] {
    combosInOrder().compactMap { number in
      let instrument = live.instruments[Int(number)]
      guard let legs = tables.combos[instrument.id]?.legs, let record = tables.instruments[instrument.id] else {
        return nil
      }
      return ComboView(
        id: instrument.id, legs: legs, tick: record.tick, lot: record.lot, volume: record.volume,
        markPrice: instrument.mark.map { $0 * Limits.pricePerLot }, bestBid: instrument.bids.best,
        bestAsk: instrument.asks.best, impliedBid: impliedPrice(number, .sell), impliedAsk: impliedPrice(number, .buy))
    }
  }
}

/// A combo and its best prices, by orders for itself and by those for its legs.
public struct ComboView: Hashable, Sendable {
  public var id: InstrumentID
  public var legs: [ComboLeg]
  public var tick: Price
  public var lot: Quantity
  public var volume: Int64
  public var markPrice: Price?
  public var bestBid: Price?
  public var bestAsk: Price?
  public var impliedBid: Price?
  public var impliedAsk: Price?
}
