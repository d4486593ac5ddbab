// Settlements and margin calls as the network tells them while the replay runs.

import Clearing
import Primitives
import Synchronization

final class ReplayEvents: Sendable {
  struct Settlement: Decodable, Sendable {
    var underlying: String
    var expiry: String
    var price: String
    var positions: UInt32
    var paid: String?
    var height: UInt64
  }

  struct MarginCall: Decodable, Sendable {
    var account: String
    var equity: String
    var maintenance: String
    var height: UInt64
  }

  struct Heard: Sendable {
    var settlements: [Settlement] = []
    var marginCalls: [(call: MarginCall, marketTime: Timestamp)] = []
    /// Times that the stream ended early: something may have been missed.
    var interruptions = 0
  }

  private let state = Mutex(Heard())
  private let clock: MarketClock
  private let onSettlement: @Sendable (Settlement) -> Void
  private let onMarginCall: @Sendable (MarginCall) -> Void

  init(
    clock: MarketClock, onSettlement: @escaping @Sendable (Settlement) -> Void,
    onMarginCall: @escaping @Sendable (MarginCall) -> Void
  ) {
    self.clock = clock
    self.onSettlement = onSettlement
    self.onMarginCall = onMarginCall
  }

  var heard: Heard { state.withLock { $0 } }

  /// Follows a node's stream until the task is cancelled; goes on with the next node where one ends.
  func follow(_ network: ReplayNetwork) async {
    var node = 0
    while !Task.isCancelled {
      let client = network.clients[node % network.clients.count]
      if case .events(let events)? = try? await client.events("/v1/stream?topics=settlements,margin") {
        do {
          for try await event in events { take(event) }
        } catch {
          // Counted below, as an end without a reason is.
        }
      }
      if Task.isCancelled { return }
      state.withLock { $0.interruptions += 1 }
      node += 1
      try? await Task.sleep(for: .milliseconds(200))
    }
  }

  private func take(_ event: ServerSentEvent) {
    let data = Array(event.data.utf8)
    if event.event == "settlement", let settlement = JSONText.parse(Settlement.self, data) {
      state.withLock { $0.settlements.append(settlement) }
      onSettlement(settlement)
    } else if event.event == "marginCall", let call = JSONText.parse(MarginCall.self, data) {
      let time = clock.market(at: Clock.wall)
      state.withLock { $0.marginCalls.append((call, time)) }
      onMarginCall(call)
    }
  }
}
