// The validator set as a document: who is in it, what it can bear, and how each of it is doing as this node sees it.

public struct ValidatorsDocument: Codable, Sendable {
  public struct Validator: Codable, Sendable {
    public var index: Int
    public var name: String
    public var publicKey: String
    public var address: String
    /// As its operator says; empty where it does not.
    public var operatorName: String
    public var network: String
    public var country: String
    public var version: String
    public var state: String
    public var connected: Bool
    /// self | good | silent | disconnected: see `Health`.
    public var health: String
    /// Since its last message; null for the node itself and before the first one.
    @Nullable public var silentMilliseconds: Double?
    /// There and back, as the kernel measures it; null without a session.
    @Nullable public var roundTripMilliseconds: Double?
    /// It leads the present view.
    public var leader: Bool
    /// Of the latest `window` final blocks: those it proposed, and those whose certificate has its vote.
    public var proposed: Int
    public var votes: Int
    /// Whether it holds a share of the group key; null before there is one.
    @Nullable public var share: Bool?
    /// As everybody computes it from final blocks (rules H1 to H7), unlike `health`.
    public var record: Record
    /// USD that it has posted, and whether its key is barred: through a block, or for ever where there is none.
    public var bond: String
    public var jailed: Bool
    @Nullable public var jailedThrough: UInt64?
    /// That the state remembers of its key.
    public var offences: Int
  }

  /// What final blocks showed of a validator in the windows that are open.
  public struct Record: Codable, Sendable {
    /// leader | late | silent | absent | far
    public var faults: [String]
    /// Those for which it loses its place.
    public var counted: [String]
    /// Views of its own that became final blocks, and those that were skipped.
    public var led: UInt32
    public var missed: UInt32
    /// Validators that found it late in this epoch.
    public var foundLateBy: Int
    /// Epochs in a row in which nothing of its lane was ordered.
    public var silentEpochs: UInt32
    /// Rounds of an index, those without its price, and those in which that was far from the median.
    public var rounds: UInt32
    public var absent: UInt32
    public var far: UInt32
  }

  /// Somebody who may take a validator's place (rules H7 to H10).
  public struct Standby: Codable, Sendable {
    public var name: String
    public var publicKey: String
    public var address: String
    /// nominated | standby | resting | ready
    public var state: String
    public var nominations: Int
    /// Epochs before it may say that it is ready.
    public var restEpochs: UInt32
    /// How often it was put on standby, and how often shares could not be made with it.
    public var removals: UInt32
    public var failures: UInt32
    /// The place that it left is empty.
    public var leavesSeat: Bool
  }

  /// A change of the set that is not in force yet.
  public struct Change: Codable, Sendable {
    public var id: UInt64
    /// add | remove | replaceKey | address | data
    public var kind: String
    public var summary: String
    /// Names of validators.
    public var proposer: String
    public var approvals: [String]
    public var needed: Int
    /// open | approved | scheduled | ready
    public var state: String
    /// What has to happen before it goes on, as a sentence.
    public var waitsFor: String
    public var proposedAt: UInt64
    @Nullable public var approvedAt: UInt64?
    @Nullable public var scheduledAt: UInt64?
    /// Key generations for it that failed; after the third it is dropped.
    public var failures: UInt32
  }

  /// The group key and whose shares sign with it.
  public struct Keys: Codable, Sendable {
    @Nullable public var epoch: UInt64?
    @Nullable public var groupKey: String?
    /// Shares that make a signature.
    @Nullable public var threshold: Int?
    public var holders: Int
    /// Epoch for which new shares are being made; null while none are.
    @Nullable public var generating: UInt64?
    /// New shares are there, and sign from the next epoch on.
    public var pending: Bool
    public var failuresInARow: UInt32
    /// Blocks of an epoch; 0 where there is no group key.
    public var epochBlocks: UInt64
  }

  public var validators: [Validator]
  /// Those who stand by, ascending by key.
  public var standbys: [Standby]
  /// Number of this set: it counts changes of who decides.
  public var epoch: UInt64
  public var changes: [Change]
  public var view: UInt64
  public var quorum: Int
  public var fastQuorum: Int
  public var faulty: Int
  /// That may be slow or down while the fast path works.
  public var slow: Int
  public var keys: Keys
  /// Final blocks behind `proposed` and `votes`, since start, of this set and at most 500.
  public var window: Int
  public var height: UInt64
  public var stateRoot: String
  public var consistency: String
}
