import Replica
import Sodium
import Primitives
// `start --check`: everything that can be wrong with a node before it runs, without touching what it keeps.

extension NodeProcess {
  /// One line about the node, or an error about what keeps it from starting.
  public func check() throws -> String {
    let identity = try loadIdentity()
    let index = genesis.validators.firstIndex { $0.key == identity.publicKey }
    if configuration.node.role == .validator, index == nil {
      throw NodeError(
        "the identity key \(identity.publicKey.hex) is no validator of this genesis; set node.role to \"observer\" or use the right key"
      )
    }
    _ = try networkConfiguration(identity: identity, index: index)
    let journal = NodeHome.journalPath(ledger: configuration.node.home + "/ledger")
    let isNew = !FileAccess.exists(journal)
    let role = index.map { "validator \($0) of \(genesis.validators.count)" } ?? "observer"
    let home = isNew ? "\(configuration.node.home) has no journal yet; see `novation init`" : configuration.node.home
    return "fine: \(role) of chain \(genesis.chain.hex) (\(genesis.name)), home \(home)"
  }
}
