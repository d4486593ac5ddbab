// Copies of a ledger, and back. A copy holds no key and no journal: a node that starts from one has forgotten its votes
// and says so (amnesia), so an old copy can never make it vote twice.

import FoundationEssentials
import Glibc
import Ledger
public import Primitives
import Replica
import Storage

/// What a copy holds; beside it as `backup.json`.
public struct BackupManifest: Codable, Sendable, Equatable {
  public var format = 1
  public var chain: String
  public var height: Height
  public var block: String
  public var stateRoot: String
  /// Of the newest block.
  public var time: String
  /// Height of the newest state that a quorum signed.
  public var certifiedHeight: Height
  public var records: Int
}

public enum Backup {
  static let manifestName = "backup.json"
  private static let manifestLimit = 64 << 10

  /// Copies the ledger of a node, which may run meanwhile, into a new directory, then reads the copy back whole. The copy
  /// appears under its name only when it is verified. `history: false` makes a snapshot: the state and the newest blocks.
  public static func make(
    configurationPath: String, to directory: String, history: Bool = true, progress: (String) -> Void = { _ in }
  ) throws -> BackupManifest {
    let node = try NodeProcess(configurationPath: configurationPath)
    guard !FileAccess.exists(directory) else {
      throw NodeError("\(directory) exists; give a directory that does not")
    }
    let partial = directory + ".partial"
    guard !FileAccess.exists(partial) else {
      throw NodeError("\(partial) is left from a backup that did not finish; remove it")
    }
    let ledger = NodeHome.databasePath(ledger: node.configuration.node.home + "/ledger")
    progress("copying \(ledger)")
    do {
      try FileAccess.makeDirectory(partial, mode: 0o700)
      let database = NodeHome.databasePath(ledger: partial)
      if history {
        try LMDBStore.copy(from: ledger, to: database)
      } else {
        try copyState(from: ledger, to: database, node: node, progress: progress)
      }
    } catch {
      rmdir(partial)
      throw error
    }
    let manifest = try examine(partial, node: node, progress: progress)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
    let text = try encoder.encode(manifest)
    try FileAccess.write([UInt8](text) + [0x0a], to: partial + "/" + manifestName, mode: 0o600)
    try FileAccess.move(partial, to: directory)
    return manifest
  }

  /// Blocks that a snapshot keeps below its newest certificate.
  private static let snapshotBlocks: Height = 100

  /// A copy without the blocks of long ago, made compact by copying it once more.
  private static func copyState(
    from ledger: String, to database: String, node: NodeProcess, progress: (String) -> Void
  ) throws {
    let whole = database + ".whole"
    defer { removeDatabase(whole) }
    try LMDBStore.copy(from: ledger, to: whole)
    let store = try LMDBStore(path: whole, chain: node.genesis.chain, opening: .existing)
    defer { store.close() }
    let certified = try store.latestCertificate()?.height ?? 0
    let first = certified.subtracting(snapshotBlocks) ?? 0
    while try store.prune(below: first, limit: 10_000) > 0 {
      progress("leaving out blocks below \(first)")
    }
    try store.copy(to: database)
  }

  /// Makes a copy named after the present time in `folder`, and removes the oldest of its kind beyond `keep`; never one
  /// that this did not name and verify.
  public static func make(
    configurationPath: String, into folder: String, keep: Int, progress: (String) -> Void = { _ in }
  ) throws -> (manifest: BackupManifest, path: String, removed: [String]) {
    try FileAccess.makeDirectory(folder, mode: 0o700)
    let time = ISO8601.format(Clock.wall / Duration64.second * Duration64.second).filter { $0 != ":" && $0 != "-" }
    let path = folder + "/" + prefix + time
    let manifest = try make(configurationPath: configurationPath, to: path, progress: progress)
    let copies = FileAccess.names(in: folder).filter {
      $0.wholeMatch(of: /novation-[0-9]{8}T[0-9]{6}Z/) != nil && FileAccess.exists("\(folder)/\($0)/\(manifestName)")
    }
    let old = copies.dropLast(max(1, keep))
    for name in old { remove("\(folder)/\(name)") }
    return (manifest, path, Array(old))
  }

  private static let prefix = "novation-"

  /// The files that a copy consists of, and nothing else that may lie there.
  private static func remove(_ copy: String) {
    unlink(copy + "/" + manifestName)
    removeDatabase(NodeHome.databasePath(ledger: copy))
    rmdir(copy)
  }

  private static func removeDatabase(_ database: String) {
    for name in FileAccess.names(in: database) where name == "lock" || name.hasPrefix(LMDBStore.fileName) {
      unlink(database + "/" + name)
    }
    rmdir(database)
  }

  /// Puts a copy in the place of a stopped node's ledger, after reading it whole and holding its certificate against the
  /// genesis. What was there is kept beside it; gives the manifest and that path.
  public static func restore(
    configurationPath: String, from directory: String, progress: (String) -> Void = { _ in }
  ) throws -> (manifest: BackupManifest, kept: String?) {
    let node = try NodeProcess(configurationPath: configurationPath)
    let written = try manifest(in: directory)
    let found = try examine(directory, node: node, progress: progress)
    guard found == written else {
      throw NodeError(
        "\(directory)/\(manifestName) says \(written.height) \(written.stateRoot), the copy holds \(found.height) \(found.stateRoot)"
      )
    }
    let home = node.configuration.node.home
    let ledger = home + "/ledger"
    let fresh = home + "/ledger.restoring"
    guard !FileAccess.exists(fresh) else {
      throw NodeError("\(fresh) is left from a restore that did not finish; remove it")
    }
    progress("copying \(directory)")
    try FileAccess.makeDirectory(home, mode: 0o700)
    try FileAccess.makeDirectory(fresh, mode: 0o700)
    do {
      let source = try LMDBStore(
        path: NodeHome.databasePath(ledger: directory), chain: node.genesis.chain, opening: .existing)
      defer { source.close() }
      try source.copy(to: NodeHome.databasePath(ledger: fresh))
    }
    var kept: String?
    if FileAccess.exists(ledger) {
      try refuseIfRunning(ledger, node)
      let old = home + "/ledger.before-" + String(Clock.wall / Duration64.second)
      try FileAccess.move(ledger, to: old)
      kept = old
    }
    try FileAccess.move(fresh, to: ledger)
    return (found, kept)
  }

  private static func refuseIfRunning(_ ledger: String, _ node: NodeProcess) throws {
    guard FileAccess.exists(NodeHome.databasePath(ledger: ledger)) else { return }
    do {
      try LMDBStore(path: NodeHome.databasePath(ledger: ledger), chain: node.genesis.chain, opening: .existing).close()
    } catch let error where error.kind == .inUse {
      throw error
    } catch {
      // Damaged or of another chain: that is why it is replaced, and it is kept.
    }
  }

  private static func manifest(in directory: String) throws -> BackupManifest {
    let path = directory + "/" + manifestName
    let bytes = try FileAccess.read(path, limit: manifestLimit)
    do {
      return try JSONDecoder().decode(BackupManifest.self, from: Data(bytes))
    } catch {
      throw NodeError("\(path) is not the manifest of a backup: \(error)")
    }
  }

  /// Reads a copy whole. Refuses one whose state no quorum of the genesis signed, unless it holds genesis alone.
  private static func examine(
    _ directory: String, node: NodeProcess, progress: (String) -> Void
  ) throws -> BackupManifest {
    let store = try LMDBStore(
      path: NodeHome.databasePath(ledger: directory), chain: node.genesis.chain, opening: .existing)
    defer { store.close() }
    let found = try store.verify { done, total in progress("verifying: \(done) of \(total) entries") }
    guard let head = found.head else { throw NodeError("the ledger in \(directory) is empty") }
    let certificate = try store.latestCertificate()
    if let fault = try LedgerCertificate.fault(in: store, genesis: node.genesis) {
      throw NodeError("\(directory): \(fault)")
    }
    return BackupManifest(
      chain: node.genesis.chain.hex, height: head.height, block: head.hash.hex, stateRoot: head.stateRoot.hex,
      time: ISO8601.format(head.timestamp), certifiedHeight: certificate?.height ?? 0, records: found.records)
  }
}
