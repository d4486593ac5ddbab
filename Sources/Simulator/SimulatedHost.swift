// One simulated machine: a replica, or none while it is down, with its disk, its clock and what it holds back.

import Clearing
import Consensus
import Ledger
import Primitives
import Replica
import Sodium

/// A machine's clocks. The monotonic one drifts, the wall clock is off and may jump.
struct HostClock {
  var skew: Instant
  let drift: Int64
  /// Reading of the monotonic clock at the start of the world.
  let base: Instant
  let epoch: Timestamp

  func monotonic(at now: Instant) -> Instant { base + now + now * drift / 1_000_000 }
  func wall(at now: Instant) -> Timestamp { epoch + now + skew }
  func moment(at now: Instant) -> Moment { Moment(monotonic: monotonic(at: now), wall: wall(at: now)) }

  /// The first moment at which the monotonic clock reads `local` or more.
  func time(of local: Instant) -> Instant {
    let elapsed = local - base
    var time = elapsed - elapsed / 1_000_000 * drift - 1
    while monotonic(at: time) < local { time += max(1, (local - monotonic(at: time)) / 2) }
    return time
  }
}

/// A client's transaction at the node it was given to.
struct Submission {
  let hash: Digest
  let at: Instant
  /// The last place in the chain that anybody had been told of before this was sent.
  let after: Place
  let isMarker: Bool
}

/// Where a transaction stands in the chain.
struct Place: Comparable {
  var height: Height
  var index: UInt32
  static func < (a: Place, b: Place) -> Bool { (a.height, a.index) < (b.height, b.index) }
}

final class SimulatedHost {
  let number: Int
  let identity: ValidatorIndex
  let signer: Signer
  /// Nil for an honest node.
  let adversary: (any Adversary)?
  var replica: Replica?
  /// There is a replica. To ask the optional itself would copy kilobytes.
  var isUp = false
  /// Grows with every start and every crash.
  var life: UInt32 = 0
  /// Grows when the numbers of its peers change.
  var numbering: UInt64 = 0
  var clock: HostClock
  var stalledUntil: Instant = 0

  var store = InMemoryStore()
  var journal: SimulatedJournal
  /// What the node's own host holds back with.
  var gate = DurabilityGate()
  var isHurryScheduled = false
  var syncNumber: UInt64 = 0
  var failsNextSync = false
  var failsNextCommit = false
  /// Blocks cannot be read from the ledger.
  var failsReads = false
  /// A bit of the journal is flipped before the next start.
  var rotsAtRestart = false
  var commit: LedgerCommit?
  /// The file of secrets.
  var secrets: SecretBytes?

  /// The true time of the next wake-up.
  var wakeAt: Instant?
  var wakeNumber: UInt64 = 0

  var submissions: [UInt64: Submission] = [:]
  /// Height that each waiting read must see.
  var reads: [UInt64: Height] = [:]

  /// Last final height told in this life, and its block.
  var toldHeight: Height = 0
  var toldHash: Digest = .zero
  /// Votes up to this view may have been forgotten with the disk that held them: they may be cast again, differently.
  var forgotten: View = 0
  /// It was told so when it started: it must not vote in any of them.
  var admitsLoss = false
  /// Nothing above `forgotten` is final here since the disk was lost.
  var isRecovering = false
  var highestVote: View = 0
  var snapshot: (store: InMemoryStore, journal: SimulatedJournal, secrets: SecretBytes?)?
  var wasAmnesiac = false
  /// Most views entered in a life that is over.
  var pastViews: UInt64 = 0

  init(
    number: Int, identity: ValidatorIndex, signer: Signer, adversary: (any Adversary)?, clock: HostClock, chain: Digest
  ) {
    self.number = number
    self.identity = identity
    self.signer = signer
    self.adversary = adversary
    self.clock = clock
    journal = SimulatedJournal(owner: Digest(words: signer.publicKey.words))
  }

  func loseMemory() {
    forgotten = highestVote
    admitsLoss = false
    isRecovering = true
  }

  var isHonest: Bool { adversary == nil }
  /// May not know what it voted: counts against f.
  var isUnsure: Bool { !isHonest || isRecovering || replica?.consensus.isAmnesiac == true }
}
