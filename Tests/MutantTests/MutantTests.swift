// Every mutant dies, and by its seed: what the simulator checks while a bug is there breaks, and holds without it.
//
// A change of the program shifts what a seed brings about, so that a mutant may survive the one that is written here: then
// it has to die within `patience` seeds after it. So that it does, a mutant that few storms show gets storms that are apt
// to. The campaign gives no such help.

import Primitives
import Reference
import Simulator
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// What makes a storm show a certain kind of bug sooner.
enum Help: Sendable {
  case none
  case adversary(AdversaryKind)
  /// Journals are lost, rewritten all the time, or there are many reads.
  case lostJournals, smallJournals, reads

  func apply(to options: inout SimulationOptions) {
    switch self {
    case .none: break
    case .adversary(let kind): options.adversaries = [AdversaryAssignment(validator: 1, kind: kind)]
    case .lostJournals:
      options.adversaries = []
      options.faults = [.lostJournal, .crash, .halves, .clog]
    case .smallJournals:
      options.adversaries = []
      options.journalBytesMax = 1 << 10
      options.faults = [.crashAll, .stall]
      options.faultEvery = 300 * Duration64.millisecond
    case .reads:
      options.load.reads = 20_000
      options.adversaries = []
    }
  }
}

/// Where a bug shows: in a network under faults, or in the engine beside its model.
enum Arena: Sendable {
  case network(Help)
  case market

  /// The first rule that the seed breaks.
  func violation(seed: UInt64, with mutant: Mutant?) -> String? {
    Mutant.active = mutant
    defer { Mutant.active = nil }
    switch self {
    case .network(let help):
      var options = SimulationOptions.storm(seed: seed)
      help.apply(to: &options)
      return Simulation(options).run().violations.first?.description
    case .market:
      var run = Differential(seed: seed)
      return run.run(commands: 2_000)
    }
  }
}

extension Mutant {
  var arena: Arena {
    switch self {
    case .tradeAtTakerPrice, .feeRoundedDown, .futureGainUnpaid, .openInterestOneSided, .marginUnchecked,
      .marginCallTooEarly, .settlementUnrounded, .medianTooHigh, .lastComeFirstServed, .withdrawalNotSetAside:
      .market
    case .voteUnverified, .certificateUnverified, .headerUnverified, .executedRootUnchecked, .timestampUnchecked:
      .network(.adversary(.fieldMutator))
    case .viewsBetweenUnchecked: .network(.adversary(.rewindingLeader))
    case .finalizeAfterFallback, .fallbackAfterFinalize: .network(.adversary(.lateLeader))
    case .amnesiaFloorForgotten: .network(.lostJournals)
    case .votesNotRewritten, .batchesNotRewritten: .network(.smallJournals)
    case .readBeforeExecution: .network(.reads)
    default: .network(.none)
    }
  }

  /// The seed that kills it; 1 where none is named.
  var seed: UInt64 { Self.seeds[self] ?? 1 }

  private static let seeds: [Mutant: UInt64] = [
    .fallbackToNullifyTooSoon: 2, .fallbackToBlockTooSoon: 16, .fallbackAfterFinalize: 7, .finalizeAfterFallback: 14,
    .voteUnverified: 5, .headerUnverified: 4, .viewsBetweenUnchecked: 13, .executedRootUnchecked: 5,
    .timestampUnchecked: 11, .amnesiacVotes: 9, .amnesiaFloorForgotten: 9, .votesNotRewritten: 4,
    .batchesNotRewritten: 1, .readAsksOnlyItself: 3, .readBeforeExecution: 28, .journalChecksumIgnored: 20,
    .journalEndMarkIgnored: 2, .rollbackKeepsTree: 24, .lastComeFirstServed: 2,
  ]
}

@Suite(.serialized) struct MutantTests {
  private static let patience: UInt64 = 60
  private static let campaign = number("NOVATION_CAMPAIGN")

  private static func number(_ name: String) -> UInt64? { getenv(name).flatMap { UInt64(String(cString: $0)) } }

  /// Seeds from `first` on until one breaks a rule.
  private func hunt(_ mutant: Mutant, in arena: Arena, from first: UInt64, patience: UInt64) -> (
    seed: UInt64, rule: String
  )? {
    for seed in first..<first + patience {
      if let rule = arena.violation(seed: seed, with: mutant) { return (seed, rule) }
    }
    return nil
  }

  @Test(.enabled(if: campaign == nil), arguments: Mutant.allCases) func dies(mutant: Mutant) {
    guard let (seed, rule) = hunt(mutant, in: mutant.arena, from: mutant.seed, patience: Self.patience) else {
      Issue.record("\(mutant) survived \(Self.patience) seeds from \(mutant.seed) on")
      return
    }
    if seed != mutant.seed { print("\(mutant): the seed is now \(seed), no longer \(mutant.seed): \(rule)") }
    let sound = mutant.arena.violation(seed: seed, with: nil)
    #expect(sound == nil, "without a mutant, seed \(seed): \(sound ?? "")")
  }

  /// `NOVATION_CAMPAIGN=300` gives each mutant so many fresh seeds, from `NOVATION_SEED` on.
  @Test(.enabled(if: campaign != nil)) func allDieFromFreshSeeds() {
    let first = Self.number("NOVATION_SEED") ?? 1
    var counts: [UInt64] = []
    for mutant in Mutant.allCases {
      var arena = mutant.arena
      if case .network = arena { arena = .network(.none) }
      guard let (seed, rule) = hunt(mutant, in: arena, from: first, patience: Self.campaign ?? 300) else {
        Issue.record("\(mutant) survived")
        counts.append(.max)
        continue
      }
      counts.append(seed - first + 1)
      print("\(mutant): \(seed - first + 1) seeds, \(seed): \(rule)")
      let sound = arena.violation(seed: seed, with: nil)
      #expect(sound == nil, "without a mutant, seed \(seed): \(sound ?? "")")
    }
    let median = counts.sorted()[counts.count / 2]
    print("\(counts.count) mutants, median \(median) seeds, most \(counts.max() ?? 0)")
    #expect(median < 100)
  }
}
