// From a client's transaction to a proposal that voters can check: submission, verification, cuts and verdicts.

import Clearing
import Consensus
import Gossip
import Ledger
import Primitives
import Threshold
import Wire

extension Replica {
  mutating func submit(
    _ bytes: [UInt8], _ input: TransactionInput, ticket: UInt64, isMoreComing: Bool, at now: Moment,
    into effects: inout [Effect]
  ) {
    if var waiting = tickets[input.hash] {
      guard waiting.count < Self.waitersMax else { return effects.append(.refused(ticket: ticket, .tooManyWaiters)) }
      waiting.append(ticket)
      tickets[input.hash] = waiting
      return
    }
    guard index != nil else { return forward(bytes, input.hash, ticket: ticket, at: now, into: &effects) }
    guard tickets.count < Self.waitingTransactionsMax, lanes.canAccept(bytes: bytes.count) else {
      return effects.append(.refused(ticket: ticket, .backPressure))
    }
    tickets[input.hash] = [ticket]
    submitted[input.hash] = input
    stepLanes(.submit(transaction: bytes, isMoreComing: isMoreComing), at: now)
  }

  mutating func refuse(_ transaction: Digest, into effects: inout [Effect]) {
    submitted[transaction] = nil
    for ticket in tickets.removeValue(forKey: transaction) ?? [] {
      effects.append(.refused(ticket: ticket, .backPressure))
    }
  }

  /// A batch is executable once its transactions are checked. Those of this node's own clients were checked when they
  /// came, so its own batches cost nothing here.
  mutating func verify(_ batch: LaneBatch, hash: Digest, into effects: inout [Effect]) {
    guard checked[hash] == nil, !verifying.contains(hash) else { return }
    if batch.lane == index {
      // All of them, so that none stays behind where one is missing.
      let inputs = batch.transactions.compactMap { submitted.removeValue(forKey: TransactionCheck.hash(of: $0)) }
      if inputs.count == batch.transactions.count {
        checked[hash] = inputs
        return
      }
    }
    verifying.insert(hash)
    effects.append(.verify(batch: hash, batch.transactions))
  }

  /// C2: what this leader proposes over `parent`. Nothing while execution lags too far behind order (C15): the request
  /// stays open and is answered when execution has caught up.
  mutating func propose(in view: View, over parent: Digest, at now: Moment) {
    proposalWanted = (view, parent)
    answerProposal(at: now)
  }

  mutating func answerProposal(at now: Moment) {
    guard let (view, parent) = proposalWanted, let parentBlock = blocks[parent] else { return }
    guard view >= consensus.view else {
      proposalWanted = nil
      return
    }
    guard let (height, root) = executedAncestor(of: parent) else { return }
    proposalWanted = nil
    let cut = lanes.cut(over: parentBlock.cut)
    stepConsensus(
      .proposalContent(
        view: view, parent: parent, cut: cut.wireBytes, executedHeight: height, executedRoot: root,
        historyRoot: parentBlock.history.root, frostPlan: signingPlan(for: view)), at: now)
  }

  /// C15: the state that a child of `hash` names. The last certified one, which every voter can check without executing
  /// anything between proposal and vote; the closest executed one when the certified one is too old.
  private func executedAncestor(of hash: Digest) -> (Height, Digest)? {
    guard let height = blocks[hash].map({ $0.header.height + 1 }) else { return nil }
    var closest: (Height, Digest)?
    var current = hash
    while let block = blocks[current], block.header.height + ConsensusLimits.executionLag >= height {
      if let executed = block.executed {
        closest = closest ?? (block.header.height, executed.stateRoot)
        if block.stateCertificate != nil || block.header.height <= committed {
          return (block.header.height, executed.stateRoot)
        }
      }
      current = block.header.parentHash
    }
    return closest
  }

  /// C3: a verdict on a proposed block: at once, or when the data has come.
  mutating func validate(_ hash: Digest, _ proposal: Proposal, at now: Moment) {
    guard insert(hash, proposal) else { return stepConsensus(.verdict(block: hash, .invalid), at: now) }
    guard !verdictsWaiting.contains(hash) else { return }
    if verdictsWaiting.count >= Self.verdictsWaitingMax { verdictsWaiting.removeFirst() }
    verdictsWaiting.append(hash)
    retryVerdicts(at: now)
  }

  mutating func retryVerdicts(at now: Moment) {
    guard !verdictsWaiting.isEmpty else { return }
    var waiting: [Digest] = []
    swap(&waiting, &verdictsWaiting)
    for hash in waiting {
      // What finality has passed needs no vote, and its data may not even exist.
      guard let proposal = consensus.proposal(hash), proposal.header.view > consensus.lastFinalView else { continue }
      if let verdict = verdict(on: hash, at: now) {
        stepConsensus(.verdict(block: hash, verdict), at: now)
      } else {
        verdictsWaiting.append(hash)
      }
    }
  }

  /// Nil while data is missing.
  private mutating func verdict(on hash: Digest, at now: Moment) -> DataVerdict? {
    // A proposal may be asked about before its parent is known here; it joins the tree when the parent has.
    if blocks[hash] == nil, let proposal = consensus.proposal(hash), !insert(hash, proposal) { return .invalid }
    guard let block = blocks[hash], let parent = blocks[block.header.parentHash] else { return nil }
    if block.header.historyRoot != parent.history.root { return .invalid }
    let view = block.header.view
    switch lanes.verdict(block.cut, over: parent.cut, view: view, leader: block.header.leader) {
    case .available: return .available(omission: false)
    case .omission: return .available(omission: true)
    case .invalid: return .invalid
    case .missing(let missing):
      lanes.fetch(missing, from: block.header.leader, at: now.monotonic, into: &laneEffects)
      return nil
    }
  }

  /// Adds a proposed block to the tree; false when it is malformed. A block whose parent is unknown is not kept: whoever
  /// needs it asks again when the parent has come.
  mutating func insert(_ hash: Digest, _ proposal: Proposal, batches: [HeldBatch]? = nil) -> Bool {
    if blocks[hash] != nil { return true }
    guard let parent = blocks[proposal.header.parentHash] else { return true }
    // What is this far ahead of the ledger is fetched when the ledger has caught up.
    guard proposal.header.height <= committed.saturatingAdding(Height(4 * settings.uncommittedMax)) else { return true }
    // Else a made-up height would keep the block from being forgotten.
    guard proposal.header.height == parent.header.height + 1 else { return false }
    guard let cut = LaneCut(canonical: proposal.cut) else { return false }
    var history = parent.history
    history.append(hash)
    blocks[hash] = Block(
      hash: hash, proposal: proposal, cut: cut, history: history, batches: batches, executed: nil, certificate: nil,
      stateCertificate: nil)
    return true
  }

  /// C1, C13: tells consensus whether there is something to order that the next parent's cut lacks, or a read that
  /// needs a later final block.
  mutating func tellWork(at now: Moment) {
    let parent = consensus.parentCandidate.flatMap { blocks[$0] } ?? blocks[target]
    let lacking = parent.map { lanes.hasWork(beyond: $0.cut) } ?? false
    let wanted = reads.viewWanted.map { $0 > finalView } ?? false
    // A node alone waits for nobody's part in key generation: blocks without its own would only use its windows up.
    let work = lacking || wanted || (committee.n > 1 && system.keys.hasWork)
    if work != workTold {
      workTold = work
      stepConsensus(.work(work), at: now)
    }
  }
}
