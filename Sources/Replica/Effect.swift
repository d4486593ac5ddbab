// The door of a replica: what it is told and what it asks for.

public import Clearing
public import Consensus
public import Ledger
public import Primitives
public import Sodium
public import Threshold

/// What happens to a replica.
public enum Input: Sendable {
  case start
  /// The encrypted session with a validator or an observer is up or gone.
  case connected(ValidatorIndex)
  case disconnected(ValidatorIndex)
  /// One whole message of an authenticated peer.
  case message(from: ValidatorIndex, [UInt8])
  /// A wake-up asked for by `.wake`, or any other moment.
  case tick
  /// A client's transaction whose bytes were decoded and whose signature was verified by the host.
  /// `isMoreComing`: another submission follows in the same turn, so that they share a batch.
  indirect case submit(bytes: [UInt8], TransactionInput, ticket: UInt64, isMoreComing: Bool = false)
  /// A client waits for a linearizable read point.
  case read(ticket: UInt64)
  /// Result of `.verify`, in the batch's order.
  case verified(batch: Digest, [TransactionInput])
  /// Result of `.commit`: every block up to here is durable in the ledger.
  case committed(Height)
  /// Result of `.loadBlocks`, for the peer that asked.
  case loaded(for: ValidatorIndex, [FinalBlock])
  /// Result of `.check`: nil where the ledger holds its receipt already, or it is no live transaction of this chain.
  indirect case checked([UInt8], TransactionInput?, from: ValidatorIndex)
  /// Result of `.needSeed`: 32 bytes fresh from the system's generator.
  case seed(SecretBytes)
}

/// What a replica asks of its host, in order. Nothing after a `persist` may leave the node before it is durable.
public enum Effect: Sendable {
  /// Append to the journal.
  case persist(JournalRecord)
  case send(to: ValidatorIndex, PeerMessage)
  /// To every other validator.
  case broadcast(PeerMessage)
  /// An encoded `PeerMessage`, to each of these observers.
  case publish(to: [ValidatorIndex], [UInt8])
  /// End the session with an observer.
  case dismiss(ValidatorIndex, String)
  /// Run `TransactionCheck` over a transaction that an observer handed in, and answer with `.checked`.
  case check([UInt8], from: ValidatorIndex)
  /// Run `TransactionCheck` over these and answer with `.verified`.
  case verify(batch: Digest, [[UInt8]])
  /// Commit to the ledger in one transaction and answer with `.committed`.
  indirect case commit(LedgerCommit)
  /// Replace the journal by these records: everything else in it is now in the ledger.
  case rewriteJournal([JournalRecord])
  /// Read final blocks from the ledger, starting here, and answer with `.loaded`.
  case loadBlocks(for: ValidatorIndex, from: Height)
  /// The transaction of this ticket is final and executed. `isFast`: finality rests on first votes alone (C7), so the
  /// answer may leave as soon as this node's own first votes are durable.
  indirect case receipt(ticket: UInt64, Receipt, isFast: Bool)
  case refused(ticket: UInt64, Refusal)
  /// The state now contains every write acknowledged before the read began.
  case readReady(ticket: UInt64)
  indirect case finalized(FinalizedBlock)
  /// Q validators signed the state at this height.
  case proven(Height, Certificate)
  /// The group signed the state at this height. Its block may be executed here only later.
  case certified(GroupCertificate)
  /// Make these secrets durable before any later effect is performed, in the place of those kept before.
  case keepSecrets(SecretBytes)
  /// The committee, this node's place in it or somebody's address is another one: sessions follow the identity keys. From
  /// here on peers are numbered anew, and the replica knows of no session before its `.connected`.
  case committee(index: ValidatorIndex?, [Validator])
  /// Nonces were discarded (T4), and what they came from must not be used again: answer with `.seed`.
  case needSeed
  /// Step again at this time at the latest; replaces the previous request.
  case wake(at: Instant)
  /// A peer broke a rule.
  case report(ValidatorIndex, String)
  /// This node's state differs from that of Q validators: stop, keep everything, tell the operator.
  case halt(String)
}

/// Where a transaction stands in the chain and what it did.
public struct Receipt: Sendable {
  public var transaction: Digest
  public var height: Height
  /// Place in the order of execution of its block.
  public var index: UInt32
  public var stateRoot: Digest
  public var outcome: TransactionOutcome

  public init(
    transaction: Digest, height: Height, index: UInt32, stateRoot: Digest, outcome: TransactionOutcome
  ) {
    self.transaction = transaction
    self.height = height
    self.index = index
    self.stateRoot = stateRoot
    self.outcome = outcome
  }
}

/// Why a submission did not enter a lane.
public enum Refusal: Error, Sendable {
  /// The lane holds as much unordered data as it may (D9).
  case backPressure
  /// The same bytes were submitted before and are not final yet, with more waiters than are kept.
  case tooManyWaiters
  /// This node has no lane, and no validator is connected that would put the transaction in its own.
  case noLane
}
