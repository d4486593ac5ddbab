// Who the validators are and were, as far as this node knows: by its state, by the records of a ledger that no node has
// open, or by the genesis alone.

import Clearing
import Consensus
import Ledger
import Primitives
import Replica
import Storage
import Wire

struct KnownValidators {
  /// The present committee, in its order.
  let members: [Validator]
  /// Of everybody who is a validator or ever was one.
  let keys: Set<PublicKey>
  /// The ledger does not tell: it has only begun, a node has it open, or it is damaged. Others may be validators by now.
  let isPartial: Bool

  /// Of a node that has no ledger yet, or cannot read it.
  init(_ genesis: Genesis, isPartial: Bool = false) {
    self.init(members: genesis.members, past: genesis.validators.map(\.key), isPartial: isPartial)
  }

  init(_ state: LedgerState, _ genesis: Genesis) {
    let past = state.clearing.committees.flatMap { $0.record.keys }
    // A ledger that has only begun tells nothing of those who joined later.
    self.init(
      members: state.clearing.validators, past: genesis.validators.map(\.key) + past, isPartial: state.head == nil)
  }

  private init(members: [Validator], past: [PublicKey], isPartial: Bool) {
    self.members = members
    keys = Set(past + members.map(\.key))
    self.isPartial = isPartial
  }

  /// Reads a few records of a stopped node's ledger and changes nothing but LMDB's lock file.
  static func read(ledger: String, _ genesis: Genesis) -> KnownValidators {
    let database = NodeHome.databasePath(ledger: ledger)
    guard FileAccess.exists(database + "/" + LMDBStore.fileName) else { return KnownValidators(genesis) }
    do {
      let store = try LMDBStore(path: database, chain: genesis.chain, opening: .existing)
      defer { store.close() }
      return try read(store, genesis)
    } catch {
      return KnownValidators(genesis, isPartial: true)
    }
  }

  private static func read(_ store: LMDBStore, _ genesis: Genesis) throws -> KnownValidators {
    var members: [Validator] = []
    while members.count < Limits.maxValidators {
      var key = WireWriter()
      key.write(UInt16(truncatingIfNeeded: members.count))
      guard let bytes = try store.record(table: ClearingTables().members.id, key: key.bytes) else { break }
      members.append(try WireReader.decode(Validator.self, from: bytes))
    }
    // A ledger without block 0.
    guard !members.isEmpty else { return KnownValidators(genesis) }
    var past = genesis.validators.map(\.key)
    var number: Epoch = 1
    while let committee = try LedgerCertificate.committee(number, in: store, genesis: genesis) {
      past += committee.keys
      number += 1
    }
    return KnownValidators(members: members, past: past, isPartial: false)
  }

  /// The place of whoever has this key in the present committee; nil for an observer.
  func index(of key: PublicKey) -> Int? { members.firstIndex { $0.key == key } }
}
