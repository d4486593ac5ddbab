// The bytes of the journal, as pure functions: what is written, and what a file found after a crash says.
//
// The file is a header sector and then groups, one for each sync, each in whole sectors of 512 bytes, in space that was
// zeroed and synced before. A sector carries the group's sequence number, its place in the group, part of the group's
// payload, a checksum over all that with the file's identity and the sector's offset, and at its very end a mark.
//
// The mark tells a tear from rot. A write that power cut short leaves each sector as it was, zero, or written up to
// some byte and zero from there: either way its last byte is zero. So a sector whose last byte is the mark was written
// whole, and if its checksum fails, or its last byte is neither mark nor zero, it has changed since: rot. A group that
// lacks a sector is a tear only if it is the last one: a sector of a later group proves that it was synced once. (What
// cannot be told from a tear: rot that zeroes the end of a sector of the very last group. A file cut back to an
// earlier state is for the ledger and the peers to notice.)

import Glibc
import Ledger
import Primitives
import Sodium
import Wire

/// What a journal file was found to be.
public enum JournalCondition: Hashable, Sendable {
  /// Every group is whole.
  case clean
  /// The last group was never synced, so nothing of it was sent; it is cut off. The count is of its bytes found.
  case tornTailCut(Int)
  /// Bit rot, a hole or a cut: what was synced once is not all there. The node must take itself for amnesiac.
  case damaged(String)
  /// There is no file. Amnesia, unless the node has never voted.
  case missing
}

/// A journal's records in the order in which they were appended, and in what condition they were found.
public struct JournalContents: Hashable, Sendable {
  public var records: [[UInt8]]
  public var condition: JournalCondition
  /// Where the next group goes, and its number.
  var end: Int
  var sequence: UInt64
  var generation: UInt64

  static func damaged(_ why: String) -> JournalContents {
    JournalContents(records: [], condition: .damaged(why), end: 0, sequence: 0, generation: 0)
  }
}

enum JournalFormat {
  static let sector = 512
  /// The file grows by this much, and is never shorter than one sector and this.
  static let chunk = 1 << 20
  static let endMark: UInt8 = 0xa5
  private static let magic = Array("NOVJRNL1".utf8)
  private static let headBytes = 16
  private static let checksumAt = 495
  /// Payload bytes in a sector.
  static let payload = checksumAt - headBytes
  static let maximumGroupBytes = 64 << 20

  // MARK: Writing

  /// The header sector of a file of `owner` (the chain and the node's key, hashed).
  static func header(owner: Digest, generation: UInt64) -> [UInt8] {
    var writer = WireWriter(capacity: sector)
    writer.write(raw: magic)
    writer.write(owner)
    writer.write(generation)
    return sealed(writer.bytes, identity: .zero, offset: 0)
  }

  /// Checksums of one file are worthless in another.
  static func identity(owner: Digest, generation: UInt64) -> Digest {
    var writer = WireWriter(capacity: 40)
    writer.write(owner)
    writer.write(generation)
    return Blake2b.hash(writer.bytes)
  }

  /// The sectors of one group at `offset`.
  static func group(_ records: [[UInt8]], sequence: UInt64, identity: Digest, offset: Int) -> [UInt8] {
    var writer = WireWriter(capacity: records.reduce(4) { $0 + $1.count + 4 })
    writer.write(UInt32(truncatingIfNeeded: records.count))
    for record in records { writer.write(bytes: record) }
    let body = writer.bytes
    let count = (body.count + payload - 1) / payload
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count * sector)
    for index in 0..<count {
      var head = WireWriter(capacity: sector)
      head.write(sequence)
      head.write(UInt32(truncatingIfNeeded: index))
      head.write(UInt32(truncatingIfNeeded: count))
      head.write(raw: body[index * payload..<min(body.count, (index + 1) * payload)])
      bytes.append(contentsOf: sealed(head.bytes, identity: identity, offset: offset + index * sector))
    }
    return bytes
  }

  /// The records in lists that each fit one group; almost always one list.
  static func groups(of records: [[UInt8]]) -> [[[UInt8]]] {
    guard !records.isEmpty else { return [] }
    var groups: [[[UInt8]]] = [[]]
    var bytes = 4
    for record in records {
      if bytes + record.count + 4 > maximumGroupBytes {
        groups.append([])
        bytes = 4
      }
      groups[groups.count - 1].append(record)
      bytes += record.count + 4
    }
    return groups
  }

  private static func sealed(_ content: [UInt8], identity: Digest, offset: Int) -> [UInt8] {
    var bytes = content
    bytes.append(contentsOf: repeatElement(0, count: checksumAt - content.count))
    bytes.append(contentsOf: checksum(bytes[...], identity: identity, offset: offset))
    bytes.append(endMark)
    return bytes
  }

  private static func checksum(_ content: ArraySlice<UInt8>, identity: Digest, offset: Int) -> [UInt8] {
    var stream = Blake2bStream()
    stream.update(identity)
    withUnsafeBytes(of: UInt64(offset).littleEndian) { stream.update($0) }
    content.withUnsafeBytes { stream.update($0) }
    return Array(stream.finish().bytes.prefix(16))
  }

  // MARK: Reading

  private enum Sector {
    /// The last byte was never written.
    case unfinished
    case rotten
    case whole(sequence: UInt64, index: Int, count: Int)
  }

  private static func intact(_ bytes: [UInt8], at offset: Int, identity: Digest) -> Bool {
    if Mutant.has(.journalChecksumIgnored) { return true }
    let sum = checksum(bytes[offset..<offset + checksumAt], identity: identity, offset: offset)
    return bytes[offset + checksumAt..<offset + sector - 1].elementsEqual(sum)
  }

  private static func read(_ bytes: [UInt8], at offset: Int, identity: Digest) -> Sector {
    let mark = bytes[offset + sector - 1]
    if mark == 0, !Mutant.has(.journalEndMarkIgnored) { return .unfinished }
    guard mark == endMark, intact(bytes, at: offset, identity: identity) else { return .rotten }
    var reader = WireReader(Array(bytes[offset..<offset + headBytes]))
    guard let sequence: UInt64 = try? reader.read(), let index: UInt32 = try? reader.read(),
      let count: UInt32 = try? reader.read()
    else { return .rotten }
    return .whole(sequence: sequence, index: Int(index), count: Int(count))
  }

  /// What a file of these bytes holds. Total: any bytes. Throws only if the file is whole but not this node's.
  static func contents(of bytes: [UInt8], owner: Digest, path: String) throws(StoreError) -> JournalContents {
    guard bytes.count >= sector + chunk, (bytes.count - sector) % chunk == 0 else {
      return .damaged("the file has \(bytes.count) bytes, which is no length that the node ever gave it")
    }
    guard bytes[sector - 1] == endMark, intact(bytes, at: 0, identity: .zero) else {
      return .damaged("the header does not match its checksum")
    }
    guard bytes.prefix(magic.count).elementsEqual(magic) else {
      throw StoreError(
        .otherFormat, "\(path) was written by another version of the program.",
        advice: "Start the version that wrote it, or upgrade as its release notes say.")
    }
    var reader = WireReader(Array(bytes[magic.count..<magic.count + 40]))
    guard let found: Digest = try? reader.readBytes32(), let generation: UInt64 = try? reader.read() else {
      return .damaged("the header is cut short")
    }
    guard found == owner else {
      throw StoreError(
        .otherChain, "\(path) is the journal of another node or chain.",
        advice: "Point the node at its own directory; never move a journal from one node to another.")
    }
    return groups(of: bytes, generation: generation, identity: identity(owner: owner, generation: generation))
  }

  private static func groups(of bytes: [UInt8], generation: UInt64, identity: Digest) -> JournalContents {
    var contents = JournalContents(records: [], condition: .clean, end: sector, sequence: 1, generation: generation)
    while let records = wholeGroup(of: bytes, at: contents, identity: identity) {
      contents.records.append(contentsOf: records.records)
      contents.end += records.length
      contents.sequence += 1
    }
    contents.condition = tail(of: bytes, after: contents, identity: identity)
    return contents
  }

  /// The group that should begin at the end of `contents`, if all of it is there.
  private static func wholeGroup(
    of bytes: [UInt8], at contents: JournalContents, identity: Digest
  ) -> (records: [[UInt8]], length: Int)? {
    var body: [UInt8] = []
    var total = 1
    var index = 0
    while index < total {
      let offset = contents.end + index * sector
      guard offset + sector <= bytes.count,
        case .whole(contents.sequence, index, let count) = read(bytes, at: offset, identity: identity),
        index == 0 || count == total, count > index, count <= maximumGroupBytes / payload + 1
      else { return nil }
      total = count
      body.append(contentsOf: bytes[offset + headBytes..<offset + checksumAt])
      index += 1
    }
    guard let records = try? Self.records(of: body) else { return nil }
    return (records, total * sector)
  }

  private static func records(of body: [UInt8]) throws(WireError) -> [[UInt8]] {
    var reader = WireReader(body)
    let count = try reader.readCount(limit: body.count / 4)
    var records: [[UInt8]] = []
    records.reserveCapacity(count)
    for _ in 0..<count { records.append(try reader.readBytes(limit: maximumGroupBytes)) }
    return records
  }

  /// What follows the last whole group: nothing, one torn group, or proof of damage.
  private static func tail(of bytes: [UInt8], after contents: JournalContents, identity: Digest) -> JournalCondition {
    var torn = 0
    var whole = 0
    var expected: Int?
    for offset in stride(from: contents.end, to: bytes.count, by: sector) {
      if isZero(bytes, from: offset, to: bytes.count) { break }
      switch read(bytes, at: offset, identity: identity) {
      case .unfinished:
        if !isZero(bytes, from: offset, to: offset + sector) { torn += sector }
      case .rotten:
        return .damaged("bit rot in the sector at byte \(offset)")
      case .whole(let sequence, let index, let count):
        guard sequence == contents.sequence, offset == contents.end + index * sector, expected ?? count == count else {
          return .damaged("a hole at byte \(contents.end), before group \(sequence) at byte \(offset)")
        }
        expected = count
        whole += 1
        torn += sector
      }
    }
    if let expected, whole >= expected { return .damaged("a group at byte \(contents.end) that cannot be read") }
    return torn == 0 ? .clean : .tornTailCut(torn)
  }

  private static func isZero(_ bytes: [UInt8], from start: Int, to end: Int) -> Bool {
    guard start < end, bytes[start] == 0 else { return start >= end }
    return bytes.withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress else { return true }
      // All bytes equal their neighbour, and the first is zero.
      return memcmp(base + start, base + start + 1, end - start - 1) == 0
    }
  }
}
