// A printed receipt, recomputed from the outcome that lies under the certified state root.

import Clearing
import Consensus
import Ledger
import Primitives
import Replica
import Wire

enum ProvenReceipt {
  /// What the receipt must say by its proof: every field of it. Refuses an outcome that is not under the root.
  static func expected(
    _ document: JSONValue, inclusion: JSONValue, certified: CertifiedState
  ) throws(ProofFault) -> JSONValue {
    let outcome: TransactionOutcome = try CertifiedState.decode(inclusion, "outcome", "outcome of a transaction")
    let record: BlockRecord = try CertifiedState.decode(inclusion, "record", "record of a block")
    let recordPath: StateProof = try CertifiedState.decode(inclusion, "recordPath", "path in the state tree")
    guard
      recordPath.verify(
        root: certified.stateRoot, table: SystemTables().blocks.id, key: SystemKey().wireBytes,
        value: record.wireBytes)
    else { throw ProofFault("proof.receipt.record is not under the certified state root") }
    guard record.height == certified.header.height else {
      throw ProofFault(
        "proof.receipt.record is of height \(record.height), the certificate of \(certified.header.height)")
    }
    guard let index = document["index"]?.integer, let path = inclusion["path"]?.array, path.count <= 64 else {
      throw ProofFault("the receipt has no index, or proof.receipt.path is not a list")
    }
    var siblings: [Digest] = []
    for sibling in path {
      guard let digest = sibling.string.flatMap({ Digest(hex: $0) }) else {
        throw ProofFault("proof.receipt.path is not a list of digests")
      }
      siblings.append(digest)
    }
    let root = Int(exactly: index).flatMap {
      ReceiptTree.root(of: outcome.wireBytes, at: $0, count: Int(record.receipts), path: siblings)
    }
    guard root == record.receiptsRoot else {
      throw ProofFault("proof.receipt.outcome is not the receipt at index \(index) of its block")
    }
    let receipt = Receipt(
      transaction: outcome.hash, height: record.height, index: UInt32(truncatingIfNeeded: index),
      stateRoot: certified.stateRoot, outcome: outcome)
    let printed = ReceiptDocument(receipt, underlyings: record.underlyings)
    guard let parsed = JSONText.parse(JSONValue.self, Array(JSONText.render(printed).utf8)),
      case .object(var members) = parsed, case .object(var proof) = certified.expected
    else { throw ProofFault("the receipt has no document") }
    proof["receipt"] = inclusion
    members["proof"] = .object(proof)
    return .object(members)
  }
}
