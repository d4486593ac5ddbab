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
      """)

  @Argument(help: "File with the printed document, or -.") var proof: String
  @Option(help: "Chain id that you trust.") var chain: String
  @Option(help: "Group key that you trust: the one that every certificate of the chain names.") var groupKey: String?
  @Option(name: [.customLong("genesis"), .customLong("validators")], help: "The network's genesis.json.")
  var genesis: String?
  @Flag(help: "Print one JSON document.") var json = false

  func validate() throws {
    guard Digest(hex: chain) != nil else { throw ValidationError("--chain is not 64 hex digits") }
    guard groupKey.map({ PublicKey(hex: $0) != nil }) ?? true else {
      throw ValidationError("--group-key is not 64 hex digits")
    }
    guard groupKey != nil || genesis != nil else {
      throw ValidationError("give --group-key, or --genesis to check by the validators' votes")
    }
  }

  func run() throws {
    let report = try explained {
      let verifier = try ProofVerifier(
        chain: Digest(hex: chain) ?? .zero, groupKey: groupKey.flatMap { PublicKey(hex: $0) },
        genesis: try genesis.map { try GenesisFile.load($0).genesis() })
      let bytes =
        proof == "-"
        ? try FileAccess.read(descriptor: 0, name: "standard input", limit: ProofVerifier.bytesMax)
        : try FileAccess.read(proof, limit: ProofVerifier.bytesMax)
      return try verifier.verify(bytes)
    }
    if json {
      Terminal.output.line(JSONText.render(report))
    } else {
      Terminal.output.write(report.render(style: Terminal.output.style))
    }
  }
}
