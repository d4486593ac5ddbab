// What a replay reports: one document, and the same as tables.

/// Amounts in USD and quantities in contracts are decimal strings; errors and times are measured figures.
public struct ReplayReport: Codable, Sendable {
  public struct Distribution: Codable, Sendable {
    public var mean: Double
    public var median: Double
    public var p99: Double
    public var max: Double
  }

  /// Absolute errors of the network's marks against the recorded ones.
  public struct Marks: Codable, Sendable {
    public var compared: Int
    /// Recorded marks for which the network had none.
    public var missing: Int
    public var snapshots: Int
    public var dollars: Distribution
    public var partsPerMillionOfIndex: Distribution
    /// Instrument and market time of the largest, in parts of the index.
    public var worst: String
  }

  public struct Settlement: Codable, Sendable {
    public var underlying: String
    public var expiry: String
    public var price: String
    public var positions: UInt32
    /// What the receiving side was paid; null where the node does not tell.
    public var paid: String?
  }

  public struct MarginCall: Codable, Sendable {
    public var account: String
    public var equity: String
    public var maintenance: String
    /// Market time.
    public var time: String
  }

  public struct Finality: Codable, Sendable {
    public var p50Milliseconds: Double?
    public var p99Milliseconds: Double?
    public var samples: Int
  }

  public struct Node: Codable, Sendable {
    public var name: String
    public var height: UInt64?
    public var commonHeight: UInt64?
    /// At the common height.
    public var stateRoot: String?
  }

  /// The paths, or the seed of the tape.
  public var source: String
  public var chainId: String
  public var marketFrom: String
  public var marketTo: String
  public var realSeconds: Int64
  public var snapshots: Int
  public var skipped: [Recording.Skipped]
  public var instrumentsListed: Int
  public var transactions: Int
  public var actions: Int
  public var rejected: [String: Int]
  /// Transactions of which nothing final was heard.
  public var unknown: Int
  public var retried: Int
  public var trades: Int
  public var volume: [String: String]
  public var premiumTurnover: String
  public var futuresNotional: String
  /// Contracts in open positions: at the end, and the most at any snapshot.
  public var openInterest: [String: String]
  public var openInterestMost: [String: String]
  public var settlements: [Settlement]
  public var positionsSettled: UInt64
  public var cashMoved: String?
  public var marks: Marks?
  public var marginCalls: [MarginCall]
  public var finality: Finality
  public var certificateHeight: UInt64?
  public var finalHeight: UInt64?
  public var stateRoot: String?
  public var nodes: [Node]
  /// Every node has the same state root at the common height.
  public var rootsEqual: Bool
  /// What did not go as it should, in sentences.
  public var warnings: [String]
}

extension ReplayReport {
  public func render(style: Style) -> String {
    var text = facts(style)
    if !settlements.isEmpty { text += "\n" + settlementTable.render(style: style) }
    if let marks {
      text += "\n" + table(marks).render(style: style)
      text += style(.dim, "worst: \(marks.worst)") + "\n"
    }
    if !rejected.isEmpty { text += "\n" + rejectionTable.render(style: style) }
    text += "\n" + nodeTable.render(style: style)
    for warning in warnings { text += style(.yellow, "warning: \(printable(warning))") + "\n" }
    return text
  }

  private func facts(_ style: Style) -> String {
    func count(_ value: Int) -> String { HumanText.count(Int64(value)) }
    var facts = Facts()
    facts.add("market", "\(marketFrom) to \(marketTo), \(count(snapshots)) snapshots in \(realSeconds) s")
    facts.add("instruments", "\(count(instrumentsListed)) listed")
    facts.add("sent", "\(count(transactions)) transactions with \(count(actions)) actions")
    facts.add("refused", "\(count(rejected.values.reduce(0, +))) actions")
    facts.add(
      "trades", "\(count(trades)), options \(amount(volume["options"])), futures \(amount(volume["futures"])) contracts"
    )
    facts.add("premium", "\(amount(premiumTurnover)) USD; futures notional \(amount(futuresNotional)) USD")
    facts.add(
      "open interest",
      "options \(amount(openInterest["options"])), futures \(amount(openInterest["futures"])) contracts at the end")
    facts.add(
      "settled",
      "\(settlements.count) expiries, \(positionsSettled) positions"
        + (cashMoved.map { ", \(amount($0)) USD paid" } ?? ""))
    facts.add("margin calls", "\(marginCalls.count)")
    facts.add(
      "finality", "p50 \(milliseconds(finality.p50Milliseconds)), p99 \(milliseconds(finality.p99Milliseconds))")
    facts.add("certificate", certificateHeight.map { "covers height \($0)" } ?? "none")
    let root = stateRoot ?? "unknown"
    facts.add(
      "state root",
      rootsEqual
        ? .init("\(root), equal on all \(nodes.count) nodes", .green) : .init("NOT equal on all nodes", .red))
    return facts.render(style: style)
  }

  /// Whole dollars and contracts with separators: nobody reads millionths of a turnover.
  private func amount(_ text: String?) -> String {
    guard let text else { return "0" }
    let whole = text.prefix { $0 != "." }
    return Int64(whole).map(HumanText.count) ?? String(whole)
  }

  private func milliseconds(_ value: Double?) -> String { value.map { "\(($0 * 10).rounded() / 10) ms" } ?? "unknown" }

  private var settlementTable: TextTable {
    var table = TextTable([
      .init("expiry settled"), .init("underlying"), .init("price", .decimal), .init("positions", .right),
      .init("paid USD", .decimal),
    ])
    for item in settlements {
      table.add([
        .init(item.expiry), .init(item.underlying), .init(HumanText.decimal(item.price)), "\(item.positions)",
        .init(item.paid.map(HumanText.decimal) ?? ""),
      ])
    }
    return table
  }

  private func table(_ marks: Marks) -> TextTable {
    var table = TextTable([
      .init("marks against recorded (\(HumanText.count(Int64(marks.compared))))"), .init("mean", .decimal),
      .init("median", .decimal), .init("p99", .decimal), .init("max", .decimal),
    ])
    for (name, values) in [("USD", marks.dollars), ("ppm of index", marks.partsPerMillionOfIndex)] {
      table.add([.init(name), "\(values.mean)", "\(values.median)", "\(values.p99)", "\(values.max)"])
    }
    return table
  }

  private var rejectionTable: TextTable {
    var table = TextTable([.init("refused because"), .init("actions", .right)])
    for (reason, count) in rejected.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
      table.add([.init(reason), .init(HumanText.count(Int64(count)))])
    }
    return table
  }

  private var nodeTable: TextTable {
    var table = TextTable([.init("node"), .init("height", .right), .init("compared at", .right), .init("state root")])
    for node in nodes {
      table.add([
        .init(node.name), .init(node.height.map(String.init) ?? "-"), .init(node.commonHeight.map(String.init) ?? "-"),
        .init(node.stateRoot.map(HumanText.short) ?? "unknown", rootsEqual ? nil : .red),
      ])
    }
    return table
  }
}
