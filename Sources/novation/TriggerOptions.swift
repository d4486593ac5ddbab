// Stops, take-profits, linked orders and icebergs of `novation order place`.

import ArgumentParser
import Clearing
import Node
import Primitives

struct TriggerOptions: ParsableArguments {
  enum SourceArgument: String, ExpressibleByArgument, CaseIterable { case mark, index }

  @Option(help: "Place the order when the price has gone this far against a position that it closes: USD.")
  var stop: MoneyArgument?
  @Option(help: "Place the order when the price has gone this far in favour of such a position: USD.")
  var takeProfit: MoneyArgument?
  @Option(help: "The price that --stop and --take-profit watch: mark of the instrument, or index of the underlying.")
  var trigger = SourceArgument.mark
  @Flag(
    help:
      "Place the order now, with --stop or --take-profit for the same contracts: what one trades the other does not.")
  var oco = false
  @Flag(help: "Place the order now; --stop and --take-profit close what it has filled, and only that.")
  var oto = false
  @Option(
    help: "With --oco and --oto: USD for one contract of the orders that --stop and --take-profit place, which are ioc."
  )
  var triggerPrice: MoneyArgument?
  @Option(help: "Show only this many contracts of the order at a time.") var iceberg: QuantityArgument?

  func validate() throws {
    let triggers = [stop, takeProfit].compactMap { $0 }.count
    if oco, oto { throw ValidationError("Give --oco or --oto.") }
    if oco, triggers != 1 { throw ValidationError("--oco needs --stop or --take-profit, and not both.") }
    if oto, triggers == 0 { throw ValidationError("--oto needs --stop or --take-profit.") }
    if (oco || oto) != (triggerPrice != nil) {
      throw ValidationError("--trigger-price belongs to --oco and --oto, and they to it.")
    }
  }

  /// The order itself, or what waits to place it.
  func action(_ order: PlaceOrder) -> Action {
    var order = order
    order.display = iceberg?.value ?? 0
    var exit = order
    if oco || oto {
      exit.price = triggerPrice?.value ?? 0
      (exit.timeInForce, exit.goodTill, exit.postOnly) = (.ioc, 0, false)
      (exit.clientID, exit.display) = (nil, 0)
    }
    if oto {
      exit.side = order.side.opposite
      exit.reduceOnly = true
    }
    var triggers: [TriggerOrder] = []
    if let stop { triggers.append(make(exit, at: stop.value, isStop: true)) }
    if let takeProfit { triggers.append(make(exit, at: takeProfit.value, isStop: false)) }
    if oco { return .linked(LinkedOrders(kind: .oneCancelsOther, order: order, triggers: triggers)) }
    if oto { return .linked(LinkedOrders(kind: .oneTriggersOther, order: order, triggers: triggers)) }
    guard let first = triggers.first else { return .place(order) }
    guard triggers.count == 2 else { return .trigger(first) }
    // One client id is for one order.
    triggers[1].order.clientID = nil
    return .linked(LinkedOrders(kind: .oneCancelsOther, order: nil, triggers: triggers))
  }

  /// A stop to sell watches for a fall, one to buy for a rise. A put gains when the index falls.
  private func make(_ order: PlaceOrder, at level: Price, isStop: Bool) -> TriggerOrder {
    let isInverse = trigger == .index && order.instrument.kind == .put
    let rises = (order.side == .buy) == (isStop != isInverse)
    return TriggerOrder(
      order: order, source: trigger == .mark ? .mark : .index, condition: rises ? .atOrAbove : .atOrBelow, level: level)
  }
}
