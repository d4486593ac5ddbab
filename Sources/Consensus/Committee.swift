// The validators of an epoch, their quorums, and who leads which view.

public import Primitives
import Sodium
import Wire

/// Bounds on what a peer can make a node decode or hold.
public enum ConsensusLimits {
  public static let validators = 256
  public static let cutBytes = 1 << 20
  public static let frostPlanBytes = 64 << 10
  public static let frostShareBytes = 1024
  /// Nullifications that travel with a proposal; more are fetched.
  public static let nullifications = 64
  /// Leader-signed headers of one view that are kept.
  public static let headersPerView = 32
  /// Proposals with content that are kept of one view without a reason in votes or certificates.
  public static let proposalsPerView = 2
  /// Fallback votes of one voter and view that are kept.
  public static let fallbacksPerVoter = 4
  /// Views above the current one of which votes are kept; later ones are entered through certificates.
  public static let viewWindow: UInt64 = 16
  /// Views below the last state-final one that are kept for peers a little behind.
  public static let viewsRetained: UInt64 = 32
  /// Missing proposals that are asked for at the same time.
  public static let fetches = 64
  /// Execution may lag order by this many heights (C15).
  public static let executionLag: UInt64 = 16
  /// Own votes sent again at one standstill.
  public static let votesResent = 256
}

/// (n, f, p, Q, QF) of an epoch and the rotation of leaders.
public struct Committee: Sendable {
  public let chain: Digest
  public let epoch: Epoch
  public let keys: [PublicKey]
  public let rules: VoteRules
  /// Commits to chain, epoch, keys and quorums; in every header and under every signature, so that quorums cannot be
  /// mixed.
  public let setHash: Digest
  private let order: [ValidatorIndex]

  public var n: Int { rules.n }
  public var f: Int { rules.f }
  public var p: Int { rules.p }
  /// Q of the specification.
  public var quorum: Int { rules.quorum }
  /// QF of the specification.
  public var fastQuorum: Int { rules.fastQuorum }

  /// `keys` has 1...256 entries in the order of the epoch record. `mutation` is for tests that prove the checkers bite.
  public init(chain: Digest, epoch: Epoch, keys: [PublicKey], mutation: ProtocolMutation = .none) {
    precondition((1...ConsensusLimits.validators).contains(keys.count), "a committee has 1 to 256 validators")
    self.chain = chain
    self.epoch = epoch
    self.keys = keys
    rules = VoteRules(n: keys.count, mutation: mutation)
    var writer = WireWriter()
    writer.write(chain)
    writer.write(epoch)
    for number in [rules.n, rules.f, rules.p] { writer.write(UInt32(number)) }
    writer.write(keys)
    let setHash = Blake2b.hash(domain: "novation/committee/v1", writer.bytes)
    self.setHash = setHash
    order = Self.rotation(of: keys.count, seed: setHash)
  }

  /// C12: round robin in an order that depends on the epoch record alone.
  public func leader(of view: View) -> ValidatorIndex { order[Int(view % UInt64(order.count))] }

  /// A shuffle (Fisher and Yates) seeded by the epoch record.
  private static func rotation(of count: Int, seed: Digest) -> [ValidatorIndex] {
    var order = (0..<count).map { ValidatorIndex($0) }
    var random = SeededRandom(seed: seed.words.0)
    for place in stride(from: count - 1, to: 0, by: -1) {
      order.swapAt(place, Int(random.below(UInt64(place + 1))))
    }
    return order
  }

  func key(of voter: ValidatorIndex) -> PublicKey? { Int(voter) < keys.count ? keys[Int(voter)] : nil }
}
