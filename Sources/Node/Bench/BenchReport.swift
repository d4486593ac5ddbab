// What `bench` prints: what was asked of the project, beside what was measured here.

public struct BenchReport: Codable, Sendable {
  public struct Line: Codable, Sendable {
    public var name: String
    /// Empty where nothing was asked.
    public var asked: String
    public var measured: String
    /// Null where nothing was asked.
    public var isMet: Bool?
  }

  public struct Load: Codable, Sendable {
    public var name: String
    public var seconds: Double
    public var transactionsPerSecond: Double
    public var actionsPerSecond: Double
    public var latency: LatencySummary
    public var sent: Int
    public var rejected: Int
    public var refusedOrders: Int
    public var busy: Int
    public var unknown: Int
    public var failed: Int
    /// Share of one core that the generator took, from the cores that the nodes need.
    public var generatorCores: Double
  }

  public struct Check: Codable, Sendable {
    public var acknowledged: Int
    public var readAgain: Int
    /// Acknowledged transactions that another node does not have.
    public var lost: Int
    public var rootsEqual: Bool?
    public var commonHeight: UInt64?
  }

  public struct Memory: Codable, Sendable {
    public var node: String
    public var anonymousBytes: Int64
  }

  public struct Kill: Codable, Sendable {
    public var node: String
    public var acknowledged: Int
    public var readAgain: Int
    public var lost: Int
    public var stallMilliseconds: Double
    /// From its restart to a certificate with its vote; null if none came in time.
    public var votesAgainMilliseconds: Double?
  }

  public var chainId: String
  public var nodes: Int
  public var machine: MachineLimits
  public var loads: [Load]
  public var check: Check
  public var memory: [Memory]
  public var kill: Kill?
  public var lines: [Line]
  public var warnings: [String]

  /// Nothing was lost and the states agree; speed is a matter of the machine.
  public var isSound: Bool { check.lost == 0 && check.rootsEqual != false && (kill?.lost ?? 0) == 0 }

  public func render(style: Style) -> String {
    var table = TextTable([.init("measured"), .init("value", .right), .init("asked", .right), .init("")])
    for line in lines {
      let verdict: TextTable.Cell =
        line.isMet.map { $0 ? .init("met", .green) : .init("missed", .red) } ?? .init("")
      table.add([.init(line.name), .init(line.measured, .bold), .init(line.asked), verdict])
    }
    var loadTable = TextTable([
      .init("load"), .init("tx/s", .right), .init("actions/s", .right), .init("p50 ms", .decimal),
      .init("p99 ms", .decimal), .init("p99.9 ms", .decimal), .init("sent", .right), .init("rejected", .right),
      .init("refused orders", .right), .init("busy", .right), .init("unknown", .right), .init("failed", .right),
      .init("generator cores", .decimal),
    ])
    for load in loads {
      loadTable.add([
        .init(load.name), .init(count(load.transactionsPerSecond)), .init(count(load.actionsPerSecond)),
        .init(DevnetStatusDocument.milliseconds(load.latency.p50Milliseconds)),
        .init(DevnetStatusDocument.milliseconds(load.latency.p99Milliseconds)),
        .init(DevnetStatusDocument.milliseconds(load.latency.p999Milliseconds)), .init(count(Double(load.sent))),
        .init(count(Double(load.rejected))), .init(count(Double(load.refusedOrders))), .init(count(Double(load.busy))),
        .init(count(Double(load.unknown)), load.unknown > 0 ? .yellow : nil),
        .init(count(Double(load.failed)), load.failed > 0 ? .red : nil),
        .init(DevnetStatusDocument.milliseconds(load.generatorCores)),
      ])
    }
    let notes = warnings.map { style(.yellow, "note: \(printable($0))") + "\n" }.joined()
    return table.render(style: style) + "\n" + loadTable.render(style: style) + (notes.isEmpty ? "" : "\n" + notes)
  }

  private func count(_ value: Double) -> String { HumanText.count(Int64(value.rounded())) }
}
