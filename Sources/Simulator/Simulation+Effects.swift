// What a replica asks for, in its order, and what waits for the disk.

import Clearing
import Consensus
import Ledger
import Primitives
import Replica
import Wire

extension Simulation {
  /// How long messages that nobody waits for may wait for a sync that others need (as in the node's host).
  private static let unhurriedWait = 2 * Duration64.millisecond

  func perform(_ effects: [Effect], _ host: SimulatedHost) {
    // The checker hears of blocks before the receipts that name them.
    for case .finalized(let block) in effects { finalized(block, host) }
    for effect in effects {
      switch effect {
      case .finalized: break
      case .persist(let record):
        host.journal.append(record.wireBytes)
        if record.isBallot { host.lastBallot = host.journal.appended }
      case .rewriteJournal(let records):
        host.journal.rewrite(keeping: records.map(\.wireBytes))
        note(.journalRewritten)
      case .send(_, let message), .broadcast(let message):
        switch message.promise {
        case .none: release(effect, host)
        case .binding: hold(effect, needs: host.journal.appended, isHurried: true, host)
        case .unhurried: hold(effect, needs: host.journal.appended, isHurried: false, host)
        }
      case .receipt(_, _, let isFast):
        hold(effect, needs: isFast ? host.lastBallot : host.journal.appended, isHurried: true, host)
      case .readReady: hold(effect, needs: host.lastBallot, isHurried: true, host)
      default: release(effect, host)
      }
      if !host.isUp { return }
    }
    goOn(host)
  }

  private func hold(_ effect: Effect, needs: UInt64, isHurried: Bool, _ host: SimulatedHost) {
    guard needs > host.journal.durable, host.adversary?.liesAboutSync != true else { return release(effect, host) }
    host.held.append(Held(needs: needs, effect: effect))
    if isHurried { host.isHurried = true }
  }

  /// Begins a sync if somebody waits for one and none is under way.
  private func goOn(_ host: SimulatedHost) {
    if host.journal.isIdle, host.isHurried || host.journal.wantsRewrite {
      beginSync(host)
    } else if !host.held.isEmpty, !host.isHurried, !host.isUnhurriedScheduled {
      host.isUnhurriedScheduled = true
      schedule(.unhurried, for: host, after: Self.unhurriedWait)
    }
  }

  private func beginSync(_ host: SimulatedHost) {
    let factor: Instant = host.journal.wantsRewrite ? 4 : 1
    host.journal.begin()
    host.isHurried = false
    host.syncNumber += 1
    let latency = options.disk.syncMin + diskRandom.exponential(options.disk.syncMean)
    schedule(.synced, for: host, number: host.syncNumber, after: factor * latency)
  }

  func synced(_ host: SimulatedHost) {
    if host.failsNextSync {
      host.failsNextSync = false
      return fail(host)
    }
    host.journal.complete()
    report.largestJournal = max(report.largestJournal, host.journal.size)
    let durable = host.journal.durable
    var waiting: [Held] = []
    swap(&waiting, &host.held)
    for held in waiting {
      if held.needs <= durable {
        release(held.effect, host)
      } else {
        host.held.append(held)
        host.isHurried = host.isHurried || held.effect.isHurried
      }
    }
    goOn(host)
  }

  func releaseUnhurried(_ host: SimulatedHost) {
    host.isUnhurriedScheduled = false
    guard !host.held.isEmpty, host.journal.isIdle else { return }
    beginSync(host)
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
    case .send(let peer, let message): send(message, from: host, to: Int(peer))
    case .broadcast(let message): broadcast(message, from: host)
    case .verify(let batch, let transactions): verify(batch, transactions, host)
    case .commit(let commit):
      host.commit = commit
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
    case .wake(let at): wake(host, at: at)
    case .report: if host.isHonest { noteFault(effect) }
    case .halt(let reason):
      if host.isHonest { violate("an honest node goes on", "node \(host.number) stopped: \(reason)") }
    }
  }

  private func noteFault(_ effect: Effect) {
    if case .report(_, let reason) = effect, reason.hasSuffix("equivocation") { note(.equivocationReported) }
    if case .report(_, let reason) = effect, reason.hasSuffix("fork") { note(.forkedLane) }
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

extension Effect {
  /// Somebody waits for it.
  fileprivate var isHurried: Bool {
    switch self {
    case .send(_, let message), .broadcast(let message): message.promise == .binding
    default: true
    }
  }
}
