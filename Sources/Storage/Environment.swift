// The one place that calls LMDB: an environment whose map grows, short transactions, and a checksum on every value.

import CLMDB
import Glibc
import Ledger
import Synchronization

/// An open LMDB file.
///
/// Growing the map needs a moment without transactions, so transactions hold a lock shared and growing holds it alone;
/// growing goes first, so that a stream of readers cannot delay a commit for ever. A transaction must therefore not be
/// begun inside another one of the same thread.
final class Environment: @unchecked Sendable {
  // Sendable: `handle` and `tables` are set once; `isOpen` and `mapSize` change only under the lock held alone; LMDB
  // itself serialises writers.
  let path: String
  private let handle: OpaquePointer
  private var tables: [MDB_dbi] = []
  private let lock: UnsafeMutablePointer<pthread_rwlock_t>
  private var mapSize: Int
  private let maximumMapSize: Int
  private var isOpen = true
  /// A commit failed in a way that leaves open what reached the disk: only a restart, which reads it back, may go on.
  private let hasFailed = Atomic(false)

  /// Opens the file, or creates it with an empty table of each name. The file gets mode 0600.
  init(path: String, tableNames: [String], mapSize: Int, maximumMapSize: Int) throws(StoreError) {
    var created: OpaquePointer?
    let code = mdb_env_create(&created)
    guard code == 0, let created else { throw Self.failure("open", path, code) }
    handle = created
    self.path = path
    self.maximumMapSize = max(mapSize, maximumMapSize)
    self.mapSize = mapSize
    lock = .allocate(capacity: 1)
    var attributes = pthread_rwlockattr_t()
    pthread_rwlockattr_init(&attributes)
    pthread_rwlockattr_setkind_np(&attributes, Int32(PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP))
    pthread_rwlock_init(lock, &attributes)
    try open(tableNames: tableNames)
  }

  /// Opens a file for `copy` alone, while another process may write it. What a reader that was killed left behind is
  /// cleared away: it would keep the writer from using space again.
  init(copying path: String) throws(StoreError) {
    var created: OpaquePointer?
    let code = mdb_env_create(&created)
    guard code == 0, let created else { throw Self.failure("open", path, code) }
    handle = created
    self.path = path
    mapSize = 0
    maximumMapSize = 0
    lock = .allocate(capacity: 1)
    pthread_rwlock_init(lock, nil)
    try openChecked(UInt32(MDB_NOTLS | MDB_NOSUBDIR | MDB_RDONLY))
    var dead: Int32 = 0
    mdb_reader_check(handle, &dead)
  }

  deinit {
    if isOpen { mdb_env_close(handle) }
    pthread_rwlock_destroy(lock)
    lock.deallocate()
  }

  private func open(tableNames: [String]) throws(StoreError) {
    let mapped = mdb_env_set_mapsize(handle, mapSize)
    guard mapped == 0 else { throw Self.failure("map", path, mapped) }
    mdb_env_set_maxdbs(handle, UInt32(tableNames.count))
    mdb_env_set_maxreaders(handle, 256)
    try openChecked(UInt32(MDB_NOTLS | MDB_NOSUBDIR))
    let found: [MDB_dbi] = try writeOnce { (transaction) throws(StoreError) in
      var found: [MDB_dbi] = []
      for name in tableNames {
        var table: MDB_dbi = 0
        let code = mdb_dbi_open(transaction.handle, name, UInt32(MDB_CREATE), &table)
        guard code == 0 else { throw Self.failure("open table \(name) of", path, code) }
        found.append(table)
      }
      return found
    }
    tables = found
    var dead: Int32 = 0
    mdb_reader_check(handle, &dead)
  }

  /// Opens the file after `PageCheck` has found LMDB able to follow its structure, for a wrong one would end the process.
  private func openChecked(_ flags: UInt32) throws(StoreError) {
    let file = try PosixFile.open(path, readOnly: true)
    if let file { try PageCheck.checkMetaPages(of: file) }
    let code = mdb_env_open(handle, path, flags, 0o600)
    guard code == 0 else { throw Self.failure("open", path, code) }
    var info = MDB_envinfo()
    mdb_env_info(handle, &info)
    mapSize = max(mapSize, info.me_mapsize)
    guard let file else { return }
    // Another process may commit, twice, between the beginning of a transaction and the reading of its meta page.
    for _ in 0..<1000 {
      var begun: OpaquePointer?
      let code = mdb_txn_begin(handle, nil, UInt32(MDB_RDONLY), &begun)
      guard code == 0, let begun else { throw Self.failure("read", path, code) }
      defer { mdb_txn_abort(begun) }
      if try PageCheck.check(file, transaction: mdb_txn_id(begun)) { return }
    }
    throw StoreError(.damaged, "The meta pages of \(path) do not fit together.", advice: Self.restoreAdvice)
  }

  /// Closes the file; everything after this throws `closed`.
  func close() {
    pthread_rwlock_wrlock(lock)
    if isOpen { mdb_env_close(handle) }
    isOpen = false
    pthread_rwlock_unlock(lock)
  }

  // MARK: - Transactions

  /// One consistent view; `body` must not begin another transaction.
  func read<R>(_ body: (Transaction) throws(StoreError) -> R) throws(StoreError) -> R {
    pthread_rwlock_rdlock(lock)
    defer { pthread_rwlock_unlock(lock) }
    guard isOpen else { throw closed }
    var begun: OpaquePointer?
    let code = mdb_txn_begin(handle, nil, UInt32(MDB_RDONLY), &begun)
    guard code == 0, let begun else { throw Self.failure("read", path, code) }
    defer { mdb_txn_abort(begun) }
    return try body(Transaction(handle: begun, tables: tables, path: path))
  }

  /// Runs `body` and makes all it wrote durable, or none of it. `body` runs again after the map has grown.
  func write<R>(_ body: (Transaction) throws(StoreError) -> R) throws(StoreError) -> R {
    while true {
      do throws(StoreError) {
        return try writeOnce(body)
      } catch {
        guard error == Self.mapFull else { throw error }
        try grow()
      }
    }
  }

  private func writeOnce<R>(_ body: (Transaction) throws(StoreError) -> R) throws(StoreError) -> R {
    pthread_rwlock_rdlock(lock)
    defer { pthread_rwlock_unlock(lock) }
    guard isOpen else { throw closed }
    guard !hasFailed.load(ordering: .sequentiallyConsistent) else {
      throw StoreError(.closed, "\(path) takes no more commits since one failed.", advice: "Start the node again.")
    }
    var begun: OpaquePointer?
    let code = mdb_txn_begin(handle, nil, 0, &begun)
    guard code == 0, let begun else { throw Self.failure("write", path, code) }
    let result: R
    do throws(StoreError) {
      result = try body(Transaction(handle: begun, tables: tables, path: path))
    } catch {
      mdb_txn_abort(begun)
      throw error
    }
    let committed = mdb_txn_commit(begun)
    guard committed == 0 else {
      let error = Self.failure("commit to", path, committed)
      if error.kind != .full { hasFailed.store(true, ordering: .sequentiallyConsistent) }
      throw error
    }
    return result
  }

  private func grow() throws(StoreError) {
    pthread_rwlock_wrlock(lock)
    defer { pthread_rwlock_unlock(lock) }
    guard isOpen else { throw closed }
    guard mapSize < maximumMapSize else {
      throw StoreError(
        .full, "\(path) has reached its configured maximum of \(maximumMapSize >> 20) MiB.",
        advice: "Raise the maximum size of the ledger, or let the node forget old blocks.")
    }
    let size = min(maximumMapSize, mapSize.saturatingDouble)
    let code = mdb_env_set_mapsize(handle, size)
    guard code == 0 else { throw Self.failure("grow", path, code) }
    mapSize = size
  }

  /// Bytes of the file's pages in use or once used, of the map, and how far the map may grow.
  func usage() throws(StoreError) -> (used: Int, map: Int, maximum: Int) {
    pthread_rwlock_rdlock(lock)
    defer { pthread_rwlock_unlock(lock) }
    guard isOpen else { throw closed }
    var info = MDB_envinfo()
    var statistics = MDB_stat()
    mdb_env_info(handle, &info)
    mdb_env_stat(handle, &statistics)
    return ((info.me_last_pgno + 1) * Int(statistics.ms_psize), mapSize, maximumMapSize)
  }

  /// Writes a compact copy to an open file descriptor, in one consistent view.
  func copy(to descriptor: Int32, _ target: String) throws(StoreError) {
    pthread_rwlock_rdlock(lock)
    defer { pthread_rwlock_unlock(lock) }
    guard isOpen else { throw closed }
    let code = mdb_env_copyfd2(handle, descriptor, UInt32(MDB_CP_COMPACT))
    guard code == 0 else { throw Self.failure("copy \(path) to", target, code) }
  }

  // MARK: - Errors

  private var closed: StoreError { StoreError(.closed, "\(path) is closed.") }

  /// The map is too small for what is written, or for what another process wrote. Never leaves the module.
  static let mapFull = StoreError(.full, "map full")

  static let restoreAdvice =
    "Stop the node, run `novation doctor` on its directory, and restore the ledger from a backup or from the peers."

  static func failure(_ verb: String, _ path: String, _ code: Int32) -> StoreError {
    switch code {
    case MDB_MAP_FULL, MDB_MAP_RESIZED: return mapFull
    case MDB_INVALID, MDB_CORRUPTED, MDB_PAGE_NOTFOUND, MDB_PANIC, MDB_BAD_TXN:
      let reason = String(cString: mdb_strerror(code))
      return StoreError(.damaged, "Cannot \(verb) \(path): \(reason).", advice: restoreAdvice)
    case MDB_VERSION_MISMATCH:
      return StoreError(
        .otherFormat, "\(path) was written by another version of LMDB.", advice: "Start the version that wrote it.")
    case MDB_READERS_FULL:
      return StoreError(.inUse, "Too many reads of \(path) at once.", advice: "Try again.")
    default:
      guard code < 0 else { return PosixFile.failure(verb, path, code: code) }
      return StoreError(.inputOutput, "Cannot \(verb) \(path): \(String(cString: mdb_strerror(code))).")
    }
  }
}

extension Int {
  fileprivate var saturatingDouble: Int { multipliedReportingOverflow(by: 2).overflow ? .max : self * 2 }
}
