// What lies in a node's home: the ledger and the journal.

public import Primitives
import Storage

public enum NodeHome {
  static func journalPath(ledger: String) -> String { ledger + "/journal" }
  static func databasePath(ledger: String) -> String { ledger + "/state" }

  /// A journal belongs to one identity: that of another node is refused.
  static func journalOwner(_ identity: PublicKey) -> Digest { Digest(words: identity.words) }

  /// Makes an empty ledger directory with its first journal. Without this step a node without a journal has to assume
  /// that it forgot its votes.
  public static func initialize(ledger: String, identity: PublicKey) throws {
    try FileAccess.makeDirectory(ledger, mode: 0o700)
    try Journal.create(path: journalPath(ledger: ledger), owner: journalOwner(identity))
  }
}
