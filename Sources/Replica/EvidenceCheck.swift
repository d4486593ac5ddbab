// Proof of misbehaviour: what a report carries, and what it proves (rules J1 and J2 of docs/VALIDATORS.md).
//
// The check needs the bytes and the chain, and no state: a report brings the keys of the committee that it is about, and
// whether they are right is for the engine, which remembers every committee. So it runs where the transaction's
// signature is checked, on any core, and gives every node the same verdict, at any time, also when a ledger is replayed.

import Clearing
import Consensus
import Gossip
import Primitives
import Sodium
import Wire

enum EvidenceCheck {
  /// What a report in a transaction of its own proves; nil where nothing. Costs two signatures.
  static func verdict(on transaction: Transaction, chain: Digest, scheme: SignatureScheme) -> EvidenceVerdict? {
    guard transaction.actions.count == 1, case .reportEvidence(let report) = transaction.actions.first,
      (1...ConsensusLimits.validators).contains(report.keys.count)
    else { return nil }
    switch report.kind {
    case .doubleVote, .doubleProposal:
      guard let evidence = try? WireReader.decode(Evidence.self, from: report.proof), evidence.kind == report.kind
      else {
        return nil
      }
      let committee = Committee(chain: chain, epoch: report.committee, keys: report.keys)
      guard evidence.verify(committee: committee, scheme: scheme), Int(evidence.culprit) < report.keys.count else {
        return nil
      }
      return EvidenceVerdict(offender: report.keys[Int(evidence.culprit)], place: evidence.view)
    case .laneFork:
      guard let evidence = try? WireReader.decode(LaneEvidence.self, from: report.proof),
        evidence.isProof(chain: Replica.laneChain(chain, report.committee), keys: report.keys, scheme: scheme),
        Int(evidence.first.lane) < report.keys.count
      else { return nil }
      return EvidenceVerdict(offender: report.keys[Int(evidence.first.lane)], place: evidence.first.sequence)
    case .farPrices: return nil
    }
  }

  static func report(of evidence: Evidence, in committee: Committee) -> EvidenceReport {
    EvidenceReport(
      kind: evidence.kind, committee: committee.epoch, keys: committee.keys, proof: evidence.withoutShares.wireBytes)
  }

  static func report(of evidence: LaneEvidence, in committee: Committee) -> EvidenceReport {
    EvidenceReport(kind: .laneFork, committee: committee.epoch, keys: committee.keys, proof: evidence.wireBytes)
  }
}

extension Evidence {
  var kind: OffenceKind {
    switch self {
    case .headers: .doubleProposal
    case .votes: .doubleVote
    }
  }

  /// Shares are not under a vote's signature, and prove nothing.
  var withoutShares: Evidence {
    guard case .votes(var a, var b) = self else { return self }
    a.frostShare = []
    b.frostShare = []
    return .votes(a, b)
  }
}
