// A small market with known traders and authorities, and valid things that can happen in it.

import Clearing
import Ledger
import Primitives
import Replica
import Sodium
import Threshold
import Wire

enum Market {
  static let start: Timestamp = 1_767_600_000 * Duration64.second
  static let friday = start + 4 * Duration64.day
  static let validators: [PublicKey] = (1...4).map(realKey)
  static let custodian = realKey(21)
  static let authority = realKey(22)
  static let traders: [PublicKey] = (11...13).map(realKey)

  private static func realKey(_ number: UInt8) -> PublicKey {
    SigningKey(seed: [UInt8](repeating: number, count: 32))?.publicKey ?? .zero
  }

  static func option(_ strike: Int64, _ kind: InstrumentKind = .call) -> InstrumentID {
    InstrumentID(underlying: 0, kind: kind, expiry: friday, strike: strike * 1_000_000) ?? InstrumentID(raw: 0)
  }

  static let future = InstrumentID(underlying: 0, kind: .future, expiry: friday, strike: 0) ?? InstrumentID(raw: 0)

  static let genesis = MarketGenesis(
    network: "fuzz", time: start, clockRate: 1,
    underlyings: [UnderlyingTerms(symbol: "BTC"), UnderlyingTerms(symbol: "ETH")],
    listings: [
      Listing(instrument: option(100_000), tick: 10_000, lot: 100),
      Listing(instrument: option(90_000, .put), tick: 10_000, lot: 100),
      Listing(instrument: future, tick: 500_000, lot: 1),
    ],
    custodian: custodian, listingAuthority: authority, validators: validators,
    accounts: traders.map { FundedAccount(account: AccountID($0), amount: 400_000_000_000) })

  static let network = Genesis(
    name: "fuzz",
    validators: validators.enumerated().map {
      GenesisValidator(name: "v\($0.offset)", key: $0.element, host: "host", port: 1)
    }, market: genesis, keys: KeyScheduleSettings(epochBlocks: 0))

  static let chain = network.chain

  /// The engine after genesis, and after one round of prices.
  static let house: ClearingHouse = {
    var house = ClearingHouse(genesis: genesis, chain: chain)
    var changes: [RecordChange] = []
    house.sealGenesis(into: &changes)
    return house
  }()

  static let state: (tree: StateTree, changes: [RecordChange]) = {
    var house = ClearingHouse(genesis: genesis, chain: chain)
    var changes: [RecordChange] = []
    house.sealGenesis(into: &changes)
    for script in scripts.prefix(1) {
      var script = Script(script)
      _ = script.take(2)
      guard let input = input(&script, at: house.timestamp + Duration64.second, salt: 1) else { continue }
      var result = BlockResult()
      house.apply(
        BlockInput(height: 1, timestamp: house.timestamp + Duration64.second, transactions: [input]), into: &result)
      changes += result.changes
    }
    var tree = StateTree()
    tree.update(changes)
    return (tree, changes)
  }()

  // MARK: - Transactions

  private static let signers = traders + [custodian, authority] + validators

  /// Reads who does what: the signer's number, the mode, and the actions as they are encoded.
  static func input(_ script: inout Script, at time: Timestamp, salt: UInt64) -> TransactionInput? {
    let signer = signers[Int(script.byte()) % signers.count]
    let mode: TransactionMode = script.byte() & 1 == 0 ? .bestEffort : .allOrNothing
    var reader = WireReader(script.bytes())
    guard let actions: [Action] = try? reader.readArray(limit: 64) else { return nil }
    let transaction = Transaction(
      chain: chain, signer: signer, nonce: Nonce.make(time: time, random: salt), expiry: time + Duration64.second,
      mode: mode, actions: actions)
    return TransactionInput(hash: Digest(words: (salt, 1, 1, 1)), transaction: transaction, signatureValid: true)
  }

  private static func place(
    _ side: Side, _ instrument: InstrumentID, _ quantity: Quantity, _ dollars: Int64, _ force: TimeInForce = .gtc
  ) -> Action {
    .place(
      PlaceOrder(
        instrument: instrument, side: side, quantity: quantity, price: dollars * 1_000_000, timeInForce: force,
        goodTill: force == .gtt ? start + 90 * Duration64.second : 0, postOnly: false, clientID: 7))
  }

  private static func observation(round: Round, dollars: Int64) -> Action {
    .observe(
      Observation(
        round: round, prices: [IndexQuote(underlying: 0, price: dollars * 1_000_000)],
        surfaces: [
          SurfaceQuote(
            underlying: 0, expiry: friday, forward: dollars * 1_000_000,
            volatilities: [900, 780, 690, 630, 600, 620, 660, 720, 800].map { $0 * 1_000 })
        ]))
  }

  /// One transaction of a script: pause, how many more are in its block, signer, mode, actions.
  private static func line(pause: UInt8, more: UInt8 = 0, _ signer: UInt8, _ actions: [Action]) -> [UInt8] {
    var writer = WireWriter()
    writer.write(actions)
    return (pause > 0 ? [pause, more] : []) + [signer, 0] + (Script.encode(writer.bytes) ?? [])
  }

  /// Prices that three validators agree on, one second later (0x41), which is `second` after the start.
  private static func prices(_ dollars: Int64, second: Int64 = 1) -> [UInt8] {
    let round = house.round(at: start + second * Duration64.second)
    return line(pause: 0x41, more: 2, 5, [observation(round: round, dollars: dollars)])
      + line(pause: 0, 6, [observation(round: round, dollars: dollars + 10)])
      + line(pause: 0, 7, [observation(round: round, dollars: dollars - 10)])
  }

  private static let trade: [UInt8] =
    line(pause: 0x41, more: 1, 0, [place(.sell, option(100_000), 500, 2_500), place(.buy, future, 3, 99_990)])
    + line(pause: 0, 1, [place(.buy, option(100_000), 300, 2_500), place(.sell, future, 2, 99_000, .ioc)])

  /// A stop, a pair that cancel each other, an entry with its guard, and an iceberg.
  private static let waiting: [UInt8] = {
    func order(_ side: Side, _ lots: Quantity, _ dollars: Int64, display: Quantity = 0) -> PlaceOrder {
      PlaceOrder(instrument: future, side: side, quantity: lots, price: dollars * 1_000_000, display: display)
    }
    func below(_ order: PlaceOrder) -> TriggerOrder {
      TriggerOrder(order: order, source: .mark, condition: .atOrBelow, level: 99_000_000_000)
    }
    return line(
      pause: 0x41, 0,
      [
        .trigger(below(order(.sell, 2, 98_000))),
        .linked(
          LinkedOrders(
            kind: .oneCancelsOther, order: order(.sell, 3, 101_000), triggers: [below(order(.sell, 3, 98_000))])),
        .linked(
          LinkedOrders(
            kind: .oneTriggersOther, order: order(.buy, 4, 99_500), triggers: [below(order(.sell, 4, 98_000))])),
        .place(order(.buy, 50, 98_500, display: 5)), .cancel(.triggers), .trigger(below(order(.sell, 2, 98_000))),
      ])
  }()

  /// Small histories: prices and trades; orders changed and cancelled; money; listings; a crash; an expiry; triggers.
  static let scripts: [[UInt8]] = [
    prices(100_000) + trade,
    prices(100_000) + trade
      + line(
        pause: 0x42, 0,
        [
          .amend(AmendOrder(order: .client(7), quantity: 100, price: 2_400_000_000)), .cancel(.all),
          .cancel(.instrument(future)), .cancel(.order(3)), place(.buy, option(90_000, .put), 100, 900, .fok),
          place(.sell, option(90_000, .put), 100, 3_000, .gtt),
        ]) + line(pause: 0x82, 1, [place(.buy, option(90_000, .put), 100, 3_000)]),
    line(
      pause: 0x41, 3,
      [.deposit(Deposit(account: AccountID(traders[0]), amount: 5_000_000, reference: Digest(words: (5, 0, 0, 0))))])
      + line(
        pause: 0x41, 0,
        [
          .withdraw(amount: 1_000_000, destination: [1, 2]),
          .transfer(to: AccountID(traders[1]), amount: 2_000_000),
        ]) + line(pause: 0x41, 3, [.closeWithdrawal(number: 1, paid: true)]),
    line(
      pause: 0x41, 4,
      [
        .list([Listing(instrument: option(120_000), tick: 10_000, lot: 100)]), .setState(option(120_000), .halted),
        .setState(option(100_000), .open),
      ]),
    prices(100_000) + trade + line(pause: 0x43, 1, [place(.buy, future, 300, 100_000)]),
    prices(100_000) + trade + line(pause: 0xc6, 0, [.cancel(.underlying(0))]) + line(pause: 0xc3, 1, [.cancel(.all)]),
    prices(100_000) + trade + waiting + prices(98_500, second: 4),
  ]

  static let transactions: [Transaction] = scripts.flatMap { script -> [Transaction] in
    var script = Script(script)
    var found: [Transaction] = []
    _ = script.take(2)
    while let input = input(&script, at: start, salt: UInt64(found.count)), var transaction = input.transaction {
      transaction.signature = Signer.standIn(transaction.signer).sign(transaction.signingBytes)
      found.append(transaction)
      if script.isAtEnd { break }
      _ = script.take(2)
    }
    return found
  }

  static let events: [Event] = {
    var events: [Event] = []
    for bytes in scripts {
      var (script, house) = (Script(bytes), house)
      var time = house.timestamp
      while !script.isAtEnd, events.count < 200 {
        time += Duration64.second
        _ = script.byte()
        let inputs = (0..<1 + Int(script.byte() % 4)).compactMap { input(&script, at: time, salt: UInt64($0)) }
        var result = BlockResult()
        house.apply(BlockInput(height: house.height + 1, timestamp: time, transactions: inputs), into: &result)
        events += result.events
      }
    }
    return events
  }()
}
