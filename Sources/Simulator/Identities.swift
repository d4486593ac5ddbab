// The keys and the genesis of a simulated network.

import Clearing
import Primitives
import Replica
import Sodium
import Threshold

struct Identities {
  /// Of the genesis, then those that may become validators.
  let validators: [Signer]
  let traders: [Signer]
  let custodian: Signer
  let authority: Signer
  let genesis: Genesis

  /// 2026-01-05 08:00 UTC, a whole hour.
  static let epoch: Timestamp = 1_767_600_000 * Duration64.second
  /// Of the richest trader; each next one has half, so that prices bring some of them into trouble.
  static let funds: Amount = 1_000_000_000_000

  init(_ options: SimulationOptions) {
    let scheme = options.signatures
    validators = (0..<options.validators + options.joiners).map { Self.signer(UInt64($0 + 1), scheme) }
    traders = (0..<options.load.traders).map { Self.signer(UInt64(1000 + $0), scheme) }
    custodian = Self.signer(2001, scheme)
    authority = Self.signer(2002, scheme)
    let keys = validators.prefix(options.validators).map(\.publicKey)
    let market = MarketGenesis(
      network: "test", time: Self.epoch, clockRate: options.load.clockRate,
      underlyings: [UnderlyingTerms(symbol: "BTC"), UnderlyingTerms(symbol: "ETH")], listings: Self.listings(),
      custodian: custodian.publicKey, listingAuthority: authority.publicKey, validators: keys,
      accounts: traders.enumerated().map {
        FundedAccount(account: AccountID($0.element.publicKey), amount: Self.funds >> Int64(min($0.offset, 20)))
      }, liquidation: options.hasOracle ? .off : LiquidationParameters())
    genesis = Genesis(
      name: "simulation",
      validators: keys.enumerated().map {
        GenesisValidator(name: "v\($0.offset)", key: $0.element, host: "host", port: 1)
      }, market: market, keys: KeyScheduleSettings(epochBlocks: options.epochBlocks))
  }

  static func signer(_ number: UInt64, _ scheme: SignatureScheme) -> Signer {
    if scheme == .ed25519 {
      var seed = [UInt8](repeating: 7, count: 32)
      for place in 0..<8 { seed[place] = UInt8(truncatingIfNeeded: number >> UInt64(8 * place)) }
      if let key = SigningKey(seed: seed) { return .ed25519(key) }
    }
    return .standIn(PublicKey(words: (0x5eed, 0, 0, number)))
  }

  /// Options and a future of each underlying for expiries after one, two, four and eight hours of market time.
  static func listings() -> [Listing] {
    [1, 2, 4, 8].flatMap { listings(expiry: epoch + $0 * Duration64.hour) }
  }

  static func listings(expiry: Timestamp) -> [Listing] {
    var listings: [Listing] = []
    for (underlying, base) in [100_000, 4_000].enumerated() as EnumeratedSequence<[Int64]> {
      for (kind, percent) in [(.call, 100), (.put, 100), (.put, 90), (.call, 110), (.future, 0)]
        as [(InstrumentKind, Int64)]
      {
        let strike = base * percent / 100 * 1_000_000
        guard
          let id = InstrumentID(underlying: UInt8(underlying), kind: kind, expiry: expiry, strike: strike)
        else { continue }
        listings.append(Listing(instrument: id, tick: 10_000, lot: 1))
      }
    }
    return listings
  }
}
