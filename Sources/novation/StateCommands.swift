// `novation export-state` and `novation genesis resume`: how a network goes on that has lost more validators than it may.

import Replica
import ArgumentParser
import Node
import Primitives

struct ExportStateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export-state", abstract: "Write the last certified state of a stopped node, to go on from.",
    discussion: """
      For a network that stands still for good, or whose validators' keys all have to be replaced: see "Halt and resume" in \
      docs/OPERATIONS.md. The file holds every record, the block and the votes that certified it; `novation verify` checks \
      it, `novation genesis resume` makes the genesis that goes on from it.
      """)

  @Option(help: "Configuration file of the node.", completion: .file()) var config: String
  @Option(help: "File to write; it must not exist.", completion: .file()) var out: String
  @OptionGroup var json: JSONFlag

  func run() throws {
    let report = try stated { try StateFile.export(configurationPath: config, to: out) }
    if json.json { return Terminal.output.line(JSONText.render(report)) }
    Terminal.output.write(report.render(style: Terminal.output.style))
  }
}

struct GenesisResume: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume", abstract: "Make a genesis that goes on from an exported state.",
    discussion: """
      The terms of the market stay those of the former genesis, the validators are given anew with `novation genesis add`. \
      Every operator checks the state by itself, with `novation verify`, before it starts under the new genesis.
      """)

  @Argument(help: "File to write.") var file: String
  @Option(help: "The exported state.", completion: .file()) var from: String
  @Option(help: "Genesis of the former chain.", completion: .file()) var former: String
  @Option(help: "Name of the network. (default: as before)") var name: String?
  @Flag(help: "Replace an existing file.") var force = false

  func run() throws {
    try stated {
      let point = try StateFile.load(from).resumePoint
      let made = try GenesisFile.resume(point, former: try GenesisFile.load(former), name: name)
      try made.save(to: file, replacing: force)
    }
    Terminal.error.line(
      "\(printable(file)) is made; add validators with `novation genesis add \(printable(file)) ...`")
  }
}

func stated<R>(_ body: () throws -> R) throws -> R {
  do {
    return try body()
  } catch {
    throw CommandFailure(.failed, "\(error)")
  }
}

extension StateReport {
  func render(style: Style) -> String {
    var facts = Facts()
    facts.add("chain", chain)
    facts.add("height", String(height))
    facts.add("block", block)
    facts.add("time", time)
    facts.add("state root", stateRoot)
    facts.add("records", String(records))
    facts.add("certified by", "\(votes) validators of committee \(committee)" + (groupSigned ? ", and the group" : ""))
    if let groupKey { facts.add("group key", groupKey) }
    if let checkedBy { facts.add("checked by", checkedBy) }
    return facts.render(style: style)
  }
}
