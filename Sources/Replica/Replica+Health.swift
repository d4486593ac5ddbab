// What a final block shows of the validators (rule H1 of docs/VALIDATORS.md), and this node's own word on them (H4).

import Clearing
import Consensus
import Gossip
import Primitives
import Sodium
import Threshold
import Wire

extension Replica {
  /// H1: from the headers of a block and its parent and from their cuts, which are the same everywhere.
  func conduct(of block: Block, after parent: Block) -> BlockConduct? {
    let keys = system.keys.settings
    // V8
    guard keys.isOn else { return nil }
    let view = block.header.view
    let first = max(parent.header.view.saturatingAdding(1), view.subtracting(BlockConduct.viewsMax) ?? 0)
    var skipped: [ValidatorIndex] = []
    if first < view { skipped = (first..<view).map { committee.leader(of: $0) } }
    let spoke = block.cut.tips.filter { $0.sequence > parent.cut.sequence(of: $0.lane) }.map(\.lane)
    return BlockConduct(
      leader: committee.leader(of: view), skipped: skipped, spoke: spoke,
      endsEpoch: block.header.height.saturatingAdding(1).isMultiple(of: keys.epochBlocks))
  }

  /// H4: after three quarters of an epoch this node tells whom it found late, if anybody.
  mutating func reportLate(at height: Height, _ now: Moment) {
    let epoch = system.keys.settings.epochBlocks
    guard epoch > 0, settings.reportsLate, index != nil, !isLaneSuspended, !isBehind,
      height % epoch == epoch / 4 * 3
    else { return }
    let late = consensus.takeLate()
    guard !late.isEmpty else { return }
    var transaction = Transaction(
      chain: chain, signer: signer.publicKey, nonce: Nonce.make(time: now.wall, random: height),
      expiry: now.wall.saturatingAdding(Duration64.minute),
      actions: [.report(LatenessReport(committee: committee.epoch, late: late))])
    transaction.signature = signer.sign(transaction.signingBytes)
    let bytes = transaction.wireBytes
    if lanes.canAccept(bytes: bytes.count) { stepLanes(.submit(transaction: bytes, isMoreComing: false), at: now) }
  }
}
