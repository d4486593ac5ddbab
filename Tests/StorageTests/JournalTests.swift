import Glibc
import Ledger
import Primitives
import Storage
import Testing

@Suite struct JournalTests {
  let scratch = Scratch()
  var path: String { scratch.path + "/journal" }
  static let owner = digest(1)

  func open() throws(StoreError) -> Journal { try Journal(path: path, owner: Self.owner) }

  /// Groups of one to many sectors, and the file after each.
  static let groups: [[[UInt8]]] = [
    [[1, 2, 3]], [[], [0, 0, 0, 0]], [[UInt8](repeating: 0, count: 1100)], [Array(0...255), Array(0...200)],
    [[UInt8](repeating: 7, count: 700), [9]],
  ]

  /// Images of the file after 0, 1, … groups, with the end of the last group in each.
  func images() throws -> [(bytes: [UInt8], end: Int)] {
    try Journal.create(path: path, owner: Self.owner)
    let journal = try open()
    var images = [(Scratch.read(path), journal.size)]
    for group in Self.groups {
      for record in group { journal.append(record) }
      try journal.sync()
      images.append((Scratch.read(path), journal.size))
    }
    return images
  }

  @Test func recordsComeBackInOrderAcrossRestarts() throws {
    try Journal.create(path: path, owner: Self.owner)
    #expect(Scratch.mode(path) == 0o600)
    #expect(kind { () throws(StoreError) in try Journal.create(path: path, owner: Self.owner) } == .invalidCommit)
    var expected: [[UInt8]] = []
    for round in 0..<5 {
      let journal = try open()
      #expect(journal.recovered().condition == .clean)
      #expect(journal.recovered().records == expected)
      for group in Self.groups {
        for record in group { journal.append(record + [UInt8(round)]) }
        try journal.sync()
        expected += group.map { $0 + [UInt8(round)] }
      }
      try journal.sync()
      journal.append([99])  // Never synced: gone.
    }
    #expect(try open().recovered().records == expected)
  }

  @Test func growsPastItsFirstSpace() throws {
    try Journal.create(path: path, owner: Self.owner)
    var expected: [[UInt8]] = []
    do {
      let journal = try open()
      for index in 0..<40 {
        let record = [UInt8](repeating: UInt8(index), count: 100_000)
        journal.append(record)
        try journal.sync()
        expected.append(record)
      }
    }
    let journal = try open()
    #expect(journal.recovered().condition == .clean && journal.recovered().records == expected)
    try journal.rewrite(keeping: expected)
    #expect(try Journal.examine(image: Scratch.read(path), owner: Self.owner).records == expected)
  }

  @Test func powerLossAtAnyByteOfAWriteCutsExactlyTheUnsyncedGroup() throws {
    let images = try images()
    for (before, after) in zip(images, images.dropFirst()) {
      let kept = try Journal.examine(image: before.bytes, owner: Self.owner).records
      // The group reaches the disk up to some byte.
      for cut in before.end..<after.end {
        var image = before.bytes
        image.replaceSubrange(before.end..<cut, with: after.bytes[before.end..<cut])
        let found = try Journal.examine(image: image, owner: Self.owner)
        #expect(found.records == kept)
        let isTear = after.bytes[before.end..<cut].contains { $0 != 0 }
        if case .tornTailCut = found.condition {
          #expect(isTear)
        } else {
          #expect(found.condition == .clean && !isTear)
        }
      }
    }
  }

  @Test func powerLossThatWritesAnyChoiceOfSectorsCutsExactlyTheUnsyncedGroup() throws {
    let images = try images()
    for (before, after) in zip(images, images.dropFirst()) {
      let kept = try Journal.examine(image: before.bytes, owner: Self.owner).records
      let sectors = (after.end - before.end) / 512
      for choice in 0..<(1 << sectors) - 1 {
        var image = before.bytes
        for sector in 0..<sectors where choice >> sector & 1 == 1 {
          let range = before.end + sector * 512..<before.end + (sector + 1) * 512
          image.replaceSubrange(range, with: after.bytes[range])
        }
        let found = try Journal.examine(image: image, owner: Self.owner)
        #expect(found.records == kept)
        #expect(found.condition == (choice == 0 ? .clean : .tornTailCut(choice.nonzeroBitCount * 512)))
      }
    }
  }

  @Test func aFlippedBitInAnyByteIsDamageAndNeverASilentCut() throws {
    let last = try #require(try images().last)
    for place in 0..<last.end {
      var image = last.bytes
      image[place] ^= 1 << UInt8(place & 7)
      let found = try? Journal.examine(image: image, owner: Self.owner)
      guard case .damaged = found?.condition else {
        Issue.record("flip at byte \(place) passed as \(String(describing: found?.condition))")
        continue
      }
    }
  }

  @Test func aHoleBeforeALaterGroupIsDamage() throws {
    let images = try images()
    let last = images[images.count - 1]
    for index in 1..<images.count - 1 {
      var image = last.bytes
      for place in images[index - 1].end..<images[index].end { image[place] = 0 }
      guard case .damaged = try Journal.examine(image: image, owner: Self.owner).condition else {
        Issue.record("the loss of group \(index) passed")
        continue
      }
    }
  }

  @Test func aShortenedFileIsDamageAtAnyLength() throws {
    let last = try #require(try images().last)
    for length in Array(0..<last.end + 10) + [last.bytes.count - 512, last.bytes.count - 1] {
      guard case .damaged = try Journal.examine(image: Array(last.bytes[..<length]), owner: Self.owner).condition
      else {
        Issue.record("\(length) bytes passed")
        continue
      }
    }
  }

  @Test func afterATearTheJournalGoesOn() throws {
    let images = try images()
    var torn = images[2].bytes
    let range = images[2].end + 512..<images[2].end + 1024
    torn.replaceSubrange(range, with: images[3].bytes[range])
    Scratch.write(torn, to: path)
    var expected = Array(Self.groups[..<2].joined())
    do {
      let journal = try open()
      #expect(journal.recovered().condition == .tornTailCut(512))
      #expect(journal.recovered().records == expected)
      journal.append([5])
      try journal.sync()
    }
    expected.append([5])
    let journal = try open()
    #expect(journal.recovered().condition == .clean)
    #expect(journal.recovered().records == expected)
  }

  @Test func missingAndDamagedRefuseRecordsUntilRewritten() throws {
    for damaged in [false, true] {
      if damaged {
        var bytes = Scratch.read(path)
        bytes[600] ^= 1
        Scratch.write(bytes, to: path)
      }
      do {
        let journal = try open()
        if damaged {
          guard case .damaged = journal.recovered().condition else {
            Issue.record("not found damaged")
            return
          }
        } else {
          #expect(journal.recovered().condition == .missing)
        }
        journal.append([1])
        #expect(kind { () throws(StoreError) in try journal.sync() } == (damaged ? .damaged : .missing))
        try journal.rewrite(keeping: [[7]])
        journal.append([8])
        try journal.sync()
      }
      #expect(try open().recovered().records == [[7], [8]])
    }
    #expect(access(path + ".damaged", F_OK) == 0, "the damaged file is kept")
  }

  @Test func rewriteReplacesTheRecordsAndACrashInItLosesNothing() throws {
    _ = try images()
    let old = Scratch.read(path)
    let before = Array(Self.groups.joined())
    do {
      let journal = try open()
      journal.append([42])
      try journal.rewrite(keeping: [[1], [2]])
      journal.append([3])
      try journal.sync()
      #expect(journal.size < old.count)
    }
    let new = Scratch.read(path)
    #expect(try open().recovered().records == [[1], [2], [3]])
    // A crash before the rename leaves any part of the new file beside the old one.
    for length in [0, 100, 512, 5000, new.count] {
      Scratch.write(old, to: path)
      Scratch.write(Array(new[..<length]), to: path + ".new")
      #expect(try open().recovered().records == before)
      #expect(access(path + ".new", F_OK) != 0)
    }
    // Sectors of the old file mean nothing in the new one.
    var mixed = new
    mixed.replaceSubrange(512..<1024, with: old[512..<1024])
    guard case .damaged = try Journal.examine(image: mixed, owner: Self.owner).condition else {
      Issue.record("a sector of another file passed")
      return
    }
  }

  @Test func aFailedRewriteLeavesTheOldJournalInUse() throws {
    try Journal.create(path: path, owner: Self.owner)
    let journal = try open()
    journal.append([1])
    try journal.sync()
    // A directory in the way of the new file makes the rewrite fail; the old journal stays in use.
    mkdir(path + ".new", 0o700)
    #expect(kind { () throws(StoreError) in try journal.rewrite(keeping: [[9]]) } != nil)
    rmdir(path + ".new")
    journal.append([2])
    try journal.sync()
    #expect(try Journal.examine(image: Scratch.read(path), owner: Self.owner).records == [[1], [2]])
  }

  @Test func refusesAnotherNodesJournalAndASecondProcess() throws {
    try Journal.create(path: path, owner: Self.owner)
    let journal = try open()
    #expect(kind { () throws(StoreError) in _ = try open() } == .inUse)
    #expect(journal.recovered().condition == .clean)
    #expect(
      kind { () throws(StoreError) in _ = try Journal.examine(image: Scratch.read(path), owner: digest(2)) }
        == .otherChain)
  }

  @Test func anyBytesAreExaminedWithoutATrap() throws {
    var random = SeededRandom(seed: 4)
    let image = try #require(try images().last)
    for _ in 0..<300 {
      var bytes = image.bytes
      for _ in 0..<random.below(200) + 1 {
        bytes[Int(random.below(UInt64(image.end + 1024)))] = UInt8(truncatingIfNeeded: random.next())
      }
      _ = try? Journal.examine(image: bytes, owner: Self.owner)
      let noise = (0..<random.below(3000)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      guard case .damaged = try Journal.examine(image: noise, owner: Self.owner).condition else {
        Issue.record("noise passed")
        return
      }
    }
  }
}
