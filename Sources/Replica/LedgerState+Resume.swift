// A ledger that begins with the state of another chain (R3, R4).

import Clearing
public import Ledger
import Primitives
public import Sodium
import Wire

extension LedgerState {
  /// Writes the block that stands for `genesis` into an empty store: the exported state with the new committee in it.
  /// Throws `otherChain` where it is not the state that the genesis names, and `inconsistent` where it does not decode.
  public static func resume(
    _ exported: ExportedState, into store: any LedgerStore, genesis: Genesis, scheme: SignatureScheme
  ) throws(StoreError) {
    guard let point = genesis.resume else {
      throw StoreError(.otherChain, "The genesis does not go on from another chain.")
    }
    guard exported.resumePoint == point else {
      throw StoreError(
        .otherChain,
        "The exported state is that of chain \(exported.chain.hex) after block \(exported.height) with the root "
          + "\(exported.root().hex); the genesis goes on from chain \(point.chain.hex) after block \(point.height) with "
          + "the root \(point.stateRoot.hex).")
    }
    guard try store.head() == nil else { throw StoreError(.invalidCommit, "The ledger is not empty.") }
    var state = ClearingHouse(restoring: genesis.market, chain: genesis.chain)
    var kept: [RecordChange] = []
    let system = SystemTables()
    let own = [system.blocks.id, system.keys.id, system.keyMessages.id]
    for record in exported.records where !own.contains(record.table) {
      var loader = LoadRecord(table: record.table, key: record.key, value: record.value ?? [])
      state.visitTables(&loader)
      guard loader.isTaken, loader.error == nil else {
        throw StoreError(
          .inconsistent, "A record of table \(record.table.rawValue) in the exported state does not decode.")
      }
      kept.append(record)
    }
    state.rebuildIndices()
    state.resume(with: genesis.members, at: genesis.base, into: &kept)
    var fresh = SystemState(genesis: genesis, chain: genesis.chain, scheme: scheme)
    fresh.sealGenesis(into: &kept)
    var tree = StateTree()
    tree.update(kept)
    try store.commit(blockZero(genesis, kept, root: tree.root))
  }
}
