// A valid journal with a few groups, as the fuzzer's ground truth.

import Glibc
import Primitives
import Storage

enum JournalSample {
  static let owner = Digest(words: (7, 7, 7, 7))
  static let records: [[UInt8]] = [[1, 2, 3], [], Array(repeating: 5, count: 1500), [9], [8, 8], [7]]

  /// The file after three groups of two records each.
  static let image: [UInt8] = {
    var template = Array("/tmp/novation-fuzz-XXXXXX".utf8CString)
    let directory = template.withUnsafeMutableBufferPointer { buffer in
      buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) } ?? ""
    }
    let path = directory + "/journal"
    defer {
      unlink(path)
      rmdir(directory)
    }
    do {
      try Journal.create(path: path, owner: owner)
      let journal = try Journal(path: path, owner: owner)
      for place in stride(from: 0, to: records.count, by: 2) {
        journal.append(records[place])
        journal.append(records[place + 1])
        try journal.sync()
      }
    } catch {
      preconditionFailure("no journal: \(error)")
    }
    let descriptor = open(path, O_RDONLY)
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 512 + (1 << 20))
    let count = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
    precondition(count == bytes.count, "a journal of one chunk")
    return bytes
  }()

  /// Only first records, group by group.
  static func check(_ found: JournalContents) {
    precondition(found.records.count.isMultiple(of: 2), "half a group was read")
    precondition(found.records.elementsEqual(records.prefix(found.records.count)), "a record that nobody wrote")
  }
}
