// What the dashboard shows, taken on the loop in one moment.

import Clearing
import Primitives
import Replica

struct DashboardData: Sendable {
  struct Peer: Sendable {
    var name: String
    var address: String
    var isOwn: Bool
    var isConnected: Bool
    /// Nanoseconds since its last message; nil before the first.
    var silence: Int64?
    var led: Int
  }

  var status: StatusDocument
  var peers: [Peer]
  var blocksCounted: Int
  var instruments: [InstrumentView]
  var feeds: [FeedView]
  var funds: FundsView
  var inLiquidation: [LiquidationView]
  var recent: RecentEvents
  var openInterest: Quantity
  var totals: TotalsRecord
  var underlyings: [UnderlyingTerms]
  /// Blocks by how long they took to be final: upper bounds in seconds, and a count for each and one above.
  var finality: HistogramCounts

  /// On the host's loop.
  init(_ host: ReplicaHost, _ replica: inout Replica, info: NodeInfo, status: StatusDocument, finality: HistogramCounts)
  {
    self.status = status
    self.finality = finality
    let validators = replica.members
    let own = replica.index.map(Int.init)
    let led = host.recent.led(by: validators.count)
    blocksCounted = led.of
    let traffic = host.traffic
    let now = Clock.monotonic
    peers = validators.enumerated().map { index, validator in
      Peer(
        name: validator.name, address: SocketAddressText(host: validator.host, port: validator.port).description,
        isOwn: index == own, isConnected: host.isConnected(index),
        silence: index < traffic.count ? traffic[index].heardAt.map { now - $0 } : nil, led: led.each[index])
    }
    instruments = replica.clearing.instruments()
    feeds = replica.clearing.oracle().feeds
    funds = replica.clearing.funds()
    inLiquidation = replica.liquidations()
    recent = host.recent
    openInterest = replica.clearing.openInterest
    totals = replica.clearing.statistics
    underlyings = info.genesis.market.underlyings
  }
}
