// A node's opening of what a crash left, and what it must find.

import Ledger
import Primitives
import Storage

struct Examination {
  let workload: Workload
  let home: Home
  let allowed: Allowed

  func run(goesOn: Bool) throws(Broken) -> Outcome {
    var outcome = Outcome.whole
    var records: [[UInt8]] = []
    if workload.usesJournal { records = try examineJournal(goesOn: goesOn, &outcome) }
    if workload.usesLedger { try examineLedger(goesOn: goesOn, records, &outcome) }
    return outcome
  }

  // MARK: - Journal

  /// The records found.
  private func examineJournal(goesOn: Bool, _ outcome: inout Outcome) throws(Broken) -> [[UInt8]] {
    let journal = try open("journal") { () throws(StoreError) in try home.openJournal() }
    let found = journal.recovered()
    guard let range = allowed.journal else {
      // Before the first promise there is no journal, or the finished first one.
      guard found.condition == .missing || (found.condition == .clean && found.records.isEmpty) else {
        throw Broken("an unfinished journal was taken as \(found.condition)")
      }
      outcome = .refusedUnfinished
      return []
    }
    switch found.condition {
    case .clean: break
    case .tornTailCut: outcome = .tailCut
    case .damaged(let why):
      throw Broken("a journal with promises is damaged: \(why)", isRefusal: true)
    case .missing: throw Broken("a journal with promises is missing")
    }
    guard let state = range.first(where: { workload.journalStates[$0] == found.records }) else {
      throw Broken("the journal holds \(found.records.count) records of no allowed state in \(range)")
    }
    guard goesOn else { return found.records }
    try appendAndReopen(journal, after: workload.journalStates[state])
    return found.records
  }

  private func appendAndReopen(_ journal: consuming Journal, after records: [[UInt8]]) throws(Broken) {
    let more: [[UInt8]] = [[1, 2, 3], [UInt8](repeating: 9, count: 2000)]
    try attempt("append to the journal") { () throws(StoreError) in
      for record in more { journal.append(record) }
      try journal.sync()
    }
    let image = FileTree.read(home.journal) ?? []
    let found = try attempt("examine the journal") { () throws(StoreError) in
      try Journal.examine(image: image, owner: Home.owner)
    }
    guard found.condition == .clean, found.records == records + more else {
      throw Broken("after going on the journal is \(found.condition) with \(found.records.count) records")
    }
  }

  // MARK: - Ledger

  private func examineLedger(goesOn: Bool, _ records: [[UInt8]], _ outcome: inout Outcome) throws(Broken) {
    guard let range = allowed.ledger else { return try examineUnfinishedLedger(&outcome) }
    let state = try withLedger { (store) throws(Broken) in
      // What reading alone does not show, as an entry that cannot be found, this does.
      let head = try attempt("verify the ledger") { () throws(StoreError) in try store.verify().head }
      let state = try identify(store, in: range)
      if workload.usesJournal, let head, StepMaker.greatestHeight(in: records) ?? 0 < head.height {
        throw Broken("the journal is older than block \(head.height) of the ledger")
      }
      return state
    }
    if goesOn { try goOn(from: state) }
  }

  private func identify(_ store: LMDBStore, in range: ClosedRange<Int>) throws(Broken) -> Int {
    let digest = try attempt("read the ledger") { () throws(StoreError) in try Content.digest(of: store) }
    guard let state = range.first(where: { workload.ledgerStates[$0] == digest }) else {
      let known = workload.ledgerStates.firstIndex(of: digest)
      throw Broken("the ledger holds state \(known.map(String.init) ?? "of no commit"), not one in \(range)")
    }
    return state
  }

  /// Nothing was promised: an empty ledger, or a refusal.
  private func examineUnfinishedLedger(_ outcome: inout Outcome) throws(Broken) {
    let store: LMDBStore
    do throws(StoreError) {
      store = try home.openStore(.either)
    } catch {
      guard error.kind == .damaged else { throw Broken("an unfinished ledger is refused as \(error)") }
      outcome = .refusedUnfinished
      return
    }
    defer { store.close() }
    _ = try identify(store, in: 0...0)
  }

  /// The step that the crash cut off is done again.
  private func goOn(from state: Int) throws(Broken) {
    let ofLedger = workload.steps.filter {
      switch $0 {
      case .commit, .prune: true
      default: false
      }
    }
    guard state < ofLedger.count else { return }
    try withLedger { (store) throws(Broken) in
      _ = try attempt("go on in the ledger") { () throws(StoreError) in try Workload.apply(ofLedger[state], to: store) }
    }
    try withLedger { (store) throws(Broken) in _ = try identify(store, in: state + 1...state + 1) }
  }

  // MARK: - Parts

  private func withLedger<R>(_ body: (LMDBStore) throws(Broken) -> R) throws(Broken) -> R {
    let store = try open("ledger") { () throws(StoreError) in try home.openStore(.existing) }
    defer { store.close() }
    return try body(store)
  }

  private func open<T>(_ what: String, _ body: () throws(StoreError) -> T) throws(Broken) -> T {
    try attempt("open the \(what)", body)
  }

  @discardableResult
  private func attempt<T>(_ what: String, _ body: () throws(StoreError) -> T) throws(Broken) -> T {
    do throws(StoreError) {
      return try body()
    } catch {
      throw Broken("cannot \(what): \(error)", isRefusal: [.damaged, .otherFormat, .otherChain].contains(error.kind))
    }
  }
}
