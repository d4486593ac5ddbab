// Many simulated runs at a time, and what they add up to.

import Glibc
import Node
import Primitives
import Simulator

/// One finished run, as `--json` prints it and the campaign's file keeps it: nothing of the wall clock is in it.
struct RunRecord: Codable, Sendable {
  var seed: UInt64
  var violations: Int
  var violationList: [String]
  var traceHash: String
  var events: UInt64
  var messages: UInt64
  var validators: Int
  var seconds: Double
  var height: UInt64
  var views: UInt64
  var nullifiedViews: UInt64
  var healings: UInt64
  var restarts: UInt64
  var transactions: UInt64
  var receipts: UInt64
  var reads: UInt64
  /// Transactions that the reference model has cleared as well.
  var judged: UInt64
  var p50Milliseconds: Double?
  var p99Milliseconds: Double?
  var faults: [String: UInt64]
  var marks: [String: UInt64]
  var options: [String]
  var command: String

  init(_ report: SimulationReport) {
    seed = report.options.seed
    violations = report.violations.count
    violationList = report.violations.map { "\($0)" }
    traceHash = String(report.traceHash, radix: 16)
    events = report.events
    messages = report.messages
    validators = report.options.validators
    seconds = Double(report.elapsed / Duration64.millisecond) / 1000
    height = report.height
    views = report.views
    nullifiedViews = report.nullifiedViews
    healings = report.healings
    restarts = report.restarts
    transactions = report.transactions
    receipts = report.receipts
    reads = report.reads
    judged = report.judged
    let milliseconds = { (time: Instant) in Double(time / Duration64.microsecond) / 1000 }
    p50Milliseconds = report.latency(perMille: 500).map(milliseconds)
    p99Milliseconds = report.latency(perMille: 990).map(milliseconds)
    faults = Dictionary(uniqueKeysWithValues: report.faults.map { ($0.key.rawValue, $0.value) })
    marks = [:]
    for mark in Mark.allCases where report.marks[mark] > 0 { marks["\(mark)"] = report.marks[mark] }
    options = report.options.description.split(separator: "\n").map(String.init)
    command = report.command
  }
}

/// A file of finished runs, one JSON document a line; each is added whole when its run ends.
final class CampaignFile: @unchecked Sendable {
  private let descriptor: Int32
  let found: [RunRecord]

  init(path: String) throws {
    descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw CommandFailure(.failed, "cannot open \(path): \(String(cString: strerror(errno)))")
    }
    var text: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      if count <= 0 { break }
      text += buffer[..<count]
    }
    // A line that a kill cut short is run again.
    found = text.split(separator: UInt8(ascii: "\n")).compactMap { JSONText.parse(RunRecord.self, Array($0)) }
    if let last = text.last, last != UInt8(ascii: "\n") { _ = write(descriptor, "\n", 1) }
  }

  deinit { close(descriptor) }

  func add(_ run: RunRecord) {
    let line = Array((JSONText.render(run, pretty: false) + "\n").utf8)
    _ = write(descriptor, line, line.count)
  }
}

struct Campaign {
  enum Span {
    case seeds(Int)
    case hours(Double)
  }

  static var processors: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

  let jobs: Int
  let file: CampaignFile?
  let progress: (String) -> Void

  /// Runs the seeds from `first` on that are not in the file.
  func run(
    from first: UInt64, _ span: Span, options: @escaping @Sendable (UInt64) -> SimulationOptions
  ) async -> CampaignSummary {
    var summary = CampaignSummary(isCampaign: file != nil)
    for run in file?.found ?? [] { summary.add(run) }
    let done = Set(summary.runs.map(\.seed))
    var next = first
    let limit: UInt64 = if case .seeds(let count) = span { first + UInt64(count) } else { .max }
    func hasMore() -> Bool {
      if case .hours(let hours) = span { return summary.hours < hours }
      return next < limit
    }
    await withTaskGroup(of: RunRecord.self) { group in
      func startNext() {
        while done.contains(next), next < limit { next += 1 }
        guard hasMore(), next < limit else { return }
        let chosen = options(next)
        next += 1
        group.addTask { RunRecord(Simulation(chosen).run()) }
      }
      for _ in 0..<jobs { startNext() }
      for await run in group {
        file?.add(run)
        summary.add(run)
        progress("\(summary.line)\(limit == .max ? "" : " of \(limit - first) seeds")")
        startNext()
      }
    }
    return summary
  }

  /// Every scenario of so many views; finished thousands are kept under their first scenario's number.
  func runTwins(rounds: Int) async -> CampaignSummary {
    var summary = CampaignSummary(isCampaign: false)
    let total = TwinsScenario.count(rounds: rounds)
    for run in file?.found ?? [] { summary.add(run) }
    let done = Set(summary.runs.map(\.seed))
    let blocks = stride(from: 0, to: total, by: 1_000).filter { !done.contains(UInt64($0)) }
    await withTaskGroup(of: RunRecord.self) { group in
      var waiting = blocks[...]
      func startNext() {
        guard let block = waiting.popFirst() else { return }
        group.addTask { Self.twins(block..<min(block + 1_000, total), rounds: rounds) }
      }
      for _ in 0..<jobs { startNext() }
      for await run in group {
        file?.add(run)
        summary.add(run)
        progress(
          "\(min(total, summary.runs.count * 1_000)) of \(total) Twins scenarios, \(summary.violations) violations")
        startNext()
      }
    }
    return summary
  }

  private static func twins(_ numbers: Range<Int>, rounds: Int) -> RunRecord {
    var merged: RunRecord?
    for number in numbers {
      let scenario = TwinsScenario(number, rounds: rounds)
      var run = RunRecord(scenario.run())
      run.violationList = run.violationList.map { "scenario \(number) (\(scenario)): \($0)" }
      guard var sum = merged else {
        merged = run
        continue
      }
      sum.add(run)
      merged = sum
    }
    var result = merged ?? RunRecord(SimulationReport(options: .calm(seed: 0)))
    result.command = "novation simulate --twins \(rounds)"
    result.seed = UInt64(numbers.lowerBound)
    return result
  }
}

extension RunRecord {
  /// Takes in another run; seed, hash and options stay those of the first.
  mutating func add(_ run: RunRecord) {
    violations += run.violations
    violationList += run.violationList
    events += run.events
    messages += run.messages
    seconds += run.seconds
    height = max(height, run.height)
    views += run.views
    nullifiedViews += run.nullifiedViews
    healings += run.healings
    restarts += run.restarts
    transactions += run.transactions
    receipts += run.receipts
    reads += run.reads
    judged += run.judged
    faults.merge(run.faults) { $0 + $1 }
    marks.merge(run.marks) { $0 + $1 }
  }
}

/// What many runs add up to.
struct CampaignSummary: Encodable {
  let isCampaign: Bool
  private(set) var runs: [RunRecord] = []
  private var total: RunRecord?

  enum CodingKeys: String, CodingKey {
    case seeds, violations, failed, clusterHours, events, messages, views, nullifiedViews, healings, restarts, receipts
    case reads, judged, faults, marks, missingMarks
  }

  init(isCampaign: Bool) { self.isCampaign = isCampaign }

  mutating func add(_ run: RunRecord) {
    runs.append(run)
    if total == nil { total = run } else { total?.add(run) }
  }

  var hours: Double { (total?.seconds ?? 0) / 3600 }
  var violations: Int { total?.violations ?? 0 }
  var missingMarks: [String] { Mark.allCases.map { "\($0)" }.filter { (total?.marks[$0] ?? 0) == 0 } }

  var line: String {
    "\(runs.count) runs, \(Int(hours * 100)) hundredths of a cluster-hour, "
      + "\(HumanText.count(Int64(total?.events ?? 0))) events, \(violations) violations"
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(runs.count, forKey: .seeds)
    try container.encode(violations, forKey: .violations)
    try container.encode(runs.filter { $0.violations > 0 }, forKey: .failed)
    try container.encode(hours, forKey: .clusterHours)
    try container.encode(total?.events ?? 0, forKey: .events)
    try container.encode(total?.messages ?? 0, forKey: .messages)
    try container.encode(total?.views ?? 0, forKey: .views)
    try container.encode(total?.nullifiedViews ?? 0, forKey: .nullifiedViews)
    try container.encode(total?.healings ?? 0, forKey: .healings)
    try container.encode(total?.restarts ?? 0, forKey: .restarts)
    try container.encode(total?.receipts ?? 0, forKey: .receipts)
    try container.encode(total?.reads ?? 0, forKey: .reads)
    try container.encode(total?.judged ?? 0, forKey: .judged)
    try container.encode(total?.faults ?? [:], forKey: .faults)
    try container.encode(total?.marks ?? [:], forKey: .marks)
    try container.encode(missingMarks, forKey: .missingMarks)
  }

  /// For people.
  func render(style: Style) -> String {
    guard let total else { return "nothing was run\n" }
    var text = ""
    if runs.count == 1 { text += total.options.joined(separator: "\n") + "\n\n" }
    var table = TextTable([.init(""), .init("", .right)])
    func add(_ name: String, _ value: UInt64) { table.add([.init(name), .init(HumanText.count(Int64(value)))]) }
    add("runs", UInt64(runs.count))
    table.add([.init("cluster-hours"), .init(String(Double(Int(hours * 1000)) / 1000))])
    add("events", total.events)
    add("messages delivered", total.messages)
    add("views", total.views)
    add("views nullified", total.nullifiedViews)
    add("healings", total.healings)
    add("restarts", total.restarts)
    add("transactions acknowledged", total.receipts)
    add("linearizable reads", total.reads)
    add("transactions judged by the model", total.judged)
    for (name, count) in total.faults.sorted(by: { $0.key < $1.key }) { add("fault: \(name)", count) }
    for (name, count) in total.marks.sorted(by: { $0.key < $1.key }) { add("reached: \(name)", count) }
    table.add([.init("violations"), .init("\(violations)", violations == 0 ? .green : .red)])
    if runs.count == 1 { table.add([.init("trace hash"), .init(total.traceHash)]) }
    text += table.render(style: style)
    for run in runs where run.violations > 0 {
      for violation in run.violationList { text += "seed \(run.seed): \(violation)\n" }
      text += "  \(run.command)\n"
    }
    return text
  }
}
