// Text from clients and configuration: what parses is what formats, and nothing traps.

import Clearing
import Primitives

extension FuzzTarget {
  private static func text(_ name: String, _ seeds: [String], _ parse: @escaping @Sendable (String) -> Void)
    -> FuzzTarget
  {
    FuzzTarget(name, seeds: { seeds.map { Array($0.utf8) } }) { bytes in parse(String(decoding: bytes, as: UTF8.self)) }
  }

  static let texts: [FuzzTarget] = [
    text("decimal", ["0", "-1.5", "9223372036854.775807", "1e5", "000.100"]) { text in
      for scale in [0, 3, 6] {
        guard let value = Decimal.parse(text, scale: scale) else { continue }
        precondition(Decimal.parse(Decimal.format(value, scale: scale), scale: scale) == value, "decimal changed")
      }
    },
    text("hex", ["", "00ff", "0G", "abc"]) { text in
      guard let bytes = Hex.decode(text) else { return }
      precondition(Hex.encode(bytes) == text.lowercased(), "hex changed")
    },
    text("time", ["2026-01-05T08:00:00Z", "2026-01-05T08:00:00.123456789Z", "9JAN26"]) { text in
      if let time = ISO8601.parse(text) {
        precondition(ISO8601.parse(ISO8601.format(time)) == time, "time changed")
      }
      if let expiry = ExpiryName.parse(text) {
        precondition(ExpiryName.parse(ExpiryName.format(expiry)) == expiry, "expiry changed")
      }
    },
    text("instrument-name", ["BTC-9JAN26", "BTC-9JAN26-100000-C", "ETH-9JAN26-4000.5-P"]) { text in
      let underlyings = Market.genesis.underlyings
      guard let id = InstrumentName.parse(text, underlyings: underlyings) else { return }
      let name = InstrumentName.format(id, underlyings: underlyings)
      precondition(InstrumentName.parse(name, underlyings: underlyings) == id, "instrument changed")
    },
  ]
}
