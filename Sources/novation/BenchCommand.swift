// `novation bench`: load on a running network, and what it bears.

import ArgumentParser
import Node

struct BenchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Load a running test network and measure it.",
    discussion: """
      Measures what this machine could do at most, then: one order at a time; as many single-action transactions as go; a \
      held rate (half of that); batches; and reads receipts again from other nodes. It shares the cores with the nodes. \
      Fails if an acknowledged transaction is lost or the nodes' states differ; speed alone does not fail it.
      """)

  @Option(help: "Directory of the devnet.") var dir: String?
  @Option(name: .customLong("socket"), help: "Socket of a node instead of a devnet; repeat for more.")
  var sockets: [String] = []
  @Option(help: "Key file of the custodian. (default: that of the devnet)") var custodian: String?
  @Option(help: "Transactions a second of the held load. (default: half of saturation)") var rate: Double?
  @Option(help: "Length of each phase, 1 to 120.") var seconds = 10.0
  @Option(help: "Actions of a transaction in the batch phase, 2 to 1024.") var batch = 64
  @Option(help: "Keep-alive connections over all nodes, 4 to 1024.") var connections = 128
  @Option(help: "Seed of accounts and orders.") var seed: UInt64 = 1
  @Flag(help: "Also kill the last node under load and start it again.") var kill = false
  @Flag(help: "Print one JSON document.") var json = false

  func validate() throws {
    guard (dir == nil) != sockets.isEmpty else { throw ValidationError("give either --dir or --socket") }
    guard dir != nil || custodian != nil else { throw ValidationError("--socket needs --custodian") }
    guard dir != nil || !kill else { throw ValidationError("--kill needs --dir") }
    guard (1...120).contains(seconds) else { throw ValidationError("--seconds is 1 to 120") }
    guard (2...1024).contains(batch) else { throw ValidationError("--batch is 2 to 1024") }
    guard (4...1024).contains(connections) else { throw ValidationError("--connections is 4 to 1024") }
    guard rate.map({ $0 >= 1 && $0 <= 1_000_000 }) ?? true else {
      throw ValidationError("--rate is 1 to 1000000")
    }
  }

  func run() async throws {
    var options = BenchOptions()
    options.directory = dir
    options.sockets = sockets
    options.custodian = custodian ?? dir.map { DevnetLayout(directory: $0).keys.path(of: DevnetLayout.custodian) } ?? ""
    options.rate = rate
    options.seconds = seconds
    options.batch = batch
    options.connections = connections
    options.seed = seed
    options.kills = kill
    let progress = Progress("bench")
    let report: BenchReport
    do {
      report = try await Bench.measure(options) { progress.update($0) }
    } catch {
      progress.finish()
      throw error as? CommandFailure ?? CommandFailure(.failed, "\(error)")
    }
    progress.finish()
    if json {
      Terminal.output.line(JSONText.render(report))
    } else {
      Terminal.output.write(report.render(style: Terminal.output.style))
    }
    if !report.isSound {
      throw CommandFailure(.failed, "acknowledged transactions were lost or the nodes' states differ; see the report")
    }
  }
}
