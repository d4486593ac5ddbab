// What this machine could do at most: the figures that throughput is compared with.

import Glibc
import Ledger
import Primitives
import Sodium
import Storage

public struct MachineLimits: Codable, Sendable {
  public var cores: Int
  /// Ed25519 verifications a second of one thread.
  public var verificationsPerSecond: Double
  /// The same of all cores together.
  public var verificationsPerSecondAllCores: Double
  /// Durable ledger commits of 100 small records a second.
  public var durableCommitsPerSecond: Double

  /// Takes about three seconds. `directory` is on the disk to be measured; what is made there is removed.
  static func measure(in directory: String) async throws -> MachineLimits {
    let cores = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    let single = verifications(seconds: 1)
    let all = await withTaskGroup(of: Double.self) { group in
      for _ in 0..<cores { group.addTask { verifications(seconds: 1) } }
      return await group.reduce(0, +)
    }
    return MachineLimits(
      cores: cores, verificationsPerSecond: single, verificationsPerSecondAllCores: all,
      durableCommitsPerSecond: try commits(in: directory, seconds: 1))
  }

  private static func verifications(seconds: Int64) -> Double {
    let key = SigningKey.generate()
    let message = [UInt8](repeating: 7, count: 200)
    let signature = key.sign(message)
    let start = Clock.monotonic
    var count = 0
    while Clock.monotonic - start < seconds * Duration64.second {
      for _ in 0..<64 where Ed25519.verify(signature, message, by: key.publicKey) { count += 1 }
    }
    return perSecond(count, since: start)
  }

  private static func commits(in directory: String, seconds: Int64) throws -> Double {
    let path = "\(directory)/bench-\(getpid())"
    try FileAccess.makeDirectory(path, mode: 0o700)
    defer {
      for name in FileAccess.names(in: path) { unlink("\(path)/\(name)") }
      rmdir(path)
    }
    let store = try LMDBStore(path: path, chain: .zero, maximumMapSize: 1 << 30)
    var random = SeededRandom(seed: 1)
    let start = Clock.monotonic
    var height: Height = 0
    while Clock.monotonic - start < seconds * Duration64.second {
      let changes = (0..<100).map { _ in
        RecordChange(
          table: TableID(1), key: Digest(words: (random.below(100_000), 0, 0, 0)).bytes,
          value: [UInt8](repeating: UInt8(truncatingIfNeeded: height), count: 48))
      }
      let block = StoredBlock(
        height: height, hash: Digest(words: (0, 0, 0, height)), timestamp: 0, stateRoot: .zero, proposal: [],
        batches: [], certificates: [], transactions: [], receipts: [])
      try store.commit(LedgerCommit(blocks: [block], changes: changes))
      height += 1
    }
    return perSecond(Int(height), since: start)
  }

  private static func perSecond(_ count: Int, since start: Instant) -> Double {
    Double(count) * Double(Duration64.second) / Double(max(1, Clock.monotonic - start))
  }
}

/// Memory and processor time of processes.
enum ProcessFigures {
  /// Resident bytes that no file backs; nil if the process is not there.
  static func anonymousBytes(of pid: Int32) -> Int64? {
    guard let bytes = try? FileAccess.read("/proc/\(pid)/status", limit: 64 << 10) else { return nil }
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") where line.hasPrefix("RssAnon:") {
      return line.split(separator: " ").compactMap { Int64($0) }.first.map { $0 * 1024 }
    }
    return nil
  }

  /// Processor time of this process, in nanoseconds.
  static var ownProcessorTime: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Int64(time.tv_sec) * Duration64.second + Int64(time.tv_nsec)
  }
}
