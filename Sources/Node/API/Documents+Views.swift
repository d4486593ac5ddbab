// From the engine's values to documents: units become decimal strings, numbers become names.

import Clearing
import Consensus
import FoundationEssentials
import Primitives
import Replica
import Wire

func money(_ value: Int64) -> String { Decimal.format(value, scale: Decimal.moneyScale) }
func lots(_ value: Int64) -> String { Decimal.format(value, scale: Decimal.quantityScale) }

extension InstrumentKind {
  var name: String {
    switch self {
    case .future: "future"
    case .call: "call"
    case .put: "put"
    }
  }
}

extension OrderDocument {
  init(_ view: OrderView, underlyings: [UnderlyingTerms]) {
    self.init(
      id: String(view.id), instrument: InstrumentName.format(view.instrument, underlyings: underlyings),
      side: view.side == .buy ? "buy" : "sell", price: money(view.price), quantity: lots(view.quantity),
      filled: lots(view.filled), remaining: lots(view.remaining),
      shown: view.shown.map(lots), state: "open",
      timeInForce: view.timeInForce.name, clientId: view.clientID.map(String.init))
  }
}

struct OrderReadDocument: Codable, Sendable {
  var order: OrderDocument
  var account: String
  var height: UInt64
  var stateRoot: String
  var consistency: String
}

extension AccountDocument {
  init(_ view: AccountView, at point: ReadPoint, underlyings: [UnderlyingTerms]) {
    self.init(
      account: view.account.hex, balances: ["USD": money(view.cash)],
      positions: view.positions.map { PositionDocument($0, underlyings: underlyings) },
      orders: view.orders.map { OrderDocument($0, underlyings: underlyings) },
      triggers: view.triggers.map { TriggerDocument($0, underlyings: underlyings) },
      margin: MarginDocument(view.margin),
      delegations: view.delegations.map { DelegationDocument($0, underlyings: underlyings) },
      owner: view.owner?.hex, subAccount: view.subAccount,
      subAccounts: view.subAccounts.map {
        SubAccountDocument(number: $0, account: AccountID(subAccount: $0, of: view.account).hex)
      },
      acceptances: view.acceptances.map { AcceptanceDocument($0, underlyings: underlyings) },
      height: point.height, stateRoot: point.stateRoot, consistency: point.consistency, proof: nil)
  }
}

extension AcceptanceDocument {
  init(_ acceptance: Acceptance, underlyings: [UnderlyingTerms]) {
    self.init(
      from: acceptance.transfer.account.hex,
      positions: acceptance.transfer.positions.map {
        Position(
          instrument: InstrumentName.format($0.instrument, underlyings: underlyings), quantity: lots($0.quantity))
      },
      cash: money(acceptance.transfer.cash), until: ISO8601.format(acceptance.until))
  }
}

extension DelegationDocument {
  init(_ delegation: Delegation, underlyings: [UnderlyingTerms]) {
    self.init(
      key: delegation.key.hex,
      scope: DelegationScope.names.filter { delegation.scope.contains($0.scope) }.map(\.name), until: delegation.until,
      underlyings: delegation.underlyings.compactMap { place in
        underlyings.indices.contains(Int(place)) ? underlyings[Int(place)].symbol : nil
      },
      orderNotional: delegation.orderNotional > 0 ? money(delegation.orderNotional) : nil)
  }
}

extension InstrumentDocument {
  init(_ view: InstrumentView) {
    self.init(
      name: view.name, kind: view.kind.name, underlying: view.underlying,
      strike: view.kind.isOption ? money(view.strike) : nil, expiry: ISO8601.format(view.expiry),
      state: String(describing: view.state), tick: money(view.tick), lot: lots(view.lot),
      markPrice: view.markPrice.map(money), index: view.index.map(money), openInterest: lots(view.openInterest),
      auction: view.auction.map(AuctionDocument.init))
  }
}

extension AuctionDocument {
  init(_ view: AuctionView) {
    self.init(
      reason: String(describing: view.reason), until: ISO8601.format(view.until), price: view.price.map(money),
      quantity: lots(view.quantity))
  }
}

extension TimeInForce {
  var name: String { String(describing: self) }
}

extension BookDocument {
  init(_ view: BookView, name: String, at point: ReadPoint) {
    func levels(_ side: [BookLevelView]) -> [Level] {
      side.map { Level(price: money($0.price), quantity: lots($0.quantity), orders: $0.orders) }
    }
    self.init(
      instrument: name, bids: levels(view.bids), asks: levels(view.asks), height: point.height,
      stateRoot: point.stateRoot, consistency: point.consistency)
  }
}

extension TradeDocument {
  init(_ view: TradeView, name: String) {
    self.init(
      sequence: view.trade, instrument: name, price: money(view.price), quantity: lots(view.quantity),
      takerSide: view.takerSide == .buy ? "buy" : "sell", height: view.height, time: ISO8601.format(view.timestamp))
  }
}

extension LiquidationsDocument {
  init(_ views: [LiquidationView], _ funds: FundsView, at point: ReadPoint) {
    func shares(_ list: [FundsView.Share]) -> [FundShareDocument] {
      list.map { FundShareDocument(account: $0.account.hex, amount: money($0.amount)) }
    }
    self.init(
      liquidations: views.map {
        LiquidationDocument(
          account: $0.account.hex, stage: $0.stage.name, equity: money($0.equity), maintenance: money($0.maintenance),
          reward: money($0.reward), found: $0.found)
      },
      funds: FundsDocument(
        insurance: money(funds.insurance), houseCapital: money(funds.houseCapital),
        defaultFund: money(funds.defaultFund), claims: money(funds.claims), members: shares(funds.members),
        backstops: shares(funds.backstops)),
      height: point.height, stateRoot: point.stateRoot, consistency: point.consistency)
  }
}

extension OracleDocument {
  init(_ view: OracleView, at point: ReadPoint) {
    var underlyings: [Underlying] = []
    for feed in view.feeds {
      if feed.expiry == 0 {
        underlyings.append(
          Underlying(
            name: feed.underlying, index: money(feed.price), round: feed.round, time: ISO8601.format(feed.time),
            expiries: []))
      } else if let last = underlyings.lastIndex(where: { $0.name == feed.underlying }) {
        underlyings[last].expiries.append(
          Expiry(
            expiry: ISO8601.format(feed.expiry), forward: money(feed.price), round: feed.round,
            volatilities: feed.volatilities.map(money)))
      }
    }
    self.init(
      round: view.round, marketTime: ISO8601.format(view.marketTime), underlyings: underlyings, height: point.height,
      stateRoot: point.stateRoot, consistency: point.consistency)
  }
}

extension ErrorDocument.Detail {
  init(_ code: RejectionCode) {
    self.init(code: code.name, message: code.message, hint: "")
  }
}

extension ReceiptDocument {
  init(accepted hash: Digest) {
    self.init(
      transaction: hash.hex, height: nil, index: nil, stateRoot: nil, status: "accepted", orders: [], fills: [],
      proof: nil, error: nil)
  }

  init(_ receipt: Receipt, underlyings: [UnderlyingTerms]) {
    let outcome = receipt.outcome
    let code = outcome.rejection ?? (outcome.status == .rejected ? outcome.errors.first?.code : nil)
    self.init(
      transaction: receipt.transaction.hex, height: receipt.height, index: receipt.index,
      stateRoot: receipt.stateRoot.hex, status: outcome.status == .executed ? "final" : "rejected",
      orders: outcome.orders.map {
        ReceiptOrderDocument(
          id: String($0.id), instrument: InstrumentName.format($0.instrument, underlyings: underlyings),
          filled: lots($0.filled), remaining: lots($0.remaining), state: String(describing: $0.state),
          error: $0.error?.name)
      },
      fills: outcome.fills.map {
        FillDocument(
          instrument: InstrumentName.format($0.instrument, underlyings: underlyings), price: money($0.price),
          quantity: lots($0.quantity), maker: $0.maker.hex)
      },
      proof: nil, error: code.map { ErrorDocument.Detail($0) })
  }
}

/// The market terms that a program needs to trade.
struct GenesisDocument: Codable, Sendable {
  var chainId: String
  var name: String
  var network: String
  var time: String
  var clockStart: String
  var clockRate: Int64
  var underlyings: [String]
  var custodian: String
  var listingAuthority: String
  var validators: [String]

  init(genesis: Genesis) {
    let market = genesis.market
    chainId = genesis.chain.hex
    name = genesis.name
    network = market.network
    time = ISO8601.format(market.time)
    clockStart = ISO8601.format(market.clockStart)
    clockRate = market.clockRate
    underlyings = market.underlyings.map(\.symbol)
    custodian = market.custodian.hex
    listingAuthority = market.listingAuthority.hex
    validators = market.validators.map(\.hex)
  }
}
