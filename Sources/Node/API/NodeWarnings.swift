// What an operator should know about a node that runs, each as a sentence.

import Consensus
import Primitives
import Replica

public enum NodeWarnings {
  static func all(_ replica: Replica, _ host: ReplicaHost, _ info: NodeInfo) -> [String] {
    let home = info.configuration.node.home
    var warnings = [
      connections(
        connected: host.connectedPeers, validators: replica.committee.n, quorum: replica.committee.quorum,
        isObserver: replica.index == nil),
      replica.consensus.isAmnesiac
        ? "votes withheld: the journal was lost and safety is being re-established" : nil,
      host.isStarted ? nil : "not at work yet: waits until the validators give this node the place of its key",
      replica.isBehind ? "catching up with the network" : nil,
      replica.isBehind ? nil : clock(lead: host.clockLead),
      disk(free: DiskSpace.free(at: home)),
    ]
    for name in Quarantine.contents(of: home + "/ledger") {
      warnings.append("\(home)/ledger/\(name) is a damaged ledger that was put aside: see novation doctor")
    }
    return warnings.compactMap { $0 }
  }

  public static func connections(connected: Int, validators: Int, quorum: Int, isObserver: Bool) -> String? {
    if isObserver {
      guard connected < quorum else { return nil }
      return connected == 0
        ? "no validator is connected: this node learns nothing new"
        : "only \(connected) of \(validators) validators are connected: no linearizable reads"
    }
    guard connected + 1 < quorum else { return nil }
    return
      "only \(connected) of \(validators - 1) validators are connected: no quorum, nothing becomes final"
  }

  /// Half of what C14 allows a header to lag.
  private static let clockTolerance = Duration64.second

  /// `lead`: nanoseconds by which this machine's clock was ahead of the newest block's time when that became final; nil
  /// before the first.
  public static func clock(lead: Int64?) -> String? {
    guard let lead else { return nil }
    let size = Decimal.format(Int64(clamping: lead.magnitude / UInt64(Duration64.millisecond)), scale: 3)
    // Blocks come a heartbeat or a few views after their time on a slow network, and never before it.
    if lead < -clockTolerance / 10 {
      return "this machine's clock is \(size) s behind the network's: votes wait for it; set the clock"
    }
    if lead > 5 * clockTolerance {
      return
        "the newest block came \(size) s after its time: this machine's clock is ahead, or the network is slow; check the clock"
    }
    return nil
  }

  public static func disk(free: UInt64?) -> String? {
    guard let free, free < DiskSpace.wanted else { return nil }
    return "\(DiskSpace.text(free)) of disk are left: free space before the node has to stop"
  }
}
