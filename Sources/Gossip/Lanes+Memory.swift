// D1 after amnesia: the owner of a lane that may have forgotten batches seals nothing before it knows the lane's end, for
// a second batch of a used sequence would be a fork. It waits until agreement trusts its memory again, then asks all
// validators what they hold of the lane, takes n-f answers of others that are not in the same state, and fetches what
// it lacks. A batch that none of them holds can still be out there, with one that did not answer or with a liar: then
// the lane forks, and goes on with proofs (D5). A validator that shows the header of a batch and withholds the batch
// keeps the lane waiting, until the batch comes or is passed by finality.

import Primitives
import Sodium

/// Whether the owner remembers its lane.
enum LaneMemory: Sendable {
  case whole
  /// Agreement does not trust this node's memory.
  case suspended
  case asking(LaneRecall)

  var isWhole: Bool {
    if case .whole = self { true } else { false }
  }
}

/// What the others have told of the own lane.
struct LaneRecall: Sendable {
  /// Who answered, and up to which sequence it knows the lane to be ordered.
  var answers: [(peer: ValidatorIndex, ordered: UInt64)] = []
  /// The highest own batch that somebody showed the header of, and who.
  var newest: (point: LanePoint, peer: ValidatorIndex)?
  var nextAt: Instant = .min

  /// A sequence that an honest validator knows to be ordered, with `f` liars among those who answered.
  func ordered(f: Int) -> UInt64 {
    let claims = answers.map(\.ordered).sorted(by: >)
    return f < claims.count ? claims[f] : 0
  }
}

extension Lanes {
  /// The own lane's end is known, so that it may grow.
  public var remembersOwnLane: Bool { own.memory.isWhole }

  mutating func suspendOwnLane(into effects: inout [Effect]) {
    guard index != nil else { return }
    if own.memory.isWhole { effects.append(.persist(.remembers(false))) }
    own.memory = .suspended
    for transaction in own.open {
      let digest = Blake2b.hash(transaction)
      own.remembered.remove(digest)
      effects.append(.refused(transaction: digest, .noLane))
    }
    own.open = []
    own.openBytes = 0
  }

  mutating func resumeOwnLane() {
    if case .suspended = own.memory { own.memory = .asking(LaneRecall()) }
  }

  /// What this node holds of the lane of `peer`. One that has forgotten its own does not count, and does not answer.
  mutating func answerRecall(of peer: ValidatorIndex, into effects: inout [Effect]) {
    guard index != nil, own.memory.isWhole, Int(peer) < lanes.count else { return }
    let lane = lanes[Int(peer)]
    effects.append(.send(to: peer, .tip(ordered: lane.ordered, newest: lane.chain.newest)))
  }

  mutating func takeRecall(
    ordered: UInt64, newest: LaneHeader?, from peer: ValidatorIndex, at now: Instant, into effects: inout [Effect]
  ) {
    guard let index, case .asking(var recall) = own.memory, Int(peer) < lanes.count,
      !recall.answers.contains(where: { $0.peer == peer })
    else { return }
    if let newest {
      guard newest.lane == index, newest.sequence > 0,
        newest.isSigned(chain: chain, by: keys[Int(index)], scheme: scheme)
      else {
        effects.append(.report(peer, .badSignature))
        return
      }
      if newest.sequence > recall.newest?.point.sequence ?? 0 {
        let point = LanePoint(lane: index, sequence: newest.sequence, hash: newest.hash(chain: chain))
        recall.newest = (point, peer)
        recall.nextAt = now
      }
    }
    recall.answers.append((peer, ordered))
    own.memory = .asking(recall)
  }

  mutating func recallIfDue(at now: Instant, into effects: inout [Effect]) {
    guard let index, case .asking(var recall) = own.memory else { return }
    if isRecalled(recall, index) {
      own.memory = .whole
      effects.append(.persist(.remembers(true)))
      return
    }
    guard recall.nextAt <= now else { return }
    recall.nextAt = now.saturatingAdding(settings.fetchAtMost)
    own.memory = .asking(recall)
    if let (point, peer) = recall.newest, point.sequence > lanes[Int(index)].chain.base.sequence {
      want(point, after: lanes[Int(index)].chain.base.sequence, from: peer, missedIn: nil, at: now)
    }
    effects.append(.broadcast(.getTip))
  }

  var nextRecall: Instant? {
    if case .asking(let recall) = own.memory { recall.nextAt } else { nil }
  }

  private func isRecalled(_ recall: LaneRecall, _ index: ValidatorIndex) -> Bool {
    let lane = lanes[Int(index)]
    guard recall.answers.count >= min(keys.count - f, keys.count - 1), lane.ordered >= recall.ordered(f: f) else {
      return false
    }
    guard let newest = recall.newest?.point else { return true }
    return lane.chain.contains(newest.hash) || lane.chain.base.sequence >= newest.sequence
  }
}

extension LaneChain {
  /// The header of the highest sequence held above the final tip.
  var newest: LaneHeader? {
    (main.suffix(1) + loose).compactMap { self[$0]?.header }.max { $0.sequence < $1.sequence }
  }
}
