// Threshold signatures, judged from outside: every share of the run is collected, and no nonce may have made two.

import Consensus
import Primitives
import Replica
import Sodium
import Threshold
import Wire

struct ThresholdChecker {
  /// What one commitment was used for.
  private struct Use: Equatable {
    let block: Digest
    let root: Digest
    let share: [UInt8]
  }

  private static let usesMax = 1_000_000

  let chain: Digest
  private var plans: [Digest: SigningPlan] = [:]
  private var uses: [CommitmentEighths: Use] = [:]
  private var groupKey: PublicKey?
  private(set) var certified: Set<Height> = []
  private(set) var sharesSeen: UInt64 = 0
  private(set) var keyEpochs: Set<Epoch> = []
  private(set) var firstKeyHeight: Height = 0
  /// Heights at which validators were last found without the share that they need, and the longest time so, in blocks.
  private var lockedOut: [ValidatorIndex: Height] = [:]
  private(set) var longestLockout: Height = 0

  init(chain: Digest) { self.chain = chain }

  mutating func sees(_ message: PeerMessage, from host: SimulatedHost, _ simulation: Simulation) {
    switch message {
    case .bound(_, let inner): sees(inner, from: host, simulation)
    case .consensus(.proposal(let proposal)):
      guard !proposal.frostPlan.isEmpty, proposal.planMatchesHeader else { return }
      if let plan = try? WireReader.decode(SigningPlan.self, from: proposal.frostPlan) {
        plans[proposal.header.hash(chain: chain)] = plan
      }
    case .consensus(.vote(let vote)):
      guard host.isHonest, !vote.frostShare.isEmpty, let block = vote.block,
        simulation.checker.identity(of: vote.voter, in: vote.epoch) == host.identity
      else { return }
      if plans[block] == nil { plans[block] = plan(of: block, host) }
      collect(vote.frostShare, vote.stateRoot, of: block, in: vote.view, by: vote.voter, simulation)
    case .share(let late):
      guard host.isHonest, let index = host.replica?.index else { return }
      if plans[late.block] == nil { plans[late.block] = plan(of: late.block, host) }
      collect(late.share, late.stateRoot, of: late.block, in: late.view, by: index, simulation)
    default: return
    }
  }

  /// Of a dishonest leader's proposal, which was not seen leaving.
  private func plan(of block: Digest, _ host: SimulatedHost) -> SigningPlan? {
    guard let proposal = host.replica?.consensus.proposal(block), proposal.planMatchesHeader else { return nil }
    return try? WireReader.decode(SigningPlan.self, from: proposal.frostPlan)
  }

  /// T3: shares of one nonce on two messages or in two sessions are two equations about it and the secret share. Three of
  /// them give the secret away, two already tie it down, so a second one is a violation whether or not a key follows.
  private mutating func collect(
    _ share: [UInt8], _ root: Digest, of block: Digest, in view: View, by validator: ValidatorIndex,
    _ simulation: Simulation
  ) {
    let who = "validator \(validator) in view \(view)"
    guard let own = plans[block]?.entries.first(where: { $0.participant == Participant(validator) + 1 }) else {
      // A late share may be of a block that agreement has let go of; a vote's never is.
      if plans[block] != nil { simulation.violate("T3: a share only for a plan that names the signer", who) }
      return
    }
    let use = Use(block: block, root: root, share: share)
    if let earlier = uses[own.commitment], earlier != use {
      simulation.violate("T3: no nonce makes two shares", who)
    }
    uses[own.commitment] = use
    sharesSeen += 1
    if plans.count > 8192 { plans.removeAll(keepingCapacity: true) }
    if uses.count > Self.usesMax { uses.removeAll(keepingCapacity: true) }
  }

  /// T1: one group key for ever, and a certificate only of what everybody executed.
  mutating func sees(
    _ certificate: GroupCertificate, executed: Checker.FinalEntry?, key: PublicKey?, _ who: String,
    _ simulation: Simulation
  ) {
    guard let key else { return simulation.violate("a certificate has a group key", who) }
    if let groupKey, groupKey != key { simulation.violate("the group key never changes", who) }
    groupKey = key
    certified.insert(certificate.height)
    if !certificate.verify(chain: chain, groupKey: key) { simulation.violate("T1: certificates verify", who) }
    guard let executed else { return }
    if executed.hash != certificate.headerHash || executed.root != certificate.stateRoot {
      simulation.violate("T1: certificates are of the state", "\(who) at height \(certificate.height)")
    }
  }

  /// A validator has executed a block: with a share of the active keys, or without.
  mutating func sees(_ validator: ValidatorIndex, holdsShare: Bool, at height: Height) {
    guard !holdsShare else { return lockedOut[validator] = nil }
    let since = lockedOut[validator] ?? height
    lockedOut[validator] = since
    longestLockout = max(longestLockout, height.subtracting(since) ?? 0)
  }

  mutating func sees(_ keys: GroupKeys, at height: Height, _ simulation: Simulation) {
    if keyEpochs.isEmpty { firstKeyHeight = height }
    if keyEpochs.insert(keys.epoch).inserted, keys.epoch > 0 { simulation.note(.epochOfKeysBegun) }
  }
}
