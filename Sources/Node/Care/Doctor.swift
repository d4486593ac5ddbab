// Finds, with the node stopped, what would keep it from starting or from voting, and says what to do about each.

import Clearing
import Consensus
import Glibc
import Ledger
import Primitives
import Replica
import Storage
import Wire

/// One thing that was looked at.
public struct Finding: Sendable, Encodable {
  public enum State: String, Sendable, Encodable { case fine, warning, bad }

  public var check: String
  public var state: State
  public var detail: String
  /// What to do; nil when it is fine.
  public var advice: String?
}

public struct Diagnosis: Sendable, Encodable {
  public var home: String
  public var findings: [Finding] = []
  /// Nothing keeps the node from starting and voting.
  public var healthy: Bool { !findings.contains { $0.state == .bad } }

  private enum CodingKeys: String, CodingKey { case home, findings, healthy }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(home, forKey: .home)
    try container.encode(findings, forKey: .findings)
    try container.encode(healthy, forKey: .healthy)
  }
}

public struct Doctor {
  private let node: NodeProcess
  private var diagnosis: Diagnosis

  private init(_ node: NodeProcess) {
    self.node = node
    diagnosis = Diagnosis(home: node.configuration.node.home)
  }

  /// Reads configuration, genesis, key, disk, ledger and journal; changes nothing but LMDB's lock file. `progress` is told
  /// how far the ledger has been read. Throws what is wrong with configuration or genesis, without which there is nothing
  /// to look at.
  public static func examine(
    configurationPath: String, progress: (String) -> Void = { _ in }
  ) throws -> Diagnosis {
    var doctor = Doctor(try NodeProcess(configurationPath: configurationPath))
    doctor.fine("configuration", configurationPath)
    doctor.fine("genesis", "chain \(doctor.node.genesis.chain.hex)")
    doctor.examineIdentity()
    doctor.examineDisk()
    let head = doctor.examineLedger(progress)
    doctor.examineJournal(head)
    doctor.examineClock(head)
    return doctor.diagnosis
  }

  private var ledger: String { node.configuration.node.home + "/ledger" }

  private mutating func fine(_ check: String, _ detail: String) { add(check, .fine, detail, nil) }

  private mutating func add(_ check: String, _ state: Finding.State, _ detail: String, _ advice: String?) {
    diagnosis.findings.append(Finding(check: check, state: state, detail: detail, advice: advice))
  }

  // MARK: - Checks

  private mutating func examineIdentity() {
    do {
      let loaded = try node.loadIdentityFile()
      for warning in loaded.warnings { add("identity", .warning, warning, "Give the file mode 0600.") }
      let key = loaded.file.publicKey
      let known = node.knownValidators()
      let place = known.index(of: key)
      switch (node.configuration.node.role, place) {
      case (.observer, .some):
        add(
          "identity", .bad, "\(key.hex) is a validator's key",
          "Set node.role to \"validator\", or identity.key to a key of the observer's own.")
      case (.validator, nil):
        add(
          "identity", .warning, "\(key.hex) is no validator at this height: the node follows the chain as an observer",
          "Nothing, if it is to become one; else set identity.key to the validator's key file.")
      default: fine("identity", place.map { "validator \($0) of \(known.members.count)" } ?? "observer")
      }
    } catch {
      add("identity", .bad, "\(error)", "Set identity.key to a readable key file.")
    }
  }

  private mutating func examineDisk() {
    guard let free = DiskSpace.free(at: node.configuration.node.home) else {
      return add(
        "disk", .bad, "\(node.configuration.node.home) cannot be examined: \(String(cString: strerror(errno)))",
        "Create it with `novation init`, or correct node.home.")
    }
    let text = "\(DiskSpace.text(free)) free"
    if free < DiskSpace.wanted {
      add("disk", free < DiskSpace.least ? .bad : .warning, text, "Free space, or move node.home to a larger disk.")
    } else {
      fine("disk", text)
    }
    for name in Quarantine.contents(of: ledger) {
      add(
        "quarantine", .warning, "\(ledger)/\(name) is a ledger that was found damaged and put aside",
        "Check the disk and the memory of this machine; remove the directory when the node is in sync.")
    }
  }

  /// The newest block, if the ledger is whole.
  private mutating func examineLedger(_ progress: (String) -> Void) -> LedgerHead? {
    do {
      let store = try LMDBStore(
        path: NodeHome.databasePath(ledger: ledger), chain: node.genesis.chain, opening: .existing)
      defer { store.close() }
      let found = try store.verify { done, total in progress("ledger: \(done) of \(total) entries") }
      fine(
        "ledger",
        "\(found.blocks) blocks, \(found.records) records, \(found.transactions) transactions; the state root matches")
      try examineCertificate(store)
      try examineEvents(store, progress)
      return found.head
    } catch let error as StoreError where error.kind == .missing {
      add("ledger", .warning, error.message, "A new node makes it when it starts; else restore a backup.")
    } catch let error as StoreError {
      add("ledger", .bad, error.message, error.advice)
    } catch {
      add("ledger", .bad, "\(error)", "Restore a backup with `novation restore`.")
    }
    return nil
  }

  private mutating func examineCertificate(_ store: LMDBStore) throws {
    guard let head = try store.head(), head.height > node.genesis.base else { return }
    if let fault = try LedgerCertificate.fault(in: store, genesis: node.genesis) {
      return add("certificate", .bad, fault, "Restore a backup with `novation restore`.")
    }
    let signed = try store.latestCertificate().map { ", the group the one at \($0.height)" } ?? ""
    fine("certificate", "a quorum signed the state at height \(head.height)\(signed)")
  }

  /// Each block's events name those before, and the certified state the last ones.
  private mutating func examineEvents(_ store: LMDBStore, _ progress: (String) -> Void) throws {
    guard let head = try store.head()?.height, let first = try store.firstHeight(),
      let state = try store.record(table: SystemTables().blocks.id, key: SystemKey().wireBytes),
      let last = try? WireReader.decode(BlockRecord.self, from: state)
    else { return }
    let advice = "Restore a backup with `novation restore`."
    // The block at which a ledger begins (genesis, or a checkpoint) may have none.
    var height = max(first, node.genesis.base) + 1
    guard height <= head else { return }
    let begin = height
    var known: Digest?
    while height <= head {
      guard let bytes = try store.events(at: height), let link = try? WireReader.decode(BlockEvents.self, from: bytes)
      else { return add("events", .bad, "those of block \(height) are missing or damaged", advice) }
      guard known == nil || link.previous == known else {
        return add("events", .bad, "those of block \(height) do not follow those of the block before", advice)
      }
      known = BlockEvents.hash(of: bytes)
      if height % 4096 == 0 { progress("events: \(height) of \(head) blocks") }
      height += 1
    }
    guard known == last.events else {
      return add("events", .bad, "the state at height \(head) names others than those of the ledger", advice)
    }
    fine("events", "of blocks \(begin) to \(head), each bound to those before; the state names the last")
  }

  private mutating func examineJournal(_ head: LedgerHead?) {
    do {
      let key = try node.loadIdentityFile().file.publicKey
      let path = NodeHome.journalPath(ledger: ledger)
      guard FileAccess.exists(path) else {
        return add(
          "journal", head == nil ? .bad : .warning, "there is none at \(path)",
          head == nil
            ? "Make the node with `novation init`."
            : "Start the node: it votes again when others prove that it is safe. Never copy a journal from elsewhere.")
      }
      let image = try FileAccess.read(path, limit: 1 << 30)
      let contents = try Journal.examine(image: image, owner: NodeHome.journalOwner(key))
      switch contents.condition {
      case .clean: fine("journal", "\(contents.records.count) records")
      case .tornTailCut: fine("journal", "\(contents.records.count) records; the write that a crash cut off is ignored")
      case .damaged(let why):
        add("journal", .warning, why, "Start the node: it votes again when others prove that it is safe.")
      case .missing: add("journal", .warning, "it is empty", "Start the node: it recovers its votes' floor from peers.")
      }
    } catch let error as StoreError {
      add("journal", .bad, error.message, error.advice)
    } catch {
      add("journal", .bad, "\(error)", "Check the file and its owner.")
    }
  }

  private mutating func examineClock(_ head: LedgerHead?) {
    let now = Clock.wall
    guard let head, head.height > 0 else { return fine("clock", ISO8601.format(now)) }
    let last = head.timestamp
    if last > now + Duration64.second {
      add(
        "clock", .bad, "it says \(ISO8601.format(now)), but the newest block is of \(ISO8601.format(last))",
        "Set the clock: a validator whose clock is behind refuses what others propose.")
    } else {
      fine("clock", "\(ISO8601.format(now)); the newest block is of \(ISO8601.format(last))")
    }
  }
}
