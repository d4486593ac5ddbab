// What certificates, headers and evidence on the wire say together. Agreement rests on facts about single views; to hold
// those against each other finds a broken rule long before two nodes have different blocks.

import Consensus
import Primitives
import Sodium

/// What was certified of one view, by what honest nodes have sent.
struct ViewFacts {
  var isNullified = false
  var notarized: [Digest] = []
  /// Final by the votes of this view, or by those of a later one for a descendant.
  var final: Digest?
  var isFinalByItself = false
  /// Kinds and blocks whose certificates were looked at.
  var known: [(kind: CertificateKind, block: Digest?)] = []
}

extension Checker {
  mutating func sees(_ certificate: Certificate, from host: SimulatedHost, _ simulation: Simulation) {
    let view = certificate.view
    guard view >= prunedBelow else { return }
    let key = ViewKey(epoch: certificate.epoch, view: view)
    let isKnown = facts[key]?.known.contains { $0.kind == certificate.kind && $0.block == certificate.block }
    if isKnown == true { return }
    let who = "node \(host.number), view \(view), \(certificate.kind)"
    if let fault = fault(in: certificate) { simulation.violate("certificates are valid", "\(who): \(fault)") }
    var fact = facts[key] ?? ViewFacts()
    fact.known.append((certificate.kind, certificate.block))
    if let block = certificate.block {
      if !fact.notarized.contains(block) { fact.notarized.append(block) }
      if certificate.kind != .notarization {
        if let other = fact.final, other != block { simulation.violate("one final block a view", who) }
        fact.final = block
        if certificate.kind != .state { fact.isFinalByItself = true }
      }
    } else {
      fact.isNullified = true
    }
    facts[key] = fact
    guard let final = fact.final else { return }
    // C7, C8: what the safety argument promises of a view whose block its own votes made final.
    if fact.isFinalByItself {
      if fact.isNullified { simulation.violate("a view with a final block is not nullified", who) }
      if fact.notarized.count > 1 { simulation.violate("nothing is notarised beside a final block", who) }
    }
    if let last = finals.last, view <= last.view, entry(of: view)?.hash != final, !isVoid(view, of: key.epoch) {
      simulation.violate("a final block is on the chain", "\(who): \(final)")
    }
  }

  /// The chain has got from one view to another: all that was certified as final between is on it.
  func checkFacts(of epoch: Epoch, after first: View, upTo last: View, _ who: String, _ simulation: Simulation) {
    guard last > first, last - first < 100_000 else { return }
    for view in (first + 1)...last {
      guard let final = facts[ViewKey(epoch: epoch, view: view)]?.final, view < last || finals.last?.hash != final
      else { continue }
      simulation.violate("a final block is on the chain", "\(who): not \(final) of view \(view)")
    }
  }

  /// The final block of a view.
  private func entry(of view: View) -> FinalEntry? {
    var (low, high) = (0, finals.count)
    while low < high {
      let middle = (low + high) / 2
      if finals[middle].view < view { low = middle + 1 } else { high = middle }
    }
    return low < finals.count && finals[low].view == view ? finals[low] : nil
  }

  /// Nobody honest passes on a header that its leader did not sign.
  mutating func sees(_ header: SignedHeader, from host: SimulatedHost, _ simulation: Simulation) {
    let hash = header.header.hash(chain: chain)
    guard !headers.contains(hash) else { return }
    if headers.count > 8192 { headers.removeAll(keepingCapacity: true) }
    headers.insert(hash)
    guard let committee = committees[header.header.epoch], header.verify(committee: committee, scheme: scheme) else {
      return simulation.violate("headers are signed", "node \(host.number), view \(header.header.view)")
    }
  }

  mutating func sees(_ evidence: Evidence, from host: SimulatedHost, _ simulation: Simulation) {
    let epoch =
      switch evidence {
      case .headers(let header, _): header.header.epoch
      case .votes(let vote, _): vote.epoch
      }
    guard let committee = committees[epoch], evidence.verify(committee: committee, scheme: scheme),
      let culprit = identity(of: evidence.culprit, in: epoch).map({ simulation.hosts[simulation.hostsOf[Int($0)][0]] })
    else {
      return simulation.violate("evidence is true", "node \(host.number), view \(evidence.view)")
    }
    if culprit.isHonest, evidence.view > culprit.forgotten {
      simulation.violate("no evidence against the honest", "validator \(evidence.culprit) in view \(evidence.view)")
    }
  }

  /// C9, in a view whose leader showed one header: no more first votes can have been counted than have left machines, and
  /// one of each validator whose votes are not known here.
  func checkThreshold(of vote: Vote, _ who: String, _ simulation: Simulation) {
    guard let committee = committees[vote.epoch] else { return }
    let sizes = Sizes(n: committee.keys.count)
    func isKnown(_ validator: Int) -> Bool {
      simulation.machines(of: committee.keys[validator]).allSatisfy {
        simulation.hosts[$0].isHonest && simulation.hosts[$0].forgotten < vote.view
      }
    }
    guard isKnown(Int(committee.leader(of: vote.view))) else { return }
    var (voters, nullify) = (0, 0)
    for validator in committee.keys.indices {
      guard isKnown(validator) else {
        voters += 1
        nullify += 1
        continue
      }
      guard let who = identity(of: ValidatorIndex(validator), in: vote.epoch),
        let first = ballots[Slot(voter: who, epoch: vote.epoch, number: vote.view)]?.first
      else { continue }
      voters += 1
      if first.block == nil { nullify += 1 }
    }
    if vote.block == nil, nullify < sizes.f + sizes.p + 1 {
      simulation.violate("C9: f+p+1 before a fallback to nullify", who)
    }
    if vote.block != nil, voters < committee.keys.count - sizes.f {
      simulation.violate("C9: n-f before a fallback to the block", who)
    }
  }
}
