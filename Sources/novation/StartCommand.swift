// `novation start`: a node in the foreground; what the systemd unit runs.

import ArgumentParser
import Node

struct StartCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "start", abstract: "Run a node in the foreground.",
    discussion: "Stops on SIGTERM or SIGINT. Messages go to standard error.")

  @Option(help: "Configuration file.") var config: String
  @Flag(help: "Check configuration, genesis, identity and ledger, print one line, and stop.") var check = false
  @Option(help: ArgumentHelp("Publish a synthetic market of this seed; test networks only.", visibility: .hidden))
  var syntheticSeed: UInt64?

  func run() async throws {
    let node = try explained { try NodeProcess(configurationPath: config, syntheticSeed: syntheticSeed) }
    if check {
      let summary = try explained { try node.check() }
      Terminal.output.line(printable(summary))
      return
    }
    do {
      try await node.run()
    } catch {
      throw CommandFailure(.failed, "\(error)")
    }
  }
}
