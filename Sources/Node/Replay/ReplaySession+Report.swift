// The end of a replay: every node at one height, and what was counted on the way.

import Clearing
import Primitives

extension ReplaySession {
  mutating func report(realSeconds: Int64) async -> ReplayReport {
    voice.progress("comparing the nodes")
    if let document = await network.read(InstrumentsDocument.self, "/v1/instruments?consistency=local", node: 0) {
      count(document)
    }
    let nodes = await nodes()
    let roots = Set(nodes.map(\.stateRoot))
    let isEqual = roots.count == 1 && roots.first != .some(nil)
    let counts = network.tally.counts
    let heard = events.heard
    if heard.interruptions > 0 {
      warnings.append("the event stream broke \(heard.interruptions) times: settlements or margin calls may be missing")
    }
    if counts.unknown > 0 { warnings.append("nothing final was heard of \(counts.unknown) transactions") }
    if !isEqual { warnings.append("the nodes do not have one state root") }
    let certificate = await network.read(CertificateDocument.self, "/v1/certificates/latest", node: 0)
    let settlements = settlements(heard)
    return ReplayReport(
      source: source, chainId: network.chain.hex, marketFrom: Self.text(recording.snapshots.first?.time ?? 0),
      marketTo: Self.text(recording.snapshots.last?.time ?? 0), realSeconds: realSeconds,
      snapshots: recording.snapshots.count, skipped: recording.skipped, instrumentsListed: listed,
      transactions: counts.transactions, actions: counts.actions, rejected: counts.rejected, unknown: counts.unknown,
      retried: counts.retried, trades: counts.trades,
      volume: ["options": lots(counts.optionLots), "futures": lots(counts.futureLots)],
      premiumTurnover: money(Int64(clamping: counts.premium)),
      futuresNotional: money(Int64(clamping: counts.futuresNotional)), openInterest: openInterest.document,
      openInterestMost: openInterestMost.document, settlements: settlements,
      positionsSettled: settlements.reduce(0) { $0 + UInt64($1.positions) }, cashMoved: Self.sum(settlements),
      marks: comparison.report, marginCalls: marginCalls(heard), finality: Self.finality(counts.latencies),
      certificateHeight: certificate?.height, finalHeight: nodes.compactMap(\.height).max(),
      stateRoot: isEqual ? nodes.first?.stateRoot : nil, nodes: nodes, rootsEqual: isEqual, warnings: warnings)
  }

  /// Of the recording's expiries, whoever held positions in them.
  private func settlements(_ heard: ReplayEvents.Heard) -> [ReplayReport.Settlement] {
    var mine: Set<String> = []
    for snapshot in recording.snapshots {
      for expiry in snapshot.expiries {
        mine.insert(recording.symbols[expiry.underlying] + ISO8601.format(expiry.expiry))
      }
    }
    return heard.settlements.filter { mine.contains($0.underlying + $0.expiry) }.map {
      .init(underlying: $0.underlying, expiry: $0.expiry, price: $0.price, positions: $0.positions, paid: $0.paid)
    }
  }

  /// Nil where a settlement does not tell what it paid.
  private static func sum(_ settlements: [ReplayReport.Settlement]) -> String? {
    var sum: Int64 = 0
    for settlement in settlements {
      guard let paid = settlement.paid.flatMap({ Decimal.parse($0, scale: Decimal.moneyScale) }) else { return nil }
      sum = sum.saturatingAdding(paid)
    }
    return money(sum)
  }

  private func marginCalls(_ heard: ReplayEvents.Heard) -> [ReplayReport.MarginCall] {
    heard.marginCalls.map { call, time in
      .init(
        account: call.account, equity: call.equity, maintenance: call.maintenance,
        time: ISO8601.format(time / Duration64.second * Duration64.second))
    }
  }

  private static func finality(_ latencies: [Int64]) -> ReplayReport.Finality {
    let sorted = latencies.sorted()
    func at(_ permille: Int) -> Double? {
      guard !sorted.isEmpty else { return nil }
      return Double(sorted[min(sorted.count - 1, sorted.count * permille / 1_000)] / 1_000) / 1_000
    }
    return .init(p50Milliseconds: at(500), p99Milliseconds: at(990), samples: sorted.count)
  }

  /// Waits until every node has the block that the furthest one has now, and reads its state root from each.
  private func nodes() async -> [ReplayReport.Node] {
    var common: UInt64 = 0
    for node in network.clients.indices {
      let status = await network.read(StatusDocument.self, "/v1/status", node: node)
      common = max(common, status?.height ?? 0)
    }
    var nodes: [ReplayReport.Node] = []
    for node in network.clients.indices {
      let block = await block(common, node: node)
      let status = await network.read(StatusDocument.self, "/v1/status", node: node)
      nodes.append(
        .init(
          name: network.nodes[node], height: status?.height, commonHeight: block?.height, stateRoot: block?.stateRoot))
    }
    return nodes
  }

  private func block(_ height: UInt64, node: Int) async -> BlockDocument? {
    for _ in 0..<100 {
      if let block = await network.read(BlockDocument.self, "/v1/blocks/\(height)", node: node) { return block }
      try? await Task.sleep(for: .milliseconds(100))
    }
    return nil
  }
}

extension ReplaySession.OpenInterest {
  init(_ document: InstrumentsDocument) {
    for entry in document.instruments {
      let lots = Decimal.parse(entry.openInterest, scale: Decimal.quantityScale) ?? 0
      if entry.strike == nil { futures += lots } else { options += lots }
    }
  }

  var document: [String: String] { ["options": lots(options), "futures": lots(futures)] }
}
