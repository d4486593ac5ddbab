// The thresholds of C5-C9 as pure functions of counted votes. The state machine and the exhaustive model in the tests
// decide through this one type.

import Primitives

/// One-line bugs that the checkers must find. Only tests pass anything but `none`.
public enum ProtocolMutation: Sendable, CaseIterable {
  case none
  /// QF is one smaller.
  case fastQuorumMinusOne
  /// Q is one smaller.
  case quorumMinusOne
  /// A timer makes a validator nullify after a first notarize.
  case nullifyAfterNotarize
}

/// A vote's target in a count: -1 is none, 0 is nullify, k > 0 is the k-th known block of the view.
public typealias Choice = Int8

/// A set of choices: bit 0 is nullify, bit k the k-th block.
public struct ChoiceSet: OptionSet, Hashable, Sendable {
  public let rawValue: UInt64
  public init(rawValue: UInt64) { self.rawValue = rawValue }
  public static let nullify = ChoiceSet(rawValue: 1)
  public static func block(_ number: Int) -> ChoiceSet { ChoiceSet(rawValue: 1 << UInt64(number & 63)) }
}

public struct VoteRules: Sendable, Hashable {
  public let n: Int
  /// Byzantine validators tolerated.
  public let f: Int
  /// Validators that may be slow or dead while the fast path still works.
  public let p: Int
  /// Q: notarization, nullification, final, state.
  public let quorum: Int
  /// QF: fast final.
  public let fastQuorum: Int
  public let mutation: ProtocolMutation

  public init(n: Int, mutation: ProtocolMutation = .none) {
    self.n = n
    self.mutation = mutation
    var quorum = n
    var fastQuorum = n
    if n < 4 {
      f = 0
      p = 0
    } else {
      f = (n - 1) / 3
      p = max(1, (n - 3 * f + 1) / 2)
      quorum = (n + f) / 2 + 1
      fastQuorum = max(quorum, n - p)
    }
    self.quorum = quorum - (mutation == .quorumMinusOne || Mutant.has(.quorumOneSmaller) ? 1 : 0)
    self.fastQuorum = fastQuorum - (mutation == .fastQuorumMinusOne || Mutant.has(.fastQuorumOneSmaller) ? 1 : 0)
  }

  /// C5, C6: Q distinct voters, first or fallback. C8: Q distinct Finalize.
  public func isQuorum(_ voters: Int) -> Bool { voters >= quorum }

  /// C7: QF distinct first votes.
  public func isFastQuorum(_ firstVoters: Int) -> Bool { firstVoters >= fastQuorum }

  /// False but for a mutant: after a first notarize, a timer never makes a node nullify (C3).
  public var timerNullifiesAfterNotarize: Bool {
    mutation == .nullifyAfterNotarize || Mutant.has(.nullifyAfterNotarize)
  }

  /// C9: the fallback votes allowed to a validator whose first vote was `own`, by what it has counted.
  /// - Parameters:
  ///   - firsts: each validator's first vote (own included); a vote for a block whose header is unknown is none (C4).
  ///   - blocks: leader-signed headers known of the view.
  public func fallbacks(firsts: [Choice], blocks: Int, leader: Int, own: Choice) -> ChoiceSet {
    guard own >= 0, blocks < 63 else { return [] }
    var nullify = 0
    var voters = 0
    var byBlock = [Int](repeating: 0, count: blocks + 1)
    for (voter, choice) in firsts.enumerated() where choice >= 0 && Int(choice) <= blocks {
      // C9: a leader with two headers is provably Byzantine, and so one fewer unknown liar is left.
      if blocks > 1 && voter == leader { continue }
      voters += 1
      if choice == 0 { nullify += 1 } else { byBlock[Int(choice)] += 1 }
    }
    var allowed: ChoiceSet = []
    if blocks > 1 {
      for block in 1...blocks where own != block && byBlock[block] >= f + p { allowed.insert(.block(block)) }
      if own != 0, voters - (byBlock.dropFirst().max() ?? 0) >= f + p { allowed.insert(.nullify) }
    } else {
      if own != 0, nullify >= f + p + (Mutant.has(.fallbackToNullifyTooSoon) ? 0 : 1) { allowed.insert(.nullify) }
      if own == 0, blocks == 1, voters >= n - f - (Mutant.has(.fallbackToBlockTooSoon) ? 1 : 0) {
        allowed.insert(.block(1))
      }
    }
    return allowed
  }
}
