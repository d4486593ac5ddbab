// Whether the certificate that a ledger holds proves the state of one of its blocks, by the validators of the genesis.

import Consensus
import Ledger
import Primitives
import Replica
import Sodium
import Storage
import Wire

enum LedgerCertificate {
  /// What is wrong with `stored`; nil when a quorum signed that block and that state.
  static func fault(of stored: StoredCertificate, in store: LMDBStore, genesis: Genesis) throws -> String? {
    let height = stored.height
    guard let certificate = try? WireReader.decode(Certificate.self, from: stored.bytes), certificate.kind == .state
    else { return "the certificate at height \(height) does not decode" }
    guard let block = try store.block(at: height) else { return "block \(height), which is certified, is missing" }
    guard certificate.block == block.hash, certificate.stateRoot == block.stateRoot else {
      return "the certificate at height \(height) is of another block or state"
    }
    let committee = Committee(
      chain: genesis.chain, epoch: certificate.epoch, keys: genesis.validators.map(\.key))
    guard certificate.verify(committee: committee, scheme: .ed25519) else {
      return "the signatures of the certificate at height \(height) are not those of a quorum of this genesis"
    }
    return nil
  }
}
