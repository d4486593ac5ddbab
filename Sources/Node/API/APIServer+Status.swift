// What operators and their machines look at: status.

import Clearing
import Consensus
import Hummingbird
import NIOCore
import Primitives
import Replica

extension APIServer {
  func status() async throws -> StatusDocument {
    try await host.readLocal { [host, info] replica in
      let totals = replica.clearing.statistics
      let sizes = replica.clearing.sizes
      let statistics = replica.consensus.statistics
      let behind = replica.isBehind || !host.isStarted
      let warnings = NodeWarnings.all(replica, host, info)
      return StatusDocument(
        chainId: replica.chain.hex, name: info.genesis.name, network: info.genesis.market.network,
        height: replica.finalHeight, view: replica.consensus.view, epoch: replica.keyEpoch ?? 0,
        stateRoot: replica.finalRoot.hex,
        groupKey: replica.groupKey?.hex, role: replica.index == nil ? "observer" : "validator",
        index: replica.index.map(Int.init),
        syncing: behind, sync: behind ? Self.sync(host, replica) : nil,
        peers: host.connectedPeers, observers: replica.observers, validators: replica.committee.n,
        quorum: replica.committee.quorum,
        finality: .init(
          p50Milliseconds: host.finality.percentile(500).map(milliseconds),
          p99Milliseconds: host.finality.percentile(990).map(milliseconds), samples: host.finality.count),
        certifiedHeight: host.provenHeight, storedHeight: replica.committedHeight,
        totals: .init(
          transactions: replica.counters.transactions, actions: totals.actions, trades: totals.nextTrade - 1,
          accounts: sizes.accounts, openOrders: sizes.openOrders, instruments: sizes.instruments,
          marginCalls: totals.marginCalls, fastFinal: statistics.fastFinals, slowFinal: statistics.slowFinals,
          viewsSkipped: statistics.viewsNullified, rollbacks: replica.counters.rollbacks),
        marketTime: ISO8601.format(replica.clearing.marketTime(at: Clock.wall) / Duration64.second * Duration64.second),
        clockRate: UInt64(info.genesis.market.clockRate),
        uptimeSeconds: (Clock.monotonic - info.startedAt) / Duration64.second, version: NodeProcess.version,
        warnings: warnings)
    }
  }

  private static func sync(_ host: ReplicaHost, _ replica: Replica) -> StatusDocument.Sync {
    let height = replica.finalHeight
    let rate = host.progress.rate(height: height, at: Clock.monotonic)
    let missing = replica.networkHeight - min(height, replica.networkHeight)
    let left = rate.flatMap { $0 > 0 ? Int64((Double(missing) / $0).rounded(.up)) : nil }
    return .init(
      target: replica.networkHeight, blocksPerSecond: rate.map { ($0 * 10).rounded() / 10 }, secondsLeft: left)
  }
}
