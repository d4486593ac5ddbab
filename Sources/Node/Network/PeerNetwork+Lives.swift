// One life for a key (L1 to L6): who has the place of a peer's key, and whether this node may speak for its own.

import Clearing
import Logging
import NIOCore
import Primitives
import Replica
import Sodium
import Wire

extension PeerNetwork {
  /// How often a life that waits looks whether it has waited long enough, and says so.
  private static let lookSeconds: Int64 = 1

  /// This node has a place to wait for, or none.
  func beginLife() {
    if configuration.life == nil || index == nil { lives.workAtOnce() }
    if lives.own.isWorking { return work() }
    judge()
    look(after: 0)
  }

  private func look(after looks: Int) {
    guard !lives.own.isWorking, !stopped else { return }
    if looks > 0, looks % 10 == 5 {
      log.notice(
        "waits until validators give this node the place of its key", metadata: ["connected": "\(connectedCount)"])
    }
    loop.scheduleTask(in: .seconds(Self.lookSeconds)) { [self] in
      judge()
      look(after: looks + 1)
    }
  }

  /// L3, L4: what the peers have said so far.
  func judge() {
    guard index != nil, configuration.life != nil, !stopped else { return }
    let before = lives.own.standing
    switch lives.verdict(among: members.map(\.key), at: Clock.monotonic) {
    case .wait: break
    case .work:
      if before == .waiting { return work() }
      if before != lives.own.standing { announce() }
    case .stop(let validators):
      delegate?.mustStop(
        "\(validators) of the \(members.count - 1) other validators hear another process with this validator's identity key, "
          + "and that one goes on. One key must be in one process only: find out where the other one runs. If this one "
          + "shall take over, stop the other one first, then start this one again")
    }
  }

  private func work() {
    delegate?.mayWork()
    announce()
    for session in sessions { if let session { bringUp(session) } }
  }

  private func announce() {
    for session in sessions { session?.say(.taken(lives.own.standing)) }
  }

  /// The delegate hears of a session when both sides are at work.
  private func bringUp(_ session: PeerSession) {
    guard let peer = session.peer, lives.own.isWorking, session.isTaken, session.other.isWorking, !session.isUp,
      sessions[peer] === session
    else { return }
    session.isUp = true
    delegate?.peerConnected(ValidatorIndex(peer))
  }

  /// L1: whether another life of the key that a new session has keeps its place. Then the new one is told so.
  func keepsPlace(_ old: PeerSession, against new: PeerSession) -> Bool {
    let silence = max(0, Clock.monotonic - old.heardAt)
    if LifeGuard.givesPlace(to: new.other, from: old.other, silence: silence) {
      if new.other.life != old.other.life { tell(old, of: new, silence: 0) }
      return false
    }
    new.say(.other(old.other, silence: silence))
    dismiss(new)
    tell(old, of: new, silence: 0)
    return true
  }

  /// Closes it a little later, so that what was said arrives; one for each key at most.
  private func dismiss(_ session: PeerSession) {
    guard let key = session.remoteKey else { return session.fail("another life of its key is here") }
    leaving.updateValue(session, forKey: key)?.fail("another life of its key is here")
    loop.scheduleTask(in: .seconds(1)) { session.fail("another life of its key is here") }
  }

  /// The one that has the place, once a second at most.
  private func tell(_ session: PeerSession, of other: PeerSession, silence: Int64) {
    guard let key = session.remoteKey else { return }
    let now = Clock.monotonic
    if let last = toldAt[key], now - last < Duration64.second { return }
    toldAt[key] = now
    session.say(.other(other.other, silence: silence))
  }

  /// A message about lives in a session that has its place.
  func heard(_ bytes: [UInt8], in session: PeerSession) {
    guard let message = try? WireReader.decode(LifeMessage.self, from: bytes) else {
      return session.fail("malformed message about lives")
    }
    let member = session.peer.flatMap { members.indices.contains($0) ? members[$0].key : nil }
    switch message {
    case .taken(let standing):
      session.isTaken = true
      session.other.standing = standing
      if let key = session.remoteKey { attempts[key] = nil }
      if let member { lives.taken(by: member) }
      judge()
      bringUp(session)
    case .other(let state, let silence):
      guard let member, configuration.life != nil else { return }
      if lives.note(state, silence: silence, from: member, at: Clock.monotonic),
        let unsaid = strangers.next(at: Clock.monotonic)
      {
        log.warning(
          "another process has this node's identity key",
          metadata: [
            "heard by": "\(session.peer.map(name) ?? "unknown")", "it works": "\(state.isWorking)",
            "began": "\(ISO8601.format(state.life.began))", "unsaid": "\(unsaid)",
          ])
      }
      judge()
      // Not given the place: asks again after a pause.
      if !session.isTaken { session.fail("another life of this node's key has its place") }
    }
  }
}
