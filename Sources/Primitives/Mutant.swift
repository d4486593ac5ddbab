// One-line bugs by name, to show that the checkers bite: a mutant that no simulated run notices is a hole in the checks.
//
// They exist only in a build with `NOVATION_MUTANTS=1`, which has no executable (Package.swift). In every other build
// `has` is the constant `false`, and the compiler drops the mutated branch.

public enum Mutant: UInt8, CaseIterable, Sendable {
  // Agreement.
  case quorumOneSmaller, fastQuorumOneSmaller
  case fallbackToNullifyTooSoon, fallbackToBlockTooSoon, fallbackAfterFinalize, finalizeAfterFallback
  case nullifyAfterNotarize
  case voteUnverified, certificateUnverified, headerUnverified
  case viewsBetweenUnchecked, executedRootUnchecked, timestampUnchecked
  case votesForgottenOnRestart, amnesiacVotes, amnesiaFloorForgotten
  // Journal and what waits for it.
  case voteBeforeSync, votesNotRewritten, batchesNotRewritten, journalChecksumIgnored, journalEndMarkIgnored
  // Lanes, execution, ledger, reads.
  case laneForgottenOnRestart, lanesOrderedByHolder
  case rollbackKeepsTree, undoForgetsChange, commitsLastBlockOnly
  case receiptOfNeighbour, readAsksOnlyItself, readBeforeExecution
  // Clearing.
  case nonceReusable, tradeAtTakerPrice, feeRoundedDown, futureGainUnpaid, openInterestOneSided
  case marginUnchecked, marginCallTooEarly, settlementUnrounded, medianTooHigh, lastComeFirstServed
  case withdrawalNotSetAside

  #if MUTANTS
    /// The one bug that is there; set while nothing runs, by the one test that runs.
    nonisolated(unsafe) public static var active: Mutant?

    @inlinable public static func has(_ mutant: Mutant) -> Bool { active == mutant }
  #else
    @inlinable @inline(__always) public static func has(_ mutant: Mutant) -> Bool { false }
  #endif
}
