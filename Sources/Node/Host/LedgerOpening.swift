// From what lies on disk to a state that a replica can go on from.

import Clearing
import Consensus
import Ledger
import Logging
import Primitives
import Replica
import Sodium
import Storage
import Wire

/// An opened ledger with the state that its records describe.
struct LedgerOpening {
  let store: LMDBStore
  let journal: Journal
  let state: LedgerState
  let recovery: Recovery

  /// Opens the ledger of a node, creating block 0 in an empty one. Refuses one of another chain, and a damaged one unless
  /// it may be fetched from peers.
  ///
  /// `mayRenewJournal` sees the state before the journal is opened: whether a missing one may be made anew, as if nothing
  /// had been forgotten. What it throws keeps the node from starting with the files as they are.
  static func open(
    ledger: String, genesis: Genesis, identity: PublicKey, mapSizeMax: Int, onDamage: NodeConfiguration.OnDamage,
    log: Logger, mayRenewJournal: (LedgerState) throws -> Bool
  ) throws -> LedgerOpening {
    let (store, state): (LMDBStore, LedgerState)
    do {
      (store, state) = try openState(ledger, genesis, mapSizeMax)
    } catch let error as StoreError where error.kind == .damaged && onDamage == .resync && genesis.validators.count > 1
    {
      // Only what rotted: an inconsistent ledger is no accident of this disk, and every node might have it.
      let path = try Quarantine.isolate(ledger: ledger, at: Clock.wall)
      log.error(
        "the ledger is damaged: it is put aside, and the chain is fetched from the peers",
        metadata: ["damage": "\(error.message)", "aside": "\(path)"])
      (store, state) = try openState(ledger, genesis, mapSizeMax)
    }
    let path = NodeHome.journalPath(ledger: ledger)
    if try mayRenewJournal(state), !FileAccess.exists(path) {
      try NodeHome.initialize(ledger: ledger, identity: identity)
    }
    let journal = try Journal(path: path, owner: NodeHome.journalOwner(identity))
    let found = journal.recovered()
    let records = try found.records.map { bytes -> JournalRecord in
      guard let record = try? WireReader.decode(JournalRecord.self, from: bytes) else {
        throw StoreError(
          .otherFormat, "The journal in \(ledger) holds a record that this version does not know.",
          advice: "Start the version that wrote it.")
      }
      return record
    }
    journal.discardRecovered()
    let recovery = state.recovery(journal: records, amnesiac: isAmnesia(found.condition))
    if recovery.amnesiac {
      // From now on the journal itself says that votes were forgotten, until agreement says otherwise.
      let committee = state.clearing.committeeNumber
      let epoch = committee > 0 ? [JournalRecord.epoch(committee).wireBytes] : []
      try journal.rewrite(keeping: epoch + [JournalRecord.consensus(.amnesiac(true)).wireBytes])
      log.warning(
        "the journal is missing or damaged: this validator votes again when that is provably safe",
        metadata: ["journal": "\(NodeHome.journalPath(ledger: ledger))", "found": "\(found.condition)"])
    } else if let index = state.index(of: identity),
      recovery.isJournalOlderThanLedger(of: index, in: state.clearing.committeeNumber)
    {
      log.warning(
        "the journal is older than the ledger: this validator votes again when that is provably safe",
        metadata: ["journal": "\(NodeHome.journalPath(ledger: ledger))"])
    }
    return LedgerOpening(store: store, journal: journal, state: state, recovery: recovery)
  }

  private static func openState(
    _ ledger: String, _ genesis: Genesis, _ mapSizeMax: Int
  ) throws -> (LMDBStore, LedgerState) {
    let store = try LMDBStore(
      path: NodeHome.databasePath(ledger: ledger), chain: genesis.chain, maximumMapSize: mapSizeMax)
    do {
      let state = try LedgerState(of: store, genesis: genesis, scheme: .ed25519)
      guard !state.clearing.validators.isEmpty else {
        throw StoreError(
          .otherFormat, "The ledger in \(ledger) names no validators.", advice: "Start the version that wrote it.")
      }
      return (store, state)
    } catch {
      store.close()
      throw error
    }
  }

  private static func isAmnesia(_ condition: JournalCondition) -> Bool {
    switch condition {
    case .clean, .tornTailCut: false
    case .damaged, .missing: true
    }
  }
}
