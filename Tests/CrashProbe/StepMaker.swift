// Workloads from a seed.

import Ledger
import Primitives
import Sodium
import Storage
import Wire

struct StepMaker {
  static let notes = ["history", "small"]

  private var random: SeededRandom
  private var tree = StateTree()
  private var height: Height = 0

  init(seed: UInt64) { random = SeededRandom(seed: seed).stream(0xd15c) }

  private mutating func below(_ bound: Int) -> Int { Int(random.below(UInt64(bound))) }

  private mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(random.below(256)) } }

  // MARK: - Ledger

  mutating func ledger() -> [Step] {
    var steps: [Step] = []
    for turn in 0..<14 {
      // Now and then a commit that the map has to grow for.
      steps.append(.commit(commit(blocks: 1 + below(2), changes: turn % 5 == 4 ? 150 : below(30))))
      if turn % 6 == 5 { steps.append(.prune(below: height &- 2, limit: 3)) }
      if turn == 7 { steps.append(.reopen) }
    }
    return steps
  }

  private mutating func commit(blocks: Int, changes: Int) -> LedgerCommit {
    var commit = LedgerCommit()
    for _ in 0..<changes {
      let value = below(4) == 0 ? nil : bytes(below(8) == 0 ? 3000 + below(6000) : below(300))
      commit.changes.append(RecordChange(table: TableID(UInt8(below(3))), key: [UInt8(below(200)), 1], value: value))
    }
    tree.update(commit.changes)
    for _ in 0..<blocks {
      let hashes = (0..<below(6)).map { _ in Blake2b.hash(bytes(1)) }
      commit.blocks.append(
        StoredBlock(
          height: height, hash: Blake2b.hash(Array("block \(height)".utf8)), timestamp: Timestamp(height),
          stateRoot: tree.root, proposal: bytes(below(200)), batches: [bytes(below(5000))], certificates: bytes(40),
          transactions: hashes, receipts: hashes.map { Array($0.bytes.prefix(5)) }))
      height += 1
    }
    if below(2) == 0 { commit.certificates = [StoredCertificate(height: height - 1, bytes: bytes(300))] }
    commit.meta = ["history": bytes(70)]
    if below(3) == 0 { commit.meta["small"] = bytes(below(3)) }
    return commit
  }

  // MARK: - Journal

  mutating func journal() -> [Step] {
    var steps: [Step] = []
    for turn in 0..<30 {
      steps.append(.sync((0..<1 + below(3)).map { _ in bytes(recordSize) }))
      if turn == 8 || turn == 20 { steps.append(.sync([bytes(1 << 20)])) }
      if turn % 9 == 4 {
        let kept = (0..<below(4)).map { _ in bytes(recordSize) }
        steps.append(.rewrite(turn % 2 == 0 ? [] : [bytes(recordSize)], keeping: kept))
      }
      if turn == 12 { steps.append(.reopen) }
    }
    return steps
  }

  private var recordSize: Int {
    mutating get {
      switch below(8) {
      case 0: 0
      case 1: 3000 + below(20_000)
      default: 1 + below(900)
      }
    }
  }

  // MARK: - Both

  /// A record that says which height its node had reached.
  private mutating func record(at height: Height) -> [UInt8] { Array(height.bigEndianBytes) + bytes(below(700)) }

  mutating func node() -> [Step] {
    var steps: [Step] = []
    for turn in 0..<12 {
      steps.append(.sync([record(at: height)]))
      steps.append(.sync([record(at: height), record(at: height &+ 1)]))
      // Agreement goes on while the block before is committed.
      steps.append(.commit(commit(blocks: 1, changes: below(30))))
      if turn % 4 == 3 {
        let kept = [record(at: height), record(at: height)]
        steps.append(.rewrite(turn % 8 == 3 ? [record(at: height)] : [], keeping: kept))
      }
      if turn == 6 { steps.append(.reopen) }
    }
    return steps
  }

  /// The greatest height that a record of `node` speaks of; nil without records.
  static func greatestHeight(in records: [[UInt8]]) -> Height? {
    records.map { $0.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } }.max()
  }
}

extension Height {
  fileprivate var bigEndianBytes: [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: self >> (56 - 8 * $0)) } }
}
