// The door of the state machine: its settings, what it starts from, what it is told and what it asks for.

public import Primitives

/// Time as the host sees it: the monotonic clock drives timers, the wall clock only C14.
public struct Moment: Sendable, Hashable {
  public var monotonic: Instant
  public var wall: Timestamp

  public init(monotonic: Instant, wall: Timestamp) {
    self.monotonic = monotonic
    self.wall = wall
  }
}

/// All times in nanoseconds.
public struct ConsensusSettings: Sendable {
  /// A leader with nothing to order waits this long (C13).
  public var heartbeat: Instant = Duration64.second
  /// Bounds of D.
  public var delayMin: Instant = 10 * Duration64.millisecond
  public var delayMax: Instant = Duration64.second
  /// D before enough votes were measured.
  public var delayInitial: Instant = 200 * Duration64.millisecond
  /// Views of silence after which a leader is not waited for (C1).
  public var skip: UInt64 = 8
  /// C14: a header this far behind the clock is not voted for first.
  public var latenessMax: Timestamp = 2 * Duration64.second
  /// H4: no vote that comes sooner after the header is held to be late.
  public var lateAfter: Instant = 250 * Duration64.millisecond
  public var statusInterval: Instant = Duration64.second
  /// C11: the least time without progress that counts as standstill.
  public var standstillMin: Instant = 2 * Duration64.second
  /// Bytes a peer may pull each second.
  public var answerBytesPerSecond: Int64 = 8 << 20

  public init() {}
}

/// The last block in the ledger.
public struct RecoveredHead: Sendable {
  public var proposal: Proposal
  /// Proof of its finality; nil for the last block of the former committee, from which this one starts as from a genesis.
  public var certificate: Certificate?

  public init(proposal: Proposal, certificate: Certificate?) {
    self.proposal = proposal
    self.certificate = certificate
  }
}

/// What a node finds when it starts.
public struct Recovered: Sendable {
  /// The journal, in the order it was written.
  public var entries: [JournalEntry]
  /// The journal is missing, has a hole, or is older than the ledger.
  public var amnesiac: Bool
  /// Nil when the ledger has only genesis.
  public var head: RecoveredHead?
  /// Root of the state after the head, or of genesis without one.
  public var genesisRoot: Digest
  /// The block that stands for the genesis, where that is not at height 0.
  public var genesis: Proposal?

  public init(
    entries: [JournalEntry] = [], amnesiac: Bool = false, head: RecoveredHead? = nil, genesisRoot: Digest,
    genesis: Proposal? = nil
  ) {
    self.entries = entries
    self.amnesiac = amnesiac
    self.head = head
    self.genesisRoot = genesisRoot
    self.genesis = genesis
  }
}

/// What the host found about a proposal's cut. A block without a verdict yet is one whose data is missing.
public enum DataVerdict: Sendable, Hashable {
  /// All data is held or proven to be; `omission`: a proof this node had sent to the leader is ignored.
  case available(omission: Bool)
  /// Objectively wrong: every honest node finds the same.
  case invalid
}

/// Why a peer is reported.
public enum Fault: Error, Sendable, Hashable {
  case badSignature(String)
  case malformed(String)
  case equivocation
  case contradictoryVotes
  case unexpected(String)
  /// Two final blocks on different branches: more than f validators are Byzantine. This node stops voting.
  case conflictingFinality
}

extension Consensus {
  public enum Input: Sendable {
    case start
    case message(from: ValidatorIndex, ConsensusMessage)
    /// The session with a peer is up.
    case connected(ValidatorIndex)
    case tick
    /// The host holds something to order that the cut of `parentCandidate` lacks (C1, C13). Stays until told otherwise.
    case work(Bool)
    /// The answer to `.wantProposal`.
    case proposalContent(
      view: View, parent: Digest, cut: [UInt8], executedHeight: Height, executedRoot: Digest, historyRoot: Digest,
      frostPlan: [UInt8] = [])
    /// The answer to `.validate`; may come late, or again and better.
    case verdict(block: Digest, DataVerdict)
    /// The block and all its ancestors were executed. `frostShare`: this node's share of the signature on the state
    /// after it, for its Finalize or Attest; empty where it has none.
    case executed(block: Digest, stateRoot: Digest, frostShare: [UInt8] = [])
    /// The state after the final block of this height, from execution or the ledger: for blocks that came through
    /// catch-up or before a restart, which headers may still name (C15).
    case finalRoot(height: Height, stateRoot: Digest)
    /// The host fetched and verified final blocks up to this one.
    indirect case caughtUp(Proposal, Certificate)
  }

  /// In order: nothing after a `persist` leaves the node before it is durable.
  public enum Effect: Sendable {
    case persist(JournalEntry)
    case send(to: ValidatorIndex, ConsensusMessage)
    /// To every other validator.
    case broadcast(ConsensusMessage)
    /// This node leads the view and may propose over `parent`: answer with `.proposalContent`.
    indirect case wantProposal(view: View, parent: Header, parentHash: Digest)
    /// Check the cut against the parent's and fetch its data: answer with `.verdict`.
    indirect case validate(block: Digest, Proposal)
    /// Execute it when its parent is executed: answer with `.executed`.
    indirect case notarized(block: Digest, Proposal)
    /// The order is final: once a block, oldest first. Ancestors come with their descendant's certificate.
    case final(block: Digest, Certificate)
    /// Q validators signed the state after this block.
    case stateFinal(height: Height, block: Digest, stateRoot: Digest, Certificate)
    /// A proposal is missing; peers are being asked.
    case needProposal(block: Digest)
    case enteredView(View, by: Certificate?)
    /// A Finalize or Attest of this node, or one that came from its voter itself: what it carries beside the signed
    /// statement is nobody else's. `isCounted`: its signature was verified; a late one's was not.
    case stateVote(Vote, isCounted: Bool)
    /// Step with `.tick` then; replaces the previous request.
    case timer(at: Instant)
    case report(ValidatorIndex, Fault)
    /// Q validators signed another state than ours: this node stops voting.
    case diverged(height: Height, ours: Digest, theirs: Digest)
    indirect case evidence(Evidence)
  }

  /// What happened so far, for status and metrics.
  public struct Statistics: Sendable, Hashable {
    public var viewsEntered: UInt64 = 0
    public var viewsNullified: UInt64 = 0
    public var blocksFinal: UInt64 = 0
    /// Certificates that made blocks final, by path.
    public var fastFinals: UInt64 = 0
    public var slowFinals: UInt64 = 0
    public var proposalsMade: UInt64 = 0
    public var standstills: UInt64 = 0
  }
}
