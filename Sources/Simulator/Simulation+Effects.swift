// What a replica asks for, in its order, and what waits for the disk.

import Clearing
import Consensus
import Ledger
import Primitives
import Replica
import Wire

extension Simulation {
  /// How long an unhurried message waits for another to share its write (as in the node's host).
  private static let unhurriedWait = 2 * Duration64.millisecond

  func perform(_ effects: [Effect], _ host: SimulatedHost) {
    // The checker hears of blocks before the receipts that name them.
    for case .finalized(let block) in effects { finalized(block, host) }
    var ready: [Effect] = []
    host.gate.take(effects, into: &ready)
    for effect in host.adversary?.liesAboutSync == true ? effects : ready {
      release(effect, host)
      if !host.isUp { return }
    }
    write(host)
  }

  /// One write of the journal at a time, while inputs go on.
  private func write(_ host: SimulatedHost) {
    guard host.journal.isIdle, let write = host.gate.beginWrite() else { return waitForCompany(host) }
    host.journal.begin(write)
    host.syncNumber += 1
    var latency = options.disk.syncMin + diskRandom.exponential(options.disk.syncMean)
    if write.replacement != nil {
      note(.journalRewritten)
      latency *= 4
    }
    schedule(.synced, for: host, number: host.syncNumber, after: latency)
  }

  private func waitForCompany(_ host: SimulatedHost) {
    guard host.gate.isPatient, !host.isHurryScheduled else { return }
    host.isHurryScheduled = true
    schedule(.unhurried, for: host, after: Self.unhurriedWait)
  }

  func hurry(_ host: SimulatedHost) {
    host.isHurryScheduled = false
    host.gate.hurry()
    write(host)
  }

  func synced(_ host: SimulatedHost) {
    if host.failsNextSync {
      host.failsNextSync = false
      return fail(host)
    }
    host.journal.complete()
    report.largestJournal = max(report.largestJournal, host.journal.size)
    var ready: [Effect] = []
    host.gate.complete(into: &ready)
    if host.adversary?.liesAboutSync != true { for effect in ready where host.isUp { release(effect, host) } }
    if host.isUp { write(host) }
  }

  /// The disk failed: the node stops, and somebody starts it again.
  private func fail(_ host: SimulatedHost) {
    note(.diskFailed)
    crash(host)
    schedule(.restart(host.number), after: faultRandom.between(100, 5_000) * Duration64.millisecond)
  }

  func committed(_ host: SimulatedHost) {
    guard let commit = host.commit else { return }
    host.commit = nil
    if host.failsNextCommit {
      host.failsNextCommit = false
      return fail(host)
    }
    do throws(StoreError) {
      try host.store.commit(commit)
    } catch {
      return violate("blocks are committed in order", "node \(host.number): \(error)")
    }
    step(host, .committed(commit.blocks.last?.height ?? 0))
  }

  /// Lets an effect out.
  private func release(_ effect: Effect, _ host: SimulatedHost) {
    switch effect {
    case .persist, .rewriteJournal, .finalized: break
    case .publish(let observers, let bytes):
      for observer in observers { send(bytes, from: host, toNumbered: observer) }
    case .dismiss(let observer, _): dismiss(observer, host)
    case .check(let bytes, let observer):
      let input = TransactionCheck.run(bytes, chain: chain, scheme: options.signatures)
      schedule(.checked(bytes, input, from: observer), for: host, after: 100 * Duration64.microsecond)
    case .send(let peer, let message): send(message, from: host, to: Int(peer))
    case .broadcast(let message): broadcast(message, from: host)
    case .verify(let batch, let transactions): verify(batch, transactions, host)
    case .commit(let commit):
      host.commit = commit
      if host.isHonest, let fault = oracle?.judge(commit) { violate("the model's clearing", fault) }
      let latency = options.disk.commitMin + diskRandom.exponential(options.disk.commitMean)
      schedule(.committed, for: host, after: latency)
    case .loadBlocks(let peer, let height):
      let blocks = host.failsReads ? [] : FinalBlock.answer(from: height, store: host.store)
      schedule(.loaded(for: peer, blocks), for: host, after: options.disk.syncMin)
    case .receipt(let ticket, let receipt, let isFast): acknowledged(ticket, receipt, isFast: isFast, host)
    case .refused(let ticket, _):
      note(.submissionRefused)
      host.submissions[ticket] = nil
      host.reads[ticket] = nil
    case .readReady(let ticket): readReady(ticket, host)
    case .proven(let height, let certificate): if host.isHonest { checkProof(height, certificate, host) }
    case .certified(let certificate): if host.isHonest { checkCertificate(certificate, host) }
    case .keepSecrets(let secrets): host.secrets = secrets
    case .committee: succeed(host)
    case .needSeed:
      note(.noncesDiscarded)
      schedule(.seed(freshSeed()), for: host, after: Duration64.microsecond)
    case .wake(let at): wake(host, at: at)
    case .report: if host.isHonest { noteFault(effect) }
    case .halt(let reason):
      if host.isHonest { violate("an honest node goes on", "node \(host.number) stopped: \(reason)") }
    }
  }

  private func noteFault(_ effect: Effect) {
    if case .report(_, let reason) = effect, reason.hasSuffix("equivocation") { note(.equivocationReported) }
    if case .report(_, let reason) = effect, reason.hasSuffix("fork") { note(.forkedLane) }
    if case .report(_, let reason) = effect, reason == "a wrong signature share" { note(.signerCaughtWrong) }
    if case .report(_, "conflictingFinality") = effect {
      violate("no conflicting finality", "reported by an honest node")
    }
  }

  private func wake(_ host: SimulatedHost, at local: Instant) {
    let at = max(now, host.clock.time(of: local))
    if let wakeAt = host.wakeAt, wakeAt <= at, wakeAt > now { return }
    host.wakeAt = at
    host.wakeNumber += 1
    schedule(.wake, for: host, number: host.wakeNumber, after: at - now)
  }

  private func verify(_ batch: Digest, _ transactions: [[UInt8]], _ host: SimulatedHost) {
    let inputs: [TransactionInput]
    if let known = verified[batch] {
      inputs = known
    } else {
      inputs = transactions.map { TransactionCheck.run($0, chain: chain, scheme: options.signatures) }
      if verified.count >= 4096 { verified.removeAll(keepingCapacity: true) }
      verified[batch] = inputs
    }
    let delay = 20 * Duration64.microsecond * Instant(transactions.count + 1)
    schedule(.verified(batch: batch, inputs), for: host, after: delay)
  }
}
