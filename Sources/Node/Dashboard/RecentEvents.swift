// The latest of what an onlooker wants to see, kept from final blocks: trades, liquidations, who led and who voted.

import Clearing
import Consensus
import Primitives
import Replica

struct RecentEvents: Sendable {
  struct Trade: Sendable {
    var event: TradeEvent
    var time: Timestamp
  }

  private static let kept = 20
  private static let leadersKept = 500

  /// Newest last.
  private(set) var trades: [Trade] = []
  private(set) var liquidations: [LiquidationEvent] = []
  private var leaders: [ValidatorIndex] = []
  private var voters: [[ValidatorIndex]] = []
  private var lastAt: Instant?
  /// From one block's finality here to the next one's.
  private(set) var intervals = LatencyWindow()

  mutating func add(_ block: FinalizedBlock) {
    let now = Clock.monotonic
    if let lastAt { intervals.add(now - lastAt) }
    lastAt = now
    for event in block.executed.result.events {
      switch event.kind {
      case .trade(let trade): trades.append(Trade(event: trade, time: block.header.timestamp))
      case .liquidation(let liquidation): liquidations.append(liquidation)
      default: break
      }
    }
    trades.removeFirst(max(0, trades.count - Self.kept))
    liquidations.removeFirst(max(0, liquidations.count - Self.kept))
    leaders.append(block.header.leader)
    voters.append(block.certificate.entries.map(\.voter))
    if leaders.count > 2 * Self.leadersKept {
      leaders.removeFirst(leaders.count - Self.leadersKept)
      voters.removeFirst(voters.count - Self.leadersKept)
    }
  }

  /// Another committee numbers its validators anew: what those of the former did is not told of it.
  mutating func succeed() {
    leaders.removeAll()
    voters.removeAll()
  }

  /// Of the latest blocks, those that each of `count` validators proposed, and how many blocks these were.
  func led(by count: Int) -> (each: [Int], of: Int) {
    let latest = leaders.suffix(Self.leadersKept)
    var each = Array(repeating: 0, count: count)
    for leader in latest where Int(leader) < count { each[Int(leader)] += 1 }
    return (each, latest.count)
  }

  /// Of the certificates that made these blocks final, those with the vote of each of `count` validators. Only the votes
  /// that came in time to be needed are in one.
  func voted(by count: Int) -> [Int] {
    var each = Array(repeating: 0, count: count)
    for voter in voters.suffix(Self.leadersKept).joined() where Int(voter) < count { each[Int(voter)] += 1 }
    return each
  }
}
