// What a node can be asked at any time, as metrics: taken on the loop in one moment, written as text off it.

import Clearing
import Consensus
import Hummingbird
import Gossip
import Primitives
import Replica
import Storage

struct NodeFigures: Sendable {
  private let consensus: Consensus.Statistics
  private let lanes: LaneStatistics
  private let counters: Replica.Counters
  private let totals: TotalsRecord
  private let sizes: (accounts: UInt64, openOrders: UInt64, instruments: UInt64)
  private let funds: FundsView
  private let feeds: [FeedView]
  private let books: [Int]
  private let openInterest: Quantity
  private let inLiquidation: Int
  private let height: Height
  private let storedHeight: Height
  private let provenHeight: Height
  private let view: View
  private let delay: Instant
  private let isBehind: Bool
  private let isAmnesiac: Bool
  private let connected: [Bool]
  private let traffic: [PeerTraffic]
  private let observers: Int
  private let observerTraffic: PeerTraffic
  private let streams: Int
  private let journalBytes: Int
  private let now = Clock.wall

  /// On the host's loop.
  init(_ host: ReplicaHost, _ replica: inout Replica) {
    consensus = replica.consensus.statistics
    lanes = replica.lanes.statistics
    counters = replica.counters
    totals = replica.clearing.statistics
    sizes = replica.clearing.sizes
    funds = replica.clearing.funds()
    feeds = replica.clearing.oracle().feeds.filter { $0.expiry == 0 }
    books = replica.clearing.booksBySides
    openInterest = replica.clearing.openInterest
    inLiquidation = replica.liquidations().count
    height = replica.finalHeight
    storedHeight = replica.committedHeight
    provenHeight = host.provenHeight
    view = replica.consensus.view
    delay = replica.consensus.currentDelay
    isBehind = replica.isBehind
    isAmnesiac = replica.consensus.isAmnesiac
    traffic = host.traffic
    observers = replica.observers
    observerTraffic = host.observerTraffic
    connected = traffic.indices.map { host.isConnected($0) }
    streams = host.streams
    journalBytes = host.journalBytes
  }

  func render(into text: inout PrometheusText) {
    renderConsensus(&text)
    renderNetwork(&text)
    renderLanes(&text)
    renderEngine(&text)
    renderMoney(&text)
  }

  private func renderConsensus(_ text: inout PrometheusText) {
    text.add(.gauge("novation_height", "Height of the last final, executed block."), Double(height))
    text.add(.gauge("novation_view", "Present view."), Double(view))
    text.add(.gauge("novation_certified_height", "Height whose state a quorum signed."), Double(provenHeight))
    text.add(.gauge("novation_stored_height", "Height up to which the ledger is durable."), Double(storedHeight))
    text.add(.gauge("novation_syncing", "1 while the node catches up."), isBehind ? 1 : 0)
    text.add(.gauge("novation_amnesiac", "1 while votes are withheld since the journal was lost."), isAmnesiac ? 1 : 0)
    text.add(.gauge("novation_timer_delay_seconds", "Estimate of the network's delay."), Double(delay) / 1e9)
    text.add(.counter("novation_views_entered_total", "Views entered since start."), Double(consensus.viewsEntered))
    text.add(.counter("novation_views_skipped_total", "Nullified views."), Double(consensus.viewsNullified))
    text.add(
      .counter("novation_blocks_final_total", "Blocks that became final since start."), Double(consensus.blocksFinal))
    text.add(
      .counter("novation_fast_final_total", "Certificates of the two-delay path."), Double(consensus.fastFinals))
    text.add(
      .counter("novation_slow_final_total", "Certificates of the three-delay path."), Double(consensus.slowFinals))
    text.add(.counter("novation_proposals_total", "Blocks this node proposed."), Double(consensus.proposalsMade))
    text.add(
      .counter("novation_standstills_total", "Times that everything was sent again for want of progress."),
      Double(consensus.standstills))
    text.add(.counter("novation_rollbacks_total", "Speculative blocks undone."), Double(counters.rollbacks))
    text.add(
      .counter("novation_caught_up_blocks_total", "Blocks fetched from peers whole."), Double(counters.caughtUpBlocks))
  }

  private func renderNetwork(_ text: inout PrometheusText) {
    text.add(.gauge("novation_peers", "Validators connected."), Double(connected.count { $0 }))
    text.add(
      .gauge("novation_peer_connected", "1 where the session with the validator is up; this node itself has none."),
      connected.enumerated().map { ([("validator", "\($0)")], $1 ? 1 : 0) })
    renderTraffic(
      .counter("novation_peer_messages_total", "Messages by validator, direction and kind."), { Double($0.messages) },
      &text)
    renderTraffic(
      .counter("novation_peer_bytes_total", "Bytes of messages, before encryption, by validator, direction and kind."),
      { Double($0.bytes) }, &text)
    text.add(
      .counter("novation_malformed_messages_total", "Messages that did not decode."), Double(counters.malformedMessages)
    )
    text.add(.gauge("novation_observers", "Observers connected to this validator."), Double(observers))
    text.add(
      .counter("novation_observer_bytes_total", "Bytes of messages, before encryption, of all observers by direction."),
      [
        ([("direction", "sent")], Double(observerTraffic.sent.reduce(0) { $0 + $1.bytes })),
        ([("direction", "received")], Double(observerTraffic.received.reduce(0) { $0 + $1.bytes })),
      ])
    text.add(
      .counter(
        "novation_observer_messages_refused_total", "Messages that observers may not send, or beyond their allowance."),
      Double(counters.observerMessagesRefused))
    text.add(
      .counter(
        "novation_observer_transactions_total", "Transactions that observers handed in, by what became of them."),
      [
        ([("event", "accepted")], Double(counters.observerTransactions)),
        ([("event", "refused")], Double(counters.observerTransactionsRefused)),
      ])
    text.add(
      .counter(
        "novation_observers_dismissed_total", "Observers whose session was ended for what they sent or left unread."),
      Double(counters.observersDismissed))
    text.add(.gauge("novation_streams", "Open event streams."), Double(streams))
  }

  /// Kinds that were never seen are left out.
  private func renderTraffic(
    _ family: MetricFamily, _ value: (PeerTraffic.Count) -> Double, _ text: inout PrometheusText
  ) {
    text.begin(family)
    for (validator, traffic) in traffic.enumerated() {
      for (direction, counts) in [("sent", traffic.sent), ("received", traffic.received)] {
        for (kind, count) in zip(MessageKind.allCases, counts) where count.messages > 0 {
          let labels = MetricLabels([
            ("validator", "\(validator)"), ("direction", direction), ("kind", kind.name),
          ])
          text.sample(family.name, labels.text, value(count))
        }
      }
    }
  }

  private func renderLanes(_ text: inout PrometheusText) {
    let batches: [(String, UInt64)] = [
      ("sealed", lanes.sealed), ("received", lanes.received), ("duplicate", lanes.duplicates),
      ("dropped", lanes.dropped), ("fetched", lanes.fetched),
    ]
    text.add(
      .counter("novation_lane_batches_total", "Batches by what became of them."),
      batches.map { ([("event", $0)], Double($1)) })
    text.add(.counter("novation_lane_acks_total", "Acknowledgements given."), Double(lanes.acks))
    text.add(.counter("novation_lane_proofs_total", "Proofs of availability made."), Double(lanes.proofs))
    text.add(.counter("novation_lane_forks_total", "Lanes seen to fork: an owner signed twice."), Double(lanes.forks))
  }

  private func renderEngine(_ text: inout PrometheusText) {
    text.add(.counter("novation_transactions_total", "Transactions of the chain."), Double(totals.transactions))
    text.add(.counter("novation_actions_total", "Actions of the chain."), Double(totals.actions))
    text.add(.counter("novation_trades_total", "Trades of the chain."), Double(totals.nextTrade - 1))
    text.add(.counter("novation_volume_contracts_total", "Contracts traded."), Double(totals.volume) / 1000)
    text.add(.counter("novation_turnover_usd_total", "Premium turnover in whole USD."), Double(totals.turnover))
    text.add(.gauge("novation_accounts", "Accounts."), Double(sizes.accounts))
    text.add(.gauge("novation_instruments", "Instruments."), Double(sizes.instruments))
    text.add(.gauge("novation_open_orders", "Resting orders."), Double(sizes.openOrders))
    text.add(.gauge("novation_open_interest_contracts", "Contracts held long."), Double(openInterest) / 1000)
    text.add(
      .gauge("novation_books", "Books by how many sides have orders."),
      books.enumerated().map { ([("sides", "\($0)")], Double($1)) })
    text.add(.counter("novation_margin_calls_total", "Margin calls of the chain."), Double(totals.marginCalls))
    text.add(
      .counter("novation_liquidations_total", "Accounts liquidated, in whole or part."), Double(totals.liquidations))
    text.add(.gauge("novation_accounts_in_liquidation", "Accounts in liquidation now."), Double(inLiquidation))
    text.add(
      .counter("novation_settled_instruments_total", "Instruments settled."), Double(totals.settledInstruments))
    text.add(
      .gauge("novation_oracle_age_seconds", "Age of the last complete round of an index."),
      feeds.map { ([("underlying", $0.underlying)], Double(max(0, now - $0.time)) / 1e9) })
    text.add(
      .gauge("novation_index_usd", "Index prices."),
      feeds.map { ([("underlying", $0.underlying)], Double($0.price) / 1e6) })
  }

  private func renderMoney(_ text: inout PrometheusText) {
    text.add(.gauge("novation_insurance_fund_usd", "Insurance fund."), Double(funds.insurance) / 1e6)
    text.add(.gauge("novation_house_capital_usd", "Capital of the house."), Double(funds.houseCapital) / 1e6)
    text.add(.gauge("novation_default_fund_usd", "Default fund of the members."), Double(funds.defaultFund) / 1e6)
    text.add(
      .gauge("novation_claims_usd", "Gains that were cut and are not paid back yet."), Double(funds.claims) / 1e6)
    text.add(.gauge("novation_journal_bytes", "Size of the vote journal."), Double(journalBytes))
  }
}

extension APIServer {
  func metrics() async throws -> Response {
    let figures = try await host.readLocal { [host] replica in NodeFigures(host, &replica) }
    var text = PrometheusText()
    figures.render(into: &text)
    if let usage = try? host.store.usage() {
      text.add(.gauge("novation_ledger_bytes", "Pages of the ledger's file."), Double(usage.used))
      text.add(.gauge("novation_ledger_map_bytes", "Map of the ledger, which grows by itself."), Double(usage.map))
      text.add(.gauge("novation_ledger_map_max_bytes", "How far the map may grow."), Double(usage.maximum))
    }
    metrics.registry.render(into: &text)
    let uptime = Double(Clock.monotonic - info.startedAt) / 1e9
    ProcessMetrics().render(uptimeSeconds: uptime, into: &text)
    text.add(
      .gauge("novation_build_info", "1, labelled with the version."), [([("version", NodeProcess.version)], 1)])
    return APIResponse.text(text.text, .ok, type: "text/plain; version=0.0.4; charset=utf-8")
  }
}
