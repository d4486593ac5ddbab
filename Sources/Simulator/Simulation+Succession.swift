// Committees that change while a network runs: operators decide, machines get other numbers, and others vote.

import Clearing
import Consensus
import Primitives
import Replica
import Sodium

extension Input {
  /// Means something else once the numbers of peers have changed.
  var namesPeer: Bool {
    switch self {
    case .connected, .disconnected, .message, .loaded, .checked: true
    default: false
    }
  }
}

extension Simulation {
  private var changes: Bool { options.joiners > 0 }

  // MARK: Numbers

  /// By which number `host` knows a peer at present: its place in the committee, or above it.
  func number(of identity: ValidatorIndex, at host: SimulatedHost) -> ValidatorIndex {
    guard changes, let committee = host.replica?.committee else { return identity }
    let key = hosts[Int(identity)].signer.publicKey
    if let place = committee.keys.firstIndex(of: key) { return ValidatorIndex(place) }
    return ValidatorIndex(committee.n) + identity
  }

  /// The machines that `host` knows by this number.
  func machines(numbered number: Int, at host: SimulatedHost) -> [Int] {
    guard changes, let committee = host.replica?.committee else {
      return hostsOf.indices.contains(number) ? hostsOf[number] : []
    }
    if number < committee.n { return machines(of: committee.keys[number]) }
    return hosts.indices.contains(number - committee.n) ? [number - committee.n] : []
  }

  func machines(of key: PublicKey) -> [Int] { hosts.indices.filter { hosts[$0].signer.publicKey == key } }

  /// Whether `host` broadcasts to `peer`.
  func isMember(_ peer: SimulatedHost, of host: SimulatedHost) -> Bool {
    !changes || host.replica?.committee.keys.contains(peer.signer.publicKey) == true
  }

  /// Observers have no sessions with each other.
  func isSession(_ a: Int, _ b: Int) -> Bool {
    guard changes else { return true }
    return isMember(hosts[a], of: hosts[b]) || isMember(hosts[b], of: hosts[a])
  }

  /// The latest committee that anybody has come to.
  var presentCommittee: Committee {
    guard changes else { return committee }
    return checker.committees.max { $0.key < $1.key }?.value ?? committee
  }

  // MARK: Succession

  /// What follows is said and heard by the numbers of the new committee.
  func succeed(_ host: SimulatedHost) {
    host.numbering += 1
    learnCommittee(of: host)
    note(.committeeTookOver)
    if host.isUp, host.replica?.index == nil { note(.leaverFollowed) }
    for peer in hosts where peer.number != host.number && peer.isUp {
      if links[link(host.number, peer.number)].isConnected {
        schedule(.connected(number(of: peer.identity, at: host)), for: host, after: Duration64.millisecond)
      } else {
        connectSoon(host.number, peer.number)
      }
    }
  }

  func learnCommittee(of host: SimulatedHost) {
    guard changes, let committee = host.replica?.committee else { return }
    checker.learns(committee, from: host, self)
    if host.replica?.index != nil, Int(host.identity) >= options.validators { note(.joinerVoted) }
  }

  /// A validator has had enough of an observer, which comes again.
  func dismiss(_ observer: ValidatorIndex, _ host: SimulatedHost) {
    for peer in machines(numbered: Int(observer), at: host) {
      disconnect(host.number, peer)
      schedule(.connect(host.number, peer), after: 2 * Duration64.second)
    }
  }

  // MARK: Operators

  /// One of them proposes something, now and then, and each approves what is open.
  func change() {
    schedule(.change, after: faultRandom.exponential(options.changeEvery) + Duration64.second)
    let voters = hosts.filter { $0.isUp && $0.replica?.index != nil }
    guard let proposer = pick(voters) else { return }
    let open = proposer.replica?.clearing.changes ?? []
    if open.count < 3, let change = someChange(voters) {
      report.changes += 1
      order(.proposeChange(change), by: proposer)
    }
    for voter in voters {
      for (id, record) in voter.replica?.clearing.changes ?? []
      where record.approvedAt == nil && !record.approvals.contains(voter.signer.publicKey) {
        order(.approveChange(id), by: voter)
      }
    }
  }

  private func pick(_ from: [SimulatedHost]) -> SimulatedHost? {
    from.isEmpty ? nil : from[Int(faultRandom.below(UInt64(from.count)))]
  }

  private func someChange(_ voters: [SimulatedHost]) -> ValidatorChange? {
    let outside = hosts.filter { $0.isUp && $0.replica?.index == nil }
    let key = pick(voters)?.signer.publicKey
    switch faultRandom.below(4) {
    case 0: return key.map { .remove($0) }
    case 1: return pick(outside).flatMap { new in key.map { .replaceKey($0, by: new.signer.publicKey) } }
    default:
      return pick(outside).map { new in
        .add(Validator(name: "m\(new.number)", key: new.signer.publicKey, host: "m\(new.number)", port: 1))
      }
    }
  }

  private func order(_ action: Action, by host: SimulatedHost) {
    submit(transaction(by: host.signer, [action]), to: host)
  }
}
