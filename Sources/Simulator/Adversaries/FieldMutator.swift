// Small-scope mutation (as in ByzzFuzz: Winter et al., OOPSLA 2023): well-formed messages with one field changed by the
// least amount, signed again where the signature is its own, and the message of the same kind of the round before.

import Consensus
import Gossip
import Primitives
import Replica
import Sodium
import Wire

final class FieldMutator: Adversary {
  private var tools: AdversaryTools
  /// The last proposal and votes of its own, by kind.
  private var proposal: Proposal?
  private var votes: [VoteKind: Vote] = [:]
  /// What it tells everybody alike in this view, in place of its proposal: only so can a wrong block find a quorum.
  private var common: (view: View, proposal: Proposal?) = (0, nil)

  init(_ tools: AdversaryTools) { self.tools = tools }

  func sends(_ message: PeerMessage, to peer: ValidatorIndex, at now: AdversaryView, into lies: inout [Lie]) {
    if case .consensus(.proposal(let own)) = message, own.header.leader == tools.index {
      if common.view != own.header.view {
        common = (own.header.view, tools.random.below(2) == 0 ? changed(own) : nil)
      }
      if let lie = common.proposal {
        return lies.append(Lie(bytes: PeerMessage.consensus(.proposal(lie)).wireBytes, to: peer))
      }
    }
    // Either both, or the lie alone.
    let isChanged = tools.random.below(3) == 0
    if !isChanged || tools.random.below(2) == 0 { lies.append(Lie(bytes: message.wireBytes, to: peer)) }
    guard isChanged, let changed = changed(message) else { return }
    lies.append(Lie(bytes: changed.wireBytes, to: peer))
  }

  private func changed(_ message: PeerMessage) -> PeerMessage? {
    switch message {
    case .consensus(.vote(let vote)) where vote.voter == tools.index: .consensus(.vote(changed(vote)))
    case .consensus(.proposal(let proposal)) where proposal.header.leader == tools.index:
      .consensus(.proposal(changed(proposal)))
    case .consensus(.certificate(let certificate)): .consensus(.certificate(changed(certificate)))
    case .consensus(.status(let status)): .consensus(.status(changed(status)))
    case .consensus(.getCertificates(let from, let through)):
      .consensus(.getCertificates(from: step(from), through: step(through)))
    case .lane(.batch(let batch)) where batch.lane == tools.index: .lane(.batch(changed(batch)))
    case .tip(let height): .tip(step(height))
    case .getBlocks(let height): .getBlocks(from: step(height))
    case .blocks(let blocks): .blocks(changed(blocks))
    default: nil
    }
  }

  private func changed(_ vote: Vote) -> Vote {
    if tools.random.below(4) == 0, let last = votes[vote.kind] { return last }
    votes[vote.kind] = vote
    var vote = vote
    switch tools.random.below(6) {
    case 0: vote.view = step(vote.view)
    case 1: vote.epoch = 1
    case 2: vote.block = vote.block.map(flipped)
    case 3: if vote.stateRoot != .zero { vote.stateRoot = flipped(vote.stateRoot) }
    case 4:
      if vote.kind == .first || vote.kind == .fallback { vote.kind = vote.kind == .first ? .fallback : .first }
      if vote.kind == .finalize { vote.kind = .attest }
    default: if vote.kind == .first { vote.block = nil }
    }
    // Now and then with the signature of what it was.
    return tools.random.below(6) == 0 ? vote : tools.signed(vote)
  }

  private func changed(_ original: Proposal) -> Proposal {
    if tools.random.below(5) == 0, let proposal { return proposal }
    proposal = original
    var header = original.header
    switch tools.random.below(10) {
    case 0: header.view = step(header.view)
    case 1: header.height = step(header.height)
    case 2: header.parentView = step(header.parentView)
    case 3: header.parentHash = flipped(header.parentHash)
    case 4: header.executedHeight = step(header.executedHeight)
    case 5: header.executedRoot = flipped(header.executedRoot)
    case 6: header.timestamp += tools.random.below(2) == 0 ? -Duration64.second : Duration64.second
    case 7: header.historyRoot = flipped(header.historyRoot)
    case 8: header.timestamp -= Duration64.second
    default:
      var bare = original
      if tools.random.below(2) == 0 { bare.parentCertificate = nil } else { bare.nullifications = [] }
      return bare
    }
    header.timestamp = max(0, header.timestamp)
    if tools.random.below(6) == 0 {
      // With the signature of what it was.
      var unsigned = original
      unsigned.header = header
      return unsigned
    }
    return tools.signed(original, header: header)
  }

  private func changed(_ certificate: Certificate) -> Certificate {
    var certificate = certificate
    switch tools.random.below(4) {
    case 0: certificate.view = step(certificate.view)
    case 1: if !certificate.entries.isEmpty { certificate.entries.removeLast() }
    case 2: certificate.block = certificate.block.map(flipped)
    default: if let first = certificate.entries.first { certificate.entries[0].signature.s = first.signature.r }
    }
    return certificate
  }

  private func changed(_ status: Status) -> Status {
    var status = status
    switch tools.random.below(5) {
    case 0: status.view = step(status.view)
    case 1: status.floor = step(status.floor)
    case 2: status.finalView = step(status.finalView)
    case 3: status.stateFinalView = step(status.stateFinalView)
    default: status.amnesiac.toggle()
    }
    return status
  }

  private func changed(_ batch: LaneBatch) -> LaneBatch {
    var batch = batch
    switch tools.random.below(3) {
    case 0: batch.sequence = max(1, step(batch.sequence))
    case 1: batch.previousHash = flipped(batch.previousHash)
    default: batch.transactions.append([0])
    }
    batch.signature = tools.signer.sign(batch.hash(chain: tools.committee.chain).bytes)
    return batch
  }

  private func changed(_ blocks: [FinalBlock]) -> [FinalBlock] {
    var blocks = blocks
    guard !blocks.isEmpty else { return blocks }
    let place = Int(tools.random.below(UInt64(blocks.count)))
    switch tools.random.below(4) {
    case 0: blocks.remove(at: place)
    case 1: blocks[place].batches = []
    case 2: blocks[place].certificate = changed(blocks[place].certificate)
    default: blocks[place].stateCertificate = blocks[place].certificate
    }
    return blocks
  }

  private func step(_ number: UInt64) -> UInt64 { tools.random.below(2) == 0 ? number + 1 : number - min(number, 1) }

  private func flipped<Tag>(_ value: Bytes32<Tag>) -> Bytes32<Tag> {
    Bytes32(words: (value.words.0, value.words.1, value.words.2, value.words.3 ^ 1))
  }
}
