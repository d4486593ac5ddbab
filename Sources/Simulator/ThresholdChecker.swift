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

  let chain: Digest
  private var plans: [Digest: SigningPlan] = [:]
  private var uses: [CommitmentEighths: Use] = [:]
  private var groupKey: PublicKey?
  private(set) var certified: Set<Height> = []
  private(set) var sharesSeen: UInt64 = 0
  private(set) var keyEpochs: Set<Epoch> = []
  private(set) var firstKeyHeight: Height = 0

  init(chain: Digest) { self.chain = chain }

  mutating func sees(_ message: PeerMessage, from host: SimulatedHost, _ simulation: Simulation) {
    switch message {
    case .consensus(.proposal(let proposal)):
      guard !proposal.frostPlan.isEmpty, proposal.planMatchesHeader else { return }
      if let plan = try? WireReader.decode(SigningPlan.self, from: proposal.frostPlan) {
        plans[proposal.header.hash(chain: chain)] = plan
      }
    case .consensus(.vote(let vote)):
      guard host.isHonest, vote.voter == host.identity, !vote.frostShare.isEmpty, let block = vote.block else { return }
      if plans[block] == nil, let proposal = host.replica?.consensus.proposal(block), proposal.planMatchesHeader {
        // A dishonest leader's proposal was not seen leaving.
        plans[block] = try? WireReader.decode(SigningPlan.self, from: proposal.frostPlan)
      }
      collect(vote, of: block, simulation)
    default: return
    }
  }

  /// T3: two shares of one nonce, on two messages or in two sessions, give the secret share away.
  private mutating func collect(_ vote: Vote, of block: Digest, _ simulation: Simulation) {
    let who = "validator \(vote.voter) in view \(vote.view)"
    guard let own = plans[block]?.entries.first(where: { $0.participant == Participant(vote.voter) + 1 }) else {
      return simulation.violate("T3: a share only for a plan that names the signer", who)
    }
    let use = Use(block: block, root: vote.stateRoot, share: vote.frostShare)
    if let earlier = uses[own.commitment], earlier != use {
      simulation.violate("T3: no nonce makes two shares", who)
    }
    uses[own.commitment] = use
    sharesSeen += 1
    if plans.count > 8192 {
      plans.removeAll(keepingCapacity: true)
      uses.removeAll(keepingCapacity: true)
    }
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

  mutating func sees(_ keys: GroupKeys, at height: Height, _ simulation: Simulation) {
    if keyEpochs.isEmpty { firstKeyHeight = height }
    if keyEpochs.insert(keys.epoch).inserted, keys.epoch > 0 { simulation.note(.epochOfKeysBegun) }
  }
}
