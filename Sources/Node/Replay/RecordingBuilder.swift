// Puts the rows of all files together into snapshots.

import Clearing
import Primitives

struct RecordingBuilder {
  private struct Origin {
    var file: Int
    var line: Int
  }

  private struct Key: Hashable {
    var time: Timestamp
    var name: String
  }

  private struct ExpiryKey: Hashable, Comparable {
    var underlying: Int
    var expiry: Timestamp

    static func < (a: Self, b: Self) -> Bool { (a.underlying, a.expiry) < (b.underlying, b.expiry) }
  }

  private struct Draft {
    var indices: [Int: [Double]] = [:]
    var forwards: [ExpiryKey: [Double]] = [:]
    var options: [ExpiryKey: [RecordedOption]] = [:]
  }

  private var files: [String] = []
  private var symbols: [String] = []
  private var seen: [Key: Origin] = [:]
  private var drafts: [Timestamp: Draft] = [:]

  mutating func addFile(_ path: String) -> Int {
    files.append(path)
    return files.count - 1
  }

  mutating func add(_ row: OptionRow, file: Int, line: Int) throws(RowFault) {
    let origin = Origin(file: file, line: line)
    if let first = seen.updateValue(origin, forKey: Key(time: row.time, name: row.name)) {
      let place = first.file == file ? "line \(first.line)" : "\(files[first.file]):\(first.line)"
      throw RowFault("\(row.name) appears twice at \(ISO8601.format(row.time)): first in \(place)")
    }
    let underlying = try place(of: row.symbol)
    var draft = drafts.removeValue(forKey: row.time) ?? Draft()
    draft.indices[underlying, default: []].append(row.index)
    if row.expiry > row.time {
      let key = ExpiryKey(underlying: underlying, expiry: row.expiry)
      draft.forwards[key, default: []].append(row.forward)
      draft.options[key, default: []].append(
        RecordedOption(
          kind: row.kind, strike: row.strike, bid: row.bid, ask: row.ask, mark: row.mark, volatility: row.volatility))
    }
    drafts[row.time] = draft
  }

  private mutating func place(of symbol: String) throws(RowFault) -> Int {
    if let place = symbols.firstIndex(of: symbol) { return place }
    guard symbols.count < Limits.maxUnderlyings else {
      throw RowFault("more than \(Limits.maxUnderlyings) currencies")
    }
    symbols.append(symbol)
    return symbols.count - 1
  }

  func finish() throws(ReplayError) -> Recording {
    var snapshots: [MarketSnapshot] = []
    for time in drafts.keys.sorted() {
      guard let draft = drafts[time] else { continue }
      let snapshot = snapshot(draft, at: time)
      if !snapshot.expiries.isEmpty { snapshots.append(snapshot) }
    }
    return Recording(symbols: symbols, snapshots: snapshots)
  }

  private func snapshot(_ draft: Draft, at time: Timestamp) -> MarketSnapshot {
    var expiries: [RecordedExpiry] = []
    for key in draft.options.keys.sorted() {
      guard let options = draft.options[key], let forward = Self.median(draft.forwards[key] ?? []) else { continue }
      let years = Double(key.expiry - time) / Double(365 * Duration64.day)
      guard let pillars = SurfaceFit.pillars(options, forward: forward, years: years) else { continue }
      expiries.append(
        RecordedExpiry(
          underlying: key.underlying, expiry: key.expiry, forward: forward, pillars: pillars,
          options: options.sorted { ($0.strike, $0.kind.rawValue) < ($1.strike, $1.kind.rawValue) }))
    }
    let index = symbols.indices.map { draft.indices[$0].flatMap { Self.median($0) } }
    return MarketSnapshot(time: time, index: index, expiries: expiries)
  }

  /// Rows of one snapshot were collected over some seconds: the middle of what they say.
  private static func median(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : values.sorted()[values.count / 2]
  }
}
