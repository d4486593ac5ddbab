// A ledger that rotted on its disk is put aside, and the node fetches the chain from its peers, block by block with the
// proof of each. What it votes by, the journal, stays where it is: nothing that was promised is forgotten.

import Ledger
import Primitives
import Storage

enum Quarantine {
  private static let prefix = "damaged-"
  /// Damage again within this time is no accident: the node stops, and its operator looks at the machine.
  static let probation: Int64 = 24 * 3600 * Duration64.second

  /// What was put aside in this ledger's directory, oldest first.
  static func contents(of ledger: String) -> [String] {
    FileAccess.names(in: ledger).filter { $0.hasPrefix(prefix) }.sorted()
  }

  /// Moves the database away and gives its new path. Refuses where that happened a short while ago,
  /// or where there is no room for another.
  static func isolate(ledger: String, at now: Timestamp) throws -> String {
    let last = contents(of: ledger).compactMap { Int64($0.dropFirst(prefix.count)) }.max()
    let second = now / Duration64.second
    if let last, second - last < probation / Duration64.second {
      throw NodeError(
        "\(ledger)/\(prefix)\(last) was put aside less than a day ago, and the ledger is damaged again: check the disk and the memory of this machine, remove that directory, then start the node again"
      )
    }
    let database = NodeHome.databasePath(ledger: ledger)
    let size = UInt64(max(0, FileAccess.size(of: database + "/" + LMDBStore.fileName)))
    if let free = DiskSpace.free(at: ledger), free < size {
      throw NodeError(
        "\(database) is damaged, and there is no room to fetch the ledger anew beside it: free \(DiskSpace.text(size)), or restore a backup with novation restore"
      )
    }
    let path = "\(ledger)/\(prefix)\(second)"
    try FileAccess.move(database, to: path)
    return path
  }
}
