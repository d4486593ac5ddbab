import Glibc
import Ledger
import Primitives
import Sodium

/// A directory of its own for one test, removed with everything in it.
final class Scratch {
  let path: String

  init() {
    let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(parent)/novation-test-XXXXXX".utf8CString)
    path = template.withUnsafeMutableBufferPointer { buffer in
      buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) } ?? ""
    }
    precondition(!path.isEmpty, "no temporary directory")
  }

  deinit { Self.remove(path) }

  private static func remove(_ path: String) {
    if let directory = opendir(path) {
      while let entry = readdir(directory) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
          pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != "." && name != ".." { remove(path + "/" + name) }
      }
      closedir(directory)
      rmdir(path)
    } else {
      unlink(path)
    }
  }

  static func read(_ path: String) -> [UInt8] {
    let descriptor = open(path, O_RDONLY)
    precondition(descriptor >= 0)
    defer { close(descriptor) }
    var status = stat()
    fstat(descriptor, &status)
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    let count = bytes.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
    precondition(count == bytes.count)
    return bytes
  }

  static func write(_ bytes: [UInt8], to path: String) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    precondition(descriptor >= 0)
    defer { close(descriptor) }
    let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    precondition(count == bytes.count)
  }

  static func mode(_ path: String) -> UInt32 {
    var status = stat()
    stat(path, &status)
    return status.st_mode & 0o777
  }

  /// Where `needle` begins in `bytes`.
  static func find(_ needle: [UInt8], in bytes: [UInt8]) -> Int? {
    bytes.withUnsafeBytes { hay in
      needle.withUnsafeBytes { sought in
        guard let start = hay.baseAddress, let first = sought.baseAddress, hay.count >= sought.count else { return nil }
        return (0...hay.count - sought.count).first { memcmp(start + $0, first, sought.count) == 0 }
      }
    }
  }
}

func digest(_ number: Int) -> Digest { Blake2b.hash(Array("test \(number)".utf8)) }

func storedBlock(_ height: Height, transactions: [Digest] = [], stateRoot: Digest = .zero) -> StoredBlock {
  StoredBlock(
    height: height, hash: digest(Int(height)), timestamp: Timestamp(height) * 7, stateRoot: stateRoot,
    proposal: [1, UInt8(truncatingIfNeeded: height)], batches: [[2, 3], []], certificates: [4],
    transactions: transactions, receipts: transactions.map { Array($0.bytes.prefix(3)) })
}

/// The kind of the error that `body` throws; nil if it throws none.
func kind(_ body: () throws(StoreError) -> Void) -> StoreError.Kind? {
  do throws(StoreError) {
    try body()
    return nil
  } catch {
    return error.kind
  }
}
