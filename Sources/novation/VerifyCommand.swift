// `novation verify`: a certificate, receipt or account checked offline.

import ArgumentParser
import Node
import Primitives

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Check a certificate, receipt or record proof offline.",
    discussion: """
      PROOF is what `novation query ... --proof --json` printed, or - for standard input. Every field is recomputed from \
      bytes that the group of validators signed; those that cannot be are named; a document in which one differs is \
      refused. With --genesis the validators' own votes are checked as well, where the document has them (`novation query \
      certificate HEIGHT --votes --json`); then --group-key may be left out.

      PROOF may also be a file of `novation export-state`: the root of its records is recomputed and held against the \
      votes, by each of --genesis, --group-key and --config that is given.
      """)

  @Argument(help: "File with the printed document, or -.") var proof: String
  @Option(help: "Chain id that you trust.") var chain: String
  @Option(help: "Group key that you trust: the one that every certificate of the chain names.") var groupKey: String?
  @Option(name: [.customLong("genesis"), .customLong("validators")], help: "The network's genesis.json.")
  var genesis: String?
  @Option(help: "For an exported state: configuration of a stopped node whose ledger you trust.") var config: String?
  @Flag(help: "Print one JSON document.") var json = false

  func validate() throws {
    guard Digest(hex: chain) != nil else { throw ValidationError("--chain is not 64 hex digits") }
    guard groupKey.map({ PublicKey(hex: $0) != nil }) ?? true else {
      throw ValidationError("--group-key is not 64 hex digits")
    }
    guard groupKey != nil || genesis != nil || config != nil else {
      throw ValidationError("give --group-key, or --genesis to check by the validators' votes")
    }
  }

  func run() throws {
    let bytes = try explained {
      proof == "-"
        ? try FileAccess.read(descriptor: 0, name: "standard input", limit: ProofVerifier.bytesMax)
        : try FileAccess.read(proof, limit: StateFile.isOne(path: proof) ? StateFile.bytesMax : ProofVerifier.bytesMax)
    }
    if StateFile.isOne(bytes) { return try verifyState(bytes) }
    guard groupKey != nil || genesis != nil else {
      throw CommandFailure(.usage, "--config is for an exported state, and this is none: give --group-key or --genesis")
    }
    let report = try explained {
      let verifier = try ProofVerifier(
        chain: Digest(hex: chain) ?? .zero, groupKey: groupKey.flatMap { PublicKey(hex: $0) },
        genesis: try genesis.map { try GenesisFile.load($0).genesis() })
      return try verifier.verify(bytes)
    }
    if json {
      Terminal.output.line(JSONText.render(report))
    } else {
      Terminal.output.write(report.render(style: Terminal.output.style))
    }
  }

  private func verifyState(_ bytes: [UInt8]) throws {
    let report = try stated {
      try StateFile.verify(
        bytes, name: proof, chain: Digest(hex: chain) ?? .zero,
        genesis: try genesis.map { try GenesisFile.load($0).genesis() },
        groupKey: groupKey.flatMap { PublicKey(hex: $0) }, configurationPath: config)
    }
    if json { return Terminal.output.line(JSONText.render(report)) }
    Terminal.output.write(report.render(style: Terminal.output.style))
  }
}
