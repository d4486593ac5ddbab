// The numbers of dissemination: constants of the protocol, which decide what is valid and must be alike on every node,
// and settings, which a node may choose alone.

public import Primitives

/// Constants of the protocol (D9). All sizes in bytes.
public enum LaneLimits {
  /// The largest transaction.
  public static let transactionBytes = 128 << 10
  /// A batch that holds at least this much is sealed; so none is larger than this and one transaction.
  public static let sealBytes = 64 << 10
  /// Transactions of one batch.
  public static let batchTransactions = 4096
  /// The largest batch: what sealing can produce, with the count of each transaction and the batch's own fields.
  public static let batchBytes = sealBytes + transactionBytes + 4 * batchTransactions + 256
  /// How far one cut may advance a lane past its parent's, in batches.
  public static let batchesPerCut: UInt64 = 64
  /// Lanes of an epoch: what decoders accept.
  public static let lanes = 1024
  /// Requests of one `getBatches`.
  public static let requests = 64
  /// Bytes of batches in one answer.
  public static let answerBytes = 1 << 20
  /// Batches in one answer.
  public static let answerBatches = 256
  /// Views for which a lane that made a view slow needs proofs (D5).
  public static let standingViews: View = 256
}

/// What a node may choose alone. Times in nanoseconds, sizes in bytes.
public struct LaneSettings: Sendable, Hashable {
  /// How long a batch may collect while another is in flight (D2): at least, and at most where ordering is slow.
  public var sealDelay: Int64 = 3 * Duration64.millisecond
  public var sealDelayMax: Int64 = 20 * Duration64.millisecond
  /// Age at which the owner of an unordered tip asks for acknowledgements (D3): at least this, and three times what
  /// ordering takes at present; doubled for each time it asks again.
  public var solicitAfter: Int64 = 50 * Duration64.millisecond
  /// Longest pause between two such requests.
  public var solicitAtMost: Int64 = Duration64.second
  /// Shortest pause between two acknowledgements that a lane gets from this node (D3).
  public var ackPause: Int64 = 5 * Duration64.millisecond
  /// First wait for an answer before the next peer is asked, doubled each time up to `fetchAtMost`.
  public var fetchAfter: Int64 = 30 * Duration64.millisecond
  public var fetchAtMost: Int64 = 250 * Duration64.millisecond
  /// A batch that a cut named and that came this long after it was missed made the view slow (D5).
  public var slowAfter: Int64 = 100 * Duration64.millisecond
  /// Own batches that may be ahead of the final cut, and their bytes; above either, clients are refused (D9).
  public var batchesAhead = 64
  public var bytesAhead = 8 << 20
  /// The same for the lane of a peer, with room for a peer that knows of later final blocks; above, batches are dropped.
  public var foreignBatchesAhead = 128
  public var foreignBytesAhead = 16 << 20
  /// Final batches kept of each lane for peers a little behind.
  public var retainedBatches = 64
  public var retainedBytes = 4 << 20
  /// Bytes that a cut of this node adds over its parent's, all lanes together; each lane may add at least one batch.
  public var cutBytes = 8 << 20
  /// Bytes that one peer may fetch in each `answerWindow`.
  public var answerBytesPerWindow = 8 << 20
  public var answerWindow: Int64 = 250 * Duration64.millisecond
  /// Own transactions remembered to refuse repetitions (D8): at least this many, at most twice as many.
  public var rememberedTransactions = 65_536

  public init() {}
}
