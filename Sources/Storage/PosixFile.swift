// The few file calls that the journal and the store stand on, with typed errors that name the file and the reason.

import Glibc
import Ledger

/// An open file; closed when the last reference goes.
final class PosixFile: Sendable {
  let path: String
  private let descriptor: Int32

  private init(path: String, descriptor: Int32) {
    self.path = path
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// Nil if there is no such file.
  static func open(_ path: String, readOnly: Bool = false) throws(StoreError) -> PosixFile? {
    let descriptor = Glibc.open(path, (readOnly ? O_RDONLY : O_RDWR) | O_CLOEXEC)
    if descriptor < 0 && errno == ENOENT { return nil }
    guard descriptor >= 0 else { throw failure("open", path) }
    return PosixFile(path: path, descriptor: descriptor)
  }

  /// A new, empty file that only its owner may read (0600).
  static func create(_ path: String) throws(StoreError) -> PosixFile {
    let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failure("create", path) }
    return PosixFile(path: path, descriptor: descriptor)
  }

  func withDescriptor(_ body: (Int32) throws(StoreError) -> Void) throws(StoreError) { try body(descriptor) }

  /// Whether this process now holds the file's lock; another process' lock makes it false. Released by closing.
  func tryLock() -> Bool { flock(descriptor, LOCK_EX | LOCK_NB) == 0 }

  func size() throws(StoreError) -> Int {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw Self.failure("examine", path) }
    return Int(status.st_size)
  }

  func readAll() throws(StoreError) -> [UInt8] { try read(try size(), at: 0) }

  /// Fewer bytes where the file ends.
  func read(_ count: Int, at offset: Int) throws(StoreError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeMutableBytes {
        pread(descriptor, $0.baseAddress?.advanced(by: done), $0.count - done, off_t(offset + done))
      }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw Self.failure("read", path) }
      if count == 0 { break }
      done += count
    }
    bytes.removeLast(bytes.count - done)
    return bytes
  }

  func write(_ bytes: [UInt8], at offset: Int) throws(StoreError) {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes {
        pwrite(descriptor, $0.baseAddress?.advanced(by: done), $0.count - done, off_t(offset + done))
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw Self.failure("write", path) }
      done += count
    }
  }

  /// Extends the file by blocks that are written, so that later syncs inside them carry no metadata (space that is only
  /// reserved turns into written extents at the first sync, which costs a second write to the file system's journal).
  func extend(from start: Int, to end: Int) throws(StoreError) {
    let status = posix_fallocate(descriptor, off_t(start), off_t(end - start))
    guard status == 0 else {
      ftruncate(descriptor, off_t(start))
      errno = status
      throw Self.failure("extend", path)
    }
    let zeros = [UInt8](repeating: 0, count: min(1 << 20, end - start))
    for offset in stride(from: start, to: end, by: zeros.count) {
      try write(end - offset < zeros.count ? Array(zeros.prefix(end - offset)) : zeros, at: offset)
    }
    try synchronise(metadata: true)
  }

  func synchronise(metadata: Bool) throws(StoreError) {
    guard (metadata ? fsync(descriptor) : fdatasync(descriptor)) == 0 else { throw Self.failure("sync", path) }
  }

  // MARK: - Names

  static func rename(_ old: String, to new: String) throws(StoreError) {
    guard Glibc.rename(old, new) == 0 else { throw failure("rename", old) }
  }

  static func remove(_ path: String) { unlink(path) }

  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// Makes the names in a directory durable.
  static func synchroniseDirectory(of path: String) throws(StoreError) {
    let directory = directory(of: path)
    let descriptor = Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("open", directory) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw failure("sync", directory) }
  }

  static func directory(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// Makes a directory that only its owner may enter (0700), durably; an existing one is kept as it is.
  static func makeDirectory(_ path: String) throws(StoreError) {
    if mkdir(path, 0o700) == 0 { return try synchroniseDirectory(of: path) }
    guard errno == EEXIST else { throw failure("create directory", path) }
  }

  /// The error of the last call, in words.
  static func failure(_ verb: String, _ path: String) -> StoreError { failure(verb, path, code: errno) }

  static func failure(_ verb: String, _ path: String, code: Int32) -> StoreError {
    let reason = String(cString: strerror(code))
    if code == ENOSPC || code == EDQUOT {
      let advice = "Free space on that file system, then start the node again."
      return StoreError(.full, "Cannot \(verb) \(path): \(reason).", advice: advice)
    }
    let advice =
      code == EACCES || code == EPERM
      ? "Give the node's user read and write access to it." : "Check the disk and the system log."
    return StoreError(.inputOutput, "Cannot \(verb) \(path): \(reason).", advice: advice)
  }
}
