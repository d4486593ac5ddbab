// Invariants of what happened, from the events of a block: what a follower of the feed can check as well.

import Ledger
import Primitives

extension ClearingHouse {
  /// Broken invariants of what happened. Right after the block, while the combos that it names exist.
  public func checkEvents(_ events: [Event]) -> [Violation] {
    var found: [Violation] = []
    func note(_ invariant: Int, _ event: Event, _ fault: String?) {
      if let fault { found.append(Violation(invariant: invariant, detail: "event \(event.sequence): \(fault)")) }
    }
    for event in events {
      switch event.kind {
      case .trade(let trade): note(18, event, feeFault(trade))
      case .comboTrade(let trade):
        note(8, event, fault(trade))
        for leg in trade.legs { note(18, event, feeFault(leg)) }
      case .negotiatedTrade(let trade):
        for part in trade.parts {
          note(8, event, fault(part.trades, of: trade.legs, part.quantity, trade.takerSide, net: part.price))
        }
        for leg in trade.trades { note(18, event, feeFault(leg)) }
      default: break
      }
    }
    return found
  }

  /// INV-18: the house never pays for a trade, the maker never pays more than the taker, and the premium's cap holds.
  private func feeFault(_ trade: TradeEvent) -> String? {
    let premium = Int128(trade.price) * Int128(trade.quantity) / Int128(Limits.pricePerLot)
    let cap = premium * Int128(genesis.fees.premiumCap) / Self.million
    if Int128(trade.takerFee) + Int128(trade.makerFee) < 0 { return "trade \(trade.trade) costs the house" }
    if trade.makerFee > trade.takerFee { return "the maker of trade \(trade.trade) pays more than the taker" }
    guard trade.instrument.kind?.isOption == true, Int128(trade.takerFee) > cap else { return nil }
    return "the fee of trade \(trade.trade) is above the cap"
  }

  /// INV-8: every leg in its ratio, on its side, at one price; the prices add up to the combo's.
  private func fault(_ trade: ComboTradeEvent) -> String? {
    guard let legs = tables.combos[trade.combo]?.legs else { return "no such combo" }
    return fault(trade.legs, of: legs, trade.quantity, trade.takerSide, net: trade.price)
  }

  private func fault(
    _ trades: [TradeEvent], of legs: [ComboLeg], _ quantity: Quantity, _ takerSide: Side, net price: Price
  ) -> String? {
    var net: Int128 = 0
    var parts = 0
    for leg in legs {
      let mine = trades.filter { $0.instrument == leg.instrument }
      guard let one = mine.first?.price, mine.allSatisfy({ $0.price == one }) else {
        return "leg \(leg.instrument.raw) is missing or has two prices"
      }
      let lots = mine.reduce(Int128(0)) { $0 + Int128($1.quantity) }
      if lots != Int128(quantity) * Int128(leg.ratio.magnitude) {
        return "leg \(leg.instrument.raw) traded \(lots) lots"
      }
      if !mine.allSatisfy({ $0.takerSide == takerSide.ofLeg(leg.ratio) }) {
        return "leg \(leg.instrument.raw) was traded on the wrong side"
      }
      net += Int128(leg.ratio) * Int128(one)
      parts += mine.count
    }
    if parts != trades.count { return "something else traded with it" }
    return net == Int128(price) ? nil : "the legs cost \(net)"
  }
}
