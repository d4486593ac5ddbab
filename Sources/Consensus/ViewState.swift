// What is known of one view: its blocks, its votes, its certificates. Values only; the rules are elsewhere.

import Primitives

/// One block of a view, known by header, by certificate, or both.
struct BlockState: Sendable {
  let hash: Digest
  @Boxed var header: SignedHeader?
  @Boxed var proposal: Proposal?
  /// When the header came first: the origin of vote delays, and the clock reading C14 judges by.
  var received: Moment?
  var verdict: DataVerdict?
  /// Notarization, or any certificate that proves one.
  @Boxed var notarization: Certificate?
  /// Fast final, final or state certificate.
  @Boxed var finality: Certificate?
  @Boxed var stateProof: Certificate?
  /// Root after executing it.
  var root: Digest?
  /// This node's share of the signature on that root.
  var frostShare: [UInt8] = []
  var isFinal = false
  var validateAsked = false
  var notarizedTold = false

  init(hash: Digest) { self.hash = hash }
}

/// The votes of one validator in one view; the node's own are among them.
struct VoterRecord: Sendable {
  @Boxed var first: Vote?
  /// Each choice at most once.
  var fallbacks: [Vote] = []
  @Boxed var finalize: Vote?
  @Boxed var attest: Vote?
  /// Two first votes are known; the second counts for nothing.
  var equivocated = false
  /// Other votes that contradict each other are known. They count: C5 to C9 allow for them.
  var contradicted = false

  var isEmpty: Bool { first == nil && fallbacks.isEmpty && finalize == nil && attest == nil }
  var all: [Vote] { [first].compactMap { $0 } + fallbacks + [finalize, attest].compactMap { $0 } }

  /// Its first or fallback vote for `block` (nil: nullify).
  func ballot(for block: Digest?) -> Vote? {
    if let first, first.block == block { return first }
    return fallbacks.first { $0.block == block }
  }

  /// Whether this very vote, signature included, is among them.
  func contains(_ vote: Vote) -> Bool {
    let own =
      switch vote.kind {
      case .first: first
      case .fallback: fallbacks.first { $0.block == vote.block }
      case .finalize: finalize
      case .attest: attest
      }
    return own.map { $0.says(vote) && $0.signature == vote.signature } ?? false
  }

  func holds(_ vote: Vote) -> Bool {
    switch vote.kind {
    case .first: first?.says(vote) ?? false
    case .fallback: fallbacks.contains { $0.says(vote) }
    case .finalize: finalize?.says(vote) ?? false
    case .attest: attest?.says(vote) ?? false
    }
  }
}

struct ViewState: Sendable {
  let view: View
  var blocks: [BlockState] = []
  var voters: [VoterRecord]
  @Boxed var nullification: Certificate?
  /// Hash of the header this node proposed here (C2).
  var proposed: Digest?
  @Boxed var evidence: Evidence?

  init(view: View, validators: Int) {
    self.view = view
    voters = [VoterRecord](repeating: VoterRecord(), count: validators)
  }

  func place(of hash: Digest) -> Int? { blocks.firstIndex { $0.hash == hash } }
  func block(_ hash: Digest) -> BlockState? { blocks.first { $0.hash == hash } }
  var headers: Int { blocks.reduce(0) { $0 + ($1.header == nil ? 0 : 1) } }
  var isNotarized: Bool { blocks.contains { $0.notarization != nil } }
  var isCertified: Bool { nullification != nil || isNotarized }
  var isFinal: Bool { blocks.contains { $0.isFinal } }

  /// Certificates held of the view, each once.
  var certificates: [Certificate] {
    var all: [Certificate] = []
    for block in blocks {
      for certificate in [block.notarization, block.finality, block.stateProof] {
        if let certificate, !all.contains(certificate) { all.append(certificate) }
      }
    }
    if let nullification { all.append(nullification) }
    return all
  }

  /// How many voters `counts` is true of: what every step asks, and seldom enough to gather the votes themselves.
  func count(_ counts: (VoterRecord) -> Bool) -> Int {
    var count = 0
    for voter in voters where counts(voter) { count += 1 }
    return count
  }

  /// First or fallback votes for `block` (nil: nullify), one a voter (C5, C6).
  func ballots(for block: Digest?) -> [Vote] { voters.compactMap { $0.ballot(for: block) } }

  /// First votes for `block` (C7).
  func firsts(for block: Digest) -> [Vote] { voters.compactMap { $0.first?.block == block ? $0.first : nil } }

  /// Finalize votes for `block`, any root (C8).
  func finalizes(for block: Digest) -> [Vote] { voters.compactMap { $0.finalize?.block == block ? $0.finalize : nil } }

  /// Finalize or Attest votes for `block` with this root (C8).
  func stateVotes(for block: Digest, root: Digest) -> [Vote] {
    voters.compactMap { voter in
      [voter.finalize, voter.attest].compactMap { $0 }.first { $0.block == block && $0.stateRoot == root }
    }
  }

  /// Each validator's first vote as the rules count it: by place among the known headers (C4), and those blocks.
  func choices() -> (firsts: [Choice], blocks: [Digest]) {
    // A header without first votes matters only as proof of equivocation: colluders could otherwise name more than the
    // rules count.
    let voted = Set(voters.compactMap { $0.first?.block })
    let held = blocks.filter { $0.header != nil }.map(\.hash)
    var known = held.filter(voted.contains)
    for hash in held where known.count < 2 && !known.contains(hash) { known.append(hash) }
    let firsts = voters.map { voter -> Choice in
      guard let vote = voter.first else { return -1 }
      guard let block = vote.block else { return 0 }
      guard let place = known.firstIndex(of: block) else { return -1 }
      return Choice(truncatingIfNeeded: place + 1)
    }
    return (firsts, known)
  }
}

/// The views that are held, ascending.
struct ViewTable: Sendable {
  private(set) var states: [ViewState] = []
  let validators: Int

  init(validators: Int) { self.validators = validators }

  /// Place of the first state at or above `view`.
  func lowerBound(_ view: View) -> Int {
    var low = 0
    var high = states.count
    while low < high {
      let middle = (low + high) / 2
      if states[middle].view < view { low = middle + 1 } else { high = middle }
    }
    return low
  }

  subscript(view: View) -> ViewState? {
    let place = lowerBound(view)
    return place < states.count && states[place].view == view ? states[place] : nil
  }

  /// Changes the state of `view`, which is made if there is none.
  mutating func update<R>(_ view: View, _ body: (inout ViewState) -> R) -> R {
    let place = lowerBound(view)
    if place == states.count || states[place].view != view {
      states.insert(ViewState(view: view, validators: validators), at: place)
    }
    return body(&states[place])
  }

  /// Changes a block of `view`; the block is made if there is none.
  mutating func update<R>(_ view: View, block hash: Digest, _ body: (inout BlockState) -> R) -> R {
    update(view) { state in
      let place = state.place(of: hash) ?? state.blocks.count
      if place == state.blocks.count { state.blocks.append(BlockState(hash: hash)) }
      return body(&state.blocks[place])
    }
  }

  /// Takes out the views below `view` and says which blocks they had.
  mutating func prune(below view: View) -> [Digest] {
    let count = lowerBound(view)
    let hashes = states[..<count].flatMap { $0.blocks.map(\.hash) }
    states.removeFirst(count)
    return hashes
  }

  func views(from view: View) -> [View] { states[lowerBound(view)...].map(\.view) }
}
