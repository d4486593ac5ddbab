import Glibc
import Ledger
import Primitives
import Storage
import Testing

/// Timings, printed and never asserted: `NOVATION_MEASURE=1 swift test -c release --filter Measurements`.
@Suite(.serialized, .enabled(if: getenv("NOVATION_MEASURE") != nil)) struct StorageMeasurements {
  static func measure(_ name: String, times: Int, _ body: (Int) throws -> Void) rethrows {
    var samples: [Int] = []
    for index in 0..<times {
      let start = nanoseconds()
      try body(index)
      samples.append(nanoseconds() - start)
    }
    let mean = samples.reduce(0, +) / times
    samples.sort()
    print(
      "measured: \(name): \(1_000_000_000 / max(1, mean)) a second, p50 \(samples[times / 2] / 1000) us,",
      "p99 \(samples[times * 99 / 100] / 1000) us")
  }

  static func nanoseconds() -> Int {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return now.tv_sec * 1_000_000_000 + now.tv_nsec
  }

  @Test func durableCommits() throws {
    let scratch = Scratch()
    let store = try LMDBStore(path: scratch.path + "/ledger", chain: digest(0))
    var random = SeededRandom(seed: 1)
    try Self.measure("durable commit of a block with 100 records and 50 transactions", times: 2000) { index in
      let changes = (0..<100).map { _ in
        RecordChange(
          table: TableID(1), key: random.below(100_000).bigEndianBytes, value: [UInt8](repeating: 1, count: 100))
      }
      let transactions = (0..<50).map { digest(index * 50 + $0) }
      try store.commit(
        LedgerCommit(
          blocks: [storedBlock(Height(index), transactions: transactions)], changes: changes,
          certificates: [StoredCertificate(height: Height(index), bytes: [UInt8](repeating: 1, count: 300))]))
    }
    try Self.measure("read of a block", times: 20_000) { index in _ = try store.block(at: Height(index % 2000)) }
  }

  @Test func journalSyncs() throws {
    let scratch = Scratch()
    let path = scratch.path + "/journal"
    try Journal.create(path: path, owner: digest(1))
    let journal = try Journal(path: path, owner: digest(1))
    for size in [200, 4000, 65_536] {
      let record = [UInt8](repeating: 3, count: size)
      try Self.measure("journal sync of one record of \(size) bytes", times: 500) { _ in
        journal.append(record)
        try journal.sync()
      }
    }
  }
}
