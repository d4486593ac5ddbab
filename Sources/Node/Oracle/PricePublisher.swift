// What this validator publishes as prices: each round one signed observation through its own lane. The prices come from
// a feeder, from a replay, or on a test network from the synthetic market.

import Clearing
import Logging
import NIOCore
import Primitives
import Replica
import Sodium
import Wire

/// Why an observation was refused, for the one who sent it.
struct ObservationFault: Error, CustomStringConvertible {
  var description: String
}

/// Confined to the host's loop.
final class PricePublisher: @unchecked Sendable {
  private let host: ReplicaHost
  private let identity: SigningKey
  private let genesis: Genesis
  private let index: Int?
  private let synthetic: SyntheticMarket?
  private let log: Logger
  private var fed: (prices: [IndexQuote], surfaces: [SurfaceQuote])?
  private var lastRound: Round = 0

  init(
    host: ReplicaHost, identity: SigningKey, genesis: Genesis, index: Int?, syntheticSeed: UInt64?, log: Logger
  ) {
    self.host = host
    self.identity = identity
    self.genesis = genesis
    self.index = index
    self.log = log
    synthetic = syntheticSeed.map { SyntheticMarket(seed: $0, start: genesis.market.clockStart) }
  }

  /// Begins to publish once a round; a node that is no validator publishes nothing.
  func start() {
    guard index != nil else { return }
    host.loop.execute { [self] in
      _ = host.loop.scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(100)) { [self] _ in publish() }
    }
  }

  private func publish() {
    let market = genesis.market
    let now = Clock.wall
    guard now > market.time else { return }
    let round = Round((now - market.time) / Limits.roundLength)
    guard round > lastRound else { return }
    guard let observation = observation(round: round, now: now) else { return }
    lastRound = round
    let transaction = sign(observation, now: now)
    let bytes = transaction.wireBytes
    let input = TransactionInput(
      hash: TransactionCheck.hash(of: bytes), transaction: transaction, signatureValid: true)
    host.feed(.submit(bytes: bytes, input, ticket: 0))
  }

  private func observation(round: Round, now: Timestamp) -> Observation? {
    if let fed { return Observation(round: round, prices: fed.prices, surfaces: fed.surfaces) }
    guard let synthetic, let index else { return nil }
    let marketTime = host.replica.clearing.marketTime(at: now)
    return synthetic.observation(
      validator: index, round: round, at: marketTime, expiries: host.replica.clearing.openExpiries(at: marketTime))
  }

  private func sign(_ observation: Observation, now: Timestamp) -> Transaction {
    var transaction = Transaction(
      chain: genesis.chain, signer: identity.publicKey, nonce: Nonce.make(time: now, random: SecureRandom.uint64()),
      expiry: now + 5 * Duration64.second, mode: .bestEffort, actions: [.observe(observation)])
    transaction.signature = identity.sign(transaction.signingBytes)
    return transaction
  }

  /// Publishes these prices from the next round on, in place of what was published before.
  func use(_ document: ObservationDocument) async throws {
    let prices = try document.prices.map { entry in
      IndexQuote(underlying: try underlying(entry.underlying), price: try decimal(entry.price, "price"))
    }
    let surfaces = try document.surfaces.map { entry in
      guard let expiry = ISO8601.parse(entry.expiry) else {
        throw ObservationFault(description: "expiry \"\(entry.expiry.prefix(40))\" is not ISO 8601")
      }
      guard entry.volatilities.count == SurfaceQuote.pillars.count else {
        throw ObservationFault(description: "a surface has \(SurfaceQuote.pillars.count) volatilities")
      }
      return SurfaceQuote(
        underlying: try underlying(entry.underlying), expiry: expiry, forward: try decimal(entry.forward, "forward"),
        volatilities: try entry.volatilities.map { try decimal($0, "volatility") })
    }
    guard surfaces.count <= Limits.maxSurfacesPerObservation, prices.count <= Limits.maxUnderlyings else {
      throw ObservationFault(description: "too many prices or surfaces")
    }
    try await host.loop.submit { [self] in fed = (prices, surfaces) }.get()
  }

  private func underlying(_ symbol: String) throws -> UnderlyingID {
    guard let place = genesis.market.underlyings.firstIndex(where: { $0.symbol == symbol }) else {
      throw ObservationFault(description: "underlying \"\(symbol.prefix(16))\" is not listed")
    }
    return UnderlyingID(truncatingIfNeeded: place)
  }

  private func decimal(_ text: String, _ what: String) throws -> Int64 {
    guard let value = Decimal.parse(text, scale: Decimal.moneyScale), value > 0 else {
      throw ObservationFault(description: "\(what) \"\(text.prefix(40))\" is not a positive decimal number")
    }
    return value
  }
}
