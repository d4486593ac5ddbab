// The validator set, as the genesis names it, as final state has it and as this node meets it.

import Clearing
import Consensus
import Hummingbird
import NIOCore
import Primitives
import Replica
import Sodium
import Threshold

/// How a validator looks from here. It says nothing of what others see.
private enum Health: String {
  case own = "self"
  case good
  /// Connected, and no message for three seconds: validators tell each other where they stand more often than that.
  case silent
  case disconnected

  static let patience = 3 * Duration64.second
}

extension APIServer {
  func validators(_ request: Request) async throws -> Response {
    let measured = await host.roundTrips()
    return APIResponse.json(
      try await read(try ReadOptions(request)) { [host] replica, point in
        let now = Clock.monotonic
        let own = replica.index.map(Int.init)
        let members = replica.members
        let count = members.count
        let led = host.recent.led(by: count)
        let votes = host.recent.voted(by: count)
        let traffic = host.traffic
        let roundTrips = measured.numbering == replica.committee.epoch ? measured.times : []
        let leader = replica.committee.leader(of: replica.consensus.view)
        let keys = replica.keySchedule
        return ValidatorsDocument(
          validators: members.enumerated().map { index, validator in
            let standing = replica.clearing.standing(of: validator.key)
            let heard = traffic.indices.contains(index) ? traffic[index].heardAt.map { now - $0 } : nil
            let health = Self.health(isOwn: index == own, isConnected: host.isConnected(index), silence: heard)
            return .init(
              index: index, name: validator.name, publicKey: validator.key.hex,
              address: SocketAddressText(host: validator.host, port: validator.port).description,
              operatorName: validator.data.operatorName, network: validator.data.network,
              country: validator.data.country, version: validator.data.version, state: "active",
              connected: index == own || host.isConnected(index), health: health.rawValue,
              silentMilliseconds: heard.map(milliseconds),
              roundTripMilliseconds: roundTrips.indices.contains(index) ? roundTrips[index].map(milliseconds) : nil,
              leader: Int(leader) == index, proposed: led.each[index], votes: votes[index],
              share: keys.active.map { $0.publicShare(of: Participant(index) + 1) != nil },
              record: .init(of: validator.key, in: replica.clearing),
              bond: money(standing.bond), jailed: standing.isJailed, jailedThrough: standing.jailedThrough,
              offences: standing.offences)
          },
          standbys: replica.clearing.standbys.map { .init($0) },
          epoch: replica.committee.epoch, changes: ChangeReport.all(of: replica), view: replica.consensus.view,
          quorum: replica.committee.quorum,
          fastQuorum: replica.committee.fastQuorum, faulty: replica.committee.f, slow: replica.committee.p,
          keys: .init(keys), window: led.of, height: point.height, stateRoot: point.stateRoot,
          consistency: point.consistency)
      })
  }

  private static func health(isOwn: Bool, isConnected: Bool, silence: Int64?) -> Health {
    if isOwn { return .own }
    guard isConnected else { return .disconnected }
    return silence.map { $0 > Health.patience } ?? true ? .silent : .good
  }
}

extension ValidatorsDocument.Record {
  init(of key: PublicKey, in clearing: ClearingHouse) {
    let record = clearing.health(of: key) ?? HealthRecord()
    self.init(
      faults: record.faults.names, counted: clearing.faults(of: key).names, led: record.led, missed: record.missed,
      foundLateBy: record.reporters.count, silentEpochs: record.silentEpochs, rounds: record.rounds,
      absent: record.absent, far: record.far)
  }
}

extension ValidatorsDocument.Standby {
  init(_ record: StandbyRecord) {
    let validator = record.validator
    let state: String
    if record.approvedAt == nil {
      state = "nominated"
    } else if record.restEpochs > 0 {
      state = "resting"
    } else {
      state = record.readySince == nil ? "standby" : "ready"
    }
    self.init(
      name: validator.name, publicKey: validator.key.hex,
      address: SocketAddressText(host: validator.host, port: validator.port).description, state: state,
      nominations: record.nominators.count, restEpochs: record.restEpochs, removals: record.removals,
      failures: record.failures, leavesSeat: record.leavesSeat)
  }
}

extension ValidatorsDocument.Keys {
  init(_ schedule: KeySchedule) {
    let active = schedule.active
    self.init(
      epoch: active?.epoch, groupKey: active?.groupKey.hex, threshold: active.map { Int($0.threshold) },
      holders: active?.publicShares.count { $0 != nil } ?? 0, generating: schedule.running?.ceremony.epoch,
      pending: schedule.pending != nil, failuresInARow: schedule.failuresInARow,
      epochBlocks: schedule.settings.epochBlocks)
  }
}
