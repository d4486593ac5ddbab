// What this validator publishes as prices: each round one signed observation through its own lane. The prices come from
// a feeder, from a replay, or on a test network from the synthetic market.

import Clearing
import Ledger
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
  private let synthetic: SyntheticMarket?
  private let metrics: NodeMetrics
  private let log: Logger
  /// A replay's prices: as they are, until others come.
  private var given: (prices: [IndexQuote], surfaces: [SurfaceQuote])?
  private var feeder = FeedJudge()
  /// Of the feeder's lines.
  private var verdicts: [ObservationVerdict: UInt64] = [:]
  private var refusals = LogLimit()
  private var lastRound: Round = 0

  init(
    host: ReplicaHost, identity: SigningKey, genesis: Genesis, syntheticSeed: UInt64?,
    metrics: NodeMetrics, log: Logger
  ) {
    self.host = host
    self.identity = identity
    self.genesis = genesis
    self.metrics = metrics
    self.log = log
    synthetic = syntheticSeed.map { SyntheticMarket(seed: $0, start: genesis.market.clockStart) }
  }

  /// Begins to publish once a round; a node that is no validator publishes nothing.
  func start() {
    host.loop.execute { [self] in
      _ = host.loop.scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(100)) { [self] _ in publish() }
    }
  }

  private func publish() {
    guard host.replica.index != nil else { return }
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
    host.submitOwn(bytes, input)
  }

  private func observation(round: Round, now: Timestamp) -> Observation? {
    if let given { return Observation(round: round, prices: given.prices, surfaces: given.surfaces) }
    let marketTime = host.replica.clearing.marketTime(at: now)
    feeder.forget(expiredAt: marketTime)
    var observation = Observation(round: round, prices: [], surfaces: [])
    if let synthetic, let index = host.replica.index {
      observation = synthetic.observation(
        validator: Int(index), round: round, at: marketTime,
        expiries: host.replica.clearing.openExpiries(at: marketTime))
    }
    // Only what is fresh: an old price said again would pass for a new one.
    observation.put(feeder.fresh(now: now))
    return observation.prices.isEmpty && observation.surfaces.isEmpty ? nil : observation
  }

  private func sign(_ observation: Observation, now: Timestamp) -> Transaction {
    var transaction = Transaction(
      chain: genesis.chain, signer: identity.publicKey, nonce: Nonce.make(time: now, random: SecureRandom.uint64()),
      expiry: now + 5 * Duration64.second, mode: .bestEffort, actions: [.observe(observation)])
    transaction.signature = identity.sign(transaction.signingBytes)
    return transaction
  }

  /// Judges a feeder's lines. What is accepted is published from the next round on, in place of all else.
  func take(_ lines: [[UInt8]]) async throws -> FeedDocument {
    let underlyings = genesis.market.underlyings
    let parsed = lines.map { line -> Result<TimedQuote, ObservationRefusal> in
      do throws(ObservationRefusal) {
        return .success(try ObservationLine.parse(line, underlyings: underlyings))
      } catch { return .failure(error) }
    }
    return try await host.loop.submit { [self] in judge(parsed) }.get()
  }

  /// On the loop.
  private func judge(_ lines: [Result<TimedQuote, ObservationRefusal>]) -> FeedDocument {
    let now = Clock.wall
    let market = host.replica.clearing.marketTime(at: now)
    let listed = Set(host.replica.clearing.openExpiries(at: market).map { FeedKey($0.underlying, $0.expiry) })
    var document = FeedDocument(accepted: 0, refused: [], totals: [:])
    for (place, line) in lines.enumerated() {
      do throws(ObservationRefusal) {
        let quote = try line.get()
        try feeder.take(
          quote, reference: host.replica.clearing.tables.feeds[quote.feed],
          isListed: quote.feed.expiry == 0 || listed.contains(quote.feed), now: now)
        note(.accepted)
        document.accepted += 1
      } catch {
        note(error.verdict)
        document.refused.append(
          .init(line: place + 1, reason: error.verdict.rawValue, message: error.message))
      }
    }
    if document.accepted > 0 { given = nil }
    warn(document)
    for verdict in ObservationVerdict.allCases { document.totals[verdict.rawValue] = verdicts[verdict] ?? 0 }
    return document
  }

  private func note(_ verdict: ObservationVerdict) {
    verdicts[verdict, default: 0] += 1
    metrics.judged(verdict)
  }

  private func warn(_ document: FeedDocument) {
    guard let first = document.refused.first, let unsaid = refusals.next(at: Clock.monotonic) else { return }
    log.warning(
      "line of the price feeder refused",
      metadata: [
        "reason": "\(first.reason)", "detail": "\(first.message)", "others": "\(document.refused.count - 1)",
        "unsaid": "\(unsaid)",
      ])
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
    try await host.loop.submit { [self] in given = (prices, surfaces) }.get()
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

extension Observation {
  /// Feeds in the place of what is there of them.
  fileprivate mutating func put(_ quotes: [TimedQuote]) {
    for quote in quotes {
      let feed = quote.feed
      if feed.expiry == 0 {
        prices.removeAll { $0.underlying == feed.underlying }
        prices.append(IndexQuote(underlying: feed.underlying, price: quote.price))
      } else {
        surfaces.removeAll { $0.underlying == feed.underlying && $0.expiry == feed.expiry }
        surfaces.append(
          SurfaceQuote(
            underlying: feed.underlying, expiry: feed.expiry, forward: quote.price, volatilities: quote.volatilities))
      }
    }
    // Those that expire first, where there are more than the engine takes at once.
    guard surfaces.count > Limits.maxSurfacesPerObservation else { return }
    surfaces.sort { ($0.expiry, $0.underlying) < ($1.expiry, $1.underlying) }
    surfaces.removeLast(surfaces.count - Limits.maxSurfacesPerObservation)
  }
}
