// One real validator with hand-made peers, for tests that read as transcripts.

import Consensus
import Primitives
import Sodium

struct Bench {
  let chain = Digest(words: (1, 2, 3, 4))
  let genesisRoot = Digest(words: (9, 9, 9, 9))
  let signers: [Signer]
  let committee: Committee
  let index: ValidatorIndex
  var node: Consensus
  var now = Moment(monotonic: 1_000_000_000, wall: 1_700_000_000_000_000_000)
  var log: [Consensus.Effect] = []
  var journal: [JournalEntry] = []

  /// The validator under test leads none of the first `n - 1` views, unless asked for the leader of view 1.
  init(n: Int = 4, leading: Bool = false, scheme: SignatureScheme = .standIn, amnesiac: Bool = false) {
    signers = (0..<n).map { number in
      if scheme == .ed25519, let key = SigningKey(seed: [UInt8](repeating: UInt8(number + 1), count: 32)) {
        return .ed25519(key)
      }
      return .standIn(PublicKey(words: (7, 7, 7, UInt64(number))))
    }
    committee = Committee(chain: chain, epoch: 0, keys: signers.map(\.publicKey))
    index = committee.leader(of: leading ? 1 : View(n))
    node = Consensus(
      committee: committee, index: index, signer: signers[Int(index)], scheme: scheme,
      recovered: Recovered(amnesiac: amnesiac, genesisRoot: genesisRoot), bootId: 77)
    step(.start)
    log = []
  }

  var others: [ValidatorIndex] { (0..<ValidatorIndex(committee.n)).filter { $0 != index } }

  mutating func step(_ input: Consensus.Input) {
    var effects: [Consensus.Effect] = []
    node.step(input, at: now, into: &effects)
    for case .persist(let entry) in effects { journal.append(entry) }
    log += effects
  }

  mutating func wait(_ duration: Instant) {
    now.monotonic += duration
    now.wall += duration
    step(.tick)
  }

  mutating func restart(amnesiac: Bool = false) {
    node = Consensus(
      committee: committee, index: index, signer: signers[Int(index)], scheme: .standIn,
      recovered: Recovered(entries: journal, amnesiac: amnesiac, genesisRoot: genesisRoot), bootId: 78)
    log = []
    step(.start)
  }

  func proposal(
    view: View, over parent: Proposal? = nil, cut: String = "cut", timestamp: Timestamp? = nil, executed: Digest? = nil,
    nullifications: [Certificate] = []
  ) -> Proposal {
    let over = parent?.header ?? Proposal.genesis(chain: chain).header
    let leader = committee.leader(of: view)
    let header = Header(
      epoch: 0, view: view, height: over.height + 1, parentHash: parent.map(hash) ?? chain, parentView: over.view,
      cutHash: Proposal.hash(ofCut: Array(cut.utf8)), executedHeight: 0, executedRoot: executed ?? genesisRoot,
      timestamp: timestamp ?? now.wall, validatorSetHash: committee.setHash, historyRoot: .zero, leader: leader)
    let signature = signers[Int(leader)].sign(
      Array("novation/propose/v1".utf8) + header.hash(chain: chain).bytes)
    return Proposal(
      header: header, signature: signature, cut: Array(cut.utf8), nullifications: nullifications)
  }

  func hash(_ proposal: Proposal) -> Digest { proposal.header.hash(chain: chain) }

  mutating func deliver(_ proposal: Proposal, available: Bool = true) {
    step(.message(from: proposal.header.leader, .proposal(proposal)))
    if available { step(.verdict(block: hash(proposal), .available(omission: false))) }
  }

  func vote(_ kind: VoteKind, _ voter: ValidatorIndex, _ view: View, _ block: Digest?, root: Digest = .zero) -> Vote {
    Vote(kind: kind, epoch: 0, view: view, block: block, stateRoot: root, voter: voter)
      .signed(by: signers[Int(voter)], committee: committee)
  }

  mutating func hear(_ kind: VoteKind, _ voter: ValidatorIndex, _ view: View, _ block: Digest?, root: Digest = .zero) {
    step(.message(from: voter, .vote(vote(kind, voter, view, block, root: root))))
  }

  /// Votes this node has broadcast since the log was cleared.
  var votes: [Vote] {
    log.compactMap { if case .broadcast(.vote(let vote)) = $0 { vote } else { nil } }
  }

  func certificates(_ kind: CertificateKind) -> [Certificate] {
    log.compactMap {
      if case .broadcast(.certificate(let certificate)) = $0, certificate.kind == kind { certificate } else { nil }
    }
  }

  var finals: [Digest] {
    log.compactMap { if case .final(let block, _) = $0 { block } else { nil } }
  }
}
