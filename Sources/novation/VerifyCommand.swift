// `novation verify`: a certificate, receipt or account checked offline.

import ArgumentParser
import Node
import Primitives

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Check a certificate, receipt or record proof offline.",
    discussion: """
      PROOF is what `novation query ... --proof --json` printed, or - for standard input. Every field is recomputed from \
      bytes that a quorum signed; those that cannot be are named; a document in which one differs is refused. Networks \
      without a group key prove by the votes of their validators: their keys come from the genesis, which must be that of \
      the chain.
      """)

  @Argument(help: "File with the printed document, or -.") var proof: String
  @Option(help: "Chain id that you trust.") var chain: String
  @Option(help: "Group key that you trust; for networks that have one.") var groupKey: String?
  @Option(name: [.customLong("genesis"), .customLong("validators")], help: "The network's genesis.json.")
  var genesis: String?
  @Flag(help: "Print one JSON document.") var json = false

  func validate() throws {
    guard Digest(hex: chain) != nil else { throw ValidationError("--chain is not 64 hex digits") }
    guard groupKey.map({ PublicKey(hex: $0) != nil }) ?? true else {
      throw ValidationError("--group-key is not 64 hex digits")
    }
  }

  func run() throws {
    guard let genesis else {
      throw CommandFailure(
        .failed, "this network has no group key yet, so a proof is checked by its validators' keys",
        hint: "give --genesis FILE with the genesis of chain \(chain)")
    }
    let report = try explained {
      let verifier = try ProofVerifier(
        genesis: try GenesisFile.load(genesis).genesis(), chain: Digest(hex: chain) ?? .zero)
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
