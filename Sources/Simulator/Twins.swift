// Twins: one identity runs on two machines, each of them honest, so that together they equivocate, forget and contradict
// themselves in every way an honest program can (Bano et al., "Twins: BFT Systems Made Robust", OPODIS 2021). Scenarios
// are enumerated, not drawn: in each of the first views a split of the five machines loses messages of some kind, then
// the network heals, and finality must follow.

import Consensus
import Primitives
import Replica

/// One scenario of four validators, the leader of the first view being the twin.
public struct TwinsScenario: Sendable, CustomStringConvertible {
  /// Which messages of its view a split loses.
  enum Scope: Int, CaseIterable, Sendable {
    case all, proposals, votes, certificates
  }

  struct Round: Sendable {
    /// Bit i: machine i is on the far side. Machine 4 is the second twin.
    let side: UInt8
    let scope: Scope
  }

  /// Splits of five machines into two sides, times kinds of messages.
  static let choices = 60

  public let number: Int
  let rounds: [Round]

  /// Scenarios of so many views: 60 to that power.
  public static func count(rounds: Int) -> Int { (0..<rounds).reduce(1) { count, _ in count * choices } }

  public init(_ number: Int, rounds: Int) {
    self.number = number
    var rest = number
    self.rounds = (0..<rounds).map { _ in
      let choice = rest % Self.choices
      rest /= Self.choices
      return Round(side: UInt8(choice / 4 + 1), scope: Scope.allCases[choice % 4])
    }
  }

  public var description: String {
    rounds.map { String($0.side, radix: 2) + "/\($0.scope)" }.joined(separator: " ")
  }

  private var healAt: Instant { 400 * Duration64.millisecond * Instant(rounds.count) }
  private static let patience = 60 * Duration64.second

  /// Runs it; no violation is what is expected.
  public func run() -> SimulationReport {
    var options = SimulationOptions.calm(seed: UInt64(number), duration: healAt + Self.patience)
    options.heartbeat = 100 * Duration64.millisecond
    options.delayInitial = 50 * Duration64.millisecond
    options.network.latencyMin = 2 * Duration64.millisecond
    options.network.latencyMean = 0
    options.clock = ClockOptions()
    options.load.rate = 0
    options.load.reads = 0
    options.load.oracleEvery = 0
    let leader = Int(Simulation(options).committee.leader(of: 1))
    let simulation = Simulation(options, twins: [leader])
    simulation.isBlocked = { [unowned simulation] from, to, message in
      simulation.now < healAt && blocks(from, to, message, simulation)
    }
    simulation.begin()
    for host in simulation.hosts { simulation.submitMarker(to: host) }
    simulation.advance(until: healAt)
    let height = simulation.checker.height
    let honest = simulation.honest
    func isDone() -> Bool { honest.allSatisfy { ($0.replica?.finalHeight ?? 0) > height } }
    simulation.advance(until: healAt + Self.patience, done: isDone)
    if simulation.report.violations.isEmpty, !isDone() {
      simulation.violate("finality after a Twins scenario", "\(self): height \(height)")
    }
    return simulation.finish()
  }

  private func blocks(_ from: Int, _ to: Int, _ message: PeerMessage, _ simulation: Simulation) -> Bool {
    let view = message.view ?? simulation.hosts[from].replica?.consensus.view ?? 0
    guard view >= 1, view <= UInt64(rounds.count) else { return false }
    let round = rounds[Int(view) - 1]
    guard (round.side >> UInt8(from) ^ round.side >> UInt8(to)) & 1 == 1 else { return false }
    switch round.scope {
    case .all: return true
    case .proposals: if case .consensus(.proposal) = message { return true }
    case .votes: if case .consensus(.vote) = message { return true }
    case .certificates: if case .consensus(.certificate) = message { return true }
    }
    return false
  }
}

extension PeerMessage {
  /// The view that the message is about, if it is about one.
  var view: View? {
    switch self {
    case .consensus(.proposal(let proposal)): proposal.header.view
    case .consensus(.vote(let vote)): vote.view
    case .consensus(.certificate(let certificate)): certificate.view
    case .consensus(.evidence(let evidence)): evidence.view
    default: nil
    }
  }
}
