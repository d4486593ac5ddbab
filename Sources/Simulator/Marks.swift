// Rare states that a campaign has to reach: a checker that never met one has shown nothing about it.

/// "Sometimes" assertions (Antithesis, FoundationDB): each must hold at least once in a campaign.
public enum Mark: UInt8, CaseIterable, Sendable {
  case fastFinal, slowFinal
  case viewNullified
  case viewChangeAfterLeaderCrash
  case sectorsTorn, tornTailCut, tornGroupWhole
  case rottenJournal, lostJournal, olderDisk
  case amnesiaBegun, amnesiaRecovered, amnesiaByReminder
  case catchUpUsed
  case speculationRolledBack
  case journalRewritten
  case crashDuringSync, crashDuringCommit, stepDuringSync
  case allCrashed
  case diskFailed
  case receiptFast, receiptSlow, submissionRefused, transactionRejected
  case readServed
  case equivocationReported, malformedReported
  case optionsExpired, marginCalled, depositMade, withdrawalMade
  case forkedLane
  case blockCertified, epochOfKeysBegun, signerCaughtWrong, noncesDiscarded, voteListsSpared
  case committeeTookOver, joinerVoted, leaverFollowed
  case healed
}

extension Mark {
  /// Only a campaign of changing committees can reach it.
  var isOfSuccession: Bool { [.committeeTookOver, .joinerVoted, .leaverFollowed].contains(self) }
}

public struct Marks: Sendable {
  private var counts = [UInt64](repeating: 0, count: Mark.allCases.count)

  public init() {}

  mutating func note(_ mark: Mark, times: UInt64 = 1) { counts[Int(mark.rawValue)] += times }

  public subscript(mark: Mark) -> UInt64 { counts[Int(mark.rawValue)] }

  public mutating func add(_ other: Marks) { for place in counts.indices { counts[place] += other.counts[place] } }

  /// Marks that were never reached.
  public var missing: [Mark] { Mark.allCases.filter { self[$0] == 0 && !$0.isOfSuccession } }
}
