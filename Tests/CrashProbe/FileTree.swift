// The few file calls of a test program.

import Glibc

enum FileTree {
  /// The paths in a directory; nil if it is none.
  private static func entries(of path: String) -> [String]? {
    guard let directory = opendir(path) else { return nil }
    defer { closedir(directory) }
    var paths: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { paths.append(path + "/" + name) }
    }
    return paths.sorted()
  }

  static func remove(_ path: String) {
    guard let entries = entries(of: path) else {
      unlink(path)
      return
    }
    for entry in entries { remove(entry) }
    rmdir(path)
  }

  /// What lies below `path`.
  static func collect(_ path: String, into image: inout DiskImage) {
    for entry in entries(of: path) ?? [] {
      if entries(of: entry) != nil {
        image.directories.append(entry)
        collect(entry, into: &image)
      } else if let bytes = read(entry) {
        image.files.append((entry, bytes))
      }
    }
  }

  static func write(_ bytes: [UInt8], to path: String) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    precondition(descriptor >= 0, "cannot create \(path)")
    defer { close(descriptor) }
    let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    precondition(count == bytes.count, "cannot write \(path)")
  }

  static func read(_ path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var status = stat()
    fstat(descriptor, &status)
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    let count = bytes.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
    return count == bytes.count ? bytes : nil
  }

  /// A directory of its own, in memory where the system has a file system for that.
  static func makeScratch() -> String {
    let parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(parent)/novation-crash-XXXXXX".utf8CString)
    let path = template.withUnsafeMutableBufferPointer { buffer in
      buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) } ?? ""
    }
    precondition(!path.isEmpty, "no temporary directory")
    return path
  }
}
