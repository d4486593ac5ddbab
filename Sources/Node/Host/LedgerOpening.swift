// From what lies on disk to a state that a replica can go on from.

import Clearing
import Consensus
import Ledger
import Logging
import Primitives
import Replica
import Storage
import Wire

/// An opened ledger with the state that its records describe.
struct LedgerOpening {
  let store: LMDBStore
  let journal: Journal
  let clearing: ClearingHouse
  let tree: StateTree
  let recovery: Recovery

  /// Opens the ledger of a node, creating block 0 in an empty one. Refuses what is damaged or of another chain.
  static func open(
    ledger: String, genesis: Genesis, identity: PublicKey, mapSizeMax: Int, log: Logger
  ) throws -> LedgerOpening {
    let store = try LMDBStore(
      path: NodeHome.databasePath(ledger: ledger), chain: genesis.chain, maximumMapSize: mapSizeMax)
    var clearing = ClearingHouse(restoring: genesis.market, chain: genesis.chain)
    var tree = StateTree()
    if let head = try store.head() {
      try restore(&clearing, &tree, from: store)
      guard tree.root == head.stateRoot else {
        throw StoreError(
          .damaged,
          "The records in \(ledger) have the root \(tree.root.hex), but block \(head.height) says \(head.stateRoot.hex).",
          advice: "Run novation doctor, or restore a backup.")
      }
    } else {
      var fresh = ClearingHouse(genesis: genesis.market, chain: genesis.chain)
      var changes: [RecordChange] = []
      fresh.sealGenesis(into: &changes)
      tree.update(changes)
      try store.commit(Self.blockZero(genesis, changes, root: tree.root))
      clearing = fresh
    }
    let journal = try Journal(path: NodeHome.journalPath(ledger: ledger), owner: NodeHome.journalOwner(identity))
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
    let recovery = Recovery(
      head: try head(of: store), history: try history(of: store, genesis: genesis), journal: records,
      amnesiac: isAmnesia(found.condition), recentRoots: try recentRoots(of: store),
      certificates: try LedgerState.recentCertificates(of: store))
    if recovery.amnesiac {
      // From now on the journal itself says that votes were forgotten, until agreement says otherwise.
      try journal.rewrite(keeping: [JournalRecord.consensus(.amnesiac(true)).wireBytes])
      log.warning(
        "the journal is missing or damaged: this validator votes again when that is provably safe",
        metadata: ["journal": "\(NodeHome.journalPath(ledger: ledger))", "found": "\(found.condition)"])
    } else if let index = genesis.validators.firstIndex(where: { $0.key == identity }),
      recovery.isJournalOlderThanLedger(of: ValidatorIndex(truncatingIfNeeded: index))
    {
      log.warning(
        "the journal is older than the ledger: this validator votes again when that is provably safe",
        metadata: ["journal": "\(NodeHome.journalPath(ledger: ledger))"])
    }
    return LedgerOpening(store: store, journal: journal, clearing: clearing, tree: tree, recovery: recovery)
  }

  /// Roots of the last blocks, against which headers that state one are held (C15).
  private static func recentRoots(of store: LMDBStore) throws -> [(height: Height, root: Digest)] {
    guard let head = try store.head() else { return [] }
    var roots: [(height: Height, root: Digest)] = []
    for height in (head.height > 16 ? head.height - 16 : 0)...head.height {
      if let block = try store.block(at: height) { roots.append((height, block.stateRoot)) }
    }
    return roots
  }

  private static func isAmnesia(_ condition: JournalCondition) -> Bool {
    switch condition {
    case .clean, .tornTailCut: false
    case .damaged, .missing: true
    }
  }

  private static func restore(_ clearing: inout ClearingHouse, _ tree: inout StateTree, from store: LMDBStore) throws {
    var batch: [RecordChange] = []
    var fault: WireError?
    var state = clearing
    var rebuilt = tree
    try store.records { table, key, value in
      var loader = LoadRecord(table: table, key: key, value: value)
      state.visitTables(&loader)
      guard loader.isTaken else {
        fault = loader.error ?? WireError(.invalid("table \(table.rawValue)"), at: 0)
        return false
      }
      batch.append(RecordChange(table: table, key: key, value: value))
      if batch.count == 65_536 {
        rebuilt.update(batch)
        batch.removeAll(keepingCapacity: true)
      }
      return true
    }
    if let fault {
      throw StoreError(.damaged, "A record of the ledger does not decode: \(fault).", advice: "Restore a backup.")
    }
    rebuilt.update(batch)
    state.rebuildIndices()
    clearing = state
    tree = rebuilt
  }

  private static func blockZero(_ genesis: Genesis, _ changes: [RecordChange], root: Digest) -> LedgerCommit {
    var history = HistoryTree()
    history.append(genesis.chain)
    let block = StoredBlock(
      height: 0, hash: genesis.chain, timestamp: genesis.market.time, stateRoot: root, proposal: [], batches: [],
      certificates: [], transactions: [], receipts: [])
    return LedgerCommit(blocks: [block], changes: changes, meta: [LedgerMeta.history: history.wireBytes])
  }

  private static func head(of store: LMDBStore) throws -> FinalBlock? {
    guard let head = try store.head(), head.height > 0, let stored = try store.block(at: head.height) else {
      return nil
    }
    guard let block = FinalBlock(stored) else {
      throw StoreError(.damaged, "Block \(head.height) does not decode.", advice: "Restore a backup.")
    }
    return block
  }

  private static func history(of store: LMDBStore, genesis: Genesis) throws -> HistoryTree {
    guard let bytes = try store.meta(LedgerMeta.history),
      let history = try? WireReader.decode(HistoryTree.self, from: bytes)
    else { throw StoreError(.damaged, "The ledger's history range is missing.", advice: "Restore a backup.") }
    return history
  }
}
