// Verification and backup of a ledger.

import Glibc
public import Ledger
public import Primitives

/// What `verify` found to be whole.
public struct LedgerVerification: Hashable, Sendable {
  public var head: LedgerHead?
  public var firstHeight: Height?
  public var blocks = 0
  public var transactions = 0
  public var certificates = 0
  public var records = 0
}

/// How much room a ledger takes, in bytes.
public struct LedgerUsage: Hashable, Sendable {
  /// Of the file.
  public var used: Int
  /// Of the memory map, which grows by itself.
  public var map: Int
  /// How far the map may grow.
  public var maximum: Int
}

extension LMDBStore {
  public func usage() throws(StoreError) -> LedgerUsage {
    let (used, map, maximum) = try environment.usage()
    return LedgerUsage(used: used, map: map, maximum: maximum)
  }

  /// Walks the whole file: every checksum, every block under its height and hash and following the one before, every
  /// transaction in its block, and the state root, recomputed from the records, against the head's.
  ///
  /// Throws `damaged` with the first entry that is wrong. `progress` is called every few thousand entries with the number
  /// done and the number of all.
  public func verify(progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }) throws(StoreError)
    -> LedgerVerification
  {
    try environment.read { (transaction) throws(StoreError) in
      let total = Schema.allCases.reduce(0) { $0 + transaction.count($1) }
      var done = 0
      func step() {
        done += 1
        if done % 4096 == 0 || done == total { progress(done, total) }
      }
      var found = LedgerVerification()
      found.head = try head(in: transaction)
      found.firstHeight = try first(in: transaction)
      for table in [Schema.meta, .notes] {
        try transaction.walk(table) { (_, _) throws(StoreError) in
          step()
          return true
        }
      }
      try verifyBlocks(in: transaction, &found, step)
      try verifyPlaces(in: transaction, &found, step)
      try transaction.walk(.certificates) { (_, _) throws(StoreError) in
        found.certificates += 1
        step()
        return true
      }
      try transaction.walk(.events) { (key, _) throws(StoreError) in
        let height = Height(keyBytes: key)
        guard let first = found.firstHeight, let head = found.head, height >= first, height <= head.height else {
          throw Schema.events.damage(at: key, in: path, "belongs to no block")
        }
        step()
        return true
      }
      try verifyRecords(in: transaction, &found, step)
      return found
    }
  }

  private func verifyBlocks(
    in transaction: Transaction, _ found: inout LedgerVerification, _ step: () -> Void
  ) throws(StoreError) {
    var next = found.firstHeight
    var last: StoredBlock?
    try transaction.walk(.blocks) { (key, _) throws(StoreError) in
      let height = Height(keyBytes: key)
      guard height == next, let block = try block(at: height, in: transaction), block.height == height else {
        throw Schema.blocks.damage(at: key, in: path, "is not the block that belongs there")
      }
      guard try decode(StoredHeight.self, .heights, block.hash.bytes, in: transaction)?.height == height else {
        throw Schema.heights.damage(at: block.hash.bytes, in: path, "does not lead to block \(height)")
      }
      for hash in block.transactions {
        guard isPlace(try place(of: hash, in: transaction), of: hash, in: block, first: found.firstHeight ?? 0) else {
          throw Schema.transactions.damage(at: hash.bytes, in: path, "does not lead to block \(height) or one before")
        }
      }
      next = height &+ 1
      last = block
      found.blocks += 1
      step()
      return true
    }
    guard last.map(LedgerHead.init(of:)) == found.head, transaction.count(.heights) == found.blocks else {
      throw Schema.meta.damage(at: Key.head, in: path, "is not the newest block, or blocks are missing")
    }
  }

  /// A repeated transaction has no place once the block that ordered it first is forgotten, or a later one, if it was
  /// repeated again after that.
  private func isPlace(_ place: TransactionPlace?, of hash: Digest, in block: StoredBlock, first: Height) -> Bool {
    guard let place else { return first > 0 }
    guard place.height == block.height else { return place.height < block.height || first > 0 }
    return Int(place.index) < block.transactions.count && block.transactions[Int(place.index)] == hash
  }

  private func verifyPlaces(
    in transaction: Transaction, _ found: inout LedgerVerification, _ step: () -> Void
  ) throws(StoreError) {
    try transaction.walk(.heights) { (_, _) throws(StoreError) in
      step()
      return true
    }
    try transaction.walk(.transactions) { (key, _) throws(StoreError) in
      guard let hash = Digest(key), let place = try place(of: hash, in: transaction),
        let first = found.firstHeight, let head = found.head, place.height >= first, place.height <= head.height
      else { throw Schema.transactions.damage(at: key, in: path, "leads to no block") }
      found.transactions += 1
      step()
      return true
    }
  }

  private func verifyRecords(
    in transaction: Transaction, _ found: inout LedgerVerification, _ step: () -> Void
  ) throws(StoreError) {
    var tree = StateTree()
    var batch: [RecordChange] = []
    try transaction.walk(.records) { (key, value) throws(StoreError) in
      batch.append(RecordChange(table: TableID(key.first ?? 0), key: Array(key.dropFirst()), value: value))
      if batch.count == 1 << 14 {
        tree.update(batch)
        batch.removeAll(keepingCapacity: true)
      }
      found.records += 1
      step()
      return true
    }
    tree.update(batch)
    guard let head = found.head else { return }
    guard tree.root == head.stateRoot else {
      throw StoreError(
        .damaged,
        "The records in \(path) have the root \(tree.root.hex), but block \(head.height) left \(head.stateRoot.hex).",
        advice: Environment.restoreAdvice)
    }
  }

  /// Writes a compact, consistent copy into a directory, from which a store can be opened; the node may go on meanwhile.
  /// The copy appears whole or not at all.
  public func copy(to directory: String) throws(StoreError) {
    try Self.write(environment, to: directory)
  }

  /// The same of a ledger that may be open in another process, which goes on: neither waits for the other. While the copy
  /// is written the file may grow, since pages that the copy still needs are not used again.
  public static func copy(from source: String, to directory: String) throws(StoreError) {
    let path = source + "/" + fileName
    guard PosixFile.exists(path) else {
      throw StoreError(.missing, "There is no ledger at \(path).", advice: "Check the configuration.")
    }
    // The map may have grown between opening and reading: then it is opened again.
    for attempt in 1... {
      let environment = try Environment(copying: path)
      defer { environment.close() }
      do throws(StoreError) {
        return try write(environment, to: directory)
      } catch {
        guard error == Environment.mapFull, attempt < 10 else { throw error }
      }
    }
  }

  private static func write(_ environment: Environment, to directory: String) throws(StoreError) {
    try PosixFile.makeDirectory(directory)
    let target = directory + "/" + fileName
    guard !PosixFile.exists(target) else {
      throw StoreError(.invalidCommit, "There is a ledger at \(target) already.", advice: "Choose another directory.")
    }
    let temporary = target + ".new"
    PosixFile.remove(temporary)
    let file = try PosixFile.create(temporary)
    do throws(StoreError) {
      try file.withDescriptor { (descriptor) throws(StoreError) in
        try environment.copy(to: descriptor, target)
      }
      try file.synchronise(metadata: true)
      try PosixFile.rename(temporary, to: target)
      try PosixFile.synchroniseDirectory(of: target)
    } catch {
      PosixFile.remove(temporary)
      throw error
    }
  }
}
