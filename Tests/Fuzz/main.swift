// Runs one target under libFuzzer; built only with NOVATION_FUZZ=1.
//
//   Fuzz list                      the names of the targets
//   Fuzz seeds NAME DIRECTORY      writes the seeds there
//   Fuzz NAME [libFuzzer options]

import FuzzTargets
import Glibc

/// libFuzzer's entry, for programs with a `main` of their own.
@_silgen_name("LLVMFuzzerRunDriver")
func runDriver(
  _ count: UnsafeMutablePointer<Int32>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ one: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

/// Set once, before the driver runs.
nonisolated(unsafe) var chosen: FuzzTarget?

func write(seeds: [[UInt8]], to directory: String) {
  mkdir(directory, 0o755)
  for (number, seed) in seeds.enumerated() {
    guard let file = fopen("\(directory)/seed-\(number)", "w") else { exit(1) }
    fwrite(seed, 1, seed.count, file)
    fclose(file)
  }
}

let words = CommandLine.arguments.dropFirst()
switch words.first {
case "list": for target in FuzzTarget.all { print(target.name) }
case "seeds" where words.count == 3:
  guard let target = FuzzTarget.named(CommandLine.arguments[2]) else { exit(64) }
  write(seeds: target.seeds(), to: CommandLine.arguments[3])
default:
  chosen = words.first.flatMap(FuzzTarget.named)
  guard chosen != nil else {
    print("usage: Fuzz list | seeds NAME DIRECTORY | NAME [options of libFuzzer]")
    exit(64)
  }
  // The driver sees its own options only.
  var arguments = CommandLine.unsafeArgv + 1
  var count = CommandLine.argc - 1
  exit(
    runDriver(&count, &arguments) { bytes, length in
      chosen?.run(Array(UnsafeBufferPointer(start: bytes, count: length)))
      return 0
    })
}
