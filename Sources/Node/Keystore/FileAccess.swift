// Small files that matter: bounded reads, and writes that replace a file whole or not at all.

import Glibc

/// Why a file could not be read or written, in a sentence with its path.
public struct FileError: Error, Equatable, CustomStringConvertible {
  public var path: String
  public var reason: String
  /// The file is not there: callers often have something better to say then.
  public var isMissing = false

  public var description: String { reason }

  static func system(_ path: String, _ action: String) -> FileError {
    let code = errno
    return FileError(
      path: path, reason: "cannot \(action) \(path): \(String(cString: strerror(code)))", isMissing: code == ENOENT)
  }
}

public enum FileAccess {
  /// The whole file. Refused if it is no regular file (a pipe is fine) or longer than `limit`.
  public static func read(_ path: String, limit: Int) throws(FileError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system(path, "open") }
    defer { close(descriptor) }
    return try read(descriptor: descriptor, name: path, limit: limit)
  }

  /// The last bytes of a file, at most `limit`.
  public static func readTail(_ path: String, limit: Int) throws(FileError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system(path, "open") }
    defer { close(descriptor) }
    let end = lseek(descriptor, 0, SEEK_END)
    guard end >= 0, lseek(descriptor, max(0, end - limit), SEEK_SET) >= 0 else { throw .system(path, "read") }
    var bytes = [UInt8](repeating: 0, count: limit)
    let count = bytes.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
    guard count >= 0 else { throw .system(path, "read") }
    return Array(bytes[..<count])
  }

  /// Everything up to the end of an open descriptor; for standard input too.
  public static func read(descriptor: Int32, name: String, limit: Int) throws(FileError) -> [UInt8] {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        throw .system(name, "read")
      }
      if count == 0 { return bytes }
      guard bytes.count + count <= limit else {
        throw FileError(path: name, reason: "\(name) is longer than the limit of \(ByteSize.format(Int64(limit)))")
      }
      bytes += buffer[..<count]
    }
  }

  /// Replaces `path`: a reader, or a machine that loses power, sees the old content or the new. With `isNew`, refuses
  /// to replace anything.
  public static func write(
    _ bytes: [UInt8], to path: String, mode: UInt32, isNew: Bool = false
  ) throws(FileError) {
    let temporary = "\(path).\(getpid()).tmp"
    unlink(temporary)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw .system(temporary, "create") }
    defer {
      close(descriptor)
      unlink(temporary)
    }
    // The process's mask may have taken bits away.
    guard fchmod(descriptor, mode) == 0 else { throw .system(temporary, "set the permissions of") }
    try write(bytes, descriptor: descriptor, name: temporary)
    guard fsync(descriptor) == 0 else { throw .system(temporary, "sync") }
    if isNew {
      guard link(temporary, path) == 0 else { throw .system(path, "create") }
    } else {
      guard rename(temporary, path) == 0 else { throw .system(path, "replace") }
    }
    syncDirectory(of: path)
  }

  private static func write(_ bytes: [UInt8], descriptor: Int32, name: String) throws(FileError) {
    var start = 0
    while start < bytes.count {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress.map { $0 + start }, $0.count - start) }
      if count < 0 {
        if errno == EINTR { continue }
        throw .system(name, "write")
      }
      start += count
    }
  }

  /// Renames within one file system; durable.
  static func move(_ old: String, to new: String) throws(FileError) {
    guard Glibc.rename(old, new) == 0 else { throw .system(old, "rename") }
    syncDirectory(of: new)
  }

  private static func syncDirectory(of path: String) {
    let descriptor = open(FilePaths.directory(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }

  /// Permission bits; nil if the file is not there.
  public static func mode(of path: String) -> UInt32? {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode & 0o7777 : nil
  }

  /// Bytes of a file; 0 if it is not there.
  static func size(of path: String) -> Int64 {
    var status = stat()
    return stat(path, &status) == 0 ? Int64(status.st_size) : 0
  }

  public static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// Makes the directory and those above it that are missing; these get `mode` too.
  public static func makeDirectory(_ path: String, mode: UInt32) throws(FileError) {
    if mkdir(path, mode) == 0 { return }
    if errno == ENOENT, FilePaths.directory(of: path) != path {
      try makeDirectory(FilePaths.directory(of: path), mode: mode)
      guard mkdir(path, mode) == 0 || errno == EEXIST else { throw .system(path, "create") }
      return
    }
    var status = stat()
    guard errno == EEXIST, stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw .system(path, "create")
    }
  }

  /// Names in a directory, sorted; empty if there is none.
  public static func names(in directory: String) -> [String] {
    guard let stream = opendir(directory) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { raw in
        String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }
}

/// Paths as text; nothing is looked up but the working directory.
public enum FilePaths {
  public static func absolute(_ path: String) -> String {
    if path.hasPrefix("/") { return path }
    guard let buffer = getcwd(nil, 0) else { return path }
    defer { free(buffer) }
    return resolve(path, in: String(cString: buffer))
  }

  /// `path` seen from `directory`, without "." and "..".
  public static func resolve(_ path: String, in directory: String) -> String {
    let full = path.hasPrefix("/") ? path : directory + "/" + path
    var parts: [Substring] = []
    for part in full.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }

  public static func directory(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  public static func name(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
  }
}
