import Replica
import Sodium
import Primitives
// `start --check`: everything that can be wrong with a node before it runs, without touching what it keeps.

extension NodeProcess {
  /// One line about the node, or an error about what keeps it from starting.
  public func check() throws -> String {
    let identity = try loadIdentity()
    let known = knownValidators()
    let index = try validatorIndex(of: identity.publicKey, known)
    _ = try networkConfiguration(identity: identity, known)
    let journal = NodeHome.journalPath(ledger: configuration.node.home + "/ledger")
    let isNew = !FileAccess.exists(journal)
    let isValidator = configuration.node.role == .validator
    let role =
      index.map { "validator \($0) of \(known.members.count)" }
      ?? (isValidator ? "observer until it is a validator" : "observer")
    let home =
      isNew && isValidator
      ? "\(configuration.node.home) has no journal yet; see `novation init`" : configuration.node.home
    return "fine: \(role) of chain \(genesis.chain.hex) (\(genesis.name)), home \(home)"
  }
}
