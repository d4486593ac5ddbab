import Foundation
import Testing

/// Every crash of a recorded workload on the real LMDB and the real journal, as disk images that processes of their own
/// open (see `Tests/CrashProbe`): nothing promised is lost, nothing half-written is taken for whole, nothing dies or
/// hangs. `NOVATION_CAMPAIGN` multiplies the images, by further seeds.
@Suite struct CrashImageTests {
  private static let factor = ProcessInfo.processInfo.environment["NOVATION_CAMPAIGN"].flatMap(Int.init) ?? 1

  @Test(.enabled(if: CrashProbe.isBuilt), arguments: [("ledger", 350), ("journal", 900), ("node", 350)])
  func noCrashLosesAPromiseOrPassesForDamage(workload: String, images: Int) throws {
    var outcomes: [String: Int] = [:]
    for seed in 0..<Self.factor {
      let found = try CrashProbe.run(workload, seed: seed, images: 0..<images)
      #expect(found.broken == [], "CrashProbe \(workload) \(seed) with the image's number and the next shows it again")
      #expect(found.deaths == [])
      outcomes.merge(found.outcomes) { $0 + $1 }
    }
    #expect(outcomes["whole", default: 0] > images / 2 * Self.factor)
    report(workload, outcomes)
  }

  /// Rot is never read as data, and ends no process.
  @Test(.enabled(if: CrashProbe.isBuilt), arguments: ["ledger", "journal"])
  func rotIsNeverTakenForData(workload: String) throws {
    var outcomes: [String: Int] = [:]
    for seed in 0..<Self.factor {
      let found = try CrashProbe.run(workload, seed: seed, images: 0..<200, "rot")
      #expect(found.broken == [])
      #expect(found.deaths == [])
      outcomes.merge(found.outcomes) { $0 + $1 }
    }
    #expect(outcomes["refusedDamage", default: 0] > 20 * Self.factor)
    report("\(workload), rot", outcomes)
  }

  private func report(_ what: String, _ outcomes: [String: Int]) {
    let counts = outcomes.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
    print("images of \(what): \(counts.joined(separator: ", "))")
  }

  /// On a disk that keeps nothing for certain promises break, and that is seen.
  @Test(.enabled(if: CrashProbe.isBuilt), arguments: ["ledger", "journal"])
  func aDiskThatIgnoresSyncsIsCaught(workload: String) throws {
    let found = try CrashProbe.run(workload, seed: 0, images: 350..<700, "ignoring-syncs")
    #expect(found.broken.count > 50)
  }
}

/// The program beside this one that opens images.
enum CrashProbe {
  private static let path = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent().appendingPathComponent("CrashProbe")

  static var isBuilt: Bool { FileManager.default.isExecutableFile(atPath: path.path) }

  struct Found {
    var outcomes: [String: Int] = [:]
    var broken: [String] = []
    /// Images whose process died or was stopped because it hung.
    var deaths: [Int] = []
  }

  static func run(_ workload: String, seed: Int, images: Range<Int>, _ option: String? = nil) throws -> Found {
    var found = Found()
    var next = images.lowerBound
    while next < images.upperBound {
      let lines = try start([workload, "\(seed)", "\(next)", "\(images.upperBound)"] + (option.map { [$0] } ?? []))
      var open: Int?
      for line in lines {
        let words = line.split(separator: " ", maxSplits: 1).map(String.init)
        guard words.count == 2, let number = Int(words[0]) else { continue }
        next = number + 1
        open = words[1] == "begin" ? number : nil
        guard open == nil else { continue }
        if words[1].hasPrefix("broken") {
          found.broken.append("\(workload) \(seed) \(line)")
        } else {
          found.outcomes[words[1], default: 0] += 1
        }
      }
      if let open { found.deaths.append(open) }
      guard lines.contains(where: { $0.hasSuffix("begin") }) else {
        found.broken.append("\(workload) \(seed): \(lines)")
        break
      }
    }
    return found
  }

  private static func start(_ arguments: [String]) throws -> [String] {
    let process = Process()
    process.executableURL = path
    process.arguments = arguments
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    // A dying process must not take seconds to explain itself.
    process.environment = ProcessInfo.processInfo.environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
  }
}
