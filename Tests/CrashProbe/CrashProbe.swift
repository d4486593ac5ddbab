// Opens what a crash can leave of a ledger and a journal, image by image, in a process of its own: one that dies or hangs
// has found something.
//
//   CrashProbe ledger|journal|node SEED FIRST LAST [crash|ignoring-syncs|rot]
//
// prints for each image from FIRST up to LAST "NUMBER begin", then "NUMBER " and an outcome or "broken: " and why. The same
// arguments build the same images. See `Disaster` for the last.

import Glibc

@main enum CrashProbe {
  /// An image that takes longer hangs.
  private static let secondsPerImage: UInt32 = 20

  static func main() {
    let arguments = CommandLine.arguments
    guard arguments.count >= 5, let name = Workload.Name(rawValue: arguments[1]), let seed = UInt64(arguments[2]),
      let first = Int(arguments[3]), let last = Int(arguments[4]), first >= 0, first <= last
    else {
      say("usage: CrashProbe ledger|journal|node SEED FIRST LAST [crash|ignoring-syncs|rot]")
      exit(64)
    }
    let disaster = arguments.dropFirst(5).first.flatMap(Disaster.init(rawValue:)) ?? .crash
    let scratch = FileTree.makeScratch()
    let failed: Bool
    do {
      let campaign = try Campaign(name, seed: seed, root: scratch + "/home", disaster)
      say("points \(campaign.pointCount)")
      failed = run(campaign, first..<last)
    } catch {
      say("the workload itself failed: \(error)")
      failed = true
    }
    FileTree.remove(scratch)
    exit(failed ? 1 : 0)
  }

  /// At once, not when a buffer is full: the next image may be the end of this process.
  private static func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = bytes.withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
  }

  private static func run(_ campaign: Campaign, _ numbers: Range<Int>) -> Bool {
    var failed = false
    for number in numbers {
      say("\(number) begin")
      alarm(secondsPerImage)
      do throws(Broken) {
        say("\(number) \(try campaign.examine(number).rawValue)")
      } catch {
        say("\(number) broken: \(error.why)")
        failed = true
      }
    }
    alarm(0)
    return failed
  }
}
