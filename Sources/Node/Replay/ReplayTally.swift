// What the replay counts while it runs, from many tasks at once.

import Clearing
import Primitives
import Synchronization

/// What a receipt says that the replay counts.
struct ReplayReceipt: Decodable, Sendable {
  struct Order: Decodable, Sendable {
    var state: String
    /// Code of the refusal, where the node prints it.
    var error: String?
  }

  struct Failure: Decodable, Sendable {
    var code: String
  }

  var status: String
  var orders: [Order]
  var fills: [FillDocument]
  var error: Failure?
}

struct ReplayCounts: Sendable {
  var transactions = 0
  var actions = 0
  var retried = 0
  /// Nothing final was heard of these.
  var unknown = 0
  /// Actions refused, by the code of the reason.
  var rejected: [String: Int] = [:]
  var trades = 0
  /// Lots of options and of futures.
  var optionLots: Int64 = 0
  var futureLots: Int64 = 0
  /// In 1e-6 USD.
  var premium: Int128 = 0
  var futuresNotional: Int128 = 0
  /// Real nanoseconds from sending to the final receipt.
  var latencies: [Int64] = []
}

final class ReplayTally: Sendable {
  private let state = Mutex(ReplayCounts())

  var counts: ReplayCounts { state.withLock { $0 } }

  func retry() { state.withLock { $0.retried += 1 } }

  func sent(actions: Int) {
    state.withLock {
      $0.transactions += 1
      $0.actions += actions
    }
  }

  func unknown() { state.withLock { $0.unknown += 1 } }

  func refused(_ code: String, actions: Int) { state.withLock { $0.rejected[code, default: 0] += actions } }

  func take(_ receipt: ReplayReceipt, actions: Int, latency: Int64) {
    state.withLock { counts in
      counts.latencies.append(latency)
      if receipt.status == "rejected", receipt.orders.isEmpty {
        counts.rejected[receipt.error?.code ?? "unnamed", default: 0] += actions
      }
      for order in receipt.orders where order.state == "rejected" {
        counts.rejected[order.error ?? receipt.error?.code ?? "unnamed", default: 0] += 1
      }
      for fill in receipt.fills { Self.add(fill, to: &counts) }
    }
  }

  private static func add(_ fill: FillDocument, to counts: inout ReplayCounts) {
    guard let price = Decimal.parse(fill.price, scale: Decimal.moneyScale),
      let lots = Decimal.parse(fill.quantity, scale: Decimal.quantityScale)
    else { return }
    counts.trades += 1
    let value = Int128(price) * Int128(lots) / Int128(Limits.lotsPerContract)
    // Only an option's name has a strike: BTC-27MAR26-100000-C.
    if fill.instrument.utf8.count(where: { $0 == UInt8(ascii: "-") }) > 1 {
      counts.optionLots += lots
      counts.premium += value
    } else {
      counts.futureLots += lots
      counts.futuresNotional += value
    }
  }
}
