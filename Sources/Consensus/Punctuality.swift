// How punctual the other validators are, as this node sees it: what it says of them once an epoch (rule H4 of
// docs/VALIDATORS.md). It changes no vote and no timer.
//
// A view counts when this node had its header and more than half of the others were heard in it: then whoever was not, or
// came later than ten times the median and than `lateAfter`, was late. A leader is late when this node gave its view up
// without having its header. A Byzantine leader that keeps its block from a victim makes that one late, for as long as it takes
// to fetch it: so this is shown, and costs nobody its place.

public import Primitives

struct Punctuality: Sendable {
  /// Views whose votes may still come: those of twice `lateAfter`, and never more than these.
  private static let openMax = 512
  /// Views, and turns as leader, that tell enough.
  static let votesMin: UInt32 = 16
  static let turnsMin: UInt32 = 4
  private static let factor: Instant = 10

  private struct OpenView: Sendable {
    let view: View
    let since: Instant
    /// When its first header came: after the first votes, perhaps.
    var received: Instant?
    /// When each validator was first heard in it.
    var heard: [Instant?]
  }

  private struct Tally: Sendable {
    var votes: UInt32 = 0
    var late: UInt32 = 0
    var turns: UInt32 = 0
    var absent: UInt32 = 0

    var isLate: Bool {
      votes >= Punctuality.votesMin && late >= votes - votes / 2
        || turns >= Punctuality.turnsMin && absent >= turns - turns / 2
    }
  }

  private let lateAfter: Instant
  private let index: ValidatorIndex?
  private var views: [OpenView] = []
  private var tallies: [Tally]
  private var closedBelow: View = 0

  init(validators: Int, index: ValidatorIndex?, lateAfter: Instant) {
    tallies = [Tally](repeating: Tally(), count: validators)
    self.index = index
    self.lateAfter = lateAfter
  }

  /// The first header of a view came, or this node proposed it.
  mutating func began(_ view: View, at now: Instant) {
    guard let place = place(of: view, at: now) else { return }
    if views[place].received == nil { views[place].received = now }
    while let oldest = views.first, now - oldest.since > 2 * lateAfter {
      count(oldest)
      views.removeFirst()
    }
  }

  /// Where the view stands, oldest first; a place for it if it has none.
  private mutating func place(of view: View, at now: Instant) -> Int? {
    if let place = views.lastIndex(where: { $0.view == view }) { return place }
    guard index != nil, view > closedBelow else { return nil }
    if views.count >= Self.openMax { closedBelow = max(closedBelow, views.removeFirst().view) }
    views.append(
      OpenView(view: view, since: now, received: nil, heard: [Instant?](repeating: nil, count: tallies.count)))
    return views.count - 1
  }

  /// A vote of the validator itself, of whatever kind.
  mutating func heard(_ voter: ValidatorIndex, in view: View, at now: Instant) {
    guard Int(voter) < tallies.count, let place = place(of: view, at: now) else { return }
    if views[place].heard[Int(voter)] == nil { views[place].heard[Int(voter)] = now }
  }

  /// This node's first vote in a view.
  mutating func voted(in view: View, leader: ValidatorIndex, hasHeader: Bool, isNullify: Bool) {
    guard Int(leader) < tallies.count, leader != index, !(isNullify && hasHeader) else { return }
    tallies[Int(leader)].turns.increase()
    if isNullify { tallies[Int(leader)].absent.increase() }
  }

  private mutating func count(_ view: OpenView) {
    closedBelow = max(closedBelow, view.view)
    guard let received = view.received else { return }
    let delays = view.heard.indices.compactMap { place in
      place == index.map { Int($0) } ? nil : view.heard[place].map { max(0, $0 - received) }
    }.sorted()
    // Else it is this node that is apart.
    guard delays.count * 2 > tallies.count - 1, let median = delays.dropLast(delays.count / 2).last else { return }
    let limit = max(lateAfter, median.multiplied(by: Self.factor) ?? .max)
    for place in tallies.indices where ValidatorIndex(truncatingIfNeeded: place) != index {
      tallies[place].votes.increase()
      if view.heard[place].map({ $0 - received > limit }) ?? true { tallies[place].late.increase() }
    }
  }

  /// Who was late since this was asked last, ascending.
  mutating func take() -> [ValidatorIndex] {
    let late = tallies.indices.filter { tallies[$0].isLate }.map { ValidatorIndex(truncatingIfNeeded: $0) }
    tallies = [Tally](repeating: Tally(), count: tallies.count)
    return late
  }
}

extension UInt32 {
  fileprivate mutating func increase() { if self < .max { self += 1 } }
}

extension Consensus {
  /// Validators that this node found late since it was asked last, ascending: half of their votes, or half of their views.
  public mutating func takeLate() -> [ValidatorIndex] { punctuality.take() }
}
