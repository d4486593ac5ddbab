// What lies in a node's home: the ledger and the journal.

import Glibc
import Storage

enum NodeHome {
  static func journalPath(ledger: String) -> String { ledger + "/journal" }
  static func databasePath(ledger: String) -> String { ledger + "/state" }

  /// Makes an empty ledger directory with its first journal. Without this step a node without a journal has to assume
  /// that it forgot its votes.
  static func initialize(ledger: String) throws {
    try FileAccess.makeDirectory(ledger, mode: 0o700)
    try Journal.create(at: journalPath(ledger: ledger))
  }
}
