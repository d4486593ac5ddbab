// The health of validators, computed by every node alike from final blocks, and who takes the place of whom.
//
// H1  Per validator the state counts, from final blocks alone: views led and views of its own that were skipped (header
//     against parent), epochs in which nothing of its lane was ordered (cuts), rounds of an index without its price or
//     with one far off, and which validators found it late (their signed reports, one set an epoch).
// H2  An epoch's last block judges. A fault begins at the high mark of its measure, ends at the low one, and stays as it is
//     between them or where the window has shown too little, which then goes on.
// H3  leader: of at least 8 views of its own half were skipped, and f+1 found it late; ends where at most an eighth were.
// H4  late: Q found it late in this epoch; ends where at most f did.
// H5  silent: nothing of its lane was ordered in an epoch; ends with one in which something was.
// H6  absent: of at least 30 rounds three quarters without its price; ends where at most half are.
//     far: of at least 30 prices of its own half more than 2 % from the median; ends where at most an eighth are.
// H7  Only who stands by with the approval of Q validators, or was a validator, takes a place. A fault counts only while Q
//     validators do not have it: what ails the network is nobody's fault. leader and late are shown and do not count: one
//     rogue that leads before its victim can bring them about.
// H8  At the end of an epoch, where nothing is decided about the committee: an empty place that a rule made goes to the best
//     that stands by and is ready; else the worst validator with a fault that counts gives its place to it. One at a time.
// H9  Who was put on standby rests 2 epochs, twice as many each time (at most 64), before it may say that it is ready.
// H10 If shares cannot be made with somebody who stood by, the change is dropped and others come first; after the third
//     time it has to say anew that it is ready.

import Primitives

public enum HealthRules {
  /// H3: views of its own that tell enough.
  public static let turnsMin = 8
  /// H5
  public static let silentEpochs: UInt32 = 1
  /// H6
  public static let roundsMin = 30
  public static let farPerMillion: Int64 = 20_000
  /// H7
  public static let counting: HealthFaults = [.silent, .absent, .far]
  /// H9
  public static let restEpochs: UInt32 = 2
  public static let restDoublings: UInt32 = 5
  /// H10
  public static let entryFailures: UInt32 = 3
  /// Of those who stand by, and of those who are only nominated.
  public static let maxStandbys = 64
  public static let maxNominated = 32
  public static let maxNominatedOfOne = 4

  /// Counters stop here, so that nothing that is computed from them overflows.
  static let most: UInt32 = 1 << 30
}

/// Where a measure stands between its marks.
enum HealthMark {
  case high
  case low
  case between
}

extension HealthRecord {
  /// H3 to H6, in a committee with these `f` and `quorum`.
  func mark(of fault: HealthFaults, f: Int, quorum: Int) -> HealthMark {
    switch fault {
    case .leader:
      guard hasTurns else { return .between }
      if missed >= (turns + 1) / 2, reporters.count > f { return .high }
      return missed <= turns / 8 ? .low : .between
    case .late:
      if reporters.count >= quorum { return .high }
      return reporters.count <= f ? .low : .between
    case .silent:
      if spoke { return .low }
      return silentEpochs.saturatingAdding(1) >= HealthRules.silentEpochs ? .high : .between
    case .absent:
      guard hasRounds else { return .between }
      if absent >= rounds / 4 * 3 + rounds % 4 { return .high }
      return absent <= rounds / 2 ? .low : .between
    case .far:
      guard hasPrices else { return .between }
      if far >= (prices + 1) / 2 { return .high }
      return far <= prices / 8 ? .low : .between
    default: return .between
    }
  }

  var turns: UInt32 { led.saturatingAdding(missed) }
  var prices: UInt32 { rounds - min(absent, rounds) }
  var hasTurns: Bool { turns >= HealthRules.turnsMin }
  var hasRounds: Bool { rounds >= HealthRules.roundsMin }
  var hasPrices: Bool { prices >= HealthRules.roundsMin }

  /// H2: after the last block of an epoch.
  mutating func endEpoch(f: Int, quorum: Int) {
    for (fault, _) in HealthFaults.all {
      switch mark(of: fault, f: f, quorum: quorum) {
      case .high: faults.insert(fault)
      case .low: faults.remove(fault)
      case .between: break
      }
    }
    if hasTurns { (led, missed) = (0, 0) }
    if hasRounds { (rounds, absent, far) = (0, 0, 0) }
    silentEpochs = spoke ? 0 : min(silentEpochs &+ 1, HealthRules.most)
    spoke = false
    reporters = []
  }

  /// Adds one, within bounds.
  mutating func count(_ field: WritableKeyPath<HealthRecord, UInt32>) {
    if self[keyPath: field] < HealthRules.most { self[keyPath: field] &+= 1 }
  }
}
