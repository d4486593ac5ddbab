// Novation: what one trade does to money, positions and records, wherever it came from.

import Ledger
import Primitives

/// One trade between two accounts; the house stands between them.
struct Deal {
  var instrument: Int32
  var price: Price
  var lots: Quantity
  /// Of two resting orders the younger one counts as the taker.
  var takerSide: Side
  var taker: Int32
  var takerOrder: OrderID
  var maker: Int32
  var makerOrder: OrderID
  /// Nobody takes in an auction: both pay the maker's fee.
  var isAuction: Bool

  var premium: Amount { price / Limits.pricePerLot * lots }
}

extension ClearingHouse {
  /// Moves premium, positions and fees, and records the trade. The caller has checked both margins (INV-9), and emits
  /// what is returned.
  mutating func novate(_ deal: Deal) -> TradeEvent {
    let instrument = Int(deal.instrument)
    let kind = live.instruments[instrument].kind
    let premium = deal.premium
    var fees = self.fees(kind, live.instruments[instrument].underlying, lots: deal.lots, premium: premium)
    if deal.isAuction { fees.taker = fees.maker }
    if kind.isOption {
      let (buyer, seller) = deal.takerSide == .buy ? (deal.taker, deal.maker) : (deal.maker, deal.taker)
      move(premium, from: buyer, to: seller)
    }
    let lots = deal.takerSide.sign * deal.lots
    let interest =
      changePosition(deal.taker, deal.instrument, lots: lots, premium: premium, kind)
      + changePosition(deal.maker, deal.instrument, lots: -lots, premium: premium, kind)
    move(fees.taker, from: deal.taker, to: SystemAccount.fees)
    move(fees.maker, from: deal.maker, to: SystemAccount.fees)
    return recordTrade(deal, fees, openInterest: interest)
  }

  /// Rounded up, and for options never above a share of the premium.
  func fees(
    _ kind: InstrumentKind, _ underlying: Int, lots: Quantity, premium: Amount
  ) -> (taker: Amount, maker: Amount) {
    let index = live.index[underlying]
    let limit = kind.isOption ? Int128(premium) * Int128(genesis.fees.premiumCap) / 1_000_000 : Int128(Int64.max)
    let base = Int128(index) * Int128(lots)
    return (Self.fee(base, genesis.fees.taker, limit), Self.fee(base, genesis.fees.maker, limit))
  }

  private static func fee(_ base: Int128, _ rate: Int64, _ limit: Int128) -> Amount {
    Int64(clamping: min(limit, (base * Int128(rate) + (Mutant.has(.feeRoundedDown) ? 0 : 999_999_999)) / 1_000_000_000))
  }

  /// Novation: a contract with the clearing house is added, or an opposite one closed. Closing a future pays what it has
  /// gained since it was opened. Returns the change of the lots held long.
  mutating func changePosition(
    _ account: Int32, _ instrument: Int32, lots: Quantity, premium: Amount, _ kind: InstrumentKind
  ) -> Quantity {
    let place = holdingPlace(account, instrument)
    let (quantity, entry) = (live.holdings[place].quantity, live.holdings[place].entry)
    let paid = lots > 0 ? premium : -premium
    let closing = quantity.signum() * lots.signum() < 0 ? min(quantity.magnitude, lots.magnitude) : 0
    // Share of the old entry value that is closed, and of this trade's value that closes it; the division's residue
    // stays with what remains open.
    let oldPart = closing == 0 ? 0 : Int64(Int128(entry) * Int128(closing) / Int128(quantity.magnitude))
    let newPart = closing == 0 ? 0 : Int64(Int128(paid) * Int128(closing) / Int128(lots.magnitude))
    setPosition(at: place, quantity: quantity + lots, entry: entry - oldPart + (paid - newPart))
    if kind == .future, closing > 0, !Mutant.has(.futureGainUnpaid) {
      // Long: entry is positive, `newPart` negative; what comes in beyond what went out is the gain.
      move(-(oldPart + newPart), from: SystemAccount.variation, to: account)
    }
    return max(0, quantity + lots) - max(0, quantity)
  }

  private mutating func recordTrade(
    _ deal: Deal, _ fees: (taker: Amount, maker: Amount), openInterest: Quantity
  ) -> TradeEvent {
    let trade = totals.nextTrade
    totals.nextTrade &+= 1
    totals.volume &+= UInt64(deal.lots)
    totals.turnover &+= UInt64(deal.premium / 1_000_000)
    let place = Int(deal.instrument)
    tables.instruments.update(slot: live.instruments[place].slot) {
      $0.openInterest &+= Mutant.has(.openInterestOneSided) ? abs(openInterest) : openInterest
      $0.volume &+= deal.lots
      $0.lastPrice = deal.price
    }
    keepTrade(deal, trade)
    return TradeEvent(
      trade: trade, instrument: live.instruments[place].id, price: deal.price, quantity: deal.lots,
      takerSide: deal.takerSide, taker: live.accounts[Int(deal.taker)].id, maker: live.accounts[Int(deal.maker)].id,
      takerOrder: deal.takerOrder, makerOrder: deal.makerOrder, takerFee: fees.taker, makerFee: fees.maker)
  }

  private mutating func keepTrade(_ deal: Deal, _ trade: UInt64) {
    let place = Int(deal.instrument)
    let view = TradeView(
      trade: trade, height: totals.height, timestamp: totals.timestamp, instrument: live.instruments[place].id,
      price: deal.price, quantity: deal.lots, takerSide: deal.takerSide)
    // Twice the kept number at most, so that dropping old ones costs little for each trade.
    if live.instruments[place].trades.count >= 2 * Limits.maxTradesKept {
      live.instruments[place].trades.removeFirst(Limits.maxTradesKept)
    }
    live.instruments[place].trades.append(view)
    live.undo.append(.traded(instrument: deal.instrument))
  }
}
