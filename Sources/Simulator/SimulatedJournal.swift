// The journal of one simulated node: the real format on a disk of 512-byte sectors. The image is built only when
// somebody looks at it, after a crash; until then the groups are kept as they were handed over.

import Ledger
import Primitives
import Replica
import Storage
import Wire

/// What a crash does to each sector that was written and not yet synced.
enum SectorFate: CaseIterable {
  case kept, dropped, torn
}

/// The file, as durable as it is.
struct JournalFile {
  var generation: UInt64 = 1
  /// One entry for each sync; the first one is what the file began with.
  var groups: [[[UInt8]]] = [[]]

  func image(owner: Digest) -> JournalImage {
    var image = JournalImage(owner: owner, generation: generation, records: groups[0])
    for group in groups.dropFirst() { image.append(group) }
    return image
  }

  var records: [[UInt8]] { groups.flatMap { $0 } }
}

struct SimulatedJournal {
  /// What the disk is doing.
  enum Work {
    case sync([[UInt8]])
    case rewrite([[UInt8]])
  }

  let owner: Digest
  /// Nil: the file is gone.
  var file: JournalFile? = JournalFile()
  /// Bytes of the file that hold groups.
  private(set) var size = JournalImage.sectorBytes
  private(set) var work: Work?

  init(owner: Digest) { self.owner = owner }

  var isIdle: Bool { work == nil }

  /// Hands one write to the disk.
  mutating func begin(_ write: JournalWrite) {
    let records = write.records.map { $0.wireBytes }
    if let replacement = write.replacement {
      work = .rewrite(replacement.map { $0.wireBytes } + records)
    } else {
      work = .sync(records)
    }
  }

  /// The disk has done it.
  mutating func complete() {
    switch work {
    case .sync(let records):
      file?.groups.append(records)
      size += JournalImage.size(of: records)
    case .rewrite(let records): replace(records)
    case nil: break
    }
    work = nil
  }

  private mutating func replace(_ records: [[UInt8]]) {
    file = JournalFile(generation: (file?.generation ?? 0) + 1, groups: [records])
    size = JournalImage.sectorBytes + JournalImage.size(of: records)
  }

  /// The file is gone.
  mutating func lose() { file = nil }

  /// A new file at once, as opening a damaged journal makes it.
  mutating func renew(keeping records: [[UInt8]]) { replace(records) }

  /// Memory is lost, and what the disk was doing is half done. Returns the image that a restart finds, nil for no file,
  /// and the records that must be in it; `isExact`: nothing else may be.
  mutating func crash(
    _ random: inout SeededRandom, marks: inout Marks
  ) -> (image: JournalImage?, durable: [[UInt8]], inFlight: [[UInt8]]) {
    let work = self.work
    self.work = nil
    if case .rewrite(let records) = work, random.below(2) == 0 { replace(records) }
    guard let file else { return (nil, [], []) }
    var image = file.image(owner: owner)
    guard case .sync(let records) = work else { return (image, file.records, []) }
    let touched = image.append(records)
    tear(touched, of: &image, &random)
    marks.note(.sectorsTorn)
    return (image, file.records, records)
  }

  /// Sectors persist in any order, so each has a fate of its own; one that was cut short is zero behind the cut.
  private func tear(_ touched: Range<Int>, of image: inout JournalImage, _ random: inout SeededRandom) {
    let mood = random.below(4)
    for start in stride(from: touched.lowerBound, to: touched.upperBound, by: JournalImage.sectorBytes) {
      let fate: SectorFate = mood == 0 ? .kept : mood == 1 ? .dropped : SectorFate.allCases[Int(random.below(3))]
      let kept =
        switch fate {
        case .kept: JournalImage.sectorBytes
        case .dropped: 0
        case .torn: Int(random.below(UInt64(JournalImage.sectorBytes)))
        }
      for offset in (start + kept)..<(start + JournalImage.sectorBytes) { image.bytes[offset] = 0 }
    }
  }

  /// After a restart: the file holds what was found.
  mutating func reopen(with records: [[UInt8]], durable: Int) {
    guard records.count > durable else { return }
    let added = Array(records[durable...])
    file?.groups.append(added)
    size += JournalImage.size(of: added)
  }
}
