// The state of a chain that stands still, as a file: made from a stopped node's ledger, checked by anybody, and put in the
// place of a ledger under a genesis that goes on from it (R1 to R4).

import Consensus
import FoundationEssentials
import Glibc
import Ledger
public import Primitives
public import Replica
import Sodium
import Storage
import Wire

/// What a state file holds.
public struct StateReport: Codable, Sendable {
  public var chain: String
  public var height: Height
  public var block: String
  public var time: String
  public var stateRoot: String
  public var records: Int
  /// Validators of the quorum that certified it, and the number of their committee.
  public var votes: Int
  public var committee: UInt64
  /// As the state names it; null for a chain that had none.
  public var groupKey: String?
  /// Whether the group signed this very state.
  public var groupSigned: Bool
  /// What it was held against; null for a file that was not checked.
  public var checkedBy: String?

  init(_ state: ExportedState, checkedBy: String?) {
    let point = state.resumePoint
    chain = point.chain.hex
    height = point.height
    block = point.block.hex
    time = ISO8601.format(point.timestamp)
    stateRoot = point.stateRoot.hex
    records = state.records.count
    votes = state.votes.entries.count
    committee = state.votes.epoch
    groupKey = state.groupKey?.hex
    groupSigned = state.group != nil
    self.checkedBy = checkedBy
  }
}

public enum StateFile {
  public static let bytesMax = 16 << 30

  public static func isOne(_ bytes: [UInt8]) -> Bool { bytes.starts(with: ExportedState.magic) }

  /// By its first bytes.
  public static func isOne(path: String) -> Bool {
    guard let file = fopen(path, "r") else { return false }
    defer { fclose(file) }
    var first = [UInt8](repeating: 0, count: ExportedState.magic.count)
    return fread(&first, 1, first.count, file) == first.count && isOne(first)
  }

  public static func load(_ path: String) throws -> ExportedState {
    try decode(FileAccess.read(path, limit: bytesMax), path)
  }

  static func decode(_ bytes: [UInt8], _ path: String) throws -> ExportedState {
    guard isOne(bytes) else { throw NodeError("\(path) is not an exported state") }
    do throws(WireError) {
      return try WireReader.decode(ExportedState.self, from: bytes)
    } catch {
      throw NodeError("\(path) is damaged: \(error)")
    }
  }

  /// R1: writes the newest state of a stopped node's ledger, after holding it against its certificate.
  public static func export(configurationPath: String, to path: String) throws -> StateReport {
    let node = try NodeProcess(configurationPath: configurationPath)
    let store = try openLedger(of: node)
    defer { store.close() }
    if let fault = try LedgerCertificate.fault(in: store, genesis: node.genesis) { throw NodeError(fault) }
    let state = try ExportedState(of: store, chain: node.genesis.chain)
    // What its own ledger proves to it.
    if let fault = state.fault(anchor: .ledger(block: state.block, stateRoot: state.root()), scheme: .ed25519) {
      throw NodeError(fault)
    }
    try FileAccess.write(state.wireBytes, to: path, mode: 0o600, isNew: true)
    return StateReport(state, checkedBy: "the ledger")
  }

  private static func openLedger(of node: NodeProcess) throws -> LMDBStore {
    try LMDBStore(
      path: NodeHome.databasePath(ledger: node.configuration.node.home + "/ledger"), chain: node.genesis.chain,
      opening: .existing)
  }

  /// R2: by each of what is given; at least one.
  public static func verify(
    _ bytes: [UInt8], name: String, chain: Digest, genesis: Genesis?, groupKey: PublicKey?, configurationPath: String?
  ) throws -> StateReport {
    let state = try decode(bytes, name)
    guard state.chain == chain else { throw NodeError("it is a state of chain \(state.chain.hex)") }
    var checks: [(String, ExportedState.Anchor)] = []
    if let genesis { checks.append(("the genesis's validators", .genesis(genesis))) }
    if let groupKey { checks.append(("the group key", .groupKey(groupKey))) }
    if let configurationPath {
      let node = try NodeProcess(configurationPath: configurationPath)
      let store = try openLedger(of: node)
      defer { store.close() }
      guard node.genesis.chain == chain, let own = try store.block(at: state.height) else {
        throw NodeError("the ledger of \(configurationPath) has no block \(state.height) of this chain")
      }
      checks.append(("the ledger", .ledger(block: own.hash, stateRoot: own.stateRoot)))
    }
    guard !checks.isEmpty else { throw NodeError("give --genesis, --group-key or --config to hold it against") }
    for (_, anchor) in checks {
      if let fault = state.fault(anchor: anchor, scheme: .ed25519) { throw NodeError(fault) }
    }
    return StateReport(state, checkedBy: checks.map(\.0).joined(separator: ", "))
  }

  /// R3: makes the ledger of a stopped node begin with the state that its genesis goes on from. What was there is kept
  /// beside it; gives the height and root of the block that stands for the genesis, and that path.
  public static func restore(
    configurationPath: String, from path: String
  ) throws -> (height: Height, stateRoot: Digest, kept: String?) {
    let node = try NodeProcess(configurationPath: configurationPath)
    let identity = try node.loadIdentityFile().file.publicKey
    let state = try load(path)
    let home = node.configuration.node.home
    let (ledger, fresh) = (home + "/ledger", home + "/ledger.resuming")
    try refuseIfBegun(ledger, node)
    guard !FileAccess.exists(fresh) else {
      throw NodeError("\(fresh) is left from an attempt that did not finish; remove it")
    }
    try FileAccess.makeDirectory(home, mode: 0o700)
    // Nobody has said anything on the new chain, so there is nothing that this journal could have forgotten.
    try NodeHome.initialize(ledger: fresh, identity: identity)
    let store = try LMDBStore(
      path: NodeHome.databasePath(ledger: fresh), chain: node.genesis.chain,
      maximumMapSize: Int(node.configuration.ledger.mapSize))
    let head: LedgerHead?
    do {
      defer { store.close() }
      try LedgerState.resume(state, into: store, genesis: node.genesis, scheme: .ed25519)
      head = try store.head()
    }
    let suffix = ".before-" + String(Clock.wall / Duration64.second)
    var kept: String?
    if FileAccess.exists(ledger) {
      try FileAccess.move(ledger, to: ledger + suffix)
      kept = ledger + suffix
    }
    // Shares of the former chain's key are of no use in this one.
    let shares = home + "/" + SecretsFile.name
    if FileAccess.exists(shares) { try FileAccess.move(shares, to: shares + suffix) }
    try FileAccess.move(fresh, to: ledger)
    return (head?.height ?? 0, head?.stateRoot ?? .zero, kept)
  }

  /// A node that has begun on the new chain may have voted: it must not forget that.
  private static func refuseIfBegun(_ ledger: String, _ node: NodeProcess) throws {
    guard FileAccess.exists(NodeHome.databasePath(ledger: ledger) + "/" + LMDBStore.fileName) else { return }
    do {
      let store = try LMDBStore(
        path: NodeHome.databasePath(ledger: ledger), chain: node.genesis.chain, opening: .existing)
      defer { store.close() }
      guard try store.head() == nil else {
        throw NodeError(
          "\(ledger) is a ledger of this chain already: start the node, or restore a backup of it with --from")
      }
    } catch let error as StoreError where error.kind == .otherChain {
      // What is to be replaced.
    }
  }
}
