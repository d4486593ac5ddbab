// The page at `/` of the read-only listener: written by the node, so that its numbers need no script; a small script only
// fetches it again when something became final.

import Clearing
import Primitives

struct DashboardPage {
  private let data: DashboardData
  /// Rows of instruments that one page shows at most.
  private static let instrumentsMax = 2000

  init(_ data: DashboardData) { self.data = data }

  func render(nonce: String) -> String {
    let status = data.status
    return """
      <!doctype html><html lang=en><head><meta charset=utf-8><title>\(escaped(status.name)) · Novation</title>
      <meta name=viewport content="width=device-width, initial-scale=1"><meta name=color-scheme content="light dark">
      <noscript><meta http-equiv=refresh content=5></noscript>
      <style nonce=\(nonce)>\(DashboardAssets.style)</style></head><body>
      <header id=head><h1>\(escaped(status.name))</h1><p>\(headline)</p></header>
      <main>\(warnings)\(tiles)
      <div class=two>\(HTML.section("finality", "Time to finality of blocks", DashboardCharts.histogram(data.finality)))
      \(HTML.section("validators", "Validators", validators))</div>
      \(underlyings)
      <div class=two>\(HTML.section("funds", "Margin and funds", funds))\(HTML.section("trades", "Latest trades", trades))</div>
      \(HTML.section("liquidations", "Liquidations", liquidations))</main>
      <footer id=foot><p>Height \(status.height) of chain <code>\(status.chainId)</code>, state root
      <code>\(status.stateRoot)</code>. Every number is of this final state, by the word of one node: prove it with
      <code>novation query --proof</code> and <code>novation verify</code>. <a href="/metrics">Metrics</a></p></footer>
      <script nonce=\(nonce)>\(DashboardAssets.script)</script></body></html>

      """
  }

  private var headline: String {
    let status = data.status
    let role = status.index.map { "validator \($0)" } ?? "observer"
    let state = status.syncing ? "<b class=warn>catching up</b>" : "<b class=good>in sync</b>"
    return "\(escaped(status.network)) network, seen by \(role), \(state) <span id=live class=quiet></span>"
  }

  private var warnings: String {
    let list = data.status.warnings.map { "<li>\(escaped($0))</li>" }.joined()
    return "<div id=warnings>" + (list.isEmpty ? "" : "<ul class=warnings role=alert>\(list)</ul>") + "</div>"
  }

  private var tiles: String {
    let status = data.status
    func milliseconds(_ value: Double?) -> String { value.map { HTML.point($0) + " ms" } ?? "none yet" }
    let up = data.peers.count { $0.isConnected || $0.isOwn }
    let tiles: [(String, String, String)] = [
      ("Height", HumanText.count(Int64(status.height)), "certified \(HumanText.count(Int64(status.certifiedHeight)))"),
      (
        "Finality p50", milliseconds(status.finality.p50Milliseconds),
        "p99 \(milliseconds(status.finality.p99Milliseconds))"
      ),
      ("Validators", "\(up) of \(data.peers.count)", "quorum \(status.quorum)"),
      (
        "Trades", HumanText.count(Int64(status.totals.trades)), "\(HTML.contracts(Int64(data.totals.volume))) contracts"
      ),
      ("Open interest", HTML.contracts(data.openInterest), "contracts"),
      ("Open orders", HumanText.count(Int64(status.totals.openOrders)), "\(status.totals.accounts) accounts"),
    ]
    return "<div id=tiles class=tiles>"
      + tiles.map { "<div><span>\($0.0)</span><strong>\(escaped($0.1))</strong><small>\(escaped($0.2))</small></div>" }
      .joined() + "</div>"
  }

  private var validators: String {
    let rows = data.peers.enumerated().map { index, peer -> [HTML.Cell] in
      let state =
        peer.isOwn
        ? HTML.Cell("this node") : peer.isConnected ? HTML.Cell("connected", "good") : HTML.Cell("away", "bad")
      let share = data.blocksCounted > 0 ? "\(peer.led * 100 / data.blocksCounted)%" : "-"
      return [
        .init("\(index)"), .init(peer.name), state,
        .init(peer.isOwn ? "" : peer.silence.map(HumanText.duration) ?? "never"),
        .init(share), .init(peer.address),
      ]
    }
    return HTML.table(
      [
        .init(title: "#", style: "n"), .init(title: "Name"), .init(title: "State"),
        .init(title: "Last heard", style: "n"),
        .init(title: "Led", style: "n"), .init(title: "Address"),
      ], rows, caption: "Share of the last \(data.blocksCounted) blocks that each proposed")
  }

  // MARK: Markets

  private var underlyings: String {
    data.underlyings.map { terms in
      let symbol = terms.symbol
      let feeds = data.feeds.filter { $0.underlying == symbol }
      let index = feeds.first { $0.expiry == 0 }.map { HTML.usd($0.price) } ?? "no price yet"
      let surfaces = feeds.filter { $0.expiry != 0 }
      let smile = HTML.section(
        "smile-\(escaped(symbol))", "\(symbol) volatility smile", DashboardCharts.smile(surfaces, underlying: symbol))
      let chain = HTML.section(
        "chain-\(escaped(symbol))", "\(symbol) \(index)", chains(of: symbol, surfaces))
      return "<div class=two>\(chain)\(smile)</div>"
    }.joined()
  }

  private func chains(of symbol: String, _ surfaces: [FeedView]) -> String {
    let listed = data.instruments.prefix(Self.instrumentsMax).filter { $0.underlying == symbol && $0.state != .settled }
    guard !listed.isEmpty else { return HTML.nothing("Nothing is listed.") }
    let expiries = Set(listed.map(\.expiry)).sorted()
    return expiries.enumerated().map { place, expiry in
      let series = listed.filter { $0.expiry == expiry }
      let future = series.first { !$0.kind.isOption }
      let forward = surfaces.first { $0.expiry == expiry }.map { "forward \(HTML.usd($0.price))" }
      let mark = future.map { "future \(quote($0))" }
      let facts = [forward, mark].compactMap { $0 }.joined(separator: ", ")
      let id = "x-\(escaped(symbol))-\(expiry / Duration64.hour)"
      return "<details id=\(id)\(place == 0 ? " open" : "")><summary>\(ExpiryName.format(expiry)) <span class=quiet>"
        + "\(facts)</span></summary>\(options(series, expiry))</details>"
    }.joined()
  }

  private func quote(_ view: InstrumentView) -> String {
    "\(price(view.bestBid)) / \(price(view.bestAsk)), mark \(price(view.markPrice)), open \(HTML.contracts(view.openInterest))"
  }

  private func price(_ value: Price?) -> String { value.map { HTML.usd($0) } ?? "-" }

  private func options(_ series: [InstrumentView], _ expiry: Timestamp) -> String {
    let strikes = Set(series.filter { $0.kind.isOption }.map(\.strike)).sorted()
    guard !strikes.isEmpty else { return "" }
    let rows = strikes.map { strike -> [HTML.Cell] in
      let call = series.first { $0.kind == .call && $0.strike == strike }
      let put = series.first { $0.kind == .put && $0.strike == strike }
      return side(call) + [.init(HumanText.decimal(HTML.usd(strike)), "strike")] + side(put)
    }
    let names = ["Bid", "Ask", "Mark", "Open"]
    let columns =
      names.map { HTML.Column(title: $0, style: "n") } + [.init(title: "Strike", style: "n")]
      + names.map { HTML.Column(title: $0, style: "n") }
    return HTML.table(columns, rows, caption: "Calls on the left, puts on the right; USD")
  }

  private func side(_ view: InstrumentView?) -> [HTML.Cell] {
    guard let view else { return Array(repeating: .init(""), count: 4) }
    return [
      .init(price(view.bestBid), view.bestBid == nil ? "quiet" : ""),
      .init(price(view.bestAsk), view.bestAsk == nil ? "quiet" : ""), .init(price(view.markPrice)),
      .init(view.openInterest == 0 ? "" : HTML.contracts(view.openInterest)),
    ]
  }

  // MARK: Money

  private var funds: String {
    let funds = data.funds
    let rows: [(String, String)] = [
      ("Insurance fund", HTML.usd(funds.insurance)), ("House capital", HTML.usd(funds.houseCapital)),
      ("Default fund, \(funds.members.count) members", HTML.usd(funds.defaultFund)),
      ("Claims not yet paid back", HTML.usd(funds.claims)), ("Deposited, all time", HTML.usd(data.totals.deposits)),
      ("Margin calls, all time", HumanText.count(Int64(data.totals.marginCalls))),
      ("Accounts in liquidation", "\(data.inLiquidation.count)"),
    ]
    return HTML.table(
      [.init(title: ""), .init(title: "", style: "n")], rows.map { [.init($0.0), .init($0.1)] },
      caption: "What stands behind the market, in USD")
  }

  private var trades: String {
    guard !data.recent.trades.isEmpty else { return HTML.nothing("None since this node started.") }
    let rows = data.recent.trades.reversed().map { trade -> [HTML.Cell] in
      [
        .init(time(trade.time)), .init(InstrumentName.format(trade.event.instrument, underlyings: data.underlyings)),
        .init(trade.event.takerSide == .buy ? "bought" : "sold", trade.event.takerSide == .buy ? "good" : "bad"),
        .init(HTML.contracts(trade.event.quantity)), .init(HTML.usd(trade.event.price)),
      ]
    }
    return HTML.table(
      [
        .init(title: "Time"), .init(title: "Instrument"), .init(title: "Taker"), .init(title: "Contracts", style: "n"),
        .init(title: "Price", style: "n"),
      ], rows, caption: "Newest first, since this node started")
  }

  private var liquidations: String {
    guard !data.recent.liquidations.isEmpty else { return HTML.nothing("None since this node started.") }
    let rows = data.recent.liquidations.reversed().map { event -> [HTML.Cell] in
      let prices = event.prices.map { price in
        let name = Int(price.underlying) < data.underlyings.count ? data.underlyings[Int(price.underlying)].symbol : "?"
        let what = price.expiry == 0 ? name : "\(name) \(ExpiryName.format(price.expiry))"
        return "\(what) \(HTML.usd(price.price)) (round \(price.round))"
      }
      let proof = "<a href=\"/v1/certificates/\(event.height)\">height \(event.height)</a>: "
      return [
        .init(HumanText.short(event.account.hex)), .init(event.stage.name), .init(HTML.usd(event.equity)),
        .init(HTML.usd(event.maintenance)), .init(html: proof + escaped(prices.joined(separator: ", "))),
      ]
    }
    return HTML.table(
      [
        .init(title: "Account"), .init(title: "Stage"), .init(title: "Equity", style: "n"),
        .init(title: "Must keep", style: "n"), .init(title: "On the certified prices of"),
      ], rows, caption: "Newest first, since this node started")
  }

  /// The time of day.
  private func time(_ time: Timestamp) -> String {
    String(ISO8601.format(time / Duration64.second * Duration64.second).dropFirst(11).prefix(8))
  }
}
