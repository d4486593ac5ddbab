// What a node counts as it happens, through swift-metrics. What it can be asked at any time stands in `NodeFigures`.

import Clearing
import Consensus
import CoreMetrics
import Primitives
import Replica

struct NodeMetrics: Sendable {
  let registry: PrometheusRegistry
  /// Of a client's transaction, from its arrival at this node to finality.
  let finality: CoreMetrics.Timer
  /// From the time in a block's header to its finality here.
  private let blockFinality: CoreMetrics.Timer
  /// How long one turn of the replica's loop took.
  let turn: CoreMetrics.Timer
  let journalWrite: CoreMetrics.Timer
  let commit: CoreMetrics.Timer
  let committedBlocks: Counter
  let peerFaults: Counter
  private let transactions: Counter
  private let bytes: Counter
  /// By the raw value of the code.
  private let rejections: [Counter]
  /// By verdict.
  private let lines: [ObservationVerdict: Counter]

  private static let latencies = [0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.125, 0.25, 0.5, 1, 2, 4, 8, 30]
  private static let works = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10]

  static let families: [MetricFamily] = [
    .histogram(
      "novation_finality_seconds", latencies, "Arrival of a client's transaction at this node to its finality."),
    .histogram(
      "novation_block_finality_seconds", latencies,
      "Time in a block's header to its finality here; contains the difference of the two clocks."),
    .histogram("novation_turn_seconds", works, "One turn of the loop that carries the replica."),
    .histogram("novation_journal_write_seconds", works, "One durable write of the vote journal."),
    .histogram("novation_commit_seconds", works, "One durable commit to the ledger."),
    .counter("novation_committed_blocks_total", "Blocks committed to the ledger since start."),
    .counter("novation_peer_faults_total", "Rules that peers were seen to break since start."),
    .counter("novation_executed_transactions_total", "Transactions in final blocks since start."),
    .counter("novation_executed_bytes_total", "Bytes of the transactions in final blocks since start."),
    .counter("novation_rejections_total", "Refusals in final blocks since start, by reason."),
    .counter("novation_oracle_lines_total", "Lines of this validator's price feeder since start, by verdict."),
    .counter("novation_requests_total", "Requests to the API since start, by route and status."),
    .histogram("novation_request_seconds", works, "Time from a request's head to its answer's head, by route."),
  ]

  init() {
    let registry = PrometheusRegistry(Self.families)
    func timer(_ name: String) -> CoreMetrics.Timer { CoreMetrics.Timer(label: name, factory: registry) }
    func counter(_ name: String) -> Counter { Counter(label: name, factory: registry) }
    self.registry = registry
    finality = timer("novation_finality_seconds")
    blockFinality = timer("novation_block_finality_seconds")
    turn = timer("novation_turn_seconds")
    journalWrite = timer("novation_journal_write_seconds")
    commit = timer("novation_commit_seconds")
    committedBlocks = counter("novation_committed_blocks_total")
    peerFaults = counter("novation_peer_faults_total")
    transactions = counter("novation_executed_transactions_total")
    bytes = counter("novation_executed_bytes_total")
    rejections = RejectionCode.allCases.map {
      Counter(label: "novation_rejections_total", dimensions: [("reason", $0.name)], factory: registry)
    }
    lines = Dictionary(
      uniqueKeysWithValues: ObservationVerdict.allCases.map {
        let labels = [("verdict", $0.rawValue)]
        return ($0, Counter(label: "novation_oracle_lines_total", dimensions: labels, factory: registry))
      })
  }

  /// Blocks by the time they took to be final.
  var finalityCounts: HistogramCounts { registry.counts(of: "novation_block_finality_seconds") }

  func finalized(_ block: FinalizedBlock, at now: Timestamp) {
    blockFinality.recordNanoseconds(max(0, now - block.header.timestamp))
    transactions.increment(by: block.executed.result.outcomes.count)
    bytes.increment(by: block.transactionBytes)
    for outcome in block.executed.result.outcomes {
      if let code = outcome.rejection, outcome.errors.isEmpty { count(code) }
      for error in outcome.errors { count(error.code) }
    }
  }

  func judged(_ verdict: ObservationVerdict) { lines[verdict]?.increment() }

  private func count(_ code: RejectionCode) {
    guard rejections.indices.contains(Int(code.rawValue)) else { return }
    rejections[Int(code.rawValue)].increment()
  }

  /// `route` is the pattern of the path, never what a client sent.
  func answered(_ route: String, status: Int, nanoseconds: Int64) {
    Counter(
      label: "novation_requests_total", dimensions: [("route", route), ("status", String(status))], factory: registry
    ).increment()
    CoreMetrics.Timer(label: "novation_request_seconds", dimensions: [("route", route)], factory: registry)
      .recordNanoseconds(nanoseconds)
  }
}
