// Validators placed in regions, and how far apart these are: what `novation simulate --topology` forecasts from.
//
//     jitter = "1ms"            # optional, as are `within`, `sync` and `rate`
//
//     [validators]
//     alpha = "frankfurt"
//     beta = "london"
//
//     [latency.frankfurt]       # one way; one direction stands for both
//     london = "7ms"

public import Simulator
import TOMLKit

public enum TopologyFile {
  /// Reads `path`. All problems are reported at once, with line and key.
  public static func load(from path: String) throws(ConfigurationError) -> Topology {
    try parse(try TOMLSource.read(path), file: path)
  }

  public static func parse(_ text: String, file: String) throws(ConfigurationError) -> Topology {
    let table = try TOMLSource.table(of: text, file: file)
    var reader = TopologyReader(file: file, lines: SourceLines(text))
    reader.read(table)
    if !reader.problems.isEmpty {
      throw ConfigurationError(problems: reader.problems.sorted { ($0.line ?? 0) < ($1.line ?? 0) })
    }
    return reader.topology
  }
}

private struct TopologyReader {
  let file: String
  let lines: SourceLines
  var topology = Topology()
  var problems: [ConfigurationError.Problem] = []
  private static let keys = ["jitter", "latency", "rate", "sync", "validators", "within"]

  init(file: String, lines: SourceLines) {
    self.file = file
    self.lines = lines
  }

  mutating func refuse(_ path: [String], _ message: String) {
    problems.append(.init(file: file, line: lines.line(of: path), key: path.joined(separator: "."), message: message))
  }

  mutating func read(_ table: TOMLTable) {
    for name in table.keys.sorted() where !Self.keys.contains(name) {
      refuse([name], "unknown key; there are \(Self.keys.joined(separator: ", "))")
    }
    if let value = span(table, ["jitter"], upTo: 1_000_000_000) { topology.jitter = value }
    if let value = span(table, ["within"], upTo: 10_000_000_000) { topology.within = value }
    if let value = span(table, ["sync"], upTo: 1_000_000_000) { topology.sync = value }
    if let value = table["rate"] {
      if let rate = value.int, (1...1_000).contains(rate) {
        topology.rate = rate
      } else {
        refuse(["rate"], "expected transactions a second from 1 to 1000")
      }
    }
    readValidators(table["validators"]?.table)
    readLatencies(table["latency"]?.table)
    guard problems.isEmpty else { return }
    for (one, other) in topology.unknownDistances {
      refuse(["latency"], "no latency between \"\(one)\" and \"\(other)\"; add it under [latency.\(one)]")
    }
  }

  private mutating func readValidators(_ table: TOMLTable?) {
    guard let table, (1...Topology.validatorsMax).contains(table.keys.count) else {
      return refuse(["validators"], "expected a table of 1 to \(Topology.validatorsMax) validators: name = \"region\"")
    }
    for name in table.keys.sorted() {
      if let region = table[name]?.string, !region.isEmpty {
        topology.validators.append(.init(name: name, region: region))
      } else {
        refuse(["validators", name], "expected the name of a region")
      }
    }
  }

  private mutating func readLatencies(_ table: TOMLTable?) {
    guard let table else { return }
    let regions = Set(topology.validators.map(\.region))
    for from in table.keys.sorted() {
      guard let row = table[from]?.table else {
        refuse(["latency", from], "expected a table [latency.\(from)]")
        continue
      }
      for to in row.keys.sorted() {
        for region in [from, to] where !regions.contains(region) {
          refuse(["latency", from, to], "no validator is in \"\(region)\"")
        }
        if let value = span(row, ["latency", from, to], upTo: 10_000_000_000) {
          topology.distances[.init(from: from, to: to)] = value
        }
      }
    }
  }

  /// Nil, and a refusal unless the key is absent, when there is no acceptable span.
  private mutating func span(_ table: TOMLTable, _ path: [String], upTo limit: Int64) -> Int64? {
    guard let key = path.last, let value = table[key] else { return nil }
    guard let span = value.string.flatMap(TimeSpan.parse), span <= limit else {
      refuse(path, "expected a time such as \"7ms\", at most \"\(TimeSpan.format(limit))\"")
      return nil
    }
    return span
  }
}
