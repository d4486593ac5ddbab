// What traders, the custodian and the listing authority ask for.

import Clearing
import Primitives

extension Generator {
  /// One transaction of somebody, made up with a view on the state.
  public mutating func wish(on model: Model) -> Wish {
    let client = random.below(12) == 0 ? random.below(40) : nil
    switch random.below(40) {
    case 0...1: return Wish(signer: cast.custodian, actions: [deposit()], mode: .bestEffort, clientID: client)
    case 2:
      let number = random.below(model.state.nextWithdrawal + 1)
      let action = Action.closeWithdrawal(number: number, paid: random.below(2) == 0)
      return Wish(signer: cast.custodian, actions: [action], mode: .bestEffort, clientID: client)
    case 3:
      let states: [InstrumentState] = [.open, .open, .open, .open, .cancelOnly, .halted, .settling, .settled]
      let action = Action.setState(instrument(model), pick(states))
      return Wish(signer: cast.authority, actions: [action], mode: .bestEffort, clientID: client)
    case 4:
      // Everybody may send everything.
      let other = pick([cast.custodian, cast.authority, cast.validators[0], PublicKey(words: (7, 7, 7, 7))])
      return Wish(
        signer: other, actions: [action(of: other, AccountID(other), model)], mode: .bestEffort, clientID: client)
    case 5...11:
      let trader = pick(cast.traders)
      var actions: [Action] = []
      let account = ownAccount(of: trader, model)
      for _ in 0...random.below(8) { actions.append(action(of: trader, account, model)) }
      return Wish(
        signer: trader, actions: actions, mode: pick([.allOrNothing, .bestEffort]), clientID: client, account: account)
    default:
      let trader = pick(cast.traders)
      let account = ownAccount(of: trader, model)
      return Wish(
        signer: trader, actions: [action(of: trader, account, model)],
        mode: pick([.allOrNothing, .bestEffort, .bestEffort]), clientID: client, account: account)
    }
  }

  mutating func action(of signer: PublicKey, _ account: AccountID, _ model: Model) -> Action {
    switch random.below(44) {
    case 0: return .cancel(.all)
    case 1: return .cancel(.instrument(instrument(model)))
    case 2: return .cancel(.underlying(UInt8(random.below(3))))
    case 3...5: return .cancel(reference(account, model).selector)
    case 6...9: return amend(account, model)
    case 10:
      return .withdraw(amount: money(account, model), destination: Array(repeating: 1, count: chance(50) ? 129 : 3))
    case 11: return .transfer(to: AccountID(pick(cast.traders)), amount: money(account, model))
    case 12: return .transfer(to: ownAccount(of: signer, model), amount: money(account, model))
    case 40: return .openSubAccount(UInt8(random.below(chance(200) ? 34 : 4)))
    case 41...42: return transferPositions(of: signer, account, model)
    case 43: return acceptPositions(by: account, model)
    case 13 where chance(200): return deposit()
    case 13 where chance(200): return .setState(instrument(model), .halted)
    case 14...18: return .place(closing(account, model) ?? order(account, model))
    default: return .place(order(account, model))
    }
  }

  /// Something listed, seldom anything else.
  private mutating func instrument(_ model: Model) -> InstrumentID {
    let listed = model.state.instruments.keys.sorted()
    if listed.isEmpty || chance(extremes) { return InstrumentID(raw: random.next()) }
    if chance(100) { return pick(listed) }
    // A few of the open ones, so that orders meet.
    let open = listed.filter { model.state.instruments[$0]?.state == .open }
    return open.isEmpty ? pick(listed) : open[Int(random.below(UInt64(min(open.count, 6))))]
  }

  private mutating func reference(_ account: AccountID, _ model: Model) -> OrderReference {
    let mine = model.state.ordersOf(account)
    if !mine.isEmpty, !chance(100) {
      let order = pick(mine)
      if let client = order.clientID, chance(500) { return .client(client) }
      return .order(order.id)
    }
    return random.below(2) == 0 ? .order(random.below(model.state.nextOrder + 1)) : .client(random.below(60))
  }

  private mutating func deposit() -> Action {
    if !chance(100) { nextReference += 1 }
    let reference = Digest(words: (0, 0, 1, nextReference))
    let to = chance(50) ? AccountID(words: (0, 0, 0, random.below(300))) : AccountID(pick(cast.traders))
    return .deposit(Deposit(account: to, amount: perhaps(between(1, 100_000) * 1_000_000), reference: reference))
  }

  /// Often exactly what is free, a unit more or a unit less.
  private mutating func money(_ account: AccountID, _ model: Model) -> Int64 {
    if chance(300) { return perhaps(between(1, 10_000_000_000)) }
    let free = Int64(clamping: model.requirement(model.portfolio(account)).excess)
    return perhaps(min(free, model.state.cash(account)) &+ between(-1, 1))
  }

  private mutating func quantity(_ lot: Quantity, _ most: Int64) -> Quantity {
    let most = max(1, most / lot)
    return perhaps(between(1, max(1, most >> Int64(random.below(8)))) * lot)
  }

  /// An order near the mark or near the other side.
  private mutating func order(_ account: AccountID, _ model: Model) -> PlaceOrder {
    let id = instrument(model)
    let side: Side = pick([.buy, .sell])
    let instrument = model.state.instruments[id]
    let (tick, lot) = (max(1, instrument?.tick ?? 1_000), max(1, instrument?.lot ?? 1))
    var price = (model.state.values[id]?.mark ?? 1_000) * 1_000
    price += price / 1_000 * between(-15, 15) + tick * between(-3, 3)
    if random.below(3) == 0, let best = model.state.best(id, against: side) {
      price = best.price + tick * between(-1, 1)
    }
    price = max(tick, price / tick * tick)
    if chance(20) { price += 1 }
    let force: TimeInForce = pick([.gtc, .gtc, .gtc, .gtc, .ioc, .fok, .gtt])
    // Now and then as much as the account can just carry, or not any more.
    var most = size
    if chance(100) {
      let equity = model.requirement(model.portfolio(account)).excess
      most = Int64(clamping: max(1, equity / max(1, Int128(price / 1_000)))) &* between(1, 6)
      most = min(max(most, lot), 100_000_000)
    }
    return PlaceOrder(
      instrument: id, side: side, quantity: quantity(lot, most), price: perhaps(price), timeInForce: force,
      goodTill: force == .gtt ? perhaps(time + between(-1, 8) * Model.second) : 0,
      postOnly: random.below(5) == 0, reduceOnly: random.below(12) == 0,
      selfTrade: pick([.cancelMaker, .cancelTaker, .cancelBoth]),
      clientID: random.below(3) == 0 ? random.below(60) : nil)
  }

  /// An order against a position that the account holds.
  private mutating func closing(_ account: AccountID, _ model: Model) -> PlaceOrder? {
    let held = (model.state.positions[account] ?? [:]).sorted { $0.key < $1.key }
    guard !held.isEmpty else { return nil }
    let (id, position) = pick(held)
    var order = order(account, model)
    order.instrument = id
    order.side = position.quantity > 0 ? .sell : .buy
    order.quantity = random.below(2) == 0 ? abs(position.quantity) : between(1, abs(position.quantity))
    order.reduceOnly = random.below(2) == 0
    let tick = max(1, model.state.instruments[id]?.tick ?? 1_000)
    var price = (model.state.values[id]?.mark ?? 1_000) * 1_000 + tick * between(-20, 20)
    if random.below(2) == 0, let best = model.state.best(id, against: order.side) { price = best.price }
    order.price = max(tick, price / tick * tick)
    return order
  }

  private mutating func amend(_ account: AccountID, _ model: Model) -> Action {
    let mine = model.state.ordersOf(account)
    guard !mine.isEmpty, !chance(50) else {
      return .amend(AmendOrder(order: reference(account, model), quantity: 10, price: 10_000_000))
    }
    let order = pick(mine)
    let target: OrderReference =
      order.clientID != nil && chance(500) ? .client(order.clientID ?? 0) : .order(order.id)
    let (tick, lot) = (
      max(1, model.state.instruments[order.instrument]?.tick ?? 1_000),
      max(1, model.state.instruments[order.instrument]?.lot ?? 1)
    )
    let lots = random.below(2) == 0 ? order.remaining / lot / between(1, 3) * lot : quantity(lot, 2 * size)
    let price = random.below(2) == 0 ? order.price : order.price + tick * between(-5, 5)
    return .amend(AmendOrder(order: target, quantity: perhaps(lots), price: perhaps(price)))
  }
}

extension OrderReference {
  fileprivate var selector: CancelSelector {
    switch self {
    case .order(let id): .order(id)
    case .client(let id): .client(id)
    }
  }
}
