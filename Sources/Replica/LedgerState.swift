// From what a ledger holds to what a replica starts from; the same for the disk and for its in-memory twin.

public import Clearing
public import Consensus
public import Ledger
public import Primitives
public import Sodium
import Threshold
import Wire

/// A ledger's last block with the state that its records describe.
public struct LedgerState: Sendable {
  public let clearing: ClearingHouse
  public let system: SystemState
  public let tree: StateTree
  /// Nil for a ledger that has only genesis.
  public let head: FinalBlock?
  public let history: HistoryTree
  /// Roots of the last blocks, against which headers that state one are held (C15).
  public let recentRoots: [(height: Height, root: Digest)]
  /// In which the age of a journal shows.
  public let ballot: OwnBallot?
  /// R3: the block that stands for the genesis, where that is not at height 0.
  public let genesis: Proposal?

  /// Reads `store`, after writing block 0 into an empty one. Throws `inconsistent` when the records do not have the root that
  /// the last block names, or do not decode.
  public init(of store: any LedgerStore, genesis: Genesis, scheme: SignatureScheme) throws(StoreError) {
    if genesis.resume != nil, try store.head() == nil {
      throw StoreError(
        .missing, "This genesis goes on from the state of another chain, and the ledger is empty.",
        advice: "Put the exported state in place: novation restore --state FILE.")
    }
    self.genesis = genesis.block
    if let head = try store.head() {
      (clearing, system, tree) = try Self.restore(store, genesis, scheme)
      guard tree.root == head.stateRoot else {
        throw Self.inconsistent(
          "The ledger's records have the root \(tree.root.hex), but block \(head.height) says \(head.stateRoot.hex).")
      }
    } else {
      var fresh = ClearingHouse(genesis: genesis.market, chain: genesis.chain, validators: genesis.members)
      var changes: [RecordChange] = []
      fresh.sealGenesis(into: &changes)
      var freshSystem = SystemState(genesis: genesis, chain: genesis.chain, scheme: scheme)
      freshSystem.sealGenesis(into: &changes)
      var rootTree = StateTree()
      rootTree.update(changes)
      try store.commit(Self.blockZero(genesis, changes, root: rootTree.root))
      (clearing, system, tree) = (fresh, freshSystem, rootTree)
    }
    head = try Self.head(of: store)
    guard let bytes = try store.meta(LedgerMeta.history),
      let kept = try? WireReader.decode(HistoryTree.self, from: bytes)
    else { throw Self.inconsistent("The ledger's history range is missing.") }
    history = kept
    recentRoots = try Self.recentRoots(of: store)
    ballot = try store.meta(LedgerMeta.ballot).flatMap { try? WireReader.decode(OwnBallot.self, from: $0) }
  }

  /// The place of whoever has this identity key among the validators after the last block; nil for an observer.
  public func index(of key: PublicKey) -> ValidatorIndex? {
    clearing.validators.firstIndex { $0.key == key }.map { ValidatorIndex(truncatingIfNeeded: $0) }
  }

  /// With the journal, what a replica is made from.
  public func recovery(journal: [JournalRecord], amnesiac: Bool) -> Recovery {
    var recovery = Recovery(
      head: head, history: history, journal: journal, amnesiac: amnesiac, recentRoots: recentRoots, ballot: ballot)
    recovery.genesis = genesis
    return recovery
  }

  private static func inconsistent(_ message: String) -> StoreError {
    StoreError(.inconsistent, message, advice: "Run novation doctor, or restore a backup.")
  }

  private static func restore(
    _ store: any LedgerStore, _ genesis: Genesis, _ scheme: SignatureScheme
  ) throws(StoreError) -> (ClearingHouse, SystemState, StateTree) {
    var batch: [RecordChange] = []
    var fault: WireError?
    var state = ClearingHouse(restoring: genesis.market, chain: genesis.chain)
    var system = SystemState(genesis: genesis, chain: genesis.chain, scheme: scheme)
    var tree = StateTree()
    try store.records { table, key, value in
      var loader = LoadRecord(table: table, key: key, value: value)
      state.visitTables(&loader)
      if !loader.isTaken { system.visitTables(&loader) }
      guard loader.isTaken, loader.error == nil else {
        fault = loader.error ?? WireError(.invalid("table \(table.rawValue)"), at: 0)
        return false
      }
      batch.append(RecordChange(table: table, key: key, value: value))
      if batch.count == 65_536 {
        tree.update(batch)
        batch.removeAll(keepingCapacity: true)
      }
      return true
    }
    if let fault { throw inconsistent("A record of the ledger does not decode: \(fault).") }
    tree.update(batch)
    state.rebuildIndices()
    system.rebuild()
    return (state, system, tree)
  }

  static func blockZero(_ genesis: Genesis, _ changes: [RecordChange], root: Digest) -> LedgerCommit {
    var history = HistoryTree()
    history.append(genesis.chain)
    let block = StoredBlock(
      height: genesis.base, hash: genesis.chain, timestamp: genesis.resume?.timestamp ?? genesis.market.time,
      stateRoot: root, proposal: [], batches: [],
      certificates: [], transactions: [], receipts: [])
    return LedgerCommit(blocks: [block], changes: changes, meta: [LedgerMeta.history: history.wireBytes])
  }

  private static func head(of store: any LedgerStore) throws(StoreError) -> FinalBlock? {
    guard let head = try store.head(), let stored = try store.block(at: head.height),
      !stored.proposal.isEmpty
    else { return nil }
    guard let block = FinalBlock(stored) else { throw inconsistent("Block \(head.height) does not decode.") }
    return block
  }

  private static func recentRoots(of store: any LedgerStore) throws(StoreError) -> [(height: Height, root: Digest)] {
    guard let head = try store.head() else { return [] }
    var roots: [(height: Height, root: Digest)] = []
    for height in (head.height.subtracting(ConsensusLimits.executionLag) ?? 0)...head.height {
      if let block = try store.block(at: height) { roots.append((height, block.stateRoot)) }
    }
    return roots
  }
}

extension FinalBlock {
  /// Bytes of one answer to a peer that catches up, so that it passes the channel's limit with room to spare.
  private static let answerBytes = 4 << 20

  /// Consecutive blocks of `store` from `height` on, as many as one answer holds; empty when there is none.
  public static func answer(from height: Height, store: any LedgerStore) -> [FinalBlock] {
    var blocks: [FinalBlock] = []
    var bytes = 0
    var next = height
    while blocks.count < PeerMessage.blocksMax, bytes < answerBytes,
      let stored = try? store.block(at: next), var block = FinalBlock(stored)
    {
      if let certificate = try? store.certificate(at: next) {
        block.groupCertificate = try? WireReader.decode(GroupCertificate.self, from: certificate.bytes)
      }
      bytes += stored.batches.reduce(stored.proposal.count) { $0 + $1.count }
      blocks.append(block)
      next += 1
    }
    return blocks
  }
}
