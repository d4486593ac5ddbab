// What each open change of the validators waits for, and why.

import Clearing
import Consensus
import Primitives
import Replica
import Sodium
import Threshold

struct ChangeReport {
  private let members: [Validator]
  private let quorum: Int
  private let keys: KeySchedule
  private let height: Height

  static func all(of replica: Replica) -> [ValidatorsDocument.Change] {
    let report = ChangeReport(
      members: replica.members, quorum: replica.committee.quorum, keys: replica.keySchedule, height: replica.finalHeight
    )
    return replica.clearing.changes.map { report.document($0.id, $0.record) }
  }

  private func document(_ id: ChangeID, _ record: ChangeRecord) -> ValidatorsDocument.Change {
    let (kind, summary) = summary(of: record.change)
    let (state, reason) = standing(of: record)
    return ValidatorsDocument.Change(
      id: id, kind: kind, summary: summary, proposer: name(record.proposer), approvals: record.approvals.map(name),
      needed: quorum, state: state, waitsFor: reason, proposedAt: record.proposedAt, approvedAt: record.approvedAt,
      scheduledAt: record.scheduledAt, failures: record.failures)
  }

  private func name(_ key: PublicKey) -> String { members.first { $0.key == key }?.name ?? key.hex }

  private func summary(of change: ValidatorChange) -> (kind: String, summary: String) {
    switch change {
    case .add(let new):
      ("add", "add \(new.name) (\(new.key.hex)) at \(SocketAddressText(host: new.host, port: new.port))")
    case .remove(let key): ("remove", "remove \(name(key))")
    case .replaceKey(let key, let new): ("replaceKey", "replace the identity key of \(name(key)) by \(new.hex)")
    case .address(let key, let host, let port):
      ("address", "\(name(key)) moves to \(SocketAddressText(host: host, port: port))")
    case .data(let key, _): ("data", "what the operator of \(name(key)) says of it")
    }
  }

  private func standing(of record: ChangeRecord) -> (state: String, reason: String) {
    if record.scheduledAt != nil {
      if keys.pending != nil { return ("ready", "\(boundary), where its shares begin to sign") }
      return ("scheduled", "shares for the new set: \(phase)")
    }
    guard record.approvedAt == nil else {
      guard keys.active != nil else { return ("approved", "the group's first key") }
      return ("approved", "\(boundary), where shares for the new set begin to be made")
    }
    let silent = members.filter { !record.approvals.contains($0.key) }.map(\.name)
    let missing = max(1, quorum - (members.count - silent.count))
    return ("open", "\(missing) more \(missing == 1 ? "approval" : "approvals") of \(silent.joined(separator: ", "))")
  }

  /// The next one; an empty epoch length never gets here, for then there is no change.
  private var boundary: String {
    let length = max(1, keys.settings.epochBlocks)
    return "block \((height / length).saturatingAdding(1).multipliedReportingOverflow(by: length).partialValue)"
  }

  private var phase: String {
    guard let running = keys.running else { return "\(boundary), where they are tried again" }
    let missing = running.awaited?.map(nameOfNew).joined(separator: ", ") ?? ""
    switch running.phase {
    case .keys: return "encryption keys of \(missing)"
    case .dealing: return "dealings of the present validators"
    case .complaints: return "acknowledgements of \(missing)"
    case .life: return "proofs of \(missing) that they hold their shares"
    case .done, .failed: return "the end of the key generation"
    }
  }

  private func nameOfNew(_ key: PublicKey) -> String {
    members.contains { $0.key == key } ? name(key) : "the new validator \(key.hex.prefix(8))"
  }
}
