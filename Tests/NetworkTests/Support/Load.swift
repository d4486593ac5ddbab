// Orders from several clients at once, each waiting for finality, with a record of what was acknowledged.

import Foundation
import Glibc

/// Shared between the threads of the clients; guarded by `lock`.
final class Load: @unchecked Sendable {
  struct Acknowledgement: Sendable {
    var transaction: String
    var height: Int
    var at: Double
  }

  private let lock = NSLock()
  private var stopping = false
  private var acknowledged: [Acknowledgement] = []
  private var refusals: [String] = []
  private let finished = DispatchGroup()

  /// One client for each pair of key and node; orders rest far below the market and never trade.
  init(_ devnet: Devnet, clients: [(key: String, node: Int)], instrument: String, price: String) {
    for (number, client) in clients.enumerated() {
      finished.enter()
      Thread.detachNewThread { [self] in
        var next = (number + 1) * 1_000_000
        while !isStopping {
          next += 1
          let result = devnet.ask(
            [
              "order", "place", "--side", "buy", "--instrument", instrument, "--quantity", "0.001", "--price", price,
              "--client-id", String(next), "--key", devnet.keyPath(client.key), "--timeout", "10s",
            ], node: client.node)
          record(result)
          if result.code == 3 { usleep(50_000) }
        }
        finished.leave()
      }
    }
  }

  private var isStopping: Bool { lock.withLock { stopping } }

  private func record(_ result: Program.Result) {
    let receipt = result.json
    lock.withLock {
      if result.code == 0, receipt["status"].text == "final" {
        acknowledged.append(
          .init(transaction: receipt["transaction"].text, height: receipt["height"].integer, at: Moment.now))
      } else {
        refusals.append("\(result.code): \(result.error.prefix(300))")
      }
    }
  }

  var count: Int { lock.withLock { acknowledged.count } }

  /// Ends the load and returns what was acknowledged, and why the rest was not.
  func stop() -> (acknowledged: [Acknowledgement], refusals: [String]) {
    lock.withLock { stopping = true }
    finished.wait()
    return lock.withLock { (acknowledged, refusals) }
  }
}
