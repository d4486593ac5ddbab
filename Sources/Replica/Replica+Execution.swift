// Execution follows the chain that agreement builds: notarised blocks are executed at once so that Finalize votes can
// carry the state root (C5), and undone when another block takes their place.

public import Clearing
public import Consensus
import Gossip
import Ledger
public import Primitives
import Threshold
import Wire

extension Replica {
  /// View of the last block that is final and executed here.
  public var finalView: View { blocks[finalTip]?.header.view ?? 0 }
  public var finalHeight: Height { blocks[finalTip]?.header.height ?? 0 }
  /// State root after the last final, executed block.
  public var finalRoot: Digest { blocks[finalTip]?.executed?.stateRoot ?? .zero }
  public var finalBlock: (hash: Digest, header: Header) {
    (finalTip, blocks[finalTip]?.header ?? Proposal.genesis(chain: chain).header)
  }
  /// The last executed block, which may still be undone.
  public var executedTip: (height: Height, root: Digest) {
    (blocks[speculative.last ?? finalTip]?.header.height ?? 0, tree.root)
  }
  public var committedHeight: Height { committed }
  /// Blocks held in memory above the ledger, with abandoned ones.
  public var heldBlocks: Int { blocks.count }

  /// The account's view of the present state. Brings its risk arrays up to date, which no outcome sees.
  public mutating func account(_ id: AccountID) -> AccountView? { clearing.account(id) }

  /// The accounts in liquidation, likewise.
  public mutating func liquidations() -> [LiquidationView] { clearing.liquidations() }

  mutating func notarized(_ hash: Digest, _ proposal: Proposal) {
    guard insert(hash, proposal), let block = blocks[hash] else { return }
    // Only one notarised block a view can have notarised descendants; the highest view is the one that is built on.
    if block.header.view > (blocks[target]?.header.view ?? 0) { target = hash }
  }

  /// The committee or an address of it is another one; the host's sessions follow.
  mutating func tellMembers(into effects: inout [Effect]) {
    members = clearing.validators
    effects.append(.committee(index: index, members))
  }

  mutating func orderFinal(_ hash: Digest, _ certificate: Certificate) {
    if blocks[hash] == nil, let proposal = consensus.proposal(hash) { _ = insert(hash, proposal) }
    guard var block = blocks[hash], block.certificate == nil, block.header.view > 0 else { return }
    let below = finalChain.last.flatMap { blocks[$0]?.header.height } ?? committed
    guard block.header.height == below + 1 else { return }
    block.certificate = certificate
    blocks[hash] = block
    finalChain.append(hash)
    if !isAncestor(hash, of: target) { target = hash }
  }

  private func isAncestor(_ hash: Digest, of descendant: Digest) -> Bool {
    guard let height = blocks[hash]?.header.height else { return false }
    var current = descendant
    while let block = blocks[current], block.header.height >= height {
      if current == hash { return true }
      current = block.header.parentHash
    }
    return false
  }

  /// Executes towards `target` as far as data and signatures are there, after undoing what is not on its chain.
  mutating func execute(at now: Moment, into effects: inout [Effect]) {
    if target == speculative.last ?? finalTip { return }
    var path: [Digest] = []
    var current = target
    while current != finalTip {
      guard let block = blocks[current] else { return }
      path.append(current)
      current = block.header.parentHash
    }
    path.reverse()
    let shared = zip(speculative, path).prefix { $0 == $1 }.count
    if shared < speculative.count { undo(downTo: shared) }
    for hash in path.dropFirst(shared) {
      guard speculative.count < settings.uncommittedMax, executeOne(hash, at: now, into: &effects) else { return }
    }
  }

  private mutating func executeOne(_ hash: Digest, at now: Moment, into effects: inout [Effect]) -> Bool {
    guard var block = blocks[hash], let parent = blocks[block.header.parentHash] else { return false }
    let header = block.header
    // E1: what a committee orders above its last block is void.
    if parent.executed?.endsCommittee == true { return false }
    guard let batches = block.batches ?? lanes.batches(after: parent.cut, upTo: block.cut, view: header.view) else {
      // D4: a proven tip is voted on without its data, which execution needs.
      lanes.fetch(
        lanes.missing(after: parent.cut, upTo: block.cut), from: header.leader, isVoteWaiting: false,
        at: now.monotonic, into: &laneEffects)
      return false
    }
    var inputs: [TransactionInput] = []
    var keyMessages: [LaneKeyMessage] = []
    for held in batches {
      if checked[held.hash] == nil { verify(held.batch, hash: held.hash, into: &effects) }
      guard let transactions = checked[held.hash] else { return false }
      if held.batch.transactions.contains(where: KeyMessageEnvelope.isOne) {
        keyMessages += KeyMessageEnvelope.messages(in: held.batch, validators: committee.n)
        for (bytes, input) in zip(held.batch.transactions, transactions) where !KeyMessageEnvelope.isOne(bytes) {
          inputs.append(input)
        }
      } else {
        inputs.append(contentsOf: transactions)
      }
    }
    let steps = system.advance(
      height: header.height, messages: keyMessages, next: clearing.nextValidators?.map(\.key))
    let input = BlockInput(
      height: header.height, timestamp: header.timestamp, transactions: inputs, membership: steps,
      conduct: conduct(of: block, after: parent))
    var result = BlockResult()
    clearing.apply(input, into: &result)
    let receipts = result.outcomes.map(\.wireBytes)
    let events = system.seal(
      height: header.height, timestamp: header.timestamp, receipts: receipts, events: result.events,
      into: &result.changes)
    tree.update(result.changes)
    block.batches = batches
    block.executed = ExecutedBlock(
      endsCommittee: clearing.committeeNumber > committee.epoch, changesMembers: steps.contains(.adopt),
      stateRoot: tree.root, result: result, receipts: receipts, events: events,
      receiptsProof: tree.proof(table: system.tables.blocks.id, key: SystemKey().wireBytes).wireBytes)
    // Executed again after a rollback to the same state: the share was made, and its nonces are spent.
    if block.share?.root != tree.root { block.share = (tree.root, share(for: block, root: tree.root)) }
    blocks[hash] = block
    speculative.append(hash)
    stepConsensus(
      .executed(block: hash, stateRoot: tree.root, frostShare: block.share?.bytes ?? []), at: now)
    sendLateShare(of: block, into: &effects)
    certify(hash, into: &effects)
    if proposalWanted != nil { answerProposal(at: now) }
    return true
  }

  public var hasSpeculation: Bool { !speculative.isEmpty }

  /// Undoes executed blocks above `finalTip` until `count` of them are left.
  private mutating func undo(downTo count: Int) {
    while speculative.count > count, let hash = speculative.popLast() {
      var changes: [RecordChange] = []
      clearing.rollbackBlock(into: &changes)
      system.rollbackBlock(into: &changes)
      if !Mutant.has(.rollbackKeepsTree) { tree.update(changes) }
      blocks[hash]?.executed = nil
      counters.rollbacks &+= 1
    }
  }

  /// Brings the state back to the last final block, for a read that must not see speculation. Execution resumes with
  /// the next step.
  public mutating func discardSpeculation() { undo(downTo: 0) }

  /// Makes executed blocks final in order: receipts, pruning, undo logs released.
  mutating func advanceFinal(at now: Moment, into effects: inout [Effect]) {
    while let hash = speculative.first, let block = blocks[hash], let certificate = block.certificate,
      let executed = block.executed
    {
      speculative.removeFirst()
      finalTip = hash
      clearing.releaseBlock()
      system.releaseBlock()
      if executed.changesMembers, !executed.endsCommittee { tellMembers(into: &effects) }
      takePart(at: block.header.height, now, into: &effects)
      reportLate(at: block.header.height, now)
      prosecute(at: block.header.height, now)
      stepConsensus(.finalRoot(height: block.header.height, stateRoot: executed.stateRoot), at: now)
      stepLanes(.ordered(block.cut), at: now)
      var bytes = 0
      for held in block.batches ?? [] {
        checked[held.hash] = nil
        for transaction in held.batch.transactions { bytes += transaction.count }
      }
      deliver(
        executed, height: block.header.height, isFast: certificate.kind == .fastFinal, into: &effects)
      effects.append(
        .finalized(
          FinalizedBlock(
            hash: hash, header: block.header, executed: executed, certificate: certificate, transactionBytes: bytes)))
    }
  }

  private mutating func deliver(
    _ executed: ExecutedBlock, height: Height, isFast: Bool, into effects: inout [Effect]
  ) {
    for (index, outcome) in executed.result.outcomes.enumerated() {
      counters.transactions &+= 1
      guard let waiting = tickets.removeValue(forKey: outcome.hash) else { continue }
      let receipt = Receipt(
        transaction: outcome.hash, height: height,
        index: UInt32(truncatingIfNeeded: Mutant.has(.receiptOfNeighbour) ? index ^ 1 : index),
        stateRoot: executed.stateRoot, outcome: outcome)
      for ticket in waiting { effects.append(.receipt(ticket: ticket, receipt, isFast: isFast)) }
    }
  }
}
