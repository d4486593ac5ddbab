// What clients and validators ask for: real commands of the clearing engine, good and bad.

import Clearing
import Primitives
import Replica
import Sodium
import Wire

/// The state of the clients: what they may refer to, and the market as the price source sees it.
struct Workload {
  var random: SeededRandom
  var prices: SeededRandom
  let options: LoadOptions
  /// Index of each underlying in 1e-6 USD.
  var index: [Price] = [100_000_000_000, 4_000_000_000]
  var burstUntil: Instant = 0
  var nextTicket: UInt64 = 0
  var nextReference: UInt64 = 0
  /// Last withdrawals that may be open.
  var nextWithdrawal: UInt64 = 1
  var nextClient: UInt64 = 0
  /// Sent before, to be sent again, and what had been told before it was sent first.
  var recent: (bytes: [UInt8], after: Place)?
  /// Hour of the last expiry listed by the authority.
  var listedHours: Int64 = 8

  init(_ options: SimulationOptions, random: SeededRandom) {
    self.options = options.load
    self.random = random.stream(Purpose.load.rawValue)
    prices = random.stream(Purpose.prices.rawValue)
  }

  /// Time to the next transaction.
  mutating func pause(at now: Instant) -> Instant? {
    guard options.rate > 0 else { return nil }
    let rate = options.rate * (now < burstUntil ? options.burst : 1)
    return random.exponential(1_000 * Duration64.second / Instant(rate)) + 1
  }

  /// The next prices of the source: a walk of 0.05 % a round.
  mutating func walk() {
    for place in index.indices {
      index[place] += index[place] / 2_000 * prices.between(-10, 10) / 10
      index[place] = min(max(index[place], 1_000_000_000), 500_000_000_000) / 1_000 * 1_000
    }
  }

  /// A fall or a rise of up to 40 %.
  mutating func crashPrices(_ random: inout SeededRandom) {
    for place in index.indices {
      index[place] = index[place] / 100 * random.between(60, 130)
      index[place] = min(max(index[place], 1_000_000_000), 500_000_000_000) / 1_000 * 1_000
    }
  }
}

extension Simulation {
  func scheduleLoad() {
    if let pause = load.pause(at: now) { schedule(.submit, after: Duration64.second + pause) }
    if options.load.reads > 0 { schedule(.read, after: Duration64.second) }
    guard options.load.oracleEvery > 0 else { return }
    for host in hosts { schedule(.observe(host.number), after: 100 * Duration64.millisecond + Instant(host.number)) }
  }

  /// An honest node that is up, if there is one.
  private func anyHost() -> SimulatedHost? {
    let start = Int(load.random.below(UInt64(hosts.count)))
    for step in hosts.indices {
      let host = hosts[(start + step) % hosts.count]
      if host.isUp, host.isHonest { return host }
    }
    return nil
  }

  // MARK: Clients

  func submitNext() {
    if let pause = load.pause(at: now) { schedule(.submit, after: pause) }
    guard let host = anyHost() else { return }
    // An observer's own host answers what is no transaction, or is on the chain already.
    let isValidator = host.replica?.index != nil
    if let recent = load.recent, load.random.below(32) == 0, isValidator {
      // A client that is not sure sends the same bytes again: they are executed once, perhaps where they were before.
      return submit(recent.bytes, to: host, after: recent.after)
    }
    let bytes = nextTransaction()
    if load.random.below(8) == 0 { load.recent = (bytes, checker.lastTold) }
    let isTransaction = TransactionCheck.run(bytes, chain: chain, scheme: options.signatures).transaction != nil
    let isTaken = isValidator && (options.joiners == 0 || !KeyMessageEnvelope.isOne(bytes))
    guard isTransaction || isTaken else { return }
    submit(bytes, to: host)
  }

  func submit(_ bytes: [UInt8], to host: SimulatedHost, isMarker: Bool = false, after: Place? = nil) {
    load.nextTicket += 1
    let ticket = load.nextTicket
    let input = TransactionCheck.run(bytes, chain: chain, scheme: options.signatures)
    report.transactions += 1
    host.submissions[ticket] = Submission(
      hash: input.hash, at: now, after: after ?? checker.lastTold, isMarker: isMarker)
    step(host, .submit(bytes: bytes, input, ticket: ticket))
  }

  func submitMarker(to host: SimulatedHost) {
    let to = AccountID(identities.traders[1].publicKey)
    let bytes = transaction(by: identities.traders[0], [.transfer(to: to, amount: 1)])
    submit(bytes, to: host, isMarker: true)
  }

  func readNext() {
    schedule(.read, after: load.random.exponential(1_000 * Duration64.second / Instant(options.load.reads)) + 1)
    guard let host = anyHost() else { return }
    load.nextTicket += 1
    host.reads[load.nextTicket] = checker.lastTold.height
    step(host, .read(ticket: load.nextTicket))
  }

  /// True time, as a client with a good clock knows it.
  private var wall: Timestamp { genesis.market.time + now }

  func transaction(
    by signer: Signer, _ actions: [Action], mode: TransactionMode = .bestEffort, client: UInt64? = nil
  ) -> [UInt8] {
    var transaction = Transaction(
      chain: chain, signer: signer.publicKey, nonce: Nonce.make(time: wall, random: load.random.next()),
      expiry: wall + 60 * Duration64.second, clientID: client, mode: mode, actions: actions)
    transaction.signature = signer.sign(transaction.signingBytes)
    return transaction.wireBytes
  }

  private func nextTransaction() -> [UInt8] {
    let trader = identities.traders[Int(load.random.below(UInt64(identities.traders.count)))]
    switch load.random.below(32) {
    case 0: return transaction(by: identities.custodian, [deposit()])
    case 1: return transaction(by: identities.custodian, [closing()])
    case 2: return transaction(by: identities.authority, [listing()])
    case 3: return transaction(by: identities.authority, [stateChange()])
    case 4: return (0..<Int(load.random.below(100)) + 1).map { _ in UInt8(truncatingIfNeeded: load.random.next()) }
    case 5...10:
      let actions = (0..<2 + load.random.below(12)).map { _ in action(of: trader) }
      return transaction(by: trader, actions, mode: load.random.below(2) == 0 ? .allOrNothing : .bestEffort)
    default: return transaction(by: trader, [action(of: trader)])
    }
  }

  private func action(of trader: Signer) -> Action {
    switch load.random.below(16) {
    case 0: return .cancel(.all)
    case 1: return .cancel(.instrument(instrument()))
    case 2: return .cancel(.client(load.nextClient &- load.random.below(20)))
    case 3: return .amend(amendment())
    case 4:
      let to = identities.traders[Int(load.random.below(UInt64(identities.traders.count)))]
      return .transfer(to: AccountID(to.publicKey), amount: load.random.between(1, 2_000_000_000))
    case 5: return .withdraw(amount: load.random.between(1, 5_000_000_000), destination: [1, 2, 3])
    default: return .place(order())
    }
  }

  /// One of those listed, expired ones included.
  private func instrument() -> InstrumentID {
    let hours = load.random.below(4) == 0 ? load.listedHours : [1, 2, 4, 8][Int(load.random.below(4))]
    let listings = Identities.listings(expiry: Identities.epoch + hours * Duration64.hour)
    return listings[Int(load.random.below(UInt64(listings.count)))].instrument
  }

  /// Around what the contract is worth, so that many orders meet.
  private func order() -> PlaceOrder {
    let instrument = instrument()
    let index = load.index[Int(instrument.underlying) % load.index.count]
    let worth: Price =
      switch instrument.kind {
      case .call: max(0, index - instrument.strike) + index / 50
      case .put: max(0, instrument.strike - index) + index / 50
      default: index
      }
    let price = max(10_000, worth / 1_000 * load.random.between(990, 1_010)) / 10_000 * 10_000
    load.nextClient += 1
    let force = [TimeInForce.gtc, .gtc, .gtc, .ioc, .fok, .gtt][Int(load.random.below(6))]
    return PlaceOrder(
      instrument: instrument, side: load.random.below(2) == 0 ? .buy : .sell, quantity: load.random.between(1, 5_000),
      price: price, timeInForce: force,
      goodTill: force == .gtt ? wall + load.random.between(1, 60) * Duration64.second : 0,
      postOnly: force == .gtc && load.random.below(4) == 0, reduceOnly: load.random.below(10) == 0,
      selfTrade: [.cancelMaker, .cancelTaker, .cancelBoth][Int(load.random.below(3))], clientID: load.nextClient)
  }

  private func amendment() -> AmendOrder {
    AmendOrder(
      order: .client(load.nextClient &- load.random.below(20)), quantity: load.random.between(1, 5_000),
      price: load.random.between(1, 100_000) * 10_000)
  }

  private func deposit() -> Action {
    load.nextReference += load.random.below(8) == 0 ? 0 : 1
    let to = identities.traders[Int(load.random.below(UInt64(identities.traders.count)))]
    return .deposit(
      Deposit(
        account: AccountID(to.publicKey), amount: load.random.between(1, 50_000_000_000),
        reference: Digest(words: (0, 0, 1, load.nextReference))))
  }

  private func closing() -> Action {
    load.nextWithdrawal += 1
    return .closeWithdrawal(number: load.random.below(load.nextWithdrawal) + 1, paid: load.random.below(3) != 0)
  }

  private func listing() -> Action {
    let passed = now * options.load.clockRate / Duration64.hour
    load.listedHours = passed + load.random.between(0, 6)
    return .list(Identities.listings(expiry: Identities.epoch + load.listedHours * Duration64.hour))
  }

  private func stateChange() -> Action {
    .setState(instrument(), [InstrumentState.open, .open, .cancelOnly, .halted][Int(load.random.below(4))])
  }

  // MARK: Prices

  /// A validator tells what it sees, through its own node.
  func observe(_ number: Int) {
    schedule(.observe(number), after: options.load.oracleEvery)
    let host = hosts[number]
    if number == 0 { load.walk() }
    guard host.isUp, host.replica?.index != nil else { return }
    let time = host.clock.wall(at: now)
    let market = genesis.market.time + (time - genesis.market.time) * options.load.clockRate
    let lie = host.adversary?.priceFactor ?? 100
    let index = load.index.map { $0 / 100 * lie / 1_000 * 1_000 }
    let surfaces = (host.replica?.clearing.openExpiries(at: market) ?? []).prefix(12).map { series in
      SurfaceQuote(
        underlying: series.underlying, expiry: series.expiry,
        forward: index[Int(series.underlying) % index.count], volatilities: Self.smile)
    }
    let observation = Observation(
      round: host.replica?.clearing.round(at: time) ?? 0,
      prices: index.enumerated().map { IndexQuote(underlying: UInt8($0.offset), price: $0.element) },
      surfaces: Array(surfaces))
    let bytes = transaction(by: host.signer, [.observe(observation)])
    let input = TransactionCheck.run(bytes, chain: chain, scheme: options.signatures)
    load.nextTicket += 1
    step(host, .submit(bytes: bytes, input, ticket: load.nextTicket))
  }

  private static let smile: [Int64] = [
    900_000, 780_000, 690_000, 630_000, 600_000, 620_000, 660_000, 720_000, 800_000,
  ]
}
