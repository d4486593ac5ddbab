// A Byzantine validator: follows the protocol as an observer, proposes up to three blocks to different nodes when it
// leads, and tells every node something else.

import Consensus
import Primitives
import Sodium

final class Adversary {
  let number: Int
  unowned let world: World
  private var blocks: [View: [Digest]] = [:]
  private var voted: Set<View> = []
  private var led: Set<View> = []

  init(number: Int, world: World) {
    self.number = number
    self.world = world
  }

  func entered(_ view: View) {
    guard world.committee.leader(of: view) == ValidatorIndex(number), led.insert(view).inserted else { return }
    let host = world.hosts[number]
    guard let parent = host.consensus.parentCandidate, let over = host.consensus.proposal(parent)?.header else {
      return
    }
    let count = Int(world.random.below(3)) + 1
    var proposals: [Proposal] = []
    for variant in 0..<count {
      let cut = Array("evil/\(view)/\(variant)".utf8)
      let header = Header(
        epoch: 0, view: view, height: over.height + 1, parentHash: parent, parentView: over.view,
        cutHash: Proposal.hash(ofCut: cut), executedHeight: executed(parent).0, executedRoot: executed(parent).1,
        timestamp: max(world.moment.wall, over.timestamp + 1), validatorSetHash: world.committee.setHash,
        historyRoot: .zero, leader: ValidatorIndex(number))
      let hash = header.hash(chain: world.chain)
      let signature = world.signers[number].sign(Array("novation/propose/v1".utf8) + hash.bytes)
      proposals.append(Proposal(header: header, signature: signature, cut: cut))
      blocks[view, default: []].append(hash)
    }
    for peer in world.hosts.indices where peer != number {
      guard world.random.below(8) != 0 else { continue }
      let choice = proposals[Int(world.random.below(UInt64(proposals.count)))]
      world.send(.proposal(choice), from: number, to: peer)
    }
    vote(in: view)
  }

  private func executed(_ parent: Digest) -> (Height, Digest) {
    // An honest node's knowledge is fair game.
    for host in world.honest {
      var current = parent
      while let proposal = world.hosts[host].proposals[current] {
        if let root = world.hosts[host].roots[current] { return (proposal.header.height, root) }
        current = proposal.header.parentHash
      }
    }
    return (0, world.genesisRoot)
  }

  func hear(_ message: ConsensusMessage) {
    switch message {
    case .proposal(let proposal):
      let view = proposal.header.view
      let hash = proposal.header.hash(chain: world.chain)
      if blocks[view]?.contains(hash) != true { blocks[view, default: []].append(hash) }
      vote(in: view)
    case .vote(let vote):
      if let block = vote.block, blocks[vote.view]?.contains(block) != true {
        blocks[vote.view, default: []].append(block)
      }
      if world.random.below(4) == 0 { self.vote(in: vote.view, again: true) }
    default: break
    }
  }

  private func vote(in view: View, again: Bool = false) {
    guard again || voted.insert(view).inserted else { return }
    let known = blocks[view] ?? []
    for peer in world.hosts.indices where peer != number {
      let pick = Int(world.random.below(UInt64(known.count + 1)))
      let block = pick < known.count ? known[pick] : nil
      tell(peer, .first, view, block)
      switch world.random.below(3) {
      case 0: tell(peer, .fallback, view, nil)
      case 1: if let block = known.randomElement(using: &world.random) { tell(peer, .fallback, view, block) }
      default: break
      }
      if let block = known.randomElement(using: &world.random) { tell(peer, .finalize, view, block) }
    }
  }

  private func tell(_ peer: Int, _ kind: VoteKind, _ view: View, _ block: Digest?) {
    let root: Digest = kind == .finalize ? Digest(words: (6, 6, 6, view)) : .zero
    let vote = Vote(
      kind: kind, epoch: 0, view: view, block: block, stateRoot: root, voter: ValidatorIndex(number)
    ).signed(by: world.signers[number], committee: world.committee)
    world.send(.vote(vote), from: number, to: peer)
  }
}
