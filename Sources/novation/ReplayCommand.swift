// `novation replay`: recorded or generated market data through a running devnet.

import ArgumentParser
import Node

struct ReplayCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Drive a running devnet with option-chain snapshots and report what cleared.",
    discussion: """
      PATHs are CSV or CSV.gz files, or directories of them, with at least the columns timestamp, instrument_name, \
      option_type, strike, expiry_datetime, bid_price, ask_price, mark_price, futures_price, implied_volatility, \
      currency and index_price. The network's market clock must fit the data: where it does not, the command that \
      starts one that does is printed. With --tape the data are generated from a seed, with a crash in them.
      """)

  @Argument(help: "Option-chain snapshots: files or directories.") var paths: [String] = []
  @Option(help: "Directory of the devnet.") var dir: String
  @Option(help: "Generate the market from this seed instead of reading files.") var tape: UInt64?
  @Option(help: "Seed of the order flow and of the differences between validators.") var seed: UInt64 = 1
  @Option(help: "Real seconds that the suggested market clock shall take.") var duration: Int64 = 90
  @Flag(help: "Print one JSON document.") var json = false

  func validate() throws {
    guard paths.isEmpty != (tape == nil) else { throw ValidationError("give either PATHs or --tape SEED") }
    guard (10...1_200).contains(duration) else { throw ValidationError("--duration is 10 to 1200 seconds") }
  }

  func run() async throws {
    let source: ReplayOptions.Source = tape.map { .tape($0) } ?? .paths(paths)
    var options = ReplayOptions(directory: dir, source: source, seed: tape ?? seed)
    options.seconds = duration
    let progress = Progress("replay")
    let isQuiet = json
    let voice = ReplayVoice(
      progress: { progress.update($0) },
      narrate: { line in
        progress.finish()
        if !isQuiet { Terminal.output.line(printable(line)) }
      })
    if !json { Terminal.error.line("The keys of a devnet are unencrypted: for test networks only.") }
    let report: ReplayReport
    do {
      report = try await Replay.run(options, voice: voice)
    } catch {
      progress.finish()
      throw CommandFailure(error.isUnreachable ? .unreachable : .failed, error.description)
    }
    progress.finish()
    if json {
      Terminal.output.line(JSONText.render(report))
    } else {
      for skipped in report.skipped { Terminal.error.line(printable("skipped \(skipped.path): \(skipped.reason)")) }
      Terminal.output.write("\n" + report.render(style: Terminal.output.style))
    }
    if !report.rootsEqual { throw CommandFailure(.failed, "the nodes do not have one state root; see the report") }
  }
}
