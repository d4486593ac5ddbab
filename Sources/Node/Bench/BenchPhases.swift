// The loads of a benchmark: an idle network, saturation, a held rate, batches, and a killed node.

import Clearing
import Glibc
import NIOCore
import NIOPosix
import Primitives

struct BenchPhases {
  let network: BenchNetwork
  let options: BenchOptions
  let progress: @Sendable (String) -> Void
  private(set) var warnings: [String] = []
  private var acknowledged: [(hash: Digest, node: Int)] = []
  /// Actions of all loads that became final.
  private(set) var actions = 0
  private let loop = MultiThreadedEventLoopGroup.singleton.next()
  /// Transactions read again at the end.
  static let sampleMax = 500

  init(network: BenchNetwork, options: BenchOptions, progress: @escaping @Sendable (String) -> Void) {
    self.network = network
    self.options = options
    self.progress = progress
  }

  mutating func idle(_ traders: inout [BenchTrader]) async throws -> BenchReport.Load {
    progress("one order at a time")
    let count = Bench.idleOrders
    var trader = traders[0]
    let script = (0..<count + 50).map { step in
      trader.sign([trader.single(step, network.markets)], chain: network.chain)
    }
    traders[0] = trader
    // Long enough for all of them; it ends when the script does.
    return try await load(
      "idle, one at a time", [script], .single(pause: 10 * Duration64.millisecond), connections: 1,
      seconds: min(60, options.seconds), warmup: Duration64.second / 2)
  }

  mutating func saturate(_ traders: inout [BenchTrader], expected: Double) async throws -> BenchReport.Load {
    let seconds = options.seconds + 1
    let scripts = await prepare(&traders, perTrader: Int(expected * seconds) / traders.count + 5, batch: 1)
    progress("saturation, one action a transaction")
    return try await load("saturated, 1 action", scripts, .closed, connections: traders.count, warmup: Bench.warmup)
  }

  mutating func hold(_ traders: inout [BenchTrader], rate: Double) async throws -> BenchReport.Load {
    let scripts = await prepare(
      &traders, perTrader: Int(rate * (options.seconds + 1) * 1.5) / traders.count + 20, batch: 1)
    progress("\(Int(rate)) transactions a second")
    return try await load(
      "held at \(Int(rate)) tx/s", scripts, .open(perSecond: rate), connections: traders.count, warmup: Bench.warmup)
  }

  mutating func batches(_ traders: inout [BenchTrader], expected: Double) async throws -> BenchReport.Load {
    var few = Array(traders.prefix(max(4, traders.count / 4)))
    let scripts = await prepare(
      &few, perTrader: Int(expected * (options.seconds + 1)) / few.count + 5, batch: options.batch)
    traders.replaceSubrange(0..<few.count, with: few)
    progress("saturation, \(options.batch) actions a transaction")
    return try await load(
      "saturated, \(options.batch) actions", scripts, .closed, connections: few.count, warmup: Bench.warmup)
  }

  /// Signs everything before the clock starts, on all cores.
  private func prepare(_ traders: inout [BenchTrader], perTrader: Int, batch: Int) async -> [[PreparedRequest]] {
    progress("signing \(perTrader * traders.count) transactions")
    let (chain, markets) = (network.chain, network.markets)
    let made = await withTaskGroup(of: (Int, BenchTrader, [PreparedRequest]).self) { group in
      for (place, trader) in traders.enumerated() {
        group.addTask {
          var trader = trader
          var script = [trader.sign([trader.startAfresh()], chain: chain)]
          for step in 0..<perTrader {
            let actions = batch == 1 ? [trader.single(step, markets)] : trader.batch(batch, markets)
            script.append(trader.sign(actions, chain: chain))
          }
          return (place, trader, script)
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    var scripts = [[PreparedRequest]](repeating: [], count: traders.count)
    for (place, trader, script) in made {
      traders[place] = trader
      scripts[place] = script
    }
    return scripts
  }

  private mutating func load(
    _ name: String, _ scripts: [[PreparedRequest]], _ pacing: Pacing, connections: Int, seconds: Double? = nil,
    warmup: Int64
  ) async throws -> BenchReport.Load {
    let driver = LoadDriver(loop: loop)
    try await driver.connect(connections, to: network.sockets)
    let processor = ProcessFigures.ownProcessorTime
    let started = Clock.monotonic
    let outcome = try await driver.run(scripts, pacing, seconds: seconds ?? options.seconds, warmup: warmup)
    let elapsed = Double(Clock.monotonic - started)
    await driver.close()
    acknowledged += outcome.acknowledged
    actions += outcome.allActions
    if outcome.ranOut, case .closed = pacing { warnings.append("\(name): the prepared transactions ran out") }
    if outcome.failed > 0 { warnings.append("\(name): replies with unexpected status, last \(outcome.lastFailure)") }
    return BenchReport.Load(
      name: name, seconds: outcome.seconds, transactionsPerSecond: Double(outcome.finals) / outcome.seconds,
      actionsPerSecond: Double(outcome.actions) / outcome.seconds, latency: LatencySummary(outcome.latencies),
      sent: outcome.sent, rejected: outcome.rejected, refusedOrders: outcome.refusedOrders, busy: outcome.busy,
      unknown: outcome.unknown, failed: outcome.failed,
      generatorCores: Double(ProcessFigures.ownProcessorTime - processor) / elapsed)
  }

  // MARK: Receipts

  /// Reads a sample of what was acknowledged from another node than the one that did.
  func check(_ devnet: Devnet?) async -> BenchReport.Check {
    let step = max(1, acknowledged.count / Self.sampleMax)
    let sample = stride(from: 0, to: acknowledged.count, by: step).map { acknowledged[$0] }
    let lost = await missing(sample)
    let agreement = await devnet?.statusDocument().agreement
    return BenchReport.Check(
      acknowledged: acknowledged.count, readAgain: sample.count, lost: lost, rootsEqual: agreement?.rootsEqual,
      commonHeight: agreement?.height)
  }

  /// How many of these another node does not know, though it has time to learn of them.
  private func missing(_ sample: [(hash: Digest, node: Int)]) async -> Int {
    let clients = network.sockets.map { UnixHTTPClient(socket: $0) }
    defer { for client in clients { client.close() } }
    var lost = 0
    for (place, entry) in sample.enumerated() {
      if place % 100 == 0 { progress("reading receipts again: \(place) of \(sample.count)") }
      let other = clients[(entry.node + 1) % clients.count]
      let path = RequestPath("transactions", entry.hash.hex).description
      var found = false
      for _ in 0..<50 where !found {
        found = (try? await other.send(.get(path), timeout: .seconds(5)))?.status == 200
        if !found { try? await Task.sleep(for: .milliseconds(100)) }
      }
      if !found { lost += 1 }
    }
    return lost
  }

  // MARK: A killed node

  mutating func kill(
    _ devnet: Devnet, _ traders: inout [BenchTrader], rate: Double
  ) async throws -> BenchReport.Kill {
    let victim = devnet.validatorCount - 1
    guard victim > 0, let pid = devnet.pid(of: victim) else {
      throw CommandFailure(.failed, "there is no node to kill: the devnet has \(devnet.nodeCount) or it does not run")
    }
    let seconds = 16.0
    let scripts = await prepare(&traders, perTrader: Int(rate * seconds * 2) / traders.count + 20, batch: 1)
    progress("killing node\(victim) under load")
    let driver = LoadDriver(loop: loop)
    try await driver.connect(traders.count, to: network.sockets)
    async let running = driver.run(scripts, .open(perSecond: rate), seconds: seconds, keepsArrivals: true)
    try await Task.sleep(for: .seconds(3))
    Glibc.kill(pid, SIGKILL)
    let killedAt = Clock.monotonic
    try await Task.sleep(for: .seconds(5))
    var network = devnet
    let height = await devnet.status(of: 0)?.certifiedHeight ?? 0
    let restartedAt = Clock.monotonic
    try network.start(victim)
    let votedAt = await firstVote(of: victim, above: height, devnet)
    let outcome = try await running
    await driver.close()
    acknowledged += outcome.acknowledged
    let recent = Array(outcome.acknowledged.suffix(Self.sampleMax * 4))
    let lost = await missing(recent)
    return BenchReport.Kill(
      node: devnet.document.nodes[victim].name, acknowledged: outcome.acknowledged.count, readAgain: recent.count,
      lost: lost,
      stallMilliseconds: Self.stall(outcome.arrivals, besides: victim, from: killedAt, to: restartedAt),
      votesAgainMilliseconds: votedAt.map { Double(($0 - restartedAt) / 1000) / 1000 })
  }

  /// The longest time in which no other node acknowledged anything, in milliseconds.
  private static func stall(
    _ arrivals: [(at: Instant, node: Int)], besides victim: Int, from: Instant, to: Instant
  ) -> Double {
    var last = from
    var longest: Int64 = 0
    for arrival in arrivals where arrival.node != victim && arrival.at > from && arrival.at < to {
      longest = max(longest, arrival.at - last)
      last = arrival.at
    }
    return Double(max(longest, to - last) / 1000) / 1000
  }

  /// When a certificate above `height` first carried a vote of the node.
  private func firstVote(of node: Int, above height: Height, _ devnet: Devnet) async -> Instant? {
    let client = UnixHTTPClient(socket: devnet.layout.socket(0))
    defer { client.close() }
    let deadline = Clock.monotonic + 20 * Duration64.second
    while Clock.monotonic < deadline {
      let reply = try? await client.send(.get("/v1/certificates/latest?votes=true"), timeout: .seconds(2))
      if let body = reply?.body, let certificate = JSONText.parse(CertificateDocument.self, body),
        certificate.height > height, certificate.votes.contains(where: { $0.validator == node })
      {
        return Clock.monotonic
      }
      try? await Task.sleep(for: .milliseconds(10))
    }
    return nil
  }
}
