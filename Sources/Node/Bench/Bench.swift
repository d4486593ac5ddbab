// The benchmark of a running network: its phases, one after the other.

import Clearing
import Glibc
import NIOCore
import NIOPosix
import Primitives
import Sodium

public struct BenchOptions: Sendable {
  /// The devnet under load; nil if only sockets are known.
  public var directory: String?
  public var sockets: [String] = []
  /// Where keys with money come from.
  public var custodian = ""
  /// Transactions a second of the held load; nil for half of what saturation gives.
  public var rate: Double?
  /// Length of each measured phase.
  public var seconds = 10.0
  public var batch = 64
  public var connections = 128
  public var seed: UInt64 = 1
  public var kills = false

  public init() {}
}

public struct Bench: Sendable {
  let options: BenchOptions
  let progress: @Sendable (String) -> Void
  let network: BenchNetwork
  let devnet: Devnet?
  /// Makes every run's client ids its own.
  let run = UInt64(Clock.wall / Duration64.millisecond)

  static let warmup = Duration64.second
  /// Money of each trader.
  static let funds: Amount = 100_000_000_000_000
  static let idleOrders = 200

  public static func measure(
    _ options: BenchOptions, progress: @escaping @Sendable (String) -> Void
  ) async throws -> BenchReport {
    var devnet: Devnet?
    var options = options
    if let directory = options.directory {
      let found = try Devnet(at: directory)
      options.sockets = found.document.nodes.prefix(found.validatorCount).map(\.socket)
      devnet = found
    }
    progress("reading the market")
    let network = try await BenchNetwork(sockets: options.sockets)
    let bench = Bench(options: options, progress: progress, network: network, devnet: devnet)
    return try await bench.measure()
  }

  private func measure() async throws -> BenchReport {
    progress("measuring this machine")
    let directory = options.directory.map { DevnetLayout(directory: $0).directory } ?? "/tmp"
    let machine = try await MachineLimits.measure(in: directory)
    var traders = (0..<options.connections).map { BenchTrader(seed: options.seed, number: $0, run: run) }
    try await fund(traders.map(\.account))

    var phases = BenchPhases(network: network, options: options, progress: progress)
    let idle = try await phases.idle(&traders)
    let bound = Double(machine.cores) * machine.verificationsPerSecond / Double(network.sockets.count)
    let saturated = try await phases.saturate(&traders, expected: bound * 1.2)
    let rate = options.rate ?? saturated.transactionsPerSecond / 2
    let held = try await phases.hold(&traders, rate: max(1, rate))
    let batched = try await phases.batches(&traders, expected: max(400, 3 * 20_000 / Double(options.batch)))
    var kill: BenchReport.Kill?
    if options.kills, let devnet {
      kill = try await phases.kill(devnet, &traders, rate: max(1, rate / 2))
    }
    progress("reading receipts again")
    let check = await phases.check(devnet)
    let memory = memory()
    return BenchReport(
      chainId: network.chain.hex, nodes: network.sockets.count, machine: machine,
      loads: [idle, saturated, held, batched], check: check, memory: memory, kill: kill,
      lines: lines(machine, bound, [idle, saturated, held, batched], check, memory, kill, actions: phases.actions),
      warnings: phases.warnings)
  }

  // MARK: Money

  private func fund(_ accounts: [AccountID]) async throws {
    progress("funding \(accounts.count) traders")
    let file = try LoadedKeyFile(path: options.custodian)
    let key = try file.file.open { () throws(KeyError) in
      throw KeyError(
        "the custodian's key is encrypted", hint: "a benchmark takes an unencrypted one, of a test network")
    }
    let api = NodeAPI(socket: network.sockets[0])
    let terms = NetworkTerms(chain: network.chain, underlyings: [])
    for start in stride(from: 0, to: accounts.count, by: 64) {
      let deposits = accounts[start..<min(start + 64, accounts.count)].enumerated().map { place, account in
        let reference = Blake2b.hash(domain: "novation/bench/v1", account.bytes + Array("\(run)/\(start + place)".utf8))
        return Action.deposit(Deposit(account: account, amount: Self.funds, reference: reference))
      }
      let signed = terms.sign(deposits, key: key, lifetime: 60 * Duration64.second)
      let done = await api.submit(signed.bytes, hash: signed.hash, wait: .final, timeoutSeconds: 30)
      if let failure = done.failure { throw failure }
    }
  }

  private func memory() -> [BenchReport.Memory] {
    guard let devnet else { return [] }
    return devnet.document.nodes.indices.compactMap { node in
      guard let pid = devnet.pid(of: node), let bytes = ProcessFigures.anonymousBytes(of: pid) else { return nil }
      return .init(node: devnet.document.nodes[node].name, anonymousBytes: bytes)
    }
  }

  // MARK: Figures asked

  private func lines(
    _ machine: MachineLimits, _ bound: Double, _ loads: [BenchReport.Load], _ check: BenchReport.Check,
    _ memory: [BenchReport.Memory], _ kill: BenchReport.Kill?, actions: Int
  ) -> [BenchReport.Line] {
    func count(_ value: Double) -> String { HumanText.count(Int64(value.rounded())) }
    func most(_ name: String, _ value: Double?, _ limit: Double) -> BenchReport.Line {
      .init(
        name: name, asked: "<= \(count(limit)) ms", measured: DevnetStatusDocument.milliseconds(value) + " ms",
        isMet: value.map { $0 <= limit } ?? false)
    }
    let (idle, saturated, held, batched) = (loads[0], loads[1], loads[2], loads[3])
    let share = saturated.transactionsPerSecond / max(1, bound)
    var lines: [BenchReport.Line] = [
      .init(
        name: "Ed25519 verifications/s, one core (all \(machine.cores))", asked: "",
        measured: "\(count(machine.verificationsPerSecond)) (\(count(machine.verificationsPerSecondAllCores)))"),
      .init(name: "durable commits/s of 100 records", asked: "", measured: count(machine.durableCommitsPerSecond)),
      most("one order on an idle network, p50", idle.latency.p50Milliseconds, 6),
      .init(
        name: "single-action transactions/s", asked: ">= \(count(bound / 2))",
        measured: count(saturated.transactionsPerSecond), isMet: share >= 0.5),
      .init(
        name: "  of cores x verifications / validators (\(count(bound)))", asked: ">= 50 %",
        measured: "\(Int64(share * 100)) %", isMet: share >= 0.5),
      most("finality at \(count(held.transactionsPerSecond)) tx/s, p50", held.latency.p50Milliseconds, 10),
      most("finality at \(count(held.transactionsPerSecond)) tx/s, p99", held.latency.p99Milliseconds, 60),
      .init(
        name: "order actions/s, \(options.batch) a transaction", asked: ">= 20,000",
        measured: count(batched.actionsPerSecond), isMet: batched.actionsPerSecond >= 20_000),
      .init(
        name: "acknowledged and lost, of \(count(Double(check.readAgain))) read again", asked: "0",
        measured: count(Double(check.lost)), isMet: check.lost == 0),
      .init(
        name: "one state root on all nodes", asked: "yes",
        measured: check.rootsEqual.map { $0 ? "yes" : "NO" } ?? "unknown", isMet: check.rootsEqual ?? false),
    ]
    if let most = memory.map(\.anonymousBytes).max() {
      lines.append(
        .init(
          name: "largest memory of a node, without files, \(count(Double(actions))) actions later", asked: "< 300 MB",
          measured: "\(most / 1_000_000) MB",
          isMet: most < 300_000_000))
    }
    if let kill {
      lines += [
        most("stall of the others when \(kill.node) is killed", kill.stallMilliseconds, 2000),
        most("\(kill.node) votes again after its restart", kill.votesAgainMilliseconds, 5000),
        .init(
          name: "acknowledged and lost around the kill, of \(count(Double(kill.readAgain)))", asked: "0",
          measured: count(Double(kill.lost)), isMet: kill.lost == 0),
      ]
    }
    return lines
  }
}
