// What operators and their machines look at: status and metrics.

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
      let behind = replica.isBehind
      var warnings: [String] = []
      if host.connectedPeers + 1 < replica.committee.quorum {
        warnings.append(
          "only \(host.connectedPeers) of \(replica.committee.n - 1) validators are connected: no quorum, nothing becomes final"
        )
      }
      if replica.consensus.isAmnesiac {
        warnings.append("votes withheld: the journal was lost and safety is being re-established")
      }
      if behind { warnings.append("catching up with the network") }
      return StatusDocument(
        chainId: replica.chain.hex, name: info.genesis.name, network: info.genesis.market.network,
        height: replica.finalHeight, view: replica.consensus.view, epoch: replica.keyEpoch ?? 0,
        stateRoot: replica.finalRoot.hex,
        groupKey: replica.groupKey?.hex, role: info.index == nil ? "observer" : "validator", index: info.index,
        syncing: behind,
        peers: host.connectedPeers, validators: replica.committee.n, quorum: replica.committee.quorum,
        finality: .init(
          p50Milliseconds: Self.milliseconds(host.finality.percentile(500)),
          p99Milliseconds: Self.milliseconds(host.finality.percentile(990)), samples: host.finality.count),
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

  private static func milliseconds(_ nanoseconds: Int64?) -> Double? {
    nanoseconds.map { Double($0 / 1000) / 1000 }
  }

  func metrics() async throws -> Response {
    let status = try await status()
    let text = PrometheusText(status).render()
    return APIResponse.text(text, .ok, type: "text/plain; version=0.0.4; charset=utf-8")
  }
}

/// The metrics in Prometheus' text format 0.0.4.
struct PrometheusText {
  private var text = ""

  init(_ status: StatusDocument) {
    add("novation_height", "gauge", "Height of the last final, executed block.", Double(status.height))
    add("novation_view", "gauge", "Present view.", Double(status.view))
    add("novation_certified_height", "gauge", "Height whose state a quorum signed.", Double(status.certifiedHeight))
    add("novation_stored_height", "gauge", "Height up to which the ledger is durable.", Double(status.storedHeight))
    add("novation_peers", "gauge", "Validators connected.", Double(status.peers))
    add("novation_syncing", "gauge", "1 while the node catches up.", status.syncing ? 1 : 0)
    add(
      "novation_transactions_total", "counter", "Transactions executed since start.", Double(status.totals.transactions)
    )
    add("novation_order_outcomes_total", "counter", "Order outcomes since start.", Double(status.totals.actions))
    add("novation_trades_total", "counter", "Trades of the chain.", Double(status.totals.trades))
    add("novation_open_orders", "gauge", "Resting orders.", Double(status.totals.openOrders))
    add("novation_accounts", "gauge", "Accounts.", Double(status.totals.accounts))
    add("novation_margin_calls_total", "counter", "Margin calls of the chain.", Double(status.totals.marginCalls))
    add("novation_fast_final_total", "counter", "Certificates of the two-delay path.", Double(status.totals.fastFinal))
    add(
      "novation_slow_final_total", "counter", "Certificates of the three-delay path.", Double(status.totals.slowFinal))
    add("novation_views_skipped_total", "counter", "Nullified views.", Double(status.totals.viewsSkipped))
    add("novation_rollbacks_total", "counter", "Speculative blocks undone.", Double(status.totals.rollbacks))
    if let p50 = status.finality.p50Milliseconds {
      add("novation_finality_p50_seconds", "gauge", "Median of the latest latencies to finality.", p50 / 1000)
    }
    if let p99 = status.finality.p99Milliseconds {
      add("novation_finality_p99_seconds", "gauge", "99th percentile of the latest latencies to finality.", p99 / 1000)
    }
  }

  func render() -> String { text }

  private mutating func add(_ name: String, _ kind: String, _ help: String, _ value: Double) {
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind)\n\(name) \(value)\n"
  }
}
