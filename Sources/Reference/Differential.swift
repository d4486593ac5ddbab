// The engine beside the model on the same commands, with blocks taken back and restarts in between.

public import Clearing
import Ledger
import Primitives
import Wire

/// One seed's run. The engine also applies blocks that are abandoned, and is restarted from its records.
public struct Differential {
  public private(set) var engine: ClearingHouse
  public private(set) var model: Model
  public private(set) var generator: Generator
  /// For what only the engine goes through.
  private var detours: SeededRandom
  private var result = BlockResult()
  public private(set) var report = Report()

  /// What was reached.
  public struct Report: Sendable {
    public var blocks = 0
    public var commands = 0
    public var trades = 0
    public var marginCalls = 0
    public var settled = 0
    public var rollbacks = 0
    public var restarts = 0
    /// Refusals of actions and transactions by code.
    public var refusals: [RejectionCode: Int] = [:]
    /// Cancels without being asked by reason.
    public var cancels: [CancelReason: Int] = [:]

    public init() {}

    public mutating func add(_ other: Report) {
      blocks += other.blocks
      commands += other.commands
      trades += other.trades
      marginCalls += other.marginCalls
      settled += other.settled
      rollbacks += other.rollbacks
      restarts += other.restarts
      refusals.merge(other.refusals) { $0 + $1 }
      cancels.merge(other.cancels) { $0 + $1 }
    }
  }

  public init(seed: UInt64) {
    let (genesis, chain, cast) = Generator.market(seed: seed)
    generator = Generator(seed: seed, cast: cast)
    detours = SeededRandom(seed: seed).stream(2)
    model = Model(genesis: genesis, chain: chain)
    engine = ClearingHouse(genesis: genesis, chain: chain)
    var changes: [RecordChange] = []
    engine.sealGenesis(into: &changes)
  }

  /// Runs until this many commands are done. The first difference, with the block it was seen in.
  public mutating func run(commands: Int) -> String? {
    while report.commands < commands {
      if let difference = step() { return "block \(report.blocks): \(difference)" }
    }
    return nil
  }

  /// One block.
  public mutating func step() -> String? {
    let block = generator.block(on: model)
    if let difference = takeDetour(block) { return difference }
    engine.apply(block, into: &result)
    engine.releaseBlock()
    let outcomes = model.apply(block)
    count(block, outcomes)
    return model.difference(outcomes, from: result) ?? model.difference(from: &engine)
  }

  /// Speculation that comes to nothing, and restarts.
  private mutating func takeDetour(_ block: BlockInput) -> String? {
    switch detours.below(24) {
    case 0...2:
      // Other blocks in the place of this one.
      var (other, ahead, changes) = (generator, model, [RecordChange]())
      other.random = detours.stream(UInt64(report.blocks))
      let depth = 1 + detours.below(3)
      for _ in 0..<depth {
        let fork = other.block(on: ahead)
        engine.apply(fork, into: &result)
        _ = ahead.apply(fork)
        if let difference = ahead.difference(from: &engine) { return "ahead: \(difference)" }
      }
      for _ in 0..<depth { engine.rollbackBlock(into: &changes) }
      report.rollbacks += Int(depth)
      return model.difference(from: &engine).map { "after rollback: \($0)" }
    case 3...4:
      // This block, twice.
      var changes: [RecordChange] = []
      engine.apply(block, into: &result)
      let first = result
      engine.rollbackBlock(into: &changes)
      engine.apply(block, into: &result)
      let isSame = first.outcomes == result.outcomes && first.events == result.events && first.changes == result.changes
      engine.rollbackBlock(into: &changes)
      report.rollbacks += 2
      return isSame ? nil : "a block applied again gave another result"
    case 5:
      engine.rebuildIndices()
      report.restarts += 1
      return nil
    case 6: return restart()
    default: return nil
    }
  }

  /// A new engine from the records of the old one.
  private mutating func restart() -> String? {
    var records = Records()
    engine.visitTables(&records)
    var fresh = ClearingHouse(restoring: engine.genesis, chain: engine.chain)
    for record in records.found {
      var load = LoadRecord(table: record.table, key: record.key, value: record.value ?? [])
      fresh.visitTables(&load)
      if !load.isTaken || load.error != nil { return "a record does not load: \(record)" }
    }
    fresh.rebuildIndices()
    engine = fresh
    report.restarts += 1
    return nil
  }

  private mutating func count(_ block: BlockInput, _ outcomes: [TransactionOutcome]) {
    report.blocks += 1
    for input in block.transactions { report.commands += max(1, input.transaction?.actions.count ?? 1) }
    for outcome in outcomes {
      for error in outcome.errors { report.refusals[error.code, default: 0] += 1 }
      if outcome.errors.isEmpty, let code = outcome.rejection { report.refusals[code, default: 0] += 1 }
    }
    for event in model.events {
      switch event.kind {
      case .trade: report.trades += 1
      case .marginCall: report.marginCalls += 1
      case .settled: report.settled += 1
      case .orderCancelled(_, _, _, _, let reason): report.cancels[reason, default: 0] += 1
      default: break
      }
    }
  }
}

/// All records of an engine.
private struct Records: TableVisitor {
  var found: [RecordChange] = []

  mutating func visit<Key, Record>(_ table: inout Table<Key, Record>) {
    for key in table.sortedKeys() {
      guard let record = table[key] else { continue }
      found.append(RecordChange(table: table.id, key: key.wireBytes, value: record.wireBytes))
    }
  }
}
