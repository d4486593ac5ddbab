// One block on its way from a proposal to the ledger.

public import Clearing
public import Consensus
import Gossip
import Ledger
public import Primitives

/// What executing a block gave.
public struct ExecutedBlock: Sendable {
  /// E1: another committee orders what follows.
  public var endsCommittee = false
  /// The validators, or what is known of them, are others after it.
  public var changesMembers = false
  public var stateRoot: Digest
  public var result: BlockResult
  /// The outcomes' canonical bytes, in the order of execution.
  public var receipts: [[UInt8]]
  /// Canonical bytes of its `BlockEvents`.
  public var events: [UInt8]
  /// Path in the state tree of the record that holds the root over them.
  public var receiptsProof: [UInt8]
}

/// Everything known of one block above the last committed one.
struct Block {
  let hash: Digest
  @Indirect var proposal: Proposal
  let cut: LaneCut
  /// The range over this block and all its ancestors.
  let history: HistoryTree
  /// Batches that came with the block in catch-up or were executed; nil while they are in the lanes alone.
  var batches: [HeldBatch]?
  @Boxed var executed: ExecutedBlock?
  /// This node's share of the signature on the state after it; empty where it has none. Made once a root.
  var share: (root: Digest, bytes: [UInt8])?
  /// Its order is final.
  @Boxed var certificate: Certificate?
  @Boxed var stateCertificate: Certificate?

  var header: Header { proposal.header }
}

/// A block whose order is final and which this node has executed: what clients, streams and metrics are told.
public struct FinalizedBlock: Sendable {
  public var hash: Digest
  public var header: Header
  public var executed: ExecutedBlock
  public var certificate: Certificate
  /// Bytes of its transactions in the order of the cut.
  public var transactionBytes: Int
}
