// `novation doctor`, `backup`, `snapshot`, `restore`: care of a node's ledger.

import Primitives
import ArgumentParser
import Node

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Look for what keeps a stopped node from starting or voting.",
    discussion: """
      Reads configuration, genesis, key file, disk, every checksum and root of the ledger, its newest certificate, the \
      journal and the clock. Changes nothing. Fails if the node would not start or not vote.
      """)

  @Option(help: "Configuration file of the node.", completion: .file()) var config: String
  @OptionGroup var json: JSONFlag

  func run() throws {
    let progress = Progress("doctor")
    let diagnosis: Diagnosis
    do {
      diagnosis = try Doctor.examine(configurationPath: config) { progress.update($0) }
    } catch {
      progress.finish()
      throw CommandFailure(.failed, "\(error)")
    }
    progress.finish()
    if json.json {
      Terminal.output.line(JSONText.render(diagnosis))
    } else {
      Terminal.output.write(Self.render(diagnosis, style: Terminal.output.style))
    }
    if !diagnosis.healthy { throw ExitCode(CommandFailure.Code.failed.rawValue) }
  }

  private static func render(_ diagnosis: Diagnosis, style: Style) -> String {
    var table = TextTable([.init("check"), .init("state"), .init("what was found")])
    for finding in diagnosis.findings {
      let colour: Style.Colour =
        switch finding.state {
        case .fine: .green
        case .warning: .yellow
        case .bad: .red
        }
      table.add(["\(finding.check)", .init(finding.state.rawValue, colour), .init(finding.detail)])
    }
    var text = table.render(style: style)
    let advice = diagnosis.findings.compactMap { finding in finding.advice.map { "\(finding.check): \($0)" } }
    if !advice.isEmpty { text += "\nWhat to do:\n" + advice.map { "  \(printable($0))\n" }.joined() }
    return text
  }
}

struct BackupCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backup", abstract: "Copy a node's ledger, and verify the copy; the node may run.",
    discussion: """
      The copy holds no key and no journal, so that a node restored from it cannot vote twice. Keep the identity key \
      apart. --to makes one copy; --into makes one named after the time and removes the oldest beyond --keep.
      """)

  @Option(help: "Configuration file of the node.", completion: .file()) var config: String
  @Option(name: .customLong("to"), help: "Directory to make; it must not exist.", completion: .directory)
  var target: String?
  @Option(name: .customLong("into"), help: "Directory that holds copies.", completion: .directory) var folder: String?
  @Option(help: "Copies to keep in --into.") var keep = 7
  @OptionGroup var json: JSONFlag

  private struct Result: Encodable {
    var backup: BackupManifest
    var path: String
    var removed: [String]
  }

  func validate() throws {
    if (target == nil) == (folder == nil) { throw ValidationError("give either --to or --into.") }
    if !(1...10_000).contains(keep) { throw ValidationError("--keep: 1 to 10000.") }
  }

  func run() throws {
    let progress = Progress("backup")
    if let target {
      let manifest = try cared(progress) {
        try Backup.make(configurationPath: config, to: target) { progress.update($0) }
      }
      return json.json ? Terminal.output.line(JSONText.render(manifest)) : report(manifest, target)
    }
    let (manifest, path, removed) = try cared(progress) {
      try Backup.make(configurationPath: config, into: folder ?? "", keep: keep) { progress.update($0) }
    }
    if json.json {
      return Terminal.output.line(JSONText.render(Result(backup: manifest, path: path, removed: removed)))
    }
    report(manifest, path)
    if !removed.isEmpty { Terminal.output.line("removed: \(removed.joined(separator: " "))") }
  }

  private func report(_ manifest: BackupManifest, _ path: String) {
    Terminal.output.line(
      "\(printable(path)): height \(manifest.height), \(manifest.records) records, verified, certified at height "
        + "\(manifest.certifiedHeight)")
  }
}

struct SnapshotCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "snapshot", abstract: "Copy a node's state and newest blocks, and verify the copy; the node may run.",
    discussion: """
      Like a backup, but without the history: enough to start a node from with `novation restore`, which then has the blocks \
      from there on, as a pruned one. The manifest names height, state root and certified height.
      """)

  @Option(help: "Configuration file of the node.", completion: .file()) var config: String
  @Option(name: .customLong("to"), help: "Directory to make; it must not exist.", completion: .directory)
  var target: String
  @OptionGroup var json: JSONFlag

  func run() throws {
    let progress = Progress("snapshot")
    let manifest = try cared(progress) {
      try Backup.make(configurationPath: config, to: target, history: false) { progress.update($0) }
    }
    if json.json { return Terminal.output.line(JSONText.render(manifest)) }
    Terminal.output.line(
      "\(printable(target)): height \(manifest.height), state root \(manifest.stateRoot), \(manifest.records) records, "
        + "verified, certified at height \(manifest.certifiedHeight)")
  }
}

struct RestoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore", abstract: "Put a backup in the place of a stopped node's ledger.",
    discussion: """
      The copy is read whole and its certificate held against the genesis before anything is touched; the old ledger and \
      journal are kept beside the new one. A validator then votes again when its peers prove that this is safe.
      """)

  @Option(help: "Configuration file of the node.", completion: .file()) var config: String
  @Option(name: .customLong("from"), help: "Directory that `novation backup` made.", completion: .directory)
  var source: String?
  @Option(help: "File of `novation export-state` that the genesis goes on from.", completion: .file())
  var state: String?
  @OptionGroup var json: JSONFlag

  private struct Result: Encodable {
    var restored: BackupManifest
    var kept: String?
  }

  private struct Resumed: Encodable {
    var height: UInt64
    var stateRoot: String
    var kept: String?
  }

  func validate() throws {
    if (source == nil) == (state == nil) { throw ValidationError("give either --from or --state.") }
  }

  func run() throws {
    let progress = Progress("restore")
    if let state {
      let (height, root, kept) = try cared(progress) { try StateFile.restore(configurationPath: config, from: state) }
      if json.json {
        return Terminal.output.line(JSONText.render(Resumed(height: height, stateRoot: root.hex, kept: kept)))
      }
      Terminal.output.line("goes on at height \(height), state root \(root.hex)")
      if let kept { Terminal.output.line("the former chain's ledger is kept at \(printable(kept))") }
      return
    }
    let (manifest, kept) = try cared(progress) {
      try Backup.restore(configurationPath: config, from: source ?? "") { progress.update($0) }
    }
    if json.json { return Terminal.output.line(JSONText.render(Result(restored: manifest, kept: kept))) }
    Terminal.output.line("restored height \(manifest.height) of \(manifest.time), state root \(manifest.stateRoot)")
    if let kept {
      Terminal.output.line("the old ledger is kept at \(printable(kept)); remove it when the node is well")
    }
  }
}

private func cared<R>(_ progress: Progress, _ body: () throws -> R) throws -> R {
  defer { progress.finish() }
  do {
    return try body()
  } catch {
    throw CommandFailure(.failed, "\(error)")
  }
}
