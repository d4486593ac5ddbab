// `novation simulate`: whole networks under faults, in virtual time, from seeds.

import ArgumentParser
import Node
import Primitives
import Simulator

struct SimulateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate", abstract: "Run simulated networks under faults and hold them against the rules.",
    discussion: """
      One seed gives one run, byte for byte: size of the network, faults, adversaries, load and chance. The replicas are \
      those that nodes run; time, network and disks are simulated. Fails if a rule is broken, and prints the command that \
      runs the seed again. With --campaign, finished seeds are kept in a file, and a later run goes on where this one \
      stopped.
      """)

  @Option(help: "First seed.") var seed: UInt64 = 1
  @Option(help: "Number of seeds, from the first one on.") var seeds: Int?
  @Option(help: "Validators, 1 to 31. (default: drawn from the seed)") var validators: Int?
  @Option(
    help:
      "Virtual seconds of a run, 1 to 86400; large networks run shorter. (default: 600, of a storm 60, of succession 300)"
  )
  var duration: Int64?
  @Flag(help: "No faults, no adversaries: a quiet network under load.") var calm = false
  @Flag(help: "A small network in which something breaks several times a second.") var storm = false
  @Flag(help: "Validators come and go, and change their keys, under the same faults.") var succession = false
  @Option(help: "File of finished seeds, to go on from; made if absent.") var campaign: String?
  @Option(help: "Go on until so many virtual hours are done, those in the campaign's file included.") var hours: Double?
  @Option(help: "Instead: every Twins scenario of so many views, 1 to 3 (60 scenarios to that power).") var twins: Int?
  @Option(help: "Runs at a time. (default: one for each processor)") var jobs: Int?
  @Option(help: "Instead: forecast finality for the validators and latencies of this file.", completion: .file())
  var topology: String?
  @Option(help: "With --topology: write a page with the distribution drawn.", completion: .file()) var html: String?
  @OptionGroup var json: JSONFlag

  func validate() throws {
    guard (1...31).contains(validators ?? 4) else { throw ValidationError("--validators is 1 to 31") }
    guard (1...86_400).contains(duration ?? 1) else { throw ValidationError("--duration is 1 to 86400 seconds") }
    guard (1...10_000_000).contains(seeds ?? 1) else { throw ValidationError("--seeds is 1 to 10000000") }
    guard (0.001...1_000_000).contains(hours ?? 1) else { throw ValidationError("--hours is above 0") }
    guard (1...3).contains(twins ?? 1) else { throw ValidationError("--twins is 1 to 3") }
    guard (1...256).contains(jobs ?? 1) else { throw ValidationError("--jobs is 1 to 256") }
    guard html == nil || topology != nil else { throw ValidationError("--html needs --topology") }
    guard [calm, storm, succession].count(where: { $0 }) <= 1 else {
      throw ValidationError("give one of --calm, --storm and --succession")
    }
    guard seeds == nil || hours == nil else { throw ValidationError("give either --seeds or --hours") }
  }

  func run() async throws {
    if let topology { return try forecast(topology) }
    let file = try campaign.map { try CampaignFile(path: $0) }
    let progress = Progress("simulate")
    let campaign = Campaign(
      jobs: jobs ?? Campaign.processors, file: file, progress: { progress.update($0) })
    let summary: CampaignSummary
    if let twins {
      summary = await campaign.runTwins(rounds: twins)
    } else {
      let span = hours.map { Campaign.Span.hours($0) } ?? .seeds(seeds ?? 1)
      summary = await campaign.run(from: seed, span) { options(seed: $0) }
    }
    progress.finish()
    if json.json {
      Terminal.output.line(summary.runs.count == 1 ? JSONText.render(summary.runs[0]) : JSONText.render(summary))
    } else {
      Terminal.output.write(summary.render(style: Terminal.output.style))
    }
    if let failed = summary.runs.first(where: { !$0.violationList.isEmpty }) {
      throw CommandFailure(
        .failed, "seed \(failed.seed) broke a rule: \(failed.violationList[0])\nrun it again: \(failed.command)")
    }
    if summary.isCampaign, !summary.missingMarks.isEmpty {
      throw CommandFailure(
        .failed, "the campaign never reached: \(summary.missingMarks.joined(separator: ", ")); run more seeds")
    }
  }

  private func options(seed: UInt64) -> SimulationOptions {
    let duration = (duration ?? (storm ? 60 : succession ? 300 : 600)) * Duration64.second
    if calm { return .calm(seed: seed, validators: validators ?? 4, duration: duration) }
    if succession { return .succession(seed: seed, validators: validators, duration: duration) }
    return storm
      ? .storm(seed: seed, validators: validators, duration: duration)
      : .swarm(seed: seed, validators: validators, duration: duration)
  }
}
