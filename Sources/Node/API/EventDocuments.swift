// Events of the ledger as documents: one flat shape for all kinds, so that a table can be made of it.

import Clearing
import Primitives

/// One account's side of an event.
public struct EventDocument: Codable, Sendable {
  public var height: UInt64
  /// Block time.
  public var time: String
  /// Of the event in the chain; a trade has two entries with one sequence, its sides.
  public var sequence: UInt64
  /// deposit | withdrawal | withdrawalPaid | withdrawalRefused | transfer | trade | settlement | positionMoved |
  /// waterfall | fundShare | claimPaid | bond | offence | positionsTransferred
  public var type: String
  public var account: String
  /// The other account: of a trade, a transfer, a position that moved, or the debtor of a waterfall.
  public var counterparty: String?
  public var instrument: String?
  /// Bought, or with a minus sold.
  public var quantity: String?
  /// For one contract; of a settlement, of the underlying.
  public var price: String?
  /// What the account received, or with a minus paid, the fee not included. Nothing for a trade of futures: what those gain
  /// is paid when the position is closed.
  public var amount: String?
  public var fee: String?
  public var trade: UInt64?
  public var order: String?
  /// taker | maker
  public var role: String?
  /// The combo whose leg it is, or "negotiated" for a trade on a firm quote; or what else tells entries of one type apart.
  public var detail: String?
}

public struct EventsDocument: Codable, Sendable {
  public var events: [EventDocument]
  /// Heights that were looked at.
  public var from: UInt64
  public var to: UInt64
  /// Where to go on; null at the end of what was asked for.
  @Nullable public var next: UInt64?
  /// The oldest and the newest height of this ledger.
  public var first: UInt64
  public var head: UInt64
}

/// Makes documents of one block's events.
struct EventDocuments {
  let height: Height
  let underlyings: [UnderlyingTerms]
  private let time: String
  private var settlementPrices: [UnderlyingID: [Timestamp: Price]] = [:]
  private(set) var documents: [EventDocument] = []

  init(_ happened: BlockEvents, height: Height, underlyings: [UnderlyingTerms]) {
    self.height = height
    self.underlyings = underlyings
    time = ISO8601.format(happened.timestamp)
    for event in happened.events { add(event) }
  }

  private mutating func add(_ event: Event) {
    let sequence = event.sequence
    switch event.kind {
    case .deposit(let account, let amount, _): append(sequence, "deposit", account) { $0.amount = money(amount) }
    case .withdrawalRequested(let number, let account, let amount):
      append(sequence, "withdrawal", account) {
        $0.amount = money(-amount)
        $0.detail = String(number)
      }
    case .withdrawalClosed(let number, let account, let amount, let paid):
      append(sequence, paid ? "withdrawalPaid" : "withdrawalRefused", account) {
        $0.amount = money(paid ? 0 : amount)
        $0.detail = String(number)
      }
    case .transfer(let from, let to, let amount):
      append(sequence, "transfer", from, to) { $0.amount = money(-amount) }
      append(sequence, "transfer", to, from) { $0.amount = money(amount) }
    case .trade(let trade): add(trade, sequence, combo: nil)
    case .comboTrade(let combo):
      for leg in combo.legs { add(leg, sequence, combo: name(combo.combo)) }
    case .negotiatedTrade(let trade):
      for leg in trade.trades { add(leg, sequence, combo: "negotiated") }
    case .expirySettled(let underlying, let expiry, let price, _, _):
      settlementPrices[underlying, default: [:]][expiry] = price
    case .settled(let account, let instrument, let quantity, let amount):
      let price = settlementPrices[instrument.underlying]?[instrument.expiry]
      let name = self.name(instrument)
      append(sequence, "settlement", account) {
        $0.instrument = name
        $0.quantity = lots(quantity)
        $0.price = price.map(money)
        $0.amount = money(amount)
      }
    case .positionMoved(let from, let to, let instrument, let quantity, let price):
      let name = self.name(instrument)
      for (account, other, sign) in [(from, to, Int64(-1)), (to, from, 1)] {
        append(sequence, "positionMoved", account, other) {
          $0.instrument = name
          $0.quantity = lots(sign &* quantity)
          $0.price = money(price)
        }
      }
    case .waterfall(let debtor, let layer, let payer, let amount):
      append(sequence, "waterfall", payer, debtor) {
        $0.amount = money(-amount)
        $0.detail = String(layer)
      }
    case .positionsTransferred(let transfer):
      for (account, other, amount, fee) in [
        (transfer.from, transfer.to, 0 &- transfer.cash, transfer.fromFee),
        (transfer.to, transfer.from, transfer.cash, transfer.toFee),
      ] {
        append(sequence, "positionsTransferred", account, other) {
          $0.amount = money(amount)
          $0.fee = money(fee)
          $0.detail = String(transfer.positions)
        }
      }
    case .fundShare(let account, let amount): append(sequence, "fundShare", account) { $0.detail = money(amount) }
    case .claimPaid(let account, let amount): append(sequence, "claimPaid", account) { $0.amount = money(amount) }
    case .bond(let account, let change, let amount):
      append(sequence, "bond", account) {
        $0.amount = money(-change)
        $0.detail = money(amount)
      }
    case .offence(let event):
      // Out of the bond, so nothing of the account's money.
      append(sequence, "offence", AccountID(event.offence.offender), .bonds) {
        $0.detail = "\(event.offence.kind), \(money(event.slashed))"
      }
    default: break
    }
  }

  private mutating func add(_ trade: TradeEvent, _ sequence: UInt64, combo: String?) {
    let premium = trade.instrument.kind?.isOption == true ? trade.price / Limits.pricePerLot &* trade.quantity : nil
    let sides: [(AccountID, AccountID, Int64, OrderID, Amount, String)] = [
      (trade.taker, trade.maker, trade.takerSide.sign, trade.takerOrder, trade.takerFee, "taker"),
      (trade.maker, trade.taker, -trade.takerSide.sign, trade.makerOrder, trade.makerFee, "maker"),
    ]
    let name = self.name(trade.instrument)
    for (account, other, sign, order, fee, role) in sides {
      append(sequence, "trade", account, other) {
        $0.instrument = name
        $0.quantity = lots(sign &* trade.quantity)
        $0.price = money(trade.price)
        $0.amount = premium.map { money(-sign &* $0) }
        $0.fee = money(fee)
        $0.trade = trade.trade
        $0.order = String(order)
        $0.role = role
        $0.detail = combo
      }
    }
  }

  private func name(_ id: InstrumentID) -> String { InstrumentName.format(id, underlyings: underlyings) }

  private mutating func append(
    _ sequence: UInt64, _ type: String, _ account: AccountID, _ counterparty: AccountID? = nil,
    _ fill: (inout EventDocument) -> Void
  ) {
    var document = EventDocument(
      height: height, time: time, sequence: sequence, type: type, account: account.hex,
      counterparty: counterparty?.hex)
    fill(&document)
    documents.append(document)
  }
}
