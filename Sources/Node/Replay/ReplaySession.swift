// One replay on one network, from funding to the last look at every node.

import Clearing
import Primitives
import Sodium
import Synchronization

struct ReplaySession {
  let network: ReplayNetwork
  let recording: Recording
  let options: ReplayOptions
  let source: String
  let voice: ReplayVoice
  let events: ReplayEvents
  var instruments: ReplayInstruments
  var makers: [ReplayAccount] = []
  var takers: [(account: ReplayAccount, means: Double)] = []
  let custodian: ReplayAccount
  let authority: ReplayAccount
  var listed = 0
  var comparison = MarkComparison()
  var openInterest = OpenInterest()
  var openInterestMost = OpenInterest()
  var warnings: [String] = []

  /// Money of an extra taker, in 1e-6 USD.
  static let takerFunds: Amount = 250_000_000_000
  static let listingsPerAction = 500

  struct OpenInterest: Sendable {
    var options: Int64 = 0
    var futures: Int64 = 0
  }

  init(
    _ network: ReplayNetwork, _ document: DevnetDocument, _ recording: Recording, _ options: ReplayOptions,
    source: String, _ voice: ReplayVoice
  ) throws(ReplayError) {
    self.network = network
    self.recording = recording
    self.options = options
    self.source = source
    self.voice = voice
    instruments = try ReplayInstruments(recording, terms: network.terms)
    let keystore = DevnetLayout(directory: document.directory).keys
    func account(_ name: String) throws(ReplayError) -> ReplayAccount {
      do throws(KeyError) {
        let file = try keystore.load(name).file
        let key = try file.open { () throws(KeyError) in
          throw KeyError("key \"\(name)\" is encrypted; a devnet's keys are not")
        }
        return ReplayAccount(name: name, key: key)
      } catch {
        throw ReplayError("\(error)")
      }
    }
    custodian = try account(DevnetLayout.custodian)
    authority = try account(DevnetLayout.authority)
    makers = [try account("maker1"), try account("maker2")]
    takers = [(try account("alice"), 1_000_000), (try account("bob"), 1_000_000)]
    for number in 1...max(1, options.takers) {
      takers.append((ReplayAccount(name: "trader\(number)", key: .generate()), Double(Self.takerFunds) / 1e6))
    }
    let names = Dictionary(
      (takers.map(\.account) + makers).map { ($0.account.hex, $0.name) }, uniquingKeysWith: { first, _ in first })
    events = ReplayEvents(
      clock: network.clock,
      onSettlement: { event in
        guard event.positions > 0 else { return }
        voice.narrate(
          "  \(event.underlying) expiry \(event.expiry) settles at \(HumanText.decimal(event.price)): "
            + "\(event.positions) positions" + (event.paid.map { ", \(HumanText.decimal($0)) USD paid" } ?? ""))
      },
      onMarginCall: { event in
        voice.narrate(
          "  margin call: \(names[event.account] ?? HumanText.short(event.account)) has equity "
            + "\(HumanText.decimal(event.equity)), must keep \(HumanText.decimal(event.maintenance)) USD")
      })
  }

  mutating func run() async throws(ReplayError) -> ReplayReport {
    let started = Clock.monotonic
    let follower = Task { [events, network] in await events.follow(network) }
    defer { follower.cancel() }
    voice.progress("opening accounts and listing instruments")
    try await prepare()
    let clock = network.clock
    let timeline = PriceTimeline(recording, clock: clock, earliest: clock.round(at: Clock.wall) + 1)
    let feeder = Task { [network, options] in await Self.feed(timeline, network, seed: options.seed) }
    defer { feeder.cancel() }
    for place in recording.snapshots.indices {
      try await play(place, timeline)
      if place + 1 < recording.snapshots.count { await list(recording.snapshots[place + 1]) }
    }
    await waitForSettlements()
    feeder.cancel()
    return await report(realSeconds: (Clock.monotonic - started) / Duration64.second)
  }

  // MARK: Beginning

  private mutating func prepare() async throws(ReplayError) {
    guard let known = await network.read(InstrumentsDocument.self, "/v1/instruments?consistency=local", node: 0) else {
      throw ReplayError("\(network.nodes[0]) does not tell its instruments")
    }
    instruments.note(known)
    let deposits = takers.dropFirst(2).map { taker in
      Action.deposit(
        Deposit(
          account: taker.account.account, amount: Self.takerFunds,
          reference: Blake2b.hash(SecureRandom.bytes(32))))
    }
    let receipt = await network.submit(Array(deposits), as: custodian, node: 0)
    guard receipt?.status == "final" else {
      throw ReplayError(
        "the deposits of the takers were not accepted: \(receipt?.error?.code ?? "nothing final heard")")
    }
    if let first = recording.snapshots.first { await list(first) }
    let wait = (network.clock.real(at: recording.snapshots.first?.time ?? 0) - Clock.wall) / Duration64.second
    voice.narrate(
      "\(HumanText.count(Int64(listed))) instruments listed, \(takers.count) takers and \(makers.count) makers funded"
        + (wait > 0 ? "; the market opens in \(wait) s" : ""))
  }

  private mutating func list(_ snapshot: MarketSnapshot) async {
    let listings = instruments.listings(for: snapshot)
    for start in stride(from: 0, to: listings.count, by: Self.listingsPerAction) {
      let part = Array(listings[start..<min(listings.count, start + Self.listingsPerAction)])
      let receipt = await network.submit([.list(part)], as: authority, node: start / Self.listingsPerAction)
      if receipt?.status == "final" { listed += part.count }
    }
  }

  // MARK: Prices

  /// Hands every validator its prices a third of a second before each round.
  private static func feed(_ timeline: PriceTimeline, _ network: ReplayNetwork, seed: UInt64) async {
    let lead = 350 * Duration64.millisecond
    let clock = network.clock
    var round = clock.round(at: Clock.wall)
    while !Task.isCancelled {
      await sleep(until: clock.realTime(of: round) - lead)
      let board = timeline.board(in: round)
      let current = round
      await withTaskGroup(of: Void.self) { group in
        for node in network.clients.indices {
          let observation = timeline.observation(of: board, validator: node, round: current, seed: seed)
          group.addTask { _ = await network.observe(observation, node: node) }
        }
      }
      round = max(round + 1, clock.round(at: Clock.wall + lead))
    }
  }

  static func sleep(until real: Timestamp) async {
    let left = real - Clock.wall
    if left > 0 { try? await Task.sleep(for: .nanoseconds(left)) }
  }

  // MARK: A snapshot

  private mutating func play(_ place: Int, _ timeline: PriceTimeline) async throws(ReplayError) {
    let snapshot = recording.snapshots[place]
    let stop = timeline.stops[place]
    voice.progress("snapshot \(place + 1) of \(recording.snapshots.count), market time \(Self.text(snapshot.time))")
    await Self.sleep(until: network.clock.realTime(of: stop.round))
    let node = place % network.clients.count
    guard await waitFor(round: stop.round, node: node) else {
      warnings.append("no prices for the snapshot of \(Self.text(snapshot.time)) within 10 s")
      return
    }
    let flow = OrderFlow(
      instruments: instruments, snapshot: snapshot, now: network.clock.market(at: Clock.wall),
      seed: options.seed &* 1_000 &+ UInt64(place))
    let before = network.tally.counts
    async let trading: Void = trade(flow, isFirst: place == 0)
    await compare(snapshot, stop, timeline, node: node)
    await trading
    narrate(snapshot, since: before)
  }

  /// Waits until a node has the prices of a round for every underlying.
  private func waitFor(round: Round64, node: Int) async -> Bool {
    for _ in 0..<200 {
      if let oracle = await network.read(OracleDocument.self, "/v1/oracle?consistency=local", node: node) {
        let fed = oracle.underlyings.filter { recording.symbols.contains($0.name) }
        if fed.count == recording.symbols.count, fed.allSatisfy({ $0.round >= round }) { return true }
      }
      try? await Task.sleep(for: .milliseconds(50))
    }
    return false
  }

  private mutating func compare(
    _ snapshot: MarketSnapshot, _ stop: PriceTimeline.Stop, _ timeline: PriceTimeline, node: Int
  ) async {
    guard let document = await network.read(InstrumentsDocument.self, "/v1/instruments?consistency=local", node: node)
    else {
      warnings.append("\(network.nodes[node]) did not tell its marks at \(Self.text(snapshot.time))")
      return
    }
    count(document)
    guard network.clock.round(at: Clock.wall) <= stop.until else {
      warnings.append("the marks at \(Self.text(snapshot.time)) came too late to be compared")
      return
    }
    var marks: [String: Double] = [:]
    for entry in document.instruments where entry.strike != nil {
      if let mark = entry.markPrice.flatMap(Double.init) { marks[entry.name] = mark }
    }
    comparison.compare(snapshot, instruments, marks: marks, now: network.clock.time(of: stop.until))
  }

  mutating func count(_ document: InstrumentsDocument) {
    openInterest = OpenInterest(document)
    openInterestMost.options = max(openInterestMost.options, openInterest.options)
    openInterestMost.futures = max(openInterestMost.futures, openInterest.futures)
  }

  /// Old quotes go first, so that no new one crosses them; then both makers quote, then the takers come.
  private func trade(_ flow: OrderFlow, isFirst: Bool) async {
    await network.submitAll(makers.map { ([.cancel(.all)], $0) })
    var quotes: [(actions: [Action], account: ReplayAccount)] = []
    for (number, maker) in makers.enumerated() {
      quotes += flow.quotes(maker: number).map { ($0, maker) }
    }
    await network.submitAll(quotes)
    var takes: [(actions: [Action], account: ReplayAccount)] = []
    for (number, taker) in takers.enumerated() {
      if isFirst, number >= 2, number - 2 < Speculation.styles.count {
        let actions = flow.speculation(Speculation.styles[number - 2], means: taker.means)
        if !actions.isEmpty { takes.append((actions, taker.account)) }
      }
      takes += flow.takes(taker: number, means: taker.means).map { ($0, taker.account) }
    }
    await network.submitAll(takes, width: 8)
  }

  private func narrate(_ snapshot: MarketSnapshot, since before: ReplayCounts) {
    let now = network.tally.counts
    let prices = zip(recording.symbols, snapshot.index).compactMap { symbol, index in
      index.map { "\(symbol) \(HumanText.count(Int64($0)))" }
    }
    voice.narrate(
      "\(Self.text(snapshot.time))  \(prices.joined(separator: "  "))  "
        + "\(HumanText.count(Int64(now.actions - before.actions))) actions  "
        + "\(HumanText.count(Int64(now.trades - before.trades))) trades")
  }

  /// "2026-01-05 20:00".
  static func text(_ time: Timestamp) -> String {
    String(ISO8601.format(time).prefix(16).map { $0 == "T" ? " " : $0 })
  }

  // MARK: End

  /// Everything that expired by the last snapshot is settled, or five seconds have passed.
  private mutating func waitForSettlements() async {
    let last = recording.snapshots.last?.time ?? 0
    var due: Set<String> = []
    for snapshot in recording.snapshots {
      for expiry in snapshot.expiries where expiry.expiry <= last {
        due.insert(recording.symbols[expiry.underlying] + ISO8601.format(expiry.expiry))
      }
    }
    for _ in 0..<100 {
      let settled = Set(events.heard.settlements.map { $0.underlying + $0.expiry })
      if due.isSubset(of: settled) { return }
      voice.progress("waiting for \(due.subtracting(settled).count) settlements")
      try? await Task.sleep(for: .milliseconds(50))
    }
    warnings.append("not every expiry was seen to settle")
  }
}
