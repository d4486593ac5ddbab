// What is done to a ledger and a journal while it is recorded, and what each of its steps must leave.

import Glibc
import Ledger
import Primitives
import Sodium
import Storage
import Wire

/// Where a workload's files lie.
struct Home {
  let root: String
  var ledger: String { root + "/state" }
  var journal: String { root + "/journal" }

  static let chain = Blake2b.hash(Array("chain".utf8))
  static let owner = Blake2b.hash(Array("owner".utf8))

  func openStore(_ opening: LMDBStore.Opening) throws(StoreError) -> LMDBStore {
    try LMDBStore(path: ledger, chain: Self.chain, opening: opening, mapSize: 1 << 18, maximumMapSize: 1 << 28)
  }

  func openJournal() throws(StoreError) -> Journal { try Journal(path: journal, owner: Self.owner) }
}

enum Step {
  case commit(LedgerCommit)
  case prune(below: Height, limit: Int)
  case sync([[UInt8]])
  /// The first records are appended and not yet synced when the journal is replaced by the second.
  case rewrite([[UInt8]], keeping: [[UInt8]])
  case reopen
}

struct Workload {
  enum Name: String, CaseIterable {
    /// Commits of many sizes, a growing map, forgotten blocks.
    case ledger
    /// Groups from a few bytes to megabytes, growth, replacement.
    case journal
    /// Both as a node uses them: what a block rests on is in the journal before the block is in the ledger.
    case node
  }

  let name: Name
  let steps: [Step]
  /// What the ledger holds after opening, and after each step that changes it.
  private(set) var ledgerStates: [Digest] = []
  /// What the journal holds after its creation, and after each part of a step.
  private(set) var journalStates: [[[UInt8]]] = []

  init(_ name: Name, seed: UInt64) throws(StoreError) {
    self.name = name
    var maker = StepMaker(seed: seed)
    steps =
      switch name {
      case .ledger: maker.ledger()
      case .journal: maker.journal()
      case .node: maker.node()
      }
    if usesLedger { ledgerStates = try Self.ledgerStates(after: steps) }
    if usesJournal { journalStates = Self.journalStates(after: steps) }
  }

  var usesLedger: Bool { name != .journal }
  var usesJournal: Bool { name != .ledger }

  private static func ledgerStates(after steps: [Step]) throws(StoreError) -> [Digest] {
    let twin = InMemoryStore()
    var states = [try Content.digest(of: twin)]
    for step in steps where try apply(step, to: twin) { states.append(try Content.digest(of: twin)) }
    return states
  }

  private static func journalStates(after steps: [Step]) -> [[[UInt8]]] {
    var states: [[[UInt8]]] = [[]]
    for step in steps {
      switch step {
      case .sync(let records): states.append((states.last ?? []) + records)
      case .rewrite(let pending, let kept): states += [(states.last ?? []) + pending, kept]
      default: break
      }
    }
    return states
  }

  /// Whether the step concerns the ledger.
  @discardableResult static func apply(_ step: Step, to store: any LedgerStore) throws(StoreError) -> Bool {
    switch step {
    case .commit(let commit): try store.commit(commit)
    case .prune(let height, let limit): try store.prune(below: height, limit: limit)
    default: return false
    }
    return true
  }

  // MARK: - Running

  /// Does all of it below `root`, with marks.
  func run(at root: String) throws(StoreError) {
    let home = Home(root: root)
    var store: LMDBStore?
    var journal: Journal?
    var (ledgerState, journalState) = (0, 0)
    if usesJournal {
      Mark.set(.journalBegun, 0)
      try Journal.create(path: home.journal, owner: Home.owner)
      journal = try home.openJournal()
      Mark.set(.journalPromised, 0)
    }
    if usesLedger {
      Mark.set(.ledgerBegun, 0)
      store = try home.openStore(.new)
      Mark.set(.ledgerPromised, 0)
    }
    for step in steps {
      switch step {
      case .commit, .prune:
        ledgerState += 1
        Mark.set(.ledgerBegun, ledgerState)
        if let store { try Self.apply(step, to: store) }
        Mark.set(.ledgerPromised, ledgerState)
      case .sync(let records):
        journalState += 1
        Mark.set(.journalBegun, journalState)
        for record in records { journal?.append(record) }
        try journal?.sync()
        Mark.set(.journalPromised, journalState)
      case .rewrite(let pending, let kept):
        journalState += 2
        Mark.set(.journalBegun, journalState)
        for record in pending { journal?.append(record) }
        try journal?.rewrite(keeping: kept)
        Mark.set(.journalPromised, journalState)
      case .reopen:
        if usesLedger {
          store?.close()
          store = nil
          store = try home.openStore(.existing)
        }
        if usesJournal {
          journal = nil
          journal = try home.openJournal()
        }
      }
    }
    store?.close()
  }
}

/// Everything that a store answers, in one digest.
enum Content {
  static func digest(of store: any LedgerStore) throws(StoreError) -> Digest {
    var stream = Blake2bStream()
    try add(store, to: &stream)
    return stream.finish()
  }

  private static func add(_ store: any LedgerStore, to stream: inout Blake2bStream) throws(StoreError) {
    func add(_ bytes: [UInt8]?) {
      var writer = WireWriter(capacity: (bytes?.count ?? 0) + 8)
      writer.write(bytes: bytes ?? [])
      writer.write(bytes == nil ? UInt8(0) : 1)
      writer.bytes.withUnsafeBytes { stream.update($0) }
    }
    let head = try store.head()
    add(head?.wireBytes)
    if let head, let first = try store.firstHeight() {
      for height in first...head.height {
        let block = try store.block(at: height)
        add(block?.wireBytes)
        add(try store.certificate(at: height)?.bytes)
        guard let block else { continue }
        add(try store.height(of: block.hash) == height ? [1] : [0])
        for transaction in block.transactions { add(try store.place(of: transaction)?.wireBytes) }
      }
    }
    for name in StepMaker.notes { add(try store.meta(name)) }
    try store.records { table, key, value in
      add([table.rawValue] + key)
      add(value)
      return true
    }
  }
}
