// The instruments of a recording on the network's terms: what they are called there, and their steps.

import Clearing
import Primitives

struct ReplayInstruments: Sendable {
  /// Price and quantity steps of what is listed.
  private(set) var steps: [InstrumentID: (tick: Price, lot: Quantity)] = [:]
  let symbols: [String]
  /// The network's underlying by place in the recording.
  let underlyings: [UnderlyingID]
  let terms: [UnderlyingTerms]

  init(_ recording: Recording, terms: [UnderlyingTerms]) throws(ReplayError) {
    symbols = recording.symbols
    self.terms = terms
    var underlyings: [UnderlyingID] = []
    for symbol in recording.symbols {
      guard let place = terms.firstIndex(where: { $0.symbol == symbol }) else {
        let known = terms.map(\.symbol).joined(separator: ", ")
        throw ReplayError("the network does not clear \(symbol), only \(known)")
      }
      underlyings.append(UnderlyingID(truncatingIfNeeded: place))
    }
    self.underlyings = underlyings
  }

  func name(_ id: InstrumentID) -> String { InstrumentName.format(id, underlyings: terms) }

  func option(_ expiry: RecordedExpiry, _ option: RecordedOption) -> InstrumentID? {
    InstrumentID(
      underlying: underlyings[expiry.underlying], kind: option.kind, expiry: expiry.expiry, strike: option.strike)
  }

  func future(_ expiry: RecordedExpiry) -> InstrumentID? {
    InstrumentID(underlying: underlyings[expiry.underlying], kind: .future, expiry: expiry.expiry, strike: 0)
  }

  /// Takes note of what a node lists already.
  mutating func note(_ document: InstrumentsDocument) {
    for entry in document.instruments {
      guard let id = InstrumentName.parse(entry.name, underlyings: terms),
        let tick = Decimal.parse(entry.tick, scale: Decimal.moneyScale),
        let lot = Decimal.parse(entry.lot, scale: Decimal.quantityScale), tick > 0, lot > 0
      else { continue }
      steps[id] = (tick, lot)
    }
  }

  /// What a snapshot has and the network does not list yet; from now on counted as listed.
  mutating func listings(for snapshot: MarketSnapshot) -> [Listing] {
    var listings: [Listing] = []
    for expiry in snapshot.expiries {
      let tick = Self.tick(index: snapshot.index[expiry.underlying] ?? expiry.forward)
      if let id = future(expiry) { add(id, tick: tick * 5, lot: 1, to: &listings) }
      for option in expiry.options {
        if let id = self.option(expiry, option) { add(id, tick: tick, lot: 10, to: &listings) }
      }
    }
    return listings
  }

  private mutating func add(_ id: InstrumentID, tick: Price, lot: Quantity, to listings: inout [Listing]) {
    let listing = Listing(instrument: id, tick: tick, lot: lot)
    guard steps[id] == nil, listing.isAcceptable else { return }
    steps[id] = (tick, lot)
    listings.append(listing)
  }

  /// A hundred-thousandth of the index's power of ten: 0.10 USD for 88,000, 0.01 for 2,900.
  static func tick(index: Double) -> Price {
    var decade: Price = 1_000_000
    while decade < Limits.maxPrice, Double(decade) * 10 / 1e6 <= index { decade *= 10 }
    return max(Limits.pricePerLot, decade / 100_000 / Limits.pricePerLot * Limits.pricePerLot)
  }
}
