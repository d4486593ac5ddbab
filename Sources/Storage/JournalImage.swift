/// The bytes of a journal file without a file: what crash images are built from in simulation and tests. They are the
/// bytes that `Journal` writes, and `Journal.examine(image:)` reads them.

public import Primitives

public struct JournalImage: Sendable {
  /// Unit in which a disk writes or loses what is not synced yet.
  public static let sectorBytes = JournalFormat.sector

  /// The whole file; free to be damaged.
  public var bytes: [UInt8]
  /// Where the next group goes.
  public private(set) var end: Int
  private let identity: Digest
  private var sequence: UInt64 = 1

  /// The file that `rewrite` (or `create`, without records) leaves behind.
  public init(owner: Digest, generation: UInt64, records: [[UInt8]] = []) {
    identity = JournalFormat.identity(owner: owner, generation: generation)
    bytes = JournalFormat.header(owner: owner, generation: generation)
    end = bytes.count
    bytes.append(contentsOf: repeatElement(0, count: JournalFormat.chunk))
    append(records)
  }

  /// Writes what one sync writes; returns the bytes it touched.
  @discardableResult public mutating func append(_ records: [[UInt8]]) -> Range<Int> {
    let start = end
    for group in JournalFormat.groups(of: records) {
      let written = JournalFormat.group(group, sequence: sequence, identity: identity, offset: end)
      while end + written.count > bytes.count { bytes.append(contentsOf: repeatElement(0, count: JournalFormat.chunk)) }
      bytes.replaceSubrange(end..<end + written.count, with: written)
      end += written.count
      sequence += 1
    }
    return start..<end
  }

  /// Bytes that `append` would write, for records that fit one group.
  public static func size(of records: [[UInt8]]) -> Int {
    guard !records.isEmpty else { return 0 }
    let body = records.reduce(4) { $0 + $1.count + 4 }
    return (body + JournalFormat.payload - 1) / JournalFormat.payload * JournalFormat.sector
  }
}
