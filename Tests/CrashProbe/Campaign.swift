// The images of one workload, by number: which crash each stands for, and whether what it leaves may be left.

import Glibc
import Ledger
import Primitives
import Storage

/// What became of an image that is as it must be.
enum Outcome: String {
  /// Everything promised was there.
  case whole
  /// As `whole`; the unsynced end of the journal was cut.
  case tailCut
  /// Power went before the first promise, and the node refuses what is there.
  case refusedUnfinished
  /// The file had rotted, and that was found.
  case refusedDamage
}

struct Broken: Error {
  let why: String
  /// The program itself said that the file is damaged.
  let isRefusal: Bool

  init(_ why: String, isRefusal: Bool = false) {
    self.why = why
    self.isRefusal = isRefusal
  }
}

/// What befalls the disk.
enum Disaster: String {
  case crash
  /// A crash on a disk that lies, and keeps nothing for certain. Promises must be seen to break.
  case ignoringSyncs = "ignoring-syncs"
  /// No crash, but one file changes where nobody wrote.
  case rot
}

struct Campaign {
  let workload: Workload
  private let root: String
  private let disaster: Disaster
  private let events: [DiskEvent]
  /// After how many events power may go with another result than before.
  private let points: [Int]

  init(_ name: Workload.Name, seed: UInt64, root: String, _ disaster: Disaster) throws(StoreError) {
    let workload = try Workload(name, seed: seed)
    FileTree.remove(root)
    mkdir(root, 0o700)
    let events = try DiskLog.record(below: root) { () throws(StoreError) in try workload.run(at: root) }.events
      .filter { !(disaster == .ignoringSyncs && $0.isSync) }
    points = [0] + events.indices.filter { events[$0].changesDisk }.map { $0 + 1 }
    self.workload = workload
    self.root = root
    self.disaster = disaster
    self.events = events
  }

  var pointCount: Int { points.count }

  func examine(_ number: Int) throws(Broken) -> Outcome {
    if disaster == .rot { try examineRot(number) } else { try examineCrash(number) }
  }

  /// Builds image `number` and examines it. Images `0..<pointCount` are the prefixes of the recording; each further
  /// `pointCount` of them take one of the choices of what else may be left at the same moments.
  private func examineCrash(_ number: Int) throws(Broken) -> Outcome {
    let (variant, place) = number.quotientAndRemainder(dividingBy: points.count)
    var random = SeededRandom(seed: UInt64(number)).stream(0x1ace)
    let point = points[place]
    let kept: Disk.Kept =
      switch variant {
      case 0: .all
      case 2: .nothing
      case 4: .newest
      default: .any
      }
    let ledgerPoint = variant % 2 == 1 ? slowestLedger(at: point, &random) : point
    let disk = Disk(after: point, of: events, slowPath: root + "/state", slowCount: ledgerPoint)
    disk.image(keeping: kept, root: root, &random).materialise(at: root)
    let allowed = Allowed(events: events, journalCount: point, ledgerCount: ledgerPoint)
    if variant % 4 == 3 { try crashWhileOpening(&random) }
    return try Examination(workload: workload, home: Home(root: root), allowed: allowed).run(
      goesOn: number.isMultiple(of: 3))
  }

  /// All is written, then one file rots: what is read is right, or refused.
  private func examineRot(_ number: Int) throws(Broken) -> Outcome {
    var random = SeededRandom(seed: UInt64(number)).stream(0x407)
    var image = Disk(after: events.count, of: events).image(keeping: .all, root: root, &random)
    image.rot(&random)
    image.materialise(at: root)
    var allowed = Allowed(events: events, journalCount: events.count, ledgerCount: events.count)
    // Rot that clears the end of a sector of the very last group cannot be told from a tear.
    allowed.journal = allowed.journal.map { $0.lowerBound - 1...$0.upperBound }
    do throws(Broken) {
      return try Examination(workload: workload, home: Home(root: root), allowed: allowed).run(goesOn: false)
    } catch {
      guard error.isRefusal else { throw error }
      return .refusedDamage
    }
  }

  /// The ledger is written by a thread of its own: when the journal has come this far it may be behind, though not
  /// behind a commit that the journal's last replacement waited for.
  private func slowestLedger(at point: Int, _ random: inout SeededRandom) -> Int {
    guard workload.name == .node else { return point }
    var bound = 0
    for place in 0..<point {
      guard case .mark(let mark) = events[place], mark.kind == .journalBegun, mark.number > 0 else { continue }
      let isReplacement = mark.number - (lastJournalMark(before: place) ?? 0) == 2
      if isReplacement { bound = place }
    }
    return bound + Int(random.below(UInt64(point - bound + 1)))
  }

  private func lastJournalMark(before place: Int) -> Int? {
    for case .mark(let mark) in events[..<place].reversed() where mark.kind == .journalPromised { return mark.number }
    return nil
  }

  /// Power goes again while the node looks at what the first loss left.
  private func crashWhileOpening(_ random: inout SeededRandom) throws(Broken) {
    var image = DiskImage()
    FileTree.collect(root, into: &image)
    let (events, _) = DiskLog.record(below: root) {
      let home = Home(root: root)
      if workload.usesJournal { _ = try? home.openJournal() }
      if workload.usesLedger { (try? home.openStore(.either))?.close() }
    }
    let point = Int(random.below(UInt64(events.count + 1)))
    let disk = Disk(after: point, of: events, from: Disk(image))
    disk.image(keeping: .any, root: root, &random).materialise(at: root)
  }
}

/// The states that may be found: from what was promised to what was begun.
struct Allowed {
  var ledger: ClosedRange<Int>?
  var journal: ClosedRange<Int>?

  init(events: [DiskEvent], journalCount: Int, ledgerCount: Int) {
    let ledgerMarks = Self.marks(in: events.prefix(ledgerCount))
    let journalMarks = Self.marks(in: events.prefix(journalCount))
    ledger = Self.range(ledgerMarks[.ledgerPromised], ledgerMarks[.ledgerBegun])
    journal = Self.range(journalMarks[.journalPromised], journalMarks[.journalBegun])
  }

  private static func marks(in events: ArraySlice<DiskEvent>) -> [Mark.Kind: Int] {
    var last: [Mark.Kind: Int] = [:]
    for case .mark(let mark) in events { last[mark.kind] = mark.number }
    return last
  }

  private static func range(_ promised: Int?, _ begun: Int?) -> ClosedRange<Int>? {
    guard let promised, let begun else { return nil }
    return promised...begun
  }
}
