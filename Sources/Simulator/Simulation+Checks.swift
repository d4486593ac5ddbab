// Where the checker is asked, and what is looked at from time to time.

import Clearing
import Consensus
import Primitives
import Replica
import Threshold

extension Simulation {
  func finalized(_ block: FinalizedBlock, _ host: SimulatedHost) {
    guard host.isHonest else { return }
    trace.mix(block.hash.words.0 ^ block.executed.stateRoot.words.0)
    let isNew = block.header.height > checker.height
    checker.sees(block, from: host, self)
    if host.isRecovering, block.header.view > host.forgotten, host.replica?.consensus.isAmnesiac == false {
      host.isRecovering = false
    }
    if let replica = host.replica, let keys = replica.groupKeys {
      thresholdChecker.sees(keys, at: block.header.height, self)
      let needsShare = replica.index != nil
      thresholdChecker.sees(host.identity, holdsShare: !needsShare || replica.holdsShare, at: block.header.height)
    }
    guard isNew else { return }
    oracle?.sees(block)
    note(block.certificate.kind == .fastFinal ? .fastFinal : .slowFinal)
    if let crashed = leaderCrashedIn, block.header.view > crashed {
      note(.viewChangeAfterLeaderCrash)
      leaderCrashedIn = nil
    }
    noteEvents(block.executed.result.events)
  }

  private func noteEvents(_ events: [Clearing.Event]) {
    for event in events {
      switch event.kind {
      case .deposit: note(.depositMade)
      case .withdrawalRequested: note(.withdrawalMade)
      case .settled: note(.optionsExpired)
      case .marginCall: note(.marginCalled)
      default: break
      }
    }
  }

  func checkProof(_ height: Height, _ certificate: Certificate, _ host: SimulatedHost) {
    checker.sees(proof: certificate, of: height, "node \(host.number) at height \(height)", self)
  }

  func checkCertificate(_ certificate: GroupCertificate, _ host: SimulatedHost) {
    note(.blockCertified)
    let executed = checker.entry(at: certificate.height)
    thresholdChecker.sees(certificate, executed: executed, key: host.replica?.groupKey, "node \(host.number)", self)
  }

  func acknowledged(_ ticket: UInt64, _ receipt: Receipt, isFast: Bool, _ host: SimulatedHost) {
    guard let submission = host.submissions.removeValue(forKey: ticket), host.isHonest else { return }
    report.receipts += 1
    note(isFast ? .receiptFast : .receiptSlow)
    if receipt.outcome.status == .rejected { note(.transactionRejected) }
    checker.sees(receipt, for: submission, from: host, self)
    if report.latencies.count < SimulationReport.latenciesMax {
      report.latencies.append(now - submission.at)
      if !isFast { report.slowLatencies.append(now - submission.at) }
    }
    if submission.isMarker { markerAnswered(by: host, since: submission.at) }
  }

  /// A linearizable read sees every write that was acknowledged before it began.
  func readReady(_ ticket: UInt64, _ host: SimulatedHost) {
    guard let needed = host.reads.removeValue(forKey: ticket), host.isHonest else { return }
    report.reads += 1
    note(.readServed)
    let height = host.replica?.finalHeight ?? 0
    if height < needed { violate("reads are linearizable", "node \(host.number) at \(height), told of \(needed)") }
    // As the host does before it reads: nothing is shown that may never be final.
    if host.replica?.hasSpeculation == true, ticket % 4 == 0 {
      host.replica?.discardSpeculation()
      schedule(.tick, for: host, after: 0)
    }
  }

  /// Once a second of virtual time.
  func audit() {
    schedule(.audit, after: Duration64.second)
    report.largestQueue = max(report.largestQueue, queue.count)
    for host in hosts {
      guard host.isUp else { continue }
      let isAmnesiac = host.replica?.consensus.isAmnesiac ?? false
      if host.wasAmnesiac, !isAmnesiac { note(.amnesiaRecovered) }
      if !host.wasAmnesiac, isAmnesiac { note(.amnesiaByReminder) }
      host.wasAmnesiac = isAmnesiac
    }
    // Bounded memory: nothing grows without end while nothing is final.
    if queue.count > 2_000_000 { violate("bounded memory", "\(queue.count) events are waiting") }
    for host in hosts where host.gate.waiting > 200_000 {
      violate("bounded memory", "node \(host.number) holds back \(host.gate.waiting) effects")
    }
    for host in hosts where host.journal.size > options.journalBytesMax + 96 << 20 {
      violate("bounded memory", "the journal of node \(host.number) has \(host.journal.size) bytes")
    }
  }

  /// Money is conserved, and all that the engine promises of its state, at every honest node; and all nodes at one height
  /// have one state.
  func auditState() {
    for host in honest {
      guard var replica = host.replica else { continue }
      noteCounters(replica)
      report.nullifiedViews = max(report.nullifiedViews, replica.consensus.statistics.viewsNullified)
      if replica.consensus.statistics.viewsNullified > 0 { note(.viewNullified) }
      replica.discardSpeculation()
      if let known = checker.entry(at: replica.finalHeight), known.root != replica.finalRoot {
        violate("equal state roots", "node \(host.number) at height \(replica.finalHeight)")
      }
      var clearing = replica.clearing
      let broken = clearing.checkInvariants()
      if let first = broken.first {
        violate("INV-\(first.invariant)", "node \(host.number): \(first.detail) (and \(broken.count - 1) more)")
      }
      if let fault = oracle?.difference(from: &clearing, at: replica.finalHeight) {
        violate("the model's tables", "node \(host.number) at height \(replica.finalHeight): \(fault)")
      }
    }
  }
}
