// Whether the certificates that a ledger holds prove its state: by the group key, and that key by its validators' votes.

import Clearing
import Consensus
import Ledger
import Primitives
import Replica
import Sodium
import Storage
import Threshold
import Wire

enum LedgerCertificate {
  /// The group key in a ledger's records; nil before key generation is through.
  static func groupKey(in store: LMDBStore) throws -> PublicKey? {
    guard let bytes = try store.record(table: SystemTables().keys.id, key: SystemKey().wireBytes) else { return nil }
    return try? WireReader.decode(KeyScheduleRecord.self, from: bytes).schedule.active?.groupKey
  }

  /// The validators that signed as this committee; nil for one that the ledger does not know.
  static func committee(_ number: Epoch, in store: LMDBStore, genesis: Genesis) throws -> Committee? {
    if number == genesis.committee.epoch { return genesis.committee }
    guard let bytes = try store.record(table: ClearingTables().committees.id, key: CommitteeKey(number).wireBytes),
      let record = try? WireReader.decode(CommitteeRecord.self, from: bytes), !record.keys.isEmpty
    else { return nil }
    return Committee(chain: genesis.chain, epoch: number, keys: record.keys)
  }

  /// What is wrong with what proves the newest block; nil when a quorum of its committee signed its state, and what the
  /// group signed last is what the ledger holds.
  static func fault(in store: LMDBStore, genesis: Genesis) throws -> String? {
    guard let head = try store.head(), head.height > genesis.base else { return nil }
    guard let block = try store.block(at: head.height) else { return "block \(head.height) is missing" }
    guard let held = try? WireReader.decode(Certificates.self, from: block.certificates), let votes = held.state else {
      return "no quorum signed the state at height \(head.height)"
    }
    guard votes.kind == .state, votes.block == block.hash, votes.stateRoot == block.stateRoot else {
      return "the votes at height \(head.height) are for another block or state"
    }
    guard let committee = try committee(votes.epoch, in: store, genesis: genesis) else {
      return "the votes at height \(head.height) are of committee \(votes.epoch), which the ledger does not know"
    }
    guard votes.verify(committee: committee, scheme: .ed25519) else {
      return "the votes at height \(head.height) are not those of a quorum of this network"
    }
    guard let stored = try store.latestCertificate() else { return nil }
    return try fault(of: stored, in: store, genesis: genesis)
  }

  /// What is wrong with a 64-byte certificate.
  static func fault(of stored: StoredCertificate, in store: LMDBStore, genesis: Genesis) throws -> String? {
    let height = stored.height
    guard let certificate = try? WireReader.decode(GroupCertificate.self, from: stored.bytes) else {
      return "the certificate at height \(height) does not decode"
    }
    guard let block = try store.block(at: height) else { return "block \(height), which is certified, is missing" }
    guard certificate.headerHash == block.hash, certificate.stateRoot == block.stateRoot else {
      return "the certificate at height \(height) is of another block or state"
    }
    guard let key = try groupKey(in: store) else { return "a block is certified, but the records hold no group key" }
    guard certificate.verify(chain: genesis.chain, groupKey: key) else {
      return "the signature of the certificate at height \(height) is not the group's"
    }
    return nil
  }
}
