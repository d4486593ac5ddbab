// Starting, stepping and crashing machines.

import Clearing
import Consensus
import Ledger
import Primitives
import Replica
import Sodium
import Storage
import Threshold
import Wire

extension Simulation {
  /// Starts a machine's process with what it found in its journal.
  func boot(_ host: SimulatedHost, journal: [JournalRecord], amnesiac: Bool) {
    let state: LedgerState
    do throws(StoreError) {
      state = try LedgerState(of: host.store, genesis: genesis, scheme: options.signatures)
    } catch {
      return violate("the ledger opens after a crash", "node \(host.number): \(error)")
    }
    host.life += 1
    host.gate = DurabilityGate()
    host.isHurryScheduled = false
    host.wakeAt = nil
    host.wakeNumber += 1
    host.toldHeight = state.head?.proposal.header.height ?? 0
    host.toldHash = state.head?.proposal.header.hash(chain: chain) ?? chain
    var mixer = SeededRandom(seed: UInt64(host.number) << 32 | UInt64(host.life))
    let kept = host.secrets.flatMap { ShareKeeper(contents: $0) } ?? ShareKeeper()
    host.replica = Replica(
      chain: chain, signer: host.signer, scheme: options.signatures, settings: settings, clearing: state.clearing,
      system: state.system,
      tree: state.tree, recovery: state.recovery(journal: journal, amnesiac: amnesiac),
      secrets: ReplicaSecrets(seed: freshSeed(), kept: kept), bootId: mixer.next())
    host.isUp = true
    host.wasAmnesiac = host.replica?.consensus.isAmnesiac ?? false
    if host.wasAmnesiac { note(.amnesiaBegun) }
    step(host, .start)
    learnCommittee(of: host)
    for peer in hosts where peer.identity != host.identity && peer.isUp { connectSoon(host.number, peer.number) }
  }

  /// 32 bytes that no start gets twice.
  func freshSeed() -> SecretBytes {
    var seed: [UInt8] = []
    for _ in 0..<4 { withUnsafeBytes(of: seedRandom.next()) { seed += $0 } }
    return SecretBytes(copying: seed)
  }

  func step(_ host: SimulatedHost, _ input: Input) {
    guard host.isUp else { return }
    if !host.journal.isIdle { note(.stepDuringSync) }
    var produced: [Effect] = []
    swap(&produced, &effects)
    host.replica?.noteJournal(bytes: host.journal.size)
    host.replica?.step(input, at: host.clock.moment(at: now), into: &produced)
    perform(produced, host)
    produced.removeAll(keepingCapacity: true)
    swap(&produced, &effects)
  }

  /// Memory is lost; the disk keeps what it had, and something of what it was writing.
  func crash(_ host: SimulatedHost) {
    guard let replica = host.replica else { return }
    host.pastViews = max(host.pastViews, replica.consensus.statistics.viewsEntered)
    noteCounters(replica)
    host.replica = nil
    host.isUp = false
    host.life += 1
    host.submissions.removeAll()
    host.reads.removeAll()
    if let commit = host.commit {
      note(.crashDuringCommit)
      host.commit = nil
      if diskRandom.below(2) == 0 { try? host.store.commit(commit) }
    }
    for peer in hosts where peer.number != host.number { disconnect(host.number, peer.number) }
  }

  func noteCounters(_ replica: Replica) {
    if replica.counters.rollbacks > 0 { note(.speculationRolledBack, times: replica.counters.rollbacks) }
    if replica.counters.voteListsSpared > 0 { note(.voteListsSpared, times: replica.counters.voteListsSpared) }
    if replica.counters.caughtUpBlocks > 0 { note(.catchUpUsed, times: replica.counters.caughtUpBlocks) }
    if replica.counters.malformedMessages > 0 { note(.malformedReported, times: replica.counters.malformedMessages) }
  }

  /// Starts a crashed machine from its disk.
  func restart(_ host: SimulatedHost) {
    guard !host.isUp else { return }
    report.restarts += 1
    if !host.journal.isIdle { note(.crashDuringSync) }
    let isRotten = host.rotsAtRestart
    host.rotsAtRestart = false
    var (image, durable, inFlight) = host.journal.crash(&diskRandom, marks: &report.marks)
    if isRotten, image != nil { rot(&image) }
    if host.adversary?.forgetsVotes == true {
      host.journal.renew(keeping: [])
      return boot(host, journal: [], amnesiac: false)
    }
    guard let image else {
      note(.lostJournal)
      return bootAmnesiac(host)
    }
    let found: JournalContents
    do throws(StoreError) {
      found = try Journal.examine(image: image.bytes, owner: host.journal.owner)
    } catch {
      return violate("the journal opens after a crash", "node \(host.number): \(error)")
    }
    switch found.condition {
    case .clean: break
    case .tornTailCut: note(.tornTailCut)
    case .missing: return
    case .damaged(let why):
      guard isRotten else { return violate("a crash does not damage the journal", "node \(host.number): \(why)") }
      note(.rottenJournal)
      return bootAmnesiac(host)
    }
    // Rot in what was never synced is a tear.
    check(found.records, of: host, durable: durable, inFlight: inFlight, isRotten: isRotten)
    if found.records.count > durable.count { note(.tornGroupWhole) }
    host.journal.reopen(with: found.records, durable: durable.count)
    boot(host, journal: decode(found.records, of: host), amnesiac: false)
  }

  /// What was synced is there; of what was not, all or nothing.
  private func check(
    _ found: [[UInt8]], of host: SimulatedHost, durable: [[UInt8]], inFlight: [[UInt8]], isRotten: Bool
  ) {
    guard found == durable || found == durable + inFlight else {
      return violate(
        "the journal keeps what was synced",
        "node \(host.number): \(found.count) records of \(durable.count) synced and \(inFlight.count) under way"
          + (isRotten ? ", after rot" : ""))
    }
  }

  private func decode(_ records: [[UInt8]], of host: SimulatedHost) -> [JournalRecord] {
    var decoded: [JournalRecord] = []
    for bytes in records {
      guard let record = try? WireReader.decode(JournalRecord.self, from: bytes) else {
        violate("journal records decode", "node \(host.number)")
        return []
      }
      decoded.append(record)
    }
    return decoded
  }

  private func rot(_ image: inout JournalImage?) {
    guard let used = image?.end else { return }
    let place = Int(diskRandom.below(UInt64(used)))
    image?.bytes[place] ^= 1 << UInt8(diskRandom.below(8))
  }

  /// As opening a missing or damaged journal does.
  private func bootAmnesiac(_ host: SimulatedHost) {
    host.journal.renew(keeping: [JournalRecord.consensus(.amnesiac(true)).wireBytes])
    host.loseMemory()
    host.admitsLoss = true
    boot(host, journal: [], amnesiac: true)
  }
}
