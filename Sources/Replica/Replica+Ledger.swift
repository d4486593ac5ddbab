// From finality to the ledger: proven blocks are committed in order, one LMDB transaction for as many as are ready;
// then everything below them is forgotten and the journal is truncated.

import Clearing
import Consensus
import Gossip
import Ledger
import Primitives
import Threshold
import Wire

extension Replica {
  /// Commits the final, executed blocks up to the highest one whose state Q validators have signed.
  mutating func commitProven(at now: Instant, into effects: inout [Effect]) {
    // Nothing is ordered any more before the last block of a committee is in the ledger.
    guard committing == committed, !isCommittingCertificates, now >= commitAfter || isCommitteeOver else { return }
    guard !finalChain.isEmpty else { return commitCertificates(at: now, into: &effects) }
    let finalHeight = finalHeight
    guard
      let last = finalChain.lastIndex(where: { hash in
        guard let block = blocks[hash] else { return false }
        return block.stateCertificate != nil && block.executed != nil && block.header.height <= finalHeight
      })
    else { return commitCertificates(at: now, into: &effects) }
    ownLastBlock()
    var stored: [StoredBlock] = []
    var changes: [RecordChange] = []
    var events: [StoredEvents] = []
    for hash in finalChain[...last] {
      guard let block = blocks[hash], let executed = block.executed, let certificate = block.certificate else { return }
      if let fault = divergence(at: block, executed) { return effects.append(.halt(fault)) }
      stored.append(store(block, executed, certificate))
      events.append(StoredEvents(height: block.header.height, bytes: executed.events))
      ballot?.note(certificate)
      ballot?.note(block.stateCertificate)
      if Mutant.has(.commitsLastBlockOnly) { changes.removeAll() }
      changes.append(contentsOf: executed.result.changes)
    }
    guard let top = blocks[finalChain[last]] else { return }
    committing = top.header.height
    commitBegan = now
    var meta = [LedgerMeta.history: top.history.wireBytes]
    if let ballot { meta[LedgerMeta.ballot] = ballot.wireBytes }
    preparePublication(of: finalChain[...last])
    effects.append(
      .commit(
        LedgerCommit(
          blocks: stored, changes: changes, certificates: certificates(through: committing), events: events, meta: meta)
      ))
  }

  /// What made the last block of a committee final may be the certificate of a void one above it. That of its state proves
  /// as much, and needs nothing that the ledger does not hold.
  private mutating func ownLastBlock() {
    guard isCommitteeOver, let last = blocks[finalTip], let proof = last.stateCertificate, proof.kind == .state,
      last.certificate?.block != last.hash
    else { return }
    blocks[finalTip]?.certificate = proof
  }

  /// Certificates of blocks that are in the ledger already: with the next blocks, or alone where none come.
  private mutating func commitCertificates(at now: Instant, into effects: inout [Effect]) {
    guard certifier.pending.contains(where: { $0.height <= committed }), now >= certificatesAfter else { return }
    certificatesAfter = now.saturatingAdding(Self.certificatePause)
    commitBegan = now
    isCommittingCertificates = true
    effects.append(.commit(LedgerCommit(certificates: certificates(through: committed))))
  }

  private static let certificatePause: Instant = 50 * Duration64.millisecond

  /// Checked batches kept at most.
  private static let checkedMax = 16_384

  private func store(_ block: Block, _ executed: ExecutedBlock, _ certificate: Certificate) -> StoredBlock {
    return StoredBlock(
      height: block.header.height, hash: block.hash, timestamp: block.header.timestamp, stateRoot: executed.stateRoot,
      proposal: block.proposal.wireBytes, batches: (block.batches ?? []).map { $0.batch.wireBytes },
      certificates: Certificates(final: certificate, state: block.stateCertificate).wireBytes,
      transactions: executed.result.outcomes.map { $0.hash }, receipts: executed.receipts,
      receiptsProof: executed.receiptsProof)
  }

  mutating func committed(_ height: Height, at now: Moment, into effects: inout [Effect]) {
    isCommittingCertificates = false
    committed = max(committed, height)
    committing = committed
    let took = max(0, now.monotonic.subtracting(commitBegan) ?? 0)
    commitAfter = commitBegan.saturatingAdding(
      min(took.multiplied(by: settings.commitPause) ?? .max, settings.commitPauseMax))
    while let hash = finalChain.first, let block = blocks[hash], block.header.height <= height {
      finalChain.removeFirst()
      blocks[block.header.parentHash] = nil
      if finalChain.isEmpty || block.header.height == height { stepLanes(.final(block.cut), at: now) }
    }
    prune()
    publish(upTo: committed, at: now.monotonic, into: &effects)
    if journalBytes > settings.journalBytesMax, index != nil {
      journalBytes = 0
      var records = consensus.liveJournal().map(JournalRecord.consensus)
      if committee.epoch > 0 { records.insert(.epoch(committee.epoch), at: 0) }
      // Agreement forgets what is well below the last certified state; the ledger may not have got there yet.
      for block in finalChain.compactMap({ blocks[$0] }) {
        records.append(.consensus(.proposal(block.proposal)))
        for certificate in [block.certificate, block.stateCertificate] {
          if let certificate { records.append(.consensus(.certificate(certificate))) }
        }
      }
      effects.append(.rewriteJournal(records + lanes.journalSnapshot().map(JournalRecord.lane)))
    }
    succeedIfDue(at: now, into: &effects)
  }

  /// Forgets abandoned blocks at or below the committed height.
  private mutating func prune() {
    guard blocks.count > finalChain.count + speculative.count + 64 else { return }
    let keep = finalTip
    let floor = committed
    blocks = blocks.filter { $0.key == keep || $0.value.header.height >= floor }
    // What is thrown away by mistake is checked again when it is needed.
    if checked.count > Self.checkedMax { checked.removeAll() }
  }
}
