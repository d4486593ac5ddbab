// What proves misbehaviour, and what does not: real signatures, judged where a node judges them (rules J1, J2, J9).

import Clearing
import Consensus
import Gossip
import Primitives
import Replica
import Sodium
import Testing
import Wire

@Suite struct EvidenceCheckTests {
  static let chain = Digest(words: (5, 6, 7, 8))
  static let keys = (1...4).map { Cluster.key(UInt8($0)) }
  static let committee = Committee(chain: chain, epoch: 2, keys: keys)

  func vote(
    _ kind: VoteKind, _ block: UInt64?, root: UInt64 = 0, by voter: Int = 1, view: View = 9,
    in committee: Committee = committee, share: [UInt8] = []
  ) -> Vote {
    Vote(
      kind: kind, epoch: committee.epoch, view: view, block: block.map { Digest(words: ($0, 0, 0, 0)) },
      stateRoot: kind == .finalize || kind == .attest ? Digest(words: (root, 1, 1, 1)) : .zero, frostShare: share,
      voter: ValidatorIndex(voter)
    ).signed(by: .standIn(committee.keys[voter]), committee: committee)
  }

  func header(_ salt: UInt64, view: View = 9, in committee: Committee = committee) -> SignedHeader {
    let leader = committee.leader(of: view)
    let header = Header(
      epoch: committee.epoch, view: view, height: 3, parentHash: .zero, parentView: 1,
      cutHash: Digest(words: (salt, 0, 0, 0)), executedHeight: 2, executedRoot: .zero, timestamp: 1,
      validatorSetHash: committee.setHash, historyRoot: .zero, leader: leader)
    let bytes = Array("novation/propose/v1".utf8) + header.hash(chain: committee.chain).bytes
    return SignedHeader(header: header, signature: Signer.standIn(committee.keys[Int(leader)]).sign(bytes))
  }

  /// What a node finds about a report by a stranger.
  func verdict(
    _ kind: OffenceKind, _ proof: [UInt8], keys: [PublicKey] = keys, committee: Epoch = 2, extra: [Action] = [],
    chain: Digest = chain
  ) -> EvidenceVerdict? {
    let signer = Cluster.key(99)
    let report = EvidenceReport(kind: kind, committee: committee, keys: keys, proof: proof)
    var transaction = Transaction(
      chain: chain, signer: signer, nonce: 1, expiry: 1, actions: [.reportEvidence(report)] + extra)
    transaction.signature = Signer.standIn(signer).sign(transaction.signingBytes)
    let input = TransactionCheck.run(transaction.wireBytes, chain: chain, scheme: .standIn)
    #expect(input.signatureValid)
    return input.evidence
  }

  func verdict(_ a: Vote, _ b: Vote) -> EvidenceVerdict? { verdict(.doubleVote, Evidence.votes(a, b).wireBytes) }

  var guilty: EvidenceVerdict { EvidenceVerdict(offender: Self.keys[1], place: 9) }

  @Test func `J3: votes that no honest validator signs both, in either order`() {
    let pairs = [
      (vote(.first, 1), vote(.first, 2)), (vote(.first, 1), vote(.first, nil)),
      (vote(.finalize, 1), vote(.finalize, 2)), (vote(.finalize, 1, root: 1), vote(.finalize, 1, root: 2)),
      (vote(.finalize, 1), vote(.first, 2)), (vote(.finalize, 1), vote(.first, nil)),
      (vote(.finalize, 1), vote(.fallback, nil)), (vote(.finalize, 1), vote(.fallback, 1)),
    ]
    for (a, b) in pairs {
      #expect(verdict(a, b) == guilty)
      #expect(verdict(b, a) == guilty)
    }
  }

  /// J9: every pair of votes that the rules allow one validator in one view, and equal ones.
  @Test func `J9: what an honest validator signs proves nothing`() {
    let pairs = [
      // The same vote, sent again after a restart; and with another share, which is not signed.
      (vote(.first, 1), vote(.first, 1)), (vote(.finalize, 1, share: [1]), vote(.finalize, 1, share: [2])),
      // C5, C9: a first vote and its Finalize; a first vote and fallbacks; two fallbacks.
      (vote(.first, 1), vote(.finalize, 1)), (vote(.first, 1), vote(.fallback, nil)),
      (vote(.first, nil), vote(.fallback, 1)), (vote(.fallback, nil), vote(.fallback, 1)),
      // C8: known to be final though it voted otherwise.
      (vote(.first, nil), vote(.attest, 1)), (vote(.fallback, nil), vote(.attest, 1)),
      (vote(.attest, 1), vote(.attest, 1)), (vote(.attest, 1), vote(.finalize, 1)),
      // Different views, and different validators.
      (vote(.first, 1), vote(.first, 2, view: 10)), (vote(.first, 1), vote(.first, 2, by: 2)),
    ]
    for (a, b) in pairs {
      #expect(verdict(a, b) == nil, "\(a.kind) \(b.kind)")
      #expect(verdict(b, a) == nil, "\(b.kind) \(a.kind)")
    }
  }

  @Test func `J2: nothing is forged, moved to another committee or chain, or hidden among others`() {
    let (a, b) = (vote(.first, 1), vote(.first, 2))
    let proof = Evidence.votes(a, b).wireBytes
    #expect(verdict(.doubleVote, proof) == guilty)
    var forged = b
    forged.block = Digest(words: (3, 0, 0, 0))
    #expect(verdict(a, forged) == nil)
    forged = b
    forged.view = 10
    var other = a
    other.view = 10
    #expect(verdict(other, forged) == nil)
    (forged, other) = (b, a)
    forged.voter = 2
    other.voter = 2
    #expect(verdict(other, forged) == nil, "somebody else's name on it")
    // Votes of the former committee for the same view: an honest validator may have cast one in each.
    let former = Committee(chain: Self.chain, epoch: 1, keys: Self.keys)
    #expect(verdict(a, vote(.first, 2, in: former)) == nil)
    #expect(verdict(.doubleVote, proof, committee: 1) == nil)
    #expect(verdict(.doubleVote, proof, keys: Array(Self.keys.reversed())) == nil)
    #expect(verdict(.doubleVote, proof, chain: Digest(words: (1, 1, 1, 1))) == nil)
    #expect(verdict(.doubleVote, proof, extra: [.cancel(.all)]) == nil, "not alone")
    for kind in OffenceKind.allCases where kind != .doubleVote { #expect(verdict(kind, proof) == nil) }
    for bad in [[], [7], proof + [0], Array(proof.dropLast())] { #expect(verdict(.doubleVote, bad) == nil) }
    #expect(verdict(.doubleVote, proof, keys: []) == nil, "a committee of nobody traps nobody")
    forged = b
    forged.voter = .max
    other = a
    other.voter = .max
    #expect(verdict(other, forged) == nil)
  }

  @Test func `J3: two headers of one view by its leader`() {
    let leader = Self.keys[Int(Self.committee.leader(of: 9))]
    func judge(_ a: SignedHeader, _ b: SignedHeader) -> EvidenceVerdict? {
      verdict(.doubleProposal, Evidence.headers(a, b).wireBytes)
    }
    #expect(judge(header(1), header(2)) == EvidenceVerdict(offender: leader, place: 9))
    #expect(judge(header(1), header(1)) == nil, "the same, sent again")
    #expect(judge(header(1), header(2, view: 9 + 4)) == nil, "its next view")
    // C12, E2: views are counted on, so it may lead this view in two committees.
    let former = Committee(chain: Self.chain, epoch: 1, keys: Self.keys)
    #expect(judge(header(1), header(2, in: former)) == nil)
    #expect(judge(header(1, in: former), header(2, in: former)) == nil, "the report says another committee")
    var forged = header(2)
    forged.header.timestamp += 1
    #expect(judge(header(1), forged) == nil)
    forged = header(2)
    forged.header.leader = (forged.header.leader + 1) % 4
    #expect(judge(header(1), forged) == nil)
  }

  @Test func `J6: two batches of one place in a lane`() {
    func batch(_ salt: UInt8, _ sequence: UInt64 = 5, of committee: Epoch = 2, by owner: Int = 1) -> LaneHeader {
      var header = LaneBatch(
        lane: 1, sequence: sequence, previousHash: .zero, transactions: [[salt]]
      ).header
      header.signature = Signer.standIn(Self.keys[owner]).sign(header.hash(chain: lanes(of: committee)).bytes)
      return header
    }
    func judge(_ a: LaneHeader, _ b: LaneHeader) -> EvidenceVerdict? {
      verdict(.laneFork, LaneEvidence(first: a, second: b).wireBytes)
    }
    #expect(judge(batch(1), batch(2)) == EvidenceVerdict(offender: Self.keys[1], place: 5))
    #expect(judge(batch(1), batch(1)) == nil)
    #expect(judge(batch(1), batch(2, 6)) == nil)
    #expect(judge(batch(1), batch(2, by: 0)) == nil)
    #expect(judge(batch(1, of: 1), batch(2, of: 1)) == nil, "lanes begin anew with each committee")
  }

  /// As rule E3 has it: what batches of a committee's lanes are signed for.
  func lanes(of committee: Epoch) -> Digest {
    guard committee > 0 else { return Self.chain }
    var writer = WireWriter()
    writer.write(Self.chain)
    writer.write(committee)
    return Blake2b.hash(domain: "novation/lanes/v1", writer.bytes)
  }
}
