// Agreement on the order of blocks and on the state after them: Simplex with an equivocation-aware two-delay path, as
// one validator's (or observer's) pure state machine.
//
// SPECIFICATION. n validators, at most f = floor((n-1)/3) Byzantine, partial synchrony. A view has one leader. Order is
// final after two message delays when n - p validators vote, after three otherwise. Rules C1-C15 stand as numbers at
// their code; docs/PROTOCOL.md has them in full, with liveness.
//   C1 enter, timers: +Timers         C2, C13 propose: +Propose      C3, C10 first vote, casting: +Vote
//   C4 headers, evidence: +Messages   C5-C8 certificates: +Certificates, +Finality
//   C9 fallback: +Fallback, VoteRules C11 standstill: +Status        C12 leaders: Committee
//   C14, C15 validity: +Validity      amnesia, restart: +Recovery
//
// SAFETY, per view. If h is fast-final, at most p honest and f Byzantine validators first-voted otherwise. Each fallback
// threshold of C9 is one above what those can muster (f+p without known equivocation, f+p-1 non-leaders with it), so no
// honest validator whose first vote was h casts another vote; everybody else is f+p < Q. Hence neither a nullification
// nor another notarization exists in the view, and by C2 every later block descends from h. If h is final by Q Finalize
// votes, Q-f honest validators cast nothing else and the remaining n-(Q-f) < Q. Nothing here depends on time.
//
// READINGS of the specification where it leaves a choice:
//  - A certificate that proves more serves as one that proves less: a fast final or final block is notarised.
//  - Notarizations and nullifications are broadcast once by everybody who enters a view through them, not only by those
//    who complete them: a Byzantine validator cannot give one to a single node and leave the others behind.
//  - Consecutive non-final views (for D) leave out the view whose finality is still in flight.
//  - FROST shares are outside the signed bytes of a vote, because certificates are gathered without them.
//
// HOST'S DUTIES: see Input and Effect. Effects are ordered; `persist` is a barrier.

public import Primitives
public import Sodium

public struct Consensus: Sendable {
  let committee: Committee
  let index: ValidatorIndex?
  let signer: Signer
  let scheme: SignatureScheme
  let settings: ConsensusSettings
  let bootId: UInt64
  var rules: VoteRules { committee.rules }

  /// The view this node is in; 1 at genesis. Views are counted on from one committee to the next.
  public internal(set) var view: View = 1
  public internal(set) var statistics = Statistics()
  /// Highest certificate that a view was entered by.
  @Boxed var entry: Certificate?
  /// Highest proof of finality.
  @Boxed var highestFinal: Certificate?

  /// The last state-final block (or the ledger's head): everything below is the host's.
  var head: Anchor
  /// The last block that `.final` was emitted for.
  var lastFinal: Anchor
  /// Known to be final, but with blocks missing below it.
  @Boxed var finalTarget: Certificate?
  @Boxed var stateTarget: Certificate?
  /// Roots of final blocks by height, the last few (C15).
  var finalRoots: [(height: Height, root: Digest)] = []
  /// Height of the ledger's head at the start: the states before it may be unknown for good, so they are not waited for.
  let rootsKnownFrom: Height

  var views: ViewTable
  /// View of every block held: for lookups only.
  var viewOf: [Digest: View] = [:]
  /// Views to evaluate before the step ends.
  var dirty: [View] = []

  // C1: timers of the current view.
  var enteredAt: Instant = 0
  var hasWork = false
  var workSince: Instant?
  var wantProposalSent: (view: View, parent: Digest)?
  var resend = Resend()
  /// Waiting for the clock to reach a header's timestamp (C14).
  var clockWait: Instant?
  /// Last moment at which anything advanced (C11).
  var progressAt: Instant = 0
  var standstillAt: Instant = 0
  var statusAt: Instant = 0
  var timerAt: Instant?
  var started = false

  var delay: DelayEstimate
  var punctuality: Punctuality
  var peers: [PeerState]
  var fetches: [Fetch] = []
  var certificateGap: CertificateGap?

  // C10 and amnesia.
  var floor: View = 0
  var amnesia: Amnesia = .none
  /// This node must not vote any more: its state or its finality contradicts the others'.
  var halted = false
  public internal(set) var highestVotedView: View = 0

  /// A block that is settled.
  struct Anchor: Sendable {
    var hash: Digest
    @Indirect var header: Header
    @Boxed var proposal: Proposal?
    var root: Digest?
  }

  public init(
    committee: Committee, index: ValidatorIndex?, signer: Signer, scheme: SignatureScheme,
    settings: ConsensusSettings = ConsensusSettings(), recovered: Recovered, bootId: UInt64
  ) {
    precondition(index.map { Int($0) < committee.n } ?? true, "a validator's index is in its committee")
    self.committee = committee
    self.index = index
    self.signer = signer
    self.scheme = scheme
    self.settings = settings
    self.bootId = bootId
    let proposal = recovered.head?.proposal ?? recovered.genesis ?? Proposal.genesis(chain: committee.chain)
    let hash = recovered.head == nil ? committee.chain : proposal.header.hash(chain: committee.chain)
    head = Anchor(hash: hash, header: proposal.header, proposal: proposal, root: recovered.genesisRoot)
    lastFinal = head
    finalRoots = [(proposal.header.height, recovered.genesisRoot)]
    rootsKnownFrom = proposal.header.height
    views = ViewTable(validators: committee.n)
    delay = DelayEstimate(settings: settings)
    punctuality = Punctuality(validators: committee.n, index: index, lateAfter: settings.lateAfter)
    peers = [PeerState](repeating: PeerState(budget: settings.answerBytesPerSecond), count: committee.n)
    if let certificate = recovered.head?.certificate {
      entry = certificate
      highestFinal = certificate
      view = certificate.view + 1
    } else {
      view = head.header.view + 1
    }
    restore(recovered)
  }

  /// The one door.
  public mutating func step(_ input: Input, at now: Moment, into effects: inout [Effect]) {
    switch input {
    case .start: start(now, &effects)
    case .message(let peer, let message): receive(message, from: peer, now, &effects)
    case .connected(let peer): greet(peer, now, &effects)
    case .tick: break
    case .work(let work): setWork(work, now)
    case .proposalContent(let view, let parent, let cut, let height, let root, let history, let plan):
      propose(
        view: view, parent: parent, cut: cut, executedHeight: height, executedRoot: root, historyRoot: history,
        frostPlan: plan, now, &effects)
    case .verdict(let block, let verdict): take(verdict, on: block)
    case .executed(let block, let root, let share): executed(block, root, share, &effects)
    case .finalRoot(let height, let root):
      note(root: root, at: height)
      markDirty(from: head.header.view)
    case .caughtUp(let proposal, let certificate): caughtUp(proposal, certificate, now, &effects)
    }
    guard started else { return }
    fireTimers(now, &effects)
    settle(now, &effects)
    schedule(now, &effects)
  }

  /// Applies the rules until nothing moves. Ends because every change adds a vote, a certificate or a final block, all
  /// of which are bounded.
  private mutating func settle(_ now: Moment, _ effects: inout [Effect]) {
    repeat {
      while !dirty.isEmpty {
        let batch = dirty
        dirty = []
        for view in batch { evaluate(view, now, &effects) }
      }
      advanceFinality(now, &effects)
    } while !dirty.isEmpty
    proposeIfDue(now, &effects)
    fetchMissing(now, &effects)
  }

  /// What the rules say about one view.
  private mutating func evaluate(_ view: View, _ now: Moment, _ effects: inout [Effect]) {
    guard view > head.header.view, views[view] != nil else { return }
    tellHost(of: view, &effects)
    formCertificates(in: view, now, &effects)
    guard view > head.header.view else { return }
    castFirst(in: view, now, &effects)
    castFallbacks(in: view, now, &effects)
    castState(in: view, now, &effects)
  }

  mutating func markDirty(_ view: View) {
    if !dirty.contains(view) { dirty.append(view) }
  }

  /// A change whose consequences reach later views.
  mutating func markDirty(from view: View) {
    for held in views.views(from: view) { markDirty(held) }
  }
}
