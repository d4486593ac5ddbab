import Foundation
import FuzzTargets
import Primitives
import Testing

/// The seeds of every fuzz target and their mutations, without a sanitizer: a trap here ends the run and is the finding.
/// Long runs are `deploy/campaign.sh`.
@Suite struct FuzzTests {
  @Test(arguments: FuzzTarget.all.map(\.name)) func seedsAndTheirMutationsDoNotTrap(name: String) throws {
    let target = try #require(FuzzTarget.named(name))
    var random = SeededRandom(seed: 11)
    let seeds = target.seeds()
    #expect(!seeds.isEmpty)
    for seed in seeds { target.run(seed) }
    target.run([])
    for round in 0..<400 {
      target.run(mutated(seeds[Int(random.below(UInt64(seeds.count)))], round, &random))
    }
  }

  /// Inputs that were found by the fuzzer to break something, kept so that they never do again.
  @Test func whatOnceBrokeATargetDoesNotAgain() throws {
    for (name, input) in Self.found {
      try #require(FuzzTarget.named(name)).run(Array(Data(base64Encoded: input) ?? Data()))
    }
  }

  private static let found: [(String, String)] = []

  private func mutated(_ seed: [UInt8], _ round: Int, _ random: inout SeededRandom) -> [UInt8] {
    var bytes = seed
    guard !bytes.isEmpty else { return [UInt8(truncatingIfNeeded: round)] }
    for _ in 0...random.below(4) {
      let place = Int(random.below(UInt64(bytes.count)))
      switch random.below(5) {
      case 0: bytes[place] = [0, 0xff, 0x7f, 0x80, 1][round % 5]
      case 1: bytes[place] ^= 1 << UInt8(random.below(8))
      case 2: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: place)
      case 3: bytes.remove(at: place)
      default: bytes.append(contentsOf: seed.prefix(Int(random.below(64))))
      }
      if bytes.isEmpty { return bytes }
    }
    return bytes
  }
}
