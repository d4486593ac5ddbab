// The instruments of a devnet: a ladder of options and a future for each of a few expiries.

import Clearing
import Primitives

enum SyntheticListing {
  struct Entry {
    var name: String
    var tick: String
    var lot: String
  }

  /// Expiries at 08:00 UTC, this many days after the start.
  static let expiryDays: [Int64] = [1, 2, 7, 28, 91]
  /// Strikes as parts of a hundred of the start index.
  static let ladder: [Double] = [60, 70, 80, 85, 90, 95, 100, 105, 110, 115, 120, 130, 150]

  static func expiries(from start: Timestamp) -> [Timestamp] {
    let midnight = start / Duration64.day * Duration64.day
    return expiryDays.map { midnight + $0 * Duration64.day + 8 * Duration64.hour }
  }

  static func instruments(from start: Timestamp) -> [Entry] {
    var entries: [Entry] = []
    for underlying in SyntheticUnderlying.standard {
      let isLarge = underlying.start > 10_000
      let step = isLarge ? 1_000.0 : 50.0
      for expiry in expiries(from: start) {
        let prefix = "\(underlying.symbol)-\(ExpiryName.format(expiry))"
        let tick = isLarge ? "5.0" : "0.1"
        entries.append(Entry(name: prefix, tick: isLarge ? "0.5" : "0.05", lot: "0.001"))
        for percent in ladder {
          let strike = Int((underlying.start * percent / 100 / step).rounded() * step)
          entries.append(Entry(name: "\(prefix)-\(strike)-C", tick: tick, lot: "0.01"))
          entries.append(Entry(name: "\(prefix)-\(strike)-P", tick: tick, lot: "0.01"))
        }
      }
    }
    return entries
  }
}
