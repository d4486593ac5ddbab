public import Ledger
public import Primitives

/// The node's memory of what it has sent: an append-only file, synced once a turn before anything of the turn leaves.
///
/// Records appended in one turn become one group with one `fdatasync`. After an error of `sync` nothing more can be
/// written: the kernel may have dropped the pages it failed to write, so what the file holds is known only after a
/// restart. `rewrite` replaces the file whole, by renaming a synced new one over it. Not safe for use by two threads at
/// once.
public final class Journal {
  public let path: String
  private let owner: Digest
  private var file: PosixFile?
  private var generation: UInt64
  private var sequence: UInt64
  private var end: Int
  private var capacity: Int
  private var pending: [[UInt8]] = []
  private var failure: StoreError?
  private var contents: JournalContents

  /// Creates the first journal of a node; refuses to replace one.
  public static func create(path: String, owner: Digest) throws(StoreError) {
    guard !PosixFile.exists(path) else {
      throw StoreError(
        .invalidCommit, "\(path) exists.", advice: "A journal is never replaced: its loss can make a node vote twice.")
    }
    let temporary = path + ".new"
    PosixFile.remove(temporary)
    _ = try writeNew(temporary, owner: owner, generation: 1, records: [])
    try PosixFile.rename(temporary, to: path)
    try PosixFile.synchroniseDirectory(of: path)
  }

  /// Opens the journal and reads it. A torn tail is cut. A missing or damaged file is not an error here: `recovered`
  /// says so, and nothing can be appended until `rewrite` has made a new file.
  ///
  /// `owner` binds the file to one node of one chain. Throws if it belongs to another, is open in another process, or
  /// cannot be read.
  public init(path: String, owner: Digest) throws(StoreError) {
    self.path = path
    self.owner = owner
    PosixFile.remove(path + ".new")
    file = try PosixFile.open(path)
    if let file, !file.tryLock() {
      throw StoreError(
        .inUse, "\(path) is open in another process.", advice: "Stop the node that runs on this directory first.")
    }
    let bytes = try file?.readAll()
    contents =
      if let bytes {
        try JournalFormat.contents(of: bytes, owner: owner, path: path)
      } else {
        JournalContents(records: [], condition: .missing, end: 0, sequence: 0, generation: 0)
      }
    generation = contents.generation
    sequence = contents.sequence
    end = contents.end
    capacity = bytes?.count ?? 0
    switch contents.condition {
    case .clean: break
    case .tornTailCut: try cutTail(of: bytes ?? [])
    case .damaged(let why):
      failure = StoreError(
        .damaged, "The journal \(path) is damaged: \(why).", advice: "The node must first recover its vote floor.")
    case .missing:
      failure = StoreError(
        .missing, "There is no journal at \(path).", advice: "The node must first recover its vote floor.")
    }
  }

  /// What `init` would find in a file of these bytes: for crash images in simulation and tests.
  public static func examine(image: [UInt8], owner: Digest) throws(StoreError) -> JournalContents {
    try JournalFormat.contents(of: image, owner: owner, path: "the image")
  }

  /// What was found on opening: every record that was ever synced and not rewritten away, unless damaged or missing.
  public func recovered() -> JournalContents { contents }

  /// Forgets the recovered records, to free their memory.
  public func discardRecovered() { contents.records = [] }

  /// Bytes of the file that hold groups.
  public var size: Int { end }

  /// Records that wait for `sync`.
  public var pendingCount: Int { pending.count }

  /// Takes a record for the next `sync`. The record is at most 32 MiB.
  public func append(_ payload: [UInt8]) {
    precondition(payload.count <= 32 << 20, "journal record too long")
    pending.append(payload)
  }

  /// Makes every appended record durable, in one group if they fit 64 MiB. After an error the journal is dead.
  public func sync() throws(StoreError) {
    guard !pending.isEmpty else { return }
    if let failure { throw failure }
    guard let file else { throw StoreError(.closed, "The journal \(path) is closed.") }
    do throws(StoreError) {
      for group in JournalFormat.groups(of: pending) { try write(group, to: file) }
      pending = []
    } catch {
      failure = StoreError(
        .closed, "The journal \(path) failed and takes no more records. \(error.message)", advice: error.advice)
      throw error
    }
  }

  /// Replaces the journal by one that holds just these records, atomically: after a crash the file is the old or the
  /// new one. Appended records are synced to the old file first. An error leaves the old journal in use. A damaged file
  /// is kept beside the new one under a name with `.damaged`.
  public func rewrite(keeping records: [[UInt8]]) throws(StoreError) {
    let isUsable = failure == nil
    if isUsable { try sync() }
    if let failure, failure.kind == .closed { throw failure }
    let temporary = path + ".new"
    PosixFile.remove(temporary)
    let written = try Self.writeNew(temporary, owner: owner, generation: generation + 1, records: records)
    if case .damaged = contents.condition, !isUsable { try PosixFile.rename(path, to: path + ".damaged") }
    try PosixFile.rename(temporary, to: path)
    (file, end, capacity, sequence) = (written.file, written.end, written.capacity, written.sequence)
    generation += 1
    failure = nil
    pending = []
    try synchroniseName()
  }

  // MARK: - Parts

  /// Until the new name is durable a crash could bring the old file back, without what is synced to the new one.
  private func synchroniseName() throws(StoreError) {
    do throws(StoreError) {
      try PosixFile.synchroniseDirectory(of: path)
    } catch {
      failure = StoreError(.closed, "The journal \(path) could not be replaced. \(error.message)", advice: error.advice)
      throw error
    }
  }

  private func write(_ records: [[UInt8]], to file: PosixFile) throws(StoreError) {
    let identity = JournalFormat.identity(owner: owner, generation: generation)
    let bytes = JournalFormat.group(records, sequence: sequence, identity: identity, offset: end)
    let needed = Self.capacity(for: end + bytes.count)
    if needed > capacity {
      try file.extend(from: capacity, to: needed)
      capacity = needed
    }
    try file.write(bytes, at: end)
    try file.synchronise(metadata: false)
    end += bytes.count
    sequence += 1
  }

  /// Zeroes everything after the last whole group, so that no sector of the torn one can ever be met again. The marks go
  /// first, and durably: power that goes again while the rest is zeroed must not leave a mark behind half a sector, which
  /// would pass for rot.
  private func cutTail(of bytes: [UInt8]) throws(StoreError) {
    guard let file else { return }
    for mark in stride(from: end + JournalFormat.sector - 1, to: capacity, by: JournalFormat.sector)
    where bytes[mark] != 0 {
      try file.write([0], at: mark)
    }
    try file.synchronise(metadata: false)
    try file.write([UInt8](repeating: 0, count: capacity - end), at: end)
    try file.synchronise(metadata: true)
  }

  private static func capacity(for end: Int) -> Int {
    let chunks = (end - JournalFormat.sector + JournalFormat.chunk - 1) / JournalFormat.chunk
    return JournalFormat.sector + max(1, chunks) * JournalFormat.chunk
  }

  /// A whole new file, synced and locked, at a temporary name.
  private static func writeNew(
    _ path: String, owner: Digest, generation: UInt64, records: [[UInt8]]
  ) throws(StoreError) -> (file: PosixFile, end: Int, capacity: Int, sequence: UInt64) {
    let identity = JournalFormat.identity(owner: owner, generation: generation)
    var bytes = JournalFormat.header(owner: owner, generation: generation)
    var sequence: UInt64 = 1
    for group in JournalFormat.groups(of: records) {
      bytes += JournalFormat.group(group, sequence: sequence, identity: identity, offset: bytes.count)
      sequence += 1
    }
    let capacity = capacity(for: bytes.count)
    let file = try PosixFile.create(path)
    do throws(StoreError) {
      guard file.tryLock() else { throw PosixFile.failure("lock", path) }
      try file.extend(from: 0, to: capacity)
      try file.write(bytes, at: 0)
      try file.synchronise(metadata: true)
    } catch {
      PosixFile.remove(path)
      throw error
    }
    return (file, bytes.count, capacity, sequence)
  }
}
